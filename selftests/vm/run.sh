#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# "make run" in small: Trickles goes on when its server dies, TCP breaks off, and there is a
# picture of it. Runs on the machine itself.

# shellcheck disable=SC2317 # the cases are called by their names
set -euo pipefail
cd "$(dirname "$(realpath "$0")")/../.."
top=$PWD

cases=(bad_arguments main_job)
# shellcheck source=selftests/vm/lib.sh
. selftests/vm/lib.sh

run()
{
	status=0
	scripts/run "$@" >"$work/stdout" 2>"$work/stderr" </dev/null || status=$?
}

main_job()
{
	local out=build/check/vm/run

	run --megabytes 8 --out "$out"
	expect status "$status" 0 || { sed 's/^/#   /' "$work/stdout" | tail -n 40; return 1; }
	expect "ends of the downloads" \
		"$(awk '/^T/ { print $1, $4 == 0 ? "complete" : "broken" }' "$out/deaths.tsv")" \
		$'Trickles complete\nTCP broken' &&
		grep -q '</svg>' "$out/throughput.svg" && [ -s "$out/throughput.png" ] &&
		grep -q 'Trickles: complete' "$work/stdout"
}

bad_arguments()
{
	local arguments

	for arguments in '--megabytes 0' '--megabytes' '--out' '--out /tmp' '--out build/..' nothing
	do
		# shellcheck disable=SC2086 # words
		run $arguments
		expect "status of $arguments" "$status" 125 &&
			expect "lines of $arguments" "$(wc -l <"$work/stderr")" 1 || return
	done
}

run_cases
