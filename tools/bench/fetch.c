// SPDX-License-Identifier: GPL-2.0
/*
 * Fetches a path so many times, over a new connection each time, with as little of
 * its own as possible.  Any answer but 200 with a whole body is a failure.
 */
#include <arpa/inet.h>
#include <errno.h>
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

/* Bytes of the body that the header promises, or -1; *head is the header's length. */
static long long promised(const char *buf, size_t *head)
{
	const char *end = strstr(buf, "\r\n\r\n"), *length = strstr(buf, "Content-Length: ");

	if (strncmp(buf, "HTTP/1.1 200 ", 13) || !end || !length || length > end)
		return -1;
	*head = end + 4 - buf;
	return strtoll(length + strlen("Content-Length: "), NULL, 10);
}

static long long fetch(const struct sockaddr_in *sa, int protocol, const char *request)
{
	static char buf[65536];
	int fd = socket(AF_INET, SOCK_STREAM, protocol);
	long long total = 0, want = -1;
	size_t head = 0;
	ssize_t n;

	if (fd < 0)
		die("socket: %s", strerror(errno));
	if (connect(fd, (const struct sockaddr *)sa, sizeof(*sa)))
		die("connect: %s", strerror(errno));
	if (send(fd, request, strlen(request), 0) != (ssize_t)strlen(request))
		die("send: %s", strerror(errno));
	while (want < 0 || total < (long long)head + want) {
		/* Until the header is whole its bytes are kept. */
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
	close(fd);
	return want;
}

int main(int argc, char **argv)
{
	struct sockaddr_in sa = { .sin_family = AF_INET };
	long long bytes = 0, count, i;
	struct timespec from, to;
	char request[1024];
	int protocol;

	if (argc != 6 || (strcmp(argv[1], "tcp") && strcmp(argv[1], "trickles"))) {
		fputs("usage: fetch tcp|trickles ADDRESS PORT PATH COUNT\n", stderr);
		return 2;
	}
	protocol = strcmp(argv[1], "tcp") ? IPPROTO_TRICKLES : IPPROTO_TCP;
	if (inet_pton(AF_INET, argv[2], &sa.sin_addr) != 1)
		die("%s is not an IPv4 address", argv[2]);
	sa.sin_port = htons(atoi(argv[3]));
	count = atoll(argv[5]);
	snprintf(request, sizeof(request),
		 "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", argv[4], argv[2]);
	clock_gettime(CLOCK_MONOTONIC, &from);
	for (i = 0; i < count; i++)
		bytes += fetch(&sa, protocol, request);
	clock_gettime(CLOCK_MONOTONIC, &to);
	printf("fetched %lld bytes %lld seconds %.6f\n", count, bytes,
	       to.tv_sec - from.tv_sec + (to.tv_nsec - from.tv_nsec) / 1e9);
	return 0;
}
