/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A segment on its way into a client.
 */
#ifndef NET_TRICKLES_STREAM_IN_H
#define NET_TRICKLES_STREAM_IN_H

#include <linux/skbuff.h>
#include <net/sock.h>

int trk_stream_in_rcv(struct sock *sk, struct sk_buff *skb);
void trk_stream_in_segment(struct sock *sk, struct sk_buff *skb);

#endif /* NET_TRICKLES_STREAM_IN_H */
