#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Memory is short: some of our allocations fail, wherever they are made. A segment for which
# there is no memory is a lost segment, a call says so, and nothing else goes wrong.
# vm: --timeout 2500 --mem 600M --append slub_debug=A,TRICKLES

# shellcheck source=selftests/debug/faults.bash
. "$(dirname "$0")/faults.bash"

folder=$work/files
limit=600
# A connection needs memory that must not wait, too.
patient=-m

# short COMMAND...: something has failed meanwhile
short()
{
	local seen

	"$@"
	seen=$(faults_seen)
	faults
	echo "# $seen allocations failed"
	[ "$seen" -gt 2 ] || fail "only $seen allocations failed"
}

get()
{
	# shellcheck disable=SC2086 # an option or none
	at client "$built/xfer" $patient -j 2 -t $limit get 10.1.1.1 80 "$@"
}

echo_back()
{
	# shellcheck disable=SC2086 # an option or none
	at client "$built/xfer" $patient -j 2 -t $limit echo 10.1.1.1 7 "$@"
}

# What must not wait, in softirq above all: transfers only take longer.
lost_segments()
{
	mark client
	faults interval=15 probability=100
	short "$@"
	expect client Fallbacks -eq 0
}

downloads()
{
	lost_segments get 1 3000 50000
	expect client DropNoMemory -gt 0
}

uploads()
{
	lost_segments echo_back 1 3000 20000
	expect client DropNoMemory -gt 0
}

connections()
{
	local i

	mark client
	# Every tenth: more, and TCP has no SYN left.
	faults interval=10 probability=100
	for ((i = 0; i < 6; i++)); do
		get 1
	done
	short true
	expect client Fallbacks -eq 0
	expect client Connects -eq 6
}

# Calls may fail, but only so. The services stay.
failing_calls()
{
	local i good=0 bad=0 patient=

	faults probability=3 ignore-gfp-wait=N
	for ((i = 0; i < 6; i++)); do
		if get 3000 >"$work/call.log" 2>&1 && echo_back 3000 >"$work/call.log" 2>&1; then
			good=$((good + 1))
		elif grep -qE "Cannot allocate memory|No buffer space available" "$work/call.log"; then
			bad=$((bad + 1))
		else
			cat "$work/call.log"
			return 1
		fi
	done
	short true
	echo "# $good good, $bad short of memory"
	get 3000 50000
	echo_back 3000
}

# Our own cache is the one of sockets. They are made by the kernel, not by us.
no_sockets()
{
	local said fault_kinds=(failslab)

	grep -q 1 /sys/kernel/slab/TRICKLES/failslab
	rmmod only_ours
	faults
	echo Y >/sys/kernel/debug/failslab/cache-filter
	fault_set ignore-gfp-wait N
	fault_set probability 100
	for _ in 1 2 3 4 5 6; do
		! said=$(patient='' && get 1 2>&1) || fail "a socket without memory"
		[[ $said == *": socket: Cannot allocate memory"* ]] || fail "$said"
	done
	short true
	get 1
}

load_faults
load
plan 6
two_hosts
at client sysctl -qw net.trickles.marked_syns=16
mkdir "$folder"
"$built/xfer" files "$folder" 1 3000 50000
httpd server "$folder"
echod server
check "downloads while segments get no memory" downloads
check "uploads while segments get no memory" uploads
check "connections while segments get no memory" connections
check "calls that get no memory" failing_calls
check "no memory for sockets" no_sockets
stop httpd-server
stop echod-server
check "the module can go" wait_for 300 rmmod trickles
