#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Sockets, namespaces and the module come and go, as in net/lifecycle.sh, but not as many.
# vm: --timeout 2000 --mem 600M

exec env SOCKETS=60 CYCLES=4 DELETIONS=1 "$(dirname "$0")/../net/lifecycle.sh"
