#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Floods of requests, right and forged, and of SYNs: an event queue is shared out among its clients'
# addresses, and who asks for little gets it. The cases are in gate.py.
# vm: --timeout 900

# shellcheck source=selftests/net/lib.sh
. "$(dirname "$0")/lib.sh"

secret=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef

load
hosts client server attacker
cable client 10.1.1.2/24 server 10.1.1.1/24
cable attacker 10.1.3.2/24 server 10.1.3.1/24
ip -n "${prefix}attacker" route add default via 10.1.3.1
# Floods come from many addresses, of which the attacker's kernel knows nothing: no host answers.
ip -n "${prefix}server" route add 10.3.0.0/16 via 10.1.3.2
at server sysctl -qw net.trickles.key=$secret

planned=0 # gate.py says how many
"$net/gate.py" "${prefix}"{server,client,attacker} "$built" $secret "$("$net/label.py" 0)"
