/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A segment on its way in.
 */
#ifndef NET_TRICKLES_HOOK_H
#define NET_TRICKLES_HOOK_H

#include "netns.h"

int trk_hook_get(struct trk_net *tn);
void trk_hook_net_pre_exit(struct trk_net *tn);

#endif /* NET_TRICKLES_HOOK_H */
