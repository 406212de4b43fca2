// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Which request the client sends next (paper §4): it runs the server's own arithmetic to know
 * which numbers the answer will have, and asks for just what these can bring.
 * Rules: protocol.rst, "Requests", "Another address".
 */
#include "request.h"
#include "narrow.h"
#include "plan.h"
#include "reach.h"
#include "timer.h"

static void fill_claims(struct trk_req *q, const struct trk_claims *claims)
{
	unsigned int i;

	q->n = (u32)claims->n;
	q->nclaims = (u8)claims->count;
	for (i = 0; i < claims->count; i++) {
		q->claim[i].a = (u32)claims->c[i].a;
		q->claim[i].len = (u32)(claims->c[i].b - claims->c[i].a + 1);
		q->claim[i].kind = claims->c[i].kind;
	}
}

static u32 new_token(struct trk_client *cl)
{
	u32 token;

	/* A token of 0 stands for none. */
	do
		token = cl->random(cl->random_arg);
	while (!token);
	return token;
}

static void fill_held(struct trk_blob *b, const struct trk_held_ucont *h)
{
	if (h && h->len) {
		b->p = h->blob;
		b->len = h->len;
	}
}

/* Bytes of input in a packet with that header: a few in any case, or it would not go on. */
static u32 room_for_input(u16 size, u32 hdr_len)
{
	return size > hdr_len + TRK_REQ_INPUT_MIN ? size - hdr_len : TRK_REQ_INPUT_MIN;
}

/* Puts the plan into the request of @size, with as much input as it holds, and into @s. */
static void fill_plan(struct trk_client *cl, struct trk_req *q, const struct trk_plan *p,
		      u16 size, struct trk_entry *s, struct trk_sending *out)
{
	s->what = (u8)p->what;
	if (p->what == TRK_WHAT_OUTPUT) {
		q->nask = (u8)p->nask;
		memcpy(q->ask, p->ask, sizeof(q->ask));
		fill_held(&q->output, p->cont);
	} else if (p->what == TRK_WHAT_INPUT) {
		q->has_input = true;
		q->input_off = p->in_off;
		fill_held(&q->input, &cl->held.input);
	} else {
		fill_held(&q->output, p->cont);
		fill_held(&q->input, p->input);
	}
	out->hdr_len = trk_wire_req_write(out->hdr, q);
	out->in_off = p->in_off;
	out->in_len = 0;
	s->size = (u16)out->hdr_len;
	if (p->what != TRK_WHAT_INPUT)
		return;
	out->in_len = (u32)min_t(u64, p->in_end - p->in_off, room_for_input(size, out->hdr_len));
	s->size = (u16)(out->hdr_len + out->in_len);
	s->off = out->in_off;
	s->len = out->in_len;
	if (cl->snd_fin && out->in_off + out->in_len == cl->snd_end) {
		out->hdr[1] |= TRK_REQ_FIN;
		s->fin = true;
		cl->tx.fin_sent = true;
	}
	if (out->in_off < cl->tx.nxt)
		cl->stat.snd_retrans += min_t(u64, cl->tx.nxt - out->in_off, out->in_len);
	cl->tx.nxt = max_t(u64, cl->tx.nxt, out->in_off + out->in_len);
	trk_ranges_sub(&cl->tx.lost, out->in_off, out->in_off + out->in_len);
	trk_ranges_sub(&cl->tx.placeless, out->in_off, out->in_off + out->in_len);
	cl->tx.noplace = cl->tx.placeless.n;
	if (!trk_client_parallel(cl)) {
		cl->tx.token = s->token;
		cl->tx.left = s->count;
		cl->tx.again = false;
	}
}

/*
 * May a request also report what the one before it did, and ask for its bytes ("Redundant requests"
 * in protocol.rst, "The client")?  Only as long as nothing of that answer arrived.  A server that
 * records requests answers what is new to it.  All numbers of both requests must have pieces, so
 * that the server finds the bytes of each.
 */
static bool repeats(const struct trk_client *cl, const struct trk_plan *p, u64 base)
{
	const struct trk_repeat *last = &cl->req.last;
	unsigned int i;

	if (!cl->redundant || !last->count || last->n != cl->num.nrep || last->m <= base ||
	    last->nask + p->nask > TRK_MAX_ASK)
		return false;
	for (i = 0; i < last->count; i++)
		if (trk_client_entry(cl, last->first + i)->state != TRK_ENTRY_EXPECTED)
			return false;
	for (i = 0; i < last->nask; i++)
		if (last->ask[i].off < p->cont->u.start ||
		    last->ask[i].off + last->ask[i].len > p->cont->u.end)
			return false;
	return true;
}

/* Puts what the last request asked for before what the plan asks for. */
static void plan_repeat(struct trk_client *cl, struct trk_plan *p, u32 token)
{
	const struct trk_repeat *last = &cl->req.last;
	struct trk_bytes *end;
	u32 i;

	memmove(p->ask + last->nask, p->ask, p->nask * sizeof(p->ask[0]));
	memcpy(p->ask, last->ask, last->nask * sizeof(p->ask[0]));
	p->nask += last->nask;
	end = &p->ask[last->nask - 1];
	if (end[0].off + end[0].len == end[1].off && end[0].len % trk_plan_piece(cl) == 0) {
		end[0].len += end[1].len;
		p->nask--;
		memmove(end + 1, end + 2, (p->nask - last->nask) * sizeof(p->ask[0]));
	}
	for (i = 0; i < last->count; i++)
		trk_client_entry(cl, last->first + i)->again = token;
}

/* Numbers the segment, and stops the timers that a request makes needless. */
static void sent(struct trk_client *cl, u64 now_us, struct trk_sending *out)
{
	out->seq = cl->req.seq;
	out->ackrel = cl->req.ackrel;
	cl->req.seq += out->hdr_len + out->in_len;
	cl->stat.requests += !!out->hdr_len;
	cl->timer.sent_us = now_us;
	cl->timer.pace_deadline_us = U64_MAX;
	cl->timer.idle_deadline_us = now_us + TRK_KEEPALIVE_US;
	cl->timer.delack_deadline_us = U64_MAX;
	out->syn = false;
}

/*
 * If several requests got no answer, a firewall on the way may let pass only what begins with a
 * SYN, or the server does not take the cookie of a FIRST request any more.  So before every other
 * one goes a SYN (protocol.rst, "Another address"); true if it is in @out.
 */
static bool request_knock(struct trk_client *cl, u64 now_us, struct trk_sending *out)
{
	if (cl->req.attempt < TRK_SYN_ATTEMPT || cl->req.attempt % 2 == 0 || cl->req.opened)
		return false;
	cl->req.knocking = true;
	out->hdr_len = 0;
	out->in_off = 0;
	out->in_len = 0;
	sent(cl, now_us, out);
	out->syn = true;
	return true;
}

/**
 * trk_request_first - compose the first request, or a SYN that goes before it
 * @cl: the client, with the server's cookie
 * @now_us: monotonic time
 * @out: the request
 */
void trk_request_first(struct trk_client *cl, u64 now_us, struct trk_sending *out)
{
	struct trk_plan p = { .what = TRK_WHAT_INPUT, .in_end = cl->snd_end };
	struct trk_req q = { .kind = TRK_KIND_FIRST, .flags = TRK_REQ_GROW };
	struct trk_entry *s = &cl->req.pending;
	u32 again = s->len;

	cl->req.first_sent = true;
	if (request_knock(cl, now_us, out))
		return;
	/* A repeated request has the same sequence numbers, hence no more bytes of input. */
	if (cl->req.attempt)
		p.in_end = again;
	memset(s, 0, sizeof(*s));
	s->token = new_token(cl);
	s->sent_us = now_us;
	s->first = 1;
	s->count = cl->req.attempt ? 1 : TRK_INITIAL_WINDOW;
	q.token = s->token;
	q.attempt = cl->req.attempt;
	q.seg_size = cl->narrow.seg_size;
	fill_plan(cl, &q, &p, trk_attempt_size(trk_client_seg_size(cl), q.attempt), s, out);
	trk_narrow_sent(cl, s->size, 0);
	cl->req.seq = cl->req.first_seq;
	sent(cl, now_us, out);
}

/**
 * trk_request_timeout - compose a TIMEOUT request, or the SYN before it
 * @cl: the client, open and waiting
 * @now_us: monotonic time
 * @out: the request
 *
 * It reports what the last request did that is known to be answered: later proofs may be spoilt by
 * a nonce that was changed on the way.
 *
 * If several such requests got no answer, a NAT on the way may have given the client another
 * address.  So the request says which address the client had (protocol.rst, "Another address").
 */
void trk_request_timeout(struct trk_client *cl, u64 now_us, struct trk_sending *out)
{
	const struct trk_held_cont *c = &cl->held.confirmed;
	struct trk_req q = { .kind = TRK_KIND_TIMEOUT, .attempt = cl->req.attempt };
	struct trk_entry *s = &cl->req.pending;
	struct trk_claims *claims = &cl->req.report;
	struct trk_step step;
	struct trk_walk w;
	struct trk_plan p;
	u16 size;

	cl->req.timeout_due = false;
	if (request_knock(cl, now_us, out))
		return;
	trk_reach_claims(cl, c->c.base, cl->held.confirmed_n, claims);
	trk_law_walk_init(&w, &c->c.law, c->c.base, claims, 0, false);
	while (trk_law_walk_next(&w, &step))
		;
	trk_law_settle(&w.law, claims->n);
	memset(s, 0, sizeof(*s));
	s->token = new_token(cl);
	s->sent_us = now_us;
	s->first = trk_law_highest(&w.law, claims->n) + 1;
	s->count = 1;
	s->req_n = s->first - 1;
	q.token = s->token;
	q.ackrel = cl->req.ackrel - cl->num.at;
	q.seg_size = cl->narrow.seg_size;
	q.cont.p = c->blob;
	q.m = (u32)cl->held.confirmed_n;
	q.proof = cl->held.confirmed_proof;
	if (cl->req.attempt >= TRK_SYN_ATTEMPT && cl->req.addr_len) {
		q.addr.p = cl->req.addr;
		q.addr.len = cl->req.addr_len;
	}
	fill_claims(&q, claims);
	/* Output goes first: without it the answer to input may have no receive room. */
	size = trk_attempt_size(trk_client_seg_size(cl),
				trk_narrow_doubtful(cl) ? TRK_SMALL_ATTEMPT : q.attempt);
	trk_plan_output(cl, &p, 1, true, trk_piece(size, true));
	if (!p.pieces && !trk_plan_input(cl, &p))
		memset(&p, 0, sizeof(p));
	if (p.what == TRK_WHAT_OUTPUT) {
		trk_plan_note(cl, &p);
		s->off = p.ask[0].off;
		s->len = p.ask[0].len;
		/* Whatever becomes of this request, new bytes are wanted until they arrive. */
		if (s->off == cl->rx.ask_nxt) {
			cl->rx.ask_nxt += s->len;
			trk_ranges_add(&cl->rx.holes, s->off, s->off + s->len);
		}
		cl->stat.rcv_retrans += s->len;
	}
	fill_plan(cl, &q, &p, size, s, out);
	/* Without the continuation: the answer to a RANGE need not have one. */
	trk_narrow_sent(cl, s->size, p.what == TRK_WHAT_INPUT ? 0 : TRK_RESP_FIXED + s->len);
	sent(cl, now_us, out);
}

/* A RANGE request that is being composed. */
struct draft {
	struct trk_plan p;	/* what it asks for */
	struct trk_reach r;	/* how far it reports */
	bool renew;		/* it asks for a new transport continuation */
	bool reseal;		/* it asks for nothing but a new seal */
	u32 granted;		/* numbers that it issues */
};

/* Decides what is asked for, and how far is reported; false if nothing is to be sent now. */
static bool decide(struct trk_client *cl, u64 now_us, struct draft *d)
{
	u32 limit = max_t(u32, 2, min_t(u32, TRK_TRAIN, cl->cwnd / 4));
	struct trk_claims *claims = &cl->req.report;
	struct trk_plan *p = &d->p;
	struct trk_reach *r = &d->r;

	d->reseal = trk_plan_reseal(cl, p, now_us);
	cl->timer.reseal_deadline_us = now_us < cl->held.reseal_us ? cl->held.reseal_us : U64_MAX;
	/* One piece more than an answer may have shows whether there is more to ask for. */
	if (!d->reseal && !trk_plan_next(cl, p, TRK_MAX_ANSWER + 1)) {
		/* There is nothing to ask for: the trickles are parked, but for a sign of life. */
		if (now_us < cl->timer.idle_deadline_us)
			return false;
		memset(p, 0, sizeof(*p));
		p->room = 1;
	}
	if (trk_timer_paced(cl, now_us))
		return false;
	/* Each request reports one number then, so that more requests can carry input. */
	if (p->what == TRK_WHAT_INPUT && p->more && p->in_end - p->in_off > cl->seg_size / 2)
		limit = 1;
	trk_reach_choose(cl, p, limit, r, claims);
	if (r->first > r->last)
		return false;
	if (trk_reach_waits(cl, p, r, claims)) {
		if (cl->timer.delack_deadline_us == U64_MAX)
			cl->timer.delack_deadline_us = now_us + TRK_DELACK_US;
		return false;
	}
	d->granted = (u32)(r->last - r->first + 1);
	cl->cwnd = r->cwnd;
	/* The ring must hold two windows, of expected and of unreported numbers; wish for four. */
	while (cl->ring_want < 4 * (u64)r->cwnd + 4 * TRK_TRAIN && cl->ring_want < TRK_RING_MAX)
		cl->ring_want *= 2;
	/* Numbers go on where they ended.  If not, the continuation's law is not the server's. */
	return r->last - r->n < cl->num.ring_size && r->first == cl->num.hi + 1;
}

/* Cuts the plan to the numbers that are issued, and decides on GROW and RENEW. */
static void settle_request(struct trk_client *cl, u64 now_us, struct draft *d, struct trk_req *q)
{
	struct trk_claims *claims = &cl->req.report;
	struct trk_plan *p = &d->p;

	/*
	 * All requests of a window have GROW, or none: if they alternated, each turn would cost a
	 * claim (rationale.rst, "Growth").
	 */
	if (2 * (u64)d->r.cwnd + TRK_TRAIN >= cl->num.ring_size)
		cl->num.limited = 0;
	else if (p->what == TRK_WHAT_INPUT || p->room > d->granted)
		cl->num.limited = d->r.last;
	if (d->r.n <= cl->num.limited)
		q->flags |= TRK_REQ_GROW;
	d->renew = trk_reach_renewal_due(cl, claims);
	if (p->what == TRK_WHAT_OUTPUT) {
		trk_plan_output(cl, p, min_t(u32, d->granted, TRK_MAX_ANSWER), true,
				trk_piece(cl->seg_size, d->renew));
		trk_plan_note(cl, p);
	}
	if (d->renew) {
		q->flags |= TRK_REQ_RENEW;
		cl->held.renewal = d->r.first;
		cl->held.renewal_claims = claims->count;
	}
	if (d->reseal) {
		cl->held.reseals = min_t(u8, cl->held.reseals + 1, 8);
		cl->held.reseal_us = now_us + (cl->rto_us << (cl->held.reseals - 1));
	}
}

/* Bytes of TCP payload of the largest packet of the answer; 0: not known. */
static u32 largest_answer(const struct trk_client *cl, const struct trk_plan *p)
{
	u32 most = 0;
	unsigned int i;

	if (p->what == TRK_WHAT_INPUT)
		return 0;
	for (i = 0; i < p->nask; i++)
		most = max_t(u32, most, p->ask[i].len);
	return TRK_RESP_FIXED + min_t(u32, most, trk_plan_piece(cl));
}

/* Writes the request.  @s is what its numbers have in common. */
static void write_range(struct trk_client *cl, struct draft *d, struct trk_req *q,
			struct trk_entry *s, struct trk_sending *out)
{
	const struct trk_held_cont *held = trk_client_cont(cl);
	struct trk_plan whole = d->p;
	bool asks = d->p.what == TRK_WHAT_OUTPUT && !d->renew;

	q->token = s->token;
	q->ackrel = cl->req.ackrel - cl->num.at;
	q->m = (u32)(cl->num.nrep + 1);
	q->proof = s->acc ^ held->acc;
	q->cont.p = held->blob;
	fill_claims(q, &cl->req.report);
	cl->held.cont_used = true;
	if (asks && repeats(cl, &d->p, held->c.base)) {
		q->m = (u32)cl->req.last.m;
		plan_repeat(cl, &whole, s->token);
		cl->stat.repeated++;
	}
	fill_plan(cl, q, &whole, cl->seg_size, s, out);
	trk_narrow_sent(cl, s->size, largest_answer(cl, &d->p));
	cl->req.last.count = 0;
	if (asks && d->p.pieces == d->granted) {
		cl->req.last = (struct trk_repeat){ .m = cl->num.nrep + 1, .n = d->r.n,
						    .first = d->r.first, .count = d->granted,
						    .nask = d->p.nask };
		memcpy(cl->req.last.ask, d->p.ask, sizeof(d->p.ask));
	}
}

/* From now on the request's numbers are expected, each with its piece of what is asked for. */
static void expect(struct trk_client *cl, const struct draft *d, const struct trk_entry *s)
{
	const struct trk_plan *p = &d->p;
	unsigned int range = 0;
	u32 i, done = 0;

	for (i = 0; i < d->granted; i++) {
		struct trk_entry *to = trk_client_entry(cl, d->r.first + i);

		*to = *s;
		if (p->what != TRK_WHAT_OUTPUT)
			continue;
		to->what = TRK_WHAT_NOTHING;
		if (range == p->nask)
			continue;
		to->what = TRK_WHAT_OUTPUT;
		to->off = p->ask[range].off + done;
		to->len = min_t(u32, i ? trk_plan_piece(cl) : p->first, p->ask[range].len - done);
		if (to->off < cl->rx.ask_nxt)
			cl->stat.rcv_retrans += to->len;
		done += to->len;
		if (to->off + to->len == cl->rx.next_lost)
			cl->rx.next_lost = 0;
		trk_ranges_sub(&cl->rx.holes, to->off, to->off + to->len);
		cl->rx.ask_nxt = max_t(u64, cl->rx.ask_nxt, to->off + to->len);
		if (done == p->ask[range].len) {
			range++;
			done = 0;
		}
	}
	cl->num.expected += d->granted;
	if (p->what == TRK_WHAT_INPUT)
		cl->tx.expected += d->granted;
	cl->num.hi = max_t(u64, cl->num.hi, d->r.last);
	cl->num.nrep = d->r.n;
	cl->num.acc = s->acc;
}

/* The xor of all nonces of the domain up to @n. */
static u64 nonces_upto(const struct trk_client *cl, u64 n)
{
	u64 x, acc = cl->num.acc;

	for (x = cl->num.nrep + 1; x <= n; x++)
		if (trk_client_entry(cl, x)->state == TRK_ENTRY_RECEIVED)
			acc ^= trk_client_entry(cl, x)->nonce;
	return acc;
}

/**
 * trk_request_range - compose a request that continues trickles
 * @cl: the client, open
 * @now_us: monotonic time
 * @out: the request
 *
 * Return: false if none is to be sent now.
 */
bool trk_request_range(struct trk_client *cl, u64 now_us, struct trk_sending *out)
{
	struct trk_req q = { .kind = TRK_KIND_RANGE };
	struct trk_entry s;
	struct draft d;

	if (cl->num.reportable <= cl->num.nrep) {
		cl->timer.resuming = false;
		cl->timer.pace_us = 0;
		cl->timer.pace_deadline_us = U64_MAX;
		return false;
	}
	if (!decide(cl, now_us, &d))
		return false;
	settle_request(cl, now_us, &d, &q);
	memset(&s, 0, sizeof(s));
	s.token = new_token(cl);
	s.sent_us = now_us;
	s.first = d.r.first;
	s.count = d.granted;
	s.req_n = d.r.n;
	s.acc = nonces_upto(cl, d.r.n);
	s.serial = cl->held.serial;
	s.state = TRK_ENTRY_EXPECTED;
	write_range(cl, &d, &q, &s, out);
	expect(cl, &d, &s);
	trk_timer_pace(cl, now_us, d.granted);
	cl->req.last_chance = false;
	cl->rx.input_turn = d.p.what != TRK_WHAT_INPUT;
	sent(cl, now_us, out);
	return true;
}

/**
 * trk_request_close - tell the server that the client is gone
 * @cl: the client, open
 * @out: the request; nothing answers it and nothing depends on its arrival
 */
void trk_request_close(struct trk_client *cl, struct trk_sending *out)
{
	struct trk_req q = { .kind = TRK_KIND_CLOSE };

	q.token = new_token(cl);
	q.ackrel = cl->req.ackrel - cl->num.at;
	q.cont.p = trk_client_cont(cl)->blob;
	q.m = (u32)cl->num.nrep;
	q.n = (u32)cl->num.nrep;
	out->hdr_len = trk_wire_req_write(out->hdr, &q);
	out->in_off = 0;
	out->in_len = 0;
	out->seq = cl->req.seq;
	out->ackrel = cl->req.ackrel;
	out->syn = false;
	cl->req.seq += out->hdr_len;
}
