#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Attacks of third parties that only a kernel can show: amplification counted in bytes,
# floods, answers forged in the midst of a download. The cases are in attacks.py.
# vm: --timeout 1200

# shellcheck source=selftests/net/lib.sh
. "$(dirname "$0")/lib.sh"

folder=$work/files

load
hosts client server attacker
cable client 10.1.1.2/24 server 10.1.1.1/24
cable attacker 10.1.3.2/24 server 10.1.3.1/24
ip -n "${prefix}attacker" route add default via 10.1.3.1
# The attacker's kernel knows nothing of its connections and must not answer.
at attacker nft -f - <<-END
	table ip quiet {
		chain input {
			type filter hook input priority filter
			meta l4proto tcp drop
		}
	}
END
# What the client asks for it expects for so long before the server has even heard of it.
netem client server delay 200ms
mkdir "$folder"
"$built/xfer" files "$folder" 1000000 20000000
httpd server "$folder"

planned=0 # attacks.py says how many
"$net/attacks.py" "${prefix}"{server,client,attacker} "$folder"
