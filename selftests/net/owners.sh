#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What a server of one owner seals is worth nothing at a server of another. The cases are in
# owners.py.
# vm: --timeout 600

# shellcheck source=selftests/net/lib.sh
. "$(dirname "$0")/lib.sh"

load
two_hosts
folder=$work/files
mkdir "$folder"
# For every user.
chmod 755 "$work"
"$built/xfer" files "$folder" 1000 100000
printf 'one secret of ours' >"$work/secret"

planned=0 # owners.py says how many
"$net/owners.py" "${prefix}"{server,client} "$folder" "$tools/trickles-httpd" "$work/secret"
