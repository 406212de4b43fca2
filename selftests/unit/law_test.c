// SPDX-License-Identifier: GPL-2.0
/* The window law at its edges, and claims that no honest client makes. */
#include "core/law.h"
#include "core/reason.h"
#include "sim/rng.h"
#include "tap.h"

static void isqrt__edges(void)
{
	unsigned int i;
	u64 x;

	CHECK_EQ(trk_law_isqrt(0), 0);
	CHECK_EQ(trk_law_isqrt(U64_MAX), U32_MAX);
	for (x = 1; x <= 70000; x++) {
		CHECK_EQ(trk_law_isqrt(x * x - 1), x - 1);
		CHECK_EQ(trk_law_isqrt(x * x), x);
		CHECK_EQ(trk_law_isqrt(x * x + 1), x + (x * x + 1 == (x + 1) * (x + 1)));
	}
	for (i = 1; i < 32; i++) {
		for (x = (1ULL << i) - 2; x <= (1ULL << i) + 2; x++) {
			CHECK_EQ(trk_law_isqrt(x * x), x);
			if (x)
				CHECK_EQ(trk_law_isqrt(x * x - 1), x - 1);
		}
	}
	for (x = U32_MAX - 1000; x <= U32_MAX; x++) {
		CHECK_EQ(trk_law_isqrt(x * x), x);
		CHECK_EQ(trk_law_isqrt(x * x - 1), x - 1);
		CHECK_EQ(trk_law_isqrt(x * x + 2 * x), x);
	}
}

static void cwnd__initial_window(void)
{
	u64 k;

	for (k = 0; k < 1000; k++)
		CHECK_EQ(trk_law_cwnd(k, TRK_INITIAL_WINDOW, TRK_SSTHRESH_INF),
			 TRK_INITIAL_WINDOW + k);
}

static void cwnd__above_ssthresh_is_avoidance(void)
{
	CHECK_EQ(trk_law_cwnd(9, 10, 2), 10);
	CHECK_EQ(trk_law_cwnd(10, 10, 2), 11);
	CHECK_EQ(trk_law_cwnd(20, 10, 2), 11);
	CHECK_EQ(trk_law_cwnd(21, 10, 2), 12);
}

static void cwnd__bounded(void)
{
	static const u64 acks[] = { TRK_MAX_CWND, 1ULL << 31, 1ULL << 32,  (1ULL << 33) - 1,
				    1ULL << 33,	  1ULL << 48, U64_MAX - 1, U64_MAX };
	static const u32 start[] = { 1, 2, 10, TRK_MAX_CWND - 1, TRK_MAX_CWND, TRK_MAX_CWND + 1,
				     TRK_SSTHRESH_INF, U32_MAX };
	static const u32 thresh[] = { 1, 2, TRK_MAX_CWND, TRK_SSTHRESH_INF, U32_MAX };
	unsigned int i, j, k;

	for (i = 0; i < ARRAY_SIZE(acks); i++) {
		for (j = 0; j < ARRAY_SIZE(start); j++) {
			for (k = 0; k < ARRAY_SIZE(thresh); k++) {
				u32 w = trk_law_cwnd(acks[i], start[j], thresh[k]);

				CHECK(w >= 1 && w <= TRK_MAX_CWND);
			}
		}
	}
	CHECK_EQ(trk_law_cwnd(U64_MAX, 1, 1), TRK_MAX_CWND);
	CHECK_EQ(trk_law_cwnd(U64_MAX, 10, TRK_SSTHRESH_INF), TRK_MAX_CWND);
}

static void law_init__open_event(void)
{
	struct trk_law law;

	trk_law_init(&law, 100, 10, TRK_SSTHRESH_INF, 105);
	CHECK_EQ(law.cwnd_at_loss, 14);
	CHECK_EQ(law.recover, 118);
	CHECK_EQ(law.new_cwnd, 7);
	trk_law_settle(&law, 118);
	CHECK_EQ(law.first_loss, 105);
	trk_law_settle(&law, 119);
	CHECK_EQ(law.first_loss, 0);
	CHECK_EQ(law.tcp_base, 118);
	CHECK_EQ(law.start_cwnd, 7);
	CHECK_EQ(law.ssthresh, 7);
	CHECK_EQ(trk_law_window(&law, 118), 7);
}

static void law_init__smallest_window(void)
{
	struct trk_law law;

	trk_law_init(&law, 50, 2, 2, 51);
	CHECK_EQ(law.recover, 52);
	CHECK_EQ(law.new_cwnd, TRK_MIN_CWND);
}

static int claims_check(u64 base, u64 n, unsigned int count, const struct trk_claim *c)
{
	struct trk_claims claims = { .n = n, .count = count };

	if (count)
		memcpy(claims.c, c, sizeof(*c) * min_t(unsigned int, count, TRK_MAX_CLAIMS));
	return trk_law_claims_check(&claims, base);
}

#define CLAIMS_CHECK(base, n, ...)                                                           \
	claims_check(base, n,                                                                \
		     sizeof((struct trk_claim[]){ __VA_ARGS__ }) / sizeof(struct trk_claim), \
		     (struct trk_claim[]){ __VA_ARGS__ })
#define L(a, b) { a, b, TRK_CLAIM_LOST }
#define S(a, b) { a, b, TRK_CLAIM_NOGROWTH }

static void claims_check__well_formed(void)
{
	CHECK_EQ(claims_check(7, 9, 0, NULL), TRK_OK);
	CHECK_EQ(CLAIMS_CHECK(7, 9, L(8, 8)), TRK_OK);
	CHECK_EQ(CLAIMS_CHECK(7, 9, S(8, 9)), TRK_OK);
	CHECK_EQ(CLAIMS_CHECK(7, 20, L(8, 9), S(10, 12), L(13, 13), L(15, 19)), TRK_OK);
}

static void claims_check__refused(void)
{
	struct trk_claim many[TRK_MAX_CLAIMS + 1];
	unsigned int i;

	CHECK_EQ(CLAIMS_CHECK(7, 9, L(7, 8)), TRK_DROP_CLAIMS);
	CHECK_EQ(CLAIMS_CHECK(7, 9, L(9, 8)), TRK_DROP_CLAIMS);
	CHECK_EQ(CLAIMS_CHECK(7, 9, L(8, 9)), TRK_DROP_CLAIMS);
	CHECK_EQ(CLAIMS_CHECK(7, 9, S(8, 10)), TRK_DROP_CLAIMS);
	CHECK_EQ(CLAIMS_CHECK(7, 9, S(10, 10)), TRK_DROP_CLAIMS);
	CHECK_EQ(CLAIMS_CHECK(7, 20, L(10, 12), L(12, 14)), TRK_DROP_CLAIMS);
	CHECK_EQ(CLAIMS_CHECK(7, 20, L(10, 12), L(13, 14)), TRK_DROP_CLAIMS);
	CHECK_EQ(CLAIMS_CHECK(7, 20, L(10, 12), S(12, 14)), TRK_DROP_CLAIMS);
	CHECK_EQ(CLAIMS_CHECK(7, 20, L(10, 12), L(8, 8)), TRK_DROP_CLAIMS);
	for (i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = (struct trk_claim)L(10 + 2 * i, 10 + 2 * i);
	CHECK_EQ(claims_check(7, 100, TRK_MAX_CLAIMS, many), TRK_OK);
	CHECK_EQ(claims_check(7, 100, TRK_MAX_CLAIMS + 1, many), TRK_DROP_CLAIMS);
	CHECK_EQ(claims_check(7, 100, ~0U, many), TRK_DROP_CLAIMS);
}

static void walk__single_loss(void)
{
	/* The third is lost: W(2) = 12, R = 14, newCwnd = 6. */
	struct trk_claims claims = { .n = 15, .count = 1, .c = { L(3, 3) } };
	static const u64 want[][2] = {
		[1] = { 11, 12 },  [2] = { 13, 14 },  [4] = { 15, 15 },
		[5] = { 1, 0 },	   [9] = { 1, 0 },    [10] = { 16, 16 },
		[11] = { 17, 17 }, [14] = { 20, 20 }, [15] = { 21, 21 },
	};
	struct trk_walk w;
	struct trk_step s;
	struct trk_law law;

	trk_law_init(&law, 0, 10, TRK_SSTHRESH_INF, 0);
	trk_law_walk_init(&w, &law, 0, &claims, 0, true);
	while (trk_law_walk_next(&w, &s)) {
		CHECK_EQ(s.a, s.b);
		if (!want[s.a][1])
			continue;
		CHECK_EQ(s.first, want[s.a][0]);
		CHECK_EQ(s.last, want[s.a][1]);
	}
	CHECK(!w.impossible);
	CHECK_EQ(w.law.tcp_base, 14);
	CHECK_EQ(w.law.start_cwnd, 6);
}

static void walk__gap_past_highest_refused(void)
{
	struct trk_claims claims = { .n = 20, .count = 1, .c = { L(1, 0) } };
	struct trk_walk w;
	struct trk_step s;
	struct trk_law law;
	u64 b;

	/* If 1 to 10 are in flight, a gap can end at 9, since something above it has arrived. */
	for (b = 1; b < 20; b++) {
		claims.c[0].b = b;
		trk_law_init(&law, 0, 10, TRK_SSTHRESH_INF, 0);
		trk_law_walk_init(&w, &law, 0, &claims, 0, false);
		while (trk_law_walk_next(&w, &s))
			;
		CHECK_EQ(w.impossible, b >= 10);
	}
}

static void walk__huge_gap_bounded_work(void)
{
	struct trk_claims claims = { .n = U32_MAX, .count = 1, .c = { L(1, U32_MAX - 1) } };
	struct trk_walk w;
	struct trk_step s;
	struct trk_law law;
	unsigned int steps = 0;

	trk_law_init(&law, 0, 10, TRK_SSTHRESH_INF, 0);
	trk_law_walk_init(&w, &law, 0, &claims, 0, false);
	while (trk_law_walk_next(&w, &s))
		steps++;
	CHECK(w.impossible);
	CHECK_EQ(steps, 0);
	claims.count = 0;
	trk_law_walk_init(&w, &law, 0, &claims, 0, false);
	while (trk_law_walk_next(&w, &s))
		steps++;
	CHECK_EQ(steps, 1);
}

static void walk__steps_bounded_by_claims(void)
{
	struct rng r = { 3 };
	unsigned int i, k;

	for (i = 0; i < 20000; i++) {
		struct trk_claims claims = { 0 };
		unsigned int steps = 0;
		struct trk_walk w;
		struct trk_step s;
		struct trk_law law;
		u64 at = rng_below(&r, 1ULL << 40), base = at;

		claims.count = rng_in(&r, 0, TRK_MAX_CLAIMS);
		for (k = 0; k < claims.count; k++) {
			claims.c[k].kind = rng_below(&r, 2);
			claims.c[k].a = at + 2 + rng_below(&r, 1 << rng_in(&r, 0, 20));
			claims.c[k].b = claims.c[k].a + rng_below(&r, 1 << rng_in(&r, 0, 10));
			at = claims.c[k].b;
		}
		claims.n = at + 1;
		CHECK_EQ(trk_law_claims_check(&claims, base), TRK_OK);
		trk_law_init(&law, base, rng_in(&r, 1, TRK_MAX_CWND),
			     rng_in(&r, 1, TRK_SSTHRESH_INF), 0);
		trk_law_walk_init(&w, &law, base, &claims, base + rng_in(&r, 0, claims.n - base),
				  false);
		while (trk_law_walk_next(&w, &s))
			steps++;
		/* A run before, in and behind each claim; cuts at the split and at each R. */
		CHECK(steps <= 2 * claims.count + 2 + claims.count);
	}
}

static void law_highest__event(void)
{
	struct trk_law law;

	trk_law_init(&law, 0, 10, TRK_SSTHRESH_INF, 3);
	/* W = 12, R = 14, newCwnd = 6: the first received request issues R + 1. */
	CHECK_EQ(trk_law_highest(&law, 4), 15);
	CHECK_EQ(trk_law_highest(&law, 9), 15);
	CHECK_EQ(trk_law_highest(&law, 10), 16);
	CHECK_EQ(trk_law_highest(&law, 14), 20);
	trk_law_init(&law, 0, 10, TRK_SSTHRESH_INF, 0);
	CHECK_EQ(trk_law_highest(&law, 0), 10);
	CHECK_EQ(trk_law_highest(&law, 5), 20);
}

static const struct tap_case cases[] = {
	TAP_CASE(isqrt__edges),
	TAP_CASE(cwnd__initial_window),
	TAP_CASE(cwnd__above_ssthresh_is_avoidance),
	TAP_CASE(cwnd__bounded),
	TAP_CASE(law_init__open_event),
	TAP_CASE(law_init__smallest_window),
	TAP_CASE(claims_check__well_formed),
	TAP_CASE(claims_check__refused),
	TAP_CASE(walk__single_loss),
	TAP_CASE(walk__gap_past_highest_refused),
	TAP_CASE(walk__huge_gap_bounded_work),
	TAP_CASE(walk__steps_bounded_by_claims),
	TAP_CASE(law_highest__event),
};

TAP_MAIN(cases)
