/* SPDX-License-Identifier: GPL-2.0 */
/* A client in the arena: one state of the core's client or several, with hooks for a cheater. */
#ifndef TRK_ATTACKS_PARTY_H
#define TRK_ATTACKS_PARTY_H

#include "core/client.h"
#include "sim/net.h"

#define LINES		16
#define REGION		(1ULL << 27)	/* so many bytes of the stream are for each line */
#define ELSEWHERE	(1ULL << 30)	/* the bytes from here on are for no line */
#define STREAM		(1ULL << 31)

/* One state of a client, which goes on by itself.  An honest client has only one. */
struct line {
	struct trk_client cl;
	bool no_timeouts;	/* its TIMEOUT requests are not sent, so it ends with the first */
};

struct party {
	struct conn *c;
	const struct attack *attack;	/* NULL: honest */
	struct line line[LINES];
	unsigned int lines;
	u8 *have;		/* a bit for each byte of the stream */
	u64 bytes;		/* how many different bytes were received */
	u64 elsewhere;		/* bytes from here on were never asked for */
	void *state;		/* memory of the attack */
	u64 wake_us;		/* when the attack wants its turn() to be called */
};

/**
 * struct attack - how a client cheats
 * @begin: called when it is connected
 * @turn: called when something has arrived or time has passed, before requests are made
 * @heard: called when a response has arrived; may change it; returns false if lines must not see it
 * @request: called when a line has made a request, to send it or another one; NULL: it is sent
 * @state: bytes of memory that it needs, which are zero at first
 * @seg_size: the segment size that it says it can take; 0: as others
 */
struct attack {
	void (*begin)(struct party *p);
	void (*turn)(struct party *p);
	bool (*heard)(struct party *p, struct trk_resp *r, u32 *seqrel);
	void (*request)(struct party *p, struct line *l, const struct trk_sending *o);
	size_t state;
	u16 seg_size;
};

/* How client 0 cheats, NULL if it does not, and how many bytes it got in the last run. */
extern const struct attack *party_cheat;
extern u64 party_cheat_bytes;

/* The model of all clients; at_server() is for arena.c to set. */
extern const struct model party_model;

/* For attacks. */
u64 party_now(const struct party *p);
void party_send(struct party *p, const struct trk_sending *o);
void party_ask(struct party *p, const struct trk_sending *o, const struct trk_req *q);
bool party_read(struct party *p, const struct trk_sending *o, struct trk_req *q);
void party_elsewhere(struct party *p, struct trk_req *q);
struct line *party_fork(struct party *p, const struct line *l);
bool party_pretend(struct party *p, struct line *l, u64 x, u64 nonce);

#endif /* TRK_ATTACKS_PARTY_H */
