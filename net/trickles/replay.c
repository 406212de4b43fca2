// SPDX-License-Identifier: GPL-2.0
/*
 * The replay filter of a namespace: which requests were answered, in fixed
 * memory.  It bounds what a client gets by sending a continuation twice.
 * core/once.c says how; here are the memory, the locks, and what is hashed.
 */
#include <linux/jiffies.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/siphash.h>
#include <linux/spinlock.h>
#include <linux/timekeeping.h>
#include <net/ipv6.h>

#include "core/server.h"
#include "mib.h"
#include "netns.h"
#include "replay.h"

#define LOCKS	64

/**
 * struct trk_replay - the filter
 * @key: of the hashes, so that nobody can choose where to collide
 * @mask: sets less one
 * @lock: of the sets whose number has these low bits
 * @set: the sets
 */
struct trk_replay {
	siphash_key_t key;
	u32 mask;
	spinlock_t lock[LOCKS];	/* set[] */
	struct trk_once_set set[];
};

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
	u32 i, connections = roundup_pow_of_two(READ_ONCE(tn->sysctl_replay_connections));
	u32 sets = max_t(u32, connections / TRK_ONCE_WAYS, 1);
	struct trk_replay *r;

	/* Only whether there is one. */
	if (READ_ONCE(tn->replay))
		return 0;
	r = kvzalloc(struct_size(r, set, sets), GFP_KERNEL_ACCOUNT);
	if (!r)
		return -ENOMEM;
	get_random_bytes(&r->key, sizeof(r->key));
	r->mask = sets - 1;
	for (i = 0; i < LOCKS; i++)
		spin_lock_init(&r->lock[i]);
	/* Another listener may have been faster.  Pairs with trk_replay_record(). */
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

/* Clients of one network, which is a /24 or a /56, are of one class. */
static u8 class_of(const struct trk_replay *r, const struct trk_peer *peer)
{
	bool v4 = ipv6_addr_v4mapped((const struct in6_addr *)peer->addr);

	return siphash(peer->addr, v4 ? 15 : 7, &r->key) % TRK_ONCE_CLASSES;
}

/**
 * trk_replay_record - note that a request is answered
 * @arg: namespace, with a filter
 * @peer: the client
 * @m: the request
 *
 * struct trk_server_env's record().
 *
 * Context: bottom halves off.
 * Return: as trk_once_record().
 */
int trk_replay_record(void *arg, const struct trk_peer *peer, struct trk_record *m)
{
	struct trk_net *tn = arg;
	/* Pairs with trk_replay_start(). */
	struct trk_replay *r = smp_load_acquire(&tn->replay);
	const struct trk_once_now now = {
		.order = trk_seal_order_at(ktime_to_ms(ktime_get_real())),
		.ahead = trk_server_ahead(READ_ONCE(tn->sysctl_skew_ms)),
		.tick = (u32)jiffies,
		.life = 2 * msecs_to_jiffies(READ_ONCE(tn->sysctl_horizon_ms)),
	};
	u64 hash = siphash_1u64(m->conn, &r->key);
	u32 i = (u32)hash & r->mask, evicted = 0;
	u8 class = class_of(r, peer);
	int err;

	spin_lock(&r->lock[i % LOCKS]);
	err = trk_once_record(&r->set[i], &now, (u8)(hash >> 56), class, m, &evicted);
	spin_unlock(&r->lock[i % LOCKS]);
	if (evicted)
		TRK_ADD(tn, REPLAY_EVICTED, evicted);
	return err;
}
