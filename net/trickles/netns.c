// SPDX-License-Identifier: GPL-2.0
/* The index under which a network namespace has its struct trk_net. */
#include "netns.h"

unsigned int trk_netns_id __read_mostly;
