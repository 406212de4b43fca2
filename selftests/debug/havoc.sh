#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# net/havoc.sh on two processors with preemption.
# vm: --timeout 2000 --mem 1G --smp 2

exec "$(dirname "$0")/../net/havoc.sh"
