#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# scripts/fairness in small: one download over Trickles or TCP beside eight over TCP, with five
# seeds of ten seconds. It finds what makes Trickles starve or starve others. The ratio of two
# such means has a standard deviation of 0.12 (a single run's share has one of 0.19), and any
# change of the module draws other numbers: the bounds are more than three of them away from 1.
# Runs on the machine itself.
# kernel: uml

# shellcheck disable=SC2317 # the cases are called by their names
set -euo pipefail
cd "$(dirname "$(realpath "$0")")/../.."
top=$PWD

cases=(shares same_seed_same_shares large_window bad_arguments)
# shellcheck source=selftests/vm/lib.sh
. selftests/vm/lib.sh

fairness()
{
	status=0
	scripts/fairness "$@" >"$work/stdout" 2>"$work/stderr" </dev/null || status=$?
}

shares()
{
	local name ratio

	fairness --seeds 5 --flows 8 --seconds 10 --out "$work/out" fairness
	# 1: outside the bounds that hold of many runs
	[ "$status" -le 1 ] || expect status "$status" 0 || return
	read -r _ name ratio _ <"$work/stdout"
	expect figure "$name" fairness_8 || return
	echo "# one over Trickles beside eight over TCP gets $ratio of one over TCP"
	awk -v r="$ratio" 'BEGIN { exit !(r > 0.6 && r < 1.6) }' || return
	expect "lines of the table" "$(wc -l <"$work/out/fairness.tsv")" 2 &&
		expect plots "$(grep -c '</svg>' "$work/out/fairness.svg")" 1
}

same_seed_same_shares()
{
	vm --uml --virtual-time --seed 1 --mem 1G --timeout 3000 -- scripts/fairness-guest \
		"$work/out/module/net/trickles/trickles.ko" 6 16 false \
		fg:trickles:1,bg:tcp:8 fg:tcp:1,bg:tcp:8
	expect status "$status" 0 && expect "what each gets" "$(cat "$work/stdout")" \
		"$(cat "$work/out/runs/1")"
}

# A path that holds 833 packets is filled: the window and all that the client keeps for it
# grow so far while the application reads as fast as data comes.
cat >"$work/window.sh" <<'END'
set -euo pipefail
. scripts/twohosts.sh
work=$(mktemp -d)
load_module "$1"
hosts_up
queue=3000
hosts_shape delay 50ms
truncate -s 60M "$work/file"
start_server "$work/log" tools/trickles-httpd -p 80 "$work"
on client tools/bench/fetch trickles $server_ip 80 /file 1
END

large_window()
{
	local seconds

	vm --uml --virtual-time --timeout 3000 -- bash "$work/window.sh" \
		"$work/out/module/net/trickles/trickles.ko"
	expect status "$status" 0 || return
	read -r _ _ _ _ _ seconds <"$work/stdout"
	echo "# 60 MB at 100 Mbit/s and 100 ms: $seconds s"
	[ "${seconds%.*}" -lt 9 ]
}

bad_arguments()
{
	local arguments

	for arguments in '--seeds 0' '--seeds 1' '--flows x' '--what' 'nothing'; do
		# shellcheck disable=SC2086 # words
		fairness $arguments
		expect "status of $arguments" "$status" 125 &&
			expect "lines of $arguments" "$(wc -l <"$work/stderr")" 1 || return
	done
}

run_cases
