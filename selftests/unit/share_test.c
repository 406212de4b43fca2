// SPDX-License-Identifier: GPL-2.0
/* Shares of a queue, and of work for nothing. */
#include "core/share.h"
#include "sim/rng.h"
#include "tap.h"

#define SOURCES	40

/* A queue, and how many of its entries each source holds. */
static u32 entries, nfree, held[SOURCES];

static void empty(u32 n)
{
	entries = n;
	nfree = n;
	memset(held, 0, sizeof(held));
}

static bool enter(unsigned int source)
{
	if (!nfree || held[source] >= trk_share_most(nfree, entries))
		return false;
	held[source]++;
	nfree--;
	return true;
}

/* Sources 0 to @k - 1 take turns in asking, until none gets any more. */
static void fill(unsigned int k)
{
	unsigned int i, refused = 0;

	for (i = 0; refused < k; i = (i + 1) % k)
		refused = enter(i) ? 0 : refused + 1;
}

static void most__half_is_for_anybody(void)
{
	u32 n, i;

	for (n = 16; n <= 65536; n *= 2) {
		empty(n);
		for (i = 0; i < n / 2; i++) {
			CHECK(!trk_share_binds(nfree, entries));
			CHECK(enter(0));
		}
		CHECK(!trk_share_binds(nfree, entries));
		/* It does not stop there: nobody else asks. */
		CHECK(enter(0));
		CHECK(trk_share_binds(nfree, entries));
		fill(1);
		CHECK_EQ(held[0], n / 8 * 5);
	}
}

static void most__what_greedy_ones_leave(void)
{
	unsigned int k;
	u32 n;

	for (n = 256; n <= 65536; n *= 4) {
		for (k = 1; k <= 32; k *= 2) {
			u32 kept = TRK_SHARE_KEPT(n);
			u32 left = kept + (n - kept) / (1 + TRK_SHARE_OF_FREE * k);

			empty(n);
			fill(k);
			/* Rounded: each may have one more than its share. */
			CHECK(nfree <= left + 1 && nfree + k + 1 >= left);
			CHECK(enter(k));
		}
	}
}

/* One after the other, each as much as it can get. */
static void most__what_is_kept(void)
{
	unsigned int k, i;
	u32 n;

	for (n = 16; n <= 65536; n *= 2) {
		u32 little = TRK_SHARE_LITTLE(n);

		empty(n);
		for (k = 0; nfree > TRK_SHARE_KEPT(n); k++)
			while (enter(k))
				;
		CHECK(k <= 11);
		for (; nfree >= little; k++) {
			for (i = 0; i < little; i++)
				CHECK(enter(k));
			CHECK(!enter(k));
		}
		/* So many it takes until nothing is left. */
		CHECK(n < 256 || k > 12);
	}
}

/*
 * Events are answered in the order in which they came.  Eight ask for as much as they can get, and
 * before each of the others.  These ask for so little that their shares do not bind.
 */
static void most__modest_ones_lose_nothing(void)
{
	static unsigned int order[1024];
	unsigned int first = 0, count = 0, round, i;
	struct rng r = { 1 };

	empty(1024);
	for (round = 0; round < 10000; round++) {
		for (i = 0; i < 8; i++)
			while (enter(i))
				order[(first + count++) % 1024] = i;
		/* One of ten events that are answered. */
		if (round % 10 == 0) {
			i = 8 + (unsigned int)rng_below(&r, SOURCES - 8);
			CHECK(enter(i));
			order[(first + count++) % 1024] = i;
		}
		held[order[first++ % 1024]]--;
		nfree++;
		count--;
	}
}

static void most__near_the_end(void)
{
	CHECK_EQ(trk_share_most(0, 16), 1);
	CHECK_EQ(trk_share_most(1, 16), 1);
	CHECK_EQ(trk_share_most(2, 16), 2);
	CHECK_EQ(trk_share_most(7, 16), 12);
	CHECK_EQ(trk_share_most(8, 16), 16);
	CHECK_EQ(trk_share_most(64, 1024), 5);
	CHECK_EQ(trk_share_most(66, 1024), 5);
	CHECK_EQ(trk_share_most(67, 1024), 6);
	CHECK_EQ(trk_share_most(511, 1024), 894);
	CHECK(trk_share_binds(7, 16));
	CHECK(!trk_share_binds(8, 16));
}

static u32 spend_all(u32 *paid_until, u32 now)
{
	u32 n;

	for (n = 0; !trk_share_spent(*paid_until, now); n++)
		*paid_until = trk_share_spend(*paid_until, now);
	return n;
}

static void spend__a_burst_and_then_a_rate(void)
{
	/* Also while the clock goes round. */
	static const u32 start[] = { 0, 1, 1 << 31, U32_MAX - 500, U32_MAX };
	u32 burst = TRK_SHARE_BURST_MS / TRK_SHARE_COST_MS, i, ms, n, paid, now;

	for (i = 0; i < ARRAY_SIZE(start); i++) {
		now = start[i];
		paid = now;
		CHECK_EQ(spend_all(&paid, now), burst);
		for (ms = 0, n = 0; ms < 5000; ms++)
			n += spend_all(&paid, ++now);
		CHECK_EQ(n, 5000 / TRK_SHARE_COST_MS);
		/* What was not used is not saved up. */
		CHECK_EQ(spend_all(&paid, now + 1000000), burst);
	}
}

static void spend__whatever_stands_there(void)
{
	u32 paid = 0;

	/* Long ago, and long ago by more than half of the clock. */
	CHECK(!trk_share_spent(paid, 100));
	CHECK(!trk_share_spent(paid, 3U << 30));
	CHECK_EQ(trk_share_spend(paid, 3U << 30), (3U << 30) + TRK_SHARE_COST_MS);
	/* Just paid. */
	CHECK(!trk_share_spent(paid, 0));
	/* What others have spent meanwhile is not owed for ever. */
	for (int i = 0; i < 100000; i++)
		paid = trk_share_spend(paid, 7);
	CHECK_EQ(paid, 7 + TRK_SHARE_BURST_MS);
	CHECK(trk_share_spent(paid, 7));
	CHECK(trk_share_spent(paid, 7 + TRK_SHARE_COST_MS - 1));
	CHECK(!trk_share_spent(paid, 7 + TRK_SHARE_COST_MS));
}

static const struct tap_case cases[] = {
	TAP_CASE(most__half_is_for_anybody),
	TAP_CASE(most__what_greedy_ones_leave),
	TAP_CASE(most__what_is_kept),
	TAP_CASE(most__modest_ones_lose_nothing),
	TAP_CASE(most__near_the_end),
	TAP_CASE(spend__a_burst_and_then_a_rate),
	TAP_CASE(spend__whatever_stands_there),
};

TAP_MAIN(cases)
