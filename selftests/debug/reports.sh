#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What the debug kernels have to say of a module that misbehaves fails a run, and what fault
# injection prints of itself does not. Runs on the machine itself.

# shellcheck disable=SC2317 # the cases are called by their names
set -euo pipefail
cd "$(dirname "$(realpath "$0")")/../.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# make_provoke CONFIG ARCH: the module for that kernel
make_provoke()
{
	mkdir "$work/$1"
	cp selftests/vm/provoke/* "$work/$1"
	make -s -C "$(scripts/kernel --config "$1" kdir)" ARCH="$2" M="$work/$1" \
		UBSAN_SANITIZE=y modules >"$work/make.log" 2>&1 || { cat "$work/make.log"; exit 1; }
}

# run COMMAND...: by scripts/vm, without a word
run()
{
	status=0
	scripts/vm "$@" >"$work/stdout" 2>"$work/stderr" </dev/null || status=$?
}

uml()
{
	run --uml --kernel "$uml_image" -- "$@"
}

debug()
{
	run --kernel "$debug_image" --mem 600M --timeout 900 -- "$@"
}

# said PATTERN: the run failed, and this is why
said()
{
	[ "$status" = 125 ] && grep -qE "$1" "$work/stderr" && return
	echo "# status $status, and nothing like '$1':"
	tail -n 40 "$work/stderr" | sed 's/^/#   /'
	return 1
}

in_uml()
{
	uml insmod "$work/uml-kasan/provoke.ko" what="$1"
	said "$2"
}

use_after_free()
{
	in_uml use_after_free 'BUG: KASAN: .*(use-after-free|slab-use-after-free).*provoke'
}

lock_order()
{
	in_uml lock_order 'possible circular locking dependency'
}

shift_out_of_bounds()
{
	in_uml shift 'UBSAN: shift-out-of-bounds'
}

leak()
{
	in_uml leak 'new suspected memory leaks'
}

sleep_in_atomic_context()
{
	debug insmod "$work/debug/provoke.ko" what=sleep
	said 'BUG: (sleeping function called from invalid context|scheduling while atomic)'
}

# The words of the kernel's log, of those who look into it.
injected='FAULT_INJECTION: forcing a failure.
name failslab, interval 1, probability 100, space 0, times 5
CPU: 0 PID: 99 Comm: test Not tainted 6.1.0 #1
Call Trace:
 <TASK>
 should_fail_ex+0x1/0x2'

log()
{
	# shellcheck disable=SC2016 # for the machine
	uml bash -c 'while read -r line; do echo "<4>$line" >/dev/kmsg; done <<<"$1"' - "$1"
}

injection()
{
	log "$injected"
	[ "$status" = 0 ] || { said nothing; return 1; }
}

# What follows an injection is looked at as ever.
trace_after_injection()
{
	log "$injected
Call Trace:"
	said 'the kernel warned'
}

warning_of_injected()
{
	log "$injected
WARNING: CPU: 0 PID: 99 at net/trickles/stream.c:1"
	said 'the kernel warned'
}

cases=(use_after_free lock_order shift_out_of_bounds leak sleep_in_atomic_context
       injection trace_after_injection warning_of_injected)
echo "1..${#cases[@]}"
uml_image=$(scripts/kernel --config uml-kasan image)
debug_image=$(scripts/kernel --config debug image)
make_provoke uml-kasan um
make_provoke debug x86
number=0 failed=0
for case in "${cases[@]}"; do
	number=$((number + 1))
	if $case; then
		echo "ok $number - ${case//_/ }"
	else
		echo "not ok $number - ${case//_/ }"
		failed=1
	fi
done
exit $failed
