#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# trickles-sim and trickles-sim-plot as a user meets them. Needs no virtual machine.

set -euo pipefail
top=$(realpath "$(dirname "$0")/../..")
sim=$top/tools/sim/trickles-sim
plot=$top/tools/sim/trickles-sim-plot
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
number=0 failed=false

check()
{
	local name=$1

	shift
	number=$((number + 1))
	if "$@" >"$folder/log" 2>&1; then
		echo "ok $number - $name"
		return
	fi
	failed=true
	tail -n 30 "$folder/log" | sed 's/^/# /'
	echo "not ok $number - $name"
}

cat >"$folder/scenario" <<'EOT'
seed 4
replicas 2
link up   rate 20mbit delay 10ms
link down rate 20mbit delay 10ms queue 30 loss 0.5%
client 3 get 500k
sample 20ms
trace 1 to 2
EOT

summary()
{
	"$sim" "$folder/scenario" >"$folder/summary"
	grep -qx 'clients 3 started 3 done 3 failed 0' "$folder/summary" &&
		grep -q '^bytes_down 1500000 again [0-9]* wrong 0$' "$folder/summary"
}

repeats()
{
	"$sim" "$folder/scenario" | cmp - "$folder/summary" &&
		"$sim" --seed 4 - <"$folder/scenario" | cmp - "$folder/summary" &&
		! "$sim" --seed 5 "$folder/scenario" | cmp - "$folder/summary"
}

# Every row of a table has as many fields as its head names, and there are some.
tables()
{
	local table

	"$sim" -o "$folder/out" "$folder/scenario" | cmp - "$folder/summary"
	for table in packets clients totals; do
		awk -F '\t' 'NR == 1 { fields = NF } NF != fields { exit 1 }
			END { exit NR < 20 }' "$folder/out/$table.tsv" || return
	done
	# What arrived in the end is what was asked for.
	[ "$(tail -n 1 "$folder/out/totals.tsv" | cut -f 4)" = 1500000 ]
}

# The examples that are quick, and all clients of them are done.
examples()
{
	local name=$top/tools/sim/examples

	"$sim" -o "$folder/both" "$name/overshoot.sim" >"$folder/both.txt" &&
		grep -qx 'clients 2 started 2 done 2 failed 0' "$folder/both.txt" &&
		sed 's/^client 1m/client 2k/' "$name/short.sim" | "$sim" - >"$folder/both.txt" &&
		grep -qx 'clients 2000 started 2000 done 2000 failed 0' "$folder/both.txt" &&
		sed 's/^client 1m/client 2k/' "$name/open.sim" | "$sim" - >"$folder/both.txt" &&
		grep -qx 'open_at_once 2000' "$folder/both.txt" &&
		"$sim" "$name/echo.sim" >"$folder/both.txt" &&
		grep -qx 'clients 20 started 20 done 20 failed 0' "$folder/both.txt"
}

plots()
{
	local name

	"$plot" "$folder/out" && "$plot" --png "$folder/out" || return
	for name in throughput cwnd numbers; do
		grep -q '</svg>' "$folder/out/$name.svg" || return
		[ "$(head -c 4 "$folder/out/$name.png" | tail -c 3)" = PNG ] || return
	done
}

# says TEXT COMMAND...: it fails with this one line
says()
{
	local text=$1 said

	shift
	if said=$("$@" 2>&1) || [ "$said" != "$text" ]; then
		echo "it said: $said"
		return 1
	fi
}

errors()
{
	local file=$folder/wrong

	echo 'client 3 fetch 1m' >"$file"
	says "trickles-sim: $file:1: fetch: a client has start, every, get, put, echo, times, pause, buffer, keep, redundant, model" \
		"$sim" "$file" &&
		says "trickles-sim: $file.not: No such file or directory" "$sim" "$file.not" &&
		says "trickles-sim: give one scenario file: see trickles-sim --help" "$sim" &&
		says "trickles-sim: -s x: give a number from 0 to 9007199254740992" \
			"$sim" -s x "$folder/scenario" &&
		says "trickles-sim: $file/x: Not a directory" \
			"$sim" -o "$file/x" "$folder/scenario" &&
		says "trickles-sim-plot: $file/packets.tsv is not there: trickles-sim --output $file writes it" \
			"$plot" "$file"
}

check "a summary of a run" summary
check "the same seed gives the same summary" repeats
check "time series" tables
check "plots of them" plots
check "the examples" examples
check "errors in one line" errors
echo "1..$number"
! $failed
