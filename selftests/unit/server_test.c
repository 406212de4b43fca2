// SPDX-License-Identifier: GPL-2.0
/* The server's decision about one request, and the packets of one answer. */
#include <errno.h>
#include <stdlib.h>

#include "trickles-user/cipher.h"
#include "core/answer.h"
#include "core/limits.h"
#include "core/nonce.h"
#include "core/reason.h"
#include "core/server.h"
#include "sim/toyapp.h"
#include "sim/toykeys.h"
#include "tap.h"

#define NOW		1700000000000ULL
#define HORIZON		10000
#define SKEW		100
#define SEG_SIZE		1000
#define ISN		0xfffffff0u	/* of the client, so that sequence numbers wrap */

static struct trku_cipher key, previous, retired;
static const struct trk_peer peer = { .addr = { [15] = 9 }, .port = 40001, .service = 80 };

static const struct trk_cipher *get_cipher(void *arg, u8 key_id)
{
	return key_id == key.c.key_id ? &key.c : key_id == previous.c.key_id ? &previous.c :
	       key_id == retired.c.key_id ? &retired.c : NULL;
}

static struct trk_server_env env_at(u64 now_ms)
{
	return (struct trk_server_env){ .cipher = get_cipher,
					.current_key = &key.c,
					.previous_key = &previous.c,
					.now_ms = now_ms,
					.horizon_ms = HORIZON,
					.skew_ms = SKEW,
					.max_seg_size = SEG_SIZE };
}

/* ---- first requests ---- */

static int first(u64 syn_ms, u64 now_ms, u32 isn, struct trk_req q, struct trk_grant *g)
{
	struct trk_server_env env = env_at(syn_ms);
	u32 cookie = trk_server_syn_cookie(&env, &peer, ISN);

	env.now_ms = now_ms;
	q.kind = TRK_KIND_FIRST;
	if (!q.seg_size)
		q.seg_size = 1448;
	return trk_server_step(&env, &peer, &q, isn + 1, cookie + 1, 200, g);
}

static void first__initial_window(void)
{
	struct trk_grant g;

	CHECK_EQ(first(NOW, NOW, ISN, (struct trk_req){ .token = 5, .flags = TRK_REQ_GROW }, &g),
		 TRK_OK);
	CHECK_EQ(g.count, TRK_INITIAL_WINDOW);
	CHECK_EQ(g.first, 1);
	CHECK_EQ(g.mint, TRK_MINT_ALL);
	CHECK_EQ(g.token, 5);
	CHECK_EQ(g.ack, (u32)(ISN + 1 + 200));
	CHECK_EQ(g.cont.base, 0);
	CHECK(g.cont.conn == trk_seal_conn_id(&key.c, &peer, ISN, NOW / TRK_COOKIE_PERIOD_MS));
	CHECK_EQ(g.cont.seg_size, SEG_SIZE);
	CHECK_EQ(g.cont.law.start_cwnd, TRK_INITIAL_WINDOW);
	CHECK_EQ(g.cont.law.ssthresh, TRK_SSTHRESH_INF);
	CHECK(g.grow);
}

static void first__segment_size_is_the_smaller(void)
{
	struct trk_grant g;

	CHECK_EQ(first(NOW, NOW, ISN, (struct trk_req){ .seg_size = 700 }, &g), TRK_OK);
	CHECK_EQ(g.cont.seg_size, 700);
	CHECK_EQ(first(NOW, NOW, ISN, (struct trk_req){ .seg_size = 65535 }, &g), TRK_OK);
	CHECK_EQ(g.cont.seg_size, SEG_SIZE);
	CHECK_EQ(first(NOW, NOW, ISN, (struct trk_req){ .seg_size = TRK_MIN_SEG_SIZE - 1 }, &g),
		 TRK_DROP_RANGE);
}

static void first__repeated_gets_one_packet(void)
{
	struct trk_grant a, b;

	CHECK_EQ(first(NOW, NOW, ISN, (struct trk_req){ .attempt = 1 }, &a), TRK_OK);
	CHECK_EQ(a.count, 1);
	CHECK_EQ(a.cont.law.start_cwnd, 1);
	CHECK_EQ(a.cont.law.ssthresh, TRK_INITIAL_WINDOW / 2);
	CHECK_EQ(a.cont.law.first_loss, 0);
	CHECK_EQ(first(NOW, NOW, ISN, (struct trk_req){ .attempt = 0 }, &b), TRK_OK);
	CHECK(a.cont.conn == b.cont.conn);
	CHECK(a.cont.domain != b.cont.domain);
}

static int recorded_before(void *arg, const struct trk_peer *from, struct trk_record *m)
{
	*(struct trk_record *)arg = *m;
	return TRK_DROP_REPLAY;
}

/* Whoever keeps a request cannot have it answered again. */
static void first__answered_once(void)
{
	struct trk_server_env env = env_at(NOW);
	struct trk_req q = { .kind = TRK_KIND_FIRST, .seg_size = 1448, .attempt = 3 };
	u32 cookie = trk_server_syn_cookie(&env, &peer, ISN);
	struct trk_record seen;
	struct trk_grant g;

	env.record = recorded_before;
	env.arg = &seen;
	CHECK_EQ(trk_server_step(&env, &peer, &q, ISN + 1, cookie + 1, 200, &g), TRK_DROP_REPLAY);
	CHECK_EQ(seen.kind, TRK_KIND_FIRST);
	CHECK_EQ(seen.attempt, 3);
	CHECK(seen.conn == trk_seal_conn_id(&key.c, &peer, ISN, NOW / TRK_COOKIE_PERIOD_MS));
	CHECK_EQ(seen.born, trk_seal_order_at(NOW) | 3);
}

/* Protocol.rst: the cookie is the acknowledgment number less one, and less what ackrel says. */
static void first__counts_from_the_cookie(void)
{
	struct trk_server_env env = env_at(NOW);
	struct trk_req q = { .kind = TRK_KIND_FIRST, .seg_size = 1448, .ackrel = 700 };
	u32 cookie = trk_server_syn_cookie(&env, &peer, ISN);
	struct trk_grant g;

	CHECK_EQ(trk_server_step(&env, &peer, &q, ISN + 1, cookie + 1 + 700, 200, &g), TRK_OK);
	CHECK_EQ(g.seq0, cookie + 1);
	CHECK_EQ(trk_server_step(&env, &peer, &q, ISN + 1, cookie + 1 - 700, 200, &g),
		 TRK_DROP_COOKIE);
}

/* What is believed to be ahead of the clock is what can have been born, and little more. */
static void ahead__of_the_clock(void)
{
	u32 skew;

	for (skew = 0; skew < 100000; skew += 777) {
		u32 latest = trk_seal_order_at(2ULL * skew + 1000);

		CHECK(trk_server_ahead(skew) >= latest + 2 * 16);
		CHECK(trk_server_ahead(skew) <= latest + 4 * 16);
	}
}

/* There is nothing yet to claim. */
static void first__claims_refused(void)
{
	struct trk_req q = { .nclaims = 1, .claim = { { .a = 1, .len = 1 } } };
	struct trk_grant g;

	CHECK_EQ(first(NOW, NOW, ISN, q, &g), TRK_DROP_RANGE);
	q.nclaims = 0;
	CHECK_EQ(first(NOW, NOW, ISN, q, &g), TRK_OK);
}

/* Protocol.rst: the attempt is from 1 to 15, or 0 for the first of all. */
static void first__attempts_are_bounded(void)
{
	struct trk_grant g;
	unsigned int i;

	for (i = 0; i < 256; i++)
		CHECK_EQ(first(NOW, NOW, ISN, (struct trk_req){ .attempt = i }, &g),
			 i <= 15 ? TRK_OK : TRK_DROP_ATTEMPT);
}

static void first__cookie_of_one_connection(void)
{
	struct trk_server_env env = env_at(NOW);
	struct trk_req q = { .kind = TRK_KIND_FIRST, .seg_size = 1448 };
	u32 cookie = trk_server_syn_cookie(&env, &peer, ISN), bit;
	struct trk_peer p = peer;
	struct trk_grant g;

	CHECK_EQ(trk_server_step(&env, &peer, &q, ISN + 1, cookie + 1, 200, &g), TRK_OK);
	for (bit = 1; bit; bit <<= 1) {
		CHECK_EQ(trk_server_step(&env, &peer, &q, ISN + 1, cookie + 1 + bit, 200, &g),
			 TRK_DROP_COOKIE);
		CHECK_EQ(trk_server_step(&env, &peer, &q, ISN + 1 + bit, cookie + 1, 200, &g),
			 TRK_DROP_COOKIE);
	}
	p.port++;
	CHECK_EQ(trk_server_step(&env, &p, &q, ISN + 1, cookie + 1, 200, &g), TRK_DROP_COOKIE);
	p = peer;
	p.addr[0] ^= 1;
	CHECK_EQ(trk_server_step(&env, &p, &q, ISN + 1, cookie + 1, 200, &g), TRK_DROP_COOKIE);
}

static void first__cookie_lives_at_least_a_period(void)
{
	u64 period = NOW - NOW % TRK_COOKIE_PERIOD_MS, age, at, lived = 0;
	struct trk_grant g;

	for (at = period; at < period + TRK_COOKIE_PERIOD_MS; at += 7919) {
		for (age = 0; !first(at, at + age, ISN, (struct trk_req){ 0 }, &g); age += 500)
			CHECK(age < 20 * TRK_COOKIE_PERIOD_MS);
		CHECK(age > TRK_COOKIE_PERIOD_MS);
		lived = age > lived ? age : lived;
		/* A cookie that has become too old is not taken again later. */
		CHECK_EQ(first(at, at + age + TRK_COOKIE_PERIOD_MS, ISN, (struct trk_req){ 0 }, &g),
			 TRK_DROP_COOKIE);
	}
	/* That of the period before is taken, the one before that is not. */
	CHECK_EQ(first(period, period + 2 * TRK_COOKIE_PERIOD_MS - 1, ISN, (struct trk_req){ 0 },
		       &g), TRK_OK);
	CHECK_EQ(first(period, period + 2 * TRK_COOKIE_PERIOD_MS, ISN, (struct trk_req){ 0 }, &g),
		 TRK_DROP_COOKIE);
	/* Clocks of replicas differ by twice the skew, at most. */
	CHECK_EQ(first(period + 1, period - 2 * SKEW + 1, ISN, (struct trk_req){ 0 }, &g), TRK_OK);
	CHECK_EQ(first(period + 1, period - 2 * SKEW - 1, ISN, (struct trk_req){ 0 }, &g),
		 TRK_DROP_COOKIE);
}

/* ---- requests with a continuation ---- */

/* A client in the domain of a first request, which has received all that its claims allow. */
struct conn {
	struct trk_cont cont;
	u8 blob[TRK_CONT_LEN];
	struct trk_claims claims;
	struct trk_req q;
};

static void conn_open(struct conn *c)
{
	memset(c, 0, sizeof(*c));
	c->cont = (struct trk_cont){ .conn = 77,
				     .domain = (u64)trk_seal_order_at(NOW) << 32 | 88,
				     .time_ms = NOW,
				     .base = 0xfffffff0,
				     .seg_size = SEG_SIZE,
				     .key_id = key.c.key_id,
				     .domain_key = key.c.key_id,
				     .iw = TRK_INITIAL_WINDOW };
	trk_law_init(&c->cont.law, 0xfffffff0, TRK_INITIAL_WINDOW, TRK_SSTHRESH_INF, 0);
}

/* A request that reports numbers m to n, counted from the base, with a right proof. */
static int conn_step(struct conn *c, u8 kind, u32 m, u32 n, u64 now_ms, struct trk_grant *g)
{
	struct trk_server_env env = env_at(now_ms);
	unsigned int i;

	trk_seal_cont(&key.c, &peer, &c->cont, c->blob);
	c->claims.n = c->cont.base + n;
	c->q.kind = kind;
	c->q.cont = (struct trk_blob){ c->blob, TRK_CONT_LEN };
	c->q.m = (u32)(c->cont.base + m);
	c->q.n = (u32)(c->cont.base + n);
	c->q.nclaims = c->claims.count;
	for (i = 0; i < c->claims.count; i++) {
		c->q.claim[i].a = (u32)c->claims.c[i].a;
		c->q.claim[i].len = (u32)(c->claims.c[i].b - c->claims.c[i].a + 1);
		c->q.claim[i].kind = c->claims.c[i].kind;
	}
	c->q.proof = trk_nonce_proof(&key.c, c->cont.conn, c->cont.domain, c->cont.base,
				     &c->claims);
	return trk_server_step(&env, &peer, &c->q, 1000, 2000, 300, g);
}

/* Sends the request once more, as the test has changed it. */
static int conn_again(struct conn *c, struct trk_grant *g)
{
	struct trk_server_env env = env_at(NOW);

	return trk_server_step(&env, &peer, &c->q, 1000, 2000, 300, g);
}

static void conn_lose(struct conn *c, u32 a, u32 b)
{
	c->claims.c[c->claims.count++] =
		(struct trk_claim){ c->cont.base + a, c->cont.base + b, TRK_CLAIM_LOST };
}

/* Makes @count claims: every second number is without growth, and the last of these is lost. */
static void conn_claim(struct conn *c, unsigned int count)
{
	unsigned int i;

	c->claims.count = count;
	for (i = 0; i < count; i++) {
		u64 x = c->cont.base + 2 * (i + 1);

		c->claims.c[i] = (struct trk_claim){ x, x, TRK_CLAIM_NOGROWTH };
	}
	c->claims.c[count - 1].kind = TRK_CLAIM_LOST;
}

static void range__numbers(void)
{
	struct trk_grant g;
	struct conn c;

	conn_open(&c);
	CHECK_EQ(conn_step(&c, TRK_KIND_RANGE, 1, 1, NOW, &g), TRK_OK);
	CHECK_EQ(g.first, c.cont.base + 11);
	CHECK_EQ(g.count, 2);
	CHECK_EQ(g.mint, TRK_MINT_NONE);
	CHECK_EQ(conn_step(&c, TRK_KIND_RANGE, 4, 7, NOW, &g), TRK_OK);
	CHECK_EQ(g.first, c.cont.base + 17);
	CHECK_EQ(g.count, 8);
}

/* The continuation is renewed if the request has RENEW, and not because of its claims. */
static void range__renewed_when_asked(void)
{
	u32 last = 2 * TRK_MAX_CLAIMS;
	struct trk_cont before;
	struct trk_grant g;
	struct conn c;

	conn_open(&c);
	before = c.cont;
	conn_claim(&c, TRK_MAX_CLAIMS);
	CHECK_EQ(conn_step(&c, TRK_KIND_RANGE, last, last + 1, NOW, &g), TRK_OK);
	CHECK_EQ(g.mint, TRK_MINT_NONE);
	CHECK_EQ(g.cont.base, c.cont.base);
	c.q.flags = TRK_REQ_RENEW;
	CHECK_EQ(conn_again(&c, &g), TRK_OK);
	CHECK_EQ(g.mint, TRK_MINT_FIRST);
	CHECK_EQ(g.cont.base, before.base + last + 1);
	CHECK_EQ(g.cont.law.first_loss, before.base + last);
	CHECK(g.cont.domain == before.domain);
	CHECK(g.cont.time_ms == NOW);
}

/*
 * What a RANGE reports must have been issued, and the number below it must have arrived
 * (protocol.rst, "The law of the window").
 */
static void range__no_longer_than_a_window(void)
{
	u32 window = TRK_INITIAL_WINDOW;
	struct trk_grant g;
	struct conn c;

	conn_open(&c);
	CHECK_EQ(conn_step(&c, TRK_KIND_RANGE, 1, window, NOW, &g), TRK_OK);
	CHECK_EQ(conn_step(&c, TRK_KIND_RANGE, 1, window + 1, NOW, &g), TRK_DROP_RANGE);
	CHECK_EQ(conn_step(&c, TRK_KIND_RANGE, 1, 1000000, NOW, &g), TRK_DROP_RANGE);
	/* The same far above the base: in slow start each number issues two. */
	CHECK_EQ(conn_step(&c, TRK_KIND_RANGE, 101, window + 200, NOW, &g), TRK_OK);
	CHECK_EQ(g.count, 2 * (window + 100));
	CHECK_EQ(conn_step(&c, TRK_KIND_RANGE, 101, window + 201, NOW, &g), TRK_DROP_RANGE);
	/* The same with the largest window. */
	CHECK_EQ(conn_step(&c, TRK_KIND_RANGE, 1000000001, 1000000000 + TRK_MAX_CWND, NOW, &g),
		 TRK_OK);
	CHECK_EQ(g.count, TRK_MAX_CWND);
	CHECK_EQ(conn_step(&c, TRK_KIND_RANGE, 1000000001, 1000000001 + TRK_MAX_CWND, NOW, &g),
		 TRK_DROP_RANGE);
	/* In a loss event: up to R + 1 was issued; the number below m must have arrived. */
	conn_lose(&c, 3, 4);
	CHECK_EQ(conn_step(&c, TRK_KIND_RANGE, 5, 6, NOW, &g), TRK_DROP_RANGE);
	CHECK_EQ(conn_step(&c, TRK_KIND_RANGE, 4, 6, NOW, &g), TRK_DROP_RANGE);
	CHECK_EQ(conn_step(&c, TRK_KIND_RANGE, 3, 6, NOW, &g), TRK_OK);
	CHECK_EQ(conn_step(&c, TRK_KIND_RANGE, 6, 15, NOW, &g), TRK_OK);
	CHECK_EQ(conn_step(&c, TRK_KIND_RANGE, 6, 16, NOW, &g), TRK_DROP_RANGE);
	/* Up to its end, R = 14, by the window behind it. */
	CHECK_EQ(conn_step(&c, TRK_KIND_RANGE, 14, 19, NOW, &g), TRK_OK);
	CHECK_EQ(conn_step(&c, TRK_KIND_RANGE, 14, 20, NOW, &g), TRK_DROP_RANGE);
	CHECK_EQ(conn_step(&c, TRK_KIND_RANGE, 15, 20, NOW, &g), TRK_OK);
	CHECK_EQ(conn_step(&c, TRK_KIND_RANGE, 15, 21, NOW, &g), TRK_DROP_RANGE);
	/* A TIMEOUT may report any run. */
	c.q.attempt = 1;
	CHECK_EQ(conn_step(&c, TRK_KIND_TIMEOUT, 0, 1000000, NOW, &g), TRK_OK);
}

/* Stands for a replay filter that has answered all but [m + from, m + to] of a run. */
struct some {
	u64 from, to;
	struct trk_record seen;
};

static int record_some(void *arg, const struct trk_peer *from, struct trk_record *m)
{
	struct some *some = arg;

	some->seen = *m;
	m->a = m->m + some->from;
	m->b = m->m + some->to;
	return TRK_OK;
}

static int step_some(struct conn *c, u32 m, u32 n, struct some *some, struct trk_grant *g)
{
	struct trk_server_env env = env_at(NOW);

	conn_step(c, TRK_KIND_RANGE, m, n, NOW, g);
	env.record = record_some;
	env.arg = some;
	return trk_server_step(&env, &peer, &c->q, 1000, 2000, 300, g);
}

/* If part of a run was answered before, the rest is granted what it issues in the whole run. */
static void range__partly_answered(void)
{
	struct some all = { 0, 3 }, end = { 2, 3 }, middle = { 1, 2 }, behind_lost = { 1, 12 };
	struct trk_grant g;
	struct conn c;

	conn_open(&c);
	CHECK_EQ(step_some(&c, 4, 7, &all, &g), TRK_OK);
	CHECK_EQ(g.first, c.cont.base + 17);
	CHECK_EQ(g.count, 8);
	CHECK_EQ(step_some(&c, 4, 7, &end, &g), TRK_OK);
	CHECK_EQ(g.first, c.cont.base + 21);
	CHECK_EQ(g.count, 4);
	CHECK_EQ(step_some(&c, 4, 7, &middle, &g), TRK_OK);
	CHECK_EQ(g.first, c.cont.base + 19);
	CHECK_EQ(g.count, 4);
	/* The rest cannot begin above a lost number, whose share the next received one carries. */
	conn_lose(&c, 4, 4);
	CHECK_EQ(step_some(&c, 4, 16, &behind_lost, &g), TRK_DROP_REPLAY);
	/* Late requests may report what is at most four windows below, and above the base. */
	conn_open(&c);
	CHECK_EQ(step_some(&c, 4, 7, &all, &g), TRK_OK);
	CHECK(all.seen.floor == c.cont.base);
	CHECK(all.seen.conn == c.cont.conn && all.seen.domain == c.cont.domain);
	CHECK_EQ(step_some(&c, 1000000001, 1000000004, &all, &g), TRK_OK);
	CHECK(all.seen.floor == c.cont.base + 1000000000 - 4 * TRK_MAX_CWND);
}

static void range__old_continuation_is_renewed(void)
{
	struct trk_grant g;
	struct conn c;

	conn_open(&c);
	CHECK_EQ(conn_step(&c, TRK_KIND_RANGE, 1, 2, NOW + HORIZON / 2, &g), TRK_OK);
	CHECK_EQ(g.mint, TRK_MINT_NONE);
	CHECK_EQ(conn_step(&c, TRK_KIND_RANGE, 1, 2, NOW + HORIZON / 2 + 1, &g), TRK_OK);
	CHECK_EQ(g.mint, TRK_MINT_FIRST);
	CHECK_EQ(g.cont.base, c.cont.base + 2);
	CHECK(g.cont.time_ms == NOW + HORIZON / 2 + 1);
	CHECK_EQ(g.cont.law.tcp_base, c.cont.law.tcp_base);
}

static void range__horizon_and_skew(void)
{
	struct trk_grant g;
	struct conn c;

	conn_open(&c);
	CHECK_EQ(conn_step(&c, TRK_KIND_RANGE, 1, 2, NOW + HORIZON, &g), TRK_OK);
	CHECK_EQ(conn_step(&c, TRK_KIND_RANGE, 1, 2, NOW + HORIZON + 1, &g), TRK_DROP_EXPIRED);
	CHECK_EQ(conn_step(&c, TRK_KIND_RANGE, 1, 2, NOW - 2 * SKEW, &g), TRK_OK);
	CHECK_EQ(conn_step(&c, TRK_KIND_RANGE, 1, 2, NOW - 2 * SKEW - 1, &g), TRK_DROP_EXPIRED);
	CHECK_EQ(conn_step(&c, TRK_KIND_CLOSE, 0, 0, NOW + HORIZON + 1, &g), TRK_DROP_EXPIRED);
}

static void range__bounds(void)
{
	struct trk_grant g;
	struct conn c;

	conn_open(&c);
	CHECK_EQ(conn_step(&c, TRK_KIND_RANGE, 0, 2, NOW, &g), TRK_DROP_RANGE);
	CHECK_EQ(conn_step(&c, TRK_KIND_RANGE, 3, 2, NOW, &g), TRK_DROP_RANGE);
	CHECK(conn_step(&c, TRK_KIND_RANGE, 1, 0, NOW, &g) != TRK_OK);
	CHECK_EQ(conn_step(&c, TRK_KIND_RANGE, 2, 2, NOW, &g), TRK_OK);
	/* A report of far too much is refused, or grants at most two numbers for each. */
	CHECK(conn_step(&c, TRK_KIND_RANGE, 1, 0x80000000u, NOW, &g) != TRK_OK ||
	      g.count <= 2 * 0x80000000ULL);
}

static void range__wrong_proof_refused(void)
{
	struct trk_grant g;
	struct conn c;
	unsigned int bit;

	conn_open(&c);
	CHECK_EQ(conn_step(&c, TRK_KIND_RANGE, 1, 4, NOW, &g), TRK_OK);
	for (bit = 0; bit < 64; bit++) {
		c.q.proof ^= 1ULL << bit;
		CHECK_EQ(conn_again(&c, &g), TRK_DROP_PROOF);
		c.q.proof ^= 1ULL << bit;
	}
	/* The proof does not hold for one number more, nor if a loss is not claimed. */
	c.q.n++;
	CHECK_EQ(conn_again(&c, &g), TRK_DROP_PROOF);
	conn_open(&c);
	conn_lose(&c, 2, 2);
	CHECK_EQ(conn_step(&c, TRK_KIND_RANGE, 1, 4, NOW, &g), TRK_OK);
	c.q.nclaims = 0;
	CHECK_EQ(conn_again(&c, &g), TRK_DROP_PROOF);
}

static void range__growth_claimed_for_nogrowth_refused(void)
{
	struct trk_grant g;
	struct conn c;

	conn_open(&c);
	c.claims.count = 1;
	c.claims.c[0] = (struct trk_claim){ c.cont.base + 2, c.cont.base + 3, TRK_CLAIM_NOGROWTH };
	CHECK_EQ(conn_step(&c, TRK_KIND_RANGE, 1, 4, NOW, &g), TRK_OK);
	CHECK_EQ(g.count, 6);
	c.q.nclaims = 0;
	CHECK_EQ(conn_again(&c, &g), TRK_DROP_PROOF);
	c.q.nclaims = 1;
	c.q.claim[0].kind = TRK_CLAIM_LOST;
	CHECK_EQ(conn_again(&c, &g), TRK_DROP_PROOF);
}

static void range__malformed_claims_refused(void)
{
	struct trk_grant g;
	struct conn c;

	conn_open(&c);
	conn_lose(&c, 2, 2);
	conn_lose(&c, 5, 6);
	CHECK_EQ(conn_step(&c, TRK_KIND_RANGE, 1, 8, NOW, &g), TRK_OK);
	c.q.claim[1].a = c.q.claim[0].a;
	CHECK_EQ(conn_again(&c, &g), TRK_DROP_CLAIMS);
	c.q.claim[1].a = c.q.claim[0].a - 1;
	CHECK_EQ(conn_again(&c, &g), TRK_DROP_CLAIMS);
	c.q.claim[1].a = (u32)c.cont.base;
	CHECK_EQ(conn_again(&c, &g), TRK_DROP_CLAIMS);
	c.q.claim[1].a = (u32)c.cont.base + 5;
	c.q.claim[1].len = 4;
	CHECK_EQ(conn_again(&c, &g), TRK_DROP_CLAIMS);
	c.q.claim[1].len = 0x7fffffff;
	CHECK_EQ(conn_again(&c, &g), TRK_DROP_CLAIMS);
}

static void range__impossible_claims_refused(void)
{
	struct trk_grant g;
	struct conn c;

	/* If 1 to 10 were in flight and are all lost, nothing can have issued 11. */
	conn_open(&c);
	conn_lose(&c, 1, 10);
	CHECK_EQ(conn_step(&c, TRK_KIND_RANGE, 1, 11, NOW, &g), TRK_DROP_RANGE);
	CHECK_EQ(conn_step(&c, TRK_KIND_RANGE, 12, 12, NOW, &g), TRK_DROP_CLAIMS);
	conn_open(&c);
	conn_lose(&c, 1, 9);
	CHECK_EQ(conn_step(&c, TRK_KIND_RANGE, 1, 10, NOW, &g), TRK_OK);
	conn_open(&c);
	conn_lose(&c, 1, 1000000);
	CHECK_EQ(conn_step(&c, TRK_KIND_RANGE, 1, 1000001, NOW, &g), TRK_DROP_RANGE);
	CHECK_EQ(conn_step(&c, TRK_KIND_RANGE, 1000001, 1000001, NOW, &g), TRK_DROP_CLAIMS);
	CHECK_EQ(conn_step(&c, TRK_KIND_TIMEOUT, 0, 1000001, NOW, &g), TRK_DROP_ATTEMPT);
	c.q.attempt = 1;
	CHECK_EQ(conn_step(&c, TRK_KIND_TIMEOUT, 0, 1000001, NOW, &g), TRK_DROP_CLAIMS);
}

static void range__other_keys_and_peers_refused(void)
{
	struct trk_server_env env = env_at(NOW);
	struct trk_peer p = peer;
	struct trk_grant g;
	struct conn c;
	unsigned int bit;

	conn_open(&c);
	CHECK_EQ(conn_step(&c, TRK_KIND_RANGE, 1, 4, NOW, &g), TRK_OK);
	for (bit = 0; bit < 8 * TRK_CONT_LEN; bit++) {
		int err;

		c.blob[bit / 8] ^= 1 << bit % 8;
		err = conn_again(&c, &g);
		/* Byte 1 names the key, bytes 46 and 47 the owner. */
		CHECK(err == TRK_DROP_MAC || (bit / 8 == 1 && err == TRK_DROP_KEY) ||
		      (bit / 16 == 23 && err == TRK_DROP_OWNER));
		c.blob[bit / 8] ^= 1 << bit % 8;
	}
	p.port++;
	CHECK_EQ(trk_server_step(&env, &p, &c.q, 1000, 2000, 300, &g), TRK_DROP_MAC);
	p = peer;
	p.service++;
	CHECK_EQ(trk_server_step(&env, &p, &c.q, 1000, 2000, 300, &g), TRK_DROP_MAC);
	c.blob[1] = 200;
	CHECK_EQ(conn_again(&c, &g), TRK_DROP_KEY);
}

/*
 * A continuation of the previous key is still good.  The new one is sealed with the current key,
 * but names the key of the domain's birth, which goes on to make the nonces.
 */
static void range__previous_key_accepted(void)
{
	struct trk_server_env env = env_at(NOW);
	struct trk_grant g;
	struct conn c;

	conn_open(&c);
	c.cont.key_id = previous.c.key_id;
	c.cont.domain_key = previous.c.key_id;
	conn_step(&c, TRK_KIND_RANGE, 1, 2, NOW, &g);
	trk_seal_cont(&previous.c, &peer, &c.cont, c.blob);
	c.q.proof = trk_nonce_proof(&previous.c, c.cont.conn, c.cont.domain, c.cont.base,
				    &c.claims);
	CHECK_EQ(trk_server_step(&env, &peer, &c.q, 1000, 2000, 300, &g), TRK_OK);
	CHECK_EQ(g.mint, TRK_MINT_FIRST);
	CHECK_EQ(g.cont.domain_key, previous.c.key_id);
	trk_seal_cont(&key.c, &peer, &g.cont, c.blob);
	CHECK_EQ(trk_seal_cont_open(&key.c, &peer, c.blob, &c.cont), TRK_OK);
	CHECK_EQ(c.cont.domain_key, previous.c.key_id);
}

/* A client gets a continuation of the new key without asking for it. */
static void range__renewed_when_the_key_changed(void)
{
	struct trk_server_env env = env_at(NOW);
	struct trk_grant g;
	struct conn c;

	conn_open(&c);
	CHECK_EQ(conn_step(&c, TRK_KIND_RANGE, 1, 2, NOW, &g), TRK_OK);
	CHECK_EQ(g.mint, TRK_MINT_NONE);
	trk_seal_cont(&previous.c, &peer, &c.cont, c.blob);
	CHECK_EQ(trk_server_step(&env, &peer, &c.q, 1000, 2000, 300, &g), TRK_OK);
	CHECK_EQ(g.mint, TRK_MINT_FIRST);
	CHECK_EQ(g.cont.base, c.cont.base + 2);
	CHECK_EQ(g.cont.domain_key, key.c.key_id);
}

/* A domain that was born under a retired key goes on: its nonces can still be proved. */
static void range__domain_of_a_retired_key(void)
{
	struct trk_server_env env = env_at(NOW);
	struct trk_grant g;
	struct conn c;

	conn_open(&c);
	c.cont.domain_key = retired.c.key_id;
	conn_step(&c, TRK_KIND_RANGE, 1, 2, NOW, &g);
	c.q.proof = trk_nonce_proof(&retired.c, c.cont.conn, c.cont.domain, c.cont.base, &c.claims);
	CHECK_EQ(trk_server_step(&env, &peer, &c.q, 1000, 2000, 300, &g), TRK_OK);
	CHECK_EQ(g.count, 4);
	CHECK_EQ(g.cont.domain_key, retired.c.key_id);
	c.cont.domain_key = 200;
	trk_seal_cont(&key.c, &peer, &c.cont, c.blob);
	CHECK_EQ(trk_server_step(&env, &peer, &c.q, 1000, 2000, 300, &g), TRK_DROP_KEY);
}

/*
 * A continuation of a retired key is renewed only, in a new domain of the current key, and only
 * by a TIMEOUT; no request is executed with it.
 */
static void range__retired_key_renews_only(void)
{
	struct trk_server_env env = env_at(NOW);
	struct trk_grant g;
	struct conn c;
	u8 kind;

	conn_open(&c);
	c.q.attempt = 1;
	c.q.has_input = true;
	c.q.input_len = 100;
	c.q.flags = TRK_REQ_FIN | TRK_REQ_GROW;
	for (kind = TRK_KIND_RANGE; kind <= TRK_KIND_CLOSE; kind++) {
		CHECK_EQ(conn_step(&c, kind, 4, 4, NOW, &g), TRK_OK);
		CHECK(!g.renew_only);
		trk_seal_cont(&retired.c, &peer, &c.cont, c.blob);
		CHECK_EQ(trk_server_step(&env, &peer, &c.q, 1000, 2000, 300, &g),
			 kind == TRK_KIND_TIMEOUT ? TRK_OK : TRK_DROP_KEY);
		if (kind != TRK_KIND_TIMEOUT)
			continue;
		CHECK(g.renew_only && !g.has_input && !g.final_input && !g.grow);
		CHECK_EQ(g.count, 1);
		CHECK_EQ(g.cont.domain_key, key.c.key_id);
		CHECK(g.cont.domain != c.cont.domain);
	}
	/* It may be ahead of the clock by twice the skew, as any continuation may. */
	conn_step(&c, TRK_KIND_TIMEOUT, 4, 4, NOW, &g);
	trk_seal_cont(&retired.c, &peer, &c.cont, c.blob);
	env.now_ms = NOW - 2 * SKEW;
	CHECK_EQ(trk_server_step(&env, &peer, &c.q, 1000, 2000, 300, &g), TRK_OK);
	env.now_ms--;
	CHECK_EQ(trk_server_step(&env, &peer, &c.q, 1000, 2000, 300, &g), TRK_OK);
	CHECK(g.renew_only);
}

/*
 * The clock was set back, or a replica's is ahead: what seems to be from the future is renewed, and
 * the domain that follows is of now.
 */
static void timeout__from_the_future(void)
{
	u64 now = NOW - 3600000, domain;
	struct trk_grant g;
	struct conn c;

	conn_open(&c);
	c.cont.domain = (u64)trk_seal_order_at(NOW) << 32 | 7;
	c.q.attempt = 1;
	CHECK_EQ(conn_step(&c, TRK_KIND_TIMEOUT, 0, 0, NOW - 2 * SKEW, &g), TRK_OK);
	CHECK(!g.renew_only);
	CHECK_EQ(conn_step(&c, TRK_KIND_TIMEOUT, 0, 0, NOW - 2 * SKEW - 1, &g), TRK_OK);
	CHECK(g.renew_only);
	CHECK_EQ(conn_step(&c, TRK_KIND_TIMEOUT, 0, 0, now, &g), TRK_OK);
	CHECK(g.renew_only && !g.has_output && !g.nask);
	CHECK_EQ(trk_domain_order(g.cont.domain), trk_seal_order_at(now) | 1);
	CHECK_EQ(g.cont.time_ms, now);
	/* From there on all is as usual. */
	c.cont = g.cont;
	domain = c.cont.domain;
	CHECK_EQ(conn_step(&c, TRK_KIND_TIMEOUT, 0, 0, now + 300, &g), TRK_OK);
	CHECK(!g.renew_only);
	CHECK((s32)(trk_domain_order(g.cont.domain) - trk_domain_order(domain)) > 0);
}

/* A cookie of the previous key is good, one of a retired key is not. */
static void first__cookie_of_a_retired_key(void)
{
	struct trk_server_env env = env_at(NOW), then = env_at(NOW);
	struct trk_req q = { .kind = TRK_KIND_FIRST, .seg_size = 1448 };
	struct trk_grant g;

	then.current_key = &previous.c;
	CHECK_EQ(trk_server_step(&env, &peer, &q, ISN + 1, trk_server_syn_cookie(&then, &peer,
										 ISN) + 1,
				 200, &g), TRK_OK);
	CHECK_EQ(g.cont.domain_key, key.c.key_id);
	then.current_key = &retired.c;
	CHECK_EQ(trk_server_step(&env, &peer, &q, ISN + 1, trk_server_syn_cookie(&then, &peer,
										 ISN) + 1,
				 200, &g), TRK_DROP_COOKIE);
}

static void timeout__one_packet_of_a_new_domain(void)
{
	struct trk_grant g, h;
	struct conn c;

	conn_open(&c);
	c.q.attempt = 1;
	CHECK_EQ(conn_step(&c, TRK_KIND_TIMEOUT, 4, 4, NOW, &g), TRK_OK);
	CHECK_EQ(g.count, 1);
	/* n + W(n) = 4 + 14 */
	CHECK_EQ(g.first, c.cont.base + 19);
	CHECK_EQ(g.cont.base, c.cont.base + 18);
	CHECK_EQ(g.cont.law.tcp_base, c.cont.base + 18);
	CHECK_EQ(g.cont.law.start_cwnd, 1);
	CHECK_EQ(g.cont.law.ssthresh, 7);
	CHECK_EQ(g.mint, TRK_MINT_ALL);
	CHECK(g.cont.domain != c.cont.domain);
	CHECK(g.cont.conn == c.cont.conn);
	c.q.attempt = 2;
	CHECK_EQ(conn_step(&c, TRK_KIND_TIMEOUT, 4, 4, NOW, &h), TRK_OK);
	CHECK(g.cont.domain != h.cont.domain);
	CHECK_EQ(h.first, g.first);
	CHECK_EQ(h.cont.law.ssthresh, 7);
}

/* A TIMEOUT may ask for smaller packets, and for larger ones again, as far as the route goes. */
static void timeout__another_segment_size(void)
{
	struct trk_grant g, h;
	struct conn c;

	conn_open(&c);
	c.q.attempt = 1;
	CHECK_EQ(conn_step(&c, TRK_KIND_TIMEOUT, 4, 4, NOW, &g), TRK_OK);
	CHECK_EQ(g.cont.seg_size, SEG_SIZE);
	c.q.seg_size = 700;
	CHECK_EQ(conn_again(&c, &h), TRK_OK);
	CHECK_EQ(h.cont.seg_size, 700);
	CHECK_EQ(h.size, 700);
	/* The window grows up to as many bytes as before. */
	CHECK_EQ(h.cont.law.ssthresh, g.cont.law.ssthresh * SEG_SIZE / 700);
	CHECK(h.cont.law.ssthresh > g.cont.law.ssthresh);
	/* The number stands where it would, and the next one follows it. */
	CHECK_EQ((u32)(h.seq0 + (h.first - 1) * 700), (u32)(g.seq0 + (g.first - 1) * SEG_SIZE));
	c.cont.seg_size = 700;
	c.q.seg_size = 65535;
	CHECK_EQ(conn_step(&c, TRK_KIND_TIMEOUT, 4, 4, NOW, &h), TRK_OK);
	CHECK_EQ(h.cont.seg_size, SEG_SIZE);
	CHECK_EQ(h.cont.law.ssthresh, g.cont.law.ssthresh * 700 / SEG_SIZE);
	CHECK_EQ((u32)(h.seq0 + (h.first - 1) * SEG_SIZE), (u32)(g.seq0 + (g.first - 1) * 700));
	c.q.seg_size = TRK_MIN_SEG_SIZE;
	CHECK_EQ(conn_again(&c, &h), TRK_OK);
	c.q.seg_size = TRK_MIN_SEG_SIZE - 1;
	CHECK_EQ(conn_again(&c, &h), TRK_DROP_RANGE);
	/* Other requests say nothing of it. */
	c.q.attempt = 0;
	CHECK_EQ(conn_step(&c, TRK_KIND_RANGE, 1, 1, NOW, &h), TRK_OK);
	CHECK_EQ(h.cont.seg_size, 700);
}

/* An answer without anything yet. */
static void answer_to(const struct trk_grant *g, struct trk_answer *a)
{
	trk_answer_init(a);
	a->g = g;
	a->peer = &peer;
	a->seal = &key.c;
	a->nonce = &key.c;
}

/* From attempt 2 on the answer is small, if it can be. */
static void timeout__small_attempts(void)
{
	static u8 opaque[450];
	struct trk_answer a;
	struct trk_packet p;
	u8 hdr[TRK_RESP_HDR_MAX];
	struct trk_grant g;
	struct conn c;

	conn_open(&c);
	c.q.has_input = true;
	for (c.q.attempt = 1; c.q.attempt <= 3; c.q.attempt++) {
		u16 size = c.q.attempt < TRK_SMALL_ATTEMPT ? SEG_SIZE : TRK_MIN_SEG_SIZE;

		CHECK_EQ(conn_step(&c, TRK_KIND_TIMEOUT, 4, 4, NOW, &g), TRK_OK);
		CHECK_EQ(g.cont.seg_size, SEG_SIZE);
		CHECK_EQ(g.size, size);
		CHECK(trk_answer_mss(&g) < size);
		answer_to(&g, &a);
		a.has_output = true;
		a.output = (struct trk_ucont){ .end = 1000000, .len = 4, .opaque = hdr };
		a.len = 1000000;
		CHECK_EQ(trk_answer_begin(&a), 0);
		CHECK(trk_answer_next(&a, hdr, &p));
		CHECK_EQ(p.hdr_len + p.data_len, size);
		CHECK(!trk_answer_next(&a, hdr, &p));
	}
	/* Output that can come only once, and continuations, take what they need. */
	answer_to(&g, &a);
	a.has_consumed = true;
	a.consumed_to = 1;
	a.len = 600;
	CHECK_EQ(trk_answer_begin(&a), 0);
	CHECK(trk_answer_next(&a, hdr, &p));
	CHECK_EQ(p.data_len, 600);
	/* A continuation that a small packet has no room for, with the beginning of the data */
	answer_to(&g, &a);
	a.has_output = true;
	a.output = (struct trk_ucont){ .end = 1000000, .len = sizeof(opaque), .opaque = opaque };
	a.len = 1000000;
	CHECK_EQ(trk_answer_begin(&a), 0);
	CHECK(trk_answer_next(&a, hdr, &p));
	CHECK(p.hdr_len > TRK_MIN_SEG_SIZE);
	CHECK(p.data_len > 0 && p.hdr_len + p.data_len <= SEG_SIZE);
}

static void timeout__in_an_event(void)
{
	struct trk_grant g;
	struct conn c;

	/* First loss 3: W = 12, R = 14, newCwnd = 6. */
	conn_open(&c);
	c.q.attempt = 1;
	conn_lose(&c, 3, 3);
	CHECK_EQ(conn_step(&c, TRK_KIND_TIMEOUT, 0, 5, NOW, &g), TRK_OK);
	CHECK_EQ(g.first, c.cont.base + 16);
	CHECK_EQ(g.cont.law.ssthresh, 6);
	CHECK_EQ(g.cont.law.first_loss, 0);
}

/* Past its horizon, a continuation is renewed only: nothing in the request is executed. */
static void timeout__beyond_the_horizon(void)
{
	static u8 opaque[40];
	struct trk_answer a = { .g = NULL, .peer = &peer, .len = 5000, .fin = true, .abort = true,
				.has_consumed = true, .consumed_to = 9, .has_input = true,
				.input = { .end = 1000, .len = sizeof(opaque), .opaque = opaque } };
	struct trk_packet p;
	u8 hdr[TRK_RESP_HDR_MAX];
	struct trk_grant g;
	struct trk_resp r;
	struct conn c;

	conn_open(&c);
	c.q.attempt = 1;
	c.q.has_input = true;
	c.q.input_len = 100;
	c.q.flags = TRK_REQ_FIN | TRK_REQ_GROW;
	CHECK_EQ(conn_step(&c, TRK_KIND_TIMEOUT, 4, 4, NOW + HORIZON, &g), TRK_OK);
	CHECK(!g.renew_only && g.has_input && g.final_input);
	CHECK_EQ(conn_step(&c, TRK_KIND_TIMEOUT, 4, 4, NOW + HORIZON + 1, &g), TRK_OK);
	CHECK(g.renew_only && !g.has_input && !g.final_input && !g.grow);
	CHECK_EQ(g.count, 1);
	CHECK_EQ(g.cont.law.start_cwnd, 1);
	CHECK(g.cont.time_ms == NOW + HORIZON + 1);
	a.g = &g;
	a.seal = env_at(NOW).current_key;
	a.nonce = a.seal;
	CHECK_EQ(trk_answer_begin(&a), 0);
	CHECK(trk_answer_next(&a, hdr, &p));
	CHECK_EQ(p.hdr_len + p.data_len, TRK_RESP_FIXED + TRK_CONT_LEN);
	CHECK_EQ(trk_wire_resp_parse(&r, hdr, p.hdr_len, p.hdr_len), TRK_OK);
	CHECK(r.cont.p && !(r.flags & (TRK_RESP_FIN | TRK_RESP_ABORT)));
	CHECK(!trk_answer_next(&a, hdr, &p));
}

/* Sends the request that conn_step() has made from another address. */
static int conn_from(struct conn *c, const struct trk_peer *from, bool moves, struct trk_grant *g)
{
	struct trk_server_env env = env_at(NOW);

	env.moves = moves;
	return trk_server_step(&env, from, &c->q, 1000, 2000, 300, g);
}

/*
 * The answer must be one packet, smaller than the request, with a continuation that is sealed for
 * the address that the request came from, and with that address.
 */
static void renewed(const struct conn *c, const struct trk_peer *from, const struct trk_grant *g)
{
	struct trk_answer a = { .g = g, .peer = from, .seal = &key.c, .nonce = &key.c,
				.len = 5000, .fin = true };
	u8 request[TRK_REQ_HDR_MAX], hdr[TRK_RESP_HDR_MAX], addr[TRK_ADDR_MAX];
	struct trk_packet p, more;
	struct trk_cont cont;
	struct trk_resp r;

	CHECK(g->renew_only && g->moved && g->count == 1);
	CHECK_EQ(trk_answer_begin(&a), 0);
	CHECK(trk_answer_next(&a, hdr, &p));
	CHECK_EQ(p.data_len, 0);
	CHECK(p.hdr_len < trk_wire_req_write(request, &c->q));
	CHECK_EQ(trk_wire_resp_parse(&r, hdr, p.hdr_len, p.hdr_len), TRK_OK);
	CHECK_EQ(trk_seal_cont_open(&key.c, from, r.cont.p, &cont), TRK_OK);
	CHECK_EQ(cont.conn, c->cont.conn);
	CHECK(cont.domain != c->cont.domain);
	CHECK_EQ(r.addr.len, trk_seal_peer_write(from, addr));
	CHECK(!memcmp(r.addr.p, addr, r.addr.len));
	CHECK(!trk_answer_next(&a, hdr, &more));
}

static void timeout__from_another_address(void)
{
	struct trk_peer was = { .addr = { [10] = 255, 255, 1 }, .port = 6, .service = 80 };
	struct trk_peer is = was, v6 = peer;
	u8 addr[TRK_ADDR_MAX];
	struct trk_grant g;
	struct conn c;

	is.port++;
	conn_open(&c);
	c.q.attempt = 4;
	CHECK_EQ(conn_step(&c, TRK_KIND_TIMEOUT, 0, 0, NOW, &g), TRK_OK);
	trk_seal_cont(&key.c, &was, &c.cont, c.blob);
	CHECK_EQ(conn_from(&c, &is, true, &g), TRK_DROP_MAC);
	c.q.addr = (struct trk_blob){ addr, trk_seal_peer_write(&was, addr) };
	CHECK_EQ(conn_from(&c, &was, false, &g), TRK_OK);
	CHECK(!g.renew_only && !g.moved && !g.addr_len);
	CHECK_EQ(conn_from(&c, &is, false, &g), TRK_DROP_MOVED);
	CHECK_EQ(conn_from(&c, &is, true, &g), TRK_OK);
	CHECKED(renewed(&c, &is, &g));
	/* Wrong are another address, one of another length, another service, another kind. */
	addr[3] ^= 1;
	CHECK_EQ(conn_from(&c, &is, true, &g), TRK_DROP_MAC);
	addr[3] ^= 1;
	CHECK_EQ(conn_from(&c, &v6, true, &g), TRK_DROP_MAC);
	is.service++;
	CHECK_EQ(conn_from(&c, &is, true, &g), TRK_DROP_MAC);
	is.service--;
	c.q.kind = TRK_KIND_CLOSE;
	CHECK_EQ(conn_from(&c, &is, true, &g), TRK_DROP_MAC);
	c.q.kind = TRK_KIND_RANGE;
	c.q.m = (u32)c.cont.base + 1;
	CHECK_EQ(conn_from(&c, &is, true, &g), TRK_DROP_MAC);
}

static struct trku_replay answered;

static int record_at(u64 now_ms, const struct trk_peer *from, struct trk_record *m)
{
	return toy_record(&answered, from, m, now_ms);
}

static int record(void *arg, const struct trk_peer *from, struct trk_record *m)
{
	return record_at(*(const u64 *)arg, from, m);
}

/*
 * Somebody who has kept a request of the client uses up all attempts.  The client's own timeout
 * is still renewed (rationale.rst, "Answered once").
 */
static void timeout__attempts_used_up(void)
{
	struct trk_server_env env = env_at(NOW);
	struct trk_grant g;
	struct conn c;
	unsigned int i;

	trku_replay_free(&answered);
	conn_open(&c);
	c.q.attempt = 1;
	c.q.flags = TRK_REQ_FIN | TRK_REQ_GROW;
	c.q.has_input = true;
	c.q.input_len = 100;
	CHECK_EQ(conn_step(&c, TRK_KIND_TIMEOUT, 0, 0, NOW, &g), TRK_OK);
	CHECK(!g.renew_only && g.has_input && g.final_input && g.grow);
	env.record = record;
	env.arg = &env.now_ms;
	for (i = 1; i <= TRK_MAX_ATTEMPTS; i++) {
		c.q.attempt = i;
		env.now_ms += 64;
		CHECK_EQ(trk_server_step(&env, &peer, &c.q, 1000, 2000, 300, &g), TRK_OK);
		CHECK(!g.renew_only && g.has_input);
		/* A second domain at the same moment would not be younger. */
		CHECK_EQ(trk_server_step(&env, &peer, &c.q, 1000, 2000, 300, &g), TRK_DROP_REPLAY);
	}
	c.q.attempt = 1;
	env.now_ms += 64;
	CHECK_EQ(trk_server_step(&env, &peer, &c.q, 1000, 2000, 300, &g), TRK_OK);
	CHECK(g.renew_only && !g.has_input && !g.final_input && !g.grow && g.count == 1);
	CHECK_EQ(trk_server_step(&env, &peer, &c.q, 1000, 2000, 300, &g), TRK_DROP_REPLAY);
}

/* Timeouts that follow each other too fast would bring domains ahead of the clock: DropAttempt. */
static void timeout__not_ahead_of_the_clock(void)
{
	struct trk_grant g;
	struct conn c;
	unsigned int i;
	int err = TRK_OK;

	conn_open(&c);
	c.cont.domain = (u64)trk_seal_order_at(NOW) << 32;
	c.q.attempt = 1;
	for (i = 0; i < 100 && !err; i++) {
		err = conn_step(&c, TRK_KIND_TIMEOUT, 0, 0, NOW, &g);
		c.cont = g.cont;
	}
	CHECK_EQ(err, TRK_DROP_ATTEMPT);
	CHECK(i > TRK_MAX_ATTEMPTS && i < 30);
	/* A while later the clock has caught up. */
	CHECK((s32)(trk_domain_order(c.cont.domain) - trk_seal_order_at(NOW + 1500)) < 0);
	CHECK_EQ(conn_step(&c, TRK_KIND_TIMEOUT, 0, 0, NOW + 1500, &g), TRK_OK);
}

/* Protocol.rst: ahead of the clock by more than a second and twice the skew. */
static void range__not_ahead_of_the_clock(void)
{
	u64 latest = trk_seal_order_at(NOW + 2 * SKEW + 1000);
	struct trk_grant g;
	struct conn c;

	conn_open(&c);
	c.cont.domain = latest << 32 | 7;
	CHECK_EQ(conn_step(&c, TRK_KIND_RANGE, 1, 1, NOW, &g), TRK_OK);
	c.cont.domain = (latest + 1) << 32 | 7;
	CHECK_EQ(conn_step(&c, TRK_KIND_RANGE, 1, 1, NOW, &g), TRK_DROP_ATTEMPT);
	/* What is more than an hour ahead is of long ago. */
	c.cont.domain = (latest + (1 << 20) - 1) << 32 | 7;
	CHECK_EQ(conn_step(&c, TRK_KIND_RANGE, 1, 1, NOW, &g), TRK_DROP_ATTEMPT);
	c.cont.domain = (latest + (1 << 20)) << 32 | 7;
	CHECK_EQ(conn_step(&c, TRK_KIND_RANGE, 1, 1, NOW, &g), TRK_OK);
}

/* Nothing is sealed that would not be believed. */
static void range__numbers_end(void)
{
	u64 last = (1ULL << 62) - 2 * TRK_MAX_CWND;
	struct trk_grant g;
	struct conn c;

	conn_open(&c);
	c.cont.base = last - 1;
	trk_law_init(&c.cont.law, last - 1, TRK_INITIAL_WINDOW, TRK_SSTHRESH_INF, 0);
	CHECK_EQ(conn_step(&c, TRK_KIND_RANGE, 1, 1, NOW, &g), TRK_OK);
	CHECK_EQ(conn_step(&c, TRK_KIND_RANGE, 1, 2, NOW, &g), TRK_DROP_RANGE);
}

/* The nonces of the new domain are of the current key, whatever those of the old one were of. */
static void timeout__domain_of_the_current_key(void)
{
	struct trk_grant g;
	struct conn c;

	conn_open(&c);
	c.cont.domain_key = previous.c.key_id;
	c.q.attempt = 1;
	CHECK_EQ(conn_step(&c, TRK_KIND_TIMEOUT, 0, 0, NOW, &g), TRK_OK);
	CHECK_EQ(g.cont.domain_key, key.c.key_id);
	CHECK_EQ(conn_step(&c, TRK_KIND_RANGE, 1, 1, NOW, &g), TRK_DROP_PROOF);
}

/* The order of domains wraps after half a year.  However old a domain is, it can be renewed. */
static void timeout__of_an_old_domain(void)
{
	struct trk_grant g;
	struct conn c;
	u64 days;

	for (days = 1; days < 400; days++) {
		conn_open(&c);
		c.q.attempt = 1;
		CHECK_EQ(conn_step(&c, TRK_KIND_TIMEOUT, 0, 0, NOW + days * 86400000, &g), TRK_OK);
		CHECK(g.renew_only);
	}
}

/* The client's address is in each packet of the first answer, so that any of them will do. */
static void first__address_in_every_packet(void)
{
	struct trk_answer a = { .peer = &peer, .seal = &key.c, .nonce = &key.c, .len = 50,
				.has_consumed = true, .consumed_to = 9 };
	struct trk_grant g;
	struct trk_packet p;
	struct trk_resp r;
	u8 hdr[TRK_RESP_HDR_MAX];
	unsigned int n = 0;

	a.g = &g;
	CHECK_EQ(first(NOW, NOW, ISN, (struct trk_req){ .flags = TRK_REQ_GROW }, &g), TRK_OK);
	g.paid = TRK_INITIAL_WINDOW;
	CHECK_EQ(trk_answer_begin(&a), 0);
	while (trk_answer_next(&a, hdr, &p)) {
		CHECK_EQ(trk_wire_resp_parse(&r, hdr, p.hdr_len, p.hdr_len + p.data_len), TRK_OK);
		CHECK_EQ(r.addr.len, TRK_ADDR_MAX);
		n++;
	}
	CHECK_EQ(n, TRK_INITIAL_WINDOW);
}

/* Protocol.rst: from 1 to 15. */
static void timeout__attempts_are_bounded(void)
{
	struct trk_grant g;
	struct conn c;
	unsigned int i;

	conn_open(&c);
	for (i = 0; i < 256; i++) {
		c.q.attempt = i;
		CHECK_EQ(conn_step(&c, TRK_KIND_TIMEOUT, 4, 4, NOW, &g),
			 i && i <= 15 ? TRK_OK : TRK_DROP_ATTEMPT);
	}
}

static void timeout__proof_is_checked(void)
{
	struct trk_grant g;
	struct conn c;

	conn_open(&c);
	c.q.attempt = 1;
	CHECK_EQ(conn_step(&c, TRK_KIND_TIMEOUT, 0, 0, NOW, &g), TRK_OK);
	c.q.n += 5;
	CHECK_EQ(conn_again(&c, &g), TRK_DROP_PROOF);
}

static void step__any_server_is_the_same_server(void)
{
	struct trk_server_env a = env_at(NOW), b = env_at(NOW);
	struct trk_grant g, h;
	struct conn c;

	b.skew_ms = 5;
	b.horizon_ms = HORIZON;
	b.max_seg_size = 600;
	conn_open(&c);
	conn_lose(&c, 4, 5);
	CHECK_EQ(conn_step(&c, TRK_KIND_RANGE, 2, 9, NOW, &g), TRK_OK);
	CHECK_EQ(trk_server_step(&a, &peer, &c.q, 1000, 2000, 300, &g), TRK_OK);
	CHECK_EQ(trk_server_step(&b, &peer, &c.q, 1000, 2000, 300, &h), TRK_OK);
	CHECK(!memcmp(&g, &h, sizeof(g)));
}

/* ---- user continuations and what is asked under them ---- */

static void ask__inside_the_continuation(void)
{
	struct trk_ucont u = { .start = 1000, .end = 5000, .len = 4, .opaque = (const u8 *)"file" };
	u8 blob[TRK_SEALED_UCONT_MAX];
	struct trk_grant g;
	struct conn c;

	conn_open(&c);
	c.q.output = (struct trk_blob){ blob, trk_seal_ucont(&key.c, &peer, 77, TRK_EXT_OUTPUT, &u,
							     blob) };
	c.q.nask = 2;
	c.q.ask[0] = (struct trk_bytes){ 1000, 10 };
	c.q.ask[1] = (struct trk_bytes){ 4000, 1000 };
	CHECK_EQ(conn_step(&c, TRK_KIND_RANGE, 1, 4, NOW, &g), TRK_OK);
	CHECK_EQ(g.nask, 2);
	CHECK(g.has_output);
	CHECK_EQ(g.output.len, 4);
	CHECK(!memcmp(g.output.opaque, "file", 4));
	c.q.ask[1].len++;
	CHECK_EQ(conn_again(&c, &g), TRK_DROP_ASK);
	c.q.ask[1] = (struct trk_bytes){ 999, 2 };
	CHECK_EQ(conn_again(&c, &g), TRK_DROP_ASK);
	c.q.ask[1] = (struct trk_bytes){ U64_MAX - 5, 5 };
	CHECK_EQ(conn_again(&c, &g), TRK_DROP_ASK);
	c.q.nask = 0;
	blob[30] ^= 1;
	CHECK_EQ(conn_again(&c, &g), TRK_DROP_UCONT);
	/* Its seal is right, but it ends before it begins. */
	u.end = u.start - 1;
	trk_seal_ucont(&key.c, &peer, 77, TRK_EXT_OUTPUT, &u, blob);
	CHECK_EQ(conn_again(&c, &g), TRK_DROP_UCONT);
}

static void ask__other_connection_refused(void)
{
	struct trk_ucont u = { .start = 0, .end = 5000 };
	u8 blob[TRK_SEALED_UCONT_MAX];
	struct trk_grant g;
	struct conn c;

	conn_open(&c);
	c.q.output = (struct trk_blob){ blob, trk_seal_ucont(&key.c, &peer, 78, TRK_EXT_OUTPUT, &u,
							     blob) };
	CHECK_EQ(conn_step(&c, TRK_KIND_RANGE, 1, 4, NOW, &g), TRK_DROP_UCONT);
	trk_seal_ucont(&key.c, &peer, 77, TRK_EXT_INPUT, &u, blob);
	CHECK_EQ(conn_step(&c, TRK_KIND_RANGE, 1, 4, NOW, &g), TRK_DROP_UCONT);
	c.q.input = c.q.output;
	c.q.output.p = NULL;
	CHECK_EQ(conn_step(&c, TRK_KIND_RANGE, 1, 4, NOW, &g), TRK_OK);
	CHECK(g.has_input_cont && !g.has_output);
	blob[17] = 200;
	CHECK_EQ(conn_step(&c, TRK_KIND_RANGE, 1, 4, NOW, &g), TRK_DROP_KEY);
}

/* ---- answers ---- */

#define MAX_PACKETS	300

struct laid_out {
	unsigned int n;
	struct trk_packet p[MAX_PACKETS];
	struct trk_resp r[MAX_PACKETS];
	u8 *hdr[MAX_PACKETS];
	u32 size[MAX_PACKETS];
};

static void laid_out_free(struct laid_out *l)
{
	while (l->n)
		free(l->hdr[--l->n]);
}

/* Makes all packets of an answer, and checks what must hold of any answer. */
static void lay_out(struct trk_answer *a, struct laid_out *l)
{
	const struct trk_grant *g = a->g;
	u64 covered = 0, bytes = 0, most, x;
	u8 hdr[TRK_RESP_HDR_MAX];

	memset(l, 0, sizeof(*l));
	a->peer = &peer;
	a->seal = &key.c;
	a->nonce = &key.c;
	CHECK_EQ(trk_answer_begin(a), 0);
	most = trk_answer_size(a);
	while (trk_answer_next(a, hdr, &l->p[l->n])) {
		struct trk_packet *p = &l->p[l->n];
		struct trk_resp *r = &l->r[l->n];

		CHECK(p->hdr_len <= TRK_RESP_HDR_MAX);
		CHECK(p->hdr_len + p->data_len <= g->cont.seg_size);
		CHECK(p->data_at + p->data_len <= a->len);
		bytes += p->hdr_len + p->data_len;
		CHECK(bytes <= most);
		l->hdr[l->n] = malloc(p->hdr_len);
		memcpy(l->hdr[l->n], hdr, p->hdr_len);
		l->n++;
		CHECK_EQ(trk_wire_resp_parse(r, l->hdr[l->n - 1], p->hdr_len,
					     p->hdr_len + p->data_len),
			 TRK_OK);
		x = g->first + covered;
		CHECK_EQ(r->num, (u32)x);
		CHECK_EQ(r->token, g->token);
		CHECK_EQ(p->seq, (u32)(g->seq0 + (x - 1) * g->cont.seg_size));
		CHECK(r->nonce == trk_nonce_span(&key.c, g->cont.conn, g->cont.domain, x,
						 x + r->span - 1, r->flags & TRK_RESP_NOGROWTH));
		if (!g->grow)
			CHECK(r->flags & TRK_RESP_NOGROWTH);
		covered += r->span;
		CHECK(l->n <= TRK_MAX_ANSWER);
	}
	CHECK_EQ(covered, g->count);
}

/* A grant for a request for @bytes, with an output continuation that key @by has sealed. */
static void grant_asks_by(const struct trk_cipher *by, struct conn *c, struct trk_grant *g, u32 n,
			  u32 bytes)
{
	static u8 blob[TRK_SEALED_UCONT_MAX];
	struct trk_ucont u = { .start = 0, .end = 1 << 30, .len = 9, .opaque = (u8 *)"old state",
			       .flags = TRK_UCONT_FINAL };

	conn_open(c);
	c->q.flags = TRK_REQ_GROW;
	c->q.output = (struct trk_blob){ blob, trk_seal_ucont(by, &peer, 77, TRK_EXT_OUTPUT, &u,
							      blob) };
	c->q.nask = 1;
	c->q.ask[0] = (struct trk_bytes){ 10000, bytes };
	CHECK_EQ(conn_step(c, TRK_KIND_RANGE, 1, n, NOW, g), TRK_OK);
}

static void grant_asks(struct conn *c, struct trk_grant *g, u32 n, u32 bytes)
{
	grant_asks_by(&key.c, c, g, n, bytes);
}

#define PIECE	(SEG_SIZE - TRK_RESP_FIXED)

static void answer__asked_bytes_fill_packets(void)
{
	struct trk_answer a = { 0 };
	struct trk_grant g;
	struct laid_out l;
	struct conn c;
	unsigned int i;

	CHECKED(grant_asks(&c, &g, 4, 8 * PIECE));
	CHECK_EQ(g.count, 8);
	CHECK_EQ(trk_answer_room(&g), 8 * PIECE);
	a.g = &g;
	a.len = 8 * PIECE;
	CHECKED(lay_out(&a, &l));
	CHECK_EQ(l.n, 8);
	for (i = 0; i < l.n; i++) {
		CHECK_EQ(l.r[i].off, 10000 + i * PIECE);
		CHECK_EQ(l.p[i].data_at, i * PIECE);
		CHECK_EQ(l.p[i].data_len, PIECE);
		CHECK_EQ(l.p[i].hdr_len, TRK_RESP_FIXED);
		CHECK(!(l.r[i].flags & (TRK_RESP_NOGROWTH | TRK_RESP_FIN)));
	}
	laid_out_free(&l);
}

/* Protocol.rst: ranges are cut into pieces, each range for itself, one piece a number. */
static void answer__ranges_are_cut_each_for_itself(void)
{
	static const u32 off[] = { 10000, 10000 + PIECE, 10000 + 2 * PIECE, 50000, 90000 };
	static const u32 len[] = { PIECE, PIECE, 100, PIECE, 10 };
	struct trk_answer a = { .len = 3 * PIECE + 110, .fin = true };
	struct trk_grant g;
	struct laid_out l;
	unsigned int i;
	struct conn c;

	CHECKED(grant_asks(&c, &g, 4, 2 * PIECE + 100));
	c.q.ask[c.q.nask++] = (struct trk_bytes){ 50000, PIECE };
	c.q.ask[c.q.nask++] = (struct trk_bytes){ 90000, 10 };
	CHECK_EQ(conn_again(&c, &g), TRK_OK);
	CHECK_EQ(g.count, 8);
	CHECK_EQ(trk_answer_room(&g), 3 * PIECE + 110);
	a.g = &g;
	CHECKED(lay_out(&a, &l));
	CHECK_EQ(l.n, 5);
	for (i = 0; i < l.n; i++) {
		CHECK_EQ(l.r[i].off, off[i]);
		CHECK_EQ(l.p[i].data_len, len[i]);
		CHECK_EQ(l.r[i].span, i < 4 ? 1 : 4);
		CHECK_EQ(!(l.r[i].flags & TRK_RESP_FIN), i < 4);
	}
	laid_out_free(&l);
	/* Of fewer numbers the room is what they hold. */
	for (i = 1; i <= 5; i++) {
		g.count = i;
		CHECK_EQ(trk_answer_room(&g), i == 5 ? 3 * PIECE + 110 : i == 4 ? 3 * PIECE + 100 :
						i == 3 ? 2 * PIECE + 100 : i * PIECE);
	}
}

/* A packet with room for saying so, to the byte, speaks for the numbers behind it as well. */
static void answer__span_in_the_last_bytes(void)
{
	struct trk_grant g;
	struct laid_out l;
	struct conn c;
	u32 more;

	for (more = 0; more < 2; more++) {
		struct trk_answer a = { .len = PIECE - TRK_EXT_HDR - 2 + more };

		CHECKED(grant_asks(&c, &g, 4, a.len));
		a.g = &g;
		CHECKED(lay_out(&a, &l));
		CHECK_EQ(l.n, 1 + more);
		CHECK_EQ(l.p[0].data_len, a.len);
		CHECK_EQ(l.p[0].hdr_len + l.p[0].data_len, SEG_SIZE - more * (TRK_EXT_HDR + 1));
		laid_out_free(&l);
	}
}

/* Wherever the end is told, it is the same. */
static void answer__the_end_is_in_one_place(void)
{
	struct trk_answer a = { .len = PIECE, .fin = true };
	struct trk_grant g;
	struct laid_out l;
	unsigned int i;
	struct conn c;

	CHECKED(grant_asks(&c, &g, 4, PIECE));
	g.paid = 3;
	a.g = &g;
	CHECKED(lay_out(&a, &l));
	CHECK(l.n > 2);
	for (i = 0; i < l.n; i++) {
		CHECK(l.r[i].flags & TRK_RESP_FIN);
		CHECK_EQ(l.r[i].off + l.p[i].data_len, 10000 + PIECE);
	}
	laid_out_free(&l);
}

/* The first pieces belong to the numbers that were answered before, so they are left out. */
static void answer__of_a_range_partly_answered(void)
{
	struct some half = { 2, 3 };
	struct trk_grant g;
	struct conn c;

	CHECKED(grant_asks(&c, &g, 4, 8 * PIECE + 5));
	CHECK_EQ(step_some(&c, 1, 4, &half, &g), TRK_OK);
	CHECK_EQ(g.count, 4);
	CHECK_EQ(g.nask, 1);
	CHECK(g.ask[0].off == 10000 + 4 * PIECE);
	CHECK_EQ(g.ask[0].len, 4 * PIECE + 5);
}

/* The same of two ranges, of which the first may be done with. */
static void answer__of_two_ranges_partly_answered(void)
{
	struct some third = { 1, 3 }, half = { 2, 3 }, end = { 3, 3 };
	struct trk_grant g;
	struct conn c;

	CHECKED(grant_asks(&c, &g, 4, 2 * PIECE + 5));
	c.q.ask[c.q.nask++] = (struct trk_bytes){ 50000, 3 * PIECE };
	CHECK_EQ(step_some(&c, 1, 4, &third, &g), TRK_OK);
	CHECK_EQ(g.count, 6);
	CHECK_EQ(g.nask, 2);
	CHECK(g.ask[0].off == 10000 + 2 * PIECE && g.ask[0].len == 5);
	CHECK(g.ask[1].off == 50000 && g.ask[1].len == 3 * PIECE);
	CHECK_EQ(step_some(&c, 1, 4, &half, &g), TRK_OK);
	CHECK_EQ(g.nask, 1);
	CHECK(g.ask[0].off == 50000 + PIECE && g.ask[0].len == 2 * PIECE);
	CHECK_EQ(g.first_piece, PIECE);
	/* Of the last one an empty range remains. */
	CHECK_EQ(step_some(&c, 1, 4, &end, &g), TRK_OK);
	CHECK_EQ(g.count, 2);
	CHECK_EQ(g.nask, 1);
	CHECK(g.ask[0].off == 50000 + 3 * PIECE && g.ask[0].len == 0);
}

static void answer__empty_numbers_share_the_last_packet(void)
{
	struct trk_answer a = { .fin = true };
	struct trk_grant g;
	struct laid_out l;
	struct conn c;

	CHECKED(grant_asks(&c, &g, 4, 2 * PIECE + 100));
	a.g = &g;
	a.len = 2 * PIECE + 100;
	CHECKED(lay_out(&a, &l));
	CHECK_EQ(l.n, 3);
	CHECK(!(l.r[0].flags & (TRK_RESP_NOGROWTH | TRK_RESP_FIN)));
	CHECK_EQ(l.r[2].span, 6);
	CHECK_EQ(l.p[2].data_len, 100);
	CHECK(l.r[2].flags & TRK_RESP_NOGROWTH);
	CHECK(l.r[2].flags & TRK_RESP_FIN);
	CHECK(!(l.r[1].flags & TRK_RESP_FIN));
	laid_out_free(&l);
}

/* Without GROW all nonces are of the no-growth sequence. */
static void answer__no_growth_unless_window_limited(void)
{
	struct trk_answer a = { 0 };
	struct trk_grant g;
	struct laid_out l;
	struct conn c;
	unsigned int i;

	CHECKED(grant_asks(&c, &g, 4, 8 * PIECE));
	g.grow = false;
	a.g = &g;
	a.len = 8 * PIECE;
	CHECKED(lay_out(&a, &l));
	for (i = 0; i < l.n; i++)
		CHECK(l.r[i].flags & TRK_RESP_NOGROWTH);
	laid_out_free(&l);
}

static void answer__continuation_displaces_data(void)
{
	struct trk_answer a = {
		.has_output = true,
		.output = { .start = 1, .end = 2, .len = 10, .opaque = (u8 *)"0123456789" }
	};
	struct trk_grant g;
	struct laid_out l;
	struct conn c;

	CHECKED(grant_asks(&c, &g, 4, 8 * PIECE));
	g.mint = TRK_MINT_FIRST;
	a.g = &g;
	a.len = 8 * PIECE;
	CHECKED(lay_out(&a, &l));
	CHECK_EQ(l.n, 8);
	CHECK(l.r[0].cont.p && l.r[0].output.p);
	CHECK_EQ(l.p[0].hdr_len, TRK_RESP_FIXED + TRK_CONT_LEN + TRK_EXT_HDR + TRK_UCONT_HDR + 10);
	CHECK_EQ(l.p[0].hdr_len + l.p[0].data_len, SEG_SIZE);
	/* The other packets have the same data as ever; the client asks again for the rest. */
	CHECK_EQ(l.p[1].data_at, PIECE);
	CHECK_EQ(l.p[1].data_len, PIECE);
	CHECK(!l.r[1].cont.p && !l.r[1].output.p);
	laid_out_free(&l);
}

/* With RENEW the client asks for less in the first packet, and all packets are full. */
static void answer__foreseen_continuation_displaces_nothing(void)
{
	struct trk_answer a = { 0 };
	struct trk_grant g;
	struct laid_out l;
	struct conn c;
	unsigned int i;

	CHECKED(grant_asks(&c, &g, 4, 8 * PIECE - TRK_CONT_LEN));
	c.q.flags |= TRK_REQ_RENEW;
	CHECK_EQ(conn_again(&c, &g), TRK_OK);
	CHECK_EQ(trk_answer_room(&g), 8 * PIECE - TRK_CONT_LEN);
	a.g = &g;
	a.len = 8 * PIECE - TRK_CONT_LEN;
	CHECKED(lay_out(&a, &l));
	CHECK_EQ(l.n, 8);
	for (i = 0; i < l.n; i++) {
		CHECK_EQ(l.r[i].off, 10000 + i * PIECE - (i ? TRK_CONT_LEN : 0));
		CHECK_EQ(l.p[i].hdr_len + l.p[i].data_len, SEG_SIZE);
		CHECK(!(l.r[i].flags & TRK_RESP_NOGROWTH));
		CHECK(!l.r[i].cont.p == !!i);
	}
	laid_out_free(&l);
}

static void grant_input(struct conn *c, struct trk_grant *g, u32 n)
{
	conn_open(c);
	c->q.flags = TRK_REQ_GROW;
	c->q.has_input = true;
	c->q.input_off = 500;
	c->q.input_len = 100;
	CHECK_EQ(conn_step(c, TRK_KIND_RANGE, 1, n, NOW, g), TRK_OK);
	CHECK(g->has_input);
	CHECK_EQ(g->input_off, 500);
	CHECK_EQ(g->input_len, 100);
}

/* The user continuation of the answer must be that of the request, under the current key. */
static void same_under_the_current_key(enum trk_ext which, struct trk_blob was, struct trk_blob is)
{
	struct trk_ucont u, v;

	CHECK_EQ(is.len, was.len);
	CHECK_EQ(trk_wire_ucont_parse(&u, was), TRK_OK);
	CHECK_EQ(trk_seal_ucont_open(&key.c, &peer, 77, which, is, &v), TRK_OK);
	CHECK_EQ(v.key_id, key.c.key_id);
	CHECK(u.start == v.start && u.end == v.end && u.flags == v.flags && u.len == v.len);
	CHECK(!memcmp(u.opaque, v.opaque, u.len));
}

#define OLD_CONT	(TRK_EXT_HDR + TRK_UCONT_HDR + 9)

/*
 * A user continuation of an older key that the answer does not replace is resealed, in the first
 * packet of an answer to asked bytes (protocol.rst, "Answers").
 */
static void answer__output_continuation_sealed_anew(void)
{
	const struct trk_cipher *old[] = { &previous.c, &retired.c };
	struct trk_answer a;
	struct trk_grant g;
	struct laid_out l;
	struct conn c;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(old); i++) {
		CHECKED(grant_asks_by(old[i], &c, &g, 4, 8 * PIECE));
		a = (struct trk_answer){ .g = &g, .len = 8 * PIECE };
		CHECKED(lay_out(&a, &l));
		CHECK_EQ(l.n, 8);
		CHECKED(same_under_the_current_key(TRK_EXT_OUTPUT, c.q.output, l.r[0].output));
		CHECK_EQ(l.p[0].hdr_len, TRK_RESP_FIXED + OLD_CONT);
		CHECK_EQ(l.p[0].hdr_len + l.p[0].data_len, SEG_SIZE);
		CHECK(!(l.r[0].flags & TRK_RESP_NOGROWTH));
		CHECK(!l.r[1].output.p);
		CHECK_EQ(l.p[1].data_at, PIECE);
		laid_out_free(&l);
	}
	/* A continuation that the application sets goes in its place. */
	a = (struct trk_answer){ .g = &g, .len = 8 * PIECE, .has_output = true,
				 .output = { .start = 1 << 30, .end = 1U << 31 } };
	CHECKED(lay_out(&a, &l));
	CHECK_EQ(l.r[0].output.len, TRK_UCONT_HDR);
	laid_out_free(&l);
	/* A continuation of the current key is not in the answer. */
	CHECKED(grant_asks(&c, &g, 4, 8 * PIECE));
	a = (struct trk_answer){ .g = &g, .len = 8 * PIECE };
	CHECKED(lay_out(&a, &l));
	CHECK(!l.r[0].output.p);
	laid_out_free(&l);
}

/* A grant for input, with an input continuation of @len opaque bytes that key @by has sealed. */
static void grant_input_by(const struct trk_cipher *by, struct conn *c, struct trk_grant *g,
			   u16 len)
{
	static u8 blob[TRK_SEALED_UCONT_MAX], opaque[TRK_UCONT_MAX] = "old state";
	struct trk_ucont u = { .start = 500, .end = 1 << 30, .len = len, .opaque = opaque,
			       .flags = TRK_UCONT_PARALLEL };

	CHECKED(grant_input(c, g, 4));
	c->q.input = (struct trk_blob){ blob, trk_seal_ucont(by, &peer, 77, TRK_EXT_INPUT, &u,
							     blob) };
	CHECK_EQ(conn_again(c, g), TRK_OK);
	CHECK(g->has_input_cont);
}

static void answer__input_continuation_sealed_anew(void)
{
	static u8 opaque[400];
	struct trk_answer once = { .has_consumed = true, .consumed_from = 500,
				   .consumed_to = 600, .off = 7000 }, a;
	struct trk_grant g;
	struct laid_out l;
	struct conn c;
	unsigned int i;
	u32 most;

	CHECKED(grant_input_by(&retired.c, &c, &g, 9));
	a = (struct trk_answer){ .g = &g, .len = 2500, .off = 7000, .has_output = true,
				 .output = { .start = 7000, .end = 9500 } };
	CHECKED(lay_out(&a, &l));
	for (i = 0; i < l.n; i++)
		CHECKED(same_under_the_current_key(TRK_EXT_INPUT, c.q.input, l.r[i].input));
	CHECK_EQ(l.n, 3);
	laid_out_free(&l);
	a = (struct trk_answer){ .g = &g, .len = 2500, .off = 7000, .has_input = true,
				 .input = { .start = 600, .end = 9500 } };
	CHECKED(lay_out(&a, &l));
	CHECK_EQ(l.r[0].input.len, TRK_UCONT_HDR);
	laid_out_free(&l);
	/* Data that must fit one packet comes before a resealed continuation. */
	most = trk_answer_mss(&g);
	a = once;
	a.g = &g;
	a.len = most;
	CHECKED(lay_out(&a, &l));
	CHECK(!l.r[0].input.p);
	CHECK_EQ(l.p[0].data_len, most);
	laid_out_free(&l);
	a = once;
	a.g = &g;
	a.len = most - OLD_CONT - (TRK_EXT_HDR + 2);
	CHECKED(lay_out(&a, &l));
	CHECKED(same_under_the_current_key(TRK_EXT_INPUT, c.q.input, l.r[0].input));
	CHECK_EQ(l.p[0].data_len, most - OLD_CONT - (TRK_EXT_HDR + 2));
	laid_out_free(&l);
	/* No answer is refused because a resealed continuation has no room. */
	CHECKED(grant_input_by(&retired.c, &c, &g, 500));
	a = (struct trk_answer){ .g = &g, .len = 2500, .off = 7000, .has_output = true,
				 .output = { .start = 7000, .end = 9500, .len = 400,
					     .opaque = opaque } };
	CHECKED(lay_out(&a, &l));
	CHECK(!l.r[0].input.p && l.r[0].output.p);
	laid_out_free(&l);
}

/* A request may bring a continuation only to have it resealed; the answer has no data. */
static void answer__shown_to_be_sealed_anew(void)
{
	struct trk_answer a = { 0 };
	struct trk_grant g;
	struct laid_out l;
	struct conn c;

	CHECKED(grant_asks_by(&previous.c, &c, &g, 4, 1000));
	c.q.nask = 0;
	CHECK_EQ(conn_again(&c, &g), TRK_OK);
	a.g = &g;
	CHECKED(lay_out(&a, &l));
	CHECK_EQ(l.n, 1);
	CHECKED(same_under_the_current_key(TRK_EXT_OUTPUT, c.q.output, l.r[0].output));
	CHECK_EQ(l.p[0].data_len, 0);
	laid_out_free(&l);
	/* If the request is renewed only, nothing is resealed. */
	c.q.attempt = 1;
	CHECK_EQ(conn_step(&c, TRK_KIND_TIMEOUT, 4, 4, NOW + 2 * HORIZON, &g), TRK_OK);
	CHECK(g.renew_only);
	a = (struct trk_answer){ .g = &g };
	CHECKED(lay_out(&a, &l));
	CHECK_EQ(l.p[0].hdr_len, TRK_RESP_FIXED + TRK_CONT_LEN);
	laid_out_free(&l);
}

static void answer__geometry_tells_where_packets_stand(void)
{
	struct trk_answer a = { .has_output = true,
				.output = { .start = 7000, .end = 17000 },
				.has_consumed = true,
				.consumed_from = 500,
				.consumed_to = 600,
				.off = 7000,
				.len = 10000 };
	struct trk_grant g;
	struct laid_out l;
	struct conn c;
	unsigned int i;
	u64 at = 0;

	CHECKED(grant_input(&c, &g, 4));
	a.g = &g;
	CHECKED(lay_out(&a, &l));
	CHECK_EQ(l.n, 8);
	for (i = 0; i < l.n; i++) {
		CHECK(l.r[i].has_geometry);
		CHECK(l.r[i].output.p);
		CHECK(l.r[i].has_consumed && l.r[i].consumed_from == 500 &&
		      l.r[i].consumed_to == 600);
		CHECK_EQ(l.r[i].geo_index, i);
		CHECK_EQ(l.r[i].geo_piece, l.p[0].data_len);
		CHECK_EQ(l.r[i].off, 7000 + at);
		CHECK_EQ(l.p[i].data_at, at);
		at += l.p[i].data_len;
	}
	laid_out_free(&l);
}

/* What lies beyond the continuation that the answer brings belongs to the next one. */
static void answer__ends_with_its_continuation(void)
{
	struct trk_answer a = { .has_output = true, .output = { .start = 6000, .end = 9500 },
				.off = 7000, .len = 10000 };
	struct trk_grant g;
	struct laid_out l;
	unsigned int i;
	struct conn c;
	u64 bytes = 0;

	CHECKED(grant_input(&c, &g, 4));
	a.g = &g;
	CHECKED(lay_out(&a, &l));
	for (i = 0; i < l.n; i++)
		bytes += l.p[i].data_len;
	CHECK_EQ(bytes, 2500);
	laid_out_free(&l);
}

/* So much room must be there for an answer before it is made (../outlet.c). */
static void answer__size_it_may_have(void)
{
	struct trk_answer a = { .has_output = true, .output = { .end = 1 << 20 } };
	struct trk_grant g;
	struct laid_out l;
	struct conn c;
	u32 piece;

	CHECKED(grant_input(&c, &g, 4));
	CHECK_EQ(g.count, 8);
	a.g = &g;
	CHECKED(lay_out(&a, &l));
	laid_out_free(&l);
	CHECK_EQ(trk_answer_size(&a), SEG_SIZE);
	piece = a.piece;
	a = (struct trk_answer){ .g = &g, .has_output = true, .output = { .end = 1 << 20 },
				 .len = 2 * piece + 1 };
	CHECKED(lay_out(&a, &l));
	CHECK_EQ(l.n, 3);
	laid_out_free(&l);
	CHECK_EQ(trk_answer_size(&a), 3 * SEG_SIZE);
	/* The client has paid for so many more, and no answer has more than the grant. */
	g.paid = 4;
	CHECK_EQ(trk_answer_size(&a), 7 * SEG_SIZE);
	g.paid = 6;
	CHECK_EQ(trk_answer_size(&a), 8 * SEG_SIZE);
	g.paid = 0;
	a.abort = true;
	CHECK_EQ(trk_answer_size(&a), SEG_SIZE);
}

static void answer__mss_and_room_hold(void)
{
	struct trk_answer a = {
		.has_consumed = true, .consumed_from = 500, .consumed_to = 600, .off = 7000
	};
	struct trk_grant g;
	struct laid_out l;
	struct conn c;

	CHECKED(grant_input(&c, &g, 4));
	a.g = &g;
	a.len = trk_answer_mss(&g);
	CHECKED(lay_out(&a, &l));
	CHECK_EQ(l.p[0].data_len, a.len);
	laid_out_free(&l);
	/* To the byte: more could not be asked for, and does not fit. */
	for (g.mint = TRK_MINT_NONE; g.mint <= TRK_MINT_ALL; g.mint++) {
		for (g.addr_len = 0; g.addr_len <= TRK_ADDR_MAX; g.addr_len += TRK_ADDR_IPV4) {
			u32 more;

			for (more = 0; more < 2; more++) {
				a = (struct trk_answer){
					.g = &g, .peer = &peer, .seal = &key.c, .nonce = &key.c,
					.has_consumed = true, .consumed_from = 500,
					.consumed_to = 600, .len = trk_answer_mss(&g) + more
				};
				CHECK_EQ(trk_answer_begin(&a), more ? -EMSGSIZE : 0);
			}
		}
	}
	g.mint = TRK_MINT_NONE;
	g.addr_len = 0;
	a = (struct trk_answer){
		.g = &g, .off = 7000, .len = trk_answer_room(&g), .has_consumed = false
	};
	a.has_output = true;
	a.output.end = 1;
	CHECKED(lay_out(&a, &l));
	laid_out_free(&l);
	CHECK_EQ(trk_answer_room(&g), 8 * trk_answer_mss(&g));
}

/*
 * Data that cannot be asked for again must fit one packet, and only that packet says that the
 * input is consumed (protocol.rst, "Answers").
 */
static void answer__data_that_cannot_be_asked_for(void)
{
	struct trk_answer a = { .has_consumed = true,
				.consumed_from = 500,
				.consumed_to = 600,
				.off = 7000,
				.len = 100 };
	struct trk_grant g;
	struct laid_out l;
	struct conn c;
	unsigned int i;

	CHECKED(grant_input(&c, &g, 4));
	g.paid = g.count;
	a.g = &g;
	CHECKED(lay_out(&a, &l));
	CHECK(l.r[0].has_consumed);
	CHECK_EQ(l.p[0].data_len, 100);
	for (i = 1; i < l.n; i++)
		CHECK(!l.r[i].has_consumed && !l.p[i].data_len);
	laid_out_free(&l);
	a = (struct trk_answer){ .g = &g,
				 .has_consumed = true,
				 .consumed_from = 500,
				 .consumed_to = 600,
				 .off = 7000,
				 .len = 2 * SEG_SIZE,
				 .peer = &peer,
				 .seal = &key.c,
				 .nonce = &key.c };
	CHECK_EQ(trk_answer_begin(&a), -EMSGSIZE);
}

static void answer__abort_brings_no_data(void)
{
	struct trk_answer a = { .abort = true, .fin = true, .len = 5000, .off = 1 };
	struct trk_grant g;
	struct laid_out l;
	struct conn c;

	CHECKED(grant_input(&c, &g, 4));
	a.g = &g;
	a.has_output = true;
	a.output.end = 1;
	CHECKED(lay_out(&a, &l));
	CHECK(l.r[0].flags & TRK_RESP_ABORT);
	CHECK(!(l.r[0].flags & TRK_RESP_FIN));
	CHECK_EQ(l.p[0].data_len, 0);
	CHECK_EQ(l.p[0].data_at, 5000);
	laid_out_free(&l);
}

static void answer__largest_header_fits(void)
{
	static u8 opaque[TRK_UCONT_MAX];
	struct trk_answer a = { .has_output = true,
				.has_input = true,
				.has_consumed = true,
				.consumed_to = 5,
				.output = { .end = 1, .len = 300, .opaque = opaque },
				.input = { .end = 1, .len = 300, .opaque = opaque },
				.len = 4000 };
	struct trk_grant g;
	struct laid_out l;
	struct conn c;

	CHECKED(grant_input(&c, &g, 4));
	g.mint = TRK_MINT_ALL;
	a.g = &g;
	CHECKED(lay_out(&a, &l));
	laid_out_free(&l);
	a.output.len = TRK_UCONT_MAX;
	a.input.len = TRK_UCONT_MAX;
	CHECK_EQ(trk_answer_begin(&a), -EMSGSIZE);
	g.cont.seg_size = TRK_RESP_HDR_MAX + 1;
	a = (struct trk_answer){ .g = &g,
				 .has_output = true,
				 .has_input = true,
				 .has_consumed = true,
				 .consumed_to = 5,
				 .output = { .end = 1, .len = TRK_UCONT_MAX, .opaque = opaque },
				 .input = { .end = 1, .len = TRK_UCONT_MAX, .opaque = opaque },
				 .len = 4000 };
	CHECKED(lay_out(&a, &l));
	laid_out_free(&l);
}

static void answer__packets_are_bounded(void)
{
	struct trk_answer a = { 0 };
	struct trk_grant g;
	struct laid_out l;
	struct conn c;

	conn_open(&c);
	CHECKED(grant_asks(&c, &g, 4, 1 << 29));
	g.count = 60000;
	a.g = &g;
	a.len = 1 << 29;
	CHECKED(lay_out(&a, &l));
	CHECK_EQ(l.n, 256);
	CHECK_EQ(l.r[l.n - 1].span, 60000 - 255);
	laid_out_free(&l);
	/* The last but one may be full to the last byte: the last one speaks for the rest. */
	CHECKED(grant_asks(&c, &g, 4, 255 * PIECE));
	g.count = 300;
	a = (struct trk_answer){ .g = &g, .len = 255 * PIECE };
	CHECKED(lay_out(&a, &l));
	CHECK_EQ(l.n, 256);
	CHECK_EQ(l.p[254].data_len, PIECE);
	CHECK_EQ(l.r[254].span, 1);
	CHECK_EQ(l.r[255].span, 300 - 255);
	laid_out_free(&l);
	/* If there are no more than these, the last one is as good as the others. */
	CHECKED(grant_asks(&c, &g, 4, 256 * PIECE));
	g.count = 256;
	a = (struct trk_answer){ .g = &g, .len = 256 * PIECE };
	CHECKED(lay_out(&a, &l));
	CHECK_EQ(l.n, 256);
	CHECK(l.r[255].span == 1 && !(l.r[255].flags & TRK_RESP_NOGROWTH));
	laid_out_free(&l);
}

static const struct tap_case cases[] = {
	TAP_CASE(first__initial_window),
	TAP_CASE(first__segment_size_is_the_smaller),
	TAP_CASE(first__repeated_gets_one_packet),
	TAP_CASE(first__answered_once),
	TAP_CASE(first__counts_from_the_cookie),
	TAP_CASE(ahead__of_the_clock),
	TAP_CASE(first__claims_refused),
	TAP_CASE(first__attempts_are_bounded),
	TAP_CASE(first__cookie_of_one_connection),
	TAP_CASE(first__cookie_lives_at_least_a_period),
	TAP_CASE(first__cookie_of_a_retired_key),
	TAP_CASE(range__numbers),
	TAP_CASE(range__renewed_when_asked),
	TAP_CASE(range__no_longer_than_a_window),
	TAP_CASE(range__partly_answered),
	TAP_CASE(range__old_continuation_is_renewed),
	TAP_CASE(range__horizon_and_skew),
	TAP_CASE(range__bounds),
	TAP_CASE(range__wrong_proof_refused),
	TAP_CASE(range__growth_claimed_for_nogrowth_refused),
	TAP_CASE(range__malformed_claims_refused),
	TAP_CASE(range__impossible_claims_refused),
	TAP_CASE(range__other_keys_and_peers_refused),
	TAP_CASE(range__previous_key_accepted),
	TAP_CASE(range__renewed_when_the_key_changed),
	TAP_CASE(range__domain_of_a_retired_key),
	TAP_CASE(timeout__from_the_future),
	TAP_CASE(range__retired_key_renews_only),
	TAP_CASE(timeout__one_packet_of_a_new_domain),
	TAP_CASE(timeout__another_segment_size),
	TAP_CASE(timeout__small_attempts),
	TAP_CASE(timeout__in_an_event),
	TAP_CASE(timeout__beyond_the_horizon),
	TAP_CASE(timeout__from_another_address),
	TAP_CASE(timeout__attempts_used_up),
	TAP_CASE(timeout__not_ahead_of_the_clock),
	TAP_CASE(range__not_ahead_of_the_clock),
	TAP_CASE(range__numbers_end),
	TAP_CASE(timeout__domain_of_the_current_key),
	TAP_CASE(timeout__of_an_old_domain),
	TAP_CASE(first__address_in_every_packet),
	TAP_CASE(timeout__attempts_are_bounded),
	TAP_CASE(timeout__proof_is_checked),
	TAP_CASE(step__any_server_is_the_same_server),
	TAP_CASE(ask__inside_the_continuation),
	TAP_CASE(ask__other_connection_refused),
	TAP_CASE(answer__asked_bytes_fill_packets),
	TAP_CASE(answer__ranges_are_cut_each_for_itself),
	TAP_CASE(answer__span_in_the_last_bytes),
	TAP_CASE(answer__the_end_is_in_one_place),
	TAP_CASE(answer__of_a_range_partly_answered),
	TAP_CASE(answer__of_two_ranges_partly_answered),
	TAP_CASE(answer__empty_numbers_share_the_last_packet),
	TAP_CASE(answer__no_growth_unless_window_limited),
	TAP_CASE(answer__continuation_displaces_data),
	TAP_CASE(answer__foreseen_continuation_displaces_nothing),
	TAP_CASE(answer__output_continuation_sealed_anew),
	TAP_CASE(answer__input_continuation_sealed_anew),
	TAP_CASE(answer__shown_to_be_sealed_anew),
	TAP_CASE(answer__geometry_tells_where_packets_stand),
	TAP_CASE(answer__ends_with_its_continuation),
	TAP_CASE(answer__size_it_may_have),
	TAP_CASE(answer__mss_and_room_hold),
	TAP_CASE(answer__data_that_cannot_be_asked_for),
	TAP_CASE(answer__abort_brings_no_data),
	TAP_CASE(answer__largest_header_fits),
	TAP_CASE(answer__packets_are_bounded),
};

int main(void)
{
	toy_cipher(&key, 4, 1);
	toy_cipher(&previous, 3, 2);
	toy_cipher(&retired, 2, 3);
	return tap_run(cases, ARRAY_SIZE(cases));
}
