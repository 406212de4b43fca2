# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# shellcheck source=selftests/net/lib.sh
#
# Allocations that fail, for the tests of this folder. Documentation/fault-injection of the
# kernel says what the settings mean.

. "$(dirname "${BASH_SOURCE[0]}")/../net/lib.sh"

fault_kinds=(failslab fail_page_alloc)
fault_limit=1000000

# Before load(): only_ours learns where the module is when that is loaded.
load_faults()
{
	[ -d /sys/kernel/debug/failslab ] || bail_out "a kernel without fault injection"
	insmod "$(dirname "$trickles")/../../only_ours/only_ours.ko" ||
		bail_out "only_ours does not load"
}

fault_set()
{
	local kind

	for kind in "${fault_kinds[@]}"; do
		echo "$2" >"/sys/kernel/debug/$kind/$1"
	done
}

# faults SETTING=VALUE...: from now on, instead of those before; none: no faults
faults()
{
	local setting

	fault_set probability 0
	fault_set interval 1
	fault_set verbose 1
	fault_set times $fault_limit
	# Only what must not wait, as it is in softirq.
	fault_set ignore-gfp-wait Y
	echo N >/sys/kernel/debug/failslab/cache-filter
	echo 0 >/sys/kernel/debug/fail_page_alloc/min-order
	for setting; do
		fault_set "${setting%%=*}" "${setting#*=}"
	done
}

# How many have failed since faults().
faults_seen()
{
	local kind n=0

	for kind in "${fault_kinds[@]}"; do
		n=$((n + fault_limit - $(cat "/sys/kernel/debug/$kind/times")))
	done
	echo $n
}
