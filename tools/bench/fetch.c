// SPDX-License-Identifier: GPL-2.0
/*
 * Fetches a path COUNT times, over a new connection each time, or over a single one (-k),
 * with as little work of its own as possible.  Any answer but 200 with a whole body is a
 * failure.  With -m it writes "begin" and "end" to a file, such as the kernel's trace_marker.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/trickles.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../util.h"

/* The bytes of body that the header promises, or -1.  Sets *head to the header's length. */
static long long promised(const char *buf, size_t *head)
{
	const char *end = strstr(buf, "\r\n\r\n"), *length = strstr(buf, "Content-Length: ");

	if (strncmp(buf, "HTTP/1.1 200 ", 13) || !end || !length || length > end)
		return -1;
	*head = end + 4 - buf;
	return strtoll(length + strlen("Content-Length: "), NULL, 10);
}

static int open_connection(const struct sockaddr_in *sa, int protocol)
{
	int fd = socket(AF_INET, SOCK_STREAM, protocol);

	if (fd < 0)
		die("socket: %s", strerror(errno));
	if (connect(fd, (const struct sockaddr *)sa, sizeof(*sa)))
		die("connect: %s", strerror(errno));
	return fd;
}

static long long fetch(int fd, const char *request)
{
	static char buf[65536];
	long long total = 0, want = -1;
	size_t head = 0;
	ssize_t n;

	if (send(fd, request, strlen(request), 0) != (ssize_t)strlen(request))
		die("send: %s", strerror(errno));
	while (want < 0 || total < (long long)head + want) {
		/* The bytes of the header are kept until it is complete. */
		size_t at = want < 0 ? total : 0;

		n = recv(fd, buf + at, sizeof(buf) - 1 - at, 0);
		if (n < 0)
			die("recv: %s", strerror(errno));
		if (!n)
			die("the answer ended after %lld bytes: %.12s", total, buf);
		total += n;
		if (want < 0) {
			buf[total] = '\0';
			if (strstr(buf, "\r\n\r\n")) {
				want = promised(buf, &head);
				if (want < 0)
					die("bad answer: %.12s", buf);
			}
		}
	}
	return want;
}

static void mark(int marker, const char *what)
{
	if (marker >= 0 && write(marker, what, strlen(what)) < 0)
		die("marker: %s", strerror(errno));
}

static int bad_usage(void)
{
	fputs("usage: fetch [-k] [-m MARKER] tcp|trickles ADDRESS PORT PATH COUNT\n", stderr);
	return 2;
}

int main(int argc, char **argv)
{
	struct sockaddr_in sa = { .sin_family = AF_INET };
	int protocol, opt, marker = -1, fd = -1;
	long long bytes = 0, count, i;
	struct timespec from, to;
	char request[1024];
	bool keep = false;

	while ((opt = getopt(argc, argv, "km:")) != -1) {
		switch (opt) {
		case 'k':
			keep = true;
			break;
		case 'm':
			marker = open(optarg, O_WRONLY | O_CLOEXEC);
			if (marker < 0)
				die("%s: %s", optarg, strerror(errno));
			break;
		default:
			return bad_usage();
		}
	}
	argv += optind;
	if (argc - optind != 5 || (strcmp(argv[0], "tcp") && strcmp(argv[0], "trickles")))
		return bad_usage();
	protocol = strcmp(argv[0], "tcp") ? IPPROTO_TRICKLES : IPPROTO_TCP;
	if (inet_pton(AF_INET, argv[1], &sa.sin_addr) != 1)
		die("%s is not an IPv4 address", argv[1]);
	sa.sin_port = htons(atoi(argv[2]));
	count = atoll(argv[4]);
	snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", argv[3],
		 argv[1], keep ? "" : "Connection: close\r\n");
	mark(marker, "begin");
	clock_gettime(CLOCK_MONOTONIC, &from);
	for (i = 0; i < count; i++) {
		if (fd < 0)
			fd = open_connection(&sa, protocol);
		bytes += fetch(fd, request);
		if (!keep) {
			close(fd);
			fd = -1;
		}
	}
	clock_gettime(CLOCK_MONOTONIC, &to);
	mark(marker, "end");
	printf("fetched %lld bytes %lld seconds %.9f\n", count, bytes,
	       to.tv_sec - from.tv_sec + (to.tv_nsec - from.tv_nsec) / 1e9);
	return 0;
}
