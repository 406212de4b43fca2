/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What somebody may send who has the key: random continuations, transport and user, in random
 * requests.  Seals and proofs are right.
 */
#ifndef TRK_TEST_GARBAGE_H
#define TRK_TEST_GARBAGE_H

#include "core/seal.h"
#include "core/wire.h"
#include "sim/rng.h"

#define GARBAGE_INPUT	2000	/* bytes of input, below this */

/**
 * struct garbage - a source of requests
 * @key, @peer, @now_ms: for the seals; the caller's
 * @payload, @len: the last one
 * @cont: its continuation
 */
struct garbage {
	struct rng rng;
	const struct trk_cipher *key;
	struct trk_peer peer;
	u64 now_ms;

	u8 cont[TRK_CONT_LEN], output[TRK_SEALED_UCONT_MAX], input[TRK_SEALED_UCONT_MAX];
	u8 payload[TRK_REQ_HDR_MAX + 2 * TRK_SEALED_UCONT_MAX + GARBAGE_INPUT];
	u32 len;
};

u64 garbage_number(struct rng *r);
void garbage_next(struct garbage *g);

#endif /* TRK_TEST_GARBAGE_H */
