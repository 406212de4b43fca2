/* SPDX-License-Identifier: GPL-2.0 */
/* A client in the arena: the core's, or several states of it, with hooks for who cheats. */
#ifndef TRK_ATTACKS_PARTY_H
#define TRK_ATTACKS_PARTY_H

#include "core/client.h"
#include "sim/net.h"

#define LINES		16
#define REGION		(1ULL << 27)	/* bytes of the stream for each line */
#define ELSEWHERE	(1ULL << 30)	/* and what no line asks for, from here on */
#define STREAM		(1ULL << 31)

/* A line of descent: one state of the client, and where it leads.  An honest client has one. */
struct line {
	struct trk_client cl;
	bool no_timeouts;	/* it dies instead */
};

struct party {
	struct conn *c;
	const struct attack *attack;	/* NULL: honest */
	struct line line[LINES];
	unsigned int lines;
	u8 *have;		/* a bit for each byte of the stream */
	u64 bytes;		/* different ones received */
	u64 elsewhere;		/* bytes from here on were never asked for */
	void *state;		/* the attack's */
	u64 wake_us;		/* the attack wants a turn then */
};

/**
 * struct attack - how a client cheats
 * @begin: it is connected
 * @turn: something arrived, or time passed; requests are composed afterwards
 * @heard: a response arrived; it may be changed before the lines see it.  False: they don't
 * @request: a request is to go out; NULL: as it is
 * @state: bytes of memory that it needs, zeroed
 * @seg_size: size of packet that it says it can take, 0: as others
 */
struct attack {
	void (*begin)(struct party *p);
	void (*turn)(struct party *p);
	bool (*heard)(struct party *p, struct trk_resp *r, u32 *seqrel);
	void (*request)(struct party *p, struct line *l, const struct trk_sending *o);
	size_t state;
	u16 seg_size;
};

/* How client 0 cheats, NULL if it does not; and what it got in the end. */
extern const struct attack *party_cheat;
extern u64 party_cheat_bytes;

/* Without at_server(). */
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
