/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One client and a few replicas of a server, with the toy application at both ends and nothing
 * in between: the test says which packet arrives, when, where and how often.  All numbers that
 * are issued and all bytes that are delivered are checked.
 */
#ifndef TRK_TEST_PAIR_H
#define TRK_TEST_PAIR_H

#include "core/client.h"
#include "core/reason.h"
#include "core/server.h"
#include "sim/events.h"
#include "sim/rng.h"
#include "sim/toyapp.h"
#include "trickles-user/cipher.h"
#include "trickles-user/engine.h"

#define PAIR_REPLICAS	2
#define PAIR_KEYS	32
#define PAIR_RING	1024
#define PAIR_SEG_SIZE	1448
#define PAIR_PIECE	(PAIR_SEG_SIZE - TRK_RESP_FIXED)
#define PAIR_NOW_MS	1700000000000ULL

/* A number, and the request that it was issued for. */
struct pair_issue {
	u64 domain, number;
	u32 token;
	u8 replicas;		/* a bit for each replica that has issued it */
};

struct pair_replica {
	struct trku_engine engine;
	struct trku_replay replay;
};

/**
 * struct pair - both ends
 * @cl: the client; the test sets its rcv_limit
 * @now_us: the time, for all of them
 * @key: keys, one after the other
 * @keys: replicas hold key[i] if bit i is set
 * @current_key: the one with which they seal; the one before it is the previous one
 * @split: for the second replica, the current and the previous key have changed places
 * @amnesia: replicas do not remember what they have answered
 * @moves: replicas let the client go on from another address than before
 * @later_ms: the wall clock of the replicas is ahead of @now_us by so much
 * @route_size: TCP payload that the replicas' routes carry; 0: PAIR_SEG_SIZE
 * @start: numbers begin above this one
 * @peer: the client as replicas see it
 * @q: the last request that a replica has taken
 * @grant: what it may be answered with
 * @server_drops: packets that replicas have taken or dropped, by reason
 * @client_drops: packets that the client has taken or dropped, by reason
 * @why: the first thing that was wrong, or empty
 */
struct pair {
	struct trk_client cl;
	struct trk_entry ring[PAIR_RING];
	u64 now_us;
	struct trku_cipher key[PAIR_KEYS];
	u32 keys, current_key;
	bool split, amnesia, moves;
	u32 horizon_ms;
	u64 later_ms;
	u16 route_size;
	u64 start;
	struct pair_replica replica[PAIR_REPLICAS];
	struct trk_peer peer;
	u32 client_isn, server_isn;
	struct rng rng;

	u8 *in, *out, *have;
	u64 in_len, out_len, received;
	bool last;			/* the server's stream ends behind @out */

	struct trk_req q;
	struct trk_grant grant;
	struct pair_issue *issue;
	u32 issues, room;
	u64 server_drops[TRK_REASON_COUNT], client_drops[TRK_REASON_COUNT];
	char why[200];
};

void pair_begin(struct pair *p, const struct toy_msg *msg, unsigned int n);
void pair_connect(struct pair *p, u64 rtt_us);
void pair_end(struct pair *p);
void pair_new_key(struct pair *p, unsigned int retired);
struct packet *pair_pump(struct pair *p);
void pair_at_server(struct pair *p, unsigned int replica, const struct packet *in,
		    void (*send)(void *arg, struct packet *out), void *arg);
void pair_at_client(struct pair *p, const struct packet *in);
bool pair_done(const struct pair *p);
void pair_fail(struct pair *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif /* TRK_TEST_PAIR_H */
