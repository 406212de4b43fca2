/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The send queue: input that the server has not consumed.
 */
#ifndef NET_TRICKLES_SNDQ_H
#define NET_TRICKLES_SNDQ_H

#include <linux/socket.h>
#include <net/sock.h>

int trk_sndq_append(struct sock *sk, struct msghdr *msg, u64 end);
bool trk_sndq_copy(struct sock *sk, u64 off, u8 *to, u32 len);
bool trk_sndq_free(struct sock *sk, u64 una);

#endif /* NET_TRICKLES_SNDQ_H */
