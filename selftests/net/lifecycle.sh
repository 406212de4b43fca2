#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Sockets, namespaces and the module come and go under traffic, and leave nothing behind.
# That the kernel had nothing to complain about, kmemleak of memory that nobody points to
# among it, is for scripts/vm to see.
# vm: --timeout 1500
#
# On a kernel that takes its time, SOCKETS, CYCLES and DELETIONS say how many.

# shellcheck source=selftests/net/lib.sh
. "$(dirname "$0")/lib.sh"

folder=$work/files
sockets=${SOCKETS:-1000} cycles=${CYCLES:-50} deletions=${DELETIONS:-3}

# --- what may be left behind ---------------------------------------------------

unreclaimable()
{
	awk '$1 == "SUnreclaim:" { print $2 }' /proc/meminfo
}

grown_less_than()
{
	[ $(($(unreclaimable) - $1)) -lt "$2" ]
}

# --- sockets ---------------------------------------------------------------------

downloads()
{
	while [ ! -e "$work/enough" ]; do
		at client "$built/xfer" get 10.1.1.1 80 100000 >>"$work/downloads.log" ||
			touch "$work/harmed"
	done
}

churn()
{
	at client "$built/churn" 10.1.1.1 "$1" "$2"
}

many_sockets()
{
	local before failed=false

	# What is allocated once.
	churn 1 50
	wait_for 50 objects_are 40
	before=$(objects)
	downloads &
	churn 100 "$sockets" || failed=true
	touch "$work/enough"
	wait $!
	[ $failed = false ]
	[ ! -e "$work/harmed" ] || fail "$(cat "$work/downloads.log")"
	wait_for 50 objects_are "$before" || fail "$(objects) sockets are left of $before"
}

# --- the module ------------------------------------------------------------------

busy()
{
	local holder

	at client python3 -c "
import socket, sys
$1
print('open', flush=True)
sys.stdin.read()
" <"$work/hold" >"$work/holder.log" 2>&1 &
	holder=$!
	exec 6>"$work/hold"
	wait_for 200 grep -q open "$work/holder.log" || fail "$(cat "$work/holder.log")"
	if rmmod trickles 2>"$work/rmmod.log"; then
		fail "the module went with a socket open"
	fi
	grep "in use" "$work/rmmod.log"
	exec 6>&-
	wait $holder
	wait_for 50 no_references
	rmmod trickles
	insmod "$trickles"
}

# Loaded, used and unloaded, again and again.
cycles()
{
	local i before xfer

	for ((i = 0; i < cycles; i++)); do
		unload
		# The first cycles fill the kernel's own caches.
		[ $i != $((cycles / 5)) ] || before=$(unreclaimable)
		insmod "$trickles"
		httpd server "$folder"
		# With a connection that is open while the server dies, now and then.
		if [ $((i % 5)) = 0 ]; then
			mark client
			at client "$built/xfer" -r get 10.1.1.1 80 100000 1000000 \
				>"$work/xfer.log" &
			xfer=$!
			wait_for 200 becomes client Connects -gt 0
			stop httpd-server
			httpd server "$folder"
			wait $xfer || fail "$(cat "$work/xfer.log")"
		else
			at client "$built/xfer" get 10.1.1.1 80 100000 >"$work/xfer.log"
		fi
		stop httpd-server
	done
	unload
	# A listener has 2 MB, a namespace's counters 1 kB for each processor: 40 of them. What was
	# freed just now may wait for its turn.
	wait_for 20 grown_less_than "$before" 2000 || :
	echo "# $((cycles - cycles / 5)) cycles: $(($(unreclaimable) - before)) kB"
	grown_less_than "$before" 2000
	insmod "$trickles"
}

# --- namespaces --------------------------------------------------------------------

# A host with open sockets of every kind, whose namespace is then deleted.
doomed_host()
{
	hosts doomed
	cable doomed 10.1.9.2/24 server 10.1.9.1/24
	httpd doomed "$folder"
	at server "$built/xfer" get 10.1.9.2 80 100000
	start doomed holder open python3 -u -c "
import socket, time
def make():
    return socket.socket(socket.AF_INET, socket.SOCK_STREAM, 260)
held = [make() for _ in range(4)]
held[1].bind(('0.0.0.0', 0))
held[2].connect(('10.1.9.1', 80))
held[2].send(b'GET /1000000 HTTP/1.1\r\nHost: test\r\n\r\n')
held[3].setblocking(False)
try:
    held[3].connect(('10.1.9.77', 80))
except BlockingIOError:
    pass
print('open')
time.sleep(1000)
"
}

# The namespace is gone for good when its end of the cable is.
cable_is_gone()
{
	! ip -n "${prefix}server" link show doomed >/dev/null 2>&1
}

doomed()
{
	local i before

	before=$(objects)
	httpd server "$folder"
	for ((i = 0; i < deletions; i++)); do
		doomed_host
		ip netns del "${prefix}doomed"
		# Those inside hold it until they end.
		at server "$built/xfer" get 10.1.9.2 80 100000
		stop httpd-doomed
		stop holder
		wait_for 200 cable_is_gone
	done
	stop httpd-server
	wait_for 200 no_references
	wait_for 50 objects_are "$before"
}

load
plan 7
# A filter that stays: with the first hook of its kind and without the last one the kernel
# patches its own code, and of two emulated processors both have been seen stuck in just
# that instruction (ip_local_deliver) when each cycle did so under traffic.
nft -f - <<<'table ip stay { chain input { type filter hook input priority 0; }; }'
two_hosts
mkdir "$folder"
mkfifo "$work/hold"
"$built/xfer" files "$folder" 100000 1000000
httpd server "$folder"
echod server
check "$sockets sockets opened and closed under traffic" many_sockets
stop httpd-server
stop echod-server
check "nothing holds the module" wait_for 50 no_references

check "no unloading with a socket" busy "
held = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 260)"
check "no unloading with a listener" busy "
held = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 260)
held.bind(('0.0.0.0', 1234))
held.listen()"

hosts flooder
cable flooder 10.1.5.2/24 server 10.1.5.1/24
start flooder flood flooding "$net/flood.py" 10.1.5.2 10.1.5.1 80 81
check "$cycles times loaded, used and unloaded while marked packets arrive" cycles
stop flood
check "namespaces deleted with open sockets" doomed
check "the module can go" rmmod trickles
