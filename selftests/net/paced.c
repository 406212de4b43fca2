// SPDX-License-Identifier: GPL-2.0
/*
 * A server that answers as many requests as it is told, for tests in which a queue is to fill up
 * whatever the machine's speed.
 *
 *   paced PORT ENTRIES
 *
 * Listens at PORT with a queue of so many entries, and says "listening".  Each connection gets
 * SIZE bytes.  A line on stdin says what to do:
 *
 *   answer N	answers N events, waiting for them if need be, and says "answered"
 *   each MS	from now on answers an event every so many milliseconds, until there is another line
 */
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "minisock.h"

#define SIZE	30000	/* more than a first answer holds, so that the client has to go on asking */

__attribute__((format(printf, 1, 2), noreturn))
static void die(const char *format, ...)
{
	va_list ap;

	printf("paced: ");
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	putchar('\n');
	exit(1);
}

static void answer(struct minisock *m)
{
	struct msk_cont c = { .end = SIZE, .flags = MSK_FINAL };
	unsigned int i, n = msk_nranges(m);
	static char data[SIZE];
	uint64_t off, sum = 0;
	size_t len;

	for (i = 0; i < n; i++)
		sum += msk_range(m, i).len;
	if (!n) {
		msk_input(m, &off, &len);
		msk_consume(m, off, off + len);
		if (msk_type(m) & MSK_OPEN) {
			msk_setucont(m, 0, MSK_OUTPUT, &c);
			sum = SIZE;
		}
	}
	/* What cannot be answered was spoilt by a test, or its client will ask again. */
	if (msk_type(m) & MSK_CLOSE || msk_send(m, 0, data, sum < SIZE ? sum : SIZE, 0) < 0)
		msk_drop(m);
}

/* Answers one event.  Returns 0 if there is none within so many milliseconds. */
static int answer_one(struct msk_queue *q, int timeout_ms)
{
	struct minisock *m = msk_next(q);

	if (!m && msk_wait(q, timeout_ms) == 1)
		m = msk_next(q);
	if (!m)
		return 0;
	answer(m);
	return 1;
}

static int is_told(int timeout_ms)
{
	struct pollfd pfd = { .fd = STDIN_FILENO, .events = POLLIN };

	return poll(&pfd, 1, timeout_ms) == 1;
}

/* Until it is told something else. */
static void answer_each(struct msk_queue *q, int ms)
{
	while (!is_told(0)) {
		if (answer_one(q, 10))
			usleep(1000 * ms);
	}
}

int main(int argc, char **argv)
{
	struct msk_options options = { 0 };
	struct msk_queue *q;
	char line[64];
	int n;

	setlinebuf(stdout);
	/* poll() looks at the descriptor only. */
	setvbuf(stdin, NULL, _IONBF, 0);
	if (argc != 3)
		die("usage: paced PORT ENTRIES");
	options.entries = atoi(argv[2]);
	q = msk_listen(NULL, atoi(argv[1]), &options);
	if (!q)
		die("%s", msk_error());
	printf("listening\n");
	while (fgets(line, sizeof(line), stdin)) {
		if (sscanf(line, "answer %d", &n) == 1) {
			while (n && answer_one(q, 200000))
				n--;
			if (n)
				die("no event to answer");
			printf("answered\n");
		} else if (sscanf(line, "each %d", &n) == 1) {
			answer_each(q, n);
		} else {
			die("what is that? %s", line);
		}
	}
	return 0;
}
