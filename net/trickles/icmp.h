/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An ICMP error about a segment of ours.
 */
#ifndef NET_TRICKLES_ICMP_H
#define NET_TRICKLES_ICMP_H

#include <linux/skbuff.h>

#include "netns.h"

unsigned int trk_icmp_rcv(struct trk_net *tn, struct sk_buff *skb);

#endif /* NET_TRICKLES_ICMP_H */
