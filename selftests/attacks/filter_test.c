// SPDX-License-Identifier: GPL-2.0
/*
 * The replay filter is bounded, so it can be filled: by one client, by all clients of a network, by
 * clients of many networks.  Nobody gets a second answer by that.  A client that others push out
 * loses a timeout, and one network does not push out clients of another.
 */
#include <stdlib.h>

#include "sim/toyapp.h"
#include "sim/toykeys.h"
#include "row.h"

#define SETS		8
#define ROOM		(SETS * TRK_ONCE_WAYS)	/* connections */
#define VICTIMS		(ROOM / 8)
#define FLOOD		(20 * ROOM)
#define REQUESTS	10
#define NOW_MS		1700000000000ULL

static struct trku_replay filter;
static u64 now_ms;

static struct trk_peer peer_of(u32 network, u8 host)
{
	struct trk_peer p = { .addr = { [10] = 0xff, [11] = 0xff, [15] = host }, .port = 40000,
			      .service = 80 };

	put_unaligned_be32(network << 8 | host, p.addr + 12);
	return p;
}

static int record(const struct trk_peer *peer, struct trk_record *m)
{
	struct trk_peer all = peer_of(1, 1);
	unsigned int i;

	if (missing == DEFENCE_FORGOTTEN) {
		for (i = 0; filter.set && i < SETS; i++) {
			memset(filter.set[i].proven.forgotten, 0,
			       sizeof(filter.set[i].proven.forgotten));
			memset(filter.set[i].guests.forgotten, 0,
			       sizeof(filter.set[i].guests.forgotten));
		}
	}
	return toy_record(&filter, missing == DEFENCE_CLASSES ? &all : peer, m, now_ms);
}

static u64 domain_now(void)
{
	return (u64)trk_seal_order_at(now_ms) << 32 | 1;
}

/* Opens a connection that has had answers to a FIRST and to a RANGE; returns its domain. */
static u64 connect_one(const struct trk_peer *peer, u64 conn)
{
	struct trk_record first = { .kind = TRK_KIND_FIRST, .conn = conn,
				  .born = trk_domain_order(domain_now()) };
	struct trk_record range = { .kind = TRK_KIND_RANGE, .conn = conn, .domain = domain_now(),
				  .m = 1, .n = 10 };

	record(peer, &first);
	record(peer, &range);
	return range.domain;
}

static void begin(void)
{
	trku_replay_free(&filter);
	toy_replay(&filter, SETS * TRK_ONCE_WAYS);
	now_ms = NOW_MS;
}

/* Opens connections from so many networks, one after the other. */
static void flood(u32 networks)
{
	u32 i;

	for (i = 0; i < FLOOD; i++) {
		struct trk_peer p = peer_of(1000 + i % networks, (u8)(i / networks));

		now_ms += 10;
		connect_one(&p, 1000000 + i);
	}
}

/* How many requests of a connection are answered again after the filter was filled. */
static double answered_again(u32 networks)
{
	struct trk_peer me = peer_of(1000, 1);
	unsigned int i, again = 0;
	u64 domain;

	begin();
	domain = connect_one(&me, 7);
	flood(networks);
	for (i = 1; i <= REQUESTS; i++) {
		struct trk_record m = { .kind = TRK_KIND_RANGE, .conn = 7, .domain = domain,
				      .m = i, .n = i };

		again += !record(&me, &m);
	}
	return again;
}

/* How many clients of other networks are not known any more after a flood from some networks. */
static double pushed_out(u32 networks)
{
	u64 domain[VICTIMS];
	unsigned int i, out = 0;

	begin();
	for (i = 0; i < VICTIMS; i++) {
		struct trk_peer p = peer_of(i, 1);

		domain[i] = connect_one(&p, 1 + i);
	}
	flood(networks);
	for (i = 0; i < VICTIMS; i++) {
		struct trk_peer p = peer_of(i, 1);
		struct trk_record m = { .kind = TRK_KIND_RANGE, .conn = 1 + i, .domain = domain[i],
				      .m = 11, .n = 11 };

		out += record(&p, &m) != TRK_OK;
	}
	return out;
}

/* How many clients do not go on after one timeout when they were pushed out. */
static double stuck(u32 networks)
{
	unsigned int i, n = 0;

	begin();
	for (i = 0; i < VICTIMS; i++) {
		struct trk_peer p = peer_of(i, 1);

		connect_one(&p, 1 + i);
	}
	flood(networks);
	for (i = 0; i < VICTIMS; i++) {
		struct trk_peer p = peer_of(i, 1);
		struct trk_record t = { .kind = TRK_KIND_TIMEOUT, .conn = 1 + i, .attempt = 1,
				      .domain = (u64)trk_seal_order_at(NOW_MS) << 32 | 1 };
		struct trk_record m = { .kind = TRK_KIND_RANGE, .conn = 1 + i, .m = 21, .n = 21 };

		now_ms += 10;
		t.born = trk_domain_order(domain_now()) | 1;
		m.domain = (u64)t.born << 32;
		record(&p, &t);
		n += record(&p, &m) != TRK_OK;
	}
	return n;
}

static double tried(enum defence without, u32 networks, double (*attempt)(u32 networks))
{
	double result;

	missing = without;
	result = attempt(networks);
	missing = DEFENCE_NONE;
	return result;
}

static void filling(const char *name, enum defence d, const char *what, u32 networks, double bound,
		    double (*attempt)(u32 networks))
{
	row(name, d, what, tried(DEFENCE_NONE, networks, attempt), bound,
	    tried(d, networks, attempt));
}

static void filling__buys_no_second_answer(void)
{
	CHECKED(filling("filter filled by one network", DEFENCE_FORGOTTEN, "of 10 answered again",
			1, 0, answered_again));
	CHECKED(filling("filter filled by 60 networks", DEFENCE_FORGOTTEN, "of 10 answered again",
			60, 0, answered_again));
	CHECKED(filling("filter filled by 5000 networks", DEFENCE_FORGOTTEN, "of 10 answered again",
			5000, 0, answered_again));
}

/* Another network may be of the same class by chance, one in 64: its clients are pushed out too. */
static void filling__pushes_out_only_ones_own(void)
{
	CHECKED(filling("others pushed out by one network", DEFENCE_CLASSES, "of 64 clients", 1,
			VICTIMS / 16, pushed_out));
}

static void filling__costs_a_timeout(void)
{
	CHECK(pushed_out(5000) > VICTIMS / 2);
	CHECK_EQ(stuck(5000), 0);
	CHECK_EQ(stuck(1), 0);
}

static const struct tap_case cases[] = {
	TAP_CASE(filling__buys_no_second_answer),
	TAP_CASE(filling__pushes_out_only_ones_own),
	TAP_CASE(filling__costs_a_timeout),
};

int main(void)
{
	return row_run(cases, ARRAY_SIZE(cases));
}
