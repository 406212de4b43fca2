// SPDX-License-Identifier: GPL-2.0
/*
 * Client and server with a path between them.  The fuzzer's bytes say what the messages are, and
 * for each packet in flight whether it is delivered, late, lost or doubled, or has a wrong nonce.
 * When they are used up, the path is good.  Then everything must arrive, and every byte be right.
 */
#include <errno.h>

#include "core/answer.h"
#include "core/client.h"
#include "core/limits.h"
#include "core/reason.h"
#include "core/server.h"
#include "fuzz.h"
#include "sim/toyapp.h"

#define MAX_LEN		20000		/* bytes of a message */
#define MAX_FLIGHT	512
#define HORIZON		3600000
#define SKEW		500
#define MAX_STEPS	60000

static const struct trk_cipher key = FUZZ_CIPHER(7);
static const struct trk_peer peer = { .addr = { [15] = 9 }, .port = 40001, .service = 80 };

struct packet {
	bool to_client, syn;
	u32 seq, ack, len;
	u8 p[2048];
};

static struct loop {
	struct trk_client cl;
	struct trk_entry ring[4096];
	struct packet *flight[MAX_FLIGHT];
	unsigned int in_flight;
	u64 now_us, rng;
	u8 in[2 * (TOY_MSG_LEN + MAX_LEN)], out[2 * MAX_LEN], have[2 * MAX_LEN];
	u32 in_len, out_len, rcvbuf;
	u32 client_isn, server_isn;
	unsigned int lost;		/* how many packets the fuzzer has lost or spoilt */
	bool remembers;
	struct trk_once_set answered;
} loop;

static u32 next_token(void *arg)
{
	loop.rng = fuzz_mix(loop.rng + 0x632be59bd9b4e019ULL);
	return (u32)loop.rng;
}

static struct packet *flight_add(bool to_client, u32 seq, u32 ack)
{
	struct packet *p;

	/* A full queue loses packets. */
	if (loop.in_flight == MAX_FLIGHT) {
		loop.lost++;
		return NULL;
	}
	p = malloc(sizeof(*p));
	p->to_client = to_client;
	p->syn = false;
	p->seq = seq;
	p->ack = ack;
	p->len = 0;
	loop.flight[loop.in_flight++] = p;
	return p;
}

static struct packet *flight_take(unsigned int i)
{
	struct packet *p = loop.flight[i];

	loop.in_flight--;
	memmove(&loop.flight[i], &loop.flight[i + 1],
		(loop.in_flight - i) * sizeof(loop.flight[0]));
	return p;
}

static const struct trk_cipher *get_cipher(void *arg, u8 key_id)
{
	return key_id == key.key_id ? &key : NULL;
}

static u64 server_ms(void)
{
	return 1700000000000ULL + loop.now_us / 1000;
}

static int record(void *arg, const struct trk_peer *from, struct trk_record *m)
{
	const struct trk_once_now now = { .order = trk_seal_order_at(server_ms()),
					  .ahead = trk_server_ahead(SKEW),
					  .tick = (u32)(loop.now_us / 1000), .life = 2 * HORIZON };
	u32 evicted = 0;

	return trk_once_record(&loop.answered, &now, 0, 0, m, &evicted);
}

static void server_env(struct trk_server_env *env)
{
	*env = (struct trk_server_env){ .cipher = get_cipher, .current_key = &key,
					.record = loop.remembers ? record : NULL,
					.now_ms = server_ms(), .horizon_ms = HORIZON,
					.skew_ms = SKEW, .max_seg_size = 1448 };
}

static void server_receive(const struct packet *p)
{
	struct trk_server_env env;
	struct trk_packet out;
	struct trk_grant g;
	struct trk_req q;
	struct toy t;
	u8 hdr[TRK_RESP_HDR_MAX];
	int err;

	server_env(&env);
	if (p->syn) {
		u32 cookie = trk_server_syn_cookie(&env, &peer, p->seq);
		struct packet *a = flight_add(true, cookie, p->seq + 1);

		if (a)
			a->syn = true;
		return;
	}
	err = trk_wire_req_parse(&q, p->p, p->len, p->len);
	MUST(!err);
	err = trk_server_step(&env, &peer, &q, p->seq, p->ack, p->len, &g);
	/* A request may be dropped because a nonce was spoilt, or because it has come twice. */
	MUST(!err || err == TRK_DROP_PROOF || (err == TRK_DROP_REPLAY && loop.remembers) ||
	     /* It may be late: the client has left its domain. */
	     (err == TRK_DROP_DOMAIN && loop.remembers) ||
	     /* It may be a FIRST that is so late that its cookie is not good any more. */
	     (err == TRK_DROP_COOKIE && loop.now_us > TRK_COOKIE_PERIOD_MS * 1000));
	if (err || !g.count || !toy_answer(&t, &g, &peer, p->p + q.hdr_len))
		return;
	t.a.g = &g;
	t.a.peer = &peer;
	t.a.seal = &key;
	t.a.nonce = &key;
	MUST(!trk_answer_begin(&t.a));
	while (trk_answer_next(&t.a, hdr, &out)) {
		struct packet *resp = flight_add(true, out.seq, g.ack);

		MUST(out.hdr_len + out.data_len <= g.cont.seg_size);
		if (!resp)
			continue;
		memcpy(resp->p, hdr, out.hdr_len);
		toy_fill(&t, out.data_at, resp->p + out.hdr_len, out.data_len);
		resp->len = out.hdr_len + out.data_len;
	}
}

static void client_receive(const struct packet *p)
{
	struct trk_client *cl = &loop.cl;
	struct trk_delivery in;
	struct trk_resp r;

	if (p->syn) {
		if (trk_receive_opened(cl, p->ack - (loop.client_isn + 1)))
			loop.server_isn = p->seq - cl->req.ackrel;
		return;
	}
	MUST(!trk_wire_resp_parse(&r, p->p, p->len, p->len));
	if (trk_receive_response(cl, &r, p->seq - (loop.server_isn + 1), loop.now_us, &in) ||
	    !in.len)
		return;
	MUST(in.off + in.len <= loop.out_len && in.off + in.len <= cl->rcv_limit);
	MUST(!memcmp(p->p + p->len - in.len, loop.out + in.off, in.len));
	memset(loop.have + in.off, 1, in.len);
	while (cl->rcv_nxt < loop.out_len && loop.have[cl->rcv_nxt])
		cl->rcv_nxt++;
	cl->rcv_limit = cl->rcv_nxt + loop.rcvbuf;
}

static void client_pump(void)
{
	struct trk_client *cl = &loop.cl;
	struct trk_sending o;
	unsigned int n = 0;

	while (cl->state != TRK_CL_DEAD && trk_client_pump(cl, loop.now_us, &o)) {
		struct packet *p = flight_add(false, loop.client_isn + !o.syn + o.seq,
					      loop.server_isn + 1 + o.ackrel);

		MUST(++n < 5000);
		MUST(o.hdr_len + o.in_len <= cl->seg_size && o.in_off + o.in_len <= loop.in_len);
		if (!p)
			continue;
		p->syn = o.syn;
		memcpy(p->p, o.hdr, o.hdr_len);
		memcpy(p->p + o.hdr_len, loop.in + o.in_off, o.in_len);
		p->len = o.hdr_len + o.in_len;
	}
}

static void client_timer(void)
{
	MUST(loop.cl.deadline_us != U64_MAX);
	loop.now_us = max_t(u64, loop.now_us, loop.cl.deadline_us);
	trk_timer_expired(&loop.cl, loop.now_us);
}

/* Appends a message to the client's stream, and its reply to what must come back. */
static void message(struct bytes *b, bool last)
{
	static const u8 kinds[] = { TOY_GET, TOY_PUT, TOY_GET, TOY_ECHO };
	unsigned int shape = take(b, 1);
	struct toy_msg m = { .kind = kinds[shape % 4], .gran = 1 + take(b, 1),
			     .key = take(b, 1) | 1,
			     .flags = shape & 4 ? TOY_CHUNKED : 0 };
	u8 *body = loop.in + loop.in_len + TOY_MSG_LEN;

	if (!last && m.kind == TOY_ECHO)
		m.kind = TOY_PUT;
	if (last)
		m.flags |= TOY_LAST;
	m.len = 1 + take_any(b, 14) % (MAX_LEN - 1);
	toy_msg_write(loop.in + loop.in_len, &m);
	loop.in_len += TOY_MSG_LEN;
	if (m.kind == TOY_GET) {
		toy_bytes(m.key, 0, loop.out + loop.out_len, m.len);
		loop.out_len += m.len;
		return;
	}
	toy_bytes(m.key + 1, 0, body, m.len);
	loop.in_len += m.len;
	if (m.kind == TOY_ECHO) {
		memcpy(loop.out + loop.out_len, body, m.len);
		loop.out_len += m.len;
		return;
	}
	toy_bytes(toy_digest(m.key, body, m.len) | 1, 0, loop.out + loop.out_len, TOY_REPLY_LEN);
	loop.out_len += TOY_REPLY_LEN;
}

static bool finished(void)
{
	return loop.cl.rcv_nxt == loop.out_len && loop.cl.fin_off == loop.out_len &&
	       loop.cl.snd_una == loop.in_len;
}

static void deliver(struct packet *p)
{
	if (p->to_client)
		client_receive(p);
	else
		server_receive(p);
	free(p);
}

/* Lets something happen to a packet in flight, or the timer expire. */
static void path(struct bytes *b)
{
	unsigned int op = take(b, 1), i;
	struct packet *p, *twin;

	loop.now_us += 200;
	if (op % 8 == 7) {
		client_timer();
		return;
	}
	if (!loop.in_flight)
		return;
	/* In half of the cases it is the oldest packet, else any of the next ones. */
	i = op & 8 ? (op >> 4) % loop.in_flight : 0;
	p = flight_take(i);
	switch (op % 8) {
	case 0:
	case 1:
		loop.lost++;
		free(p);
		return;
	case 2:
		twin = flight_add(p->to_client, p->seq, p->ack);
		if (twin)
			*twin = *p;
		break;
	case 3:
		/* A nonce is spoilt though the checksum is right; that counts as a loss. */
		if (p->to_client && op & 128) {
			loop.lost++;
			p->p[16 + (op >> 4) % 8] ^= 1;
		}
		break;
	}
	deliver(p);
}

static void begin(struct bytes *b)
{
	struct trk_server_env env;
	unsigned int shape = take(b, 1);
	u16 seg_size = shape & 1 ? 1448 : 1100;

	while (loop.in_flight)
		free(flight_take(0));
	memset(&loop, 0, sizeof(loop));
	loop.now_us = 1000000;
	loop.remembers = shape & 2;
	loop.rcvbuf = shape & 4 ? 100000 : 5000;
	loop.client_isn = take(b, 2) << 16;
	if (shape & 8)
		message(b, false);
	message(b, true);
	server_env(&env);
	loop.server_isn = trk_server_syn_cookie(&env, &peer, loop.client_isn);
	trk_client_init(&loop.cl, loop.ring, shape & 16 ? TRK_RING_MIN : 4096, next_token, NULL);
	loop.cl.redundant = shape & 32 && loop.remembers;
	trk_client_connected(&loop.cl, seg_size, 20000);
	loop.cl.rcv_limit = loop.rcvbuf;
	loop.cl.snd_end = loop.in_len;
}

int fuzz_target(const uint8_t *data, size_t size)
{
	struct bytes b = { data, size };
	unsigned int steps;

	begin(&b);
	client_pump();
	for (steps = 0; !finished() && loop.cl.state != TRK_CL_DEAD; steps++) {
		MUST(steps < MAX_STEPS);
		if (b.left) {
			path(&b);
		} else if (loop.in_flight) {
			loop.now_us += 200;
			deliver(flight_take(0));
		} else {
			client_timer();
		}
		client_pump();
	}
	/* The client may give up only if there were bytes enough to lose all of its attempts. */
	if (loop.cl.state == TRK_CL_DEAD)
		MUST(loop.cl.error == ETIMEDOUT && b.p - data >= TRK_MAX_ATTEMPTS);
	return 0;
}
