// SPDX-License-Identifier: GPL-2.0
/*
 * Many Trickles clients in one process, over a raw socket.  The core runs in user space here, so
 * that the kernel has no socket for any of them.
 *
 *   rawclients COUNT ADDRESS PORT SIZE
 *
 * Opens COUNT connections and fetches /SIZE over each, then says "open".  After a line on stdin
 * it fetches /SIZE over each of them again, and says "fetched".  Files are as xfer makes them.
 * The kernel must not answer in its place, so incoming TCP has to be dropped with nft.
 */
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "core/client.h"
#include "core/reason.h"
#include "sim/rng.h"

#define FIRST_PORT	10000
#define BUSY_MAX	64		/* so many connections fetch at a time */
#define BUFFER		32768		/* an answer is not longer than this, with its header */
#define SEG_SIZE	1456		/* 1500 less headers of IP and TCP, less our option */
#define TIMERS_US	50000		/* how often all timers are looked at */
#define SYN_AGAIN_US	1000000
#define LIMIT_US	120000000	/* within this time another fetch must be complete */

/* What a connection needs while it fetches. */
struct work {
	u8 data[BUFFER];
	u8 have[BUFFER];
	u64 from;			/* stream offset of data[0] */
};

struct conn {
	struct trk_client cl;
	struct trk_entry ring[TRK_RING_MIN];
	char input[512];
	u32 isn, server_isn;
	u64 syn_us;
	bool connected;
	struct work *work;		/* NULL: idle */
};

static struct conn *conns;
static unsigned int count, busy, done;
static unsigned long long size;
static struct sockaddr_in server = { .sin_family = AF_INET };
static struct in_addr self;
static int raw_fd, packet_fd;

__attribute__((format(printf, 1, 2), noreturn))
static void die(const char *format, ...)
{
	va_list ap;

	printf("rawclients: ");
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	putchar('\n');
	exit(1);
}

static u64 now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000ULL + t.tv_nsec / 1000;
}

static u32 random32(void *arg)
{
	static struct rng r;

	if (!r.s && getrandom(&r.s, sizeof(r.s), 0) != sizeof(r.s))
		die("no random numbers");
	return (u32)rng_u64(&r);
}

static u32 sum(const u8 *p, size_t len, u32 s)
{
	for (; len > 1; p += 2, len -= 2)
		s += get_unaligned_be16(p);
	return len ? s + (u32)(p[0] << 8) : s;
}

static void transmit(struct conn *c, u8 flags, u32 seq, u32 ack, const u8 *payload, u32 len)
{
	u32 opt_len = flags & TH_SYN ? TRK_SYN_OPT_LEN : TRK_OPT_LEN;
	u8 p[sizeof(struct tcphdr) + TRK_SYN_OPT_LEN + SEG_SIZE] = { 0 };
	u32 total = sizeof(struct tcphdr) + opt_len + len, s;
	u8 pseudo[12] = { [9] = IPPROTO_TCP };

	put_unaligned_be16(FIRST_PORT + (c - conns), p);
	memcpy(p + 2, &server.sin_port, 2);
	put_unaligned_be32(seq, p + 4);
	put_unaligned_be32(ack, p + 8);
	p[12] = (sizeof(struct tcphdr) + opt_len) / 4 << 4;
	p[13] = flags;
	put_unaligned_be16(65535, p + 14);
	if (flags & TH_SYN)
		trk_wire_syn_opt_write(p + sizeof(struct tcphdr));
	else
		trk_wire_opt_write(p + sizeof(struct tcphdr));
	if (len)
		memcpy(p + sizeof(struct tcphdr) + opt_len, payload, len);
	memcpy(pseudo, &self, 4);
	memcpy(pseudo + 4, &server.sin_addr, 4);
	put_unaligned_be16((u16)total, pseudo + 10);
	s = sum(p, total, sum(pseudo, sizeof(pseudo), 0));
	s = (s & 0xffff) + (s >> 16);
	s += s >> 16;
	put_unaligned_be16((u16)~s, p + 16);
	if (sendto(raw_fd, p, total, 0, (struct sockaddr *)&server, sizeof(server)) < 0)
		die("sendto: %m");
}

/* Sends all requests that are to be sent now. */
static void pump(struct conn *c)
{
	struct trk_sending out;
	u8 p[SEG_SIZE];

	c->cl.snd_end = strlen(c->input);
	while (trk_client_pump(&c->cl, now_us(), &out)) {
		if (out.syn) {
			transmit(c, TH_SYN, c->isn + out.seq, 0, NULL, 0);
			continue;
		}
		memcpy(p, out.hdr, out.hdr_len);
		memcpy(p + out.hdr_len, c->input + out.in_off, out.in_len);
		transmit(c, TH_ACK | TH_PUSH, c->isn + 1 + out.seq, c->server_isn + 1 + out.ackrel,
			 p, out.hdr_len + out.in_len);
	}
	if (c->cl.state == TRK_CL_DEAD)
		die("connection %td: %s", c - conns, strerror(c->cl.error));
}

static void send_syn(struct conn *c)
{
	c->syn_us = now_us();
	transmit(c, TH_SYN, c->isn, 0, NULL, 0);
}

/* Asks for the file, over a new connection or over an idle one. */
static void begin(struct conn *c)
{
	char *end = c->input + strlen(c->input);

	c->work = calloc(1, sizeof(*c->work));
	if (!c->work)
		die("out of memory");
	snprintf(end, c->input + sizeof(c->input) - end,
		 "GET /%llu HTTP/1.1\r\nHost: test\r\n\r\n", size);
	busy++;
	if (c->connected) {
		c->work->from = c->cl.rcv_nxt;
		c->cl.rcv_limit = c->work->from + BUFFER;
		pump(c);
		return;
	}
	trk_client_init(&c->cl, c->ring, TRK_RING_MIN, random32, NULL);
	c->cl.rcv_limit = BUFFER;
	c->isn = random32(NULL);
	send_syn(c);
}

static u8 pattern(u64 off)
{
	struct rng r = { size << 32 ^ off / 8 };
	u64 word = rng_u64(&r);

	return ((u8 *)&word)[off % 8];
}

/* Checks the answer if it is complete; then the connection is idle again. */
static void look(struct conn *c)
{
	const char *text = (char *)c->work->data, *body;
	u64 have = c->cl.rcv_nxt - c->work->from, i;
	char promise[64];

	body = memmem(text, have, "\r\n\r\n", 4);
	if (!body || have < (u64)(body + 4 - text) + size)
		return;
	snprintf(promise, sizeof(promise), "\r\nContent-Length: %llu\r\n", size);
	if (strncmp(text, "HTTP/1.1 200 ", 13) || !memmem(text, have, promise, strlen(promise)))
		die("connection %td: bad answer: %.60s", c - conns, text);
	if (have != (u64)(body + 4 - text) + size)
		die("connection %td: more than promised", c - conns);
	for (i = 0; i < size; i++)
		if ((u8)body[4 + i] != pattern(i))
			die("connection %td: byte %llu is wrong", c - conns, (unsigned long long)i);
	free(c->work);
	c->work = NULL;
	busy--;
	done++;
}

static void store(struct conn *c, const struct trk_delivery *in, const u8 *data)
{
	struct work *w = c->work;
	u64 at;

	for (at = in->off; w && at < in->off + in->len; at++, data++) {
		if (at < w->from || at - w->from >= BUFFER)
			continue;
		w->data[at - w->from] = *data;
		w->have[at - w->from] = 1;
	}
	while (w && c->cl.rcv_nxt - w->from < BUFFER && w->have[c->cl.rcv_nxt - w->from])
		c->cl.rcv_nxt++;
}

/* Takes a response, or several in one segment that was not cut into packets (GSO). */
static void responses(struct conn *c, u32 seq, const u8 *p, u32 len)
{
	u32 seqrel = seq - (c->server_isn + 1);

	while (len) {
		u32 n = len < c->cl.seg_size ? len : c->cl.seg_size;
		struct trk_delivery in;
		struct trk_resp r;

		if (trk_wire_resp_parse(&r, p, n, n) == TRK_OK &&
		    trk_receive_response(&c->cl, &r, seqrel, now_us(), &in) == TRK_OK)
			store(c, &in, p + r.hdr_len);
		p += n;
		seqrel += n;
		len -= n;
	}
	pump(c);
	if (c->work)
		look(c);
}

static void segment(const u8 *p, size_t len)
{
	size_t at, ip = (p[0] & 15) * 4;
	unsigned int port;
	struct conn *c;

	if (len < ip + sizeof(struct tcphdr) || p[9] != IPPROTO_TCP ||
	    memcmp(p + 12, &server.sin_addr, 4))
		return;
	len = len < get_unaligned_be16(p + 2) ? len : get_unaligned_be16(p + 2);
	p += ip;
	len -= ip;
	at = (p[12] >> 4) * 4;
	port = get_unaligned_be16(p + 2);
	if (len < at || port < FIRST_PORT || port - FIRST_PORT >= count)
		return;
	c = &conns[port - FIRST_PORT];
	if (trk_wire_opt_find(p + sizeof(struct tcphdr), at - sizeof(struct tcphdr)) < 0)
		die("an answer without our option, flags %02x", p[13]);
	if (c->connected && !(p[13] & TH_SYN)) {
		responses(c, get_unaligned_be32(p + 4), p + at, len - at);
	} else if (c->connected &&
		   trk_receive_opened(&c->cl, get_unaligned_be32(p + 8) - (c->isn + 1))) {
		c->server_isn = get_unaligned_be32(p + 4) - c->cl.req.ackrel;
		pump(c);
	} else if (!c->connected && p[13] == (TH_SYN | TH_ACK) &&
		   get_unaligned_be32(p + 8) == c->isn + 1) {
		c->server_isn = get_unaligned_be32(p + 4);
		c->connected = true;
		trk_client_connected(&c->cl, SEG_SIZE, now_us() - c->syn_us);
		pump(c);
	}
}

static void receive(void)
{
	static u8 p[1 << 17];
	struct sockaddr_ll from;
	socklen_t from_len = sizeof(from);
	ssize_t len;

	for (;;) {
		len = recvfrom(packet_fd, p, sizeof(p), MSG_DONTWAIT, (struct sockaddr *)&from,
			       &from_len);
		if (len < 0)
			break;
		if (from.sll_pkttype == PACKET_HOST && len > 20)
			segment(p, len);
	}
	if (errno != EAGAIN && errno != ENOBUFS)
		die("recvfrom: %m");
}

static void timers(void)
{
	u64 now = now_us();
	unsigned int i;

	for (i = 0; i < count; i++) {
		struct conn *c = &conns[i];

		if (!c->connected) {
			if (c->work && now - c->syn_us >= SYN_AGAIN_US)
				send_syn(c);
		} else if (now >= c->cl.deadline_us) {
			trk_timer_expired(&c->cl, now);
			pump(c);
		}
	}
}

/* Fetches once over each connection. */
static void round_of_all(void)
{
	u64 stuck_us = now_us() + LIMIT_US, timers_us = 0;
	unsigned int begun = 0, before = 0;

	done = 0;
	while (done < count) {
		struct pollfd pfd = { .fd = packet_fd, .events = POLLIN };

		for (; begun < count && busy < BUSY_MAX; begun++)
			begin(&conns[begun]);
		if (poll(&pfd, 1, 10) < 0)
			die("poll: %m");
		receive();
		if (now_us() >= timers_us) {
			timers();
			timers_us = now_us() + TIMERS_US;
		}
		if (done != before)
			stuck_us = now_us() + LIMIT_US;
		before = done;
		if (now_us() > stuck_us)
			die("stuck: %u of %u done, %u at work", done, count, busy);
	}
}

static void find_self(void)
{
	struct sockaddr_in sa = { 0 };
	socklen_t len = sizeof(sa);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&server, sizeof(server)) ||
	    getsockname(fd, (struct sockaddr *)&sa, &len))
		die("no way to the server: %m");
	close(fd);
	self = sa.sin_addr;
}

int main(int argc, char **argv)
{
	int room = 64 << 20;
	char line[8];

	setlinebuf(stdout);
	if (argc != 5)
		die("see the head of rawclients.c for its arguments");
	count = atoi(argv[1]);
	size = strtoull(argv[4], NULL, 10);
	if (!count || count > 50000 || size > BUFFER / 2 ||
	    inet_pton(AF_INET, argv[2], &server.sin_addr) != 1)
		die("at most 50000 connections and %u bytes", BUFFER / 2);
	server.sin_port = htons(atoi(argv[3]));
	find_self();
	raw_fd = socket(AF_INET, SOCK_RAW, IPPROTO_TCP);
	packet_fd = socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_IP));
	if (raw_fd < 0 || packet_fd < 0 ||
	    setsockopt(packet_fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)))
		die("raw sockets: %m");
	/* The raw socket needs no room to receive, since packet_fd reads all packets. */
	room = 0;
	if (setsockopt(raw_fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)))
		die("SO_RCVBUF: %m");
	conns = calloc(count, sizeof(*conns));
	if (!conns)
		die("out of memory");
	round_of_all();
	printf("open %u\n", count);
	if (!fgets(line, sizeof(line), stdin))
		die("nobody says go on");
	receive();
	round_of_all();
	printf("fetched %u\n", count);
	return 0;
}
