// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * How far the next request reports what arrived, and what that issues (paper §2.4, §2.5).
 * Rules: protocol.rst, "The client".
 */
#include "reach.h"
#include "numbers.h"

/**
 * trk_reach_claims - the claims of a proof
 * @cl: the client
 * @base: the proof begins above this number
 * @n: the last number of the report
 * @out: the claims
 */
void trk_reach_claims(const struct trk_client *cl, u64 base, u64 n, struct trk_claims *out)
{
	unsigned int i;

	out->n = n;
	out->count = 0;
	for (i = 0; i < cl->num.nclaims && out->count < TRK_MAX_CLAIMS; i++) {
		struct trk_claim c = cl->num.claims[i];

		if (c.b <= base || c.a > n)
			continue;
		c.a = max_t(u64, c.a, base + 1);
		c.b = min_t(u64, c.b, n);
		out->c[out->count++] = c;
	}
}

/* Cuts claims off above @n, which becomes their last number. */
static void claims_trim(struct trk_claims *claims, u64 n)
{
	while (claims->count && claims->c[claims->count - 1].a > n)
		claims->count--;
	if (claims->count && claims->c[claims->count - 1].b > n)
		claims->c[claims->count - 1].b = n;
	claims->n = n;
}

/**
 * trk_reach_renewal_due - is the request to ask for a new continuation?
 * @cl: the client
 * @claims: of its report
 *
 * With a new continuation requests need fewer claims.  But it displaces data, and if that fills a
 * hole it costs another packet.  So at first one request has RENEW.  As the list of claims gets
 * full, others have it too, in case the answer to the first is lost: without a renewal nothing more
 * can be reported.
 */
bool trk_reach_renewal_due(const struct trk_client *cl, const struct trk_claims *claims)
{
	if (claims->count < TRK_CLAIMS_SOFT)
		return false;
	return !trk_numbers_renewing(cl) ||
	       claims->count >= cl->held.renewal_claims + TRK_RENEW_AGAIN;
}

/**
 * trk_reach_choose - how far the next request reports
 * @cl: the client
 * @p: what it asks for
 * @limit: how many of the reported numbers may issue something
 * @r: the result
 * @claims: of the report
 *
 * Walks the received numbers above num.nrep until the answer is as large as the plan can use, or
 * @limit is reached: one lost request must not be a timeout, and slow start must not burst.
 * Numbers that share a packet are reported together, since their nonces came as one.
 */
void trk_reach_choose(struct trk_client *cl, const struct trk_plan *p, u32 limit,
		      struct trk_reach *r, struct trk_claims *claims)
{
	const struct trk_held_cont *held = trk_client_cont(cl);
	struct trk_walk w, saved;
	struct trk_step step;
	u32 most = min_t(u32, p->room, TRK_MAX_ANSWER), count = 0;
	bool full = false;

	r->n = cl->num.nrep;
	r->first = 1;
	r->last = 0;
	r->recover = 0;
	r->cwnd = cl->cwnd;
	trk_reach_claims(cl, held->c.base, cl->num.reportable, claims);
	trk_law_walk_init(&w, &held->c.law, held->c.base, claims, cl->num.nrep + 1, false);
	for (;;) {
		const struct trk_law *law = &w.law;
		u64 issued;

		/* New numbers that issue something are walked one by one, all others in runs. */
		w.single = false;
		if (w.next > cl->num.nrep) {
			if (r->n == cl->num.nrep)
				r->recover = law->first_loss ? law->recover : 0;
			w.split = law->first_loss ? law->recover + 2 - law->new_cwnd : 0;
			saved = w;
			if (!trk_law_walk_next(&w, &step))
				break;
			if (step.first <= step.last) {
				w = saved;
				w.single = true;
				if (!trk_law_walk_next(&w, &step))
					break;
			}
		} else if (!trk_law_walk_next(&w, &step)) {
			break;
		}
		if (step.a <= cl->num.nrep)
			continue;
		if (step.first <= step.last) {
			issued = step.last - (r->first <= r->last ? r->first : step.first) + 1;
			if (count && (count >= limit || issued > most))
				full = true;
			if (full && !trk_client_entry(cl, step.a)->joined)
				break;
			if (r->first > r->last)
				r->first = step.first;
			r->last = step.last;
			count++;
		} else if (full && !trk_client_entry(cl, step.a)->joined) {
			break;
		}
		r->n = step.b;
		r->cwnd = law->first_loss ? law->new_cwnd : trk_law_window(law, step.b);
	}
	claims_trim(claims, r->n);
}

/*
 * How many numbers a report with a new gap is to cover.  Once the list of claims gets full, what is
 * left of it must last until the loss event is over, so reports are made larger.  But when the
 * second half of the event begins the path is empty, and would run idle while one gathers; and at
 * its end the path is full, and a large report, which issues its numbers in one burst, would
 * overflow it.  So the largest reports are in the middle (rationale.rst, "The client's reports").
 */
static u64 gather(const struct trk_client *cl, const struct trk_reach *r,
		  const struct trk_claims *claims)
{
	u32 room = trk_claims_at(cl->seg_size) + 1 - claims->count;
	u64 begun = cl->num.nrep + r->cwnd, left = r->recover - cl->num.nrep;

	if (claims->count < TRK_CLAIMS_SOFT || r->recover <= cl->num.nrep)
		return 0;
	begun = begun > r->recover ? begun - r->recover : 0;
	return 4 + min_t(u64, begun / 2, max_t(u64, left / 3, div64_u64(2 * left, room + 1)));
}

/**
 * trk_reach_waits - is the request to wait for more packets to report?
 * @cl: the client
 * @p: what it asks for
 * @r: how far it reports
 * @claims: of the report
 */
bool trk_reach_waits(const struct trk_client *cl, const struct trk_plan *p,
		     const struct trk_reach *r, const struct trk_claims *claims)
{
	u64 n = r->n - cl->num.nrep;
	bool gap = false;
	u32 i;

	if (cl->timer.force || r->n != cl->num.reportable || !cl->num.expected)
		return false;
	for (i = claims->count; i-- && claims->c[i].b > cl->num.nrep;)
		gap |= claims->c[i].kind == TRK_CLAIM_LOST;
	if (gap)
		return n < gather(cl, r, claims);
	/* As TCP delays acknowledgments (paper §2.1, RFC 5681 §4.2), but not in a loss event. */
	return p->what == TRK_WHAT_OUTPUT && n < 2 && r->recover <= cl->num.nrep;
}
