// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>

#include "core/server.h"
#include "replay.h"

static const u8 v4_mapped[12] = { [10] = 0xff, [11] = 0xff };

/**
 * trku_replay_init - set up an empty filter
 * @r: the filter
 * @connections: how many proven connections it can hold at a time, and how many guests beside
 *	them; rounded up to whole sets
 * @key: random bytes
 *
 * The filter takes 176 bytes for each of @connections, and never more.
 *
 * Return: 0 or -ENOMEM.
 */
int trku_replay_init(struct trku_replay *r, u32 connections, const u8 key[AES128_KEY_SIZE])
{
	memset(r, 0, sizeof(*r));
	r->sets = connections / TRK_ONCE_WAYS + !!(connections % TRK_ONCE_WAYS);
	r->sets = max_t(u32, r->sets, 1);
	r->set = calloc(r->sets, sizeof(*r->set));
	if (!r->set)
		return -ENOMEM;
	aes128_set_encrypt_key(&r->key, key);
	return 0;
}

/* A keyed hash of at most 16 bytes. */
static u64 hash(const struct trku_replay *r, const void *data, unsigned int len)
{
	u8 block[AES_BLOCK_SIZE] = { 0 };

	memcpy(block, data, len);
	aes128_encrypt(&r->key, sizeof(block), block, block);
	return get_unaligned_be64(block);
}

/* Clients of one network, a /24 of IPv4 or a /56 of IPv6, are of one class. */
static u8 class_of(const struct trku_replay *r, const struct trk_peer *peer)
{
	bool v4 = !memcmp(peer->addr, v4_mapped, sizeof(v4_mapped));

	return (u8)(hash(r, peer->addr, v4 ? 15 : 7) % TRK_ONCE_CLASSES);
}

/**
 * trku_replay_record - record a request, if it was not answered before
 * @r: the filter
 * @peer: the client
 * @m: the request; on return, also what of it may be answered
 * @now_ms: wall clock
 * @horizon_ms: milliseconds that a continuation is good for
 * @skew_ms: milliseconds by which the clocks of replicas may differ
 *
 * This is what record() of struct trk_server_env has to do.
 *
 * Return: 0, or the reason for which the request has to be dropped, as trk_once_record().
 */
int trku_replay_record(struct trku_replay *r, const struct trk_peer *peer, struct trk_record *m,
		       u64 now_ms, u32 horizon_ms, u32 skew_ms)
{
	const struct trk_once_now now = {
		.order = trk_seal_order_at(now_ms),
		.ahead = trk_server_ahead(skew_ms),
		.tick = (u32)now_ms,
		.life = 2 * horizon_ms,
	};
	u64 h = hash(r, &m->conn, sizeof(m->conn));
	u32 evicted = 0;
	int err;

	err = trk_once_record(&r->set[(u32)h % r->sets], &now, (u8)(h >> 56), class_of(r, peer), m,
			      &evicted);
	r->evicted += evicted;
	return err;
}

/**
 * trku_replay_known - count the connections that have a place in the filter
 * @r: the filter
 *
 * Return: how many there are, proven ones and guests.
 */
u32 trku_replay_known(const struct trku_replay *r)
{
	u32 i, way, n = 0;

	for (i = 0; i < r->sets; i++)
		for (way = 0; way < TRK_ONCE_WAYS; way++)
			n += !!r->set[i].proven.class[way] + !!r->set[i].guests.class[way];
	return n;
}

/**
 * trku_replay_free - give the memory of a filter back
 * @r: the filter; all of it may be zero
 */
void trku_replay_free(struct trku_replay *r)
{
	free(r->set);
	memset(r, 0, sizeof(*r));
}
