/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The replay filter in user space: which requests were answered, in fixed memory (core/once.h). */
#ifndef TRKU_REPLAY_H
#define TRKU_REPLAY_H

#include <nettle/aes.h>

#include "core/once.h"
#include "core/seal.h"

/**
 * struct trku_replay - the filter
 * @key: key of its hashes, so that no client can choose the set that its connection gets
 * @set: the sets
 * @sets: how many sets there are
 * @evicted: how many connections were forgotten
 *
 * It belongs to one thread at a time.
 */
struct trku_replay {
	struct aes128_ctx key;
	struct trk_once_set *set;
	u32 sets;
	u64 evicted;
};

int trku_replay_init(struct trku_replay *r, u32 connections, const u8 key[AES128_KEY_SIZE]);
int trku_replay_record(struct trku_replay *r, const struct trk_peer *peer, struct trk_record *m,
		       u64 now_ms, u32 horizon_ms, u32 skew_ms);
u32 trku_replay_known(const struct trku_replay *r);
void trku_replay_free(struct trku_replay *r);

#endif /* TRKU_REPLAY_H */
