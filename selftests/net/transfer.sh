#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Transfers in both directions, of sizes around packet boundaries and large ones,
# under loss, reordering, duplication and corruption.
# vm: --timeout 1100

# shellcheck source=selftests/net/transfers.bash
. "$(dirname "$0")/transfers.bash"

server=10.1.2.2

to_server()
{
	netem router server "$@"
}

# Trains pass whole here, as they do over a real card with offloads.
trains()
{
	mark server
	both_ways
	at server ethtool -K router tso on gso on
	by_trickles at client "$built/xfer" -t 300 get "$server" 80 100000000
	expect server BytesSent -ge 100000000
	expect server DropMac -eq 0
	expect server DropProof -eq 0
	cut_trains server router
}

# Which packets are hit, and where, is left to chance: until both hosts have seen one.
corrupted()
{
	local seen=0 i host

	for ((i = 0; i < 20 && seen < 2; i++)); do
		# shellcheck disable=SC2086 # words
		here_and_there $corruption
		seen=0
		for host in client server; do
			[ "$(counter $host DropChecksum)" = 0 ] || seen=$((seen + 1))
		done
	done
	[ $seen = 2 ] || fail "no corrupted packet was counted by $((2 - seen)) of the hosts"
}

# Requests repeat each other, and nothing is answered twice.
redundantly()
{
	at client sysctl -qw net.trickles.redundant_requests=1
	mark server
	fetch curl 8000000
	expect client RequestsRepeated -ge 500
	expect server BytesSent -le 12000000
	at client sysctl -qw net.trickles.redundant_requests=0
}

# holes PASS COUNT: of the input, behind so many packets, every second one of so many is lost
holes()
{
	at router nft -f - <<-EOT
		table ip holes {
			chain forward {
				type filter hook forward priority 0
				ip daddr $server tcp dport 7 ip length > 1000 jump input
			}
			chain input {
				numgen inc mod 1000000 < $1 accept
				numgen inc mod 1000000 >= $2 accept
				numgen inc mod 2 < 1 counter drop
			}
		}
	EOT
}

# More holes in one window than a client has places to note what lies between them
# (TRK_RANGES_MAX): these packets are lost one by one. An upload hung here when such notes could
# be dropped. What finds no place is sent again though it was answered, and comes back twice.
holes_upward()
{
	both_ways delay 100ms
	holes 600 300
	upload 3000000
	expect client BytesRcvd -gt 3080000
	at router nft list table ip holes
	[ "$(at router nft list table ip holes | sed -n 's/.*packets \([0-9]*\) .*/\1/p')" = 150 ] ||
		fail "not 150 packets were lost"
	at router nft delete table ip holes
	both_ways
}

# SYNs that the client has sent again
syns_again()
{
	at client cat /proc/net/netstat | awk '
		/^TcpExt:/ && !n { n = split($0, name); next }
		/^TcpExt:/ { for (i = 2; i <= n; i++) if (name[i] == "TCPSynRetrans") print $i }'
}

# lost_syns BEFORE NUMBER PROCESS: so many more, or it has given up
lost_syns()
{
	[ $(($(syns_again) - $1)) -ge "$2" ] || is_gone "$3"
}

# Nothing arrives, for longer than a host waits for its neighbours, while a connection is to be
# opened. What hosts learned of their neighbours from earlier packets they may have forgotten.
in_the_dark()
{
	local pid before host

	both_ways loss 100%
	for host in client router server; do
		ip -n "$prefix$host" neighbour flush all
	done
	before=$(syns_again)
	download 0 100000 &
	pid=$!
	# The third one goes out after seven seconds. There are two connections.
	wait_for 120 lost_syns "$before" 6 $pid
	both_ways
	wait $pid || fail "the transfer failed"
}

# nstat reads the counters as they are: each by its name, with the value that it has.
nstat_reads()
{
	local name value known=0

	while read -r name value _; do
		[[ $name = Trickles* ]] || continue
		[ "$value" = "$(counter client "${name#Trickles}")" ] || fail "$name is not $value"
		known=$((known + 1))
	done < <(PROC_NET_NETSTAT=/proc/net/trickles at client nstat -asz)
	[ $known = $(($(at client head -n 1 /proc/net/trickles | wc -w) - 1)) ] ||
		fail "nstat knows $known counters"
}

load
plan 16
three_hosts
# A lost SYN is no reason to turn to TCP here.
at client sysctl -qw net.trickles.marked_syns=16
make_files
httpd server "$folder"
echod server

# shellcheck disable=SC2086 # words
{
	check "download of sizes around packet boundaries" download $get_sizes
	check "upload and echo of sizes around packet boundaries" upload $echo_sizes
	check "many files over one connection" pipelined $few_sizes
	check "100 MB in whole trains" trains
	check "upload and echo with 150 holes in a window" holes_upward
	check "under loss" here_and_there $loss
	check "under reordering" here_and_there $reordering
	check "under duplication" here_and_there $duplication
	check "under corruption" corrupted
	check "begun while nothing arrives" in_the_dark
	check "under all of it" here_and_there delay 4ms 3ms loss 2% duplicate 3% corrupt 1%
	both_ways $loss
	check "many files over one connection under loss" pipelined $few_sizes
	both_ways delay 3ms loss 1%
	check "curl: 8 MB under loss" fetch curl 8000000
	check "wget: 8 MB under loss" fetch wget 8000000
	check "curl: 8 MB under loss, with redundant requests" redundantly
}
check "nstat reads the counters" nstat_reads
