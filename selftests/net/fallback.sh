#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Where there is no Trickles there is TCP, with TCP's errors. The cases that compare both
# are in fallback.py; here real programs meet.
# vm: --timeout 1200

# shellcheck source=selftests/net/lib.sh
. "$(dirname "$0")/lib.sh"

folder=$work/files
sizes="0-2 1300-1310 14480 100000 1000000"

# by_tcp COMMAND...: Trickles asked, and TCP answered
by_tcp()
{
	mark client server
	"$@"
	expect client Fallbacks -gt 0
	expect client Connects -eq 0
	expect server Events -eq 0
}

by_trickles()
{
	mark client server
	"$@"
	expect client Fallbacks -eq 0
	expect client Connects -gt 0
	expect server Events -gt 0
}

download()
{
	# shellcheck disable=SC2086 # words
	at client "$built/xfer" -j 4 "$@" $sizes
}

fetch()
{
	at client "$@" -sSf -m 250 -o "$work/fetched" http://10.1.1.1/1000000
	same_hash "$work/fetched" "$folder/1000000"
}

# The same port, and neither hinders the other.
side_by_side()
{
	mark client server
	at client curl -sSf -m 250 -o "$work/fetched" http://10.1.1.1/1000000
	same_hash "$work/fetched" "$folder/1000000"
	expect client Connects -eq 0
	expect server SynRcvd -eq 0
	by_trickles download get 10.1.1.1 80
}

# Nobody listens there.
curl_refused()
{
	local status=0

	at client "$tools/trickles-run" curl -sS -m 250 http://10.1.1.1:81/ || status=$?
	[ $status = 7 ] # no connection
}

# As many marked SYNs are lost as are sent before a plain one, which TCP refuses.
lost_syns()
{
	at client nft -f - <<-END
		table ip lossy {
			chain output {
				type filter hook output priority filter
				ip daddr 10.1.1.1 tcp flags syn tcp option 254 exists numgen inc mod 1000 < 2 drop
			}
		}
	END
	by_trickles at client "$built/xfer" get 10.1.1.1 80 100000
	expect client DropRefused -eq 1
	at client nft delete table ip lossy
}

# A path on which SYNs with options that it does not know get lost.
swallow()
{
	at client nft -f - <<-END
		table ip middlebox {
			chain output {
				type filter hook output priority filter
				ip daddr 10.1.1.1 tcp flags syn tcp option 254 exists drop
			}
		}
	END
	at client sysctl -qw net.trickles.marked_syns=1
	by_tcp at client "$built/xfer" -p get 10.1.1.1 80 100000
	mark client
	curl_refused
	expect client DropRefused -eq 1
	# The plain one is the last: no other can be a marked one.
	mark client
	at client sysctl -qw net.ipv4.tcp_syn_retries=1
	curl_refused
	expect client DropRefused -eq 0
	at client sysctl -qw net.ipv4.tcp_syn_retries=6
	at client nft delete table ip middlebox
	at client sysctl -qw net.trickles.marked_syns=2
}

load
plan 8
two_hosts
mkdir "$folder"
# shellcheck disable=SC2086 # words
"$built/xfer" files "$folder" $sizes
start server tcp-httpd port "$tools/bench/tcp-httpd" -p 80 "$folder"

check "downloads from a plain TCP server" by_tcp download -p get 10.1.1.1 80
check "curl from a plain TCP server" by_tcp fetch "$tools/trickles-run" curl
check "a path that swallows our SYNs" swallow
httpd server "$folder"
check "a Trickles server comes to the port of a TCP server" side_by_side
stop httpd-server
check "without it: TCP again" by_tcp download -p get 10.1.1.1 80
stop tcp-httpd
httpd server "$folder"
check "marked SYNs get lost where only Trickles listens" lost_syns
start server tcp-httpd port "$tools/bench/tcp-httpd" -p 80 "$folder"
check "a TCP server comes to the port of a Trickles server" side_by_side
check "errors are those of TCP, and as fast" "$net/fallback.py" "${prefix}"{server,client}
