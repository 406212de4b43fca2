// SPDX-License-Identifier: GPL-2.0
/* The event queue of a listener. */
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "queue.h"

static_assert(sizeof(struct trk_queue_head) == 64, "head of the mapped queue");
static_assert(sizeof(struct trk_event) + 2 * TRK_CONT_MAX < TRK_EVENT_SIZE_DEFAULT,
	      "room for input");

/**
 * trk_queue_create - an empty queue
 * @info: entries, size of each and flags, all within bounds
 *
 * Its memory is charged to the memory cgroup of the caller, and to RLIMIT_MEMLOCK
 * of its user.
 *
 * Context: may sleep.
 * Return: the queue, or -ENOMEM, or -ENOBUFS beyond RLIMIT_MEMLOCK.
 */
struct trk_queue *trk_queue_create(const struct trk_queue_info *info)
{
	u32 entries = info->entries;
	u32 events_off = PAGE_ALIGN(struct_size_t(struct trk_queue_head, order, entries));
	struct trk_queue *q;
	int err;
	u32 i;

	q = kzalloc(sizeof(*q), GFP_KERNEL_ACCOUNT);
	if (!q)
		return ERR_PTR(-ENOMEM);
	spin_lock_init(&q->lock);
	q->entries = entries;
	q->event_size = info->event_size;
	q->flags = info->flags;
	q->map_len = PAGE_ALIGN(events_off + (unsigned long)entries * q->event_size);
	err = mm_account_pinned_pages(&q->pinned, q->map_len +
				      entries * (sizeof(*q->free) + sizeof(*q->items)) +
				      sizeof(*q->gate.table));
	if (err) {
		kfree(q);
		return ERR_PTR(err);
	}
	q->free = kvmalloc_array(entries, sizeof(*q->free), GFP_KERNEL_ACCOUNT);
	q->items = kvcalloc(entries, sizeof(*q->items), GFP_KERNEL_ACCOUNT);
	q->head = __vmalloc(q->map_len, GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (trk_gate_init(&q->gate) || !q->free || !q->items || !q->head) {
		trk_queue_destroy(q);
		return ERR_PTR(-ENOMEM);
	}
	for (i = 0; i < entries; i++)
		q->free[i] = entries - 1 - i;
	q->nfree = entries;
	memset32(q->head->order, U32_MAX, entries);
	q->head->version = TRK_QUEUE_VERSION;
	q->head->entries = entries;
	q->head->event_size = q->event_size;
	q->head->events_off = events_off;
	q->head->event_len = sizeof(struct trk_event);
	return q;
}

/**
 * trk_queue_destroy - free a queue that nobody maps or looks at any more
 * @q: the queue, or NULL
 */
void trk_queue_destroy(struct trk_queue *q)
{
	if (!q)
		return;
	vfree(q->head);
	kvfree(q->items);
	kvfree(q->free);
	trk_gate_free(&q->gate);
	mm_unaccount_pinned_pages(&q->pinned);
	kfree(q);
}

/**
 * trk_queue_mmap - map a queue read-only
 * @q: the queue
 * @vma: where
 *
 * Context: mmap_lock held.
 * Return: 0 or a negative errno.
 */
int trk_queue_mmap(struct trk_queue *q, struct vm_area_struct *vma)
{
	unsigned long at;

	if (vma->vm_pgoff || vma->vm_end - vma->vm_start > q->map_len)
		return -EINVAL;
	if (vma->vm_flags & (VM_WRITE | VM_EXEC))
		return -EPERM;
	vma->vm_flags &= ~(VM_MAYWRITE | VM_MAYEXEC);
	vma->vm_flags |= VM_DONTEXPAND | VM_DONTDUMP;
	for (at = vma->vm_start; at < vma->vm_end; at += PAGE_SIZE) {
		void *page = (void *)q->head + (at - vma->vm_start);
		int err = vm_insert_page(vma, at, vmalloc_to_page(page));

		if (err)
			return err;
	}
	return 0;
}

static struct trk_event *event_of(const struct trk_queue *q, const struct trk_item *item)
{
	return (void *)q->head + PAGE_ALIGN(struct_size(q->head, order, q->entries)) +
	       (unsigned long)(item - q->items) * q->event_size;
}

/* An event finds no entry.  The application reads how many there were. */
static void count_full(struct trk_queue *q)
{
	WRITE_ONCE(q->head->dropped, q->head->dropped + 1);
}

/**
 * trk_queue_admit - is it worth while to look at a request?
 * @q: the queue that its event would go into
 * @addr: where the request says it comes from: IPv6, or IPv4 mapped into it
 *
 * A request that is not admitted has not been recorded as answered, so it may come again.
 *
 * Context: any.
 * Return: TRK_GATE_PASS, or why the request is to be dropped.
 */
enum trk_gate_verdict trk_queue_admit(struct trk_queue *q, const u8 addr[16])
{
	enum trk_gate_verdict v;

	if (!trk_gate_closed(&q->gate))
		return TRK_GATE_PASS;
	v = trk_gate_look(&q->gate, addr, READ_ONCE(q->nfree), q->entries);
	if (v == TRK_GATE_FULL) {
		spin_lock_bh(&q->lock);
		count_full(q);
		spin_unlock_bh(&q->lock);
	}
	return v;
}

/**
 * trk_queue_spend - an authentic request was good for nothing
 * @q: the queue that its event would have gone into
 * @addr: who has proved to have sent it, as for trk_queue_admit()
 *
 * Context: any.
 */
void trk_queue_spend(struct trk_queue *q, const u8 addr[16])
{
	if (!trk_gate_closed(&q->gate))
		return;
	spin_lock_bh(&q->lock);
	trk_gate_spend(&q->gate, addr);
	spin_unlock_bh(&q->lock);
}

/**
 * trk_queue_reserve - an entry for a new event
 * @q: the queue
 * @addr: who has proved to ask for it, as for trk_queue_admit()
 * @item: set to the kernel's half of the entry
 * @ev: set to the event
 *
 * All members of the event but the handle are 0.  The application sees it only after
 * trk_queue_publish().
 *
 * Context: any, but mostly softirq.
 * Return: TRK_GATE_PASS, or why there is no entry, and then nothing is set.
 */
enum trk_gate_verdict trk_queue_reserve(struct trk_queue *q, const u8 addr[16],
					struct trk_item **item, struct trk_event **ev)
{
	u32 source = trk_gate_source(&q->gate, addr), entry;
	enum trk_gate_verdict v;

	spin_lock_bh(&q->lock);
	v = trk_gate_entry(&q->gate, source, q->nfree, q->entries);
	if (v != TRK_GATE_PASS) {
		if (v == TRK_GATE_FULL)
			count_full(q);
		spin_unlock_bh(&q->lock);
		return v;
	}
	trk_gate_enter(&q->gate, source);
	WRITE_ONCE(q->nfree, q->nfree - 1);
	entry = q->free[q->nfree];
	*item = &q->items[entry];
	(*item)->state = TRK_ITEM_BUSY;
	(*item)->source = source;
	/* Generations begin at 1, so that no handle is 0. */
	if (!++(*item)->generation)
		(*item)->generation = 1;
	spin_unlock_bh(&q->lock);

	*ev = event_of(q, *item);
	memset(*ev, 0, sizeof(**ev));
	(*ev)->handle = (u64)(*item)->generation << 32 | entry;
	return TRK_GATE_PASS;
}

/**
 * trk_queue_publish - let the application see an event
 * @q: the queue
 * @item: from trk_queue_reserve(), filled
 *
 * order[] has as many elements as the queue has entries.  The application walks it in order, and
 * an event that it has not walked, and so not answered, keeps its entry.  So there are never more
 * of these than elements, and what is overwritten here was walked.
 */
void trk_queue_publish(struct trk_queue *q, struct trk_item *item)
{
	spin_lock_bh(&q->lock);
	item->state = TRK_ITEM_QUEUED;
	WRITE_ONCE(q->head->order[q->produced & (q->entries - 1)], item - q->items);
	WRITE_ONCE(q->produced, q->produced + 1);
	/* Pairs with the load of @produced by the application, with acquire semantics. */
	smp_store_release(&q->head->produced, q->produced);
	spin_unlock_bh(&q->lock);
}

/**
 * trk_queue_take - take an event for an operation
 * @q: the queue
 * @handle: what the application calls it; not trusted
 *
 * Return: the kernel's half of its entry; NULL if there is no such event, or another operation
 * has taken it.
 */
struct trk_item *trk_queue_take(struct trk_queue *q, u64 handle)
{
	u32 entry = (u32)handle;
	struct trk_item *item;

	if (entry >= q->entries)
		return NULL;
	item = &q->items[array_index_nospec(entry, q->entries)];
	spin_lock_bh(&q->lock);
	if (item->state == TRK_ITEM_QUEUED && item->generation == handle >> 32)
		item->state = TRK_ITEM_BUSY;
	else
		item = NULL;
	spin_unlock_bh(&q->lock);
	return item;
}

/**
 * trk_queue_put_back - put an event back after its operation has failed
 * @q: the queue
 * @item: from trk_queue_take()
 */
void trk_queue_put_back(struct trk_queue *q, struct trk_item *item)
{
	spin_lock_bh(&q->lock);
	item->state = TRK_ITEM_QUEUED;
	spin_unlock_bh(&q->lock);
}

/**
 * trk_queue_free - free the entry of an event that was answered or dropped
 * @q: the queue
 * @item: from trk_queue_take()
 */
void trk_queue_free(struct trk_queue *q, struct trk_item *item)
{
	spin_lock_bh(&q->lock);
	item->state = TRK_ITEM_FREE;
	trk_gate_leave(&q->gate, item->source);
	q->free[q->nfree] = item - q->items;
	WRITE_ONCE(q->nfree, q->nfree + 1);
	spin_unlock_bh(&q->lock);
}
