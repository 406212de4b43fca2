// SPDX-License-Identifier: GPL-2.0
/*
 * A program of 32 bits on a kernel of 64 bits: a server that answers its own client. It is built
 * without a C library, so that only a compiler is needed. It prints TAP, and ends with status 1 at
 * the first case that fails.
 */
#include <linux/in.h>
#include <linux/poll.h>
#include <linux/socket.h>
#include <linux/types.h>

#include "uapi_layout.h"

_Static_assert(sizeof(void *) == 4, "to be compiled with -m32");

/* Numbers of system calls of i386. */
#define NR_EXIT		1
#define NR_WRITE	4
#define NR_IOCTL	54
#define NR_MMAP		90	/* takes a pointer to its arguments */
#define NR_POLL		168
#define NR_SOCKET	359
#define NR_BIND		361
#define NR_CONNECT	362
#define NR_LISTEN	363
#define NR_GETSOCKOPT	365
#define NR_SETSOCKOPT	366
#define NR_SENDTO	369
#define NR_RECVFROM	371

#define AF_INET		2
#define SOCK_STREAM	1
#define PORT		0x901f	/* 8080 in network byte order */

static int call(int nr, long a, long b, long c, long d, long e)
{
	int result;

	asm volatile("int $0x80" : "=a" (result)
		     : "a" (nr), "b" (a), "c" (b), "d" (c), "S" (d), "D" (e) : "memory");
	return result;
}

/* recvfrom() and sendto() have a sixth argument, in ebp, which the compiler needs for its frame. */
static int call6(int nr, const long *arg)
{
	int result;

	asm volatile("push %%ebp; mov 20(%%esi), %%ebp; mov 16(%%esi), %%edi;"
		     "mov 12(%%esi), %%esi; int $0x80; pop %%ebp"
		     : "=a" (result), "+S" (arg)
		     : "a" (nr), "b" (arg[0]), "c" (arg[1]), "d" (arg[2]) : "edi", "memory");
	return result;
}

static int number;

static void say(const char *text)
{
	int len = 0;

	while (text[len])
		len++;
	call(NR_WRITE, 1, (long)text, len, 0, 0);
}

static void must(int ok, const char *what)
{
	const char digit[] = { (char)('0' + ++number), 0 };

	say(ok ? "ok " : "not ok ");
	say(digit);
	say(" - ");
	say(what);
	say("\n");
	if (!ok)
		call(NR_EXIT, 1, 0, 0, 0, 0);
}

/* Waits for the event that comes after @seen others; returns 0 if a minute passes without it. */
static const struct trk_event *next_event(const struct trk_queue_head *head, int server, __u32 seen)
{
	struct pollfd p = { .fd = server, .events = POLLIN };

	if (call(NR_POLL, (long)&p, 1, 60000, 0, 0) != 1)
		return 0;
	return (const void *)((const char *)head + head->events_off +
			      (__u64)head->order[seen % 16] * head->event_size);
}

/* Answers an event, and returns the result of the operation. */
static __s64 operate(int server, const struct trk_event *ev, struct trk_op *op)
{
	struct trk_ops ops = {
		.ops = (unsigned long)op, .n = 1, .op_size = sizeof(*op), .seen = 1,
	};

	op->op = TRK_OP_SEND;
	op->handle = ev->handle;
	return call(NR_IOCTL, server, TRK_IOC_OPS, (long)&ops, 0, 0) == 1 ? op->result : -1;
}

void _start(void);
void _start(void)
{
	static char request[3000];
	static const char answer[] = "the answer";
	static char got[64];
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = PORT };
	struct trk_queue_info info = { .entries = 16, .event_size = 4096 };
	struct trk_caps caps = { 0 };
	struct trk_info client_info = { 0 };
	struct trk_iov iov = { .addr = (unsigned long)answer, .len = sizeof(answer), .fd = -1 };
	struct trk_op nothing = { 0 }, op = { .flags = TRK_SEND_FIN, .niov = 1 };
	int len = sizeof(info), i, server, client;
	const struct trk_queue_head *head;
	const struct trk_event *ev;
	const char *in;

	say("TAP version 13\n1..8\n");
	server = call(NR_SOCKET, AF_INET, SOCK_STREAM, IPPROTO_TRICKLES, 0, 0);
	must(server >= 0 && !call(NR_SETSOCKOPT, server, SOL_TRICKLES, TRK_QUEUE, (long)&info,
				  sizeof(info)), "TRK_QUEUE is set");
	i = sizeof(caps);
	must(!call(NR_GETSOCKOPT, server, SOL_TRICKLES, TRK_CAPS, (long)&caps, (long)&i) &&
	     i == sizeof(caps) && caps.op_len == sizeof(op), "TRK_CAPS");
	must(!call(NR_BIND, server, (long)&sa, sizeof(sa), 0, 0) &&
	     !call(NR_LISTEN, server, 1, 0, 0, 0) &&
	     !call(NR_GETSOCKOPT, server, SOL_TRICKLES, TRK_QUEUE, (long)&info, (long)&len) &&
	     info.entries == 16 && info.event_size == 4096 && info.map_len, "listen()");
	{
		/* Address, length, PROT_READ, MAP_SHARED, descriptor, offset. */
		unsigned long args[] = { 0, (unsigned long)info.map_len, 1, 1, server, 0 };

		head = (const void *)call(NR_MMAP, (long)args, 0, 0, 0, 0);
	}
	must((unsigned long)head < -4095UL && head->version == TRK_QUEUE_VERSION &&
	     head->event_size == 4096, "the queue is mapped");

	client = call(NR_SOCKET, AF_INET, SOCK_STREAM, IPPROTO_TRICKLES, 0, 0);
	sa.sin_addr.s_addr = 0x0100007f;
	must(client >= 0 && !call(NR_CONNECT, client, (long)&sa, sizeof(sa), 0, 0), "connect()");
	/* The input does not fit an entry of the default size; it is sent in one packet. */
	for (i = 0; i < (int)sizeof(request); i++)
		request[i] = i % 251;
	{
		const long args[] = { client, (long)request, sizeof(request), 0, 0, 0 };

		call6(NR_SENDTO, args);
	}
	ev = next_event(head, server, 0);
	/* On a slow machine, the first event may come without input. */
	if (ev && !(ev->flags & TRK_EVF_INPUT) && !operate(server, ev, &nothing))
		ev = next_event(head, server, 1);
	in = (const char *)ev + (ev ? ev->input_at : 0);
	for (i = 0; ev && i < (int)sizeof(request) && in[i] == request[i]; )
		i++;
	must(ev && ev->type & TRK_EV_REQUEST && ev->flags & TRK_EVF_INPUT &&
	     ev->input_len == sizeof(request) && i == sizeof(request), "an event");

	op.iov = (unsigned long)&iov;
	op.consumed_to = ev->input_len;
	must(operate(server, ev, &op) == sizeof(answer), "an operation");
	{
		const long args[] = { client, (long)got, sizeof(got), 0, 0, 0 };

		i = call6(NR_RECVFROM, args);
	}
	len = sizeof(client_info);
	call(NR_GETSOCKOPT, client, SOL_TRICKLES, TRK_INFO, (long)&client_info, (long)&len);
	must(i == sizeof(answer) && got[0] == answer[0] && got[9] == answer[9] &&
	     client_info.mode == TRK_MODE_TRICKLES && client_info.bytes_received == sizeof(answer),
	     "the answer, and TRK_INFO");
	call(NR_EXIT, 0, 0, 0, 0, 0);
}
