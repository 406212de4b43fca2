// SPDX-License-Identifier: GPL-2.0
/*
 * Runs downloads side by side, and measures how fast each is during one interval of time.
 * Each line on standard input is a download: "HOST PROTOCOL ADDRESS PORT START", where HOST
 * is a network namespace.  For each it prints, in their order, the megabits of payload per
 * second that arrived from FROM to UNTIL.  All times are seconds since this program began.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/trickles.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../util.h"

#define FLOWS_MAX	256

struct flow {
	char host[16], protocol[16], address[16];
	int port;
	double start;
	double rate;			/* the result */
};

static double from, until, began;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9 - began;
}

static double parse(const char *s)
{
	char *end;
	double d = strtod(s, &end);

	if (end == s || *end || !(d >= 0))
		die("%s: not a number of seconds", s);
	return d;
}

static void enter(const char *host)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", host);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		die("host %s: %s", host, strerror(errno));
	close(fd);
}

static int start(const struct flow *f)
{
	static const char request[] = "GET /endless HTTP/1.1\r\nHost: server\r\n\r\n";
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(f->port) };
	bool tcp = !strcmp(f->protocol, "tcp");
	int fd = socket(AF_INET, SOCK_STREAM, tcp ? IPPROTO_TCP : IPPROTO_TRICKLES);

	if (fd < 0)
		die("socket: %s", strerror(errno));
	if (inet_pton(AF_INET, f->address, &sa.sin_addr) != 1)
		die("%s is not an IPv4 address", f->address);
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)))
		die("%s %s: connect: %s", f->host, f->protocol, strerror(errno));
	if (send(fd, request, sizeof(request) - 1, 0) != sizeof(request) - 1)
		die("%s %s: send: %s", f->host, f->protocol, strerror(errno));
	return fd;
}

/* Reads a megabyte at a time, since each system call is expensive in User Mode Linux. */
static long long read_until(int fd, double end)
{
	static char buf[1 << 20];
	long long bytes = 0;
	double left;

	while ((left = end - now()) > 0) {
		long us = left * 1e6 + 1;
		struct timeval tv = { us / 1000000, us % 1000000 };
		ssize_t n;

		if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)))
			die("SO_RCVTIMEO: %s", strerror(errno));
		n = recv(fd, buf, sizeof(buf), MSG_WAITALL);
		if (!n)
			die("the answer ended");
		if (n < 0 && errno != EAGAIN)
			die("recv: %s", strerror(errno));
		if (n > 0)
			bytes += n;
	}
	return bytes;
}

static void run(struct flow *f)
{
	long long bytes;
	double t;
	int fd;

	enter(f->host);
	usleep(f->start * 1e6);
	fd = start(f);
	read_until(fd, from);
	t = now();
	bytes = read_until(fd, until);
	f->rate = bytes * 8 / 1e6 / (now() - t);
}

int main(int argc, char **argv)
{
	bool failed = false;
	struct flow *flows;
	int i, n, status;

	if (argc != 3) {
		fputs("usage: flows FROM UNTIL <flows\n", stderr);
		return 2;
	}
	began = now();
	from = parse(argv[1]);
	until = parse(argv[2]);
	flows = mmap(NULL, FLOWS_MAX * sizeof(*flows), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (flows == MAP_FAILED)
		die("no memory");
	for (n = 0; n < FLOWS_MAX; n++) {
		struct flow *f = &flows[n];

		if (scanf(" %15s %15s %15s %d %lf", f->host, f->protocol, f->address, &f->port,
			  &f->start) != 5)
			break;
	}
	if (!feof(stdin) || !n)
		die("flow %d: not HOST PROTOCOL ADDRESS PORT START", n + 1);
	for (i = 0; i < n; i++) {
		switch (fork()) {
		case -1:
			die("fork: %s", strerror(errno));
		case 0:
			run(&flows[i]);
			_exit(0);
		}
	}
	while (wait(&status) > 0)
		failed |= status;
	for (i = 0; i < n; i++)
		printf("%s %s %.6f\n", flows[i].host, flows[i].protocol, flows[i].rate);
	return failed;
}
