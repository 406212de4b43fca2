// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * TCP Reno by arithmetic (paper §2.5, Figure 5; RFC 5681), and recovery with fresh numbers.
 * rationale.rst says why it is not the paper's recovery.
 * Rules: protocol.rst, "The law of the window".
 */
#include "law.h"
#include "reason.h"

/**
 * trk_law_isqrt - exact integer square root
 * @v: any 64-bit value
 *
 * Context: any.
 * Return: the largest x with x * x <= @v.
 */
u32 trk_law_isqrt(u64 v)
{
	u64 root = 0, bit = 1ULL << 62;

	while (bit > v)
		bit >>= 2;
	while (bit) {
		if (v >= root + bit) {
			v -= root + bit;
			root = (root >> 1) + bit;
		} else {
			root >>= 1;
		}
		bit >>= 2;
	}
	return (u32)root;
}

/**
 * trk_law_cwnd - TCP Reno's window after a number of acknowledgments without loss
 * @acks: acknowledgments since the start of the stretch
 * @start_cwnd: window at the start, packets
 * @ssthresh: slow start threshold, packets
 *
 * Slow start adds one per acknowledgment up to @ssthresh; from there a window
 * of w needs w acknowledgments to become w + 1: after N of them w is the
 * largest with w(w-1)/2 - start(start-1)/2 <= N (paper, Figure 5).
 *
 * Context: any.
 * Return: window in packets, at most TRK_MAX_CWND.
 */
u32 trk_law_cwnd(u64 acks, u32 start_cwnd, u32 ssthresh)
{
	u64 odd;

	if (start_cwnd < ssthresh) {
		if (acks <= ssthresh - start_cwnd)
			return min_t(u64, start_cwnd + acks, TRK_MAX_CWND);
		acks -= ssthresh - start_cwnd;
		start_cwnd = ssthresh;
	}
	/* From start_cwnd >= 1 on, this many acknowledgments always reach the bound. */
	if (start_cwnd >= TRK_MAX_CWND || acks >= (u64)TRK_MAX_CWND * TRK_MAX_CWND)
		return TRK_MAX_CWND;
	odd = 2ULL * start_cwnd - 1;
	return min_t(u32, (1 + trk_law_isqrt(odd * odd + 8 * acks)) / 2, TRK_MAX_CWND);
}

/**
 * trk_law_window - the window after request k: W(k)
 * @law: state
 * @k: a number of the current stretch, not below its TCPBase
 *
 * Context: any.
 * Return: packets.
 */
u32 trk_law_window(const struct trk_law *law, u64 k)
{
	return trk_law_cwnd(k - law->tcp_base, law->start_cwnd, law->ssthresh);
}

static void law_open(struct trk_law *law, u64 f)
{
	law->first_loss = f;
	law->cwnd_at_loss = trk_law_window(law, f - 1);
	law->recover = f - 1 + law->cwnd_at_loss;
	law->new_cwnd = max_t(u32, law->cwnd_at_loss / 2, TRK_MIN_CWND);
}

static void law_close(struct trk_law *law)
{
	law->tcp_base = law->recover;
	law->start_cwnd = law->new_cwnd;
	law->ssthresh = law->new_cwnd;
	law->first_loss = 0;
}

/**
 * trk_law_init - set the state from its sealed form
 * @law: state to fill
 * @base: TCPBase
 * @start_cwnd: window at @base, packets
 * @ssthresh: slow start threshold, packets
 * @first_loss: first loss of an open event, above @base, or 0
 */
void trk_law_init(struct trk_law *law, u64 base, u32 start_cwnd, u32 ssthresh, u64 first_loss)
{
	memset(law, 0, sizeof(*law));
	law->tcp_base = base;
	law->start_cwnd = start_cwnd;
	law->ssthresh = ssthresh;
	if (first_loss)
		law_open(law, first_loss);
}

/**
 * trk_law_settle - close the open loss event if its R is below a number
 * @law: state after a walk up to @n, or up to the number before it
 * @n: the number
 */
void trk_law_settle(struct trk_law *law, u64 n)
{
	if (law->first_loss && n > law->recover)
		law_close(law);
}

/**
 * trk_law_highest - highest number that requests up to n can have issued
 * @law: state after a walk up to @n
 * @n: the last number walked
 *
 * Return: a packet number.  The answer to a TIMEOUT request takes the one above it.
 */
u64 trk_law_highest(const struct trk_law *law, u64 n)
{
	if (law->first_loss)
		return max_t(u64, law->recover + 1, n + law->new_cwnd);
	return n + trk_law_window(law, n);
}

/**
 * trk_law_possible - can a walk that ended at a number have left this state?
 * @law: state, as trk_law_init() made it
 * @base: the number
 *
 * A seal says only that somebody had the key.  So nothing computes with a state from outside
 * before this was asked.
 */
bool trk_law_possible(const struct trk_law *law, u64 base)
{
	if (base > TRK_MAX_NUMBER || !law->start_cwnd || law->start_cwnd > TRK_MAX_CWND ||
	    law->ssthresh < TRK_MIN_CWND ||
	    (law->ssthresh > TRK_MAX_CWND && law->ssthresh != TRK_SSTHRESH_INF))
		return false;
	/* The base arrived: it is not the loss, and above R it would have ended the event. */
	if (law->first_loss)
		return law->tcp_base < law->first_loss && law->first_loss < base &&
		       base <= law->recover;
	return law->tcp_base <= base;
}

/**
 * trk_law_claims_check - are the claims of a proof well formed?
 * @claims: claims with absolute numbers
 * @base: base of the proof
 *
 * Claims are in ascending order, disjoint and within (base, n]; a gap ends below n, since n
 * arrived, and no gap touches the next one (protocol.rst, "Nonces and proofs").
 *
 * Return: 0 or TRK_DROP_CLAIMS.
 */
int trk_law_claims_check(const struct trk_claims *claims, u64 base)
{
	u64 prev = base;
	unsigned int i;

	if (claims->count > TRK_MAX_CLAIMS)
		return TRK_DROP_CLAIMS;
	for (i = 0; i < claims->count; i++) {
		const struct trk_claim *c = &claims->c[i];

		if (c->a <= prev || c->a > c->b || c->b > claims->n)
			return TRK_DROP_CLAIMS;
		if (c->kind == TRK_CLAIM_LOST &&
		    (c->b == claims->n ||
		     (i && c[-1].kind == TRK_CLAIM_LOST && c->a == prev + 1)))
			return TRK_DROP_CLAIMS;
		prev = c->b;
	}
	return TRK_OK;
}

/**
 * trk_law_walk_init - start a walk over (base, n]
 * @w: walk
 * @law: state at @base
 * @base: base of the proof
 * @claims: checked claims, whose n ends the walk; they must live as long as the walk
 * @split: a number at which a step begins, 0 for none
 * @single: a step has one number instead of a run
 */
void trk_law_walk_init(struct trk_walk *w, const struct trk_law *law, u64 base,
		       const struct trk_claims *claims, u64 split, bool single)
{
	w->law = *law;
	w->claims = claims;
	w->next = base + 1;
	w->split = split;
	w->carry_first = 1;
	w->carry_last = 0;
	w->idx = 0;
	w->single = single;
	w->impossible = false;
}

static void walk_carry(struct trk_walk *w, u64 first, u64 last)
{
	if (first > last)
		return;
	if (w->carry_first > w->carry_last)
		w->carry_first = first;
	w->carry_last = last;
}

/*
 * Walks the lost numbers [a, b].  The first loss opens an event; the next received number issues
 * R + 1 for it, which is TCP's fast retransmit.  The shares of the other lost numbers are carried
 * to the next received one as well.  What of the run is above R opens another event.
 */
static void walk_lost(struct trk_walk *w, u64 a, u64 b)
{
	struct trk_law *law = &w->law;

	while (a <= b) {
		u64 last;

		trk_law_settle(law, a);
		if (!law->first_loss) {
			law_open(law, a);
			walk_carry(w, law->recover + 1, law->recover + 1);
			a++;
			continue;
		}
		last = min_t(u64, b, law->recover);
		walk_carry(w, max_t(u64, a + law->new_cwnd, law->recover + 2),
			   last + law->new_cwnd);
		a = last + 1;
	}
}

/*
 * Fills in what the received numbers of @s issue.  They are of one kind, and all inside or all
 * outside of an event.
 */
static void walk_received(struct trk_walk *w, bool nogrowth, struct trk_step *s)
{
	struct trk_law *law = &w->law;
	u64 first, last;

	if (law->first_loss) {
		first = max_t(u64, s->a + law->new_cwnd, law->recover + 2);
		last = s->b + law->new_cwnd;
	} else {
		first = s->a + trk_law_window(law, s->a - 1);
		/* A no-growth number moves TCPBase along, so the window stays. */
		if (nogrowth)
			law->tcp_base += s->b - s->a + 1;
		last = s->b + trk_law_window(law, s->b);
	}
	s->carried = w->carry_first <= w->carry_last;
	if (s->carried) {
		if (first > last)
			last = w->carry_last;
		first = w->carry_first;
		w->carry_first = 1;
		w->carry_last = 0;
	}
	s->first = first;
	s->last = last;
}

/**
 * trk_law_walk_next - the next run of received numbers and what it issues
 * @w: walk
 * @step: filled on return
 *
 * The law is defined for single numbers: a request that reports a run is the union of requests
 * that report one number each, with the part of the proof below it (protocol.rst, "The law of the
 * window").  A step computes this for a run at once.
 *
 * Return: false at the end of the walk; then @w->law is the state at n, unless
 * @w->impossible says that the claims cannot be true.
 */
bool trk_law_walk_next(struct trk_walk *w, struct trk_step *step)
{
	const struct trk_claims *claims = w->claims;

	while (w->next <= claims->n) {
		const struct trk_claim *c = NULL;
		bool nogrowth = false;
		u64 last = claims->n;

		if (w->idx < claims->count) {
			c = &claims->c[w->idx];
			if (w->next < c->a) {
				last = c->a - 1;
			} else if (c->kind == TRK_CLAIM_LOST) {
				/*
				 * The number above the gap arrived, so it was issued.
				 * This also bounds the work for false claims.
				 */
				trk_law_settle(&w->law, w->next);
				if (c->b >= trk_law_highest(&w->law, w->next - 1)) {
					w->impossible = true;
					return false;
				}
				walk_lost(w, w->next, c->b);
				w->next = c->b + 1;
				w->idx++;
				continue;
			} else {
				nogrowth = true;
				last = c->b;
			}
		}
		trk_law_settle(&w->law, w->next);
		if (w->law.first_loss)
			last = min_t(u64, last, w->law.recover);
		if (w->next < w->split)
			last = min_t(u64, last, w->split - 1);
		if (w->single || w->carry_first <= w->carry_last)
			last = w->next;
		step->a = w->next;
		step->b = last;
		walk_received(w, nogrowth, step);
		w->next = last + 1;
		if (nogrowth && last == c->b)
			w->idx++;
		return true;
	}
	return false;
}
