#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Programs of 32 bits on a kernel of 64. The cases are in compat.c.
# vm: --timeout 300

# shellcheck source=selftests/net/lib.sh
. "$(dirname "$0")/lib.sh"

load
ip link set lo up
planned=0 # compat.c says how many
"$built/compat"
