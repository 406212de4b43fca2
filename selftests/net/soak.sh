#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Transfers without end over two servers of one address, while at random packets get lost, late,
# doubled or spoilt, one server gets most of them, nothing arrives at all, servers are
# killed, keys change and clients die. Every transfer ends, every byte of it is right, and
# nothing is left behind.
# vm: --timeout 1100
#
# MINUTES says for how long (1), SEED which disturbances (another one each time).

# shellcheck disable=SC2030,SC2031 # each shell's own random numbers
# shellcheck source=selftests/net/replicas.bash
. "$(dirname "$0")/replicas.bash"

minutes=${MINUTES:-1}
seed=${SEED:-$RANDOM}
[[ $minutes =~ ^[1-9][0-9]{0,3}$ ]] || bail_out "MINUTES=$minutes: give a number from 1 to 9999"
[[ $seed =~ ^[0-9]{1,5}$ ]] || bail_out "SEED=$seed: give a number from 0 to 99999"

# pick VARIABLE WORD...: one of the words. Not by $(), whose shell has random numbers of its own.
pick()
{
	local -n picked=$1

	shift $((1 + RANDOM % ($# - 1)))
	# shellcheck disable=SC2034 # the caller's
	picked=$1
}

# pause MILLISECONDS: at most so long
pause()
{
	local ms=$((RANDOM % $1))

	sleep "$(printf %d.%03d $((ms / 1000)) $((ms % 1000)))"
}

enough()
{
	[ -e "$work/enough" ]
}

# attempt FUNCTION: in a shell of its own, which ends with the first command that fails (hence
# never in a condition), with random numbers that follow from ours
attempt()
{
	local status random=$RANDOM

	set +e
	(
		set -e
		RANDOM=$random
		"$1"
	) >"$work/$1.log" 2>&1
	status=$?
	set -e
	if [ $status = 0 ]; then
		echo "$1" >>"$work/done"
	else
		{ echo "$1 failed:"; cat "$work/$1.log"; } >>"$work/failed"
	fi
}

# --- what disturbs ------------------------------------------------------------------

# What now happens to packets in both directions
weather()
{
	local how=() ms percent

	pick ms 5 20 60
	pick percent 1 3 8
	case $((RANDOM % 6)) in
	0) ;;
	1) how=(delay "${ms}ms") ;;
	2) how=(delay 3ms loss "$percent%") ;;
	3) how=(delay "${ms}ms" 5ms) ;;
	4) how=(delay 2ms duplicate 10% corrupt 2%) ;;
	5) how=(delay 10ms 3ms loss 2% duplicate 3% corrupt 1%) ;;
	esac
	both_ways "${how[@]}"
}

darkness()
{
	both_ways loss 100%
	pause 4000
	both_ways delay 1ms
}

killed_server()
{
	local host

	pick host left right
	stop "httpd-$host"
	stop "echod-$host"
	pause 2000
	serve "$host"
}

# One host after the other, and none whose number is that of another key in use.
new_key()
{
	until key=$(od -An -tx1 -N32 /dev/urandom | tr -d ' \n') &&
		at left sysctl -qw net.trickles.key="$key" 2>"$work/key.log"; do
		grep -q "File exists" "$work/key.log"
	done
	pause 200
	at right sysctl -qw net.trickles.key="$key"
}

# Of a hundred packets the left host gets so many, at random.
share()
{
	local left

	pick left 0 10 50 50 90 99
	at router nft "flush chain ip spray prerouting; add rule ip spray prerouting ip daddr $server \
		numgen random mod 100 >= $left meta mark set 1"
}

answers()
{
	wc -l <"$work/questions"
}

# One thing after the other, and fair weather in the end. A connection lives through six changes
# of the key between two answers: there is one in ten seconds, and answers more often. Where they
# are not, the key waits for them.
disturb()
{
	local what next_key=0 answered=-1

	RANDOM=$seed
	until enough; do
		pick what weather weather weather killed_server killed_server darkness share new_key
		if [ "$what" = new_key ]; then
			[ $SECONDS -ge $next_key ] || continue
			[ "$(answers)" -gt "$answered" ] || continue
			next_key=$((SECONDS + 10))
			answered=$(answers)
		fi
		attempt "$what"
		pause 2000
	done
	both_ways
}

# --- who is disturbed ---------------------------------------------------------------

some_files()
{
	local small middle large

	pick small 0 1 950 1432 2150
	pick middle 11600 13000 100000
	pick large 65536 300000 1000000
	at client "$built/xfer" -r -j 3 -t 300 get "$server" 80 "$small" "$middle" "$large"
}

some_echo()
{
	local small large

	pick small 1 1300 1432 5000
	pick large 40000 200000 1000000
	at client "$built/xfer" -r -j 2 -t 300 echo "$server" 7 "$small" "$large"
}

pipeline()
{
	at client "$built/xfer" -r -k -t 300 get "$server" 80 0 950-960 11600 100000 300000
}

by_curl()
{
	rm -f "$work/fetched"
	at client "$tools/trickles-run" curl -sSf -m 300 --retry 20 --retry-connrefused \
		-o "$work/fetched" "http://$server/8000000"
	same_hash "$work/fetched" "$folder/8000000"
}

# Killed amid an upload and a download: its sockets are left to the kernel.
dying()
{
	local status=0

	at client timeout -s KILL "0.$((1 + RANDOM % 9))" \
		"$built/xfer" -r -j 2 -t 300 echo "$server" 7 300000 1000000 || status=$?
	# 137 is the end that was meant.
	[ $status = 0 ] || [ $status = 137 ]
	pause 2000
}

# A single connection, all the time, that is often idle.
patient()
{
	at client python3 - "$server" "$folder/1000000" "$work/enough" "$work/questions" <<-'END'
		import os, random, socket, sys, time

		server, path, enough, questions = sys.argv[1:]
		content = open(path, "rb").read()
		while True:
		    # A new one each time: with a timeout, the second connect() of a socket that
		    # was refused ends with ECONNABORTED, as TCP's.
		    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 260)
		    s.settimeout(300)
		    try:
		        s.connect((server, 80))
		        break
		    except ConnectionRefusedError:
		        s.close()
		        time.sleep(0.2)
		answers = s.makefile("rb")
		while not os.path.exists(enough):
		    s.sendall(b"GET /1000000 HTTP/1.1\r\nHost: x\r\n\r\n")
		    assert b" 200 " in answers.readline()
		    while answers.readline() != b"\r\n":
		        pass
		    assert answers.read(len(content)) == content
		    with open(questions, "a") as f:
		        f.write("1\n")
		    time.sleep(random.choice((0, 0, 1, 8)))
	END
}

# worker NAME: does that until it is enough, or anything failed
worker()
{
	RANDOM=$((seed + $(cksum <<<"$1" | cut -d ' ' -f 1) % 10000))
	until enough; do
		attempt "$1"
	done
}

# --- the cases ------------------------------------------------------------------------

soak()
{
	local pids=() worker workers=(some_files some_echo pipeline by_curl dying patient)
	local end=$((SECONDS + 60 * minutes))

	echo "# seed $seed"
	: >"$work/questions"
	for worker in "${workers[@]}"; do
		worker "$worker" &
		pids+=($!)
	done
	disturb &
	pids+=($!)
	while [ $SECONDS -lt $end ] && [ ! -e "$work/failed" ]; do
		sleep 1
	done
	touch "$work/enough"
	wait "${pids[@]}"
	sort "$work/done" | uniq -c | sed 's/^/# /'
	echo "# patient had $(answers) answers"
	[ ! -e "$work/failed" ] || fail "$(cat "$work/failed")"
	for worker in "${workers[@]}"; do
		grep -qx "$worker" "$work/done" || fail "$worker did nothing"
	done
}

only_trickles()
{
	expect client Fallbacks -eq 0
	expect client Connects -gt 0
	expect left Answers -gt 0
	expect right Answers -gt 0
}

nothing_left()
{
	local host

	for host in left right; do
		stop "httpd-$host"
		stop "echod-$host"
	done
	unload
	insmod "$trickles"
}

load
plan 3
two_servers
at client sysctl -qw net.trickles.marked_syns=16
mkdir "$folder"
"$built/xfer" files "$folder" 0 1 950-960 1432 2150 11600 13000 65536 100000 300000 1000000 8000000
serve left
serve right
mark client left right
check "all transfers end, and their bytes are right" soak
check "Trickles carried all of them" only_trickles
check "nothing is left behind" nothing_left
