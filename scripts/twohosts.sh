# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Two hosts in a virtual machine, network namespaces called client and server, joined
# by veth; to be sourced by scripts that run in it.

client_ip=10.9.0.1 server_ip=10.9.0.2
server_host=server
mtu=1500

# A queue behind the 83 packets that 10 ms of 100 Mbit/s hold on their way: room
# for as many again as a round trip holds, which Reno needs to keep a link full.
queue=250

# pause SECONDS: without a new process
exec {never}<> <(:)
pause()
{
	read -r -t "$1" -u "$never" || :
}

fail()
{
	echo "${0##*/}: $*" >&2
	exit 1
}

# on HOST COMMAND...
on()
{
	ip netns exec "$@"
}

# load_module FILE: as modprobe would, with what it depends on and what it can use: AES in
# the processor's own instructions too, which udev would have loaded.
load_module()
{
	local depends name

	depends=$(modinfo -F depends "$1")
	# shellcheck disable=SC2086 # several names
	[ -z "$depends" ] || modprobe -a ${depends//,/ } ||
		fail "cannot load $depends, which $1 depends on"
	for name in $(modinfo -F softdep "$1" | sed -n 's/^pre: //p'); do
		modprobe -q "$name" || :
	done
	insmod "$1" || fail "cannot load $1: is it built for Linux $(uname -r)?"
}

# Plain veth; TCP Reno on both, and no memory of earlier connections' windows, for
# each measurement is to stand for itself.
hosts_up()
{
	local host

	ip netns add client
	ip netns add server
	ip link add veth0 mtu $mtu netns client type veth peer name veth0 mtu $mtu netns server
	for host in client server; do
		on $host sysctl -qw net.ipv6.conf.all.disable_ipv6=1 \
			net.ipv4.tcp_congestion_control=reno net.ipv4.tcp_no_metrics_save=1
		ip -n $host link set lo up
		ip -n $host link set veth0 up
	done
	ip -n client addr add $client_ip/24 dev veth0
	ip -n server addr add $server_ip/24 dev veth0
}

# hosts_shape [NETEM...]: 100 Mbit/s and 10 ms each way, and what netem shall do else.
#
# netem delays and drops what it is given as a whole, and that may be a train of 45
# packets, since the kernel cuts it only behind the queue. A token bucket that is far
# too fast to shape and too small for two packets cuts it in front.
hosts_shape()
{
	local host

	for host in client server; do
		tc -n $host qdisc replace dev veth0 root handle 1: \
			tbf rate 10gbit burst $((mtu + 500)) limit 10mb
		tc -n $host qdisc replace dev veth0 parent 1:1 handle 2: \
			netem limit $queue rate 100mbit delay 10ms "$@"
	done
}

# begin_server LOG PROGRAM...: on $server_host; its process is $server_pid
begin_server()
{
	local log=$1

	shift
	: >"$log"
	# Not by a function: its process would be a shell's.
	ip netns exec "$server_host" "$@" 2>>"$log" &
	server_pid=$!
}

# server_listens LOG: our servers say so; without a new process
server_listens()
{
	local said

	read -r -d '' said <"$1" || :
	[[ $said =~ \ port\ [0-9] ]]
}

# start_server LOG PROGRAM...: and waits until it listens
start_server()
{
	local i

	begin_server "$@"
	for ((i = 0; i < 2000; i++)); do
		! server_listens "$1" || return 0
		kill -0 $server_pid 2>/dev/null || break
		pause 0.05
	done
	fail "${2##*/} does not start: $(tail -n 1 "$1")"
}

# need_built KERNEL_RELEASE: all that these two hosts run
need_built()
{
	local file module=net/trickles/trickles.ko built_for

	for file in $module tools/trickles-httpd tools/trickles-run tools/libtrickles-run.so \
		    tools/bench/tcp-httpd tools/bench/fetch tools/bench/hold; do
		[ -e "$file" ] || fail "$file is missing: run make"
	done
	built_for=$(modinfo -F vermagic $module)
	[ "${built_for%% *}" = "$1" ] ||
		fail "$module is built for Linux ${built_for%% *}, not for $1: run make clean all"
}
