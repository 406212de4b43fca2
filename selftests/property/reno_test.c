// SPDX-License-Identifier: GPL-2.0
/* The closed form of the window, compared with TCP Reno step by step; its square root. */
#include "core/law.h"
#include "sim/rng.h"
#include "tap.h"

struct reno {
	u32 w, ssthresh, acked;
};

static void reno_ack(struct reno *t)
{
	if (t->w >= TRK_MAX_CWND)
		return;
	if (t->w < t->ssthresh) {
		t->w++;
	} else if (++t->acked >= t->w) {
		t->w++;
		t->acked = 0;
	}
}

static void isqrt__random(void)
{
	struct rng r = { 1 };
	unsigned int i;

	for (i = 0; i < 4000000; i++) {
		u64 v = rng_u64(&r) >> rng_below(&r, 64);
		u64 x = trk_law_isqrt(v);

		CHECK(x * x <= v && v - x * x <= 2 * x);
	}
}

static void cwnd__small_windows_exhaustive(void)
{
	u32 s, ss;
	u64 k;

	for (s = 1; s < 80; s++) {
		for (ss = 1; ss < 90; ss++) {
			struct reno t = { .w = s, .ssthresh = ss };

			for (k = 0; k < 1200; k++, reno_ack(&t))
				CHECK_EQ(trk_law_cwnd(k, s, ss), t.w);
		}
	}
}

static void cwnd__random_long(void)
{
	struct rng r = { 2 };
	unsigned int i;
	u64 k;

	for (i = 0; i < 100; i++) {
		struct reno t = { .w = 1 + (rng_below(&r, 1 << 17) >> rng_below(&r, 17)) };
		u32 start = t.w;

		t.ssthresh = 1 + (rng_below(&r, TRK_SSTHRESH_INF) >> rng_below(&r, 20));
		if (t.w > TRK_MAX_CWND)
			t.w = TRK_MAX_CWND;
		for (k = 0; k < 200000; k++, reno_ack(&t))
			CHECK_EQ(trk_law_cwnd(k, start, t.ssthresh), t.w);
	}
}

static void cwnd__up_to_the_bound(void)
{
	struct reno t = { .w = 10, .ssthresh = TRK_MAX_CWND - 20 };
	u64 k;

	for (k = 0; k < 4000000; k++, reno_ack(&t))
		CHECK_EQ(trk_law_cwnd(k, 10, TRK_MAX_CWND - 20), t.w);
	CHECK_EQ(t.w, TRK_MAX_CWND);
}

static void cwnd__far_from_the_start(void)
{
	struct rng r = { 4 };
	unsigned int i;

	/* w is the largest with w(w-1)/2 - s(s-1)/2 <= acks. */
	for (i = 0; i < 2000000; i++) {
		u64 s = rng_in(&r, 1, TRK_MAX_CWND - 1),
		    acks = rng_below(&r, 1ULL << rng_in(&r, 1, 31));
		u64 w = trk_law_cwnd(acks, s, 1);

		CHECK(w * (w - 1) / 2 - s * (s - 1) / 2 <= acks);
		if (w < TRK_MAX_CWND)
			CHECK(w * (w + 1) / 2 - s * (s - 1) / 2 > acks);
	}
}

static const struct tap_case cases[] = {
	TAP_CASE(isqrt__random),
	TAP_CASE(cwnd__small_windows_exhaustive),
	TAP_CASE(cwnd__random_long),
	TAP_CASE(cwnd__up_to_the_bound),
	TAP_CASE(cwnd__far_from_the_start),
};

TAP_MAIN(cases)
