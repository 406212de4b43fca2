// SPDX-License-Identifier: GPL-2.0
/*
 * The web server that trickles-httpd is compared with: it takes the same requests and gives the
 * same answers over TCP, in one process, with epoll.  It sends large files with sendfile(); with
 * -c it copies them with pread() and send(), like a program that makes what it sends.
 *
 * It saves system calls and packets where it can: a small answer is one send(), the last
 * answer leaves together with FIN, and a new connection is read at once.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../http.h"
#include "../util.h"

#define EVENTS	64
#define SMALL	4096			/* up to so many bytes, a copy is cheaper than sendfile() */

struct conn {
	int fd;
	int file;			/* being sent; -1: none */
	bool keep;
	uint16_t in_at, in_len;		/* input not yet parsed */
	uint16_t head_at, head_len;	/* header not yet sent */
	off_t file_at;
	uint64_t file_left;
	struct http_parser parser;
	char in[2048];
	char head[HTTP_HEAD_MAX];
};

static int root, epoll;
static bool copy;

static void conn_close(struct conn *c)
{
	if (c->file >= 0)
		close(c->file);
	close(c->fd);
	free(c);
}

/*
 * Sends what is left of the header, and with it as much of the file as is to be copied.
 * Returns how many bytes the socket took, or -1.
 */
static ssize_t conn_send_copy(struct conn *c)
{
	static char out[65536];
	size_t head = c->head_len - c->head_at, len = 0;
	ssize_t n;
	bool more;

	memcpy(out, c->head + c->head_at, head);
	if (copy || c->file_left <= SMALL) {
		len = c->file_left < sizeof(out) - head ? c->file_left : sizeof(out) - head;
		if (len && pread(c->file, out + head, len, c->file_at) != (ssize_t)len) {
			errno = EIO;	/* the file became shorter */
			return -1;
		}
	}
	/* With MSG_MORE the end of the last answer waits for the FIN that close() sends. */
	more = len < c->file_left || !c->keep;
	n = send(c->fd, out, head + len, MSG_NOSIGNAL | (more ? MSG_MORE : 0));
	if (n < 0)
		return -1;
	if ((size_t)n < head) {
		c->head_at += n;
		return n;
	}
	c->head_at = c->head_len;
	c->file_at += n - head;
	c->file_left -= n - head;
	return n;
}

/* Returns 1 if all was sent, 0 if the socket is full, -1 if the connection is over. */
static int conn_send(struct conn *c)
{
	ssize_t n;

	while (c->head_at < c->head_len || c->file_left) {
		if (c->head_at < c->head_len || copy) {
			n = conn_send_copy(c);
		} else {
			n = sendfile(c->fd, c->file, &c->file_at, c->file_left);
			if (!n)
				return -1;	/* the file became shorter */
			if (n > 0)
				c->file_left -= n;
		}
		if (n < 0)
			return errno == EAGAIN ? 0 : -1;
	}
	if (c->file >= 0)
		close(c->file);
	c->file = -1;
	return 1;
}

static bool conn_answer(struct conn *c)
{
	struct http_answer a;

	if (http_resolve(root, &c->parser, &a, &c->file))
		return false;
	c->head_at = 0;
	c->head_len = http_head(&a, c->head);
	c->file_at = 0;
	c->file_left = http_file_len(&a);
	c->keep = a.keep;
	memset(&c->parser, 0, sizeof(c->parser));
	return true;
}

/* Goes on until the socket has no more input, or no more room. */
static void conn_run(struct conn *c)
{
	for (;;) {
		ssize_t n;
		int sent = conn_send(c);

		if (sent < 0)
			return conn_close(c);
		if (!sent)
			return;
		if (c->in_at < c->in_len && c->keep) {
			c->in_at += http_parse(&c->parser, c->in + c->in_at, c->in_len - c->in_at);
			if (c->parser.state == HTTP_DONE && !conn_answer(c))
				return conn_close(c);
			continue;
		}
		n = recv(c->fd, c->in, sizeof(c->in), 0);
		if (n < 0 && errno == EAGAIN && c->keep)
			return;
		/*
		 * Input behind the last request is read as well, and ignored: a close() with
		 * unread input would reset the connection.
		 */
		if (n <= 0)
			return conn_close(c);
		c->in_at = 0;
		c->in_len = n;
	}
}

static void accept_all(int listener)
{
	for (;;) {
		struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | EPOLLET };
		int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		struct conn *c;

		if (fd < 0)
			return;
		c = calloc(1, sizeof(*c));
		if (!c) {
			close(fd);
			return;
		}
		c->fd = fd;
		c->file = -1;
		c->keep = true;
		ev.data.ptr = c;
		if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ev))
			conn_close(c);
		else
			conn_run(c);
	}
}

static int listen_at(uint16_t port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(port) };
	socklen_t len = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
	int one = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) ||
	    bind(fd, (struct sockaddr *)&sa, sizeof(sa)) || listen(fd, SOMAXCONN) ||
	    getsockname(fd, (struct sockaddr *)&sa, &len))
		die("cannot listen at port %u: %s", port, strerror(errno));
	fprintf(stderr, "tcp-httpd: port %u\n", ntohs(sa.sin_port));
	return fd;
}

int main(int argc, char **argv)
{
	struct epoll_event ev[EVENTS] = { { .events = EPOLLIN } };
	int i, listener, n, opt;
	long port = -1;

	while ((opt = getopt(argc, argv, "cp:")) != -1) {
		if (opt == 'c')
			copy = true;
		else if (opt == 'p')
			port = option_number('p', optarg, 0, 65535);
		else
			break;
	}
	if (opt != -1 || port < 0 || optind + 1 != argc) {
		fputs("usage: tcp-httpd [-c] -p PORT FOLDER\n", stderr);
		return 2;
	}
	root = open(argv[optind], O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		die("%s: %s: give a folder to serve", argv[optind], strerror(errno));
	listener = listen_at(port);
	epoll = epoll_create1(EPOLL_CLOEXEC);
	if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, ev))
		die("cannot watch the socket: %s", strerror(errno));
	/* sendfile() takes no flags, so MSG_NOSIGNAL cannot be given to it. */
	signal(SIGPIPE, SIG_IGN);
	for (;;) {
		n = epoll_wait(epoll, ev, EVENTS, -1);
		for (i = 0; i < n; i++) {
			if (ev[i].data.ptr)
				conn_run(ev[i].data.ptr);
			else
				accept_all(listener);
		}
	}
}
