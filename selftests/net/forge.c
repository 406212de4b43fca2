// SPDX-License-Identifier: GPL-2.0
/*
 * Whoever may write the key can seal anything, and in a namespace of his own any user may.
 *
 *   forge SECRET OWNER SEED COUNT
 *   forge SECRET OWNER cost
 *
 * Listens at port 8080 of the loopback device, and sends itself COUNT random requests that are
 * sealed with the secret (64 hexadecimal digits, net.trickles.key) for the owner (label.py). It
 * answers those that the kernel takes with as much as the kernel allows. Before them it sends
 * some with continuations that made the kernel crash once. It prints how many were sent and how
 * many became events.
 *
 * With "cost" it prints, for the worst request of each kind, how long sendto() takes in
 * nanoseconds, in which the loopback device has also handed the packet to the receiving half.
 * On a machine whose clock counts instructions (scripts/costs) these are instructions.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <linux/trickles.h>

#include "trickles-user/cipher.h"
#include "core/nonce.h"
#include "garbage.h"
#include "minisock.h"

#define PORT	8080
#define DATA	(1 << 20)	/* bytes that an answer offers */

static struct garbage garbage;
static struct trku_cipher cipher;
static struct msk_queue *queue;
static int raw_fd;
static unsigned long sent, events, answered;

__attribute__((format(printf, 1, 2), noreturn))
static void die(const char *format, ...)
{
	va_list ap;

	printf("forge: ");
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

static u32 sum(const u8 *p, size_t len, u32 s)
{
	for (; len > 1; p += 2, len -= 2)
		s += get_unaligned_be16(p);
	return len ? s + (u32)(p[0] << 8) : s;
}

static void transmit_to(u16 port, u8 flags, u32 seq, u32 ack, const u8 *payload, u32 len)
{
	u8 p[sizeof(struct tcphdr) + TRK_SYN_OPT_LEN + sizeof(garbage.payload)] = { 0 };
	u8 pseudo[12] = { 127, 0, 0, 1, 127, 0, 0, 1, 0, IPPROTO_TCP };
	u32 head = sizeof(struct tcphdr) + (flags & TH_SYN ? TRK_SYN_OPT_LEN : TRK_OPT_LEN);
	u32 total = head + len, s;
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	put_unaligned_be16(garbage.peer.port, p);
	put_unaligned_be16(port, p + 2);
	put_unaligned_be32(seq, p + 4);
	put_unaligned_be32(ack, p + 8);
	p[12] = head / 4 << 4;
	p[13] = flags;
	put_unaligned_be16(65535, p + 14);
	if (flags & TH_SYN)
		trk_wire_syn_opt_write(p + sizeof(struct tcphdr));
	else
		trk_wire_opt_write(p + sizeof(struct tcphdr));
	if (len)
		memcpy(p + head, payload, len);
	put_unaligned_be16((u16)total, pseudo + 10);
	s = sum(p, total, sum(pseudo, sizeof(pseudo), 0));
	s = (s & 0xffff) + (s >> 16);
	s += s >> 16;
	put_unaligned_be16((u16)~s, p + 16);
	if (sendto(raw_fd, p, total, 0, (struct sockaddr *)&to, sizeof(to)) < 0)
		die("sendto: %m");
	sent++;
}

static void transmit(u32 seq, u32 ack, const u8 *payload, u32 len)
{
	transmit_to(PORT, TH_ACK | TH_PUSH, seq, ack, payload, len);
}

/* Answers all events, with as much data as the kernel takes. */
static void answer_all(void)
{
	static u8 data[DATA];
	struct minisock *m;

	while ((m = msk_next(queue))) {
		struct msk_cont c = { .end = UINT64_MAX };

		events++;
		if (msk_type(m) & MSK_CLOSE) {
			msk_drop(m);
			continue;
		}
		if (rng_below(&garbage.rng, 2))
			msk_setucont(m, 0, MSK_OUTPUT, &c);
		if (msk_send(m, garbage_number(&garbage.rng) >> 1, data, sizeof(data), 0) >= 0)
			answered++;
		else
			msk_drop(m);
	}
	msk_seen(queue);
}

static u64 wall_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * 1000ULL + t.tv_nsec / 1000000;
}

/* Sends a RANGE that reports up to @n and asks for much, with a continuation of such values. */
static void known(u16 seg_size, u32 start_cwnd, u64 n)
{
	struct trk_cont c = { .conn = seg_size, .seg_size = seg_size, .iw = TRK_INITIAL_WINDOW,
			      .time_ms = wall_ms(), .domain_key = cipher.c.key_id };
	struct trk_ucont u = { .end = 1ULL << 40 };
	struct trk_req q = { .kind = TRK_KIND_RANGE, .flags = TRK_REQ_GROW, .token = 7, .m = 1,
			     .n = (u32)n, .cont = { garbage.cont, TRK_CONT_LEN }, .nask = 1,
			     .ask = { { 0, 1 << 29 } }, .output = { garbage.output, 0 } };
	struct trk_claims claims = { .n = n };

	c.domain = (u64)trk_seal_order_at(c.time_ms) << 32;
	trk_law_init(&c.law, 0, start_cwnd, TRK_SSTHRESH_INF, 0);
	trk_seal_cont(&cipher.c, &garbage.peer, &c, garbage.cont);
	q.output.len = trk_seal_ucont(&cipher.c, &garbage.peer, c.conn, TRK_EXT_OUTPUT, &u,
				      garbage.output);
	q.proof = trk_nonce_proof(&cipher.c, c.conn, c.domain, 0, &claims);
	garbage.len = trk_wire_req_write(garbage.payload, &q);
	transmit(1000, 2000, garbage.payload, garbage.len);
	answer_all();
}

/* ---- what requests cost ---- */

#define REPEATS	16

static u64 now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

/* Fills in a request that reports a whole window, @away numbers above the base. */
static void worst_request(struct trk_req *q, u64 conn, u64 away, u32 window, bool late)
{
	struct trk_cont c = { .conn = conn, .seg_size = 1448, .iw = TRK_INITIAL_WINDOW,
			      .time_ms = wall_ms() - (late ? 86400000 : 0),
			      .domain_key = cipher.c.key_id };
	struct trk_ucont u = { .end = 1ULL << 60, .len = 200, .opaque = garbage.payload };
	struct trk_claims claims = { .n = away + window };
	unsigned int i;

	c.domain = (u64)trk_seal_order_at(c.time_ms) << 32;
	trk_law_init(&c.law, 0, window, max_t(u32, window, TRK_MIN_CWND), 0);
	trk_seal_cont(&cipher.c, &garbage.peer, &c, garbage.cont);
	q->cont = (struct trk_blob){ garbage.cont, TRK_CONT_LEN };
	q->token = 7;
	q->flags = TRK_REQ_GROW | TRK_REQ_RENEW;
	q->m = (u32)(away + 1);
	q->n = (u32)(away + window);
	for (i = 0; away > 100 && i < TRK_MAX_CLAIMS; i++) {
		claims.c[i] = (struct trk_claim){ 2 + 3 * i, 2 + 3 * i, TRK_CLAIM_NOGROWTH };
		q->claim[i].a = 2 + 3 * i;
		q->claim[i].len = 1;
		q->claim[i].kind = TRK_CLAIM_NOGROWTH;
		claims.count = i + 1;
		q->nclaims = i + 1;
	}
	q->proof = trk_nonce_proof(&cipher.c, c.conn, c.domain, 0, &claims);
	q->output.p = garbage.output;
	q->output.len = trk_seal_ucont(&cipher.c, &garbage.peer, conn, TRK_EXT_OUTPUT, &u,
				       garbage.output);
	q->input.p = garbage.input;
	q->input.len = trk_seal_ucont(&cipher.c, &garbage.peer, conn, TRK_EXT_INPUT, &u,
				      garbage.input);
}

/* Prints the least of some times, since what else happens meanwhile must not count. */
static void cost_of(const char *name, u8 kind, u64 away, u32 window, bool late, bool spoilt)
{
	static u64 conn = 1 << 20;
	u64 least = UINT64_MAX, begin;
	unsigned int i;

	for (i = 0; i < REPEATS; i++) {
		struct trk_req q = { .kind = kind, .attempt = kind == TRK_KIND_TIMEOUT,
				     .seg_size = 1448 };

		worst_request(&q, conn++, away, window, late);
		if (spoilt)
			garbage.cont[30] ^= 1;
		garbage.len = trk_wire_req_write(garbage.payload, &q);
		begin = now_ns();
		transmit(1000, 2000, garbage.payload, garbage.len);
		least = min_t(u64, least, now_ns() - begin);
		answer_all();
	}
	printf("cost %-32s %llu\n", name, (unsigned long long)least);
}

/* Prints the same of a packet that is no request of anybody's, and may be sent again and again. */
static void cost_again(const char *name, u16 port, u8 flags)
{
	u64 least = UINT64_MAX, begin;
	unsigned int i;

	for (i = 0; i < REPEATS; i++) {
		begin = now_ns();
		transmit_to(port, flags, 1000, 2000, garbage.payload,
			    flags & TH_SYN ? 0 : garbage.len);
		least = min_t(u64, least, now_ns() - begin);
	}
	printf("cost %-32s %llu\n", name, (unsigned long long)least);
}

static void write_request(struct trk_req *q, u64 conn, u64 away, u32 window, bool spoilt)
{
	worst_request(q, conn, away, window, false);
	if (spoilt)
		garbage.cont[30] ^= 1;
	garbage.len = trk_wire_req_write(garbage.payload, q);
}

/*
 * The same segment with a wrong seal, when nobody listens for it, and when this address has so much
 * of the queue that its seal is not looked at.
 */
static void costs_unlooked(void)
{
	struct trk_req worst = { .kind = TRK_KIND_RANGE, .seg_size = 1448 };
	unsigned int i;

	for (i = 0; i < TRK_QUEUE_ENTRIES_DEFAULT; i++) {
		struct trk_req q = { .kind = TRK_KIND_RANGE, .seg_size = 1448 };

		write_request(&q, (1 << 22) + i, 0, 10, false);
		transmit(1000, 2000, garbage.payload, garbage.len);
	}
	write_request(&worst, 1, 1000000, 100, true);
	cost_again("wrong seal, no listener", PORT + 1, TH_ACK | TH_PUSH);
	cost_again("wrong seal, at the gate", PORT, TH_ACK | TH_PUSH);
	answer_all();
}

static void costs(void)
{
	cost_again("SYN", PORT, TH_SYN);
	cost_of("wrong seal", TRK_KIND_RANGE, 1000000, 100, false, true);
	cost_of("first, wrong cookie", TRK_KIND_FIRST, 0, 10, false, false);
	cost_of("close", TRK_KIND_CLOSE, 0, 10, false, false);
	cost_of("range of 10 numbers", TRK_KIND_RANGE, 0, 10, false, false);
	cost_of("range of 10, 32 claims", TRK_KIND_RANGE, 1000000, 10, false, false);
	/* The last one is answered no more, but its claims are looked at each time. */
	cost_again("replay of that", PORT, TH_ACK | TH_PUSH);
	cost_of("range of 32768", TRK_KIND_RANGE, 0, TRK_MAX_CWND, false, false);
	cost_of("range of 32768, 32 claims", TRK_KIND_RANGE, 4000000000, TRK_MAX_CWND, false,
		false);
	cost_of("timeout, 32 claims", TRK_KIND_TIMEOUT, 4000000000, TRK_MAX_CWND, false, false);
	cost_of("timeout past the horizon", TRK_KIND_TIMEOUT, 4000000000, TRK_MAX_CWND, true,
		false);
	costs_unlooked();
}

int main(int argc, char **argv)
{
	static const u8 loopback[16] = { [10] = 0xff, 0xff, 127, 0, 0, 1 };
	unsigned long i, count;
	u8 secret[32];

	bool cost = argc == 4 && !strcmp(argv[3], "cost");

	if (argc != 5 && !cost)
		die("usage: forge SECRET OWNER SEED COUNT | SECRET OWNER cost");
	garbage.key = &cipher.c;
	garbage.peer = (struct trk_peer){ .port = 40000, .service = PORT };
	take_hex(secret, sizeof(secret), argv[1]);
	trku_cipher_derive(&cipher, secret);
	take_hex(garbage.peer.owner, sizeof(garbage.peer.owner), argv[2]);
	garbage.rng.s = strtoul(argv[3], NULL, 0);
	count = cost ? 0 : strtoul(argv[4], NULL, 0);
	memcpy(garbage.peer.addr, loopback, sizeof(loopback));
	queue = msk_listen("127.0.0.1", PORT, NULL);
	if (!queue)
		die("%s", msk_error());
	raw_fd = socket(AF_INET, SOCK_RAW, IPPROTO_TCP);
	if (raw_fd < 0)
		die("raw socket: %m");
	if (cost) {
		costs();
		return 0;
	}
	/* Segment sizes with no room for data or above the bound; a report of all numbers. */
	known(64, 65536, 300);
	known(24, 65536, 300);
	known(0, 10, 10);
	known(65535, 65536, 300);
	known(1400, 65536, U32_MAX);
	/* The last one is right; if it were not taken, the others would show nothing. */
	known(1400, 10, 10);
	if (events != 1 || answered != 1)
		die("%lu events and %lu answers of six requests, of which one is good", events,
		    answered);
	for (i = 0; i < count; i++) {
		garbage.now_ms = wall_ms();
		garbage_next(&garbage);
		transmit((u32)garbage_number(&garbage.rng), (u32)garbage_number(&garbage.rng),
			 garbage.payload, garbage.len);
		answer_all();
	}
	printf("# %lu sent, %lu events, %lu answered\n", sent, events, answered);
	return 0;
}
