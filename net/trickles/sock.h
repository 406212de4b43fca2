/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The socket that socket(AF_INET, SOCK_STREAM, IPPROTO_TRICKLES) makes.  It
 * becomes a listener (listen()) or a client (connect()), never both.
 *
 * Locks: the lock of this socket, then the carrier's, never the other way.
 * The carrier's callbacks run under the carrier's lock: they only wake, store
 * an error and start the timer.
 */
#ifndef NET_TRICKLES_SOCK_H
#define NET_TRICKLES_SOCK_H

#include <net/inet_sock.h>
#include "trickles.h"

struct trk_stream;

/**
 * struct trk_sock - a Trickles socket
 * @inet: must be first
 * @listener: server's half, NULL for a client
 * @carrier: kernel TCP socket that holds the port and, once connected, the
 *	4-tuple; made when first needed and kept until close()
 * @stream: client's half of a connection, NULL without one
 * @mode: TRK_MODE_*
 * @port_taken: the port that was asked for belongs to another TCP socket:
 *	good to listen on, not to connect from
 * @port_any: the port was chosen by the carrier
 * @connecting: a connect() has begun and was neither answered nor refused
 * @syns: SYNs that this connect() sent so far; under the carrier's lock
 */
struct trk_sock {
	struct inet_sock inet;
	struct trk_listener *listener;
	struct socket *carrier;
	struct trk_stream *stream;
	u8 mode;
	bool port_taken;
	bool port_any;
	bool connecting;
	unsigned int syns;
};

static inline struct trk_sock *trk_sk(const struct sock *sk)
{
	return (struct trk_sock *)sk;
}

#endif /* NET_TRICKLES_SOCK_H */
