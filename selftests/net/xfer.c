// SPDX-License-Identifier: GPL-2.0
/*
 * Transfers over Trickles.  Every byte is compared with what it must be: byte i of a file of n
 * bytes is a function of i and n.
 *
 *   xfer files FOLDER SIZE...                     makes files FOLDER/SIZE
 *   xfer [OPTION...] get ADDRESS PORT SIZE...     fetches /SIZE
 *   xfer [OPTION...] echo ADDRESS PORT SIZE...    sends so much, and gets it back
 *
 *   -j N  so many transfers at a time   -k  get all over one connection, pipelined
 *   -p    plain TCP is expected         -t SECONDS  time for each transfer (250)
 *   -r    a connection that is refused is tried again
 *   -m    a connection for which there is no memory is tried again
 *   -d N  IP_MTU_DISCOVER of its sockets (3: IP_PMTUDISC_PROBE)
 *
 * SIZE may be FROM-TO.  An error is one line, and the exit status is 0 only if there was none.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/trickles.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/rng.h"

static struct sockaddr_in server = { .sin_family = AF_INET };
static bool keep, plain, again, short_of_memory;
static unsigned int limit = 250;
static int discover = -1;

__attribute__((format(printf, 1, 2), noreturn))
static void die(const char *format, ...)
{
	va_list ap;

	printf("xfer: ");
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	putchar('\n');
	exit(1);
}

/* Makes bytes [off, off + len) of a file of @size bytes. */
static void pattern(uint64_t size, uint64_t off, uint8_t *p, size_t len)
{
	while (len) {
		struct rng r = { size << 32 ^ off / 8 };
		uint64_t word = rng_u64(&r);
		size_t skip = off % 8, n = 8 - skip < len ? 8 - skip : len;

		memcpy(p, (uint8_t *)&word + skip, n);
		p += n;
		off += n;
		len -= n;
	}
}

static void expect_pattern(uint64_t size, uint64_t off, const uint8_t *p, size_t len)
{
	uint8_t want[65536];
	size_t i;

	pattern(size, off, want, len);
	for (i = 0; i < len; i++)
		if (p[i] != want[i])
			die("size %llu: byte %llu is wrong", (unsigned long long)size,
			    (unsigned long long)(off + i));
}

static void make_file(const char *dir, uint64_t size)
{
	uint8_t buf[65536];
	char path[4096];
	uint64_t off;
	int fd;

	snprintf(path, sizeof(path), "%s/%llu", dir, (unsigned long long)size);
	fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0644);
	if (fd < 0)
		die("%s: %s", path, strerror(errno));
	for (off = 0; off < size; ) {
		size_t n = size - off < sizeof(buf) ? size - off : sizeof(buf);

		pattern(size, off, buf, n);
		if (write(fd, buf, n) != (ssize_t)n)
			die("%s: %s", path, strerror(errno));
		off += n;
	}
	close(fd);
}

static bool try_again(int error)
{
	return (again && error == ECONNREFUSED) ||
	       (short_of_memory && (error == ENOMEM || error == ENOBUFS));
}

static int dial(uint64_t size)
{
	int fd;

	for (;;) {
		fd = socket(AF_INET, SOCK_STREAM, IPPROTO_TRICKLES);
		if (fd >= 0 && discover >= 0 &&
		    setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &discover, sizeof(discover)))
			die("IP_MTU_DISCOVER %d: %s", discover, strerror(errno));
		if (fd >= 0 && !connect(fd, (struct sockaddr *)&server, sizeof(server)))
			return fd;
		if (!try_again(errno))
			die("size %llu: %s: %s", (unsigned long long)size,
			    fd < 0 ? "socket" : "connect", strerror(errno));
		if (fd >= 0)
			close(fd);
		usleep(20000);
	}
}

static void hang_up(int fd)
{
	struct trk_info info = { 0 };
	socklen_t len = sizeof(info);

	if (getsockopt(fd, SOL_TRICKLES, TRK_INFO, &info, &len))
		die("TRK_INFO: %s", strerror(errno));
	if (info.mode != (plain ? TRK_MODE_TCP : TRK_MODE_TRICKLES))
		die("carried by the wrong protocol, mode %u", info.mode);
	close(fd);
}

static void send_all(int fd, const char *p, size_t len)
{
	while (len) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

		if (n <= 0)
			die("send: %s", strerror(errno));
		p += n;
		len -= n;
	}
}

static size_t receive(int fd, void *p, size_t len, uint64_t size)
{
	ssize_t n = recv(fd, p, len, 0);

	if (n < 0)
		die("size %llu: recv: %s", (unsigned long long)size, strerror(errno));
	return n;
}

static void request(int fd, uint64_t size, bool last)
{
	char text[256];

	snprintf(text, sizeof(text), "GET /%llu HTTP/1.1\r\nHost: test\r\n%s\r\n",
		 (unsigned long long)size, last ? "Connection: close\r\n" : "");
	send_all(fd, text, strlen(text));
}

/* Reads the header of an answer, byte by byte, so as to read nothing of what follows it. */
static void read_head(int fd, uint64_t size)
{
	char head[4096];
	const char *length;
	size_t n = 0;

	while (n < 4 || memcmp(head + n - 4, "\r\n\r\n", 4)) {
		if (n == sizeof(head) - 1)
			die("size %llu: endless header", (unsigned long long)size);
		if (!receive(fd, head + n, 1, size))
			die("size %llu: the stream ends in the header", (unsigned long long)size);
		n++;
	}
	head[n] = '\0';
	length = strcasestr(head, "\r\nContent-Length: ");
	if (strncmp(head, "HTTP/1.1 200 ", 13) || !length ||
	    strtoull(length + 18, NULL, 10) != size)
		die("size %llu: bad answer: %s", (unsigned long long)size, head);
}

static void read_body(int fd, uint64_t size)
{
	struct rng r = { size };
	uint8_t buf[65536];
	uint64_t off = 0;

	while (off < size) {
		size_t want = rng_in(&r, 1, sizeof(buf)), n;

		n = receive(fd, buf, size - off < want ? size - off : want, size);
		if (!n)
			die("size %llu: the stream ends after %llu", (unsigned long long)size,
			    (unsigned long long)off);
		expect_pattern(size, off, buf, n);
		off += n;
	}
}

static void get(const uint64_t *size, int n, int step)
{
	char more;
	int fd = -1, i;

	if (keep && n > 0) {
		fd = dial(size[0]);
		for (i = 0; i < n; i += step)
			request(fd, size[i], i + step >= n);
	}
	for (i = 0; i < n; i += step) {
		alarm(limit);
		if (!keep) {
			fd = dial(size[i]);
			request(fd, size[i], true);
		}
		read_head(fd, size[i]);
		read_body(fd, size[i]);
		if (!keep || i + step >= n) {
			if (receive(fd, &more, 1, size[i]))
				die("size %llu: more than promised", (unsigned long long)size[i]);
			hang_up(fd);
		}
	}
}

static void echo(uint64_t size)
{
	struct rng r = { size };
	uint64_t sent = 0, got = 0;
	uint8_t buf[65536];
	bool shut = false;
	int fd;

	alarm(limit);
	fd = dial(size);
	if (fcntl(fd, F_SETFL, O_NONBLOCK))
		die("fcntl: %s", strerror(errno));
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN | (shut ? 0 : POLLOUT) };

		if (poll(&p, 1, -1) < 0)
			die("poll: %s", strerror(errno));
		if (p.revents & POLLOUT) {
			uint64_t left = size - sent;
			size_t want = rng_in(&r, 1, rng_below(&r, 2) ? 64 : sizeof(buf));
			ssize_t n = left < want ? left : want;

			pattern(size, sent, buf, n);
			if (n)
				n = send(fd, buf, n, MSG_NOSIGNAL);
			if (n < 0 && errno != EAGAIN)
				die("size %llu: send: %s", (unsigned long long)size,
				    strerror(errno));
			if (n > 0)
				sent += n;
			if (sent == size) {
				if (shutdown(fd, SHUT_WR))
					die("shutdown: %s", strerror(errno));
				shut = true;
			}
		}
		if (p.revents & (POLLIN | POLLHUP | POLLERR)) {
			ssize_t n = recv(fd, buf, sizeof(buf), 0);

			if (n < 0 && errno == EAGAIN)
				continue;
			if (n < 0)
				die("size %llu: recv: %s", (unsigned long long)size,
				    strerror(errno));
			if (!n)
				break;
			if (n > (ssize_t)(sent - got))
				die("size %llu: more came back than went",
				    (unsigned long long)size);
			expect_pattern(size, got, buf, n);
			got += n;
		}
	}
	if (got != size)
		die("size %llu: %llu bytes came back", (unsigned long long)size,
		    (unsigned long long)got);
	hang_up(fd);
}

static void late(int sig)
{
	static const char text[] = "xfer: no end in sight\n";

	if (write(STDOUT_FILENO, text, sizeof(text) - 1))
		_exit(1);
	_exit(sig);
}

static uint64_t *sizes(char **arg, int *n)
{
	uint64_t *size = NULL;

	for (*n = 0; *arg; arg++) {
		char *end;
		uint64_t from = strtoull(*arg, &end, 10), to = from;

		if (*end == '-')
			to = strtoull(end + 1, &end, 10);
		if (*end || to < from)
			die("%s is no size", *arg);
		for (; from <= to; from++) {
			size = realloc(size, (*n + 1) * sizeof(*size));
			if (!size)
				die("out of memory");
			size[(*n)++] = from;
		}
	}
	return size;
}

int main(int argc, char **argv)
{
	int jobs = 1, failed = 0, i, k, n, opt, status;
	uint64_t *size;

	setlinebuf(stdout);
	while ((opt = getopt(argc, argv, "d:j:kmprt:")) != -1) {
		switch (opt) {
		case 'd':
			discover = atoi(optarg);
			break;
		case 'j':
			jobs = atoi(optarg);
			break;
		case 'k':
			keep = true;
			break;
		case 'm':
			short_of_memory = true;
			break;
		case 'p':
			plain = true;
			break;
		case 'r':
			again = true;
			break;
		case 't':
			limit = atoi(optarg);
			break;
		default:
			return 2;
		}
	}
	argv += optind;
	argc -= optind;
	if (argc > 1 && !strcmp(argv[0], "files")) {
		size = sizes(argv + 2, &n);
		for (i = 0; i < n; i++)
			make_file(argv[1], size[i]);
		return 0;
	}
	if (argc < 4 || (strcmp(argv[0], "get") && strcmp(argv[0], "echo")) || jobs < 1)
		die("see the head of xfer.c for its arguments");
	if (inet_pton(AF_INET, argv[1], &server.sin_addr) != 1)
		die("%s is no address", argv[1]);
	server.sin_port = htons(atoi(argv[2]));
	size = sizes(argv + 3, &n);
	signal(SIGALRM, late);
	for (k = 0; k < jobs; k++) {
		if (fork())
			continue;
		if (!strcmp(argv[0], "get"))
			get(size + k, n - k, jobs);
		else
			for (i = k; i < n; i += jobs)
				echo(size[i]);
		return 0;
	}
	while (wait(&status) > 0)
		failed |= status;
	if (!failed)
		printf("%d transfers\n", n);
	return failed ? 1 : 0;
}
