#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: selftests/vm/install.sh
#
# What README.md says under "Use it", word by word, in a virtual machine, where nothing of it
# lasts: the module is found, a program builds and runs with the library, a download goes
# over it; and uninstalling leaves no file.

# shellcheck disable=SC2317 # the cases are called by their names
set -euo pipefail
top=$(realpath "$(dirname "$0")/../..")
cd "$top"

if [ "${1:-}" != guest ]; then
	exec scripts/vm --timeout 900 -- "$0" guest "$(scripts/kernel kdir)"
fi

# --- in the machine ------------------------------------------------------------------------

work=$(mktemp -d)
release=$(uname -r)
number=0 failed=0

check()
{
	local name=$1

	shift
	number=$((number + 1))
	if "$@" >"$work/log" 2>&1; then
		echo "ok $number - $name"
		return
	fi
	tail -n 30 "$work/log" | sed 's/^/# /'
	echo "not ok $number - $name"
	failed=1
}

# Here everybody is root.
sudo()
{
	"$@"
}

# words N: the Nth block of commands under "Use it"
words()
{
	awk -v n="$1" '
		/^## / { here = /^## Use it/ }
		!here { next }
		/^    / { if (!inside) block++; inside = 1; if (block == n) print substr($0, 5); next }
		{ inside = 0 }' README.md
}

# by_the_words N WHAT: runs the commands; one of them is WHAT
by_the_words()
{
	local commands

	commands=$(words "$1")
	echo "$commands"
	[[ $commands == *"$2"* ]] || return
	# Each must succeed: this is called where "set -e" has no effect.
	eval "${commands//$'\n'/ && }"
}

# What there is below the folders that are installed into, and in the linker's list.
all_files()
{
	find /usr/local "$modules/" ! -type d ! -name 'modules.*' | sort
	/sbin/ldconfig -p | grep -E 'minisock|trickles' || :
}

module_is_found()
{
	grep -q '^trickles ' /proc/modules &&
		[ "$(modinfo -n trickles)" -ef "$modules/updates/trickles.ko" ] &&
		# Stripped of what is for debuggers, which is most of it.
		[ "$(stat -c %s "$(modinfo -n trickles)")" -lt \
			$(($(stat -c %s net/trickles/trickles.ko) / 2)) ]
}

library_is_found()
{
	cat >"$work/server.c" <<-'END'
		#include <err.h>
		#include <linux/trickles.h>
		#include <minisock.h>
		#include <stdio.h>

		int main(void)
		{
			struct msk_queue *queue = msk_listen("127.0.0.1", 8000, NULL);

			if (!queue)
				errx(1, "%s", msk_error());
			puts("listening");
			msk_close(queue);
			return 0;
		}
	END
	# shellcheck disable=SC2046 # words
	(cd / && gcc -Wall -Werror -o "$work/server" "$work/server.c" \
		$(pkg-config --cflags --libs libminisock)) &&
		[[ $(ldd "$work/server") == *"libminisock.so"* ]] &&
		[ "$("$work/server")" = listening ]
}

programs_are_found()
{
	[[ $(trickles-run --help) == "usage: trickles-run"* ]] &&
		[ "$(command -v trickles-run)" = /usr/local/bin/trickles-run ] &&
		trickles-sim --help >/dev/null && trickles-sim-plot --help >/dev/null
}

pages_are_found()
{
	local page

	for page in man1/trickles-run.1 man1/trickles-sim.1 man1/trickles-sim-plot.1 \
		    man3/libminisock.3 man3/msk_listen.3 man3/msk_close.3 \
		    man8/trickles-httpd.8 man8/trickles-echod.8; do
		grep -q '^\.Sh NAME' "/usr/local/share/man/$page" || { echo "no $page"; return 1; }
	done
}

# connections: those that clients here have made over Trickles
connections()
{
	"$top/scripts/counter" Connects
}

download()
{
	local server status=0 i

	mkdir "$work/files"
	head -c 100000 /dev/urandom >"$work/files/file"
	(cd / && exec trickles-httpd -p 80 "$work/files") 2>"$work/httpd" &
	server=$!
	for ((i = 0; i < 100; i++)); do
		! grep -q ' port 80' "$work/httpd" || break
		sleep 0.1
	done
	(cd "$work" && trickles-run curl -sSfO http://127.0.0.1/file) || status=$?
	kill "$server"
	wait "$server" || :
	[ "$status" = 0 ] && cmp "$work/file" "$work/files/file" && [ "$(connections)" = 1 ]
}

nothing_is_left()
{
	all_files >"$work/after"
	diff "$work/before" "$work/after" && ! grep -q '^trickles ' /proc/modules &&
		! modinfo trickles 2>/dev/null
}

# A kernel with few modules, since depmod reads them all. The package of its headers has the
# link.
modules=/lib/modules/$release
mkdir "$work/modules"
cp -r "$modules"/modules.{order,builtin*} "$work/modules"
(cd "$modules" && cp -r --parents kernel/{crypto,lib,arch/x86/crypto} "$work/modules")
mount --bind "$work/modules" "$modules"
ln -s "$2" "$modules/build"
all_files >"$work/before"

echo "1..8"
check install by_the_words 1 "sudo modprobe trickles"
check "module is found" module_is_found
check "library is found" library_is_found
check "programs are found" programs_are_found
check "pages are found" pages_are_found
check download download
check uninstall by_the_words 2 " uninstall"
check "nothing is left" nothing_is_left
exit $failed
