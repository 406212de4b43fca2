# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # names that are the test's
#
# For tests of scripts/vm: $cases are functions of theirs. What vm was told, and
# what it left, is in $work.

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

vm()
{
	status=0
	"$top/scripts/vm" "$@" >"$work/stdout" 2>"$work/stderr" </dev/null || status=$?
}

# expect WHAT GOT WANTED
expect()
{
	if [ "$2" != "$3" ]; then
		echo "# $1 is '$2', not '$3'"
		sed 's/^/#   stderr: /' "$work/stderr" | tail -n 20
		return 1
	fi
}

expect_stderr()
{
	if ! grep -qE "$1" "$work/stderr"; then
		echo "# stderr says nothing like '$1':"
		sed 's/^/#   /' "$work/stderr" | tail -n 20
		return 1
	fi
}

# wait_for COMMAND...: until it succeeds
wait_for()
{
	local end=$((SECONDS + 400))

	until "$@"; do
		if [ $SECONDS -ge $end ]; then
			echo "# waited in vain for: $*"
			return 1
		fi
		sleep 0.1
	done
}

# One line on stderr, and nothing started.
refused()
{
	local pattern=$1

	shift
	vm "$@"
	expect status "$status" 125 && expect lines "$(wc -l <"$work/stderr")" 1 &&
		expect_stderr "$pattern"
}

run_cases()
{
	local case number=0 failed=0 from

	echo "1..${#cases[@]}"
	for case in "${cases[@]}"; do
		number=$((number + 1))
		from=$SECONDS
		if $case; then
			echo "ok $number - $case # $((SECONDS - from)) s"
		else
			echo "not ok $number - $case"
			failed=1
		fi
	done
	exit $failed
}
