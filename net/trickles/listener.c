// SPDX-License-Identifier: GPL-2.0
/*
 * The server's half: a listening socket, the requests that come to it, and the
 * operations that answer them (paper §3).
 *
 * Nothing here outlives the answer to an event.
 */
#include <linux/bvec.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/slab.h>
#include <linux/uio.h>
#include <net/inet_hashtables.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/route.h>
#include <net/tcp.h>

#include "core/answer.h"
#include "queue.h"
#include "sock.h"

static_assert(TRK_CONT_FINAL == TRK_UCONT_FINAL && TRK_CONT_PARALLEL == TRK_UCONT_PARALLEL,
	      "flags of user continuations");
static_assert(TRK_CONT_MAX == TRK_UCONT_MAX && TRK_MAX_RANGES == TRK_MAX_ASK, "bounds");

/**
 * struct trk_listener - the server's half of a socket
 * @node: in the namespace's table
 * @sk: the socket
 * @slots: size of the queue, set before listen()
 * @queue: NULL before listen()
 * @seen: events that the application has walked
 * @hashed: it is in the table
 *
 * It lives as long as the socket's file, and so do the queue and all that
 * point to it: operations, mappings, and, by a grace period, softirqs.
 */
struct trk_listener {
	struct hlist_node node;
	struct sock *sk;
	struct trk_queue *queue;
	u32 slots;
	u32 seen;
	bool hashed;
};

static struct trk_listener *listener_get(struct sock *sk)
{
	struct trk_listener *l = trk_sk(sk)->listener;

	if (l)
		return l;
	l = kzalloc(sizeof(*l), GFP_KERNEL_ACCOUNT);
	if (!l)
		return NULL;
	l->sk = sk;
	l->slots = TRK_QUEUE_SLOTS_DEFAULT;
	/* Pairs with queue_of(). */
	smp_store_release(&trk_sk(sk)->listener, l);
	return l;
}

/*
 * For callers without the socket's lock: the queue once there is one.  The
 * loads pair with listener_get() and trk_listener_start().
 */
static struct trk_queue *queue_of(const struct sock *sk, struct trk_listener **listener)
{
	/* A listener is complete before it is seen ... */
	struct trk_listener *l = smp_load_acquire(&trk_sk(sk)->listener);

	if (listener)
		*listener = l;
	/* ... and so is its queue. */
	return l ? smp_load_acquire(&l->queue) : NULL;
}

/* --- ports ---------------------------------------------------------------- */

static struct hlist_head *port_head(struct trk_net *tn, u16 port)
{
	return &tn->listeners[port % TRK_PORT_HASH];
}

static bool overlaps(const struct sock *a, const struct sock *b)
{
	__be32 x = inet_sk(a)->inet_rcv_saddr, y = inet_sk(b)->inet_rcv_saddr;

	return (!x || !y || x == y) &&
	       (!a->sk_bound_dev_if || !b->sk_bound_dev_if ||
		a->sk_bound_dev_if == b->sk_bound_dev_if);
}

static bool may_share(const struct sock *a, const struct sock *b)
{
	return a->sk_reuseport && b->sk_reuseport && uid_eq(a->sk_uid, b->sk_uid);
}

enum tcp_listener {
	TRK_TCP_NONE,
	TRK_TCP_OWN,		/* of the same user */
	TRK_TCP_FOREIGN,	/* from which we would take marked SYNs */
};

/* Who listens with TCP at a port? */
static enum tcp_listener tcp_listener(struct sock *sk, u16 port)
{
	struct net *net = sock_net(sk);
	struct inet_hashinfo *hashinfo = net->ipv4.tcp_death_row.hashinfo;
	struct inet_bind_hashbucket *head;
	struct inet_bind_bucket *tb;
	struct sock *other;
	enum tcp_listener found = TRK_TCP_NONE;

	head = &hashinfo->bhash[inet_bhashfn(net, port, hashinfo->bhash_size)];
	spin_lock_bh(&head->lock);
	inet_bind_bucket_for_each(tb, &head->chain) {
		if (!net_eq(ib_net(tb), net) || tb->port != port)
			continue;
		sk_for_each_bound(other, &tb->owners) {
			if (other->sk_state != TCP_LISTEN || !overlaps(sk, other))
				continue;
			if (!uid_eq(other->sk_uid, sk->sk_uid))
				found = TRK_TCP_FOREIGN;
			else if (found == TRK_TCP_NONE)
				found = TRK_TCP_OWN;
		}
	}
	spin_unlock_bh(&head->lock);
	return found;
}

/* The table's lock is held. */
static bool port_conflict(struct trk_net *tn, struct sock *sk, u16 port)
{
	struct trk_listener *l;

	hlist_for_each_entry(l, port_head(tn, port), node) {
		if (inet_sk(l->sk)->inet_num == port && overlaps(l->sk, sk) &&
		    !may_share(l->sk, sk))
			return true;
	}
	return false;
}

/**
 * trk_listener_may_bind - may a socket have a port?
 * @sk: a socket that has got its address, and whose carrier was or was not bound to it
 * @port: the port
 * @taken: TCP did not give the port, for another socket has it
 *
 * A port may be shared with a TCP listener of the same user (paper §2.6), with
 * other listeners of Trickles if all of them said SO_REUSEPORT.
 *
 * Context: process.
 */
bool trk_listener_may_bind(struct sock *sk, u16 port, bool taken)
{
	struct trk_net *tn = trk_net(sock_net(sk));
	bool conflict;

	if (taken && tcp_listener(sk, port) != TRK_TCP_OWN)
		return false;
	spin_lock_bh(&tn->listeners_lock);
	conflict = port_conflict(tn, sk, port);
	spin_unlock_bh(&tn->listeners_lock);
	return !conflict;
}

static int publish(struct trk_net *tn, struct trk_listener *l, struct trk_queue *q)
{
	struct inet_sock *inet = inet_sk(l->sk);
	int err = 0;

	if (tcp_listener(l->sk, inet->inet_num) == TRK_TCP_FOREIGN)
		return -EADDRINUSE;
	spin_lock_bh(&tn->listeners_lock);
	if (port_conflict(tn, l->sk, inet->inet_num)) {
		err = -EADDRINUSE;
	} else {
		/* Pairs with queue_of(). */
		smp_store_release(&l->queue, q);
		hlist_add_head_rcu(&l->node, port_head(tn, inet->inet_num));
		l->hashed = true;
	}
	spin_unlock_bh(&tn->listeners_lock);
	return err;
}

/**
 * trk_listener_start - listen()
 * @sk: a socket that is bound and not connected
 *
 * Context: lock_sock() held; may sleep.
 * Return: 0 or a negative errno.
 */
int trk_listener_start(struct sock *sk)
{
	struct trk_net *tn = trk_net(sock_net(sk));
	struct trk_listener *l = listener_get(sk);
	struct trk_queue *q;
	int err;

	if (!l)
		return -ENOMEM;
	err = trk_replay_start(tn);
	if (err)
		return err;
	q = trk_queue_create(l->slots);
	if (IS_ERR(q))
		return PTR_ERR(q);
	sock_set_flag(sk, SOCK_RCU_FREE);
	/* Who could not listen may try again, with a queue of another size. */
	err = publish(tn, l, q);
	if (err)
		trk_queue_destroy(q);
	else
		inet_sk_set_state(sk, TCP_LISTEN);
	return err;
}

/**
 * trk_listener_stop - the end of a listener, when its file is released
 * @sk: a socket, of a listener or not
 *
 * Context: lock_sock() held; may sleep.
 */
void trk_listener_stop(struct sock *sk)
{
	struct trk_net *tn = trk_net(sock_net(sk));
	struct trk_listener *l = trk_sk(sk)->listener;

	if (!l)
		return;
	if (l->hashed) {
		spin_lock_bh(&tn->listeners_lock);
		hlist_del_rcu(&l->node);
		spin_unlock_bh(&tn->listeners_lock);
		inet_sk_set_state(sk, TCP_CLOSE);
		/* Softirqs may be at work on it. */
		synchronize_rcu();
	}
	trk_sk(sk)->listener = NULL;
	trk_queue_destroy(l->queue);
	kfree(l);
}

/**
 * trk_listener_find - the listener that a segment is meant for
 * @tn: namespace
 * @skb: the segment, with its headers linear
 *
 * A listener of the very address goes before one of all addresses, one of the
 * very device before one of all devices.  Among those that share a port any
 * will do, for none of them remembers anything: an event goes to one of them.
 *
 * Context: rcu_read_lock(), under which the socket stays valid.
 * Return: NULL if there is none.
 */
struct sock *trk_listener_find(struct trk_net *tn, const struct sk_buff *skb)
{
	__be32 daddr = ip_hdr(skb)->daddr;
	u16 port = ntohs(tcp_hdr(skb)->dest);
	int dif = inet_iif(skb), sdif = inet_sdif(skb);
	struct sock *best = NULL;
	struct trk_listener *l;
	int best_score = -1;
	u32 equals = 0, dice = 0;

	hlist_for_each_entry_rcu(l, port_head(tn, port), node) {
		struct sock *sk = l->sk;
		__be32 addr = inet_sk(sk)->inet_rcv_saddr;
		int score;

		if (inet_sk(sk)->inet_num != port || (addr && addr != daddr) ||
		    !inet_sk_bound_dev_eq(tn->net, READ_ONCE(sk->sk_bound_dev_if), dif, sdif))
			continue;
		score = (addr ? 2 : 0) + (sk->sk_bound_dev_if ? 1 : 0);
		if (score > best_score) {
			best_score = score;
			best = sk;
			equals = 1;
		} else if (score == best_score) {
			/* Each of n equals is taken with probability 1 / n. */
			dice = equals++ == 1 ? get_random_u32() : next_pseudo_random32(dice);
			if (!reciprocal_scale(dice, equals))
				best = sk;
		}
	}
	return best;
}

/**
 * trk_listener_at - does anybody listen at a port?
 * @tn: namespace
 * @port: the port
 *
 * Context: rcu_read_lock().
 */
bool trk_listener_at(struct trk_net *tn, u16 port)
{
	struct trk_listener *l;

	hlist_for_each_entry_rcu(l, port_head(tn, port), node)
		if (inet_sk(l->sk)->inet_num == port)
			return true;
	return false;
}

/* --- segments that come --------------------------------------------------- */

static void peer_of(const struct sk_buff *skb, struct trk_peer *peer)
{
	struct in6_addr addr;

	ipv6_addr_set_v4mapped(ip_hdr(skb)->saddr, &addr);
	memcpy(peer->addr, &addr, sizeof(peer->addr));
	peer->port = ntohs(tcp_hdr(skb)->source);
	peer->service = ntohs(tcp_hdr(skb)->dest);
}

static void path_back(struct sock *sk, struct sk_buff *skb, struct trk_path *path)
{
	const struct inet_sock *inet = inet_sk(sk);

	path->net = sock_net(sk);
	path->saddr = ip_hdr(skb)->daddr;
	path->daddr = ip_hdr(skb)->saddr;
	path->sport = tcp_hdr(skb)->dest;
	path->dport = tcp_hdr(skb)->source;
	path->oif = inet_request_bound_dev_if(sk, skb);
	path->mark = READ_ONCE(sk->sk_mark) ?: IP4_REPLY_MARK(path->net, skb->mark);
	path->tos = READ_ONCE(inet->tos);
	path->ttl = inet->uc_ttl > 0 ? inet->uc_ttl : 0;
}

static void env_init(struct trk_net *tn, struct trk_server_env *env)
{
	env->cipher = trk_keys_find;
	env->mark = trk_replay_mark;
	env->arg = tn;
	env->current_key = trk_keys_current(tn);
	env->previous_key = trk_keys_previous(tn);
	env->now_ms = ktime_to_ms(ktime_get_real());
	env->horizon_ms = READ_ONCE(tn->sysctl_horizon_ms);
	env->skew_ms = READ_ONCE(tn->sysctl_skew_ms);
	env->max_slot = TRK_MAX_SLOT;
	env->moves = READ_ONCE(tn->sysctl_moves);
}

/**
 * trk_listener_syn - answer a marked SYN, and forget it
 * @tn: namespace
 * @sk: listener
 * @skb: the SYN; stays the caller's
 *
 * Context: softirq, under rcu_read_lock().
 */
void trk_listener_syn(struct trk_net *tn, struct sock *sk, struct sk_buff *skb)
{
	const struct tcphdr *th = tcp_hdr(skb);
	struct tcp_options_received opts;
	struct trk_server_env env;
	struct trk_path path;
	struct trk_peer peer;
	struct rtable *rt;
	u32 isn = ntohl(th->seq);

	if (skb_rtable(skb)->rt_flags & (RTCF_BROADCAST | RTCF_MULTICAST))
		return;
	path_back(sk, skb, &path);
	rt = trk_output_route(&path, sk);
	if (IS_ERR(rt)) {
		IP_INC_STATS(path.net, IPSTATS_MIB_OUTNOROUTES);
		return;
	}
	peer_of(skb, &peer);
	env_init(tn, &env);
	tcp_clear_options(&opts);
	tcp_parse_options(path.net, skb, &opts, 0, NULL);
	if (!trk_output_syn(&path, sk, &rt->dst, trk_syn_cookie(&env, &peer, isn), isn + 1,
			    TCPHDR_SYN | TCPHDR_ACK, opts.wscale_ok, skb->len))
		TRK_INC(tn, SYNACK_SENT);
	ip_rt_put(rt);
}

/* What a request needs on its way through the core: too much for the stack. */
struct workspace {
	u8 hdr[TRK_REQ_HDR_MAX];
	struct trk_req req;
	struct trk_grant grant;
	struct trk_answer answer;
};

static DEFINE_PER_CPU(struct workspace, workspaces);

/* Copies a continuation behind the event, where it stays until the answer is made. */
static u32 put_cont(struct trk_event *ev, u32 at, struct trk_event_cont *to,
		    struct trk_ucont *from)
{
	to->start = from->start;
	to->end = from->end;
	to->at = at;
	to->len = from->len;
	to->flags = from->flags;
	memcpy((u8 *)ev + at, from->opaque, from->len);
	from->opaque = (u8 *)ev + at;
	return at + from->len;
}

static void put_event(struct trk_event *ev, struct trk_item *item, const struct sk_buff *skb,
		      unsigned int input)
{
	struct trk_grant *g = &item->grant;
	u32 at = sizeof(*ev), len = g->input_len;
	unsigned int i;

	ev->conn = g->cont.conn;
	ev->type = g->kind == TRK_KIND_CLOSE ? TRK_EV_CLOSE :
		   g->kind == TRK_KIND_FIRST ? TRK_EV_OPEN | TRK_EV_REQUEST : TRK_EV_REQUEST;
	ev->packets = g->count;
	ev->mss = trk_answer_mss(g);
	ev->room = trk_answer_room(g);
	ev->nranges = g->nask;
	for (i = 0; i < g->nask; i++) {
		ev->range[i].off = g->ask[i].off;
		ev->range[i].len = g->ask[i].len;
	}
	if (g->kind == TRK_KIND_TIMEOUT)
		ev->flags |= TRK_EV_TIMEOUT;
	/* What comes for nothing but a new seal is not for the application. */
	if (g->has_output) {
		if (g->nask || g->has_input)
			ev->flags |= TRK_EV_OUTPUT_CONT;
		at = put_cont(ev, at, &ev->output, &g->output);
	}
	if (g->has_input_cont) {
		if (g->nask || g->has_input)
			ev->flags |= TRK_EV_INPUT_CONT;
		at = put_cont(ev, at, &ev->input, &g->input);
	}
	/* Input that finds no room is as good as not consumed: it will come again. */
	if (len > TRK_EVENT_SIZE - at)
		len = TRK_EVENT_SIZE - at;
	else if (g->final_input)
		ev->flags |= TRK_EV_FIN;
	if (g->has_input && len) {
		ev->flags |= TRK_EV_INPUT;
		skb_copy_bits(skb, input, (u8 *)ev + at, len);
	}
	ev->input_off = g->input_off;
	ev->input_len = len;
	ev->input_at = at;
	memcpy(ev->peer_addr, item->peer.addr, sizeof(ev->peer_addr));
	ipv6_addr_set_v4mapped(item->path.saddr, (struct in6_addr *)ev->local_addr);
	ev->peer_port = item->path.dport;
	ev->local_port = item->path.sport;
	ev->time_ns = ktime_get_real_ns();
}

/* Bytes of TCP payload that fit the path to a client. */
static u16 path_slot(struct sock *sk, struct sk_buff *skb)
{
	struct trk_path path;
	struct rtable *rt;
	u32 slot;

	path_back(sk, skb, &path);
	rt = trk_output_route(&path, sk);
	if (IS_ERR(rt))
		return TRK_MIN_SLOT;
	slot = dst_mtu(&rt->dst);
	ip_rt_put(rt);
	return clamp_t(u32, slot, TRK_MIN_SLOT + TRK_HDR4, TRK_MAX_SLOT + TRK_HDR4) - TRK_HDR4;
}

/*
 * Answers a request that only renews its continuation: the application has no part in it.
 */
static void renew(struct trk_net *tn, struct sock *sk, struct sk_buff *skb,
		  const struct trk_peer *peer, struct workspace *w)
{
	const struct trk_grant *g = &w->grant;
	struct trk_answer *a = &w->answer;
	struct trk_packet p;
	struct trk_path path;
	struct sk_buff *out;
	struct rtable *rt;

	memset(a, 0, sizeof(*a));
	a->g = g;
	a->peer = peer;
	a->seal = trk_keys_current(tn);
	a->nonce = trk_keys_find(tn, g->cont.domain_key);
	if (!a->nonce || trk_answer_begin(a))
		return;
	out = trk_output_alloc(TRK_RESP_HDR_MAX, GFP_ATOMIC);
	if (!out) {
		TRK_INC(tn, DROP_NOMEM);
		return;
	}
	path_back(sk, skb, &path);
	rt = trk_output_route(&path, sk);
	if (IS_ERR(rt)) {
		IP_INC_STATS(path.net, IPSTATS_MIB_OUTNOROUTES);
		kfree_skb(out);
		return;
	}
	trk_answer_next(a, out->data, &p);
	skb_put(out, p.hdr_len);
	TRK_INC(tn, RENEWALS);
	if (g->moved)
		TRK_INC(tn, MOVES);
	TRK_INC(tn, RESP_SENT);
	/* Not charged: under RCU alone the listener may be about to go. */
	trk_output_send(&path, NULL, &rt->dst, out, p.seq, g->ack, TCPHDR_ACK | TCPHDR_PSH, U16_MAX,
			0);
	ip_rt_put(rt);
}

/**
 * trk_listener_request - decide on a request, queue it
 * @tn: namespace
 * @sk: listener
 * @skb: the segment that it came in, or a train of them; stays the caller's
 * @off: the request begins at this byte of @skb
 * @len: its length
 *
 * Context: bottom halves off, under rcu_read_lock().
 */
void trk_listener_request(struct trk_net *tn, struct sock *sk, struct sk_buff *skb,
			  unsigned int off, unsigned int len)
{
	struct workspace *w = this_cpu_ptr(&workspaces);
	const struct tcphdr *th = tcp_hdr(skb);
	u32 seq = ntohl(th->seq) + off - th->doff * 4;
	struct trk_listener *l;
	struct trk_queue *q = queue_of(sk, &l);
	unsigned int avail = min_t(unsigned int, len, TRK_REQ_HDR_MAX);
	struct trk_server_env env;
	struct trk_event *ev;
	struct trk_item *item;
	struct trk_peer peer;
	const u8 *p;
	int reason;

	TRK_INC(tn, REQ_RCVD);
	p = skb_header_pointer(skb, off, avail, w->hdr);
	reason = p ? trk_req_parse(&w->req, p, avail, len) : TRK_DROP_TRUNCATED;
	if (reason)
		goto drop;
	peer_of(skb, &peer);
	env_init(tn, &env);
	if (w->req.kind == TRK_KIND_FIRST)
		env.max_slot = path_slot(sk, skb);
	reason = trk_server_step(&env, &peer, &w->req, seq, ntohl(th->ack_seq), len, &w->grant);
	if (reason)
		goto drop;
	/* What issues nothing is not marked either, and must not be executed. */
	if (!w->grant.count && w->grant.kind != TRK_KIND_CLOSE)
		return;
	if (w->grant.late) {
		renew(tn, sk, skb, &peer, w);
		return;
	}

	ev = trk_queue_reserve(q, &item);
	if (!ev) {
		TRK_INC(tn, EVENTS_DROPPED);
		return;
	}
	item->grant = w->grant;
	item->peer = peer;
	path_back(sk, skb, &item->path);
	put_event(ev, item, skb, off + w->req.hdr_len);
	trk_queue_publish(q, item);
	TRK_INC(tn, EVENTS);
	sk->sk_data_ready(sk);
	return;

drop:
	TRK_DROP(tn, reason);
}

/* --- answers -------------------------------------------------------------- */

/* What a finished packet or train waits for its departure with. */
struct out_cb {
	u32 seq;
	u32 bytes;
	u16 packets;
};

#define OUT_CB(skb)	((struct out_cb *)(skb)->cb)

/* Data parts of a train: one for each packet, and one for each page that it is spread over. */
#define MAX_SPANS	(GSO_LEGACY_MAX_SIZE / TRK_MIN_SLOT + MAX_SKB_FRAGS)

/**
 * struct sender - an answer in the making
 * @sk: listener
 * @dst: route of the answer
 * @answer: the core's half
 * @hdr: header of the packet at hand
 * @opaque: what the application wants sealed, output first
 * @iov: where the data are
 * @file: the files of @iov, NULL for memory
 * @iov_at: the answer's data begin piece i at iov_at[i]; one more for the end
 * @ready: packets and trains that are done
 * @train: the one at hand, NULL for none
 * @max_bytes: of payload that a train may have
 * @max_packets: likewise
 * @nspans: number of @span
 * @span: parts of @train that are yet to be filled with data
 * @span_at: where in the answer's data each of them begins
 */
struct sender {
	struct sock *sk;
	struct dst_entry *dst;
	struct trk_answer answer;
	u8 hdr[TRK_RESP_HDR_MAX];
	u8 opaque[2][TRK_CONT_MAX];
	struct trk_iov iov[TRK_MAX_IOV];
	struct file *file[TRK_MAX_IOV];
	u64 iov_at[TRK_MAX_IOV + 1];
	struct sk_buff_head ready;
	struct sk_buff *train;
	unsigned int max_bytes, max_packets;
	unsigned int nspans;
	struct bio_vec span[MAX_SPANS];
	u64 span_at[MAX_SPANS];
};

static int read_file(struct file *file, u64 pos, struct iov_iter *to)
{
	loff_t off = pos;

	while (iov_iter_count(to)) {
		ssize_t n = vfs_iter_read(file, to, &off, 0);

		if (!n)
			return -EIO;
		if (n < 0)
			return n == -ERESTARTSYS ? -EINTR : n;
	}
	return 0;
}

/* Bytes from byte @done of span @i on that follow each other in the data, at most @max. */
static u64 run_length(const struct sender *s, unsigned int i, unsigned int done, u64 max)
{
	u64 len = s->span[i].bv_len - done;

	while (len < max && ++i < s->nspans &&
	       s->span_at[i] == s->span_at[i - 1] + s->span[i - 1].bv_len)
		len += s->span[i].bv_len;
	return min(len, max);
}

/* Fetches the data of the train at hand: a file's with one call where they lie together. */
static int fill_train(struct sender *s)
{
	unsigned int i = 0, done = 0, piece = 0;

	while (i < s->nspans) {
		u64 at = s->span_at[i] + done, in, len;
		const struct trk_iov *v;
		struct iov_iter iter;

		while (at >= s->iov_at[piece + 1])
			piece++;
		v = &s->iov[piece];
		in = at - s->iov_at[piece];
		if (s->file[piece]) {
			int err;

			len = run_length(s, i, done, v->len - in);
			iov_iter_bvec(&iter, READ, &s->span[i], s->nspans - i, done + len);
			iov_iter_advance(&iter, done);
			err = read_file(s->file[piece], v->addr + in, &iter);
			if (err)
				return err;
		} else {
			len = min_t(u64, s->span[i].bv_len - done, v->len - in);
			if (copy_from_user(bvec_virt(&s->span[i]) + done,
					   u64_to_user_ptr(v->addr + in), len))
				return -EFAULT;
		}
		while (len) {
			u64 step = min_t(u64, len, s->span[i].bv_len - done);

			len -= step;
			done += step;
			if (done == s->span[i].bv_len) {
				done = 0;
				i++;
			}
		}
	}
	return 0;
}

static int close_train(struct sender *s)
{
	int err;

	if (!s->train)
		return 0;
	err = fill_train(s);
	if (err)
		return err;
	__skb_queue_tail(&s->ready, s->train);
	s->train = NULL;
	s->nspans = 0;
	return 0;
}

/*
 * Appends bytes to the train: those at @bytes, or @len bytes of the answer's
 * data from @at on, which are fetched later.
 */
static int append(struct sender *s, const u8 *bytes, u64 at, unsigned int len)
{
	struct page_frag *pfrag = &current->task_frag;
	struct sk_buff *skb = s->train;

	while (len) {
		int i = skb_shinfo(skb)->nr_frags;
		unsigned int n;

		if (!bytes && s->nspans == MAX_SPANS)
			return -EMSGSIZE;
		if (!skb_page_frag_refill(32, pfrag, s->sk->sk_allocation))
			return -ENOMEM;
		n = min_t(unsigned int, len, pfrag->size - pfrag->offset);
		if (skb_can_coalesce(skb, i, pfrag->page, pfrag->offset)) {
			skb_frag_size_add(&skb_shinfo(skb)->frags[i - 1], n);
		} else {
			get_page(pfrag->page);
			skb_fill_page_desc(skb, i, pfrag->page, pfrag->offset, n);
		}
		skb->len += n;
		skb->data_len += n;
		skb->truesize += n;
		if (bytes) {
			memcpy(page_address(pfrag->page) + pfrag->offset, bytes, n);
			bytes += n;
		} else {
			s->span[s->nspans].bv_page = pfrag->page;
			s->span[s->nspans].bv_offset = pfrag->offset;
			s->span[s->nspans].bv_len = n;
			s->span_at[s->nspans++] = at;
			at += n;
		}
		pfrag->offset += n;
		len -= n;
	}
	return 0;
}

/*
 * A train is cut at slot size, so only its last packet may be shorter, and the
 * sequence numbers run through.
 */
static bool fits_train(const struct sender *s, const struct trk_packet *p)
{
	unsigned int slot = s->answer.g->cont.slot, len = p->hdr_len + p->data_len;
	const struct sk_buff *skb = s->train;

	return skb && skb->len == OUT_CB(skb)->packets * slot &&
	       p->seq == OUT_CB(skb)->seq + skb->len &&
	       skb->len + len <= s->max_bytes && OUT_CB(skb)->packets < s->max_packets &&
	       s->nspans + 2 + len / PAGE_SIZE <= MAX_SPANS &&
	       skb_shinfo(skb)->nr_frags + 2 + len / PAGE_SIZE <= MAX_SKB_FRAGS;
}

static int add_packet(struct sender *s, const struct trk_packet *p)
{
	int err;

	if (!fits_train(s, p)) {
		err = close_train(s);
		if (err)
			return err;
		s->train = trk_output_alloc(0, s->sk->sk_allocation);
		if (!s->train)
			return -ENOMEM;
		OUT_CB(s->train)->seq = p->seq;
		OUT_CB(s->train)->bytes = 0;
		OUT_CB(s->train)->packets = 0;
	}
	OUT_CB(s->train)->packets++;
	OUT_CB(s->train)->bytes += p->data_len;
	err = append(s, s->hdr, 0, p->hdr_len);
	return err ?: append(s, NULL, p->data_at, p->data_len);
}

/* All packets are made before the first is sent: an error leaves no half of an answer. */
static s64 build(struct sender *s)
{
	struct trk_packet p;
	s64 taken = 0;
	int err;

	err = trk_answer_begin(&s->answer);
	if (err)
		return err;
	while (trk_answer_next(&s->answer, s->hdr, &p)) {
		err = add_packet(s, &p);
		if (err)
			return err;
		if (p.data_len)
			taken = p.data_at + p.data_len;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	err = close_train(s);
	return err ?: taken;
}

static void send_all(struct sender *s, struct trk_net *tn, const struct trk_path *path)
{
	const struct trk_grant *g = s->answer.g;
	struct sk_buff *skb;

	while ((skb = __skb_dequeue(&s->ready))) {
		u8 flags = TCPHDR_ACK | (skb_queue_empty(&s->ready) ? TCPHDR_PSH : 0);

		TRK_ADD(tn, RESP_SENT, OUT_CB(skb)->packets);
		TRK_ADD(tn, BYTES_SENT, OUT_CB(skb)->bytes);
		trk_output_send(path, s->sk, s->dst, skb, OUT_CB(skb)->seq, g->ack, flags,
				U16_MAX, g->cont.slot);
		cond_resched();
	}
}

static int take_cont(struct trk_ucont *to, bool *has, u8 *opaque, const struct trk_op_cont *from,
		     u32 may)
{
	if (!(from->flags & TRK_CONT_SET))
		return from->flags ? -EINVAL : 0;
	if (from->flags & ~(TRK_CONT_SET | may) || from->len > TRK_CONT_MAX ||
	    from->start > from->end)
		return -EINVAL;
	if (copy_from_user(opaque, u64_to_user_ptr(from->opaque), from->len))
		return -EFAULT;
	to->start = from->start;
	to->end = from->end;
	to->flags = from->flags & may;
	to->len = from->len;
	to->opaque = opaque;
	*has = true;
	return 0;
}

static int take_iov(struct sender *s, const struct trk_op *op)
{
	unsigned int i;

	if (op->niov > TRK_MAX_IOV)
		return -EINVAL;
	if (copy_from_user(s->iov, u64_to_user_ptr(op->iov), op->niov * sizeof(*s->iov)))
		return -EFAULT;
	for (i = 0; i < op->niov; i++) {
		const struct trk_iov *v = &s->iov[i];

		/* Offsets of files and sums are signed 64-bit numbers everywhere below us. */
		if (v->reserved || v->fd < -1 || v->len > S64_MAX - s->iov_at[i] ||
		    v->len > S64_MAX - min_t(u64, v->addr, S64_MAX))
			return -EINVAL;
		s->iov_at[i + 1] = s->iov_at[i] + v->len;
		if (v->fd < 0)
			continue;
		s->file[i] = fget(v->fd);
		if (!s->file[i])
			return -EBADF;
		if (!(s->file[i]->f_mode & FMODE_READ) ||
		    !S_ISREG(file_inode(s->file[i])->i_mode))
			return -EBADF;
	}
	return 0;
}

static int take_op(struct sender *s, const struct trk_op *op)
{
	struct trk_answer *a = &s->answer;
	int err;

	if (op->reserved || op->flags & ~(TRK_SEND_FIN | TRK_SEND_ABORT) ||
	    (op->flags & TRK_SEND_ABORT && op->niov) || op->consumed_from > op->consumed_to)
		return -EINVAL;
	err = take_iov(s, op);
	if (err)
		return err;
	if (op->off > U64_MAX - s->iov_at[op->niov])
		return -EINVAL;
	err = take_cont(&a->output, &a->has_output, s->opaque[0], &op->output, TRK_CONT_FINAL);
	if (err)
		return err;
	err = take_cont(&a->input, &a->has_input, s->opaque[1], &op->input, TRK_CONT_PARALLEL);
	if (err)
		return err;
	a->fin = op->flags & TRK_SEND_FIN;
	a->abort = op->flags & TRK_SEND_ABORT;
	a->has_consumed = op->consumed_from < op->consumed_to;
	a->consumed_from = op->consumed_from;
	a->consumed_to = op->consumed_to;
	a->off = op->off;
	a->len = s->iov_at[op->niov];
	return 0;
}

/* The ciphers of an answer, to be released; -ESTALE if its epoch is forgotten. */
static int take_ciphers(struct trk_net *tn, struct trk_answer *a)
{
	const struct trk_cipher *seal, *nonce;

	rcu_read_lock();
	seal = trk_keys_current(tn);
	nonce = trk_keys_find(tn, a->g->cont.domain_key);
	if (!trk_keys_hold(seal))
		seal = NULL;
	/* Nor is to be sealed anew what a key sealed that is forgotten. */
	if (!trk_keys_find(tn, a->g->cont.key_id) || !trk_keys_hold(nonce))
		nonce = NULL;
	rcu_read_unlock();
	a->seal = seal;
	a->nonce = nonce;
	return seal && nonce ? 0 : -ESTALE;
}

static void set_route(struct sender *s, struct dst_entry *dst)
{
	unsigned int size = READ_ONCE(dst->dev->gso_max_size);
	unsigned int hdr = MAX_TCP_HEADER + 1;

	s->dst = dst;
	s->max_packets = READ_ONCE(dst->dev->gso_max_segs);
	/* A train of one packet is possible with any device. */
	s->max_bytes = min_t(unsigned int, max(size, hdr), GSO_LEGACY_MAX_SIZE) - hdr;
}

static s64 do_send(struct sender *s, struct trk_net *tn, const struct trk_item *item,
		   const struct trk_op *op)
{
	struct trk_answer *a = &s->answer;
	struct rtable *rt;
	unsigned int i;
	s64 result;

	memset(a, 0, sizeof(*a));
	a->g = &item->grant;
	a->peer = &item->peer;
	memset(s->file, 0, sizeof(s->file));
	__skb_queue_head_init(&s->ready);
	s->train = NULL;
	s->nspans = 0;

	result = take_op(s, op);
	if (result)
		goto files;
	result = take_ciphers(tn, a);
	if (result)
		goto ciphers;
	rt = trk_output_route(&item->path, s->sk);
	if (IS_ERR(rt)) {
		result = PTR_ERR(rt);
		goto ciphers;
	}
	set_route(s, &rt->dst);
	result = build(s);
	if (result >= 0)
		send_all(s, tn, &item->path);
	__skb_queue_purge(&s->ready);
	kfree_skb(s->train);
	ip_rt_put(rt);
ciphers:
	if (a->seal)
		trk_keys_release(a->seal);
	if (a->nonce)
		trk_keys_release(a->nonce);
files:
	for (i = 0; i < TRK_MAX_IOV; i++) {
		if (s->file[i])
			fput(s->file[i]);
	}
	return result;
}

/* @s is NULL if there is no memory for it: then events can be dropped still. */
static s64 do_op(struct sender *s, struct trk_net *tn, struct trk_queue *q, const struct trk_op *op)
{
	struct trk_item *item;
	s64 result = 0;

	if (op->op != TRK_OP_SEND && op->op != TRK_OP_DROP)
		return -EINVAL;
	item = trk_queue_claim(q, op->handle);
	if (!item) {
		TRK_INC(tn, OPS_STALE);
		return -ESTALE;
	}
	if (op->op == TRK_OP_SEND) {
		result = s ? do_send(s, tn, item, op) : -ENOMEM;
		/* An epoch that is forgotten never comes back: then the event is lost. */
		if (result < 0 && result != -ESTALE) {
			trk_queue_unclaim(q, item);
			return result;
		}
		if (result >= 0)
			TRK_INC(tn, ANSWERS);
	}
	trk_queue_free(q, item);
	return result;
}

static int do_ops(struct sock *sk, struct trk_queue *q, const struct trk_ops *ops)
{
	struct trk_op __user *user = u64_to_user_ptr(ops->ops);
	struct trk_net *tn = trk_net(sock_net(sk));
	struct sender *s;
	struct trk_op op;
	int err = 0;
	u32 i;

	if (ops->n > TRK_MAX_OPS)
		return -EINVAL;
	s = kmalloc(sizeof(*s), GFP_KERNEL_ACCOUNT);
	if (s) {
		s->sk = sk;
		s->iov_at[0] = 0;
	}
	for (i = 0; i < ops->n && !err; i++) {
		if (fatal_signal_pending(current))
			err = -EINTR;
		else if (copy_from_user(&op, &user[i], sizeof(op)))
			err = -EFAULT;
		else if (put_user(do_op(s, tn, q, &op), &user[i].result))
			err = -EFAULT;
	}
	kfree(s);
	return err ?: (int)i;
}

/* --- system calls --------------------------------------------------------- */

/* More events than slots cannot be waiting. */
static int set_seen(struct trk_listener *l, const struct trk_queue *q, u32 seen)
{
	u32 more = trk_queue_produced(q) - seen;

	if (more > q->slots)
		return -EINVAL;
	WRITE_ONCE(l->seen, seen);
	return more;
}

/**
 * trk_listener_ioctl - operations on events
 * @sk: a socket, of a listener or not
 * @cmd: TRK_IOC_OPS, TRK_IOC_SEEN
 * @arg: user address
 *
 * Context: process; no lock is held.
 * Return: as the UAPI header says, or a negative errno.
 */
int trk_listener_ioctl(struct sock *sk, unsigned int cmd, unsigned long arg)
{
	struct trk_listener *l;
	struct trk_queue *q = queue_of(sk, &l);
	struct trk_ops ops;
	u32 seen;
	int more;

	if (cmd != TRK_IOC_OPS && cmd != TRK_IOC_SEEN)
		return -ENOIOCTLCMD;
	if (!q)
		return -EINVAL;
	if (cmd == TRK_IOC_SEEN) {
		if (get_user(seen, (u32 __user *)arg))
			return -EFAULT;
		return set_seen(l, q, seen);
	}
	if (copy_from_user(&ops, (void __user *)arg, sizeof(ops)))
		return -EFAULT;
	more = set_seen(l, q, ops.seen);
	return more < 0 ? more : do_ops(sk, q, &ops);
}

/**
 * trk_listener_poll - are there events that the application has not walked?
 * @sk: a listener
 *
 * Context: process; the caller has called sock_poll_wait().
 */
__poll_t trk_listener_poll(struct sock *sk)
{
	struct trk_listener *l;
	struct trk_queue *q = queue_of(sk, &l);

	return q && trk_queue_produced(q) != READ_ONCE(l->seen) ? EPOLLIN | EPOLLRDNORM : 0;
}

/**
 * trk_listener_mmap - map the event queue
 * @sk: a socket, of a listener or not
 * @vma: where
 *
 * Context: mmap_lock held; takes no other lock.
 * Return: 0 or a negative errno.
 */
int trk_listener_mmap(struct sock *sk, struct vm_area_struct *vma)
{
	struct trk_queue *q = queue_of(sk, NULL);

	return q ? trk_queue_mmap(q, vma) : -EINVAL;
}

/**
 * trk_listener_setsockopt - TRK_QUEUE: the size of the queue
 * @sk: a socket that is not connected
 * @optval: struct trk_queue_info
 * @optlen: its length
 *
 * Context: lock_sock() held.
 * Return: 0 or a negative errno; -EBUSY after listen().
 */
int trk_listener_setsockopt(struct sock *sk, sockptr_t optval, unsigned int optlen)
{
	struct trk_queue_info info;
	struct trk_listener *l;

	if (optlen != sizeof(info))
		return -EINVAL;
	if (copy_from_sockptr(&info, optval, sizeof(info)))
		return -EFAULT;
	if (info.slots < TRK_QUEUE_SLOTS_MIN || info.slots > TRK_QUEUE_SLOTS_MAX ||
	    !is_power_of_2(info.slots))
		return -EINVAL;
	l = listener_get(sk);
	if (!l)
		return -ENOMEM;
	if (l->queue)
		return -EBUSY;
	l->slots = info.slots;
	return 0;
}

/**
 * trk_listener_getsockopt - TRK_QUEUE
 * @sk: a socket, of a listener or not
 * @optval: struct trk_queue_info
 * @optlen: its length, changed to what was written
 *
 * Context: lock_sock() held.
 * Return: 0 or a negative errno.
 */
int trk_listener_getsockopt(struct sock *sk, char __user *optval, int __user *optlen)
{
	struct trk_listener *l;
	struct trk_queue *q = queue_of(sk, &l);
	struct trk_queue_info info = {
		.slots = l ? l->slots : TRK_QUEUE_SLOTS_DEFAULT,
		.event_size = TRK_EVENT_SIZE,
		.map_len = q ? q->map_len : 0,
	};
	int len;

	if (get_user(len, optlen))
		return -EFAULT;
	if (len < 0)
		return -EINVAL;
	len = min_t(int, len, sizeof(info));
	if (put_user(len, optlen) || copy_to_user(optval, &info, len))
		return -EFAULT;
	return 0;
}
