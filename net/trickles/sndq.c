// SPDX-License-Identifier: GPL-2.0
/*
 * The send queue: input that the application wrote and the server has not
 * consumed yet, in sk_write_queue, found by its offset in the stream.
 */
#include "sndq.h"

#define SNDQ_SKB_MAX	65536	/* an skb is freed when all of its input was consumed */

struct sndq_cb {
	u64 off;
};

static struct sndq_cb *sndq_cb(const struct sk_buff *skb)
{
	return (struct sndq_cb *)skb->cb;
}

static u64 sndq_end(const struct sk_buff *skb)
{
	return sndq_cb(skb)->off + skb->len;
}

static struct sk_buff *sndq_new(struct sock *sk, u64 off)
{
	struct sk_buff *skb = alloc_skb(0, sk->sk_allocation);

	if (!skb)
		return NULL;
	if (!sk_wmem_schedule(sk, skb->truesize)) {
		kfree_skb(skb);
		return NULL;
	}
	/* Keeps skb_copy_to_page_nocache() from computing a checksum that nobody needs. */
	skb->ip_summed = CHECKSUM_PARTIAL;
	sndq_cb(skb)->off = off;
	sk_wmem_queued_add(sk, skb->truesize);
	sk_mem_charge(sk, skb->truesize);
	__skb_queue_tail(&sk->sk_write_queue, skb);
	return skb;
}

static void sndq_drop(struct sock *sk, struct sk_buff *skb)
{
	__skb_unlink(skb, &sk->sk_write_queue);
	sk_wmem_queued_add(sk, -skb->truesize);
	sk_mem_uncharge(sk, skb->truesize);
	kfree_skb(skb);
}

/**
 * trk_sndq_append - copy some of a message to the queue's end
 * @sk: Trickles socket, locked
 * @msg: message with data left
 * @end: stream offset of the queue's end
 *
 * Context: may sleep.
 * Return: bytes copied, 0 if there is no memory now, or -EFAULT.
 */
int trk_sndq_append(struct sock *sk, struct msghdr *msg, u64 end)
{
	struct page_frag *frag = sk_page_frag(sk);
	struct sk_buff *skb = skb_peek_tail(&sk->sk_write_queue);
	bool fresh = false, merge = false;
	int n, i = 0, err;

	if (!sk_page_frag_refill(sk, frag))
		return 0;
	if (skb && skb->len < SNDQ_SKB_MAX) {
		i = skb_shinfo(skb)->nr_frags;
		merge = skb_can_coalesce(skb, i, frag->page, frag->offset);
	} else {
		skb = NULL;
	}
	if (!skb || (!merge && i == MAX_SKB_FRAGS)) {
		skb = sndq_new(sk, end);
		if (!skb)
			return 0;
		fresh = true;
		i = 0;
	}
	n = min_t(size_t, msg_data_left(msg), frag->size - frag->offset);
	n = min_t(int, n, SNDQ_SKB_MAX);
	err = -ENOBUFS;
	if (sk_wmem_schedule(sk, n))
		err = skb_copy_to_page_nocache(sk, &msg->msg_iter, skb, frag->page,
					       frag->offset, n);
	if (err) {
		if (fresh)
			sndq_drop(sk, skb);
		return err == -ENOBUFS ? 0 : err;
	}
	if (merge) {
		skb_frag_size_add(&skb_shinfo(skb)->frags[i - 1], n);
	} else {
		skb_fill_page_desc(skb, i, frag->page, frag->offset, n);
		get_page(frag->page);
	}
	frag->offset += n;
	return n;
}

/**
 * trk_sndq_copy - copy input out of the queue
 * @sk: Trickles socket, locked
 * @off: stream offset of the first byte
 * @to: where the input goes
 * @len: number of bytes
 *
 * Context: does not sleep.
 * Return: false if not all of them are in the queue.
 */
bool trk_sndq_copy(struct sock *sk, u64 off, u8 *to, u32 len)
{
	struct sk_buff *skb;
	u32 n;

	skb_queue_walk(&sk->sk_write_queue, skb) {
		if (!len)
			break;
		if (sndq_end(skb) <= off)
			continue;
		n = min_t(u64, sndq_end(skb) - off, len);
		if (off < sndq_cb(skb)->off ||
		    skb_copy_bits(skb, off - sndq_cb(skb)->off, to, n))
			return false;
		off += n;
		to += n;
		len -= n;
	}
	return !len;
}

/**
 * trk_sndq_free - free what the server consumed
 * @sk: Trickles socket, locked
 * @una: all below was consumed; U64_MAX: drop all
 *
 * Context: does not sleep.
 * Return: true if anything was freed.
 */
bool trk_sndq_free(struct sock *sk, u64 una)
{
	struct sk_buff *skb;
	bool freed = false;

	while ((skb = skb_peek(&sk->sk_write_queue)) && sndq_end(skb) <= una) {
		sndq_drop(sk, skb);
		freed = true;
	}
	return freed;
}
