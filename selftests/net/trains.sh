#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What a client holds of trains that a hostile server, or somebody on the way, has made: no more
# than its socket is charged for. The cases are in trains.py.
# vm: --timeout 900

# shellcheck source=selftests/net/lib.sh
. "$(dirname "$0")/lib.sh"

load
# All that passes between client and server goes through trains.py: the router itself has no
# forwarding.
hosts client router server
cable client 10.1.1.2/24 router 10.1.1.1/24
cable server 10.1.2.2/24 router 10.1.2.1/24
ip -n "${prefix}client" route add default via 10.1.1.1
ip -n "${prefix}server" route add default via 10.1.2.1
folder=$work/files
mkdir "$folder"
"$built/xfer" files "$folder" 100000 4000000
httpd server "$folder"

planned=0 # trains.py says how many
"$net/trains.py" "${prefix}"{client,router} "$folder"
