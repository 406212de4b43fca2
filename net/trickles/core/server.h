/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The server's decision: a function of one request, the keys, the clock and
 * what was answered before (paper §2.3).  Nothing else is remembered between two calls.
 */
#ifndef TRK_CORE_SERVER_H
#define TRK_CORE_SERVER_H

#include "grant.h"
#include "once.h"
#include "seal.h"
#include "types.h"
#include "wire.h"

#define TRK_COOKIE_PERIOD_MS	64000		/* a cookie is good for one to two of them */

/**
 * struct trk_server_env - what a decision depends on besides the request
 * @cipher: returns the cipher of the key with an id, NULL if it is not held; a key that is neither
 *	@current_key nor @previous_key is retired
 * @arg: passed to @cipher and @record
 * @record: records a request, as trk_once_record() does.  NULL: nothing is recorded, so any
 *	request may be answered more than once
 * @current_key: cipher of the current key, which seals
 * @previous_key: cipher of the key before it, whose cookies are still good; NULL: none
 * @now_ms: wall clock, milliseconds
 * @horizon_ms: a continuation older than this is only renewed
 * @skew_ms: replicas' clocks differ by at most this
 * @path_seg_size: finds out how many bytes of TCP payload fit the path to the client, at least
 *	TRK_MIN_SEG_SIZE; asked when a request is known to come from there.  NULL: @max_seg_size
 * @max_seg_size: as many on any path, at least TRK_MIN_SEG_SIZE
 * @moves: clients may go on from another address
 */
struct trk_server_env {
	const struct trk_cipher *(*cipher)(void *arg, u8 key_id);
	int (*record)(void *arg, const struct trk_peer *peer, struct trk_record *m);
	u16 (*path_seg_size)(const struct trk_server_env *env);
	void *arg;
	const struct trk_cipher *current_key;
	const struct trk_cipher *previous_key;
	u64 now_ms;
	u32 horizon_ms;
	u32 skew_ms;
	u16 max_seg_size;
	bool moves;
};

/*
 * How far ahead of the clock a domain may be born.  It is ahead if domains follow each other fast,
 * since each is later than its parent.
 */
#define TRK_BORN_AHEAD_MS	1000
#define TRK_BORN_AHEAD_MAX	(1 << 20)	/* in the order of domains: 70 min */

/*
 * In a domain of which nothing is known, numbers more than so many windows below m count as
 * recorded (protocol.rst, "Answered once").
 */
#define TRK_LATE_WINDOWS	4

int trk_server_step(const struct trk_server_env *env, const struct trk_peer *peer,
		    const struct trk_req *q, u32 seq, u32 ack, u32 payload_len,
		    struct trk_grant *g);

u32 trk_server_ahead(u32 skew_ms);

u32 trk_server_syn_cookie(const struct trk_server_env *env, const struct trk_peer *peer,
			  u32 client_isn);

#endif /* TRK_CORE_SERVER_H */
