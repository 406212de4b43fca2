/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Settings of a namespace, net.trickles.*.
 */
#ifndef NET_TRICKLES_SYSCTL_H
#define NET_TRICKLES_SYSCTL_H

#include "netns.h"

int trk_sysctl_net_init(struct trk_net *tn);
void trk_sysctl_net_exit(struct trk_net *tn);

#endif /* NET_TRICKLES_SYSCTL_H */
