/* SPDX-License-Identifier: GPL-2.0 */
/* A deterministic network: discrete events, and links that lose, reorder, duplicate and delay. */
#ifndef TRK_TEST_SIM_H
#define TRK_TEST_SIM_H

#include "core/types.h"
#include "rng.h"

/* A TCP segment that carries our option.  The data ends where its memory ends. */
struct packet {
	u32 seq, ack, len;
	u8 *data;
};

struct packet *packet_new(u32 seq, u32 ack, const u8 *hdr, u32 hdr_len, u32 data_len);
struct packet *packet_copy(const struct packet *p);
void packet_free(struct packet *p);

struct sim_event {
	u64 at_us, serial;
	void (*fn)(void *arg, struct packet *p);
	void *arg;
	struct packet *p;
};

struct sim {
	u64 now_us, serial;
	struct sim_event *heap;
	unsigned int n, room;
};

void sim_at(struct sim *s, u64 at_us, void (*fn)(void *arg, struct packet *p), void *arg,
	    struct packet *p);
u64 sim_next(const struct sim *s);
void sim_step(struct sim *s);
void sim_free(struct sim *s);

/**
 * struct link - one direction of the path
 * @bytes_per_ms: rate
 * @queue: bytes that wait for the rate; more are dropped
 * @delay_us: propagation
 * @loss_ppm, @reorder_ppm, @dup_ppm: packets in a million
 * @pattern: bit i: packet i is lost, whatever the rest says
 * @deliver, @arg: the other end
 */
struct link {
	struct sim *sim;
	struct rng *rng;
	u32 bytes_per_ms, queue, delay_us;
	u32 loss_ppm, reorder_ppm, dup_ppm;
	u64 pattern;
	void (*deliver)(void *arg, struct packet *p);
	void *arg;

	u64 free_us, sent, lost;
};

void link_send(struct link *l, struct packet *p);

#endif /* TRK_TEST_SIM_H */
