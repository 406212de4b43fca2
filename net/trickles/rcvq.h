/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The receive queue: output of the server, put in order.
 */
#ifndef NET_TRICKLES_RCVQ_H
#define NET_TRICKLES_RCVQ_H

#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/skbuff.h>
#include <net/sock.h>

/**
 * struct trk_rcvq_train - a segment, or a train of segments, while its packets are looked at
 * @skb: has the data of all of them
 * @pieces: number of packets
 * @size: memory that is charged for a packet if all of them are kept
 * @kept: those that are kept, if there are several
 */
struct trk_rcvq_train {
	struct sk_buff *skb;
	unsigned int pieces;
	unsigned int size;
	struct list_head kept;
};

void trk_rcvq_begin(struct trk_rcvq_train *train, struct sk_buff *skb, unsigned int pieces);
struct sk_buff *trk_rcvq_hold(struct sock *sk, struct trk_rcvq_train *train, bool in_order);
void trk_rcvq_drop(struct sk_buff *skb);
u64 trk_rcvq_add(struct sock *sk, struct rb_root *ooo, u64 nxt, struct sk_buff *skb,
		 u64 off, u32 at, u32 len);
void trk_rcvq_settle(struct sock *sk, struct trk_rcvq_train *train);
int trk_rcvq_read(struct sock *sk, u64 pos, struct msghdr *msg, size_t len, int flags);
void trk_rcvq_consume(struct sock *sk, u64 pos);
void trk_rcvq_purge(struct sock *sk, struct rb_root *ooo);

#endif /* NET_TRICKLES_RCVQ_H */
