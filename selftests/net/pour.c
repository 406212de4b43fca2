// SPDX-License-Identifier: GPL-2.0
/*
 * Floods of segments for one Trickles server, from any addresses.
 *
 *   pour SECRET OWNER ADDRESS PORT
 *
 * With the server's key (64 hexadecimal digits) and the label of its owner (label.py) it can make
 * what a client gets from the server's answers: cookies and continuations.  So it needs no
 * handshakes, and a flood can be as fast as the machine allows.  A line on stdin says what to send:
 *
 *   KIND COUNT FROM N	COUNT segments from N addresses, of which FROM is the first one
 *
 * It says "poured" when they are sent.  KIND is
 *
 *   first	first requests that are right, each of another connection
 *   range	requests that are right and go on with a connection each
 *   replay	one request that is right, again and again: from each address its own
 *   cookie	first requests with a wrong cookie
 *   seal	requests with a wrong seal
 *   syn	SYNs
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "trickles-user/cipher.h"
#include "core/nonce.h"
#include "core/seal.h"
#include "core/server.h"
#include "core/wire.h"

#define INPUT	"GET"

static struct trku_cipher cipher;
static struct trk_peer peer;
static struct sockaddr_in server = { .sin_family = AF_INET };
static u8 cont[TRK_CONT_LEN];
static int raw_fd;
static u64 made;	/* how many connections */
static u64 begun_ms;

__attribute__((format(printf, 1, 2), noreturn))
static void die(const char *format, ...)
{
	va_list ap;

	printf("pour: ");
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	putchar('\n');
	exit(1);
}

static void take_hex(u8 *to, size_t len, const char *hex)
{
	size_t i;

	if (strlen(hex) != 2 * len)
		die("%s: not %zu hexadecimal digits", hex, 2 * len);
	for (i = 0; i < len; i++)
		if (sscanf(hex + 2 * i, "%2hhx", &to[i]) != 1)
			die("%s: not %zu hexadecimal digits", hex, 2 * len);
}

static u64 wall_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * 1000ULL + t.tv_nsec / 1000000;
}

static u32 sum(const u8 *p, size_t len, u32 s)
{
	for (; len > 1; p += 2, len -= 2)
		s += get_unaligned_be16(p);
	return len ? s + (u32)(p[0] << 8) : s;
}

/* Writes a TCP segment behind an IP header, which the kernel completes, and sends both. */
static void transmit(u8 flags, u32 seq, u32 ack, const u8 *payload, u32 len)
{
	u32 head = sizeof(struct tcphdr) + (flags & TH_SYN ? TRK_SYN_OPT_LEN : TRK_OPT_LEN), s;
	u8 p[sizeof(struct iphdr) + 60 + TRK_REQ_HDR_MAX] = { 0 }, *tcp = p + sizeof(struct iphdr);
	u8 pseudo[12] = { [9] = IPPROTO_TCP };
	struct iphdr *ip = (void *)p;

	*ip = (struct iphdr){ .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_TCP,
			      .daddr = server.sin_addr.s_addr };
	memcpy(&ip->saddr, peer.addr + 12, 4);
	put_unaligned_be16(peer.port, tcp);
	put_unaligned_be16(peer.service, tcp + 2);
	put_unaligned_be32(seq, tcp + 4);
	put_unaligned_be32(ack, tcp + 8);
	tcp[12] = head / 4 << 4;
	tcp[13] = flags;
	put_unaligned_be16(65535, tcp + 14);
	if (flags & TH_SYN)
		trk_wire_syn_opt_write(tcp + sizeof(struct tcphdr));
	else
		trk_wire_opt_write(tcp + sizeof(struct tcphdr));
	if (len)
		memcpy(tcp + head, payload, len);
	memcpy(pseudo, &ip->saddr, 8);
	put_unaligned_be16((u16)(head + len), pseudo + 10);
	s = sum(tcp, head + len, sum(pseudo, sizeof(pseudo), 0));
	s = (s & 0xffff) + (s >> 16);
	s += s >> 16;
	put_unaligned_be16((u16)~s, tcp + 16);
	if (sendto(raw_fd, p, sizeof(*ip) + head + len, 0, (struct sockaddr *)&server,
		   sizeof(server)) < 0)
		die("sendto: %m");
}

static void transmit_req(struct trk_req *q, u32 seq, u32 ack)
{
	u8 payload[TRK_REQ_HDR_MAX + sizeof(INPUT)];
	u32 len;

	q->seg_size = 1448;
	q->token = 7;
	len = trk_wire_req_write(payload, q);
	if (q->has_input) {
		memcpy(payload + len, INPUT, strlen(INPUT));
		len += strlen(INPUT);
	}
	transmit(TH_ACK | TH_PUSH, seq, ack, payload, len);
}

static void send_first(bool right)
{
	struct trk_req q = { .kind = TRK_KIND_FIRST, .has_input = true };
	u32 isn = (u32)(made << 8), cookie;

	cookie = trk_seal_cookie(&cipher.c, &peer, isn, wall_ms() / TRK_COOKIE_PERIOD_MS);
	transmit_req(&q, isn + 1, cookie + 1 + !right);
}

/* A connection that has received the first of its packets, and was born at some time. */
static void send_range(u64 conn, u64 born_ms, bool right)
{
	struct trk_cont c = { .conn = conn, .seg_size = 1448, .iw = TRK_INITIAL_WINDOW,
			      .time_ms = wall_ms(), .domain_key = cipher.c.key_id };
	struct trk_req q = { .kind = TRK_KIND_RANGE, .m = 1, .n = 1,
			     .cont = { cont, TRK_CONT_LEN } };
	struct trk_claims claims = { .n = 1 };

	c.domain = (u64)trk_seal_order_at(born_ms) << 32;
	trk_law_init(&c.law, 0, TRK_INITIAL_WINDOW, TRK_SSTHRESH_INF, 0);
	trk_seal_cont(&cipher.c, &peer, &c, cont);
	q.proof = trk_nonce_proof(&cipher.c, c.conn, c.domain, 0, &claims);
	cont[30] ^= !right;
	transmit_req(&q, 1000, 2000);
}

static void send_one(const char *kind, u32 source)
{
	bool replay = !strcmp(kind, "replay");

	/* All but a replay is of a connection of its own. */
	made++;
	peer.port = replay ? 1000 : 1024 + made % 60000;
	if (replay)
		send_range(1 + source, begun_ms, true);
	else if (!strcmp(kind, "first") || !strcmp(kind, "cookie"))
		send_first(kind[0] == 'f');
	else if (!strcmp(kind, "range") || !strcmp(kind, "seal"))
		send_range(made + (1ULL << 40), wall_ms(), kind[0] == 'r');
	else if (!strcmp(kind, "syn"))
		transmit(TH_SYN, (u32)made, 0, NULL, 0);
	else
		die("what is that? %s", kind);
}

static void pour(const char *kind, u64 count, const char *from, u64 n)
{
	struct in_addr first;
	u64 i;

	if (inet_pton(AF_INET, from, &first) != 1 || !n)
		die("no addresses: %s", from);
	for (i = 0; i < count; i++) {
		put_unaligned_be32(ntohl(first.s_addr) + (u32)(i % n), peer.addr + 12);
		send_one(kind, get_unaligned_be32(peer.addr + 12));
	}
	printf("poured\n");
}

int main(int argc, char **argv)
{
	unsigned long long count, n;
	char line[128], kind[16], from[32];
	u8 secret[32];

	setlinebuf(stdout);
	if (argc != 5 || inet_pton(AF_INET, argv[3], &server.sin_addr) != 1)
		die("usage: pour SECRET OWNER ADDRESS PORT");
	take_hex(secret, sizeof(secret), argv[1]);
	trku_cipher_derive(&cipher, secret);
	take_hex(peer.owner, sizeof(peer.owner), argv[2]);
	begun_ms = wall_ms();
	peer.addr[10] = 0xff;
	peer.addr[11] = 0xff;
	peer.service = atoi(argv[4]);
	raw_fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	if (raw_fd < 0)
		die("raw socket: %m");
	while (fgets(line, sizeof(line), stdin)) {
		if (sscanf(line, "%15s %llu %31s %llu", kind, &count, from, &n) != 4)
			die("what is that? %s", line);
		pour(kind, count, from, n);
	}
	return 0;
}
