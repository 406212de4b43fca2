# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# shellcheck disable=SC2016,SC2154,SC2317 # awk; variables and functions of others
#
# What a transfer costs in instructions, whose they are, and what they do; for
# scripts/bench-guest. Documentation/performance.rst says how this is measured.

# /sys is another one on each host.
tracing=/tmp/tracing
# The functions of the module through which all of its cryptography goes.
crypto="epoch_mac epoch_ecb"
# Every buffer's head comes from one of these.
skb_makers="__alloc_skb skb_clone __build_skb build_skb napi_build_skb slab_build_skb"

# Whose a process is by its name, and the value of NAME=VALUE from word $at on
whose_value='
	function whose(comm)
	{
		if (comm == "fetch")
			return "client"
		if (comm == "trickles-httpd" || comm == "tcp-httpd" || comm == "nginx")
			return "server"
		return comm ~ /^swapper/ ? "idle" : "other"
	}
	function value(name, i)
	{
		for (i = at; i <= NF; i++)
			if (index($i, name "=") == 1)
				return substr($i, length(name) + 2)
	}'

# The same for a line of the kernel's trace: PROCESS-PID [CPU] FLAGS TIME: EVENT: ...
trace_line=$whose_value'
	function comm(name)
	{
		name = $0
		sub(/-[0-9]+ +\[[0-9]+\].*/, "", name)
		sub(/^ +/, "", name)
		return name
	}
	function when(i)
	{
		for (i = 2; i < NF && $i !~ /^[0-9]+:$/; i++) { }
		event = $(i + 1)
		at = i + 2
		return $i + 0
	}'

# trace_on TRACER EVENT...
trace_on()
{
	local event

	echo 0 >$tracing/tracing_on
	echo nop >$tracing/current_tracer
	echo >$tracing/set_event
	echo x86-tsc >$tracing/trace_clock
	echo 65536 >$tracing/buffer_size_kb
	echo "$1" >$tracing/current_tracer
	shift
	for event; do
		echo 1 >"$tracing/events/$event/enable"
	done
	echo >$tracing/trace
	echo 1 >$tracing/tracing_on
}

# trace_off FILE: what was recorded
trace_off()
{
	echo 0 >$tracing/tracing_on
	if grep -h '^\(overrun\|commit overrun\|dropped events\): [^0]' \
		$tracing/per_cpu/cpu0/stats >&2; then
		fail "the trace lost events"
	fi
	cat $tracing/trace >"$1"
	echo nop >$tracing/current_tracer
	echo >$tracing/set_event
	echo >$tracing/trace
}

# split PROTOCOL: sets $client and $server, the parts of a run that are theirs, from a trace
# of who is at work. Each event begins an interval, and costs the same: what the run takes
# longer with the trace is shared out by the number of intervals. What is neither's is
# the kernel's own, for both.
split()
{
	local plain='' i

	# The first one after another load pays for that.
	for ((i = 0; i < 3; i++)); do
		run "$1" short
		[ -n "$plain" ] && [ "$plain" -le "$busy" ] || plain=$busy
	done
	trace_on nop sched/sched_switch net/netif_receive_skb irq/softirq_entry irq/softirq_exit
	run "$1" short -m $tracing/trace_marker
	trace_off "$work/trace"
	read -r client server < <(awk -v elapsed="$elapsed" -v idle="$((elapsed - busy))" \
		-v plain="$plain" -v what="$load over $1" "$trace_line"'
		function to(whom, time, n) { sum[whom] += time; count[whom] += n }
		/^#/ { next }
		{ time = when() }
		/tracing_mark_write: begin/ { on = 1; begin = last = time; process = "client"; next }
		!on { next }
		{
			took = time - last
			last = time
			# The packet tells which host works, also on the way to it.
			if (!soft)
				to(process, took, 1)
			else if (soft != "NET_RX")
				to(soft == "TASKLET" ? "server" : "other", took, 1)
			else if (host)
				to(host, took, 1)
			else {
				pending += took
				npending++
			}
		}
		event == "netif_receive_skb:" {
			name = value("dev")
			host = name == "veth0" ? "client" : name == "veth1" ? "server" : "other"
			to(host, pending, npending)
			pending = npending = 0
		}
		event == "softirq_entry:" {
			soft = value("[action")
			sub(/\]$/, "", soft)
			host = ""
		}
		event == "softirq_exit:" {
			to("other", pending, npending)
			pending = npending = 0
			soft = ""
		}
		event == "sched_switch:" { process = whose(value("next_comm")) }
		/tracing_mark_write: end/ { on = 0; end = time }
		END {
			for (w in count)
				n += count[w]
			each = (elapsed - idle - plain) / n
			client = sum["client"] - each * count["client"]
			server = sum["server"] - each * count["server"]
			other = plain - client - server
			whole = end - begin
			if (whole < elapsed * 0.99 || whole > elapsed * 1.01 || each < 0) {
				printf "%s: the trace has another time than the run: %d of %d," \
					" and %d instructions more for each interval\n", what,
					whole, elapsed, each >"/dev/stderr"
				exit
			}
			printf "%s: client %.3f server %.3f other %.3f of %d instructions;" \
				" %d intervals of %d more\n", what, client / plain, server / plain,
				other / plain, plain, n, each >"/dev/stderr"
			print client / plain, server / plain
		}' "$work/trace")
	[ -n "$server" ] || fail "cannot tell client and server apart"
}

# What a traced function that does nothing takes: uid_eq() and little else are in this one.
tracer_cost()
{
	local i

	grep -E '^_[a-z0-9_]*_sys_gete?uid$' $tracing/available_filter_functions \
		>$tracing/set_ftrace_filter
	trace_on function_graph
	for ((i = 0; i < 10; i++)); do
		id -u >/dev/null
	done
	trace_off "$work/trace"
	echo >$tracing/set_ftrace_filter
	awk '/sys_gete?uid/ { for (i = 2; i <= NF; i++) if ($i == "us" && (!n || $(i - 1) < least)) {
			least = $(i - 1); n++ } }
	     END { printf "%d\n", least * 1000 }' "$work/trace"
}

# cryptography PROTOCOL: sets $cipher, the instructions of a unit that go into cryptography,
# and the $calls of it (of bulk for a million bytes), from the time that each of these takes
cryptography()
{
	local function each

	each=$(tracer_cost)
	[ "$each" -gt 0 ] || fail "cannot tell what the tracer costs"
	for function in $crypto; do
		grep -q "^$function " $tracing/available_filter_functions ||
			fail "the module has no function $function, which is to be measured"
	done
	echo "$crypto" >$tracing/set_ftrace_filter
	trace_on function_graph
	run "$1" short
	trace_off "$work/trace"
	echo >$tracing/set_ftrace_filter
	read -r cipher calls < <(awk -v each="$each" -v units="$units" \
		-v times="$([ "$load" != bulk ] && echo 1 || echo 1e6)" '
		/epoch_/ { for (i = 2; i <= NF; i++) if ($i == "us") { sum += $(i - 1) * 1000; n++ } }
		END { print (sum - n * each) / units, times * n / units
		      printf "%d calls, %d less for each\n", n, each >"/dev/stderr" }' "$work/trace")
}

# What both do in a million bytes: system calls, wake-ups, buffers, packets to the server,
# and events there
activity()
{
	local events sent rcvd

	awk -v makers="$skb_makers" '
		BEGIN { n = split(makers, m); for (i = 1; i <= n; i++) wanted[m[i]] = 1 }
		$1 in wanted { print $1 }' $tracing/available_filter_functions \
		>$tracing/set_ftrace_filter
	read -r sent rcvd < <(segments)
	events=$(counter server Events)
	trace_on function raw_syscalls/sys_enter sched/sched_wakeup
	run "$1" short -m $tracing/trace_marker
	trace_off "$work/trace"
	echo >$tracing/set_ftrace_filter
	events=$(($(counter server Events) - events))
	read -r sent rcvd < <(segments "$sent" "$rcvd")
	awk -v bytes="$bytes" -v events="$events" -v requests="$sent" -v what="$load $1" "$trace_line"'
		/tracing_mark_write: begin/ { on = 1 }
		/tracing_mark_write: end/ { on = 0 }
		!on { next }
		/ sys_enter: / && whose(comm()) ~ /client|server/ { syscalls++ }
		/ sched_wakeup: / { when(); if (whose(value("comm")) ~ /client|server/) wakeups++ }
		/ <-/ { skbs++ }
		END {
			mega = bytes / 1e6
			print what, "syscalls", syscalls / mega
			print what, "wakeups", wakeups / mega
			print what, "skbs", skbs / mega
			print what, "requests", requests / mega
			print what, "events", events / mega
		}' "$work/trace"
}

# run PROTOCOL full|short [OPTION...]: the load; sets $units besides
run()
{
	local protocol=$1 count=${full[$load]} file=${path[$load]}

	if [ "$2" = short ]; then
		count=${short[$load]}
		# A trace of more is too long.
		[ "$file" != large ] || file=20m
	fi
	shift 2
	[[ $load != kept_* ]] || set -- -k "$@"
	fetch_file "$protocol" "$file" "$count" "$@"
	units=$count
	[[ $load != bulk ]] || units=$bytes
}

# Each round is in the other order, so that nobody always comes first; and what is paid
# only once, by whoever comes first, is paid before.
rounds()
{
	local round protocol order=("$@") reverse=() last value

	total=() least=() most=()
	for protocol in "${order[@]}"; do
		reverse=("$protocol" "${reverse[@]}")
	done
	# The page cache sets a page aside that is read for the second time.
	for protocol in "${order[@]}" "${reverse[@]}"; do
		run "$protocol" full
	done
	for ((round = 0; round < rounds; round++)); do
		for protocol in "${order[@]}"; do
			run "$protocol" full
			value=$((busy * 1000 / units))
			total[$protocol]=$((${total[$protocol]:-0} + value))
			[ "${least[$protocol]:-$value}" -lt "$value" ] || least[$protocol]=$value
			[ "${most[$protocol]:-$value}" -gt "$value" ] || most[$protocol]=$value
		done
		last=("${order[@]}")
		order=("${reverse[@]}")
		reverse=("${last[@]}")
	done
}

# What an instruction-counted TCP is known to take: if this one does not, something is other
# than one thinks, and nothing else here can be believed.
check_tcp()
{
	local load=bulk

	path[bulk]=20m
	rounds sendfile trickles
	path[bulk]=large
	awk -v n="${total[sendfile]}" -v rounds="$rounds" \
		'BEGIN { printf "check sendfile whole %.4f\n", n / rounds / 1000 }'
}

# What the loads need, and how often each is repeated
set_up_loads()
{
	mkdir $tracing
	mount -t tracefs tracefs $tracing
	declare -gA total least most
	declare -gA path=([bulk]=large [new_1k]=1k [new_10k]=10k [new_500k]=500k [kept_1k]=1k)
	declare -gA full=([bulk]=1 [new_1k]=$objects [new_10k]=$((objects / 2))
			  [new_500k]=$((objects / 20)) [kept_1k]=$objects)
	declare -gA short=([bulk]=1 [new_1k]=$((objects / 5)) [new_10k]=$((objects / 10))
			   [new_500k]=$((objects / 50)) [kept_1k]=$((objects / 5)))

	# A name for each host's device, as the trace shows it
	ip -n server link set veth0 down
	ip -n server link set veth0 name veth1
	ip -n server link set veth1 up
	start_server "$work/copy.log" "$tools/bench/tcp-httpd" -c -p "${port[readsend]}" \
		"$work/files"
	start_nginx
}

# costs LOAD...
costs()
{
	local load protocol protocols client server cipher calls

	set_up_loads
	check_tcp
	for load; do
		[ "$load" != tcp ] || continue
		protocols=(trickles epoll nginx)
		[ "$load" != bulk ] || protocols=(trickles sendfile readsend)
		rounds "${protocols[@]}"
		for protocol in "${protocols[@]}"; do
			split "$protocol"
			awk -v n="${total[$protocol]}" -v rounds="$rounds" -v client="$client" \
				-v server="$server" -v what="$load $protocol" 'BEGIN {
				n /= rounds * 1000
				print what, "whole", n
				print what, "client", n * client
				print what, "server", n * server }'
			echo "$load over $protocol: from ${least[$protocol]}e-3 to" \
				"${most[$protocol]}e-3 instructions in $rounds rounds" >&2
			[ "$load" != bulk ] || activity "$protocol"
		done
		cryptography trickles
		echo "$load trickles crypto $cipher"
		echo "$load trickles crypto_calls $calls"
	done
}
