// SPDX-License-Identifier: GPL-2.0
#include "core/nonce.h"
#include "core/reason.h"
#include "garbage.h"

/* Any number of bits at random, or a number that is at most 1 away from some limit. */
u64 garbage_number(struct rng *r)
{
	static const u64 edges[] = { 0, 1, 2, 10, 24, 64, 511, 512, 1448, 16000, 16001, 32767,
				     32768, 65535, 65536, 1 << 20, U32_MAX, TRK_MAX_NUMBER,
				     U64_MAX };

	switch (rng_below(r, 3)) {
	case 0:
		return rng_u64(r) >> rng_below(r, 64);
	default:
		return edges[rng_below(r, ARRAY_SIZE(edges))] + rng_below(r, 3) - 1;
	}
}

/* A continuation that a client may hold, of which some fields, or most, are random. */
static void random_cont(struct garbage *g, struct trk_cont *c)
{
	struct rng *r = &g->rng;
	u64 base = rng_u64(r) >> rng_in(r, 3, 63);
	bool all = !rng_below(r, 4);
	u64 f = 0;

	*c = (struct trk_cont){ .conn = rng_below(r, 40), .time_ms = g->now_ms,
				.domain = (u64)trk_seal_order_at(g->now_ms) << 32 |
					  rng_below(r, 3),
				.base = base, .seg_size = rng_in(r, TRK_MIN_SEG_SIZE,
								 TRK_MAX_SEG_SIZE),
				.domain_key = g->key->key_id, .iw = TRK_INITIAL_WINDOW };
	trk_law_init(&c->law, base, RNG_PICK(r, 1, 10, TRK_MAX_CWND),
		     RNG_PICK(r, 2, 100, TRK_SSTHRESH_INF), 0);
	if (all || !rng_below(r, 8))
		c->seg_size = (u16)garbage_number(r);
	if (all || !rng_below(r, 8))
		c->base = garbage_number(r);
	if (all || !rng_below(r, 8))
		c->law.tcp_base = garbage_number(r);
	if (all || !rng_below(r, 8))
		c->law.start_cwnd = (u32)garbage_number(r);
	if (all || !rng_below(r, 8))
		c->law.ssthresh = (u32)garbage_number(r);
	if (all || !rng_below(r, 8))
		f = c->base + 1 - garbage_number(r);
	if (!rng_below(r, 8))
		c->domain = rng_u64(r);
	if (!rng_below(r, 16))
		c->iw = (u8)garbage_number(r);
	if (!rng_below(r, 16))
		c->time_ms = rng_u64(r) >> 16;
	if (!rng_below(r, 16))
		c->domain_key = (u8)garbage_number(r);
	c->law.first_loss = f;
}

static void random_claims(struct rng *r, u64 base, struct trk_claims *claims)
{
	u64 at = base, step = RNG_PICK(r, 3, 3, 1000, 1ULL << 30);
	unsigned int i;

	claims->count = rng_below(r, 2) ? 0 : rng_below(r, TRK_MAX_CLAIMS + 1);
	for (i = 0; i < claims->count; i++) {
		claims->c[i].kind = rng_below(r, 2);
		claims->c[i].a = at + 1 + rng_below(r, step);
		claims->c[i].b = claims->c[i].a + rng_below(r, step);
		at = claims->c[i].b;
	}
	claims->n = at + rng_below(r, RNG_PICK(r, 3, 12, 32769, 1ULL << 31));
}

static struct trk_blob random_ucont(struct garbage *g, u64 conn, enum trk_ext which, u8 *sealed)
{
	struct rng *r = &g->rng;
	static const u8 opaque[TRK_UCONT_MAX];
	struct trk_ucont u = { .start = garbage_number(r), .end = garbage_number(r),
			       .opaque = opaque, .flags = rng_below(r, 4),
			       .len = rng_below(r, TRK_UCONT_MAX + 1) };

	if (rng_below(r, 2)) {
		u.start = 0;
		u.end = U64_MAX;
		u.flags = 0;
	}
	return (struct trk_blob){ sealed,
				  trk_seal_ucont(g->key, &g->peer, conn, which, &u, sealed) };
}

/* A request with that continuation.  Most of it is right, so that it passes many checks. */
static void random_request(struct garbage *g, const struct trk_cont *c, struct trk_req *q)
{
	struct rng *r = &g->rng;
	static const u8 kinds[] = { TRK_KIND_RANGE, TRK_KIND_RANGE, TRK_KIND_RANGE,
				    TRK_KIND_TIMEOUT, TRK_KIND_CLOSE, TRK_KIND_FIRST };
	struct trk_claims claims;
	unsigned int i;

	trk_seal_cont(g->key, &g->peer, c, g->cont);
	random_claims(r, c->base, &claims);
	*q = (struct trk_req){ .kind = kinds[rng_below(r, ARRAY_SIZE(kinds))],
			       .flags = rng_below(r, 8), .token = 7,
			       .attempt = rng_below(r, 17), .n = (u32)claims.n,
			       .m = (u32)(c->base + 1 + rng_below(r, claims.n - c->base + 1)),
			       .seg_size = (u16)garbage_number(r), .nclaims = claims.count,
			       .cont = { g->cont, TRK_CONT_LEN } };
	if (rng_below(r, 2))
		q->m = (u32)(c->base + 1);
	for (i = 0; i < claims.count; i++) {
		q->claim[i].a = (u32)claims.c[i].a;
		q->claim[i].len = (u32)(claims.c[i].b - claims.c[i].a + 1) & 0x7fffffff;
		q->claim[i].kind = claims.c[i].kind;
	}
	q->proof = trk_nonce_proof(g->key, c->conn, c->domain, c->base, &claims);
	if (rng_below(r, 2)) {
		q->output = random_ucont(g, c->conn, TRK_EXT_OUTPUT, g->output);
		q->nask = rng_below(r, TRK_MAX_ASK + 1);
		for (i = 0; i < q->nask; i++) {
			q->ask[i].off = garbage_number(r) >> 1;
			q->ask[i].len = 1 + rng_below(r, 1 << 29);
		}
	}
	if (rng_below(r, 3) == 0)
		q->input = random_ucont(g, c->conn, TRK_EXT_INPUT, g->input);
	if (!q->nask && rng_below(r, 2)) {
		q->has_input = true;
		q->input_off = garbage_number(r);
	}
}

/* Makes the next request in @payload, and sets @len. */
void garbage_next(struct garbage *g)
{
	struct trk_cont c;
	struct trk_req q;

	random_cont(g, &c);
	random_request(g, &c, &q);
	g->len = trk_wire_req_write(g->payload, &q);
	if (q.has_input)
		g->len += rng_below(&g->rng, GARBAGE_INPUT);
}
