// SPDX-License-Identifier: GPL-2.0
/*
 * Paths that carry only small packets, from the beginning or from some time on, and say nothing
 * of it.  Each stream must come through, and no segment size may stay small for what was only an
 * outage or a slow server.
 */
#include <stdlib.h>

#include "pair.h"
#include "tap.h"
#include "core/limits.h"

#define DELAY_US	10000		/* each way */
#define SECOND_US	1000000ULL
#define HEADERS		44		/* of IP and TCP, with our option */
#define LOWER		(1280 - HEADERS)

/**
 * struct script - a path
 * @msg: what the client asks for
 * @up: TCP payload that the way to the server carries from @from_us to @to_us, at most; 0: any
 * @down: that the way to the client carries
 * @route: that the server's own route carries, which it knows
 * @dark_us: from then on, for @dark_len_us, nothing arrives
 * @slow_us: so late the server answers FIRST requests
 * @window: bytes that the client takes at a time; 0: 200000
 */
struct script {
	struct toy_msg msg;
	u32 up, down;
	u16 route;
	u64 from_us, to_us;
	u64 dark_us, dark_len_us;
	u64 slow_us;
	u32 window;
};

struct run {
	struct pair p;
	struct sim sim;
	const struct script *sc;
	u64 begin_us;
	u32 largest[2];		/* payload that arrived since the path is narrow: up, down */
	unsigned int timeouts;	/* TIMEOUT requests and repetitions of FIRST */
	u64 top;		/* the highest number that the server has sent, where it stands */
	u32 top_seq;
	u64 gaps;
};

static struct run run;

static u64 elapsed(const struct run *r)
{
	return r->sim.now_us - r->begin_us;
}

static bool is_narrow(const struct run *r)
{
	return elapsed(r) >= r->sc->from_us && (!r->sc->to_us || elapsed(r) < r->sc->to_us);
}

/* Does a packet arrive? */
static bool passes(struct run *r, int way, u32 len)
{
	u32 most = way ? r->sc->down : r->sc->up;
	u64 dark = elapsed(r) - r->sc->dark_us;

	if (r->sc->dark_len_us && dark < r->sc->dark_len_us)
		return false;
	if (is_narrow(r) && most && len > most)
		return false;
	if (is_narrow(r) && len > r->largest[way])
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
	if (r->p.grant.kind == TRK_KIND_FIRST && x == 1)
		r->top = 0;
	if (x <= r->top)
		return;
	if (r->top && (s64)(s32)(out->seq - r->top_seq) > (s64)(x - r->top) * PAIR_SEG_SIZE)
		r->gaps++;
	r->top = x;
	r->top_seq = out->seq;
}

static void answered(void *arg, struct packet *out)
{
	struct run *r = arg;
	u32 most = r->sc->route && is_narrow(r) ? r->sc->route : U32_MAX;

	if (!out->syn)
		watch_place(r, out);
	if (out->len > most || !passes(r, TRK_WAY_DOWN, out->len))
		packet_free(out);
	else
		sim_at(&r->sim, r->sim.now_us + DELAY_US, at_client, r, out);
}

static void at_server(void *arg, struct packet *in)
{
	struct run *r = arg;

	r->p.now_us = r->sim.now_us;
	r->p.route_size = is_narrow(r) ? r->sc->route : 0;
	pair_at_server(&r->p, 0, in, answered, r);
	packet_free(in);
}

static void pump(struct run *r)
{
	struct packet *out;

	r->p.now_us = r->sim.now_us;
	while ((out = pair_pump(&r->p))) {
		struct trk_req q = { 0 };
		u64 late = 0;

		if (!out->syn)
			trk_wire_req_parse(&q, out->data, out->len, out->len);
		r->timeouts += q.kind == TRK_KIND_TIMEOUT || (q.kind == TRK_KIND_FIRST &&
							      q.attempt);
		if (q.kind == TRK_KIND_FIRST)
			late = r->sc->slow_us;
		if (passes(r, TRK_WAY_UP, out->len))
			sim_at(&r->sim, r->sim.now_us + DELAY_US + late, at_server, r, out);
		else
			packet_free(out);
	}
}

static void play(const struct script *sc)
{
	struct run *r = &run;
	struct pair *p = &r->p;

	memset(r, 0, sizeof(*r));
	r->sc = sc;
	pair_begin(p, &sc->msg, 1);
	r->begin_us = p->now_us;
	r->sim.now_us = p->now_us;
	p->cl.rcv_limit = sc->window ?: 200000;
	pair_connect(p, 2 * DELAY_US);
	pump(r);
	while (!p->why[0] && p->cl.state != TRK_CL_DEAD && !pair_done(p)) {
		u64 next = sim_next(&r->sim);

		p->cl.rcv_limit = p->cl.rcv_nxt + (sc->window ?: 200000);
		if (p->cl.deadline_us <= next && p->cl.deadline_us != U64_MAX) {
			r->sim.now_us = p->cl.deadline_us;
			p->now_us = r->sim.now_us;
			trk_timer_expired(&p->cl, p->now_us);
			pump(r);
		} else if (next != U64_MAX) {
			sim_step(&r->sim);
		} else {
			pair_fail(p, "nothing more happens");
		}
		if (elapsed(r) > 3600 * SECOND_US)
			pair_fail(p, "not done after an hour");
	}
	if (p->cl.state == TRK_CL_DEAD)
		pair_fail(p, "gave up with error %d", p->cl.error);
	if (p->why[0])
		printf("# at %.6f s: %s\n", (double)elapsed(r) / 1e6, p->why);
	sim_free(&r->sim);
	pair_end(p);
}

/* Plays a script, and leaves the case if anything was wrong. */
#define PLAY(sc)							\
	do {								\
		play(sc);						\
		CHECK(!run.p.why[0]);					\
		CHECK_EQ(run.gaps, 0);					\
		printf("# %.3f s, segments of %u, %u timeouts\n",	\
		       (double)elapsed(&run) / 1e6, run.p.cl.seg_size,	\
		       run.timeouts);					\
	} while (0)

#define GET(bytes)	.msg = { .kind = TOY_GET, .flags = TOY_LAST, .len = (bytes), .key = 5 }
#define PUT(bytes)	.msg = { .kind = TOY_PUT, .flags = TOY_LAST, .len = (bytes), .gran = 1 }
#define ECHO(bytes)	.msg = { .kind = TOY_ECHO, .flags = TOY_LAST, .len = (bytes) }

/* The path was narrow before there was a connection. */
static void narrow__from_the_beginning(void)
{
	static const struct script get = { GET(1000000), .down = 1300 };
	static const struct script put = { PUT(1000000), .up = 1300 };
	static const struct script both = { ECHO(100000), .up = 1300, .down = 1300 };

	PLAY(&get);
	CHECK_EQ(run.p.cl.seg_size, LOWER);
	CHECK_EQ(run.largest[TRK_WAY_DOWN], LOWER);
	PLAY(&put);
	CHECK_EQ(run.p.cl.seg_size, LOWER);
	CHECK_EQ(run.largest[TRK_WAY_UP], LOWER);
	PLAY(&both);
	CHECK_EQ(run.p.cl.seg_size, LOWER);
}

/* It becomes narrow while bytes are on their way. */
static void narrow__in_mid_transfer(void)
{
	static const struct script get = { GET(3000000), .down = 1400, .from_us = 150000 };
	static const struct script put = { PUT(3000000), .up = 1400, .from_us = 150000 };

	PLAY(&get);
	CHECK_EQ(run.p.cl.seg_size, LOWER);
	PLAY(&put);
	CHECK_EQ(run.p.cl.seg_size, LOWER);
}

/* The smallest packets are of 556 bytes. */
static void narrow__to_the_smallest(void)
{
	static const struct script get = { GET(300000), .down = TRK_MIN_SEG_SIZE };
	static const struct script later = { GET(300000), .down = 600, .from_us = 50000 };
	static const struct script put = { PUT(300000), .up = TRK_MIN_SEG_SIZE };

	PLAY(&get);
	CHECK_EQ(run.p.cl.seg_size, TRK_MIN_SEG_SIZE);
	PLAY(&later);
	CHECK_EQ(run.p.cl.seg_size, TRK_MIN_SEG_SIZE);
	PLAY(&put);
	CHECK_EQ(run.p.cl.seg_size, TRK_MIN_SEG_SIZE);
}

/* Where the server's own route is narrow, the first TIMEOUT learns that. */
static void narrow__route_of_the_server(void)
{
	static const struct script sc = { GET(3000000), .route = 1000, .from_us = 150000 };

	PLAY(&sc);
	CHECK_EQ(run.p.cl.seg_size, 1000);
	CHECK_EQ(run.timeouts, 1);
}

/* An outage of any length, or a server that thinks for long: packets stay large. */
static void narrow__not_by_an_outage(void)
{
	struct script sc = { GET(3000000) };
	unsigned int i;

	for (i = 0; i < 40; i++) {
		sc.dark_len_us = 100000ULL << (i / 4);
		sc.dark_us = 90000 + i * 7000;
		play(&sc);
		CHECK(!run.p.why[0]);
		CHECK_EQ(run.p.cl.seg_size, PAIR_SEG_SIZE);
		CHECK_EQ(run.p.cl.stat.narrowed, 0);
	}
	CHECK(run.timeouts > TRK_SMALL_ATTEMPT);
}

static void narrow__not_by_a_slow_server(void)
{
	static const struct script sc = { GET(1000000), .slow_us = 5 * SECOND_US };

	PLAY(&sc);
	CHECK(run.timeouts >= TRK_SMALL_ATTEMPT);
	CHECK_EQ(run.p.cl.seg_size, PAIR_SEG_SIZE);
	CHECK_EQ(run.p.cl.stat.narrowed, 0);
}

/* When the path is wide again, the next timeout finds it so. */
static void narrow__wide_again(void)
{
	static const struct script sc = { GET(30000000), .window = 30000, .down = 1300,
					  .from_us = 150000, .to_us = 2 * SECOND_US,
					  .dark_us = 14 * SECOND_US, .dark_len_us = SECOND_US };

	PLAY(&sc);
	CHECK_EQ(run.p.cl.stat.narrowed, 1);
	CHECK_EQ(run.p.cl.seg_size, PAIR_SEG_SIZE);
}

/* A server that takes 1000 bytes at a time and no fewer is not starved by small packets. */
static void narrow__too_little_for_the_server(void)
{
	static const struct script sc = {
		.msg = { .kind = TOY_PUT, .flags = TOY_LAST, .len = 50000, .gran = 1000 },
		.up = 600, .from_us = 150000, .to_us = 5 * SECOND_US
	};

	PLAY(&sc);
	CHECK(run.p.cl.stat.narrowed > 0);
	CHECK_EQ(run.p.cl.seg_size, PAIR_SEG_SIZE);
}

static const struct tap_case cases[] = {
	TAP_CASE(narrow__from_the_beginning),
	TAP_CASE(narrow__in_mid_transfer),
	TAP_CASE(narrow__to_the_smallest),
	TAP_CASE(narrow__route_of_the_server),
	TAP_CASE(narrow__not_by_an_outage),
	TAP_CASE(narrow__not_by_a_slow_server),
	TAP_CASE(narrow__wide_again),
	TAP_CASE(narrow__too_little_for_the_server),
};

int main(void)
{
	return tap_run(cases, ARRAY_SIZE(cases));
}
