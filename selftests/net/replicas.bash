# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Two hosts, "left" and "right", of one address and one key behind a router that sends a
# packet to the service here, the next one there. What transfers.bash needs is there.

# shellcheck source=selftests/net/transfers.bash
. "$(dirname "${BASH_SOURCE[0]}")/transfers.bash"

server=10.9.9.9
key=$(od -An -tx1 -N32 /dev/urandom | tr -d ' \n')

to_server()
{
	netem router left "$@"
	netem router right "$@"
}

# client - router = left, right: a packet to the service goes here, the next one there.
two_servers()
{
	local host

	hosts client router left right
	cable client 10.1.1.2/24 router 10.1.1.1/24
	cable left 10.1.2.2/24 router 10.1.2.1/24
	cable right 10.1.3.2/24 router 10.1.3.1/24
	router router
	ip -n "${prefix}client" route add default via 10.1.1.1
	ip -n "${prefix}left" route add default via 10.1.2.1
	ip -n "${prefix}right" route add default via 10.1.3.1
	for host in left right; do
		ip -n "$prefix$host" address add $server/32 dev lo
		at $host sysctl -qw net.trickles.key="$key"
		cut_trains $host router
	done
	cut_trains client router
	ip -n "${prefix}router" route add $server/32 via 10.1.2.2
	ip -n "${prefix}router" rule add fwmark 1 lookup 101
	ip -n "${prefix}router" route add $server/32 via 10.1.3.2 table 101
	at router nft -f - <<-END
		table ip spray {
			chain prerouting {
				type filter hook prerouting priority mangle
				ip daddr $server meta mark set numgen inc mod 2
			}
		}
	END
}

serve()
{
	httpd "$1" "$folder" -r
	echod "$1"
}
