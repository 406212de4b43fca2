/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The receive queue: output of the server, put in order.
 */
#ifndef NET_TRICKLES_RCVQ_H
#define NET_TRICKLES_RCVQ_H

#include <linux/rbtree.h>
#include <linux/skbuff.h>
#include <net/sock.h>

struct sk_buff *trk_rcvq_hold(struct sock *sk, struct sk_buff *skb, unsigned int pieces,
			      bool in_order);
u64 trk_rcvq_add(struct sock *sk, struct rb_root *ooo, u64 nxt, struct sk_buff *skb,
		 u64 off, u32 at, u32 len);
int trk_rcvq_read(struct sock *sk, u64 pos, struct msghdr *msg, size_t len, int flags);
void trk_rcvq_consume(struct sock *sk, u64 pos);
void trk_rcvq_purge(struct sock *sk, struct rb_root *ooo);

#endif /* NET_TRICKLES_RCVQ_H */
