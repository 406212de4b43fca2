/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a network namespace has.  All files know the struct, but each member belongs to one of
 * them, whose functions the others call.
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
 * @net: the namespace
 * @mibs: per-cpu counters (mib.c)
 * @keys: the keys that are held (keys.c); readers hold rcu_read_lock()
 * @keys_lock: serialises changes of @keys
 * @listeners: listening sockets by port (ports.c); readers hold rcu_read_lock()
 * @listeners_lock: serialises changes of @listeners
 * @replay: the replay filter (replay.c); NULL before the first listen(), then there until
 *	the namespace ends
 * @hook_lock: serialises the registration of the input hook (hook.c)
 * @hooked: the input hook is registered: by the first listen() or connect(), and until the
 *	namespace ends, for when a server was killed its clients must not get RST
 * @taken: number of carriers whose connection Trickles carries (carrier.c); while it is 0 the
 *	hook need not look up the sockets of plain segments, except for RST
 * @orphans: connections that go on without a socket, for their input (stream.c)
 * @sysctl: net.trickles.* of the namespace (sysctl.c; Documentation/sysctl.rst)
 * @sysctl_horizon_ms: the horizon, in milliseconds
 * @sysctl_skew_ms: milliseconds by which the clocks of replicas may differ
 * @sysctl_replay_connections: number of connections in the replay filter
 * @sysctl_marked_syns: number of SYNs that carry our option before plain ones are sent
 * @sysctl_redundant_requests: clients repeat each request in the next one
 * @sysctl_moves: a connection may go on from another address of its client
 * @sysctl_retired_keys: number of retired keys that are held, at most
 * @sysctl_max_orphans: number of connections without a socket, at most
 * @sysctl_output_max: bytes of answers that a listener may have on their way, at most
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
	atomic_t orphans;
	struct ctl_table_header *sysctl;
	unsigned int sysctl_horizon_ms;
	unsigned int sysctl_skew_ms;
	unsigned int sysctl_replay_connections;
	unsigned int sysctl_marked_syns;
	unsigned int sysctl_redundant_requests;
	unsigned int sysctl_moves;
	unsigned int sysctl_retired_keys;
	unsigned int sysctl_max_orphans;
	unsigned int sysctl_output_max;
};

extern unsigned int trk_netns_id;

/* Any context. */
static inline struct trk_net *trk_net(const struct net *net)
{
	return net_generic(net, trk_netns_id);
}

#endif /* NET_TRICKLES_NETNS_H */
