/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The socket that socket(AF_INET, SOCK_STREAM, IPPROTO_TRICKLES) makes.  It
 * becomes a listener (listen()) or a client (connect()), never both at a time.
 *
 * The lock of this socket comes before the carrier's, never the other way: the
 * carrier's callbacks, which run under the carrier's lock, only wake, store an
 * error and start the timer.
 */
#ifndef NET_TRICKLES_SOCK_H
#define NET_TRICKLES_SOCK_H

#include <net/inet_sock.h>
#include <net/sock.h>
#include <uapi/linux/trickles.h>

struct trk_listener;
struct trk_stream;

/* What the carrier's callbacks were before they became ours. */
struct trk_tcp_calls {
	void (*state_change)(struct sock *sk);
	void (*error_report)(struct sock *sk);
	void (*data_ready)(struct sock *sk);
	void (*write_space)(struct sock *sk);
};

/*
 * A host on which only Trickles listens refuses a plain SYN, and we sent one only because
 * the marked ones got lost, or were not answered in time.  The refusal counts when another
 * marked SYN was not answered either.
 */
enum {
	TRK_REFUSED_NOT,
	TRK_REFUSED_ONCE,		/* the next SYN is marked */
	TRK_REFUSED_ASKED		/* it was sent */
};

/**
 * struct trk_sock - a Trickles socket
 * @inet: must be first
 * @listener: server's half, NULL for a client
 * @carrier: kernel TCP socket that holds the port and, once connected, the
 *	4-tuple; made when first needed and kept until close()
 * @tcp: its own callbacks
 * @stream: client's half of a connection, NULL without one
 * @mode: TRK_MODE_*
 * @connecting: a connect() has begun and was neither answered nor refused
 * @port_taken: the port is not held by the carrier, as another TCP socket has
 *	it: good to listen on, not to connect from
 * @port_any: the carrier chose the port
 * @timer_due: the timer expired while a process owned the socket
 * @syns: SYNs that this connect() sent so far; under the carrier's lock
 * @foreign: a SYN-ACK of a version came that we don't speak: the next SYN is plain
 * @refused: TRK_REFUSED_*, of this connect()
 * @readable: bytes of output in order that wait to be read
 * @full: no more will come before the application reads
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
};

static inline struct trk_sock *trk_sk(const struct sock *sk)
{
	return (struct trk_sock *)sk;
}

static inline void trk_sock_set_state(struct sock *sk, int state)
{
	/* poll() reads it without the lock, after what goes with it. */
	smp_store_release(&sk->sk_state, state);
}

/*
 * As sk_reset_timer(), which takes its reference when the timer runs already:
 * ours may be set for now, and expire on another processor at once.
 */
static inline void trk_sock_set_timer(struct sock *sk, unsigned long expires)
{
	sock_hold(sk);
	if (mod_timer(&sk->sk_timer, expires))
		__sock_put(sk);
}

/*
 * Is there as much to read as the application wants to wait for?  When the window
 * is full, however little that is, waiting is of no use.  Any context.
 */
static inline bool trk_sock_readable(const struct sock *sk)
{
	unsigned int readable = READ_ONCE(trk_sk(sk)->readable);

	return readable >= sock_rcvlowat(sk, 0, INT_MAX) ||
	       (readable && READ_ONCE(trk_sk(sk)->full));
}

/* The peer answered as plain TCP: calls are passed on to the carrier.  Any context. */
static inline bool trk_sock_is_tcp(const struct sock *sk)
{
	/* Pairs with trk_stream_check(): the carrier is there. */
	return smp_load_acquire(&trk_sk(sk)->mode) == TRK_MODE_TCP;
}

#endif /* NET_TRICKLES_SOCK_H */
