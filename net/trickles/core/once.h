/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Answered once: which requests of which connections were answered, in fixed memory
 * (protocol.rst, "Answered once").
 */
#ifndef TRK_CORE_ONCE_H
#define TRK_CORE_ONCE_H

#include "types.h"

#define TRK_ONCE_WAYS		64	/* proven connections in a set, and as many guests */
#define TRK_ONCE_CLASSES	64	/* classes of clients */
#define TRK_ONCE_SPAN		512	/* numbers, up to the highest, that have a bit each */
#define TRK_ONCE_GAPS		2	/* runs below these numbers that were not recorded */

/**
 * struct trk_record - a request that is to be recorded
 * @kind: TRK_KIND_FIRST, TRK_KIND_RANGE or TRK_KIND_TIMEOUT
 * @attempt: FIRST, TIMEOUT
 * @renew_only: TIMEOUT: the request is renewed only in any case
 * @conn: connection id
 * @domain: RANGE, TIMEOUT: domain of the request
 * @born: FIRST, TIMEOUT: order of the domain that the answer begins
 * @floor: RANGE: in a domain of which nothing is known, numbers up to here count as recorded
 * @m: RANGE: first number that the request reports
 * @n: RANGE: last number that it reports
 * @a: RANGE: on return, the first number of the first run of [@m, @n] that was not recorded
 * @b: RANGE: on return, the last number of that run
 * @again: TIMEOUT: on return, it may have been executed before
 */
struct trk_record {
	u8 kind;
	u8 attempt;
	bool renew_only;
	bool again;
	u32 born;
	u64 conn;
	u64 domain;
	u64 floor;
	u64 m, n;
	u64 a, b;
};

/**
 * struct trk_once_now - the time at which a request is recorded
 * @order: order of a domain that is born now
 * @ahead: how far the order of a domain may be ahead of @order
 * @tick: monotonic time, in any unit
 * @life: two horizons, in the unit of @tick; a connection without a request for longer than that
 *	can be given up without harm
 */
struct trk_once_now {
	u32 order;
	u32 ahead;
	u32 tick;
	u32 life;
};

/* What is known of any connection. */
struct trk_once_conn {
	u64 conn;
	u32 known;	/* nothing was forgotten of domains from this order on; 0: of no domain */
	u32 born;	/* latest order of a domain that an answer began */
	u32 timeouts;	/* order of the domain of the last recorded TIMEOUT request */
	u16 attempts;	/* TIMEOUT requests of that domain that were recorded, a bit for each */
	u16 firsts;	/* FIRST requests that were recorded, a bit for each attempt */
};

/*
 * What is known of a proven connection: which numbers of its domain were recorded.  Bit i is that
 * of number @top - TRK_ONCE_SPAN + 1 + i.  All numbers below these count as recorded, except those
 * of the gaps, which are in ascending order.  All numbers are kept with BIAS (once.c) added.
 */
struct trk_once_proven {
	struct trk_once_conn c;
	u64 domain;
	u64 top;
	u64 bits[TRK_ONCE_SPAN / 64];
	u64 gap[TRK_ONCE_GAPS];		/* first number of each gap */
	u32 gap_len[TRK_ONCE_GAPS];	/* 0: there is no such gap */
};

/* Which connections are in the ways of a set, and which of them makes room for another one. */
struct trk_once_ways {
	u8 first[TRK_ONCE_WAYS];	/* of a chain by hash: 1 + its first way, 0 for none */
	u8 next[TRK_ONCE_WAYS];		/* of a way: 1 + the next one in its chain, 0 for none */
	u8 chain[TRK_ONCE_WAYS];
	u8 class[TRK_ONCE_WAYS];	/* of a way: 1 + class, 0 if the way is free */
	u32 touched[TRK_ONCE_WAYS];	/* of a way: tick of the last request */
	u32 forgotten[TRK_ONCE_CLASSES];	/* of a class: latest order forgotten, or 0 */
};

/**
 * struct trk_once_set - connections whose ids have the same hash
 * @proven: the ways of proven connections, which are those with a recorded RANGE request
 * @guests: the ways of guests, which take no place from proven connections
 * @p: what is known of the proven connections
 * @g: what is known of the guests
 *
 * A new set is all zeroes.
 */
struct trk_once_set {
	struct trk_once_ways proven;
	struct trk_once_ways guests;
	struct trk_once_proven p[TRK_ONCE_WAYS];
	struct trk_once_conn g[TRK_ONCE_WAYS];
};

int trk_once_record(struct trk_once_set *s, const struct trk_once_now *now, u8 hash, u8 class,
		    struct trk_record *m, u32 *evicted);

#endif /* TRK_CORE_ONCE_H */
