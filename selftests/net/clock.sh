#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The server's clock is set while a download is under way: that costs a timeout, not the connection.
# vm: --timeout 600

# shellcheck source=selftests/net/lib.sh
. "$(dirname "$0")/lib.sh"

folder=$work/files
size=3000000

# set_clock SECONDS: by so many
set_clock()
{
	date -s "@$(($(date +%s) + $1))" >/dev/null
}

got()
{
	[ "$(stat -c %s "$work/fetched" 2>/dev/null || echo 0)" -gt "$1" ]
}

# A little of it comes before the clock is set, the rest afterwards. In slow start the queue takes
# all that is asked for, so when half of the file is there, no request may be left that would see
# the clock. A machine that was as slow as that tries again.
steps()
{
	local download late tries

	for tries in 1 2 3; do
		mark server client
		rm -f "$work/fetched"
		at client "$tools/trickles-run" curl -sSf -m 120 -o "$work/fetched" \
			"http://10.1.1.1/$size" &
		download=$!
		wait_for 100 got $((size / 20))
		set_clock "$1"
		late=false
		! got $((size / 3)) || late=true
		wait "$download"
		same_hash "$work/fetched" "$folder/$size"
		$late || return 0
		echo "# try $tries: the clock was set too late"
	done
	fail "the clock was set too late"
}

back()
{
	steps -3600
	expect server DropExpired -gt 0
	expect server DropAttempt -eq 0
	expect client Timeouts -gt 0
	expect client Timeouts -lt 5
}

ahead()
{
	steps 3600
	expect client Timeouts -lt 5
}

load
plan 2
two_hosts
mkdir "$folder"
"$built/xfer" files "$folder" $size
httpd server "$folder"
netem server client rate 4mbit limit 1000
check "an hour back" back
check "an hour ahead" ahead
