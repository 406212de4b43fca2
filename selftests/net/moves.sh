#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Streams go on when the way changes behind the client's back: a NAT gives it another
# address, a firewall forgets the connection, the host gets another address.
# vm: --timeout 1200

# shellcheck source=selftests/net/lib.sh
. "$(dirname "$0")/lib.sh"

server=10.1.2.2
size=6000000

# nat ADDRESS: of the client, as the server sees it
nat()
{
	at router nft -f - <<-END
		flush ruleset
		table ip nat {
			chain there {
				type filter hook forward priority 0
				ip saddr 10.1.1.2 ip saddr set $1
			}
			chain back {
				type filter hook prerouting priority raw
				ip daddr $1 ip daddr set 10.1.1.2
			}
		}
	END
}

# A firewall as many are: a connection begins with a SYN, and is forgotten after two seconds.
firewall()
{
	at router nft -f - <<-END
		flush ruleset
		table ip firewall {
			chain forward {
				type filter hook forward priority 0; policy drop
				ct state established accept
				tcp flags & (fin | syn | rst | ack) == syn ct state new accept
			}
		}
	END
	at router sysctl -qw net.netfilter.nf_conntrack_tcp_timeout_established=2
	at router sysctl -qw net.netfilter.nf_conntrack_tcp_timeout_unacknowledged=2
}

no_rules()
{
	at router nft flush ruleset
}

get()
{
	at client "$built/xfer" -r get $server 80 $size
}

# begun BYTES: the client has got so much
begun()
{
	[ "$(delta client BytesRcvd)" -gt "$1" ]
}

# amid_get BEFORE COMMAND...: when a part of a file has come, for which BEFORE, a command and a
# word, sets all up. All again if most of the file was there when the command was done.
amid_get()
{
	local before pid i late

	read -r -a before <<<"$1"
	shift
	for ((i = 0; i < 20; i++)); do
		"${before[@]}"
		mark client server
		get &
		pid=$!
		wait_for 200 begun 500000
		"$@"
		late=false
		! begun $((size - 1000000)) || late=true
		wait $pid || fail "the transfer failed"
		expect client Connects -eq 1
		expect client Fallbacks -eq 0
		$late || return 0
	done
	fail "too late"
}

moved()
{
	at server sysctl -qw net.trickles.moves=1
	amid_get "nat 10.5.0.1" nat 10.5.0.2
	expect server Moves -gt 0
	expect server DropMoved -eq 0
}

# counted COUNTER: by the server; or all of the file is there
counted()
{
	[ "$(delta server "$1")" -gt 0 ] || begun $size
}

and_again()
{
	nat 10.5.0.2
	wait_for 200 counted Moves
	nat 10.5.0.3
}

moved_twice()
{
	at server sysctl -qw net.trickles.moves=1
	amid_get "nat 10.5.0.1" and_again
	expect server Moves -gt 1
}

there_and_back()
{
	nat 10.5.0.2
	wait_for 200 counted DropMoved
	nat 10.5.0.1
}

# The server refuses, and tells why; the connection is there still when the address is.
not_moved()
{
	at server sysctl -qw net.trickles.moves=0
	amid_get "nat 10.5.0.1" there_and_back
	expect server Moves -eq 0
}

# The client is idle for longer than the firewall remembers it, and asks again.
forgotten()
{
	at server sysctl -qw net.trickles.moves=0
	firewall
	mark client server
	at client "$tools/trickles-run" python3 - <<-END
		import http.client, time
		c = http.client.HTTPConnection("$server", 80, timeout=250)
		for pause in 4, 0:
		    c.request("GET", "/3000")
		    assert len(c.getresponse().read()) == 3000
		    time.sleep(pause)
	END
	expect client Connects -eq 1
	expect client Fallbacks -eq 0
	expect server SynRcvd -gt 1
	expect server Moves -eq 0
}

readdress()
{
	ip -n "${prefix}client" address flush dev router
	ip -n "${prefix}client" address add "$1/24" dev router
	ip -n "${prefix}client" route add default via 10.1.1.1
	# Without its last address the device has forgotten all neighbours.
	neighbour client router 10.1.1.1 "$(lladdr 10.1.1.1)"
	neighbour router client "$1" "$(lladdr 10.1.1.2)"
}

# The host's own address: as TCP does for a SYN, if it is told to.
another_address()
{
	at server sysctl -qw net.trickles.moves=1
	at client sysctl -qw net.ipv4.ip_dynaddr=1 net.trickles.moves=1
	no_rules
	amid_get "readdress 10.1.1.2" readdress 10.1.1.3
	expect server Moves -gt 0
}

load
three_hosts
netem router client rate 8mbit delay 5ms limit 50
mkdir "$work/files"
"$built/xfer" files "$work/files" $size 3000
httpd server "$work/files"
plan 5
check "a NAT gives another address" moved
check "and another one" moved_twice
check "it does, but the server does not allow it" not_moved
check "a firewall forgets the connection" forgotten
check "the client's host gets another address" another_address
