// SPDX-License-Identifier: GPL-2.0
/*
 * Packets that come to the kernel over the wire: spoilt ones, old ones, and those with right seals
 * over wrong contents.  The secrets are known here (settings.c), so that any seal can be made.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/virtio_net.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/nonce.h"
#include "core/server.h"
#include "havoc.h"

#define IP_AT		ETH_HLEN
#define TCP_AT		(IP_AT + 20)
#define MOST		60000	/* payload of a train, at most */

static u32 sum(const u8 *p, size_t len, u32 s)
{
	for (; len > 1; p += 2, len -= 2)
		s += get_unaligned_be16(p);
	return len ? s + (u32)(p[0] << 8) : s;
}

static u16 fold(u32 s)
{
	s = (s & 0xffff) + (s >> 16);
	return (u16)(s + (s >> 16));
}

static void put_headers(u8 *p, u32 saddr, u32 daddr, u8 protocol, u32 total)
{
	static const u8 ethernet[ETH_HLEN] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0 };

	memcpy(p, ethernet, sizeof(ethernet));
	p += IP_AT;
	memset(p, 0, 20);
	p[0] = 0x45;
	put_unaligned_be16((u16)(20 + total), p + 2);
	p[8] = 64;
	p[9] = protocol;
	put_unaligned_be32(saddr, p + 12);
	put_unaligned_be32(daddr, p + 16);
	put_unaligned_be16((u16)~fold(sum(p, 20, 0)), p + 10);
}

static void put_sum(u8 *tcp, u32 saddr, u32 daddr, u32 total, bool partial)
{
	u8 pseudo[12];
	u32 s;

	put_unaligned_be32(saddr, pseudo);
	put_unaligned_be32(daddr, pseudo + 4);
	put_unaligned_be16(IPPROTO_TCP, pseudo + 8);
	put_unaligned_be16((u16)total, pseudo + 10);
	s = sum(pseudo, sizeof(pseudo), 0);
	put_unaligned_be16(0, tcp + 16);
	put_unaligned_be16(partial ? fold(s) : (u16)~fold(sum(tcp, total, s)), tcp + 16);
}

/**
 * transmit - send a segment to the kernel
 * @t: the caller, whose memory is used
 * @s: the segment; one in sixteen is spoilt on its way
 * @train: 0, or the segment size of the packets that come as one buffer
 */
void transmit(struct thread *t, const struct segment *s, u16 train)
{
	struct virtio_net_hdr *v = (void *)(t->buf + BUF / 2);
	u8 *p = (u8 *)(v + 1), *tcp = p + TCP_AT;
	u32 hdr = 20 + (s->opt_len + 3u) / 4 * 4, len = min_t(u32, s->len, MOST), i;
	u32 total = hdr + len;

	put_headers(p, s->saddr, s->daddr, IPPROTO_TCP, total);
	memset(tcp, 0, hdr);
	put_unaligned_be16(s->sport, tcp);
	put_unaligned_be16(s->dport, tcp + 2);
	put_unaligned_be32(s->seq, tcp + 4);
	put_unaligned_be32(s->ack, tcp + 8);
	tcp[12] = (u8)(hdr / 4 << 4);
	tcp[13] = s->flags;
	put_unaligned_be16(65535, tcp + 14);
	memcpy(tcp + 20, s->opt, s->opt_len);
	memcpy(tcp + hdr, s->payload, len);
	for (i = 0; !train && chance(t, 16) && i < 4; i++)
		tcp[chance(t, 2) ? rng_below(&t->rng, hdr) : rng_below(&t->rng, total)] ^=
			BIT(rng_below(&t->rng, 8));
	put_sum(tcp, s->saddr, s->daddr, total, train);
	if (!train && chance(t, 64))
		p[rng_in(&t->rng, IP_AT, TCP_AT + total - 1)] ^= 1;
	count(COUNT_PACKETS);
	if (!train) {
		CALL(t, send(t->party->wire, p, TCP_AT + total, 0));
		return;
	}
	*v = (struct virtio_net_hdr){
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
		.hdr_len = (u16)(TCP_AT + hdr), .gso_size = train, .csum_start = TCP_AT,
		.csum_offset = 16,
	};
	CALL(t, send(t->party->trains, v, sizeof(*v) + TCP_AT + total, 0));
}

static void mark(struct segment *s, bool syn)
{
	if (syn)
		trk_wire_syn_opt_write(s->opt);
	else
		trk_wire_opt_write(s->opt);
	s->opt_len = syn ? TRK_SYN_OPT_LEN : TRK_OPT_LEN;
}

/* Does something go just now while the kernel may use it? */
static bool races(void)
{
	enum mood now = mood();

	return now == MOOD_LISTENERS || now == MOOD_KEYS;
}

/* Somebody behind the wire, and a listener that he talks to. */
static void choose_ends(struct thread *t, struct segment *s)
{
	static const u8 mapped[12] = { [10] = 0xff, 0xff };
	const struct party *p = t->party;
	struct garbage *g = &t->garbage;

	*s = (struct segment){
		.saddr = SELF + 1 + (u32)rng_below(&t->rng, 3), .daddr = SELF,
		.sport = (u16)(40000 + rng_below(&t->rng, 8)),
		.dport = (u16)(FIRST_PORT + (races() ? 0 : rng_below(&t->rng, PORTS))),
		.seq = (u32)rng_u64(&t->rng), .ack = (u32)rng_u64(&t->rng),
		.flags = TH_ACK | TH_PUSH,
	};
	mark(s, false);
	g->key = &p->key[chance(t, 8) ? rng_below(&t->rng, SECRETS) :
			 __atomic_load_n(&p->current, __ATOMIC_RELAXED)].c;
	g->now_ms = wall_ms();
	memcpy(g->peer.addr, mapped, sizeof(mapped));
	put_unaligned_be32(s->saddr, g->peer.addr + 12);
	g->peer.port = s->sport;
	g->peer.service = s->dport;
	memcpy(g->peer.owner, p->owner[!p->own_userns && (s->dport & 1)], TRK_OWNER_LEN);
}

/* Asks for much, with a continuation that is right but for its extremes. */
static void ask_for_much(struct thread *t)
{
	static u8 opaque[TRK_UCONT_MAX];
	struct garbage *g = &t->garbage;
	struct rng *r = &t->rng;
	u32 cwnd = (u32)RNG_PICK(r, 10, 100, 100, 1000, 1000, 5000, TRK_MAX_CWND, 65535);
	u16 seg_size = (u16)RNG_PICK(r, 512, 513, 520, 512, 1448, 1448, 9000, 16000,
				     0, 24, 64, garbage_number(r));
	struct trk_cont c = { .conn = rng_u64(r), .seg_size = seg_size, .iw = TRK_INITIAL_WINDOW,
			      .time_ms = g->now_ms, .domain_key = g->key->key_id };
	struct trk_ucont u = { .end = 1ULL << 40, .opaque = opaque };
	struct trk_claims claims = { .n = rng_in(r, 1, cwnd) };
	struct trk_req q = { .kind = TRK_KIND_RANGE, .flags = (u8)rng_below(r, 8), .token = 7,
			     .m = 1, .n = (u32)claims.n, .cont = { g->cont, TRK_CONT_LEN },
			     .nask = (u8)rng_in(r, 1, TRK_MAX_ASK) };
	unsigned int i;

	u.len = (u16)(chance(t, 2) ? 0 : rng_below(r, TRK_UCONT_MAX + 1));
	for (i = 0; i < q.nask; i++)
		q.ask[i] = (struct trk_bytes){ rng_below(r, 1 << 20),
					       1 + (u32)rng_below(r, 1 << 29) };
	c.domain = (u64)trk_seal_order_at(c.time_ms) << 32 | (u32)rng_u64(r);
	trk_law_init(&c.law, 0, cwnd, TRK_SSTHRESH_INF, 0);
	trk_seal_cont(g->key, &g->peer, &c, g->cont);
	q.output.p = g->output;
	q.output.len = (u16)trk_seal_ucont(g->key, &g->peer, c.conn, TRK_EXT_OUTPUT, &u,
					   g->output);
	q.proof = trk_nonce_proof(g->key, c.conn, c.domain, 0, &claims);
	g->len = trk_wire_req_write(g->payload, &q);
}

/* A first request, with the cookie that the kernel would have made. */
static void begin_connection(struct thread *t, struct segment *s)
{
	struct garbage *g = &t->garbage;
	struct rng *r = &t->rng;
	struct trk_req q = { .kind = TRK_KIND_FIRST, .flags = (u8)rng_below(r, 8), .token = 9,
			     .has_input = true,
			     .attempt = (u8)(chance(t, 2) ? 0 : rng_below(r, 17)),
			     .seg_size = (u16)RNG_PICK(r, 512, 1448, 16000, garbage_number(r)) };

	s->ack = 1 + trk_seal_cookie(g->key, &g->peer, s->seq - 1,
				     g->now_ms / TRK_COOKIE_PERIOD_MS);
	g->len = trk_wire_req_write(g->payload, &q);
	g->len += rng_below(r, GARBAGE_INPUT);
}

/*
 * A train of the same request over and over.  The kernel computes all seals before it sees that
 * these were answered, and all the while it uses the listener, and the key, that it found.
 */
static u32 repeat(struct thread *t, u8 *many, u32 len, u16 *train)
{
	u32 n = 2 + (u32)rng_below(&t->rng, 30), at = len;

	*train = (u16)len;
	for (; --n && at + len < 40000; at += len)
		memcpy(many + at, many, len);
	return at;
}

static void send_request(struct thread *t)
{
	struct segment s;
	u16 train = 0;
	u8 *many = t->buf;
	u32 len = 0;

	choose_ends(t, &s);
	do {
		switch (rng_below(&t->rng, 4)) {
		case 0:
			begin_connection(t, &s);
			break;
		case 1:
			garbage_next(&t->garbage);
			break;
		default:
			ask_for_much(t);
		}
		count(COUNT_SEALED);
		memcpy(many + len, t->garbage.payload, t->garbage.len);
		len += t->garbage.len;
	} while (chance(t, 8) && len < 20000);
	if (len > t->garbage.len)
		train = (u16)(chance(t, 2) ? t->garbage.len : rng_in(&t->rng, 100, 3000));
	else if (races())
		len = repeat(t, many, len, &train);
	s.payload = many;
	s.len = len - (chance(t, 32) ? (u32)rng_below(&t->rng, len) : 0);
	transmit(t, &s, train);
}

/* A segment of which everything is random, but what it takes to be looked at. */
static void send_noise(struct thread *t)
{
	struct rng *r = &t->rng;
	struct segment s;
	unsigned int i;

	choose_ends(t, &s);
	for (i = 0; i < 200; i++)
		t->buf[i] = (u8)rng_u64(r);
	s.payload = t->buf;
	s.len = (u32)rng_below(r, chance(t, 8) ? 2000 : 200);
	if (!chance(t, 4))
		t->buf[0] = (u8)(TRK_VERSION << 4 | RNG_PICK(r, 1, 2, 3, 4, 9));
	if (chance(t, 2)) {
		s.dport = (u16)rng_in(r, 32768, 60999);
		s.sport = (u16)(FIRST_PORT + rng_below(r, PORTS));
	}
	if (chance(t, 3)) {
		s.flags = (u8)RNG_PICK(r, TH_SYN, TH_SYN, TH_SYN | TH_ACK, TH_RST, TH_RST | TH_ACK,
				       TH_FIN, rng_below(r, 64));
		mark(&s, true);
		s.len = chance(t, 2) ? 0 : s.len;
	}
	if (chance(t, 4)) {
		s.opt_len = (u8)rng_below(r, sizeof(s.opt) + 1);
		for (i = chance(t, 2) ? 0 : 4; i < s.opt_len; i++)
			s.opt[i] = (u8)RNG_PICK(r, 0, 1, 2, 4, 8, 254, rng_below(r, 256));
	}
	transmit(t, &s, 0);
}

/* One that was seen on the wire, into @p.  Returns its length from the IP header on, or 0. */
static u32 recall(struct thread *t, u8 *p)
{
	struct party *party = t->party;
	unsigned int which = rng_below(&t->rng, RECENT);
	u32 len;

	pthread_mutex_lock(&party->lock);
	len = party->recent_len[which];
	memcpy(p, party->recent[which], len);
	pthread_mutex_unlock(&party->lock);
	return len;
}

/* A router's complaint about a packet that the kernel has sent. */
static void send_icmp(struct thread *t)
{
	u8 *p = t->buf, *icmp = p + IP_AT + 20;
	u8 quoted[PACKET];
	struct rng *r = &t->rng;
	u32 len = recall(t, quoted), n;

	if (len < 28)
		return;
	n = chance(t, 2) ? 28 : min_t(u32, len, 8 + (u32)rng_below(r, 560));
	put_headers(p, SELF + 1 + (u32)rng_below(r, 3), SELF, IPPROTO_ICMP, 8 + n);
	memset(icmp, 0, 8);
	icmp[0] = (u8)RNG_PICK(r, ICMP_DEST_UNREACH, ICMP_DEST_UNREACH, ICMP_DEST_UNREACH,
			       ICMP_TIME_EXCEEDED, ICMP_PARAMETERPROB, rng_below(r, 20));
	icmp[1] = (u8)RNG_PICK(r, ICMP_FRAG_NEEDED, ICMP_PORT_UNREACH, rng_below(r, 16));
	put_unaligned_be16((u16)RNG_PICK(r, 0, 68, 552, 576, 1500, garbage_number(r)), icmp + 6);
	memcpy(icmp + 8, quoted, n);
	if (chance(t, 8))
		icmp[8 + rng_below(r, n)] ^= BIT(rng_below(r, 8));
	put_unaligned_be16((u16)~fold(sum(icmp, 8 + n, 0)), icmp + 2);
	count(COUNT_PACKETS);
	CALL(t, send(t->party->wire, p, IP_AT + 28 + n, 0));
}

/* What the kernel has sent comes back to it, as if the other end had sent it, and changed. */
static void send_back(struct thread *t)
{
	u8 seen[PACKET];
	u32 len = recall(t, seen), hdr;
	struct segment s = { .saddr = get_unaligned_be32(seen + 16), .daddr = SELF };

	if (len < 40 || seen[9] != IPPROTO_TCP)
		return;
	hdr = seen[32] >> 4;
	if (hdr < 5 || 20 + 4 * hdr > len)
		return;
	s.sport = get_unaligned_be16(seen + 22);
	s.dport = get_unaligned_be16(seen + 20);
	s.seq = get_unaligned_be32(seen + (chance(t, 2) ? 24 : 28));
	s.ack = get_unaligned_be32(seen + (chance(t, 2) ? 24 : 28)) + (u32)rng_below(&t->rng, 2);
	s.flags = (u8)(chance(t, 2) ? seen[33] : RNG_PICK(&t->rng, TH_SYN | TH_ACK, TH_RST, TH_ACK,
							  TH_FIN | TH_ACK));
	s.opt_len = (u8)(4 * hdr - 20);
	memcpy(s.opt, seen + 40, s.opt_len);
	s.payload = seen + 20 + 4 * hdr;
	s.len = len - 20 - 4 * hdr;
	if (s.len && chance(t, 2))
		seen[20 + 4 * hdr + rng_below(&t->rng, min_t(u32, s.len, 100))] ^= 1;
	transmit(t, &s, 0);
}

/**
 * step_packet - some packets
 * @t: the caller
 */
void step_packet(struct thread *t)
{
	unsigned int i;

	for (i = 0; i < 16; i++) {
		/* A seal that is right is what takes longest. */
		switch (races() ? 7 : rng_below(&t->rng, 8)) {
		case 0:
			send_noise(t);
			break;
		case 1:
			send_icmp(t);
			break;
		case 2:
			send_back(t);
			break;
		default:
			send_request(t);
		}
	}
	/* There are others who have something to do. */
	if (!races())
		usleep(1000);
}
