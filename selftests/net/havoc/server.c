// SPDX-License-Identifier: GPL-2.0
/*
 * A server behind the wire, made of raw packets, for the clients of the kernel.  It decides as a
 * server does, by the core, so that tokens, numbers and places are right and the client goes on;
 * then it changes something.
 */
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "core/answer.h"
#include "core/server.h"
#include "havoc.h"

#define MOST_PACKETS	20	/* of an answer */
#define IN_AT		0	/* what came, in thread.buf */
#define OUT_AT		20000	/* what goes */

struct meeting {
	struct trk_server_env env;
	struct trk_peer peer;
	struct segment s;	/* the answer */
};

static const struct trk_cipher *cipher_of(void *arg, u8 key_id)
{
	(void)key_id;
	return arg;
}

static void keep(struct thread *t, const u8 *ip, u32 len)
{
	struct party *p = t->party;
	unsigned int which = rng_below(&t->rng, RECENT);

	len = min_t(u32, len, PACKET);
	pthread_mutex_lock(&p->lock);
	memcpy(p->recent[which], ip, len);
	p->recent_len[which] = (u16)len;
	pthread_mutex_unlock(&p->lock);
}

static void meet(struct thread *t, const u8 *ip, struct meeting *m)
{
	static const u8 mapped[12] = { [10] = 0xff, 0xff };

	m->env = (struct trk_server_env){
		.cipher = cipher_of, .arg = &t->party->key[0].c,
		.current_key = &t->party->key[0].c, .now_ms = wall_ms(), .horizon_ms = 600000,
		.skew_ms = 1000, .max_seg_size = (u16)(chance(t, 8) ? TRK_MAX_SEG_SIZE : 1448),
		.moves = true,
	};
	m->peer = (struct trk_peer){ .port = get_unaligned_be16(ip + 20),
				     .service = get_unaligned_be16(ip + 22) };
	memcpy(m->peer.addr, mapped, sizeof(mapped));
	memcpy(m->peer.addr + 12, ip + 12, 4);
	m->s = (struct segment){
		.saddr = get_unaligned_be32(ip + 16), .daddr = get_unaligned_be32(ip + 12),
		.sport = m->peer.service, .dport = m->peer.port, .flags = TH_ACK,
	};
}

static void answer_syn(struct thread *t, struct meeting *m, u32 isn)
{
	m->s.flags = TH_SYN | TH_ACK;
	m->s.seq = trk_server_syn_cookie(&m->env, &m->peer, isn);
	m->s.ack = isn + 1;
	trk_wire_syn_opt_write(m->s.opt);
	m->s.opt_len = TRK_SYN_OPT_LEN;
	if (chance(t, 6)) {
		/* No Trickles there, or nobody. */
		m->s.opt_len = 0;
		m->s.flags = (u8)(chance(t, 2) ? TH_SYN | TH_ACK : TH_RST | TH_ACK);
	} else if (chance(t, 8)) {
		m->s.opt[rng_below(&t->rng, TRK_SYN_OPT_LEN)] = (u8)rng_u64(&t->rng);
	}
	transmit(t, &m->s, 0);
}

static void spoil_numbers(struct thread *t, struct trk_resp *r)
{
	struct rng *n = &t->rng;

	switch (rng_below(n, 6)) {
	case 0:
		r->num = chance(t, 2) ? r->num + (u32)rng_below(n, 40) : (u32)garbage_number(n);
		break;
	case 1:
		r->off = chance(t, 2) ? (u32)garbage_number(n) : r->off + (u32)rng_below(n, 3000);
		break;
	case 2:
		r->flags ^= (u8)BIT(rng_below(n, 4));
		break;
	case 3:
		r->span = (u16)garbage_number(n);
		r->flags |= TRK_RESP_NOGROWTH;
		break;
	case 4:
		r->has_consumed = true;
		r->consumed_from = chance(t, 2) ? 0 : garbage_number(n);
		r->consumed_to = r->consumed_from + garbage_number(n);
		break;
	default:
		r->has_geometry = !r->has_geometry;
		r->geo_index = (u16)garbage_number(n);
		r->geo_piece = (u16)garbage_number(n);
	}
}

/* Continuations that no server has sealed: the client cannot tell. */
static void spoil_conts(struct thread *t, struct trk_resp *r, u8 *sealed)
{
	struct rng *n = &t->rng;
	u16 len = (u16)rng_in(n, TRK_UCONT_HDR, TRK_SEALED_UCONT_MAX);
	struct garbage *g = &t->garbage;

	if (chance(t, 3)) {
		g->key = &t->party->key[0].c;
		g->now_ms = wall_ms();
		garbage_next(g);
		r->cont = (struct trk_blob){ g->cont, TRK_CONT_LEN };
		return;
	}
	memset(sealed, (int)rng_u64(n), len);
	put_unaligned_be64(chance(t, 2) ? 0 : garbage_number(n), sealed);
	put_unaligned_be64(garbage_number(n), sealed + 8);
	put_unaligned_be16(len - TRK_UCONT_HDR, sealed + 18);
	if (chance(t, 2))
		r->output = (struct trk_blob){ sealed, len };
	else
		r->input = (struct trk_blob){ sealed, len };
}

/* Sends one packet of an answer, be it with the header @hdr or with one like it. */
static void send_packet(struct thread *t, struct meeting *m, const u8 *hdr,
			const struct trk_packet *p)
{
	u8 *out = t->buf + OUT_AT, sealed[TRK_SEALED_UCONT_MAX];
	u32 len = p->hdr_len;
	struct trk_resp r;

	memcpy(out, hdr, len);
	if (chance(t, 4) && !trk_wire_resp_parse(&r, hdr, len, len)) {
		if (chance(t, 2))
			spoil_numbers(t, &r);
		else
			spoil_conts(t, &r, sealed);
		if (chance(t, 4))
			spoil_numbers(t, &r);
		len = trk_wire_resp_write(out, &r);
	}
	memset(out + len, 'x', p->data_len);
	m->s.seq = p->seq + (chance(t, 64) ? (u32)garbage_number(&t->rng) : 0);
	m->s.payload = out;
	m->s.len = len + (chance(t, 64) ? (u32)rng_below(&t->rng, 16001) : p->data_len);
	do
		transmit(t, &m->s, 0);
	while (chance(t, 16));
	count(COUNT_RESPONSES);
}

static void answer_request(struct thread *t, struct meeting *m, const struct trk_grant *g)
{
	struct rng *n = &t->rng;
	u8 hdr[TRK_RESP_HDR_MAX];
	struct trk_packet p;
	struct trk_answer a;
	unsigned int i;

	trk_answer_init(&a);
	a.g = g;
	a.peer = &m->peer;
	a.seal = m->env.current_key;
	a.nonce = m->env.current_key;
	a.len = RNG_PICK(n, 0, 10, 1000, 5000, 20000);
	a.fin = chance(t, 30);
	a.abort = chance(t, 60);
	a.has_output = !chance(t, 4);
	a.output.end = chance(t, 8) ? garbage_number(n) : 1ULL << 40;
	a.output.len = (u16)(chance(t, 2) ? 0 : rng_below(n, TRK_UCONT_MAX + 1));
	a.output.opaque = t->buf + BUF / 2 - TRK_UCONT_MAX;
	a.has_consumed = g->input_len && !chance(t, 4);
	a.consumed_from = g->input_off;
	a.consumed_to = g->input_off + rng_in(n, 1, max_t(u64, g->input_len, 1));
	if (trk_answer_begin(&a))
		return;
	m->s.ack = g->ack;
	m->s.flags = TH_ACK;
	trk_wire_opt_write(m->s.opt);
	m->s.opt_len = TRK_OPT_LEN;
	for (i = 0; i < MOST_PACKETS && trk_answer_next(&a, hdr, &p); i++)
		if (!chance(t, 16))
			send_packet(t, m, hdr, &p);
}

static void serve(struct thread *t, const u8 *ip, u32 len)
{
	u32 hdr = (u32)(ip[32] >> 4) * 4, payload = 20 + hdr;
	const u8 *tcp = ip + 20;
	static const u8 none[4];
	struct trk_grant g;
	struct trk_req q;
	struct meeting m;

	if (hdr < 20 || payload > len || trk_wire_opt_find(tcp + 20, hdr - 20) < 0) {
		/* A plain connection is left alone, but for what comes back from it (packets.c). */
		return;
	}
	meet(t, ip, &m);
	m.s.payload = none;
	if (tcp[13] == TH_SYN) {
		answer_syn(t, &m, get_unaligned_be32(tcp + 4));
		return;
	}
	if (trk_wire_req_parse(&q, ip + payload, len - payload, len - payload) ||
	    trk_server_step(&m.env, &m.peer, &q, get_unaligned_be32(tcp + 4),
			    get_unaligned_be32(tcp + 8), len - payload, &g))
		return;
	if (g.count)
		answer_request(t, &m, &g);
}

/**
 * step_server - look at the next packet that the kernel sends, and answer it
 * @t: the caller
 */
void step_server(struct thread *t)
{
	u8 *in = t->buf + IN_AT;
	ssize_t len = CALL(t, recv(t->party->wire, in, OUT_AT, 0));

	if (len < ETH_HLEN + 40 || in[ETH_HLEN] != 0x45 || in[ETH_HLEN + 9] != IPPROTO_TCP)
		return;
	keep(t, in + ETH_HLEN, (u32)len - ETH_HLEN);
	serve(t, in + ETH_HLEN, (u32)len - ETH_HLEN);
}
