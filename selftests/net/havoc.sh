#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Hostile calls and packets at random, for a minute: every call ends, the kernel has nothing to
# complain about, and nothing is left behind.
# vm: --timeout 1200 --mem 1G
#
# HAVOC_SECONDS says for how long, HAVOC_SEED which calls (others each time).

# shellcheck source=selftests/net/lib.sh
. "$(dirname "$0")/lib.sh"

seconds=${HAVOC_SECONDS:-60}
seed=${HAVOC_SEED:-$((RANDOM << 15 | RANDOM))}

# What RCU has to free is freed by threads of the kernel, and grace periods end behind that. Beside
# 26 threads of equal rights it would fall behind, without end where each free is checked.
havoc()
{
	at client nice -n 19 "$built/havoc" --owners "$("$net/label.py" 0),$("$net/label.py" 65534)" \
		--seed "$seed" --seconds "$seconds"
}

# Namespaces end only when the last socket in them has.
nothing_left()
{
	ip netns del "${prefix}client"
	wait_for 200 objects_are "$before"
}

# Where namespaces end, kernels with lockdep wait for a grace period per queueing discipline with
# rtnl_mutex held, and a hundred may end one after the other (testbed.rst, "Hostile calls and
# packets").
if [ -e /proc/sys/kernel/hung_task_timeout_secs ]; then
	echo 600 >/proc/sys/kernel/hung_task_timeout_secs
fi

load
plan 3
# Said at once: it is needed if the machine does not come so far.
echo "# seed $seed"
hosts client
before=$(objects)
check "hostile calls and packets for $seconds s" havoc
check "no socket is left" nothing_left
check "the module can go" wait_for 200 unloads
