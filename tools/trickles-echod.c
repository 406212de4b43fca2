// SPDX-License-Identifier: GPL-2.0
/*
 * The small services that tests of a stream transport need, each at a port of its own:
 * echo, discard and chargen.  Nothing is kept of a connection.  Of an echo, output byte i
 * is input byte i; discard has no output; that of chargen is a function of the offset.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <minisock.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "util.h"

#define BATCH		32
#define CHUNK		65536	/* bytes of chargen in an answer, at most */
#define RECORD		16	/* a line of chargen: its offset in 15 hexadecimal digits, and LF */

#define OVERHEAD	64	/* bytes that a sealed continuation takes, rounded up */

enum mode { ECHO, DISCARD, CHARGEN, MODES };

static struct msk_queue *queue[MODES];
static uint64_t chargen_end = UINT64_MAX;

/* Makes bytes [off, off + len) of the stream in which each line is its own offset. */
static void generate(char *p, uint64_t off, size_t len)
{
	static const char digit[] = "0123456789abcdef";
	uint64_t end = off + len;

	for (; off < end; off++) {
		unsigned int at = off % RECORD;

		*p++ = at == RECORD - 1 ? '\n' :
		       digit[(off - at) >> 4 * (RECORD - 2 - at) & 15];
	}
}

/* From now on the client may send any part of its stream, in any order. */
static void open_input(struct minisock *m)
{
	struct msk_cont c = { .end = UINT64_MAX, .flags = MSK_PARALLEL };

	msk_setucont(m, 0, MSK_INPUT, &c);
}

/*
 * Echoes as much of the input as fits into one packet, and consumes exactly that much.
 * There is no output continuation with which the client could ask again.  If the only
 * packet is lost, nothing is known to be consumed, and the client sends the input again;
 * if the second of two packets were lost, its bytes would never come.
 */
static void echo(struct msk_desc *d, struct msk_iov *iov, struct minisock *m, bool first)
{
	uint32_t fits = msk_packets(m) ? msk_mss(m) - (first ? OVERHEAD : 0) : 0;
	size_t len;
	const void *data = msk_input(m, &d->off, &len);

	if (len <= fits && msk_flags(m) & MSK_FIN)
		d->flags = MSK_SEND_FIN;
	if (len > fits)
		len = fits;
	if (!len)
		return;
	*iov = msk_mem(data, len);
	d->niov = 1;
	msk_consume(m, d->off, d->off + len);
}

static void discard(struct msk_desc *d, struct minisock *m)
{
	uint64_t off;
	size_t len;

	msk_input(m, &off, &len);
	msk_consume(m, off, off + len);
	if (msk_flags(m) & MSK_FIN)
		d->flags = MSK_SEND_FIN;
}

static void chargen(struct msk_desc *d, struct msk_iov *iov, struct minisock *m, char *buf)
{
	struct msk_cont c = {
		.end = chargen_end,
		.flags = chargen_end == UINT64_MAX ? 0 : MSK_FINAL,
	};
	struct msk_range r = { 0, chargen_end };
	unsigned int i, n = msk_nranges(m);
	size_t room = CHUNK;
	uint64_t off;
	size_t len;

	if (!n) {
		msk_input(m, &off, &len);
		msk_consume(m, off, off + len);
		if (!(msk_type(m) & MSK_OPEN))
			return;
		msk_setucont(m, 0, MSK_OUTPUT, &c);
		n = 1;
	}
	if (msk_room(m) < room)
		room = msk_room(m);
	/* Data of an answer is contiguous: behind a range that is cut short comes no other. */
	for (i = 0; i < n && room; i++) {
		if (msk_nranges(m))
			r = msk_range(m, i);
		len = r.len < room ? r.len : room;
		generate(buf, r.off, len);
		if (len)
			iov[d->niov++] = msk_mem(buf, len);
		buf += len;
		room -= len;
	}
}

static void serve(enum mode mode)
{
	static char buf[BATCH][CHUNK];
	static struct msk_iov iov[BATCH][4];
	struct msk_queue *q = queue[mode];
	struct msk_desc desc[BATCH];
	struct minisock *m;
	int i, n;

	do {
		for (n = 0; n < BATCH; n++) {
			struct msk_desc *d = &desc[n];
			struct msk_cont c;
			bool first;

			m = msk_next(q);
			if (!m)
				break;
			*d = (struct msk_desc){ .msk = m, .iov = iov[n], .result = -ECANCELED };
			if (msk_type(m) & MSK_CLOSE) {
				d->flags = MSK_DESC_DROP;
				continue;
			}
			first = !msk_ucont(m, MSK_INPUT, &c);
			if (first && !msk_nranges(m))
				open_input(m);
			if (mode == ECHO)
				echo(d, iov[n], m, first);
			else if (mode == DISCARD)
				discard(d, m);
			else
				chargen(d, iov[n], m, buf[n]);
		}
		if (n && msk_sendbulk(q, desc, n) < 0)
			die("cannot answer: %s", strerror(errno));
		/* To the client, what could not be answered is a lost packet: it asks again. */
		for (i = 0; i < n; i++)
			if (desc[i].result < 0 && desc[i].result != -ESTALE)
				msk_drop(desc[i].msk);
	} while (n);
}

static void start(enum mode mode, const char *addr, uint16_t port, int epoll)
{
	static const char * const name[] = { "echo", "discard", "chargen" };
	struct epoll_event ev = { .events = EPOLLIN, .data.u32 = mode };
	struct sockaddr_in sa;
	socklen_t len = sizeof(sa);

	queue[mode] = msk_listen(addr, port, NULL);
	if (!queue[mode])
		die("%s", msk_error());
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, msk_fd(queue[mode]), &ev))
		die("cannot watch the queue: %s", strerror(errno));
	if (getsockname(msk_fd(queue[mode]), (struct sockaddr *)&sa, &len))
		die("cannot read the port: %s", strerror(errno));
	fprintf(stderr, "trickles-echod: %s at port %u\n", name[mode], ntohs(sa.sin_port));
}

static noreturn void help(int status)
{
	fputs("usage: trickles-echod [-a ADDRESS] [-e PORT] [-d PORT] [-c PORT] [-n BYTES]\n"
	      "  -a  listen at this IPv4 address (default: all)\n"
	      "  -e  echo at this port; 0: the kernel chooses\n"
	      "  -d  discard at this port\n"
	      "  -c  chargen at this port\n"
	      "  -n  chargen ends after so many bytes (default: never)\n",
	      status ? stderr : stdout);
	exit(status);
}

int main(int argc, char **argv)
{
	long port[MODES] = { -1, -1, -1 };
	struct epoll_event ev[MODES];
	const char *addr = NULL;
	int epoll, i, n, opt;

	while ((opt = getopt(argc, argv, "a:c:d:e:hn:")) != -1) {
		switch (opt) {
		case 'a':
			addr = optarg;
			break;
		case 'c':
			port[CHARGEN] = option_number('c', optarg, 0, 65535);
			break;
		case 'd':
			port[DISCARD] = option_number('d', optarg, 0, 65535);
			break;
		case 'e':
			port[ECHO] = option_number('e', optarg, 0, 65535);
			break;
		case 'h':
			help(0);
		case 'n':
			chargen_end = option_number('n', optarg, 1, UINT64_MAX - 1);
			break;
		default:
			help(2);
		}
	}
	if (optind != argc || (port[ECHO] < 0 && port[DISCARD] < 0 && port[CHARGEN] < 0))
		help(2);
	epoll = epoll_create1(EPOLL_CLOEXEC);
	if (epoll < 0)
		die("cannot make an epoll descriptor: %s", strerror(errno));
	for (i = 0; i < MODES; i++)
		if (port[i] >= 0)
			start(i, addr, port[i], epoll);
	for (;;) {
		for (i = 0; i < MODES; i++)
			if (queue[i] && msk_seen(queue[i]) < 0)
				die("cannot wait for events: %s", strerror(errno));
		n = epoll_wait(epoll, ev, MODES, -1);
		if (n < 0 && errno != EINTR)
			die("cannot wait for events: %s", strerror(errno));
		for (i = 0; i < n; i++)
			serve(ev[i].data.u32);
	}
}
