/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * libminisock: servers that keep no state per connection (Trickles, NSDI 2005, §3).
 *
 * A server has one queue of events.  Each event is a minisocket: it lives from
 * msk_next() until it is answered (msk_send() and its kin) or dropped, and it is
 * all that there is of a connection in this process.  What the server wants to
 * know again it puts into user continuations (§4.1), which the kernel seals, the
 * client keeps, and a later event brings back.
 *
 *	q = msk_listen(NULL, 8000, NULL);
 *	for (;;) {
 *		while ((m = msk_next(q)))
 *			answer(m);
 *		msk_wait(q, -1);
 *	}
 *
 * Both streams of a connection are counted in bytes from 0, in 64 bits.  A request
 * may come more than once, and to any replica: the same bytes of the server's
 * stream must come out the same every time.
 *
 * Functions that return int or ssize_t return -1 and set errno when they fail,
 * functions that return a pointer NULL, unless said otherwise.  A queue and its
 * minisockets belong to one thread at a time; different queues are independent.
 * No function may be called from a signal handler.
 */
#ifndef MINISOCK_H
#define MINISOCK_H

#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct msk_queue;		/* a listening socket and its event queue */
struct minisock;		/* an event: one request, or the end of a connection */
struct iovec;
struct sockaddr_in6;

/* --- the queue -------------------------------------------------------------- */

/* A field that is 0 stands for its default.  Reserved ones must be 0, else EINVAL. */
struct msk_options {
	unsigned int entries;	/* events that can wait: a power of two, 16 to 65536; 0: 1024 */
	unsigned int event_size; /* bytes for each: a power of two, 2048 to 32768; 0: 2048 */
	unsigned int flags;	/* MSK_WANT_CLOSE */
	unsigned int owner_len;	/* bytes of @owner, 16 to 64; 0: the user is the owner */
	const void *owner;	/* a secret, which servers share if they are to go on with
				 * each other's connections
				 */
	uint64_t reserved[5];
};

#define MSK_WANT_CLOSE	0x01	/* there shall be events of the type MSK_CLOSE */

/*
 * Listens at IPv4 address @addr (dotted; NULL: all addresses) and @port (0: the
 * kernel chooses).  @options may be NULL.  msk_error() has a sentence for what
 * went wrong.
 */
struct msk_queue *msk_listen(const char *addr, uint16_t port, const struct msk_options *options);

/*
 * Takes over a bound Trickles socket, which need not be listening yet: for those
 * who set socket options of their own or get the socket from somebody else.  On
 * success msk_close() closes it.
 */
struct msk_queue *msk_attach(int fd);
void msk_close(struct msk_queue *q);

/* One line about the last msk_listen() or msk_attach() of this thread that failed. */
const char *msk_error(void);

/* The descriptor, for poll() and epoll: readable when there are events; see msk_seen(). */
int msk_fd(const struct msk_queue *q);

/*
 * The next event, or NULL if there is none now.  Walks the list that the kernel
 * maps into the process (§3.1): no system call, no lock, no copy.  Every event must
 * be answered, dropped or aborted, MSK_CLOSE as well: its entry is free only then.
 */
struct minisock *msk_next(struct msk_queue *q);

/*
 * Sleeps until there is an event, at most @timeout_ms milliseconds (-1: for ever).
 * Returns 1 if there is one, 0 if the time is up; -1 with EINTR after a signal.
 */
int msk_wait(struct msk_queue *q, int timeout_ms);

/*
 * For those who wait by themselves: call it before each wait.  It tells the kernel
 * how far the queue was walked, since the descriptor stays readable until then
 * (no system call if the last answer has said so already).  Returns how many
 * events came meanwhile: don't sleep if there are any.
 */
int msk_seen(struct msk_queue *q);

/*
 * How many events were lost since the queue exists, because it was full.  To the client, that
 * is a lost packet.
 */
uint32_t msk_dropped(const struct msk_queue *q);

/* --- what an event brings (§3.2) --------------------------------------------- */

/* Types.  The first request of a connection is MSK_OPEN | MSK_REQUEST. */
#define MSK_OPEN	0x01
#define MSK_REQUEST	0x02
#define MSK_CLOSE	0x04	/* the client is gone: drop the event; see MSK_WANT_CLOSE */

/*
 * Flags of an event.  Flags of events, of continuations and of answers are different bits: one
 * that is used in the place of another is refused (EINVAL).
 */
#define MSK_FIN		0x00000200	/* the client's stream ends behind this input */
#define MSK_TIMEOUT	0x00001000	/* the client asks after a timeout, perhaps once more */

uint32_t msk_type(const struct minisock *m);
uint32_t msk_flags(const struct minisock *m);

/*
 * Input: the bytes from @off on of the client's stream.  They may be used in place
 * until the event is answered.  NULL, and a length of 0, if there are none; with
 * MSK_FIN @off is valid all the same and says where the stream ends.
 */
const void *msk_input(const struct minisock *m, uint64_t *off, size_t *len);

/*
 * Parts of the server's stream that the client asks for, 0 to 4, in the order in
 * which the answer must give their bytes.  All of them lie in the output
 * continuation that came with the event.
 */
struct msk_range {
	uint64_t off;		/* in the server's stream */
	uint64_t len;		/* bytes */
};

unsigned int msk_nranges(const struct minisock *m);
struct msk_range msk_range(const struct minisock *m, unsigned int i);

/*
 * User continuations (§4.1).  For MSK_OUTPUT, [@start, @end) are bytes of the server's
 * stream that the server can make from @data alone (§4.3: validStart and validEnd).
 * For MSK_INPUT, they are bytes of the client's stream that the server is ready to
 * take (§4.2): @start is the next byte that it expects, @end usually UINT64_MAX.
 */
enum msk_which {
	MSK_OUTPUT,
	MSK_INPUT,
};

#define MSK_FINAL	0x00020000	/* output: the server's stream ends at @end */
#define MSK_PARALLEL	0x00040000	/* input: parts of [start, end) may come in any order */

#define MSK_CONT_MAX	512	/* bytes of @data */

struct msk_cont {
	uint64_t start, end;
	const void *data;
	size_t len;
	unsigned int flags;	/* MSK_FINAL, MSK_PARALLEL */
	uint32_t reserved0;	/* 0 */
	uint64_t reserved[2];	/* 0 */
};

/*
 * The continuation that came with the event, as this server or a replica once set
 * it; the kernel has checked the seal.  Returns 1, or 0 if none came.
 */
int msk_ucont(const struct minisock *m, enum msk_which which, struct msk_cont *c);

/*
 * How much an answer may have: bytes of data in all, packets, and bytes of data in a
 * packet.  Congestion control decides that, and any of them may be 0.  Continuations
 * that the answer sets take some of the room.  There is usually no need to look,
 * since the kernel takes of a longer answer what fits.
 */
uint64_t msk_room(const struct minisock *m);
uint32_t msk_packets(const struct minisock *m);
uint32_t msk_mss(const struct minisock *m);

/*
 * A number of the connection, for logs and statistics.  It is no secret, so it does not
 * tell who a client is.
 */
uint64_t msk_conn(const struct minisock *m);
void msk_peer(const struct minisock *m, struct sockaddr_in6 *sa);	/* IPv4 is mapped */
void msk_local(const struct minisock *m, struct sockaddr_in6 *sa);
uint64_t msk_time(const struct minisock *m);	/* of arrival: ns since 1970 */

/* --- the answer (§3.3) -------------------------------------------------------- */

/*
 * What the answer will say besides data.  It is kept in user space until the next
 * msk_send() of this event, so neither function makes a system call.  A second call
 * of the same function, for the same kind of continuation, replaces the first.
 *
 * msk_setucont() has packet @pkt of the answer, counted from 0, carry a continuation; it copies
 * @c->data.  A continuation takes room from data, and the client has to know in which packets:
 * in an answer to ranges it is in the first one, in an answer to input it is in every one.  So
 * @pkt is 0 if ranges were asked for, and below msk_packets() otherwise; else EINVAL.  EMSGSIZE
 * if the data is longer than MSK_CONT_MAX, EINVAL if @c->start is above @c->end.
 * msk_consume() says which part of the input is done with and will not come again.
 * The client sends the rest again, with the bytes that follow it.
 */
int msk_setucont(struct minisock *m, unsigned int pkt, enum msk_which which,
		 const struct msk_cont *c);
void msk_consume(struct minisock *m, uint64_t from, uint64_t to);

/* Flags of an answer. */
#define MSK_SEND_FIN	0x01000000	/* the server's stream ends behind the data */
#define MSK_SEND_ABORT	0x02000000	/* no data: the client gets ECONNRESET; see msk_abort() */

/* A part of an answer: memory, or a range of a file, which is never copied to user space. */
struct msk_iov {
	uint64_t at;		/* memory: address; file: offset */
	uint64_t len;		/* bytes */
	int32_t fd;		/* -1: memory */
	uint32_t reserved;	/* 0 */
};

#define MSK_MAX_IOV	16

static inline struct msk_iov msk_mem(const void *p, size_t len)
{
	struct msk_iov v = { (uint64_t)(uintptr_t)p, len, -1, 0 };

	return v;
}

static inline struct msk_iov msk_file(int fd, uint64_t off, uint64_t len)
{
	struct msk_iov v = { off, len, fd, 0 };

	return v;
}

/*
 * Answer the event; the minisocket is gone afterwards, unless the call fails.
 * @off is where the data stands in the server's stream; it is ignored when the
 * event asks for ranges.  There may be no data at all.
 *
 * Returns how many bytes went into packets.  That may be less than offered: the
 * client asks for the rest with the output continuation.  So offer everything.
 * Data that answer input and have no output continuation must fit one packet, since
 * the client has nothing with which it could ask for the rest.
 *
 * Errors, after which the event is still there, to be answered otherwise or
 * dropped: EINVAL malformed, EFAULT bad address, EBADF bad file, EIO the file gave
 * fewer bytes than promised, EMSGSIZE no room for the continuations, or for data
 * that must fit one packet, EAGAIN too much waits to leave the host: try again when the descriptor
 * is writable, ENOMEM.  ESTALE is an exception: the event is gone.
 */
ssize_t msk_send(struct minisock *m, uint64_t off, const void *buf, size_t len,
		 unsigned int flags);
ssize_t msk_sendv(struct minisock *m, uint64_t off, const struct iovec *iov, int n,
		  unsigned int flags);
ssize_t msk_sendfilev(struct minisock *m, uint64_t off, const struct msk_iov *iov, int n,
		      unsigned int flags);

int msk_drop(struct minisock *m);	/* no answer: the client sees a lost packet */
int msk_abort(struct minisock *m);	/* the connection is over: the client gets ECONNRESET */

/* One answer of many. */
struct msk_desc {
	struct minisock *msk;
	const struct msk_iov *iov;
	int niov;
	unsigned int flags;	/* MSK_SEND_*, MSK_DESC_DROP */
	uint64_t off;
	int64_t result;		/* on return: bytes taken, or a negative errno, as msk_send() */
	uint64_t reserved[2];	/* 0 */
};

#define MSK_DESC_DROP	0x80000000	/* instead of an answer: msk_drop() */

/*
 * Answers many events, with one system call for each 256 of them.  All minisockets are
 * of the queue @q.  Minisockets, memory and files must be valid until it returns.
 * Returns how many descriptors were carried out; each of these has its own result.
 */
int msk_sendbulk(struct msk_queue *q, struct msk_desc *desc, int n);

#ifdef __cplusplus
}
#endif

#endif /* MINISOCK_H */
