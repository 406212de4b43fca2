// SPDX-License-Identifier: GPL-2.0
/*
 * A request on its way out of a client: its path and route, its headers from the core, its
 * input from the send queue.
 */
#include <net/ip.h>
#include <net/tcp.h>

#include "carrier.h"
#include "core/client.h"
#include "core/request.h"
#include "mib.h"
#include "netns.h"
#include "output.h"
#include "sndq.h"
#include "sock.h"
#include "stream_out.h"
#include "stream_state.h"

#define WINDOW		65535	/* of the TCP header; the server does not look at it */

/**
 * trk_stream_out_path - where the requests of a client go
 * @sk: Trickles socket, locked
 *
 * Return: the path.
 */
struct trk_path trk_stream_out_path(const struct sock *sk)
{
	const struct inet_sock *inet = inet_sk(sk);

	return (struct trk_path) {
		.net	= sock_net(sk),
		.saddr	= inet->inet_saddr,
		.daddr	= inet->inet_daddr,
		.sport	= inet->inet_sport,
		.dport	= inet->inet_dport,
		.oif	= sk->sk_bound_dev_if,
		.mark	= READ_ONCE(sk->sk_mark),
		.tos	= inet->tos,
		.ttl	= inet->uc_ttl < 0 ? 0 : inet->uc_ttl,
		.fragment = trk_client_seg_size(&trk_sk(sk)->stream->cl) <= TRK_LEAST_SEG_SIZE_MAX,
	};
}

/**
 * trk_stream_out_route - the route of the requests of a client
 * @sk: Trickles socket, locked
 * @path: from trk_stream_out_path()
 *
 * Context: does not sleep.
 * Return: the route, to which the socket holds a reference, or NULL if there is none.
 */
struct dst_entry *trk_stream_out_route(struct sock *sk, const struct trk_path *path)
{
	struct dst_entry *dst = __sk_dst_check(sk, 0);
	struct rtable *rt;

	if (dst)
		return dst;
	rt = trk_output_route(path, sk);
	if (IS_ERR(rt))
		return NULL;
	__sk_dst_set(sk, &rt->dst);
	return &rt->dst;
}

/*
 * Sends the SYN before a TIMEOUT request, which opens the way through a NAT again, perhaps from
 * another address of this host (protocol.rst, "Another address").
 */
static void knock(struct sock *sk, u32 seq)
{
	struct trk_path path;
	struct dst_entry *dst;

	trk_carrier_follow(sk);
	path = trk_stream_out_path(sk);
	dst = trk_stream_out_route(sk, &path);
	if (dst)
		trk_output_syn(&path, sk, dst, seq, 0, TCPHDR_SYN, true, U16_MAX);
	else
		IP_INC_STATS(path.net, IPSTATS_MIB_OUTNOROUTES);
}

/* An ICMP error comes within a round trip of what it is about, as a rule. */
#define QUOTE_MIN_US	100000

/*
 * Notes which sequence numbers were sent lately, and how large the largest packet was: only
 * these an ICMP error may quote (RFC 5927 §4.1).
 */
static void note_sent(struct sock *sk, u32 from, u32 len)
{
	struct trk_sock *ts = trk_sk(sk);
	struct trk_stream *st = ts->stream;
	u64 window = max_t(u64, st->cl.srtt_us, QUOTE_MIN_US);
	u64 now = st->cl.timer.sent_us;

	if (now - st->sent_us > window) {
		WRITE_ONCE(ts->sent_from, st->sent_us ? st->sent_mid : from);
		WRITE_ONCE(ts->sent_most, st->sent_mid_most);
		st->sent_mid = from;
		st->sent_mid_most = 0;
		st->sent_us = now;
	}
	st->sent_mid_most = max(st->sent_mid_most, len);
	if (len > ts->sent_most)
		WRITE_ONCE(ts->sent_most, len);
	WRITE_ONCE(ts->sent_to, from + len);
	window = min_t(u64, 2 * window, U32_MAX);
	WRITE_ONCE(ts->sent_end, tcp_jiffies32 + usecs_to_jiffies((u32)window));
}

/**
 * trk_stream_out_send - send a request
 * @sk: Trickles socket, locked, with a stream of Trickles
 * @out: from the core
 *
 * A request that cannot be sent is as good as lost on the way: the timer repairs that.  If it is
 * the route that has become too narrow, the core is told, which has another request at once.
 *
 * Context: does not sleep.
 */
void trk_stream_out_send(struct sock *sk, const struct trk_sending *out)
{
	struct trk_stream *st = trk_sk(sk)->stream;
	struct trk_path path = trk_stream_out_path(sk);
	u32 len = out->hdr_len + out->in_len, seq = st->isn + out->seq;
	struct dst_entry *dst;
	struct sk_buff *skb;

	if (out->syn) {
		knock(sk, st->isn + out->seq - 1);
		return;
	}
	dst = trk_stream_out_route(sk, &path);
	/* What no packet can do without goes in fragments, where it has to. */
	path.fragment |= len > trk_attempt_size(trk_client_seg_size(&st->cl), st->cl.req.attempt) ||
			 st->cl.req.attempt >= TRK_CUT_ATTEMPT;
	skb = trk_output_alloc(len, GFP_ATOMIC);
	if (!skb) {
		TRK_INC(trk_net(sock_net(sk)), DROP_NOMEM);
		return;
	}
	skb_put_data(skb, out->hdr, out->hdr_len);
	/* The server has a say in which input is sent: nothing but the queue's may go out. */
	if (!trk_sndq_copy(sk, out->in_off, skb_put(skb, out->in_len), out->in_len)) {
		kfree_skb(skb);
		return;
	}
	note_sent(sk, seq, len);
	if (trk_output_send(&path, sk, dst, skb, seq, st->server_isn + out->ackrel,
			    TCPHDR_ACK | TCPHDR_PSH, WINDOW, 0) == -EMSGSIZE && dst)
		trk_client_narrow(&st->cl, trk_output_mtu(sk, dst) - TRK_HDR4, trk_stream_now_us());
}

/**
 * trk_stream_out_goodbye - tell the server that the client is gone
 * @sk: Trickles socket, locked, with a stream of Trickles
 *
 * It is sent once, and may get lost: the server has nothing that it would have to free.
 *
 * Context: does not sleep.
 */
void trk_stream_out_goodbye(struct sock *sk)
{
	struct trk_stream *st = trk_sk(sk)->stream;

	if (st->cl.state != TRK_CL_OPEN)
		return;
	trk_request_close(&st->cl, &st->out);
	trk_stream_out_send(sk, &st->out);
}
