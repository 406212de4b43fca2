#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A Trickles socket behaves as a TCP socket does. The cases are in sockets.py.
# vm: --timeout 1200

# shellcheck source=selftests/net/lib.sh
. "$(dirname "$0")/lib.sh"

load
two_hosts
echod server

planned=0 # sockets.py says how many
"$net/sockets.py" "${prefix}"{server,client}
