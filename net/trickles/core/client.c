// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* A client from its beginning to its end: what drives it, and what it is asked to send next. */
#include "client.h"
#include "narrow.h"
#include "plan.h"
#include "wanted.h"

/**
 * trk_client_init - a client without a connection
 * @cl: the client
 * @ring: zeroed memory for @ring_size entries; stays the caller's
 * @ring_size: a power of two, at least TRK_RING_MIN
 * @random: source of tokens, 32 unpredictable bits a call
 * @random_arg: its argument
 */
void trk_client_init(struct trk_client *cl, struct trk_entry *ring, u32 ring_size,
		     u32 (*random)(void *arg), void *random_arg)
{
	memset(cl, 0, sizeof(*cl));
	cl->num.ring = ring;
	cl->num.ring_size = ring_size;
	cl->ring_want = ring_size;
	cl->random = random;
	cl->random_arg = random_arg;
	cl->fin_off = U64_MAX;
	trk_timer_stop(cl);
	cl->cwnd = TRK_INITIAL_WINDOW;
	cl->rto_us = TRK_RTO_INIT_US;
	cl->num.dupthresh = TRK_DUPTHRESH;
}

/**
 * trk_client_set_ring - move to a larger ring
 * @cl: the client
 * @ring: zeroed memory for @ring_size entries; the old memory may be freed afterwards
 * @ring_size: a power of two, larger than before
 */
void trk_client_set_ring(struct trk_client *cl, struct trk_entry *ring, u32 ring_size)
{
	u64 x, low = cl->num.hi >= cl->num.ring_size ? cl->num.hi - cl->num.ring_size + 1 : 0;

	for (x = low; x <= cl->num.hi; x++)
		ring[x & (ring_size - 1)] = *trk_client_entry(cl, x);
	cl->num.ring = ring;
	cl->num.ring_size = ring_size;
}

/**
 * trk_client_connected - the server's cookie came
 * @cl: the client, initialised
 * @want_seg_size: bytes of TCP payload that a segment from the server may have
 * @rtt_us: round trip of the SYN, microseconds; 0 if not known
 */
void trk_client_connected(struct trk_client *cl, u16 want_seg_size, u64 rtt_us)
{
	cl->want_seg_size = want_seg_size;
	cl->seg_size = want_seg_size;
	cl->narrow.seg_size = want_seg_size;
	cl->state = TRK_CL_FIRST;
	if (rtt_us)
		trk_timer_rtt(cl, rtt_us);
}

/*
 * Lets refused input go again.  Input that waits for receive room goes when there is room.  Input
 * that waits for a place is sent by trk_plan_input() as places become free.  But if nothing else
 * can come, the places that trk_held_output_room() keeps must be for the answer to some of it, as a
 * rule to the lowest.  So one packet of that goes first, and all the rest if its answer is refused
 * again (protocol.rst, "Input").
 */
static void input_release(struct trk_client *cl)
{
	struct trk_ranges *placeless = &cl->tx.placeless;
	u64 a, b;

	if (cl->tx.held.n && cl->rcv_limit >= cl->tx.after)
		trk_wanted_all(cl, &cl->tx.held);
	if (!cl->tx.noplace || cl->num.expected || cl->req.waiting || trk_plan_silly(cl) ||
	    trk_plan_wants(cl))
		return;
	a = placeless->r[0].a;
	b = min_t(u64, a + cl->seg_size, placeless->r[0].b);
	if (placeless->n && a != cl->tx.tried) {
		cl->tx.tried = a;
		trk_ranges_sub(placeless, a, b);
		trk_wanted_input(cl, a, b);
	} else {
		trk_wanted_all(cl, placeless);
	}
	cl->tx.noplace = placeless->n;
}

/**
 * trk_client_pump - the next request, if one is to be sent now
 * @cl: the client; the caller has set the fields that are its own
 * @now_us: monotonic time
 * @out: the request
 *
 * Call it until it returns false, after every change: a packet, a write, a
 * read that made room, the timer.  Then set the timer to cl->deadline_us.
 *
 * Context: any.
 * Return: true if @out is to be sent.
 */
bool trk_client_pump(struct trk_client *cl, u64 now_us, struct trk_sending *out)
{
	trk_ranges_sub(&cl->rx.holes, 0, cl->rcv_nxt);
	cl->rx.window_max = max_t(u64, cl->rx.window_max, cl->rcv_limit - cl->rcv_nxt);
	input_release(cl);
	if (cl->state == TRK_CL_FIRST) {
		if (cl->req.first_sent || !(cl->snd_end || cl->snd_fin || cl->want_first))
			return false;
		trk_request_first(cl, now_us, out);
		trk_timer_arm(cl, now_us);
		return true;
	}
	if (cl->state != TRK_CL_OPEN)
		return false;
	/*
	 * Servers will not hold the key of the domain's birth for ever, and only in another domain
	 * may packets be larger again.  The client waits for what it asked for, and then begins one
	 * (protocol.rst, "Keys that change", "Paths that become narrow").
	 */
	if (!cl->req.waiting && (cl->held.keys_away >= TRK_DOMAIN_KEYS || cl->narrow.raise)) {
		if (!cl->num.expected)
			trk_timer_timed_out(cl, now_us);
	} else if (!cl->req.waiting && trk_request_range(cl, now_us, out)) {
		trk_timer_arm(cl, now_us);
		return true;
	}
	cl->timer.force = false;
	if (cl->req.last_chance || (!cl->req.waiting && trk_narrow_stuck(cl))) {
		trk_narrow_expired(cl, now_us);
		trk_timer_timed_out(cl, now_us);
	}
	if (cl->req.timeout_due) {
		trk_request_timeout(cl, now_us, out);
		trk_timer_arm(cl, now_us);
		return true;
	}
	/* The connection is idle, but there is no packet to report: look again after a while. */
	if (now_us >= cl->timer.idle_deadline_us)
		cl->timer.idle_deadline_us = now_us + TRK_KEEPALIVE_US;
	if (cl->timer.rto_deadline_us == U64_MAX)
		trk_timer_arm(cl, now_us);
	else
		trk_timer_set(cl);
	return false;
}

/**
 * trk_client_narrow - the way to the server carries only smaller packets than the last request
 * @cl: the client
 * @size: bytes of TCP payload that it carries
 * @now_us: monotonic time
 *
 * Call trk_client_pump() afterwards: the request goes again, or instead of a RANGE a TIMEOUT does,
 * which asks for packets of that size.
 */
void trk_client_narrow(struct trk_client *cl, u32 size, u64 now_us)
{
	if (!trk_narrow_to(cl, size, now_us))
		return;
	if (cl->state == TRK_CL_FIRST)
		cl->req.first_sent = false;
	else if (cl->state == TRK_CL_OPEN)
		trk_timer_timed_out(cl, now_us);
}

/**
 * trk_client_input_done - is there nothing left to do for what was written?
 * @cl: the client
 *
 * Return: true if the server has consumed all of it, or has seen all of it and that nothing
 * follows, and has left the rest.
 */
bool trk_client_input_done(const struct trk_client *cl)
{
	if (cl->snd_fin && !cl->tx.fin_acked)
		return false;
	return cl->snd_una == cl->snd_end ||
	       (cl->snd_fin && !cl->tx.token && cl->tx.stall >= cl->snd_end);
}
