/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a network namespace has.  The struct is known to all files; each member belongs to
 * one of them, whose functions the others call.
 */
#ifndef NET_TRICKLES_NETNS_H
#define NET_TRICKLES_NETNS_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>

struct trk_keys;
struct trk_mibs;
struct trk_replay;

#define TRK_PORT_HASH	64

/**
 * struct trk_net - what a network namespace has
 * @net: itself
 * @mibs: per-cpu counters (mib.c)
 * @keys: keys in use (keys.c); readers hold rcu_read_lock()
 * @keys_lock: serialises changes of @keys
 * @listeners: listening sockets by port (ports.c); readers hold rcu_read_lock()
 * @listeners_lock: serialises changes of @listeners
 * @replay: the replay filter (replay.c); NULL before the first listener, then there until
 *	the namespace ends
 * @hook_lock: serialises the registration of the input hook (hook.c)
 * @hooked: it is registered, by the first socket, and until the namespace ends: a killed
 *	server's clients must not see RST
 * @taken: carriers whose connection is carried by Trickles (carrier.c); while it is 0 the
 *	hook need not look for the owners of plain segments
 * @sysctl: net.trickles.* of the namespace (sysctl.c)
 * @sysctl_horizon_ms: milliseconds that a continuation is taken after it was made
 * @sysctl_skew_ms: milliseconds by which clocks of replicas may differ
 * @sysctl_replay_connections: connections in the replay filter
 * @sysctl_marked_syns: SYNs that carry our option before plain ones
 * @sysctl_redundant_requests: clients repeat each request in the next
 * @sysctl_moves: clients may go on from another address
 * @sysctl_retired_keys: epochs held before the previous one
 */
struct trk_net {
	struct net *net;
	struct trk_mibs __percpu *mibs;
	struct trk_keys __rcu *keys;
	struct mutex keys_lock;		/* changes of keys */
	struct hlist_head listeners[TRK_PORT_HASH];
	spinlock_t listeners_lock;	/* changes of listeners */
	struct trk_replay *replay;
	struct mutex hook_lock;		/* registration of the hook */
	bool hooked;
	atomic_t taken;
	struct ctl_table_header *sysctl;
	unsigned int sysctl_horizon_ms;
	unsigned int sysctl_skew_ms;
	unsigned int sysctl_replay_connections;
	unsigned int sysctl_marked_syns;
	unsigned int sysctl_redundant_requests;
	unsigned int sysctl_moves;
	unsigned int sysctl_retired_keys;
};

extern unsigned int trk_netns_id;

/* Any context. */
static inline struct trk_net *trk_net(const struct net *net)
{
	return net_generic(net, trk_netns_id);
}

#endif /* NET_TRICKLES_NETNS_H */
