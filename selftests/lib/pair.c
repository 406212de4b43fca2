// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/answer.h"
#include "pair.h"
#include "sim/toykeys.h"

void pair_fail(struct pair *p, const char *fmt, ...)
{
	va_list ap;

	if (p->why[0])
		return;
	va_start(ap, fmt);
	vsnprintf(p->why, sizeof(p->why), fmt, ap);
	va_end(ap);
}

static void *more(void *old, size_t size)
{
	void *p = realloc(old, size);

	if (!p) {
		perror("pair");
		exit(1);
	}
	return p;
}

static u32 client_random(void *arg)
{
	return (u32)rng_u64(&((struct pair *)arg)->rng);
}

/* All replicas change their key.  They go on to hold the one before it, and @retired older ones. */
void pair_new_key(struct pair *p, unsigned int retired)
{
	p->current_key++;
	p->keys |= 1u << p->current_key;
	p->keys &= ~0u << (p->current_key - min_t(u32, p->current_key, 1 + retired));
}

static u64 server_ms(const struct pair *p)
{
	return PAIR_NOW_MS + p->later_ms + p->now_us / 1000;
}

/* Brings a replica's engine up to date: its keys, its clock, its settings. */
static struct trku_engine *engine(struct pair *p, unsigned int replica)
{
	struct trku_engine *e = &p->replica[replica].engine;
	u32 current = p->current_key - (p->split && replica);
	u32 previous = p->split && replica ? p->current_key : current - 1;
	u32 i;

	e->keys = 0;
	e->key[e->keys++] = &p->key[current].c;
	if (p->current_key)
		e->key[e->keys++] = &p->key[previous].c;
	for (i = p->current_key; i-- && e->keys < TRKU_KEYS_MAX;)
		if (i != current && i != previous && p->keys >> i & 1)
			e->key[e->keys++] = &p->key[i].c;
	e->replay = p->amnesia ? NULL : &p->replica[replica].replay;
	e->horizon_ms = p->horizon_ms;
	e->max_seg_size = p->route_size ?: PAIR_SEG_SIZE;
	e->moves = p->moves;
	e->now_ms = server_ms(p);
	return e;
}

/* Appends a message to the client's stream, and the reply that is due to the server's. */
static void build(struct pair *p, const struct toy_msg *m)
{
	u64 body = m->kind == TOY_GET ? 0 : m->len, reply = m->kind == TOY_PUT ? TOY_REPLY_LEN :
		   m->kind == TOY_SINK ? 0 : m->len, key = m->key;
	u8 *to;

	p->in = more(p->in, p->in_len + TOY_MSG_LEN + body);
	to = p->in + p->in_len;
	toy_msg_write(to, m);
	toy_bytes(m->key + 1, 0, to + TOY_MSG_LEN, body);
	p->in_len += TOY_MSG_LEN + body;
	if (m->kind == TOY_PUT)
		key = toy_digest(m->key, to + TOY_MSG_LEN, body) | 1;
	else if (m->kind == TOY_ECHO)
		key = m->key + 1;
	p->out = more(p->out, p->out_len + reply + 1);
	toy_bytes(key, 0, p->out + p->out_len, reply);
	p->out_len += reply;
	p->last |= m->flags & TOY_LAST;
}

/* Begins with a client that has written these messages and is not connected yet. */
void pair_begin(struct pair *p, const struct toy_msg *msg, unsigned int n)
{
	unsigned int i;

	memset(p, 0, sizeof(*p));
	p->now_us = 1000000;
	p->horizon_ms = 600000;
	p->keys = 1;
	p->rng.s = 1;
	p->client_isn = 77777;
	p->peer = (struct trk_peer){ .addr = { [15] = 1 }, .port = 40000, .service = 80 };
	for (i = 0; i < PAIR_KEYS; i++)
		toy_cipher(&p->key[i], i + 1, i + 1);
	for (i = 0; i < PAIR_REPLICAS; i++)
		toy_replay(&p->replica[i].replay, 4 * TRK_ONCE_WAYS);
	for (i = 0; i < n; i++)
		build(p, &msg[i]);
	p->have = calloc(1, p->out_len + 1);
	trk_client_init(&p->cl, p->ring, PAIR_RING, client_random, p);
	p->cl.rcv_limit = 64 << 20;
	p->cl.snd_end = p->in_len;
}

/* The handshake: the client gets its cookie. */
void pair_connect(struct pair *p, u64 rtt_us)
{
	p->server_isn = trku_engine_syn(engine(p, 0), &p->peer, p->client_isn);
	trk_client_connected(&p->cl, PAIR_SEG_SIZE, rtt_us);
}

void pair_end(struct pair *p)
{
	unsigned int i;

	for (i = 0; i < PAIR_REPLICAS; i++)
		trku_replay_free(&p->replica[i].replay);
	free(p->in);
	free(p->out);
	free(p->have);
	free(p->issue);
}

/* TCP payload of a request, at most, but for what its header needs. */
static u16 largest_request(const struct trk_client *cl)
{
	if (cl->state == TRK_CL_FIRST || cl->req.waiting)
		return trk_attempt_size(trk_client_seg_size(cl), cl->req.attempt);
	return cl->seg_size;
}

/* The next packet that the client sends, NULL for none. */
struct packet *pair_pump(struct pair *p)
{
	struct trk_sending o;
	struct packet *out;

	if (p->why[0] || p->cl.state == TRK_CL_DEAD || !trk_client_pump(&p->cl, p->now_us, &o))
		return NULL;
	if ((o.hdr_len + o.in_len > largest_request(&p->cl) && o.in_len > TRK_REQ_INPUT_MIN) ||
	    o.in_off + o.in_len > p->cl.snd_end)
		pair_fail(p, "request of %u + %u bytes, input at %" PRIu64, o.hdr_len, o.in_len,
			  o.in_off);
	if (o.syn)
		return packet_syn(p->client_isn + o.seq, 0);
	/* Both ends number from @start, as if the connection had gone on for long. */
	if (p->cl.state == TRK_CL_FIRST)
		p->cl.req.pending.first = p->start + 1;
	out = packet_new(p->client_isn + 1 + o.seq, p->server_isn + 1 + o.ackrel, o.hdr, o.hdr_len,
			 o.in_len);
	if (o.in_len && !p->why[0])
		memcpy(out->data + o.hdr_len, p->in + o.in_off, o.in_len);
	return out;
}

/* No number of a domain may be issued for two requests, nor twice by a replica that remembers. */
static void issued(struct pair *p, unsigned int replica)
{
	const struct trk_grant *g = &p->grant;
	u64 x;
	u32 i;

	for (x = g->first; x < g->first + g->count; x++) {
		struct pair_issue *e = p->issue;

		for (i = 0; i < p->issues; i++, e++)
			if (e->number == x && e->domain == g->cont.domain)
				break;
		if (i == p->issues) {
			if (p->issues == p->room) {
				p->room = 2 * p->room + 64;
				p->issue = more(p->issue, p->room * sizeof(*e));
				e = p->issue + i;
			}
			*e = (struct pair_issue){ g->cont.domain, x, g->token, 0 };
			p->issues++;
		}
		if (e->token != g->token)
			pair_fail(p, "number %" PRIu64 " issued for two requests", x);
		if (!p->amnesia && e->replicas >> replica & 1)
			pair_fail(p, "number %" PRIu64 " issued twice by one replica", x);
		e->replicas |= 1u << replica;
	}
}

/* A request arrives at a replica, which sends its answer. */
void pair_at_server(struct pair *p, unsigned int replica, const struct packet *in,
		    void (*send)(void *arg, struct packet *out), void *arg)
{
	struct trku_engine *e = engine(p, replica);
	struct trk_grant *g = &p->grant;
	struct trk_packet o;
	u8 hdr[TRK_RESP_HDR_MAX];
	struct toy t;
	int err;

	if (in->syn) {
		send(arg, packet_syn(trku_engine_syn(e, &p->peer, in->seq), in->seq + 1));
		return;
	}
	err = trku_engine_request(e, &p->peer, in->data, in->len, in->seq, in->ack, &p->q, g);
	p->server_drops[err]++;
	if (err || !g->count)
		return;
	if (p->q.kind == TRK_KIND_FIRST) {
		g->first += p->start;
		g->cont.base += p->start;
		g->cont.law.tcp_base += p->start;
		g->seq0 += (u32)p->start * ((u32)p->cl.seg_size - g->cont.seg_size);
	}
	issued(p, replica);
	if (!toy_answer(&t, g, &p->peer, in->data + p->q.hdr_len))
		return;
	if (trku_engine_answer(e, &p->peer, g, &t.a)) {
		pair_fail(p, "no room for the continuations");
		return;
	}
	while (trk_answer_next(&t.a, hdr, &o)) {
		struct packet *out = packet_new(o.seq, g->ack, hdr, o.hdr_len, o.data_len);

		toy_fill(&t, o.data_at, out->data + o.hdr_len, o.data_len);
		send(arg, out);
	}
}

/* A response arrives at the client. */
void pair_at_client(struct pair *p, const struct packet *in)
{
	struct trk_delivery to;
	struct trk_resp r;
	const u8 *data;
	int err;

	if (p->cl.state == TRK_CL_DEAD)
		return;
	if (in->syn) {
		if (trk_receive_opened(&p->cl, in->ack - (p->client_isn + 1)))
			p->server_isn = in->seq - p->cl.req.ackrel;
		return;
	}
	err = trk_wire_resp_parse(&r, in->data, in->len, in->len);
	if (!err)
		err = trk_receive_response(&p->cl, &r, in->seq - (p->server_isn + 1), p->now_us,
					   &to);
	p->client_drops[err]++;
	if (err || !to.len)
		return;
	data = in->data + in->len - to.len;
	if (to.off + to.len > p->out_len || to.off + to.len > p->cl.rcv_limit ||
	    memcmp(data, p->out + to.off, to.len)) {
		pair_fail(p, "wrong bytes: %" PRIu64 " + %u", to.off, to.len);
		return;
	}
	memset(p->have + to.off, 1, to.len);
	p->received = max_t(u64, p->received, to.off + to.len);
	while (p->cl.rcv_nxt < p->out_len && p->have[p->cl.rcv_nxt])
		p->cl.rcv_nxt++;
}

/* Has the client all output, the server all input, and the client the end if there is one? */
bool pair_done(const struct pair *p)
{
	return p->cl.rcv_nxt == p->out_len && trk_client_input_done(&p->cl) &&
	       (!p->last || p->cl.fin_off == p->out_len);
}
