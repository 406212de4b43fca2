/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The gate before an event queue: what each source of requests has of it.  A source is an IPv4
 * address, or a /64 of IPv6, which is what one client of a provider has at least.
 */
#ifndef NET_TRICKLES_GATE_H
#define NET_TRICKLES_GATE_H

#include <linux/cache.h>
#include <linux/siphash.h>
#include <linux/types.h>

#define TRK_GATE_ROWS		4
#define TRK_GATE_BUCKETS	256	/* in each row, which takes a byte of the hash */

/* For so long the gate stays closed when the queue has become shorter. */
#define TRK_GATE_LINGER_MS	1000

/* What becomes of a request. */
enum trk_gate_verdict {
	TRK_GATE_PASS,
	TRK_GATE_FULL,		/* no entry is free */
	TRK_GATE_SHARE,		/* its source holds its share of the entries */
	TRK_GATE_SPENT,		/* its source has had too much work done for nothing */
};

/**
 * struct trk_gate_bucket - what sources of one hash have
 * @held: entries of the queue, under the queue's lock
 * @paid_until: trk_share_spend(), under the queue's lock
 */
struct trk_gate_bucket {
	u32 held;
	u32 paid_until;
};

struct trk_gate_table {
	struct trk_gate_bucket row[TRK_GATE_ROWS][TRK_GATE_BUCKETS];
};

/**
 * struct trk_gate - the gate of a queue
 * @closed: shares hold: more than half of the queue was in use lately.  Read without a lock.
 * @busy_ms: when more than half was in use last
 * @table: the buckets.  A source has one in each row, and counts for what the least of them says
 *	(a count-min sketch): who shares one with somebody greedy is unlikely to do so in all rows.
 * @key: of the hash, so that nobody can choose addresses that have somebody else's buckets
 */
struct trk_gate {
	bool closed;
	u32 busy_ms;
	struct trk_gate_table *table;
	hsiphash_key_t key;
};

int trk_gate_init(struct trk_gate *g);
void trk_gate_free(struct trk_gate *g);
u32 trk_gate_source(const struct trk_gate *g, const u8 addr[16]);
enum trk_gate_verdict trk_gate_entry(struct trk_gate *g, u32 source, u32 free, u32 entries);
enum trk_gate_verdict trk_gate_look(struct trk_gate *g, const u8 addr[16], u32 free, u32 entries);
void trk_gate_enter(struct trk_gate *g, u32 source);
void trk_gate_leave(struct trk_gate *g, u32 source);
void trk_gate_spend(struct trk_gate *g, const u8 addr[16]);

/* Is there anything to look at?  In most cases there is not. */
static inline bool trk_gate_closed(const struct trk_gate *g)
{
	return unlikely(READ_ONCE(g->closed));
}

#endif /* NET_TRICKLES_GATE_H */
