#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The transfers of transfer.sh with packets that alternate between two hosts of one
# address and one key, whose server processes are killed and started again all the time.
# vm: --timeout 2000

# shellcheck source=selftests/net/replicas.bash
. "$(dirname "$0")/replicas.bash"

# Both hosts in turn, without end.
murder()
{
	local host

	while :; do
		for host in left right; do
			sleep 0.7
			stop "httpd-$host"
			stop "echod-$host"
			serve "$host"
			echo "$host" >>"$work/murders"
		done
	done
}

# amid_murder COMMAND...: which both hosts must have had a part in. It is repeated if it
# was faster than the murderer.
amid_murder()
{
	local before murdered=false

	mark left right
	before=$(wc -l <"$work/murders")
	until $murdered; do
		"$@"
		[ "$(wc -l <"$work/murders")" = "$before" ] || murdered=true
		$murdered || ! is_gone "$murderer" || fail "the murderer is gone"
	done
	expect left Answers -gt 0
	expect right Answers -gt 0
	# One key: what one host seals the other opens.
	expect left DropKey -eq 0
	expect right DropMac -eq 0
}

load
plan 11
two_servers
at client sysctl -qw net.trickles.marked_syns=16
make_files
serve left
serve right
: >"$work/murders"
murder &
murderer=$!
disown

# shellcheck disable=SC2086 # words
{
	check "download of sizes around packet boundaries" amid_murder download $get_sizes
	check "upload and echo of sizes around packet boundaries" amid_murder upload $echo_sizes
	check "many files over one connection" amid_murder pipelined $few_sizes
	check "under loss" amid_murder here_and_there $loss
	check "under reordering" amid_murder here_and_there $reordering
	check "under duplication" amid_murder here_and_there $duplication
	check "under corruption" amid_murder here_and_there $corruption
	check "under all of it" amid_murder here_and_there delay 4ms 3ms loss 2% duplicate 3% corrupt 1%
	both_ways delay 3ms loss 1%
	check "curl: 8 MB under loss" amid_murder fetch curl 8000000
	check "wget: 8 MB under loss" amid_murder fetch wget 8000000
	both_ways
	check "curl: 100 MB" amid_murder fetch curl 100000000
}
kill $murderer
