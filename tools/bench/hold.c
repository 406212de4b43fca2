// SPDX-License-Identifier: GPL-2.0
/*
 * Opens COUNT connections, fetches a path over each, and keeps them open; then it says "open"
 * and waits to be killed.  With -w it does not wait for the end of the answers, but until each
 * connection has a window of so many packets and nothing has arrived for a tenth of a second:
 * on a path whose round trip is much longer, a whole window is then in flight.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/trickles.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../util.h"

#define SILENCE_MS	100
#define COUNT_MAX	100000

static char buf[1 << 20];

static int begin_connection(const struct sockaddr_in *sa, int protocol, int flags)
{
	int fd = socket(AF_INET, SOCK_STREAM | flags, protocol);

	if (fd < 0)
		die("socket: %s", strerror(errno));
	if (connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) && errno != EINPROGRESS)
		die("connect: %s", strerror(errno));
	return fd;
}

static void ask(int fd, const char *request)
{
	if (send(fd, request, strlen(request), 0) != (ssize_t)strlen(request))
		die("send: %s", strerror(errno));
}

/* Waits until all connections are open, so that their windows then grow at the same time. */
static void finish_connections(const int *fd, int count)
{
	int i, err;
	socklen_t len = sizeof(err);

	for (i = 0; i < count; i++) {
		struct pollfd pfd = { .fd = fd[i], .events = POLLOUT };

		if (poll(&pfd, 1, -1) != 1 || getsockopt(fd[i], SOL_SOCKET, SO_ERROR, &err, &len))
			die("poll: %s", strerror(errno));
		if (err)
			die("connect: %s", strerror(err));
	}
}

/* Reads a whole answer, which is small. */
static void read_answer(int fd)
{
	size_t len = 0, want = 0;
	ssize_t n;

	while (!want || len < want) {
		n = recv(fd, buf + len, sizeof(buf) - 1 - len, 0);
		if (n <= 0)
			die("the answer ended: %s", n ? strerror(errno) : "closed");
		len += n;
		buf[len] = '\0';
		if (!want) {
			const char *end = strstr(buf, "\r\n\r\n");
			const char *length = strstr(buf, "Content-Length: ");

			if (!end)
				continue;
			if (strncmp(buf, "HTTP/1.1 200 ", 13) || !length || length > end)
				die("bad answer: %.12s", buf);
			length += strlen("Content-Length: ");
			want = end + 4 - buf + strtoull(length, NULL, 10);
		}
	}
}

static unsigned int window(int fd)
{
	struct trk_info info;
	socklen_t len = sizeof(info);

	if (getsockopt(fd, SOL_TRICKLES, TRK_INFO, &info, &len))
		die("TRK_INFO: %s", strerror(errno));
	if (info.mode != TRK_MODE_TRICKLES)
		die("a connection became TCP");
	return info.cwnd;
}

/* Reads until nothing has arrived for SILENCE_MS. */
static void read_until_silent(struct pollfd *pfd, int count)
{
	int i, n;

	while ((n = poll(pfd, count, SILENCE_MS)) > 0) {
		for (i = 0; i < count; i++) {
			if (pfd[i].revents && recv(pfd[i].fd, buf, sizeof(buf), 0) <= 0)
				die("an answer ended before its window was large enough");
		}
	}
	if (n < 0)
		die("poll: %s", strerror(errno));
}

static void fill_windows(const int *fd, int count, unsigned int packets)
{
	struct pollfd *pfd = calloc(count, sizeof(*pfd));
	unsigned int least, most, w;
	int i;

	if (!pfd)
		die("no memory");
	for (i = 0; i < count; i++)
		pfd[i] = (struct pollfd){ .fd = fd[i], .events = POLLIN };
	do {
		read_until_silent(pfd, count);
		least = ~0U;
		most = 0;
		for (i = 0; i < count; i++) {
			w = window(fd[i]);
			least = w < least ? w : least;
			most = w > most ? w : most;
		}
	} while (least < packets);
	fprintf(stderr, "%d connections with windows of %u to %u packets\n", count, least, most);
	free(pfd);
}

int main(int argc, char **argv)
{
	struct rlimit limit = { COUNT_MAX + 64, COUNT_MAX + 64 };
	struct sockaddr_in sa = { .sin_family = AF_INET };
	int opt, protocol, i, count, *fd;
	long packets = 0;
	char request[1024];

	while ((opt = getopt(argc, argv, "w:")) != -1) {
		if (opt != 'w')
			break;
		packets = option_number('w', optarg, 1, 1000000);
	}
	argv += optind;
	if (opt != -1 || argc - optind != 5 ||
	    (strcmp(argv[0], "trickles") && (packets || strcmp(argv[0], "tcp")))) {
		fputs("usage: hold [-w PACKETS] tcp|trickles ADDRESS PORT PATH COUNT\n", stderr);
		return 2;
	}
	protocol = strcmp(argv[0], "tcp") ? IPPROTO_TRICKLES : IPPROTO_TCP;
	if (inet_pton(AF_INET, argv[1], &sa.sin_addr) != 1)
		die("%s is not an IPv4 address", argv[1]);
	sa.sin_port = htons(atoi(argv[2]));
	count = atoi(argv[4]);
	if (count < 1 || count > COUNT_MAX)
		die("%s connections: give a number from 1 to %d", argv[4], COUNT_MAX);
	if (setrlimit(RLIMIT_NOFILE, &limit))
		die("cannot have so many descriptors: %s", strerror(errno));
	fd = calloc(count, sizeof(*fd));
	if (!fd)
		die("no memory");
	snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", argv[3], argv[1]);
	for (i = 0; i < count; i++) {
		fd[i] = begin_connection(&sa, protocol, packets ? SOCK_NONBLOCK : 0);
		if (packets)
			continue;
		ask(fd[i], request);
		read_answer(fd[i]);
	}
	if (packets) {
		finish_connections(fd, count);
		for (i = 0; i < count; i++)
			ask(fd[i], request);
		fill_windows(fd, count, packets);
	}
	puts("open");
	fflush(stdout);
	for (;;)
		pause();
}
