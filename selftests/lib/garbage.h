/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Requests that only somebody who has the key can send: they and their transport and user
 * continuations are random, but seals and proofs are right.
 */
#ifndef TRK_TEST_GARBAGE_H
#define TRK_TEST_GARBAGE_H

#include "core/seal.h"
#include "core/wire.h"
#include "sim/rng.h"

#define GARBAGE_INPUT	2000	/* a request has fewer bytes of input than this */

/**
 * struct garbage - a source of requests
 * @rng: what makes them random
 * @key: what seals are made with; the caller sets it
 * @peer: whom they are made for; the caller sets it
 * @now_ms: when they are made; the caller sets it
 * @cont: transport continuation of the last request
 * @output: its output continuation
 * @input: its input continuation
 * @payload: the last request
 * @len: bytes of @payload
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
