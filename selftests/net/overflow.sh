#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Slow start overshoots a queue: for a round trip every second packet is lost, in more places
# than the lists of a client hold. Whatever finds no place there is sent again, and all ends.
# vm: --timeout 600
# uml: --virtual-time
#
# That is so in virtual time, where each packet comes when the link has sent it. In real time a
# virtual machine that is busy sends them in bursts, of which a queue loses the end, and may
# take its own standstill for a loss, so that the queue is never full.

# shellcheck source=selftests/net/transfers.bash
. "$(dirname "$0")/transfers.bash"

server=10.1.2.2

to_server()
{
	netem router server "$@"
}

size=8000000

# link RATE: in both directions, ten milliseconds long, with a queue of 200 packets
link()
{
	both_ways rate "$1" delay 10ms limit 200
}

# dropped HOST: packets on the way there
dropped()
{
	tc -n "${prefix}router" -s qdisc show dev "$1" | sed -n 's/.*(dropped \([0-9]*\),.*/\1/p'
}

virtual_time()
{
	grep -q time-travel /proc/cmdline
}

# through RATE HOST COMMAND...: the queue on the way there overflows
through()
{
	local rate=$1 host=$2

	shift 2
	link "$rate"
	"$@"
	echo "# $(dropped "$host") packets found no place in the queue"
	! virtual_time || [ "$(dropped "$host")" -gt 100 ] || fail "that is few"
}

load
plan 4
three_hosts
at client sysctl -qw net.trickles.marked_syns=16
mkdir "$folder"
"$built/xfer" files "$folder" $size
httpd server "$folder"
echod server
for rate in 20mbit 40mbit; do
	check "upload and echo at $rate" through $rate server upload $size
	check "download at $rate" through $rate client download $size
done
