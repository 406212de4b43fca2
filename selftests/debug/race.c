// SPDX-License-Identifier: GPL-2.0
/*
 * Many threads do anything at all to the same few Trickles sockets.
 *
 *   race ADDRESS SEED COUNT
 *
 * There an echo service is at port 7 and nobody at port 9.  Each thread makes COUNT calls.
 * What they return is as it may be; that all of them return, and that the kernel has
 * nothing to complain about, is the test.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <linux/trickles.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sim/rng.h"

#define THREADS	6
#define SOCKETS	4
#define FIRST	100	/* their descriptors, which are replaced under the threads' hands */
#define LIMIT	600

static struct in_addr server;
static unsigned long count;

static int make(void)
{
	struct linger reset = { .l_onoff = 1 };
	struct timeval wait = { .tv_usec = 20000 };
	int fd = socket(AF_INET, SOCK_STREAM, IPPROTO_TRICKLES);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	return fd;
}

static void replace(int fd)
{
	int fresh = make();

	if (fresh < 0)
		return;
	dup2(fresh, fd);
	close(fresh);
}

static void dial(int fd, struct rng *r)
{
	struct sockaddr_in sa = {
		.sin_family = AF_INET, .sin_port = htons(rng_below(r, 8) ? 7 : 9),
		.sin_addr = server,
	};

	if (!rng_below(r, 8))
		sa.sin_family = AF_UNSPEC;
	connect(fd, (struct sockaddr *)&sa, sizeof(sa));
}

static void become_listener(int fd, struct rng *r)
{
	struct trk_queue_info info = { .entries = TRK_QUEUE_ENTRIES_MIN };
	struct sockaddr_in sa = {
		.sin_family = AF_INET, .sin_port = htons(rng_in(r, 3000, 3003)),
	};

	setsockopt(fd, SOL_TRICKLES, TRK_QUEUE, &info, sizeof(info));
	bind(fd, (struct sockaddr *)&sa, sizeof(sa));
	listen(fd, 1);
}

/* Answers, or tries to answer, the event that a mapped queue names first. */
static void operate(int fd, struct rng *r)
{
	const struct trk_queue_head *head = MAP_FAILED;
	struct trk_queue_info info = { 0 };
	socklen_t len = sizeof(info);
	struct trk_op op = { .op = rng_in(r, 1, 2), .flags = rng_below(r, 4) << 24 };
	struct trk_ops ops = { .ops = (uintptr_t)&op, .n = 1, .op_size = sizeof(op) };

	op.handle = 1ULL << 32;
	if (!getsockopt(fd, SOL_TRICKLES, TRK_QUEUE, &info, &len) && info.map_len)
		head = mmap(NULL, info.map_len, PROT_READ, MAP_SHARED, fd, 0);
	if (head != MAP_FAILED) {
		const struct trk_event *ev = (const void *)((const char *)head + head->events_off);

		ops.seen = head->produced;
		op.handle = ev->handle;
	}
	ioctl(fd, TRK_IOC_OPS, &ops);
	if (head != MAP_FAILED)
		munmap((void *)head, info.map_len);
}

static void act(int fd, struct rng *r)
{
	static const char text[3000] = "text";
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT };
	struct trk_info info;
	struct tcp_info tcp;
	struct sockaddr_in sa;
	socklen_t len = sizeof(info);
	char buf[8192];
	int n = rng_in(r, 1, 100000);

	switch (rng_below(r, 24)) {
	case 0:
		replace(fd);
		break;
	case 1:
		shutdown(fd, rng_below(r, 3));
		break;
	case 2:
		become_listener(fd, r);
		break;
	case 3:
		operate(fd, r);
		break;
	case 4 ... 6:
		dial(fd, r);
		break;
	case 7:
		getsockopt(fd, SOL_TRICKLES, TRK_INFO, &info, &len);
		break;
	case 8:
		len = sizeof(tcp);
		getsockopt(fd, IPPROTO_TCP, TCP_INFO, &tcp, &len);
		break;
	case 9:
		setsockopt(fd, SOL_SOCKET, rng_below(r, 2) ? SO_RCVBUF : SO_SNDBUF, &n, sizeof(n));
		break;
	case 10:
		ioctl(fd, rng_below(r, 2) ? SIOCINQ : SIOCOUTQ, &n);
		break;
	case 11:
		len = sizeof(sa);
		getpeername(fd, (struct sockaddr *)&sa, &len);
		break;
	case 12:
		recv(fd, buf, sizeof(buf), MSG_PEEK | MSG_DONTWAIT);
		break;
	case 13:
		poll(&p, 1, 1);
		break;
	case 14 ... 18:
		recv(fd, buf, rng_in(r, 1, sizeof(buf)), rng_below(r, 2) ? MSG_DONTWAIT : 0);
		break;
	default:
		send(fd, text, rng_in(r, 1, sizeof(text)),
		     MSG_NOSIGNAL | (rng_below(r, 2) ? MSG_DONTWAIT : 0));
		break;
	}
}

static void *thread(void *seed)
{
	struct rng r = { (uintptr_t)seed };
	unsigned long i;

	for (i = 0; i < count; i++)
		act(FIRST + rng_below(&r, SOCKETS), &r);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS];
	uintptr_t seed;
	int i, failed = 0;

	if (argc != 4 || inet_pton(AF_INET, argv[1], &server) != 1) {
		puts("see the head of race.c for its arguments");
		return 2;
	}
	seed = strtoull(argv[2], NULL, 10);
	count = strtoul(argv[3], NULL, 10);
	alarm(LIMIT);
	for (i = 0; i < SOCKETS; i++)
		replace(FIRST + i);
	for (i = 0; i < THREADS; i++)
		failed |= pthread_create(&threads[i], NULL, thread, (void *)(seed + i));
	for (i = 0; i < THREADS && !failed; i++)
		failed |= pthread_join(threads[i], NULL);
	return failed ? 1 : 0;
}
