#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Malformed, forged, truncated, oversized and replayed packets: dropped, each counted
# under its reason, and nobody else suffers. The cases are in hostile.py.
# vm: --timeout 1200

# shellcheck source=selftests/net/lib.sh
. "$(dirname "$0")/lib.sh"

folder=$work/files

load
hosts client server attacker bystander
cable client 10.1.1.2/24 server 10.1.1.1/24
cable attacker 10.1.3.2/24 server 10.1.3.1/24
cable bystander 10.1.4.2/24 server 10.1.4.1/24
ip -n "${prefix}bystander" route add default via 10.1.4.1
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
mkdir "$folder"
"$built/xfer" files "$folder" 1000000
httpd server "$folder"

planned=0 # hostile.py says how many
"$net/hostile.py" "${prefix}"{server,client,attacker,bystander} "$folder" "$built/xfer"
