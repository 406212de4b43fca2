/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Answered once: which requests of which connections were answered, in fixed memory.
 */
#ifndef TRK_CORE_ONCE_H
#define TRK_CORE_ONCE_H

#include "types.h"

#define TRK_ONCE_WAYS		64	/* connections of a set, of either kind */
#define TRK_ONCE_CLASSES	64	/* groups of clients */
#define TRK_ONCE_SPAN		512	/* numbers below the highest, each with a bit of its own */
#define TRK_ONCE_GAPS		2	/* runs of numbers below these that were left out */

/**
 * struct trk_record - a request that is to be noted as answered
 * @kind: TRK_KIND_FIRST, TRK_KIND_RANGE or TRK_KIND_TIMEOUT
 * @attempt: FIRST, TIMEOUT
 * @renew_only: TIMEOUT: the answer executes nothing in any case
 * @conn: connection id
 * @domain: RANGE, TIMEOUT: domain of the request
 * @born: FIRST, TIMEOUT: order of the domain that the answer begins
 * @floor: RANGE: in a domain of which nothing is known, numbers up to here count as answered
 * @m: RANGE: first number that the request reports
 * @n: RANGE: last number that it reports
 * @a: RANGE: on return, where the first run of [@m, @n] begins that was not answered before
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
 * struct trk_once_now - the time of a record
 * @order: of a domain that is born now
 * @ahead: in the order of domains, how far ahead of that one may be
 * @tick: monotonic time, in any unit
 * @life: in that unit; a connection untouched for longer can be forgotten without harm
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
	u32 known;	/* what was forgotten of the connection is of domains of a lower order */
	u32 born;	/* latest order of a domain that an answer began */
	u32 timeouts;	/* order of the domain whose timeout requests were answered last, */
	u16 attempts;	/* and which of them; none if it is 0 */
	u16 firsts;	/* first requests that were answered */
};

/*
 * What is known of a connection that has proved to receive packets: which numbers of its
 * domain were answered.  Bit i is number @top - TRK_ONCE_SPAN + 1 + i.  Those below were answered,
 * or count so, but for the gaps, which are in ascending order.
 */
struct trk_once_proven {
	struct trk_once_conn c;
	u64 domain;
	u64 top;
	u64 bits[TRK_ONCE_SPAN / 64];
	u64 gap[TRK_ONCE_GAPS];		/* first number */
	u32 gap_len[TRK_ONCE_GAPS];	/* 0: none */
};

/* Which connections a set holds: chains by hash, and who makes room for another. */
struct trk_once_ways {
	u8 first[TRK_ONCE_WAYS];	/* of the chain; 1 + way, 0 for none */
	u8 next[TRK_ONCE_WAYS];		/* likewise */
	u8 chain[TRK_ONCE_WAYS];
	u8 class[TRK_ONCE_WAYS];	/* 1 + class; 0: the way is free */
	u32 touched[TRK_ONCE_WAYS];	/* ticks */
	u32 forgotten[TRK_ONCE_CLASSES];	/* highest order of a domain forgotten; 0: none */
};

/**
 * struct trk_once_set - connections whose ids have the same hash
 * @proven: which connections with an answered range request are held, and where
 * @guests: the same of all others; they take no place from those
 * @p: what is known of the former
 * @g: what is known of the latter
 *
 * All zeroes to begin with.
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
