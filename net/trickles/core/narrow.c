// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Does the path still carry full packets, and if not, which?  A server hears of it as little as
 * a client does: it has no means to tell an ICMP error about its packets from a forged one.  So
 * the client infers it from what arrives (RFC 8899 §4.3, detection of black holes).  Rules:
 * protocol.rst, "Paths that become narrow".
 */
#include "narrow.h"
#include "held.h"

/* TCP payload of a packet of 1280 bytes with headers of 44, the least MTU of IPv6. */
#define NARROW_SEG_SIZE	1236

/*
 * So long after the segment size was lowered, the one of the beginning may be tried again, when
 * there is a timeout anyway: losses may have looked like a narrow path, or the path has changed.
 * Each time the wait doubles, up to that of RFC 1191 §6.3.
 */
#define WAIT_MIN_US	10000000ULL
#define WAIT_MAX_US	600000000ULL

/* A narrow path shows within a few timeouts, or within so long; later losses are others. */
#define DOUBT_MIN_US	10000000ULL
#define DOUBT_RTOS	4

/* The segment size that is tried when full packets do not arrive. */
static u16 next_lower(const struct trk_client *cl)
{
	u16 least = TRK_MIN_SEG_SIZE;
	u16 most = trk_held_longest(cl);

	if (cl->seg_size > NARROW_SEG_SIZE)
		return NARROW_SEG_SIZE;
	/* Requests have to carry the continuations that are held. */
	while (least < cl->seg_size && !trk_ucont_fits(most, least))
		least++;
	return least;
}

/**
 * trk_narrow_large - is a packet too large for the next lower segment size?
 * @cl: the client
 * @size: bytes of its TCP payload
 *
 * What becomes of smaller ones says nothing.
 */
bool trk_narrow_large(const struct trk_client *cl, u32 size)
{
	return size > (cl->seg_size > NARROW_SEG_SIZE ? NARROW_SEG_SIZE : TRK_MIN_SEG_SIZE);
}

/**
 * trk_narrow_begin - a domain begins
 * @cl: the client
 * @small: the request that began it and its answer were small, since several did not get through
 * @now_us: monotonic time
 *
 * There may have been an outage, or only small packets get through.  What comes next tells.
 */
void trk_narrow_begin(struct trk_client *cl, bool small, u64 now_us)
{
	if (!small)
		return;
	memset(cl->narrow.tried, 0, sizeof(cl->narrow.tried));
	memset(cl->narrow.passed, 0, sizeof(cl->narrow.passed));
	cl->narrow.doubt = true;
	cl->narrow.doubt_us = now_us;
}

/**
 * trk_narrow_sent - a RANGE request goes out
 * @cl: the client
 * @size: bytes of its TCP payload
 * @asked: bytes of the largest packet that it asks for, 0 if that is not known
 */
void trk_narrow_sent(struct trk_client *cl, u32 size, u32 asked)
{
	if (trk_narrow_large(cl, size))
		cl->narrow.tried[TRK_WAY_UP] = true;
	if (trk_narrow_large(cl, asked))
		cl->narrow.tried[TRK_WAY_DOWN] = true;
}

/**
 * trk_narrow_received - a packet arrived
 * @cl: the client
 * @answers_large: it answers a large request
 * @size: bytes of its TCP payload
 */
void trk_narrow_received(struct trk_client *cl, bool answers_large, u32 size)
{
	if (answers_large)
		cl->narrow.passed[TRK_WAY_UP] = true;
	if (trk_narrow_large(cl, size))
		cl->narrow.passed[TRK_WAY_DOWN] = true;
}

static void lower_to(struct trk_client *cl, u16 seg_size, u64 now_us)
{
	struct trk_narrow *n = &cl->narrow;

	n->seg_size = seg_size;
	n->doubt = false;
	n->wait_us = max_t(u64, WAIT_MIN_US, min_t(u64, 2 * n->wait_us, WAIT_MAX_US));
	n->raise_us = now_us + n->wait_us;
	cl->stat.narrowed++;
}

/**
 * trk_narrow_timed_out - the client goes silent and will send a TIMEOUT: what shall it ask for?
 * @cl: the client
 * @now_us: monotonic time
 *
 * If small packets have got through since large ones did not, and the large ones behind them again
 * have not, smaller ones than these are asked for.
 */
void trk_narrow_timed_out(struct trk_client *cl, u64 now_us)
{
	struct trk_narrow *n = &cl->narrow;
	u64 age = now_us - n->doubt_us;
	u16 lower = next_lower(cl);
	unsigned int i;

	if (age > max_t(u64, DOUBT_MIN_US, DOUBT_RTOS * cl->rto_us))
		n->doubt = false;

	for (i = 0; i < TRK_WAYS; i++)
		if (n->doubt && n->tried[i] && !n->passed[i] && lower < n->seg_size)
			lower_to(cl, lower, now_us);
	n->doubt = false;
	if (n->raise || (n->seg_size < cl->want_seg_size && now_us >= n->raise_us)) {
		n->seg_size = cl->want_seg_size;
		n->raise = false;
	}
}

/**
 * trk_narrow_unconsumed - the server has consumed nothing of all the input that fits a packet
 * @cl: the client
 *
 * It waits for more at once.  If packets have become smaller than they were it cannot get that, and
 * nothing would ever time out.
 */
void trk_narrow_unconsumed(struct trk_client *cl)
{
	cl->narrow.raise = cl->narrow.seg_size < cl->want_seg_size;
}

/**
 * trk_narrow_to - the caller knows that the way to the server is narrower
 * @cl: the client
 * @size: bytes of TCP payload that it carries
 * @now_us: monotonic time
 *
 * Return: true if that is news: then smaller packets are to be asked for.
 */
bool trk_narrow_to(struct trk_client *cl, u32 size, u64 now_us)
{
	size = max_t(u32, size, TRK_MIN_SEG_SIZE);
	if (size >= cl->narrow.seg_size)
		return false;
	lower_to(cl, (u16)size, now_us);
	return true;
}
