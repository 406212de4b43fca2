// SPDX-License-Identifier: GPL-2.0
/*
 * The packets of an answer, joined into trains: buffers that the device, or the kernel just
 * above it, cuts into packets of one segment size each.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/uio.h>
#include <net/tcp.h>

#include "mib.h"
#include "netns.h"
#include "output.h"
#include "train.h"

/* Of a train: sequence number of its first packet, bytes of data, number of packets. */
struct out_cb {
	u32 seq;
	u32 bytes;
	u16 packets;
};

/* Charged to the memory cgroup of the process; if that has none, better no answer than a kill. */
#define GFP_TRAIN	(GFP_KERNEL_ACCOUNT | __GFP_RETRY_MAYFAIL | __GFP_NOWARN)

#define OUT_CB(skb)	((struct out_cb *)(skb)->cb)

static int read_file(struct file *file, u64 pos, struct iov_iter *to)
{
	loff_t off = pos;

	while (iov_iter_count(to)) {
		ssize_t n = vfs_iter_read(file, to, &off, 0);

		if (!n)
			return -EIO;
		if (n < 0)
			return n == -ERESTARTSYS ? -EINTR : n;
	}
	return 0;
}

/*
 * How many bytes from byte @done of s->span[@i] on follow each other in the answer's data, through
 * the spans behind it: at most @max.
 */
static u64 run_length(const struct trk_sender *s, unsigned int i, unsigned int done, u64 max)
{
	u64 len = s->span[i].bv_len - done;

	while (len < max && ++i < s->nspans &&
	       s->span_at[i] == s->span_at[i - 1] + s->span[i - 1].bv_len)
		len += s->span[i].bv_len;
	return min(len, max);
}

/*
 * Fetches the data of the train at hand.  What follows each other in a file is read with one call,
 * even if it goes to several packets.
 */
static int fill_train(struct trk_sender *s)
{
	unsigned int i = 0, done = 0, piece = 0;

	while (i < s->nspans) {
		u64 at = s->span_at[i] + done, in, len;
		const struct trk_iov *v;
		struct iov_iter iter;

		while (at >= s->iov_at[piece + 1])
			piece++;
		v = &s->iov[piece];
		in = at - s->iov_at[piece];
		if (s->file[piece]) {
			int err;

			len = run_length(s, i, done, v->len - in);
			iov_iter_bvec(&iter, READ, &s->span[i], s->nspans - i, done + len);
			iov_iter_advance(&iter, done);
			err = read_file(s->file[piece], v->addr + in, &iter);
			if (err)
				return err;
		} else {
			len = min_t(u64, s->span[i].bv_len - done, v->len - in);
			if (copy_from_user(bvec_virt(&s->span[i]) + done,
					   u64_to_user_ptr(v->addr + in), len))
				return -EFAULT;
		}
		while (len) {
			u64 step = min_t(u64, len, s->span[i].bv_len - done);

			len -= step;
			done += step;
			if (done == s->span[i].bv_len) {
				done = 0;
				i++;
			}
		}
	}
	return 0;
}

static int close_train(struct trk_sender *s)
{
	int err;

	if (!s->train)
		return 0;
	err = fill_train(s);
	if (err)
		return err;
	__skb_queue_tail(&s->ready, s->train);
	s->train = NULL;
	s->nspans = 0;
	return 0;
}

/*
 * Appends @len bytes to the train: those at @bytes, or, if that is NULL, room for the answer's data
 * from @at on, which fill_train() fetches.
 */
static int train_append(struct trk_sender *s, const u8 *bytes, u64 at, unsigned int len)
{
	struct sk_buff *skb = s->train;

	while (len) {
		int i = skb_shinfo(skb)->nr_frags;
		unsigned int n, offset;
		struct page *page;

		if (!bytes && s->nspans == TRK_MAX_SPANS)
			return -EMSGSIZE;
		if (!skb_page_frag_refill(32, &s->frag, GFP_TRAIN))
			return -ENOMEM;
		page = s->frag.page;
		offset = s->frag.offset;
		n = min(len, s->frag.size - offset);
		if (skb_can_coalesce(skb, i, page, offset)) {
			skb_frag_size_add(&skb_shinfo(skb)->frags[i - 1], n);
		} else {
			get_page(page);
			skb_fill_page_desc(skb, i, page, offset, n);
		}
		skb->len += n;
		skb->data_len += n;
		skb->truesize += n;
		if (bytes) {
			memcpy(page_address(page) + offset, bytes, n);
			bytes += n;
		} else {
			s->span[s->nspans].bv_page = page;
			s->span[s->nspans].bv_offset = offset;
			s->span[s->nspans].bv_len = n;
			s->span_at[s->nspans++] = at;
			at += n;
		}
		s->frag.offset += n;
		len -= n;
	}
	return 0;
}

/*
 * Can a packet be appended to the train at hand?  A train is cut at the segment size, so only its
 * last packet may be shorter, and its sequence numbers must follow each other.  A packet takes
 * spans and fragments for its header, its data, and each page that the data is spread over.
 */
static bool fits_train(const struct trk_sender *s, const struct trk_packet *p)
{
	unsigned int seg_size = s->answer.g->cont.seg_size, len = p->hdr_len + p->data_len;
	const struct sk_buff *skb = s->train;

	return skb && skb->len == OUT_CB(skb)->packets * seg_size &&
	       p->seq == OUT_CB(skb)->seq + skb->len &&
	       skb->len + len <= s->max_bytes && OUT_CB(skb)->packets < s->max_packets &&
	       s->nspans + 2 + len / PAGE_SIZE <= TRK_MAX_SPANS &&
	       skb_shinfo(skb)->nr_frags + 2 + len / PAGE_SIZE <= MAX_SKB_FRAGS;
}

static int add_packet(struct trk_sender *s, const struct trk_packet *p)
{
	int err;

	if (!fits_train(s, p)) {
		err = close_train(s);
		if (err)
			return err;
		s->train = trk_output_alloc(0, GFP_TRAIN);
		if (!s->train)
			return -ENOMEM;
		OUT_CB(s->train)->seq = p->seq;
		OUT_CB(s->train)->bytes = 0;
		OUT_CB(s->train)->packets = 0;
	}
	OUT_CB(s->train)->packets++;
	OUT_CB(s->train)->bytes += p->data_len;
	err = train_append(s, s->hdr, 0, p->hdr_len);
	return err ?: train_append(s, NULL, p->data_at, p->data_len);
}

/**
 * trk_train_begin - begin an answer, which has no packets yet
 * @s: the answer
 * @dst: its route; stays the caller's
 */
void trk_train_begin(struct trk_sender *s, struct dst_entry *dst)
{
	unsigned int size = READ_ONCE(dst->dev->gso_max_size);
	unsigned int hdr = MAX_TCP_HEADER + 1;

	__skb_queue_head_init(&s->ready);
	s->train = NULL;
	s->nspans = 0;
	s->dst = dst;
	s->max_packets = READ_ONCE(dst->dev->gso_max_segs);
	/* 0 if the device's limit leaves no room for trains: then each packet goes by itself. */
	s->max_bytes = min_t(unsigned int, max(size, hdr), GSO_LEGACY_MAX_SIZE) - hdr;
}

/**
 * trk_train_alloc - a place for answers
 *
 * Context: may sleep.
 * Return: the place, or NULL.
 */
struct trk_sender *trk_train_alloc(void)
{
	struct trk_sender *s = kmalloc(sizeof(*s), GFP_KERNEL_ACCOUNT);

	if (s)
		s->frag.page = NULL;
	return s;
}

/**
 * trk_train_free - free an answer's place
 * @s: the place, in which no answer is being made; or NULL
 */
void trk_train_free(struct trk_sender *s)
{
	if (s && s->frag.page)
		put_page(s->frag.page);
	kfree(s);
}

/**
 * trk_train_end - free the packets that were not sent
 * @s: the answer
 */
void trk_train_end(struct trk_sender *s)
{
	__skb_queue_purge(&s->ready);
	kfree_skb(s->train);
}

/**
 * trk_train_build - make the packets of an answer
 * @s: the answer, with its data, keys and route
 * @o: what the listener has sent
 * @limit: bytes that may wait to leave the host
 * @addr: the client's address
 *
 * All packets are made before the first is sent, so that after an error nothing was sent.
 *
 * Context: process; may sleep.
 * Return: bytes of data that went into packets, or a negative errno.
 */
s64 trk_train_build(struct trk_sender *s, struct trk_outlet *o, u32 limit, __be32 addr)
{
	u32 seg_size = s->answer.g->cont.seg_size;
	struct trk_packet p;
	s64 taken = 0;
	int err;

	err = trk_answer_begin(&s->answer);
	if (err)
		return err;
	/* With two packets each answer says all that it has to. */
	s->dest = trk_outlet_dest(o, addr);
	if (!s->dest)
		return -ENOMEM;
	err = trk_outlet_room(o, s->dest, limit, trk_answer_size(&s->answer), 2 * seg_size);
	if (err < 0)
		return err;
	s->answer.max_packets = max(err / seg_size, 1U);
	while (trk_answer_next(&s->answer, s->hdr, &p)) {
		err = add_packet(s, &p);
		if (err)
			return err;
		if (p.data_len)
			taken = p.data_at + p.data_len;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	err = close_train(s);
	return err ?: taken;
}

/**
 * trk_train_send - send the packets of an answer
 * @s: the answer, after trk_train_build()
 * @tn: namespace
 * @path: where to
 *
 * Context: process; may sleep.
 */
void trk_train_send(struct trk_sender *s, struct trk_net *tn, const struct trk_path *path)
{
	const struct trk_grant *g = s->answer.g;
	struct trk_path to = *path;
	struct sk_buff *skb;

	while ((skb = __skb_dequeue(&s->ready))) {
		u8 flags = TCPHDR_ACK | (skb_queue_empty(&s->ready) ? TCPHDR_PSH : 0);

		skb_set_owner_w(skb, s->dest);
		TRK_ADD(tn, RESP_SENT, OUT_CB(skb)->packets);
		TRK_ADD(tn, BYTES_SENT, OUT_CB(skb)->bytes);
		/* What a small answer cannot do without goes in fragments, where it has to. */
		to.fragment |= g->size < g->cont.seg_size && skb->len > g->size;
		trk_output_send(&to, s->sk, s->dst, skb, OUT_CB(skb)->seq, g->ack, flags,
				U16_MAX, g->cont.seg_size);
		cond_resched();
	}
}
