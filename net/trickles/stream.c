// SPDX-License-Identifier: GPL-2.0
/*
 * What drives a client's connection: segments, the timer, the carrier.  The
 * protocol is in core/client.c, the calls of the application in calls.c.
 */
#include <linux/tcp.h>
#include <net/ip.h>
#include <net/tcp.h>

#include "stream.h"

#define TCP_IP_HDR	(sizeof(struct iphdr) + sizeof(struct tcphdr))
#define WINDOW		65535	/* as it stands in the header; the server does not use it */

/* The first request waits so long for input, if nobody reads. */
#define FIRST_DELAY_US	10000
/* A closed socket is given up when the server consumes nothing for so long, as in TIME_WAIT. */
#define ORPHAN_US	(60 * USEC_PER_SEC)
/* Data's share of the receive buffer: at first half of it. */
#define SHARE_ONE	256
#define SHARE_MIN	32
#define SHARE_MAX	192
/* A larger ring is allocated only where sleeping is allowed. */
#define RING_ATOMIC	65536

static struct workqueue_struct *reaper;

static u32 stream_random(void *arg)
{
	return get_random_u32();
}

/* ---- begin and end ---- */

static void reap_work(struct work_struct *work);

/**
 * trk_stream_begin - give a socket a stream
 * @sk: Trickles socket, locked, without one
 *
 * Return: 0 or -ENOMEM.  May sleep.
 */
int trk_stream_begin(struct sock *sk)
{
	struct trk_stream *st = kvzalloc(sizeof(*st), GFP_KERNEL_ACCOUNT);

	if (!st)
		return -ENOMEM;
	st->ring = kvcalloc(TRK_RING_MIN, sizeof(*st->ring), GFP_KERNEL_ACCOUNT);
	if (!st->ring) {
		kvfree(st);
		return -ENOMEM;
	}
	st->sk = sk;
	st->ooo = RB_ROOT;
	st->share = SHARE_ONE / 2;
	st->orphan_us = U64_MAX;
	INIT_WORK(&st->reap, reap_work);
	trk_client_init(&st->cl, st->ring, TRK_RING_MIN, stream_random, NULL);
	st->cl.redundant = READ_ONCE(trk_net(sock_net(sk))->sysctl_redundant_requests);
	trk_sk(sk)->stream = st;
	return 0;
}

/**
 * trk_stream_free - take it away, with all data
 * @sk: Trickles socket, locked
 *
 * Does not sleep.
 */
void trk_stream_free(struct sock *sk)
{
	struct trk_stream *st = trk_sk(sk)->stream;

	if (!st)
		return;
	trk_sk(sk)->stream = NULL;
	trk_rcvq_purge(sk, &st->ooo);
	trk_sndq_free(sk, U64_MAX);
	kvfree(st->ring);
	kvfree(st);
}

/**
 * trk_stream_dispose - the last act
 * @sk: Trickles socket, locked, nobody's any more; gone afterwards
 *
 * May sleep.
 */
void trk_stream_dispose(struct sock *sk)
{
	struct trk_sock *ts = trk_sk(sk);

	trk_carrier_release(sk);
	trk_stream_free(sk);
	/* The carrier's callbacks are gone; what they have started finds nothing to do. */
	WRITE_ONCE(ts->connecting, false);
	WRITE_ONCE(ts->mode, TRK_MODE_NONE);
	ts->timer_due = false;
	sk_stop_timer(sk, &sk->sk_timer);
	trk_set_state(sk, TCP_CLOSE);
	release_sock(sk);
	sk_common_release(sk);
}

static void reap_work(struct work_struct *work)
{
	struct sock *sk = container_of(work, struct trk_stream, reap)->sk;

	lock_sock(sk);
	trk_stream_dispose(sk);
}

/* No more of this connection; reading what has arrived stays possible. */
static void stream_end(struct sock *sk, int error)
{
	struct trk_stream *st = trk_sk(sk)->stream;

	st->over = true;
	sk_stop_timer(sk, &sk->sk_timer);
	trk_sndq_free(sk, U64_MAX);
	if (sock_flag(sk, SOCK_DEAD)) {
		queue_work(reaper, &st->reap);
		return;
	}
	WRITE_ONCE(sk->sk_err, error);
	WRITE_ONCE(sk->sk_shutdown, SHUTDOWN_MASK);
	trk_set_state(sk, TCP_CLOSE);
	sk_error_report(sk);
	sk->sk_state_change(sk);
}

/* ---- out ---- */

static struct trk_path stream_path(const struct sock *sk)
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
	};
}

static struct dst_entry *stream_route(struct sock *sk, const struct trk_path *path)
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

/* A SYN, to open the way again: perhaps from another address. */
static void knock(struct sock *sk, u32 seq)
{
	struct trk_path path;
	struct dst_entry *dst;

	trk_carrier_follow(sk);
	path = stream_path(sk);
	dst = stream_route(sk, &path);
	if (dst)
		trk_output_syn(&path, sk, dst, seq, 0, TCPHDR_SYN, true, U16_MAX);
	else
		IP_INC_STATS(path.net, IPSTATS_MIB_OUTNOROUTES);
}

/* What cannot be sent is lost: the timer repairs it. */
static void transmit(struct sock *sk, const struct trk_out_req *out)
{
	const struct trk_stream *st = trk_sk(sk)->stream;
	struct trk_path path = stream_path(sk);
	struct sk_buff *skb;

	if (out->syn) {
		knock(sk, st->isn + out->seq - 1);
		return;
	}
	skb = trk_output_alloc(out->hdr_len + out->in_len, GFP_ATOMIC);
	if (!skb) {
		TRK_INC(trk_net(sock_net(sk)), DROP_NOMEM);
		return;
	}
	skb_put_data(skb, out->hdr, out->hdr_len);
	/* A server has its part in what is sent: never anything but what was written. */
	if (!trk_sndq_copy(sk, out->in_off, skb_put(skb, out->in_len), out->in_len)) {
		kfree_skb(skb);
		return;
	}
	trk_output_send(&path, sk, stream_route(sk, &path), skb, st->isn + out->seq,
			st->server_isn + out->ackrel, TCPHDR_ACK | TCPHDR_PSH, WINDOW, 0);
}

/**
 * trk_stream_goodbye - tell the server that the client is gone
 * @sk: Trickles socket, locked, with a stream of Trickles
 *
 * It may get lost: the server holds nothing that must be freed.  Does not sleep.
 */
void trk_stream_goodbye(struct sock *sk)
{
	struct trk_stream *st = trk_sk(sk)->stream;

	if (st->cl.state != TRK_CL_OPEN)
		return;
	trk_request_close(&st->cl, &st->out);
	transmit(sk, &st->out);
}

/* ---- what drives the protocol ---- */

/* What came since the last call. */
static u64 fresh(u64 now, u64 *seen)
{
	u64 n = now - *seen;

	*seen = now;
	return n;
}

static void count(struct sock *sk)
{
	struct trk_stream *st = trk_sk(sk)->stream;
	struct trk_net *tn = trk_net(sock_net(sk));
	const struct trk_client *cl = &st->cl;
	struct trk_seen *seen = &st->seen;

	TRK_ADD(tn, REQ_SENT, fresh(cl->stat.requests, &seen->requests));
	TRK_ADD(tn, RESP_RCVD, fresh(cl->stat.responses, &seen->responses));
	TRK_ADD(tn, TIMEOUTS, fresh(cl->stat.timeouts, &seen->timeouts));
	TRK_ADD(tn, REPEATED, fresh(cl->stat.repeated, &seen->repeated));
	TRK_ADD(tn, PROBES, fresh(cl->stat.probes, &seen->probes));
	TRK_ADD(tn, LOST, fresh(cl->stat.lost, &seen->lost));
	TRK_ADD(tn, RETRANS, fresh(cl->stat.out_retrans, &seen->retrans));
	TRK_ADD(tn, RESEALED, fresh(cl->stat.resealed, &seen->resealed));
}

static void grow_ring(struct trk_net *tn, struct trk_stream *st, gfp_t gfp)
{
	struct trk_client *cl = &st->cl;
	struct trk_slot *ring;
	u32 size;

	if (cl->ring_want <= cl->num.ring_size)
		return;
	size = min_t(u32, roundup_pow_of_two(cl->ring_want), TRK_RING_MAX);
	if (size <= cl->num.ring_size)
		return;
	if (gfpflags_allow_blocking(gfp))
		ring = kvcalloc(size, sizeof(*ring), gfp | __GFP_ACCOUNT);
	else if (size * sizeof(*ring) <= RING_ATOMIC)
		ring = kcalloc(size, sizeof(*ring), gfp | __GFP_NOWARN);
	else
		return;
	/* The window stays as it is, and the next call tries again. */
	if (!ring) {
		TRK_INC(tn, RINGS_FAILED);
		return;
	}
	trk_client_set_ring(cl, ring, size);
	kvfree(st->ring);
	st->ring = ring;
}

/* Part of the receive buffer is for data, the rest for what the kernel keeps with it. */
static u64 window(const struct sock *sk)
{
	return (u64)READ_ONCE(sk->sk_rcvbuf) * trk_sk(sk)->stream->share / SHARE_ONE;
}

/* How large that part is shows with the packets that come. */
static void learn_share(struct trk_stream *st, u32 len, u32 truesize)
{
	u32 share = clamp_t(u32, (u64)len * SHARE_ONE / truesize, SHARE_MIN, SHARE_MAX);

	st->share = (7 * st->share + share) / 8;
}

/* Room is offered in steps that are worth a request. */
static bool offer_room(struct sock *sk, u64 step)
{
	struct trk_stream *st = trk_sk(sk)->stream;
	u64 limit = st->read + window(sk);

	if (limit < st->cl.rcv_limit + step)
		return false;
	st->cl.rcv_limit = limit;
	return true;
}

static void arm(struct sock *sk, u64 now)
{
	struct trk_stream *st = trk_sk(sk)->stream;
	u64 due = st->cl.deadline_us, wait = 0;

	if (st->cl.state == TRK_CL_FIRST && !st->cl.want_first)
		due = min(due, st->first_us);
	due = min(due, st->orphan_us);
	if (due > now)
		wait = usecs_to_jiffies(min_t(u64, due - now, 2 * ORPHAN_US));
	if (due == U64_MAX)
		sk_stop_timer(sk, &sk->sk_timer);
	else
		trk_set_timer(sk, jiffies + wait);
	/* The carrier's callback may have set the timer just before us. */
	if (inet_sk_state_load(trk_sk(sk)->carrier->sk) == TCP_CLOSE)
		trk_set_timer(sk, jiffies);
}

/* After anything changed. */
static void settle(struct sock *sk, u64 now)
{
	struct trk_stream *st = trk_sk(sk)->stream;
	struct trk_client *cl = &st->cl;

	count(sk);
	if (trk_sndq_free(sk, cl->in_una)) {
		if (st->orphan_us != U64_MAX)
			st->orphan_us = now + ORPHAN_US;
		if (sk->sk_socket && test_bit(SOCK_NOSPACE, &sk->sk_socket->flags))
			sk->sk_write_space(sk);
	}
	if (cl->rcv_nxt >= cl->fin_off && !(sk->sk_shutdown & RCV_SHUTDOWN)) {
		WRITE_ONCE(sk->sk_shutdown, sk->sk_shutdown | RCV_SHUTDOWN);
		sk->sk_state_change(sk);
		sk_wake_async(sk, SOCK_WAKE_WAITD, POLL_IN);
	}
	if (cl->state == TRK_CL_DEAD) {
		stream_end(sk, cl->error);
		return;
	}
	if (trk_client_input_done(cl)) {
		if (sock_flag(sk, SOCK_DEAD)) {
			trk_stream_goodbye(sk);
			stream_end(sk, 0);
			return;
		}
		if (st->lingering)
			sk->sk_state_change(sk);
	}
	arm(sk, now);
}

/**
 * trk_stream_pump - something changed: send what is to be sent
 * @sk: Trickles socket, locked, with a stream of Trickles
 * @gfp: GFP_KERNEL where sleeping is allowed
 *
 * Afterwards the stream may be over, but it is there.
 */
void trk_stream_pump(struct sock *sk, gfp_t gfp)
{
	struct trk_stream *st = trk_sk(sk)->stream;
	struct trk_client *cl = &st->cl;
	u64 now = trk_now_us();

	if (st->over)
		return;
	grow_ring(trk_net(sock_net(sk)), st, gfp);
	offer_room(sk, min_t(u64, window(sk) / 4, 2 * cl->slot));
	if (cl->state != TRK_CL_DEAD)
		while (trk_client_pump(cl, now, &st->out))
			transmit(sk, &st->out);
	WRITE_ONCE(trk_sk(sk)->full, cl->rcv_limit < cl->rcv_nxt + cl->slot);
	settle(sk, now);
}

/**
 * trk_stream_room - the application has read
 * @sk: Trickles socket, locked, with a stream of Trickles
 *
 * A request of its own is sent only for a good part of the window.  May sleep.
 */
void trk_stream_room(struct sock *sk)
{
	struct trk_stream *st = trk_sk(sk)->stream;

	if (st->over)
		return;
	/* Where packets arrive, there is no memory for a large one. */
	grow_ring(trk_net(sock_net(sk)), st, GFP_KERNEL);
	if (offer_room(sk, window(sk) / 4))
		trk_stream_pump(sk, GFP_KERNEL);
}

/**
 * trk_stream_check - look what became of the carrier
 * @sk: Trickles socket, locked
 *
 * Refused, connected as TCP, or torn away from under our connection: its
 * callbacks cannot take our lock, so they only start the timer.  Does not sleep.
 */
void trk_stream_check(struct sock *sk)
{
	struct trk_sock *ts = trk_sk(sk);
	struct trk_net *tn = trk_net(sock_net(sk));
	int state;

	if (!ts->connecting && ts->mode != TRK_MODE_TRICKLES)
		return;
	state = trk_carrier_state(sk);
	if (ts->connecting) {
		if (state == TCP_SYN_SENT || state == TCP_SYN_RECV)
			return;
		trk_stream_free(sk);
		if (state == TCP_CLOSE) {
			TRK_INC(tn, CONNECT_FAILS);
			WRITE_ONCE(sk->sk_shutdown, SHUTDOWN_MASK);
			trk_set_state(sk, TCP_CLOSE);
		} else {
			TRK_INC(tn, FALLBACKS);
			/* Pairs with trk_is_tcp(). */
			smp_store_release(&ts->mode, TRK_MODE_TCP);
			trk_set_state(sk, TCP_ESTABLISHED);
		}
		WRITE_ONCE(ts->connecting, false);
		sk->sk_state_change(sk);
	} else if (state == TCP_CLOSE && !ts->stream->over) {
		trk_stream_goodbye(sk);
		stream_end(sk, READ_ONCE(sk->sk_err) ? : ECONNABORTED);
	}
}

/**
 * trk_stream_orphan - the socket is closed, but input is left
 * @sk: Trickles socket, locked, orphaned
 *
 * The stream disposes of the socket when the server has consumed all, or does
 * nothing any more.  May sleep.
 */
void trk_stream_orphan(struct sock *sk)
{
	struct trk_stream *st = trk_sk(sk)->stream;

	st->orphan_us = trk_now_us() + ORPHAN_US;
	st->read = st->cl.rcv_nxt;
	trk_rcvq_consume(sk, st->read);
	trk_stream_pump(sk, GFP_KERNEL);
}

static void on_timer(struct sock *sk)
{
	struct trk_sock *ts = trk_sk(sk);
	struct trk_stream *st;
	u64 now = trk_now_us();

	trk_stream_check(sk);
	st = ts->stream;
	if (!st || st->over || ts->mode != TRK_MODE_TRICKLES)
		return;
	if (now >= st->orphan_us) {
		trk_stream_goodbye(sk);
		stream_end(sk, ETIMEDOUT);
		return;
	}
	if (now >= st->first_us)
		st->cl.want_first = true;
	if (now >= st->cl.deadline_us)
		trk_timer_expired(&st->cl, now);
	trk_stream_pump(sk, GFP_ATOMIC);
}

static void timer_expired(struct timer_list *t)
{
	struct sock *sk = from_timer(sk, t, sk_timer);

	bh_lock_sock(sk);
	if (sock_owned_by_user(sk))
		trk_sk(sk)->timer_due = true;
	else
		on_timer(sk);
	bh_unlock_sock(sk);
	sock_put(sk);
}

/**
 * trk_stream_release_cb - the process that owned the socket is done
 * @sk: Trickles socket, spin lock held
 */
void trk_stream_release_cb(struct sock *sk)
{
	if (!trk_sk(sk)->timer_due)
		return;
	trk_sk(sk)->timer_due = false;
	on_timer(sk);
}

/* ---- in ---- */

static void enlarge_buffers(struct sock *sk)
{
	struct net *net = sock_net(sk);

	if (!(sk->sk_userlocks & SOCK_RCVBUF_LOCK))
		WRITE_ONCE(sk->sk_rcvbuf, READ_ONCE(net->ipv4.sysctl_tcp_rmem[2]));
	if (!(sk->sk_userlocks & SOCK_SNDBUF_LOCK))
		WRITE_ONCE(sk->sk_sndbuf, READ_ONCE(net->ipv4.sysctl_tcp_wmem[2]));
}

/* A marked SYN-ACK: the peer speaks Trickles. */
static void take_over(struct sock *sk, struct sk_buff *skb)
{
	struct trk_sock *ts = trk_sk(sk);
	struct trk_net *tn = trk_net(sock_net(sk));
	const struct tcphdr *th = tcp_hdr(skb);
	struct trk_stream *st = ts->stream;
	struct trk_path path = stream_path(sk);
	u64 now = trk_now_us();
	struct dst_entry *dst;
	u32 slot;

	if (!ts->connecting || !th->ack || th->rst || th->fin ||
	    !trk_carrier_take(sk, ntohl(th->ack_seq))) {
		TRK_INC(tn, DROP_NO_CLIENT);
		return;
	}
	trk_carrier_quiet(sk);
	slot = tcp_parse_mss_option(th, tcp_sk(ts->carrier->sk)->rx_opt.user_mss);
	if (!slot)
		slot = TCP_MSS_DEFAULT;
	dst = stream_route(sk, &path);
	if (dst)
		slot = min_t(u32, slot, dst_mtu(dst) - TCP_IP_HDR);
	slot = clamp_t(u32, slot, TRK_MIN_SLOT + TRK_OPT_LEN, TRK_MAX_SLOT + TRK_OPT_LEN) -
	       TRK_OPT_LEN;
	st->isn = ntohl(th->ack_seq);
	st->server_isn = ntohl(th->seq) + 1;
	st->first_us = now + FIRST_DELAY_US;
	/* Karn: the answer to a repeated SYN says nothing about the round trip. */
	trk_client_connected(&st->cl, slot, ts->syns == 1 ? now - st->syn_us : 0);
	enlarge_buffers(sk);
	TRK_INC(tn, CONNECTS);
	WRITE_ONCE(ts->mode, TRK_MODE_TRICKLES);
	trk_set_state(sk, TCP_ESTABLISHED);
	WRITE_ONCE(ts->connecting, false);
	sk->sk_state_change(sk);
	sk_wake_async(sk, SOCK_WAKE_IO, POLL_OUT);
	trk_stream_pump(sk, GFP_ATOMIC);
}

/* A marked SYN-ACK for a SYN of our own: nothing is kept of the ISN that was. */
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

/* One packet; @len bytes of payload from byte @at on. */
static void packet(struct sock *sk, struct sk_buff *skb, u32 at, u32 len, unsigned int pieces,
		   u32 seqrel, u64 now)
{
	struct trk_stream *st = trk_sk(sk)->stream;
	struct trk_net *tn = trk_net(sock_net(sk));
	struct trk_client *cl = &st->cl;
	struct sk_buff *hold = NULL;
	struct trk_in_resp in;
	struct trk_resp r;
	const u8 *p;
	u32 need;
	int err;

	need = min_t(u32, len, TRK_RESP_FIXED);
	p = skb_header_pointer(skb, at, need, st->hdr);
	if (p) {
		need = min3(len, trk_resp_hdr_len(p, len), (u32)sizeof(st->hdr));
		p = skb_header_pointer(skb, at, need, st->hdr);
	}
	err = p ? trk_resp_parse(&r, p, need, len) : TRK_DROP_TRUNCATED;
	if (!err && r.data_len) {
		/* Without memory for its data the packet counts as lost. */
		hold = trk_rcvq_hold(sk, skb, pieces, (s32)(r.off - (u32)cl->rcv_nxt) <= 0);
		if (!hold)
			return;
		learn_share(st, len, hold->truesize);
	}
	if (!err)
		err = trk_receive_response(cl, &r, seqrel, now, &in);
	if (err) {
		TRK_DROP(tn, err);
		kfree_skb(hold);
		return;
	}
	TRK_ADD(tn, BYTES_RCVD, in.len);
	if (in.len)
		cl->rcv_nxt = trk_rcvq_add(sk, &st->ooo, cl->rcv_nxt, hold, in.off,
					   at + len - in.len, in.len);
	else
		consume_skb(hold);
}

/* A train begins a packet at every multiple of its segment size. */
static void train(struct sock *sk, struct sk_buff *skb)
{
	struct trk_stream *st = trk_sk(sk)->stream;
	const struct tcphdr *th = tcp_hdr(skb);
	u32 seqrel = ntohl(th->seq) - st->server_isn;
	u32 at = th->doff * 4, left = skb->len - at, step = left;
	unsigned int pieces = 1;
	u64 now = trk_now_us();

	if (skb_is_gso(skb) && skb_shinfo(skb)->gso_size < left) {
		step = skb_shinfo(skb)->gso_size;
		pieces = DIV_ROUND_UP(left, step);
	}
	while (left) {
		u32 len = min(step, left);

		packet(sk, skb, at, len, pieces, seqrel, now);
		at += len;
		left -= len;
		seqrel += len;
	}
}

/**
 * trk_stream_rcv - a marked segment for a client
 * @sk: Trickles socket, locked
 * @skb: as for trk_client_segment(); taken
 *
 * Return: 0.  Does not sleep.
 */
int trk_stream_rcv(struct sock *sk, struct sk_buff *skb)
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
		if (ts->mode == TRK_MODE_TRICKLES)
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
	    (trk_is_readable(sk) || st->cl.rcv_nxt >= st->cl.fin_off))
		sk->sk_data_ready(sk);
	return 0;
}

/**
 * trk_client_segment - a marked segment for a client
 * @sk: Trickles socket, from trk_carrier_owner() under rcu_read_lock()
 * @skb: segment or train, its TCP header linear at skb->data, already validated
 *
 * Softirq.
 *
 * Return: true, the segment is taken.
 */
bool trk_client_segment(struct sock *sk, struct sk_buff *skb)
{
	/* Room for data in order even if all of the buffer is out of order. */
	unsigned int limit = 2 * READ_ONCE(sk->sk_rcvbuf) + 65536;

	skb_orphan(skb);
	bh_lock_sock(sk);
	if (!sock_owned_by_user(sk)) {
		trk_stream_rcv(sk, skb);
	} else if (sk_add_backlog(sk, skb, limit)) {
		TRK_INC(trk_net(sock_net(sk)), DROP_RCVBUF);
		kfree_skb(skb);
	}
	bh_unlock_sock(sk);
	return true;
}

/* ---- the rest ---- */

/**
 * trk_stream_unsent - for SIOCOUTQ
 * @sk: Trickles socket
 *
 * Return: bytes of input that the server has not consumed.  May sleep.
 */
int trk_stream_unsent(struct sock *sk)
{
	const struct trk_stream *st;
	int n = 0;

	lock_sock(sk);
	st = trk_sk(sk)->stream;
	if (st && !st->over)
		n = st->cl.in_end - st->cl.in_una;
	release_sock(sk);
	return n;
}

/**
 * trk_stream_info - for TRK_INFO
 * @sk: Trickles socket, locked
 * @info: filled
 */
void trk_stream_info(struct sock *sk, struct trk_info *info)
{
	const struct trk_client *cl;

	trk_stream_check(sk);
	memset(info, 0, sizeof(*info));
	info->mode = trk_sk(sk)->mode;
	if (info->mode != TRK_MODE_TRICKLES)
		return;
	cl = &trk_sk(sk)->stream->cl;
	info->cwnd = cl->cwnd;
	info->rtt_us = cl->srtt_us;
	info->rto_us = cl->rto_us;
	info->slot = cl->slot;
	info->requests = cl->stat.requests;
	info->responses = cl->stat.responses;
	info->bytes_received = cl->rcv_nxt;
	info->bytes_consumed = cl->in_una;
	info->retrans_received = cl->stat.out_retrans;
	info->retrans_sent = cl->stat.in_retrans;
	info->lost = cl->stat.lost;
	info->timeouts = cl->stat.timeouts;
}

/**
 * trk_stream_setup - prepare a new socket
 * @sk: Trickles socket
 */
void trk_stream_setup(struct sock *sk)
{
	timer_setup(&sk->sk_timer, timer_expired, 0);
}

/**
 * trk_stream_init - at module load
 *
 * Return: 0 or a negative errno.
 */
int __init trk_stream_init(void)
{
	reaper = alloc_workqueue("trickles", WQ_UNBOUND, 0);
	return reaper ? 0 : -ENOMEM;
}

/**
 * trk_stream_exit - at module unload, when no socket is left
 */
void trk_stream_exit(void)
{
	destroy_workqueue(reaper);
}
