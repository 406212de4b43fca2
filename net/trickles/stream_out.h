/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A request on its way out of a client.
 */
#ifndef NET_TRICKLES_STREAM_OUT_H
#define NET_TRICKLES_STREAM_OUT_H

#include <net/sock.h>

#include "core/request.h"
#include "output.h"

struct trk_path trk_stream_out_path(const struct sock *sk);
struct dst_entry *trk_stream_out_route(struct sock *sk, const struct trk_path *path);
void trk_stream_out_send(struct sock *sk, const struct trk_sending *out);
void trk_stream_out_goodbye(struct sock *sk);

#endif /* NET_TRICKLES_STREAM_OUT_H */
