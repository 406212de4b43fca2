// SPDX-License-Identifier: GPL-2.0
/*
 * Which numbers requests issue.  The closed form for runs is compared with TCP Reno, one packet
 * at a time.  Runs are split, and continuations renewed, anywhere.  In every loss event, exactly
 * newCwnd trickles survive.
 */
#include <stdlib.h>

#include "core/law.h"
#include "core/reason.h"
#include "sim/rng.h"
#include "tap.h"

#define MAX_N		600
#define MAX_ISSUE	8192

enum fate { GREW, SHORT, LOST };

/* What becomes of the numbers 1 to n of a connection, and what each of them issues. */
struct script {
	u32 start, ssthresh;
	unsigned int n;
	u8 fate[MAX_N + 1];
	u64 first[MAX_N + 1];		/* k issues count[k] numbers from first[k] on */
	u32 count[MAX_N + 1];
	u64 highest[MAX_N + 1];		/* the highest number that requests up to k issue */
	unsigned int claims;		/* how many claims say all of this */
};

/* TCP Reno, packet by packet: it has the rules of the law, not its formulas. */
struct stepper {
	u32 w, ssthresh, acked;
	u64 f, recover, issued;
	u32 new_cwnd;
};

static void step_ack(struct stepper *t)
{
	if (t->w < t->ssthresh) {
		t->w++;
	} else if (++t->acked >= t->w) {
		t->w++;
		t->acked = 0;
	}
}

/* Returns how many numbers request k issues; the next received one issues those of a lost one. */
static u32 step(struct stepper *t, u64 k, enum fate fate)
{
	u32 w;

	if (t->f && k > t->recover) {
		t->f = 0;
		t->w = t->new_cwnd;
		t->ssthresh = t->new_cwnd;
		t->acked = 0;
	}
	if (!t->f && fate == LOST) {
		t->f = k;
		t->recover = k - 1 + t->w;
		t->new_cwnd = t->w / 2 < 2 ? 2 : t->w / 2;
		return 1;
	}
	if (t->f)
		return k + t->new_cwnd > t->recover + 1;
	w = t->w;
	if (fate == GREW)
		step_ack(t);
	return 1 + t->w - w;
}

/* Makes a random script, of numbers that are issued; the last one is received. */
static void script_make(struct script *s, struct rng *r, unsigned int n, u32 ppm_lost,
			u32 ppm_short, unsigned int max_claims)
{
	struct stepper t = { 0 };
	u32 carry = 0;
	u64 k;

	memset(s, 0, sizeof(*s));
	s->start = rng_in(r, 2, 30);
	s->ssthresh = RNG_PICK(r, 2, 8, 40, TRK_SSTHRESH_INF);
	t.w = s->start;
	t.ssthresh = s->ssthresh;
	t.issued = s->start;
	for (k = 1; k <= n && k <= t.issued; k++) {
		enum fate fate = rng_ppm(r, ppm_lost) ? LOST : rng_ppm(r, ppm_short) ? SHORT : GREW;
		bool opens = fate != GREW && (k == 1 || s->fate[k - 1] != fate);

		if (s->claims + opens > max_claims || k == n || k == t.issued)
			fate = k > 1 && s->fate[k - 1] == SHORT && fate == SHORT ? SHORT : GREW;
		s->claims += opens && fate != GREW;
		s->fate[k] = fate;
		carry += step(&t, k, fate);
		if (fate == LOST)
			continue;
		s->n = k;
		s->first[k] = t.issued + 1;
		s->count[k] = carry;
		t.issued += carry;
		s->highest[k] = t.issued;
		carry = 0;
	}
}

/* The claims for (base, n] of a script; false if they are too many for one list. */
static bool script_claims(const struct script *s, u64 base, u64 n, struct trk_claims *c)
{
	u64 k;

	memset(c, 0, sizeof(*c));
	c->n = n;
	for (k = base + 1; k <= n; k++) {
		u8 kind = s->fate[k] == LOST ? TRK_CLAIM_LOST : TRK_CLAIM_NOGROWTH;

		if (s->fate[k] == GREW)
			continue;
		if (c->count && c->c[c->count - 1].b == k - 1 && c->c[c->count - 1].kind == kind) {
			c->c[c->count - 1].b = k;
			continue;
		}
		if (c->count == TRK_MAX_CLAIMS)
			return false;
		c->c[c->count++] = (struct trk_claim){ k, k, kind };
	}
	return true;
}

/* Walks over (base, n], and compares with the script what each step issues. */
static void walk_compare(const struct script *s, struct trk_law *law, u64 base, u64 n, u64 split,
			 bool single)
{
	struct trk_claims claims;
	struct trk_walk w;
	struct trk_step st;
	u64 at = base + 1;

	CHECK(script_claims(s, base, n, &claims));
	CHECK_EQ(trk_law_claims_check(&claims, base), TRK_OK);
	trk_law_walk_init(&w, law, base, &claims, split, single);
	while (trk_law_walk_next(&w, &st)) {
		u64 k, first = 0, count = 0;

		for (; at < st.a; at++)
			CHECK_EQ(s->fate[at], LOST);
		CHECK(st.a <= st.b && st.b <= n);
		CHECK(!single || st.a == st.b);
		CHECK(!(st.a < split && st.b >= split));
		for (k = st.a; k <= st.b; k++) {
			CHECK(s->fate[k] != LOST);
			if (s->count[k] && !count)
				first = s->first[k];
			count += s->count[k];
		}
		CHECK_EQ(st.first > st.last ? 0 : st.last - st.first + 1, count);
		if (count)
			CHECK_EQ(st.first, first);
		at = st.b + 1;
	}
	CHECK(!w.impossible);
	CHECK_EQ(at, n + 1);
	*law = w.law;
}

static void walk__runs_and_singles_as_stepwise(void)
{
	struct rng r = { 1 };
	struct trk_law law;
	struct script s;
	unsigned int i;

	for (i = 0; i < 40000; i++) {
		script_make(&s, &r, rng_in(&r, 1, MAX_N), RNG_PICK(&r, 3000, 30000, 300000),
			    RNG_PICK(&r, 0, 20000, 200000), TRK_MAX_CLAIMS);
		trk_law_init(&law, 0, s.start, s.ssthresh, 0);
		CHECKED(walk_compare(&s, &law, 0, s.n, 0, false));
		trk_law_init(&law, 0, s.start, s.ssthresh, 0);
		CHECKED(walk_compare(&s, &law, 0, s.n, rng_in(&r, 1, s.n), false));
		trk_law_init(&law, 0, s.start, s.ssthresh, 0);
		CHECKED(walk_compare(&s, &law, 0, s.n, 0, true));
	}
}

static void walk__split_everywhere(void)
{
	struct rng r = { 2 };
	struct trk_law law;
	struct script s;
	unsigned int i;
	u64 m;

	for (i = 0; i < 300; i++) {
		script_make(&s, &r, 150, 50000, 50000, TRK_MAX_CLAIMS);
		for (m = 1; m <= s.n; m++) {
			trk_law_init(&law, 0, s.start, s.ssthresh, 0);
			CHECKED(walk_compare(&s, &law, 0, s.n, m, false));
		}
	}
}

/* Keeps only that part of the state that a continuation has in it. */
static void reseal(struct trk_law *law)
{
	trk_law_init(law, law->tcp_base, law->start_cwnd, law->ssthresh, law->first_loss);
}

static void walk__rebased_anywhere(void)
{
	struct trk_claims claims;
	struct rng r = { 3 };
	struct trk_law law;
	struct script s;
	unsigned int i;
	u64 base, n;

	for (i = 0; i < 20000; i++) {
		script_make(&s, &r, rng_in(&r, 1, MAX_N), 100000, 50000, ~0U);
		trk_law_init(&law, 0, s.start, s.ssthresh, 0);
		for (base = 0; base < s.n; base = n) {
			do {
				n = rng_in(&r, base + 1, s.n < base + 40 ? s.n : base + 40);
			} while (s.fate[n] == LOST || !script_claims(&s, base, n, &claims));
			CHECKED(walk_compare(&s, &law, base, n, 0, rng_below(&r, 2)));
			reseal(&law);
		}
	}
}

static void law_highest__is_what_was_issued(void)
{
	struct trk_claims claims;
	struct rng r = { 4 };
	struct trk_law law;
	struct trk_step st;
	struct trk_walk w;
	struct script s;
	unsigned int i;
	u64 k, hi, before;

	for (i = 0; i < 2000; i++) {
		script_make(&s, &r, 200, 80000, 50000, TRK_MAX_CLAIMS);
		before = 0;
		for (k = 1; k <= s.n; k++) {
			if (s.fate[k] == LOST)
				continue;
			CHECK(script_claims(&s, 0, k, &claims));
			trk_law_init(&law, 0, s.start, s.ssthresh, 0);
			trk_law_walk_init(&w, &law, 0, &claims, 0, false);
			while (trk_law_walk_next(&w, &st))
				;
			trk_law_settle(&w.law, k);
			hi = trk_law_highest(&w.law, k);
			CHECK_EQ(hi, s.highest[k]);
			CHECK(hi >= before);
			before = hi;
		}
	}
}

/* Any part of a window W is lost: what arrives of it issues exactly R + 1 to R + newCwnd. */
static void walk__exactly_new_cwnd_survivors(void)
{
	struct rng r = { 5 };
	unsigned int i;

	for (i = 0; i < 200000; i++) {
		u32 start = rng_in(&r, 2, 60), ppm = RNG_PICK(&r, 50000, 300000, 700000);
		u64 f = rng_in(&r, 1, 3), W = trk_law_cwnd(f - 1, start,
							   start), R = f - 1 + W, k, next;
		u32 new_cwnd = W / 2 < 2 ? 2 : W / 2;
		struct trk_claims claims = { .n = R + 1,
					     .count = 1,
					     .c = { { f, f, TRK_CLAIM_LOST } } };
		struct trk_walk w;
		struct trk_step st;
		struct trk_law law;

		for (k = f + 1; k <= R; k++) {
			struct trk_claim *c = &claims.c[claims.count - 1];

			if (!rng_ppm(&r, ppm))
				continue;
			if (c->b == k - 1)
				c->b = k;
			else if (claims.count < TRK_MAX_CLAIMS)
				claims.c[claims.count++] =
					(struct trk_claim){ k, k, TRK_CLAIM_LOST };
		}
		CHECK_EQ(trk_law_claims_check(&claims, 0), TRK_OK);
		trk_law_init(&law, 0, start, start, 0);
		trk_law_walk_init(&w, &law, 0, &claims, R + 1, rng_below(&r, 2));
		next = R + 1;
		while (trk_law_walk_next(&w, &st)) {
			if (st.b < f || st.first > st.last)
				continue;
			CHECK_EQ(st.first, next);
			next = st.last + 1;
			if (st.b <= R)
				CHECK(next <= R + new_cwnd + 1);
		}
		/* If all up to R is lost, nothing issues R + 1.  Else that issues one more. */
		if (w.impossible)
			CHECK(claims.count == 1 && claims.c[0].b == R);
		else
			CHECK_EQ(next, R + new_cwnd + 2);
	}
}

/* Whatever a client claims, the walk ends soon, and a step issues no more than a window. */
static void walk__arbitrary_claims_bounded(void)
{
	struct rng r = { 6 };
	unsigned int i, j;

	for (i = 0; i < 300000; i++) {
		u64 base = rng_u64(&r) >> rng_in(&r, 8, 60), at = base, prev = 0;
		struct trk_claims claims = { .count = rng_in(&r, 0, TRK_MAX_CLAIMS) };
		unsigned int steps = 0;
		struct trk_walk w;
		struct trk_step st;
		struct trk_law law;

		for (j = 0; j < claims.count; j++) {
			claims.c[j].kind = rng_below(&r, 2);
			claims.c[j].a = at + 1 + rng_below(&r, 1 << rng_in(&r, 0, 24));
			claims.c[j].b = claims.c[j].a + rng_below(&r, 1 << rng_in(&r, 0, 24));
			at = claims.c[j].b;
		}
		claims.n = at + rng_below(&r, 1 << rng_in(&r, 0, 24));
		if (claims.n <= base || trk_law_claims_check(&claims, base))
			continue;
		trk_law_init(&law, base - rng_below(&r, base + 1), rng_in(&r, 1, TRK_MAX_CWND),
			     rng_in(&r, 1, TRK_SSTHRESH_INF), rng_below(&r, 2) ? 0 : base);
		if (law.first_loss && law.first_loss <= law.tcp_base)
			continue;
		trk_law_walk_init(&w, &law, base, &claims, 0, false);
		while (trk_law_walk_next(&w, &st)) {
			CHECK(++steps <= 4 * TRK_MAX_CLAIMS);
			if (st.first > st.last)
				continue;
			CHECK(st.first > st.a);
			CHECK(st.last - st.b <= TRK_MAX_CWND);
			CHECK(st.first > prev);
			prev = st.last;
		}
	}
}

static const struct tap_case cases[] = {
	TAP_CASE(walk__runs_and_singles_as_stepwise),
	TAP_CASE(walk__split_everywhere),
	TAP_CASE(walk__rebased_anywhere),
	TAP_CASE(law_highest__is_what_was_issued),
	TAP_CASE(walk__exactly_new_cwnd_survivors),
	TAP_CASE(walk__arbitrary_claims_bounded),
};

TAP_MAIN(cases)
