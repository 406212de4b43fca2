// SPDX-License-Identifier: GPL-2.0
/* Listeners, their mapped queues, and operations on events: right, half right and wrong ones. */
#include <errno.h>
#include <linux/trickles.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "havoc.h"

#define MOST_OPS	8	/* that are looked at afterwards */
#define NEVER		0xf0000000u	/* no entry of a queue has been used so often */

/* What an operation is made of.  It lies in memory that stays: the results are looked at. */
struct batch {
	struct trk_op op[TRK_MAX_OPS + 1];
	struct trk_iov iov[2 * TRK_MAX_IOV + 64];
	u8 opaque[1024];
	u8 data[];
};

/**
 * make_listener - let a socket listen
 * @t: the caller
 * @fd: the socket
 * @port: where
 *
 * Return: does it?
 */
bool make_listener(struct thread *t, int fd, u16 port)
{
	struct trk_queue_info info = { .entries = TRK_QUEUE_ENTRIES_MIN << rng_below(&t->rng, 3),
				       .event_size = 2048 << rng_below(&t->rng, 2),
				       .flags = (u32)rng_below(&t->rng, 2) };
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(port) };
	int one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
	CALL(t, setsockopt(fd, SOL_TRICKLES, TRK_QUEUE, &info, sizeof(info)));
	CALL(t, bind(fd, (struct sockaddr *)&sa, sizeof(sa)));
	if (CALL(t, listen(fd, 1)))
		return false;
	count(COUNT_LISTENERS);
	return true;
}

/* A port of the party's user, mostly. */
static u16 own_port(struct thread *t)
{
	bool odd = t->party->uid && !t->party->own_userns;

	if (mood() == MOOD_LISTENERS)
		return (u16)(FIRST_PORT + odd);
	if (chance(t, 16))
		return (u16)(FIRST_PORT + rng_below(&t->rng, PORTS));
	return (u16)(FIRST_PORT + odd + 2 * rng_below(&t->rng, PORTS / 2));
}

/* Makes a listener of any socket, or asks it for what only other sockets do. */
void act_listener(struct thread *t)
{
	struct sockaddr_in sa;
	socklen_t len = sizeof(sa);
	int fd = any_fd(t);

	switch (rng_below(&t->rng, 4)) {
	case 0:
		CALL(t, listen(fd, (int)garbage_number(&t->rng)));
		break;
	case 1:
		fd = CALL(t, accept4(fd, (struct sockaddr *)&sa, &len,
				     (int)rng_u64(&t->rng) & (SOCK_NONBLOCK | SOCK_CLOEXEC)));
		if (fd >= 0)
			put_fd(t, fd, any_fd(t));
		break;
	default:
		make_listener(t, fd, own_port(t));
	}
}

/* Maps a queue in the thread's window.  Returns how much, 0 if it is none. */
static size_t map_queue(struct thread *t, int fd)
{
	struct trk_queue_info info = { 0 };
	socklen_t len = sizeof(info);
	void *map;

	if (CALL(t, getsockopt(fd, SOL_TRICKLES, TRK_QUEUE, &info, &len)) || !info.map_len)
		return 0;
	map = CALL(t, mmap(t->window, min_t(size_t, info.map_len, WINDOW), PROT_READ,
			   MAP_SHARED | MAP_FIXED, fd, 0));
	return map == MAP_FAILED ? 0 : min_t(size_t, info.map_len, WINDOW);
}

/*
 * The handle in some entry: mostly of one of the last events, be it answered or not.  What is
 * mapped may be something else than a queue, if the descriptor has changed hands just now.
 */
static u64 read_handle(struct thread *t, size_t len)
{
	const struct trk_queue_head *head = (const void *)t->window;
	u32 entries = max_t(u32, head->entries, 1);
	u32 entry = (u32)rng_below(&t->rng, entries);
	u64 at;

	if (!chance(t, 8) && entries <= 64)
		entry = head->order[(head->produced - 1 - entry) % entries];
	at = head->events_off + (u64)head->event_size * entry;
	return at + sizeof(struct trk_event) > len ? 0 :
	       ((const struct trk_event *)(t->window + at))->handle;
}

/* Handles of @n entries, and how many events were produced. */
static void read_handles(struct thread *t, size_t len, u32 *produced, u64 *handle, unsigned int n)
{
	const struct trk_queue_head *head = (const void *)t->window;
	unsigned int i;

	memset(handle, 0, n * sizeof(*handle));
	*produced = 0;
	if (!len)
		return;
	GUARDED(t, {
		*produced = __atomic_load_n(&head->produced, __ATOMIC_ACQUIRE);
		for (i = 0; i < n; i++)
			handle[i] = read_handle(t, len);
	});
}

static u64 change_handle(struct thread *t, u64 handle)
{
	switch (rng_below(&t->rng, 5)) {
	case 0:
		return (u32)handle;	/* generation 0: never */
	case 1:
		return handle | (u64)NEVER << 32;
	case 2:
		return handle ^ BIT(rng_below(&t->rng, 40));
	case 3:
		return garbage_number(&t->rng);
	default:
		return rng_below(&t->rng, 17) | rng_in(&t->rng, 1, 4) << 32;
	}
}

static void fill_pieces(struct thread *t, struct batch *b)
{
	struct rng *r = &t->rng;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(b->iov); i++) {
		struct trk_iov *v = &b->iov[i];

		*v = (struct trk_iov){ .addr = (uintptr_t)b->data, .fd = -1,
				       .len = RNG_PICK(r, 0, 1, 100, 1400, 1448, 9000, 40000) };
		if (!chance(t, 4))
			continue;
		v->addr = chance(t, 4) ? garbage_number(r) : (uintptr_t)any_pointer(t);
		if (chance(t, 8))
			v->len = garbage_number(r);
		if (chance(t, 3)) {
			v->fd = chance(t, 16) ? (int)garbage_number(r) : any_fd(t);
			v->addr = chance(t, 4) ? garbage_number(r) : rng_below(r, 5000);
		}
		if (chance(t, 64))
			v->reserved = (u32)rng_u64(r);
	}
}

static void fill_cont(struct thread *t, struct batch *b, struct trk_op_cont *c)
{
	struct rng *r = &t->rng;

	*c = (struct trk_op_cont){ .opaque = (uintptr_t)b->opaque, .end = U64_MAX >> 1,
				   .flags = TRK_CONT_SET,
				   .len = RNG_PICK(r, 0, 0, 1, 16, 200, 511, 512) };
	if (!chance(t, 4))
		return;
	c->opaque = (uintptr_t)any_pointer(t);
	c->start = chance(t, 2) ? 0 : garbage_number(r);
	c->end = garbage_number(r);
	c->flags |= (u32)(rng_u64(r) & (chance(t, 8) ? U32_MAX : 0x00060000));
	c->packet = chance(t, 2) ? 0 : (u32)garbage_number(r);
	c->len = chance(t, 8) ? (u32)garbage_number(r) : c->len;
}

static void fill_operation(struct thread *t, struct batch *b, struct trk_op *op, u64 handle)
{
	struct rng *r = &t->rng;

	*op = (struct trk_op){ .handle = chance(t, 6) ? change_handle(t, handle) : handle,
			       .result = -1, .op = TRK_OP_DROP };
	if (chance(t, 6))
		return;
	op->op = TRK_OP_SEND;
	op->iov = (uintptr_t)&b->iov[rng_below(r, 48)];
	op->niov = (u32)(chance(t, 3) ? rng_below(r, TRK_MAX_IOV + 1) : 1);
	op->off = chance(t, 2) ? 0 : garbage_number(r) >> 1;
	op->flags = chance(t, 8) ? TRK_SEND_FIN : 0;
	op->consumed_to = chance(t, 2) ? 0 : garbage_number(r);
	if (chance(t, 2))
		fill_cont(t, b, &op->output);
	if (chance(t, 4))
		fill_cont(t, b, &op->input);
	if (!chance(t, 4))
		return;
	switch (rng_below(r, 6)) {
	case 0:
		op->niov = (u32)(chance(t, 4) ? garbage_number(r) : rng_in(r, 16, 48));
		break;
	case 1:
		op->iov = (uintptr_t)any_pointer(t);
		break;
	case 2:
		op->flags = chance(t, 2) ? TRK_SEND_ABORT : (u32)garbage_number(r);
		break;
	case 3:
		op->op = (u32)garbage_number(r);
		break;
	case 4:
		op->consumed_from = garbage_number(r);
		break;
	default:
		((u8 *)op)[16 + rng_below(r, sizeof(*op) - 16)] = (u8)rng_u64(r);
	}
}

/* No handle has a generation that never was, and none names two events. */
static void check_results(const struct batch *b, const u64 *handle, unsigned int n)
{
	unsigned int i, k;

	for (i = 0; i < n; i++) {
		u32 generation = (u32)(handle[i] >> 32);

		if (b->op[i].result < 0)
			continue;
		count(COUNT_ANSWERED);
		if (!generation || generation >= NEVER)
			kernel_fault("an operation on the handle %llx, which never was, gave %lld",
				     (unsigned long long)handle[i],
				     (long long)b->op[i].result);
		for (k = 0; k < i; k++)
			if (handle[k] == handle[i] && b->op[k].result >= 0)
				kernel_fault("one call took the handle %llx twice",
					     (unsigned long long)handle[i]);
	}
}

static void do_operations(struct thread *t, int fd, struct trk_ops *ops, struct batch *b)
{
	u64 handle[MOST_OPS];
	unsigned int i, n = ops->n;
	bool plain = true;
	int done;

	for (i = 0; i < n; i++)
		handle[i] = b->op[i].handle;
	if (chance(t, 16)) {
		plain = false;
		switch (rng_below(&t->rng, 5)) {
		case 0:
			ops->ops = (uintptr_t)any_pointer(t);
			break;
		case 1:
			ops->n = (u32)RNG_PICK(&t->rng, 255, 256, 257, U32_MAX);
			break;
		case 2:
			ops->op_size += (u32)(8 * rng_below(&t->rng, 6)) - 16;
			break;
		case 3:
			ops->flags = (u32)garbage_number(&t->rng);
			break;
		default:
			ops->seen = (u32)rng_u64(&t->rng);
		}
	}
	done = CALL(t, ioctl(fd, TRK_IOC_OPS, ops));
	count(COUNT_OPS);
	if (plain && done > 0)
		check_results(b, handle, (unsigned int)done);
}

/* Operations on events of a listener, of whose queue @len bytes are mapped. */
static void operate(struct thread *t, int fd, size_t len)
{
	struct batch *b = (struct batch *)t->buf;
	struct trk_ops ops = { .ops = (uintptr_t)b->op, .op_size = sizeof(*b->op) };
	u64 handle[MOST_OPS];
	unsigned int i;

	ops.n = (u32)rng_below(&t->rng, MOST_OPS + 1);
	read_handles(t, len, &ops.seen, handle, ops.n);
	fill_pieces(t, b);
	for (i = 0; i < ops.n; i++)
		fill_operation(t, b, &b->op[i], i && chance(t, 4) ? handle[i - 1] : handle[i]);
	do_operations(t, fd, &ops, b);
	if (chance(t, 4))
		CALL(t, ioctl(fd, TRK_IOC_SEEN, &ops.seen));
}

/* Operations on whatever it is, and now and then on another queue than that of the events. */
void act_operations(struct thread *t)
{
	int fd = any_fd(t);
	size_t len = map_queue(t, fd);

	operate(t, chance(t, 8) ? any_fd(t) : fd, len);
	if (len && chance(t, 4))
		CALL(t, munmap(t->window, len));
}

/* Maps queues in ways that servers do not. */
void act_map(struct thread *t)
{
	struct rng *r = &t->rng;
	u8 *at = t->window + rng_below(r, WINDOW / 4096) * 4096;
	size_t len = min_t(size_t, rng_in(r, 1, 16) * 4096, (size_t)(t->window + WINDOW - at));
	u8 *arena = t->party->arena + rng_below(r, (ARENA - WINDOW) / 4096) * 4096;

	switch (rng_below(r, 8)) {
	case 0:
		CALL(t, mmap(at, len, (int)rng_below(r, 8),
			     MAP_FIXED | (chance(t, 2) ? MAP_SHARED : MAP_PRIVATE), any_fd(t),
			     chance(t, 2) ? 0 : (off_t)rng_below(r, 8) * 4096));
		break;
	case 1:
		CALL(t, mremap(at, len, rng_in(r, 1, 16) * 4096, MREMAP_MAYMOVE | MREMAP_FIXED,
			       arena));
		break;
	case 2:
		CALL(t, mprotect(at, len, (int)rng_below(r, 8)));
		break;
	case 3:
		CALL(t, madvise(at, len, (int)rng_below(r, 26)));
		break;
	case 4:
		CALL(t, munmap(at, len));
		break;
	case 5:
		CALL(t, mlock(at, len));
		CALL(t, munlock(at, len));
		break;
	case 6:
		CALL(t, mincore(at, len, t->buf));
		break;
	default:
		GUARDED(t, t->buf[0] = __atomic_load_n(at, __ATOMIC_RELAXED));
	}
}

/* Opens a listener, answers what comes while it is there, and closes it under the packets. */
void step_listener(struct thread *t)
{
	int fd = CALL(t, socket(AF_INET, SOCK_STREAM, IPPROTO_TRICKLES));
	bool busy = mood() == MOOD_LISTENERS;
	unsigned int i, rounds = busy ? 1 : 1 + (unsigned int)rng_below(&t->rng, 300);

	if (fd < 0)
		return;
	if (make_listener(t, fd, own_port(t))) {
		size_t len = map_queue(t, fd);

		if (busy && chance(t, 2))
			usleep((useconds_t)rng_below(&t->rng, 1000));
		for (i = 0; i < rounds && !__atomic_load_n(&board->enough, __ATOMIC_RELAXED); i++) {
			operate(t, fd, len);
			if (!busy && chance(t, 2))
				usleep(2000);
		}
	}
	CALL(t, close(fd));
}
