#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Paths that carry only small packets, with ICMP errors and without, through a strict connection
# tracker: streams go on, nothing travels in fragments, and strangers cannot make packets small.
# vm: --timeout 1200

# shellcheck source=selftests/net/lib.sh
. "$(dirname "$0")/lib.sh"

folder=$work/files
server=10.1.2.2
client=10.1.1.2
smallest=no

# client - left - right - server, of which the middle becomes narrow
far_hosts()
{
	hosts client left right server
	cable client $client/24 left 10.1.1.1/24
	cable left 10.1.9.1/24 right 10.1.9.2/24
	cable server $server/24 right 10.1.2.1/24
	ip -n "${prefix}client" route add default via 10.1.1.1
	ip -n "${prefix}server" route add default via 10.1.2.1
	ip -n "${prefix}left" route add 10.1.2.0/24 via 10.1.9.2
	ip -n "${prefix}right" route add 10.1.1.0/24 via 10.1.9.1
	router left
	router right
	netem server right delay 10ms limit 10000
	# As real networks do, with as many as there are packets.
	at left sysctl -qw net.ipv4.icmp_ratelimit=0
	at right sysctl -qw net.ipv4.icmp_ratelimit=0
	for host in left right; do
		at $host nft -f - <<-END
			table ip silence {
				chain output {
					type filter hook output priority 0; policy accept;
				}
			}
		END
	done
}

# Counts from 0. Fragments are counted before the tracker puts them together.
watch()
{
	at left nft -f - <<-END
		table ip watch
		delete table ip watch
		table ip watch {
			chain early {
				type filter hook prerouting priority -450;
				ip frag-off & 0x3fff != 0 counter comment "fragments"
				ip protocol tcp ip frag-off & 0x4000 == 0 counter comment "divisible"
				ip frag-off & 0x4000 == 0 ip saddr $client tcp flags & syn == 0 counter \
					comment "requests that may be cut"
			}
			chain forward {
				type filter hook forward priority 0;
				ct state invalid counter drop comment "invalid"
			}
		}
	END
}

middle()
{
	ip -n "${prefix}left" link set right mtu "$1"
	ip -n "${prefix}right" link set left mtu "$1"
}

# icmp yes|no: whether routers tell what does not fit
icmp()
{
	local host

	for host in left right; do
		at $host nft flush chain ip silence output
		[ "$1" = yes ] || at $host nft add rule ip silence output \
			icmp type destination-unreachable icmp code 4 drop
	done
}

forget_pmtu()
{
	ip -n "${prefix}client" route flush cache
	ip -n "${prefix}server" route flush cache
}

mtu_at()
{
	ip -n "$prefix$1" route get "$2" | sed -n 's/.* mtu \(lock \)\?\([0-9]*\).*/\2/p'
}

packets()
{
	at left nft list table ip watch | sed -n "s/.*packets \([0-9]*\).*\"$1\".*/\1/p"
}

# Only the smallest packets may be cut into fragments; here they need not be.
nothing_strange()
{
	[ "$(packets fragments)" = 0 ] || fail "$(packets fragments) fragments"
	[ "$smallest" = yes ] || [ "$(packets divisible)" = 0 ] ||
		fail "$(packets divisible) packets that may be cut"
	[ "$(packets invalid)" = 0 ] || fail "$(packets invalid) packets of no connection"
}

# narrow ICMP MTU XFER...: a path that is narrow from the beginning
narrow()
{
	forget_pmtu
	watch
	[ "$2" != 556 ] || smallest=yes
	icmp "$1"
	middle "$2"
	mark client server
	at client "$built/xfer" "${@:3}"
	middle 1500
	expect client Fallbacks -eq 0
	expect client BytesRcvd -gt 0
	expect client Narrowed -gt 0
	nothing_strange
}

download()
{
	narrow "$1" "$2" get $server 80 1000000
	# What a server is told it cannot tell from a forgery.
	[ -z "$(mtu_at server $client)" ] || fail "the server believes $(mtu_at server $client)"
}

upload()
{
	narrow "$1" "$2" echo $server 7 100000
}

# cut ICMP: below what the smallest packets need. They go in fragments, when nothing else has helped.
cut()
{
	forget_pmtu
	watch
	icmp "$1"
	middle 400
	mark client server
	at client "$built/xfer" get $server 80 100000
	at client "$built/xfer" echo $server 7 20000
	middle 1500
	expect client Fallbacks -eq 0
	expect client BytesRcvd -ge 120000
	[ "$(packets fragments)" -gt 0 ] || fail "no fragment: how did it get through?"
	[ "$(packets invalid)" = 0 ] || fail "$(packets invalid) packets of no connection"
}

cut_learns()
{
	cut yes
	[ "$(mtu_at client $server)" = 556 ] || fail "the client has learned $(mtu_at client $server)"
}

discover()
{
	at server selftests/net/discover.py "$(cat "$work/httpd-server.pid")" "$1"
}

# The application of a server that listens already lets packets be cut. So there is nothing to be
# found out: requests fit, and answers arrive in fragments.
listener_dont()
{
	discover dont
	forget_pmtu
	watch
	icmp no
	middle 1300
	mark client
	at client "$built/xfer" get $server 80 100000
	middle 1500
	expect client Narrowed -eq 0
	[ "$(packets fragments)" -gt 0 ] || fail "no packet was cut"
}

# Whatever its application chooses, a listener believes nothing that strangers say of the path.
listener_is_deaf()
{
	local which

	for which in dont "do" want; do
		discover $which
		icmp yes
		forge_echo
		wait_for 20 route_is_narrow
		mark client server
		at client "$built/xfer" get $server 80 1000000
		expect server TooLarge -eq 0
		expect server ResponsesSent -le 900
		expect client Narrowed -eq 0
		forget_pmtu
	done
}

route_is_narrow()
{
	[ -n "$(mtu_at server $client)" ]
}

# An application that probes paths itself: its requests are never cut, and no error tells it the
# path's MTU.
client_probes()
{
	forget_pmtu
	watch
	icmp yes
	middle 1300
	mark client
	at client "$built/xfer" -d 3 echo $server 7 100000
	middle 1500
	expect client BytesRcvd -eq 100000
	expect client Fallbacks -eq 0
	expect client Narrowed -gt 0
	expect client TooLarge -eq 0
	[ "$(packets fragments)" = 0 ] || fail "$(packets fragments) fragments"
	[ "$(packets "requests that may be cut")" = 0 ] || fail "the application's wish is not obeyed"
}

upload_learns()
{
	upload yes 1000
	[ "$(mtu_at client $server)" = 1000 ] || fail "the client has not learned the path's MTU"
}

# meanwhile COMMAND...: in mid-transfer
meanwhile()
{
	forget_pmtu
	watch
	middle 1500
	mark client server
	netem server right delay 10ms rate 6mbit limit 10000
	at client "$built/xfer" get $server 80 4000000 >"$work/xfer" 2>&1 &
	wait_for 100 becomes client BytesRcvd -gt 300000
	"$@"
	wait $! || fail "$(cat "$work/xfer")"
	netem server right delay 10ms limit 10000
	expect client BytesRcvd -ge 4000000
	expect client Fallbacks -eq 0
	nothing_strange
}

becomes_narrow()
{
	icmp "$1"
	meanwhile middle 1300
	middle 1500
	expect client Narrowed -ge 1
}

narrow_route()
{
	ip -n "${prefix}server" route replace default via 10.1.2.1 mtu 1000
}

server_knows()
{
	meanwhile narrow_route
	ip -n "${prefix}server" route replace default via 10.1.2.1
	expect server TooLarge -gt 0
	# The first timeout has learnt it: there was nothing to find out.
	expect client Narrowed -eq 0
}

# Errors about the connection, a hundred to each end, that quote what was not sent.  The MTU is one
# that a client's requests exceed.
# shellcheck disable=SC2016 # awk's own dollars
forge()
{
	at left python3 - "$(at client awk '$3 ~ /:0050$/ && $4 == "02" {
		split($2, a, ":"); print a[2] }' /proc/net/tcp)" $client $server <<-'END'
		import socket, struct, sys
		sys.path.insert(0, "selftests/net")
		import trk
		port = int(sys.argv[1].split()[0], 16)
		ends = ((sys.argv[2], port), (sys.argv[3], 80))
		raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
		for (to, sport), (peer, dport) in (ends, ends[::-1]):
		    for seq in range(0, 2**32, 2**32 // 100):
		        quote = struct.pack("!BBHHHBBH4s4sHHI", 0x45, 0, 1500, 1, 0x4000, 64, 6, 0,
		                            socket.inet_aton(to), socket.inet_aton(peer),
		                            sport, dport, seq)
		        body = struct.pack("!BBHHH", 3, 4, 0, 0, 100) + quote
		        body = body[:2] + struct.pack("!H", trk.checksum(body)) + body[4:]
		        head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 0, 0, 0, 64, 1, 0,
		                           socket.inet_aton("10.1.9.9"), socket.inet_aton(to))
		        raw.sendto(head + body, (to, 0))
	END
}

# An error about an echo reply, of which the kernel itself cannot tell that it is forged, and so
# takes it for what the route carries.  Below 552 it would also let packets be cut.
forge_echo()
{
	at left python3 - $server $client <<-'END'
		import socket, struct, sys
		sys.path.insert(0, "selftests/net")
		import trk
		server, client = (socket.inet_aton(a) for a in sys.argv[1:3])
		raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
		for mtu in 600, 500:
		    quote = struct.pack("!BBHHHBBH4s4sBBHHH", 0x45, 0, 1500, 1, 0x4000, 64, 1, 0,
		                        server, client, 0, 0, 0, 1, 1)
		    body = struct.pack("!BBHHH", 3, 4, 0, 0, mtu) + quote
		    body = body[:2] + struct.pack("!H", trk.checksum(body)) + body[4:]
		    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 0, 0, 0, 64, 1, 0,
		                       socket.inet_aton("10.1.9.9"), server)
		    raw.sendto(head + body, (sys.argv[1], 0))
	END
}

strangers_echo()
{
	icmp yes
	meanwhile forge_echo
	[ -n "$(mtu_at server $client)" ] || fail "the kernel has not believed it"
	expect server TooLarge -eq 0
	expect client Narrowed -eq 0
	# The route is believed to be narrow when this one begins.
	watch
	mark client server
	at client "$built/xfer" get $server 80 1000000
	expect server TooLarge -eq 0
	nothing_strange
	# In smallest packets it would be over 2000.
	expect server ResponsesSent -le 900
	forget_pmtu
}

strangers()
{
	icmp yes
	meanwhile forge
	expect client DropQuote -ge 99
	expect client Narrowed -eq 0
	expect client TooLarge -eq 0
	expect server TooLarge -eq 0
	[ -z "$(mtu_at server $client)$(mtu_at client $server)" ] || fail "a forgery was believed"
}

load
plan 16
cd "$top"
far_hosts
mkdir "$folder"
"$built/xfer" files "$folder" 100000 1000000 4000000
httpd server "$folder"
echod server
check "download, routers tell the server in vain" download yes 1300
check "download, nobody tells" download no 1300
check "download by the smallest packets" download no 556
check "upload, routers tell the client" upload_learns
check "upload, nobody tells" upload no 1300
check "upload by the smallest packets" upload no 556
check "the smallest packets are too large, nobody tells" cut no
check "the smallest packets are too large, routers tell" cut_learns
check "an application finds out itself" client_probes
check "a listener's packets may be cut" listener_dont
check "whatever it chooses, no listener believes errors" listener_is_deaf
check "a download's path becomes narrow" becomes_narrow yes
check "a download's path becomes narrow, nobody tells" becomes_narrow no
check "a server's own route becomes narrow" server_knows
check "strangers cannot make packets small" strangers
check "an error about an echo reply cannot either" strangers_echo
