// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "party.h"
#include "sim/toyapp.h"

const struct attack *party_cheat;
u64 party_cheat_bytes;

static void *zalloc(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (!p) {
		perror("party");
		exit(1);
	}
	return p;
}

u64 party_now(const struct party *p)
{
	return p->c->net->sim.now_us;
}

static u32 party_random(void *arg)
{
	return (u32)rng_u64(&((struct conn *)arg)->net->client_rng);
}

static bool has(const struct party *p, u64 at)
{
	return p->have[at / 8] >> at % 8 & 1;
}

static void take(struct party *p, u64 off, u64 len)
{
	u64 at;

	for (at = off; at < off + len && at < STREAM; at++) {
		p->bytes += !has(p, at);
		p->have[at / 8] |= 1 << at % 8;
	}
}

/* This bounds the window of a cheater, which would be at the end of its stream at once. */
#define RING_MOST	16384

static void ring(struct trk_client *cl)
{
	u32 want = min_t(u32, cl->ring_want, RING_MOST);
	struct trk_entry *old = cl->num.ring;

	if (want <= cl->num.ring_size)
		return;
	trk_client_set_ring(cl, zalloc(want, sizeof(*old)), want);
	free(old);
}

/* The client's stream is a message that asks for a file, and one that asks for nothing. */
static void input(const struct party *p, u8 *to, u64 off, u32 len)
{
	const struct toy_msg file = { .kind = TOY_GET, .len = STREAM - 1, .key = 1 + 2 * p->c->id };
	const struct toy_msg nothing = { .kind = TOY_GET, .key = 1 };
	u8 stream[TRK_MAX_SEG_SIZE] = { 0 };

	toy_msg_write(stream, &file);
	toy_msg_write(stream + TOY_MSG_LEN, &nothing);
	memcpy(to, stream + off, len);
}

void party_send(struct party *p, const struct trk_sending *o)
{
	struct conn *c = p->c;
	struct packet *k;

	if (o->syn) {
		conn_send(c, SIM_UP, packet_syn(c->client_isn + o->seq, 0));
		return;
	}
	k = packet_new(c->client_isn + 1 + o->seq, c->server_isn + 1 + o->ackrel, o->hdr,
		       o->hdr_len, o->in_len);
	input(p, k->data + o->hdr_len, o->in_off, o->in_len);
	conn_send(c, SIM_UP, k);
}

/* Reads the request that is to go out, so that it can be changed. */
bool party_read(struct party *p, const struct trk_sending *o, struct trk_req *q)
{
	return !trk_wire_req_parse(q, o->hdr, o->hdr_len, o->hdr_len + o->in_len);
}

/* Sends @q in the place of @o. */
void party_ask(struct party *p, const struct trk_sending *o, const struct trk_req *q)
{
	struct trk_sending to = *o;

	to.hdr_len = trk_wire_req_write(to.hdr, q);
	party_send(p, &to);
}

/*
 * Makes a request ask for bytes that no line asks for, with a token that no line knows, so that
 * the answer brings bytes and changes nothing else.
 */
void party_elsewhere(struct party *p, struct trk_req *q)
{
	unsigned int i;

	for (i = 0; i < q->nask; i++) {
		q->ask[i].off = p->elsewhere;
		p->elsewhere += q->ask[i].len;
	}
	q->token ^= 0x5a5a5a5a;
}

/* Makes a copy of a line, which goes on from there and asks for other bytes. */
struct line *party_fork(struct party *p, const struct line *l)
{
	struct line *to = &p->line[p->lines];
	struct trk_client *cl = &to->cl;
	u64 begin = p->lines * REGION;

	if (p->lines == LINES)
		return NULL;
	p->lines++;
	*to = *l;
	cl->num.ring = zalloc(cl->num.ring_size, sizeof(*cl->num.ring));
	memcpy(cl->num.ring, l->cl.num.ring, cl->num.ring_size * sizeof(*cl->num.ring));
	cl->rcv_nxt = begin;
	cl->rx.ask_nxt = begin;
	cl->rx.top = begin;
	cl->rx.holes.n = 0;
	return to;
}

/* Makes a line believe that number @x has arrived with all its bytes; false if it refuses. */
bool party_pretend(struct party *p, struct line *l, u64 x, u64 nonce)
{
	const struct trk_entry *s = trk_client_entry(&l->cl, x);
	struct trk_delivery in;
	struct trk_resp r = { .token = s->token, .num = (u32)x, .span = 1, .off = (u32)s->off,
			      .nonce = nonce, .hdr_len = TRK_RESP_FIXED, .data_len = s->len };

	if (s->state != TRK_ENTRY_EXPECTED || s->what != TRK_WHAT_OUTPUT)
		return false;
	return !trk_receive_response(&l->cl, &r, (u32)(x - 1) * l->cl.seg_size, party_now(p), &in);
}

static void pump(struct party *p)
{
	struct trk_sending o;
	unsigned int i;

	if (p->attack && p->attack->turn)
		p->attack->turn(p);
	for (i = 0; i < p->lines; i++) {
		struct trk_client *cl = &p->line[i].cl;

		while (has(p, cl->rcv_nxt))
			cl->rcv_nxt++;
		ring(cl);
		while (trk_client_pump(cl, party_now(p), &o)) {
			if (p->line[i].no_timeouts && cl->req.waiting)
				continue;
			if (p->attack && p->attack->request)
				p->attack->request(p, &p->line[i], &o);
			else
				party_send(p, &o);
			ring(cl);
		}
	}
}

static void connected(struct conn *c, u64 rtt_us)
{
	struct party *p = zalloc(1, sizeof(*p));
	struct trk_client *cl = &p->line[0].cl;
	bool cheats = !c->id && party_cheat;
	u16 seg_size = c->net->sc->seg_size;

	c->m = p;
	p->c = c;
	p->have = zalloc(STREAM / 8, 1);
	p->elsewhere = ELSEWHERE;
	p->wake_us = U64_MAX;
	p->lines = 1;
	trk_client_init(cl, zalloc(TRK_RING_MIN, sizeof(*cl->num.ring)), TRK_RING_MIN,
			party_random, c);
	cl->snd_end = TOY_MSG_LEN;
	cl->rcv_limit = STREAM;
	if (cheats) {
		p->attack = party_cheat;
		p->state = zalloc(1, party_cheat->state + 1);
	}
	if (cheats && party_cheat->seg_size)
		seg_size = party_cheat->seg_size;
	trk_client_connected(cl, seg_size, rtt_us);
	if (cheats && party_cheat->begin)
		party_cheat->begin(p);
	pump(p);
}

static void opened(struct conn *c, const struct packet *k)
{
	struct party *p = c->m;
	unsigned int i;

	for (i = 0; i < p->lines; i++)
		if (trk_receive_opened(&p->line[i].cl, k->ack - (c->client_isn + 1)))
			c->server_isn = k->seq - p->line[i].cl.req.ackrel;
	pump(p);
}

static void at_client(struct conn *c, struct packet *k)
{
	u32 seqrel = k->seq - (c->server_isn + 1);
	struct party *p = c->m;
	struct trk_delivery in;
	struct trk_resp r;
	unsigned int i;

	if (trk_wire_resp_parse(&r, k->data, k->len, k->len))
		return;
	take(p, r.off, r.data_len);
	if (!p->attack || !p->attack->heard || p->attack->heard(p, &r, &seqrel))
		for (i = 0; i < p->lines; i++)
			if (!trk_receive_response(&p->line[i].cl, &r, seqrel, party_now(p), &in))
				break;
	pump(p);
}

static void timer(struct conn *c)
{
	struct party *p = c->m;
	unsigned int i;

	if (p->wake_us <= party_now(p))
		p->wake_us = U64_MAX;
	for (i = 0; i < p->lines; i++)
		if (p->line[i].cl.deadline_us <= party_now(p))
			trk_timer_expired(&p->line[i].cl, party_now(p));
	pump(p);
}

static u64 deadline(const struct conn *c)
{
	const struct party *p = c->m;
	u64 at = p->wake_us;
	unsigned int i;

	for (i = 0; i < p->lines; i++)
		at = min_t(u64, at, p->line[i].cl.deadline_us);
	return at;
}

static void closed(struct conn *c)
{
	struct party *p = c->m;
	unsigned int i;

	if (!c->id)
		party_cheat_bytes = p->bytes;
	for (i = 0; i < p->lines; i++)
		free(p->line[i].cl.num.ring);
	free(p->state);
	free(p->have);
	free(p);
}

const struct model party_model = {
	.connected = connected,
	.opened = opened,
	.at_client = at_client,
	.timer = timer,
	.deadline = deadline,
	.close = closed,
};
