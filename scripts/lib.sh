# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034 # used where this is read
# What the scripts share.

cache=${TRICKLES_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/trickles}
# scripts/setup installs into /usr/sbin too, which is not in everybody's PATH.
PATH=$PATH:/usr/sbin:/sbin

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

# uml_module KDIR FOLDER: the module for User Mode Linux: FOLDER/net/trickles/trickles.ko.
# A module is built where its source is: another kernel's needs a copy.
uml_module()
{
	rm -rf "$2"
	mkdir -p "$2/net/trickles/core"
	cp -r include "$2"
	cp net/trickles/{*.[ch],Makefile} "$2/net/trickles"
	cp net/trickles/core/*.[ch] "$2/net/trickles/core"
	make -s -C "$1" ARCH=um M="$(realpath "$2")/net/trickles" CONFIG_TRICKLES=m modules
}
