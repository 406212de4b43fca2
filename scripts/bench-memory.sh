# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# shellcheck disable=SC2016,SC2154,SC2317 # awk; variables and functions of others
#
# What connections cost in memory of the kernel; for scripts/bench-guest.

# Seconds after which what was freed under RCU is gone
settle=1

# Bytes of all objects of the kernel, and of what it takes by pages for sockets, for
# processors and for vmalloc(), in bytes by name. Objects above 8 kB belong to no cache:
# they are what the kernel counts as slabs beside its caches' pages.
kernel_memory()
{
	local cache

	sync
	echo 3 >/proc/sys/vm/drop_caches
	for cache in /sys/kernel/slab/*; do
		[ -L "$cache" ] || echo 1 >"$cache/shrink"
	done
	pause "$settle"
	cat /proc/sys/vm/stat_refresh # adds up what processors count by themselves
	awk 'FNR > 2 && FILENAME ~ /slabinfo/ { print $1, $2 * $4; pages += $6 * $15 }
	     $1 == "Slab:" { print "large", $2 * 1024 - pages * 4096 }
	     $1 ~ /^(VmallocUsed|Percpu|KernelStack):/ { print $1, $2 * 1024 }
	     $1 == "TCP:" { print "TCP-pages", $NF * 4096 }' \
		/proc/slabinfo /proc/meminfo /proc/net/sockstat
}

# grown FILE FILE: the difference, and on stderr what made most of it
grown()
{
	awk 'NR == FNR { from[$1] = $2; next }
	     { n = $2 - from[$1]; print n < 0 ? -n : n, n, $1 }' "$1" "$2" | sort -rn >"$work/grown"
	awk '$1 && NR <= 4 { printf "   %d bytes more in %s\n", $2, $3 }' "$work/grown" >&2
	awk '{ n += $2 } END { print n + 0 }' "$work/grown"
}

# Called before connections are opened, and once all are open
before_open()
{
	:
}

when_open()
{
	:
}

# memory_with FILE COMMAND...: the kernel's memory while the command runs on the client
# and has said that all its connections are open
memory_with()
{
	local file=$1 holder

	shift
	before_open
	: >"$work/holder"
	ip netns exec client "$@" <>"$work/never" >"$work/holder" &
	holder=$!
	until grep -q open "$work/holder"; do
		kill -0 $holder || fail "connections cannot be held"
		pause 0.02
	done
	when_open
	kernel_memory >"$file"
	kill -9 $holder
	wait $holder 2>/dev/null || :
}

# more WHAT FEW MANY COMMAND...: bytes for each connection more, with COUNT in the command's
# place for it. What it has with very many less what it has with few, for the process
# that holds them needs some in any case.
more()
{
	local what=$1 few=$2 many=$3 count bytes

	shift 3
	for count in "$few" "$many"; do
		memory_with "$work/memory.$count" "${@//COUNT/$count}"
	done
	bytes=$(grown "$work/memory.$few" "$work/memory.$many")
	echo "$((many - few)) more $what: $bytes bytes more" >&2
	# Some thousand bytes of the kernel come and go in between.
	[ "$bytes" -ge 0 ] || bytes=0
	each=$((bytes / (many - few)))
}

# each_path NETEM...: each way
each_path()
{
	local host

	for host in client server; do
		tc -n $host qdisc del dev veth0 root 2>/dev/null || :
		tc -n $host qdisc add dev veth0 root netem "$@"
	done
}

# Whose memory it is: Trickles clients of user space, with a raw socket, leave the kernel
# only the server's. Trickles clients of the kernel have no other end that costs
# anything, which the first figure has shown. A TCP connection is held at both ends.
memory()
{
	local few=100

	mkfifo "$work/never"
	"$raw/xfer" files "$work/files" 1000
	more "idle connections over TCP, both ends of them," $few $((few + objects)) \
		"$tools/bench/hold" tcp "$server_ip" "${port[epoll]}" /1k COUNT
	echo "memory tcp idle $((each / 2))"
	more "idle connections of clients over Trickles" $few $((few + objects)) \
		"$tools/bench/hold" trickles "$server_ip" "${port[trickles]}" /1k COUNT
	echo "memory trickles client_idle $each"

	settle=0.1
	before_open()
	{
		each_path delay 400ms limit 100000
		pause 60 # for what was left of connections that were killed
	}
	# What is in the network is gone, and both ends wait for it.
	when_open()
	{
		each_path loss 100%
	}
	more "connections of clients with 1000 packets in flight" 2 10 \
		"$tools/bench/hold" -w 1000 trickles "$server_ip" "${port[trickles]}" /20m COUNT
	echo "memory trickles client_busy $each"
}

# The server's, for an idle connection
server_memory()
{
	local few=100

	mkfifo "$work/never"
	"$raw/xfer" files "$work/files" 1000
	on client nft -f - <<-END
		table ip raw {
			chain in {
				type filter hook input priority 0;
				tcp sport ${port[trickles]} drop
			}
		}
	END
	more "idle connections over Trickles" $few $((few + 10 * objects)) \
		"$raw/rawclients" COUNT "$server_ip" "${port[trickles]}" 1000
	echo "memory trickles server_idle $each"
}
