// SPDX-License-Identifier: GPL-2.0
/*
 * Opens Trickles sockets and closes them again, at every stage of their lives.
 *
 *   churn ADDRESS SEED COUNT
 *
 * At ADDRESS, there must be an HTTP server with a file /100000 at port 80, an echo service at
 * port 7, and nothing at port 9.  COUNT sockets are opened by several processes, which leave
 * some of them open when they end.  The exit status is not 0 if anything fails that must not.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/trickles.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/rng.h"

#define PROCESSES	10
#define HTTP		80
#define ECHO		7
#define NOBODY		9

static const char request[] = "GET /100000 HTTP/1.1\r\nHost: test\r\n\r\n";
static struct in_addr server;
static struct rng rng;

static void must(int ok, const char *what)
{
	if (ok)
		return;
	printf("churn: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int dial(int fd, uint16_t port)
{
	struct sockaddr_in sa = {
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = server,
	};

	return connect(fd, (struct sockaddr *)&sa, sizeof(sa));
}

static void set_blocking(int fd, bool blocking)
{
	must(!fcntl(fd, F_SETFL, blocking ? 0 : O_NONBLOCK), "fcntl");
}

static void ask(int fd)
{
	must(send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) > 0, "send");
}

static void read_some(int fd, size_t total)
{
	char buf[8192];
	size_t got = 0;

	while (got < total) {
		ssize_t n = recv(fd, buf, sizeof(buf), 0);

		must(n > 0, "recv");
		got += n;
	}
}

/* Makes a listener and maps its queue, in which there may be an event or two. */
static void serve(int fd)
{
	struct sockaddr_in sa = { .sin_family = AF_INET };
	struct trk_queue_info info = { .entries = TRK_QUEUE_ENTRIES_MIN };
	struct linger reset = { .l_onoff = 1 };
	socklen_t len = sizeof(sa), info_len = sizeof(info);
	int client;
	void *map;

	must(!setsockopt(fd, SOL_TRICKLES, TRK_QUEUE, &info, sizeof(info)), "TRK_QUEUE");
	must(!bind(fd, (struct sockaddr *)&sa, sizeof(sa)), "bind");
	must(!listen(fd, 1), "listen");
	must(!getsockopt(fd, SOL_TRICKLES, TRK_QUEUE, &info, &info_len), "TRK_QUEUE");
	map = mmap(NULL, info.map_len, PROT_READ, MAP_SHARED, fd, 0);
	must(map != MAP_FAILED, "mmap");
	must(!getsockname(fd, (struct sockaddr *)&sa, &len), "getsockname");
	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	client = socket(AF_INET, SOCK_STREAM, IPPROTO_TRICKLES);
	must(client >= 0, "socket");
	/* No server consumes what it sends, and close() must not wait for that. */
	must(!setsockopt(client, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), "SO_LINGER");
	must(!connect(client, (struct sockaddr *)&sa, sizeof(sa)), "connect to ourselves");
	ask(client);
	if (rng_below(&rng, 2)) {
		struct pollfd p = { .fd = fd, .events = POLLIN };

		must(poll(&p, 1, 200000) == 1, "an event");
	}
	/* Either end may be closed first, and the mapping may live longer than the descriptor. */
	if (rng_below(&rng, 2))
		close(client);
	if (rng_below(&rng, 2))
		must(!munmap(map, info.map_len), "munmap");
}

static void live(int fd)
{
	struct linger linger = { .l_onoff = 1, .l_linger = rng_below(&rng, 2) };
	int stage = rng_below(&rng, 10);

	if (rng_below(&rng, 8) == 0)
		must(!setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), "SO_LINGER");
	switch (stage) {
	case 0:
		return;
	case 1:
		serve(fd);
		return;
	case 2:
		must(dial(fd, NOBODY) == -1 && errno == ECONNREFUSED, "refused");
		return;
	case 3:
		/* The socket will be closed while its SYN is under way. */
		set_blocking(fd, false);
		must(!dial(fd, HTTP) || errno == EINPROGRESS, "connect without waiting");
		return;
	}
	must(!dial(fd, stage == 4 ? ECHO : HTTP), "connect");
	switch (stage) {
	case 4:
		ask(fd);
		must(!shutdown(fd, SHUT_WR), "shutdown");
		read_some(fd, rng_below(&rng, 2) ? sizeof(request) - 1 : 1);
		break;
	case 5:
		break;
	case 6:
		/* The socket will be closed while the answer is under way. */
		ask(fd);
		break;
	case 7:
		ask(fd);
		read_some(fd, rng_in(&rng, 1, 100000));
		break;
	case 8:
		ask(fd);
		read_some(fd, 100000);
		ask(fd);
		must(!shutdown(fd, rng_below(&rng, 3)), "shutdown");
		break;
	case 9:
		must(!connect(fd, &(struct sockaddr){ .sa_family = AF_UNSPEC },
			      sizeof(struct sockaddr)), "disconnect");
		must(!dial(fd, HTTP), "connect again");
		ask(fd);
		read_some(fd, 1);
		break;
	}
}

int main(int argc, char **argv)
{
	int count, failed = 0, i, k, status;

	if (argc != 4 || inet_pton(AF_INET, argv[1], &server) != 1) {
		puts("see the head of churn.c for its arguments");
		return 2;
	}
	count = atoi(argv[3]);
	for (k = 0; k < PROCESSES; k++) {
		if (fork())
			continue;
		rng.s = strtoull(argv[2], NULL, 10) + k;
		alarm(600);
		for (i = k; i < count; i += PROCESSES) {
			int fd = socket(AF_INET, SOCK_STREAM, IPPROTO_TRICKLES);

			must(fd >= 0, "socket");
			live(fd);
			/* Some sockets are closed only by the end of the process. */
			if (rng_below(&rng, 4))
				close(fd);
		}
		_exit(0);
	}
	while (wait(&status) > 0)
		failed |= status;
	return failed ? 1 : 0;
}
