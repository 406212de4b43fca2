// SPDX-License-Identifier: GPL-2.0
/*
 * The replay filter of a namespace: which requests were answered, in fixed
 * memory.  It bounds what a client gets by sending a continuation twice.
 *
 * It is a cache of words, each for 32 requests of a domain, four to a bucket.
 * A word goes when it is older than two horizons, since no continuation that
 * can carry its requests is taken then; if none in a bucket is that old, the
 * oldest goes, and is counted: then the filter is too small for the traffic.
 */
#include <linux/jiffies.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/siphash.h>
#include <linux/spinlock.h>

#include "trickles.h"

#define WAYS	4
#define LOCKS	64

struct replay_word {
	u64 tag;		/* keyed hash of connection, domain and word; 0: free */
	u32 marked;
	u32 touched;		/* jiffies */
};

struct replay_bucket {
	struct replay_word way[WAYS];
} __aligned(64);

/**
 * struct trk_replay - the filter
 * @key: of the hash, so that nobody can choose where to collide
 * @mask: buckets less one
 * @lock: of the buckets whose number has these low bits
 * @bucket: the words
 */
struct trk_replay {
	siphash_key_t key;
	u32 mask;
	spinlock_t lock[LOCKS];	/* bucket[] */
	struct replay_bucket bucket[];
};

static_assert(sizeof(struct replay_bucket) == 64, "a bucket is a cache line");

/**
 * trk_replay_start - have a filter from now on
 * @tn: namespace
 *
 * It stays until the namespace ends, for it must outlive the server process.
 *
 * Context: may sleep.
 * Return: 0 or -ENOMEM.
 */
int trk_replay_start(struct trk_net *tn)
{
	u32 i, buckets = roundup_pow_of_two(READ_ONCE(tn->sysctl_replay_words)) / WAYS;
	struct trk_replay *r;

	/* Only whether there is one. */
	if (READ_ONCE(tn->replay))
		return 0;
	r = kvzalloc(struct_size(r, bucket, buckets), GFP_KERNEL_ACCOUNT);
	if (!r)
		return -ENOMEM;
	get_random_bytes(&r->key, sizeof(r->key));
	r->mask = buckets - 1;
	for (i = 0; i < LOCKS; i++)
		spin_lock_init(&r->lock[i]);
	/* Another listener may have been faster.  Pairs with trk_replay_claim(). */
	if (cmpxchg_release(&tn->replay, NULL, r))
		kvfree(r);
	return 0;
}

/**
 * trk_replay_net_exit - free the filter
 * @tn: namespace, without sockets and without the hook
 */
void trk_replay_net_exit(struct trk_net *tn)
{
	kvfree(tn->replay);
}

/* What stands for a connection instead of a word of its numbers: the order of its domain. */
#define NEWEST	(TRK_CLAIM_ATTEMPTS - 1)

/* The word with this tag, or the place for it. */
static struct replay_word *find(struct trk_net *tn, struct replay_bucket *b, u64 tag, u32 now)
{
	unsigned int life = 2 * msecs_to_jiffies(READ_ONCE(tn->sysctl_horizon_ms));
	struct replay_word *w, *oldest = b->way;

	for (w = b->way; w < b->way + WAYS; w++) {
		if (w->tag == tag)
			return w;
		if (!w->tag)
			oldest = w;
		else if (oldest->tag && now - w->touched > now - oldest->touched)
			oldest = w;
	}
	if (oldest->tag && now - oldest->touched <= life)
		TRK_INC(tn, REPLAY_EVICTED);
	oldest->tag = tag;
	oldest->marked = 0;
	return oldest;
}

/**
 * trk_replay_claim - mark requests as answered
 * @arg: namespace, with a filter
 * @conn: connection
 * @domain: domain of the numbers
 * @word: which 32 requests
 * @mask: which of them
 *
 * struct trk_server_env's claim().
 *
 * Context: bottom halves off.
 * Return: those of @mask that were not marked before.
 */
u32 trk_replay_claim(void *arg, u64 conn, u64 domain, u64 word, u32 mask)
{
	struct trk_net *tn = arg;
	/* Pairs with trk_replay_start(). */
	struct trk_replay *r = smp_load_acquire(&tn->replay);
	u64 tag = siphash_3u64(conn, domain, word, &r->key) ?: 1;
	u32 i = (u32)tag & r->mask, now = (u32)jiffies, fresh;
	spinlock_t *lock = &r->lock[i % LOCKS];
	struct replay_word *w;

	spin_lock(lock);
	w = find(tn, &r->bucket[i], tag, now);
	fresh = mask & ~w->marked;
	w->marked |= mask;
	w->touched = now;
	spin_unlock(lock);
	return fresh;
}

/**
 * trk_replay_newest - note the domain that a connection is in
 * @arg: namespace, with a filter
 * @conn: connection
 * @order: order of the domain
 *
 * struct trk_server_env's newest().
 *
 * Context: bottom halves off.
 * Return: false if the connection is in a later one already.
 */
bool trk_replay_newest(void *arg, u64 conn, u32 order)
{
	struct trk_net *tn = arg;
	/* Pairs with trk_replay_start(). */
	struct trk_replay *r = smp_load_acquire(&tn->replay);
	u64 tag = siphash_3u64(conn, 0, NEWEST, &r->key) ?: 1;
	u32 i = (u32)tag & r->mask, now = (u32)jiffies;
	spinlock_t *lock = &r->lock[i % LOCKS];
	struct replay_word *w;
	bool is;

	spin_lock(lock);
	w = find(tn, &r->bucket[i], tag, now);
	is = !w->marked || (s32)(order - w->marked) >= 0;
	if (is) {
		w->marked = order;
		w->touched = now;
	}
	spin_unlock(lock);
	return is;
}
