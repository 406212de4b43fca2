// SPDX-License-Identifier: GPL-2.0
/* Options, ioctls and flags of descriptors. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <linux/trickles.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "havoc.h"

static bool is_trickles(int fd)
{
	int protocol = 0;
	socklen_t len = sizeof(protocol);

	getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len);
	return protocol == IPPROTO_TRICKLES;
}

/* A number that some option has: those of the level, or any. */
static int any_name(struct thread *t, int level)
{
	if (chance(t, 32))
		return (int)garbage_number(&t->rng);
	switch (level) {
	case SOL_TRICKLES:
		return (int)rng_below(&t->rng, 6);
	case SOL_TCP:
		return (int)rng_below(&t->rng, 40);
	case SOL_IP:
		return (int)rng_below(&t->rng, 60);
	default:
		return (int)rng_below(&t->rng, 78);
	}
}

static socklen_t fill_value(struct thread *t, int *value)
{
	struct rng *r = &t->rng;
	unsigned int i, n = 1 + (unsigned int)rng_below(r, 16);

	for (i = 0; i < n; i++)
		value[i] = (int)RNG_PICK(r, 0, 0, 1, 1, garbage_number(r), rng_below(r, 300));
	return (socklen_t)(chance(t, 8) ? garbage_number(r) : n * sizeof(*value));
}

/* What repairs connections of TCP, or hands them to somebody else, is TCP's and not looked at. */
static bool leave_out(int fd, int level, int name)
{
	if (level == SOL_TCP && (name == TCP_REPAIR || name == TCP_ULP))
		return !is_trickles(fd);
	return level == SOL_SOCKET && (name == SO_SNDBUFFORCE || name == SO_RCVBUFFORCE);
}

static void set_time(struct thread *t, int fd)
{
	struct timeval wait = { .tv_usec = (long)rng_in(&t->rng, 1, 100000) };
	struct linger linger = { (int)rng_below(&t->rng, 2), (int)rng_below(&t->rng, 3) };

	CALL(t, setsockopt(fd, SOL_SOCKET, chance(t, 2) ? SO_RCVTIMEO : SO_SNDTIMEO, &wait,
			   sizeof(wait)));
	CALL(t, setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
}

/* Sets or gets an option. */
void act_option(struct thread *t)
{
	static const int levels[] = { SOL_TRICKLES, SOL_TRICKLES, SOL_SOCKET, SOL_IP, SOL_TCP };
	int level = levels[rng_below(&t->rng, ARRAY_SIZE(levels))], fd = any_fd(t), name, value[16];
	socklen_t len;

	if (chance(t, 32))
		level = (int)garbage_number(&t->rng);
	name = any_name(t, level);
	len = fill_value(t, value);
	if (chance(t, 2)) {
		if (chance(t, 2))
			CALL(t, getsockopt(fd, level, name, t->buf, &len));
		else
			CALL(t, getsockopt(fd, level, name, any_pointer(t),
					   chance(t, 4) ? any_pointer(t) : &len));
		return;
	}
	if (leave_out(fd, level, name))
		return;
	if (chance(t, 8))
		set_time(t, fd);
	else if (chance(t, 4))
		CALL(t, setsockopt(fd, level, name, any_pointer(t), len));
	else
		CALL(t, setsockopt(fd, level, name, value, len <= sizeof(value) ? len : 4));
}

/* Any ioctl that sockets have, and those that they have not. */
void act_ioctl(struct thread *t)
{
	static const unsigned long some[] = {
		SIOCINQ, SIOCOUTQ, SIOCOUTQNSD, SIOCATMARK, SIOCGIFCONF, SIOCGIFADDR,
		SIOCGSTAMP_OLD, FIONBIO, FIOASYNC, SIOCGPGRP, TRK_IOC_SEEN, TRK_IOC_OPS,
	};
	unsigned long cmd = some[rng_below(&t->rng, ARRAY_SIZE(some))];
	u32 value = (u32)rng_below(&t->rng, 3);

	if (chance(t, 4))
		cmd = _IOC(rng_below(&t->rng, 4), TRK_IOC_TYPE, 0x5e + rng_below(&t->rng, 6),
			   rng_below(&t->rng, 64));
	memset(t->buf, 0, 64);
	memcpy(t->buf, &value, sizeof(value));
	CALL(t, ioctl(any_fd(t), cmd, chance(t, 2) ? any_pointer(t) : t->buf));
}

static void set_limit(struct thread *t)
{
	struct rlimit files = { rng_in(&t->rng, 64, 256), 256 };
	struct rlimit locked = { rng_below(&t->rng, 8 << 20), 8 << 20 };

	if (chance(t, 2))
		CALL(t, setrlimit(RLIMIT_NOFILE, &files));
	else
		CALL(t, setrlimit(RLIMIT_MEMLOCK, &locked));
}

/* Copies, flags and owners of descriptors; limits of the process. */
void act_descriptor(struct thread *t)
{
	static const int signals[] = { 0, SIGIO, SIGUSR1, SIGUSR2, SIGURG };
	int fd = any_fd(t), more;

	switch (rng_below(&t->rng, 7)) {
	case 0:
		CALL(t, dup2(fd, any_fd(t)));
		break;
	case 1:
		more = CALL(t, fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FD + FDS));
		if (more >= 0)
			CALL(t, close(more));
		break;
	case 2:
		CALL(t, fcntl(fd, F_SETFL, (int)rng_u64(&t->rng) &
			      (O_NONBLOCK | O_ASYNC | O_APPEND | O_DIRECT)));
		break;
	case 3:
		CALL(t, fcntl(fd, F_SETOWN, chance(t, 2) ? getpid() : 0));
		CALL(t, fcntl(fd, F_SETSIG, signals[rng_below(&t->rng, ARRAY_SIZE(signals))]));
		break;
	case 4:
		CALL(t, close(fd));
		break;
	case 5:
		set_limit(t);
		break;
	default:
		CALL(t, fcntl(fd, (int)RNG_PICK(&t->rng, F_GETFL, F_GETOWN, F_GETSIG, 1032, 1034),
			      0));
	}
}
