/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel TCP socket under each client socket.  Its lock comes after our socket's.
 */
#ifndef NET_TRICKLES_CARRIER_H
#define NET_TRICKLES_CARRIER_H

#include <linux/tcp.h>
#include <net/sock.h>

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

/* For segments on their way in. */
struct sock *trk_carrier_owner(struct sock *carrier);
bool trk_carrier_is(const struct sock *sk);
bool trk_carrier_taken(const struct sock *carrier);
bool trk_carrier_refused(struct sock *carrier, const struct tcphdr *th);

#endif /* NET_TRICKLES_CARRIER_H */
