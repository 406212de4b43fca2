// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Does the path still carry full packets, and if not, which?  A server hears of it as little as
 * a client does: it has no means to tell an ICMP error about its packets from a forged one.  So
 * the client infers it from what arrives (RFC 8899 §4.3, detection of black holes).  Rules:
 * protocol.rst, "Paths that become narrow".
 */
#include "narrow.h"
#include "held.h"

/*
 * Segment sizes that are tried when larger ones do not arrive: TCP payload of packets of 1500
 * bytes, and of 1280, the least MTU of IPv6, with headers of 44.
 */
static const u16 sizes[] = { 1456, 1236 };

/* So often large packets must have failed, and small ones passed, when large ones fail again. */
#define STRIKES		2

/*
 * So long after the segment size was lowered, the one of the beginning may be tried again, when
 * there is a timeout anyway: losses may have looked like a narrow path, or the path has changed.
 * Each time the wait doubles, up to that of RFC 1191 §6.3.
 */
#define WAIT_MIN_US	10000000ULL
#define WAIT_MAX_US	600000000ULL

/* The segment size to try when packets of @size do not arrive. */
static u16 next_lower(const struct trk_client *cl, u16 size)
{
	/* Requests have to carry the continuations that are held. */
	u16 least = trk_ucont_least(trk_held_longest(cl));
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		if (sizes[i] < size)
			return max_t(u16, sizes[i], least);
	return least;
}

/* What was seen of packets of another segment size says little. */
static void forget(struct trk_narrow *n)
{
	memset(n->way, 0, sizeof(n->way));
}

static void put_off(struct trk_narrow *n, u64 now_us)
{
	n->wait_us = max_t(u64, WAIT_MIN_US, min_t(u64, 2 * n->wait_us, WAIT_MAX_US));
	n->raise_us = now_us + n->wait_us;
}

static void lower_to(struct trk_client *cl, u16 seg_size, u64 now_us)
{
	struct trk_narrow *n = &cl->narrow;

	n->seg_size = seg_size;
	n->raise = false;
	forget(n);
	put_off(n, now_us);
	cl->stat.narrowed++;
}

/**
 * trk_narrow_sent - a request goes out
 * @cl: the client
 * @up: bytes of its TCP payload
 * @down: bytes of the largest packet that it asks for, 0 if that is not known
 */
void trk_narrow_sent(struct trk_client *cl, u32 up, u32 down)
{
	struct trk_narrow_way *way = cl->narrow.way;

	/* It may be as large as what has failed. */
	if (!down)
		down = way[TRK_WAY_DOWN].failed;
	way[TRK_WAY_UP].sent = max_t(u16, way[TRK_WAY_UP].sent, up);
	way[TRK_WAY_DOWN].sent = max_t(u16, way[TRK_WAY_DOWN].sent, down);
}

/**
 * trk_narrow_cut - an answer to input arrives at last, as a packet that was made small
 * @cl: the client
 * @size: bytes of TCP payload that it would have had otherwise
 *
 * So the answers to the attempts before had that size.  Call trk_narrow_received() afterwards.
 */
void trk_narrow_cut(struct trk_client *cl, u32 size)
{
	struct trk_narrow_way *down = &cl->narrow.way[TRK_WAY_DOWN];

	size = min_t(u32, size, trk_client_seg_size(cl));
	if (size > down->failed)
		down->failed = (u16)size;
	down->fresh = true;
}

/* A packet of @size arrived.  Of larger ones before, none had since the timer expired. */
static void passed(struct trk_narrow_way *way, u32 size)
{
	way->passed = max_t(u16, way->passed, size);
	if (size >= way->failed) {
		way->failed = 0;
		way->strikes = 0;
	} else if (way->fresh) {
		way->strikes = min_t(u8, way->strikes + 1, STRIKES);
	}
	way->fresh = false;
}

/**
 * trk_narrow_received - a packet arrived
 * @cl: the client
 * @up: bytes of TCP payload of the request that it answers
 * @down: bytes of its own
 */
void trk_narrow_received(struct trk_client *cl, u32 up, u32 down)
{
	passed(&cl->narrow.way[TRK_WAY_UP], up);
	passed(&cl->narrow.way[TRK_WAY_DOWN], down);
}

/* The timer expired.  Returns true if the path seems to be too narrow for what was sent. */
static bool failed(struct trk_narrow_way *way)
{
	bool again = way->sent > way->passed && way->sent > TRK_MIN_SEG_SIZE;

	if (again) {
		way->failed = max_t(u16, way->failed, way->sent);
		way->fresh = true;
	}
	way->sent = 0;
	way->passed = 0;
	return again && way->strikes == STRIKES;
}

/**
 * trk_narrow_timed_out - the timer expired: what shall the next FIRST or TIMEOUT ask for?
 * @cl: the client
 * @now_us: monotonic time
 *
 * If large packets did not get through again and again, and small ones in between did, smaller
 * ones than these are asked for.  One that gets through ends the doubt.
 */
void trk_narrow_timed_out(struct trk_client *cl, u64 now_us)
{
	struct trk_narrow *n = &cl->narrow;
	u16 lower = n->seg_size;
	unsigned int i;

	for (i = 0; i < TRK_WAYS; i++)
		if (failed(&n->way[i]))
			lower = min_t(u16, lower, next_lower(cl, n->way[i].failed));
	if (lower < n->seg_size) {
		lower_to(cl, lower, now_us);
	} else if (n->raise || (n->seg_size < cl->want_seg_size && now_us >= n->raise_us &&
				!cl->req.waiting)) {
		if (n->raise)
			put_off(n, now_us);
		n->raise = false;
		n->seg_size = cl->want_seg_size;
		forget(n);
	}
}

/**
 * trk_narrow_doubtful - shall the first attempt be small as well?
 * @cl: the client
 *
 * Return: true if large packets have not got through lately, and small ones have.
 */
bool trk_narrow_doubtful(const struct trk_client *cl)
{
	return cl->narrow.way[TRK_WAY_UP].strikes || cl->narrow.way[TRK_WAY_DOWN].strikes;
}

/**
 * trk_narrow_unconsumed - the server has consumed nothing of all the input that fits a packet
 * @cl: the client
 * @now_us: monotonic time
 *
 * It waits for more at once.  If packets have become smaller than they were, by what was found out
 * here or because the server's route is narrow, it cannot get that, and nothing would ever
 * time out.
 */
void trk_narrow_unconsumed(struct trk_client *cl, u64 now_us)
{
	if (cl->seg_size < cl->want_seg_size && now_us >= cl->narrow.raise_us)
		cl->narrow.raise = true;
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
