#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# 10,000 open idle connections cost the server's kernel nothing, and afterwards each of
# them still fetches a file. The clients live in user space (rawclients), so that no
# socket of theirs counts.
# vm: --timeout 1500

# shellcheck source=selftests/net/lib.sh
. "$(dirname "$0")/lib.sh"

folder=$work/files
connections=10000
# A server with 100 bytes for a connection would need more than this.
noise=1000

# Kilobytes that the kernel holds, but for what any process and the page cache needs.
kernel_memory()
{
	awk '/^(SUnreclaim|VmallocUsed|Percpu):/ { kb += $2 } END { print kb }' /proc/meminfo
}

# The least of some measurements, until some in a row are no less: what else goes on in the
# machine only adds, and what was freed is there until the end of a grace period.
settled_memory()
{
	local i=0 now least

	least=$(kernel_memory)
	while [ $i -lt 15 ]; do
		sleep 0.2
		now=$(kernel_memory)
		i=$((i + 1))
		if [ "$now" -lt "$least" ]; then
			least=$now i=0
		fi
	done
	echo "$least"
}

# What the namespace's transport knows of connections: sockets, and those that wait.
sockets()
{
	at server cat /proc/net/sockstat | grep -E '^(TCP|sockets)'
	at server cat /proc/net/tcp | wc -l
	awk '$1 ~ /^(tw_sock_TCP|request_sock_TCP|TCP|TRICKLES)$/ { print $1, $2 }' /proc/slabinfo
}

no_more_than()
{
	[ "$1" -le "$2" ] || fail "$1 kB more, which is more than $2"
}

# The measure sees connections where there are some: 500 of TCP.
sees_tcp()
{
	local before after

	before=$(settled_memory)
	at server python3 -c '
import socket, sys
s = socket.create_server(("127.0.0.1", 9), backlog=600)
held = [(socket.create_connection(("127.0.0.1", 9)), s.accept()) for _ in range(500)]
print("open", flush=True)
sys.stdin.read()
' <"$work/tcp-stop" >"$work/tcp.log" &
	exec 5>"$work/tcp-stop"
	wait_for 200 grep -q open "$work/tcp.log"
	after=$(settled_memory)
	exec 5>&-
	wait
	echo "# 500 connections of TCP, both ends: $((after - before)) kB"
	[ $((after - before)) -gt $noise ]
}

opens()
{
	wait_for 600 grep -qE "^open|^rawclients" "$work/rawclients.log"
	grep -x "open $connections" "$work/rawclients.log" || fail "$(cat "$work/rawclients.log")"
}

fetches()
{
	mark server
	echo go on >&4
	wait_for 600 grep -qE "^fetched|^rawclients" "$work/rawclients.log"
	grep -x "fetched $connections" "$work/rawclients.log" || fail "$(cat "$work/rawclients.log")"
	expect server SynRcvd -eq 0
	expect server Answers -ge $connections
}

load
plan 6
two_hosts
# The client's kernel must not answer for connections that it does not know.
at client nft -f - <<-END
	table ip quiet {
		chain input {
			type filter hook input priority filter
			meta l4proto tcp drop
		}
	}
END
mkdir "$folder"
"$built/xfer" files "$folder" 700
httpd server "$folder"
mkfifo "$work/go" "$work/tcp-stop"

# What is allocated once and kept, for the files and for the rest.
at client "$built/rawclients" 500 10.1.1.1 80 700 <<<"go on" >"$work/warm.log"
memory=$(settled_memory)
sockets=$(sockets)
mark server
at client "$built/rawclients" $connections 10.1.1.1 80 700 <"$work/go" >"$work/rawclients.log" &
exec 4>"$work/go"

check "$connections connections are open" opens
memory_with=$(settled_memory)
sockets_with=$(sockets)
echo "# memory of the kernel: $memory kB with none, $memory_with kB with $connections idle ones"
check "the server's memory is the same as with none" no_more_than $((memory_with - memory)) $noise
check "the server has the same sockets as with none" test "$sockets" = "$sockets_with"
check "each was opened once, by a SYN of its own" expect server SynRcvd -ge $connections
check "each still fetches a file, without another SYN" fetches
exec 4>&-
check "the same measure sees connections of TCP" sees_tcp
