// SPDX-License-Identifier: GPL-2.0
/* Attempts at a larger window than the path allows, by lies about what arrived. */
#include "core/held.h"
#include "core/limits.h"
#include "core/reason.h"
#include "row.h"
#include "sim/toykeys.h"

#define LINKS	"link up delay 10ms\n"	\
		"link down rate 20mbit delay 10ms jitter 1ms queue 60\n"

static const struct arena arena = { .links = LINKS, .rivals = 3, .time_ms = 10000, .seeds = 5 };

static void gain(const char *name, const struct attack *a, enum defence d)
{
	row(name, d, "goodput", arena_gain(&arena, a, DEFENCE_NONE), GAIN_MAX,
	    arena_gain(&arena, a, d));
}

/* ---- claims of what did not arrive ---- */

static void optimistic_turn(struct party *p)
{
	struct line *l = p->line;
	unsigned int left = 2;
	u64 x;

	/* Two numbers are reported at each turn, which is faster than packets arrive. */
	for (x = l->cl.num.edge; x <= l->cl.num.hi && left; x++)
		left -= party_pretend(p, l, x, 0);
}

static const struct attack optimistic = { .turn = optimistic_turn };

static void hide_turn(struct party *p)
{
	struct line *l = p->line;
	u64 x;

	for (x = l->cl.num.edge; x < l->cl.num.top; x++)
		party_pretend(p, l, x, 0);
}

static const struct attack hide = { .turn = hide_turn };

static void claims__of_what_did_not_arrive(void)
{
	CHECKED(gain("optimistic acknowledgment", &optimistic, DEFENCE_PROOF));
	CHECKED(gain("loss hidden by a guessed nonce", &hide, DEFENCE_PROOF));
}

/* A client that does what all do gains nothing. */
static void nothing__gains_nothing(void)
{
	static const struct attack none;
	double g = arena_gain(&arena, &none, DEFENCE_NONE);

	if (g != 1.0)
		FAIL("gains %f", g);
}

/* ---- nonces of an earlier domain ---- */

#define RECORDED	1000	/* the first domain is left when so many nonces are known */
#define LEAVE_AT	300	/* the state to go back to: behind the losses that end slow start */
#define RING		4096

struct earlier {
	u64 nonce[RECORDED];
	struct line before;
	struct trk_entry ring[RING];
	unsigned int attempts;
};

static bool earlier_heard(struct party *p, struct trk_resp *r, u32 *seqrel)
{
	struct earlier *s = p->state;

	if (p->lines == 1 && r->num < RECORDED && !(r->flags & TRK_RESP_NOGROWTH))
		s->nonce[r->num] = r->nonce;
	return true;
}

/* Goes back by a TIMEOUT to an early state, and reports with the nonces of the first domain. */
static void earlier_turn(struct party *p)
{
	struct earlier *s = p->state;
	struct line *l;
	unsigned int left = 2;
	u64 x;

	if (!s->before.cl.num.ring && p->line[0].cl.num.nrep >= LEAVE_AT &&
	    p->line[0].cl.num.ring_size <= RING) {
		s->before = p->line[0];
		s->before.cl.num.ring = s->ring;
		memcpy(s->ring, p->line[0].cl.num.ring,
		       p->line[0].cl.num.ring_size * sizeof(s->ring[0]));
	}
	l = &p->line[p->lines - 1];
	if (s->before.cl.num.ring && l->cl.num.top >= RECORDED && s->attempts < TRK_MAX_ATTEMPTS) {
		/* Its own timeout would begin a later domain. */
		l->no_timeouts = true;
		l = party_fork(p, &s->before);
		l->cl.req.waiting = true;
		l->cl.req.timeout_due = true;
		l->cl.req.attempt = ++s->attempts;
	}
	if (p->lines == 1)
		return;
	for (x = l->cl.num.edge; x <= min_t(u64, l->cl.num.hi, RECORDED - 1) && left; x++)
		if (s->nonce[x])
			left -= party_pretend(p, l, x, s->nonce[x]);
}

static void nonces__of_an_earlier_domain(void)
{
	static const struct attack a = { .heard = earlier_heard, .turn = earlier_turn,
					 .state = sizeof(struct earlier) };

	CHECKED(gain("nonces of an earlier domain", &a, DEFENCE_DOMAIN));
}

/* ---- a continuation of one's own making ---- */

struct forge {
	struct trku_cipher key;
	u64 next;		/* number that was not issued yet */
};

/* Forges a law for each packet that arrives, by which it issues two: slow start without end. */
static bool forge_heard(struct party *p, struct trk_resp *r, u32 *seqrel)
{
	struct trk_client *cl = &p->line[0].cl;
	struct forge *s = p->state;
	struct trk_req q = { .kind = TRK_KIND_RANGE, .flags = TRK_REQ_GROW, .token = 1,
			     .ackrel = cl->req.ackrel, .m = r->num, .n = r->num, .proof = r->nonce,
			     .nask = 1 };
	struct trk_sending o = { .seq = cl->req.seq, .ackrel = cl->req.ackrel };
	const struct trk_held_ucont *output;
	u8 blob[TRK_CONT_LEN];
	struct trk_cont c;

	output = trk_held_output_at(cl, p->elsewhere);
	if (cl->state != TRK_CL_OPEN || r->flags & TRK_RESP_NOGROWTH || !output)
		return true;
	toy_cipher(&s->key, 1, 4711);
	c = trk_client_cont(cl)->c;
	s->next = max_t(u64, s->next, cl->num.hi + 1);
	c.base = r->num - 1;
	trk_law_init(&c.law, c.base, s->next - r->num, TRK_SSTHRESH_INF, 0);
	s->next += 2;
	trk_seal_cont(&s->key.c, &(struct trk_peer){ 0 }, &c, blob);
	q.cont = (struct trk_blob){ blob, TRK_CONT_LEN };
	q.ask[0].len = 2 * (cl->seg_size - TRK_RESP_FIXED);
	q.output = (struct trk_blob){ output->blob, output->len };
	party_elsewhere(p, &q);
	party_ask(p, &o, &q);
	/* A timeout would begin a later domain. */
	p->line[0].no_timeouts = true;
	return true;
}

static void continuation__of_ones_own(void)
{
	static const struct attack a = { .heard = forge_heard, .state = sizeof(struct forge) };

	CHECKED(gain("forged continuation", &a, DEFENCE_SEAL));
}

/* ---- a large window for few bytes ---- */

/* There is no bottleneck here.  What counts is how many bytes a large window costs. */
static const struct arena wide = { .links = "link up delay 10ms\nlink down delay 10ms\n",
				   .time_ms = 200 };

static void price(const char *name, const struct attack *a, enum defence d)
{
	row(name, d, "window per byte moved", arena_window(&wide, a, DEFENCE_NONE), GAIN_MAX,
	    arena_window(&wide, a, d));
}

/* Each request asks for one byte where the window allows packets. */
static void tiny_request(struct party *p, struct line *l, const struct trk_sending *o)
{
	struct trk_req q;

	if (party_read(p, o, &q) && q.kind == TRK_KIND_RANGE) {
		q.nask = 1;
		q.ask[0] = (struct trk_bytes){ 0, 1 };
		q.flags |= TRK_REQ_GROW;
		party_ask(p, o, &q);
		return;
	}
	party_send(p, o);
}

/* The packets of one byte are said to have been full. */
static bool tiny_heard(struct party *p, struct trk_resp *r, u32 *seqrel)
{
	if (r->data_len == 1) {
		r->data_len = 0;
		r->flags &= ~TRK_RESP_NOGROWTH;
	}
	return true;
}

static void window__of_tiny_ranges(void)
{
	static const struct attack a = { .request = tiny_request, .heard = tiny_heard };

	CHECKED(price("window inflated by ranges of a byte", &a, DEFENCE_SEQUENCE));
}

/* ---- a large window for few full requests ---- */

#define MERGED	64	/* so many numbers are reported by one request, at least */

struct upload {
	u32 m;		/* the first number that is not reported yet, 0 for none */
};

/* One full request reports many numbers, and its short answers are to let the window grow. */
static void upload_request(struct party *p, struct line *l, const struct trk_sending *o)
{
	struct upload *s = p->state;
	struct trk_sending to = *o;
	struct trk_req q;

	if (!l->cl.held.input.len || !party_read(p, o, &q) || q.kind != TRK_KIND_RANGE) {
		party_send(p, o);
		return;
	}
	if (!s->m)
		s->m = q.m;
	if (q.n - s->m < min_t(u32, MERGED, l->cl.cwnd / 4))
		return;
	q.m = s->m;
	s->m = 0;
	q.nask = 0;
	q.output.p = NULL;
	q.flags |= TRK_REQ_GROW;
	q.has_input = true;
	q.input_off = l->cl.held.input.u.start;
	q.input = (struct trk_blob){ l->cl.held.input.blob, l->cl.held.input.len };
	to.hdr_len = trk_wire_req_write(to.hdr, &q);
	to.in_off = q.input_off;
	to.in_len = l->cl.seg_size - to.hdr_len;
	party_send(p, &to);
}

/* The answer has the token of the last request, but its numbers are expected with other ones. */
static bool upload_heard(struct party *p, struct trk_resp *r, u32 *seqrel)
{
	const struct trk_client *cl = &p->line[0].cl;
	unsigned int i;

	for (i = 0; i < r->span; i++)
		trk_client_entry(cl, trk_num_near(cl->num.hi, r->num) + i)->token = r->token;
	return true;
}

/* Packets with no-growth nonces are said to have growth nonces. */
static bool upload_lie(struct party *p, struct trk_resp *r, u32 *seqrel)
{
	if (!r->data_len)
		r->flags &= ~TRK_RESP_NOGROWTH;
	return upload_heard(p, r, seqrel);
}

static void window__of_few_full_requests(void)
{
	static const struct attack told = { .request = upload_request, .heard = upload_heard,
					    .state = sizeof(struct upload) };
	static const struct attack lied = { .request = upload_request, .heard = upload_lie,
					    .state = sizeof(struct upload) };
	double g = arena_window(&wide, &told, DEFENCE_NONE);

	if (g > GAIN_MAX)
		FAIL("a window for %.2f of its price", 1 / g);
	CHECKED(price("window inflated by few full requests", &lied, DEFENCE_SEQUENCE));
}

/* ---- segments that are larger than the path allows ---- */

static void segments__larger_than_the_path(void)
{
	static const struct attack a = { .seg_size = TRK_MAX_SEG_SIZE };

	CHECKED(gain("segments larger than the path's", &a, DEFENCE_PATH_SIZE));
}

static const struct tap_case cases[] = {
	TAP_CASE(nothing__gains_nothing),
	TAP_CASE(claims__of_what_did_not_arrive),
	TAP_CASE(nonces__of_an_earlier_domain),
	TAP_CASE(continuation__of_ones_own),
	TAP_CASE(window__of_tiny_ranges),
	TAP_CASE(window__of_few_full_requests),
	TAP_CASE(segments__larger_than_the_path),
};

int main(void)
{
	return row_run(cases, ARRAY_SIZE(cases));
}
