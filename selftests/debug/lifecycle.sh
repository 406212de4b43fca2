#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Sockets, namespaces and the module come and go, as in net/lifecycle.sh, but not as many.
# vm: --timeout 900 --mem 3G

exec env SOCKETS=100 CYCLES=5 DELETIONS=2 "$(dirname "$0")/../net/lifecycle.sh"
