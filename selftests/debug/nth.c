// SPDX-License-Identifier: GPL-2.0
/*
 * Lets every allocation that a scenario makes fail, one after the other.
 *
 *   nth client PORT            what is sent comes back: an echo service is there
 *   nth server PORT            a listener, its queue, one client's requests
 *   nth key FILE               a new key
 *   nth namespace              a network namespace
 *   nth module FILE            loads the module, which must not be there, and unloads it
 *
 * A scenario is run with its first allocation failing, with its second one, and so on until
 * it has fewer and must succeed.  Until then it must succeed or say that memory is short.
 * Only the calling thread's are counted, and of these those that failslab may hit at all.
 * All is at 127.0.0.1.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/trickles.h>
#include <minisock.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SENT	5000	/* some packets */
#define SERVED	20000	/* more than the first window */
#define HALF	(SERVED / 2)
#define MOST	1000
#define LIMIT	250	/* seconds for a scenario */

static const char *arg = "";
static const char *step = "nothing";	/* what failed last */
static int nth_fd, data_fd, file_fd, home_fd;
static unsigned int attempt;
static char pattern[SERVED];

static struct sockaddr_in address = { .sin_family = AF_INET };

__attribute__((noreturn))
static void die(const char *what)
{
	printf("nth %u: %s: %s\n", attempt, what, strerror(errno));
	exit(1);
}

static void late(int sig)
{
	static const char text[] = "nth: hangs\n";

	if (write(STDOUT_FILENO, text, sizeof(text) - 1))
		_exit(1);
	_exit(sig);
}

static bool failed(const char *what, bool ok)
{
	if (!ok)
		step = what;
	return !ok;
}

static unsigned int get_nth(void)
{
	char text[16];
	ssize_t n = pread(nth_fd, text, sizeof(text) - 1, 0);

	if (n <= 0)
		die("read fail-nth");
	text[n] = '\0';
	return strtoul(text, NULL, 10);
}

static void set_nth(unsigned int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", n);

	if (pwrite(nth_fd, text, len, 0) != len)
		die("write fail-nth");
}

/* ---- client ---- */

static int talk(int fd)
{
	char buf[SENT];
	size_t got = 0, sent = 0;
	ssize_t n;

	if (failed("connect", !connect(fd, (struct sockaddr *)&address, sizeof(address))))
		return -1;
	while (sent < SENT) {
		n = send(fd, pattern + sent, SENT - sent, MSG_NOSIGNAL);
		if (failed("send", n > 0))
			return -1;
		sent += n;
	}
	if (failed("shutdown", !shutdown(fd, SHUT_WR)))
		return -1;
	while ((n = recv(fd, buf, sizeof(buf), 0)) > 0) {
		if (got + n > SENT || memcmp(buf, pattern + got, n))
			die("other bytes come back");
		got += n;
	}
	if (failed("recv", !n))
		return -1;
	if (got != SENT)
		die("too few bytes come back");
	return 0;
}

static int client(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, IPPROTO_TRICKLES), err, status;

	if (failed("socket", fd >= 0))
		return -1;
	status = talk(fd);
	err = errno;
	close(fd);
	errno = err;
	return status;
}

/* ---- server ---- */

/* Another process, whose allocations don't count: gets the pattern, however long it takes. */
static pid_t start_reader(void)
{
	struct linger reset = { .l_onoff = 1 };
	char buf[SERVED];
	size_t got = 0;
	ssize_t n;
	pid_t pid = fork();
	int fd;

	if (pid < 0)
		die("fork");
	if (pid)
		return pid;
	for (;;) {
		fd = socket(AF_INET, SOCK_STREAM, IPPROTO_TRICKLES);
		/* Nothing is to linger when it is killed. */
		if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)))
			die("reader");
		if (!connect(fd, (struct sockaddr *)&address, sizeof(address)))
			break;
		close(fd);
		usleep(10000);
	}
	if (send(fd, pattern, 100, MSG_NOSIGNAL) != 100)
		die("reader: send");
	while ((n = recv(fd, buf, sizeof(buf), 0)) > 0) {
		if (got + n > SERVED || memcmp(buf, pattern + got, n))
			die("other bytes come from the server");
		got += n;
	}
	if (n || got != SERVED)
		die("reader: recv");
	_exit(0);
}

/* The first half comes from memory, the second one from a file. */
static int pieces(struct msk_iov *iov, struct msk_range r)
{
	int n = 0;

	if (r.off < HALF) {
		uint64_t len = r.len < HALF - r.off ? r.len : HALF - r.off;

		iov[n++] = msk_mem(pattern + r.off, len);
		r.off += len;
		r.len -= len;
	}
	if (r.len)
		iov[n++] = msk_file(data_fd, r.off, r.len);
	return n;
}

static int answer(struct minisock *m)
{
	struct msk_cont output = { .end = SERVED, .flags = MSK_FINAL };
	struct msk_iov iov[8];
	unsigned int i, n;
	int niov = 0, try;
	uint64_t off;
	size_t len;

	if (!(msk_type(m) & MSK_REQUEST))
		return msk_drop(m);
	msk_input(m, &off, &len);
	msk_consume(m, off, off + len);
	n = msk_nranges(m);
	for (i = 0; i < n; i++)
		niov += pieces(iov + niov, msk_range(m, i));
	if (!n && (msk_type(m) & MSK_OPEN)) {
		msk_setucont(m, 0, MSK_OUTPUT, &output);
		niov = pieces(iov, (struct msk_range){ 0, SERVED });
	}
	/* An event that could not be answered is still there. */
	for (try = 0; try < 2; try++)
		if (!failed("sendfilev", msk_sendfilev(m, 0, iov, niov, 0) >= 0))
			return 0;
	die("sendfilev, once more");
}

static int serve(struct msk_queue *q, pid_t reader)
{
	struct minisock *m;
	int status;

	for (;;) {
		while ((m = msk_next(q)))
			if (answer(m))
				return -1;
		if (failed("wait", msk_wait(q, 20) >= 0))
			return -1;
		if (waitpid(reader, &status, WNOHANG) == reader) {
			if (status)
				die("the reader");
			return 0;
		}
	}
}

static int server(void)
{
	struct msk_options options = { .entries = 16 };
	pid_t reader = start_reader();
	struct msk_queue *q;
	int status, err;

	q = msk_listen("127.0.0.1", ntohs(address.sin_port), &options);
	if (failed("listen", q)) {
		err = errno;
		kill(reader, SIGKILL);
		waitpid(reader, NULL, 0);
		errno = err;
		return -1;
	}
	status = serve(q, reader);
	err = errno;
	msk_close(q);
	errno = err;
	return status;
}

/* ---- settings, namespaces, the module ---- */

static int key(void)
{
	unsigned char secret[32];
	char text[65];
	int i;

	if (getrandom(secret, sizeof(secret), 0) != sizeof(secret))
		die("getrandom");
	for (i = 0; i < 32; i++)
		sprintf(text + 2 * i, "%02x", secret[i]);
	return failed("write", pwrite(file_fd, text, 64, 0) == 64) ? -1 : 0;
}

static int namespace(void)
{
	if (failed("unshare", !unshare(CLONE_NEWNET)))
		return -1;
	if (setns(home_fd, CLONE_NEWNET))
		die("setns");
	return 0;
}

static int module(void)
{
	if (failed("init_module", !syscall(SYS_finit_module, file_fd, "", 0)))
		return -1;
	if (syscall(SYS_delete_module, "trickles", 0))
		die("delete_module");
	return 0;
}

/* ---- */

static const struct scenario {
	const char *name;
	int (*run)(void);
} scenarios[] = {
	{ "client", client }, { "server", server }, { "key", key },
	{ "namespace", namespace }, { "module", module },
};

static int try(const struct scenario *s, unsigned int n, unsigned int *left)
{
	int status, err;

	alarm(LIMIT);
	set_nth(n);
	status = s->run();
	err = errno;
	*left = get_nth();
	set_nth(0);
	alarm(0);
	errno = err;
	return status;
}

/* bind() of TCP knows one reason only for not getting a port. */
static bool is_shortage(const struct scenario *s, int error)
{
	return error == ENOMEM || error == ENOBUFS || (s->run == server && error == EADDRINUSE);
}

static void open_files(void)
{
	FILE *data = tmpfile();

	if (!data || fwrite(pattern, SERVED, 1, data) != 1 || fflush(data))
		die("temporary file");
	data_fd = fileno(data);
	nth_fd = open("/proc/thread-self/fail-nth", O_RDWR);
	if (nth_fd < 0)
		die("fail-nth");
	home_fd = open("/proc/thread-self/ns/net", O_RDONLY);
	if (home_fd < 0)
		die("ns/net");
}

int main(int argc, char **argv)
{
	const struct scenario *s = NULL;
	unsigned int errors = 0, i, left;

	setlinebuf(stdout);
	for (i = 0; argc > 1 && i < sizeof(scenarios) / sizeof(*scenarios); i++)
		if (!strcmp(argv[1], scenarios[i].name))
			s = &scenarios[i];
	if (!s || argc > 3) {
		puts("see the head of nth.c for its arguments");
		return 2;
	}
	if (argc > 2)
		arg = argv[2];
	for (i = 0; i < SERVED; i++)
		pattern[i] = i * 7 + i / 251;
	signal(SIGALRM, late);
	open_files();
	address.sin_port = htons(atoi(arg));
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (*arg == '/') {
		file_fd = open(arg, s->run == key ? O_WRONLY : O_RDONLY);
		if (file_fd < 0)
			die(arg);
	}
	if (try(s, 0, &left))
		die(step);
	for (attempt = 1; attempt < MOST; attempt++) {
		step = "nothing";
		if (try(s, attempt, &left)) {
			if (left)
				die(step);
			if (!is_shortage(s, errno))
				die(step);
		}
		if (left)
			break;
		if (strcmp(step, "nothing")) {
			errors++;
			printf("%u: %s\n", attempt, step);
		}
	}
	printf("# %s: %u allocations, of which %u were reported\n", s->name, attempt - 1, errors);
	/* Something is wrong with the filter if there are none. */
	return attempt > 1 && attempt < MOST ? 0 : 1;
}
