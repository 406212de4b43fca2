#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What ICMP says of segments: a path that takes only small ones is learned, a route that
# is gone for a moment harms no connection.
# vm: --timeout 900

# shellcheck source=selftests/net/lib.sh
. "$(dirname "$0")/lib.sh"

folder=$work/files
server=10.1.2.2

# client - left - right - server, of which the middle takes 1000 bytes at a time
narrow_hosts()
{
	hosts client left right server
	cable client 10.1.1.2/24 left 10.1.1.1/24
	cable left 10.1.9.1/24 right 10.1.9.2/24
	cable server 10.1.2.2/24 right 10.1.2.1/24
	ip -n "${prefix}left" link set right mtu 1000
	ip -n "${prefix}right" link set left mtu 1000
	ip -n "${prefix}client" route add default via 10.1.1.1
	ip -n "${prefix}server" route add default via 10.1.2.1
	ip -n "${prefix}left" route add 10.1.2.0/24 via 10.1.9.2
	ip -n "${prefix}right" route add 10.1.1.0/24 via 10.1.9.1
	router left
	router right
	# As real networks do, with as many as there are packets.
	at left sysctl -qw net.ipv4.icmp_ratelimit=0
	at right sysctl -qw net.ipv4.icmp_ratelimit=0
}

forget_pmtu()
{
	ip -n "${prefix}client" route flush cache
	ip -n "${prefix}server" route flush cache
}

knows_pmtu()
{
	ip -n "$prefix$1" route get "$2" | grep "mtu 1000" >/dev/null ||
		fail "$1 did not learn the MTU of the path to $2"
}

narrow()
{
	forget_pmtu
	mark client
	at client "$built/xfer" "$@"
	expect client Fallbacks -eq 0
	expect client BytesRcvd -gt 0
}

download()
{
	narrow get $server 80 1000000
	knows_pmtu server 10.1.1.2
}

upload()
{
	narrow echo $server 7 200000
	knows_pmtu client $server
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
plan 5
narrow_hosts
mkdir "$folder"
"$built/xfer" files "$folder" 1000000
httpd server "$folder"
echod server
check "download through a narrow link" download
check "upload through a narrow link" upload
ip -n "${prefix}left" link set right mtu 1500
ip -n "${prefix}right" link set left mtu 1500
for error in host-unreachable net-unreachable admin-prohibited; do
	check "a connection that hears $error" survives $error
done
