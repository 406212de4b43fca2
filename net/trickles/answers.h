/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Operations on events.
 */
#ifndef NET_TRICKLES_ANSWERS_H
#define NET_TRICKLES_ANSWERS_H

#include <net/sock.h>
#include <uapi/linux/trickles.h>

#include "queue.h"

int trk_answers_check(const struct trk_ops *ops);
int trk_answers_do(struct sock *sk, struct trk_queue *q, const struct trk_ops *ops);

#endif /* NET_TRICKLES_ANSWERS_H */
