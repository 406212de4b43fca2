/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Listening sockets by port.  struct trk_listener is here because the table is made of it, and
 * because requests.c and answers.c use it; listener.c allocates and frees it.
 */
#ifndef NET_TRICKLES_PORTS_H
#define NET_TRICKLES_PORTS_H

#include <linux/skbuff.h>
#include <net/sock.h>

#include "netns.h"
#include "outlet.h"
#include "queue.h"
#include "sock.h"

struct trk_sender;

/**
 * struct trk_listener - the server's half of a socket
 * @node: link in the namespace's table of listeners
 * @sk: the socket
 * @info: what the queue shall be like, set before listen()
 * @owner: label of the owner, set by TRK_OWNER, or else at listen()
 * @has_owner: TRK_OWNER was set, and @owner is made of it
 * @queue: NULL before listen()
 * @sender: memory for the next answers, or NULL; exchanged without a lock (answers.c)
 * @outlet: what was sent and has not left the host
 * @seen: how many events the application has walked
 * @hashed: the listener is in the table
 *
 * It lives as long as the socket's file, and so does the queue.  Operations and mappings hold
 * the file, and trk_ports_withdraw() waits for softirqs, so nobody uses either of them later.
 */
struct trk_listener {
	struct hlist_node node;
	struct sock *sk;
	struct trk_queue *queue;
	struct trk_queue_info info;
	struct trk_sender *sender;
	struct trk_outlet outlet;
	u32 seen;
	bool hashed;
	bool has_owner;
	u8 owner[TRK_OWNER_LEN];
};

/*
 * For callers without the socket's lock: the queue of a listener, NULL before listen().  Who sees
 * one of the two pointers sees all that it points to.
 */
static inline struct trk_queue *trk_ports_queue(const struct sock *sk,
						struct trk_listener **listener)
{
	/* Pairs with listener_get(). */
	struct trk_listener *l = smp_load_acquire(&trk_sk(sk)->listener);

	if (listener)
		*listener = l;
	/* Pairs with trk_ports_publish(). */
	return l ? smp_load_acquire(&l->queue) : NULL;
}

bool trk_ports_may_bind(struct sock *sk, u16 port, bool taken);
int trk_ports_publish(struct trk_net *tn, struct trk_listener *l, struct trk_queue *q);
void trk_ports_withdraw(struct trk_net *tn, struct trk_listener *l);
struct sock *trk_ports_find(struct trk_net *tn, const struct sk_buff *skb);

#endif /* NET_TRICKLES_PORTS_H */
