// SPDX-License-Identifier: GPL-2.0
/* What the replay filter remembers, whom it forgets, and what becomes of those (core/once.h). */
#include "trickles-user/cipher.h"
#include "core/once.h"
#include "core/reason.h"
#include "core/seal.h"
#include "core/server.h"
#include "sim/rng.h"
#include "tap.h"

#define NOW	1700000000000ULL
#define SKEW	1000
#define LIFE	1200000
#define HASH	7

static struct trk_once_set set;
static u32 evicted;
static u64 back_ms;	/* the wall clock was set back by so much */

static void fresh_set(void)
{
	memset(&set, 0, sizeof(set));
	evicted = 0;
	back_ms = 0;
}

static int record_as(u8 class, u64 at_ms, struct trk_record *m)
{
	const struct trk_once_now now = { .order = trk_seal_order_at(NOW + at_ms - back_ms),
					  .ahead = trk_server_ahead(SKEW),
					  .tick = (u32)at_ms, .life = LIFE };

	return trk_once_record(&set, &now, HASH, class, m, &evicted);
}

/* A domain that was born at time @at_ms. */
static u64 domain_at(u64 at_ms)
{
	return (u64)trk_seal_order_at(NOW + at_ms - back_ms) << 32 | 5;
}

static int first(u64 conn, u8 class, u8 attempt, u64 at_ms)
{
	struct trk_record m = { .kind = TRK_KIND_FIRST, .conn = conn, .attempt = attempt,
			      .born = trk_domain_order(domain_at(at_ms)) | attempt };

	return record_as(class, at_ms, &m);
}

static u64 range_a, range_b;

static int range(u64 conn, u8 class, u64 domain, u64 m, u64 n, u64 at_ms)
{
	struct trk_record rec = { .kind = TRK_KIND_RANGE, .conn = conn, .domain = domain,
				 .m = m, .n = n };
	int err = record_as(class, at_ms, &rec);

	range_a = rec.a;
	range_b = rec.b;
	return err;
}

static int timeout_again;

static int timeout(u64 conn, u8 class, u64 domain, u8 attempt, u64 at_ms)
{
	struct trk_record m = { .kind = TRK_KIND_TIMEOUT, .conn = conn, .domain = domain,
			      .attempt = attempt,
			      .born = trk_domain_order(domain_at(at_ms)) | attempt };
	int err = record_as(class, at_ms, &m);

	timeout_again = m.again;
	return err;
}

/* ---- one connection ---- */

static void range__each_number_once(void)
{
	u64 d = domain_at(0);

	fresh_set();
	CHECK_EQ(range(1, 0, d, 1, 10, 100), TRK_OK);
	CHECK(range_a == 1 && range_b == 10);
	CHECK_EQ(range(1, 0, d, 1, 10, 100), TRK_DROP_REPLAY);
	CHECK_EQ(range(1, 0, d, 5, 12, 100), TRK_OK);
	CHECK(range_a == 11 && range_b == 12);
	CHECK_EQ(range(1, 0, d, 20, 30, 100), TRK_OK);
	/* The first run that was not recorded. */
	CHECK_EQ(range(1, 0, d, 1, 40, 100), TRK_OK);
	CHECK(range_a == 13 && range_b == 19);
	CHECK_EQ(range(1, 0, d, 1, 40, 100), TRK_OK);
	CHECK(range_a == 31 && range_b == 40);
	CHECK_EQ(range(1, 0, d, 1, 40, 100), TRK_DROP_REPLAY);
}

/* Requests that report a whole window, also when they come late by a window. */
static void range__large_and_late(void)
{
	u64 d = domain_at(0), w = TRK_MAX_CWND;

	fresh_set();
	CHECK_EQ(range(1, 0, d, 2 * w + 1, 3 * w, 100), TRK_OK);
	CHECK(range_a == 2 * w + 1 && range_b == 3 * w);
	CHECK_EQ(range(1, 0, d, 1, w, 100), TRK_OK);
	CHECK(range_a == 1 && range_b == w);
	CHECK_EQ(range(1, 0, d, 1, w, 100), TRK_DROP_REPLAY);
	CHECK_EQ(range(1, 0, d, w + 1, 2 * w, 100), TRK_OK);
	CHECK(range_a == w + 1 && range_b == 2 * w);
	CHECK_EQ(range(1, 0, d, 1, 3 * w, 100), TRK_DROP_REPLAY);
	/* After a small request, the large one below it is partly in the bits, partly in a gap. */
	CHECK_EQ(range(1, 0, d, 4 * w + 1, 4 * w + 2, 100), TRK_OK);
	CHECK_EQ(range(1, 0, d, 3 * w + 1, 4 * w, 100), TRK_OK);
	CHECK(range_a == 3 * w + 1 && range_b == 4 * w);
	CHECK_EQ(range(1, 0, d, 3 * w + 1, 4 * w + 2, 100), TRK_DROP_REPLAY);
}

/* Two runs that were left out are kept, also when one between them has come. */
static void range__empty_gap_goes_first(void)
{
	u64 d = domain_at(0);

	fresh_set();
	CHECK_EQ(range(1, 0, d, 1, 1, 100), TRK_OK);
	CHECK_EQ(range(1, 0, d, 1000, 1000, 100), TRK_OK);
	CHECK_EQ(range(1, 0, d, 1600, 1600, 100), TRK_OK);
	CHECK_EQ(range(1, 0, d, 1001, 1088, 100), TRK_OK);
	CHECK_EQ(range(1, 0, d, 2112, 2112, 100), TRK_OK);
	CHECK_EQ(range(1, 0, d, 1089, 1599, 100), TRK_OK);
	CHECK(range_a == 1089 && range_b == 1599);
	CHECK_EQ(range(1, 0, d, 2, 999, 100), TRK_OK);
	CHECK(range_a == 2 && range_b == 999);
	CHECK_EQ(range(1, 0, d, 1, 1600, 100), TRK_DROP_REPLAY);
}

/* Random ranges near the highest, against a bitmap: the first run that is open, and all of it. */
static void range__as_a_bitmap(void)
{
	static bool answered[20000];
	u64 d = domain_at(0), top = 1;
	struct rng r = { 5 };
	unsigned int i;

	fresh_set();
	memset(answered, 0, sizeof(answered));
	CHECK_EQ(range(1, 0, d, 1, 1, 100), TRK_OK);
	answered[1] = true;
	for (i = 0; i < 3000; i++) {
		u64 low = top > 300 ? top - 300 : 1, m = rng_in(&r, low, top + 6), n, a, b;
		int err;

		n = m + rng_below(&r, 80);
		if (n >= 19999)
			break;
		err = range(1, 0, d, m, n, 100);
		for (a = m; a <= n && answered[a]; a++)
			;
		CHECK_EQ(err, a > n ? TRK_DROP_REPLAY : TRK_OK);
		if (err)
			continue;
		for (b = a; b < n && !answered[b + 1]; b++)
			;
		CHECK_EQ(range_a, a);
		CHECK_EQ(range_b, b);
		for (; a <= b; a++)
			answered[a] = true;
		top = max_t(u64, top, b);
	}
	CHECK(top > 2000);
}

/* Of a gap what is above the part that was answered stays open, to the last number. */
static void range__within_a_gap(void)
{
	u64 d = domain_at(0);

	fresh_set();
	CHECK_EQ(range(1, 0, d, 1, 10, 100), TRK_OK);
	CHECK_EQ(range(1, 0, d, 21, 2000, 100), TRK_OK);
	/* 11 to 20 are a gap by now. */
	CHECK_EQ(range(1, 0, d, 18, 19, 100), TRK_OK);
	CHECK(range_a == 18 && range_b == 19);
	CHECK_EQ(range(1, 0, d, 1, 2000, 100), TRK_OK);
	CHECK(range_a == 20 && range_b == 20);
	CHECK_EQ(range(1, 0, d, 1, 2000, 100), TRK_DROP_REPLAY);
	/* The lower part is given up only for the upper one. */
	fresh_set();
	CHECK_EQ(range(1, 0, d, 1, 10, 100), TRK_OK);
	CHECK_EQ(range(1, 0, d, 21, 2000, 100), TRK_OK);
	CHECK_EQ(range(1, 0, d, 18, 30, 100), TRK_OK);
	CHECK(range_a == 18 && range_b == 20);
	CHECK_EQ(range(1, 0, d, 1, 2000, 100), TRK_OK);
	CHECK(range_a == 11 && range_b == 17);
	CHECK_EQ(range(1, 0, d, 1, 2000, 100), TRK_DROP_REPLAY);
}

/* Protocol.rst: the last two runs below the bits that were left out; the lowest makes room. */
static void range__two_gaps(void)
{
	u64 d = domain_at(0);
	unsigned int more;

	for (more = 0; more < 2; more++) {
		fresh_set();
		CHECK_EQ(range(1, 0, d, 1, 10, 100), TRK_OK);
		CHECK_EQ(range(1, 0, d, 21, 2000, 100), TRK_OK);
		CHECK_EQ(range(1, 0, d, 2011, 4000, 100), TRK_OK);
		if (more)
			CHECK_EQ(range(1, 0, d, 4011, 6000, 100), TRK_OK);
		CHECK_EQ(range(1, 0, d, 1, 6000, 100), TRK_OK);
		CHECK(range_a == 11 + 1990 * more && range_b == 20 + 1990 * more);
		CHECK_EQ(range(1, 0, d, 1, 6000, 100), TRK_OK);
		CHECK(range_a == 2001 + 2000 * more && range_b == 2010 + 2000 * more);
		CHECK_EQ(range(1, 0, d, 1, 4000, 100), TRK_DROP_REPLAY);
	}
}

static void range__one_domain_at_a_time(void)
{
	u64 old = domain_at(0), young = domain_at(1000);

	fresh_set();
	CHECK_EQ(range(1, 0, old, 1, 10, 1100), TRK_OK);
	CHECK_EQ(range(1, 0, young, 101, 110, 1100), TRK_OK);
	CHECK_EQ(range(1, 0, old, 11, 20, 1100), TRK_DROP_DOMAIN);
	/* Two domains of the same order would be two windows as well. */
	CHECK_EQ(range(1, 0, young + 1, 111, 120, 1100), TRK_DROP_DOMAIN);
	CHECK_EQ(range(1, 0, young, 101, 111, 1100), TRK_OK);
	CHECK(range_a == 111);
}

static void first__by_attempt(void)
{
	fresh_set();
	CHECK_EQ(first(1, 0, 0, 0), TRK_OK);
	CHECK_EQ(first(1, 0, 0, 10), TRK_DROP_REPLAY);
	CHECK_EQ(first(1, 0, 1, 1000), TRK_OK);
	CHECK_EQ(first(1, 0, 1, 1100), TRK_DROP_REPLAY);
	CHECK_EQ(range(1, 0, domain_at(1000) | 1ULL << 32, 1, 2, 1200), TRK_OK);
	CHECK_EQ(first(1, 0, 2, 3000), TRK_DROP_REPLAY);
}

/* Each of those that a server lets pass. */
static void first__every_attempt_once(void)
{
	unsigned int i;

	fresh_set();
	for (i = 0; i <= 15; i++) {
		CHECK_EQ(first(1, 0, i, i), TRK_OK);
		CHECK_EQ(first(1, 0, i, 20), TRK_DROP_REPLAY);
	}
}

static void timeout__executed_once(void)
{
	u64 d = domain_at(0), next = domain_at(500);

	fresh_set();
	CHECK_EQ(first(1, 0, 0, 0), TRK_OK);
	CHECK_EQ(timeout(1, 0, d, 1, 200), TRK_OK);
	CHECK(!timeout_again);
	/* A second domain of the same order would not be younger. */
	CHECK_EQ(timeout(1, 0, d, 1, 200), TRK_DROP_REPLAY);
	CHECK_EQ(timeout(1, 0, d, 1, 300), TRK_OK);
	CHECK(timeout_again);
	CHECK_EQ(timeout(1, 0, d, 2, 500), TRK_OK);
	CHECK(!timeout_again);
	CHECK_EQ(timeout(1, 0, next, 1, 700), TRK_OK);
	CHECK(!timeout_again);
	/* The connection has left domain d, so nothing is executed there any more. */
	CHECK_EQ(timeout(1, 0, d, 3, 900), TRK_OK);
	CHECK(timeout_again);
	CHECK_EQ(range(1, 0, next, 1, 2, 1000), TRK_OK);
	CHECK_EQ(timeout(1, 0, next, 1, 1100), TRK_OK);
	CHECK(timeout_again);
	CHECK_EQ(timeout(1, 0, next, 2, 1200), TRK_OK);
	CHECK(!timeout_again);
}

/* Births count by their order, whichever request arrives first. */
static void timeout__younger_than_all_births(void)
{
	fresh_set();
	CHECK_EQ(first(1, 0, 1, 1000), TRK_OK);
	CHECK_EQ(first(1, 0, 0, 0), TRK_OK);
	CHECK_EQ(timeout(1, 0, domain_at(0), 1, 500), TRK_DROP_REPLAY);
	CHECK_EQ(timeout(1, 0, domain_at(0), 2, 1000), TRK_OK);
	fresh_set();
	CHECK_EQ(first(1, 0, 0, 1000), TRK_OK);
	CHECK_EQ(timeout(1, 0, domain_at(0), 1, 500), TRK_DROP_REPLAY);
}

/* The connection has left the domain, by a range of another one. */
static void timeout__of_a_domain_that_was_left(void)
{
	fresh_set();
	CHECK_EQ(range(1, 0, domain_at(0), 1, 10, 100), TRK_OK);
	CHECK_EQ(range(1, 0, domain_at(1000), 21, 30, 1100), TRK_OK);
	CHECK_EQ(timeout(1, 0, domain_at(0), 1, 2000), TRK_OK);
	CHECK(timeout_again);
	CHECK_EQ(timeout(1, 0, domain_at(1000), 1, 3000), TRK_OK);
	CHECK(!timeout_again);
}

/* Executed for another class than what is known of the connection belongs to: not once more. */
static void timeout__from_another_address(void)
{
	fresh_set();
	CHECK_EQ(first(1, 0, 0, 0), TRK_OK);
	CHECK_EQ(timeout(1, 1, domain_at(0), 1, 1000), TRK_OK);
	CHECK(!timeout_again);
	CHECK_EQ(timeout(2, 1, domain_at(0), 1, 2000), TRK_OK);
	CHECK(timeout_again);
	CHECK_EQ(timeout(3, 0, domain_at(0), 1, 2000), TRK_OK);
	CHECK(!timeout_again);
}

/* ---- many connections ---- */

/* Opens @each connections of each class, one after the other, with ids from @from on. */
static void fill(u64 from, unsigned int classes, unsigned int each, u64 at_ms)
{
	unsigned int i, class;

	for (i = 0; i < each; i++) {
		for (class = 0; class < classes; class++) {
			u64 conn = from + class * each + i;

			CHECK_EQ(first(conn, (u8)class, 0, at_ms), TRK_OK);
			CHECK_EQ(range(conn, (u8)class, domain_at(at_ms), 1, 1, at_ms), TRK_OK);
		}
		at_ms += TRK_BORN_UNIT_MS;
	}
}

static void full__the_largest_class_makes_room(void)
{
	unsigned int i;

	fresh_set();
	CHECKED(fill(1000, 1, TRK_ONCE_WAYS - 8, 0));
	for (i = 0; i < 8; i++)
		CHECK_EQ(range(i, 1, domain_at(10), 1, 1, 10), TRK_OK);
	CHECK_EQ(evicted, 0);
	/* The large class opens many more, and forgets its own. */
	CHECKED(fill(5000, 1, 1000, 10000));
	CHECK_EQ(evicted, 1000);
	for (i = 0; i < 8; i++) {
		CHECK_EQ(range(i, 1, domain_at(10), 1, 1, 90000), TRK_DROP_REPLAY);
		CHECK_EQ(range(i, 1, domain_at(10), 2, 2, 90000), TRK_OK);
	}
	/* The small class may grow until both have as many. */
	for (i = 0; i < TRK_ONCE_WAYS / 2 - 8; i++)
		CHECK_EQ(range(100 + i, 1, domain_at(40), 1, 1, 90000), TRK_OK);
	for (i = 0; i < 8; i++)
		CHECK_EQ(range(i, 1, domain_at(10), 1, 1, 90000), TRK_DROP_REPLAY);
}

/* In a filter that is full of connections of all classes, none gets more than its share. */
static void full__no_class_above_its_share(void)
{
	unsigned int i;

	fresh_set();
	CHECKED(fill(1000, TRK_ONCE_CLASSES, TRK_ONCE_WAYS / TRK_ONCE_CLASSES, 0));
	CHECKED(fill(5000, 1, 1000, 10000));
	for (i = 1; i < TRK_ONCE_CLASSES; i++)
		CHECK_EQ(range(1000 + i, (u8)i, domain_at(0), 1, 1, 90000), TRK_DROP_REPLAY);
}

static void full__guests_take_no_place_of_others(void)
{
	unsigned int i;

	fresh_set();
	CHECKED(fill(1000, 1, TRK_ONCE_WAYS, 0));
	for (i = 0; i < 1000; i++) {
		CHECK_EQ(first(5000 + i, 0, 0, 10000), TRK_OK);
		CHECK_EQ(timeout(7000 + i, 0, domain_at(0), 1, 10000), TRK_OK);
	}
	for (i = 0; i < TRK_ONCE_WAYS; i++)
		CHECK_EQ(range(1000 + i, 0, domain_at(i * TRK_BORN_UNIT_MS), 1, 1, 20000),
			 TRK_DROP_REPLAY);
}

/* Requests of a forgotten connection are not answered; it begins anew with a timeout. */
static void forgotten__begins_anew(void)
{
	u64 d = domain_at(0), next;

	fresh_set();
	CHECK_EQ(first(1, 0, 0, 0), TRK_OK);
	CHECK_EQ(range(1, 0, d, 1, 10, 50), TRK_OK);
	CHECK_EQ(timeout(1, 0, d, 1, 100), TRK_OK);
	CHECKED(fill(1000, 1, TRK_ONCE_WAYS, 1000));
	CHECK_EQ(evicted, 1);
	CHECK_EQ(range(1, 0, d, 1, 10, 10000), TRK_DROP_FORGOTTEN);
	CHECK_EQ(range(1, 0, d, 11, 20, 10000), TRK_DROP_FORGOTTEN);
	/* Nothing of another class was forgotten. */
	CHECK_EQ(range(2, 1, d, 1, 10, 10000), TRK_OK);
	CHECK_EQ(timeout(1, 0, d, 2, 11000), TRK_OK);
	CHECK(timeout_again);
	next = domain_at(11000);
	CHECK_EQ(range(1, 0, d, 11, 20, 11100), TRK_DROP_FORGOTTEN);
	CHECK_EQ(range(1, 0, next, 101, 110, 11100), TRK_OK);
	CHECK_EQ(range(1, 0, d, 11, 20, 11200), TRK_DROP_DOMAIN);
	CHECK_EQ(timeout(1, 0, next, 1, 11300), TRK_OK);
	CHECK(!timeout_again);
}

/*
 * However fast others of its class are forgotten, the first range of a connection that is known
 * as a guest is answered.
 */
static void forgotten__no_class_starves(void)
{
	u64 conn;

	fresh_set();
	for (conn = 1; conn < 2000; conn++) {
		u64 at = conn * 10000;

		CHECK_EQ(first(conn, 0, 0, at), TRK_OK);
		/* Younger ones come and are forgotten before its first range arrives. */
		CHECKED(fill(conn * 1000000, 1, TRK_ONCE_WAYS - 1, at + 200));
		CHECK_EQ(range(conn, 0, domain_at(at), 1, 10, at + 9000), TRK_OK);
	}
}

/* A guest was there before others came that were forgotten: no range of his was answered. */
static void forgotten__a_guest_is_known(void)
{
	fresh_set();
	CHECK_EQ(first(1, 0, 0, 0), TRK_OK);
	CHECK_EQ(first(3, 0, 0, 0), TRK_OK);
	CHECKED(fill(1000, 1, 2 * TRK_ONCE_WAYS, 1000));
	CHECK(evicted);
	CHECK_EQ(timeout(3, 0, domain_at(0), 1, 20000), TRK_OK);
	CHECK(!timeout_again);
	CHECK_EQ(timeout(4, 0, domain_at(0), 1, 20000), TRK_OK);
	CHECK(timeout_again);
	CHECK_EQ(range(2, 0, domain_at(0), 1, 10, 20000), TRK_DROP_FORGOTTEN);
	CHECK_EQ(range(1, 0, domain_at(0), 1, 10, 20000), TRK_OK);
}

/* Forgotten guests keep nobody out, since no RANGE of theirs was answered. */
static void forgotten__guests_starve_nobody(void)
{
	unsigned int i, ahead = 2 * SKEW + TRK_BORN_AHEAD_MS;

	fresh_set();
	for (i = 0; i < 3 * TRK_ONCE_WAYS; i++)
		CHECK_EQ(timeout(1000 + i, 0, domain_at(ahead), 1, 500), TRK_OK);
	CHECK(evicted >= TRK_ONCE_WAYS);
	CHECK_EQ(first(1, 0, 0, 1000), TRK_OK);
	CHECK_EQ(range(1, 0, domain_at(1000), 1, 10, 1100), TRK_OK);
}

/* A connection moves to and fro: what one class has forgotten is not answered for another. */
static void forgotten__moved_to_and_fro(void)
{
	u64 there, back;

	fresh_set();
	CHECK_EQ(first(1, 0, 0, 0), TRK_OK);
	CHECK_EQ(range(1, 0, domain_at(0), 1, 10, 100), TRK_OK);
	/* It begins a domain at each address, and goes on at the second one. */
	CHECK_EQ(timeout(1, 0, domain_at(0), 1, 1000), TRK_OK);
	back = domain_at(1000) | 1ULL << 32;
	CHECK_EQ(timeout(1, 1, domain_at(0), 2, 2000), TRK_OK);
	there = domain_at(2000) | 2ULL << 32;
	CHECK_EQ(range(1, 1, there, 21, 30, 2100), TRK_OK);
	for (unsigned int i = 0; i < TRK_ONCE_WAYS; i++) {
		u64 at = 3000 + i * TRK_BORN_UNIT_MS;

		CHECK_EQ(first(1000 + i, 1, 0, at), TRK_OK);
		CHECK_EQ(range(1000 + i, 1, domain_at(at), 1, 1, at), TRK_OK);
	}
	CHECK_EQ(range(1, 1, there, 21, 30, 9000), TRK_DROP_FORGOTTEN);
	CHECK_EQ(range(1, 0, back, 11, 20, 9000), TRK_OK);
	CHECK_EQ(range(1, 1, there, 21, 30, 9100), TRK_DROP_FORGOTTEN);
}

/* What is older than two horizons can be forgotten without harm, and does not count. */
static void forgotten__the_old_do_not_count(void)
{
	unsigned int i;

	fresh_set();
	CHECKED(fill(1000, 1, TRK_ONCE_WAYS, 0));
	for (i = 0; i < TRK_ONCE_WAYS - 1; i++)
		CHECK_EQ(range(2000 + i, 1, domain_at(0), 1, 1, LIFE + 10000), TRK_OK);
	CHECK_EQ(evicted, 0);
	CHECK_EQ(range(5, 0, domain_at(0), 1, 1, LIFE + 10000), TRK_OK);
}

/* Domains of a lower order, or the same one, are forgotten; the next one is not. */
static void forgotten__to_the_order(void)
{
	u64 d = domain_at(0);

	fresh_set();
	CHECK_EQ(range(1, 0, d, 1, 10, 0), TRK_OK);
	CHECKED(fill(1000, 1, TRK_ONCE_WAYS, 1000));
	CHECK_EQ(evicted, 1);
	CHECK_EQ(range(2, 0, d, 1, 10, 10000), TRK_DROP_FORGOTTEN);
	CHECK_EQ(range(2, 0, d - (1ULL << 32), 1, 10, 10000), TRK_DROP_FORGOTTEN);
	CHECK_EQ(range(2, 0, d + (1ULL << 32), 1, 10, 10000), TRK_OK);
}

/* Two horizons to the millisecond. */
static void forgotten__old_from_then_on(void)
{
	unsigned int more;

	for (more = 0; more < 2; more++) {
		fresh_set();
		CHECKED(fill(1000, 1, TRK_ONCE_WAYS, 0));
		CHECK_EQ(range(5, 0, domain_at(LIFE), 1, 1, LIFE + more), TRK_OK);
		CHECK_EQ(evicted, !more);
		CHECK_EQ(range(1000, 0, domain_at(0), 1, 1, LIFE + more),
			 more ? TRK_OK : TRK_DROP_FORGOTTEN);
	}
}

/* Who comes from another address is known as one of its class: something was forgotten there. */
static void forgotten__for_who_moves(void)
{
	u8 class;

	for (class = 0; class < 2; class++) {
		fresh_set();
		CHECK_EQ(first(1, 0, 0, 0), TRK_OK);
		CHECKED(fill(1000, 1, 2, 0));
		CHECKED(fill(2000, 2, TRK_ONCE_WAYS, 100));
		CHECK(evicted);
		set.proven.forgotten[0] = 0;
		CHECK(set.proven.forgotten[1]);
		CHECK_EQ(timeout(1, class, domain_at(0), 1, 20000), TRK_OK);
		CHECK_EQ(timeout_again, class);
	}
}

/* Who proves that he receives is forgotten as a guest only where he is one no longer. */
static void forgotten__by_who_proves(void)
{
	u8 class;

	for (class = 0; class < 2; class++) {
		fresh_set();
		CHECK_EQ(timeout(1, 0, domain_at(500), 1, 1000), TRK_OK);
		CHECK(!timeout_again);
		CHECK_EQ(range(1, class, domain_at(1000) | 1ULL << 32, 1, 2, 1100), TRK_OK);
		CHECK_EQ(timeout(2, 0, domain_at(0), 1, 1200), TRK_OK);
		CHECK_EQ(timeout_again, class);
	}
}

/* What was answered for the old address is forgotten there, timeouts as well. */
static void forgotten__where_it_was(void)
{
	u64 second = domain_at(1000) | 1ULL << 32, third = domain_at(2000) | 1ULL << 32;

	fresh_set();
	CHECK_EQ(range(1, 0, domain_at(0), 1, 2, 100), TRK_OK);
	CHECK_EQ(timeout(1, 0, domain_at(0), 1, 1000), TRK_OK);
	CHECK_EQ(timeout(1, 0, second, 1, 2000), TRK_OK);
	CHECK(!timeout_again);
	CHECK_EQ(range(1, 1, third, 11, 12, 2100), TRK_OK);
	CHECK_EQ(timeout(2, 0, second, 1, 3000), TRK_OK);
	CHECK(timeout_again);
	CHECK_EQ(timeout(3, 0, third, 1, 3000), TRK_OK);
	CHECK(!timeout_again);
	CHECK_EQ(timeout(4, 1, second, 1, 3000), TRK_OK);
	CHECK(!timeout_again);
}

/* From another address: the domain that was just born for it, whatever was forgotten there. */
static void forgotten__born_where_it_moves(void)
{
	u64 born = domain_at(20000) | 1ULL << 32;
	unsigned int i;

	fresh_set();
	CHECK_EQ(range(1, 0, domain_at(0), 1, 2, 100), TRK_OK);
	CHECK_EQ(timeout(1, 1, domain_at(0), 1, 20000), TRK_OK);
	for (i = 0; i < TRK_ONCE_WAYS; i++)
		CHECK_EQ(range(1000 + i, 1, domain_at(30000 + 64 * i), 1, 1, 30000 + 64 * i),
			 TRK_OK);
	CHECK(set.proven.forgotten[1] > trk_domain_order(born));
	CHECK_EQ(range(1, 1, domain_at(19000), 11, 12, 40000), TRK_DROP_FORGOTTEN);
	CHECK_EQ(range(1, 1, born, 11, 12, 40000), TRK_OK);
	CHECK_EQ(range(1, 1, born, 11, 12, 40000), TRK_DROP_REPLAY);
}

/* After the clock was set back, every connection goes on after a timeout. */
static void clock__set_back(void)
{
	u64 last;

	fresh_set();
	CHECK_EQ(range(1, 0, domain_at(0), 1, 10, 0), TRK_OK);
	CHECKED(fill(1000, 1, TRK_ONCE_WAYS, 1000));
	CHECK_EQ(evicted, 1);
	last = domain_at(1000 + 63 * TRK_BORN_UNIT_MS);
	back_ms = 3600000;
	CHECK_EQ(range(2, 0, domain_at(9000), 1, 10, 10000), TRK_DROP_FORGOTTEN);
	CHECK_EQ(timeout(2, 0, domain_at(9000), 1, 10100), TRK_OK);
	CHECK(timeout_again);
	CHECK_EQ(range(2, 0, domain_at(10100), 1, 10, 10150), TRK_OK);
	/* A connection that is ahead of the clock now goes on, also after a timeout. */
	CHECK_EQ(range(1063, 0, last, 2, 3, 10200), TRK_OK);
	CHECK_EQ(timeout(1063, 0, last, 1, 10300), TRK_OK);
	CHECK_EQ(range(1063, 0, domain_at(10300), 11, 12, 10400), TRK_OK);
	CHECK_EQ(range(1063, 0, last, 4, 5, 10500), TRK_DROP_DOMAIN);
}

/* What is forgotten then is of now, however late it seems to be. */
static void clock__set_back_and_forgotten(void)
{
	fresh_set();
	CHECKED(fill(1000, 1, TRK_ONCE_WAYS, 1000));
	back_ms = 3600000;
	CHECK_EQ(range(2, 1, domain_at(10000), 1, 10, 10000), TRK_OK);
	CHECK_EQ(evicted, 1);
	CHECK_EQ(range(3, 0, domain_at(9000), 1, 10, 20000), TRK_DROP_FORGOTTEN);
	CHECK_EQ(range(4, 0, domain_at(15000), 1, 10, 20000), TRK_OK);
}

/* The order of domains wraps: one of 150 days ago looks as if it were ahead of the clock. */
static void clock__half_a_year(void)
{
	u64 later = 150ULL * 86400000;

	fresh_set();
	CHECK_EQ(range(1, 0, domain_at(0), 1, 10, 100), TRK_OK);
	CHECK_EQ(range(1, 0, domain_at(0), 11, 20, later), TRK_OK);
	CHECK_EQ(range(1, 0, domain_at(later), 31, 40, later + 100), TRK_OK);
	CHECK_EQ(range(1, 0, domain_at(0), 21, 30, later + 200), TRK_DROP_DOMAIN);
}

static const struct tap_case cases[] = {
	TAP_CASE(range__each_number_once),
	TAP_CASE(range__large_and_late),
	TAP_CASE(range__as_a_bitmap),
	TAP_CASE(range__within_a_gap),
	TAP_CASE(range__empty_gap_goes_first),
	TAP_CASE(range__two_gaps),
	TAP_CASE(range__one_domain_at_a_time),
	TAP_CASE(first__by_attempt),
	TAP_CASE(first__every_attempt_once),
	TAP_CASE(timeout__executed_once),
	TAP_CASE(timeout__younger_than_all_births),
	TAP_CASE(timeout__of_a_domain_that_was_left),
	TAP_CASE(timeout__from_another_address),
	TAP_CASE(full__the_largest_class_makes_room),
	TAP_CASE(full__no_class_above_its_share),
	TAP_CASE(full__guests_take_no_place_of_others),
	TAP_CASE(forgotten__begins_anew),
	TAP_CASE(forgotten__no_class_starves),
	TAP_CASE(forgotten__a_guest_is_known),
	TAP_CASE(forgotten__guests_starve_nobody),
	TAP_CASE(forgotten__moved_to_and_fro),
	TAP_CASE(forgotten__the_old_do_not_count),
	TAP_CASE(forgotten__to_the_order),
	TAP_CASE(forgotten__old_from_then_on),
	TAP_CASE(forgotten__for_who_moves),
	TAP_CASE(forgotten__by_who_proves),
	TAP_CASE(forgotten__where_it_was),
	TAP_CASE(forgotten__born_where_it_moves),
	TAP_CASE(clock__set_back),
	TAP_CASE(clock__set_back_and_forgotten),
	TAP_CASE(clock__half_a_year),
};

int main(void)
{
	return tap_run(cases, ARRAY_SIZE(cases));
}
