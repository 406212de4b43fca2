/* SPDX-License-Identifier: GPL-2.0 */
/* What the carrier's TCP tells our socket.  Callbacks run under the carrier's lock. */
#ifndef NET_TRICKLES_WAKE_H
#define NET_TRICKLES_WAKE_H

#include <linux/net.h>
#include <net/sock.h>

void trk_wake_error(struct sock *sk, struct sock *csk);
void trk_wake_begin(struct sock *sk, struct sock *csk);
void trk_wake_orphan(struct socket *carrier);
void trk_wake_end(struct sock *sk, struct sock *csk);

#endif /* NET_TRICKLES_WAKE_H */
