/* SPDX-License-Identifier: GPL-2.0 */
/* A deterministic network: discrete events, and links that lose, reorder, duplicate and delay. */
#ifndef SIM_EVENTS_H
#define SIM_EVENTS_H

#include "core/types.h"
#include "rng.h"

#define SIM_OVERHEAD	60	/* bytes of IP and TCP headers with each packet */

/**
 * struct packet - a TCP segment that carries our option
 * @seq, @ack: of the TCP header
 * @len: bytes of payload; they end where their memory ends
 * @ghost: further bytes, which the links carry and nobody looks at
 * @client: whose it is, for networks of many
 * @round: round trips that led to it
 * @syn: belongs to a handshake
 */
struct packet {
	u32 seq, ack, len, ghost;
	u32 client, round;
	bool syn;
	u8 *data;
};

struct packet *packet_new(u32 seq, u32 ack, const u8 *hdr, u32 hdr_len, u32 data_len);
struct packet *packet_copy(const struct packet *p);
void packet_free(struct packet *p);

/* A SYN, or with @ack a SYN-ACK. */
static inline struct packet *packet_syn(u32 seq, u32 ack)
{
	struct packet *p = packet_new(seq, ack, NULL, 0, 0);

	p->syn = true;
	return p;
}

/* Bytes of a packet on the wire. */
static inline u32 packet_size(const struct packet *p)
{
	return p->len + p->ghost + SIM_OVERHEAD;
}

struct sim_event {
	u64 at_us;
	void (*fn)(void *arg, struct packet *p);
	void *arg;
	struct packet *p;
};

/* Events by time, and by order of arrival among those of one time. */
struct sim_bucket {
	struct sim_event *e;
	size_t n, room;
};

/**
 * struct sim - the clock and what is to happen
 * @now_us: time
 * @steps: events so far
 *
 * A radix heap: time never goes back, so an event moves down through the
 * buckets a few times in its life, whatever their number.
 */
struct sim {
	u64 now_us, steps;

	u64 last_us;		/* time of the last event taken */
	u64 next_us;		/* of the next one, if known */
	bool next_known;
	size_t n, head;		/* events; first one of bucket 0 not yet taken */
	struct sim_bucket bucket[65];
};

void sim_at(struct sim *s, u64 at_us, void (*fn)(void *arg, struct packet *p), void *arg,
	    struct packet *p);
u64 sim_next(struct sim *s);
void sim_step(struct sim *s);
void sim_free(struct sim *s);

/**
 * struct link - one direction of a path
 * @rate: bytes a second, 0 for no limit
 * @queue: bytes that wait for the rate; more are dropped
 * @delay_us: propagation
 * @jitter_us: further delay, up to this and random; the order is kept
 * @reorder_us: further delay of a packet that falls behind others, at most
 * @loss_ppm, @reorder_ppm, @dup_ppm, @corrupt_ppm: packets in a million; a
 *	corrupted packet has a bit of its first CORRUPT_WITHIN bytes wrong and
 *	its checksum right (others are lost packets)
 * @pattern: bit i: packet i is lost, whatever the rest says
 * @deliver, @arg: the other end
 */
struct link {
	struct sim *sim;
	struct rng *rng;
	u64 rate, queue;
	u32 delay_us, jitter_us, reorder_us;
	u32 loss_ppm, reorder_ppm, dup_ppm, corrupt_ppm;
	u64 pattern;
	void (*deliver)(void *arg, struct packet *p);
	void *arg;

	u64 free_ns;		/* the last packet has left by then */
	u64 order_us;		/* no packet arrives before this one did */
	u64 sent, bytes, lost, overflowed, reordered, duplicated, corrupted;
};

#define CORRUPT_WITHIN	32

u64 link_backlog(const struct link *l);
bool link_send(struct link *l, struct packet *p);
void link_drop(struct link *l, struct packet *p);

#endif /* SIM_EVENTS_H */
