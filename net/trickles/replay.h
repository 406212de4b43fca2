/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which requests of a namespace were answered.
 */
#ifndef NET_TRICKLES_REPLAY_H
#define NET_TRICKLES_REPLAY_H

#include "core/once.h"
#include "core/seal.h"
#include "netns.h"

int trk_replay_start(struct trk_net *tn);
void trk_replay_net_exit(struct trk_net *tn);
int trk_replay_record(void *arg, const struct trk_peer *peer, struct trk_record *m);

#endif /* NET_TRICKLES_REPLAY_H */
