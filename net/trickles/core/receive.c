// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * What the client does with a response (paper §4).  Rules: protocol.rst, "The client".
 */
#include "receive.h"
#include "held.h"
#include "narrow.h"
#include "numbers.h"
#include "reason.h"
#include "timer.h"
#include "wanted.h"

static void domain_begin(struct trk_client *cl, const u8 *blob, const struct trk_cont *c)
{
	const struct trk_entry *p = &cl->req.pending;
	struct trk_held_cont *held;
	u64 x;
	u32 i;

	cl->held.serial++;
	held = trk_client_cont(cl);
	memcpy(held->blob, blob, TRK_CONT_LEN);
	held->c = *c;
	held->acc = 0;
	cl->held.confirmed = *held;
	cl->held.cont_used = true;
	cl->held.confirmed_serial = cl->held.serial;
	cl->held.confirmed_n = c->base;
	cl->held.confirmed_proof = 0;
	cl->req.last.count = 0;
	cl->held.renewal = 0;
	cl->held.renewal_claims = 0;
	cl->held.key_met[0] = c->domain_key;
	cl->held.nkeys = 1;
	cl->held.keys_away = 0;
	cl->held.reseals = 0;
	cl->held.reseal_us = 0;
	cl->rx.asked_before = 0;
	cl->num.nclaims = 0;
	cl->num.nrep = c->base;
	cl->num.edge = c->base + 1;
	cl->num.reportable = c->base;
	cl->num.top = c->base;
	cl->num.acc = 0;
	cl->num.above = 0;
	cl->num.expected = 0;
	for (i = 0; i < p->count; i++) {
		x = p->first + i;
		*trk_client_entry(cl, x) = *p;
		trk_client_entry(cl, x)->serial = cl->held.serial;
		trk_client_entry(cl, x)->state = TRK_ENTRY_EXPECTED;
		cl->num.expected++;
	}
	cl->num.hi = c->base + p->count;
	cl->tx.expected = p->what == TRK_WHAT_INPUT ? p->count : 0;
	if (p->what == TRK_WHAT_INPUT && p->token == cl->tx.token)
		cl->tx.left = p->count;
	trk_numbers_resize(cl, c->base, c->seg_size);
	cl->state = TRK_CL_OPEN;
	cl->req.waiting = false;
	cl->req.knocking = false;
	cl->req.attempt = 0;
}

/* Is this an answer to the FIRST or TIMEOUT request that is out?  If so, its domain begins. */
static int enter_domain(struct trk_client *cl, const struct trk_resp *r)
{
	const struct trk_entry *p = &cl->req.pending;
	u64 x = trk_num_near(p->first, r->num);
	struct trk_cont c;

	if (x < p->first || x + r->span > p->first + p->count)
		return TRK_DROP_NUMBER;
	if (r->token != p->token)
		return TRK_DROP_TOKEN;
	if (!r->cont.p)
		return TRK_DROP_NUMBER;
	trk_seal_cont_read(r->cont.p, &c);
	if (trk_seal_cont_check(&c) || c.base + 1 != p->first || c.law.tcp_base != c.base ||
	    c.law.first_loss || c.seg_size > cl->want_seg_size)
		return TRK_DROP_NUMBER;
	domain_begin(cl, r->cont.p, &c);
	return TRK_OK;
}

/**
 * trk_receive_opened - a SYN-ACK answers our SYN
 * @cl: the client
 * @ackrel: its acknowledgment number, relative to the client's ISN + 1
 *
 * If it does, req.ackrel stands from now on for the sequence number behind that of the SYN-ACK:
 * nothing that was known of a server's ISN before is used (protocol.rst, "Another address").
 *
 * Call trk_client_pump() afterwards.
 *
 * Context: any.
 * Return: true if it answers the last SYN.
 */
bool trk_receive_opened(struct trk_client *cl, u32 ackrel)
{
	if (!cl->req.knocking || ackrel != cl->req.seq)
		return false;
	cl->req.knocking = false;
	cl->req.opened = true;
	if (cl->state == TRK_CL_FIRST) {
		cl->req.first_seq = cl->req.seq;
		cl->req.first_sent = false;
	} else {
		cl->req.timeout_due = true;
	}
	return true;
}

static bool covers(const struct trk_ucont *u, u64 off)
{
	return u->start <= off && off < u->end;
}

/*
 * The first packet of an answer to input that arrives settles the request.  It tells what the other
 * packets bring, as far as the output continuation goes, so that lost bytes can be asked for.
 */
static void learn_geometry(struct trk_client *cl, const struct trk_entry *of,
			   const struct trk_resp *r, u64 off)
{
	u64 start = off - (u64)r->geo_index * r->geo_piece, end = 0, limit = 0;
	struct trk_entry answer = *of;
	unsigned int i;

	for (i = 0; i < TRK_OUTPUTS && r->data_len; i++) {
		const struct trk_held_ucont *h = &cl->held.outputs[i];

		if (h->len && covers(&h->u, off))
			limit = h->u.end;
	}
	for (i = 0; i < answer.count; i++) {
		struct trk_entry *s = trk_client_entry(cl, answer.first + i);
		u64 at = start + (u64)i * r->geo_piece;

		if (s->token != answer.token || s->what != TRK_WHAT_INPUT)
			continue;
		if (s->state == TRK_ENTRY_EXPECTED)
			cl->tx.expected--;
		s->what = TRK_WHAT_REST;
		if (at >= limit)
			continue;
		s->what = TRK_WHAT_OUTPUT;
		s->off = at;
		s->len = r->geo_piece;
		end = min_t(u64, at + s->len, limit);
		/* What arrived before was refused, and the rest is lost: the bytes are missing. */
		if (s->state != TRK_ENTRY_EXPECTED)
			trk_ranges_add(&cl->rx.holes, at, end);
	}
	if (end <= cl->rx.ask_nxt)
		return;
	/* Bytes before the answer that were never asked for are holes from now on. */
	if (start > cl->rx.ask_nxt)
		trk_ranges_add(&cl->rx.holes, cl->rx.ask_nxt, start);
	cl->rx.ask_nxt = end;
}

static void input_answered(struct trk_client *cl, struct trk_entry *s, const struct trk_resp *r,
			   u64 off, u64 now_us)
{
	bool before = trk_client_parallel(cl), parallel;
	bool sequential = s->token == cl->tx.token;
	u64 in_end = s->off + s->len;

	trk_narrow_answered(cl);
	if (r->input.p)
		trk_held_store_input(cl, r);
	parallel = trk_client_parallel(cl);
	if (r->has_consumed)
		trk_wanted_consumed(cl, r->consumed_from, r->consumed_to);
	if (s->fin)
		cl->tx.fin_acked = true;
	/* The server has what it waited for. */
	if (r->has_consumed && r->consumed_to > s->off) {
		cl->tx.stall = 0;
		cl->tx.unfit = false;
		cl->tx.unfits = 0;
	}
	if (sequential || parallel != before) {
		cl->tx.token = 0;
		cl->tx.left = 0;
		cl->tx.again = false;
		cl->tx.noplace = false;
		cl->tx.placeless.n = 0;
		/* What was not consumed goes again: parallel in any order, else with more input. */
		if (parallel)
			trk_wanted_input(cl, cl->held.input.u.start,
					 min_t(u64, cl->tx.nxt, cl->held.input.u.end));
		else if (sequential && (!r->has_consumed || r->consumed_to <= s->off)) {
			cl->tx.stall = in_end;
			if (s->size >= cl->seg_size)
				trk_timer_unfit(cl, now_us, trk_narrow_unconsumed(cl, now_us));
		}
	} else if (parallel) {
		u64 from = r->has_consumed ? r->consumed_from : in_end;
		u64 to = r->has_consumed ? r->consumed_to : in_end;

		cl->rx.each_brings = r->output.p;
		trk_wanted_input(cl, s->off, min_t(u64, from, in_end));
		trk_wanted_input(cl, max_t(u64, to, s->off), in_end);
	}
	learn_geometry(cl, s, r, off);
}

/*
 * A packet of an answer to input says nothing of the input.  Another packet of the answer may; if
 * there is none, the input goes again.  The packet stands for the @span numbers from @x on.
 */
static void input_unanswered(struct trk_client *cl, const struct trk_entry *s, u64 x, u32 span)
{
	u32 i;

	if (s->state != TRK_ENTRY_EXPECTED)
		return;
	if (s->count == 1 && s->fin && !cl->tx.fin_acked)
		cl->tx.fin_sent = false;
	if (s->token != cl->tx.token) {
		if (s->count == 1)
			trk_wanted_input(cl, s->off, s->off + s->len);
		return;
	}
	for (i = 0; i < span; i++)
		if (trk_client_entry(cl, x + i)->state == TRK_ENTRY_EXPECTED && cl->tx.left &&
		    !--cl->tx.left)
			cl->tx.again = true;
}

/*
 * The data of an answer, which ends at @end, finds no receive room, or its output continuation
 * finds no place.  The input is sent again later, as if it had not been executed (paper §4.2), but
 * the number counts as received, since nothing was lost on the way.
 */
static void input_refused(struct trk_client *cl, const struct trk_entry *s, u64 end, bool noplace)
{
	if (s->fin && !cl->tx.fin_acked)
		cl->tx.fin_sent = false;
	if (s->token == cl->tx.token) {
		cl->tx.left = 0;
		cl->tx.again = true;
		if (!noplace)
			cl->tx.after = end;
	} else if (!trk_client_parallel(cl)) {
		return;
	} else if (noplace) {
		trk_wanted_add(cl, &cl->tx.placeless, s->off, s->off + s->len);
	} else {
		cl->tx.after = cl->tx.held.n ? min_t(u64, cl->tx.after, end) : end;
		trk_ranges_add(&cl->tx.held, s->off, s->off + s->len);
	}
	cl->tx.noplace |= noplace;
}

/* A packet that is being judged. */
struct arrival {
	const struct trk_resp *r;
	struct trk_entry *s;		/* what its first number is to bring */
	u64 x;				/* that number */
	u64 off;			/* stream offset of the data */
	struct trk_ucont output;	/* its output continuation, if it has one */
	bool late;			/* a number of it was declared lost */
	bool fits;			/* the data has room in the receive window */
	bool noplace;			/* the output continuation has no place */
	bool refused;			/* it is dropped, or its input goes again */
};

/*
 * Judges the packet's output continuation.  If it cannot be held it would be gone for good, so the
 * packet is refused.
 */
static int accept_output(struct trk_client *cl, struct arrival *a)
{
	const struct trk_held_ucont *place;
	const struct trk_ucont *u = &a->output;
	int err = trk_wire_ucont_parse(&a->output, a->r->output);

	if (err)
		return err;
	if (!trk_ucont_fits(u->len, trk_client_seg_size(cl)))
		return TRK_DROP_OVERSIZED;
	place = trk_held_output_place(cl, u);
	a->noplace = !place && u->end > cl->rcv_nxt;
	/* One that comes with asked bytes does not: it can be asked for again with one of them. */
	a->refused = a->noplace && a->s->what != TRK_WHAT_OUTPUT;
	/*
	 * Input was executed again, cut otherwise: what this packet says was consumed may
	 * reach beyond the continuation that stays (protocol.rst, "Input").
	 */
	if (place && place->len && place->u.end > cl->rcv_nxt && place->u.start == u->start &&
	    place->u.end != u->end)
		return TRK_DROP_WINDOW;
	return TRK_OK;
}

/* Is the packet what was expected?  Nothing of the client changes here. */
static int accept(struct trk_client *cl, u32 seqrel, struct arrival *a)
{
	const struct trk_resp *r = a->r;
	struct trk_cont c;
	int err;

	a->x = trk_num_near(cl->num.hi, r->num);
	err = trk_numbers_check(cl, r, a->x, &a->late);
	if (err)
		return err;
	if (seqrel != trk_numbers_place(cl, a->x))
		return TRK_DROP_PLACE;
	a->s = trk_client_entry(cl, a->x);
	if (r->cont.p && !a->late) {
		/* A request that was answered twice may have begun two domains; one counts. */
		trk_seal_cont_read(r->cont.p, &c);
		if (c.domain != trk_client_cont(cl)->c.domain)
			return TRK_DROP_NUMBER;
	}
	a->off = trk_num_near(a->s->what == TRK_WHAT_OUTPUT ? a->s->off : cl->rcv_nxt, r->off);
	if (a->s->what == TRK_WHAT_OUTPUT && r->data_len &&
	    (a->off != a->s->off || r->data_len > a->s->len))
		return TRK_DROP_OFFSET;
	/* There must be no data if none was asked for, nor any before the stream begins. */
	if (r->data_len && (a->s->what == TRK_WHAT_NOTHING || a->off + r->data_len < a->off))
		return TRK_DROP_OFFSET;
	/* Data that does not fit is refused, unless a continuation came to ask for it by. */
	a->fits = !r->data_len || a->off + r->data_len <= cl->rcv_limit;
	a->refused = !a->fits && !r->output.p;
	if (r->output.p) {
		err = accept_output(cl, a);
		if (err)
			return err;
	}
	return a->refused && a->s->what != TRK_WHAT_INPUT ? TRK_DROP_WINDOW : TRK_OK;
}

/*
 * What the packet says of the size of packets that the path carries.  One that answers a small
 * attempt, and is larger, may have come in fragments.
 */
static void judge_size(struct trk_client *cl, const struct arrival *a, bool was_small)
{
	const struct trk_resp *r = a->r;
	u32 up = a->s->size, down = r->hdr_len + r->data_len, whole = down;

	if (was_small) {
		if (r->output.p)
			whole = r->hdr_len + (u32)min_t(u64, a->output.end - a->off,
							TRK_MAX_SEG_SIZE);
		if (a->s->what == TRK_WHAT_INPUT)
			trk_narrow_would_be(cl, whole - TRK_CONT_LEN);
		up = min_t(u32, up, TRK_MIN_SEG_SIZE);
		down = min_t(u32, down, TRK_MIN_SEG_SIZE);
	}
	if (a->s->what == TRK_WHAT_OUTPUT && r->data_len < a->s->len)
		trk_narrow_less(cl, TRK_RESP_FIXED + a->s->len);
	trk_narrow_received(cl, up, down);
}

/* Takes what the packet brings for the two streams; the data itself is stored by the caller. */
static void store(struct trk_client *cl, const struct arrival *a, u64 now_us,
		  struct trk_delivery *in)
{
	const struct trk_resp *r = a->r;

	in->off = a->off;
	in->len = a->fits && !a->refused ? r->data_len : 0;
	if (r->output.p && !a->noplace) {
		trk_held_store_output(cl, r, &a->output);
	} else if (a->noplace && !a->refused) {
		cl->rx.next_lost = max_t(u64, cl->rx.next_lost, a->output.start);
		/* It was asked for before there was a place for it, and may be once more. */
		if (a->output.start == cl->rx.asked_before)
			cl->rx.asked_before = 0;
	}
	if (r->flags & TRK_RESP_FIN && !a->refused)
		cl->fin_off = min_t(u64, cl->fin_off, a->off + r->data_len);
	if (a->refused) {
		input_refused(cl, a->s, a->off + r->data_len, a->noplace);
	} else if (a->s->what == TRK_WHAT_INPUT) {
		if (r->has_geometry)
			input_answered(cl, a->s, r, a->off, now_us);
		else
			input_unanswered(cl, a->s, a->x, r->span);
	} else if (r->input.p) {
		trk_held_reseal_input(cl, r);
	}
	trk_wanted_arrived(cl, a->s, a->off, in->len);
}

/* Takes what the packet says of numbers: round trip, claims, a new transport continuation. */
static void account(struct trk_client *cl, const struct arrival *a, u64 now_us)
{
	const struct trk_resp *r = a->r;

	if (a->late || cl->req.waiting) {
		cl->stat.late++;
		trk_numbers_late(cl, a->x);
		return;
	}
	/* An answer to a repetition says nothing of the time since the first request. */
	if (a->s->token == r->token)
		trk_timer_rtt(cl, now_us - a->s->sent_us);
	cl->timer.backoff = 0;
	cl->timer.probed = false;
	cl->req.attempt = 0;
	if (r->addr.p) {
		memcpy(cl->req.addr, r->addr.p, r->addr.len);
		cl->req.addr_len = r->addr.len;
	}
	trk_numbers_received(cl, r, a->x);
	trk_held_confirm(cl, a->s);
	if (r->cont.p)
		trk_held_renew(cl, a->s, r->cont.p);
	trk_numbers_declare(cl, false);
	trk_timer_arm(cl, now_us);
}

/**
 * trk_receive_response - a response arrived
 * @cl: the client
 * @r: the response, parsed
 * @seqrel: its TCP sequence number, relative to the server's ISN + 1
 * @now_us: monotonic time
 * @in: says where its data belongs
 *
 * A client cannot check nonces; it takes only an expected number, at the sequence number that
 * belongs to it, with the token of the request that issued it (protocol.rst, "The client").
 *
 * Call trk_client_pump() afterwards (once for several packets).
 *
 * Context: any.
 * Return: 0 or the reason to drop the packet.
 */
int trk_receive_response(struct trk_client *cl, const struct trk_resp *r, u32 seqrel, u64 now_us,
			 struct trk_delivery *in)
{
	struct arrival a;
	bool pending = cl->req.waiting || cl->req.first_sent, was_small = false;
	u32 end;
	int err;

	in->len = 0;
	a.r = r;
	a.noplace = false;
	/* An answer to the pending request begins a domain; others are late and bring only data. */
	if ((cl->state == TRK_CL_FIRST || (cl->state == TRK_CL_OPEN && cl->req.waiting)) &&
	    pending && r->token == cl->req.pending.token) {
		u64 num = trk_num_near(cl->req.pending.first, r->num);

		if (cl->state == TRK_CL_OPEN && seqrel != trk_numbers_place(cl, num))
			return TRK_DROP_PLACE;
		was_small = cl->req.attempt >= TRK_SMALL_ATTEMPT;
		err = enter_domain(cl, r);
		if (err)
			return err;
	}
	if (cl->state != TRK_CL_OPEN)
		return TRK_DROP_NUMBER;
	err = accept(cl, seqrel, &a);
	if (err)
		return err;
	if (r->flags & TRK_RESP_ABORT) {
		trk_timer_die(cl, ECONNRESET);
		return TRK_OK;
	}
	cl->stat.responses++;
	judge_size(cl, &a, was_small);
	store(cl, &a, now_us, in);
	end = seqrel + r->hdr_len + r->data_len;
	if ((s32)(end - cl->req.ackrel) > 0)
		cl->req.ackrel = end;
	account(cl, &a, now_us);
	return TRK_OK;
}
