#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# scripts/floors finds what it says that it finds: each fault is made in a copy of the
# module. Needs a module that is built.

set -euo pipefail
top=$(realpath "$(dirname "$0")/../..")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tree=$work/tree number=0 failed=false
rooms=$tree/Documentation/architecture.rst core=$tree/net/trickles/core

# The sources, and of what was built from them only the objects.
copy()
{
	rm -rf "$tree"
	mkdir -p "$core" "$tree/scripts" "$tree/Documentation" "$tree/lib/trickles-user"
	cp "$top/scripts/floors" "$tree/scripts"
	cp "$top"/Documentation/{architecture,protocol}.rst "$tree/Documentation"
	cp "$top"/net/trickles/*.[cho] "$tree/net/trickles"
	cp "$top"/net/trickles/core/*.[cho] "$core"
}

# finds NAME PATTERN: the copy has a fault now, and nothing but that is said
finds()
{
	local said

	number=$((number + 1))
	said=$("$tree/scripts/floors" 2>&1) || :
	if [[ $said =~ $2 ]] && [ "$(wc -l <<<"$said")" = 1 ]; then
		echo "ok $number - $1"
	else
		failed=true
		echo "# said: ${said//$'\n'/$'\n# '}"
		echo "not ok $number - $1"
	fi
	copy
}

# object NAME CODE: in place of the one that stands there
object()
{
	gcc -c -x c -o "$tree/net/trickles/$1.o" - <<<"$2"
}

copy
echo "1..12"
finds "nothing in the module as it is" '^$'
echo '/* a room */' >"$core/attic.h"
finds "a file that is not in the list" 'core/attic: is not in the list'
sed -i 's/^    law  .*/&\n    cellar        none/' "$rooms"
finds "a line without a file" 'core/cellar: .* no file'
echo '#include "client.h"' >>"$core/law.h"
finds "an include upwards" 'law\.h: includes core/client\.h'
echo '#include "../keys.h"' >>"$core/law.h"
finds "an include out of the core" 'law\.h: includes \.\./keys\.h, which is no room'
object core/types 'extern void trk_law_cwnd(void); void trk_types_f(void) { trk_law_cwnd(); }'
echo '/* a source */' >"$core/types.c"
finds "a call upwards, without an include" 'core/types: needs trk_law_cwnd of core/law'
object netns 'int trk_netns_id; int trk_net_count;'
finds "an exported name without that of its file" 'netns: exports trk_net_count'
echo 'struct a { int (*downwards)(void); };' >>"$core/law.h"
finds "a callback that is not listed" 'law\.h: downwards points to functions'
for file in law wire; do printf 'static int twice(void)\n{\n}\n' >>"$core/$file.c"; done
finds "a name of two static functions" 'static functions of one name'
printf 'static int endless(void)\n{%060d\n}\n' 0 | sed 's|0|\n|g' >>"$core/law.c"
finds "a long function" 'law\.c: endless\(\) has 63 lines'
echo '#include "sim/events.h"' >"$tree/lib/trickles-user/upwards.h"
finds "an include upwards in user space" 'upwards\.h: includes sim/events\.h'
sed -i '0,/"The law of the window"/s//"The law of the jungle"/' "$core/law.c"
finds "rules in a section that is not there" 'no section The law of the jungle'
! $failed
