#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The rules that a host has for TCP hold for Trickles as well. The cases are in rules.py.
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

planned=0 # rules.py says how many
"$net/rules.py" "${prefix}"{server,client} "$folder" "$tools/trickles-httpd"
