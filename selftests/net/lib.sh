# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the tests of this folder share. They load a module and make network
# namespaces, so they run as root in a virtual machine (scripts/vm).
#
#   . "$(dirname "$0")/lib.sh"
#   load
#   plan 2
#   check "what holds" function argument
#   check "what else holds" command argument
#
# A case is a function or command that succeeds. It runs in a shell of its own,
# which ends with the first command that fails; its output is shown only then, but for
# lines that begin with "# ".

set -euo pipefail

net=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
top=$(realpath "$net/../..")
tools=$top/tools
# shellcheck disable=SC2034 # for the tests
built=$top/build/selftests/net
trickles=${TRICKLES_MODULE:-$top/net/trickles/trickles.ko}
work=$(mktemp -d "${TMPDIR:-/tmp}/net.XXXXXX")
prefix=t$$-
planned='' number=0 failed=false

# --- TAP ---------------------------------------------------------------------

plan()
{
	planned=$1
	echo "TAP version 13"
	echo "1..$1"
}

bail_out()
{
	echo "Bail out! $*"
	exit 1
}

check()
{
	local name=$1 status from=$SECONDS

	shift
	number=$((number + 1))
	set +e
	(
		set -e
		"$@"
	) >"$work/output" 2>&1
	status=$?
	set -e
	if [ $status = 0 ]; then
		grep '^# ' "$work/output" || :
		echo "ok $number - $name # $((SECONDS - from)) s"
		return
	fi
	failed=true
	tail -n 40 "$work/output" | sed 's/^/# /'
	echo "not ok $number - $name"
}

# A sentence for the log of a case, and its failure.
fail()
{
	echo "$*"
	return 1
}

cleanup()
{
	local status=$? name

	trap - EXIT
	set +e
	for name in $(ip netns list | sed -n "s/^\(${prefix}[^ ]*\).*/\1/p"); do
		ip netns pids "$name" | xargs -r kill -9
		ip netns del "$name"
	done
	rm -rf "$work"
	if [ $status = 0 ] && { $failed || [ "$number" != "$planned" ]; }; then
		status=1
	fi
	exit $status
}
trap cleanup EXIT
trap 'exit 1' INT TERM HUP

# --- waiting -----------------------------------------------------------------

# wait_for SECONDS COMMAND...: until it succeeds. A machine may be slow or busy: only what never
# happens takes so long, so let it be many times what is expected.
wait_for()
{
	local end=$((SECONDS + $1))

	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || fail "waited in vain for: $*" || return
		sleep 0.05
	done
}

# --- the module --------------------------------------------------------------

# What insmod does not bring itself.
load_needed()
{
	local needed

	# A kernel without modules of its own has everything built in.
	[ -d "/lib/modules/$(uname -r)" ] || return 0
	needed=$(modinfo -F depends "$trickles" | tr ',' ' ')
	# shellcheck disable=SC2086 # words
	modprobe -a $needed cmac ecb aesni_intel veth sch_netem nf_tables nft_numgen
}

load()
{
	[ -f "$trickles" ] || bail_out "$trickles is missing: run make"
	[ "$(id -u)" = 0 ] || bail_out "only root may load a module: run it in scripts/vm"
	load_needed || bail_out "modules of the kernel are missing"
	insmod "$trickles" || bail_out "the module does not load"
}

# --- what is left behind ---------------------------------------------------------

references()
{
	cat /sys/module/trickles/refcnt
}

no_references()
{
	[ "$(references)" = 0 ]
}

# Sockets and connections of all namespaces, ours and TCP's, in memory.
objects()
{
	awk '$1 ~ /^(TRICKLES|TCP|request_sock_TCP)$/ { n += $2 } END { print n + 0 }' /proc/slabinfo
}

# Empty slabs are given back, so that what is active is in use.
shrink()
{
	local cache

	for cache in TRICKLES TCP request_sock_TCP; do
		[ ! -e "/sys/kernel/slab/$cache/shrink" ] || echo 1 >"/sys/kernel/slab/$cache/shrink"
	done
}

objects_are()
{
	shrink
	[ "$(objects)" -le "$1" ]
}

unloads()
{
	rmmod trickles 2>/dev/null
}

# Waits for the last socket to go, or says what is left. One that was closed with input that
# no server has consumed stays for 60 s, as one of TCP stays in TIME_WAIT.
unload()
{
	wait_for 300 unloads && return
	echo "references: $(references), sockets: $(objects)"
	at client cat /proc/net/trickles /proc/net/tcp
	return 1
}

# --- hosts -------------------------------------------------------------------

# hosts NAME...: namespaces
hosts()
{
	local name

	for name; do
		ip netns add "$prefix$name"
		ip -n "$prefix$name" link set lo up
		at "$name" sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
	done
}

# at HOST COMMAND...
at()
{
	local name=$1

	shift
	ip netns exec "$prefix$name" "$@"
}

# lladdr ADDRESS[/LENGTH]: that of the interface which was made with this address
lladdr()
{
	local address=${1%/*}

	# shellcheck disable=SC2086 # four numbers
	printf '02:00:%02x:%02x:%02x:%02x' ${address//./ }
}

# neighbour HOST DEVICE ADDRESS LLADDR: HOST knows it and need not ask. What a test does to
# packets would else happen to ARP as well, and a host that does not hear of its neighbour for
# three seconds tells connect() EHOSTUNREACH, over TCP and over Trickles.
neighbour()
{
	ip -n "$prefix$1" neighbour replace "$3" lladdr "$4" dev "$2" nud permanent
}

# cable HOST ADDRESS/LENGTH HOST ADDRESS/LENGTH: each end is named after the other host
cable()
{
	ip link add "$3" address "$(lladdr "$2")" netns "$prefix$1" type veth \
		peer name "$1" address "$(lladdr "$4")" netns "$prefix$3"
	ip -n "$prefix$1" address add "$2" dev "$3"
	ip -n "$prefix$3" address add "$4" dev "$1"
	ip -n "$prefix$1" link set "$3" up
	ip -n "$prefix$3" link set "$1" up
	neighbour "$1" "$3" "${4%/*}" "$(lladdr "$4")"
	neighbour "$3" "$1" "${2%/*}" "$(lladdr "$2")"
}

# router NAME: forwards, and gets trains cut into packets, as a wire has them
router()
{
	at "$1" sysctl -qw net.ipv4.ip_forward=1
}

# cut HOST DEVICE: what leaves has the size of a packet
cut_trains()
{
	at "$1" ethtool -K "$2" tso off gso off
}

# netem HOST DEVICE [PARAMETER...]: what happens to packets that leave; none: nothing
netem()
{
	local name=$1 device=$2

	shift 2
	tc -n "$prefix$name" qdisc del dev "$device" root 2>/dev/null || :
	[ $# = 0 ] || tc -n "$prefix$name" qdisc add dev "$device" root netem "$@"
}

# client - router - server, 10.1.1.2 to 10.1.2.2, packets cut to size on both sides
three_hosts()
{
	hosts client router server
	cable client 10.1.1.2/24 router 10.1.1.1/24
	cable server 10.1.2.2/24 router 10.1.2.1/24
	router router
	ip -n "${prefix}client" route add default via 10.1.1.1
	ip -n "${prefix}server" route add default via 10.1.2.1
	cut_trains client router
	cut_trains server router
}

# client - server, 10.1.1.2 to 10.1.1.1, trains as they are
two_hosts()
{
	hosts client server
	cable client 10.1.1.2/24 server 10.1.1.1/24
}

# --- processes ---------------------------------------------------------------

# start HOST NAME PATTERN COMMAND...: in the background, until its output has PATTERN
start()
{
	local host=$1 name=$2 pattern=$3

	shift 3
	# Not by at(): this is to be the program's own process.
	ip netns exec "$prefix$host" "$@" >"$work/$name.log" 2>&1 </dev/null &
	echo $! >"$work/$name.pid"
	disown
	wait_for 300 grep -qs "$pattern" "$work/$name.log" || {
		cat "$work/$name.log"
		fail "$name did not start"
	}
}

is_gone()
{
	local state

	read -r _ _ state _ 2>/dev/null <"/proc/$1/stat" || return 0
	[ "$state" = Z ]
}

# stop NAME: kill it, with no chance to say goodbye
stop()
{
	local pid

	pid=$(cat "$work/$1.pid")
	kill -9 "$pid" 2>/dev/null || :
	wait_for 100 is_gone "$pid"
}

# httpd HOST FOLDER [OPTION...]: port 80
httpd()
{
	local host=$1 folder=$2

	shift 2
	start "$host" "httpd-$host" serving "$tools/trickles-httpd" "$@" -p 80 "$folder"
}

# echod HOST: echo at port 7
echod()
{
	start "$1" "echod-$1" echo "$tools/trickles-echod" -e 7
}

# --- counters ----------------------------------------------------------------

# counter HOST COUNTER
counter()
{
	at "$1" "$top/scripts/counter" "$2"
}

# mark HOST...: what delta counts from
mark()
{
	local host

	for host; do
		at "$host" cat /proc/net/trickles >"$work/$host.mark"
	done
}

# delta HOST COUNTER
delta()
{
	local now before

	if ! before=$("$top/scripts/counter" "$2" "$work/$1.mark") ||
	   ! now=$(counter "$1" "$2"); then
		fail "no counter $2" >&2
		return 1
	fi
	echo $((now - before))
}

# expect HOST COUNTER OPERATOR VALUE: how it has changed, as test(1) compares
expect()
{
	local change

	change=$(delta "$1" "$2")
	test "$change" "$3" "$4" || fail "$1: $2 changed by $change, not $3 $4"
}

becomes()
{
	expect "$@" >/dev/null
}

same_hash()
{
	local a b

	a=$(sha256sum <"$1")
	b=$(sha256sum <"$2")
	[ "$a" = "$b" ] || fail "$1 and $2 differ"
}
