// SPDX-License-Identifier: GPL-2.0
/*
 * Small connections under every schedule with a few faults.  Packets are lost, come twice,
 * overtake others, are late until the timer has expired, or go to another replica, and the timer
 * expires too early.  Whatever happens, the bytes are right, no number is issued for two
 * requests, and nothing stalls.
 *
 * A schedule is a list of choices, one for each step; choice 0 is what a path without faults
 * does.  All lists with at most FAULTS other choices are played, each from the beginning, since
 * that is cheaper than to keep the state of both ends.
 *
 * usage: schedules_test [FAULTS]	all schedules
 *        schedules_test NAME CHOICE...	one schedule, step by step
 */
#include <stdlib.h>

#include "pair.h"
#include "tap.h"

#define MAX_PENDING	64
#define MAX_STEPS	400
#define FAULTS		3
#define STEP_US		1000

struct small {
	const char *name;
	struct toy_msg msg[2];
	unsigned int nmsgs;
	bool slow;		/* the first request is lost: the window begins with one packet */
	bool amnesia;
	bool fin;		/* the client's stream ends */
	u32 rcvbuf;
};

struct pending {
	struct packet *p;
	bool up;
};

struct play {
	const struct small *sm;
	struct pair p;
	struct pending pending[MAX_PENDING], late[MAX_PENDING];
	unsigned int n, nlate;
	unsigned int arrived;		/* how many requests have arrived at replicas */
	unsigned int idle;		/* how many timers in a row have sent nothing */
	unsigned int timers;		/* how many timers were waited for */
};

/* One schedule, and how many choices there were at each step. */
static unsigned int choice[MAX_STEPS], choices[MAX_STEPS], steps;
static bool verbose;

enum deed { TAKE, LOSE, TWICE, POSTPONE, ELSEWHERE, TIMER };

static const char *const deed_name[] = { "takes", "loses", "takes twice", "postpones",
					 "takes elsewhere", "timer" };

static void add(struct play *y, struct packet *p, bool up)
{
	if (y->n == MAX_PENDING) {
		pair_fail(&y->p, "%u packets in flight", y->n);
		packet_free(p);
		return;
	}
	y->pending[y->n++] = (struct pending){ p, up };
}

static void answered(void *arg, struct packet *out)
{
	add(arg, out, false);
}

static void pump(struct play *y)
{
	struct packet *out;
	bool sent = false;

	if (y->sm->rcvbuf)
		y->p.cl.rcv_limit = y->p.cl.rcv_nxt + y->sm->rcvbuf;
	while ((out = pair_pump(&y->p))) {
		add(y, out, true);
		sent = true;
	}
	if (sent)
		y->idle = 0;
}

/* Prints what is in a packet. */
static void show(const struct pending *x)
{
	const u8 *data = x->p->data;
	struct trk_resp r;
	struct trk_req q;

	if (x->up && !trk_wire_req_parse(&q, data, x->p->len, x->p->len))
		printf("#   kind %u [%u..%u] claims %u asks %" PRIu64 " + %u input %" PRIu64
		       " + %u flags %x\n", q.kind, q.m, q.n, q.nclaims,
		       q.nask ? q.ask[0].off : 0, q.nask ? q.ask[0].len : 0, q.input_off,
		       q.input_len, q.flags);
	if (!x->up && !trk_wire_resp_parse(&r, data, x->p->len, x->p->len))
		printf("#   %u, stands for %u, data %u + %u, consumed %" PRIu64 "..%" PRIu64
		       "%s%s flags %x\n", r.num, r.span, r.off, r.data_len, r.consumed_from,
		       r.consumed_to, r.output.p ? " output" : "", r.input.p ? " input" : "",
		       r.flags);
}

static void deliver(struct play *y, struct pending x, bool elsewhere)
{
	y->p.now_us += STEP_US;
	if (verbose)
		show(&x);
	if (x.up)
		pair_at_server(&y->p, (y->arrived++ + elsewhere) % PAIR_REPLICAS, x.p, answered,
			       y);
	else
		pair_at_client(&y->p, x.p);
	packet_free(x.p);
	pump(y);
}

static struct pending take(struct play *y, unsigned int i)
{
	struct pending x = y->pending[i];

	memmove(&y->pending[i], &y->pending[i + 1], (--y->n - i) * sizeof(x));
	return x;
}

static void expire(struct play *y)
{
	struct trk_client *cl = &y->p.cl;
	unsigned int i;

	y->p.now_us = max_t(u64, y->p.now_us, cl->deadline_us);
	y->idle++;
	trk_timer_expired(cl, y->p.now_us);
	pump(y);
	/* Packets that were postponed arrive after the timer. */
	for (i = 0; i < y->nlate; i++)
		add(y, y->late[i].p, y->late[i].up);
	y->nlate = 0;
}

static void act(struct play *y, enum deed deed, unsigned int i)
{
	struct packet *copy;
	struct pending x;

	if (deed == TIMER) {
		expire(y);
		return;
	}
	x = take(y, i);
	if (deed == LOSE) {
		packet_free(x.p);
	} else if (deed == POSTPONE) {
		y->late[y->nlate++] = x;
	} else {
		copy = deed == TWICE ? packet_copy(x.p) : NULL;
		deliver(y, x, deed == ELSEWHERE);
		if (copy)
			add(y, copy, x.up);
	}
}

static const struct {
	enum deed deed;
	bool any;		/* with any packet, not only with the first one */
} kinds[] = { { TAKE, true }, { LOSE, true }, { TWICE, true }, { POSTPONE, true },
	      { ELSEWHERE, false }, { TIMER, false } };

/* Makes choice @act_on; if that is -1, returns how many choices there are. */
static unsigned int choose(struct play *y, int act_on)
{
	unsigned int k, i, at = 0;

	for (k = 0; k < ARRAY_SIZE(kinds); k++) {
		if (kinds[k].deed == ELSEWHERE && !y->pending[0].up)
			continue;
		if (kinds[k].deed == TIMER && y->p.cl.deadline_us == U64_MAX)
			continue;
		for (i = 0; i < (kinds[k].any ? y->n : 1); i++) {
			if ((int)at++ != act_on)
				continue;
			if (verbose)
				printf("# %6" PRIu64 " ms %s %s %u of %u\n", y->p.now_us / 1000,
				       deed_name[kinds[k].deed],
				       y->pending[i].up ? "request" : "response", i, y->n);
			act(y, kinds[k].deed, i);
			return 0;
		}
	}
	return at;
}

/* Nothing is in flight, so that only the timer can go on.  It must be soon enough. */
static void wait_for_timer(struct play *y)
{
	const struct trk_client *cl = &y->p.cl;
	u64 rto = min_t(u64, cl->rto_us << min_t(u32, cl->timer.backoff, 16), TRK_RTO_MAX_US);

	if (verbose)
		printf("# %6" PRIu64 " ms nothing in flight, timer at %" PRIu64 "\n",
		       y->p.now_us / 1000, cl->deadline_us / 1000);
	if (cl->deadline_us == U64_MAX || cl->deadline_us > y->p.now_us + rto)
		pair_fail(&y->p, "stalls at %" PRIu64 " of %" PRIu64, cl->rcv_nxt, y->p.out_len);
	if (y->idle > 1)
		pair_fail(&y->p, "%u timers expired and nothing was sent", y->idle);
	y->timers++;
	if (!y->p.why[0])
		expire(y);
}

static void check_drops(struct play *y)
{
	unsigned int i;

	for (i = 1; i < TRK_REASON_COUNT; i++)
		if (y->p.server_drops[i] && i != TRK_DROP_REPLAY && i != TRK_DROP_DOMAIN)
			pair_fail(&y->p, "a replica dropped an honest request, reason %u", i);
}

/* Plays the schedule in choice[].  Returns false if something was wrong. */
static bool play(struct play *y, const struct small *sm)
{
	unsigned int i;

	y->sm = sm;
	y->n = 0;
	y->nlate = 0;
	y->arrived = 0;
	y->idle = 0;
	y->timers = 0;
	pair_begin(&y->p, sm->msg, sm->nmsgs);
	y->p.amnesia = sm->amnesia;
	y->p.cl.snd_fin = sm->fin;
	if (sm->rcvbuf)
		y->p.cl.rcv_limit = sm->rcvbuf;
	pair_connect(&y->p, 2 * STEP_US);
	pump(y);
	if (sm->slow) {
		act(y, LOSE, 0);
		expire(y);
	}
	for (steps = 0; !pair_done(&y->p) && !y->p.why[0];) {
		if (y->p.cl.state == TRK_CL_DEAD) {
			pair_fail(&y->p, "gave up with error %d", y->p.cl.error);
		} else if (!y->n) {
			wait_for_timer(y);
		} else if (steps == MAX_STEPS) {
			pair_fail(&y->p, "not done after %u steps", steps);
		} else {
			choices[steps] = choose(y, -1);
			choose(y, choice[steps]);
			steps++;
		}
	}
	check_drops(y);
	for (i = 0; i < y->n; i++)
		packet_free(y->pending[i].p);
	for (i = 0; i < y->nlate; i++)
		packet_free(y->late[i].p);
	pair_end(&y->p);
	return !y->p.why[0];
}

/* Goes on to the next schedule with at most @faults faults; returns false if there is none. */
static bool next_schedule(unsigned int faults)
{
	unsigned int i, used = 0;

	for (i = 0; i < steps; i++)
		used += choice[i] != 0;
	for (i = steps; i-- > 0;) {
		used -= choice[i] != 0;
		if (used < faults && choice[i] + 1 < choices[i]) {
			choice[i]++;
			memset(choice + i + 1, 0, sizeof(choice) - (i + 1) * sizeof(choice[0]));
			return true;
		}
	}
	return false;
}

static unsigned int max_faults = FAULTS;

static void explore(const struct small *sm)
{
	unsigned int longest = 0, timers = 0, i;
	static struct play y;
	u64 schedules = 0;

	memset(choice, 0, sizeof(choice));
	do {
		schedules++;
		if (!play(&y, sm)) {
			printf("# %s: %s\n# schedules_test %s", sm->name, y.p.why, sm->name);
			for (i = 0; i < steps; i++)
				printf(" %u", choice[i]);
			printf("\n");
			FAIL("schedule %" PRIu64, schedules);
		}
		longest = max_t(u32, longest, steps);
		timers = max_t(u32, timers, y.timers);
	} while (next_schedule(max_faults));
	printf("# %s: %" PRIu64 " schedules with up to %u faults, up to %u steps, %u timers\n",
	       sm->name, schedules, max_faults, longest, timers);
	/* With fewer schedules, most choices could not have been made. */
	CHECK(schedules > 100 || max_faults < 2);
}

static const struct small download = {
	.name = "download", .nmsgs = 1,
	.msg = { { .kind = TOY_GET, .flags = TOY_LAST, .len = 5 * PAIR_PIECE, .key = 5 } }
};

static const struct small slow_download = {
	.name = "slow_download", .nmsgs = 1, .slow = true,
	.msg = { { .kind = TOY_GET, .flags = TOY_LAST, .len = 5 * PAIR_PIECE, .key = 5 } }
};

static const struct small amnesic_download = {
	.name = "amnesic_download", .nmsgs = 1, .slow = true, .amnesia = true,
	.msg = { { .kind = TOY_GET, .flags = TOY_LAST, .len = 4 * PAIR_PIECE, .key = 5 } }
};

static const struct small narrow_download = {
	.name = "narrow_download", .nmsgs = 1, .rcvbuf = 2 * PAIR_SEG_SIZE,
	.msg = { { .kind = TOY_GET, .flags = TOY_LAST, .len = 6 * PAIR_PIECE, .key = 5 } }
};

static const struct small upload = {
	.name = "upload", .nmsgs = 1, .slow = true,
	.msg = { { .kind = TOY_PUT, .flags = TOY_LAST, .gran = 1, .len = 4000, .key = 5 } }
};

static const struct small echo = {
	.name = "echo", .nmsgs = 2, .slow = true,
	.msg = { { .kind = TOY_GET, .len = 100, .key = 5 },
		 { .kind = TOY_ECHO, .flags = TOY_LAST, .len = 3000, .key = 5 } }
};

static const struct small chunks = {
	.name = "chunks", .nmsgs = 1, .slow = true,
	.msg = { { .kind = TOY_GET, .flags = TOY_CHUNKED | TOY_LAST, .len = 9500, .key = 5 } }
};

static const struct small ended = {
	.name = "ended", .nmsgs = 2, .slow = true, .fin = true,
	.msg = { { .kind = TOY_SINK, .flags = TOY_AT_END, .gran = 1, .len = 800, .key = 5 },
		 { .kind = TOY_PUT, .flags = TOY_LAST, .gran = 1, .len = 100, .key = 7 } }
};

static void schedules__download(void)
{
	explore(&download);
}

static void schedules__slow_download(void)
{
	explore(&slow_download);
}

static void schedules__amnesic_download(void)
{
	explore(&amnesic_download);
}

static void schedules__narrow_download(void)
{
	explore(&narrow_download);
}

static void schedules__upload(void)
{
	explore(&upload);
}

static void schedules__echo(void)
{
	explore(&echo);
}

static void schedules__chunks(void)
{
	explore(&chunks);
}

static void schedules__ended(void)
{
	explore(&ended);
}

static const struct tap_case cases[] = {
	TAP_CASE(schedules__download),
	TAP_CASE(schedules__slow_download),
	TAP_CASE(schedules__amnesic_download),
	TAP_CASE(schedules__narrow_download),
	TAP_CASE(schedules__upload),
	TAP_CASE(schedules__echo),
	TAP_CASE(schedules__chunks),
	TAP_CASE(schedules__ended),
};

static int replay(int argc, char **argv)
{
	static const struct small *const all[] = {
		&download, &slow_download, &amnesic_download, &narrow_download,
		&upload, &echo, &chunks, &ended
	};
	static struct play y;
	unsigned int i;
	int k;

	for (k = 2; k < argc && k - 2 < MAX_STEPS; k++)
		choice[k - 2] = (unsigned int)strtoul(argv[k], NULL, 0);
	verbose = true;
	for (i = 0; i < ARRAY_SIZE(all); i++)
		if (!strcmp(argv[1], all[i]->name)) {
			bool ok = play(&y, all[i]);

			printf("# %s\n", ok ? "done" : y.p.why);
			return !ok;
		}
	return 2;
}

int main(int argc, char **argv)
{
	if (argc > 1 && (argv[1][0] < '0' || argv[1][0] > '9'))
		return replay(argc, argv);
	if (argc > 1)
		max_faults = (unsigned int)strtoul(argv[1], NULL, 0);
	return tap_run(cases, ARRAY_SIZE(cases));
}
