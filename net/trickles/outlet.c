// SPDX-License-Identifier: GPL-2.0
/*
 * What a listener has sent and what has not left its host yet, by destination.  A server keeps no
 * copy of what it sends, so this is all that bounds the memory that its clients can make it use.
 *
 * The packets are not charged to the listener itself: its clients would share one account, and
 * sch_fq takes away the owner of what a listening socket sends.  They belong to sockets without a
 * connection, which it leaves alone as it does those of UDP.  Firewalls see the listener's file
 * behind them.
 *
 * A packet that has gone into another namespace, or to a receiver on this host, counts no more.
 * The memory of all packets is charged to the memory cgroup of who made them, until it is free.
 */
#include <linux/jhash.h>
#include <linux/netdevice.h>
#include <linux/security.h>
#include <net/inet_common.h>
#include <net/sock.h>

#include "outlet.h"

/* Bytes of memory of the packets of a destination. */
static u32 dest_bytes(const struct sock *dest)
{
	return dest ? sk_wmem_alloc_get(dest) : 0;
}

/* Bytes that there may be besides, for this destination. */
static u32 outlet_left(const struct trk_outlet *o, const struct sock *dest)
{
	u32 limit = READ_ONCE(o->limit), share = limit / TRK_OUTLET_SHARE;
	u32 used = dest_bytes(dest), i;
	u64 all = 0;

	for (i = 0; i < TRK_OUTLET_DESTS; i++)
		all += dest_bytes(READ_ONCE(o->dest[i]));
	if (used >= share || all >= limit)
		return 0;
	return min_t(u64, share - used, limit - all);
}

/*
 * A packet has left.  Whoever was refused is told when there is room for a train, not for each
 * packet again.
 */
static void dest_write_space(struct sock *dest)
{
	struct trk_outlet *o;
	unsigned int i;
	u32 enough;

	rcu_read_lock();
	o = rcu_dereference_sk_user_data(dest);
	/* Pairs with trk_outlet_room(): either the bit is seen here or the room there. */
	smp_mb();
	if (!o || bitmap_empty(o->starved, TRK_OUTLET_DESTS))
		goto out;
	enough = min_t(u32, READ_ONCE(o->limit) / TRK_OUTLET_SHARE / 2, GSO_LEGACY_MAX_SIZE);
	for_each_set_bit(i, o->starved, TRK_OUTLET_DESTS) {
		if (outlet_left(o, READ_ONCE(o->dest[i])) < enough ||
		    !test_and_clear_bit(i, o->starved))
			continue;
		WRITE_ONCE(o->relieved, true);
		o->sk->sk_write_space(o->sk);
	}
out:
	rcu_read_unlock();
}

static struct sock *dest_make(struct trk_outlet *o)
{
	struct sock *sk = o->sk;
	struct sock *dest = sk_alloc(sock_net(sk), PF_INET, GFP_KERNEL, sk->sk_prot, 1);

	if (!dest)
		return NULL;
	/* In TCP_CLOSE, and without a socket of its own. */
	sock_init_data(NULL, dest);
	sock_set_flag(dest, SOCK_RCU_FREE);
	dest->sk_destruct = inet_sock_destruct;
	dest->sk_protocol = sk->sk_protocol;
	dest->sk_uid = sk->sk_uid;
	dest->sk_write_space = dest_write_space;
	rcu_assign_sk_user_data(dest, o);
	security_sk_clone(sk, dest);
	write_lock_bh(&dest->sk_callback_lock);
	sk_set_socket(dest, sk->sk_socket);
	write_unlock_bh(&dest->sk_callback_lock);
	return dest;
}

static void dest_release(struct sock *dest)
{
	rcu_assign_sk_user_data(dest, NULL);
	sock_orphan(dest);
	/* It is freed with its last packet. */
	sock_put(dest);
}

/**
 * trk_outlet_dest - the owner of what is sent to an address
 * @o: the outlet
 * @addr: the client's address
 *
 * Context: process, in a call on the listener's file; may sleep.
 * Return: a socket, good as long as the file; NULL if there is no memory.
 */
struct sock *trk_outlet_dest(struct trk_outlet *o, __be32 addr)
{
	struct sock **place = &o->dest[jhash_1word((__force u32)addr, o->key) % TRK_OUTLET_DESTS];
	struct sock *dest, *other;

	/* Pairs with cmpxchg(): who sees the socket sees all of it. */
	dest = smp_load_acquire(place);
	if (dest)
		return dest;
	dest = dest_make(o);
	if (!dest)
		return NULL;
	other = cmpxchg(place, NULL, dest);
	if (!other)
		return dest;
	dest_release(dest);
	return other;
}

/**
 * trk_outlet_room - how large may an answer be?
 * @o: the outlet
 * @dest: from trk_outlet_dest()
 * @limit: bytes that the listener may have, net.trickles.output_max
 * @need: bytes that the answer has, at most
 * @least: with fewer it cannot be made
 *
 * Answers made at the same time may exceed the limit together.
 *
 * Context: process.
 * Return: bytes, or -EAGAIN; then trk_outlet_writable() is false until enough has left.
 */
int trk_outlet_room(struct trk_outlet *o, struct sock *dest, u32 limit, u32 need, u32 least)
{
	unsigned int i;
	u32 left;

	WRITE_ONCE(o->limit, limit);
	left = outlet_left(o, dest);
	least = min(need, least);
	if (left >= least)
		return min(left, need);
	for (i = 0; i < TRK_OUTLET_DESTS && o->dest[i] != dest; i++)
		;
	if (WARN_ON_ONCE(i == TRK_OUTLET_DESTS))
		return -EINVAL;
	set_bit(i, o->starved);
	/* It may have left just before the bit was set.  Pairs with dest_write_space(). */
	smp_mb__after_atomic();
	left = outlet_left(o, dest);
	if (left < least)
		return -EAGAIN;
	clear_bit(i, o->starved);
	return min(left, need);
}

/**
 * trk_outlet_writable - is it worth while to try an answer, again if it was refused?
 * @o: the outlet
 *
 * Context: any.
 */
bool trk_outlet_writable(const struct trk_outlet *o)
{
	return READ_ONCE(o->relieved) || bitmap_empty(o->starved, TRK_OUTLET_DESTS);
}

/**
 * trk_outlet_tried - answers are about to be tried: what was relieved until now has its chance
 * @o: the outlet
 *
 * Context: process.
 */
void trk_outlet_tried(struct trk_outlet *o)
{
	if (READ_ONCE(o->relieved))
		WRITE_ONCE(o->relieved, false);
}

/**
 * trk_outlet_stop - nothing more is sent
 * @o: the outlet
 *
 * What looks at it runs on until a grace period has passed.
 *
 * Context: process; no call on the listener's file is under way.
 */
void trk_outlet_stop(struct trk_outlet *o)
{
	unsigned int i;

	for (i = 0; i < TRK_OUTLET_DESTS; i++) {
		struct sock *dest = o->dest[i];

		WRITE_ONCE(o->dest[i], NULL);
		if (dest)
			dest_release(dest);
	}
}
