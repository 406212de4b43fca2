#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Under load the server receives events with less than one system call for each: it walks
# the mapped queue in place.
# vm: --timeout 900

# shellcheck source=selftests/net/lib.sh
. "$(dirname "$0")/lib.sh"

folder=$work/files

is_traced()
{
	grep -q "^TracerPid:[^0-9]*[1-9]" "/proc/$1/status"
}

# under_load LOG OPTION...: the server is watched by strace while it works
under_load()
{
	local pid tracer log=$1

	shift
	pid=$(cat "$work/httpd-server.pid")
	mark server
	strace -f -q -o "$work/$log" "$@" -p "$pid" &
	tracer=$!
	wait_for 100 is_traced "$pid"
	at client "$built/xfer" -j 16 -t 200 get 10.1.1.1 80 60000-60099
	kill -INT $tracer
	wait $tracer || :
	grep -q ioctl "$work/$log" || fail "strace has seen no answer"
	delta server Events >"$work/events"
	[ "$(cat "$work/events")" -gt 500 ] || fail "$(cat "$work/events") events are no load"
}

fewer_than_events()
{
	echo "# $1 system calls to receive $(cat "$work/events") events"
	[ "$1" -lt "$(cat "$work/events")" ]
}

load
plan 4
two_hosts
mkdir "$folder"
"$built/xfer" files "$folder" 60000-60099
httpd server "$folder"

check "100 downloads, 16 at a time, under strace -c" under_load summary -c
sed 's/^/# /' "$work/summary"
# The ioctl there is for answers as well as for TRK_IOC_SEEN: the next case tells them apart.
polls=$(awk '$NF ~ /^(p?poll|p?select6?|epoll_p?wait)$/ { n += $4 } END { print n + 0 }' "$work/summary")
check "less than one poll per event" fewer_than_events "$polls"

check "the same load, with every call written down" under_load calls \
	-e trace=poll,ppoll,select,pselect6,epoll_wait,epoll_pwait,read,recvfrom,recvmsg,ioctl
calls=$(grep -vcE 'ioctl\(.*0x74, 0x60,|^[0-9]+ \+\+\+|^[0-9]+ ---' "$work/calls" || :)
answers=$(grep -cE 'ioctl\(.*0x74, 0x60,' "$work/calls" || :)
echo "# $answers calls of TRK_IOC_OPS, which answers"
check "less than one call that receives, TRK_IOC_SEEN included, per event" fewer_than_events "$calls"
