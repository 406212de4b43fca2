// SPDX-License-Identifier: GPL-2.0
/*
 * The replay filter of a namespace: which requests were answered, in memory of a fixed size, so
 * that each is answered once (protocol.rst, "Answered once").  core/once.c has the rules; here
 * are the memory, the locks, and what is hashed.
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
 * @key: secret key of the hashes, so that nobody can choose connections that meet in a set
 * @mask: number of sets, a power of two, less one
 * @lock: lock[i] protects the sets whose index is i modulo LOCKS
 * @set: the sets
 */
struct trk_replay {
	siphash_key_t key;
	u32 mask;
	spinlock_t lock[LOCKS];	/* set[] */
	struct trk_once_set set[];
};

/**
 * trk_replay_start - allocate the filter if there is none yet
 * @tn: namespace
 *
 * It stays until the namespace ends, for it must outlive the server process: requests that were
 * sent to the old process can be sent again to the new one.
 *
 * Context: may sleep.
 * Return: 0 or -ENOMEM.
 */
int trk_replay_start(struct trk_net *tn)
{
	u32 i, connections = roundup_pow_of_two(READ_ONCE(tn->sysctl_replay_connections));
	u32 sets = max_t(u32, connections / TRK_ONCE_WAYS, 1);
	struct trk_replay *r;

	/* No barrier is needed: only whether there is a filter matters here. */
	if (READ_ONCE(tn->replay))
		return 0;
	r = kvzalloc(struct_size(r, set, sets), GFP_KERNEL_ACCOUNT);
	if (!r)
		return -ENOMEM;
	get_random_bytes(&r->key, sizeof(r->key));
	r->mask = sets - 1;
	for (i = 0; i < LOCKS; i++)
		spin_lock_init(&r->lock[i]);
	/* Another listen() may have been faster.  Pairs with trk_replay_record(). */
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

/* Clients of one network, a /24 of IPv4 or a /56 of IPv6, are of one class. */
static u8 class_of(const struct trk_replay *r, const struct trk_peer *peer)
{
	bool v4 = ipv6_addr_v4mapped((const struct in6_addr *)peer->addr);

	return siphash(peer->addr, v4 ? 15 : 7, &r->key) % TRK_ONCE_CLASSES;
}

/**
 * trk_replay_record - record that a request is answered
 * @arg: namespace, with a filter
 * @peer: the client
 * @m: the request
 *
 * This is the record() of struct trk_server_env.
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
