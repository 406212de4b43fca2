#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What ICMP says of segments: a route that is gone for a moment harms no connection.  What it
# says of paths that are narrow is in narrow.sh.
# vm: --timeout 900

# shellcheck source=selftests/net/lib.sh
. "$(dirname "$0")/lib.sh"

folder=$work/files
server=10.1.2.2

# client - left - server
far_hosts()
{
	hosts client left server
	cable client 10.1.1.2/24 left 10.1.1.1/24
	cable server $server/24 left 10.1.2.1/24
	ip -n "${prefix}client" route add default via 10.1.1.1
	ip -n "${prefix}server" route add default via 10.1.2.1
	router left
	at left sysctl -qw net.ipv4.icmp_ratelimit=0
}

# An error for the first packet with data.
rejects_first()
{
	at left nft -f - <<-END
		table ip errors {
			chain forward {
				type filter hook forward priority 0;
				ip daddr $server ip length > 100 limit rate 1/day burst 1 packets \\
					reject with icmp type $1
			}
		}
	END
}

survives()
{
	rejects_first "$1"
	mark client
	at client "$built/xfer" get $server 80 1000000
	at left nft delete table ip errors
	expect client Connects -eq 1
	expect client DropIcmp -gt 0
}

load
plan 3
far_hosts
mkdir "$folder"
"$built/xfer" files "$folder" 1000000
httpd server "$folder"
for error in host-unreachable net-unreachable admin-prohibited; do
	check "a connection that hears $error" survives $error
done
