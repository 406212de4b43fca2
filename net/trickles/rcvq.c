// SPDX-License-Identifier: GPL-2.0
/*
 * The receive queue: output of the server, in order in sk_receive_queue, out of
 * order in a tree.  A packet's data stays where it lies in the skb that brought
 * it.  The packets of a GRO train came in one skb, and each has a clone of it.
 */
#include <linux/rbtree.h>
#include <net/xfrm.h>

#include "mib.h"
#include "netns.h"
#include "rcvq.h"
#include "sock.h"

/* Bytes [@off, @off + @len) of the server's stream begin at byte @at of the skb. */
struct rcvq_cb {
	u64 off;
	u32 at;
	u32 len;
};

static struct rcvq_cb *rcvq_cb(const struct sk_buff *skb)
{
	BUILD_BUG_ON(sizeof(struct rcvq_cb) > sizeof_field(struct sk_buff, cb));
	return (struct rcvq_cb *)skb->cb;
}

static u64 rcvq_end(const struct sk_buff *skb)
{
	return rcvq_cb(skb)->off + rcvq_cb(skb)->len;
}

/**
 * trk_rcvq_hold - keep the memory that has the data of one packet
 * @sk: Trickles socket, locked
 * @skb: segment, or train of segments, that has the data
 * @pieces: number of packets in it
 * @in_order: the data comes next in the stream
 *
 * The client asks for what fits the receive buffer, but packets that are smaller than it expected
 * take more memory: together they may exceed the buffer by half.  With data that comes next in the
 * stream they may take twice the buffer, since the reader can free all then.
 *
 * Context: does not sleep.
 * Return: an skb for trk_rcvq_add(), or NULL if the packet is to be dropped, which was counted.
 */
struct sk_buff *trk_rcvq_hold(struct sock *sk, struct sk_buff *skb, unsigned int pieces,
			      bool in_order)
{
	struct trk_net *tn = trk_net(sock_net(sk));
	unsigned int size, limit = READ_ONCE(sk->sk_rcvbuf);
	struct sk_buff *hold;

	limit += in_order ? limit : limit / 2;
	if (atomic_read(&sk->sk_rmem_alloc) > limit) {
		TRK_INC(tn, DROP_RCVBUF);
		return NULL;
	}
	size = pieces == 1 ? skb->truesize :
	       skb->truesize / pieces + SKB_DATA_ALIGN(sizeof(struct sk_buff));
	if (!sk_rmem_schedule(sk, skb, size))
		goto nomem;
	if (pieces == 1)
		return skb_get(skb);
	hold = skb_clone(skb, GFP_ATOMIC);
	if (!hold)
		goto nomem;
	hold->truesize = size;
	return hold;

nomem:
	TRK_INC(tn, DROP_NOMEM);
	return NULL;
}

static void ooo_insert(struct rb_root *ooo, struct sk_buff *skb)
{
	struct rb_node **p = &ooo->rb_node, *parent = NULL;

	while (*p) {
		parent = *p;
		p = rcvq_cb(skb)->off < rcvq_cb(rb_to_skb(parent))->off ?
		    &parent->rb_left : &parent->rb_right;
	}
	rb_link_node(&skb->rbnode, parent, p);
	rb_insert_color(&skb->rbnode, ooo);
}

/* Appends what of @skb lies above @nxt, up to which all is there.  Return: the new @nxt. */
static u64 rcvq_append(struct sock *sk, u64 nxt, struct sk_buff *skb)
{
	struct rcvq_cb *cb = rcvq_cb(skb);
	u32 known;

	if (rcvq_end(skb) <= nxt) {
		kfree_skb(skb);
		return nxt;
	}
	known = nxt - cb->off;
	cb->off += known;
	cb->at += known;
	cb->len -= known;
	__skb_queue_tail(&sk->sk_receive_queue, skb);
	WRITE_ONCE(trk_sk(sk)->readable, trk_sk(sk)->readable + cb->len);
	return rcvq_end(skb);
}

/**
 * trk_rcvq_add - store data
 * @sk: Trickles socket, locked
 * @ooo: its data out of order
 * @nxt: all below was received in order
 * @skb: from trk_rcvq_hold(); stored or freed
 * @off: stream offset of the data
 * @at: the data begins at this byte of the skb
 * @len: bytes of data, not 0
 *
 * Context: does not sleep.
 * Return: the new @nxt.
 */
u64 trk_rcvq_add(struct sock *sk, struct rb_root *ooo, u64 nxt, struct sk_buff *skb,
		 u64 off, u32 at, u32 len)
{
	struct rcvq_cb *cb = rcvq_cb(skb);
	struct sk_buff *first;

	skb_dst_drop(skb);
	secpath_reset(skb);
	skb->dev = NULL;
	cb->off = off;
	cb->at = at;
	cb->len = len;
	skb_set_owner_r(skb, sk);
	if (off > nxt) {
		ooo_insert(ooo, skb);
		return nxt;
	}
	nxt = rcvq_append(sk, nxt, skb);
	while ((first = skb_rb_first(ooo)) && rcvq_cb(first)->off <= nxt) {
		rb_erase(&first->rbnode, ooo);
		/* It shares its memory with the node of the tree. */
		first->dev = NULL;
		nxt = rcvq_append(sk, nxt, first);
	}
	return nxt;
}

/**
 * trk_rcvq_read - copy data in order to the user
 * @sk: Trickles socket, locked
 * @pos: stream offset to begin at
 * @msg: where the data goes
 * @len: at most so many bytes
 * @flags: with MSG_TRUNC the data is not copied, only counted
 *
 * Context: may sleep.
 * Return: bytes read, 0 if there are none, or -EFAULT.
 */
int trk_rcvq_read(struct sock *sk, u64 pos, struct msghdr *msg, size_t len, int flags)
{
	struct sk_buff *skb;
	size_t done = 0;

	skb_queue_walk(&sk->sk_receive_queue, skb) {
		const struct rcvq_cb *cb = rcvq_cb(skb);
		u32 skip, n;

		if (done == len)
			break;
		if (rcvq_end(skb) <= pos)
			continue;
		/* While a reader with MSG_PEEK slept, another one may have consumed the data. */
		pos = max(pos, cb->off);
		skip = pos - cb->off;
		n = min_t(size_t, cb->len - skip, len - done);
		if (!(flags & MSG_TRUNC) &&
		    skb_copy_datagram_msg(skb, cb->at + skip, msg, n))
			return done ? done : -EFAULT;
		pos += n;
		done += n;
	}
	return done;
}

/**
 * trk_rcvq_consume - free data that was read
 * @sk: Trickles socket, locked
 * @pos: all below was read
 */
void trk_rcvq_consume(struct sock *sk, u64 pos)
{
	struct sk_buff *skb;
	unsigned int left = 0;

	while ((skb = skb_peek(&sk->sk_receive_queue)) && rcvq_end(skb) <= pos) {
		__skb_unlink(skb, &sk->sk_receive_queue);
		consume_skb(skb);
	}
	if (skb)
		left = rcvq_end(skb_peek_tail(&sk->sk_receive_queue)) - pos;
	WRITE_ONCE(trk_sk(sk)->readable, left);
}

/**
 * trk_rcvq_purge - drop all data
 * @sk: Trickles socket, locked
 * @ooo: its data out of order
 */
void trk_rcvq_purge(struct sock *sk, struct rb_root *ooo)
{
	struct sk_buff *skb;

	while ((skb = skb_rb_first(ooo))) {
		rb_erase(&skb->rbnode, ooo);
		kfree_skb(skb);
	}
	__skb_queue_purge(&sk->sk_receive_queue);
	WRITE_ONCE(trk_sk(sk)->readable, 0);
}
