// SPDX-License-Identifier: GPL-2.0
/*
 * Losses during recovery, and other trouble.  Each case says exactly which packets are lost.  The
 * connection must come through with the right bytes, no number may be issued for two requests, and
 * the client may never be silent for longer than its timer allows.
 */
#include <stdlib.h>

#include "core/limits.h"
#include "core/plan.h"
#include "pair.h"
#include "tap.h"
#include "sim/toykeys.h"

#define DELAY_US	10000		/* each way */
#define MINUTE_US	60000000ULL
#define LATEST_US	(70 * MINUTE_US)

enum fate { DELIVER, DROP, LATE };

struct run;

/* A case: which packets are lost, and what else happens meanwhile. */
struct script {
	struct toy_msg msg[3];
	unsigned int nmsgs;
	u64 start;
	u32 client_isn, horizon_ms, rcvbuf;
	u64 pause_at, pause_us;		/* the reader sleeps for so long when it has so much */
	u64 fin_us, extra;		/* when the client's stream ends, and with how much more */
	u64 rest_us, before;		/* when the input behind so many bytes is written */
	u64 key_us;			/* time between two changes of the key */
	unsigned int keys, retired;	/* how many changes; how many retired keys are held */
	u64 seed;
	unsigned int permille;		/* packets that are lost at random */
	u64 dark_us, light_us;		/* from then to then all packets are lost */
	bool moves;			/* behind @light_us the client has another port */
	enum fate (*request)(struct run *r, const struct trk_req *q);
	enum fate (*response)(struct run *r, u64 number, struct packet *p);
	void (*granted)(struct run *r);	/* looks at r->p.q and r->p.grant */
};

struct run {
	struct pair p;
	const struct script *sc;
	struct sim sim;
	u64 quiet_since, patience;	/* since when the client is silent; how long it may be */
	bool paused, slept;
	unsigned int changes;		/* how often the key has changed */
	u64 read, read_at_us;
	/* The rest is for scripts, which use it as they like. */
	unsigned int phase, seen, dropped, knocks, reseals, renewals, late;
	u64 noted, first_loss, recover;
	u32 new_cwnd, seen_burst;
	u64 at_us[32];
};

static void say(struct run *r, bool must_wait)
{
	const struct trk_client *cl = &r->p.cl;
	u64 wait = cl->rto_us << min_t(u32, cl->timer.backoff, 16);

	if (r->p.now_us - r->quiet_since > r->patience)
		pair_fail(&r->p, "silent for %" PRIu64 " us, the timer allows %" PRIu64,
			  r->p.now_us - r->quiet_since, r->patience);
	r->quiet_since = r->p.now_us;
	r->patience = must_wait ? U64_MAX : min_t(u64, wait, TRK_RTO_MAX_US);
}

/* Does the client wait for its reader, or for more to write? */
static bool waits(const struct run *r)
{
	const struct trk_client *cl = &r->p.cl;

	if (r->sc->rest_us && cl->snd_end == r->sc->before && cl->snd_una == cl->snd_end &&
	    !cl->req.waiting && !cl->num.expected && !trk_plan_wants(cl))
		return true;
	return r->paused && r->p.cl.rcv_limit < r->p.received + PAIR_SEG_SIZE;
}

static enum fate at_random(struct run *r)
{
	if (r->sim.now_us >= r->sc->dark_us && r->sim.now_us < r->sc->light_us)
		return DROP;
	return rng_u64(&r->p.rng) % 1000 < r->sc->permille ? DROP : DELIVER;
}

static void at_server(void *arg, struct packet *in);
static void at_client(void *arg, struct packet *in);

static void reader(void *arg, struct packet *none);

static void pump(struct run *r)
{
	const struct script *sc = r->sc;
	struct pair *p = &r->p;
	struct packet *out;

	p->now_us = r->sim.now_us;
	if (sc->pause_us && !r->slept && p->cl.rcv_nxt >= sc->pause_at) {
		r->slept = true;
		r->paused = true;
		r->read = p->cl.rcv_nxt;
		sim_at(&r->sim, p->now_us + sc->pause_us, reader, r, NULL);
	}
	if (!r->paused && sc->rcvbuf)
		p->cl.rcv_limit = p->cl.rcv_nxt + sc->rcvbuf;
	while ((out = pair_pump(p))) {
		struct trk_req q;
		enum fate fate = DELIVER;

		say(r, waits(r));
		if (out->syn) {
			r->knocks++;
			fate = at_random(r);
		} else if (trk_wire_req_parse(&q, out->data, out->len, out->len)) {
			pair_fail(p, "malformed request");
		} else if (sc->request) {
			fate = sc->request(r, &q);
		}
		if (fate == DROP) {
			r->dropped++;
			packet_free(out);
		} else {
			sim_at(&r->sim, p->now_us + DELAY_US, at_server, r, out);
		}
	}
	if (waits(r))
		r->patience = U64_MAX;
}

static void reader(void *arg, struct packet *none)
{
	struct run *r = arg;

	r->paused = false;
	r->quiet_since = r->sim.now_us;
	r->patience = 0;
	r->read_at_us = r->sim.now_us;
	pump(r);
}

/* The client's application ends its stream. */
static void writer(void *arg, struct packet *none)
{
	struct run *r = arg;
	struct pair *p = &r->p;

	p->in = realloc(p->in, p->in_len + r->sc->extra);
	memset(p->in + p->in_len, 0, r->sc->extra);
	p->in_len += r->sc->extra;
	p->cl.snd_end = p->in_len;
	p->cl.snd_fin = true;
	r->quiet_since = r->sim.now_us;
	r->patience = 0;
	pump(r);
}

/* Changes the key, and comes back for the next change. */
static void change_key(void *arg, struct packet *none)
{
	struct run *r = arg;

	pair_new_key(&r->p, r->sc->retired);
	if (++r->changes < r->sc->keys)
		sim_at(&r->sim, r->sim.now_us + r->sc->key_us, change_key, r, NULL);
}

/* The client's application writes the rest of its input. */
static void write_rest(void *arg, struct packet *none)
{
	struct run *r = arg;

	r->p.cl.snd_end = r->p.in_len;
	r->quiet_since = r->sim.now_us;
	r->patience = 0;
	pump(r);
}

static void answered(void *arg, struct packet *out)
{
	struct run *r = arg;
	enum fate fate = DELIVER;

	if (out->syn)
		fate = at_random(r);
	else if (r->sc->response)
		fate = r->sc->response(r, trk_num_near(r->p.grant.first,
						       get_unaligned_be32(out->data + 8)), out);
	if (fate == DROP) {
		r->dropped++;
		packet_free(out);
		return;
	}
	sim_at(&r->sim, r->sim.now_us + (fate == LATE ? 3 : 1) * DELAY_US, at_client, r, out);
}

static void at_server(void *arg, struct packet *in)
{
	struct run *r = arg;
	u64 before = r->p.server_drops[TRK_OK];

	r->p.now_us = r->sim.now_us;
	if (r->sc->moves && r->sim.now_us >= r->sc->light_us && !r->p.moves) {
		r->p.moves = true;
		r->p.peer.port++;
	}
	pair_at_server(&r->p, r->seen++ % PAIR_REPLICAS, in, answered, r);
	if (r->p.server_drops[TRK_OK] != before && r->sc->granted)
		r->sc->granted(r);
	packet_free(in);
}

static void at_client(void *arg, struct packet *in)
{
	struct run *r = arg;
	u64 before = r->p.client_drops[TRK_OK];

	r->p.now_us = r->sim.now_us;
	pair_at_client(&r->p, in);
	packet_free(in);
	if (r->p.client_drops[TRK_OK] != before)
		say(r, waits(r));
	pump(r);
}

/* Plays a script until all has arrived, or something is wrong, which r->p.why says. */
static void play(struct run *r, const struct script *sc)
{
	struct pair *p = &r->p;

	memset(r, 0, sizeof(*r));
	r->sc = sc;
	pair_begin(p, sc->msg, sc->nmsgs);
	p->start = sc->start;
	if (sc->horizon_ms)
		p->horizon_ms = sc->horizon_ms;
	if (sc->client_isn)
		p->client_isn = sc->client_isn;
	if (sc->rcvbuf)
		p->cl.rcv_limit = sc->rcvbuf;
	r->sim.now_us = p->now_us;
	if (sc->fin_us)
		sim_at(&r->sim, p->now_us + sc->fin_us, writer, r, NULL);
	if (sc->rest_us) {
		p->cl.snd_end = sc->before;
		sim_at(&r->sim, p->now_us + sc->rest_us, write_rest, r, NULL);
	}
	if (sc->keys)
		sim_at(&r->sim, p->now_us + sc->key_us, change_key, r, NULL);
	if (sc->seed)
		p->rng.s = sc->seed;
	r->quiet_since = p->now_us;
	pair_connect(p, 2 * DELAY_US);
	pump(r);
	while (!p->why[0] && p->cl.state != TRK_CL_DEAD &&
	       (!pair_done(p) || (sc->fin_us && !p->cl.snd_fin))) {
		u64 next = sim_next(&r->sim);

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
		if (r->sim.now_us > LATEST_US)
			pair_fail(p, "not done after %" PRIu64 " s", (u64)LATEST_US / 1000000);
	}
	if (p->cl.state == TRK_CL_DEAD)
		pair_fail(p, "gave up with error %d", p->cl.error);
	if (p->why[0])
		printf("# at %.6f s: %s\n", (double)r->sim.now_us / 1e6, p->why);
}

static void run_free(struct run *r)
{
	sim_free(&r->sim);
	pair_end(&r->p);
}

static struct run run;

/* Plays a script, and leaves the case if anything was wrong. */
#define PLAY(sc)							\
	do {								\
		play(&run, sc);						\
		run_free(&run);						\
		CHECK(!run.p.why[0]);					\
	} while (0)

#define GET(bytes)							\
	.nmsgs = 1, .msg = { { .kind = TOY_GET, .flags = TOY_LAST, .len = (bytes), .key = 5 } }

/* Is a loss event open after the last request?  @law is the state then, computed as by a server. */
static bool event_open(const struct run *r, struct trk_law *law)
{
	const struct trk_req *q = &r->p.q;
	struct trk_claims claims = { 0 };
	struct trk_cont c;
	struct trk_step s;
	struct trk_walk w;
	unsigned int i;

	if (q->kind != TRK_KIND_RANGE)
		return false;
	trk_seal_cont_read(q->cont.p, &c);
	claims.n = trk_num_above(c.base, q->n);
	claims.count = q->nclaims;
	for (i = 0; i < q->nclaims; i++) {
		claims.c[i].a = trk_num_above(c.base, q->claim[i].a);
		claims.c[i].b = claims.c[i].a + q->claim[i].len - 1;
		claims.c[i].kind = q->claim[i].kind;
	}
	trk_law_walk_init(&w, &c.law, c.base, &claims, 0, false);
	while (trk_law_walk_next(&w, &s))
		;
	*law = w.law;
	return law->first_loss;
}

/* Counts loss events in @phase, and keeps first loss, R and newCwnd of the last one. */
static void watch_events(struct run *r)
{
	struct trk_law law;

	if (event_open(r, &law) && law.first_loss > r->first_loss) {
		r->phase++;
		r->first_loss = law.first_loss;
		r->recover = law.recover;
		r->new_cwnd = law.new_cwnd;
	}
}

static bool claims_lost(const struct trk_req *q, u32 number)
{
	unsigned int i;

	for (i = 0; i < q->nclaims; i++)
		if (q->claim[i].kind == TRK_CLAIM_LOST &&
		    number - q->claim[i].a < q->claim[i].len)
			return true;
	return false;
}

/* ---- losses in recovery ---- */

#define FIRST_LOST	12

static enum fate survivors_lost(struct run *r, u64 number, struct packet *p)
{
	watch_events(r);
	if (number == FIRST_LOST)
		return DROP;
	/* R + 1 is the number of the fast retransmission, R + 3 that of another survivor. */
	if (r->phase == 1 && (number == r->recover + 1 || number == r->recover + 3))
		return DROP;
	return DELIVER;
}

static void recovery__losses_among_survivors(void)
{
	static const struct script sc = { GET(200000), .response = survivors_lost };

	PLAY(&sc);
	CHECK_EQ(run.dropped, 3);
	/* Both are ordinary losses, which begin the next event, and there is no timeout. */
	CHECK_EQ(run.phase, 2);
	CHECK_EQ(run.p.cl.stat.timeouts, 0);
	CHECK_EQ(run.p.cl.stat.lost, 3);
}

static enum fate first_lost(struct run *r, u64 number, struct packet *p)
{
	watch_events(r);
	return number == FIRST_LOST && !r->noted++ ? DROP : DELIVER;
}

static enum fate reports_lost(struct run *r, const struct trk_req *q)
{
	return claims_lost(q, FIRST_LOST) && !r->p.cl.timer.backoff ? DROP : DELIVER;
}

static void recovery__every_request_after_a_loss_lost(void)
{
	static const struct script sc = { GET(200000), .response = first_lost,
					  .request = reports_lost };

	PLAY(&sc);
	CHECK(run.dropped > 4);
	CHECK(run.p.cl.stat.timeouts <= 1);
}

static enum fate chain_lost(struct run *r, u64 number, struct packet *p)
{
	watch_events(r);
	if (number == 2 * FIRST_LOST)
		return DROP;
	return r->phase && r->phase < 4 && number == r->recover + 2 ? DROP : DELIVER;
}

static enum fate count_claims(struct run *r, const struct trk_req *q)
{
	unsigned int i, lost = 0;

	for (i = 0; i < q->nclaims; i++)
		lost += q->claim[i].kind == TRK_CLAIM_LOST;
	r->noted = max_t(u64, r->noted, lost);
	return DELIVER;
}

/* Each event begins with a number that the one before it issues; reports claim several losses. */
static void recovery__several_events_in_one_window(void)
{
	static const struct script sc = { GET(300000), .response = chain_lost,
					  .request = count_claims };

	PLAY(&sc);
	CHECK_EQ(run.dropped, 4);
	CHECK_EQ(run.phase, 4);
	CHECK(run.noted >= 3);
	CHECK_EQ(run.p.cl.stat.timeouts, 0);
}

/* ---- timeouts ---- */

/* In the event only the fast retransmission arrives, then nothing until the timer expires. */
static enum fate recovery_lost(struct run *r, u64 number, struct packet *p)
{
	watch_events(r);
	if (r->p.q.kind == TRK_KIND_TIMEOUT || r->noted)
		return DELIVER;
	if (number == FIRST_LOST)
		return DROP;
	return r->phase && number > r->recover + 1 ? DROP : DELIVER;
}

static enum fate note_timeouts(struct run *r, const struct trk_req *q)
{
	if (q->kind == TRK_KIND_TIMEOUT && q->attempt < ARRAY_SIZE(r->at_us))
		r->at_us[q->attempt] = r->p.now_us;
	return DELIVER;
}

/* ssthresh after a timeout is newCwnd of the open event, however often the timeout is repeated. */
static void timeout_granted(struct run *r)
{
	const struct trk_law *law = &r->p.grant.cont.law;

	if (r->p.q.kind != TRK_KIND_TIMEOUT)
		return;
	if (r->noted && r->noted != law->ssthresh)
		pair_fail(&r->p, "a repeated timeout changes ssthresh to %u", law->ssthresh);
	if (r->p.grant.count != 1 || law->start_cwnd != 1)
		pair_fail(&r->p, "%u packets after a timeout", r->p.grant.count);
	r->noted = law->ssthresh;
}

static void recovery__timeout_in_recovery(void)
{
	static const struct script sc = { GET(200000), .response = recovery_lost,
					  .request = note_timeouts, .granted = timeout_granted };

	PLAY(&sc);
	CHECK_EQ(run.p.cl.stat.timeouts, 1);
	CHECK_EQ(run.phase, 1);
	CHECK_EQ(run.noted, run.new_cwnd);
}

#define DEAF	5	/* attempts without an answer: requests are lost, then one response */

static enum fate timeouts_lost(struct run *r, const struct trk_req *q)
{
	note_timeouts(r, q);
	return q->kind == TRK_KIND_TIMEOUT && q->attempt < DEAF ? DROP : DELIVER;
}

static enum fate and_an_answer(struct run *r, u64 number, struct packet *p)
{
	if (r->p.q.kind == TRK_KIND_TIMEOUT && r->p.q.attempt == DEAF)
		return DROP;
	return recovery_lost(r, number, p);
}

static void recovery__timeout_of_the_timeout(void)
{
	static const struct script sc = { GET(200000), .response = and_an_answer,
					  .request = timeouts_lost, .granted = timeout_granted };
	unsigned int i, first;
	u64 wait;

	PLAY(&sc);
	CHECK_EQ(run.noted, run.new_cwnd);
	for (first = 1; !run.at_us[first]; first++)
		;
	CHECK(first < DEAF - 1);
	/* Each waits twice as long as the one before; a SYN goes before the third and the fifth. */
	CHECK_EQ(run.knocks, 2);
	wait = run.at_us[first + 1] - run.at_us[first];
	for (i = first + 2; i <= DEAF + 1; i++) {
		wait *= 2;
		CHECK_EQ(run.at_us[i] - run.at_us[i - 1],
			 i < TRK_SYN_ATTEMPT || i % 2 == 0 ? wait : wait + 2 * DELAY_US);
	}
	CHECK(!run.at_us[DEAF + 2]);
}

/* ---- the list of claims ---- */

#define FULL_FROM	40
#define FULL_TO		800

static enum fate every_tenth_lost(struct run *r, u64 number, struct packet *p)
{
	if (number < FULL_FROM || number >= FULL_TO || r->p.q.kind == TRK_KIND_TIMEOUT)
		return DELIVER;
	/* New continuations are lost too, since they would make room in the list. */
	return number % 10 == 0 || p->data[1] & TRK_RESP_CONT ? DROP : DELIVER;
}

static enum fate most_claims(struct run *r, const struct trk_req *q)
{
	r->noted = max_t(u64, r->noted, q->nclaims);
	return DELIVER;
}

static void recovery__claim_list_full(void)
{
	static const struct script sc = { GET(1200000), .response = every_tenth_lost,
					  .request = most_claims };

	PLAY(&sc);
	CHECK_EQ(run.noted, TRK_MAX_CLAIMS);
	CHECK(run.p.cl.stat.merged + run.p.cl.stat.held);
}

/* ---- nonces, continuations, keys ---- */

static enum fate nonce_spoilt(struct run *r, u64 number, struct packet *p)
{
	if (number == FIRST_LOST)
		p->data[16] ^= 1;
	return DELIVER;
}

static void recovery__proof_spoilt(void)
{
	static const struct script sc = { GET(200000), .response = nonce_spoilt };

	PLAY(&sc);
	CHECK(run.p.server_drops[TRK_DROP_PROOF]);
	CHECK_EQ(run.p.cl.stat.timeouts, 1);
}

enum { RENEWED = 1, USED = 2, OLD_DOMAIN = 4 };

static void clock_in_recovery(struct run *r)
{
	const struct trk_grant *g = &r->p.grant;

	if (r->phase && !r->p.later_ms)
		r->p.later_ms = r->p.horizon_ms / 2 + 1000;
	else if (r->phase && g->mint != TRK_MINT_NONE && g->cont.law.first_loss)
		r->noted |= RENEWED;
}

static enum fate uses_renewed(struct run *r, const struct trk_req *q)
{
	struct trk_cont c;

	if (!q->cont.p)
		return DELIVER;
	trk_seal_cont_read(q->cont.p, &c);
	if (c.law.first_loss)
		r->noted |= USED;
	if (c.key_id == 2 && c.domain_key == 1)
		r->noted |= OLD_DOMAIN;
	return DELIVER;
}

static enum fate one_lost(struct run *r, u64 number, struct packet *p)
{
	watch_events(r);
	return number == 3 * FIRST_LOST ? DROP : DELIVER;
}

/* A continuation that is renewed while a loss event is open has the open event in it. */
static void recovery__renewal_in_recovery(void)
{
	static const struct script sc = { GET(400000), .response = one_lost,
					  .request = uses_renewed, .granted = clock_in_recovery };

	PLAY(&sc);
	CHECK_EQ(run.noted, RENEWED | USED);
	CHECK_EQ(run.p.cl.stat.timeouts, 0);
	CHECK_EQ(run.p.server_drops[TRK_DROP_EXPIRED], 0);
}

static void key_in_recovery(struct run *r)
{
	if (r->phase && r->p.keys == 1) {
		r->p.keys = 3;
		r->p.current_key = 1;
	}
	clock_in_recovery(r);
}

/*
 * The key changes while a loss event is open.  The new continuation is sealed with the new key,
 * but what is in flight is proved with the nonces of the old one.
 */
static void recovery__key_change_in_recovery(void)
{
	static const struct script sc = { GET(400000), .response = one_lost,
					  .request = uses_renewed, .granted = key_in_recovery };

	PLAY(&sc);
	CHECK_EQ(run.noted, RENEWED | USED | OLD_DOMAIN);
	CHECK_EQ(run.p.cl.stat.timeouts, 0);
	CHECK_EQ(run.p.server_drops[TRK_DROP_KEY], 0);
}

static enum fate key_before_first(struct run *r, const struct trk_req *q)
{
	r->p.keys = 3;
	r->p.current_key = 1;
	return DELIVER;
}

/* The cookie is of the previous key, the first domain of the new one. */
static void recovery__key_change_in_handshake(void)
{
	static const struct script sc = { GET(20000), .request = key_before_first };

	PLAY(&sc);
	CHECK_EQ(run.p.cl.stat.timeouts, 0);
	CHECK_EQ(run.p.cl.held.conts[run.p.cl.held.serial % TRK_CONTS].c.domain_key, 2);
}

static enum fate dark(struct run *r, const struct trk_req *q)
{
	return at_random(r);
}

/* Nothing comes through for longer than a cookie lives. */
static void recovery__cookie_expires(void)
{
	static const struct script sc = { GET(20000), .request = dark,
					  .light_us = (2 * TRK_COOKIE_PERIOD_MS + 1000) * 1000ULL };

	PLAY(&sc);
	CHECK(run.knocks >= 2);
	CHECK(run.dropped > run.knocks);
}

#define HOUR_MS		3600000

static enum fate step_back(struct run *r, const struct trk_req *q)
{
	r->p.later_ms = -(u64)HOUR_MS;
	return DELIVER;
}

static enum fate step_ahead(struct run *r, const struct trk_req *q)
{
	r->p.later_ms = HOUR_MS;
	return DELIVER;
}

static void at_first(struct run *r)
{
	if (r->p.q.kind == TRK_KIND_FIRST)
		r->noted = r->p.q.attempt;
}

/* The cookie is of a time that has not come yet, or is long past: by a new SYN it goes on. */
static void recovery__clock_steps_in_handshake(void)
{
	static const struct script back = { GET(20000), .request = step_back, .granted = at_first };
	static const struct script ahead = { GET(20000), .request = step_ahead,
					     .granted = at_first };

	PLAY(&back);
	CHECK_EQ(run.noted, TRK_SYN_ATTEMPT);
	CHECK_EQ(run.p.server_drops[TRK_DROP_COOKIE], TRK_SYN_ATTEMPT);
	CHECK_EQ(run.knocks, 1);
	PLAY(&ahead);
	CHECK_EQ(run.noted, TRK_SYN_ATTEMPT);
	CHECK_EQ(run.p.server_drops[TRK_DROP_COOKIE], TRK_SYN_ATTEMPT);
	CHECK_EQ(run.knocks, 1);
}

/* The clock is set in mid-download; then come ten timeouts and more. */
static enum fate step_then_outages(struct run *r, const struct trk_req *q, u64 later_ms)
{
	if (q->kind != TRK_KIND_RANGE)
		return DELIVER;
	if (++r->phase == 100) {
		r->p.later_ms = later_ms;
		r->noted = r->p.cl.stat.timeouts;
	}
	return r->phase > 200 && r->phase < 2200 && r->phase % 200 < 60 ? DROP : DELIVER;
}

static enum fate set_back(struct run *r, const struct trk_req *q)
{
	return step_then_outages(r, q, -(u64)HOUR_MS);
}

static enum fate set_ahead(struct run *r, const struct trk_req *q)
{
	return step_then_outages(r, q, HOUR_MS);
}

static void clock_set(const struct script *sc)
{
	PLAY(sc);
	CHECK(run.p.cl.stat.timeouts >= run.noted + 11);
	/* What was in flight then, and nothing later. */
	CHECK(run.p.server_drops[TRK_DROP_EXPIRED]);
	CHECK(run.p.server_drops[TRK_DROP_EXPIRED] < 60);
	CHECK_EQ(run.p.server_drops[TRK_DROP_ATTEMPT], 0);
	CHECK(run.sim.now_us < HOUR_MS * 1000ULL / 2);
}

static void recovery__clock_steps_in_download(void)
{
	static const struct script back = { GET(3000000), .rcvbuf = 60000, .request = set_back };
	static const struct script ahead = { GET(3000000), .rcvbuf = 60000, .request = set_ahead };

	CHECKED(clock_set(&back));
	CHECKED(clock_set(&ahead));
}

/* ---- offsets of 32 bits ---- */

static struct packet *answer[8];
static unsigned int answers;

static void keep_answer(void *arg, struct packet *out)
{
	answer[answers++ % 8] = out;
}

/* Takes requests to the server and answers back until the client sends no more. */
static unsigned int exchange(struct pair *p)
{
	unsigned int i, requests = 0;
	struct packet *out;

	while ((out = pair_pump(p))) {
		requests++;
		answers = 0;
		pair_at_server(p, 0, out, keep_answer, NULL);
		packet_free(out);
		p->now_us += DELAY_US;
		for (i = 0; i < answers; i++) {
			pair_at_client(p, answer[i]);
			packet_free(answer[i]);
		}
	}
	return requests;
}

/*
 * A packet has the low 32 bits of an offset even if it has no data.  That offset must not matter,
 * wherever in the 32 bits the client's stream of output stands.
 */
static void recovery__no_data_behind_many(void)
{
	static const struct toy_msg msg[] = {
		{ .kind = TOY_GET, .len = 3000, .key = 5 },
		{ .kind = TOY_PUT, .flags = TOY_LAST, .gran = 1, .len = 90, .key = 7 },
	};
	struct pair *p = &run.p;
	unsigned int gib;

	for (gib = 0; gib < 8; gib++) {
		u64 at = ((u64)gib << 30) + 5000;
		struct trk_client *cl = &p->cl;

		pair_begin(p, msg, 2);
		cl->snd_end = TOY_MSG_LEN;
		pair_connect(p, 2 * DELAY_US);
		exchange(p);
		CHECK_EQ(cl->rcv_nxt, 3000);
		/* Makes the client believe that it has received all output up to @at. */
		cl->rcv_nxt = at;
		cl->rx.ask_nxt = at;
		cl->rx.top = at;
		cl->rcv_limit = at + 100000;
		memset(cl->held.outputs, 0, sizeof(cl->held.outputs));
		/* The keepalive has no data in its answer, and neither has the next input. */
		p->now_us += TRK_KEEPALIVE_US;
		trk_timer_expired(cl, p->now_us);
		CHECK(exchange(p));
		CHECK_EQ(cl->rx.top, at);
		cl->snd_end = p->in_len;
		CHECK(exchange(p));
		CHECK_EQ(p->q.input_len, p->in_len - TOY_MSG_LEN);
		pair_end(p);
	}
}

/* ---- another way to the server ---- */

/* A NAT forgets the client, which has another port from its 30th request on. */
static enum fate other_port(struct run *r, const struct trk_req *q)
{
	if (++r->phase == 30)
		r->p.peer.port++;
	/* Servers allow that only from the fifth attempt on. */
	if (r->phase > 30 && q->attempt > 4)
		r->p.moves = true;
	return DELIVER;
}

/* The answer must be one packet with a continuation and the address, and nothing else. */
static enum fate count_moves(struct run *r, u64 number, struct packet *p)
{
	r->noted += r->p.grant.moved;
	if (r->p.grant.renew_only &&
	    p->len != TRK_RESP_FIXED + TRK_CONT_LEN + TRK_EXT_HDR + r->p.grant.addr_len)
		pair_fail(&r->p, "%u bytes to a client that moves", p->len);
	return DELIVER;
}

static void recovery__another_address(void)
{
	static const struct script get = { GET(400000), .request = other_port,
					   .response = count_moves };
	static const struct script put = { .nmsgs = 1, .request = other_port,
					   .response = count_moves,
					   .msg = { { .kind = TOY_PUT, .flags = TOY_LAST, .gran = 1,
						      .len = 400000, .key = 7 } } };

	PLAY(&get);
	CHECK_EQ(run.noted, 1);
	CHECK_EQ(run.p.server_drops[TRK_DROP_MOVED], 2);
	PLAY(&put);
	CHECK_EQ(run.noted, 1);
}

/* A firewall forgets the connection, and lets nothing through before it has seen a SYN. */
static enum fate firewall(struct run *r, const struct trk_req *q)
{
	return ++r->phase > 30 && !r->knocks ? DROP : DELIVER;
}

static void firewalled(const struct script *sc)
{
	PLAY(sc);
	CHECK_EQ(run.knocks, 1);
	CHECK(run.dropped > 2);
	CHECK_EQ(run.p.server_drops[TRK_DROP_MAC], 0);
}

static void recovery__forgotten_by_a_firewall(void)
{
	static const struct script get = { GET(400000), .request = firewall };
	static const struct script put = { .nmsgs = 1, .request = firewall,
					   .msg = { { .kind = TOY_ECHO, .flags = TOY_LAST,
						      .gran = 1, .len = 300000, .key = 7 } } };

	CHECKED(firewalled(&get));
	CHECKED(firewalled(&put));
}

static enum fate watch_keys(struct run *r, const struct trk_req *q)
{
	/* A request that shows a user continuation and nothing else wants it resealed. */
	r->reseals += q->kind == TRK_KIND_RANGE && !q->nask && !q->has_input &&
		      (q->output.p || q->input.p);
	r->renewals += q->kind == TRK_KIND_TIMEOUT;
	return DELIVER;
}

static void watch_late(struct run *r)
{
	r->late += r->p.grant.renew_only;
}

#define CHANGES(n, us)							\
	.keys = (n), .key_us = (us), .retired = TRK_RETIRED_KEYS, .request = watch_keys,	\
	.granted = watch_late

/* If only two keys were held, the second change would end the connection. */
static void recovery__two_key_changes(void)
{
	static const struct script sc = { GET(2000000), .rcvbuf = 60000, CHANGES(2, 200000) };

	PLAY(&sc);
	CHECK_EQ(run.changes, 2);
	CHECK(run.p.cl.stat.resealed >= 2);
	CHECK_EQ(run.p.server_drops[TRK_DROP_KEY], 0);
	CHECK_EQ(run.p.cl.stat.lost, 0);
	CHECK_EQ(run.p.cl.stat.timeouts, 0);
}

/* The key changes more often than keys are held: at times a new domain begins, without loss. */
static void many_keys(const struct script *sc)
{
	PLAY(sc);
	printf("# %.1f s, %u changes, %u domains, %u for a seal, %" PRIu64 " resealed\n",
	       (double)run.sim.now_us / 1e6, run.changes, run.renewals, run.reseals,
	       run.p.cl.stat.resealed);
	CHECK_EQ(run.changes, sc->keys);
	CHECK_EQ(run.p.server_drops[TRK_DROP_KEY], 0);
	CHECK_EQ(run.late, 0);
	CHECK(run.renewals >= sc->keys / TRK_DOMAIN_KEYS - 1);
	CHECK(run.renewals <= sc->keys / TRK_DOMAIN_KEYS);
	CHECK_EQ(run.p.cl.stat.timeouts, run.renewals);
	CHECK_EQ(run.p.cl.stat.lost, 0);
}

static void recovery__many_keys_in_a_download(void)
{
	static const struct script sc = { GET(6000000), .rcvbuf = 60000, CHANGES(12, 100000) };

	CHECKED(many_keys(&sc));
	CHECK(run.p.cl.stat.resealed > sc.keys);
}

static void recovery__many_keys_in_an_upload(void)
{
	static const struct script sc = {
		.nmsgs = 1, .rcvbuf = 60000, CHANGES(12, 100000),
		.msg = { { .kind = TOY_PUT, .flags = TOY_LAST, .gran = 1, .len = 200000,
			   .key = 5 } }
	}, any_order = {
		.nmsgs = 1, .rcvbuf = 60000, CHANGES(12, 100000),
		.msg = { { .kind = TOY_ECHO, .flags = TOY_LAST, .len = 5000000, .key = 5 } }
	};

	CHECKED(many_keys(&sc));
	CHECKED(many_keys(&any_order));
	CHECK(run.p.cl.stat.resealed >= any_order.keys);
}

/*
 * The reader sleeps while there is output left to ask for, and there is input to come later.
 * Meanwhile only keepalives are exchanged.  The key changes every @us.
 */
static void idle_keys(u64 us, u8 flags)
{
	struct script sc = {
		.nmsgs = 2, .rcvbuf = 30000, .pause_at = 100000, .pause_us = 18 * MINUTE_US,
		.rest_us = 18 * MINUTE_US + 10000000, .before = TOY_MSG_LEN,
		CHANGES(17 * MINUTE_US / us, us),
		.msg = { { .kind = TOY_GET, .flags = flags, .len = 400000, .key = 5 },
			 { .kind = TOY_PUT, .flags = TOY_LAST, .gran = 1, .len = 9000, .key = 7 } }
	};

	PLAY(&sc);
	printf("# %u changes, %u domains, %u late, %u for a seal, %" PRIu64 " resealed\n",
	       run.changes, run.renewals, run.late, run.reseals, run.p.cl.stat.resealed);
	CHECK_EQ(run.changes, sc.keys);
	/* Both user continuations are resealed at each keepalive. */
	CHECK(run.p.cl.stat.resealed >= 8);
}

static void recovery__keys_change_while_idle(void)
{
	CHECKED(idle_keys(200 * 1000000ULL, 0));
	CHECKED(idle_keys(200 * 1000000ULL, TOY_CHUNKED));
	CHECKED(idle_keys(100 * 1000000ULL, 0));
	CHECKED(idle_keys(50 * 1000000ULL, TOY_CHUNKED));
	CHECK(run.late);
}

/* The same when all output of the continuation that is held has come, and more may follow. */
static void idle_at_the_end(u64 us)
{
	struct script sc = {
		.nmsgs = 2, .rest_us = 15 * us, .before = TOY_MSG_LEN, CHANGES(14, us),
		.msg = { { .kind = TOY_GET, .len = 20000, .key = 5 },
			 { .kind = TOY_PUT, .flags = TOY_LAST, .gran = 1, .len = 90, .key = 7 } }
	};

	PLAY(&sc);
	CHECK_EQ(run.changes, sc.keys);
	CHECK(run.p.cl.stat.resealed >= 8);
	CHECK(run.reseals < 3 * run.p.cl.stat.resealed);
}

static void recovery__keys_change_while_idle_at_the_end(void)
{
	CHECKED(idle_at_the_end(60 * 1000000ULL));
	CHECKED(idle_at_the_end(83 * 1000000ULL));
	CHECKED(idle_at_the_end(130 * 1000000ULL));
	CHECKED(idle_at_the_end(250 * 1000000ULL));
}

/* If an old key is forgotten, whatever depends on it is refused until the client gives up. */
static void recovery__forgotten_key_is_refused(void)
{
	static const struct script sc = {
		.nmsgs = 2, .rest_us = 2000000, .before = TOY_MSG_LEN,
		.keys = 2, .key_us = 500000, .retired = 0, .request = watch_keys,
		.msg = { { .kind = TOY_GET, .len = 20000, .key = 5 },
			 { .kind = TOY_PUT, .flags = TOY_LAST, .gran = 1, .len = 90, .key = 7 } }
	};
	struct script held = sc;

	play(&run, &sc);
	run_free(&run);
	CHECK(!strcmp(run.p.why, "gave up with error 110"));
	CHECK(run.p.server_drops[TRK_DROP_KEY] > TRK_MAX_ATTEMPTS);
	CHECK_EQ(run.p.cl.rcv_nxt, 20000);
	held.retired = 1;
	PLAY(&held);
	CHECK(run.p.server_drops[TRK_DROP_KEY]);
}

static void two_keys(struct run *r)
{
	if (r->p.current_key)
		return;
	pair_new_key(&r->p, 0);
	r->p.split = true;
}

static enum fate one_has_another(struct run *r, const struct trk_req *q)
{
	watch_keys(r, q);
	two_keys(r);
	return DELIVER;
}

/* Only one of two replicas has the new key: requests to have something resealed are bounded. */
/* The key changes twice; the second replica has the last two in the other order. */
static enum fate second_change_by_turns(struct run *r, const struct trk_req *q)
{
	if (q->kind == TRK_KIND_RANGE && (++r->phase == 5 || r->phase == 40))
		pair_new_key(&r->p, 1);
	r->p.split = r->phase >= 40;
	return DELIVER;
}

/* By turns it is one key, and two, away from the birth of the domain: never three. */
static void recovery__replicas_of_two_later_keys(void)
{
	static const struct script sc = { GET(3000000), .rcvbuf = 60000,
					  .request = second_change_by_turns };

	PLAY(&sc);
	CHECK_EQ(run.p.current_key, 2);
	CHECK_EQ(run.p.cl.stat.timeouts, 0);
}

static void recovery__replicas_of_two_keys(void)
{
	static const struct script busy = {
		GET(3000000), .rcvbuf = 60000, .request = one_has_another,
	}, idle = {
		.nmsgs = 2, .request = one_has_another, .rest_us = MINUTE_US,
		.before = TOY_MSG_LEN,
		.msg = { { .kind = TOY_GET, .len = 30000, .key = 5 },
			 { .kind = TOY_PUT, .flags = TOY_LAST, .gran = 1, .len = 9000, .key = 7 } }
	};

	PLAY(&busy);
	printf("# %u for a seal, %" PRIu64 " requests\n", run.reseals, run.p.cl.stat.requests);
	CHECK_EQ(run.p.cl.stat.timeouts, 0);
	CHECK(run.reseals * 5 < run.p.cl.stat.requests);
	PLAY(&idle);
	printf("# %u for a seal\n", run.reseals);
	CHECK_EQ(run.p.cl.stat.timeouts, 0);
	CHECK(run.reseals < 10);
}

static enum fate request_at_random(struct run *r, const struct trk_req *q)
{
	watch_keys(r, q);
	return at_random(r);
}

static enum fate response_at_random(struct run *r, u64 number, struct packet *p)
{
	return rng_u64(&r->p.rng) % 100 ? at_random(r) : LATE;
}

/* Random messages and losses, and a new key every second or two; six retired keys are held. */
static void recovery__keys_and_losses_at_random(void)
{
	struct script sc = { CHANGES(20, 0), .response = response_at_random };
	unsigned int i, k, changes = 0, domains = 0, timeouts = 0;
	u64 resealed = 0;

	sc.request = request_at_random;
	for (i = 0; i < 100; i++) {
		struct rng rng = { .s = i + 1 };

		sc.seed = rng_u64(&rng);
		sc.permille = rng_u64(&rng) % 25;
		sc.rcvbuf = 8000 + rng_u64(&rng) % 60000;
		sc.key_us = 1000000 + rng_u64(&rng) % 1000000;
		sc.nmsgs = 3;
		for (k = 0; k < sc.nmsgs; k++)
			sc.msg[k] = (struct toy_msg){
				.kind = "GPS"[rng_u64(&rng) % 3],
				.flags = rng_u64(&rng) % 2 * TOY_CHUNKED, .gran = 1,
				.len = rng_u64(&rng) % 100000, .key = rng_u64(&rng) };
		if (i % 2)
			sc.msg[k - 1].kind = TOY_ECHO;
		for (k = 0; k < sc.nmsgs; k++)
			if (sc.msg[k].kind == TOY_GET || sc.msg[k].kind == TOY_ECHO)
				sc.msg[k].len *= 10;
		PLAY(&sc);
		changes += run.changes;
		domains += run.renewals;
		timeouts += run.p.cl.stat.timeouts;
		resealed += run.p.cl.stat.resealed;
	}
	printf("# %u changes, %u domains, %u timeouts, %" PRIu64 " resealed\n", changes, domains,
	       timeouts, resealed);
	CHECK(domains >= changes / 4 && resealed > changes);
}

/* Nothing comes through for a while, SYNs included; then half of the clients have another port. */
static void recovery__outages_at_random(void)
{
	struct script sc = { .request = request_at_random, .response = response_at_random,
			     .granted = watch_late, .nmsgs = 2 };
	unsigned int i, k, knocks = 0, late = 0;

	for (i = 0; i < 200; i++) {
		struct rng rng = { .s = i + 1 };

		sc.seed = rng_u64(&rng);
		sc.permille = rng_u64(&rng) % 100;
		sc.rcvbuf = 8000 + rng_u64(&rng) % 60000;
		sc.dark_us = 1200000 + rng_u64(&rng) % 3000000;
		sc.light_us = sc.dark_us + rng_u64(&rng) % 30000000;
		sc.moves = i % 2;
		for (k = 0; k < sc.nmsgs; k++)
			sc.msg[k] = (struct toy_msg){
				.kind = "GPSE"[rng_u64(&rng) % (3 + k)],
				.flags = rng_u64(&rng) % 2 * TOY_CHUNKED, .gran = 1,
				.len = rng_u64(&rng) % 1000000, .key = rng_u64(&rng) };
		PLAY(&sc);
		knocks += run.knocks;
		late += run.late;
	}
	printf("# %u SYNs, %u renewals\n", knocks, late);
	CHECK(knocks && late);
}

/* ---- the reader ---- */

static enum fate while_paused(struct run *r, const struct trk_req *q)
{
	/* What was in flight when the reader fell asleep may still be reported. */
	if (r->paused && r->p.now_us > r->quiet_since + 10 * DELAY_US)
		r->noted++;
	if (r->slept && !r->paused && !r->at_us[0])
		r->at_us[0] = r->p.now_us;
	return DELIVER;
}

static void recovery__window_closed_for_a_minute(void)
{
	static const struct script sc = { GET(400000), .request = while_paused, .rcvbuf = 30000,
					  .pause_at = 100000, .pause_us = MINUTE_US };

	PLAY(&sc);
	CHECK(run.slept);
	CHECK_EQ(run.noted, 0);
	CHECK_EQ(run.p.cl.stat.timeouts, 0);
	CHECK_EQ(run.at_us[0], run.read_at_us);
}

/* Finds the most packets that are granted in one instant after the reader has woken up. */
static void burst(struct run *r)
{
	const struct trk_grant *g = &r->p.grant;

	if (!r->slept || r->paused)
		return;
	if (r->at_us[0] != r->sim.now_us)
		r->seen_burst = 0;
	r->at_us[0] = r->sim.now_us;
	r->seen_burst += g->count;
	r->noted = max_t(u64, r->noted, r->seen_burst);
	r->at_us[1] = max_t(u64, r->at_us[1], r->p.cl.cwnd);
}

/* Trickles that were parked do not go on all at once (rationale.rst, "The client's reports"). */
static void recovery__parked_trickles_resume_paced(void)
{
	static const struct script sc = { GET(4000000), .granted = burst, .rcvbuf = 400000,
					  .pause_at = 2000000, .pause_us = 5000000 };

	PLAY(&sc);
	printf("# %" PRIu64 " packets at once, window %" PRIu64 "\n", run.noted, run.at_us[1]);
	CHECK(run.at_us[1] > 100);
	CHECK(run.noted <= run.at_us[1] / 5);
	CHECK_EQ(run.p.cl.stat.timeouts, 0);
}

static enum fate count_late(struct run *r, u64 number, struct packet *p)
{
	/* An answer that renews only is one continuation, and there is only one of them. */
	if (r->p.grant.renew_only && (p->len != TRK_RESP_FIXED + TRK_CONT_LEN || ++r->noted > 1))
		pair_fail(&r->p, "%u bytes to a late request", p->len);
	return DELIVER;
}

/* The continuation is past its horizon when the reader wakes up: only a TIMEOUT renews it. */
static void recovery__window_closed_beyond_the_horizon(void)
{
	static const struct script sc = { GET(400000), .response = count_late, .rcvbuf = 30000,
					  .horizon_ms = 40000, .pause_at = 100000,
					  .pause_us = MINUTE_US };

	PLAY(&sc);
	CHECK(run.p.server_drops[TRK_DROP_EXPIRED]);
	CHECK_EQ(run.noted, 1);
	CHECK_EQ(run.p.cl.stat.timeouts, 1);
}

/* The same with input to send, sequential or parallel. */
static void late_input(enum toy_kind kind)
{
	struct script sc = { .nmsgs = 2, .response = count_late, .horizon_ms = 40000,
			     .rest_us = MINUTE_US, .before = 2 * TOY_MSG_LEN + 2000,
			     .msg = { { .kind = TOY_GET, .len = 29500, .key = 5 },
				      { .kind = kind, .flags = TOY_LAST, .gran = 1, .len = 9000,
					.key = 7 } } };

	PLAY(&sc);
	CHECK(run.p.server_drops[TRK_DROP_EXPIRED]);
	CHECK_EQ(run.noted, 1);
}

static void recovery__input_beyond_the_horizon(void)
{
	CHECKED(late_input(TOY_PUT));
	CHECKED(late_input(TOY_ECHO));
}

static void recovery__window_smaller_than_a_packet(void)
{
	static const struct script sc = { GET(20000), .rcvbuf = 600 };

	PLAY(&sc);
	CHECK_EQ(run.p.cl.stat.timeouts, 0);
}

/* An answer to input that has no room in the receive window is refused, which is no loss. */
static void recovery__input_answered_beyond_the_window(void)
{
	static const struct script sc = {
		.nmsgs = 2, .rcvbuf = 12000,
		.msg = { { .kind = TOY_GET, .flags = TOY_CHUNKED, .len = 60000, .key = 5 },
			 { .kind = TOY_ECHO, .flags = TOY_LAST, .len = 20000, .key = 7 } }
	};

	PLAY(&sc);
	CHECK_EQ(run.p.client_drops[TRK_DROP_WINDOW], 0);
	CHECK_EQ(run.p.cl.stat.lost, 0);
	CHECK_EQ(run.p.cl.stat.timeouts, 0);
}

/*
 * More answers to input bring output continuations than the client can hold.  Those that it
 * refuses are no losses, and are answered again as soon as places are free.
 */
static void recovery__too_many_output_continuations(void)
{
	static const struct script sc = {
		.nmsgs = 2, .rcvbuf = 200000, .pause_at = 60000, .pause_us = 10 * MINUTE_US,
		.msg = { { .kind = TOY_GET, .len = 60000, .key = 5 },
			 { .kind = TOY_ECHO, .flags = TOY_CHUNKED | TOY_LAST, .len = 40000,
			   .key = 7 } }
	};

	PLAY(&sc);
	CHECK_EQ(run.p.client_drops[TRK_DROP_WINDOW], 0);
	CHECK_EQ(run.p.cl.stat.lost, 0);
	CHECK_EQ(run.p.cl.stat.timeouts, 0);
	CHECK(run.paused);
}

static enum fate successor_lost(struct run *r, u64 number, struct packet *p)
{
	if (number == 2)
		return LATE;
	return r->p.q.nask && number == r->p.grant.first && !r->noted++ ? DROP : DELIVER;
}

/*
 * The answer to the first bytes that are asked for brings the next output continuation.  The
 * packet with that continuation is lost, while its bytes have come late in another packet.
 */
static void recovery__output_continuation_lost(void)
{
	static const struct script sc = {
		.nmsgs = 1, .response = successor_lost,
		.msg = { { .kind = TOY_GET, .flags = TOY_CHUNKED | TOY_LAST, .len = 30000,
			   .key = 5 } }
	};

	PLAY(&sc);
	CHECK_EQ(run.dropped, 1);
	CHECK(run.p.cl.stat.late);
	CHECK_EQ(run.p.cl.stat.timeouts, 0);
}

/* Once the server's stream has ended, input needs no room for what it brings. */
static void recovery__input_behind_the_last_output(void)
{
	static const struct script sc = {
		.nmsgs = 2, .rcvbuf = 6000, .pause_us = 10 * MINUTE_US,
		.msg = { { .kind = TOY_GET, .flags = TOY_LAST, .len = 5000, .key = 5 },
			 { .kind = TOY_SINK, .gran = 1, .len = 50000, .key = 7 } }
	};

	PLAY(&sc);
	/* The server has consumed all input while the client's reader sleeps. */
	CHECK(run.paused);
	CHECK_EQ(run.p.cl.stat.timeouts, 0);
}

/* The server waits for the end of the stream; then it consumes some, and the rest is sent again. */
static void recovery__input_taken_at_the_end(void)
{
	static const struct script sc = {
		.nmsgs = 2, .fin_us = 1000000,
		.msg = { { .kind = TOY_SINK, .flags = TOY_AT_END, .gran = 1, .len = 500, .key = 7 },
			 { .kind = TOY_GET, .flags = TOY_LAST, .len = 5000, .key = 5 } }
	};

	PLAY(&sc);
	CHECK_EQ(run.p.cl.snd_una, run.p.in_len);
}

/* Both streams have ended: the client does not wait for input that the server never consumes. */
static void recovery__input_never_taken(void)
{
	static const struct script sc = { GET(5000), .fin_us = 1000000, .extra = TOY_MSG_LEN - 1 };

	PLAY(&sc);
	CHECK(run.p.cl.snd_una < run.p.in_len);
	CHECK(run.sim.now_us < 4000000);
}

/* ---- numbers ---- */

#define BEYOND	(1ULL << 32)

static enum fate around_2_32_lost(struct run *r, u64 number, struct packet *p)
{
	watch_events(r);
	if (r->phase && r->first_loss < BEYOND && r->recover >= BEYOND)
		r->noted = 1;
	return number == BEYOND - 2 || number == BEYOND || number == BEYOND + 5 ? DROP : DELIVER;
}

static void recovery__numbers_beyond_2_32(void)
{
	static const struct script sc = { GET(300000), .start = BEYOND - 40,
					  .response = around_2_32_lost };

	PLAY(&sc);
	CHECK_EQ(run.dropped, 3);
	CHECK_EQ(run.noted, 1);
	CHECK_EQ(run.p.cl.stat.timeouts, 0);
	CHECK(run.p.cl.num.hi > BEYOND + 100);
}

static enum fate all_around_2_32_lost(struct run *r, u64 number, struct packet *p)
{
	return r->p.q.kind == TRK_KIND_RANGE && number >= BEYOND - 5 ? DROP : DELIVER;
}

static void recovery__timeout_at_2_32(void)
{
	static const struct script sc = { GET(60000), .start = BEYOND - 15,
					  .response = all_around_2_32_lost };

	PLAY(&sc);
	/* Only answers to TIMEOUT requests come, and each brings one packet. */
	CHECK(run.p.cl.stat.timeouts > 5);
	CHECK(run.p.cl.num.hi > BEYOND);
}

/* The sequence numbers of both directions wrap, and the segments in which they do are lost. */
static enum fate wrap_response(struct run *r, u64 number, struct packet *p)
{
	if (p->seq + p->len >= p->seq || r->noted & 1)
		return DELIVER;
	r->noted |= 1;
	return DROP;
}

static enum fate wrap_request(struct run *r, const struct trk_req *q)
{
	if (r->p.client_isn + 1 + r->p.cl.req.seq > 4000 || r->noted & 2)
		return DELIVER;
	r->noted |= 2;
	return DROP;
}

static void recovery__tcp_sequence_wraps(void)
{
	struct script sc = { GET(2000000), .response = wrap_response, .request = wrap_request };
	struct trk_peer peer = { .addr = { [15] = 1 }, .port = 40000, .service = 80 };
	struct trku_cipher key;
	u32 isn = U32_MAX - 2000, server;

	toy_cipher(&key, 1, 1);
	do
		server = trk_seal_cookie(&key.c, &peer, --isn,
					 (PAIR_NOW_MS + 1000) / TRK_COOKIE_PERIOD_MS);
	while (server < U32_MAX - 1000000);
	CHECK(isn > U32_MAX - 60000);
	sc.client_isn = isn;
	PLAY(&sc);
	CHECK_EQ(run.noted, 3);
	CHECK(run.p.client_isn + run.p.cl.req.seq < isn);
	CHECK_EQ(run.p.cl.stat.timeouts, 0);
}

static const struct tap_case cases[] = {
	TAP_CASE(recovery__losses_among_survivors),
	TAP_CASE(recovery__every_request_after_a_loss_lost),
	TAP_CASE(recovery__several_events_in_one_window),
	TAP_CASE(recovery__timeout_in_recovery),
	TAP_CASE(recovery__timeout_of_the_timeout),
	TAP_CASE(recovery__claim_list_full),
	TAP_CASE(recovery__proof_spoilt),
	TAP_CASE(recovery__renewal_in_recovery),
	TAP_CASE(recovery__key_change_in_recovery),
	TAP_CASE(recovery__key_change_in_handshake),
	TAP_CASE(recovery__cookie_expires),
	TAP_CASE(recovery__clock_steps_in_handshake),
	TAP_CASE(recovery__clock_steps_in_download),
	TAP_CASE(recovery__no_data_behind_many),
	TAP_CASE(recovery__another_address),
	TAP_CASE(recovery__forgotten_by_a_firewall),
	TAP_CASE(recovery__two_key_changes),
	TAP_CASE(recovery__many_keys_in_a_download),
	TAP_CASE(recovery__many_keys_in_an_upload),
	TAP_CASE(recovery__keys_change_while_idle),
	TAP_CASE(recovery__keys_change_while_idle_at_the_end),
	TAP_CASE(recovery__forgotten_key_is_refused),
	TAP_CASE(recovery__replicas_of_two_keys),
	TAP_CASE(recovery__replicas_of_two_later_keys),
	TAP_CASE(recovery__keys_and_losses_at_random),
	TAP_CASE(recovery__outages_at_random),
	TAP_CASE(recovery__window_closed_for_a_minute),
	TAP_CASE(recovery__parked_trickles_resume_paced),
	TAP_CASE(recovery__window_closed_beyond_the_horizon),
	TAP_CASE(recovery__input_beyond_the_horizon),
	TAP_CASE(recovery__window_smaller_than_a_packet),
	TAP_CASE(recovery__input_answered_beyond_the_window),
	TAP_CASE(recovery__too_many_output_continuations),
	TAP_CASE(recovery__output_continuation_lost),
	TAP_CASE(recovery__input_behind_the_last_output),
	TAP_CASE(recovery__input_taken_at_the_end),
	TAP_CASE(recovery__input_never_taken),
	TAP_CASE(recovery__numbers_beyond_2_32),
	TAP_CASE(recovery__timeout_at_2_32),
	TAP_CASE(recovery__tcp_sequence_wraps),
};

TAP_MAIN(cases)
