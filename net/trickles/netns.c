// SPDX-License-Identifier: GPL-2.0
/* By what a network namespace finds its part of the module. */
#include "netns.h"

unsigned int trk_netns_id __read_mostly;
