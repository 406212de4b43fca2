// SPDX-License-Identifier: GPL-2.0
/*
 * Whoever has the key can seal anything.  The requests here are random, and so are their
 * continuations, but seals and proofs are right.  What the server grants stays within the bounds
 * of a window, and what it does not take is dropped for a reason.
 */
#include <stdlib.h>

#include "trickles-user/cipher.h"
#include "core/answer.h"
#include "core/limits.h"
#include "core/reason.h"
#include "core/server.h"
#include "sim/toyapp.h"
#include "sim/toykeys.h"
#include "garbage.h"
#include "tap.h"

#define NOW		1700000000000ULL
#define HORIZON		600000
#define ROUNDS		400000

static struct trku_cipher key;
static const struct trk_peer peer = { .addr = { [15] = 9 }, .port = 40001, .service = 80 };

static const struct trk_cipher *get_cipher(void *arg, u8 key_id)
{
	return key_id == key.c.key_id ? &key.c : NULL;
}

static int record(void *arg, const struct trk_peer *from, struct trk_record *m)
{
	return toy_record(arg, from, m, NOW);
}

/* Answers as an application may: the packets must stand for all numbers that were granted. */
static void answer(struct rng *r, const struct trk_grant *g)
{
	struct trk_answer a = { .g = g, .peer = &peer, .seal = &key.c, .nonce = &key.c,
				.off = garbage_number(r) >> 1, .len = garbage_number(r) >> 1,
				.fin = rng_below(r, 2), .has_output = rng_below(r, 2) };
	u64 x = g->first, bytes = 0;
	u8 hdr[TRK_RESP_HDR_MAX];
	struct trk_packet p;
	struct trk_resp resp;
	unsigned int packets = 0;

	a.output = (struct trk_ucont){ .start = a.off, .end = U64_MAX };
	CHECK(trk_answer_mss(g) < g->cont.seg_size);
	CHECK(trk_answer_room(g) <= (u64)TRK_MAX_ANSWER * g->cont.seg_size);
	if (trk_answer_begin(&a))
		return;
	while (trk_answer_next(&a, hdr, &p)) {
		packets++;
		CHECK(packets <= TRK_MAX_ANSWER);
		CHECK(p.hdr_len + p.data_len <= g->cont.seg_size);
		CHECK(!trk_wire_resp_parse(&resp, hdr, p.hdr_len, p.hdr_len + p.data_len));
		CHECK_EQ(resp.num, (u32)x);
		x += resp.span;
		bytes += p.data_len;
	}
	CHECK(x == g->first + g->count);
	CHECK(bytes <= (u64)TRK_MAX_ANSWER * TRK_MAX_SEG_SIZE);
}

static void sealed__anything(void)
{
	struct trku_replay answered = { 0 };
	struct trk_server_env env = { .cipher = get_cipher, .record = record, .arg = &answered,
				      .current_key = &key.c, .now_ms = NOW, .horizon_ms = HORIZON,
				      .skew_ms = TOY_SKEW_MS, .max_seg_size = TRK_MAX_SEG_SIZE };
	u64 drops[TRK_REASON_COUNT] = { 0 }, granted = 0;
	struct garbage some = { .rng = { 1 }, .key = &key.c, .peer = peer, .now_ms = NOW };
	struct rng *r = &some.rng;
	unsigned int i;

	for (i = 0; i < ROUNDS && !tap_failed; i++) {
		struct trk_grant g;
		struct trk_cont c;
		struct trk_req q;
		int err;

		garbage_next(&some);
		err = trk_wire_req_parse(&q, some.payload, some.len, some.len);
		if (!err)
			err = trk_server_step(&env, &peer, &q, (u32)garbage_number(r),
					      (u32)garbage_number(r), some.len, &g);
		drops[err]++;
		if (err)
			continue;
		trk_seal_cont_read(some.cont, &c);
		if (q.kind != TRK_KIND_FIRST)
			CHECK(!trk_seal_cont_check(&c));
		CHECK(!trk_seal_cont_check(&g.cont));
		CHECK(g.count <= 2 * TRK_MAX_CWND);
		granted += g.count;
		if (g.count)
			CHECKED(answer(r, &g));
	}
	printf("# %lu of %u believed, %lu forged, %lu too long, %lu numbers granted\n",
	       (unsigned long)drops[TRK_OK], ROUNDS, (unsigned long)drops[TRK_DROP_FORGED],
	       (unsigned long)drops[TRK_DROP_RANGE], (unsigned long)granted);
	/* Each of these must have come up. */
	CHECK(drops[TRK_OK] > ROUNDS / 100 && drops[TRK_DROP_FORGED] > ROUNDS / 4);
	CHECK(drops[TRK_DROP_RANGE] && drops[TRK_DROP_CLAIMS] && drops[TRK_DROP_REPLAY]);
	CHECK(!drops[TRK_DROP_MAC] && !drops[TRK_DROP_PROOF]);
	trku_replay_free(&answered);
}

static const struct tap_case cases[] = {
	TAP_CASE(sealed__anything),
};

int main(void)
{
	toy_cipher(&key, 4, 1);
	return tap_run(cases, ARRAY_SIZE(cases));
}
