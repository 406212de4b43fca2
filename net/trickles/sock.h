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
#include "trickles.h"

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
	int refused;
	unsigned int readable;
	bool full;
};

static inline struct trk_sock *trk_sk(const struct sock *sk)
{
	return (struct trk_sock *)sk;
}

/* carrier.c */
void trk_carrier_init(void);
int trk_carrier_make(struct sock *sk);
void trk_carrier_tune(struct sock *sk);
int trk_carrier_bind(struct sock *sk, struct sockaddr *addr, int len);
void trk_carrier_unbind(struct sock *sk);
int trk_carrier_connect(struct sock *sk, struct sockaddr *addr, int len);
int trk_carrier_disconnect(struct sock *sk);
bool trk_carrier_take(struct sock *sk, u32 ack);
void trk_carrier_quiet(struct sock *sk);
void trk_carrier_follow(struct sock *sk);
int trk_carrier_state(struct sock *sk);
void trk_carrier_release(struct sock *sk);

/* rcvq.c: output of the server, put in order */
struct sk_buff *trk_rcvq_hold(struct sock *sk, struct sk_buff *skb, unsigned int pieces,
			      bool in_order);
u64 trk_rcvq_add(struct sock *sk, struct rb_root *ooo, u64 nxt, struct sk_buff *skb,
		 u64 off, u32 at, u32 len);
int trk_rcvq_read(struct sock *sk, u64 pos, struct msghdr *msg, size_t len, int flags);
void trk_rcvq_consume(struct sock *sk, u64 pos);
void trk_rcvq_purge(struct sock *sk, struct rb_root *ooo);

/* sndq.c: input that the server has not consumed */
int trk_sndq_append(struct sock *sk, struct msghdr *msg, u64 end);
bool trk_sndq_copy(struct sock *sk, u64 off, u8 *to, u32 len);
bool trk_sndq_free(struct sock *sk, u64 una);

/* stream.c */
int trk_stream_init(void);
void trk_stream_exit(void);
void trk_stream_setup(struct sock *sk);
int trk_stream_rcv(struct sock *sk, struct sk_buff *skb);
void trk_stream_release_cb(struct sock *sk);
int trk_stream_unsent(struct sock *sk);
void trk_stream_info(struct sock *sk, struct trk_info *info);

/* calls.c */
int trk_calls_connect(struct socket *sock, struct sockaddr *addr, int len, int flags);
int trk_calls_sendmsg(struct socket *sock, struct msghdr *msg, size_t len);
int trk_calls_recvmsg(struct socket *sock, struct msghdr *msg, size_t len, int flags);
__poll_t trk_calls_poll(struct file *file, struct socket *sock);
int trk_calls_shutdown(struct socket *sock, int how);
int trk_calls_release(struct socket *sock);

/*
 * As sk_reset_timer(), which takes its reference when the timer runs already:
 * ours may be set for now, and expire on another processor at once.
 */
static inline void trk_set_timer(struct sock *sk, unsigned long expires)
{
	sock_hold(sk);
	if (mod_timer(&sk->sk_timer, expires))
		__sock_put(sk);
}

/*
 * Is there as much to read as the application wants to wait for?  When the window
 * is full, however little that is, waiting is of no use.  Any context.
 */
static inline bool trk_is_readable(const struct sock *sk)
{
	unsigned int readable = READ_ONCE(trk_sk(sk)->readable);

	return readable >= sock_rcvlowat(sk, 0, INT_MAX) ||
	       (readable && READ_ONCE(trk_sk(sk)->full));
}

/* The peer answered as plain TCP: calls are passed on to the carrier.  Any context. */
static inline bool trk_is_tcp(const struct sock *sk)
{
	/* Pairs with trk_stream_check(): the carrier is there. */
	return smp_load_acquire(&trk_sk(sk)->mode) == TRK_MODE_TCP;
}

#endif /* NET_TRICKLES_SOCK_H */
