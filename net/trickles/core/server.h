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

#define TRK_COOKIE_PERIOD_MS	64000		/* a SYN cookie is good for one to two of them */

/**
 * struct trk_server_env - what a decision depends on besides the request
 * @cipher: returns the cipher of a key epoch, NULL if it is not held; one that is neither
 *	@current_key nor @previous_key is retired
 * @arg: passed to @cipher and @record
 * @record: notes that a request is answered, as trk_once_record() does.  NULL: no request is
 *	ever known to be answered
 * @current_key: the epoch that seals
 * @previous_key: the one before it, whose cookies are still good; NULL: none
 * @now_ms: wall clock, milliseconds
 * @horizon_ms: a continuation older than this is taken for nothing but its renewal
 * @skew_ms: replicas' clocks differ by at most this
 * @path_seg_size: finds out how many bytes of TCP payload fit the path to the client; asked when
 *	the request is known to come from there.  NULL: @max_seg_size
 * @max_seg_size: as many on any path
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

/* A domain's birth may be so far ahead of the clock: each is later than its parent. */
#define TRK_BORN_AHEAD_MS	1000
#define TRK_BORN_AHEAD_MAX	(1 << 20)	/* in the order of domains; more than an hour */

/* Numbers below a request of an unknown domain, in windows, that may come still. */
#define TRK_LATE_WINDOWS	4

int trk_server_step(const struct trk_server_env *env, const struct trk_peer *peer,
		    const struct trk_req *q, u32 seq, u32 ack, u32 payload_len,
		    struct trk_grant *g);

u32 trk_server_ahead(u32 skew_ms);

u32 trk_server_syn_cookie(const struct trk_server_env *env, const struct trk_peer *peer,
			  u32 client_isn);

#endif /* TRK_CORE_SERVER_H */
