// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Which numbers arrived, which are lost, and what is claimed of them (paper §2.4, §4.1).
 * Rules: protocol.rst, "The client".
 */
#include "numbers.h"
#include "held.h"
#include "narrow.h"
#include "reason.h"
#include "wanted.h"

/**
 * trk_numbers_resize - a domain begins, in which packets may have another size
 * @cl: the client; its @seg_size is that from before
 * @base: numbers up to this one keep their places
 * @seg_size: for those above, which follow without a gap
 */
void trk_numbers_resize(struct trk_client *cl, u64 base, u16 seg_size)
{
	struct trk_numbers *n = &cl->num;

	if (seg_size == cl->seg_size)
		return;
	n->before = (struct trk_place){ .at = n->at, .seg_size = cl->seg_size };
	n->before_end = base;
	n->at += (u32)base * ((u32)cl->seg_size - seg_size);
	cl->seg_size = seg_size;
}

/**
 * trk_numbers_lose - a number will not come
 * @cl: the client
 * @x: the number, which is expected
 *
 * The bytes that it was to bring are asked for again, or the input is sent again.
 */
void trk_numbers_lose(struct trk_client *cl, u64 x)
{
	struct trk_entry *s = trk_client_entry(cl, x);

	s->state = TRK_ENTRY_LOST;
	cl->num.expected--;
	cl->stat.lost++;
	if (s->what == TRK_WHAT_OUTPUT) {
		trk_wanted_output(cl, s->off, s->off + s->len);
		if (x == s->first)
			trk_wanted_next(cl, s->off);
		if (s->off + s->len == cl->rx.asked_before)
			cl->rx.asked_before = 0;
	} else if (s->what == TRK_WHAT_INPUT) {
		cl->tx.expected--;
		if (x == s->first)
			trk_narrow_in_vain(cl, s);
		if (s->fin && !cl->tx.fin_acked)
			cl->tx.fin_sent = false;
		if (s->token == cl->tx.token) {
			if (cl->tx.left && !--cl->tx.left)
				cl->tx.again = true;
		} else {
			trk_wanted_input(cl, s->off, s->off + s->len);
		}
	}
}

/*
 * Adds number @x, which is the edge, to the claims.  Returns false if the list is full.
 *
 * Once there are TRK_CLAIMS_SOFT claims, a new gap is joined with the last claim: the numbers
 * between them, which arrived, are reported as lost.  The server believes that, since a proof need
 * not show their nonces.  Within a loss event it costs nothing, since what a lost number would
 * have issued is issued by the next received one.
 *
 * A claim that was reported must not change (prefix property, paper §2.4).  Then the gap is a
 * claim of its own, up to trk_claims_at() of them.  When the list is full, nothing more is reported
 * until a new continuation comes (protocol.rst, "The client").
 */
static bool numbers_claim(struct trk_client *cl, u64 x, u8 kind)
{
	struct trk_claim *last = cl->num.nclaims ? &cl->num.claims[cl->num.nclaims - 1] : NULL;
	bool swallow = last && last->a > cl->num.nrep;
	u32 most = swallow && kind == TRK_CLAIM_LOST ? TRK_CLAIMS_SOFT :
		   trk_claims_at(cl->seg_size);
	u64 i;

	if (last && last->kind == kind && last->b == x - 1) {
		if (kind == TRK_CLAIM_NOGROWTH || last->a > cl->num.nrep) {
			last->b = x;
			return true;
		}
	}
	if (cl->num.nclaims < ARRAY_SIZE(cl->num.claims) && trk_held_claims(cl) < most) {
		cl->num.claims[cl->num.nclaims].a = x;
		cl->num.claims[cl->num.nclaims].b = x;
		cl->num.claims[cl->num.nclaims].kind = kind;
		cl->num.nclaims++;
		return true;
	}
	/*
	 * To report a no-growth number as lost would make the window smaller.  So it waits, unless
	 * nothing else can be reported and no renewal may be on its way.
	 */
	if (kind == TRK_CLAIM_NOGROWTH &&
	    (cl->num.reportable > cl->num.nrep || trk_numbers_renewing(cl)))
		swallow = false;
	if (!swallow) {
		cl->stat.held++;
		return false;
	}
	for (i = last->a; i <= x; i++)
		if (trk_client_entry(cl, i)->state == TRK_ENTRY_RECEIVED)
			trk_client_entry(cl, i)->state = TRK_ENTRY_LOST;
	last->kind = TRK_CLAIM_LOST;
	last->b = x;
	/* A report must not end with a gap, and gaps must not touch. */
	for (i = last->a - 1; i > cl->num.nrep; i--)
		if (trk_client_entry(cl, i)->state == TRK_ENTRY_RECEIVED)
			break;
	cl->num.reportable = max_t(u64, i, cl->num.nrep);
	if (cl->num.nclaims > 1 && last[-1].kind == TRK_CLAIM_LOST && last[-1].b == last->a - 1 &&
	    last[-1].a > cl->num.nrep) {
		last[-1].b = last->b;
		cl->num.nclaims--;
	}
	cl->stat.merged++;
	return true;
}

/*
 * Reordering tolerance (RFC 5681 §3.2, RFC 5827 when few are outstanding):
 * a number is lost when this many packets above it arrived.
 */
static u32 numbers_dupthresh(const struct trk_client *cl)
{
	u32 outstanding = cl->num.above + cl->num.expected;

	if (outstanding > cl->num.dupthresh)
		return cl->num.dupthresh;
	return outstanding > 2 ? outstanding - 1 : 1;
}

/**
 * trk_numbers_late - a number that was given up came after all
 * @cl: the client
 * @x: the number
 *
 * The threshold becomes twice the distance, since the rate may grow: what is late by the same
 * time is then late by more packets.
 */
void trk_numbers_late(struct trk_client *cl, u64 x)
{
	u64 extent = cl->num.top > x ? cl->num.top - x : 0;
	u32 margin = (u32)min_t(u64, 2 * extent, TRK_DUPTHRESH_MAX);

	cl->num.dupthresh = max_t(u32, cl->num.dupthresh, margin);
}

/**
 * trk_numbers_declare - decide what arrived and what was lost
 * @cl: the client
 * @force: every number that is missing below the highest received one is lost
 *
 * Moves num.edge up as far as the numbers are decided.
 */
void trk_numbers_declare(struct trk_client *cl, bool force)
{
	while (cl->num.edge <= cl->num.top) {
		struct trk_entry *s = trk_client_entry(cl, cl->num.edge);

		if (s->state == TRK_ENTRY_EXPECTED) {
			if (!force && cl->num.above < numbers_dupthresh(cl))
				return;
			trk_numbers_lose(cl, cl->num.edge);
		}
		/* Numbers of one packet have one nonce: if the first is reported lost, all are. */
		if (s->state == TRK_ENTRY_RECEIVED && s->joined &&
		    trk_client_entry(cl, cl->num.edge - 1)->state == TRK_ENTRY_LOST)
			s->state = TRK_ENTRY_LOST;
		if (s->state == TRK_ENTRY_LOST) {
			if (!numbers_claim(cl, cl->num.edge, TRK_CLAIM_LOST))
				return;
		} else {
			if (s->nogrowth && !numbers_claim(cl, cl->num.edge, TRK_CLAIM_NOGROWTH))
				return;
			if (!s->joined)
				cl->num.above--;
			/* It may be reported as lost now, see numbers_claim(). */
			if (s->state == TRK_ENTRY_RECEIVED)
				cl->num.reportable = cl->num.edge;
		}
		cl->num.edge++;
	}
}

/**
 * trk_numbers_check - are all numbers of a packet what they should be?
 * @cl: the client
 * @r: the response
 * @x: its first number
 * @late: set to whether one of them was declared lost before
 *
 * Return: 0 or the reason to drop the packet.
 */
int trk_numbers_check(struct trk_client *cl, const struct trk_resp *r, u64 x, bool *late)
{
	unsigned int i;

	*late = false;
	if (!x || x > cl->num.hi || x + r->span - 1 > cl->num.hi ||
	    x + cl->num.ring_size <= cl->num.hi)
		return TRK_DROP_NUMBER;
	for (i = 0; i < r->span; i++) {
		const struct trk_entry *s = trk_client_entry(cl, x + i);

		if (s->state == TRK_ENTRY_FREE || s->state == TRK_ENTRY_RECEIVED)
			return TRK_DROP_NUMBER;
		if (r->token != s->token && (!s->again || r->token != s->again))
			return TRK_DROP_TOKEN;
		if (s->state == TRK_ENTRY_LOST)
			*late = true;
	}
	return TRK_OK;
}

/**
 * trk_numbers_received - the numbers of a packet arrived
 * @cl: the client
 * @r: the response
 * @x: its first number
 *
 * If there are several, the nonce is the xor of theirs, and is kept with the first.
 */
void trk_numbers_received(struct trk_client *cl, const struct trk_resp *r, u64 x)
{
	unsigned int i;

	for (i = 0; i < r->span; i++) {
		struct trk_entry *s = trk_client_entry(cl, x + i);

		if (i && s->what == TRK_WHAT_OUTPUT)
			trk_wanted_arrived(cl, s, s->off, 0);
		if (s->what == TRK_WHAT_INPUT)
			cl->tx.expected--;
		s->state = TRK_ENTRY_RECEIVED;
		s->nonce = i ? 0 : r->nonce;
		s->nogrowth = r->flags & TRK_RESP_NOGROWTH;
		s->joined = i;
		cl->num.expected--;
	}
	cl->num.above++;
	cl->num.top = max_t(u64, cl->num.top, x + r->span - 1);
}

/**
 * trk_numbers_renewing - may a new continuation be on its way?
 * @cl: the client, open
 */
bool trk_numbers_renewing(const struct trk_client *cl)
{
	/* Its loss is judged by num.top, since with a full list of claims it is not declared. */
	return cl->held.renewal && cl->held.renewal + cl->num.ring_size > cl->num.hi &&
	       cl->num.top < cl->held.renewal + cl->num.dupthresh &&
	       trk_client_entry(cl, cl->held.renewal)->state == TRK_ENTRY_EXPECTED;
}
