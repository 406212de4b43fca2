// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Which bytes of both streams are still wanted: what did not come is asked for or sent again.
 * Rules: protocol.rst, "Input", "The client".
 */
#include "wanted.h"
#include "held.h"

/**
 * trk_wanted_output - output that was asked for did not come
 * @cl: the client
 * @a: first byte
 * @b: first byte behind it
 *
 * Bytes above rx.ask_nxt are not noted, since they are asked for in their turn.
 */
void trk_wanted_output(struct trk_client *cl, u64 a, u64 b)
{
	trk_ranges_add(&cl->rx.holes, max_t(u64, a, cl->rcv_nxt),
		       min_t(u64, b, min_t(u64, cl->fin_off, cl->rx.ask_nxt)));
}

/**
 * trk_wanted_add - input is to be sent again
 * @cl: the client
 * @set: tx.lost, or what waits for something
 * @a: first byte
 * @b: first byte behind it
 *
 * Adds the bytes of [@a, @b) that the server has not consumed.
 */
void trk_wanted_add(struct trk_client *cl, struct trk_ranges *set, u64 a, u64 b)
{
	unsigned int i;

	trk_ranges_add(set, max_t(u64, a, cl->snd_una), b);
	for (i = 0; i < cl->tx.acked.n; i++)
		trk_ranges_sub(set, cl->tx.acked.r[i].a, cl->tx.acked.r[i].b);
}

/**
 * trk_wanted_input - input is to be sent again as soon as it may be
 * @cl: the client
 * @a: first byte
 * @b: first byte behind it
 */
void trk_wanted_input(struct trk_client *cl, u64 a, u64 b)
{
	trk_wanted_add(cl, &cl->tx.lost, a, b);
}

/**
 * trk_wanted_all - input that waited for something is to be sent again
 * @cl: the client
 * @held: a set of input; empty afterwards
 */
void trk_wanted_all(struct trk_client *cl, struct trk_ranges *held)
{
	unsigned int i;

	for (i = 0; i < held->n; i++)
		trk_wanted_input(cl, held->r[i].a, held->r[i].b);
	held->n = 0;
}

/**
 * trk_wanted_next - the first packet of an answer to asked bytes is lost
 * @cl: the client
 * @off: first of these bytes
 *
 * That packet may have brought the output continuation that follows.  If its bytes have arrived
 * meanwhile, they are not asked for again, and no other packet brings it.  Only the last
 * continuation that is lost like this is noted: those before it show as holes without one.
 */
void trk_wanted_next(struct trk_client *cl, u64 off)
{
	const struct trk_held_ucont *h = trk_held_output_at(cl, off);

	if (h && !(h->u.flags & TRK_UCONT_FINAL) && h->u.end < cl->fin_off &&
	    !trk_held_output_at(cl, h->u.end))
		cl->rx.next_lost = max_t(u64, cl->rx.next_lost, h->u.end);
}

/**
 * trk_wanted_arrived - output arrived
 * @cl: the client
 * @s: what the number was to bring
 * @off: stream offset of the data
 * @len: its length; 0: none
 *
 * What is missing of the piece that was asked for is to be asked for again.
 */
void trk_wanted_arrived(struct trk_client *cl, const struct trk_entry *s, u64 off, u32 len)
{
	/* Without data the offset says nothing. */
	if (!len) {
		if (s->what == TRK_WHAT_OUTPUT)
			trk_wanted_output(cl, s->off, s->off + s->len);
		return;
	}
	trk_ranges_sub(&cl->rx.holes, off, off + len);
	if (off <= cl->rx.ask_nxt)
		cl->rx.ask_nxt = max_t(u64, cl->rx.ask_nxt, off + len);
	cl->rx.top = max_t(u64, cl->rx.top, off + len);
	if (s->what == TRK_WHAT_OUTPUT)
		trk_wanted_output(cl, max_t(u64, off + len, s->off), s->off + s->len);
}

/**
 * trk_wanted_consumed - the server consumed input
 * @cl: the client
 * @from: first byte
 * @to: first byte behind it
 */
void trk_wanted_consumed(struct trk_client *cl, u64 from, u64 to)
{
	struct trk_ranges *acked = &cl->tx.acked;

	to = min_t(u64, to, cl->tx.nxt);
	if (from >= to || to <= cl->snd_una)
		return;
	trk_ranges_sub(&cl->tx.lost, from, to);
	trk_ranges_sub(&cl->tx.placeless, from, to);
	if (from > cl->snd_una) {
		/*
		 * Consumed input for which the set has no room is sent again, after the lowest
		 * input that is missing.  If that waits for a place for an output continuation,
		 * this waits as well, or it would be sent again without end.
		 */
		if (!trk_ranges_add_exact(acked, &from, &to))
			return;
		if (cl->tx.placeless.n && cl->tx.placeless.r[0].a < from) {
			trk_wanted_add(cl, &cl->tx.placeless, from, to);
			cl->tx.noplace = true;
		} else {
			trk_wanted_input(cl, from, to);
		}
		return;
	}
	cl->snd_una = to;
	while (acked->n && acked->r[0].a <= cl->snd_una) {
		cl->snd_una = max_t(u64, cl->snd_una, acked->r[0].b);
		trk_ranges_sub(acked, acked->r[0].a, acked->r[0].b);
	}
	trk_ranges_sub(&cl->tx.lost, 0, cl->snd_una);
	trk_ranges_sub(&cl->tx.placeless, 0, cl->snd_una);
}
