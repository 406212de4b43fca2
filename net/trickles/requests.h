/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Segments that come to a listener.
 */
#ifndef NET_TRICKLES_REQUESTS_H
#define NET_TRICKLES_REQUESTS_H

#include <linux/skbuff.h>
#include <net/sock.h>

#include "netns.h"

void trk_requests_syn(struct trk_net *tn, struct sock *sk, struct sk_buff *skb);
void trk_requests_rcv(struct trk_net *tn, struct sock *sk, struct sk_buff *skb,
		      unsigned int off, unsigned int len);

#endif /* NET_TRICKLES_REQUESTS_H */
