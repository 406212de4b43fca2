#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# scripts/vm --uml: passes on what is said and how it ends, and with --virtual-time
# repeats itself, from what the kernel draws to which packets a network loses. Runs on
# the machine itself.
# kernel: uml

# shellcheck disable=SC2317 # the cases are called by their names
set -euo pipefail
cd "$(dirname "$(realpath "$0")")/../.."
top=$PWD

cases=(streams same_seed_same_run other_seed_other_run waiting_takes_no_time
       standing_still bad_arguments)
# shellcheck source=selftests/vm/lib.sh
. selftests/vm/lib.sh

streams()
{
	local time

	for time in '' --virtual-time; do
		# shellcheck disable=SC2086 # a word or none
		vm --uml $time -- bash -c 'echo out; echo err >/dev/stderr; sleep 1000 & exit 3'
		expect status "$status" 3 &&
		expect stdout "$(cat "$work/stdout")" out &&
		expect stderr "$(cat "$work/stderr")" err || return
	done
}

# Two hosts, a network that loses every third packet, and what the kernel draws.
cat >"$work/probe.sh" <<'END'
ip netns add other
ip link add v0 type veth peer name v0 netns other
cat /sys/class/net/v0/address
od -An -N8 -tx8 /dev/urandom
ip addr add 10.1.1.1/24 dev v0
ip link set v0 up
ip -n other addr add 10.1.1.2/24 dev v0
ip -n other link set v0 up
tc qdisc add dev v0 root netem delay 10ms 5ms loss 33%
busybox ping -c 40 10.1.1.2
grep ctxt /proc/stat
date +%s.%N
END

probe()
{
	vm --uml --virtual-time --timeout 1000 --seed "$1" bash "$work/probe.sh"
	expect status "$status" 0 && expect_stdout 'ttl=.* time='
}

expect_stdout()
{
	if ! grep -qE "$1" "$work/stdout"; then
		echo "# stdout says nothing like '$1':"
		sed 's/^/#   /' "$work/stdout" | tail -n 20
		return 1
	fi
}

same_seed_same_run()
{
	probe 1 || return
	mv "$work/stdout" "$work/first"
	probe 1 && expect "second run" "$(cat "$work/stdout")" "$(cat "$work/first")"
}

other_seed_other_run()
{
	local what

	probe 2 || return
	for what in '^([0-9a-f]{2}:){5}' '^ [0-9a-f]{16}$' 'ttl='; do
		if [ "$(grep -E "$what" "$work/stdout")" = "$(grep -E "$what" "$work/first")" ]; then
			echo "# seeds 1 and 2 have the same $what"
			return 1
		fi
	done
}

# An idle day, in which only the clock moves: less than an hour of the machine's.
waiting_takes_no_time()
{
	vm --uml --virtual-time --timeout 3000 -- bash -c 'sleep 86400; date -u +%F'
	expect status "$status" 0 && expect date "$(cat "$work/stdout")" 2026-01-02
}

standing_still()
{
	vm --uml --virtual-time --timeout 20 -- bash -c 'echo before; sleep 1; while :; do :; done'
	expect status "$status" 124 && expect stdout "$(cat "$work/stdout")" before &&
		expect_stderr '^vm: .*stopped after 20 seconds'
}

bad_arguments()
{
	refused 'not a number' --uml --virtual-time --seed x true &&
	refused 'for --virtual-time' --uml --seed 2 true &&
	refused 'all files are there' --uml --virtual-time --with /etc true
}

run_cases
