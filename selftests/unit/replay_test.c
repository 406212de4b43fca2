// SPDX-License-Identifier: GPL-2.0
/* The replay filter of user space: what it remembers, in how much memory, and of whom. */
#include "core/reason.h"
#include "core/server.h"
#include "sim/rng.h"
#include "sim/toykeys.h"
#include "tap.h"

#define NOW	1700000000000ULL

static int first(struct trku_replay *r, u64 conn, u8 attempt, u64 now_ms)
{
	static const struct trk_peer peer = { .addr = { [10] = 0xff, [11] = 0xff, [15] = 7 } };
	struct trk_record m = { .kind = TRK_KIND_FIRST, .attempt = attempt, .conn = conn };

	m.born = trk_seal_order_at(now_ms);
	return trku_replay_record(r, &peer, &m, now_ms, TOY_HORIZON_MS, TOY_SKEW_MS);
}

static void replay__answered_once(void)
{
	struct trku_replay r;

	toy_replay(&r, 1);
	CHECK_EQ(r.sets, 1);
	CHECK_EQ(first(&r, 5, 0, NOW), TRK_OK);
	CHECK_EQ(first(&r, 5, 0, NOW + 1), TRK_DROP_REPLAY);
	CHECK_EQ(first(&r, 5, 1, NOW + 2), TRK_OK);
	CHECK_EQ(first(&r, 6, 0, NOW + 3), TRK_OK);
	CHECK_EQ(trku_replay_known(&r), 2);
	CHECK_EQ(r.evicted, 0);
	trku_replay_free(&r);
	CHECK(!r.set);
}

/* A full filter stays as large as it was, counts whom it forgets, and knows the newest ones. */
static void replay__full(void)
{
	const u32 room = 4 * TRK_ONCE_WAYS, many = 100 * room;
	struct trku_replay r;
	u32 i;

	toy_replay(&r, room);
	for (i = 0; i < many; i++)
		CHECK_EQ(first(&r, i, 0, NOW + i), TRK_OK);
	CHECK(trku_replay_known(&r) <= 2 * room);
	CHECK_EQ(trku_replay_known(&r) + r.evicted, many);
	CHECK_EQ(first(&r, many - 1, 0, NOW + many), TRK_DROP_REPLAY);
	trku_replay_free(&r);
}

/* With another key, connections get other sets: no client can know which push each other out. */
static void replay__keyed(void)
{
	static const u8 other[AES128_KEY_SIZE] = { 1 };
	struct trku_replay a, b;
	unsigned int i, k, differ = 0;

	toy_replay(&a, 8 * TRK_ONCE_WAYS);
	CHECK_EQ(trku_replay_init(&b, 8 * TRK_ONCE_WAYS, other), 0);
	for (i = 0; i < 64; i++) {
		CHECK_EQ(first(&a, i, 0, NOW), TRK_OK);
		CHECK_EQ(first(&b, i, 0, NOW), TRK_OK);
	}
	for (i = 0; i < 8; i++)
		for (k = 0; k < TRK_ONCE_WAYS; k++)
			differ += a.set[i].guests.class[k] != b.set[i].guests.class[k];
	CHECK(differ);
	trku_replay_free(&a);
	trku_replay_free(&b);
}

static const struct tap_case cases[] = {
	TAP_CASE(replay__answered_once),
	TAP_CASE(replay__full),
	TAP_CASE(replay__keyed),
};

TAP_MAIN(cases)
