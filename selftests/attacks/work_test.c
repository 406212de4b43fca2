// SPDX-License-Identifier: GPL-2.0
/*
 * The most that each kind of request costs a server before an application sees it, counted in
 * seals, AES blocks, steps of walks over claims, records in the replay filter, and numbers that are
 * granted.  The sender has the key, so nothing is refused early.  No count grows with anything that
 * the sender chooses, except that more numbers are granted in a larger window.
 */
#include <stdlib.h>

#include "trickles-user/cipher.h"
#include "core/nonce.h"
#include "core/reason.h"
#include "core/server.h"
#include "sim/toyapp.h"
#include "sim/toykeys.h"
#include "row.h"

#define NOW		1700000000000ULL
#define HORIZON		600000
#define ISN		1000
#define RUNS		(2 * TRK_MAX_CLAIMS + 1)	/* claims, and runs between them */

static struct trku_cipher current, previous;
static void (*real_mac)(const struct trk_cipher *c, const u8 *p, unsigned int n, u8 *out);
static void (*real_ecb)(const struct trk_cipher *c, u8 *blocks, unsigned int n);
static const struct trk_peer peer = { .addr = { [15] = 9 }, .port = 40001, .service = 80 };
static struct trku_replay answered;

static struct cost {
	unsigned long seals, blocks, steps, records, numbers;
} cost, worst;

static void count_mac(const struct trk_cipher *c, const u8 *p, unsigned int n, u8 *out)
{
	cost.seals++;
	real_mac(c, p, n, out);
}

static void count_ecb(const struct trk_cipher *c, u8 *blocks, unsigned int n)
{
	cost.blocks += n;
	real_ecb(c, blocks, n);
}

static const struct trk_cipher *get_cipher(void *arg, u8 key_id)
{
	return key_id == current.c.key_id ? &current.c :
	       key_id == previous.c.key_id ? &previous.c : NULL;
}

static int record(void *arg, const struct trk_peer *from, struct trk_record *m)
{
	cost.records++;
	return toy_record(&answered, from, m, NOW);
}

static struct trk_server_env env(void)
{
	return (struct trk_server_env){ .cipher = get_cipher, .record = record,
					.current_key = &current.c, .previous_key = &previous.c,
					.now_ms = NOW, .horizon_ms = HORIZON,
					.skew_ms = TOY_SKEW_MS, .max_seg_size = TRK_MAX_SEG_SIZE,
					.moves = true };
}

/* How far above the base a request reports, and how large the window is. */
struct shape {
	u64 away;
	u32 window;
};

static struct {
	u8 cont[TRK_CONT_LEN], output[TRK_SEALED_UCONT_MAX], input[TRK_SEALED_UCONT_MAX];
	u8 payload[TRK_REQ_HDR_MAX + TRK_SEALED_UCONT_MAX];
	u8 addr[TRK_ADDR_MAX];
} mem;

static void raise(unsigned long *to, unsigned long n)
{
	if (n > *to)
		*to = n;
}

static int step(const struct trk_req *q, u32 ack, struct trk_grant *g)
{
	struct trk_server_env e = env();
	struct trk_req parsed;
	u32 len = trk_wire_req_write(mem.payload, q);
	int err = trk_wire_req_parse(&parsed, mem.payload, len, len);

	memset(&cost, 0, sizeof(cost));
	walk_steps = 0;
	if (!err)
		err = trk_server_step(&e, &peer, &parsed, ISN + 1, ack, len, g);
	cost.steps = walk_steps;
	cost.numbers = err ? 0 : g->count;
	raise(&worst.seals, cost.seals);
	raise(&worst.blocks, cost.blocks);
	raise(&worst.steps, cost.steps);
	raise(&worst.records, cost.records);
	raise(&worst.numbers, cost.numbers);
	return err;
}

static struct trk_blob ucont(u64 conn, enum trk_ext which, u8 *blob)
{
	static const u8 opaque[TRK_UCONT_MAX];
	struct trk_ucont u = { .end = 1ULL << 60, .len = TRK_UCONT_MAX / 2 - 32,
			       .opaque = opaque };

	return (struct trk_blob){ blob, trk_seal_ucont(&current.c, &peer, conn, which, &u, blob) };
}

/*
 * Sends a request with a right proof that reports a whole window.  Its claims, @gap_claims or none
 * if the base is near, are between the base and the first number that it reports.  With @again, one
 * number in the middle of the window was answered before.
 */
static int sealed(u8 kind, const struct shape *s, u64 conn, u32 gap_claims, bool again)
{
	struct trk_cont c = { .conn = conn, .seg_size = 1448, .iw = TRK_INITIAL_WINDOW,
			      .time_ms = NOW,
			      .domain = (u64)trk_seal_order_at(NOW) << 32,
			      .domain_key = current.c.key_id };
	struct trk_req q = { .kind = kind, .flags = TRK_REQ_GROW | TRK_REQ_RENEW, .token = 1,
			     .cont = { mem.cont, TRK_CONT_LEN } };
	struct trk_claims claims = { .n = s->away + s->window };
	u64 step_len = s->away / TRK_MAX_CLAIMS;
	unsigned int i;
	struct trk_grant g;

	trk_law_init(&c.law, 0, s->window, s->window, 0);
	if (s->window == 1)
		trk_law_init(&c.law, 0, 1, 2, 0);
	trk_seal_cont(&current.c, &peer, &c, mem.cont);
	for (i = 0; i < gap_claims && step_len > 2; i++) {
		claims.c[i].kind = TRK_CLAIM_NOGROWTH;
		claims.c[i].a = 2 + i * step_len;
		claims.c[i].b = claims.c[i].a;
		claims.count++;
	}
	q.m = (u32)(s->away + 1);
	q.n = (u32)claims.n;
	q.attempt = 1;
	q.nclaims = claims.count;
	for (i = 0; i < claims.count; i++) {
		q.claim[i].a = (u32)claims.c[i].a;
		q.claim[i].len = 1;
		q.claim[i].kind = claims.c[i].kind;
	}
	q.proof = trk_nonce_proof(&current.c, c.conn, c.domain, 0, &claims);
	q.output = ucont(conn, TRK_EXT_OUTPUT, mem.output);
	q.input = ucont(conn, TRK_EXT_INPUT, mem.input);
	if (kind == TRK_KIND_RANGE && again) {
		/* One number in the middle was answered before. */
		struct trk_record m = { .kind = kind, .conn = conn, .domain = c.domain,
				      .floor = s->away, .m = s->away + 1 + s->window / 2,
				      .n = s->away + 1 + s->window / 2 };

		toy_record(&answered, &peer, &m, NOW);
	}
	return step(&q, 2000, &g);
}

static void expect_worst(const char *what, struct cost bound)
{
	printf("# %-28s %4lu seals %4lu blocks %4lu steps %2lu records %6lu numbers\n", what,
	       worst.seals, worst.blocks, worst.steps, worst.records, worst.numbers);
	CHECK(worst.seals <= bound.seals);
	CHECK(worst.blocks <= bound.blocks);
	CHECK(worst.steps <= bound.steps);
	CHECK(worst.records <= bound.records);
	CHECK(worst.numbers <= bound.numbers);
}

static const struct shape shapes[] = {
	{ 0, 1 }, { 0, 10 }, { 1000, 10 }, { 1000000, 10 }, { 2000000000, 10 }, { 4000000000, 100 },
	{ 0, 1000 }, { 1000000, 1000 }, { 4000000000, 10000 }, { 0, TRK_MAX_CWND },
	{ 1000000, TRK_MAX_CWND }, { 4000000000, TRK_MAX_CWND },
};

static void range__costs_no_more_far_away(void)
{
	unsigned int i, k, done = 0;
	struct cost bound;
	u64 conn = 1;
	u32 window;

	memset(&worst, 0, sizeof(worst));
	for (i = 0; i < ARRAY_SIZE(shapes); i++) {
		for (k = 0; k < 4; k++) {
			int err = sealed(TRK_KIND_RANGE, &shapes[i], conn++,
					 k & 1 ? TRK_MAX_CLAIMS : 0, k & 2);

			/* In a window of one packet, all was answered before. */
			CHECK(!err || err == TRK_DROP_REPLAY);
			done += !err;
			/* However far the base is, no more than two windows are granted. */
			window = trk_law_cwnd(shapes[i].away + shapes[i].window, shapes[i].window,
					      2);
			CHECK(cost.numbers <= 2ULL * window);
		}
	}
	CHECK(done > ARRAY_SIZE(shapes));
	bound = (struct cost){ 3, 2 * RUNS + 2, 4 * RUNS + 8, 1, 2 * TRK_MAX_CWND };
	CHECKED(expect_worst("range", bound));
	/* A request that reports too much is granted nothing, and costs little. */
	memset(&worst, 0, sizeof(worst));
	for (i = 0; i < ARRAY_SIZE(shapes); i++) {
		struct shape s = { 0, shapes[i].window };
		struct trk_cont c = { .conn = 1, .seg_size = 1448, .iw = TRK_INITIAL_WINDOW,
				      .time_ms = NOW, .domain_key = current.c.key_id,
				      .domain = (u64)trk_seal_order_at(NOW) << 32 };
		struct trk_claims claims = { .n = shapes[i].away + 4 * s.window + 1 };
		struct trk_req q = { .kind = TRK_KIND_RANGE, .token = 1, .m = 1,
				     .n = (u32)claims.n, .cont = { mem.cont, TRK_CONT_LEN } };
		struct trk_grant g;

		trk_law_init(&c.law, 0, s.window, max_t(u32, s.window, 2), 0);
		trk_seal_cont(&current.c, &peer, &c, mem.cont);
		q.proof = trk_nonce_proof(&current.c, c.conn, c.domain, 0, &claims);
		CHECK_EQ(step(&q, 2000, &g), TRK_DROP_RANGE);
	}
	CHECKED(expect_worst("range, longer than a window", (struct cost){ 3, 4, 4, 0, 0 }));
}

static void timeout__costs_no_more_far_away(void)
{
	unsigned int i, k;
	u64 conn = 1000;

	memset(&worst, 0, sizeof(worst));
	for (i = 0; i < ARRAY_SIZE(shapes); i++)
		for (k = 0; k < 2; k++)
			CHECK_EQ(sealed(TRK_KIND_TIMEOUT, &shapes[i], conn++,
					k ? TRK_MAX_CLAIMS : 0, false), TRK_OK);
	CHECKED(expect_worst("timeout", (struct cost){ 4, 2 * RUNS + 2, 2 * RUNS + 4, 1, 1 }));
}

static void first__costs(void)
{
	struct trk_server_env e = env();
	u32 cookie = trk_seal_cookie(&previous.c, &peer, ISN, NOW / TRK_COOKIE_PERIOD_MS - 1);
	struct trk_req q = { .kind = TRK_KIND_FIRST, .seg_size = 1448, .token = 1 };
	struct trk_grant g;

	memset(&worst, 0, sizeof(worst));
	memset(&cost, 0, sizeof(cost));
	trk_server_syn_cookie(&e, &peer, ISN);
	raise(&worst.seals, cost.seals);
	CHECKED(expect_worst("SYN", (struct cost){ 1 }));

	memset(&worst, 0, sizeof(worst));
	CHECK_EQ(step(&q, cookie + 2, &g), TRK_DROP_COOKIE);
	CHECKED(expect_worst("first, wrong cookie", (struct cost){ 6 }));

	memset(&worst, 0, sizeof(worst));
	CHECK_EQ(step(&q, cookie + 1, &g), TRK_OK);
	CHECKED(expect_worst("first", (struct cost){ 10, 0, 0, 1, TRK_INITIAL_WINDOW }));
}

static void noise__costs(void)
{
	struct trk_req q = { .kind = TRK_KIND_RANGE, .nclaims = TRK_MAX_CLAIMS,
			     .cont = { mem.cont, TRK_CONT_LEN } };
	struct trk_grant g;
	unsigned int i;

	for (i = 0; i < TRK_MAX_CLAIMS; i++)
		q.claim[i].len = 1;
	sealed(TRK_KIND_CLOSE, &shapes[0], 5000, 0, false);
	mem.cont[30] ^= 1;
	memset(&worst, 0, sizeof(worst));
	CHECK_EQ(step(&q, 2000, &g), TRK_DROP_MAC);
	CHECKED(expect_worst("wrong seal", (struct cost){ 1 }));

	q.kind = TRK_KIND_TIMEOUT;
	q.addr = (struct trk_blob){ mem.addr, trk_seal_peer_write(&peer, mem.addr) };
	memset(&worst, 0, sizeof(worst));
	CHECK_EQ(step(&q, 2000, &g), TRK_DROP_MAC);
	CHECKED(expect_worst("timeout, wrong seal", (struct cost){ 2 }));

	memset(&worst, 0, sizeof(worst));
	CHECK_EQ(sealed(TRK_KIND_CLOSE, &shapes[0], 5000, 0, false), TRK_OK);
	CHECKED(expect_worst("close", (struct cost){ 3 }));
}

static const struct tap_case cases[] = {
	TAP_CASE(range__costs_no_more_far_away),
	TAP_CASE(timeout__costs_no_more_far_away),
	TAP_CASE(first__costs),
	TAP_CASE(noise__costs),
};

int main(void)
{
	toy_cipher(&current, 1, 1);
	toy_cipher(&previous, 2, 2);
	real_mac = current.c.mac;
	real_ecb = current.c.ecb;
	current.c.mac = count_mac;
	current.c.ecb = count_ecb;
	previous.c.mac = count_mac;
	previous.c.ecb = count_ecb;
	return tap_run(cases, ARRAY_SIZE(cases));
}
