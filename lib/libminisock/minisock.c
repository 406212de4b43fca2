// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * The queue: how it is opened, walked and waited for; and what an event brings.
 */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "internal.h"

static_assert(MSK_OPEN == TRK_EV_OPEN && MSK_REQUEST == TRK_EV_REQUEST &&
	      MSK_CLOSE == TRK_EV_CLOSE, "types of events");
static_assert(MSK_FIN == TRK_EVF_FIN && MSK_TIMEOUT == TRK_EVF_TIMEOUT, "flags of events");
static_assert(MSK_WANT_CLOSE == TRK_QUEUE_CLOSE, "flags of queues");
static_assert(MSK_FINAL == TRK_CONT_FINAL && MSK_PARALLEL == TRK_CONT_PARALLEL,
	      "flags of continuations");

/*
 * The bytes of an event that this file reads.  The struct grows at its end, so the kernel's may
 * be longer, and so may the one that this file is compiled with.
 */
#define EVENT_LEN	(offsetof(struct trk_event, time_ns) + sizeof(__u64))

static __thread char message[160];

__attribute__((format(printf, 1, 2)))
static void failed(const char *format, ...)
{
	int error = errno;
	va_list ap;

	va_start(ap, format);
	vsnprintf(message, sizeof(message), format, ap);
	va_end(ap);
	errno = error;
}

const char *msk_error(void)
{
	return message;
}

/* Closes a socket that is of no use, without losing errno. */
static void discard(int fd)
{
	int error = errno;

	close(fd);
	errno = error;
}

/*
 * The oldest event that may not be answered yet.  Events are counted modulo 2^32: whether there
 * were as many as entries is told by the place of the next one, if none came meanwhile.
 */
static uint32_t oldest_event(const struct trk_queue_head *head)
{
	uint32_t produced, next;

	do {
		produced = __atomic_load_n(&head->produced, __ATOMIC_ACQUIRE);
		next = __atomic_load_n(&head->order[produced & (head->entries - 1)],
				       __ATOMIC_ACQUIRE);
	} while (produced != __atomic_load_n(&head->produced, __ATOMIC_RELAXED));
	return next == UINT32_MAX ? 0 : produced - head->entries;
}

static struct msk_queue *queue_map(int fd, const struct trk_queue_info *info)
{
	struct msk_queue *q = calloc(1, sizeof(*q));
	void *map;

	if (!q)
		return NULL;
	map = mmap(NULL, info->map_len, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		goto free_queue;
	q->head = map;
	if (q->head->version != TRK_QUEUE_VERSION || q->head->event_len < EVENT_LEN) {
		errno = EPROTO;
		goto unmap;
	}
	q->map_len = info->map_len;
	q->fd = fd;
	q->mask = q->head->entries - 1;
	/*
	 * Events may be waiting already.  Among those walked now may be some that another process
	 * has answered: an operation on them fails with ESTALE.
	 */
	q->walked = oldest_event(q->head);
	q->produced = q->walked;
	q->told = q->walked;
	/* A page takes memory when it is first touched, so entries never used cost nothing. */
	q->msk = mmap(NULL, (size_t)q->head->entries * sizeof(*q->msk), PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (q->msk == MAP_FAILED)
		goto unmap;
	return q;
unmap:
	munmap(map, info->map_len);
free_queue:
	free(q);
	return NULL;
}

struct msk_queue *msk_attach(int fd)
{
	struct trk_queue_info info = { 0 };
	socklen_t len = sizeof(info);
	struct msk_queue *q;

	if (getsockopt(fd, SOL_TRICKLES, TRK_QUEUE, &info, &len)) {
		failed("not a Trickles socket: %s", strerror(errno));
		return NULL;
	}
	if (!info.map_len) {
		len = sizeof(info);
		if (listen(fd, SOMAXCONN)) {
			failed("cannot listen: %s", errno == EADDRINUSE ?
			       "the port is in use: choose another" : errno == ENOBUFS ?
			       "the queue is too large: take fewer entries, or raise ulimit -l" :
			       strerror(errno));
			return NULL;
		}
		if (getsockopt(fd, SOL_TRICKLES, TRK_QUEUE, &info, &len)) {
			failed("cannot read the size of the event queue: %s", strerror(errno));
			return NULL;
		}
	}
	q = queue_map(fd, &info);
	if (!q && errno == EPROTO)
		failed("the kernel module has another version: build both from one source");
	else if (!q)
		failed("cannot map the event queue: %s", strerror(errno));
	return q;
}

static int bind_to(int fd, const char *addr, uint16_t port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(port) };
	const char *where = addr ? addr : "any address";

	if (addr && inet_pton(AF_INET, addr, &sa.sin_addr) != 1) {
		errno = EAFNOSUPPORT;
		failed("%s is not an IPv4 address", addr);
		return -1;
	}
	if (!bind(fd, (struct sockaddr *)&sa, sizeof(sa)))
		return 0;
	if (errno == EADDRINUSE)
		failed("port %u of %s is in use: choose another", port, where);
	else if (errno == EACCES)
		failed("port %u is for root: choose one above 1023, or run as root", port);
	else if (errno == EADDRNOTAVAIL)
		failed("%s is not an address of this host", where);
	else
		failed("cannot bind to port %u of %s: %s", port, where, strerror(errno));
	return -1;
}

static int set_options(int fd, const struct msk_options *o)
{
	static const struct msk_options none;
	struct trk_queue_info info = {
		.entries = o->entries, .event_size = o->event_size, .flags = o->flags,
	};

	if (memcmp(o->reserved, none.reserved, sizeof(o->reserved))) {
		errno = EINVAL;
		failed("reserved fields of struct msk_options must be 0");
		return -1;
	}
	if (setsockopt(fd, SOL_TRICKLES, TRK_QUEUE, &info, sizeof(info))) {
		if (errno == E2BIG)
			failed("the kernel module is older than this library: %s",
			       "it does not know an option of the queue");
		else
			failed("no event queue of %u (%u to %u) entries of %u (%u to %u) bytes: %s",
			       o->entries, TRK_QUEUE_ENTRIES_MIN, TRK_QUEUE_ENTRIES_MAX,
			       o->event_size, TRK_EVENT_SIZE_DEFAULT, TRK_EVENT_SIZE_MAX,
			       errno == EINVAL ? "both must be powers of two" : strerror(errno));
		return -1;
	}
	if (o->owner_len && setsockopt(fd, SOL_TRICKLES, TRK_OWNER, o->owner, o->owner_len)) {
		failed("cannot set an owner's secret of %u bytes (%u to %u): %s", o->owner_len,
		       TRK_OWNER_MIN, TRK_OWNER_MAX, strerror(errno));
		return -1;
	}
	return 0;
}

struct msk_queue *msk_listen(const char *addr, uint16_t port, const struct msk_options *options)
{
	static const struct msk_options defaults;
	struct msk_queue *q = NULL;
	int one = 1;
	int fd;

	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TRICKLES);
	if (fd < 0) {
		/* A kernel returns one of these for a protocol that nobody has registered. */
		if (errno == EPROTONOSUPPORT || errno == ESOCKTNOSUPPORT || errno == EINVAL)
			failed("Trickles: the kernel module is not loaded: %s",
			       "run modprobe trickles as root");
		else
			failed("cannot open a Trickles socket: %s", strerror(errno));
		return NULL;
	}
	/* So a server that was killed can be started again at once. */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)))
		failed("cannot set SO_REUSEADDR: %s", strerror(errno));
	else if (!set_options(fd, options ? options : &defaults) && !bind_to(fd, addr, port))
		q = msk_attach(fd);
	if (!q)
		discard(fd);
	return q;
}

void msk_close(struct msk_queue *q)
{
	munmap(q->msk, (size_t)q->head->entries * sizeof(*q->msk));
	munmap((void *)q->head, q->map_len);
	close(q->fd);
	free(q);
}

int msk_fd(const struct msk_queue *q)
{
	return q->fd;
}

struct minisock *msk_next(struct msk_queue *q)
{
	struct minisock *m;
	uint32_t entry;

	if (q->walked == q->produced) {
		/* Pairs with the kernel's release: an event is complete when it is counted. */
		q->produced = __atomic_load_n(&q->head->produced, __ATOMIC_ACQUIRE);
		if (q->walked == q->produced)
			return NULL;
	}
	entry = q->head->order[q->walked++ & q->mask];
	m = &q->msk[entry];
	m->q = q;
	m->ev = (const void *)((const char *)q->head + q->head->events_off +
			       (size_t)entry * q->head->event_size);
	m->handle = m->ev->handle;
	m->consumed_from = 0;
	m->consumed_to = 0;
	m->staged[MSK_OUTPUT].flags = 0;
	m->staged[MSK_INPUT].flags = 0;
	return m;
}

int msk_seen(struct msk_queue *q)
{
	int more;

	if (q->told != q->walked) {
		more = ioctl(q->fd, TRK_IOC_SEEN, &q->walked);
		if (more < 0)
			return -1;
		q->told = q->walked;
		return more;
	}
	return __atomic_load_n(&q->head->produced, __ATOMIC_ACQUIRE) - q->walked;
}

int msk_wait(struct msk_queue *q, int timeout_ms)
{
	struct pollfd p = { .fd = q->fd, .events = POLLIN };
	int more = msk_seen(q);

	if (more)
		return more < 0 ? -1 : 1;
	return poll(&p, 1, timeout_ms);
}

uint32_t msk_dropped(const struct msk_queue *q)
{
	return __atomic_load_n(&q->head->dropped, __ATOMIC_RELAXED);
}

uint32_t msk_type(const struct minisock *m)
{
	return m->ev->type;
}

uint32_t msk_flags(const struct minisock *m)
{
	return m->ev->flags & (MSK_FIN | MSK_TIMEOUT);
}

const void *msk_input(const struct minisock *m, uint64_t *off, size_t *len)
{
	const struct trk_event *ev = m->ev;

	*off = ev->input_off;
	*len = ev->input_len;
	return ev->input_len ? (const char *)ev + ev->input_at : NULL;
}

unsigned int msk_nranges(const struct minisock *m)
{
	return m->ev->nranges;
}

struct msk_range msk_range(const struct minisock *m, unsigned int i)
{
	struct msk_range r = { m->ev->range[i].off, m->ev->range[i].len };

	return r;
}

int msk_ucont(const struct minisock *m, enum msk_which which, struct msk_cont *c)
{
	const struct trk_event *ev = m->ev;
	const struct trk_event_cont *e = which == MSK_OUTPUT ? &ev->output : &ev->input;
	uint32_t flag = which == MSK_OUTPUT ? TRK_EVF_OUTPUT_CONT : TRK_EVF_INPUT_CONT;

	if (!(ev->flags & flag))
		return 0;
	c->start = e->start;
	c->end = e->end;
	c->data = (const char *)ev + e->at;
	c->len = e->len;
	c->flags = e->flags;
	c->reserved0 = 0;
	memset(c->reserved, 0, sizeof(c->reserved));
	return 1;
}

uint64_t msk_room(const struct minisock *m)
{
	return m->ev->room;
}

uint32_t msk_packets(const struct minisock *m)
{
	return m->ev->packets;
}

uint32_t msk_mss(const struct minisock *m)
{
	return m->ev->mss;
}

uint64_t msk_conn(const struct minisock *m)
{
	return m->ev->conn;
}

static void address(struct sockaddr_in6 *sa, const struct trk_addr *addr)
{
	memset(sa, 0, sizeof(*sa));
	sa->sin6_family = AF_INET6;
	sa->sin6_port = addr->port;
	sa->sin6_scope_id = addr->scope;
	memcpy(&sa->sin6_addr, addr->addr, sizeof(addr->addr));
}

void msk_peer(const struct minisock *m, struct sockaddr_in6 *sa)
{
	address(sa, &m->ev->peer);
}

void msk_local(const struct minisock *m, struct sockaddr_in6 *sa)
{
	address(sa, &m->ev->local);
}

uint64_t msk_time(const struct minisock *m)
{
	return m->ev->time_ns;
}
