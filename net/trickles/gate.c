// SPDX-License-Identifier: GPL-2.0
/*
 * The gate before an event queue.  It is open while no more than half of the queue is in use.  When
 * it is closed, whoever holds his share of the entries gets no more of them, and what he sends is
 * dropped before anything expensive is done for it: above all before its seal is opened.
 *
 * A source is charged for nothing but what it has proved to have sent, by a right seal or cookie:
 * for the entries that its requests are in, and for authentic requests that are good for nothing
 * (replays, renewals), which cost up to eighteen times as much as a forged one.  So nobody can use
 * up what another address may have by sending in its name (Documentation/rationale.rst, "The
 * gate").
 */
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <net/ipv6.h>

#include "core/share.h"
#include "gate.h"

static u32 clock_ms(void)
{
	return jiffies_to_msecs(jiffies);
}

static struct trk_gate_bucket *bucket(const struct trk_gate *g, u32 source, unsigned int row)
{
	return &g->table->row[row][(source >> 8 * row) % TRK_GATE_BUCKETS];
}

/**
 * trk_gate_init - an open gate
 * @g: the gate
 *
 * Context: process; may sleep.
 * Return: 0 or -ENOMEM.
 */
int trk_gate_init(struct trk_gate *g)
{
	BUILD_BUG_ON(TRK_GATE_BUCKETS != 1 << 8 || TRK_GATE_ROWS > sizeof(u32));
	g->closed = false;
	get_random_bytes(&g->key, sizeof(g->key));
	g->table = kvzalloc(sizeof(*g->table), GFP_KERNEL_ACCOUNT);
	return g->table ? 0 : -ENOMEM;
}

/**
 * trk_gate_free - undo trk_gate_init()
 * @g: the gate, or one that is all zeroes
 */
void trk_gate_free(struct trk_gate *g)
{
	kvfree(g->table);
}

/**
 * trk_gate_source - the source that an address belongs to
 * @g: the gate
 * @addr: of the client: IPv6, or IPv4 mapped into it
 *
 * Context: any.
 * Return: a hash, of which each row takes another byte.
 */
u32 trk_gate_source(const struct trk_gate *g, const u8 addr[16])
{
	if (ipv6_addr_v4mapped((const struct in6_addr *)addr))
		return hsiphash_1u32(get_unaligned_be32(addr + 12), &g->key);
	return hsiphash_2u32(get_unaligned_be32(addr), get_unaligned_be32(addr + 4), &g->key);
}

static u32 held(const struct trk_gate *g, u32 source)
{
	u32 least = U32_MAX;
	unsigned int row;

	for (row = 0; row < TRK_GATE_ROWS; row++)
		least = min(least, READ_ONCE(bucket(g, source, row)->held));
	return least;
}

static bool spent(const struct trk_gate *g, u32 source, u32 now)
{
	unsigned int row;

	for (row = 0; row < TRK_GATE_ROWS; row++)
		if (!trk_share_spent(READ_ONCE(bucket(g, source, row)->paid_until), now))
			return false;
	return true;
}

/* Closes the gate, or keeps it closed. */
static void busy(struct trk_gate *g, u32 now)
{
	if (READ_ONCE(g->busy_ms) != now)
		WRITE_ONCE(g->busy_ms, now);
	if (!READ_ONCE(g->closed))
		WRITE_ONCE(g->closed, true);
}

/**
 * trk_gate_entry - may a source have another entry?
 * @g: the gate
 * @source: from trk_gate_source()
 * @free: free entries of the queue
 * @entries: all of them
 *
 * The gate closes here: that more than half of a queue is in use is always seen before the next
 * event is put into it.
 *
 * Context: any; under the queue's lock the answer is certain, without it nearly so.
 * Return: the verdict.
 */
enum trk_gate_verdict trk_gate_entry(struct trk_gate *g, u32 source, u32 free, u32 entries)
{
	if (!trk_share_binds(free, entries))
		return TRK_GATE_PASS;
	busy(g, clock_ms());
	if (!free)
		return TRK_GATE_FULL;
	return held(g, source) < trk_share_most(free, entries) ? TRK_GATE_PASS : TRK_GATE_SHARE;
}

/**
 * trk_gate_look - is it worth while to look at a request?
 * @g: a gate that is closed
 * @addr: where the request says it comes from, as for trk_gate_source()
 * @free: free entries of the queue
 * @entries: all of them
 *
 * Opens the gate if it has been closed for long enough.
 *
 * Context: any; takes no lock, since whoever is flooded may look on all processors at once.
 * Return: the verdict.
 */
enum trk_gate_verdict trk_gate_look(struct trk_gate *g, const u8 addr[16], u32 free, u32 entries)
{
	u32 source = trk_gate_source(g, addr), now = clock_ms();
	enum trk_gate_verdict v = trk_gate_entry(g, source, free, entries);

	if (v != TRK_GATE_PASS)
		return v;
	if (!trk_share_binds(free, entries) &&
	    (s32)(now - READ_ONCE(g->busy_ms)) > TRK_GATE_LINGER_MS) {
		WRITE_ONCE(g->closed, false);
		return TRK_GATE_PASS;
	}
	return spent(g, source, now) ? TRK_GATE_SPENT : TRK_GATE_PASS;
}

/**
 * trk_gate_enter - a source has another entry
 * @g: the gate
 * @source: from trk_gate_source(); trk_gate_leave() needs it
 *
 * Context: the queue's lock is held.
 */
void trk_gate_enter(struct trk_gate *g, u32 source)
{
	unsigned int row;

	for (row = 0; row < TRK_GATE_ROWS; row++) {
		struct trk_gate_bucket *b = bucket(g, source, row);

		WRITE_ONCE(b->held, b->held + 1);
	}
}

/**
 * trk_gate_leave - undo trk_gate_enter()
 * @g: the gate
 * @source: what it was given
 *
 * Context: the queue's lock is held.
 */
void trk_gate_leave(struct trk_gate *g, u32 source)
{
	unsigned int row;

	for (row = 0; row < TRK_GATE_ROWS; row++) {
		struct trk_gate_bucket *b = bucket(g, source, row);

		WRITE_ONCE(b->held, b->held - 1);
	}
}

/**
 * trk_gate_spend - work was done for nothing
 * @g: a gate that is closed
 * @addr: who has proved to have asked for it
 *
 * Context: the queue's lock is held.
 */
void trk_gate_spend(struct trk_gate *g, const u8 addr[16])
{
	u32 source = trk_gate_source(g, addr), now = clock_ms();
	unsigned int row;

	for (row = 0; row < TRK_GATE_ROWS; row++) {
		struct trk_gate_bucket *b = bucket(g, source, row);

		WRITE_ONCE(b->paid_until, trk_share_spend(b->paid_until, now));
	}
}
