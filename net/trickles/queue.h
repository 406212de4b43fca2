/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The event queue of a listener (paper §3): an area that the application maps
 * read-only, and beside it what only the kernel may know of each event.
 */
#ifndef NET_TRICKLES_QUEUE_H
#define NET_TRICKLES_QUEUE_H

#include <linux/skbuff.h>
#include <uapi/linux/trickles.h>

#include "core/grant.h"
#include "core/seal.h"
#include "gate.h"
#include "output.h"

enum trk_item_state {
	TRK_ITEM_FREE,
	TRK_ITEM_QUEUED,	/* the application may name it in an operation */
	TRK_ITEM_BUSY,		/* being filled, or an operation is at work on it */
};

/**
 * struct trk_item - the kernel's half of an entry
 * @grant: what the answer may have
 * @peer: whom the answer is sealed for
 * @path: where the answer goes
 * @generation: counts the events of the entry; part of the handle
 * @source: whose share of the queue it belongs to (gate.h), unless it is FREE
 * @state: enum trk_item_state, under the queue's lock
 *
 * Only who has made it BUSY may use the members besides @state.
 */
struct trk_item {
	struct trk_grant grant;
	struct trk_peer peer;
	struct trk_path path;
	u32 generation;
	u32 source;
	u8 state;
};

/**
 * struct trk_queue - an event queue
 * @lock: protects the states of @items, @free, @produced and the counts of @gate
 * @entries: a power of two
 * @event_size: bytes of an entry of the mapped area
 * @flags: TRK_QUEUE_CLOSE
 * @produced: events queued so far
 * @nfree: number of free entries; may be read without the lock
 * @free: a stack of the free entries: the one that was freed last is used next, since it may
 *	still be in the processor's cache
 * @gate: who may have an entry
 * @items: one for each entry
 * @head: the mapped area, which only the kernel can write
 * @map_len: length of the mapped area
 * @pinned: the user who made the queue, and how many pages count for his RLIMIT_MEMLOCK
 */
struct trk_queue {
	spinlock_t lock;	/* states of items, free, produced, counts of gate */
	u32 entries;
	u32 event_size;
	u32 flags;
	u32 produced;
	u32 nfree;
	struct trk_gate gate;
	u32 *free;
	struct trk_item *items;
	struct trk_queue_head *head;
	unsigned long map_len;
	struct mmpin pinned;
};

struct trk_queue *trk_queue_create(const struct trk_queue_info *info);
void trk_queue_destroy(struct trk_queue *q);
int trk_queue_mmap(struct trk_queue *q, struct vm_area_struct *vma);

enum trk_gate_verdict trk_queue_admit(struct trk_queue *q, const u8 addr[16]);
void trk_queue_spend(struct trk_queue *q, const u8 addr[16]);
enum trk_gate_verdict trk_queue_reserve(struct trk_queue *q, const u8 addr[16],
					struct trk_item **item, struct trk_event **ev);
void trk_queue_publish(struct trk_queue *q, struct trk_item *item);
struct trk_item *trk_queue_take(struct trk_queue *q, u64 handle);
void trk_queue_put_back(struct trk_queue *q, struct trk_item *item);
void trk_queue_free(struct trk_queue *q, struct trk_item *item);

/* A flag of a user continuation as applications know it is the sealed one shifted by this. */
#define TRK_CONT_SHIFT	17

static_assert(TRK_UCONT_FINAL << TRK_CONT_SHIFT == TRK_CONT_FINAL &&
	      TRK_UCONT_PARALLEL << TRK_CONT_SHIFT == TRK_CONT_PARALLEL, "flags");

static inline u32 trk_queue_cont_flags(u8 sealed)
{
	return (u32)sealed << TRK_CONT_SHIFT;
}

/* Events queued so far. */
static inline u32 trk_queue_produced(const struct trk_queue *q)
{
	return READ_ONCE(q->produced);
}

#endif /* NET_TRICKLES_QUEUE_H */
