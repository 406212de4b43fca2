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
#include "output.h"

enum trk_item_state {
	TRK_ITEM_FREE,
	TRK_ITEM_QUEUED,	/* the application may name it in an operation */
	TRK_ITEM_BUSY,		/* being filled, or an operation is at work on it */
};

/**
 * struct trk_item - the kernel's half of a slot
 * @grant: what may be answered
 * @peer: whom the answer is sealed for
 * @path: where it goes
 * @generation: counts the events of the slot; part of the handle
 * @state: enum trk_item_state, under the queue's lock
 *
 * Whoever has made it BUSY owns the rest.
 */
struct trk_item {
	struct trk_grant grant;
	struct trk_peer peer;
	struct trk_path path;
	u32 generation;
	u8 state;
};

/**
 * struct trk_queue - an event queue
 * @lock: protects states, the free list and @produced
 * @slots: a power of two
 * @produced: events queued so far
 * @nfree: number of free slots
 * @free: a stack of them; the one used last is warm in the cache
 * @items: one for each slot
 * @head: the mapped area; only ever written here
 * @map_len: its length
 * @pinned: what of its memory is charged to the user that made it
 */
struct trk_queue {
	spinlock_t lock;	/* states, free list, produced */
	u32 slots;
	u32 produced;
	u32 nfree;
	u32 *free;
	struct trk_item *items;
	struct trk_queue_head *head;
	u32 map_len;
	struct mmpin pinned;
};

struct trk_queue *trk_queue_create(u32 slots);
void trk_queue_destroy(struct trk_queue *q);
int trk_queue_mmap(struct trk_queue *q, struct vm_area_struct *vma);

struct trk_event *trk_queue_reserve(struct trk_queue *q, struct trk_item **item);
void trk_queue_publish(struct trk_queue *q, struct trk_item *item);
struct trk_item *trk_queue_claim(struct trk_queue *q, u64 handle);
void trk_queue_unclaim(struct trk_queue *q, struct trk_item *item);
void trk_queue_free(struct trk_queue *q, struct trk_item *item);

/* Events queued so far. */
static inline u32 trk_queue_produced(const struct trk_queue *q)
{
	return READ_ONCE(q->produced);
}

#endif /* NET_TRICKLES_QUEUE_H */
