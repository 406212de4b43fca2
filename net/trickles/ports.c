// SPDX-License-Identifier: GPL-2.0
/*
 * Ports: which listener a segment is meant for, and who may listen where.  A port
 * may be shared with a TCP listener of the same user (paper §2.6).
 */
#include <net/inet_hashtables.h>
#include <net/ip.h>
#include <net/route.h>
#include <net/tcp.h>

#include "netns.h"
#include "ports.h"

static struct hlist_head *port_head(struct trk_net *tn, u16 port)
{
	return &tn->listeners[port % TRK_PORT_HASH];
}

static bool overlaps(const struct sock *a, const struct sock *b)
{
	__be32 x = inet_sk(a)->inet_rcv_saddr, y = inet_sk(b)->inet_rcv_saddr;

	return (!x || !y || x == y) &&
	       (!a->sk_bound_dev_if || !b->sk_bound_dev_if ||
		a->sk_bound_dev_if == b->sk_bound_dev_if);
}

static bool may_share(const struct sock *a, const struct sock *b)
{
	return a->sk_reuseport && b->sk_reuseport && uid_eq(a->sk_uid, b->sk_uid);
}

enum tcp_listener {
	TRK_TCP_NONE,
	TRK_TCP_OWN,		/* of the same user */
	TRK_TCP_FOREIGN,	/* of another user: we must not answer its clients' SYNs */
};

/* Who listens with TCP at a port? */
static enum tcp_listener tcp_listener(struct sock *sk, u16 port)
{
	struct net *net = sock_net(sk);
	struct inet_hashinfo *hashinfo = net->ipv4.tcp_death_row.hashinfo;
	struct inet_bind_hashbucket *head;
	struct inet_bind_bucket *tb;
	struct sock *other;
	enum tcp_listener found = TRK_TCP_NONE;

	head = &hashinfo->bhash[inet_bhashfn(net, port, hashinfo->bhash_size)];
	spin_lock_bh(&head->lock);
	inet_bind_bucket_for_each(tb, &head->chain) {
		if (!net_eq(ib_net(tb), net) || tb->port != port)
			continue;
		sk_for_each_bound(other, &tb->owners) {
			if (other->sk_state != TCP_LISTEN || !overlaps(sk, other))
				continue;
			if (!uid_eq(other->sk_uid, sk->sk_uid))
				found = TRK_TCP_FOREIGN;
			else if (found == TRK_TCP_NONE)
				found = TRK_TCP_OWN;
		}
	}
	spin_unlock_bh(&head->lock);
	return found;
}

/*
 * Does a Trickles listener keep @sk from the port?  @owner is the label of the owner that @sk is
 * going to have, or NULL before listen().  Called with listeners_lock held.
 */
static bool port_conflict(struct trk_net *tn, struct sock *sk, u16 port, const u8 *owner)
{
	struct trk_listener *l;

	hlist_for_each_entry(l, port_head(tn, port), node) {
		if (inet_sk(l->sk)->inet_num != port || !overlaps(l->sk, sk))
			continue;
		if (!may_share(l->sk, sk) ||
		    (owner && memcmp(owner, l->owner, sizeof(l->owner))))
			return true;
	}
	return false;
}

/**
 * trk_ports_may_bind - may a socket have a port?
 * @sk: a socket whose address is set
 * @port: the port
 * @taken: TCP did not give the carrier the port, for another socket has it
 *
 * A port may be shared with a TCP listener of the same user (paper §2.6), and with other
 * Trickles listeners of that user if all of them have set SO_REUSEPORT.
 *
 * Context: process.
 * Return: true if it may.
 */
bool trk_ports_may_bind(struct sock *sk, u16 port, bool taken)
{
	struct trk_net *tn = trk_net(sock_net(sk));
	bool conflict;

	if (taken && tcp_listener(sk, port) != TRK_TCP_OWN)
		return false;
	spin_lock_bh(&tn->listeners_lock);
	conflict = port_conflict(tn, sk, port, NULL);
	spin_unlock_bh(&tn->listeners_lock);
	return !conflict;
}

/**
 * trk_ports_publish - let segments come to a listener
 * @tn: namespace
 * @l: listener, whose socket is bound
 * @q: its queue, which it has from now on
 *
 * Context: process.
 * Return: 0, or -EADDRINUSE if somebody else has got the port since it was bound, or a listener of
 * another owner shares it.  A request may come to any listener of a port, and this one could not
 * open what the other one has sealed.
 */
int trk_ports_publish(struct trk_net *tn, struct trk_listener *l, struct trk_queue *q)
{
	struct inet_sock *inet = inet_sk(l->sk);
	int err = 0;

	if (tcp_listener(l->sk, inet->inet_num) == TRK_TCP_FOREIGN)
		return -EADDRINUSE;
	spin_lock_bh(&tn->listeners_lock);
	if (port_conflict(tn, l->sk, inet->inet_num, l->owner)) {
		err = -EADDRINUSE;
	} else {
		/* Pairs with trk_ports_queue(). */
		smp_store_release(&l->queue, q);
		hlist_add_head_rcu(&l->node, port_head(tn, inet->inet_num));
		l->hashed = true;
	}
	spin_unlock_bh(&tn->listeners_lock);
	return err;
}

/**
 * trk_ports_withdraw - undo trk_ports_publish()
 * @tn: namespace
 * @l: listener
 *
 * Softirqs may use the listener until a grace period has passed.
 *
 * Context: process.
 */
void trk_ports_withdraw(struct trk_net *tn, struct trk_listener *l)
{
	spin_lock_bh(&tn->listeners_lock);
	hlist_del_rcu(&l->node);
	spin_unlock_bh(&tn->listeners_lock);
}

/**
 * trk_ports_find - the listener that a segment is meant for
 * @tn: namespace
 * @skb: the segment, with its headers linear
 *
 * A listener that is bound to the address goes before one of all addresses, and among
 * these one that is bound to the device before one of all devices.  Of those that are
 * equal in this one is chosen at random: any will do, for none remembers connections.
 *
 * Context: rcu_read_lock(), under which the socket stays valid.
 * Return: the listener, or NULL if there is none.
 */
struct sock *trk_ports_find(struct trk_net *tn, const struct sk_buff *skb)
{
	__be32 daddr = ip_hdr(skb)->daddr;
	u16 port = ntohs(tcp_hdr(skb)->dest);
	int dif = inet_iif(skb), sdif = inet_sdif(skb);
	struct sock *best = NULL;
	struct trk_listener *l;
	int best_score = -1;
	u32 equals = 0, dice = 0;

	hlist_for_each_entry_rcu(l, port_head(tn, port), node) {
		struct sock *sk = l->sk;
		__be32 addr = inet_sk(sk)->inet_rcv_saddr;
		int score;

		if (inet_sk(sk)->inet_num != port || (addr && addr != daddr) ||
		    !inet_sk_bound_dev_eq(tn->net, READ_ONCE(sk->sk_bound_dev_if), dif, sdif))
			continue;
		score = (addr ? 2 : 0) + (sk->sk_bound_dev_if ? 1 : 0);
		if (score > best_score) {
			best_score = score;
			best = sk;
			equals = 1;
		} else if (score == best_score) {
			/* Each of n equals is chosen with probability 1 / n. */
			dice = equals++ == 1 ? get_random_u32() : next_pseudo_random32(dice);
			if (!reciprocal_scale(dice, equals))
				best = sk;
		}
	}
	return best;
}
