#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Who may listen where, and what a queue costs its user. The cases are in listen.py.
# vm: --timeout 900

# shellcheck source=selftests/net/lib.sh
. "$(dirname "$0")/lib.sh"

load
two_hosts

planned=0 # listen.py says how many
"$net/listen.py" "${prefix}"{server,client}
