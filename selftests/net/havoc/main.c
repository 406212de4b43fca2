// SPDX-License-Identifier: GPL-2.0
/*
 * Calls and packets that nobody sane makes, on Trickles sockets and on TCP sockets beside them.
 *
 *   havoc --owners LABEL,LABEL [--seed N] [--seconds N]
 *
 * Started as root in a network namespace of its own, with the module loaded.  The labels are
 * those of the owners with the user numbers 0 and 65534 (label.py).  Everything random follows
 * from the seed, but not in which order the threads get on.  What calls return is as it may be.
 * The exit status is 0 if all threads have ended in time and the kernel has not done what the
 * interface excludes; whether it has complained, its log says.
 */
#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "havoc.h"

#define PARTIES		3
#define HANGS_MS	60000	/* a call that lasts longer is reported */
#define STUCK_MS	180000	/* one that lasts so long will never end */

struct board *board;
int pass_fd[2];

static struct party parties[PARTIES] = {
	{ .name = "root" },
	{ .name = "nobody", .uid = NOBODY },
	{ .name = "owner", .uid = NOBODY, .own_userns = true },
};

u64 now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ULL + t.tv_nsec / 1000000;
}

u64 wall_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * 1000ULL + t.tv_nsec / 1000000;
}

/* The first is of all, so that a short run has some of everything. */
enum mood mood(void)
{
	u64 n = (now_ms() - board->begin_ms) / MOOD_MS;
	struct rng r = { board->seed ^ n };

	return n ? (enum mood)rng_below(&r, MOODS) : MOOD_ALL;
}

void must(bool ok, const char *what)
{
	if (ok)
		return;
	printf("havoc: %s: %s\n", what, strerror(errno));
	fflush(stdout);
	_exit(1);
}

/* The first one is kept.  Not in signal handlers. */
void kernel_fault(const char *format, ...)
{
	char text[sizeof(board->fault)];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (!board->fault[0])
		memcpy(board->fault, text, sizeof(text));
}

static void take_hex(u8 *to, size_t len, const char *hex)
{
	size_t i;

	for (i = 0; i < len; i++)
		must(sscanf(hex + 2 * i, "%2hhx", &to[i]) == 1, "hexadecimal digits");
}

static void tell(const struct slot *s)
{
	char path[64], line[120];
	FILE *f;

	printf("# %s has hung for a minute in %s; the kernel's stack:\n", s->name, s->call);
	snprintf(path, sizeof(path), "/proc/%d/stack", s->tid);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		printf("#   %s", line);
	if (f)
		fclose(f);
	fflush(stdout);
}

/*
 * Returns whether a thread hangs for good.  Machines that emulate others may be slow enough for a
 * grace period of a minute.
 */
static bool look_after(void)
{
	bool stuck = false;
	unsigned int i;
	u64 now = now_ms();

	for (i = 0; i < board->nslots; i++) {
		struct slot *s = &board->slot[i];
		u64 since = s->since_ms;

		if (!__atomic_load_n(&s->call, __ATOMIC_ACQUIRE) || now < since + HANGS_MS) {
			s->told = false;
			continue;
		}
		stuck |= now >= since + STUCK_MS;
		if (!s->told)
			tell(s);
		s->told = true;
	}
	return stuck;
}

/* Waits for all processes, for at most so long.  Returns how many are left. */
static int collect(int left, u64 until_ms, bool *failed)
{
	while (left && now_ms() < until_ms && !board->fault[0]) {
		int status, pid = waitpid(-1, &status, WNOHANG);

		if (pid > 0) {
			left--;
			if (status)
				printf("havoc: process %d: status %#x\n", pid, status);
			*failed |= status || !board->enough;
		} else if (look_after()) {
			*failed = true;
		}
		if (*failed)
			break;
		usleep(100000);
	}
	return left;
}

static void report(void)
{
	unsigned long *c = board->count;
	unsigned int i;
	u64 calls = 0;

	for (i = 0; i < board->nslots; i++)
		calls += board->slot[i].calls;
	printf("# %llu calls of %u threads, %lu packets, %lu of them sealed, %lu responses\n",
	       (unsigned long long)calls, board->nslots, c[COUNT_PACKETS], c[COUNT_SEALED],
	       c[COUNT_RESPONSES]);
	printf("# %lu operations, %lu answers, %lu listeners, %lu keys, %lu processes\n",
	       c[COUNT_OPS], c[COUNT_ANSWERED], c[COUNT_LISTENERS], c[COUNT_KEYS],
	       c[COUNT_CHILDREN]);
	if (board->fault[0])
		printf("havoc: the kernel was wrong: %s\n", board->fault);
	fflush(stdout);
}

static int run(u64 seconds)
{
	pid_t pids[PARTIES];
	bool failed = false;
	int i, left = PARTIES;

	for (i = 0; i < PARTIES; i++) {
		pids[i] = fork();
		must(pids[i] >= 0, "fork");
		if (!pids[i]) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			setsid();
			party_run(&parties[i]);
			_exit(0);
		}
	}
	left = collect(left, board->begin_ms + seconds * 1000, &failed);
	board->enough = true;
	if (!failed && !board->fault[0])
		left = collect(left, now_ms() + STUCK_MS + 10000, &failed);
	report();
	for (i = 0; left && i < PARTIES; i++)
		kill(-pids[i], SIGKILL);
	if (left)
		printf("havoc: %d processes were left\n", left);
	return left || failed || board->fault[0];
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "owners", required_argument, NULL, 'o' },
		{ "seed", required_argument, NULL, 's' },
		{ "seconds", required_argument, NULL, 't' },
		{ "nothing", no_argument, NULL, 'n' },
		{ 0 }
	};
	u64 seconds = 60, seed;
	bool given = false;
	int c, i;

	board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	must(board != MAP_FAILED && getrandom(&seed, sizeof(seed), 0) == sizeof(seed), "memory");
	board->seed = seed & U32_MAX;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'o':
			must(strlen(optarg) == 4 * TRK_OWNER_LEN + 1, "--owners");
			for (i = 0; i < PARTIES; i++) {
				take_hex(parties[i].owner[0], TRK_OWNER_LEN, optarg);
				take_hex(parties[i].owner[1], TRK_OWNER_LEN,
					 optarg + 2 * TRK_OWNER_LEN + 1);
			}
			break;
		case 's':
			given = true;
			board->seed = strtoull(optarg, NULL, 0);
			break;
		case 't':
			seconds = strtoull(optarg, NULL, 0);
			break;
		case 'n':	/* a child has executed the program anew */
			return 0;
		default:
			puts("what it takes says the head of its first file");
			return 2;
		}
	}
	if (!given)
		printf("# seed %llu\n", (unsigned long long)board->seed);
	fflush(stdout);
	must(!socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pass_fd), "socketpair");
	board->begin_ms = now_ms();
	return run(seconds);
}
