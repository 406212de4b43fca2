/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of the module know of each other.  From the ground up:
 *
 *   core/		the protocol, without a kernel call
 *   keys, mib, sysctl	keys of the namespace, counters, settings
 *   replay		which requests were answered
 *   output		a segment on its way out
 *   icmp		an ICMP error about a segment of ours
 *   hook		a segment on its way in
 *   queue, listener	the server: event queue, operations on events
 *   carrier, client	the client: carrier socket, stream socket
 *   af, module		socket(), namespaces, init and exit
 *
 * Lock order, outermost first:
 *
 *   lock_sock() of a Trickles socket
 *     hook_lock, keys_lock	mutexes of the namespace, not nested in each other
 *     socket lock of the carrier
 *       listeners_lock		spin, bh off
 *       lock of an event queue	spin, bh off; taken by the input hook too
 *       lock of the replay filter	spin; taken by the input hook only; not nested in it
 *
 * mmap() of a queue takes no socket lock: the caller holds mmap_lock, which
 * copies from user space take inside a socket lock.
 */
#ifndef NET_TRICKLES_H
#define NET_TRICKLES_H

#include <linux/in.h>
#include <linux/netfilter.h>
#include <linux/skbuff.h>
#include <net/inet_sock.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>
#include <net/sock.h>
#include <net/tcp.h>
#include <uapi/linux/trickles.h>

#include "core/client.h"
#include "core/once.h"
#include "core/reason.h"
#include "core/seal.h"
#include "core/server.h"
#include "core/wire.h"

/* Bytes that IPv4 and our marked TCP header take of the MTU. */
#define TRK_TCP_HDR	(sizeof(struct tcphdr) + TRK_OPT_LEN)
#define TRK_HDR4	(sizeof(struct iphdr) + TRK_TCP_HDR)

/* Counters of events that are no drops; drops are counted by enum trk_reason. */
#define TRK_MIBS(X)							\
	X(SYN_RCVD,		"SynRcvd")	/* marked SYNs for a listener */ \
	X(SYNACK_SENT,		"SynAckSent")				\
	X(REQ_RCVD,		"RequestsRcvd")	/* requests for a listener, good or bad */ \
	X(RINGS_FAILED,		"RingsFailed")	/* no memory for a larger window */ \
	X(REPLAY_EVICTED,	"ReplayEvicted")	/* connections forgotten too early */ \
	X(EVENTS,		"Events")	/* put in a queue */	\
	X(EVENTS_DROPPED,	"EventsDropped")	/* queue full */ \
	X(ANSWERS,		"Answers")	/* events answered */	\
	X(RENEWALS,		"Renewals")	/* continuations renewed, and nothing else */ \
	X(MOVES,		"Moves")	/* of these, for another address */ \
	X(RESP_SENT,		"ResponsesSent")	/* packets */	\
	X(BYTES_SENT,		"BytesSent")	/* data in responses */	\
	X(OPS_STALE,		"OpsStale")	/* operation on an event that is gone */ \
	X(CONNECTS,		"Connects")	/* connections by us, carried by Trickles */ \
	X(FALLBACKS,		"Fallbacks")	/* connections by us that became TCP */ \
	X(CONNECT_FAILS,	"ConnectFails")				\
	X(REQ_SENT,		"RequestsSent")				\
	X(RESP_RCVD,		"ResponsesRcvd")	/* accepted */	\
	X(BYTES_RCVD,		"BytesRcvd")	/* data in them */	\
	X(TIMEOUTS,		"Timeouts")	/* timeout requests */	\
	X(REPEATED,		"RequestsRepeated")	/* with the next, redundantly */ \
	X(PROBES,		"Probes")	/* timer expired, parked requests used */ \
	X(LOST,			"Lost")		/* numbers declared lost */ \
	X(RETRANS,		"RetransBytes")	/* bytes asked for again */ \
	X(RESEALED,		"Resealed")	/* user continuations, under another key */ \
	X(DROP_CHECKSUM,	"DropChecksum")				\
	X(DROP_NO_LISTENER,	"DropNoListener")	/* request for a port without one */ \
	X(DROP_NO_CLIENT,	"DropNoClient")	/* response to a closed connection */ \
	X(DROP_PLAIN,		"DropPlain")	/* unmarked segment on a Trickles connection */ \
	X(DROP_RST,		"DropReset")	/* marked segment with RST */ \
	X(DROP_REFUSED,		"DropRefused")	/* first RST to a plain SYN: marked_syns */ \
	X(DROP_ICMP,		"DropIcmp")	/* soft error about a connection by us */ \
	X(DROP_POLICY,		"DropPolicy")	/* IPsec policy, socket filter, conntrack */ \
	X(DROP_RCVBUF,		"DropRcvbuf")	/* receive buffer full */ \
	X(DROP_NOMEM,		"DropNoMemory")

enum trk_mib {
#define TRK_MIB_ENUM(id, name) TRK_MIB_##id,
	TRK_MIBS(TRK_MIB_ENUM)
#undef TRK_MIB_ENUM
	TRK_MIB_REASONS,	/* + enum trk_reason */
	TRK_MIB_MAX = TRK_MIB_REASONS + TRK_REASON_COUNT
};

struct trk_mibs {
	u64 v[TRK_MIB_MAX];
};

struct trk_keys;
struct trk_replay;
struct trk_listener;

#define TRK_PORT_HASH	64

/**
 * struct trk_net - what a network namespace has
 * @mibs: per-cpu counters
 * @keys: keys in use (RCU)
 * @keys_lock: serialises changes of @keys
 * @listeners: listening sockets by port (RCU for readers)
 * @listeners_lock: serialises changes of @listeners
 * @replay: the replay filter; NULL before the first listener, then there until the end
 * @hook_lock, @hooked: the input hook, registered by the first socket and until
 *	the namespace ends (a killed server's clients must not see RST)
 * @taken: carriers whose connection is carried by Trickles; while it is 0 the
 *	hook need not look for the owners of plain segments
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
	unsigned int sysctl_marked_syns;	/* SYNs that carry our option before plain ones */
	unsigned int sysctl_redundant_requests;	/* clients repeat each request in the next */
	unsigned int sysctl_moves;		/* clients may go on from another address */
	unsigned int sysctl_retired_keys;	/* epochs held before the previous one */
};

extern unsigned int trk_net_id;

static inline struct trk_net *trk_net(const struct net *net)
{
	return net_generic(net, trk_net_id);
}

/* mib.c */
#define TRK_INC(tn, id)		this_cpu_inc((tn)->mibs->v[TRK_MIB_##id])
#define TRK_ADD(tn, id, n)	this_cpu_add((tn)->mibs->v[TRK_MIB_##id], (n))
#define TRK_DROP(tn, reason)	this_cpu_inc((tn)->mibs->v[TRK_MIB_REASONS + (reason)])

int trk_mib_net_init(struct trk_net *tn);
void trk_mib_net_exit(struct trk_net *tn);

/* replay.c */
int trk_replay_start(struct trk_net *tn);
void trk_replay_net_exit(struct trk_net *tn);
int trk_replay_mark(void *arg, const struct trk_peer *peer, struct trk_mark *m);

/* sysctl.c */
int trk_sysctl_net_init(struct trk_net *tn);
void trk_sysctl_net_exit(struct trk_net *tn);

/*
 * keys.c: current and find may be called in softirq.  What they return is good
 * under rcu_read_lock(); hold makes it good until release, which may sleep.
 */
#define TRK_SECRET_LEN	32
#define TRK_KEYS_MAX	(2 + TRK_RETIRED_KEYS)

int trk_keys_init(void);
void trk_keys_exit(void);
int trk_keys_net_init(struct trk_net *tn);
void trk_keys_net_exit(struct trk_net *tn);
int trk_keys_set(struct trk_net *tn, const u8 secret[TRK_SECRET_LEN], bool only);
void trk_keys_trim(struct trk_net *tn);
const struct trk_cipher *trk_keys_current(struct trk_net *tn);
const struct trk_cipher *trk_keys_previous(struct trk_net *tn);
const struct trk_cipher *trk_keys_find(void *tn, u8 key_id);
bool trk_keys_hold(const struct trk_cipher *cipher);
void trk_keys_release(const struct trk_cipher *cipher);
int trk_keys_ids(struct trk_net *tn, u8 ids[TRK_KEYS_MAX]);

/**
 * struct trk_path - where a segment goes
 * @net: namespace
 * @saddr, @daddr, @sport, @dport: addresses
 * @oif: bound device, 0 for none
 * @mark, @tos, @ttl: of the socket; @ttl 0 for the route's
 */
struct trk_path {
	struct net *net;
	__be32 saddr, daddr;
	__be16 sport, dport;
	int oif;
	u32 mark;
	u8 tos;
	u8 ttl;
};

/* output.c */
struct rtable *trk_output_route(const struct trk_path *path, const struct sock *sk);
struct sk_buff *trk_output_alloc(unsigned int linear, gfp_t gfp);
int trk_output_send(const struct trk_path *path, struct sock *sk, struct dst_entry *dst,
		    struct sk_buff *skb, u32 seq, u32 ack, u8 flags, u16 window, u16 gso_slot);
int trk_output_syn(const struct trk_path *path, struct sock *sk, struct dst_entry *dst,
		   u32 seq, u32 ack, u8 flags, bool wscale, unsigned int room);

/* icmp.c */
unsigned int trk_icmp_in(struct trk_net *tn, struct sk_buff *skb);

/* hook.c */
int trk_hook_get(struct trk_net *tn);
void trk_hook_net_pre_exit(struct trk_net *tn);
bool trk_marked(const struct tcphdr *th);

/*
 * listener.c: the server's half.  The listener hangs at trk_sk(sk)->listener
 * (sock.h); it is made by the first TRK_QUEUE option or by listen().
 */
bool trk_listener_may_bind(struct sock *sk, u16 port, bool taken);
int trk_listener_start(struct sock *sk);			/* lock_sock() held */
void trk_listener_stop(struct sock *sk);		/* at release, likewise; may sleep */
int trk_listener_setsockopt(struct sock *sk, sockptr_t optval, unsigned int optlen);
int trk_listener_getsockopt(struct sock *sk, char __user *optval, int __user *optlen);
int trk_listener_mmap(struct sock *sk, struct vm_area_struct *vma);
int trk_listener_ioctl(struct sock *sk, unsigned int cmd, unsigned long arg);	/* may sleep */
__poll_t trk_listener_poll(struct sock *sk);
struct sock *trk_listener_find(struct trk_net *tn, const struct sk_buff *skb);	/* under RCU */
bool trk_listener_at(struct trk_net *tn, u16 port);				/* under RCU */
void trk_listener_syn(struct trk_net *tn, struct sock *sk, struct sk_buff *skb);
void trk_listener_request(struct trk_net *tn, struct sock *sk, struct sk_buff *skb,
			  unsigned int off, unsigned int len);

/*
 * carrier.c, client.c: the client's half.  A segment comes with its TCP header,
 * options included, linear at skb->data, the IP header before it, the checksum
 * verified, IPsec policy and socket filter of @sk passed; it may be a GRO train.
 */
struct sock *trk_carrier_owner(struct sock *carrier);		/* rcu_read_lock() */
bool trk_carrier_is(const struct sock *sk);			/* full sockets only */
bool trk_carrier_taken(const struct sock *carrier);
bool trk_carrier_refused(struct sock *carrier, const struct tcphdr *th);
bool trk_client_segment(struct sock *sk, struct sk_buff *skb);	/* softirq; takes the skb if true */

/* af.c: the protocol for socket() */
int trk_af_init(void);
void trk_af_exit(void);

extern const struct proto_ops trk_stream_ops;
extern struct proto trk_prot;

#endif /* NET_TRICKLES_H */
