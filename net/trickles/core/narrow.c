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
 * For so many round trips input was sent whose answer got lost, while others arrived: then nothing
 * would time out, and the answer, whose size is not known, may be large.
 */
#define VAIN_TIMEOUT	8
#define VAIN_LARGE	5

/*
 * So long after the segment size was lowered, or raised, the one of the beginning may be tried
 * again, when there is a timeout anyway: losses may have looked like a narrow path, or the path
 * has changed.  Each time the wait doubles, up to that of RFC 1191 §6.3.
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
static void narrow_forget(struct trk_narrow *n)
{
	memset(n->way, 0, sizeof(n->way));
}

static void put_off(struct trk_narrow *n, u64 now_us)
{
	/* What has held for so long was no mistake. */
	if (now_us > n->raise_us + WAIT_MAX_US)
		n->wait_us = 0;
	n->wait_us = max_t(u64, WAIT_MIN_US, min_t(u64, 2 * n->wait_us, WAIT_MAX_US));
	n->raise_us = now_us + n->wait_us;
}

static void lower_to(struct trk_client *cl, u16 seg_size, u64 now_us)
{
	struct trk_narrow *n = &cl->narrow;

	n->seg_size = seg_size;
	n->raise = false;
	narrow_forget(n);
	if (now_us >= n->raise_us)
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
		down = cl->narrow.vain < VAIN_LARGE ? way[TRK_WAY_DOWN].failed : cl->seg_size;
	way[TRK_WAY_UP].sent = max_t(u16, way[TRK_WAY_UP].sent, up);
	way[TRK_WAY_DOWN].sent = max_t(u16, way[TRK_WAY_DOWN].sent, down);
}

/**
 * trk_narrow_judge - a packet arrived after a larger one had not, or as large a one
 * @way: which way it went
 * @size: bytes of its TCP payload
 */
void trk_narrow_judge(struct trk_narrow_way *way, u32 size)
{
	if (size >= way->failed) {
		way->failed = 0;
		way->strikes = 0;
	} else if (way->fresh) {
		way->strikes = min_t(u8, way->strikes + 1, STRIKES);
	}
	way->fresh = false;
}

/**
 * trk_narrow_would_be - the answer to a small attempt says how large it would have been
 * @cl: the client
 * @size: bytes of TCP payload, if it had not been made small
 *
 * So those to the attempts before had that size.  Call trk_narrow_received() afterwards.
 */
void trk_narrow_would_be(struct trk_client *cl, u32 size)
{
	struct trk_narrow_way *down = &cl->narrow.way[TRK_WAY_DOWN];

	size = min_t(u32, size, trk_client_seg_size(cl));
	down->fresh = size > TRK_MIN_SEG_SIZE;
	if (down->fresh)
		down->failed = max_t(u16, down->failed, size);
}

/**
 * trk_narrow_less - an answer arrived that brings less than was asked for
 * @cl: the client
 * @asked: bytes of TCP payload that it would have had
 *
 * The application had no more, and may have had no more before: what was lost may have been as
 * small.  Call trk_narrow_received() afterwards.
 */
void trk_narrow_less(struct trk_client *cl, u32 asked)
{
	struct trk_narrow_way *down = &cl->narrow.way[TRK_WAY_DOWN];

	down->passed = max_t(u16, down->passed, asked);
	down->fresh = false;
}

/**
 * trk_narrow_in_vain - the answer to input was lost
 * @cl: the client
 * @s: what was expected of it
 *
 * Counts once a round trip, until trk_narrow_answered().
 */
void trk_narrow_in_vain(struct trk_client *cl, const struct trk_entry *s)
{
	struct trk_narrow *n = &cl->narrow;

	if (s->sent_us <= n->vain_us)
		return;
	n->vain_us = cl->timer.sent_us;
	n->vain = min_t(u8, n->vain + 1, VAIN_TIMEOUT);
}

/**
 * trk_narrow_answered - input was answered
 * @cl: the client
 */
void trk_narrow_answered(struct trk_client *cl)
{
	cl->narrow.vain = 0;
}

/**
 * trk_narrow_stuck - shall the client behave as if the timer had expired?
 * @cl: the client
 *
 * Return: true once in some round trips, if answers to input are lost and only they.
 */
bool trk_narrow_stuck(struct trk_client *cl)
{
	if (cl->narrow.vain < VAIN_TIMEOUT)
		return false;
	cl->narrow.vain = VAIN_LARGE;
	return true;
}

/* The timer expired.  Returns true if the path seems to be too narrow for what was sent. */
static bool narrow_failed(struct trk_narrow_way *way)
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
 * trk_narrow_expired - the timer expired: what shall the next FIRST or TIMEOUT ask for?
 * @cl: the client
 * @now_us: monotonic time
 *
 * If large packets did not get through again and again, and small ones in between did, smaller
 * ones than these are asked for.  One that gets through ends the doubt.
 */
void trk_narrow_expired(struct trk_client *cl, u64 now_us)
{
	u16 lower = cl->narrow.seg_size;
	unsigned int i;

	for (i = 0; i < TRK_WAYS; i++) {
		struct trk_narrow_way *way = &cl->narrow.way[i];

		if (narrow_failed(way))
			lower = min_t(u16, lower, next_lower(cl, way->failed));
	}
	if (lower < cl->narrow.seg_size)
		lower_to(cl, lower, now_us);
}

/**
 * trk_narrow_raise - a TIMEOUT follows: shall it ask for the first size again?
 * @cl: the client
 * @now_us: monotonic time
 */
void trk_narrow_raise(struct trk_client *cl, u64 now_us)
{
	struct trk_narrow *n = &cl->narrow;
	bool needed = n->raise;

	if (!needed && (n->seg_size == cl->want_seg_size || now_us < n->raise_us))
		return;
	n->seg_size = cl->want_seg_size;
	n->raise = false;
	narrow_forget(n);
	put_off(n, now_us);
	if (needed)
		n->need_us = n->raise_us;
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
 * time out.  So the first size is asked for again, at once if it is for the first time.
 *
 * Return: when the first size may be asked for again, U64_MAX if this is the first size.
 */
u64 trk_narrow_unconsumed(struct trk_client *cl, u64 now_us)
{
	if (cl->seg_size == cl->want_seg_size)
		return U64_MAX;
	cl->narrow.raise = now_us >= cl->narrow.need_us;
	return cl->narrow.need_us;
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
	size = max_t(u32, size, trk_ucont_least(trk_held_longest(cl)));
	if (size >= cl->narrow.seg_size)
		return false;
	lower_to(cl, (u16)size, now_us);
	return true;
}
