/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A client, a server, and a path between them that is narrow for a time, loses packets, or is
 * dark, and says nothing of it.
 */
#ifndef TRK_TEST_PATH_H
#define TRK_TEST_PATH_H

#include "pair.h"
#include "sim/events.h"

#define PATH_DELAY_US	10000		/* each way */
#define PATH_MSGS	8
#define PATH_DARKS	4
#define SECOND_US	1000000ULL

/* A time of the connection; without an end if @to_us is 0. */
struct span {
	u64 from_us, to_us;
};

/**
 * struct script - a path, and what is sent over it
 * @msg: what the client asks for
 * @msgs: so many messages; 0: one
 * @apart_us: they are written so far apart; 0: all at once
 * @fin: the client's stream ends behind them
 * @up: TCP payload that the way to the server carries while @narrow, at most; 0: any
 * @down: that the way to the client carries
 * @narrow: when
 * @route: TCP payload that the server's own route carries while @routed, which it knows
 * @routed: when
 * @told: that the client's own route carries while @telling, of which it is told
 * @telling: when
 * @dark: times in which nothing arrives
 * @loss: of a million packets so many are lost besides
 * @slow_us: so late the server answers FIRST requests
 * @late_us: so much later than that everything that the server sends arrives while @late
 * @late: when
 * @window: bytes that the client takes at a time; 0: 200000
 * @start: numbers begin above this one
 * @redundant: each request repeats the one before
 * @amnesia: the server does not remember what it has answered
 * @new_key_us: the key changes so often; 0: never
 * @seed: of what is random
 */
struct script {
	struct toy_msg msg[PATH_MSGS];
	unsigned int msgs;
	u64 apart_us;
	bool fin;
	u32 up, down;
	struct span narrow;
	u16 route;
	struct span routed;
	u16 told;
	struct span telling;
	struct {
		u64 at_us, len_us;
	} dark[PATH_DARKS];
	u32 loss;
	u64 slow_us, late_us;
	struct span late;
	u32 window;
	u64 start;
	bool redundant, amnesia;
	u64 new_key_us;
	u64 seed;
};

/**
 * struct run - what became of it
 * @largest: payload that arrived while the path was narrow: up, down
 * @timeouts: TIMEOUT requests and repetitions of FIRST
 * @least: the least segment size that the connection has had
 * @gaps: packets whose sequence numbers leave some out
 */
struct run {
	struct pair p;
	struct sim sim;
	const struct script *sc;
	struct rng rng;
	u64 begin_us;
	u64 written[PATH_MSGS];
	unsigned int msgs, nwritten;
	u64 key_us;
	u32 largest[2];
	unsigned int timeouts;
	u16 least;
	u64 top;		/* the highest number that the server has sent, where it stands */
	u32 top_seq;
	u64 gaps;
};

void path_play(struct run *r, const struct script *sc);
u64 path_elapsed(const struct run *r);

#endif /* TRK_TEST_PATH_H */
