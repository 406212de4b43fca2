// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * What the next request asks for: output, input, or a new seal (paper §4.2).  Rules:
 * protocol.rst, "The client", "Input".
 */
#include "plan.h"
#include "held.h"

/* A continuation that ends above this says nothing of where the output ends. */
#define ENDLESS		(1ULL << 60)

/* The end of what may be asked for under continuation @h. */
static u64 output_end(const struct trk_client *cl, const struct trk_held_ucont *h)
{
	return min_t(u64, min_t(u64, h->u.end, cl->fin_off), cl->rcv_limit);
}

/* Would it be silly to ask for so few bytes, as it is for TCP to send them (RFC 1122 §4.2.3.4)? */
static bool too_small(const struct trk_client *cl, u64 len)
{
	return len < trk_plan_piece(cl) && 2 * len < cl->rx.window_max;
}

/**
 * trk_plan_silly - is the receive window too small to ask for anything?
 * @cl: the client
 */
bool trk_plan_silly(const struct trk_client *cl)
{
	return cl->rcv_limit <= cl->rcv_nxt || too_small(cl, cl->rcv_limit - cl->rcv_nxt);
}

/* Is the last piece of a range full, so that the range can be made longer? */
static bool whole_pieces(const struct trk_client *cl, const struct trk_plan *p,
			 const struct trk_bytes *range)
{
	u32 first = range == p->ask ? p->first : trk_plan_piece(cl);

	return range->len >= first && (range->len - first) % trk_plan_piece(cl) == 0;
}

/*
 * Takes pieces of [@a, @b) into the plan, up to @max in all.  All are under one continuation, since
 * a request carries only one.  Returns how far it came.
 */
static u64 plan_take(const struct trk_client *cl, struct trk_plan *p, u64 a, u64 b, u32 max)
{
	u32 piece = trk_plan_piece(cl);

	while (a < b && p->pieces < max) {
		struct trk_bytes *last = p->nask ? &p->ask[p->nask - 1] : NULL;
		const struct trk_held_ucont *h = trk_held_output_at(cl, a);
		u32 n, first = p->pieces ? piece : p->first;
		u64 end;

		if (!h || (p->cont && h != p->cont))
			return a;
		end = min_t(u64, b, output_end(cl, h));
		if (a >= end)
			return a;
		if (end == cl->rcv_limit && end < h->u.end) {
			if (too_small(cl, end - a))
				return a;
			if (end - a > first)
				end -= (end - a - first) % piece;
		}
		/* One request cannot ask for more than this anyway. */
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

/* Where the first hole begins, if no continuation for it is held; 0 if there is no such hole. */
static u64 bare_hole(const struct trk_client *cl)
{
	u64 a;

	if (!cl->rx.holes.n)
		return 0;
	a = max_t(u64, cl->rx.holes.r[0].a, cl->rcv_nxt);
	return trk_held_output_at(cl, a) ? 0 : a;
}

/**
 * trk_plan_note - a request is made of the plan
 * @cl: the client
 * @p: the plan
 *
 * If it asks for the byte before a hole, that is noted, since trk_plan_output() does so only once.
 */
void trk_plan_note(struct trk_client *cl, const struct trk_plan *p)
{
	if (p->nask == 1 && p->ask[0].len == 1 && p->ask[0].off + 1 == bare_hole(cl))
		cl->rx.asked_before = bare_hole(cl);
}

/**
 * trk_plan_output - output to ask for
 * @cl: the client
 * @p: the plan
 * @max: pieces, at most
 * @fresh: also what was never asked for
 * @first: bytes of the first piece, at most
 *
 * What was lost first, then what is new.
 */
void trk_plan_output(const struct trk_client *cl, struct trk_plan *p, u32 max, bool fresh,
		     u32 first)
{
	const struct trk_ranges *holes = &cl->rx.holes;
	unsigned int i;

	memset(p, 0, sizeof(*p));
	p->first = first;
	p->what = TRK_WHAT_OUTPUT;
	/* With many holes the last range is for new output, or numbers would have no data. */
	for (i = 0; i < holes->n && p->pieces < max && p->nask < TRK_MAX_ASK - fresh; i++)
		plan_take(cl, p, max_t(u64, holes->r[i].a, cl->rcv_nxt), holes->r[i].b, max);
	/*
	 * The continuation from rx.next_lost on may be lost.  The byte before it is asked for
	 * again, even if it is there, since the answer brings the continuation as well
	 * (protocol.rst, "The client").
	 */
	if (!p->pieces && cl->rx.next_lost && cl->rx.next_lost <= cl->rx.ask_nxt &&
	    !trk_held_output_at(cl, cl->rx.next_lost) &&
	    trk_held_output_room(cl, cl->rx.next_lost, U64_MAX))
		plan_take(cl, p, cl->rx.next_lost - 1, cl->rx.next_lost, max);
	if (fresh && p->pieces < max)
		plan_take(cl, p, cl->rx.ask_nxt, cl->fin_off, max);
	/* The byte before a hole without a continuation is asked for as well, but only once. */
	if (fresh && !p->pieces && !cl->num.expected && bare_hole(cl) != cl->rx.asked_before)
		plan_take(cl, p, bare_hole(cl) - 1, bare_hole(cl), max);
	p->room = p->pieces;
}

/* The end of the output that is known so far.  Answers to input come behind it. */
static u64 output_known(const struct trk_client *cl)
{
	u64 end = max_t(u64, max_t(u64, cl->rx.ask_nxt, cl->rx.top), cl->rcv_nxt);
	unsigned int i;

	for (i = 0; i < TRK_OUTPUTS; i++)
		if (cl->held.outputs[i].len && cl->held.outputs[i].u.end < ENDLESS)
			end = max_t(u64, end, cl->held.outputs[i].u.end);
	return end;
}

/* Is there parallel input to be sent again?  Beyond the input continuation none can be sent. */
static bool input_lost(const struct trk_client *cl)
{
	return cl->tx.lost.n && cl->tx.lost.r[0].a < cl->held.input.u.end;
}

/**
 * trk_plan_input - input to send (paper §4.2)
 * @cl: the client
 * @p: the plan
 *
 * Return: false if there is none, or none may go now.
 */
bool trk_plan_input(const struct trk_client *cl, struct trk_plan *p)
{
	bool fin = cl->snd_fin && !cl->tx.fin_sent && !cl->tx.fin_acked;
	bool again = trk_client_parallel(cl) ? input_lost(cl) : cl->tx.again && !cl->tx.noplace;
	u64 used = output_known(cl) + (u64)cl->tx.expected * trk_plan_piece(cl);
	u64 room = cl->rcv_limit > used ? cl->rcv_limit - used : 0;
	unsigned int places = trk_held_output_places(cl);

	memset(p, 0, sizeof(*p));
	p->what = TRK_WHAT_INPUT;
	/* The answer needs a place for an output continuation. */
	if (!again && (places <= TRK_OUTPUTS_KEPT ||
		       (cl->rx.each_brings && places <= TRK_OUTPUTS_KEPT + cl->tx.expected)))
		return false;
	/* The answer needs receive room, unless the output has ended or the input is sent again. */
	if (room >= trk_plan_piece(cl))
		p->room = (u32)min_t(u64, room / trk_plan_piece(cl), TRK_MAX_ANSWER);
	else if (cl->rcv_limit >= cl->fin_off)
		p->room = TRK_MAX_ANSWER;
	else if (again || !too_small(cl, room))
		p->room = 1;
	else
		return false;
	if (trk_client_parallel(cl)) {
		const struct trk_ranges *set = again ? &cl->tx.lost : &cl->tx.placeless;
		u64 end = min_t(u64, cl->snd_end, cl->held.input.u.end);

		p->more = true;
		if (set->n) {
			p->in_off = set->r[0].a;
			p->in_end = min_t(u64, set->r[0].b, end);
			if (p->in_off < p->in_end)
				return true;
		}
		/* Answers were refused for want of receive room; the next one would be as well. */
		if (cl->tx.held.n && cl->num.expected)
			return false;
		p->in_off = max_t(u64, cl->tx.nxt, cl->held.input.u.start);
		p->in_end = max_t(u64, p->in_off, end);
		return p->in_off < p->in_end || (fin && p->in_off == cl->snd_end);
	}
	if ((cl->tx.left && !cl->tx.again) || cl->rcv_limit < cl->tx.after)
		return false;
	p->in_off = cl->snd_una;
	p->in_end = cl->snd_end;
	if (cl->held.input.len)
		p->in_end = max_t(u64, p->in_off, min_t(u64, p->in_end, cl->held.input.u.end));
	if (cl->tx.again)
		return true;
	if (cl->tx.unfit)
		return false;
	if (fin)
		return true;
	return p->in_off < p->in_end && cl->snd_end > cl->tx.stall;
}

/**
 * trk_plan_reseal - a user continuation to be sealed anew
 * @cl: the client
 * @p: the plan
 * @now_us: monotonic time
 *
 * A user continuation whose key is not that of the transport continuation is shown to the server,
 * which seals it anew (protocol.rst, "Keys that change").  That also happens to those that
 * requests for bytes carry, but these do not carry all, and not if the answer brings another one.
 *
 * Return: false if there is none.
 */
bool trk_plan_reseal(const struct trk_client *cl, struct trk_plan *p, u64 now_us)
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

		if (!trk_held_output_free(cl, h) && h->u.key_id != key_id) {
			p->cont = h;
			return true;
		}
	}
	/*
	 * If nothing has to be sealed anew, a request that asks for nothing carries the new
	 * transport continuation: it is good for a timeout only after such a request was answered.
	 */
	return !cl->num.expected && cl->held.confirmed.c.key_id != key_id;
}

/**
 * trk_plan_wants - is there anything to ask for or to send right now?
 * @cl: the client, open
 */
bool trk_plan_wants(const struct trk_client *cl)
{
	struct trk_plan p;

	if (trk_plan_input(cl, &p))
		return true;
	trk_plan_output(cl, &p, 1, true, trk_plan_piece(cl));
	return p.pieces;
}

/**
 * trk_plan_next - what to ask for, or to send
 * @cl: the client
 * @p: the plan
 * @max: pieces of output, at most
 *
 * Lost output first, then input and new output by turns.
 *
 * Return: false if there is nothing.
 */
bool trk_plan_next(const struct trk_client *cl, struct trk_plan *p, u32 max)
{
	trk_plan_output(cl, p, max, false, trk_plan_piece(cl));
	if (!p->pieces && cl->rx.input_turn && trk_plan_input(cl, p))
		return true;
	trk_plan_output(cl, p, max, true, trk_plan_piece(cl));
	return p->pieces || trk_plan_input(cl, p);
}
