// SPDX-License-Identifier: GPL-2.0
/*
 * A client cannot check what a server says.  Whatever it is told, it sends only input that
 * there is, takes only output that there is room for, knows how many numbers it expects, and
 * stops sending at some time.
 */
#include "trickles-user/cipher.h"
#include "core/client.h"
#include "core/reason.h"
#include "sim/rng.h"
#include "tap.h"
#include "sim/toykeys.h"

#define SEG_SIZE	1400
#define ROOM	(1 << 18)	/* bytes of output, then a run ends */
#define RING	TRK_RING_MIN

static struct trku_cipher key;
static const struct trk_peer peer = { .addr = { [15] = 9 }, .port = 40001, .service = 80 };

struct run {
	struct rng rng;
	struct trk_client cl;
	struct trk_entry ring[RING];
	u8 have[ROOM];
	u64 now, freed;
	unsigned int accepted;
};

static u32 client_random(void *arg)
{
	return (u32)rng_u64(&((struct run *)arg)->rng);
}

/* An offset close to @near, or any other. */
static u64 some_off(struct run *r, u64 near)
{
	switch (rng_below(&r->rng, 8)) {
	case 0:
		return rng_u64(&r->rng);
	case 1:
		return 0;
	case 2:
		return U64_MAX;
	case 3:
		return near;
	default:
		return near + rng_below(&r->rng, 3000) - min_t(u64, near, 1500);
	}
}

static void some_ucont(struct run *r, enum trk_ext which, u64 near, struct trk_blob *b, u8 *buf)
{
	static const u8 opaque[64];
	struct trk_ucont u = { .start = some_off(r, near),
			       .flags = rng_below(&r->rng, 4),
			       .len = rng_below(&r->rng, 64),
			       .opaque = opaque };

	u.end = rng_below(&r->rng, 2) ? some_off(r, near) : u.start + rng_below(&r->rng, 100000);
	b->len = trk_seal_ucont(&key.c, &peer, 1, which, &u, buf);
	b->p = buf;
}

/* Sends a random response with number @x; @opening: it answers a FIRST or a TIMEOUT. */
static void lie(struct run *r, u64 x, const struct trk_entry *of, bool opening)
{
	static u8 cont[TRK_CONT_LEN], in_buf[TRK_SEALED_UCONT_MAX], out_buf[TRK_SEALED_UCONT_MAX];
	struct trk_cont c = { .conn = 1, .domain = 1 + r->cl.held.serial,
			      .seg_size = r->cl.seg_size, .iw = 10,
			      .base = of->first - 1, .key_id = 3, .domain_key = 3 };
	struct rng *g = &r->rng;
	struct trk_delivery in = { 0 };
	struct trk_resp p = { .token = of->token, .num = (u32)x, .span = 1, .nonce = rng_u64(g),
			      .hdr_len = TRK_RESP_FIXED };
	u64 i;

	if (rng_ppm(g, 300000))
		p.flags |= TRK_RESP_NOGROWTH;
	if (rng_ppm(g, 100000))
		p.span = rng_in(g, 1, 40);
	if (rng_ppm(g, 2000))
		p.flags |= TRK_RESP_ABORT;
	if (rng_ppm(g, 20000))
		p.flags |= TRK_RESP_FIN;
	if (opening || rng_ppm(g, 100000)) {
		if (!opening)
			c.domain = trk_client_cont(&r->cl)->c.domain;
		if (!opening && rng_below(g, 2))
			c.base = some_off(r, x);
		trk_law_init(&c.law, c.base, rng_below(g, 2) ? of->count : rng_in(g, 1, 20),
			     rng_in(g, 2, 50), 0);
		trk_seal_cont(&key.c, &peer, &c, cont);
		p.cont = (struct trk_blob){ cont, TRK_CONT_LEN };
	}
	if (rng_ppm(g, 300000))
		some_ucont(r, TRK_EXT_INPUT, r->cl.snd_una, &p.input, in_buf);
	if (rng_ppm(g, 300000))
		some_ucont(r, TRK_EXT_OUTPUT, r->cl.rcv_nxt, &p.output, out_buf);
	if (rng_ppm(g, 400000)) {
		p.has_consumed = true;
		p.consumed_from = some_off(r, r->cl.snd_una);
		p.consumed_to = p.consumed_from + rng_below(g, 4000);
	}
	if (rng_ppm(g, 600000)) {
		p.has_geometry = true;
		p.geo_index = rng_below(g, 4) ? x - of->first : rng_u64(g);
		p.geo_piece = rng_below(g, SEG_SIZE);
	}
	p.off = (u32)(of->what == TRK_WHAT_OUTPUT && rng_below(g, 4) ? of->off :
		      some_off(r, r->cl.rcv_nxt));
	p.data_len = rng_below(g, 3) ? rng_below(g, SEG_SIZE - 200) : 0;
	if (trk_receive_response(&r->cl, &p, (u32)(x - 1) * r->cl.seg_size, r->now, &in))
		return;
	r->accepted++;
	CHECK(in.len <= p.data_len);
	CHECK(in.off + in.len >= in.off);
	CHECK(!in.len || in.off + in.len <= r->cl.rcv_limit);
	for (i = 0; i < in.len; i++)
		r->have[in.off + i] = 1;
	while (r->cl.rcv_nxt < r->cl.rcv_limit && r->have[r->cl.rcv_nxt])
		r->cl.rcv_nxt++;
}

/* Numbers must not be counted twice if a law issues some that are expected already. */
static void check_expected(const struct trk_client *cl)
{
	u64 x, low = cl->num.hi > RING ? cl->num.hi - RING : 0;
	u32 expected = 0;

	for (x = low + 1; x <= cl->num.hi; x++)
		expected += trk_client_entry(cl, x)->state == TRK_ENTRY_EXPECTED;
	if (cl->state == TRK_CL_OPEN && !cl->req.waiting)
		CHECK_EQ(cl->num.expected, expected);
}

/* Does what the module does after each change: it sends, then frees input that was consumed. */
static void pump(struct run *r)
{
	struct trk_client *cl = &r->cl;
	struct trk_sending out;
	unsigned int n = 0;

	while (trk_client_pump(cl, r->now, &out)) {
		CHECK(out.hdr_len + out.in_len <= max_t(u32, cl->seg_size, cl->want_seg_size));
		if (out.in_len) {
			CHECK(out.in_off >= r->freed);
			CHECK(out.in_off + out.in_len <= cl->snd_end);
		}
		CHECK(++n < 4 * RING);
	}
	CHECK(cl->snd_una >= r->freed);
	CHECK(cl->snd_una <= cl->snd_end);
	CHECK(cl->num.hi - cl->num.nrep <= 2 * RING);
	CHECKED(check_expected(cl));
	r->freed = cl->snd_una;
}

static void step(struct run *r)
{
	struct trk_client *cl = &r->cl;
	struct rng *g = &r->rng;
	u64 x;

	r->now += rng_below(g, 20000);
	cl->rcv_limit = max_t(u64, cl->rcv_limit,
			      min_t(u64, ROOM, cl->rcv_nxt + rng_below(g, 60000)));
	if (rng_ppm(g, 200000) && !cl->snd_fin)
		cl->snd_end += rng_below(g, 5000);
	if (rng_ppm(g, 5000))
		cl->snd_fin = true;
	if (rng_ppm(g, 50000) || r->now >= cl->deadline_us) {
		r->now = max_t(u64, r->now, cl->deadline_us == U64_MAX ? 0 : cl->deadline_us);
		trk_timer_expired(cl, r->now);
	} else if (cl->state == TRK_CL_FIRST || cl->req.waiting) {
		if (cl->req.pending.count)
			CHECKED(lie(r, cl->req.pending.first, &cl->req.pending, true));
	} else if (cl->num.hi > cl->num.nrep) {
		struct trk_entry of;

		x = cl->num.hi > RING ? cl->num.hi - RING : 0;
		x = rng_in(g, max_t(u64, cl->num.nrep, x) + 1, cl->num.hi);
		of = *trk_client_entry(cl, x);

		CHECKED(lie(r, x, &of, false));
	}
	if (cl->state != TRK_CL_DEAD)
		CHECKED(pump(r));
}

static void liar__is_survived(void)
{
	unsigned int seed, i, accepted = 0;
	static struct run run;
	struct run *r = &run;

	for (seed = 1; seed <= 4000; seed++) {
		memset(r, 0, sizeof(*r));
		r->rng.s = seed;
		r->now = 1000000;
		trk_client_init(&r->cl, r->ring, RING, client_random, r);
		trk_client_connected(&r->cl, SEG_SIZE, 1000);
		r->cl.snd_end = rng_below(&r->rng, 4000);
		r->cl.want_first = true;
		for (i = 0; i < 300 && r->cl.state != TRK_CL_DEAD; i++)
			CHECKED(step(r));
		accepted += r->accepted;
	}
	/* If fewer are believed, the lies are too clumsy to test anything. */
	printf("# %u lies believed in %u runs\n", accepted, seed - 1);
	CHECK(accepted > 20 * seed);
}

static const struct tap_case cases[] = {
	TAP_CASE(liar__is_survived),
};

int main(void)
{
	toy_cipher(&key, 3, 1);
	return tap_run(cases, ARRAY_SIZE(cases));
}
