// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Which request the client sends next (paper §4): it runs the server's own
 * arithmetic to know what an answer may hold, and asks for just that.
 */
#include "client.h"
#include "reason.h"

/* A continuation that ends above says nothing of where the output ends. */
#define ENDLESS		(1ULL << 60)

/* What a request asks of the server. */
struct plan {
	enum trk_slot_what what;	/* NOTHING, OUTPUT or INPUT */
	u32 room;			/* numbers that can be put to use, at most */
	/* output, or nothing but a new seal for @cont or @input */
	const struct trk_held_ucont *cont;
	const struct trk_held_ucont *input;
	struct trk_bytes ask[TRK_MAX_ASK];
	unsigned int nask;
	u32 pieces;
	u32 first;			/* bytes in the first of them, at most */
	/* input */
	u64 in_off, in_end;
	bool more;			/* there is more to ask for than this */
};

/* Bytes of data in a full packet of asked output. */
static u32 piece_len(const struct trk_client *cl)
{
	return trk_piece(cl->slot, false);
}

/**
 * trk_client_output_at - the output continuation for a byte
 * @cl: the client
 * @off: stream offset of the byte
 *
 * Return: NULL if none is held.
 */
const struct trk_held_ucont *trk_client_output_at(const struct trk_client *cl, u64 off)
{
	unsigned int i;

	for (i = 0; i < TRK_OUTPUTS; i++) {
		const struct trk_held_ucont *h = &cl->held.outputs[i];

		if (h->len && h->u.start <= off && off < h->u.end)
			return h;
	}
	return NULL;
}

/**
 * trk_client_output_free - may another continuation take this one's place?
 * @cl: the client
 * @h: one of its places for output continuations
 *
 * All its bytes are there, and so is the continuation that follows: until then
 * it may have to be asked for again, under this one.
 */
bool trk_client_output_free(const struct trk_client *cl, const struct trk_held_ucont *h)
{
	if (!h->len || h->u.end < cl->rcv_nxt)
		return true;
	return h->u.end == cl->rcv_nxt &&
	       (h->u.flags & TRK_UCONT_FINAL || h->u.end >= cl->fin_off ||
		trk_client_output_at(cl, h->u.end));
}

/* How many more output continuations could be held? */
static unsigned int output_places(const struct trk_client *cl)
{
	unsigned int i, n = 0;

	for (i = 0; i < TRK_OUTPUTS; i++)
		n += trk_client_output_free(cl, &cl->held.outputs[i]);
	return n;
}

/**
 * trk_client_output_room - could one more output continuation be held?
 * @cl: the client
 * @start: its first byte
 * @end: first byte behind it; U64_MAX: not known
 *
 * Places are kept for the two without which none would ever be done with: that of
 * the bytes needed next (or of those before them, as long as it may have to bring
 * that one), and its successor.
 */
bool trk_client_output_room(const struct trk_client *cl, u64 start, u64 end)
{
	const struct trk_held_ucont *current_one = NULL;
	unsigned int i, nfree = 0;

	for (i = 0; i < TRK_OUTPUTS; i++) {
		const struct trk_held_ucont *h = &cl->held.outputs[i];

		if (trk_client_output_free(cl, h))
			nfree++;
		else if (h->u.start <= cl->rcv_nxt && cl->rcv_nxt <= h->u.end)
			current_one = h;
	}
	if (nfree > TRK_OUTPUTS_KEPT - !!current_one)
		return true;
	return nfree && ((start <= cl->rcv_nxt && cl->rcv_nxt < end) || end <= cl->rcv_nxt ||
			 (current_one && start == current_one->u.end));
}

/* The end of what may be asked for from @off on under continuation @h. */
static u64 output_end(const struct trk_client *cl, const struct trk_held_ucont *h)
{
	return min_t(u64, min_t(u64, h->u.end, cl->fin_off), cl->rcv_limit);
}

/* No silly small pieces because of the receive window: RFC 1122 §4.2.3.4. */
static bool silly(const struct trk_client *cl, u64 len)
{
	return len < piece_len(cl) && 2 * len < cl->rx.window_max;
}

/**
 * trk_client_silly - is there no room for a piece?
 * @cl: the client
 */
bool trk_client_silly(const struct trk_client *cl)
{
	return cl->rcv_limit <= cl->rcv_nxt || silly(cl, cl->rcv_limit - cl->rcv_nxt);
}

/* Does the last packet of a range have no room for more of it? */
static bool whole_pieces(const struct trk_client *cl, const struct plan *p,
			 const struct trk_bytes *range)
{
	u32 first = range == p->ask ? p->first : piece_len(cl);

	return range->len >= first && (range->len - first) % piece_len(cl) == 0;
}

/*
 * Takes pieces of [a, b) into the plan; all under one continuation, for that
 * is what a request carries.  Returns how far it came.
 */
static u64 plan_take(const struct trk_client *cl, struct plan *p, u64 a, u64 b, u32 max)
{
	u32 piece = piece_len(cl);

	while (a < b && p->pieces < max) {
		struct trk_bytes *last = p->nask ? &p->ask[p->nask - 1] : NULL;
		const struct trk_held_ucont *h = trk_client_output_at(cl, a);
		u32 n, first = p->pieces ? piece : p->first;
		u64 end;

		if (!h || (p->cont && h != p->cont))
			return a;
		end = min_t(u64, b, output_end(cl, h));
		if (a >= end)
			return a;
		if (end == cl->rcv_limit && end < h->u.end) {
			if (silly(cl, end - a))
				return a;
			if (end - a > first)
				end -= (end - a - first) % piece;
		}
		/* More than one request can ask for is no matter. */
		end = min_t(u64, end, a + U32_MAX / 2);
		n = min_t(u32, trk_pieces((u32)(end - a), first, piece), max - p->pieces);
		end = min_t(u64, end, a + first + (u64)(n - 1) * piece);
		if (last && last->off + last->len == a && whole_pieces(cl, p, last)) {
			last->len += (u32)(end - a);
		} else {
			if (p->nask == TRK_MAX_ASK)
				return a;
			p->ask[p->nask].off = a;
			p->ask[p->nask].len = (u32)(end - a);
			p->nask++;
		}
		p->cont = h;
		p->pieces += n;
		a = end;
	}
	return a;
}

/* The first hole, if no continuation for it is held; 0: there is none. */
static u64 bare_hole(const struct trk_client *cl)
{
	u64 a;

	if (!cl->rx.holes.n)
		return 0;
	a = max_t(u64, cl->rx.holes.r[0].a, cl->rcv_nxt);
	return trk_client_output_at(cl, a) ? 0 : a;
}

/* Is it the byte before that hole that is asked for? */
static void note_asked_before(struct trk_client *cl, const struct plan *p)
{
	if (p->nask == 1 && p->ask[0].len == 1 && p->ask[0].off + 1 == bare_hole(cl))
		cl->rx.asked_before = bare_hole(cl);
}

/*
 * Output to ask for, up to @max pieces: what was lost first, then what is new.
 * With @renew the answer brings a continuation.
 */
static void plan_output(const struct trk_client *cl, struct plan *p, u32 max, bool fresh,
			bool renew)
{
	const struct trk_ranges *holes = &cl->rx.holes;
	unsigned int i;

	memset(p, 0, sizeof(*p));
	p->first = trk_piece(cl->slot, renew);
	p->what = TRK_WHAT_OUTPUT;
	/* Many holes are not to keep the other numbers of a large answer empty. */
	for (i = 0; i < holes->n && p->pieces < max && p->nask < TRK_MAX_ASK - fresh; i++)
		plan_take(cl, p, max_t(u64, holes->r[i].a, cl->rcv_nxt), holes->r[i].b, max);
	/* A byte that is there is worth asking for the continuation that came with it. */
	if (!p->pieces && cl->rx.next_lost && cl->rx.next_lost <= cl->rx.ask_nxt &&
	    !trk_client_output_at(cl, cl->rx.next_lost) &&
	    trk_client_output_room(cl, cl->rx.next_lost, U64_MAX))
		plan_take(cl, p, cl->rx.next_lost - 1, cl->rx.next_lost, max);
	if (fresh && p->pieces < max)
		plan_take(cl, p, cl->rx.ask_nxt, cl->fin_off, max);
	/* So is, once, the byte before a hole for which none is there, nor on its way. */
	if (fresh && !p->pieces && !cl->num.expected && bare_hole(cl) != cl->rx.asked_before)
		plan_take(cl, p, bare_hole(cl) - 1, bare_hole(cl), max);
	p->room = p->pieces;
}

/* The end of the output that is known of: an answer to input adds to it. */
static u64 output_known(const struct trk_client *cl)
{
	u64 end = max_t(u64, max_t(u64, cl->rx.ask_nxt, cl->rx.out_top), cl->rcv_nxt);
	unsigned int i;

	for (i = 0; i < TRK_OUTPUTS; i++)
		if (cl->held.outputs[i].len && cl->held.outputs[i].u.end < ENDLESS)
			end = max_t(u64, end, cl->held.outputs[i].u.end);
	return end;
}

/* Is there parallel input that goes again?  What lies beyond the continuation cannot. */
static bool input_lost(const struct trk_client *cl)
{
	return cl->tx.lost.n && cl->tx.lost.r[0].a < cl->held.input.u.end;
}

/* Input to send, paper §4.2; false if there is none, or none may go now. */
static bool plan_input(const struct trk_client *cl, struct plan *p)
{
	bool fin = cl->in_fin && !cl->tx.fin_sent && !cl->tx.fin_acked;
	bool again = trk_client_parallel(cl) ? input_lost(cl) : cl->tx.again && !cl->tx.noplace;
	u64 used = output_known(cl) + (u64)cl->tx.expected * piece_len(cl);
	u64 room = cl->rcv_limit > used ? cl->rcv_limit - used : 0;
	unsigned int places = output_places(cl);

	memset(p, 0, sizeof(*p));
	p->what = TRK_WHAT_INPUT;
	/* The answer may bring a continuation to be held, */
	if (!again && (places <= TRK_OUTPUTS_KEPT ||
		       (cl->rx.each_brings && places <= TRK_OUTPUTS_KEPT + cl->tx.expected)))
		return false;
	/* and output, unless that has ended; what is sent again had room the first time. */
	if (room >= piece_len(cl))
		p->room = (u32)min_t(u64, room / piece_len(cl), TRK_MAX_ANSWER);
	else if (cl->rcv_limit >= cl->fin_off)
		p->room = TRK_MAX_ANSWER;
	else if (again || !silly(cl, room))
		p->room = 1;
	else
		return false;
	if (trk_client_parallel(cl)) {
		const struct trk_ranges *set = again ? &cl->tx.lost : &cl->tx.placeless;
		u64 end = min_t(u64, cl->in_end, cl->held.input.u.end);

		p->more = true;
		if (set->n) {
			p->in_off = set->r[0].a;
			p->in_end = min_t(u64, set->r[0].b, end);
			if (p->in_off < p->in_end)
				return true;
		}
		/* What is answered beyond the window is so in order: the next would be, too. */
		if (cl->tx.held.n && cl->num.expected)
			return false;
		p->in_off = max_t(u64, cl->tx.nxt, cl->held.input.u.start);
		p->in_end = max_t(u64, p->in_off, end);
		return p->in_off < p->in_end || (fin && p->in_off == cl->in_end);
	}
	if ((cl->tx.left && !cl->tx.again) || cl->rcv_limit < cl->tx.after)
		return false;
	p->in_off = cl->in_una;
	p->in_end = cl->in_end;
	if (cl->held.input.len)
		p->in_end = max_t(u64, p->in_off, min_t(u64, p->in_end, cl->held.input.u.end));
	if (cl->tx.again || fin)
		return true;
	return p->in_off < p->in_end && cl->in_end > cl->tx.stall;
}

/*
 * A user continuation whose key is not that of the transport continuation: it is
 * shown to the server, which seals it anew.  Requests for bytes do so as well, but
 * not for all that is held, nor when their answers bring another one.
 */
static bool plan_reseal(const struct trk_client *cl, struct plan *p, u64 now_us)
{
	u8 key_id = cl->held.conts[cl->held.serial % TRK_CONTS].c.key_id;
	unsigned int i;

	if (now_us < cl->held.reseal_us)
		return false;
	memset(p, 0, sizeof(*p));
	p->room = 1;
	if (cl->held.input.len && cl->held.input.u.key_id != key_id) {
		p->input = &cl->held.input;
		return true;
	}
	for (i = 0; i < TRK_OUTPUTS; i++) {
		const struct trk_held_ucont *h = &cl->held.outputs[i];

		if (!trk_client_output_free(cl, h) && h->u.key_id != key_id) {
			p->cont = h;
			return true;
		}
	}
	/* And one that came must have stood in an answered request, to be good for a timeout. */
	return !cl->num.expected && cl->held.confirmed.c.key_id != key_id;
}

/**
 * trk_client_wants - is there anything to ask for or to send right now?
 * @cl: the client, open
 */
bool trk_client_wants(const struct trk_client *cl)
{
	struct plan p;

	if (plan_input(cl, &p))
		return true;
	plan_output(cl, &p, 1, true, false);
	return p.pieces;
}

/* Lost output first, then input and new output by turns. */
static bool plan_next(const struct trk_client *cl, struct plan *p, u32 max)
{
	plan_output(cl, p, max, false, false);
	if (!p->pieces && cl->rx.input_turn && plan_input(cl, p))
		return true;
	plan_output(cl, p, max, true, false);
	return p->pieces || plan_input(cl, p);
}

/* The claims of a proof from @base to @n. */
static void claims_upto(const struct trk_client *cl, u64 base, u64 n, struct trk_claims *out)
{
	unsigned int i;

	out->n = n;
	out->count = 0;
	for (i = 0; i < cl->num.nclaims && out->count < TRK_MAX_CLAIMS; i++) {
		struct trk_claim c = cl->num.claims[i];

		if (c.b <= base || c.a > n)
			continue;
		c.a = max_t(u64, c.a, base + 1);
		c.b = min_t(u64, c.b, n);
		out->c[out->count++] = c;
	}
}

/* The same up to @n, which is below. */
static void claims_trim(struct trk_claims *claims, u64 n)
{
	while (claims->count && claims->c[claims->count - 1].a > n)
		claims->count--;
	if (claims->count && claims->c[claims->count - 1].b > n)
		claims->c[claims->count - 1].b = n;
	claims->n = n;
}

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

	/* 0 means none. */
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

/* Puts the plan into the request; with input, as much of it as the packet holds. */
static void fill_plan(struct trk_client *cl, struct trk_req *q, const struct plan *p,
		      struct trk_slot *s, struct trk_out_req *out)
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
	out->hdr_len = trk_req_write(out->hdr, q);
	out->in_off = p->in_off;
	out->in_len = 0;
	if (p->what != TRK_WHAT_INPUT)
		return;
	out->in_len = (u32)min_t(u64, p->in_end - p->in_off, cl->slot - out->hdr_len);
	s->off = out->in_off;
	s->len = out->in_len;
	if (cl->in_fin && out->in_off + out->in_len == cl->in_end) {
		out->hdr[1] |= TRK_REQ_FIN;
		s->fin = true;
		cl->tx.fin_sent = true;
	}
	if (out->in_off < cl->tx.nxt)
		cl->stat.in_retrans += min_t(u64, cl->tx.nxt - out->in_off, out->in_len);
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
 * Redundancy: a request covers the range of the one before it again, as long as
 * nothing of its answer arrived.  A server that remembers answers what is new to
 * it.  All numbers of both must have pieces, so that it finds their bytes.
 */
static bool repeats(const struct trk_client *cl, const struct plan *p, u64 base)
{
	const struct trk_repeat *last = &cl->req.last;
	unsigned int i;

	if (!cl->redundant || !last->count || last->n != cl->num.nrep || last->m <= base ||
	    last->nask + p->nask > TRK_MAX_ASK)
		return false;
	for (i = 0; i < last->count; i++)
		if (trk_client_slot(cl, last->first + i)->state != TRK_SLOT_EXPECTED)
			return false;
	for (i = 0; i < last->nask; i++)
		if (last->ask[i].off < p->cont->u.start ||
		    last->ask[i].off + last->ask[i].len > p->cont->u.end)
			return false;
	return true;
}

/* What the last request asked for goes before the plan. */
static void plan_repeat(struct trk_client *cl, struct plan *p, u32 token)
{
	const struct trk_repeat *last = &cl->req.last;
	struct trk_bytes *end;
	u32 i;

	memmove(p->ask + last->nask, p->ask, p->nask * sizeof(p->ask[0]));
	memcpy(p->ask, last->ask, last->nask * sizeof(p->ask[0]));
	p->nask += last->nask;
	end = &p->ask[last->nask - 1];
	if (end[0].off + end[0].len == end[1].off && end[0].len % piece_len(cl) == 0) {
		end[0].len += end[1].len;
		p->nask--;
		memmove(end + 1, end + 2, (p->nask - last->nask) * sizeof(p->ask[0]));
	}
	for (i = 0; i < last->count; i++)
		trk_client_slot(cl, last->first + i)->again = token;
}

/* The segment's numbers; what waited for a request waits no longer. */
static void sent(struct trk_client *cl, u64 now_us, struct trk_out_req *out)
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

/**
 * trk_request_first - compose the first request
 * @cl: the client, with the server's cookie
 * @now_us: monotonic time
 * @out: the request
 */
void trk_request_first(struct trk_client *cl, u64 now_us, struct trk_out_req *out)
{
	struct plan p = { .what = TRK_WHAT_INPUT, .in_end = cl->in_end };
	struct trk_req q = { .kind = TRK_KIND_FIRST, .flags = TRK_REQ_GROW };
	struct trk_slot *s = &cl->req.pending;
	u32 again = s->len;
	bool repeat = cl->req.seq;

	/* A repeated request has the same sequence numbers, hence the same bytes. */
	if (repeat)
		p.in_end = again;
	memset(s, 0, sizeof(*s));
	s->token = new_token(cl);
	s->sent_us = now_us;
	s->first = 1;
	s->count = cl->req.attempt ? 1 : TRK_INITIAL_WINDOW;
	q.token = s->token;
	q.attempt = cl->req.attempt;
	q.slot = cl->want_slot;
	fill_plan(cl, &q, &p, s, out);
	cl->req.seq = 0;
	cl->req.first_sent = true;
	sent(cl, now_us, out);
}

/**
 * trk_request_timeout - compose a timeout request
 * @cl: the client, open and waiting
 * @now_us: monotonic time
 * @out: the request
 *
 * Its claims are those of the last request known to be answered, so that
 * nothing spoilt is among them.
 *
 * After some without an answer the way to the server may be another one, on which
 * somebody rewrites addresses, or lets pass only what begins with a SYN.  So it says
 * which address we had, and every other time a SYN goes before it.
 */
void trk_request_timeout(struct trk_client *cl, u64 now_us, struct trk_out_req *out)
{
	const struct trk_held_cont *c = &cl->held.confirmed;
	struct trk_req q = { .kind = TRK_KIND_TIMEOUT, .attempt = cl->req.attempt };
	struct trk_slot *s = &cl->req.pending;
	struct trk_claims *claims = &cl->req.report;
	struct trk_step step;
	struct trk_walk w;
	struct plan p;

	cl->req.timeout_due = false;
	if (cl->req.attempt >= TRK_SYN_ATTEMPT && cl->req.attempt % 2 && !cl->req.opened) {
		cl->req.knocking = true;
		out->hdr_len = 0;
		out->in_off = 0;
		out->in_len = 0;
		sent(cl, now_us, out);
		out->syn = true;
		return;
	}
	claims_upto(cl, c->c.base, cl->held.confirmed_n, claims);
	trk_walk_init(&w, &c->c.law, c->c.base, claims, 0, false);
	while (trk_walk_next(&w, &step))
		;
	trk_law_settle(&w.law, claims->n);
	memset(s, 0, sizeof(*s));
	s->token = new_token(cl);
	s->sent_us = now_us;
	s->first = trk_law_highest(&w.law, claims->n) + 1;
	s->count = 1;
	s->req_n = s->first - 1;
	q.token = s->token;
	q.ackrel = cl->req.ackrel;
	q.cont.p = c->blob;
	q.m = (u32)cl->held.confirmed_n;
	q.proof = cl->held.confirmed_proof;
	if (cl->req.attempt >= TRK_SYN_ATTEMPT && cl->req.addr_len) {
		q.addr.p = cl->req.addr;
		q.addr.len = cl->req.addr_len;
	}
	fill_claims(&q, claims);
	/* Output first: the answer to input may find no room before it. */
	plan_output(cl, &p, 1, true, true);
	if (!p.pieces && !plan_input(cl, &p))
		memset(&p, 0, sizeof(p));
	if (p.what == TRK_WHAT_OUTPUT) {
		note_asked_before(cl, &p);
		s->off = p.ask[0].off;
		s->len = p.ask[0].len;
		/* Whatever becomes of this request, its bytes are still to be had. */
		if (s->off == cl->rx.ask_nxt) {
			cl->rx.ask_nxt += s->len;
			trk_ranges_add(&cl->rx.holes, s->off, s->off + s->len);
		}
		cl->stat.out_retrans += s->len;
	}
	fill_plan(cl, &q, &p, s, out);
	sent(cl, now_us, out);
}

/**
 * trk_client_renewing - may a new continuation be on its way?
 * @cl: the client, open
 */
bool trk_client_renewing(const struct trk_client *cl)
{
	/* With a full list of claims its loss would not be declared. */
	return cl->held.renewal && cl->held.renewal + cl->num.ring_size > cl->num.hi &&
	       cl->num.top < cl->held.renewal + cl->num.dupthresh &&
	       trk_client_slot(cl, cl->held.renewal)->state == TRK_SLOT_EXPECTED;
}

/*
 * A new continuation shortens the claims.  It costs a packet: what it displaces
 * of a hole has to come in another.  So one that asks is enough, but when the list
 * gets full its answer must not be lost: then there are a few of them.
 */
static bool renewal_due(const struct trk_client *cl, const struct trk_claims *claims)
{
	if (claims->count < TRK_CLAIMS_SOFT)
		return false;
	return !trk_client_renewing(cl) ||
	       claims->count >= cl->held.renewal_claims + TRK_RENEW_AGAIN;
}

/* How far a request reports, and what it issues. */
struct reach {
	u64 n;
	u64 first, last;	/* issued; none if first > last */
	u64 recover;		/* end of the loss event that was open before; 0: none */
	u32 cwnd;		/* window after it, packets */
};

/*
 * Walks the received numbers above nrep until the answer is as large as the
 * plan can use, or as a train may be: one lost request must not be a timeout,
 * and slow start must not burst.  Numbers that share a packet are reported
 * together, since their nonces came as one.  @claims: of the report.
 */
static void choose_reach(struct trk_client *cl, const struct plan *p, u32 limit, struct reach *r,
			 struct trk_claims *claims)
{
	const struct trk_held_cont *held = trk_client_cont(cl);
	struct trk_walk w, saved;
	struct trk_step step;
	u32 most = min_t(u32, p->room, TRK_MAX_ANSWER), count = 0;
	bool full = false;

	r->n = cl->num.nrep;
	r->first = 1;
	r->last = 0;
	r->recover = 0;
	r->cwnd = cl->cwnd;
	claims_upto(cl, held->c.base, cl->num.reportable, claims);
	trk_walk_init(&w, &held->c.law, held->c.base, claims, cl->num.nrep + 1, false);
	for (;;) {
		const struct trk_law *law = &w.law;
		u64 issued;

		/* Until a request of this report issues something, whole runs go by at once. */
		w.single = false;
		if (w.next > cl->num.nrep) {
			if (r->n == cl->num.nrep)
				r->recover = law->first_loss ? law->recover : 0;
			w.split = law->first_loss ? law->recover + 2 - law->new_cwnd : 0;
			saved = w;
			if (!trk_walk_next(&w, &step))
				break;
			if (step.first <= step.last) {
				w = saved;
				w.single = true;
				if (!trk_walk_next(&w, &step))
					break;
			}
		} else if (!trk_walk_next(&w, &step)) {
			break;
		}
		if (step.a <= cl->num.nrep)
			continue;
		if (step.first <= step.last) {
			issued = step.last - (r->first <= r->last ? r->first : step.first) + 1;
			if (count && (count >= limit || issued > most))
				full = true;
			if (full && !trk_client_slot(cl, step.a)->joined)
				break;
			if (r->first > r->last)
				r->first = step.first;
			r->last = step.last;
			count++;
		} else if (full && !trk_client_slot(cl, step.a)->joined) {
			break;
		}
		r->n = step.b;
		r->cwnd = law->first_loss ? law->new_cwnd : trk_law_window(law, step.b);
	}
	claims_trim(claims, r->n);
}

/*
 * Numbers that a report with a new gap is to cover.  When the list gets full
 * what is left of it must last for a round trip, which is the rest of the loss
 * event.  But the path is empty when its second half begins, and must not run
 * idle for as long as one gathers; and it is full in the end, where what is
 * issued in one burst would overflow it.  So large ones stand in the middle.
 */
static u64 gather(const struct trk_client *cl, const struct reach *r,
		  const struct trk_claims *claims)
{
	u32 room = trk_claims_at(cl->slot) + 1 - claims->count;
	u64 begun = cl->num.nrep + r->cwnd, left = r->recover - cl->num.nrep;

	if (claims->count < TRK_CLAIMS_SOFT || r->recover <= cl->num.nrep)
		return 0;
	begun = begun > r->recover ? begun - r->recover : 0;
	return 4 + min_t(u64, begun / 2, max_t(u64, left / 3, div64_u64(2 * left, room + 1)));
}

/* Is the request to wait for more packets to report? */
static bool waits(const struct trk_client *cl, const struct plan *p, const struct reach *r,
		  const struct trk_claims *claims)
{
	u64 n = r->n - cl->num.nrep;
	bool gap = false;
	u32 i;

	if (cl->timer.force || r->n != cl->num.reportable || !cl->num.expected)
		return false;
	for (i = claims->count; i-- && claims->c[i].b > cl->num.nrep;)
		gap |= claims->c[i].kind == TRK_CLAIM_LOST;
	if (gap)
		return n < gather(cl, r, claims);
	/* As a delayed acknowledgment (paper §2.1, RFC 5681 §4.2): not while holes are filled. */
	return p->what == TRK_WHAT_OUTPUT && n < 2 && r->recover <= cl->num.nrep;
}

/*
 * Trickles that were parked for long have lost their clock: until none is left
 * they go on at twice the window's rate, not all at once (RFC 5681 §4.1).
 */
static bool paced(struct trk_client *cl, u64 now_us)
{
	if (!cl->num.expected && now_us - cl->timer.sent_us > cl->rto_us)
		cl->timer.resuming = true;
	if (cl->timer.pace_us <= now_us + TRK_PACE_MIN_US || cl->timer.force)
		return false;
	cl->timer.pace_deadline_us = cl->timer.pace_us;
	return true;
}

static void pace(struct trk_client *cl, u64 now_us, u32 granted)
{
	if (cl->timer.resuming)
		cl->timer.pace_us = max_t(u64, cl->timer.pace_us, now_us) +
			      div64_u64(cl->srtt_us * granted, 2 * max_t(u32, cl->cwnd, 1));
}

/**
 * trk_request_range - compose a request that continues trickles
 * @cl: the client, open
 * @now_us: monotonic time
 * @out: the request
 *
 * Return: false if none is to be sent now.
 */
bool trk_request_range(struct trk_client *cl, u64 now_us, struct trk_out_req *out)
{
	const struct trk_held_cont *held = trk_client_cont(cl);
	struct trk_req q = { .kind = TRK_KIND_RANGE };
	u32 limit = max_t(u32, 2, min_t(u32, TRK_TRAIN, cl->cwnd / 4));
	bool idle = now_us >= cl->timer.idle_deadline_us, renew, reseal;
	struct trk_slot s;
	struct trk_claims *claims = &cl->req.report;
	struct reach r;
	struct plan p, whole;
	u64 x, acc;
	u32 i, granted, done = 0;
	unsigned int range = 0;

	if (cl->num.reportable <= cl->num.nrep) {
		cl->timer.resuming = false;
		cl->timer.pace_us = 0;
		cl->timer.pace_deadline_us = U64_MAX;
		return false;
	}
	/* One more than an answer may have, to know whether there would be more. */
	reseal = plan_reseal(cl, &p, now_us);
	cl->timer.reseal_deadline_us = now_us < cl->held.reseal_us ? cl->held.reseal_us : U64_MAX;
	if (!reseal && !plan_next(cl, &p, TRK_MAX_ANSWER + 1)) {
		/* Nothing to ask: the trickles are parked, but for a sign of life. */
		if (!idle)
			return false;
		memset(&p, 0, sizeof(p));
		p.room = 1;
	}
	if (paced(cl, now_us))
		return false;
	/* Input of several packets goes out one request a trickle. */
	if (p.what == TRK_WHAT_INPUT && p.more && p.in_end - p.in_off > cl->slot / 2)
		limit = 1;
	choose_reach(cl, &p, limit, &r, claims);
	if (r.first > r.last)
		return false;
	if (waits(cl, &p, &r, claims)) {
		if (cl->timer.delack_deadline_us == U64_MAX)
			cl->timer.delack_deadline_us = now_us + TRK_DELACK_US;
		return false;
	}
	granted = (u32)(r.last - r.first + 1);
	cl->cwnd = r.cwnd;
	/* Two windows must fit the ring: what is expected, and what is not reported. */
	while (cl->ring_want < 4 * (u64)r.cwnd + 4 * TRK_TRAIN && cl->ring_want < TRK_RING_MAX)
		cl->ring_want *= 2;
	/* Numbers go on where they ended: a law by which they do not is not the server's. */
	if (r.last - r.n >= cl->num.ring_size || r.first != cl->num.hi + 1)
		return false;
	/* Of a window, all may grow it or none: what alternates would make a claim each. */
	if (2 * (u64)r.cwnd + TRK_TRAIN >= cl->num.ring_size)
		cl->num.limited = 0;
	else if (p.what == TRK_WHAT_INPUT || p.room > granted)
		cl->num.limited = r.last;
	if (r.n <= cl->num.limited)
		q.flags |= TRK_REQ_GROW;
	renew = renewal_due(cl, claims);
	if (p.what == TRK_WHAT_OUTPUT) {
		plan_output(cl, &p, min_t(u32, granted, TRK_MAX_ANSWER), true, renew);
		note_asked_before(cl, &p);
	}
	if (renew) {
		q.flags |= TRK_REQ_RENEW;
		cl->held.renewal = r.first;
		cl->held.renewal_claims = claims->count;
	}
	if (reseal) {
		cl->held.reseals = min_t(u8, cl->held.reseals + 1, 8);
		cl->held.reseal_us = now_us + (cl->rto_us << (cl->held.reseals - 1));
	}
	cl->held.cont_used = true;

	acc = cl->num.acc;
	for (x = cl->num.nrep + 1; x <= r.n; x++)
		if (trk_client_slot(cl, x)->state == TRK_SLOT_RECEIVED)
			acc ^= trk_client_slot(cl, x)->nonce;
	memset(&s, 0, sizeof(s));
	s.token = new_token(cl);
	s.sent_us = now_us;
	s.first = r.first;
	s.count = granted;
	s.req_n = r.n;
	s.acc = acc;
	s.serial = cl->held.serial;
	s.state = TRK_SLOT_EXPECTED;
	q.token = s.token;
	q.ackrel = cl->req.ackrel;
	q.m = (u32)(cl->num.nrep + 1);
	q.proof = acc ^ held->acc;
	q.cont.p = held->blob;
	fill_claims(&q, claims);
	whole = p;
	if (p.what == TRK_WHAT_OUTPUT && !renew && repeats(cl, &p, held->c.base)) {
		q.m = (u32)cl->req.last.m;
		plan_repeat(cl, &whole, s.token);
		cl->stat.repeated++;
	}
	fill_plan(cl, &q, &whole, &s, out);
	cl->req.last.count = 0;
	if (p.what == TRK_WHAT_OUTPUT && !renew && p.pieces == granted) {
		cl->req.last = (struct trk_repeat){ .m = cl->num.nrep + 1, .n = r.n,
						    .first = r.first, .count = granted,
						    .nask = p.nask };
		memcpy(cl->req.last.ask, p.ask, sizeof(p.ask));
	}
	for (i = 0; i < granted; i++) {
		struct trk_slot *to = trk_client_slot(cl, r.first + i);

		*to = s;
		if (p.what != TRK_WHAT_OUTPUT)
			continue;
		to->what = TRK_WHAT_NOTHING;
		if (range == p.nask)
			continue;
		to->what = TRK_WHAT_OUTPUT;
		to->off = p.ask[range].off + done;
		to->len = min_t(u32, i ? piece_len(cl) : p.first, p.ask[range].len - done);
		if (to->off < cl->rx.ask_nxt)
			cl->stat.out_retrans += to->len;
		done += to->len;
		if (to->off + to->len == cl->rx.next_lost)
			cl->rx.next_lost = 0;
		trk_ranges_sub(&cl->rx.holes, to->off, to->off + to->len);
		cl->rx.ask_nxt = max_t(u64, cl->rx.ask_nxt, to->off + to->len);
		if (done == p.ask[range].len) {
			range++;
			done = 0;
		}
	}
	pace(cl, now_us, granted);
	cl->num.expected += granted;
	if (p.what == TRK_WHAT_INPUT)
		cl->tx.expected += granted;
	cl->num.hi = max_t(u64, cl->num.hi, r.last);
	cl->num.nrep = r.n;
	cl->num.acc = acc;
	cl->req.last_chance = false;
	cl->rx.input_turn = p.what != TRK_WHAT_INPUT;
	sent(cl, now_us, out);
	return true;
}

/**
 * trk_client_close_req - tell the server that the client is gone
 * @cl: the client, open
 * @out: the request; nothing answers it and nothing depends on its arrival
 */
void trk_client_close_req(struct trk_client *cl, struct trk_out_req *out)
{
	struct trk_req q = { .kind = TRK_KIND_CLOSE };

	q.token = new_token(cl);
	q.ackrel = cl->req.ackrel;
	q.cont.p = trk_client_cont(cl)->blob;
	q.m = (u32)cl->num.nrep;
	q.n = (u32)cl->num.nrep;
	out->hdr_len = trk_req_write(out->hdr, &q);
	out->in_off = 0;
	out->in_len = 0;
	out->seq = cl->req.seq;
	out->ackrel = cl->req.ackrel;
	out->syn = false;
	cl->req.seq += out->hdr_len;
}
