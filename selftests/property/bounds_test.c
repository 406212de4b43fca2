// SPDX-License-Identifier: GPL-2.0
/*
 * The lists of the client are bounded: ranges of bytes, claims, continuations.  Here each of them
 * is filled, and gets more than it can hold.  Still no byte may be forgotten or taken for another,
 * and every transfer must end (Documentation/architecture.rst, "Memory").
 *
 * usage: bounds_test [SEED]		all cases, or one random case
 */
#include <stdlib.h>

#include "core/held.h"
#include "pair.h"
#include "tap.h"

#define DELAY_US	10000		/* each way */
#define LATEST_US	3600000000ULL
#define SEEDS		150

struct run;

/* Is this packet lost?  Requests and responses are counted from 1. */
typedef bool (*loses)(struct run *r, u32 i, const struct packet *p);

struct script {
	struct toy_msg msg[3];
	unsigned int nmsgs;
	loses request, response;
	u32 from, count;		/* the packets that @request and @response look at */
	u64 input;			/* or: requests with input from this byte on */
	u64 rcvbuf;
	u64 pause_at, pause_us;		/* the reader sleeps for so long when it has so much */
	unsigned int permille;
	u64 seed;
	u32 keys_from;			/* the key changes with that request */
};

/* The largest length of each list, and of what it would hold if it had no bound. */
struct most {
	unsigned int acked, lost, held, placeless, holes, gaps, runs, claims, nclaims, outputs;
	unsigned int conts, asks;
};

struct run {
	struct pair p;
	const struct script *sc;
	struct sim sim;
	u32 requests, responses;
	bool asleep, slept;
	u32 inputs;			/* requests with input from script.input on */
	u64 again_at;			/* offset of the input that is lost again and again */
	unsigned int again;		/* how often a script has lost something again */
	u8 *consumed;			/* 1 for each byte of input that the server has consumed */
	unsigned int unheld;		/* output continuations for which there was no place */
	struct most most;
};

static struct run run;

/* ---- what must hold after each step ---- */

struct range {
	u64 a, b;
};

static int by_start(const void *x, const void *y)
{
	const struct range *p = x, *q = y;

	return p->a < q->a ? -1 : p->a > q->a;
}

static unsigned int add_set(struct range *to, unsigned int n, const struct trk_ranges *h)
{
	unsigned int i;

	for (i = 0; i < h->n; i++)
		to[n++] = (struct range){ h->r[i].a, h->r[i].b };
	return n;
}

/* Adds the bytes of all numbers that are expected, and are of one kind. */
static unsigned int add_expected(struct range *to, unsigned int n, const struct trk_client *cl,
				 u8 what)
{
	u64 x = cl->num.hi >= cl->num.ring_size ? cl->num.hi - cl->num.ring_size + 1 : 0;

	for (; x <= cl->num.hi; x++) {
		const struct trk_entry *s = trk_client_entry(cl, x);

		if (s->state == TRK_ENTRY_EXPECTED && s->what == what)
			to[n++] = (struct range){ s->off, s->off + s->len };
	}
	if (cl->req.waiting && cl->req.pending.what == what)
		to[n++] = (struct range){ cl->req.pending.off,
					  cl->req.pending.off + cl->req.pending.len };
	return n;
}

/* The first byte of [at, end) that is in none of the ranges; end if there is none. */
static u64 uncovered(struct range *ranges, unsigned int n, u64 at, u64 end)
{
	unsigned int i;

	qsort(ranges, n, sizeof(*ranges), by_start);
	for (i = 0; i < n && at < end && ranges[i].a <= at; i++)
		at = max_t(u64, at, ranges[i].b);
	return min_t(u64, at, end);
}

/* The end of those bytes of [at, end) that are the same as the first one. */
static u64 same(const u8 *bytes, u64 at, u64 end)
{
	const u8 *other = memchr(bytes + at, !bytes[at], end - at);

	return other ? (u64)(other - bytes) : end;
}

static bool all_consumed(const struct run *r, u64 a, u64 b)
{
	return r->consumed[a] && same(r->consumed, a, b) == b;
}

static void check_input(struct run *r)
{
	static struct range ranges[PAIR_RING + 5 * TRK_RANGES_MAX];
	struct trk_client *cl = &r->p.cl;
	unsigned int i, n;
	u64 at;

	for (i = 0; i < cl->tx.acked.n; i++)
		if (!all_consumed(r, cl->tx.acked.r[i].a, cl->tx.acked.r[i].b))
			pair_fail(&r->p, "input at %" PRIu64 " is said to be consumed",
				  cl->tx.acked.r[i].a);
	if (cl->snd_una && !all_consumed(r, 0, cl->snd_una))
		pair_fail(&r->p, "all input to %" PRIu64 " is said to be consumed", cl->snd_una);
	if (!cl->held.input.len || !(cl->held.input.u.flags & TRK_UCONT_PARALLEL))
		return;
	n = add_set(ranges, 0, &cl->tx.acked);
	n = add_set(ranges, n, &cl->tx.lost);
	n = add_set(ranges, n, &cl->tx.held);
	n = add_set(ranges, n, &cl->tx.placeless);
	n = add_expected(ranges, n, cl, TRK_WHAT_INPUT);
	at = uncovered(ranges, n, cl->snd_una, cl->tx.nxt);
	if (at < cl->tx.nxt)
		pair_fail(&r->p, "input %" PRIu64 " is forgotten", at);
}

static void check_output(struct run *r)
{
	static struct range ranges[PAIR_RING + TRK_RANGES_MAX + 1];
	struct trk_client *cl = &r->p.cl;
	u64 at = cl->rcv_nxt;
	u64 end = min_t(u64, min_t(u64, cl->rx.ask_nxt, cl->fin_off), r->p.out_len);
	unsigned int n;

	n = add_set(ranges, 0, &cl->rx.holes);
	n = add_expected(ranges, n, cl, TRK_WHAT_OUTPUT);
	for (;;) {
		at = uncovered(ranges, n, at, end);
		if (at >= end)
			return;
		if (!r->p.have[at])
			break;
		at = same(r->p.have, at, end);
	}
	pair_fail(&r->p, "output %" PRIu64 " is forgotten", at);
}

static unsigned int runs_of(const u8 *bytes, u64 from, u64 to, u8 value)
{
	unsigned int n = 0;

	for (; from < to; from = same(bytes, from, to))
		n += bytes[from] == value;
	return n;
}

static void most(unsigned int *m, unsigned int n)
{
	*m = max_t(u32, *m, n);
}

static void look(struct run *r)
{
	struct trk_client *cl = &r->p.cl;
	struct most *m = &r->most;
	unsigned int i, outputs = 0;

	for (i = 0; i < TRK_OUTPUTS; i++)
		outputs += !trk_held_output_free(cl, &cl->held.outputs[i]);
	most(&m->acked, cl->tx.acked.n);
	most(&m->lost, cl->tx.lost.n);
	most(&m->held, cl->tx.held.n);
	most(&m->placeless, cl->tx.placeless.n);
	most(&m->holes, cl->rx.holes.n);
	most(&m->nclaims, cl->num.nclaims);
	most(&m->outputs, outputs);
	most(&m->conts, (u8)(cl->held.serial - cl->held.confirmed_serial));
	/* How much the lists would hold if they had no bound. */
	most(&m->runs, runs_of(r->consumed, cl->snd_una, cl->tx.nxt, 1));
	most(&m->gaps, runs_of(r->p.have, cl->rcv_nxt, r->p.received, 0));
	check_input(r);
	check_output(r);
}

/* ---- the two ends and what is between them ---- */

static void at_server(void *arg, struct packet *in);
static void at_client(void *arg, struct packet *in);
static void wake(void *arg, struct packet *none);

static void pump(struct run *r)
{
	const struct script *sc = r->sc;
	struct pair *p = &r->p;
	struct packet *out;

	p->now_us = r->sim.now_us;
	if (sc->pause_us && !r->slept && p->cl.rcv_nxt >= sc->pause_at) {
		r->slept = true;
		r->asleep = true;
		sim_at(&r->sim, p->now_us + sc->pause_us, wake, r, NULL);
	}
	if (!r->asleep && sc->rcvbuf)
		p->cl.rcv_limit = p->cl.rcv_nxt + sc->rcvbuf;
	while ((out = pair_pump(p))) {
		u32 i = ++r->requests;

		if (out->syn) {
			sim_at(&r->sim, p->now_us + DELAY_US, at_server, r, out);
			continue;
		}
		if (trk_wire_req_parse(&p->q, out->data, out->len, out->len))
			pair_fail(p, "malformed request");
		most(&r->most.claims, p->q.nclaims);
		most(&r->most.asks, p->q.nask);
		if (sc->keys_from && i >= sc->keys_from && p->current_key < 1)
			pair_new_key(p, 6);
		if ((sc->request && sc->request(r, i, out)) ||
		    rng_below(&p->rng, 1000) < sc->permille)
			packet_free(out);
		else
			sim_at(&r->sim, p->now_us + DELAY_US, at_server, r, out);
	}
	look(r);
}

static void wake(void *arg, struct packet *none)
{
	struct run *r = arg;

	r->asleep = false;
	pump(r);
}

static void answered(void *arg, struct packet *out)
{
	struct run *r = arg;
	u32 i = ++r->responses;

	if (!out->syn && ((r->sc->response && r->sc->response(r, i, out)) ||
			  rng_below(&r->p.rng, 1000) < r->sc->permille))
		packet_free(out);
	else
		sim_at(&r->sim, r->sim.now_us + DELAY_US, at_client, r, out);
}

static void at_server(void *arg, struct packet *in)
{
	struct run *r = arg;

	r->p.now_us = r->sim.now_us;
	pair_at_server(&r->p, 0, in, answered, r);
	packet_free(in);
}

static void at_client(void *arg, struct packet *in)
{
	struct run *r = arg;
	struct trk_client *cl = &r->p.cl;
	struct trk_ucont u;
	struct trk_resp resp;
	unsigned int i;

	r->p.now_us = r->sim.now_us;
	if (in->syn) {
		pair_at_client(&r->p, in);
	} else if (!trk_wire_resp_parse(&resp, in->data, in->len, in->len)) {
		if (resp.has_consumed)
			memset(r->consumed + resp.consumed_from, 1,
			       resp.consumed_to - resp.consumed_from);
		pair_at_client(&r->p, in);
		if (resp.output.p && !trk_wire_ucont_parse(&u, resp.output)) {
			for (i = 0; i < TRK_OUTPUTS; i++)
				if (cl->held.outputs[i].len &&
				    cl->held.outputs[i].u.start == u.start)
					break;
			r->unheld += i == TRK_OUTPUTS && u.end > cl->rcv_nxt;
		}
	}
	packet_free(in);
	pump(r);
}

static void print_most(const struct run *r)
{
	const struct most *m = &r->most;

	printf("# acked %u of %u, lost %u, held %u, placeless %u, holes %u of %u, claims %u, %u\n",
	       m->acked, m->runs, m->lost, m->held, m->placeless, m->holes, m->gaps, m->claims,
	       m->nclaims);
	printf("# outputs %u (+%u), conts %u, asks %u; requests %" PRIu64 ", again %" PRIu64
	       " up, %" PRIu64 " down, timeouts %" PRIu64 "\n",
	       m->outputs, r->unheld, m->conts, m->asks, r->p.cl.stat.requests,
	       r->p.cl.stat.snd_retrans, r->p.cl.stat.rcv_retrans, r->p.cl.stat.timeouts);
}

static bool play(const struct script *sc)
{
	struct run *r = &run;
	struct pair *p = &r->p;

	memset(r, 0, sizeof(*r));
	r->sc = sc;
	pair_begin(p, sc->msg, sc->nmsgs);
	p->rng.s = sc->seed + 1;
	r->consumed = calloc(1, p->in_len + 1);
	r->sim.now_us = p->now_us;
	pair_connect(p, 2 * DELAY_US);
	pump(r);
	while (!pair_done(p) && !p->why[0]) {
		u64 next = sim_next(&r->sim), timer = p->cl.deadline_us;

		if (p->cl.state == TRK_CL_DEAD) {
			pair_fail(p, "gave up with error %d", p->cl.error);
		} else if (min_t(u64, next, timer) > LATEST_US) {
			pair_fail(p, "stands still: rcv_nxt %" PRIu64 " of %" PRIu64 " in_una %"
				  PRIu64 " of %" PRIu64, p->cl.rcv_nxt, p->out_len, p->cl.snd_una,
				  p->in_len);
		} else if (timer < next) {
			r->sim.now_us = max_t(u64, r->sim.now_us, timer);
			p->now_us = r->sim.now_us;
			trk_timer_expired(&p->cl, p->now_us);
			pump(r);
		} else {
			sim_step(&r->sim);
		}
	}
	if (p->why[0])
		printf("# seed %" PRIu64 ": %s\n", sc->seed, p->why);
	if (p->why[0] || !sc->seed)
		print_most(r);
	sim_free(&r->sim);
	free(r->consumed);
	pair_end(p);
	return !p->why[0];
}

#define PLAY(sc)	CHECK(play(sc))

/* ---- what is lost ---- */

/* Loses every second packet, @count in all. */
static bool every_second(struct run *r, u32 i, const struct packet *p)
{
	return i >= r->sc->from && i < r->sc->from + 2 * r->sc->count && (i - r->sc->from) % 2 == 0;
}

/* Loses every second request that has input from script.input on. */
static bool every_second_input(struct run *r, u32 i, const struct packet *p)
{
	return r->p.q.has_input && r->p.q.input_off >= r->sc->input &&
	       ++r->inputs <= 2 * r->sc->count && r->inputs % 2 == 0;
}

/* ---- input: consumed, lost ---- */

#define ECHO(size, f)								\
	.nmsgs = 1,								\
	.msg = { { .kind = TOY_ECHO, .flags = TOY_LAST | (f), .len = (size), .key = 5 } }

static void consumed(u32 losses)
{
	struct script sc = { ECHO(2000000, 0), .request = every_second, .from = 650,
			     .count = losses };

	PLAY(&sc);
	CHECK_EQ(run.most.runs > TRK_RANGES_MAX, losses > TRK_RANGES_MAX);
	CHECK_EQ(run.most.acked, min_t(u32, losses, TRK_RANGES_MAX));
	CHECK_EQ(run.p.cl.stat.timeouts, 0);
}

static void bounds__input_consumed(void)
{
	static const u32 losses[] = { 1, 63, 64, 65, 66, 100, 150 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(losses); i++)
		CHECKED(consumed(losses[i]));
}

/*
 * The input of the first hole is lost again and again.  Meanwhile consumed input for which the set
 * has no place is sent again, but only once a round trip.
 */
static bool first_hole_again(struct run *r, u32 i, const struct packet *p)
{
	if (i == r->sc->from)
		r->again_at = r->p.q.input_off;
	if (i > r->sc->from && r->p.q.kind == TRK_KIND_RANGE && r->p.q.has_input &&
	    r->p.q.input_off == r->again_at && !(r->p.q.flags & TRK_REQ_RENEW) && r->again < 8) {
		r->again++;
		return true;
	}
	return every_second(r, i, p);
}

static void bounds__input_consumed_for_long(void)
{
	static const struct script sc = { ECHO(2000000, 0), .request = first_hole_again,
					  .from = 650, .count = 100 };

	PLAY(&sc);
	CHECK(run.again > 1);
	CHECK_EQ(run.most.acked, TRK_RANGES_MAX);
	CHECK(run.p.cl.stat.snd_retrans < (u64)PAIR_SEG_SIZE * (sc.count + 9 * 2 * sc.count));
}

/* ---- output: holes, claims, ranges in a request ---- */

#define GET(size, f)								\
	.nmsgs = 1, .msg = { { .kind = TOY_GET, .flags = TOY_LAST | (f), .len = (size), .key = 5 } }

/* Then loses all packets until there is a timeout, so that all holes are there at once. */
static bool then_all(struct run *r, u32 i, const struct packet *p)
{
	if (i >= r->sc->from + 2 * r->sc->count && !r->p.cl.stat.timeouts)
		return true;
	return every_second(r, i, p);
}

static void bounds__output_lost(void)
{
	static const u32 losses[] = { 64, 65, 66, 100, 200 };
	struct script sc = { GET(3000000, 0), .response = then_all, .from = 900 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(losses); i++) {
		sc.count = losses[i];
		PLAY(&sc);
		CHECK_EQ(run.most.asks, TRK_MAX_ASK);
		CHECK_EQ(run.most.holes, TRK_RANGES_MAX);
		CHECK(run.most.gaps >= losses[i]);
	}
}

/* ---- claims ---- */

/* Loses the first new continuations, each of which would shorten the list of claims. */
static bool continuation_lost(struct run *r, u32 i, const struct packet *p)
{
	return i > r->sc->from && p->data[1] & TRK_RESP_CONT && r->again++ < 6;
}

static void bounds__claims(void)
{
	struct script sc = { ECHO(2000000, 0), .request = every_second, .from = 650, .count = 66 };

	PLAY(&sc);
	CHECK_EQ(run.most.claims, TRK_MAX_CLAIMS);
	CHECK_EQ(run.most.nclaims, 2 * TRK_MAX_CLAIMS);
	sc.response = continuation_lost;
	PLAY(&sc);
	CHECK(run.again > 6);
	CHECK(run.most.nclaims >= TRK_MAX_CLAIMS);
}

/* ---- continuations ---- */

/* After a change of the key each answer brings a continuation, before one of them was answered. */
static void bounds__transport_continuations(void)
{
	static const struct script sc = { GET(2000000, 0), .keys_from = 150 };

	PLAY(&sc);
	CHECK_EQ(run.most.conts, TRK_CONTS - 2);
}

#define BEHIND(before, f, size, g)							\
	.nmsgs = 3, .input = 3 * TOY_MSG_LEN,					\
	.msg = { { .kind = TOY_GET, .len = 1000000, .key = 5 },			\
		 { .kind = TOY_GET, .flags = (f), .len = (before), .key = 6 },	\
		 { .kind = TOY_ECHO, .flags = TOY_LAST | (g), .len = (size), .key = 7 } }

/* Many answers bring an output continuation each, more than can be held. */
static void bounds__output_continuations(void)
{
	static const struct script sc = { BEHIND(60000, 0, 200000, TOY_CHUNKED),
					  .request = every_second_input, .count = 70 };

	PLAY(&sc);
	CHECK(run.unheld > TRK_RANGES_MAX);
	CHECK_EQ(run.most.placeless, TRK_RANGES_MAX);
	/* An answer takes a fourth of a packet; input that waits for a place is not sent again. */
	CHECK(run.p.cl.stat.snd_retrans < 10 * 200000);
}

/* The answers are beyond the receive window, so their input has to wait for room. */
static void bounds__input_held(void)
{
	static const struct script sc = { BEHIND(1500000, TOY_CHUNKED, 500000, 0),
					  .request = every_second_input, .count = 70,
					  .rcvbuf = 1200000, .pause_at = 1000000,
					  .pause_us = 10000000 };

	PLAY(&sc);
	CHECK_EQ(run.most.held, TRK_RANGES_MAX);
}

/* ---- all at once ---- */

/* At times half or a third of the packets are lost, but too few for the client to give up. */
static bool in_stretches(struct run *r, u32 i, const struct packet *p)
{
	return i / r->sc->from % 4 == 3 && r->again < 200 &&
	       !rng_below(&r->p.rng, r->sc->count) && ++r->again;
}

static void random_script(struct script *sc, u64 seed)
{
	struct rng g = { seed * 7919 + 1 };
	u8 kind = RNG_PICK(&g, TOY_ECHO, TOY_ECHO, TOY_ECHO, TOY_GET);

	*sc = (struct script){
		.seed = seed, .nmsgs = 2,
		.msg = { { .kind = TOY_GET, .key = 5, .flags = RNG_PICK(&g, 0, 0, TOY_CHUNKED),
			   .len = RNG_PICK(&g, 1, 400000, 600000) },
			 { .kind = kind, .key = 7,
			   .flags = TOY_LAST | RNG_PICK(&g, 0, 0, 0, TOY_CHUNKED),
			   .len = rng_in(&g, 1, 800000) } },
		.request = in_stretches,
		.from = RNG_PICK(&g, 60, 150, 300), .count = RNG_PICK(&g, 2, 2, 3),
		.permille = RNG_PICK(&g, 0, 0, 10, 50),
		.rcvbuf = RNG_PICK(&g, 0, 0, 300000, 1000000),
		.keys_from = RNG_PICK(&g, 0, 0, 0, 200),
	};
	/* In one direction only: a client whose timeouts are all lost would give up. */
	if (rng_below(&g, 3) == 0) {
		sc->response = sc->request;
		sc->request = NULL;
	}
	if (sc->rcvbuf && rng_below(&g, 3)) {
		sc->pause_at = rng_below(&g, 400000);
		sc->pause_us = 5000000;
	}
	if (sc->msg[1].flags & TOY_CHUNKED)
		sc->msg[1].len = 1 + sc->msg[1].len / 8;
}

static void bounds__random(void)
{
	struct script sc;
	u64 seed;

	for (seed = 1; seed <= SEEDS; seed++) {
		random_script(&sc, seed);
		PLAY(&sc);
	}
}

static const struct tap_case cases[] = {
	TAP_CASE(bounds__input_consumed),
	TAP_CASE(bounds__input_consumed_for_long),
	TAP_CASE(bounds__output_lost),
	TAP_CASE(bounds__claims),
	TAP_CASE(bounds__transport_continuations),
	TAP_CASE(bounds__output_continuations),
	TAP_CASE(bounds__input_held),
	TAP_CASE(bounds__random),
};

int main(int argc, char **argv)
{
	struct script sc;

	if (argc == 1)
		return tap_run(cases, ARRAY_SIZE(cases));
	random_script(&sc, strtoull(argv[1], NULL, 0));
	return !play(&sc);
}
