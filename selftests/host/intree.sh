#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# net/trickles builds inside a kernel tree: dropped into an unpacked linux-source, with a
# line in net/Kconfig and one in net/Makefile. Runs on this machine, without a virtual one.

set -euo pipefail
top=$(realpath "$(dirname "$0")/../..")
out=$top/build/selftests/intree
tree=$out/linux
number=0 failed=false

check()
{
	local name=$1

	shift
	number=$((number + 1))
	if "$@" >"$out/log" 2>&1; then
		echo "ok $number - $name"
		return
	fi
	failed=true
	tail -n 30 "$out/log" | sed 's/^/# /'
	echo "not ok $number - $name"
}

quiet_make()
{
	make -s -C "$tree" "$@" </dev/null
}

# A copy by links, in which the files that we change are our own.
drop_in()
{
	local source

	source=$("$top/scripts/kernel" source) || return
	rm -rf "$tree"
	mkdir -p "$out"
	cp -al "$source" "$tree" 2>/dev/null || { rm -rf "$tree"; cp -a "$source" "$tree"; } || return
	mkdir "$tree/net/trickles" "$tree/net/trickles/core"
	cp "$top"/net/trickles/{*.c,*.h,Kconfig,Makefile} "$tree/net/trickles"
	cp "$top"/net/trickles/core/*.[ch] "$tree/net/trickles/core"
	cp "$top/include/uapi/linux/trickles.h" "$tree/include/uapi/linux"
	sed 's|^source "net/dccp/Kconfig"|source "net/trickles/Kconfig"\n&|' \
		"$tree/net/Kconfig" >"$out/Kconfig" &&
		mv "$out/Kconfig" "$tree/net/Kconfig" || return
	# shellcheck disable=SC2016 # make's variable
	{ cat "$tree/net/Makefile"; echo 'obj-$(CONFIG_TRICKLES) += trickles/'; } >"$out/Makefile" &&
		mv "$out/Makefile" "$tree/net/Makefile"
}

# Everything that it depends on, and nothing that it selects.
configure()
{
	quiet_make tinyconfig &&
		"$tree/scripts/config" --file "$tree/.config" -e 64BIT -e MODULES -e NET -e INET \
			-e NETFILTER -e NETFILTER_ADVANCED -e PROC_FS -e SYSCTL -e PRINTK "$@" &&
		quiet_make olddefconfig && quiet_make modules_prepare
}

configured()
{
	grep -qx "$1" "$tree/.config"
}

compiles()
{
	quiet_make W=1 net/trickles/ && [ -f "$tree/net/trickles/$1" ]
}

echo "TAP version 13"
echo "1..8"
mkdir -p "$out"
trap 'rm -rf "$tree"' EXIT
check "dropped into linux-source" drop_in
check "configured as a module" configure -m TRICKLES -d IPV6 -m NF_CONNTRACK
check "CONFIG_TRICKLES=m" configured CONFIG_TRICKLES=m
check "it selects AES-CMAC" configured CONFIG_CRYPTO_CMAC=m
check "compiles as a module" compiles trickles.o
check "configured into the kernel, without conntrack" configure -e TRICKLES -d NF_CONNTRACK
check "CONFIG_TRICKLES=y" configured CONFIG_TRICKLES=y
check "compiles into the kernel" compiles built-in.a
! $failed
