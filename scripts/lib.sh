# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034 # used where this is read
# What the scripts share.

cache=${TRICKLES_CACHE:-${XDG_CACHE_HOME:-~/.cache}/trickles}
# scripts/setup installs into /usr/sbin too, which is not in everybody's PATH.
PATH=$PATH:/usr/sbin:/sbin
# Where standard input is closed, the next file to be opened would be taken for it.
{ : 3<&0; } 2>/dev/null || exec </dev/null

say()
{
	echo "$*" >&2
}

die()
{
	say "${0##*/}: $*"
	exit 125
}

# Lines 2 and following of a script's head, up to the first that is no comment.
usage()
{
	sed -n '3,/^[^#]/s/^#\( \|$\)//p' "$0"
}

need()
{
	local program

	for program; do
		command -v "$program" >/dev/null ||
			die "$program is missing: run scripts/setup"
	done
}

# module_copy ARCH KDIR FOLDER [NAME=VALUE...]: the module for another kernel than the tree's:
# FOLDER/net/trickles/trickles.ko. A module is built where its source is, so that needs a copy.
module_copy()
{
	local arch=$1 kdir=$2 copy=$3

	shift 3
	rm -rf "$copy"
	mkdir -p "$copy/net/trickles/core"
	cp -r include "$copy"
	cp net/trickles/{*.[ch],Makefile} "$copy/net/trickles"
	cp net/trickles/core/*.[ch] "$copy/net/trickles/core"
	make -s -C "$kdir" ARCH="$arch" M="$(realpath "$copy")/net/trickles" CONFIG_TRICKLES=m "$@" \
		modules
}
