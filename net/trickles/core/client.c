// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * What the client does with responses and with time (paper §4; RFC 5681, 6298).
 * request.c composes the requests.
 */
#include "client.h"
#include "reason.h"

/**
 * trk_client_init - a client without a connection
 * @cl: the client
 * @ring: zeroed memory for @ring_size entries; stays the caller's
 * @ring_size: a power of two, at least TRK_RING_MIN
 * @random: source of tokens, 32 unpredictable bits a call
 * @random_arg: its argument
 */
void trk_client_init(struct trk_client *cl, struct trk_slot *ring, u32 ring_size,
		     u32 (*random)(void *arg), void *random_arg)
{
	memset(cl, 0, sizeof(*cl));
	cl->num.ring = ring;
	cl->num.ring_size = ring_size;
	cl->ring_want = ring_size;
	cl->random = random;
	cl->random_arg = random_arg;
	cl->fin_off = U64_MAX;
	cl->deadline_us = U64_MAX;
	cl->timer.rto_deadline_us = U64_MAX;
	cl->timer.delack_deadline_us = U64_MAX;
	cl->timer.idle_deadline_us = U64_MAX;
	cl->timer.pace_deadline_us = U64_MAX;
	cl->timer.reseal_deadline_us = U64_MAX;
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
void trk_client_set_ring(struct trk_client *cl, struct trk_slot *ring, u32 ring_size)
{
	u64 x, low = cl->num.hi >= cl->num.ring_size ? cl->num.hi - cl->num.ring_size + 1 : 0;

	for (x = low; x <= cl->num.hi; x++)
		ring[x & (ring_size - 1)] = *trk_client_slot(cl, x);
	cl->num.ring = ring;
	cl->num.ring_size = ring_size;
}

/*
 * RFC 6298; every request has a token of its own, so no sample is ambiguous.
 * The minimum is for the variance, as in Linux: where the round trip is long and
 * steady the timer would else expire with the answer in sight.
 */
static void client_rtt(struct trk_client *cl, u64 sample)
{
	u64 dev;

	if (!cl->srtt_us) {
		cl->srtt_us = sample;
		cl->rttvar_us = sample / 2;
	} else {
		dev = sample > cl->srtt_us ? sample - cl->srtt_us : cl->srtt_us - sample;
		cl->rttvar_us = (3 * cl->rttvar_us + dev) / 4;
		cl->srtt_us = (7 * cl->srtt_us + sample) / 8;
	}
	cl->rto_us = cl->srtt_us + max_t(u64, 4 * cl->rttvar_us, TRK_RTO_MIN_US);
}

/**
 * trk_client_connected - the server's cookie came
 * @cl: the client, initialised
 * @want_slot: bytes of TCP payload that a segment from the server may have
 * @rtt_us: round trip of the SYN, microseconds; 0 if not known
 */
void trk_client_connected(struct trk_client *cl, u16 want_slot, u64 rtt_us)
{
	cl->want_slot = want_slot;
	cl->slot = want_slot;
	cl->state = TRK_CL_FIRST;
	if (rtt_us)
		client_rtt(cl, rtt_us);
}

static void client_die(struct trk_client *cl, int error)
{
	cl->state = TRK_CL_DEAD;
	cl->error = error;
	cl->timer.rto_deadline_us = U64_MAX;
	cl->timer.delack_deadline_us = U64_MAX;
	cl->timer.idle_deadline_us = U64_MAX;
	cl->timer.pace_deadline_us = U64_MAX;
	cl->timer.reseal_deadline_us = U64_MAX;
	cl->deadline_us = U64_MAX;
}

/* Is anything due that only an answer can bring? */
static bool client_busy(const struct trk_client *cl)
{
	if (cl->state == TRK_CL_FIRST)
		return cl->req.first_sent;
	if (cl->state != TRK_CL_OPEN)
		return false;
	return cl->req.waiting || cl->num.expected || trk_client_wants(cl);
}

static void set_deadline(struct trk_client *cl)
{
	const struct trk_timers *t = &cl->timer;

	cl->deadline_us = min_t(u64, min_t(u64, t->rto_deadline_us, t->pace_deadline_us),
				min_t(u64, t->delack_deadline_us, t->idle_deadline_us));
	cl->deadline_us = min_t(u64, cl->deadline_us, t->reseal_deadline_us);
}

/*
 * Are there packets that are not reported yet, with which to ask again?  An answer
 * to input may be long in coming because the application is, and is not to
 * be executed once more for that.
 */
static bool can_probe(const struct trk_client *cl)
{
	return cl->state == TRK_CL_OPEN && !cl->req.waiting && !cl->timer.probed && cl->srtt_us &&
	       !cl->tx.expected && (cl->num.above || cl->num.reportable > cl->num.nrep);
}

/* What the retransmission timer waits for, from the last sign of life. */
static u64 timer_wait(const struct trk_client *cl)
{
	return min_t(u64, cl->rto_us << min_t(u32, cl->timer.backoff, 16), TRK_RTO_MAX_US);
}

/*
 * Restarts the retransmission timer.  It runs as long as an answer is due, or
 * there is something to ask for and no trickle to do so.  With unreported
 * packets it need not wait for a timeout before it looks into a silence, as
 * TCP's tail loss probe (RFC 8985 §7.2) does not.
 */
static void arm(struct trk_client *cl, u64 now_us)
{
	u64 wait = timer_wait(cl);

	cl->timer.armed_us = now_us;
	if (can_probe(cl))
		wait = min_t(u64, wait, TRK_DELACK_US + max_t(u64, 2 * cl->srtt_us,
							      cl->srtt_us + 4 * cl->rttvar_us));
	cl->timer.rto_deadline_us = client_busy(cl) ? now_us + wait : U64_MAX;
	set_deadline(cl);
}

/* ---- numbers that will not come ---- */

/* Output that was asked for and did not come.  What lies above ask_nxt is asked for in its turn. */
static void want_output(struct trk_client *cl, u64 a, u64 b)
{
	trk_ranges_add(&cl->rx.holes, max_t(u64, a, cl->rcv_nxt),
		      min_t(u64, b, min_t(u64, cl->fin_off, cl->rx.ask_nxt)));
}

/* To @set, of input that goes again, what the server has not consumed of [a, b). */
static void add_input(struct trk_client *cl, struct trk_ranges *set, u64 a, u64 b)
{
	unsigned int i;

	trk_ranges_add(set, max_t(u64, a, cl->in_una), b);
	for (i = 0; i < cl->tx.acked.n; i++)
		trk_ranges_sub(set, cl->tx.acked.r[i].a, cl->tx.acked.r[i].b);
}

static void want_input(struct trk_client *cl, u64 a, u64 b)
{
	add_input(cl, &cl->tx.lost, a, b);
}

/*
 * The first packet of an answer to asked bytes may have brought the continuation
 * that follows, and no other will if its bytes are there already.  If several are
 * lost, this is the last one: the others leave holes.
 */
static void next_lost(struct trk_client *cl, u64 off)
{
	const struct trk_held_ucont *h = trk_client_output_at(cl, off);

	if (h && !(h->u.flags & TRK_UCONT_FINAL) && h->u.end < cl->fin_off &&
	    !trk_client_output_at(cl, h->u.end))
		cl->rx.next_lost = max_t(u64, cl->rx.next_lost, h->u.end);
}

/* Number x, which is expected, will not come: its bytes must be asked for again. */
static void lose(struct trk_client *cl, u64 x)
{
	struct trk_slot *s = trk_client_slot(cl, x);

	s->state = TRK_SLOT_LOST;
	cl->num.expected--;
	cl->stat.lost++;
	if (s->what == TRK_WHAT_OUTPUT) {
		want_output(cl, s->off, s->off + s->len);
		if (x == s->first)
			next_lost(cl, s->off);
		if (s->off + s->len == cl->rx.asked_before)
			cl->rx.asked_before = 0;
	} else if (s->what == TRK_WHAT_INPUT) {
		cl->tx.expected--;
		if (s->fin && !cl->tx.fin_acked)
			cl->tx.fin_sent = false;
		if (s->token == cl->tx.token) {
			if (cl->tx.left && !--cl->tx.left)
				cl->tx.again = true;
		} else {
			want_input(cl, s->off, s->off + s->len);
		}
	}
}

/* Claims that count against the base of the current continuation. */
static unsigned int claims_in_use(struct trk_client *cl)
{
	u64 base = trk_client_cont(cl)->c.base;
	unsigned int i, n = 0;

	for (i = 0; i < cl->num.nclaims; i++)
		n += cl->num.claims[i].b > base;
	return n;
}

/*
 * Adds number x, the edge, to the claims.  With eight of them the last one
 * swallows what lies between it and a further gap, as lost: to report less than
 * arrived is safe, and within a loss event it costs nothing.  But what was
 * reported must not change (prefix property, paper §2.4): for that is the rest of
 * the list, and when it is full nothing more can be reported until a new
 * continuation comes.
 */
static bool claim(struct trk_client *cl, u64 x, u8 kind)
{
	struct trk_claim *last = cl->num.nclaims ? &cl->num.claims[cl->num.nclaims - 1] : NULL;
	bool swallow = last && last->a > cl->num.nrep;
	u32 most = swallow && kind == TRK_CLAIM_LOST ? TRK_CLAIMS_SOFT : trk_claims_at(cl->slot);
	u64 i;

	if (last && last->kind == kind && last->b == x - 1) {
		if (kind == TRK_CLAIM_NOGROWTH || last->a > cl->num.nrep) {
			last->b = x;
			return true;
		}
	}
	if (cl->num.nclaims < ARRAY_SIZE(cl->num.claims) && claims_in_use(cl) < most) {
		cl->num.claims[cl->num.nclaims].a = x;
		cl->num.claims[cl->num.nclaims].b = x;
		cl->num.claims[cl->num.nclaims].kind = kind;
		cl->num.nclaims++;
		return true;
	}
	/* A number that arrived would call for a smaller window as a lost one. */
	if (kind == TRK_CLAIM_NOGROWTH &&
	    (cl->num.reportable > cl->num.nrep || trk_client_renewing(cl)))
		swallow = false;
	if (!swallow) {
		cl->stat.held++;
		return false;
	}
	for (i = last->a; i <= x; i++)
		if (trk_client_slot(cl, i)->state == TRK_SLOT_RECEIVED)
			trk_client_slot(cl, i)->state = TRK_SLOT_LOST;
	last->kind = TRK_CLAIM_LOST;
	last->b = x;
	/* A gap cannot end a report, nor touch another gap. */
	for (i = last->a - 1; i > cl->num.nrep; i--)
		if (trk_client_slot(cl, i)->state == TRK_SLOT_RECEIVED)
			break;
	cl->num.reportable = max_t(u64, i, cl->num.nrep);
	if (cl->num.nclaims > 1 && last[-1].kind == TRK_CLAIM_LOST && last[-1].b == last->a - 1 &&
	    last[-1].a > cl->num.nrep) {
		last[-1].b = last->b;
		cl->num.nclaims--;
	}
	cl->stat.merged++;
	return true;
}

/*
 * Reordering tolerance (RFC 5681 §3.2, RFC 5827 when few are outstanding):
 * a number is lost when this many packets above it arrived.
 */
static u32 dupthresh(const struct trk_client *cl)
{
	u32 outstanding = cl->num.above + cl->num.expected;

	if (outstanding > cl->num.dupthresh)
		return cl->num.dupthresh;
	return outstanding > 2 ? outstanding - 1 : 1;
}

/*
 * Number x came after all, too late.  The margin of two is for a rate that
 * grows: what is late by a time is then late by more packets.
 */
static void reordered(struct trk_client *cl, u64 x)
{
	u64 extent = cl->num.top > x ? cl->num.top - x : 0;
	u32 margin = (u32)min_t(u64, 2 * extent, TRK_DUPTHRESH_MAX);

	cl->num.dupthresh = max_t(u32, cl->num.dupthresh, margin);
}

/*
 * Moves the edge: decides what arrived and what was lost.  With @force every
 * hole below the highest number received is a loss.
 */
static void declare(struct trk_client *cl, bool force)
{
	while (cl->num.edge <= cl->num.top) {
		struct trk_slot *s = trk_client_slot(cl, cl->num.edge);

		if (s->state == TRK_SLOT_EXPECTED) {
			if (!force && cl->num.above < dupthresh(cl))
				return;
			lose(cl, cl->num.edge);
		}
		/* The nonce of a shared packet is with its first number: swallowed with it. */
		if (s->state == TRK_SLOT_RECEIVED && s->joined &&
		    trk_client_slot(cl, cl->num.edge - 1)->state == TRK_SLOT_LOST)
			s->state = TRK_SLOT_LOST;
		if (s->state == TRK_SLOT_LOST) {
			if (!claim(cl, cl->num.edge, TRK_CLAIM_LOST))
				return;
		} else {
			if (s->nogrowth && !claim(cl, cl->num.edge, TRK_CLAIM_NOGROWTH))
				return;
			if (!s->joined)
				cl->num.above--;
			/* The claim may have swallowed it. */
			if (s->state == TRK_SLOT_RECEIVED)
				cl->num.reportable = cl->num.edge;
		}
		cl->num.edge++;
	}
}

/* ---- a new domain ---- */

static void domain_begin(struct trk_client *cl, const u8 *blob, const struct trk_cont *c)
{
	const struct trk_slot *p = &cl->req.pending;
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
	cl->held.key_changes = 0;
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
		*trk_client_slot(cl, x) = *p;
		trk_client_slot(cl, x)->serial = cl->held.serial;
		trk_client_slot(cl, x)->state = TRK_SLOT_EXPECTED;
		cl->num.expected++;
	}
	cl->num.hi = c->base + p->count;
	cl->tx.expected = p->what == TRK_WHAT_INPUT ? p->count : 0;
	if (p->what == TRK_WHAT_INPUT && p->token == cl->tx.token)
		cl->tx.left = p->count;
	cl->slot = c->slot;
	cl->state = TRK_CL_OPEN;
	cl->req.waiting = false;
	cl->req.knocking = false;
	cl->req.attempt = 0;
}

/* Is this the answer to the first or timeout request that is out?  If so its domain begins. */
static int enter(struct trk_client *cl, const struct trk_resp *r)
{
	const struct trk_slot *p = &cl->req.pending;
	u64 x = trk_num_near(p->first, r->num);
	struct trk_cont c;

	if (x < p->first || x + r->span > p->first + p->count)
		return TRK_DROP_NUMBER;
	if (r->token != p->token)
		return TRK_DROP_TOKEN;
	if (!r->cont.p)
		return TRK_DROP_NUMBER;
	trk_cont_read(r->cont.p, &c);
	if (trk_cont_check(&c) || c.base + 1 != p->first || c.law.tcp_base != c.base ||
	    c.law.first_loss || c.slot > cl->want_slot ||
	    (cl->state == TRK_CL_OPEN && c.slot != cl->slot))
		return TRK_DROP_NUMBER;
	domain_begin(cl, r->cont.p, &c);
	return TRK_OK;
}

/**
 * trk_client_opened - a SYN-ACK answers our SYN
 * @cl: the client
 * @ackrel: its acknowledgment number, relative to the client's ISN + 1
 *
 * If it is true that it answers the last one, the sequence number behind the SYN-ACK's is
 * what cl->ackrel stands for from now on: nothing else is left of a server's ISN.
 *
 * Call trk_client_pump() afterwards.
 *
 * Return: is it?  Does not sleep.
 */
bool trk_client_opened(struct trk_client *cl, u32 ackrel)
{
	if (cl->state != TRK_CL_OPEN || !cl->req.waiting || !cl->req.knocking ||
	    ackrel != cl->req.seq)
		return false;
	cl->req.knocking = false;
	cl->req.opened = true;
	cl->req.timeout_due = true;
	return true;
}

/* ---- what a response brings ---- */

static bool covers(const struct trk_ucont *u, u64 off)
{
	return u->start <= off && off < u->end;
}

/* The place for an output continuation: that of the one that begins alike, or a free one. */
static struct trk_held_ucont *output_place(struct trk_client *cl, const struct trk_ucont *u)
{
	struct trk_held_ucont *free = NULL;
	unsigned int i;

	for (i = 0; i < TRK_OUTPUTS; i++) {
		struct trk_held_ucont *h = &cl->held.outputs[i];

		if (trk_client_output_free(cl, h))
			free = h;
		else if (h->u.start == u->start)
			return h;
	}
	return trk_client_output_room(cl, u->start, u->end) ? free : NULL;
}

/*
 * Is @blob what is held, sealed under another key?  Which of two seals is the newer one
 * nobody can tell; an older one is noticed by its key, and replaced again.
 */
static bool resealed(const struct trk_held_ucont *h, struct trk_blob blob, u8 key_id)
{
	return h->len == blob.len && h->u.key_id != key_id &&
	       !memcmp(h->blob, blob.p, TRK_UCONT_KEY) &&
	       !memcmp(h->blob + TRK_UCONT_KEY + 1, blob.p + TRK_UCONT_KEY + 1,
		       h->len - TRK_MAC_LEN - TRK_UCONT_KEY - 1);
}

static void take_reseal(struct trk_client *cl, struct trk_held_ucont *h, struct trk_blob blob,
			u8 key_id)
{
	memcpy(h->blob, blob.p, blob.len);
	h->u.key_id = key_id;
	cl->held.reseals = 0;
	cl->held.reseal_us = 0;
	cl->stat.resealed++;
}

static void store_output_cont(struct trk_client *cl, const struct trk_resp *r,
			      const struct trk_ucont *u)
{
	struct trk_held_ucont *h;

	h = output_place(cl, u);
	if (h && h->len && h->u.start == u->start && resealed(h, r->output, u->key_id)) {
		take_reseal(cl, h, r->output, u->key_id);
		return;
	}
	/*
	 * The same input may have been executed twice, with another outcome the
	 * second time; bytes of both must not be mixed, so the first one stays.
	 */
	if (h && h->len && h->u.end > cl->rcv_nxt && h->u.start == u->start &&
	    (h->len != r->output.len || memcmp(h->blob, r->output.p, h->len)))
		return;
	if (u->start == cl->rx.next_lost)
		cl->rx.next_lost = 0;
	if (u->flags & TRK_UCONT_FINAL)
		cl->fin_off = min_t(u64, cl->fin_off, u->end);
	if (u->end <= cl->rcv_nxt || u->start == u->end)
		return;
	memcpy(h->blob, r->output.p, r->output.len);
	h->len = r->output.len;
	h->u = *u;
	h->u.opaque = NULL;
}

static void store_input_cont(struct trk_client *cl, const struct trk_resp *r)
{
	struct trk_ucont u;

	if (trk_ucont_parse(&u, r->input) || !trk_ucont_fits(u.len, cl->slot))
		return;
	/* A late packet must not bring an older one back. */
	if (cl->held.input.len && u.start < cl->held.input.u.start)
		return;
	if (resealed(&cl->held.input, r->input, u.key_id)) {
		take_reseal(cl, &cl->held.input, r->input, u.key_id);
		return;
	}
	memcpy(cl->held.input.blob, r->input.p, r->input.len);
	cl->held.input.len = r->input.len;
	cl->held.input.u = u;
	cl->held.input.u.opaque = NULL;
}

/* The answer to a request without input brings no other input continuation than the one held. */
static void reseal_input_cont(struct trk_client *cl, const struct trk_resp *r)
{
	struct trk_ucont u;

	if (!trk_ucont_parse(&u, r->input) && resealed(&cl->held.input, r->input, u.key_id))
		take_reseal(cl, &cl->held.input, r->input, u.key_id);
}

static void input_consumed(struct trk_client *cl, u64 from, u64 to)
{
	struct trk_ranges *acked = &cl->tx.acked;

	to = min_t(u64, to, cl->tx.nxt);
	if (from >= to || to <= cl->in_una)
		return;
	trk_ranges_sub(&cl->tx.lost, from, to);
	trk_ranges_sub(&cl->tx.placeless, from, to);
	if (from > cl->in_una) {
		/*
		 * What finds no place goes again, and the first hole before it.  If that waits
		 * for a place for its answer, so does this: there would be no end of it.
		 */
		if (!trk_ranges_add_exact(acked, &from, &to))
			return;
		if (cl->tx.placeless.n && cl->tx.placeless.r[0].a < from) {
			add_input(cl, &cl->tx.placeless, from, to);
			cl->tx.noplace = true;
		} else {
			want_input(cl, from, to);
		}
		return;
	}
	cl->in_una = to;
	while (acked->n && acked->r[0].a <= cl->in_una) {
		cl->in_una = max_t(u64, cl->in_una, acked->r[0].b);
		trk_ranges_sub(acked, acked->r[0].a, acked->r[0].b);
	}
	trk_ranges_sub(&cl->tx.lost, 0, cl->in_una);
	trk_ranges_sub(&cl->tx.placeless, 0, cl->in_una);
}

/*
 * The first packet of an answer to input that arrives settles the request, and
 * tells what the other packets bring, as far as the output continuation goes,
 * so that their loss can be repaired.
 */
static void learn_geometry(struct trk_client *cl, const struct trk_slot *of,
			   const struct trk_resp *r, u64 off)
{
	u64 start = off - (u64)r->geo_index * r->geo_piece, end = 0, limit = 0;
	struct trk_slot answer = *of;
	unsigned int i;

	for (i = 0; i < TRK_OUTPUTS && r->data_len; i++) {
		const struct trk_held_ucont *h = &cl->held.outputs[i];

		if (h->len && covers(&h->u, off))
			limit = h->u.end;
	}
	for (i = 0; i < answer.count; i++) {
		struct trk_slot *s = trk_client_slot(cl, answer.first + i);
		u64 at = start + (u64)i * r->geo_piece;

		if (s->token != answer.token || s->what != TRK_WHAT_INPUT)
			continue;
		if (s->state == TRK_SLOT_EXPECTED)
			cl->tx.expected--;
		s->what = TRK_WHAT_REST;
		if (at >= limit)
			continue;
		s->what = TRK_WHAT_OUTPUT;
		s->off = at;
		s->len = r->geo_piece;
		end = min_t(u64, at + s->len, limit);
		/* If it was received, it was refused. */
		if (s->state != TRK_SLOT_EXPECTED)
			trk_ranges_add(&cl->rx.holes, at, end);
	}
	if (end <= cl->rx.ask_nxt)
		return;
	/* Bytes before the answer that nobody asked for yet are holes from now on. */
	if (start > cl->rx.ask_nxt)
		trk_ranges_add(&cl->rx.holes, cl->rx.ask_nxt, start);
	cl->rx.ask_nxt = end;
}

static void input_answered(struct trk_client *cl, struct trk_slot *s, const struct trk_resp *r,
			   u64 off)
{
	bool before = trk_client_parallel(cl), parallel;
	bool sequential = s->token == cl->tx.token;
	u64 in_end = s->off + s->len;

	if (r->input.p)
		store_input_cont(cl, r);
	parallel = trk_client_parallel(cl);
	if (r->has_consumed)
		input_consumed(cl, r->consumed_from, r->consumed_to);
	if (s->fin)
		cl->tx.fin_acked = true;
	/* What it waited for has come. */
	if (r->has_consumed && r->consumed_to > s->off)
		cl->tx.stall = 0;
	if (sequential || parallel != before) {
		cl->tx.token = 0;
		cl->tx.left = 0;
		cl->tx.again = false;
		cl->tx.noplace = false;
		cl->tx.placeless.n = 0;
		/* What was not consumed goes again: in any order, or once there is more of it. */
		if (parallel)
			want_input(cl, cl->held.input.u.start,
				   min_t(u64, cl->tx.nxt, cl->held.input.u.end));
		else if (sequential && (!r->has_consumed || r->consumed_to <= s->off))
			cl->tx.stall = in_end;
	} else if (parallel) {
		u64 from = r->has_consumed ? r->consumed_from : in_end;
		u64 to = r->has_consumed ? r->consumed_to : in_end;

		cl->rx.each_brings = r->output.p;
		want_input(cl, s->off, min_t(u64, from, in_end));
		want_input(cl, max_t(u64, to, s->off), in_end);
	}
	learn_geometry(cl, s, r, off);
}

/*
 * A packet of an answer to input that says nothing of the input: another one may, if there is.
 * It may stand for several numbers.
 */
static void input_unanswered(struct trk_client *cl, const struct trk_slot *s, u64 x, u32 span)
{
	u32 i;

	if (s->state != TRK_SLOT_EXPECTED)
		return;
	if (s->count == 1 && s->fin && !cl->tx.fin_acked)
		cl->tx.fin_sent = false;
	if (s->token != cl->tx.token) {
		if (s->count == 1)
			want_input(cl, s->off, s->off + s->len);
		return;
	}
	for (i = 0; i < span; i++)
		if (trk_client_slot(cl, x + i)->state == TRK_SLOT_EXPECTED && cl->tx.left &&
		    !--cl->tx.left)
			cl->tx.again = true;
}

/*
 * The answer, which ends at @end, finds no room, or no place for its output continuation: it
 * comes later, as if the input had not been executed (paper §4.2).  Nothing was lost on the way.
 */
static void input_refused(struct trk_client *cl, const struct trk_slot *s, u64 end, bool noplace)
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
		add_input(cl, &cl->tx.placeless, s->off, s->off + s->len);
	} else {
		cl->tx.after = cl->tx.held.n ? min_t(u64, cl->tx.after, end) : end;
		trk_ranges_add(&cl->tx.held, s->off, s->off + s->len);
	}
	cl->tx.noplace |= noplace;
}

static void want_all(struct trk_client *cl, struct trk_ranges *held)
{
	unsigned int i;

	for (i = 0; i < held->n; i++)
		want_input(cl, held->r[i].a, held->r[i].b);
	held->n = 0;
}

/*
 * There may be room now for what was refused.  What waits for a place is sent as places get
 * free; if nothing else can come, one of those that wait must be what a place was kept for:
 * the lowest as a rule, so that a packet of it goes first, and all the rest if that was in vain.
 */
static void input_release(struct trk_client *cl)
{
	struct trk_ranges *placeless = &cl->tx.placeless;
	u64 a, b;

	if (cl->tx.held.n && cl->rcv_limit >= cl->tx.after)
		want_all(cl, &cl->tx.held);
	if (!cl->tx.noplace || cl->num.expected || cl->req.waiting || trk_client_silly(cl) ||
	    trk_client_wants(cl))
		return;
	a = placeless->r[0].a;
	b = min_t(u64, a + cl->slot, placeless->r[0].b);
	if (placeless->n && a != cl->tx.tried) {
		cl->tx.tried = a;
		trk_ranges_sub(placeless, a, b);
		want_input(cl, a, b);
	} else {
		want_all(cl, placeless);
	}
	cl->tx.noplace = placeless->n;
}

/* Output data arrived: what of the piece is still missing must be asked for again. */
static void output_arrived(struct trk_client *cl, const struct trk_slot *s, u64 off, u32 len)
{
	/* Without data the offset says nothing. */
	if (!len) {
		if (s->what == TRK_WHAT_OUTPUT)
			want_output(cl, s->off, s->off + s->len);
		return;
	}
	trk_ranges_sub(&cl->rx.holes, off, off + len);
	if (off <= cl->rx.ask_nxt)
		cl->rx.ask_nxt = max_t(u64, cl->rx.ask_nxt, off + len);
	cl->rx.out_top = max_t(u64, cl->rx.out_top, off + len);
	if (s->what == TRK_WHAT_OUTPUT)
		want_output(cl, max_t(u64, off + len, s->off), s->off + s->len);
}

static void confirm(struct trk_client *cl, const struct trk_slot *s)
{
	const struct trk_held_cont *held = &cl->held.conts[s->serial % TRK_CONTS];
	unsigned int i;

	if (s->req_n <= cl->held.confirmed_n || (u8)(cl->held.serial - s->serial) >= TRK_CONTS)
		return;
	if (cl->held.confirmed.c.key_id != held->c.key_id) {
		cl->held.reseals = 0;
		cl->held.reseal_us = 0;
	}
	cl->held.confirmed = *held;
	cl->held.confirmed_serial = s->serial;
	cl->held.confirmed_n = s->req_n;
	cl->held.confirmed_proof = s->acc ^ held->acc;
	for (i = 0; i < cl->num.nclaims && cl->num.claims[i].b <= held->c.base; i++)
		;
	cl->num.nclaims -= i;
	memmove(cl->num.claims, cl->num.claims + i, cl->num.nclaims * sizeof(cl->num.claims[0]));
}

static void new_cont(struct trk_client *cl, const struct trk_slot *s, const u8 *blob)
{
	const struct trk_held_cont *cur = trk_client_cont(cl);
	struct trk_held_cont *held;
	struct trk_cont c;

	/*
	 * Any of them will do.  One that never stood in an answered request may be
	 * spoilt; that there are few of those keeps @confirmed near.  One that never
	 * stood in a request makes room.
	 */
	if (cl->held.cont_used &&
	    (u8)(cl->held.serial - cl->held.confirmed_serial) >= TRK_CONTS - 2)
		return;
	trk_cont_read(blob, &c);
	if (trk_cont_check(&c) || c.domain != cur->c.domain || c.base <= cur->c.base ||
	    c.base != s->req_n ||
	    c.slot != cl->slot)
		return;
	/* Replicas may change one after the other: what goes to and fro is one change. */
	if (c.key_id == c.domain_key)
		cl->held.key_changes = 0;
	else if (c.key_id != cur->c.key_id)
		cl->held.key_changes++;
	cl->held.serial += cl->held.cont_used;
	cl->held.cont_used = false;
	held = trk_client_cont(cl);
	memcpy(held->blob, blob, TRK_CONT_LEN);
	held->c = c;
	held->acc = s->acc;
	cl->held.renewal_claims = min_t(u32, cl->held.renewal_claims, claims_in_use(cl));
}

/* All numbers of a packet, if they are what they should be.  *late: one was given up already. */
static int check_numbers(struct trk_client *cl, const struct trk_resp *r, u64 x, bool *late)
{
	unsigned int i;

	*late = false;
	if (!x || x > cl->num.hi || x + r->span - 1 > cl->num.hi ||
	    x + cl->num.ring_size <= cl->num.hi)
		return TRK_DROP_NUMBER;
	for (i = 0; i < r->span; i++) {
		const struct trk_slot *s = trk_client_slot(cl, x + i);

		if (s->state == TRK_SLOT_FREE || s->state == TRK_SLOT_RECEIVED)
			return TRK_DROP_NUMBER;
		if (r->token != s->token && (!s->again || r->token != s->again))
			return TRK_DROP_TOKEN;
		if (s->state == TRK_SLOT_LOST)
			*late = true;
	}
	return TRK_OK;
}

/* The numbers of a packet arrived: the nonce of a shared packet is that of all of them. */
static void mark_received(struct trk_client *cl, const struct trk_resp *r, u64 x)
{
	unsigned int i;

	for (i = 0; i < r->span; i++) {
		struct trk_slot *s = trk_client_slot(cl, x + i);

		if (i && s->what == TRK_WHAT_OUTPUT)
			output_arrived(cl, s, s->off, 0);
		if (s->what == TRK_WHAT_INPUT)
			cl->tx.expected--;
		s->state = TRK_SLOT_RECEIVED;
		s->nonce = i ? 0 : r->nonce;
		s->nogrowth = r->flags & TRK_RESP_NOGROWTH;
		s->joined = i;
		cl->num.expected--;
	}
	cl->num.above++;
	cl->num.top = max_t(u64, cl->num.top, x + r->span - 1);
}

/**
 * trk_client_receive - a response arrived
 * @cl: the client
 * @r: the response, parsed
 * @seqrel: its TCP sequence number, relative to the server's ISN + 1
 * @now_us: monotonic time
 * @in: says where its data belongs
 *
 * A client cannot check nonces; it takes only an expected number in its slot
 * with the token of the request that asked for it.
 *
 * Call trk_client_pump() afterwards (once for several packets).
 *
 * Return: 0 or the reason to drop the packet.  Does not sleep.
 */
int trk_client_receive(struct trk_client *cl, const struct trk_resp *r, u32 seqrel, u64 now_us,
		       struct trk_in_resp *in)
{
	const struct trk_held_ucont *place;
	struct trk_ucont output;
	struct trk_slot *s;
	u32 end;
	bool late, fits, refused, noplace = false;
	u64 x, off;
	int err;

	in->len = 0;
	if (cl->state == TRK_CL_FIRST || (cl->state == TRK_CL_OPEN && cl->req.waiting)) {
		bool pending = cl->req.waiting || cl->req.first_sent;

		/* Late packets of the old domain bring only their data. */
		if (pending && r->token == cl->req.pending.token) {
			u64 num = trk_num_near(cl->req.pending.first, r->num);

			if (cl->state == TRK_CL_OPEN && seqrel != (u32)(num - 1) * cl->slot)
				return TRK_DROP_SLOT;
			err = enter(cl, r);
			if (err)
				return err;
		}
	}
	if (cl->state != TRK_CL_OPEN)
		return TRK_DROP_NUMBER;
	x = trk_num_near(cl->num.hi, r->num);
	err = check_numbers(cl, r, x, &late);
	if (err)
		return err;
	if (seqrel != (u32)(x - 1) * cl->slot)
		return TRK_DROP_SLOT;
	s = trk_client_slot(cl, x);
	if (r->cont.p && !late) {
		struct trk_cont c;

		/* The same request answered twice, in two domains: one of them counts. */
		trk_cont_read(r->cont.p, &c);
		if (c.domain != trk_client_cont(cl)->c.domain)
			return TRK_DROP_NUMBER;
	}
	off = trk_num_near(s->what == TRK_WHAT_OUTPUT ? s->off : cl->rcv_nxt, r->off);
	if (s->what == TRK_WHAT_OUTPUT && r->data_len &&
	    (off != s->off || r->data_len > s->len))
		return TRK_DROP_OFFSET;
	/* Nor may it lie before the beginning of the stream. */
	if (r->data_len && (s->what == TRK_WHAT_NOTHING || off + r->data_len < off))
		return TRK_DROP_OFFSET;
	/* What does not fit is asked for again, if it can be. */
	fits = !r->data_len || off + r->data_len <= cl->rcv_limit;
	refused = !fits && !r->output.p;

	/* An output continuation that cannot be held would be gone for good: refused as well. */
	if (r->output.p) {
		err = trk_ucont_parse(&output, r->output);
		if (err)
			return err;
		if (!trk_ucont_fits(output.len, cl->slot))
			return TRK_DROP_OVERSIZED;
		place = output_place(cl, &output);
		noplace = !place && output.end > cl->rcv_nxt;
		/* That of asked bytes can be asked for again by a byte of them. */
		refused = noplace && s->what != TRK_WHAT_OUTPUT;
		/*
		 * The input before it was executed in other parts: what this packet
		 * says was consumed may reach beyond the continuation that stays.
		 */
		if (place && place->len && place->u.end > cl->rcv_nxt &&
		    place->u.start == output.start && place->u.end != output.end)
			return TRK_DROP_WINDOW;
	}
	if (refused && s->what != TRK_WHAT_INPUT)
		return TRK_DROP_WINDOW;

	if (r->flags & TRK_RESP_ABORT) {
		client_die(cl, ECONNRESET);
		return TRK_OK;
	}
	cl->stat.responses++;
	in->off = off;
	in->len = fits && !refused ? r->data_len : 0;
	if (r->output.p && !noplace) {
		store_output_cont(cl, r, &output);
	} else if (noplace && !refused) {
		cl->rx.next_lost = max_t(u64, cl->rx.next_lost, output.start);
		/* It was asked for too early, and may be once more. */
		if (output.start == cl->rx.asked_before)
			cl->rx.asked_before = 0;
	}
	if (r->flags & TRK_RESP_FIN && !refused)
		cl->fin_off = min_t(u64, cl->fin_off, off + r->data_len);
	if (refused) {
		input_refused(cl, s, off + r->data_len, noplace);
	} else if (s->what == TRK_WHAT_INPUT) {
		if (r->has_geometry)
			input_answered(cl, s, r, off);
		else
			input_unanswered(cl, s, x, r->span);
	} else if (r->input.p) {
		reseal_input_cont(cl, r);
	}
	output_arrived(cl, s, off, in->len);
	end = seqrel + r->hdr_len + r->data_len;
	if ((s32)(end - cl->req.ackrel) > 0)
		cl->req.ackrel = end;
	if (late || cl->req.waiting) {
		cl->stat.late++;
		reordered(cl, x);
		return TRK_OK;
	}
	/* Its answer may have been late for being lost the first time. */
	if (s->token == r->token)
		client_rtt(cl, now_us - s->sent_us);
	cl->timer.backoff = 0;
	cl->timer.probed = false;
	cl->req.attempt = 0;
	if (r->addr.p) {
		memcpy(cl->req.addr, r->addr.p, r->addr.len);
		cl->req.addr_len = r->addr.len;
	}
	mark_received(cl, r, x);
	confirm(cl, s);
	if (r->cont.p)
		new_cont(cl, s, r->cont.p);
	declare(cl, false);
	arm(cl, now_us);
	return TRK_OK;
}

/* ---- time ---- */

/* Asks again for what @s was to bring, though it is not declared lost. */
static void again(struct trk_client *cl, const struct trk_slot *s)
{
	if (s->state != TRK_SLOT_EXPECTED)
		return;
	if (s->what == TRK_WHAT_OUTPUT)
		want_output(cl, s->off, s->off + s->len);
	else if (s->what == TRK_WHAT_INPUT && s->token == cl->tx.token)
		cl->tx.again = true;
	else if (s->what == TRK_WHAT_INPUT)
		want_input(cl, s->off, s->off + s->len);
}

/*
 * Nothing helps but a timeout request.  From now on the client is silent in the
 * old domain.
 */
static void timed_out(struct trk_client *cl)
{
	u64 x;

	cl->stat.timeouts++;
	cl->num.dupthresh = TRK_DUPTHRESH;
	cl->req.last_chance = false;
	cl->req.timeout_due = true;
	cl->req.knocking = false;
	cl->req.opened = false;
	cl->rx.asked_before = 0;
	if (cl->req.waiting) {
		/* What the last timeout request carried goes again with the next. */
		if (cl->req.pending.fin && !cl->tx.fin_acked)
			cl->tx.fin_sent = false;
		cl->req.pending.state = TRK_SLOT_EXPECTED;
		again(cl, &cl->req.pending);
		if (cl->req.pending.what == TRK_WHAT_OUTPUT)
			next_lost(cl, cl->req.pending.off);
		return;
	}
	cl->req.waiting = true;
	cl->req.attempt = 1;
	for (x = cl->num.nrep + 1; x <= cl->num.hi; x++)
		if (trk_client_slot(cl, x)->state == TRK_SLOT_EXPECTED)
			lose(cl, x);
}

/*
 * The retransmission timer expired.  If unreported packets are left, they are
 * used to ask again (the holes below them are lost; what was never seen is not
 * declared, only asked for); otherwise, or if that brought nothing, the server
 * is told of the timeout (RFC 6298 §5).
 */
static void expire(struct trk_client *cl)
{
	u8 most = cl->state == TRK_CL_FIRST ? TRK_FIRST_ATTEMPTS : TRK_MAX_ATTEMPTS;
	bool early = can_probe(cl);
	u64 x;

	/* As TCP: no answer to this many tries.  First requests end before their cookie does. */
	if (!early && ++cl->req.attempt > most) {
		client_die(cl, ETIMEDOUT);
		return;
	}
	cl->timer.backoff += !early;
	if (cl->state == TRK_CL_FIRST) {
		cl->req.first_sent = false;
		return;
	}
	cl->timer.force = true;
	if (!cl->req.waiting && !cl->timer.probed) {
		cl->timer.probed = true;
		cl->stat.probes++;
		declare(cl, true);
		for (x = cl->num.edge; x <= cl->num.hi; x++)
			again(cl, trk_client_slot(cl, x));
		/* If no request comes of it, it is a timeout, but not before its time. */
		cl->req.last_chance = !early;
		if (early)
			cl->timer.rto_deadline_us = cl->timer.armed_us + timer_wait(cl);
		return;
	}
	timed_out(cl);
}

/**
 * trk_client_timer - the deadline may have passed
 * @cl: the client
 * @now_us: monotonic time
 *
 * Call trk_client_pump() afterwards; look at cl->state first.
 */
void trk_client_timer(struct trk_client *cl, u64 now_us)
{
	if (now_us >= cl->timer.delack_deadline_us) {
		cl->timer.delack_deadline_us = U64_MAX;
		cl->timer.force = true;
	}
	if (now_us >= cl->timer.rto_deadline_us) {
		cl->timer.rto_deadline_us = U64_MAX;
		if (client_busy(cl))
			expire(cl);
	}
	if (now_us >= cl->timer.pace_deadline_us)
		cl->timer.pace_deadline_us = U64_MAX;
	if (now_us >= cl->timer.reseal_deadline_us)
		cl->timer.reseal_deadline_us = U64_MAX;
	if (now_us >= cl->timer.idle_deadline_us)
		cl->timer.idle_deadline_us = now_us;
	if (cl->state != TRK_CL_DEAD && cl->timer.rto_deadline_us == U64_MAX)
		arm(cl, now_us);
	set_deadline(cl);
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
 * Return: true if @out is to be sent.  Does not sleep.
 */
bool trk_client_pump(struct trk_client *cl, u64 now_us, struct trk_out_req *out)
{
	trk_ranges_sub(&cl->rx.holes, 0, cl->rcv_nxt);
	cl->rx.window_max = max_t(u64, cl->rx.window_max, cl->rcv_limit - cl->rcv_nxt);
	input_release(cl);
	if (cl->state == TRK_CL_FIRST) {
		if (cl->req.first_sent || !(cl->in_end || cl->in_fin || cl->want_first))
			return false;
		trk_request_first(cl, now_us, out);
		arm(cl, now_us);
		return true;
	}
	if (cl->state != TRK_CL_OPEN)
		return false;
	/*
	 * The key of the domain will not be held for ever.  Let come what was asked for, and
	 * begin another.
	 */
	if (!cl->req.waiting && cl->held.key_changes >= TRK_DOMAIN_KEYS) {
		if (!cl->num.expected)
			timed_out(cl);
	} else if (!cl->req.waiting && trk_request_range(cl, now_us, out)) {
		arm(cl, now_us);
		return true;
	}
	cl->timer.force = false;
	if (cl->req.last_chance)
		timed_out(cl);
	if (cl->req.timeout_due) {
		trk_request_timeout(cl, now_us, out);
		arm(cl, now_us);
		return true;
	}
	/* Idle with no trickle to send: look again after a while. */
	if (now_us >= cl->timer.idle_deadline_us)
		cl->timer.idle_deadline_us = now_us + TRK_KEEPALIVE_US;
	if (cl->timer.rto_deadline_us == U64_MAX)
		arm(cl, now_us);
	else
		set_deadline(cl);
	return false;
}

/**
 * trk_client_input_done - is there nothing left to do for what was written?
 * @cl: the client
 *
 * The server consumed all of it; or it saw all, and that nothing follows, and
 * left it.
 */
bool trk_client_input_done(const struct trk_client *cl)
{
	if (cl->in_fin && !cl->tx.fin_acked)
		return false;
	return cl->in_una == cl->in_end ||
	       (cl->in_fin && !cl->tx.token && cl->tx.stall >= cl->in_end);
}
