// SPDX-License-Identifier: GPL-2.0
/*
 * Sets of ranges, compared with a bitmap.  A full set of bytes that are wanted holds more than was
 * added; a full set of consumed bytes says which range it gives back (core/ranges.h).
 */
#include "core/ranges.h"
#include "sim/rng.h"
#include "tap.h"

#define SPAN	600

static bool well_formed(const struct trk_ranges *h)
{
	unsigned int i;

	if (h->n > TRK_RANGES_MAX)
		return false;
	for (i = 0; i < h->n; i++)
		if (h->r[i].a >= h->r[i].b || (i && h->r[i].a <= h->r[i - 1].b))
			return false;
	return true;
}

static bool holds(const struct trk_ranges *h, u64 x)
{
	unsigned int i;

	for (i = 0; i < h->n; i++)
		if (h->r[i].a <= x && x < h->r[i].b)
			return true;
	return false;
}

/* Random additions and subtractions, compared byte by byte. */
static void against_bitmap(u64 seed, unsigned int longest, bool may_fill)
{
	struct rng r = { seed };
	unsigned int i, k, round;

	for (round = 0; round < 60; round++) {
		struct trk_ranges h = { 0 };
		bool want[SPAN] = { 0 }, more[SPAN] = { 0 };

		for (i = 0; i < 300; i++) {
			u64 a = rng_below(&r, SPAN), b = a + rng_below(&r, longest);
			bool add = rng_below(&r, 3), join = rng_below(&r, 2),
			     full = h.n == TRK_RANGES_MAX, gone = false;
			u64 from, to;

			b = b > SPAN ? SPAN : b;
			from = a;
			to = b;
			if (!add)
				trk_ranges_sub(&h, a, b);
			else if (join)
				trk_ranges_add(&h, a, b);
			else
				gone = trk_ranges_add_exact(&h, &from, &to);
			CHECK(well_formed(&h));
			if (!may_fill)
				CHECK(!full);
			for (k = a; k < b; k++) {
				want[k] = add;
				/* A full set may keep what is taken out of a range's middle. */
				more[k] = !add && full;
			}
			/* The range that a full set does not hold must be the smallest one. */
			if (gone) {
				CHECK(full && h.n == TRK_RANGES_MAX && from < to);
				for (k = from; k < to; k++)
					want[k] = false;
				for (k = 0; k < h.n; k++)
					CHECK(h.r[k].b - h.r[k].a >= to - from);
			}
			for (k = 0; k < SPAN; k++) {
				bool is = holds(&h, k);

				if (full && add && join && is && !want[k])
					more[k] = true;
				CHECK(is || !want[k]);
				CHECK(!is || want[k] || more[k]);
			}
		}
	}
}

static void ranges__as_a_bitmap(void)
{
	against_bitmap(1, 60, false);
}

static void ranges__full(void)
{
	against_bitmap(2, 4, true);
}

static void ranges__empty_ranges(void)
{
	struct trk_ranges h = { 0 };

	trk_ranges_add(&h, 5, 5);
	trk_ranges_add(&h, 6, 5);
	CHECK_EQ(h.n, 0);
	trk_ranges_add(&h, 5, 9);
	trk_ranges_sub(&h, 7, 7);
	trk_ranges_sub(&h, 8, 6);
	CHECK_EQ(h.n, 1);
	CHECK(h.r[0].a == 5 && h.r[0].b == 9);
}

static void ranges__touching_ranges_are_one(void)
{
	struct trk_ranges h = { 0 };

	trk_ranges_add(&h, 10, 20);
	trk_ranges_add(&h, 20, 30);
	trk_ranges_add(&h, 0, 10);
	CHECK_EQ(h.n, 1);
	CHECK(h.r[0].a == 0 && h.r[0].b == 30);
	trk_ranges_sub(&h, 0, U64_MAX);
	CHECK_EQ(h.n, 0);
}

/* The 65th range of a set that may hold more: the two with the least between them are one. */
static void ranges__the_nearest_are_joined(void)
{
	struct trk_ranges h, before;
	unsigned int i, near;

	for (near = 1; near < TRK_RANGES_MAX; near++) {
		memset(&h, 0, sizeof(h));
		for (i = 0; i < TRK_RANGES_MAX; i++)
			trk_ranges_add(&h, 100 * i - 5 * (i == near), 100 * i + 10);
		CHECK_EQ(h.n, TRK_RANGES_MAX);
		before = h;
		trk_ranges_add(&h, 100000, 100001);
		CHECK_EQ(h.n, TRK_RANGES_MAX);
		for (i = 0; i < TRK_RANGES_MAX - 1; i++) {
			CHECK_EQ(h.r[i].a, before.r[i + (i >= near)].a);
			CHECK_EQ(h.r[i].b, before.r[i + (i >= near - 1)].b);
		}
		CHECK(h.r[i].a == 100000 && h.r[i].b == 100001);
	}
}

/* With a 65th range, which may not be joined with others, the smallest one is given back. */
static void ranges__the_smallest_goes(void)
{
	struct trk_ranges h = { 0 };
	u64 a, b;
	unsigned int i;

	for (i = 1; i <= TRK_RANGES_MAX; i++) {
		a = 10 * i;
		b = a + 2 + (i != 40);
		CHECK(!trk_ranges_add_exact(&h, &a, &b));
	}
	a = 10 * i;
	b = a + 1;
	CHECK(trk_ranges_add_exact(&h, &a, &b));
	CHECK(a == 10 * i && b == a + 1);
	/* A range that touches another one needs no place of its own. */
	a = 643;
	b = 645;
	CHECK(!trk_ranges_add_exact(&h, &a, &b));
	CHECK_EQ(h.n, TRK_RANGES_MAX);
	/* If the new range and another one are the smallest, the new one stays. */
	a = 15;
	b = 17;
	CHECK(trk_ranges_add_exact(&h, &a, &b));
	CHECK(a == 400 && b == 402);
	CHECK_EQ(h.n, TRK_RANGES_MAX);
	CHECK(holds(&h, 16) && !holds(&h, 401) && h.r[TRK_RANGES_MAX - 1].b == 645);
	CHECK(well_formed(&h));
	a = 9;
	CHECK(!trk_ranges_add_exact(&h, &a, &a));
	CHECK_EQ(h.r[0].a, 10);
}

static const struct tap_case cases[] = {
	TAP_CASE(ranges__as_a_bitmap),
	TAP_CASE(ranges__full),
	TAP_CASE(ranges__empty_ranges),
	TAP_CASE(ranges__touching_ranges_are_one),
	TAP_CASE(ranges__the_nearest_are_joined),
	TAP_CASE(ranges__the_smallest_goes),
};

TAP_MAIN(cases)
