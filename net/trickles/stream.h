/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What drives a client's connection.
 */
#ifndef NET_TRICKLES_STREAM_H
#define NET_TRICKLES_STREAM_H

#include <net/sock.h>
#include <uapi/linux/trickles.h>

int trk_stream_init(void);
void trk_stream_exit(void);

void trk_stream_setup(struct sock *sk);
void trk_stream_release_cb(struct sock *sk);
int trk_stream_unsent(struct sock *sk);
void trk_stream_info(struct sock *sk, struct trk_info *info);
int trk_stream_begin(struct sock *sk);
void trk_stream_free(struct sock *sk);
void trk_stream_pump(struct sock *sk, gfp_t gfp);
void trk_stream_room(struct sock *sk);
void trk_stream_check(struct sock *sk);
bool trk_stream_orphan(struct sock *sk);
void trk_stream_dispose(struct sock *sk);

#endif /* NET_TRICKLES_STREAM_H */
