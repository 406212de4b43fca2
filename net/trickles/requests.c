// SPDX-License-Identifier: GPL-2.0
/*
 * What comes to a listener: SYNs, which are answered and forgotten, and requests, which
 * become events of its queue (paper §2.3).
 */
#include <linux/skbuff.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/route.h>
#include <net/tcp.h>

#include "core/answer.h"
#include "core/server.h"
#include "core/wire.h"
#include "keys.h"
#include "mib.h"
#include "netns.h"
#include "output.h"
#include "ports.h"
#include "queue.h"
#include "replay.h"
#include "requests.h"

static void peer_of(const struct sock *sk, const struct sk_buff *skb, struct trk_peer *peer)
{
	struct in6_addr addr;

	ipv6_addr_set_v4mapped(ip_hdr(skb)->saddr, &addr);
	memcpy(peer->addr, &addr, sizeof(peer->addr));
	peer->port = ntohs(tcp_hdr(skb)->source);
	peer->service = ntohs(tcp_hdr(skb)->dest);
	memcpy(peer->owner, trk_sk(sk)->listener->owner, sizeof(peer->owner));
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
	path->ttl = max_t(int, inet->uc_ttl, 0);
	path->fragment = false;
}

/* A request while it is decided on. */
struct arrival {
	struct trk_server_env env;
	struct sock *sk;
	struct sk_buff *skb;
};

static void env_init(struct trk_net *tn, struct trk_server_env *env)
{
	env->path_seg_size = NULL;
	env->cipher = trk_keys_find;
	env->record = trk_replay_record;
	env->arg = tn;
	env->current_key = trk_keys_current(tn);
	env->previous_key = trk_keys_previous(tn);
	env->now_ms = ktime_to_ms(ktime_get_real());
	env->horizon_ms = READ_ONCE(tn->sysctl_horizon_ms);
	env->skew_ms = READ_ONCE(tn->sysctl_skew_ms);
	env->max_seg_size = TRK_MAX_SEG_SIZE;
	env->moves = READ_ONCE(tn->sysctl_moves);
}

/**
 * trk_requests_syn - answer a marked SYN, and forget it
 * @tn: namespace
 * @sk: listener
 * @skb: the SYN; stays the caller's
 *
 * Context: softirq, under rcu_read_lock().
 */
void trk_requests_syn(struct trk_net *tn, struct sock *sk, struct sk_buff *skb)
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
	peer_of(sk, skb, &peer);
	env_init(tn, &env);
	tcp_clear_options(&opts);
	tcp_parse_options(path.net, skb, &opts, 0, NULL);
	if (!trk_output_syn(&path, sk, &rt->dst, trk_server_syn_cookie(&env, &peer, isn), isn + 1,
			    TCPHDR_SYN | TCPHDR_ACK, opts.wscale_ok, skb->len))
		TRK_INC(tn, SYNACK_SENT);
	ip_rt_put(rt);
}

/* What a request needs on its way through the core; it is too large for the stack. */
struct workspace {
	u8 hdr[TRK_REQ_HDR_MAX];
	struct trk_req req;
	struct trk_grant grant;
	struct trk_answer answer;
};

static DEFINE_PER_CPU(struct workspace, workspaces);

/*
 * Describes a continuation in the event, and copies its opaque bytes into the entry at @at.  They
 * stay there until the answer is made, which may seal them anew.
 */
static u32 put_cont(struct trk_event *ev, u32 at, struct trk_event_cont *to,
		    struct trk_ucont *from)
{
	to->start = from->start;
	to->end = from->end;
	to->at = at;
	to->len = from->len;
	to->flags = trk_queue_cont_flags(from->flags);
	memcpy((u8 *)ev + at, from->opaque, from->len);
	from->opaque = (u8 *)ev + at;
	return at + from->len;
}

static void put_event(struct trk_event *ev, u32 size, struct trk_item *item,
		      const struct sk_buff *skb, unsigned int input)
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
		ev->flags |= TRK_EVF_TIMEOUT;
	/*
	 * A continuation that comes only to be resealed is not for the application (protocol.rst,
	 * "Keys that change").
	 */
	if (g->has_output) {
		if (g->nask || g->has_input)
			ev->flags |= TRK_EVF_OUTPUT_CONT;
		at = put_cont(ev, at, &ev->output, &g->output);
	}
	if (g->has_input_cont) {
		if (g->nask || g->has_input)
			ev->flags |= TRK_EVF_INPUT_CONT;
		at = put_cont(ev, at, &ev->input, &g->input);
	}
	/* Input that does not fit the entry is cut off: the client sends it again. */
	if (len > size - at)
		len = size - at;
	else if (g->final_input)
		ev->flags |= TRK_EVF_FIN;
	if (g->has_input && len) {
		ev->flags |= TRK_EVF_INPUT;
		skb_copy_bits(skb, input, (u8 *)ev + at, len);
	}
	ev->input_off = g->input_off;
	ev->input_len = len;
	ev->input_at = at;
	memcpy(ev->peer.addr, item->peer.addr, sizeof(ev->peer.addr));
	ipv6_addr_set_v4mapped(item->path.saddr, (struct in6_addr *)ev->local.addr);
	ev->peer.port = item->path.dport;
	ev->local.port = item->path.sport;
	ev->time_ns = ktime_get_real_ns();
}

/* The largest segment size that the path to a client carries. */
static u16 path_seg_size(const struct trk_server_env *env)
{
	const struct arrival *a = container_of(env, struct arrival, env);
	struct trk_path path;
	struct rtable *rt;
	u32 seg_size;

	path_back(a->sk, a->skb, &path);
	rt = trk_output_route(&path, a->sk);
	if (IS_ERR(rt))
		return TRK_MAX_SEG_SIZE;
	seg_size = trk_output_mtu(a->sk, &rt->dst);
	ip_rt_put(rt);
	return clamp_t(u32, seg_size, TRK_MIN_SEG_SIZE + TRK_HDR4,
		       TRK_MAX_SEG_SIZE + TRK_HDR4) - TRK_HDR4;
}

/*
 * Answers a request that is renewed only (protocol.rst, "Continuations that are renewed").  The
 * application has no part in it.
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

	trk_answer_init(a);
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
	trk_output_send(&path, sk, &rt->dst, out, p.seq, g->ack, TCPHDR_ACK | TCPHDR_PSH, U16_MAX,
			0);
	ip_rt_put(rt);
}

/* Counts what the gate refuses.  Return: whether it does not. */
static bool passed(struct trk_net *tn, enum trk_gate_verdict v)
{
	switch (v) {
	case TRK_GATE_PASS:
		return true;
	case TRK_GATE_FULL:
		TRK_INC(tn, EVENTS_DROPPED);
		break;
	case TRK_GATE_SHARE:
		TRK_INC(tn, DROP_SHARE);
		break;
	case TRK_GATE_SPENT:
		TRK_INC(tn, DROP_SPENT);
		break;
	}
	return false;
}

/*
 * Has a request that was dropped, or that is only renewed, a right seal or cookie for the address
 * that it came from?  If its connection moves, the seal is right for another one.
 */
static bool is_authentic(int reason, const struct trk_grant *g)
{
	switch (reason) {
	case TRK_DROP_COOKIE:
	case TRK_DROP_KEY:
	case TRK_DROP_OWNER:
	case TRK_DROP_MAC:
	case TRK_DROP_MOVED:
		return false;
	default:
		return !g->moved;
	}
}

/* Makes an event of a request for the application to answer. */
static void queue_event(struct trk_net *tn, struct sock *sk, struct sk_buff *skb,
			const struct trk_peer *peer, struct workspace *w, unsigned int input)
{
	struct trk_queue *q = trk_ports_queue(sk, NULL);
	struct trk_event *ev;
	struct trk_item *item;

	if (!passed(tn, trk_queue_reserve(q, peer->addr, &item, &ev)))
		return;
	item->grant = w->grant;
	item->peer = *peer;
	path_back(sk, skb, &item->path);
	item->path.fragment = w->grant.cont.seg_size <= TRK_LEAST_SEG_SIZE_MAX ||
			      w->req.attempt >= TRK_CUT_ATTEMPT;
	put_event(ev, q->event_size, item, skb, input);
	trk_queue_publish(q, item);
	TRK_INC(tn, EVENTS);
	sk->sk_data_ready(sk);
}

/**
 * trk_requests_rcv - decide on a request, and answer it or queue an event
 * @tn: namespace
 * @sk: listener
 * @skb: the segment that it came in, or a train of them; stays the caller's
 * @off: the request begins at this byte of @skb
 * @len: its length
 *
 * Context: bottom halves off, under rcu_read_lock().
 */
void trk_requests_rcv(struct trk_net *tn, struct sock *sk, struct sk_buff *skb,
		      unsigned int off, unsigned int len)
{
	struct workspace *w = this_cpu_ptr(&workspaces);
	const struct tcphdr *th = tcp_hdr(skb);
	u32 seq = ntohl(th->seq) + off - th->doff * 4;
	unsigned int avail = min_t(unsigned int, len, TRK_REQ_HDR_MAX);
	struct trk_queue *q = trk_ports_queue(sk, NULL);
	struct arrival a = { .sk = sk, .skb = skb };
	struct trk_peer peer;
	const u8 *p;
	int reason;

	TRK_INC(tn, REQ_RCVD);
	peer_of(sk, skb, &peer);
	if (!passed(tn, trk_queue_admit(q, peer.addr)))
		return;
	p = skb_header_pointer(skb, off, avail, w->hdr);
	reason = p ? trk_wire_req_parse(&w->req, p, avail, len) : TRK_DROP_TRUNCATED;
	if (reason)
		goto drop;
	if (w->req.kind == TRK_KIND_CLOSE && !(q->flags & TRK_QUEUE_CLOSE))
		return;
	env_init(tn, &a.env);
	a.env.path_seg_size = path_seg_size;
	reason = trk_server_step(&a.env, &peer, &w->req, seq, ntohl(th->ack_seq), len, &w->grant);
	/* A request that issues no number was not recorded, so it must not be executed. */
	if (!reason && !w->grant.renew_only &&
	    (w->grant.count || w->grant.kind == TRK_KIND_CLOSE)) {
		queue_event(tn, sk, skb, &peer, w, off + w->req.hdr_len);
		return;
	}
	if (is_authentic(reason, &w->grant))
		trk_queue_spend(q, peer.addr);
	if (reason)
		goto drop;
	if (w->grant.count && w->grant.renew_only)
		renew(tn, sk, skb, &peer, w);
	return;

drop:
	TRK_DROP(tn, reason);
}
