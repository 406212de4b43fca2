// SPDX-License-Identifier: GPL-2.0
/*
 * A client keeps its continuations, so nothing hinders it from using one twice: to ask for other
 * bytes, to report the same numbers differently, or to go on from an earlier state.  A server
 * answers each request once; of several replicas, each does (protocol.rst, "Answered once").
 */
#include <stdlib.h>

#include "row.h"

/* The link up is no bottleneck, so the requests of a cheater do not delay each other. */
#define LINKS	"link up delay 10ms\n"	\
		"link down rate 20mbit delay 10ms jitter 1ms queue 60\n"
#define COPIES		4	/* how often a request is sent, or how many states go on */
#define SPREAD		8	/* how often a request is sent if there are replicas */
#define FORK_AT		60	/* states part when so many numbers were reported */
#define LOST_EVERY	20	/* numbers that are called lost, or not, together */
#define FORKS		8	/* how many attempts are made at a time */

static const struct arena arena = { .links = LINKS, .rivals = 3, .time_ms = 10000, .seeds = 5 };

static void gain(const char *name, const struct attack *a, enum defence d)
{
	row(name, d, "goodput", arena_gain(&arena, a, DEFENCE_NONE), GAIN_MAX,
	    arena_gain(&arena, a, d));
}

/* ---- the same request again, for other bytes ---- */

static void copies(struct party *p, const struct trk_sending *o, unsigned int n)
{
	struct trk_req q;

	party_send(p, o);
	while (n-- && party_read(p, o, &q) && q.kind == TRK_KIND_RANGE) {
		party_elsewhere(p, &q);
		party_ask(p, o, &q);
	}
}

static void copies_request(struct party *p, struct line *l, const struct trk_sending *o)
{
	copies(p, o, COPIES - 1);
}

static void replay__is_answered_once(void)
{
	static const struct attack a = { .request = copies_request };

	CHECKED(gain("replay of each request", &a, DEFENCE_FILTER));
}

/* ---- requests that report parts of others, or overlap with others ---- */

static void division_request(struct party *p, struct line *l, const struct trk_sending *o)
{
	struct trk_req q;
	unsigned int i;

	party_send(p, o);
	/* The last number is reported again by itself, as TCP is attacked with ACK division. */
	for (i = 1; i < COPIES && party_read(p, o, &q) && q.kind == TRK_KIND_RANGE; i++) {
		q.m = q.n;
		party_elsewhere(p, &q);
		party_ask(p, o, &q);
	}
}

static void division__of_ranges(void)
{
	static const struct attack a = { .request = division_request };

	CHECKED(gain("ACK division: ranges also in pieces", &a, DEFENCE_FILTER));
}

#define EARLIER		64	/* so many requests are kept in mind */

struct overlap {
	u32 m[EARLIER];
	unsigned int n;
};

static void overlap_request(struct party *p, struct line *l, const struct trk_sending *o)
{
	struct overlap *s = p->state;
	struct trk_req q;
	unsigned int i;

	party_send(p, o);
	if (party_read(p, o, &q) && q.kind == TRK_KIND_RANGE)
		s->m[s->n++ % EARLIER] = q.m;
	for (i = 1; i < COPIES && i < s->n; i++) {
		if (!party_read(p, o, &q) || q.kind != TRK_KIND_RANGE)
			return;
		/* It begins where an earlier request began, but not below the base. */
		q.m = max_t(u32, (u32)trk_client_cont(&l->cl)->c.base + 1,
			    s->m[(s->n - 1 - i) % EARLIER]);
		party_elsewhere(p, &q);
		party_ask(p, o, &q);
	}
}

static void overlap__of_ranges(void)
{
	static const struct attack a = { .request = overlap_request,
					 .state = sizeof(struct overlap) };

	CHECKED(gain("overlapping ranges", &a, DEFENCE_FILTER));
}

/* ---- back to a continuation from before a loss ---- */

#define KEPT		64
#define CLOCK		2		/* one request is sent for so many responses */
#define STALLED_US	100000		/* without responses, some are sent after this time */

struct rollback {
	struct trk_sending kept[KEPT];	/* the last requests before the first loss */
	unsigned int n, next, heard;
	bool back;
};

static void rollback_again(struct party *p)
{
	struct rollback *s = p->state;
	const struct trk_sending *o = &s->kept[s->next++ % min_t(unsigned int, s->n, KEPT)];
	struct trk_req q;

	if (!party_read(p, o, &q))
		return;
	party_elsewhere(p, &q);
	party_ask(p, o, &q);
	p->wake_us = party_now(p) + STALLED_US;
}

/* After a loss, the requests before it are sent over and over; the loss is never reported. */
static void rollback_turn(struct party *p)
{
	struct rollback *s = p->state;
	unsigned int i;

	if (!s->back && p->line[0].cl.stat.lost && s->n) {
		s->back = true;
		p->lines = 0;
		free(p->line[0].cl.num.ring);
	}
	if (!s->back)
		return;
	for (; s->heard >= CLOCK; s->heard -= CLOCK)
		rollback_again(p);
	/* No responses come that could be the clock for requests. */
	if (p->wake_us == U64_MAX)
		for (i = 0; i < KEPT / 4; i++)
			rollback_again(p);
}

static bool rollback_heard(struct party *p, struct trk_resp *r, u32 *seqrel)
{
	((struct rollback *)p->state)->heard++;
	return true;
}

static void rollback_request(struct party *p, struct line *l, const struct trk_sending *o)
{
	struct rollback *s = p->state;
	struct trk_req q;

	if (party_read(p, o, &q) && q.kind == TRK_KIND_RANGE)
		s->kept[s->n++ % KEPT] = *o;
	party_send(p, o);
}

static const struct attack rollback = { .turn = rollback_turn, .heard = rollback_heard,
					.request = rollback_request,
					.state = sizeof(struct rollback) };

static void rollback__to_before_a_loss(void)
{
	CHECKED(gain("roll-back to before a loss", &rollback, DEFENCE_FILTER));
}

/* ---- several states of one client ---- */

/* The client's state is copied, and each copy goes on with bytes of its own. */
static void fork_turn(struct party *p)
{
	unsigned int i;

	if (p->lines == 1 && p->line[0].cl.num.nrep >= FORK_AT)
		for (i = 1; i < COPIES; i++)
			party_fork(p, &p->line[0])->no_timeouts = true;
}

static void fork__of_a_continuation(void)
{
	static const struct attack a = { .turn = fork_turn };

	CHECKED(gain("one continuation forked into many", &a, DEFENCE_FILTER));
}

/*
 * All lines expect the same numbers, so what arrives for one line is reported by the others as
 * well.  But they call some numbers lost, each of them other ones.
 */
static bool two_ways_heard(struct party *p, struct trk_resp *r, u32 *seqrel)
{
	struct trk_delivery in;
	unsigned int i, k;

	for (i = 0; i < p->lines; i++)
		if (!trk_receive_response(&p->line[i].cl, r, *seqrel, party_now(p), &in))
			break;
	if (i == p->lines || r->flags & TRK_RESP_NOGROWTH)
		return false;
	for (k = 1; k < p->lines; k++)
		if (k != i && (r->num / LOST_EVERY) % COPIES != k)
			party_pretend(p, &p->line[k],
				      trk_num_near(p->line[k].cl.num.hi, r->num), r->nonce);
	return false;
}

static void two_ways__of_telling_one_window(void)
{
	static const struct attack a = { .turn = fork_turn, .heard = two_ways_heard };

	CHECKED(gain("one window told in two ways", &a, DEFENCE_FILTER));
}

/* ---- TIMEOUT and FIRST requests without need ---- */

/* Each attempt begins a domain of its own, with a window of one packet, and the old one goes on. */
static void attempts_turn(struct party *p)
{
	unsigned int i;

	if (p->lines > 1 || p->line[0].cl.num.nrep < FORK_AT)
		return;
	for (i = 1; i < FORKS; i++) {
		struct trk_client *cl = &party_fork(p, &p->line[0])->cl;

		cl->req.waiting = true;
		cl->req.timeout_due = true;
		cl->req.attempt = i;
	}
}

static void first_begin(struct party *p)
{
	unsigned int i;

	for (i = 1; i < FORKS; i++)
		party_fork(p, &p->line[0])->cl.req.attempt = i;
}

static void attempts__leave_one_domain(void)
{
	static const struct attack timeouts = { .turn = attempts_turn };
	static const struct attack first = { .begin = first_begin };

	CHECKED(gain("timeouts for a window each", &timeouts, DEFENCE_NEWEST));
	CHECKED(gain("first requests for a window each", &first, DEFENCE_NEWEST));
}

/* ---- replicas ---- */

static void spread_request(struct party *p, struct line *l, const struct trk_sending *o)
{
	copies(p, o, SPREAD - 1);
}

static const struct attack spread = { .request = spread_request };

/* Replicas share nothing, so each of them answers a request once. */
static void replicas__answer_once_each(void)
{
	static const struct {
		unsigned int replicas;
		const char *name;
		const struct attack *attack;
	} cases[] = {
		{ 1, "replay to one replica", &spread },
		{ 2, "replay to 2 replicas", &spread },
		{ 4, "replay to 4 replicas", &spread },
		{ 2, "roll-back, and to 2 replicas", &rollback },
		{ 4, "roll-back, and to 4 replicas", &rollback },
	};
	struct arena at = arena;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		at.replicas = cases[i].replicas;
		CHECKED(row(cases[i].name, DEFENCE_FILTER, "goodput",
			    arena_gain(&at, cases[i].attack, DEFENCE_NONE), at.replicas,
			    arena_gain(&at, cases[i].attack, DEFENCE_FILTER)));
	}
}

static const struct tap_case cases[] = {
	TAP_CASE(replay__is_answered_once),
	TAP_CASE(division__of_ranges),
	TAP_CASE(overlap__of_ranges),
	TAP_CASE(rollback__to_before_a_loss),
	TAP_CASE(fork__of_a_continuation),
	TAP_CASE(two_ways__of_telling_one_window),
	TAP_CASE(attempts__leave_one_domain),
	TAP_CASE(replicas__answer_once_each),
};

int main(void)
{
	return row_run(cases, ARRAY_SIZE(cases));
}
