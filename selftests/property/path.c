// SPDX-License-Identifier: GPL-2.0
/* Plays what a script of path.h says. */
#include <stdio.h>

#include "path.h"

u64 path_elapsed(const struct run *r)
{
	return r->sim.now_us - r->begin_us;
}

static bool within(const struct run *r, const struct span *s)
{
	return path_elapsed(r) >= s->from_us && (!s->to_us || path_elapsed(r) < s->to_us);
}

/* May a packet of this length be cut into fragments?  Both ends of the module have this rule. */
static bool divisible(const struct run *r, int way, u32 len)
{
	const struct trk_client *cl = &r->p.cl;
	const struct trk_grant *g = &r->p.grant;

	if (way == TRK_WAY_UP)
		return trk_client_seg_size(cl) <= TRK_LEAST_SEG_SIZE_MAX ||
		       cl->req.attempt >= TRK_CUT_ATTEMPT ||
		       len > trk_attempt_size(trk_client_seg_size(cl), cl->req.attempt);
	return g->cont.seg_size <= TRK_LEAST_SEG_SIZE_MAX || r->p.q.attempt >= TRK_CUT_ATTEMPT ||
	       (g->size < g->cont.seg_size && len > g->size);
}

/* Does a packet arrive? */
static bool passes(struct run *r, int way, u32 len)
{
	const struct script *sc = r->sc;
	u32 most = way == TRK_WAY_UP ? sc->up : sc->down;
	bool narrow = within(r, &sc->narrow);
	unsigned int i;

	for (i = 0; i < PATH_DARKS; i++)
		if (sc->dark[i].len_us && path_elapsed(r) - sc->dark[i].at_us < sc->dark[i].len_us)
			return false;
	if (narrow && most && len > most && !divisible(r, way, len))
		return false;
	if (rng_ppm(&r->rng, sc->loss))
		return false;
	if (narrow && len > r->largest[way])
		r->largest[way] = len;
	return true;
}

static void pump(struct run *r);

static void at_client(void *arg, struct packet *in)
{
	struct run *r = arg;

	r->p.now_us = r->sim.now_us;
	pair_at_client(&r->p, in);
	packet_free(in);
	pump(r);
}

/*
 * Sequence numbers follow the numbers of packets without a gap, whatever their size.  Those of a
 * new domain may stand where others stood whose loss began it.
 */
static void watch_place(struct run *r, const struct packet *out)
{
	u64 x = trk_num_near(r->p.grant.first, get_unaligned_be32(out->data + 8));

	/* A repeated FIRST request begins another connection. */
	if (r->p.grant.kind == TRK_KIND_FIRST && x == r->sc->start + 1)
		r->top = 0;
	if (x <= r->top && r->p.grant.kind != TRK_KIND_TIMEOUT)
		return;
	if (x > r->top && r->top &&
	    (s64)(s32)(out->seq - r->top_seq) > (s64)(x - r->top) * PAIR_SEG_SIZE)
		r->gaps++;
	r->top = x;
	r->top_seq = out->seq;
}

static void answered(void *arg, struct packet *out)
{
	struct run *r = arg;
	u32 most = r->sc->route && within(r, &r->sc->routed) ? r->sc->route : U32_MAX;
	u64 late = r->sc->late_us && within(r, &r->sc->late) ?
		   r->sc->late_us + rng_below(&r->rng, r->sc->late_us / 2) : 0;

	/* From a SYN-ACK on they may count from its ISN. */
	if (out->syn)
		r->top = 0;
	else
		watch_place(r, out);
	if ((out->len > most && !divisible(r, TRK_WAY_DOWN, out->len)) ||
	    !passes(r, TRK_WAY_DOWN, out->len))
		packet_free(out);
	else
		sim_at(&r->sim, r->sim.now_us + PATH_DELAY_US + late, at_client, r, out);
}

static void at_server(void *arg, struct packet *in)
{
	struct run *r = arg;

	r->p.now_us = r->sim.now_us;
	r->p.route_size = within(r, &r->sc->routed) ? r->sc->route : 0;
	pair_at_server(&r->p, 0, in, answered, r);
	packet_free(in);
}

static void request(struct run *r, struct packet *out)
{
	const struct script *sc = r->sc;
	struct trk_req q = { 0 };
	u64 late = 0;

	if (sc->told && within(r, &sc->telling) && out->len > sc->told &&
	    !divisible(r, TRK_WAY_UP, out->len)) {
		packet_free(out);
		trk_client_narrow(&r->p.cl, sc->told, r->p.now_us);
		return;
	}
	if (!out->syn)
		trk_wire_req_parse(&q, out->data, out->len, out->len);
	r->timeouts += q.kind == TRK_KIND_TIMEOUT || (q.kind == TRK_KIND_FIRST && q.attempt);
	if (q.kind == TRK_KIND_FIRST)
		late = sc->slow_us;
	if (passes(r, TRK_WAY_UP, out->len))
		sim_at(&r->sim, r->sim.now_us + PATH_DELAY_US + late, at_server, r, out);
	else
		packet_free(out);
}

static void pump(struct run *r)
{
	struct packet *out;

	r->p.now_us = r->sim.now_us;
	r->p.cl.rcv_limit = r->p.cl.rcv_nxt + (r->sc->window ?: 200000);
	while ((out = pair_pump(&r->p)))
		request(r, out);
	if (r->p.cl.seg_size < r->least)
		r->least = r->p.cl.seg_size;
}

/* The client's application writes the next message, and after the last one closes. */
static void write_next(struct run *r)
{
	r->p.cl.snd_end = r->written[r->nwritten++];
	r->p.cl.snd_fin = r->sc->fin && r->nwritten == r->msgs;
}

static void begin(struct run *r, const struct script *sc)
{
	struct pair *p = &r->p;
	unsigned int i;
	u64 at = 0;

	memset(r, 0, sizeof(*r));
	r->sc = sc;
	r->rng.s = sc->seed;
	r->msgs = sc->msgs ?: 1;
	r->least = PAIR_SEG_SIZE;
	pair_begin(p, sc->msg, r->msgs);
	for (i = 0; i < r->msgs; i++) {
		at += TOY_MSG_LEN + (sc->msg[i].kind == TOY_GET ? 0 : sc->msg[i].len);
		r->written[i] = at;
	}
	p->start = sc->start;
	p->amnesia = sc->amnesia;
	p->cl.redundant = sc->redundant;
	r->begin_us = p->now_us;
	r->sim.now_us = p->now_us;
	r->key_us = sc->new_key_us;
	do
		write_next(r);
	while (!sc->apart_us && r->nwritten < r->msgs);
	pair_connect(p, 2 * PATH_DELAY_US);
	pump(r);
}

/* What happens first: a packet arrives, the timer expires, a message is written, a key changes. */
static void step(struct run *r)
{
	u64 next = sim_next(&r->sim), deadline = r->p.cl.deadline_us;
	u64 key = r->key_us ? r->begin_us + r->key_us : U64_MAX;
	u64 wr = r->nwritten < r->msgs ? r->begin_us + r->nwritten * r->sc->apart_us : U64_MAX;
	u64 first = min_t(u64, min_t(u64, next, deadline), min_t(u64, key, wr));

	if (first == U64_MAX) {
		pair_fail(&r->p, "nothing more happens");
	} else if (first == next) {
		sim_step(&r->sim);
		return;
	}
	r->sim.now_us = max_t(u64, first, r->sim.now_us);
	r->p.now_us = r->sim.now_us;
	if (first == wr) {
		write_next(r);
	} else if (first == key) {
		pair_new_key(&r->p, TRK_RETIRED_KEYS);
		r->key_us = r->p.current_key < PAIR_KEYS - 2 ? r->key_us + r->sc->new_key_us : 0;
	} else {
		trk_timer_expired(&r->p.cl, r->p.now_us);
	}
	pump(r);
}

/**
 * path_play - play a script to its end
 * @r: what becomes of it; r->p.why says what was wrong
 * @sc: the script
 */
void path_play(struct run *r, const struct script *sc)
{
	struct pair *p = &r->p;

	begin(r, sc);
	while (!p->why[0] && p->cl.state != TRK_CL_DEAD &&
	       !(pair_done(p) && r->nwritten == r->msgs)) {
		step(r);
		if (path_elapsed(r) > 3600 * SECOND_US)
			pair_fail(p, "not done after an hour");
	}
	if (p->cl.state == TRK_CL_DEAD)
		pair_fail(p, "gave up with error %d", p->cl.error);
	if (p->why[0])
		printf("# at %.6f s: %s\n", (double)path_elapsed(r) / 1e6, p->why);
	sim_free(&r->sim);
	pair_end(p);
}
