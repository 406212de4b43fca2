#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Two clients and a server on two processors with preemption: transfers that are small, since
# all is slow here, while keys change, servers die and threads get in each other's way.
# vm: --timeout 2500 --mem 600M

# shellcheck source=selftests/net/lib.sh
. "$(dirname "$0")/../net/lib.sh"

folder=$work/files
bulk="1 1500 40000"
echoes="1 1300 12000"
limit=500

serve()
{
	httpd server "$folder" -r
	echod server
}

end_service()
{
	stop httpd-server
	stop echod-server
}

# Both clients at once, in both directions, and nothing else carries it.
at_once()
{
	local jobs=() job failed=false

	mark client other
	# shellcheck disable=SC2086 # words
	{
		at client "$built/xfer" -r -j 2 -t $limit get 10.1.1.1 80 $bulk & jobs+=($!)
		at other "$built/xfer" -r -j 2 -t $limit get 10.1.2.1 80 $bulk & jobs+=($!)
		at client "$built/xfer" -r -j 2 -t $limit echo 10.1.1.1 7 $echoes & jobs+=($!)
		at other "$built/xfer" -r -j 2 -t $limit echo 10.1.2.1 7 $echoes & jobs+=($!)
	}
	for job in "${jobs[@]}"; do
		wait "$job" || failed=true
	done
	[ $failed = false ] || fail "a transfer failed"
	expect client Fallbacks -eq 0
	expect other Fallbacks -eq 0
}

lossy()
{
	netem server client "$@"
	netem server other "$@"
	netem client server "$@"
	netem other server "$@"
}

under_loss()
{
	lossy delay 5ms loss 2%
	at_once
	lossy
}

# while_so COMMAND...: transfers while it is repeated, at least once
while_so()
{
	local transfers

	mark server
	at_once >"$work/transfers.log" 2>&1 &
	transfers=$!
	wait_for 200 becomes server Answers -ge 5
	while :; do
		"$@"
		! is_gone $transfers || break
	done
	wait $transfers || fail "$(cat "$work/transfers.log")"
}

# Some of the keys are refused, for their numbers are in use.
new_key()
{
	at server sysctl -qw net.trickles.key="$(od -An -tx1 -N32 /dev/urandom | tr -d ' \n')" || :
	wait_for $limit is_gone "$transfers"
}

murder()
{
	end_service
	serve
	sleep 1
}

# What looks at the module's state while it changes.
look_around()
{
	local host

	for host in client other server; do
		at $host cat /proc/net/trickles /proc/net/protocols >/dev/null
		at $host sysctl net.trickles >/dev/null
		ip -n "$prefix$host" route flush cache
	done
}

race()
{
	local seed

	for seed in 1 2 3; do
		at client "$built/../debug/race" 10.1.1.1 $seed 150
	done
}

load
plan 7
hosts client other server
cable client 10.1.1.2/24 server 10.1.1.1/24
cable other 10.1.2.2/24 server 10.1.2.1/24
at client sysctl -qw net.trickles.marked_syns=16
at other sysctl -qw net.trickles.marked_syns=16
mkdir "$folder"
# shellcheck disable=SC2086 # words
"$built/xfer" files "$folder" $bulk
serve
check "two clients at once, in both directions" at_once
check "under loss" under_loss
check "while the key changes" while_so new_key
check "while somebody looks" while_so look_around
check "while the server is killed" while_so murder
check "threads that share their sockets" race
end_service
check "the module can go" wait_for 300 rmmod trickles
