// SPDX-License-Identifier: GPL-2.0
/*
 * The core compared with TCP Reno over the same scripts of lost packets.  Without loss, both send
 * the same packets at the same times.  With loss, the core has the same windows, and no more
 * packets in flight or round trips, except for the differences that Documentation/recovery.rst
 * lists; for each of them there is a case here.  A script that fails is made shorter while it
 * still fails.
 *
 * usage: reno_test		all cases
 *	  reno_test N...	both, packet by packet, when responses N... are lost
 */
#include "core/server.h"
#include "reno.h"
#include "tap.h"

#define MAX_SENT	16384
#define MAX_DROPS	64
#define BYTES		300000
#define SEGMENTS	213		/* packets that the core needs for BYTES */
#define LAST_FULL	95		/* if this is lost, more than a window is left to send */
#define SCRIPTS		3000

/* ---- scripts of losses ---- */

struct script {
	u32 n[2];
	u32 drop[2][MAX_DROPS];		/* by direction; packets are counted from 1 */
};

static void script_add(struct script *s, enum sim_dir dir, u32 ordinal)
{
	if (s->n[dir] < MAX_DROPS)
		s->drop[dir][s->n[dir]++] = ordinal;
}

static void script_write(const struct script *s, char *text, size_t size)
{
	size_t len = 0;
	unsigned int d, i;

	text[0] = 0;
	for (d = 0; d < 2; d++) {
		if (s->n[d])
			len += snprintf(text + len, size - len, "drop %s",
					d == SIM_UP ? "up" : "down");
		for (i = 0; i < s->n[d]; i++)
			len += snprintf(text + len, size - len, " %u", s->drop[d][i]);
		if (s->n[d])
			len += snprintf(text + len, size - len, "\n");
	}
}

/* Takes losses out of a script as long as it still fails. */
static void shrink(struct script *s, bool (*fails)(const struct script *s))
{
	struct script t;
	unsigned int d, i;
	bool shorter = true;

	while (shorter) {
		shorter = false;
		for (d = 0; d < 2; d++) {
			for (i = 0; i < s->n[d]; i++) {
				t = *s;
				memmove(t.drop[d] + i, t.drop[d] + i + 1,
					(t.n[d] - i - 1) * sizeof(t.drop[d][0]));
				t.n[d]--;
				if (!fails(&t))
					continue;
				*s = t;
				shorter = true;
				i--;
			}
		}
	}
}

/* ---- what a run was ---- */

struct result {
	u64 sent_us[MAX_SENT];		/* when each packet was sent */
	u64 number_us[MAX_SENT];	/* core: when each number was issued */
	u32 sent, rounds, timeouts;
	u32 windows;			/* how often a loss has cut the window */
	u32 window[MAX_DROPS];		/* what the window was then */
	u64 done_us, recovery_us;	/* Reno: length of all recoveries together */
	bool done;
	char why[200];			/* what was wrong, or empty */
};

static struct result *result;

static void note_send(const struct conn *c)
{
	if (result->sent < MAX_SENT)
		result->sent_us[result->sent++] = c->net->sim.now_us;
}

static void note_loss(const struct conn *c, u32 cwnd)
{
	if (result->windows < MAX_DROPS)
		result->window[result->windows++] = cwnd;
}

/* ---- Reno's rules, applied to the core's numbers ---- */

/*
 * What the server has been told of a domain's numbers.  A Reno sender is computed from it, to
 * which each number is a transmission that is reported, in order, as arrived or lost.
 */
struct told {
	u64 id, base, n;
	u32 cwnd, ssthresh;
	u8 fate[MAX_SENT];		/* enum fate of number base + i */
	struct told *next;
};

enum fate { UNTOLD, GREW, SHORT, LOST };

struct rules {
	u64 k, sent, recover;
	u32 cwnd, ssthresh, acked, pipe;
	bool recovery, reduced;
};

static struct told *told;

/* One report.  The window is as in RFC 5681; as many packets are sent as it allows (RFC 6675). */
static void rules_step(struct rules *r, enum fate fate)
{
	bool at_once = false;

	r->k++;
	r->pipe--;
	r->reduced = false;
	if (r->recovery && r->k > r->recover)
		r->recovery = false;
	if (fate == LOST && !r->recovery) {
		r->recovery = true;
		r->recover = r->sent;
		r->ssthresh = max_t(u32, r->cwnd / 2, 2);
		r->cwnd = r->ssthresh;
		r->acked = 0;
		r->reduced = true;
		/* The fast retransmission is sent whatever is in flight. */
		at_once = true;
	} else if (fate == GREW && !r->recovery) {
		if (r->cwnd < r->ssthresh) {
			r->cwnd++;
		} else if (++r->acked >= r->cwnd) {
			r->cwnd++;
			r->acked = 0;
		}
	}
	for (; r->pipe < r->cwnd || at_once; at_once = false) {
		r->pipe++;
		r->sent++;
	}
}

static void rules_upto(const struct told *t, u64 n, struct rules *r)
{
	*r = (struct rules){ .k = t->base, .cwnd = t->cwnd, .ssthresh = t->ssthresh,
			     .sent = t->base + t->cwnd, .pipe = t->cwnd };
	while (r->k < n)
		rules_step(r, t->fate[r->k + 1 - t->base]);
}

static struct told *told_find(u64 domain)
{
	struct told *t = told;

	while (t && t->id != domain)
		t = t->next;
	return t;
}

static void told_begin(const struct trk_cont *c, u32 cwnd, u32 ssthresh)
{
	struct told *t = told_find(c->domain);

	if (t)
		return;
	t = calloc(1, sizeof(*t));
	t->id = c->domain;
	t->base = c->base;
	t->n = c->base;
	t->cwnd = cwnd;
	t->ssthresh = ssthresh;
	t->next = told;
	told = t;
}

static void told_free(void)
{
	while (told) {
		struct told *t = told;

		told = t->next;
		free(t);
	}
}

#define NOT_RENO(fmt, ...)							\
	do {									\
		if (!result->why[0])						\
			snprintf(result->why, sizeof(result->why), fmt, __VA_ARGS__); \
	} while (0)

static void told_report(struct told *t, const struct trk_req *q, u64 base, u64 n, struct conn *c)
{
	struct rules r;
	unsigned int i;
	u64 k;

	if (n - t->base >= MAX_SENT) {
		NOT_RENO("more numbers than this test can hold: %" PRIu64, n);
		return;
	}
	for (k = t->n + 1; k <= n; k++) {
		t->fate[k - t->base] = GREW;
		for (i = 0; i < q->nclaims; i++) {
			u64 a = trk_num_above(base, q->claim[i].a);

			if (k >= a && k < a + q->claim[i].len)
				t->fate[k - t->base] =
					q->claim[i].kind == TRK_CLAIM_LOST ? LOST : SHORT;
		}
		rules_upto(t, k, &r);
		if (r.reduced)
			note_loss(c, r.cwnd);
	}
	t->n = max_t(u64, t->n, n);
}

static const struct trk_cipher *get_cipher(void *arg, u8 key_id)
{
	return &((struct net *)arg)->cipher.c;
}

/* Compares what the core grants for a request with what Reno's rules allow. */
static void check_request(struct replica *rep, const struct packet *p, struct conn *c)
{
	struct trk_server_env env = {
		.cipher = get_cipher,
		.arg = rep->net,
		.current_key = &rep->net->cipher.c,
		.now_ms = replica_now_ms(rep),
		.horizon_ms = rep->net->sc->horizon_ms,
		.max_seg_size = rep->net->sc->seg_size,
	};
	struct trk_peer peer = conn_peer(c);
	struct trk_grant g;
	struct trk_cont cont;
	struct trk_req q;
	struct rules r;
	struct told *t;
	u64 n, last, x;

	if (trk_wire_req_parse(&q, p->data, p->len, p->len) ||
	    trk_server_step(&env, &peer, &q, p->seq, p->ack, p->len, &g)) {
		NOT_RENO("a request was dropped at %" PRIu64, c->net->sim.now_us);
		return;
	}
	if (q.kind == TRK_KIND_CLOSE)
		return;
	if (q.kind == TRK_KIND_FIRST) {
		told_begin(&g.cont, q.attempt ? 1 : RENO_IW, q.attempt ? RENO_IW / 2 : 1 << 20);
		result->timeouts += !!q.attempt;
	} else {
		trk_seal_cont_read(q.cont.p, &cont);
		t = told_find(cont.domain);
		n = trk_num_above(cont.base, q.n);
		if (!t || (q.kind == TRK_KIND_TIMEOUT && n > t->n)) {
			NOT_RENO("what nobody reported at %" PRIu64, c->net->sim.now_us);
			return;
		}
		told_report(t, &q, cont.base, n, c);
		if (result->why[0])
			return;
		rules_upto(t, n, &r);
		if (q.kind == TRK_KIND_TIMEOUT) {
			if (g.first != r.sent + 1)
				NOT_RENO("a timeout issues %" PRIu64 " instead of %" PRIu64,
					 g.first, r.sent + 1);
			told_begin(&g.cont, 1, r.recovery ? r.cwnd : max_t(u32, r.cwnd / 2, 2));
			result->timeouts++;
		} else if (g.count) {
			last = g.first + g.count - 1;
			if (last > r.sent || (last < r.sent && n == t->n))
				NOT_RENO("a report of %" PRIu64 " issues up to %" PRIu64
					 ", Reno up to %" PRIu64, n, last, r.sent);
		} else if (n == t->n) {
			NOT_RENO("a report of %" PRIu64 " issues nothing", n);
		}
	}
	for (x = g.first; x < g.first + g.count && x < MAX_SENT; x++)
		if (!result->number_us[x])
			result->number_us[x] = c->net->sim.now_us;
}

/* ---- running ---- */

static struct sim_scenario scenario;
static struct model watched_core;

static void watched_at_server(struct replica *rep, struct packet *p)
{
	struct conn *c = &rep->net->conn[p->client];
	u32 before = c->ordinal[SIM_DOWN];

	check_request(rep, p, c);
	core_model.at_server(rep, p);
	for (; before < c->ordinal[SIM_DOWN]; before++)
		note_send(c);
}

#define PATH	"link up delay 50ms\nlink down rate 1gbit delay 50ms queue 100k\n"
#define RTT_US	100000

/* Runs one client over the core or over Reno.  Its transfer may be longer than the run. */
static void run_text(const char *text, bool reno, struct result *res)
{
	char error[SIM_ERROR];
	FILE *f = fmemopen((void *)text, strlen(text), "r");
	struct net *n;

	memset(res, 0, sizeof(*res));
	result = res;
	if (sim_scenario_read(&scenario, f, "test", error)) {
		NOT_RENO("%s", error);
		fclose(f);
		return;
	}
	fclose(f);
	n = net_new(&scenario, NULL);
	reno_on_send = note_send;
	reno_on_loss = note_loss;
	watched_core = core_model;
	watched_core.at_server = watched_at_server;
	net_use(n, scenario.group, reno ? &reno_model : &watched_core);
	net_run(n);
	res->done = n->conn[0].done;
	res->done_us = n->conn[0].done_us;
	res->rounds = n->conn[0].done_round;
	if (reno) {
		res->timeouts = reno_timeouts;
		res->recovery_us = reno_recovery_us;
	}
	net_close(n);
	if (n->count.wrong)
		NOT_RENO("%" PRIu64 " wrong bytes", n->count.wrong);
	net_free(n);
	sim_scenario_free(&scenario);
	told_free();
}

static void run(const struct script *s, bool reno, struct result *res)
{
	char text[4000], drops[3000];

	script_write(s, drops, sizeof(drops));
	snprintf(text, sizeof(text), PATH "%sclient 1 get %u\ntime 1000s\n", drops, BYTES);
	/* Reno then sends as many packets as the core, whose first ten have less room for data. */
	reno_total = SEGMENTS;
	run_text(text, reno, res);
	if (!res->done)
		NOT_RENO("not done after %u s", 1000);
}

/* ---- without loss ---- */

static void reno__no_loss_same_packets_same_times(void)
{
	static const char *const paths[] = {
		PATH,
		"link up delay 5ms\nlink down rate 100mbit delay 5ms queue 100k\n",
		"link up delay 1ms\nlink down rate 10mbit delay 1ms queue 100k\n",
		"link up delay 300ms\nlink down rate 1gbit delay 300ms queue 100k\nslot 1000\n",
		"link up delay 20ms\nlink down rate 500mbit delay 7ms queue 100k\nslot 9000\n",
		"link up delay 0ms\nlink down rate 50mbit delay 33ms queue 100k\nreplicas 3\n",
	};
	static struct result core, reno;
	unsigned int i, k;

	for (i = 0; i < ARRAY_SIZE(paths); i++) {
		char text[400];

		snprintf(text, sizeof(text), "%sclient 1 get 1g buffer 1g\ntime %s\n", paths[i],
			 i == 2 ? "3s" : i == 3 ? "5500ms" : "1s");
		reno_total = RENO_MAX;
		run_text(text, false, &core);
		run_text(text, true, &reno);
		if (core.why[0])
			FAIL("path %u: %s", i, core.why);
		if (core.sent < 1000)
			FAIL("path %u: only %u packets", i, core.sent);
		for (k = 0; k < core.sent || (k < reno.sent && k < RENO_MAX - 1); k++) {
			if (k == RENO_MAX - 1)
				break;
			if (core.sent_us[k] != reno.sent_us[k])
				FAIL("path %u: packet %u at %" PRIu64 " us, Reno's at %" PRIu64, i,
				     k + 1, core.sent_us[k], reno.sent_us[k]);
		}
	}
}

/* ---- with loss ---- */

/* How many packets were sent in the round trip that ends with packet i. */
static u32 flight(const struct result *r, u32 i)
{
	u32 k = i;

	while (k && r->sent_us[k - 1] + RTT_US > r->sent_us[i])
		k--;
	return i - k + 1;
}

/* The most packets that a run has in flight within a round trip before or after time t. */
static u32 flight_near(const struct result *r, u64 t)
{
	u32 i, most = 0;

	for (i = 0; i < r->sent; i++)
		if (r->sent_us[i] + RTT_US >= t && r->sent_us[i] <= t + RTT_US)
			most = max_t(u32, most, flight(r, i));
	return most;
}

/* By how many packets at most the core has more in flight than Reno. */
static u32 flight_above(const struct result *core, const struct result *reno)
{
	u32 i, most, above = 0;

	for (i = 0; i < core->sent; i++) {
		/* At the end Reno has nothing more to send, and nothing can be compared. */
		if (core->sent_us[i] + 2 * RTT_US > reno->done_us)
			break;
		most = flight_near(reno, core->sent_us[i]);
		above = max_t(u32, above, max_t(u32, flight(core, i), most) - most);
	}
	return above;
}

static struct {
	u32 scripts, timeouts, above[8], later[8];
	s64 rounds;			/* all round trips of the core less all of Reno */
} tally;

/* Compares a run with losses within one window with Reno's.  Returns what is wrong, or NULL. */
static const char *compare(const struct script *s)
{
	static struct result core, reno;
	u32 above, repair;

	run(s, false, &core);
	run(s, true, &reno);
	tally.scripts++;
	if (core.why[0])
		return core.why;
	if (reno.why[0])
		return "the reference did not end";
	/* So little of the window has arrived that TCP must wait for its timer. */
	if (reno.timeouts) {
		tally.timeouts++;
		return NULL;
	}
	if (core.timeouts)
		return "a timeout, and Reno has none";
	if (core.windows != reno.windows ||
	    memcmp(core.window, reno.window, core.windows * sizeof(core.window[0])))
		return "other windows after the loss";
	/*
	 * By design, the new stretch begins behind R, while Reno waits until all is repaired.
	 * For each further round trip of that, the core has a packet more in flight.
	 */
	repair = (u32)((reno.recovery_us + RTT_US / 2) / RTT_US);
	above = flight_above(&core, &reno);
	tally.above[min_t(u32, above, ARRAY_SIZE(tally.above) - 1)]++;
	if (above > repair + 2)
		return "more packets in flight";
	/* By design, a short packet takes a number, and does not let the window grow. */
	if (core.rounds > reno.rounds + 2)
		return "more round trips";
	if (core.rounds > reno.rounds)
		tally.later[core.rounds - reno.rounds]++;
	tally.rounds += (s64)core.rounds - reno.rounds;
	return NULL;
}

static bool compare_fails(const struct script *s)
{
	return compare(s);
}

/* Checks what holds of every script: the core's numbers follow Reno's rules. */
static bool rules_fail(const struct script *s)
{
	static struct result core;

	run(s, false, &core);
	return core.why[0];
}

static void say_shortest(struct script *s, bool (*fails)(const struct script *s))
{
	char text[3000], *p;

	shrink(s, fails);
	script_write(s, text, sizeof(text));
	for (p = strtok(text, "\n"); p; p = strtok(NULL, "\n"))
		printf("# the shortest script that fails: %s\n", p);
}

static void say_tally(void)
{
	printf("# %u scripts, %u with a timeout of Reno; round trips against Reno %+" PRId64
	       ", one more %u, two more %u; packets in flight above Reno 0 %u, 1 %u, 2 %u, 3 %u, more %u\n",
	       tally.scripts, tally.timeouts, tally.rounds, tally.later[1], tally.later[2],
	       tally.above[0], tally.above[1], tally.above[2], tally.above[3],
	       tally.above[4] + tally.above[5] + tally.above[6] + tally.above[7]);
}

static void reno__each_single_loss(void)
{
	u32 f;

	memset(&tally, 0, sizeof(tally));
	/* Behind LAST_FULL, too little is left to send: differs__little_left_to_send(). */
	for (f = 1; f <= LAST_FULL; f++) {
		struct script s = {};
		const char *why;

		script_add(&s, SIM_DOWN, f);
		why = compare(&s);
		if (why)
			FAIL("loss of %u: %s", f, why);
	}
	say_tally();
	CHECK_EQ(tally.timeouts, 0);
	CHECK(!tally.later[2]);
}

static void reno__losses_in_one_window(void)
{
	struct rng r = { 1 };
	unsigned int i;

	memset(&tally, 0, sizeof(tally));
	for (i = 0; i < SCRIPTS; i++) {
		/* In slow start the window after f - 1 acknowledgments is IW + f - 1. */
		u32 f = rng_in(&r, 1, 60), n = rng_below(&r, 11);
		struct script s = {};
		const char *why;

		script_add(&s, SIM_DOWN, f);
		while (n--)
			script_add(&s, SIM_DOWN, rng_in(&r, f, f + RENO_IW + f - 2));
		why = compare(&s);
		if (why) {
			printf("# script %u: %s\n", i, why);
			say_shortest(&s, compare_fails);
			CHECK(!"as Reno");
		}
	}
	say_tally();
	CHECK(tally.timeouts < SCRIPTS / 20);
	CHECK(tally.rounds <= 0);
}

static void reno__rules_hold_in_any_script(void)
{
	struct rng r = { 2 };
	unsigned int i, k;

	for (i = 0; i < SCRIPTS; i++) {
		u32 n = rng_in(&r, 1, 12);
		struct script s = {};

		while (n--) {
			enum sim_dir dir = rng_below(&r, 4) ? SIM_DOWN : SIM_UP;
			u32 first = rng_in(&r, 1, dir == SIM_DOWN ? 230 : 90);
			u32 len = rng_below(&r, 3) ? 1 : rng_in(&r, 1, 8);

			for (k = 0; k < len; k++)
				script_add(&s, dir, first + k);
		}
		if (rules_fail(&s)) {
			printf("# script %u: %s\n", i, result->why);
			say_shortest(&s, rules_fail);
			CHECK(!"by Reno's rules");
		}
	}
}

/* The same on links that lose, delay and double packets at random. */
static void reno__rules_hold_on_bad_links(void)
{
	static struct result core;
	struct rng r = { 3 };
	unsigned int i;

	for (i = 0; i < SCRIPTS / 10; i++) {
		char text[500];

		snprintf(text, sizeof(text),
			 "seed %u\nlink up delay %ums loss %u%% reorder %u%% dup %u%%\n"
			 "link down rate %umbit delay %ums queue %u loss %u%% reorder %u%% dup %u%%\n"
			 "client 1 get %u\nreplicas 3\ntime 1000s\n",
			 i, (u32)rng_in(&r, 1, 50), (u32)rng_below(&r, 8), (u32)rng_below(&r, 10),
			 (u32)rng_below(&r, 5), (u32)rng_in(&r, 1, 100), (u32)rng_in(&r, 1, 50),
			 (u32)rng_in(&r, 5, 200), (u32)rng_below(&r, 8), (u32)rng_below(&r, 10),
			 (u32)rng_below(&r, 5), (u32)rng_in(&r, 1, BYTES));
		run_text(text, false, &core);
		if (core.why[0] || !core.done)
			FAIL("seed %u: %s", i, core.why);
	}
}

static struct result core, reno, other;

/*
 * Slow start overshoots the queue of a link, which leaves many gaps in one window.  The first
 * reduction is Reno's, and nothing waits for a timer.  Later reductions may differ, and are only
 * printed ("Many gaps" in Documentation/recovery.rst).
 */
static void reno__overshoot(void)
{
	static const u32 queues[] = { 10, 20, 40, 80, 160, 300 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(queues); i++) {
		char text[200];

		snprintf(text, sizeof(text),
			 "link up delay 10ms\nlink down rate 100mbit delay 10ms queue %u\n"
			 "client 1 get 5m\ntime 100s\n", queues[i]);
		reno_total = 3512;
		run_text(text, false, &core);
		run_text(text, true, &reno);
		if (core.why[0] || !core.done || !reno.done)
			FAIL("queue %u: %s", queues[i], core.why);
		printf("# queue %u: core %.3f s, %u reductions; Reno %.3f s, %u\n", queues[i],
		       (double)core.done_us / 1e6, core.windows, (double)reno.done_us / 1e6,
		       reno.windows);
		CHECK(core.windows > 0 && reno.windows > 0);
		CHECK_EQ(core.window[0], reno.window[0]);
		CHECK_EQ(core.timeouts, 0);
		/* The transfer takes at most a tenth longer, however many gaps there are. */
		CHECK(10 * core.done_us <= 11 * reno.done_us);
	}
}

/* ---- the differences that Documentation/recovery.rst lists ---- */

static void run_down(struct result *res, bool use_reno, u32 first, u32 second)
{
	struct script s = {};

	if (first)
		script_add(&s, SIM_DOWN, first);
	if (second)
		script_add(&s, SIM_DOWN, second);
	run(&s, use_reno, res);
}

/* To the core, a lost request is as if its responses were lost; to TCP, it is nothing. */
static void differs__lost_request(void)
{
	struct script up = {}, down = {};
	u32 request = 9, group = 0, x;

	run_down(&core, false, 0, 0);
	/* Finds the numbers that the request issues, since each is answered at another time. */
	for (x = 1; x < 100; x++) {
		group += core.number_us[x] != core.number_us[x - 1];
		if (group == request)
			script_add(&down, SIM_DOWN, x);
	}
	CHECK(down.n[SIM_DOWN] > 0);
	script_add(&up, SIM_UP, request);
	run(&up, false, &core);
	run(&down, false, &other);
	run(&up, true, &reno);
	CHECK(!core.why[0] && !other.why[0] && !reno.why[0]);
	CHECK_EQ(reno.windows, 0);
	CHECK_EQ(core.windows, 1);
	CHECK_EQ(core.done_us, other.done_us);
	for (x = 1; x < 200; x++)
		if (x < down.drop[SIM_DOWN][0] ||
		    x > down.drop[SIM_DOWN][down.n[SIM_DOWN] - 1])
			CHECK_EQ(core.number_us[x], other.number_us[x]);
}

/* What arrived just below a lost number is reported with it, two packets later than by TCP. */
static void differs__three_later_packets(void)
{
	const u64 packet_us = (1448 + SIM_OVERHEAD) * 8 / 1000;
	u32 i, late = 0;

	run_down(&core, false, 40, 0);
	run_down(&reno, true, 40, 0);
	CHECK_EQ(core.window[0], reno.window[0]);
	for (i = 0; i < 89; i++) {
		CHECK(core.sent_us[i] >= reno.sent_us[i]);
		CHECK(core.sent_us[i] <= reno.sent_us[i] + 2 * packet_us + 1);
		late += core.sent_us[i] > reno.sent_us[i];
	}
	CHECK_EQ(late, 2);
	/* The fast retransmission is number R + 1, with R = 39 + 49. */
	CHECK_EQ(core.sent_us[88], reno.sent_us[88]);
	CHECK_EQ(core.rounds, reno.rounds);
}

/* To the core, a lost retransmission is a loss like any other; TCP waits for its timer. */
static void differs__lost_retransmission(void)
{
	run_down(&core, false, 40, 89);
	run_down(&reno, true, 40, 89);
	CHECK_EQ(core.timeouts, 0);
	CHECK_EQ(core.windows, 2);
	CHECK_EQ(core.window[0], 24);
	CHECK_EQ(core.window[1], 12);
	CHECK(reno.timeouts > 0);
}

/* The core halves the window; TCP halves what is in flight, which is less when data end. */
static void differs__little_left_to_send(void)
{
	run_down(&core, false, 105, 0);
	run_down(&reno, true, 105, 0);
	CHECK_EQ(core.timeouts + reno.timeouts, 0);
	if (core.windows)
		CHECK_EQ(core.window[0], (RENO_IW + 104) / 2);
	CHECK(!reno.windows || reno.window[0] < (RENO_IW + 104) / 2);
}

/* The new stretch begins behind R, though holes are left, and has more packets in flight. */
static void differs__repair_takes_longer(void)
{
	static const u32 drop[] = { 9, 11, 14, 15, 17, 20, 22, 23, 25 };
	struct script s = {};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(drop); i++)
		script_add(&s, SIM_DOWN, drop[i]);
	run(&s, false, &core);
	run(&s, true, &reno);
	CHECK_EQ(core.window[0], 9);
	CHECK_EQ(reno.window[0], 9);
	CHECK(reno.recovery_us > 3 * RTT_US / 2);
	CHECK(flight_above(&core, &reno) >= 1);
	CHECK(core.rounds <= reno.rounds);
}

/*
 * Packets of the first answer hold less data than others.  Sent again, it makes a short packet,
 * which takes a number and does not let the window grow.
 */
static void differs__short_packets(void)
{
	run_down(&core, false, 2, 3);
	run_down(&reno, true, 2, 3);
	CHECK_EQ(core.window[0], reno.window[0]);
	CHECK_EQ(core.rounds, reno.rounds + 1);
}

/* In a window of few packets, a request waits for a second packet in each round trip. */
static void differs__delayed_requests(void)
{
	run_down(&core, false, 3, 22);
	run_down(&reno, true, 3, 22);
	CHECK_EQ(core.windows, 2);
	CHECK(core.done_us > reno.done_us + RENO_DELACK_US);
	CHECK(core.rounds <= reno.rounds + 1);
}

/* With unreported packets, the core probes after two silent round trips; TCP waits longer. */
static void differs__probe(void)
{
	run_down(&core, false, SEGMENTS, 0);
	run_down(&reno, true, SEGMENTS, 0);
	CHECK_EQ(core.timeouts, 0);
	CHECK_EQ(reno.timeouts, 1);
	CHECK(core.done_us < reno.done_us);
	CHECK_EQ(core.rounds, reno.rounds);
}

/* ---- what the cases above are made with ---- */

static bool has_17_and_23(const struct script *s)
{
	bool a = false, b = false;
	u32 i;

	for (i = 0; i < s->n[SIM_DOWN]; i++) {
		a |= s->drop[SIM_DOWN][i] == 17;
		b |= s->drop[SIM_DOWN][i] == 23;
	}
	return a && b;
}

static void script__shrinks(void)
{
	struct script s = {};
	u32 i;

	for (i = 1; i < 40; i++)
		script_add(&s, i % 3 ? SIM_DOWN : SIM_UP, i);
	CHECK(has_17_and_23(&s));
	shrink(&s, has_17_and_23);
	CHECK_EQ(s.n[SIM_UP], 0);
	CHECK_EQ(s.n[SIM_DOWN], 2);
	CHECK_EQ(s.drop[SIM_DOWN][0], 17);
	CHECK_EQ(s.drop[SIM_DOWN][1], 23);
}

/* rules_upto() gives Reno's windows and packets for a single loss. */
static void rules__are_reno(void)
{
	static struct told t = { .cwnd = 10, .ssthresh = 1 << 20 };
	struct rules r;
	u64 k;

	for (k = 1; k <= 60; k++)
		t.fate[k] = GREW;
	t.fate[21] = LOST;
	rules_upto(&t, 0, &r);
	CHECK_EQ(r.sent, 10);
	rules_upto(&t, 20, &r);
	CHECK_EQ(r.cwnd, 30);
	CHECK_EQ(r.sent, 50);
	rules_upto(&t, 21, &r);
	CHECK_EQ(r.cwnd, 15);
	CHECK_EQ(r.sent, 51);
	rules_upto(&t, 36, &r);
	CHECK_EQ(r.sent, 51);
	rules_upto(&t, 50, &r);
	CHECK(r.recovery);
	CHECK_EQ(r.sent, 65);
	rules_upto(&t, 51, &r);
	CHECK(!r.recovery);
	CHECK_EQ(r.sent, 66);
}

static const struct tap_case cases[] = {
	TAP_CASE(script__shrinks),
	TAP_CASE(rules__are_reno),
	TAP_CASE(reno__no_loss_same_packets_same_times),
	TAP_CASE(reno__each_single_loss),
	TAP_CASE(reno__losses_in_one_window),
	TAP_CASE(reno__overshoot),
	TAP_CASE(reno__rules_hold_in_any_script),
	TAP_CASE(reno__rules_hold_on_bad_links),
	TAP_CASE(differs__lost_request),
	TAP_CASE(differs__three_later_packets),
	TAP_CASE(differs__lost_retransmission),
	TAP_CASE(differs__little_left_to_send),
	TAP_CASE(differs__repair_takes_longer),
	TAP_CASE(differs__short_packets),
	TAP_CASE(differs__delayed_requests),
	TAP_CASE(differs__probe),
};

int main(int argc, char **argv)
{
	struct script s = {};
	u32 i;

	if (argc == 1)
		return tap_run(cases, ARRAY_SIZE(cases));
	for (i = 1; i < argc; i++)
		script_add(&s, SIM_DOWN, strtoul(argv[i], NULL, 0));
	run(&s, false, &core);
	run(&s, true, &reno);
	for (i = 0; i < core.sent || i < reno.sent; i++)
		printf("%u\t%.6f\t%.6f\n", i + 1, (double)core.sent_us[i] / 1e6,
		       (double)reno.sent_us[i] / 1e6);
	printf("# %s core: round trips %u, losses %u; Reno: %u, %u, timeouts %u\n",
	       core.why, core.rounds, core.windows, reno.rounds, reno.windows, reno.timeouts);
	return 0;
}
