/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * A server without sockets.  The caller brings SYNs and requests, makes the data and sends the
 * packets: it is a simulator, a test, or a program that has its packets from a device.
 */
#ifndef TRKU_ENGINE_H
#define TRKU_ENGINE_H

#include "core/answer.h"
#include "core/limits.h"
#include "core/server.h"
#include "replay.h"

#define TRKU_KEYS_MAX	(2 + TRK_RETIRED_KEYS)

/**
 * struct trku_engine - a server
 * @key: keys that it holds: the current one, then the previous one, then those that are retired
 * @keys: how many keys it holds; at least one
 * @replay: its replay filter; NULL: it answers requests as often as they come
 * @horizon_ms: milliseconds that a continuation is good for
 * @skew_ms: milliseconds by which the clocks of replicas may differ
 * @max_seg_size: bytes of TCP payload that fit the path to a client
 * @moves: clients may go on from another address
 * @now_ms: wall clock, set before each call
 */
struct trku_engine {
	const struct trk_cipher *key[TRKU_KEYS_MAX];
	unsigned int keys;
	struct trku_replay *replay;
	u32 horizon_ms;
	u32 skew_ms;
	u16 max_seg_size;
	bool moves;
	u64 now_ms;
};

u32 trku_engine_syn(struct trku_engine *e, const struct trk_peer *peer, u32 client_isn);
int trku_engine_request(struct trku_engine *e, const struct trk_peer *peer, const u8 *payload,
			u32 len, u32 seq, u32 ack, struct trk_req *q, struct trk_grant *g);
int trku_engine_answer(struct trku_engine *e, const struct trk_peer *peer,
		       const struct trk_grant *g, struct trk_answer *a);

#endif /* TRKU_ENGINE_H */
