// SPDX-License-Identifier: GPL-2.0
/*
 * A segment on its way into a client: the marked SYN-ACK after which Trickles carries a
 * connection, and the packets of answers, one by one out of the trains that GRO made of them.
 */
#include <linux/tcp.h>
#include <net/ip.h>
#include <net/tcp.h>

#include "carrier.h"
#include "core/client.h"
#include "core/reason.h"
#include "core/receive.h"
#include "core/wire.h"
#include "mib.h"
#include "netns.h"
#include "output.h"
#include "rcvq.h"
#include "sock.h"
#include "stream.h"
#include "stream_in.h"
#include "stream_out.h"
#include "stream_state.h"

#define TCP_IP_HDR	(sizeof(struct iphdr) + sizeof(struct tcphdr))

/* So long the first request waits for input, unless somebody reads before. */
#define FIRST_DELAY_US	10000

/* Bounds of the part of the receive buffer that is for data (TRK_SHARE_ONE). */
#define SHARE_MIN	32
#define SHARE_MAX	192

/* An average over packets of how much of their memory is payload; the last counts an eighth. */
static void learn_share(struct trk_stream *st, u32 len, u32 truesize)
{
	u32 share = clamp_t(u32, (u64)len * TRK_SHARE_ONE / truesize, SHARE_MIN, SHARE_MAX);

	st->share = (7 * st->share + share) / 8;
}

static void enlarge_buffers(struct sock *sk)
{
	struct net *net = sock_net(sk);

	if (!(sk->sk_userlocks & SOCK_RCVBUF_LOCK))
		WRITE_ONCE(sk->sk_rcvbuf, READ_ONCE(net->ipv4.sysctl_tcp_rmem[2]));
	if (!(sk->sk_userlocks & SOCK_SNDBUF_LOCK))
		WRITE_ONCE(sk->sk_sndbuf, READ_ONCE(net->ipv4.sysctl_tcp_wmem[2]));
}

/* After a marked SYN-ACK Trickles carries the connection. */
static void take_over(struct sock *sk, struct sk_buff *skb)
{
	struct trk_sock *ts = trk_sk(sk);
	struct trk_net *tn = trk_net(sock_net(sk));
	const struct tcphdr *th = tcp_hdr(skb);
	struct trk_stream *st = ts->stream;
	struct trk_path path = trk_stream_out_path(sk);
	u64 now = trk_stream_now_us();
	struct dst_entry *dst;
	u32 seg_size;

	if (!ts->connecting || !th->ack || th->rst || th->fin ||
	    !trk_carrier_take(sk, ntohl(th->ack_seq))) {
		TRK_INC(tn, DROP_NO_CLIENT);
		return;
	}
	trk_carrier_quiet(sk);
	seg_size = tcp_parse_mss_option(th, tcp_sk(ts->carrier->sk)->rx_opt.user_mss);
	if (!seg_size)
		seg_size = TCP_MSS_DEFAULT;
	dst = trk_stream_out_route(sk, &path);
	if (dst)
		seg_size = min_t(u32, seg_size, trk_output_mtu(sk, dst) - TCP_IP_HDR);
	seg_size = clamp_t(u32, seg_size, TRK_MIN_SEG_SIZE + TRK_OPT_LEN,
			   TRK_MAX_SEG_SIZE + TRK_OPT_LEN) - TRK_OPT_LEN;
	st->isn = ntohl(th->ack_seq);
	st->server_isn = ntohl(th->seq) + 1;
	st->first_us = now + FIRST_DELAY_US;
	/* Karn's algorithm: the answer to a repeated SYN does not measure the round trip. */
	trk_client_connected(&st->cl, seg_size, ts->syns == 1 ? now - st->syn_us : 0);
	enlarge_buffers(sk);
	TRK_INC(tn, CONNECTS);
	WRITE_ONCE(ts->mode, TRK_MODE_TRICKLES);
	trk_sock_set_state(sk, TCP_ESTABLISHED);
	WRITE_ONCE(ts->connecting, false);
	sk->sk_state_change(sk);
	sk_wake_async(sk, SOCK_WAKE_IO, POLL_OUT);
	trk_stream_pump(sk, GFP_ATOMIC);
}

/*
 * A marked SYN-ACK for a knock: from now on the server's sequence numbers count from its ISN
 * (protocol.rst, "Another address").
 */
static void opened(struct sock *sk, const struct tcphdr *th)
{
	struct trk_stream *st = trk_sk(sk)->stream;

	if (!th->ack || th->rst || th->fin ||
	    !trk_receive_opened(&st->cl, ntohl(th->ack_seq) - st->isn)) {
		TRK_INC(trk_net(sock_net(sk)), DROP_NO_CLIENT);
		return;
	}
	st->server_isn = ntohl(th->seq) + 1 - st->cl.req.ackrel;
	trk_stream_pump(sk, GFP_ATOMIC);
}

/* One packet: @len bytes of payload from byte @at of the skb of the train on. */
static void packet(struct sock *sk, struct trk_rcvq_train *from, u32 at, u32 len, u32 seqrel,
		   u64 now)
{
	struct trk_stream *st = trk_sk(sk)->stream;
	struct trk_net *tn = trk_net(sock_net(sk));
	struct trk_client *cl = &st->cl;
	struct sk_buff *skb = from->skb, *hold = NULL;
	struct trk_delivery in;
	struct trk_resp r;
	const u8 *p;
	u32 have, whole;
	int err;

	have = min_t(u32, len, TRK_RESP_FIXED);
	p = skb_header_pointer(skb, at, have, st->hdr);
	/* Most packets have no header behind the fixed one, and nothing more to copy. */
	whole = p ? min3(len, trk_wire_resp_hdr_len(p, len), (u32)sizeof(st->hdr)) : 0;
	if (whole > have) {
		have = whole;
		p = skb_header_pointer(skb, at, have, st->hdr);
	}
	err = p ? trk_wire_resp_parse(&r, p, have, len) : TRK_DROP_TRUNCATED;
	if (!err && r.data_len) {
		/* Without memory for its data the packet is dropped: the core does not see it. */
		hold = trk_rcvq_hold(sk, from, (s32)(r.off - (u32)cl->rcv_nxt) <= 0);
		if (!hold)
			return;
		learn_share(st, len, from->size);
	}
	if (!err)
		err = trk_receive_response(cl, &r, seqrel, now, &in);
	if (err) {
		TRK_DROP(tn, err);
		trk_rcvq_drop(hold);
		return;
	}
	TRK_ADD(tn, BYTES_RCVD, in.len);
	if (in.len)
		cl->rcv_nxt = trk_rcvq_add(sk, &st->ooo, cl->rcv_nxt, hold, in.off,
					   at + len - in.len, in.len);
	else
		trk_rcvq_drop(hold);
}

/* One packet, or a train, in which one begins at every multiple of the segment size. */
static void train(struct sock *sk, struct sk_buff *skb)
{
	struct trk_stream *st = trk_sk(sk)->stream;
	const struct tcphdr *th = tcp_hdr(skb);
	u32 seqrel = ntohl(th->seq) - st->server_isn;
	u32 at = th->doff * 4, left = skb->len - at, step = left;
	struct trk_rcvq_train whole;
	unsigned int pieces = 1;
	u64 now = trk_stream_now_us();

	if (skb_is_gso(skb) && skb_shinfo(skb)->gso_size < left) {
		step = skb_shinfo(skb)->gso_size;
		pieces = DIV_ROUND_UP(left, step);
	}
	trk_rcvq_begin(&whole, skb, pieces);
	while (left) {
		u32 len = min(step, left);

		packet(sk, &whole, at, len, seqrel, now);
		at += len;
		left -= len;
		seqrel += len;
	}
	trk_rcvq_settle(sk, &whole);
}

/*
 * Does a SYN-ACK offer a version that we speak?  If not it is dropped, and from now on our SYNs are
 * plain, so that the connection becomes TCP (protocol.rst, "Handshake").  But this only if it
 * acknowledges our SYN: others must not be able to turn a client to TCP.
 */
static bool common_version(struct sock *sk, const struct tcphdr *th)
{
	struct trk_sock *ts = trk_sk(sk);

	if (trk_wire_syn_version((const u8 *)(th + 1), th->doff * 4 - sizeof(*th)))
		return true;
	if (ts->connecting && th->ack &&
	    ntohl(th->ack_seq) == READ_ONCE(tcp_sk(ts->carrier->sk)->snd_nxt))
		WRITE_ONCE(ts->foreign, true);
	return false;
}

/**
 * trk_stream_in_rcv - a marked segment for a client
 * @sk: Trickles socket, locked
 * @skb: as for trk_stream_in_segment()
 *
 * Context: does not sleep.
 * Return: 0.
 */
int trk_stream_in_rcv(struct sock *sk, struct sk_buff *skb)
{
	struct trk_sock *ts = trk_sk(sk);
	struct trk_stream *st = ts->stream;
	u64 before;

	if (!st || st->over || (!tcp_hdr(skb)->syn && ts->mode != TRK_MODE_TRICKLES)) {
		TRK_INC(trk_net(sock_net(sk)), DROP_NO_CLIENT);
		kfree_skb(skb);
		return 0;
	}
	if (tcp_hdr(skb)->syn) {
		if (!common_version(sk, tcp_hdr(skb)))
			TRK_DROP(trk_net(sock_net(sk)), TRK_DROP_VERSION);
		else if (ts->mode == TRK_MODE_TRICKLES)
			opened(sk, tcp_hdr(skb));
		else
			take_over(sk, skb);
		consume_skb(skb);
		return 0;
	}
	trk_carrier_quiet(sk);
	before = st->cl.rcv_nxt;
	train(sk, skb);
	consume_skb(skb);
	if (sock_flag(sk, SOCK_DEAD)) {
		st->read = st->cl.rcv_nxt;
		trk_rcvq_consume(sk, st->read);
	}
	trk_stream_pump(sk, GFP_ATOMIC);
	if (!sock_flag(sk, SOCK_DEAD) && st->cl.rcv_nxt != before &&
	    (trk_sock_readable(sk) || st->cl.rcv_nxt >= st->cl.fin_off))
		sk->sk_data_ready(sk);
	return 0;
}

/**
 * trk_stream_in_segment - a marked segment for a client
 * @sk: Trickles socket, from trk_carrier_owner() under rcu_read_lock()
 * @skb: segment or train, already validated: its TCP header, options included, is linear at
 *	skb->data, with the IP header before it; freed, or kept for its data
 *
 * Context: softirq.
 */
void trk_stream_in_segment(struct sock *sk, struct sk_buff *skb)
{
	/* Even if data out of order fills the buffer the backlog has room for what is missing. */
	unsigned int limit = 2 * READ_ONCE(sk->sk_rcvbuf) + 65536;

	skb_orphan(skb);
	bh_lock_sock(sk);
	if (!sock_owned_by_user(sk)) {
		trk_stream_in_rcv(sk, skb);
	} else if (sk_add_backlog(sk, skb, limit)) {
		TRK_INC(trk_net(sock_net(sk)), DROP_RCVBUF);
		kfree_skb(skb);
	}
	bh_unlock_sock(sk);
}
