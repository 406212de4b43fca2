/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The law of the window: TCP Reno as a function of the numbers that requests report (paper
 * §2.5), and which numbers each request issues.  It is pure arithmetic, and each step of a walk
 * takes constant time.
 */
#ifndef TRK_CORE_LAW_H
#define TRK_CORE_LAW_H

#include "types.h"

#define TRK_INITIAL_WINDOW	10u		/* packets, RFC 6928 */
#define TRK_MIN_CWND		2u		/* packets, RFC 5681 (4) */
#define TRK_SSTHRESH_INF	(1u << 20)	/* packets: above every window */
/* Packets; less than TCP's 2^30 bytes (RFC 7323 §2.3) in any case. */
#define TRK_MAX_CWND		(1u << 15)
#define TRK_MAX_NUMBER		(1ULL << 62)	/* no connection gets there; sums do not wrap */
#define TRK_MAX_CLAIMS		32		/* claims of one proof, at most */

/**
 * struct trk_law - the congestion state that a continuation seals
 * @tcp_base: number at which the current stretch begins (TCPBase)
 * @first_loss: first lost number of the open loss event, 0 if none is open
 * @recover: last number in flight when the open event began (R)
 * @start_cwnd: window at @tcp_base, packets
 * @ssthresh: slow start threshold of the stretch, packets
 * @cwnd_at_loss: window when the open event began (W)
 * @new_cwnd: window after the open event
 *
 * @recover, @cwnd_at_loss and @new_cwnd follow from the others; they are valid
 * only while @first_loss is not 0.
 */
struct trk_law {
	u64 tcp_base;
	u64 first_loss;
	u64 recover;
	u32 start_cwnd;
	u32 ssthresh;
	u32 cwnd_at_loss;
	u32 new_cwnd;
};

enum trk_claim_kind {
	TRK_CLAIM_LOST,		/* a gap */
	TRK_CLAIM_NOGROWTH,	/* received, with no-growth nonces */
};

/* Numbers [a, b], both included, all of one kind. */
struct trk_claim {
	u64 a, b;
	u8 kind;
};

/*
 * What a proof says of the numbers (base, n]: they arrived with growth nonces, except those of
 * the claims, which are in ascending order.
 */
struct trk_claims {
	u64 n;
	unsigned int count;
	struct trk_claim c[TRK_MAX_CLAIMS];
};

/*
 * Received numbers [a, b], and the numbers [first, last] that are issued by reporting them; none
 * if first > last.  A received number that also issues the shares of lost requests just below it
 * is a step of its own, and @carried is set.
 */
struct trk_step {
	u64 a, b;
	u64 first, last;
	bool carried;
};

/*
 * A walk over (base, n] in ascending order.  Between two steps callers may read @law, @next and
 * @impossible, and set @split and @single; the other fields are private to law.c.
 */
struct trk_walk {
	struct trk_law law;		/* state after the numbers walked so far */
	const struct trk_claims *claims;
	u64 next;			/* next number to process */
	u64 split;			/* no step has both split - 1 and split */
	u64 carry_first, carry_last;	/* shares that the next received number issues */
	unsigned int idx;		/* next claim */
	bool single;			/* one number per step */
	bool impossible;		/* the claims name numbers that cannot have been issued */
};

u32 trk_law_isqrt(u64 v);
u32 trk_law_cwnd(u64 acks, u32 start_cwnd, u32 ssthresh);

void trk_law_init(struct trk_law *law, u64 base, u32 start_cwnd, u32 ssthresh, u64 first_loss);
u32 trk_law_window(const struct trk_law *law, u64 k);
u64 trk_law_highest(const struct trk_law *law, u64 n);
void trk_law_settle(struct trk_law *law, u64 n);
bool trk_law_possible(const struct trk_law *law, u64 base);

int trk_law_claims_check(const struct trk_claims *claims, u64 base);

void trk_law_walk_init(struct trk_walk *w, const struct trk_law *law, u64 base,
		       const struct trk_claims *claims, u64 split, bool single);
bool trk_law_walk_next(struct trk_walk *w, struct trk_step *step);

#endif /* TRK_CORE_LAW_H */
