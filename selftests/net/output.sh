#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What a server has sent and what has not left its host yet: who pays for it, how much it may be,
# and that one client that does not get its packets holds up nobody else. The cases are in output.py.
# vm: --timeout 900

# shellcheck source=selftests/net/lib.sh
. "$(dirname "$0")/lib.sh"

load
if [ -d "/lib/modules/$(uname -r)" ]; then
	modprobe -a sch_prio sch_tbf sch_fq cls_u32
fi
two_hosts
ip -n "${prefix}client" address add 10.1.1.3/24 dev server
folder=$work/files
mkdir "$folder"
"$built/xfer" files "$folder" 100000 1000000
mkdir "$work/cgroup"
mount -t cgroup2 none "$work/cgroup" 2>/dev/null || rmdir "$work/cgroup"

planned=0 # output.py says how many
status=0
"$net/output.py" "${prefix}"{server,client} "$folder" "$tools/trickles-httpd" "$work/cgroup" ||
	status=$?
[ ! -d "$work/cgroup" ] || umount "$work/cgroup"
exit $status
