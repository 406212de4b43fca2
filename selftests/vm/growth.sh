#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: selftests/vm/growth.sh
#
# Programs and modules of different age: the structs of the public header grow in a copy, from
# which module, library and server are built again. Old programs run on the new module and new
# ones on this; a new one that asks for what this module does not know is told so.
#
# Built here, tried in a virtual machine, without network namespaces.

# shellcheck disable=SC2317 # the cases are called by their names
set -euo pipefail
top=$(realpath "$(dirname "$0")/../..")
cd "$top"
# shellcheck source=scripts/lib.sh
. scripts/lib.sh
copy=build/selftests/growth

# grow FILE: each struct that has its length beside it
grow()
{
	awk '
		/^struct trk_(queue_info|ops|op|event|info|caps) \{/ { grows = 1 }
		/^};/ && grows { print "\t__aligned_u64 grown[3];"; grows = 0 }
		{ print }' "$1" >"$1.grown"
	mv "$1.grown" "$1"
}

build()
{
	rm -rf $copy
	mkdir -p $copy/net/trickles/core
	cp -r include lib tools $copy
	cp net/trickles/{*.[ch],Makefile} $copy/net/trickles
	cp net/trickles/core/*.[ch] $copy/net/trickles/core
	rm -f $copy/lib/libminisock/*.{o,a} $copy/tools/*.o
	grow $copy/include/uapi/linux/trickles.h
	[ "$(grep -c 'grown\[3\]' $copy/include/uapi/linux/trickles.h)" = 6 ]
	make -s -C "$(scripts/kernel kdir)" M="$top/$copy/net/trickles" CONFIG_TRICKLES=m \
		CONFIG_DEBUG_INFO_BTF_MODULES= modules
	make -s -C $copy/lib/libminisock libminisock.a
	make -s -C $copy/tools trickles-httpd trickles-echod
	# One that uses what has come.
	cp -r $copy/lib $copy/lib.asks
	rm -f $copy/lib.asks/libminisock/*.{o,a}
	sed -i 's/\.flags = o->flags,/& .grown = { 1 },/' $copy/lib.asks/libminisock/minisock.c
	grep -q 'grown = { 1 }' $copy/lib.asks/libminisock/minisock.c
	make -s -C $copy/lib.asks/libminisock libminisock.a
	gcc -o $copy/httpd.asks $copy/tools/{trickles-httpd,http,http_cont,http_cache,util}.o \
		$copy/lib.asks/libminisock/libminisock.a
}

if [ "${1:-}" != guest ]; then
	build >&2
	exec scripts/vm --timeout 600 -- "$0" guest
fi

# --- in the machine ------------------------------------------------------------------------

work=$(mktemp -d)
number=0 failed=0

check()
{
	local name=$1

	shift
	number=$((number + 1))
	if (set -e; "$@") >"$work/log" 2>&1; then
		echo "ok $number - $name"
		return
	fi
	tail -n 30 "$work/log" | sed 's/^/# /'
	echo "not ok $number - $name"
	failed=1
}

# fresh TREE: its module, and nothing that runs
fresh()
{
	pkill trickles- || :
	while lsmod | grep -q '^trickles '; do
		rmmod trickles 2>/dev/null || sleep 0.2
	done
	modprobe -a cmac ecb
	insmod "$1/net/trickles/trickles.ko"
}

# A download and an echo, both as Trickles.
works()
{
	local tree=$1

	"$tree/tools/trickles-httpd" -a 127.0.0.1 -p 8080 "$work/files" &
	"$tree/tools/trickles-echod" -a 127.0.0.1 -e 7 &
	sleep 1
	tools/trickles-run curl -sSf -m 60 -o "$work/fetched" http://127.0.0.1:8080/file
	cmp "$work/fetched" "$work/files/file"
	build/selftests/net/xfer echo 127.0.0.1 7 100000
	[ "$(scripts/counter Connects)" -ge 2 ]
}

old_on_new()
{
	fresh "$copy"
	works .
}

new_on_old()
{
	fresh .
	works "$copy"
}

asks_too_much()
{
	local said status=0

	fresh .
	said=$("$copy/httpd.asks" -a 127.0.0.1 -p 8081 "$work/files" 2>&1) || status=$?
	echo "status $status: $said"
	[ "$status" = 1 ] && [[ $said == *"kernel module is older"* ]]
}

ip link set lo up
mkdir "$work/files"
head -c 300000 /dev/urandom >"$work/files/file"
echo "TAP version 13"
echo "1..3"
check "programs of today on a module whose structs have grown" old_on_new
check "programs whose structs have grown on the module of today" new_on_old
check "a program that asks for what the module does not know is told so" asks_too_much
exit $failed
