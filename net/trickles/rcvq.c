// SPDX-License-Identifier: GPL-2.0
/*
 * The receive queue: output of the server, in order in sk_receive_queue, out of
 * order in a tree.  A packet's data stays where it lies in the skb that brought
 * it.  The packets of a GRO train came in one skb, and each has a clone of it.
 *
 * A clone keeps the memory of the whole train, and the server decides how many
 * packets of a train are of use, and how long a hole in the stream keeps some of
 * them here.  So the clones of a train form a ring, and one of them is charged
 * for the train.  When it goes, the charge moves to its neighbour, and leaves the
 * socket with the last one.  As long as any is here the socket is thus charged
 * for all the memory that they keep, and for a train that is kept whole no more
 * than once.
 */
#include <linux/list.h>
#include <linux/rbtree.h>
#include <net/xfrm.h>

#include "mib.h"
#include "netns.h"
#include "rcvq.h"
#include "sock.h"

/* The memory of a clone itself. */
#define CLONE_SIZE	SKB_DATA_ALIGN(sizeof(struct sk_buff))

/*
 * Bytes [@off, @off + @len) of the server's stream begin at byte @at of the skb.  @ring links the
 * clones of a train.
 */
struct rcvq_cb {
	u64 off;
	u32 at;
	u32 len;
	struct list_head ring;
};

static struct rcvq_cb *rcvq_cb(const struct sk_buff *skb)
{
	BUILD_BUG_ON(sizeof(struct rcvq_cb) > sizeof_field(struct sk_buff, cb));
	return (struct rcvq_cb *)skb->cb;
}

static struct sk_buff *rcvq_ring_skb(struct list_head *ring)
{
	return container_of((void *)list_entry(ring, struct rcvq_cb, ring), struct sk_buff, cb);
}

static u64 rcvq_end(const struct sk_buff *skb)
{
	return rcvq_cb(skb)->off + rcvq_cb(skb)->len;
}

/* Takes an skb out of its ring.  If it is charged for the train, its neighbour is from now on. */
static void rcvq_leave(struct sk_buff *skb)
{
	struct list_head *ring = &rcvq_cb(skb)->ring;
	unsigned int more;

	if (list_empty(ring))
		return;
	/* While the train's packets are still looked at, none is charged for it. */
	more = skb->truesize - CLONE_SIZE;
	if (more) {
		rcvq_ring_skb(ring->next)->truesize += more;
		skb->truesize -= more;
	}
	list_del(ring);
}

/**
 * trk_rcvq_begin - a segment, or a train of segments, has come
 * @train: filled
 * @skb: has the data
 * @pieces: number of packets in it
 */
void trk_rcvq_begin(struct trk_rcvq_train *train, struct sk_buff *skb, unsigned int pieces)
{
	train->skb = skb;
	train->pieces = pieces;
	train->size = pieces == 1 ? skb->truesize : skb->truesize / pieces + CLONE_SIZE;
	INIT_LIST_HEAD(&train->kept);
}

/**
 * trk_rcvq_hold - keep the memory that has the data of one packet
 * @sk: Trickles socket, locked
 * @train: the packet, or the train that it is one of
 * @in_order: the data comes next in the stream
 *
 * The client asks for what fits the receive buffer, but packets that are smaller than it expected
 * take more memory, and so do trains of which others than these are gone: together they may exceed
 * the buffer by half.  With data that comes next in the stream they may take twice the buffer,
 * since the reader can free all then.  It is taken in any case if there is nothing else to be read:
 * what is out of order can leave only after it.  Each limit may be exceeded by one train.
 *
 * Context: does not sleep.
 * Return: an skb for trk_rcvq_add() or trk_rcvq_drop(), or NULL if the packet is to be dropped,
 * which was counted.
 */
struct sk_buff *trk_rcvq_hold(struct sock *sk, struct trk_rcvq_train *train, bool in_order)
{
	struct trk_net *tn = trk_net(sock_net(sk));
	unsigned int size, limit = READ_ONCE(sk->sk_rcvbuf);
	struct sk_buff *skb = train->skb, *hold;

	limit += in_order ? limit : limit / 2;
	if (atomic_read(&sk->sk_rmem_alloc) > limit &&
	    !(in_order && skb_queue_empty(&sk->sk_receive_queue))) {
		TRK_INC(tn, DROP_RCVBUF);
		return NULL;
	}
	/* Including what trk_rcvq_settle() is going to charge. */
	size = skb->truesize + (train->pieces == 1 ? 0 : CLONE_SIZE);
	if (!sk_rmem_schedule(sk, skb, size))
		goto nomem;
	if (train->pieces == 1) {
		hold = skb_get(skb);
		INIT_LIST_HEAD(&rcvq_cb(hold)->ring);
		return hold;
	}
	hold = skb_clone(skb, GFP_ATOMIC);
	if (!hold)
		goto nomem;
	hold->truesize = CLONE_SIZE;
	list_add_tail(&rcvq_cb(hold)->ring, &train->kept);
	return hold;

nomem:
	TRK_INC(tn, DROP_NOMEM);
	return NULL;
}

/**
 * trk_rcvq_drop - undo trk_rcvq_hold()
 * @skb: from there, or NULL
 */
void trk_rcvq_drop(struct sk_buff *skb)
{
	if (!skb)
		return;
	rcvq_leave(skb);
	kfree_skb(skb);
}

/**
 * trk_rcvq_settle - all packets of a train were looked at: charge the socket for it
 * @sk: Trickles socket, locked
 * @train: the train, of no use afterwards
 */
void trk_rcvq_settle(struct sock *sk, struct trk_rcvq_train *train)
{
	unsigned int size = train->skb->truesize;

	if (list_empty(&train->kept))
		return;
	/* The last one, which as a rule goes last: then the charge need not move. */
	rcvq_ring_skb(train->kept.prev)->truesize += size;
	atomic_add(size, &sk->sk_rmem_alloc);
	sk_mem_charge(sk, size);
	list_del(&train->kept);
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
		trk_rcvq_drop(skb);
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
		rcvq_leave(skb);
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
