#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Keys change: connections outlive it, as long as the old ones are held. The cases are in keys.py.
# vm: --timeout 1200

# shellcheck source=selftests/net/lib.sh
. "$(dirname "$0")/lib.sh"

load
two_hosts
# A queue that is short beside the time between two changes.
both=(rate 8mbit delay 5ms limit 60)
netem client server "${both[@]}"
netem server client "${both[@]}"
# Everything has the size of a packet, so that the rate is felt.
cut_trains client server
cut_trains server client
folder=$work/files
mkdir "$folder"
"$built/xfer" files "$folder" 1000 4000000
httpd server "$folder"
echod server

planned=0 # keys.py says how many
"$net/keys.py" "${prefix}"{server,client} "$folder"
