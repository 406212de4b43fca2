// SPDX-License-Identifier: GPL-2.0
/*
 * A client's connection: what a stream socket does, with core/client.c for the
 * protocol.  The stream lives from connect() to close(), and beyond if input is
 * left that the server has not consumed.  All of it is under the socket's lock.
 */
#include <linux/tcp.h>
#include <linux/workqueue.h>
#include <net/inet_common.h>
#include <net/ip.h>
#include <net/tcp.h>

#include "sock.h"

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

/**
 * struct trk_stream - a client's connection
 * @cl: the protocol's part
 * @out: the request being sent
 * @hdr: copy of a response's header that is not linear in its skb
 * @ring: memory that @cl uses
 * @ooo: output out of order
 * @read: output below was read
 * @share: of the receive buffer that is for data
 * @syn_us: when the SYN was sent
 * @first_us: when to send the first request even without input
 * @orphan_us: when to give up input that is left after close()
 * @isn: sequence number of our first byte
 * @server_isn: sequence number of the server's first byte
 * @over: ended; nothing is sent or received any more
 * @lingering: close() waits until all input is consumed
 * @seen: what was added to the counters already
 * @sk: the socket
 * @reap: frees the socket after close(), where sleeping is allowed
 */
struct trk_stream {
	struct trk_client cl;
	struct trk_out_req out;
	u8 hdr[TRK_RESP_HDR_MAX];
	struct trk_slot *ring;
	struct rb_root ooo;
	u64 read;
	u32 share;
	u64 syn_us;
	u64 first_us;
	u64 orphan_us;
	u32 isn;
	u32 server_isn;
	bool over;
	bool lingering;
	typeof_member(struct trk_client, stat) seen;
	struct sock *sk;
	struct work_struct reap;
};

static struct workqueue_struct *reaper;

static u64 now_us(void)
{
	return ktime_to_us(ktime_get());
}

static u32 stream_random(void *arg)
{
	return get_random_u32();
}

static void set_state(struct sock *sk, int state)
{
	/* poll() reads it without the lock, after what goes with it. */
	smp_store_release(&sk->sk_state, state);
}

/* ---- begin and end ---- */

static void reap_work(struct work_struct *work);

static struct trk_stream *stream_alloc(struct sock *sk)
{
	struct trk_stream *st = kvzalloc(sizeof(*st), GFP_KERNEL);

	if (!st)
		return NULL;
	st->ring = kvcalloc(TRK_RING_MIN, sizeof(*st->ring), GFP_KERNEL);
	if (!st->ring) {
		kvfree(st);
		return NULL;
	}
	st->sk = sk;
	st->ooo = RB_ROOT;
	st->share = SHARE_ONE / 2;
	st->orphan_us = U64_MAX;
	INIT_WORK(&st->reap, reap_work);
	trk_client_init(&st->cl, st->ring, TRK_RING_MIN, stream_random, NULL);
	return st;
}

static void stream_free(struct sock *sk)
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

/* The last act: the socket is locked, and nobody's any more. */
static void dispose(struct sock *sk)
{
	sk_stop_timer(sk, &sk->sk_timer);
	trk_carrier_release(sk);
	stream_free(sk);
	set_state(sk, TCP_CLOSE);
	release_sock(sk);
	sk_common_release(sk);
}

static void reap_work(struct work_struct *work)
{
	struct sock *sk = container_of(work, struct trk_stream, reap)->sk;

	lock_sock(sk);
	dispose(sk);
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
	set_state(sk, TCP_CLOSE);
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

/* What cannot be sent is lost: the timer repairs it. */
static void transmit(struct sock *sk, const struct trk_out_req *out)
{
	const struct trk_stream *st = trk_sk(sk)->stream;
	struct trk_path path = stream_path(sk);
	struct sk_buff *skb;

	skb = trk_output_alloc(out->hdr_len + out->in_len, GFP_ATOMIC);
	if (!skb) {
		TRK_INC(trk_net(sock_net(sk)), DROP_NOMEM);
		return;
	}
	skb_put_data(skb, out->hdr, out->hdr_len);
	trk_sndq_copy(sk, out->in_off, skb_put(skb, out->in_len), out->in_len);
	trk_output_send(&path, sk, stream_route(sk, &path), skb, st->isn + out->seq,
			st->server_isn + out->ackrel, TCPHDR_ACK | TCPHDR_PSH, WINDOW, 0);
}

static void say_goodbye(struct sock *sk)
{
	struct trk_stream *st = trk_sk(sk)->stream;

	if (st->cl.state != TRK_CL_OPEN)
		return;
	trk_client_close_req(&st->cl, &st->out);
	transmit(sk, &st->out);
}

/* ---- what drives the protocol ---- */

static void count(struct sock *sk)
{
	struct trk_stream *st = trk_sk(sk)->stream;
	struct trk_net *tn = trk_net(sock_net(sk));
	typeof(st->seen) *now = &st->cl.stat, *seen = &st->seen;

	TRK_ADD(tn, REQ_SENT, now->requests - seen->requests);
	TRK_ADD(tn, RESP_RCVD, now->responses - seen->responses);
	TRK_ADD(tn, TIMEOUTS, now->timeouts - seen->timeouts);
	TRK_ADD(tn, PROBES, now->probes - seen->probes);
	TRK_ADD(tn, LOST, now->lost - seen->lost);
	TRK_ADD(tn, RETRANS, now->out_retrans - seen->out_retrans);
	*seen = *now;
}

static void grow_ring(struct trk_stream *st, gfp_t gfp)
{
	struct trk_client *cl = &st->cl;
	struct trk_slot *ring;
	u32 size;

	if (cl->ring_want <= cl->ring_size)
		return;
	size = min_t(u32, roundup_pow_of_two(cl->ring_want), TRK_RING_MAX);
	if (size <= cl->ring_size)
		return;
	if (gfpflags_allow_blocking(gfp))
		ring = kvcalloc(size, sizeof(*ring), gfp);
	else if (size * sizeof(*ring) <= RING_ATOMIC)
		ring = kcalloc(size, sizeof(*ring), gfp | __GFP_NOWARN);
	else
		return;
	if (!ring)
		return;
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
		sk_reset_timer(sk, &sk->sk_timer, jiffies + wait);
	/* The carrier's callback may have set the timer just before us. */
	if (inet_sk_state_load(trk_sk(sk)->carrier->sk) == TCP_CLOSE)
		sk_reset_timer(sk, &sk->sk_timer, jiffies);
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
			say_goodbye(sk);
			stream_end(sk, 0);
			return;
		}
		if (st->lingering)
			sk->sk_state_change(sk);
	}
	arm(sk, now);
}

static void pump(struct sock *sk, gfp_t gfp)
{
	struct trk_stream *st = trk_sk(sk)->stream;
	struct trk_client *cl = &st->cl;
	u64 now = now_us();

	if (st->over)
		return;
	grow_ring(st, gfp);
	offer_room(sk, min_t(u64, window(sk) / 4, 2 * cl->slot));
	if (cl->state != TRK_CL_DEAD)
		while (trk_client_pump(cl, now, &st->out))
			transmit(sk, &st->out);
	settle(sk, now);
}

/*
 * The carrier's callbacks cannot take our lock, so this looks what became of
 * it: refused, connected as TCP, or torn away from under our connection.
 */
static void check_carrier(struct sock *sk)
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
		stream_free(sk);
		if (state == TCP_CLOSE) {
			TRK_INC(tn, CONNECT_FAILS);
			WRITE_ONCE(sk->sk_shutdown, SHUTDOWN_MASK);
			set_state(sk, TCP_CLOSE);
		} else {
			TRK_INC(tn, FALLBACKS);
			smp_store_release(&ts->mode, TRK_MODE_TCP);
			set_state(sk, TCP_ESTABLISHED);
		}
		WRITE_ONCE(ts->connecting, false);
		sk->sk_state_change(sk);
	} else if (state == TCP_CLOSE && !ts->stream->over) {
		say_goodbye(sk);
		stream_end(sk, READ_ONCE(sk->sk_err) ? : ECONNABORTED);
	}
}

static void on_timer(struct sock *sk)
{
	struct trk_sock *ts = trk_sk(sk);
	struct trk_stream *st;
	u64 now = now_us();

	check_carrier(sk);
	st = ts->stream;
	if (!st || st->over || ts->mode != TRK_MODE_TRICKLES)
		return;
	if (now >= st->orphan_us) {
		say_goodbye(sk);
		stream_end(sk, ETIMEDOUT);
		return;
	}
	if (now >= st->first_us)
		st->cl.want_first = true;
	if (now >= st->cl.deadline_us)
		trk_client_timer(&st->cl, now);
	pump(sk, GFP_ATOMIC);
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
	u64 now = now_us();
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
	slot = clamp_t(u32, slot - TRK_OPT_LEN, TRK_MIN_SLOT, TRK_MAX_SLOT);
	st->isn = ntohl(th->ack_seq);
	st->server_isn = ntohl(th->seq) + 1;
	st->first_us = now + FIRST_DELAY_US;
	/* Karn: the answer to a repeated SYN says nothing about the round trip. */
	trk_client_connected(&st->cl, slot, ts->syns == 1 ? now - st->syn_us : 0);
	enlarge_buffers(sk);
	TRK_INC(tn, CONNECTS);
	WRITE_ONCE(ts->mode, TRK_MODE_TRICKLES);
	set_state(sk, TCP_ESTABLISHED);
	WRITE_ONCE(ts->connecting, false);
	sk->sk_state_change(sk);
	sk_wake_async(sk, SOCK_WAKE_IO, POLL_OUT);
	pump(sk, GFP_ATOMIC);
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
		err = trk_client_receive(cl, &r, seqrel, now, &in);
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
	u64 now = now_us();

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
	unsigned int before = ts->readable;

	if (!st || st->over || (!tcp_hdr(skb)->syn && ts->mode != TRK_MODE_TRICKLES)) {
		TRK_INC(trk_net(sock_net(sk)), DROP_NO_CLIENT);
		kfree_skb(skb);
		return 0;
	}
	if (tcp_hdr(skb)->syn) {
		take_over(sk, skb);
		consume_skb(skb);
		return 0;
	}
	trk_carrier_quiet(sk);
	train(sk, skb);
	consume_skb(skb);
	if (sock_flag(sk, SOCK_DEAD)) {
		st->read = st->cl.rcv_nxt;
		trk_rcvq_consume(sk, st->read);
	} else if (ts->readable != before &&
		   (ts->readable >= sk->sk_rcvlowat || st->cl.rcv_nxt >= st->cl.fin_off)) {
		sk->sk_data_ready(sk);
	}
	pump(sk, GFP_ATOMIC);
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

/* ---- connect ---- */

static int disconnect(struct sock *sk)
{
	struct trk_sock *ts = trk_sk(sk);
	int err = 0;

	/* A listener lives as long as its file: its queue is mapped. */
	if (sk->sk_state == TCP_LISTEN)
		return -EOPNOTSUPP;
	sk->sk_disconnects++;
	if (ts->mode == TRK_MODE_TRICKLES && !ts->stream->over)
		say_goodbye(sk);
	sk_stop_timer(sk, &sk->sk_timer);
	stream_free(sk);
	WRITE_ONCE(ts->mode, TRK_MODE_NONE);
	WRITE_ONCE(ts->connecting, false);
	if (ts->carrier)
		err = trk_carrier_disconnect(sk);
	__sk_dst_reset(sk);
	WRITE_ONCE(sk->sk_shutdown, 0);
	sock_error(sk);
	set_state(sk, TCP_CLOSE);
	sk->sk_state_change(sk);
	return err;
}

/* Waits for the answer to our SYN.  Return: 0, or why the wait ended without one. */
static int wait_answer(struct sock *sk, long *timeo)
{
	DEFINE_WAIT_FUNC(wait, woken_wake_function);
	struct trk_sock *ts = trk_sk(sk);
	int err = 0;

	add_wait_queue(sk_sleep(sk), &wait);
	check_carrier(sk);
	while (ts->connecting) {
		err = -EAGAIN;
		if (!*timeo)
			break;
		err = sock_intr_errno(*timeo);
		if (signal_pending(current))
			break;
		release_sock(sk);
		*timeo = wait_woken(&wait, TASK_INTERRUPTIBLE, *timeo);
		lock_sock(sk);
		check_carrier(sk);
		err = 0;
	}
	remove_wait_queue(sk_sleep(sk), &wait);
	return err;
}

static int start(struct sock *sk, struct sockaddr *addr, int len)
{
	struct trk_sock *ts = trk_sk(sk);
	int err;

	if (ts->port_taken)
		return -EADDRINUSE;
	err = trk_carrier_make(sk);
	if (err)
		return err;
	ts->stream = stream_alloc(sk);
	if (!ts->stream)
		return -ENOMEM;
	WRITE_ONCE(sk->sk_shutdown, 0);
	ts->stream->syn_us = now_us();
	/* The answer may be here before trk_carrier_connect() returns: it waits for our lock. */
	set_state(sk, TCP_SYN_SENT);
	err = trk_carrier_connect(sk, addr, len);
	if (err) {
		set_state(sk, TCP_CLOSE);
		stream_free(sk);
		return err;
	}
	smp_store_release(&ts->connecting, true);
	return 0;
}

static int connect_locked(struct socket *sock, struct sockaddr *addr, int len, int flags)
{
	struct sock *sk = sock->sk;
	int err, dis;
	long timeo;

	if (len < (int)sizeof(addr->sa_family))
		return -EINVAL;
	if (addr->sa_family == AF_UNSPEC) {
		err = disconnect(sk);
		if (!err)
			sock->state = SS_UNCONNECTED;
		return err;
	}
	switch (sock->state) {
	case SS_CONNECTED:
		return -EISCONN;
	case SS_CONNECTING:
		err = -EALREADY;
		break;
	case SS_UNCONNECTED:
		if (sk->sk_state != TCP_CLOSE)
			return -EISCONN;
		err = start(sk, addr, len);
		if (err)
			return err;
		sock->state = SS_CONNECTING;
		err = -EINPROGRESS;
		break;
	default:
		return -EINVAL;
	}
	timeo = sock_sndtimeo(sk, flags & O_NONBLOCK);
	dis = sk->sk_disconnects;
	if (wait_answer(sk, &timeo)) {
		if (timeo && signal_pending(current))
			return sock_intr_errno(timeo);
		return err;
	}
	if (dis != sk->sk_disconnects)
		return -EPIPE;
	if (sk->sk_state == TCP_CLOSE) {
		err = sock_error(sk) ? : -ECONNABORTED;
		sock->state = SS_UNCONNECTED;
		disconnect(sk);
		return err;
	}
	sock->state = SS_CONNECTED;
	return 0;
}

/**
 * trk_stream_connect - connect(2)
 * @sock: Trickles socket
 * @addr: peer; AF_UNSPEC: end the connection, so that the socket can be used anew
 * @len: its length
 * @flags: O_NONBLOCK
 *
 * Return: 0 or a negative errno, those of TCP.  May sleep.
 */
int trk_stream_connect(struct socket *sock, struct sockaddr *addr, int len, int flags)
{
	int err;

	lock_sock(sock->sk);
	err = connect_locked(sock, addr, len, flags);
	release_sock(sock->sk);
	return err;
}

/* ---- send and receive ---- */

/* Options that may be set at any time, and that TCP reads at every call. */
static struct socket *tcp_carrier(struct sock *sk)
{
	struct socket *carrier = trk_sk(sk)->carrier;
	struct sock *csk = carrier->sk;

	WRITE_ONCE(csk->sk_rcvtimeo, READ_ONCE(sk->sk_rcvtimeo));
	WRITE_ONCE(csk->sk_sndtimeo, READ_ONCE(sk->sk_sndtimeo));
	WRITE_ONCE(csk->sk_rcvlowat, READ_ONCE(sk->sk_rcvlowat));
	return carrier;
}

/* The carrier's error is ours (carrier_error()), so SIGPIPE is ours to decide, too. */
static int tcp_send(struct sock *sk, struct msghdr *msg, size_t len)
{
	struct socket *carrier = tcp_carrier(sk);
	unsigned int flags = msg->msg_flags;
	int ret = sock_error(sk);

	if (ret)
		return ret;
	msg->msg_flags |= MSG_NOSIGNAL;
	ret = carrier->ops->sendmsg(carrier, msg, len);
	msg->msg_flags = flags;
	return ret == -EPIPE ? sk_stream_error(sk, flags, ret) : ret;
}

static int tcp_recv(struct sock *sk, struct msghdr *msg, size_t len, int flags)
{
	struct socket *carrier = tcp_carrier(sk);
	int ret = carrier->ops->recvmsg(carrier, msg, len, flags);

	return ret > 0 ? ret : sock_error(sk) ? : ret;
}

static int send_locked(struct sock *sk, struct msghdr *msg, long timeo)
{
	struct trk_stream *st;
	int err, n, copied = 0;

	sk_clear_bit(SOCKWQ_ASYNC_NOSPACE, sk);
	while (msg_data_left(msg)) {
		err = -EPIPE;
		if (sk->sk_err || sk->sk_shutdown & SEND_SHUTDOWN)
			goto out;
		st = trk_sk(sk)->stream;
		n = sk_stream_memory_free(sk) ? trk_sndq_append(sk, msg, st->cl.in_end) : 0;
		if (n < 0) {
			err = n;
			goto out;
		}
		if (n) {
			st->cl.in_end += n;
			copied += n;
			continue;
		}
		pump(sk, GFP_KERNEL);
		err = sk_stream_wait_memory(sk, &timeo);
		if (err)
			goto out;
	}
	err = 0;
out:
	if (copied && trk_sk(sk)->stream)
		pump(sk, GFP_KERNEL);
	return copied ? : sk_stream_error(sk, msg->msg_flags, err);
}

/**
 * trk_stream_sendmsg - send(2)
 * @sock: Trickles socket
 * @msg: message
 * @len: its length
 *
 * Return: bytes taken, or a negative errno.  May sleep.
 */
int trk_stream_sendmsg(struct socket *sock, struct msghdr *msg, size_t len)
{
	struct sock *sk = sock->sk;
	struct trk_sock *ts = trk_sk(sk);
	long timeo;
	int ret;

	if (trk_is_tcp(sk))
		return tcp_send(sk, msg, len);
	lock_sock(sk);
	timeo = sock_sndtimeo(sk, msg->msg_flags & MSG_DONTWAIT);
	if (msg->msg_flags & MSG_FASTOPEN)
		ret = -EOPNOTSUPP;
	else
		ret = wait_answer(sk, &timeo);
	if (ret)
		goto out;
	if (ts->mode == TRK_MODE_TCP) {
		release_sock(sk);
		return tcp_send(sk, msg, len);
	}
	if (ts->mode == TRK_MODE_NONE)
		ret = sk_stream_error(sk, msg->msg_flags, -EPIPE);
	else if (msg->msg_flags & MSG_OOB)
		ret = -EOPNOTSUPP;
	else
		ret = send_locked(sk, msg, timeo);
out:
	release_sock(sk);
	return ret;
}

/* Nothing to read, and there will be nothing?  Return: true, *ret says what to tell. */
static bool recv_ended(struct sock *sk, long timeo, int *ret)
{
	*ret = sock_error(sk);
	if (*ret)
		return true;
	if (sk->sk_shutdown & RCV_SHUTDOWN)
		return true;
	if (!timeo)
		*ret = -EAGAIN;
	else if (signal_pending(current))
		*ret = sock_intr_errno(timeo);
	return *ret;
}

static int recv_locked(struct sock *sk, struct msghdr *msg, size_t len, int flags, long timeo)
{
	int target = sock_rcvlowat(sk, flags & MSG_WAITALL, len);
	struct trk_stream *st = trk_sk(sk)->stream;
	int n, ret, copied = 0;
	u64 pos = st->read;

	while (copied < len) {
		/* Another reader may have been here while we slept. */
		if (!(flags & MSG_PEEK))
			pos = st->read;
		n = trk_rcvq_read(sk, pos, msg, len - copied, flags);
		if (n < 0)
			return copied ? : n;
		pos += n;
		copied += n;
		if (!(flags & MSG_PEEK)) {
			st->read = pos;
			trk_rcvq_consume(sk, pos);
			if (!st->over && offer_room(sk, window(sk) / 4))
				pump(sk, GFP_KERNEL);
		}
		if (copied >= target)
			break;
		if (!st->cl.want_first && !st->over) {
			st->cl.want_first = true;
			pump(sk, GFP_KERNEL);
		}
		if (copied) {
			if (!timeo || sk->sk_err || sk->sk_shutdown & RCV_SHUTDOWN ||
			    signal_pending(current))
				break;
		} else if (recv_ended(sk, timeo, &ret)) {
			return ret;
		}
		ret = sk_wait_data(sk, &timeo, skb_peek_tail(&sk->sk_receive_queue));
		if (ret < 0)
			return copied ? : ret;
	}
	return copied;
}

/**
 * trk_stream_recvmsg - recv(2)
 * @sock: Trickles socket
 * @msg: where to
 * @len: at most so much
 * @flags: MSG_*
 *
 * Return: bytes, 0 at the end of the stream, or a negative errno.  May sleep.
 */
int trk_stream_recvmsg(struct socket *sock, struct msghdr *msg, size_t len, int flags)
{
	struct sock *sk = sock->sk;
	struct trk_sock *ts = trk_sk(sk);
	int ret, addr_len = 0;
	long timeo;

	if (trk_is_tcp(sk))
		return tcp_recv(sk, msg, len, flags);
	if (flags & MSG_ERRQUEUE) {
		ret = inet_recv_error(sk, msg, len, &addr_len);
		msg->msg_namelen = addr_len;
		return ret;
	}
	lock_sock(sk);
	timeo = sock_rcvtimeo(sk, flags & MSG_DONTWAIT);
	ret = wait_answer(sk, &timeo);
	if (ret)
		goto out;
	if (ts->mode == TRK_MODE_TCP) {
		release_sock(sk);
		return tcp_recv(sk, msg, len, flags);
	}
	if (ts->mode == TRK_MODE_TRICKLES)
		ret = flags & MSG_OOB ? -EINVAL : recv_locked(sk, msg, len, flags, timeo);
	else if (!(ret = sock_error(sk)) && !(sk->sk_shutdown & RCV_SHUTDOWN))
		ret = -ENOTCONN;
out:
	release_sock(sk);
	return ret;
}

/**
 * trk_stream_poll - poll(2), of a socket that is no listener
 * @file: its file
 * @sock: Trickles socket; the caller put itself on its wait queue
 *
 * Without the lock.  Return: events.
 */
__poll_t trk_stream_poll(struct file *file, struct socket *sock)
{
	struct sock *sk = sock->sk;
	struct trk_sock *ts = trk_sk(sk);
	bool tcp = trk_is_tcp(sk);
	__poll_t mask = 0;
	u8 shutdown;
	int state;

	/* The carrier is there before @connecting, and stays. */
	if (!tcp && smp_load_acquire(&ts->connecting)) {
		state = inet_sk_state_load(ts->carrier->sk);
		/* Refused: not before the error is where SO_ERROR looks for it. */
		if (state == TCP_CLOSE && READ_ONCE(sk->sk_err))
			return EPOLLERR | EPOLLHUP | EPOLLRDHUP | EPOLLIN | EPOLLRDNORM |
			       EPOLLOUT | EPOLLWRNORM;
		if (state == TCP_SYN_SENT || state == TCP_SYN_RECV || state == TCP_CLOSE)
			return 0;
		tcp = true;
	}
	if (tcp) {
		mask = ts->carrier->ops->poll(file, ts->carrier, NULL);
		return READ_ONCE(sk->sk_err) ? mask | EPOLLERR : mask;
	}
	state = inet_sk_state_load(sk);
	shutdown = READ_ONCE(sk->sk_shutdown);
	if (shutdown == SHUTDOWN_MASK || state == TCP_CLOSE)
		mask |= EPOLLHUP;
	if (shutdown & RCV_SHUTDOWN)
		mask |= EPOLLIN | EPOLLRDNORM | EPOLLRDHUP;
	if (state != TCP_SYN_SENT) {
		if (READ_ONCE(ts->readable) >= sock_rcvlowat(sk, 0, INT_MAX))
			mask |= EPOLLIN | EPOLLRDNORM;
		if (!(shutdown & SEND_SHUTDOWN) && !sk_stream_is_writeable(sk)) {
			sk_set_bit(SOCKWQ_ASYNC_NOSPACE, sk);
			set_bit(SOCK_NOSPACE, &sock->flags);
			/* Room may have come before the bit was seen: settle() frees, then looks. */
			smp_mb__after_atomic();
		}
		if (shutdown & SEND_SHUTDOWN || sk_stream_is_writeable(sk))
			mask |= EPOLLOUT | EPOLLWRNORM;
	}
	/* Pairs with the order in stream_end(). */
	smp_rmb();
	if (READ_ONCE(sk->sk_err) || !skb_queue_empty_lockless(&sk->sk_error_queue))
		mask |= EPOLLERR;
	return mask;
}

/* ---- shutdown and close ---- */

/**
 * trk_stream_shutdown - shutdown(2)
 * @sock: Trickles socket
 * @how: SHUT_RD, SHUT_WR or SHUT_RDWR
 *
 * Return: 0 or a negative errno.  May sleep.
 */
int trk_stream_shutdown(struct socket *sock, int how)
{
	struct sock *sk = sock->sk;
	struct trk_sock *ts = trk_sk(sk);
	int err = 0, bits = how + 1;

	if (bits & ~SHUTDOWN_MASK || !bits)
		return -EINVAL;
	lock_sock(sk);
	check_carrier(sk);
	if (ts->mode == TRK_MODE_TCP) {
		release_sock(sk);
		return kernel_sock_shutdown(ts->carrier, how);
	}
	if (sk->sk_state == TCP_LISTEN) {
		err = -EOPNOTSUPP;
	} else if (sk->sk_state == TCP_CLOSE) {
		err = -ENOTCONN;
	} else if (ts->connecting) {
		err = disconnect(sk);
		sock->state = SS_UNCONNECTED;
	} else {
		WRITE_ONCE(sk->sk_shutdown, sk->sk_shutdown | bits);
		if (bits & SEND_SHUTDOWN) {
			ts->stream->cl.in_fin = true;
			pump(sk, GFP_KERNEL);
		}
		sk->sk_state_change(sk);
	}
	release_sock(sk);
	return err;
}

/* Has the server consumed all that was written before close()? */
static bool input_left(struct sock *sk)
{
	const struct trk_stream *st = trk_sk(sk)->stream;

	return !st->over && !trk_client_input_done(&st->cl);
}

static void linger(struct sock *sk)
{
	DEFINE_WAIT_FUNC(wait, woken_wake_function);
	long timeo = sk->sk_lingertime;

	trk_sk(sk)->stream->lingering = true;
	add_wait_queue(sk_sleep(sk), &wait);
	while (timeo && input_left(sk) && !signal_pending(current))
		sk_wait_event(sk, &timeo, !input_left(sk), &wait);
	remove_wait_queue(sk_sleep(sk), &wait);
}

/* Return: true if the connection must outlive its socket. */
static bool close_stream(struct sock *sk)
{
	struct trk_stream *st = trk_sk(sk)->stream;
	bool abort = sock_flag(sk, SOCK_LINGER) && !sk->sk_lingertime;

	WRITE_ONCE(sk->sk_shutdown, SHUTDOWN_MASK);
	if (!abort && input_left(sk)) {
		st->cl.in_fin = true;
		pump(sk, GFP_KERNEL);
		if (sock_flag(sk, SOCK_LINGER) && !(current->flags & PF_EXITING))
			linger(sk);
		if (input_left(sk))
			return true;
	}
	if (!st->over)
		say_goodbye(sk);
	return false;
}

/**
 * trk_stream_release - close(2)
 * @sock: Trickles socket, listener or client
 *
 * Unread output does not matter to the server.  Input that it has not consumed
 * keeps the connection alive without a socket.
 *
 * Return: 0.  May sleep.
 */
int trk_stream_release(struct socket *sock)
{
	struct sock *sk = sock->sk;
	struct trk_stream *st;
	bool orphan = false;

	if (!sk)
		return 0;
	lock_sock(sk);
	trk_listener_stop(sk);
	check_carrier(sk);
	if (trk_sk(sk)->mode == TRK_MODE_TRICKLES)
		orphan = close_stream(sk);
	sock_orphan(sk);
	sock->sk = NULL;
	if (!orphan) {
		dispose(sk);
		return 0;
	}
	st = trk_sk(sk)->stream;
	st->orphan_us = now_us() + ORPHAN_US;
	st->read = st->cl.rcv_nxt;
	trk_rcvq_consume(sk, st->read);
	pump(sk, GFP_KERNEL);
	release_sock(sk);
	return 0;
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

	check_carrier(sk);
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
