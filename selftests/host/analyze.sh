#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# scripts/analyze and scripts/coccicheck find what they are there for: each fault is made in a
# copy of the sources.

set -euo pipefail
top=$(realpath "$(dirname "$0")/../..")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
number=0 failed=false core=net/trickles/core
said='' status=0
cd "$top"
cp -r --parents scripts include lib/*/*.[ch] net/trickles/{,core/}*.[ch] "$work"
cd "$work"

# fault FILE OLD NEW: in the copy, on one line; OLD is there once
fault()
{
	if [ "$(grep -cF "$2" "$1")" != 1 ]; then
		echo "# $1 has changed: this test looks for $2"
		exit 1
	fi
	OLD=$2 NEW=$3 perl -pi -e 's/\Q$ENV{OLD}\E/$ENV{NEW}/' "$1"
}

# run COMMAND...: sets $said and $status
run()
{
	status=0
	said=$("$@" 2>&1 </dev/null) || status=$?
}

result()
{
	local name=$1

	shift
	number=$((number + 1))
	if "$@"; then
		echo "ok $number - $name"
	else
		failed=true
		echo "# exit status $status; said: ${said//$'\n'/$'\n# '}"
		echo "not ok $number - $name"
	fi
}

nothing()
{
	[ $status = 0 ] && [ -z "$said" ]
}

finds()
{
	[ $status = 1 ] && grep -qE "$1" <<<"$said"
}

echo "1..7"
run scripts/analyze $core/numbers.c lib/libminisock/minisock.c
result "analyze: nothing in the code as it is" nothing
fault $core/numbers.c 'if (last && last->kind == kind' 'if (last->kind == kind'
run scripts/analyze $core/numbers.c
result "analyze: a null dereference in the core" finds 'core/numbers\.c:.*NullDereference'
fault $core/answer.c '*off = 0;' ';'
run scripts/analyze $core/answer.c
result "analyze: a value in the core that is not set" finds 'core/answer\.c:.*core\.uninitialized'
fault lib/libminisock/minisock.c 'calloc(1, sizeof(*q));' 'calloc(1, sizeof(*q)); q->fd = fd;'
run scripts/analyze lib/libminisock/minisock.c
result "analyze: an allocation that may fail" finds 'minisock\.c:.*possible-null-dereference'
run scripts/coccicheck net/trickles/listener.c
result "coccicheck: nothing in the code as it is" nothing
fault net/trickles/listener.c 'kfree(l);' 'kfree(l); l->sender = NULL;'
fault $core/server.c 'memset(g, 0, sizeof(*g))' 'memset(g, 0, sizeof(g))'
run scripts/coccicheck net/trickles/listener.c $core/server.c
result "coccicheck: a use after free" finds 'listener\.c:.*reference preceded by free'
result "coccicheck: the size of a pointer in the core" finds 'core/server\.c:.*sizeof to pointer'
! $failed
