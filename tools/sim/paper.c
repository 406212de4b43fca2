// SPDX-License-Identifier: GPL-2.0
/*
 * The recovery of the paper (§2.5) as a model, to be compared with the core's.  Lost packets
 * are sent again under their old numbers, at most burstLimit of a run of losses.  The last
 * newCwnd requests of the window survive.  If one of them is lost, its continuation comes back
 * without data ("bare"), and the client makes a request of it.  After a timeout the window is
 * the initial one.
 *
 * The model knows numbers only: no seals, no bytes.  Where the paper leaves a choice, it takes
 * what is better for recovery.  By condition (a) only newCwnd - 1 requests survive, and a number
 * would be missing: the packet sent again for the first loss continues the trickle of that one.
 * A bare continuation counts as the arrival of its number; what its trickle issues a round trip
 * later is waited for, not taken for lost.  The client says what each response is to bring, so
 * that after a timeout nothing is sent that it has.
 */
#include <stdlib.h>

#include "core/law.h"
#include "net.h"

#define RTO_MIN_US	200000
#define RTO_MAX_US	60000000
#define NO_PIECE	U32_MAX
#define DELACK_US	10000
#define CONT_LEN	87		/* bytes of a continuation with one loss event (§2.1) */

enum request_kind { REQ_NUMBER, REQ_AGAIN, REQ_RECREATE, REQ_TIMEOUT };

/*
 * What a request says; the numbers that were lost follow, in ascending order.  This struct and
 * struct response have no padding, since net.c makes a hash of all bytes of a packet.
 */
struct request {
	u32 kind;
	u32 wants;		/* there is more to ask for */
	u64 k;			/* request number */
	u64 base;		/* TCPBase, startCwnd, ssthresh of the continuation */
	u32 start_cwnd, ssthresh;
	u32 epoch;		/* how many timeouts came before */
	u32 nlost;
};

static_assert(sizeof(struct request) == 40, "no padding");

enum response_kind { RESP_DATA, RESP_AGAIN, RESP_BARE };

/* A response; the numbers of bare continuations follow. */
struct response {
	u32 kind;
	u32 count;
	u64 number;
	u32 epoch;
	/* the rest is of the answer to a timeout: the continuation of the new epoch */
	u32 start_cwnd;
	u64 base;
	u64 ssthresh;
};

static_assert(sizeof(struct response) == 40, "no padding");

/* What the client knows of a number. */
struct number {
	u32 piece;		/* of the stream, which it is to bring; NO_PIECE: none */
	bool arrived, bare;
	u64 asked;		/* the request that asked for it, counted from 1; 0: none yet */
	u64 sent_us;		/* when that request was sent */
};

struct client {
	u64 base;
	u32 start_cwnd, ssthresh;
	u32 epoch;
	u64 requests;
	u64 edge;		/* all numbers below have been reported, as arrived or as lost */
	u64 latest;		/* the latest request of which anything arrived */
	u64 highest;		/* highest number expected */
	struct number *number;
	size_t nnumbers;
	u64 *lost;		/* in ascending order */
	size_t nlost, lost_room;
	u8 *have, *asked;	/* by piece: it has come, it was asked for */
	u32 pieces, next, unasked, left;
	u64 srtt_us, rttvar_us, rto_us, rto_at_us, delack_at_us;
	u32 backoff;
	bool begun;
};

/* ---- what both ends compute ---- */

struct event {
	u64 first_loss, recover;
	u32 cwnd, new_cwnd;
};

/* The state before request k: @piece is its stretch; true if k is within a loss event, @e. */
static bool state_at(const struct request *q, const u64 *lost, u64 k, struct request *piece,
		     struct event *e)
{
	u32 i = 0;

	*piece = *q;
	while (i < q->nlost && lost[i] < k) {
		e->first_loss = lost[i];
		e->cwnd = trk_law_cwnd(lost[i] - 1 - piece->base, piece->start_cwnd,
				       piece->ssthresh);
		e->recover = lost[i] - 1 + e->cwnd;
		e->new_cwnd = max_t(u32, e->cwnd / 2, TRK_MIN_CWND);
		if (k <= e->recover)
			return true;
		piece->base = e->recover;
		piece->start_cwnd = e->new_cwnd;
		piece->ssthresh = e->new_cwnd;
		while (i < q->nlost && lost[i] <= e->recover)
			i++;
	}
	return false;
}

/* The loss event that lost request j begins if it is the first loss behind its stretch @piece. */
static void event_of(const struct request *piece, u64 j, struct event *e)
{
	e->first_loss = j;
	e->cwnd = trk_law_cwnd(j - 1 - piece->base, piece->start_cwnd, piece->ssthresh);
	e->recover = j - 1 + e->cwnd;
	e->new_cwnd = max_t(u32, e->cwnd / 2, TRK_MIN_CWND);
}

/* Condition (a) of the paper (§2.5): does request k of an event survive? */
static bool survives(const struct event *e, u64 k)
{
	return k > e->first_loss && e->cwnd - (k - e->first_loss) < e->new_cwnd;
}

/* What one request makes the server send. */
struct answer {
	u64 first, last;	/* new numbers; none if first > last */
	u64 run;		/* where the run of losses begins that ends just below k */
	u32 again;		/* how many of that run are sent again */
	u64 bare_first, bare_last;	/* bare continuations; none if first > last */
};

static void answer_number(const struct request *q, const u64 *lost, u32 burst, struct answer *a)
{
	struct request piece;
	struct event e;
	u32 i = 0, run = 0;
	u64 j, k = q->k;

	*a = (struct answer){ .first = 1, .bare_first = 1 };
	while (i < q->nlost && lost[i] < k)
		i++;
	while (run < i && lost[i - 1 - run] == k - 1 - run)
		run++;
	a->run = k - run;
	a->again = min_t(u32, run, burst);
	for (j = a->run; j < k; j++) {
		if (!state_at(q, lost, j, &piece, &e))
			event_of(&piece, j, &e);
		if (!survives(&e, j))
			continue;
		if (a->bare_first > a->bare_last)
			a->bare_first = j + e.new_cwnd - 1;
		a->bare_last = j + e.new_cwnd - 1;
	}
	if (!state_at(q, lost, k, &piece, &e)) {
		a->first = k + trk_law_cwnd(k - 1 - piece.base, piece.start_cwnd, piece.ssthresh);
		a->last = k + trk_law_cwnd(k - piece.base, piece.start_cwnd, piece.ssthresh);
	} else if (survives(&e, k)) {
		a->first = k + e.new_cwnd - 1;
		a->last = a->first;
	}
}

/* What the first loss of an event issues when it was sent again; 0 for any other loss. */
static u64 answer_again(const struct request *q, const u64 *lost)
{
	struct request piece;
	struct event e;

	if (state_at(q, lost, q->k, &piece, &e))
		return 0;
	event_of(&piece, q->k, &e);
	return e.recover + e.new_cwnd;
}

/* ---- the client ---- */

static u32 piece_len(const struct conn *c, u32 piece)
{
	u32 full = c->net->sc->seg_size - CONT_LEN;

	return (u32)min_t(u64, full, c->group->len - (u64)piece * full);
}

static struct number *number_at(struct conn *c, u64 x)
{
	struct client *cl = c->m;
	size_t i, n = cl->nnumbers;

	if (x >= n) {
		struct number *old = cl->number;

		cl->nnumbers = max_t(size_t, 2 * n, x + 64);
		cl->number = conn_alloc(c, cl->nnumbers * sizeof(*old));
		if (n)
			memcpy(cl->number, old, n * sizeof(*old));
		for (i = n; i < cl->nnumbers; i++)
			cl->number[i].piece = NO_PIECE;
		conn_free(c, old, n * sizeof(*old));
	}
	return &cl->number[x];
}

static void lost_add(struct conn *c, u64 x)
{
	struct client *cl = c->m;

	if (cl->nlost == cl->lost_room) {
		size_t room = 2 * cl->lost_room + 16;
		u64 *more = conn_alloc(c, room * sizeof(*more));

		if (cl->nlost)
			memcpy(more, cl->lost, cl->nlost * sizeof(*more));
		conn_free(c, cl->lost, cl->lost_room * sizeof(*more));
		cl->lost = more;
		cl->lost_room = room;
	}
	cl->lost[cl->nlost++] = x;
	c->net->count.lost++;
}

/* Is there a piece that no response is to bring?  If so, cl->unasked is the first one. */
static bool piece_left(struct client *cl)
{
	while (cl->unasked < cl->pieces && (cl->have[cl->unasked] || cl->asked[cl->unasked]))
		cl->unasked++;
	return cl->unasked < cl->pieces;
}

static void expect(struct conn *c, u64 x, bool bare)
{
	struct client *cl = c->m;
	struct number *n = number_at(c, x);

	n->piece = NO_PIECE;
	if (piece_left(cl)) {
		n->piece = cl->unasked;
		cl->asked[n->piece] = 1;
	}
	n->bare = bare;
	n->arrived = false;
	n->asked = cl->requests;
	n->sent_us = c->net->sim.now_us;
	cl->highest = max_t(u64, cl->highest, x);
}

static void send_request(struct conn *c, enum request_kind kind, u64 k)
{
	struct client *cl = c->m;
	struct request q = { .kind = kind, .epoch = cl->epoch, .k = k, .base = cl->base,
			     .start_cwnd = cl->start_cwnd, .ssthresh = cl->ssthresh };
	struct packet *p;
	struct answer a;
	u64 x;

	while (q.nlost < cl->nlost && cl->lost[q.nlost] < k)
		q.nlost++;
	q.wants = piece_left(cl);
	cl->requests++;
	if (kind == REQ_NUMBER && q.wants) {
		answer_number(&q, cl->lost, c->net->sc->burst_limit, &a);
		for (x = a.bare_first; x <= a.bare_last; x++)
			expect(c, x, true);
		for (x = a.first; x <= a.last; x++)
			expect(c, x, false);
	} else if (kind == REQ_AGAIN && q.wants) {
		x = answer_again(&q, cl->lost);
		if (x)
			expect(c, x, false);
	}
	c->net->count.requests++;
	p = packet_new(0, 0, (u8 *)&q, sizeof(q), q.nlost * sizeof(*cl->lost));
	if (q.nlost)
		memcpy(p->data + sizeof(q), cl->lost, q.nlost * sizeof(*cl->lost));
	conn_send(c, SIM_UP, p);
}

static void rtt_sample(struct client *cl, u64 sample)
{
	u64 dev = sample > cl->srtt_us ? sample - cl->srtt_us : cl->srtt_us - sample;

	cl->rttvar_us = cl->srtt_us ? (3 * cl->rttvar_us + dev) / 4 : sample / 2;
	cl->srtt_us = cl->srtt_us ? (7 * cl->srtt_us + sample) / 8 : sample;
	cl->rto_us = max_t(u64, cl->srtt_us + 4 * cl->rttvar_us, RTO_MIN_US);
}

static void arm(struct conn *c)
{
	struct client *cl = c->m;

	cl->rto_at_us = c->net->sim.now_us +
			min_t(u64, cl->rto_us << min_t(u32, cl->backoff, 16), RTO_MAX_US);
}

/* A piece has come.  The timer starts again if it was the next one in order, as TCP's does. */
static void piece_arrived(struct conn *c, u32 piece)
{
	struct client *cl = c->m;
	u32 before = cl->next;

	if (piece == NO_PIECE || cl->have[piece])
		return;
	cl->have[piece] = 1;
	cl->left--;
	while (cl->next < cl->pieces && cl->have[cl->next])
		c->net->count.bytes_down += piece_len(c, cl->next++);
	if (cl->next == before)
		return;
	cl->backoff = 0;
	arm(c);
}

/* Has a number above x arrived that was asked for by the same request as x? */
static bool later_arrived(const struct client *cl, u64 x)
{
	u64 asked = cl->number[x].asked;

	for (x++; x <= cl->highest && cl->number[x].asked == asked; x++)
		if (cl->number[x].arrived)
			return true;
	return false;
}

/* Delayed acknowledgment (paper §2.1): outside of a loss event, requests go two at a time. */
static bool delayed(struct conn *c)
{
	struct client *cl = c->m;
	struct request q = { .base = cl->base, .start_cwnd = cl->start_cwnd,
			     .ssthresh = cl->ssthresh, .nlost = (u32)cl->nlost };
	struct request piece;
	struct event e;

	if (cl->edge == cl->highest || number_at(c, cl->edge)->bare ||
	    number_at(c, cl->edge + 1)->arrived || state_at(&q, cl->lost, cl->edge, &piece, &e))
		return false;
	if (cl->delack_at_us == U64_MAX)
		cl->delack_at_us = c->net->sim.now_us + DELACK_US;
	return true;
}

/*
 * Reports what has been decided, in the order of the numbers.  Links keep the order, so a number
 * is lost if something arrived that was asked for later.  A number that was not asked for yet
 * belongs to a trickle that is still to be recreated, and is waited for.
 */
static void advance(struct conn *c, bool at_once)
{
	struct client *cl = c->m;
	u32 reported = 0;

	for (; cl->edge <= cl->highest; cl->edge++) {
		struct number *n = number_at(c, cl->edge);

		if (!n->asked || (!n->arrived && n->asked > cl->latest))
			return;
		if (!n->arrived && n->asked == cl->latest && !later_arrived(cl, cl->edge))
			return;
		if (n->arrived && !at_once && reported % 2 == 0 && delayed(c))
			return;
		cl->delack_at_us = U64_MAX;
		reported++;
		/* A trickle with nothing to ask for ends, unless there are losses to report. */
		if (!n->arrived)
			lost_add(c, cl->edge);
		else if (n->bare)
			send_request(c, REQ_RECREATE, cl->edge);
		else if (piece_left(cl) || cl->nlost)
			send_request(c, REQ_NUMBER, cl->edge);
	}
}

static void arrived(struct conn *c, u64 x)
{
	struct client *cl = c->m;
	struct number *n = number_at(c, x);

	n->arrived = true;
	cl->latest = max_t(u64, cl->latest, n->asked);
}

static void epoch_begin(struct conn *c, const struct response *r)
{
	struct client *cl = c->m;
	u32 i;

	cl->base = r->base;
	cl->start_cwnd = r->start_cwnd;
	cl->ssthresh = (u32)r->ssthresh;
	cl->edge = r->base + 1;
	cl->delack_at_us = U64_MAX;
	cl->highest = r->base;
	cl->nlost = 0;
	cl->begun = true;
	memcpy(cl->asked, cl->have, cl->pieces);
	cl->unasked = 0;
	for (i = 1; i <= r->count; i++)
		expect(c, r->base + i, false);
}

static void paper_at_client(struct conn *c, struct packet *p)
{
	struct client *cl = c->m;
	struct response r;
	struct number *n;
	u64 x;
	u32 i;

	memcpy(&r, p->data, sizeof(r));
	if (r.epoch != cl->epoch)
		return;
	if (!cl->begun)
		epoch_begin(c, &r);
	c->net->count.responses++;
	for (i = 0; r.kind == RESP_BARE && i < r.count; i++) {
		memcpy(&x, p->data + sizeof(r) + i * sizeof(x), sizeof(x));
		if (x >= cl->edge)
			arrived(c, x);
	}
	if (r.kind != RESP_BARE) {
		n = number_at(c, r.number);
		piece_arrived(c, n->piece);
		if (!cl->left) {
			conn_done(c);
			conn_close(c, CONN_DONE);
			return;
		}
		if (r.kind == RESP_AGAIN && !n->arrived) {
			n->arrived = true;
			send_request(c, REQ_AGAIN, r.number);
		} else if (r.kind == RESP_DATA && n->bare) {
			/* The trickle is recreated. */
			n->bare = false;
			send_request(c, REQ_NUMBER, r.number);
		} else if (r.kind == RESP_DATA && r.number >= cl->edge && !n->arrived) {
			rtt_sample(cl, c->net->sim.now_us - n->sent_us);
			arrived(c, r.number);
		}
	}
	advance(c, false);
}

static void paper_connected(struct conn *c, u64 rtt_us)
{
	struct client *cl = conn_alloc(c, sizeof(*cl));
	u32 full = c->net->sc->seg_size - CONT_LEN;

	c->m = cl;
	cl->pieces = (u32)((c->group->len + full - 1) / full);
	cl->left = cl->pieces;
	cl->have = conn_alloc(c, cl->pieces);
	cl->asked = conn_alloc(c, cl->pieces);
	cl->ssthresh = TRK_SSTHRESH_INF;
	cl->rto_us = max_t(u64, 3 * rtt_us, RTO_MIN_US);
	cl->delack_at_us = U64_MAX;
	send_request(c, REQ_TIMEOUT, 1);
	arm(c);
}

static void expire(struct conn *c)
{
	struct client *cl = c->m;
	u64 first = cl->nlost ? cl->lost[0] : cl->edge;

	c->net->count.timeouts++;
	cl->backoff++;
	cl->epoch++;
	/* If the timeout request before was not answered, this one says the same once more. */
	if (cl->begun) {
		struct request q = { .base = cl->base, .start_cwnd = cl->start_cwnd,
				     .ssthresh = cl->ssthresh };
		u32 cwnd = trk_law_cwnd(first - 1 - q.base, q.start_cwnd, q.ssthresh);

		cl->ssthresh = max_t(u32, cwnd / 2, TRK_MIN_CWND);
		cl->start_cwnd = TRK_INITIAL_WINDOW;
		cl->base = cl->highest;
		cl->nlost = 0;
		cl->begun = false;
	}
	send_request(c, REQ_TIMEOUT, cl->base + 1);
	arm(c);
}

static void paper_timer(struct conn *c)
{
	struct client *cl = c->m;

	if (cl->delack_at_us <= c->net->sim.now_us)
		advance(c, true);
	if (cl->rto_at_us <= c->net->sim.now_us)
		expire(c);
}

static u64 paper_deadline(const struct conn *c)
{
	const struct client *cl = c->m;

	return min_t(u64, cl->rto_at_us, cl->delack_at_us);
}

static void paper_close(struct conn *c)
{
	struct client *cl = c->m;

	conn_free(c, cl->have, cl->pieces);
	conn_free(c, cl->asked, cl->pieces);
	conn_free(c, cl->number, cl->nnumbers * sizeof(*cl->number));
	conn_free(c, cl->lost, cl->lost_room * sizeof(*cl->lost));
	conn_free(c, cl, sizeof(*cl));
}

static void paper_sample(const struct conn *c, struct conn_sample *s)
{
	const struct client *cl = c->m;
	struct request q = { .base = cl->base, .start_cwnd = cl->start_cwnd,
			     .ssthresh = cl->ssthresh, .nlost = (u32)cl->nlost };
	struct request piece;
	struct event e;
	u64 x;

	*s = (struct conn_sample){ .srtt_us = cl->srtt_us };
	if (cl->begun) {
		for (x = cl->edge; x <= cl->highest; x++)
			s->in_flight += cl->number[x].asked && !cl->number[x].arrived;
		s->cwnd = state_at(&q, cl->lost, cl->edge, &piece, &e) ?
			e.new_cwnd :
			trk_law_cwnd(cl->edge - 1 - piece.base, piece.start_cwnd, piece.ssthresh);
	}
	for (x = 0; x < cl->next; x++)
		s->received += piece_len(c, (u32)x);
}

/* ---- the server: a function of the request ---- */

static void respond(struct conn *c, const struct request *q, enum response_kind kind, u64 number,
		    u32 count)
{
	struct response r = { .kind = kind, .epoch = q->epoch, .number = number, .count = count,
			      .base = q->base, .start_cwnd = q->start_cwnd,
			      .ssthresh = q->ssthresh };
	struct packet *p;
	u32 i;

	if (kind != RESP_BARE) {
		p = packet_new((u32)number, 0, (u8 *)&r, sizeof(r), 0);
		p->ghost = c->net->sc->seg_size - sizeof(r);
	} else {
		p = packet_new((u32)number, 0, (u8 *)&r, sizeof(r), count * sizeof(number));
		for (i = 0; i < count; i++, number++)
			memcpy(p->data + sizeof(r) + i * sizeof(number), &number, sizeof(number));
		p->ghost = count * (CONT_LEN - sizeof(number));
	}
	conn_send(c, SIM_DOWN, p);
}

static void paper_at_server(struct replica *rep, struct packet *p)
{
	struct conn *back = &rep->net->conn[p->client];
	const u64 *lost;
	struct request q;
	struct answer a;
	u64 x;

	memcpy(&q, p->data, sizeof(q));
	lost = (const u64 *)(p->data + sizeof(q));
	switch (q.kind) {
	case REQ_TIMEOUT:
		q.start_cwnd = TRK_INITIAL_WINDOW;
		for (x = 1; x <= TRK_INITIAL_WINDOW; x++)
			respond(back, &q, RESP_DATA, q.base + x, TRK_INITIAL_WINDOW);
		break;
	case REQ_RECREATE:
		respond(back, &q, RESP_DATA, q.k, 0);
		break;
	case REQ_AGAIN:
		x = q.wants ? answer_again(&q, lost) : 0;
		if (x)
			respond(back, &q, RESP_DATA, x, 0);
		break;
	default:
		answer_number(&q, lost, rep->net->sc->burst_limit, &a);
		for (x = a.run; x < a.run + a.again; x++) {
			respond(back, &q, RESP_AGAIN, x, 0);
			rep->net->count.again_down += rep->net->sc->seg_size - CONT_LEN;
		}
		if (!q.wants)
			break;
		if (a.bare_first <= a.bare_last)
			respond(back, &q, RESP_BARE, a.bare_first,
				(u32)(a.bare_last - a.bare_first + 1));
		for (x = a.first; x <= a.last; x++)
			respond(back, &q, RESP_DATA, x, 0);
	}
}

static void paper_view(const struct packet *p, enum sim_dir dir, struct packet_view *v)
{
	static const char *const requests[] = { "range", "again", "recreate", "timeout" };
	static const char *const responses[] = { "data", "again", "bare" };
	struct response r;
	struct request q;

	*v = (struct packet_view){};
	if (dir == SIM_UP) {
		memcpy(&q, p->data, sizeof(q));
		v->what = requests[q.kind];
		v->number = q.k;
		v->count = 1;
		return;
	}
	memcpy(&r, p->data, sizeof(r));
	v->what = responses[r.kind];
	v->number = r.number;
	v->count = r.kind == RESP_BARE ? r.count : 1;
	v->len = p->ghost;
}

const struct model paper_model = {
	.connected = paper_connected,
	.at_client = paper_at_client,
	.at_server = paper_at_server,
	.timer = paper_timer,
	.deadline = paper_deadline,
	.sample = paper_sample,
	.view = paper_view,
	.close = paper_close,
};
