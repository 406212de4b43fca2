#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Sockets that were closed with input which no server has consumed: how many there may be, and for
# how long. The cases are in orphans.py; that of ten minutes is for virtual time only.
# vm: --timeout 900
# uml: --virtual-time

# shellcheck source=selftests/net/lib.sh
. "$(dirname "$0")/lib.sh"

load
two_hosts
echod server
ten_minutes=no
if grep -q time-travel /proc/cmdline; then
	ten_minutes=yes
fi

planned=0 # orphans.py says how many
"$net/orphans.py" "${prefix}"{server,client} $ten_minutes
