// SPDX-License-Identifier: GPL-2.0
/*
 * Hosts that run the core: they do what the kernel and the applications do around it.
 * A client asks for its transfers one after the other and checks every byte.  A replica
 * has a key, a clock, perhaps a replay filter, and the request at hand.
 */
#include <stdlib.h>

#include "core/answer.h"
#include "core/client.h"
#include "core/server.h"
#include "net.h"
#include "pack.h"
#include "toyapp.h"

/* A range [a, b) of output that has come, above bytes that have not. */
struct span {
	u64 a, b;
};

/* A client's memory while its connection is open. */
struct host {
	struct trk_client cl;
	u32 written;			/* how many messages the application has written */
	u32 checked;			/* the message whose reply @key is for */
	u64 key;			/* what the bytes of that reply are made from */
	u64 next_us;			/* when the application writes the next message */
	struct span *ahead;		/* in ascending order */
	u32 nahead, room;
	u64 counted;			/* bytes of output that count() has counted */
} __attribute__((aligned(8)));

/* A client that waits for its application: its struct host and its ring, packed. */
struct packed {
	struct conn_sample sample;
	u64 deadline_us;
	u32 ring_size;
	size_t len;			/* words */
	u64 word[];
};

#define HOST_WORDS	(sizeof(struct host) / 8)
#define RING_WORDS(n)	((n) * sizeof(struct trk_entry) / 8)
static_assert(sizeof(struct trk_entry) % 8 == 0, "packed by words");

/* ---- the application: its messages are alike, but each has a key of its own ---- */

static u64 message_key(const struct conn *c, u32 i)
{
	return ((u64)c->id << 32 | i) * 0x9e3779b97f4a7c15ULL | 1;
}

static u32 message_len(const struct sim_group *g)
{
	return TOY_MSG_LEN + (g->transfer == SIM_GET ? 0 : (u32)g->len);
}

static u64 reply_len(const struct sim_group *g)
{
	return g->transfer == SIM_PUT ? TOY_REPLY_LEN : g->len;
}

static u64 output_len(const struct sim_group *g)
{
	return reply_len(g) * g->times;
}

static u8 message_kind(const struct sim_group *g)
{
	static const u8 kinds[] = { [SIM_GET] = TOY_GET, [SIM_PUT] = TOY_PUT,
				    [SIM_ECHO] = TOY_ECHO };

	return kinds[g->transfer];
}

/* Bytes [off, off + len) of what the client sends. */
static void message_bytes(const struct conn *c, u64 off, u8 *p, u32 len)
{
	const struct sim_group *g = c->group;
	u32 whole = message_len(g);

	while (len) {
		u32 i = (u32)(off / whole), at = (u32)(off % whole), n;

		if (at < TOY_MSG_LEN) {
			struct toy_msg m = {
				.kind = message_kind(g),
				.flags = i + 1 == g->times && !g->keep ? TOY_LAST : 0,
				.gran = 1,
				.len = (u32)g->len,
				.key = message_key(c, i),
			};
			u8 head[TOY_MSG_LEN];

			toy_msg_write(head, &m);
			n = min_t(u32, len, TOY_MSG_LEN - at);
			memcpy(p, head + at, n);
		} else {
			n = min_t(u32, len, whole - at);
			toy_bytes(message_key(c, i) + 1, at - TOY_MSG_LEN, p, n);
		}
		p += n;
		off += n;
		len -= n;
	}
}

/* The key that the bytes of the reply to message @i are made from. */
static u64 reply_key(const struct conn *c, u32 i)
{
	u64 digest = message_key(c, i), at;
	u8 part[4096];

	if (c->group->transfer == SIM_GET)
		return digest;
	if (c->group->transfer == SIM_ECHO)
		return digest + 1;
	for (at = 0; at < c->group->len; at += sizeof(part)) {
		u32 n = (u32)min_t(u64, sizeof(part), c->group->len - at);

		toy_bytes(message_key(c, i) + 1, at, part, n);
		digest = toy_digest(digest, part, n);
	}
	return digest | 1;
}

/* How many bytes are not what the server's application has made. */
static u64 wrong_bytes(const struct conn *c, u64 off, const u8 *p, u32 len)
{
	struct host *h = c->m;
	u64 whole = reply_len(c->group), wrong = 0;
	u8 want[TRK_MAX_SEG_SIZE];

	while (len) {
		u32 i = (u32)(off / whole), n = (u32)min_t(u64, len, whole - off % whole), k;

		if (i >= c->group->times)
			return wrong + len;
		if (i != h->checked) {
			h->key = reply_key(c, i);
			h->checked = i;
		}
		/* So the server makes it too: byte n of a reply is byte n of its key. */
		toy_bytes(h->key, off % whole, want, n);
		for (k = 0; k < n && memcmp(p, want, n); k++)
			wrong += p[k] != want[k];
		p += n;
		off += n;
		len -= n;
	}
	return wrong;
}

/* ---- the client ---- */

static u32 client_random(void *arg)
{
	return (u32)rng_u64(&((struct conn *)arg)->net->client_rng);
}

/* Makes room for more ranges of output that came out of order. */
static void ahead_grow(struct conn *c)
{
	struct host *h = c->m;
	u32 room = 2 * h->room + 8;
	struct span *s = conn_alloc(c, room * sizeof(*s));

	if (h->nahead)
		memcpy(s, h->ahead, h->nahead * sizeof(*s));
	conn_free(c, h->ahead, h->room * sizeof(*s));
	h->ahead = s;
	h->room = room;
}

/* Replaces entries [i, j) of @ahead by n new ones, which the caller fills in: none or one. */
static void ahead_splice(struct host *h, u32 i, u32 j, u32 n)
{
	if (h->nahead > j)
		memmove(h->ahead + i + n, h->ahead + j, (h->nahead - j) * sizeof(*h->ahead));
	h->nahead -= j - i - n;
}

/* Output [a, b) has come: moves rcv_nxt, or keeps the range until what is below it comes. */
static void arrived(struct conn *c, u64 a, u64 b)
{
	struct host *h = c->m;
	u32 i = 0, j;

	while (i < h->nahead && h->ahead[i].b < a)
		i++;
	for (j = i; j < h->nahead && h->ahead[j].a <= b; j++) {
		a = min_t(u64, a, h->ahead[j].a);
		b = max_t(u64, b, h->ahead[j].b);
	}
	if (a <= h->cl.rcv_nxt) {
		h->cl.rcv_nxt = max_t(u64, h->cl.rcv_nxt, b);
		ahead_splice(h, i, j, 0);
		return;
	}
	if (h->nahead == h->room)
		ahead_grow(c);
	ahead_splice(h, i, j, 1);
	h->ahead[i] = (struct span){ a, b };
}

static void client_ring(struct conn *c)
{
	struct trk_client *cl = &((struct host *)c->m)->cl;
	struct trk_entry *old = cl->num.ring;
	u32 size = cl->num.ring_size;

	if (cl->ring_want <= size)
		return;
	trk_client_set_ring(cl, conn_alloc(c, cl->ring_want * sizeof(*old)), cl->ring_want);
	conn_free(c, old, size * sizeof(*old));
}

static void client_send(struct conn *c, const struct trk_sending *o)
{
	struct packet *p;

	if (o->syn) {
		conn_send(c, SIM_UP, packet_syn(c->client_isn + o->seq, 0));
		return;
	}
	p = packet_new(c->client_isn + 1 + o->seq, c->server_isn + 1 + o->ackrel, o->hdr,
		       o->hdr_len, o->in_len);
	message_bytes(c, o->in_off, p->data + o->hdr_len, o->in_len);
	conn_send(c, SIM_UP, p);
}

static void count(struct conn *c)
{
	struct net_counts *n = &c->net->count;
	struct host *h = c->m;

	n->bytes_down += h->cl.rcv_nxt - h->counted;
	h->counted = h->cl.rcv_nxt;
}

static void client_pump(struct conn *c)
{
	struct host *h = c->m;
	struct trk_client *cl = &h->cl;
	struct trk_sending o;

	cl->rcv_limit = cl->rcv_nxt + c->group->buffer;
	client_ring(c);
	while (trk_client_pump(cl, c->net->sim.now_us, &o)) {
		client_send(c, &o);
		client_ring(c);
	}
}

/* What the application does next. */
static void client_app(struct conn *c)
{
	const struct sim_group *g = c->group;
	struct host *h = c->m;
	struct trk_client *cl = &h->cl;

	count(c);
	if (cl->state == TRK_CL_DEAD) {
		conn_close(c, CONN_FAILED);
		return;
	}
	if (cl->rcv_nxt == output_len(g) && trk_client_input_done(cl)) {
		conn_done(c);
		if (!g->keep && cl->fin_off == output_len(g)) {
			struct trk_sending o;

			trk_request_close(cl, &o);
			client_send(c, &o);
			conn_close(c, CONN_DONE);
		}
		return;
	}
	if (h->next_us != U64_MAX || h->written == g->times ||
	    cl->rcv_nxt < h->written * reply_len(g))
		return;
	h->next_us = c->net->sim.now_us + (h->written ? g->pause_us : 0);
}

static void client_write(struct conn *c)
{
	struct host *h = c->m;

	if (h->next_us > c->net->sim.now_us)
		return;
	h->next_us = U64_MAX;
	h->written++;
	h->cl.snd_end = (u64)h->written * message_len(c->group);
	client_pump(c);
}

static u64 core_deadline(const struct conn *c)
{
	const struct host *h = c->m;

	return c->packed ? c->packed->deadline_us : min_t(u64, h->cl.deadline_us, h->next_us);
}

static void core_sample(const struct conn *c, struct conn_sample *s)
{
	const struct host *h = c->m;

	if (c->packed)
		*s = c->packed->sample;
	else
		*s = (struct conn_sample){ .cwnd = h->cl.cwnd, .in_flight = h->cl.num.expected,
					   .received = h->cl.rcv_nxt, .srtt_us = h->cl.srtt_us };
}

/*
 * Packs a client of which nothing is expected before its application goes on, so that a million
 * of them fit into memory.
 */
static void rest(struct conn *c)
{
	static u64 *room;
	static size_t nroom;
	struct host *h = c->m;
	struct packed *p;
	size_t need, len;

	if (!h || h->cl.num.expected || h->nahead || h->cl.state != TRK_CL_OPEN ||
	    h->cl.req.waiting ||
	    !(c->done || (h->next_us != U64_MAX && h->next_us > c->net->sim.now_us)))
		return;
	need = pack_bound(HOST_WORDS) + pack_bound(RING_WORDS(h->cl.num.ring_size));
	if (need > nroom) {
		nroom = need;
		room = reallocarray(room, nroom, sizeof(*room));
	}
	len = pack((const u64 *)h, HOST_WORDS, room);
	len += pack((const u64 *)h->cl.num.ring, RING_WORDS(h->cl.num.ring_size), room + len);
	p = conn_alloc(c, sizeof(*p) + len * sizeof(*room));
	p->len = len;
	p->ring_size = h->cl.num.ring_size;
	p->deadline_us = core_deadline(c);
	core_sample(c, &p->sample);
	memcpy(p->word, room, len * sizeof(*room));
	conn_free(c, h->cl.num.ring, h->cl.num.ring_size * sizeof(struct trk_entry));
	conn_free(c, h, sizeof(*h));
	c->packed = p;
	c->m = NULL;
}

static void wake(struct conn *c)
{
	struct packed *p = c->packed;
	const u64 *ring;
	struct host *h;

	if (!p)
		return;
	h = conn_alloc(c, sizeof(*h));
	ring = unpack(p->word, (u64 *)h, HOST_WORDS);
	h->cl.num.ring = conn_alloc(c, p->ring_size * sizeof(struct trk_entry));
	unpack(ring, (u64 *)h->cl.num.ring, RING_WORDS(p->ring_size));
	conn_free(c, p, sizeof(*p) + p->len * sizeof(*p->word));
	c->packed = NULL;
	c->m = h;
}

static void core_connected(struct conn *c, u64 rtt_us)
{
	struct host *h = conn_alloc(c, sizeof(*h));

	c->m = h;
	h->next_us = U64_MAX;
	h->checked = U32_MAX;
	trk_client_init(&h->cl, conn_alloc(c, TRK_RING_MIN * sizeof(struct trk_entry)),
			TRK_RING_MIN, client_random, c);
	h->cl.redundant = c->group->redundant;
	trk_client_connected(&h->cl, c->net->sc->seg_size, rtt_us);
	client_app(c);
	client_write(c);
}

static void core_opened(struct conn *c, const struct packet *p)
{
	struct host *h;

	wake(c);
	h = c->m;
	if (trk_receive_opened(&h->cl, p->ack - (c->client_isn + 1))) {
		c->server_isn = p->seq - h->cl.req.ackrel;
		client_pump(c);
	}
	rest(c);
}

static void core_at_client(struct conn *c, struct packet *p)
{
	struct net *n = c->net;
	struct trk_delivery in;
	struct trk_resp r;
	struct host *h;
	int err = trk_wire_resp_parse(&r, p->data, p->len, p->len);

	wake(c);
	h = c->m;
	if (!err)
		err = trk_receive_response(&h->cl, &r, p->seq - (c->server_isn + 1), n->sim.now_us,
					   &in);
	n->count.client_drops[err]++;
	if (!err && in.len) {
		n->count.wrong += wrong_bytes(c, in.off, p->data + p->len - in.len, in.len);
		arrived(c, in.off, in.off + in.len);
	}
	client_pump(c);
	client_app(c);
	if (c->m)
		client_write(c);
	rest(c);
}

static void core_timer(struct conn *c)
{
	struct host *h;

	wake(c);
	h = c->m;
	if (h->cl.deadline_us <= c->net->sim.now_us) {
		trk_timer_expired(&h->cl, c->net->sim.now_us);
		client_pump(c);
	}
	client_app(c);
	if (c->m)
		client_write(c);
	rest(c);
}

static void core_close(struct conn *c)
{
	struct net_counts *n = &c->net->count;
	struct host *h;

	wake(c);
	h = c->m;
	n->requests += h->cl.stat.requests;
	n->responses += h->cl.stat.responses;
	n->timeouts += h->cl.stat.timeouts;
	n->lost += h->cl.stat.lost;
	n->late += h->cl.stat.late;
	n->again_down += h->cl.stat.rcv_retrans;
	n->again_up += h->cl.stat.snd_retrans;
	n->bytes_up += h->cl.snd_una;
	count(c);
	conn_free(c, h->cl.num.ring, h->cl.num.ring_size * sizeof(struct trk_entry));
	conn_free(c, h->ahead, h->room * sizeof(*h->ahead));
	conn_free(c, h, sizeof(*h));
}

/* ---- a replica: it knows the packet, and perhaps which requests it has answered ---- */

static void server_answer(struct replica *rep, struct conn *back, const struct trk_peer *peer,
			  const struct trk_grant *g, const u8 *input)
{
	struct trk_packet out;
	u8 hdr[TRK_RESP_HDR_MAX];
	struct toy t;

	if (!toy_answer(&t, g, peer, input))
		return;
	if (trku_engine_answer(&rep->engine, peer, g, &t.a)) {
		rep->net->count.no_room++;
		return;
	}
	while (trk_answer_next(&t.a, hdr, &out)) {
		struct packet *p = packet_new(out.seq, g->ack, hdr, out.hdr_len, out.data_len);

		toy_fill(&t, out.data_at, p->data + out.hdr_len, out.data_len);
		conn_send(back, SIM_DOWN, p);
	}
}

static void core_at_server(struct replica *rep, struct packet *p)
{
	struct net *n = rep->net;
	/* The server knows no connection.  This is for the client's address, and the way back. */
	struct conn *back = &n->conn[p->client];
	struct trk_peer peer = conn_peer(back);
	struct trk_grant g;
	struct trk_req q;
	int err;

	rep->engine.now_ms = replica_now_ms(rep);
	err = trku_engine_request(&rep->engine, &peer, p->data, p->len, p->seq, p->ack, &q, &g);
	n->count.server_drops[err]++;
	if (!err && g.count)
		server_answer(rep, back, &peer, &g, p->data + q.hdr_len);
}

static void core_view(const struct packet *p, enum sim_dir dir, struct packet_view *v)
{
	static const char *const kinds[] = { [TRK_KIND_FIRST] = "first", [TRK_KIND_RANGE] = "range",
					     [TRK_KIND_TIMEOUT] = "timeout",
					     [TRK_KIND_CLOSE] = "close" };
	struct trk_resp r;
	struct trk_req q;

	*v = (struct packet_view){ .what = "malformed" };
	if (dir == SIM_DOWN && !trk_wire_resp_parse(&r, p->data, p->len, p->len)) {
		v->what = r.data_len ? "data" : "bare";
		v->number = r.num;
		v->count = r.span;
		v->off = r.off;
		v->len = r.data_len;
	} else if (dir == SIM_UP && !trk_wire_req_parse(&q, p->data, p->len, p->len)) {
		v->what = kinds[q.kind];
		v->number = q.n;
		v->count = q.kind == TRK_KIND_RANGE ? q.n - q.m + 1 : 0;
		v->off = q.has_input ? q.input_off : q.nask ? q.ask[0].off : 0;
		v->len = q.input_len;
	}
}

const struct model core_model = {
	.connected = core_connected,
	.opened = core_opened,
	.at_client = core_at_client,
	.at_server = core_at_server,
	.timer = core_timer,
	.deadline = core_deadline,
	.sample = core_sample,
	.view = core_view,
	.close = core_close,
};
