/* SPDX-License-Identifier: GPL-2.0 */
/* A deterministic network: discrete events, and links that lose, reorder, duplicate and delay. */
#ifndef SIM_EVENTS_H
#define SIM_EVENTS_H

#include "core/types.h"
#include "rng.h"

#define SIM_OVERHEAD	60	/* bytes of IP and TCP headers with each packet */

/**
 * struct packet - a TCP segment that carries our option
 * @seq: sequence number
 * @ack: acknowledgment number
 * @len: bytes of payload
 * @ghost: further bytes of payload, which take time on a link but have no contents
 * @client: the client to or from which it goes, in a network with many
 * @round: round trips since the connection began, up to this packet
 * @syn: it is a SYN or a SYN-ACK
 * @data: the payload, in memory of exactly @len bytes, so that tools see what reads beyond it
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

/* Events of the queue, in the order in which they were added. */
struct sim_bucket {
	struct sim_event *e;
	size_t n, room;
};

/**
 * struct sim - the clock, and what is to happen
 * @now_us: time
 * @steps: how many events have happened
 *
 * The events are in a radix heap.  Time never goes back, so an event only moves down through
 * the buckets, a few times in its life, however many events wait.  Events of the same time
 * happen in the order in which they were added.
 */
struct sim {
	u64 now_us, steps;

	u64 last_us;		/* time of the last event taken */
	u64 next_us;		/* of the next one, if known */
	bool next_known;
	size_t n, head;		/* events that wait; the first of bucket 0 not yet taken */
	struct sim_bucket bucket[65];
};

void sim_at(struct sim *s, u64 at_us, void (*fn)(void *arg, struct packet *p), void *arg,
	    struct packet *p);
u64 sim_next(struct sim *s);
void sim_step(struct sim *s);
void sim_free(struct sim *s);

/**
 * struct link - one direction of a path
 * @sim: the clock
 * @rng: what is random on this link
 * @rate: bytes a second, 0 for no limit
 * @queue: a packet is lost if more bytes than these wait before it
 * @delay_us: propagation
 * @jitter_us: a random delay of up to this is added; packets stay in order
 * @reorder_us: a packet that others may pass is late by up to this
 * @loss_ppm: packets in a million that are lost
 * @reorder_ppm: packets in a million that others may pass
 * @dup_ppm: packets in a million that arrive twice
 * @corrupt_ppm: packets in a million with a wrong bit in their first CORRUPT_WITHIN bytes and
 *	a right checksum; one whose checksum is wrong is a lost packet
 * @pattern: packet i, counted from 0, is lost if bit i is set; there are 64 bits
 * @deliver: takes a packet at the other end
 * @arg: passed to @deliver
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

	u64 free_ns;		/* by then all packets so far have left */
	u64 order_us;		/* no later packet arrives before this time, unless reordered */
	u64 sent, bytes, lost, overflowed, reordered, duplicated, corrupted;
};

#define CORRUPT_WITHIN	32

u64 link_backlog(const struct link *l);
bool link_send(struct link *l, struct packet *p);
void link_drop(struct link *l, struct packet *p);

#endif /* SIM_EVENTS_H */
