/* SPDX-License-Identifier: GPL-2.0 */
/* The key and the replay filter of a server of the toy application: the same in each run. */
#ifndef SIM_TOYKEYS_H
#define SIM_TOYKEYS_H

#include "trickles-user/cipher.h"
#include "trickles-user/replay.h"

/* How toy_record() uses the filter.  toy_cipher() makes a key from a number. */
#define TOY_HORIZON_MS	600000
#define TOY_SKEW_MS	1000

void toy_cipher(struct trku_cipher *t, u8 key_id, u64 number);
void toy_replay(struct trku_replay *r, u32 connections);
int toy_record(struct trku_replay *r, const struct trk_peer *peer, struct trk_record *m,
	       u64 now_ms);

#endif /* SIM_TOYKEYS_H */
