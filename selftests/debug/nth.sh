#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Every allocation of ours that a process asks for fails once: see nth.c.
# vm: --timeout 2000 --mem 600M

# shellcheck source=selftests/debug/faults.bash
. "$(dirname "$0")/faults.bash"

nth()
{
	at server "$built/../debug/nth" "$@" || {
		# Which allocation it was.
		dmesg | grep -A 30 "FAULT_INJECTION" | tail -n 40
		return 1
	}
}

unloaded()
{
	wait_for 300 rmmod trickles
	nth module "$trickles"
	insmod "$trickles"
}

load_faults
load
plan 5
hosts server other
start server echod echo "$tools/trickles-echod" -e 7
faults ignore-gfp-wait=N
check "a client" nth client 7
stop echod
check "a server" nth server 8000
check "a key" nth key /proc/sys/net/trickles/key
check "a namespace" nth namespace
check "the module" unloaded
faults
rmmod trickles
