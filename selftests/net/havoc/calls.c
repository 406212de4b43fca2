// SPDX-License-Identifier: GPL-2.0
/* Calls on sockets, and on what else has a descriptor. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/errqueue.h>
#include <linux/trickles.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include "havoc.h"

#define MOST	20000	/* bytes that are sent or received, mostly */

/* Puts a descriptor in the place of one of those that the calls are about. */
void put_fd(struct thread *t, int fd, int at)
{
	if (fd < 0 || fd == at)
		return;
	CALL(t, dup2(fd, at));
	close(fd);
}

static int open_file(struct thread *t)
{
	static const char *const names[] = {
		"/", "/dev/zero", "/dev/null", "/proc/net/trickles", "/proc/self/mem",
		"/proc/sys/net/trickles/key_ids", "/proc/net/tcp", "/proc/self/exe",
	};

	if (chance(t, 2))
		return CALL(t, open(names[rng_below(&t->rng, ARRAY_SIZE(names))],
				    O_CLOEXEC | (chance(t, 8) ? O_PATH : 0)));
	return CALL(t, (int)memfd_create("havoc", MFD_CLOEXEC));
}

static int open_other(struct thread *t)
{
	int pair[2], fd = -1, file;

	switch (rng_below(&t->rng, 6)) {
	case 0:
		return CALL(t, eventfd(0, EFD_NONBLOCK));
	case 1:
		return CALL(t, timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
	case 2:
		return CALL(t, epoll_create1(0));
	case 3:
		if (!CALL(t, socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair)))
			put_fd(t, pair[0], any_fd(t)), fd = pair[1];
		return fd;
	case 4:
		file = open_file(t);
		/* With something in it. */
		if (file >= 0 && CALL(t, write(file, t->buf, BUF / 2)) < 0)
			errno = 0;
		return file;
	default:
		if (!CALL(t, pipe2(pair, O_NONBLOCK)))
			put_fd(t, pair[0], any_fd(t)), fd = pair[1];
		return fd;
	}
}

static void act_open(struct thread *t)
{
	struct linger reset = { .l_onoff = 1 };
	struct timeval wait = { .tv_usec = 20000 };
	int type = SOCK_STREAM | (chance(t, 3) ? SOCK_NONBLOCK : 0);
	int fd;

	if (chance(t, 4)) {
		put_fd(t, open_other(t), any_fd(t));
		return;
	}
	if (chance(t, 16))
		fd = CALL(t, socket((int)rng_below(&t->rng, 12), (int)rng_below(&t->rng, 6),
				    IPPROTO_TRICKLES));
	else
		fd = CALL(t, socket(AF_INET, type, chance(t, 6) ? IPPROTO_TCP : IPPROTO_TRICKLES));
	if (fd < 0)
		return;
	if (!chance(t, 8))
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	put_fd(t, fd, any_fd(t));
}

static socklen_t any_address(struct thread *t, struct sockaddr_in *sa)
{
	struct rng *r = &t->rng;

	*sa = (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons((u16)(FIRST_PORT + rng_below(r, PORTS))),
		.sin_addr.s_addr = htonl((u32)RNG_PICK(r, INADDR_LOOPBACK, SELF, SELF, SELF + 1,
						       SELF + 1, SELF + 2, SELF + 3)),
	};
	if (!chance(t, 8))
		return sizeof(*sa);
	sa->sin_port = htons((u16)garbage_number(r));
	sa->sin_family = (sa_family_t)RNG_PICK(r, AF_INET, AF_UNSPEC, AF_UNSPEC, AF_INET6, 0xffff);
	sa->sin_addr.s_addr = htonl((u32)RNG_PICK(r, INADDR_LOOPBACK, 0, U32_MAX, 0xe0000001,
						  SELF, SELF + 1));
	return chance(t, 4) ? (socklen_t)rng_below(r, 20) : sizeof(*sa);
}

static void act_connect(struct thread *t)
{
	struct sockaddr_in sa;
	socklen_t len = any_address(t, &sa);
	int fd = any_fd(t);

	if (chance(t, 6))
		CALL(t, bind(fd, (struct sockaddr *)&sa, len));
	else if (chance(t, 16))
		CALL(t, connect(fd, any_pointer(t), len));
	else
		CALL(t, connect(fd, (struct sockaddr *)&sa, len));
}

static void act_name(struct thread *t)
{
	socklen_t len = (socklen_t)rng_below(&t->rng, 64);
	int fd = any_fd(t);

	if (chance(t, 2))
		CALL(t, getsockname(fd, any_pointer(t), &len));
	else
		CALL(t, getpeername(fd, any_pointer(t), &len));
	if (chance(t, 4))
		CALL(t, shutdown(fd, (int)rng_below(&t->rng, 4)));
}

static int any_flags(struct thread *t)
{
	static const int flags[] = {
		MSG_PEEK, MSG_OOB, MSG_ZEROCOPY, MSG_ERRQUEUE, MSG_WAITALL, MSG_TRUNC, MSG_MORE,
		MSG_DONTROUTE, MSG_EOR, MSG_CTRUNC, MSG_FASTOPEN, MSG_CONFIRM, MSG_PROXY,
	};
	int f = MSG_NOSIGNAL | (chance(t, 2) ? MSG_DONTWAIT : 0);

	while (chance(t, 3))
		f |= flags[rng_below(&t->rng, ARRAY_SIZE(flags))];
	return chance(t, 64) ? (int)rng_u64(&t->rng) : f;
}

static void fill_message(struct thread *t, struct msghdr *m, struct iovec iov[4],
			 struct sockaddr_in *sa)
{
	struct rng *r = &t->rng;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		iov[i].iov_base = any_pointer(t);
		iov[i].iov_len = chance(t, 32) ? garbage_number(r) : rng_below(r, MOST / 4);
	}
	*m = (struct msghdr){ .msg_iov = iov, .msg_iovlen = rng_below(r, 5) };
	if (chance(t, 4)) {
		m->msg_name = sa;
		m->msg_namelen = any_address(t, sa);
	}
	if (chance(t, 8)) {
		m->msg_control = any_pointer(t);
		m->msg_controllen = rng_below(r, 200);
	}
}

static void act_send(struct thread *t)
{
	size_t len = rng_below(&t->rng, chance(t, 8) ? MOST : 2000);
	struct sockaddr_in sa, to;
	struct mmsghdr m[2];
	struct iovec iov[8];
	int fd = any_fd(t);

	fill_message(t, &m[0].msg_hdr, iov, &sa);
	switch (rng_below(&t->rng, 6)) {
	case 0:
		CALL(t, sendto(fd, any_pointer(t), len, any_flags(t), (struct sockaddr *)&to,
			       any_address(t, &to)));
		break;
	case 1:
		CALL(t, sendmsg(fd, &m[0].msg_hdr, any_flags(t)));
		break;
	case 2:
		fill_message(t, &m[1].msg_hdr, iov + 4, &to);
		CALL(t, sendmmsg(fd, m, 2, any_flags(t)));
		break;
	case 3:
		CALL(t, writev(fd, iov, (int)rng_below(&t->rng, 5)));
		break;
	case 4:
		CALL(t, write(fd, any_pointer(t), len));
		break;
	default:
		CALL(t, send(fd, t->buf, len, any_flags(t)));
	}
}

static void act_receive(struct thread *t)
{
	size_t len = rng_below(&t->rng, MOST);
	struct timespec wait = { .tv_nsec = 1000000 };
	struct sockaddr_in sa, from;
	struct mmsghdr m[2];
	struct iovec iov[8];
	socklen_t sa_len = sizeof(sa);
	int fd = any_fd(t);

	fill_message(t, &m[0].msg_hdr, iov, &sa);
	switch (rng_below(&t->rng, 6)) {
	case 0:
		CALL(t, recvfrom(fd, any_pointer(t), len, any_flags(t), (struct sockaddr *)&sa,
				 &sa_len));
		break;
	case 1:
		CALL(t, recvmsg(fd, &m[0].msg_hdr, any_flags(t)));
		break;
	case 2:
		fill_message(t, &m[1].msg_hdr, iov + 4, &from);
		CALL(t, recvmmsg(fd, m, 2, any_flags(t), &wait));
		break;
	case 3:
		CALL(t, readv(fd, iov, (int)rng_below(&t->rng, 5)));
		break;
	case 4:
		CALL(t, read(fd, any_pointer(t), len));
		break;
	default:
		CALL(t, recv(fd, t->buf, len, any_flags(t)));
	}
}

static void act_poll(struct thread *t)
{
	struct pollfd p[4];
	struct epoll_event ev = { .events = (u32)rng_u64(&t->rng) };
	unsigned int i;
	int ep = any_fd(t);

	for (i = 0; i < ARRAY_SIZE(p); i++)
		p[i] = (struct pollfd){ any_fd(t), (short)rng_u64(&t->rng), 0 };
	switch (rng_below(&t->rng, 3)) {
	case 0:
		CALL(t, poll(p, ARRAY_SIZE(p), (int)rng_below(&t->rng, 3)));
		break;
	case 1:
		CALL(t, epoll_ctl(ep, (int)rng_in(&t->rng, 1, 3), any_fd(t), &ev));
		break;
	default:
		CALL(t, epoll_wait(ep, &ev, 1, (int)rng_below(&t->rng, 3)));
	}
}

static void act_pipe(struct thread *t)
{
	int flags = (int)rng_below(&t->rng, 16) | SPLICE_F_NONBLOCK;
	int from = any_fd(t), to = any_fd(t);
	size_t len = rng_below(&t->rng, MOST);
	off_t off = (off_t)rng_below(&t->rng, 3000);
	struct iovec iov = { any_pointer(t), len };

	switch (rng_below(&t->rng, 5)) {
	case 0:
		CALL(t, sendfile(to, from, chance(t, 2) ? &off : NULL, len));
		break;
	case 1:
		CALL(t, vmsplice(to, &iov, 1, (unsigned int)flags));
		break;
	case 2:
		CALL(t, tee(from, to, len, (unsigned int)flags));
		break;
	case 3:
		CALL(t, copy_file_range(from, NULL, to, NULL, len, 0));
		break;
	default:
		CALL(t, splice(from, NULL, to, NULL, len, (unsigned int)flags));
	}
}

/**
 * step_call - one call or a few
 * @t: the caller
 */
void step_call(struct thread *t)
{
	static void (*const acts[])(struct thread *) = {
		act_open, act_open, act_connect, act_connect, act_connect, act_name, act_send,
		act_send, act_send, act_receive, act_receive, act_receive, act_poll, act_pipe,
		act_option, act_option, act_ioctl, act_descriptor, act_listener, act_operations,
		act_operations, act_map, act_pass, act_setting, act_child,
	};

	acts[rng_below(&t->rng, ARRAY_SIZE(acts))](t);
}
