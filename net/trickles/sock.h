/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The socket that socket(AF_INET, SOCK_STREAM, IPPROTO_TRICKLES) makes.  It
 * becomes a listener (listen()) or a client (connect()), never both at a time.
 *
 * The lock of this socket is taken before the carrier's, never the other way.  So
 * the carrier's callbacks, which run under the carrier's lock, only wake, store an
 * error and start the timer.
 */
#ifndef NET_TRICKLES_SOCK_H
#define NET_TRICKLES_SOCK_H

#include <net/inet_sock.h>
#include <net/sock.h>
#include <uapi/linux/trickles.h>

struct trk_listener;
struct trk_stream;

/* TCP's own callbacks of the carrier, which those in carrier.c call in turn. */
struct trk_tcp_calls {
	void (*state_change)(struct sock *sk);
	void (*error_report)(struct sock *sk);
	void (*data_ready)(struct sock *sk);
	void (*write_space)(struct sock *sk);
};

/*
 * Was a plain SYN refused?  A plain SYN goes out after marked ones without an answer.  If these
 * were only lost, the server may well be one on which no TCP server listens, and which refuses
 * the plain SYN.  So the first refusal is dropped, and the next SYN is marked once more
 * (Documentation/architecture.rst, "One packet's way"; carrier.c).
 */
enum {
	TRK_REFUSED_NOT,
	TRK_REFUSED_ONCE,		/* the next SYN is going to be marked */
	TRK_REFUSED_ASKED		/* that SYN was sent: from now on a refusal counts */
};

/**
 * struct trk_sock - a Trickles socket
 * @inet: must be first
 * @listener: the server's half, NULL for a client
 * @carrier: kernel TCP socket that holds the port and, once connected, the
 *	4-tuple; made when first needed and kept until close()
 * @tcp: TCP's own callbacks of the carrier
 * @stream: the client's half, NULL without a connection that Trickles carries or may carry
 * @mode: TRK_MODE_*
 * @connecting: a connect() has begun and was neither answered nor refused
 * @port_taken: our socket is bound to the port and the carrier is not, for a TCP listener
 *	has the port or may get it: we can listen there, but not connect from it
 * @port_any: bind() was for port 0, so TCP chose the port
 * @timer_due: the timer expired while a process owned the socket
 * @syns: SYNs that this connect() has sent so far; written under the carrier's lock
 * @foreign: a marked SYN-ACK came without a version that we speak: from now on SYNs are plain
 * @refused: TRK_REFUSED_*, of this connect()
 * @readable: bytes of output in order that wait to be read
 * @full: the receive window has no room for another packet before the application reads
 * @sent_from: sequence number of the requests sent lately, for what ICMP errors quote
 * @sent_to: that behind the last request
 * @sent_end: when they were not sent lately any more, jiffies
 * @sent_most: payload of the largest of them, bytes
 */
struct trk_sock {
	struct inet_sock inet;
	struct trk_listener *listener;
	struct socket *carrier;
	struct trk_tcp_calls tcp;
	struct trk_stream *stream;
	u8 mode;
	bool connecting;
	bool port_taken;
	bool port_any;
	bool timer_due;
	unsigned int syns;
	bool foreign;
	int refused;
	unsigned int readable;
	bool full;
	u32 sent_from;
	u32 sent_to;
	u32 sent_end;
	u32 sent_most;
};

static inline struct trk_sock *trk_sk(const struct sock *sk)
{
	return (struct trk_sock *)sk;
}

static inline void trk_sock_set_state(struct sock *sk, int state)
{
	/* trk_calls_poll() reads it without the lock, and then sees what was stored before. */
	smp_store_release(&sk->sk_state, state);
}

/*
 * As sk_reset_timer(), but the timer's reference is taken before the timer is started, for one
 * that is due at once may expire on another processor before mod_timer() returns.
 */
static inline void trk_sock_set_timer(struct sock *sk, unsigned long expires)
{
	sock_hold(sk);
	if (mod_timer(&sk->sk_timer, expires))
		__sock_put(sk);
}

/*
 * Is there as much to read as the application wants (SO_RCVLOWAT)?  If the receive window is full
 * any data will do, since no more can come.  Any context.
 */
static inline bool trk_sock_readable(const struct sock *sk)
{
	unsigned int readable = READ_ONCE(trk_sk(sk)->readable);

	return readable >= sock_rcvlowat(sk, 0, INT_MAX) ||
	       (readable && READ_ONCE(trk_sk(sk)->full));
}

/* After a fallback calls are passed on to the carrier.  Any context. */
static inline bool trk_sock_is_tcp(const struct sock *sk)
{
	/* Pairs with trk_stream_check(): who sees the fallback sees the carrier. */
	return smp_load_acquire(&trk_sk(sk)->mode) == TRK_MODE_TCP;
}

#endif /* NET_TRICKLES_SOCK_H */
