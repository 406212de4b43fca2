# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2016,SC2154 # awk; variables of scripts/bench-guest
#
# What scripts/profile does inside the virtual machine; for scripts/bench-guest.

# Samples are told apart as split() does it: by the process, and in the softirq of the
# network by the device of the packet at hand. Those of the tracing itself do not count.
by_host='
	# process time: event: what
	{
		for (i = 2; i < NF && $i !~ /^[0-9]+\.[0-9]+:$/; i++) { }
		event = $(i + 1)
		at = i + 2
	}
	event ~ /sched_switch:$/ { process = whose(value("next_comm")); next }
	event ~ /softirq_entry:$/ { soft = value("[action"); sub(/\]$/, "", soft); host = ""; next }
	event ~ /softirq_exit:$/ { soft = ""; flush("other"); next }
	event ~ /netif_receive_skb:$/ {
		name = value("dev")
		host = name == "veth0" ? "client" : name == "veth1" ? "server" : "other"
		flush(host)
		next
	}
	function flush(whom, f)
	{
		for (f in pending) {
			samples[whom, f] += pending[f]
			sum[whom] += pending[f]
		}
		split("", pending)
	}
	event ~ /^cpu-clock/ {
		f = $(at + 1)
		# What the profiler does counts for nobody.
		if ($1 == "perf" || f ~ /^(perf_|trace_|__perf_|__trace_|ring_buffer|irq_work|ftrace_)/)
			next
		if (soft == "NET_RX" && !host) {
			pending[f]++
			next
		}
		if (!process)
			process = whose($1)
		whom = soft == "" ? process : soft == "NET_RX" ? host : \
			soft == "TASKLET" ? "server" : "other"
		samples[whom, f]++
		sum[whom]++
	}
	END {
		flush("other")
		all = sum["client"] + sum["server"] + sum["other"]
		for (key in samples) {
			split(key, part, SUBSEP)
			if (part[1] != "idle" && samples[key] * 200 >= all)
				printf "%s %6.2f %6.2f %s\n", part[1], samples[key] * 100 / all,
					samples[key] * 100 / sum[part[1]], part[2]
		}
		for (whom in sum)
			if (whom != "idle")
				printf "%s %6.2f %6.2f %s\n", whom, sum[whom] * 100 / all, 100,
					"all of it, " sum[whom] " samples"
	}'

# Of the samples below a function, by which ways it was reached: a line with the process, lines
# with a function each from the innermost outwards, an empty line.
by_caller='
	/^[^ \t]/ { process = $1; way = ""; depth = 0; next }
	NF && (depth || $2 == function_name) {
		if (depth && depth <= 6)
			way = way " < " $2
		depth++
	}
	!NF {
		if (process != "perf") {
			all++
			if (depth) {
				here++
				ways[way]++
			}
		}
		process = "perf"
	}
	END {
		if (!here) {
			print "no sample of " all " was in " function_name
			exit
		}
		printf "%6.2f %% of all was below %s, of which\n", here * 100 / all, function_name
		for (way in ways)
			if (ways[way] * 100 >= here)
				printf "%6.2f %%%s\n", ways[way] * 100 / here, way | "sort -k 1,1nr"
	}'

# profile LOAD PROTOCOL [CALLERS]
profile()
{
	local load=$1 protocol=$2 callers=${3:-} events=() whom

	set_up_loads
	run "$protocol" full
	run "$protocol" full
	# All samples, however many they are. In this order: without a limit of time there is none
	# of the rate to be set.
	sysctl -qw kernel.perf_event_max_sample_rate=1000000
	sysctl -qw kernel.perf_cpu_time_max_percent=0
	if [ -n "$callers" ]; then
		events=(-g)
	else
		events=(-e sched:sched_switch -e net:netif_receive_skb -e irq:softirq_entry
			-e irq:softirq_exit)
	fi
	# It begins when it says that it does: until then it reads what runs, for longer than a run.
	mkfifo "$work/control" "$work/ack"
	exec 8<>"$work/control" 9<>"$work/ack"
	perf record -a -q -m 4096 -e cpu-clock/period=10000/ "${events[@]}" -D -1 \
		--control "fifo:$work/control,$work/ack" -o "$work/perf.data" \
		2>"$work/perf.log" &
	echo enable >&8
	until read -r -t 1 -u 9; do
		kill -0 $! || fail "perf: $(cat "$work/perf.log")"
	done
	run "$protocol" full
	echo stop >&8
	wait $! || fail "perf: $(cat "$work/perf.log")"
	if [ -n "$callers" ]; then
		perf script -i "$work/perf.data" -F comm,ip,sym 2>>"$work/perf.log" |
			awk -v function_name="$callers" "$by_caller"
		return
	fi
	perf script -i "$work/perf.data" --ns -F sw:comm,time,event,ip,sym \
		-F trace:comm,time,event,trace 2>"$work/perf.log" |
		awk "$whose_value$by_host" >"$work/profile"
	[ -s "$work/profile" ] || fail "perf: $(tail -n 1 "$work/perf.log")"
	echo "$load over $protocol: $bytes bytes, $busy instructions with the profiler's own"
	for whom in client server other; do
		printf '\n%s\n%% of all  %% of it\n' "$whom"
		awk -v whom="$whom" '$1 == whom' "$work/profile" | sort -k 2,2nr | cut -d ' ' -f 2-
	done
}
