// SPDX-License-Identifier: GPL-2.0
/*
 * A web server that keeps nothing of its connections: what it needs to know again later
 * stands in continuations (http_cont.h), which the clients keep.
 */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <minisock.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http_cache.h"
#include "http_cont.h"
#include "util.h"

#define BATCH	HTTP_CACHE_BATCH

static_assert(HTTP_CONT_MAX <= MSK_CONT_MAX, "continuations fit");

/* One answer.  Each of up to four ranges takes two parts: of the header, and of the file. */
struct reply {
	struct msk_desc desc;
	struct msk_iov iov[8];
	char head[HTTP_HEAD_MAX];
};

static struct http_cache cache;
static bool verbose, replicas;

static void log_answer(const struct minisock *m, const struct http_parser *p,
		       const struct http_answer *a)
{
	struct sockaddr_in6 peer;
	char host[INET_ADDRSTRLEN];

	msk_peer(m, &peer);
	inet_ntop(AF_INET, &peer.sin6_addr.s6_addr[12], host, sizeof(host));
	fprintf(stderr, "%s:%u %.*s %u %llu\n", host, ntohs(peer.sin6_port), p->target_len,
		p->target, a->status, (unsigned long long)a->size);
}

static void add(struct reply *r, struct msk_iov iov)
{
	if (iov.len)
		r->iov[r->desc.niov++] = iov;
}

static void drop(struct reply *r)
{
	r->desc.flags = MSK_DESC_DROP;
}

static void give_up(struct reply *r)
{
	r->desc.niov = 0;
	r->desc.flags = MSK_SEND_ABORT;
}

/* Makes parts of an answer again from its output continuation (paper §4.3). */
static void answer_ranges(struct reply *r, const struct minisock *m)
{
	struct http_answer a;
	struct msk_cont c;
	uint64_t file_len, head_len;
	bool have_head = false;
	unsigned int i;
	int fd = -1;

	if (!msk_ucont(m, MSK_OUTPUT, &c) || !http_unpack_answer(c.data, c.len, &a))
		return give_up(r);
	file_len = http_file_len(&a);
	if (file_len) {
		fd = http_cache_get(&cache, &a);
		if (fd == -ESTALE)
			return give_up(r);
		if (fd < 0)
			return drop(r);
	}
	head_len = c.end - c.start - file_len;
	for (i = 0; i < msk_nranges(m); i++) {
		struct msk_range range = msk_range(m, i);
		uint64_t off = range.off - c.start, n = 0;

		if (off < head_len) {
			/* Another version may have begun the answer, with a header that differs. */
			if (!have_head && http_head(&a, r->head) != head_len)
				return give_up(r);
			have_head = true;
			n = head_len - off < range.len ? head_len - off : range.len;
			add(r, msk_mem(r->head + off, n));
		}
		add(r, msk_file(fd, off + n - head_len, range.len - n));
	}
}

/*
 * Answers a whole request: all of the answer is offered to the kernel at once.  Returns
 * false if the host lacks means for the moment.
 */
static bool answer_request(struct reply *r, struct minisock *m, const struct http_parser *p,
			   bool last, uint64_t *next, bool *keep)
{
	uint8_t buf[HTTP_CONT_MAX];
	struct msk_cont c = { .start = *next, .data = buf };
	struct http_answer a;
	uint64_t file_len;
	size_t head_len;
	int fd;

	if (http_resolve(cache.root, p, &a, &fd))
		return false;
	if (replicas)
		a.ino = 0;
	head_len = http_head(&a, r->head);
	file_len = http_file_len(&a);
	add(r, msk_mem(r->head, head_len));
	if (file_len) {
		http_cache_put(&cache, a.path, fd);
		add(r, msk_file(fd, 0, file_len));
	} else if (fd >= 0) {
		close(fd);
	}
	r->desc.off = *next;
	*next += head_len + file_len;
	*keep = a.keep && !last;
	c.end = *next;
	c.len = http_pack_answer(buf, &a);
	c.flags = *keep ? 0 : MSK_FINAL;
	msk_setucont(m, 0, MSK_OUTPUT, &c);
	if (verbose)
		log_answer(m, p, &a);
	return true;
}

/*
 * Takes bytes of requests, up to the end of one request.  What was read of a request that is
 * not complete goes into the input continuation (paper §4.2).
 */
static void take_input(struct reply *r, struct minisock *m)
{
	uint8_t buf[HTTP_CONT_MAX];
	struct msk_cont c = { .start = 0, .end = UINT64_MAX };
	struct http_parser p = { 0 };
	uint64_t off, next = 0, end;
	const char *data;
	bool fin, keep;
	size_t len;

	if (msk_ucont(m, MSK_INPUT, &c) && !http_unpack_request(c.data, c.len, &next, &p))
		return give_up(r);
	data = msk_input(m, &off, &len);
	if (!len && !(msk_flags(m) & MSK_FIN))
		return;
	end = off + len;
	/* The bytes below c.start were consumed before; at c.start the next ones must begin. */
	if (off > c.start || end < c.start)
		return;
	c.start += http_parse(&p, data + (c.start - off), end - c.start);
	fin = msk_flags(m) & MSK_FIN && c.start == end;
	if (p.state == HTTP_DONE) {
		if (!answer_request(r, m, &p, fin, &next, &keep))
			return drop(r);
		memset(&p, 0, sizeof(p));
		if (!keep) {
			p.state = HTTP_CLOSED;
			c.start = end;
		}
	} else if (fin && p.state != HTTP_CLOSED) {
		/* The client's stream ends here; if it ends within a request, that is given up. */
		p.state = HTTP_CLOSED;
		r->desc.off = next;
		r->desc.flags = MSK_SEND_FIN;
	}
	msk_consume(m, off, c.start);
	c.end = UINT64_MAX;
	c.flags = 0;
	c.data = buf;
	c.len = http_pack_request(buf, next, &p);
	msk_setucont(m, 0, MSK_INPUT, &c);
}

static void reply_to(struct reply *r, struct minisock *m)
{
	r->desc = (struct msk_desc){ .msk = m, .iov = r->iov, .result = -ECANCELED };
	if (msk_type(m) & MSK_CLOSE)
		drop(r);
	else if (msk_nranges(m))
		answer_ranges(r, m);
	else
		take_input(r, m);
}

/*
 * Drops the event of an answer that the kernel has refused, so that the client asks again.
 * That would not help if the file has become shorter, or if packets are too small for a
 * continuation with so long a path: then the connection is given up.
 */
static void clean_up(const struct msk_desc *d)
{
	if (d->result >= 0 || d->result == -ESTALE)
		return;
	if (verbose)
		fprintf(stderr, "answer failed: %s\n", strerror(-d->result));
	if (d->result == -EMSGSIZE || (d->result == -EIO && msk_nranges(d->msk)))
		msk_abort(d->msk);
	else
		msk_drop(d->msk);
}

/* Events whose answers have to wait until others have left the host, the oldest first. */
#define LATER	256

static struct minisock *later[LATER];
static int nlater;

/* A client that does not get its packets asks again and again: it must not have the whole queue. */
static void put_aside(struct minisock *m)
{
	if (nlater == LATER) {
		msk_drop(later[0]);
		memmove(later, later + 1, --nlater * sizeof(later[0]));
	}
	later[nlater++] = m;
}

/* Up to @max of the events that were put aside, if an answer may find room now. */
static int take_again(struct msk_queue *q, struct minisock **m, int max)
{
	struct pollfd p = { .fd = msk_fd(q), .events = POLLOUT };
	int n = nlater < max ? nlater : max;

	if (!n || poll(&p, 1, 0) != 1)
		return 0;
	memcpy(m, later, n * sizeof(*m));
	nlater -= n;
	memmove(later, later + n, nlater * sizeof(later[0]));
	return n;
}

static void wait_for_work(struct msk_queue *q)
{
	struct pollfd p = { .fd = msk_fd(q), .events = POLLIN | (nlater ? POLLOUT : 0) };

	int more = msk_seen(q);

	if (more < 0 || (!more && poll(&p, 1, -1) < 0 && errno != EINTR))
		die("cannot wait for events: %s", strerror(errno));
}

static noreturn void serve(struct msk_queue *q)
{
	static struct reply reply[BATCH];
	struct minisock *m[BATCH];
	struct msk_desc desc[BATCH];
	int i, n;

	for (;;) {
		/* Half of a batch at most, lest those that wait keep new ones waiting. */
		n = take_again(q, m, BATCH / 2);
		while (n < BATCH && (m[n] = msk_next(q)))
			n++;
		if (!n) {
			wait_for_work(q);
			continue;
		}
		for (i = 0; i < n; i++) {
			reply_to(&reply[i], m[i]);
			desc[i] = reply[i].desc;
		}
		if (msk_sendbulk(q, desc, n) < 0)
			die("cannot answer: %s", strerror(errno));
		for (i = 0; i < n; i++) {
			if (desc[i].result == -EAGAIN)
				put_aside(m[i]);
			else
				clean_up(&desc[i]);
		}
		http_cache_settle(&cache);
	}
}

static noreturn void help(int status)
{
	fputs("usage: trickles-httpd [-rv] [-a ADDRESS] [-o FILE] -p PORT FOLDER\n"
	      "  -a  listen at this IPv4 address (default: all)\n"
	      "  -o  file with a secret of the servers that go on with each other's connections\n"
	      "      (default: those of this user)\n"
	      "  -p  port; 0: the kernel chooses\n"
	      "  -r  replicas: files of equal size and time are equal, whatever their inode\n"
	      "  -v  log requests\n", status ? stderr : stdout);
	exit(status);
}

/* The secret of the owner is all bytes of a file. */
static void read_owner(struct msk_options *options, const char *path)
{
	static char secret[65];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, secret, sizeof(secret));

	if (n < 0)
		die("%s: %s", path, strerror(errno));
	if (n < 16 || n == sizeof(secret))
		die("%s: an owner's secret has 16 to 64 bytes", path);
	close(fd);
	options->owner = secret;
	options->owner_len = n;
}

int main(int argc, char **argv)
{
	struct msk_options options = { 0 };
	const char *addr = NULL;
	struct sockaddr_in sa;
	socklen_t sa_len = sizeof(sa);
	struct msk_queue *q;
	long port = -1;
	int opt;

	while ((opt = getopt(argc, argv, "a:ho:p:rv")) != -1) {
		switch (opt) {
		case 'a':
			addr = optarg;
			break;
		case 'h':
			help(0);
		case 'o':
			read_owner(&options, optarg);
			break;
		case 'p':
			port = option_number('p', optarg, 0, 65535);
			break;
		case 'r':
			replicas = true;
			break;
		case 'v':
			verbose = true;
			break;
		default:
			help(2);
		}
	}
	if (port < 0 || optind + 1 != argc)
		help(2);
	cache.root = open(argv[optind], O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (cache.root < 0)
		die("%s: %s: give a folder to serve", argv[optind], strerror(errno));
	q = msk_listen(addr, port, &options);
	if (!q)
		die("%s", msk_error());
	if (getsockname(msk_fd(q), (struct sockaddr *)&sa, &sa_len))
		die("cannot read the port: %s", strerror(errno));
	fprintf(stderr, "trickles-httpd: serving %s at port %u\n", argv[optind],
		ntohs(sa.sin_port));
	serve(q);
}
