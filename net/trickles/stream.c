// SPDX-License-Identifier: GPL-2.0
/*
 * What drives a client's connection: its timer, its carrier, the application.  The
 * protocol is in core/client.c, the calls of the application in calls.c.
 */
#include <linux/workqueue.h>
#include <net/tcp.h>

#include "carrier.h"
#include "core/client.h"
#include "core/timer.h"
#include "mib.h"
#include "netns.h"
#include "rcvq.h"
#include "sndq.h"
#include "sock.h"
#include "stream.h"
#include "stream_out.h"
#include "stream_state.h"

/* After close() input is given up when the server has consumed none for as long as TIME_WAIT. */
#define ORPHAN_US	(60 * USEC_PER_SEC)		/* without progress */
#define ORPHAN_MAX_US	(600 * USEC_PER_SEC)		/* with any: the server must not decide */
/* A ring of more bytes is allocated only where sleeping is allowed. */
#define RING_ATOMIC	65536

static struct workqueue_struct *reaper;

static u32 stream_random(void *arg)
{
	return get_random_u32();
}

static void reap_work(struct work_struct *work);

/**
 * trk_stream_begin - give a socket a stream
 * @sk: Trickles socket, locked, without one
 *
 * Context: may sleep.
 * Return: 0 or -ENOMEM.
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
	st->share = TRK_SHARE_ONE / 2;
	st->orphan_us = U64_MAX;
	INIT_WORK(&st->reap, reap_work);
	trk_client_init(&st->cl, st->ring, TRK_RING_MIN, stream_random, NULL);
	st->cl.redundant = READ_ONCE(trk_net(sock_net(sk))->sysctl_redundant_requests);
	trk_sk(sk)->stream = st;
	return 0;
}

/**
 * trk_stream_free - free the stream of a socket, with all data
 * @sk: Trickles socket, locked
 *
 * Context: does not sleep.
 */
void trk_stream_free(struct sock *sk)
{
	struct trk_stream *st = trk_sk(sk)->stream;

	if (!st)
		return;
	if (st->orphan_us != U64_MAX)
		atomic_dec(&trk_net(sock_net(sk))->orphans);
	trk_sk(sk)->stream = NULL;
	trk_rcvq_purge(sk, &st->ooo);
	trk_sndq_free(sk, U64_MAX);
	kvfree(st->ring);
	kvfree(st);
}

/**
 * trk_stream_dispose - free a socket with its carrier and its stream
 * @sk: Trickles socket, locked, that no file has any more; gone afterwards
 *
 * Context: may sleep.
 */
void trk_stream_dispose(struct sock *sk)
{
	struct trk_sock *ts = trk_sk(sk);

	trk_carrier_release(sk);
	trk_stream_free(sk);
	/* No callback of the carrier runs now, and a timer that one has started does nothing. */
	WRITE_ONCE(ts->connecting, false);
	WRITE_ONCE(ts->mode, TRK_MODE_NONE);
	ts->timer_due = false;
	sk_stop_timer(sk, &sk->sk_timer);
	trk_sock_set_state(sk, TCP_CLOSE);
	release_sock(sk);
	sk_common_release(sk);
}

static void reap_work(struct work_struct *work)
{
	struct sock *sk = container_of(work, struct trk_stream, reap)->sk;

	lock_sock(sk);
	trk_stream_dispose(sk);
}

/* Ends the connection.  What has arrived can still be read. */
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
	/* Who sees the end shall see why: trk_calls_poll(). */
	smp_wmb();
	WRITE_ONCE(sk->sk_shutdown, SHUTDOWN_MASK);
	trk_sock_set_state(sk, TCP_CLOSE);
	sk_error_report(sk);
	sk->sk_state_change(sk);
}

/* By how much a statistic has grown since the last call. */
static u64 since(u64 now, u64 *seen)
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

	TRK_ADD(tn, REQ_SENT, since(cl->stat.requests, &seen->requests));
	TRK_ADD(tn, RESP_RCVD, since(cl->stat.responses, &seen->responses));
	TRK_ADD(tn, TIMEOUTS, since(cl->stat.timeouts, &seen->timeouts));
	TRK_ADD(tn, REPEATED, since(cl->stat.repeated, &seen->repeated));
	TRK_ADD(tn, PROBES, since(cl->stat.probes, &seen->probes));
	TRK_ADD(tn, LOST, since(cl->stat.lost, &seen->lost));
	TRK_ADD(tn, RETRANS, since(cl->stat.rcv_retrans, &seen->retrans));
	TRK_ADD(tn, RESEALED, since(cl->stat.resealed, &seen->resealed));
	TRK_ADD(tn, NARROWED, since(cl->stat.narrowed, &seen->narrowed));
}

static void grow_ring(struct trk_net *tn, struct trk_stream *st, gfp_t gfp)
{
	struct trk_client *cl = &st->cl;
	struct trk_entry *ring;
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

/* The receive window: only a share of the buffer is for data, the rest is overhead of skbs. */
static u64 window(const struct sock *sk)
{
	return (u64)READ_ONCE(sk->sk_rcvbuf) * trk_sk(sk)->stream->share / TRK_SHARE_ONE;
}

/* Moves the end of the receive window up, unless it would be by less than @step bytes. */
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
		trk_sock_set_timer(sk, jiffies + wait);
	/* If the carrier is closed, its callback has started the timer; we may have changed it. */
	if (inet_sk_state_load(trk_sk(sk)->carrier->sk) == TCP_CLOSE)
		trk_sock_set_timer(sk, jiffies);
}

/* What follows from the new state of the client: for counters, queues, sleepers and the timer. */
static void settle_stream(struct sock *sk, u64 now)
{
	struct trk_stream *st = trk_sk(sk)->stream;
	struct trk_client *cl = &st->cl;

	count(sk);
	if (trk_sndq_free(sk, cl->snd_una)) {
		if (st->orphan_us != U64_MAX)
			st->orphan_us = min(now + ORPHAN_US, st->orphan_end_us);
		/* What is free is seen by who has set SOCK_NOSPACE: see trk_calls_poll(). */
		smp_mb();
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
			trk_stream_out_goodbye(sk);
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
 * Afterwards the connection may have ended (@over), but the stream was not freed.
 */
void trk_stream_pump(struct sock *sk, gfp_t gfp)
{
	struct trk_stream *st = trk_sk(sk)->stream;
	struct trk_client *cl = &st->cl;
	u64 now = trk_stream_now_us();

	if (st->over)
		return;
	grow_ring(trk_net(sock_net(sk)), st, gfp);
	offer_room(sk, min_t(u64, window(sk) / 4, 2 * cl->seg_size));
	if (cl->state != TRK_CL_DEAD)
		while (trk_client_pump(cl, now, &st->out))
			trk_stream_out_send(sk, &st->out);
	WRITE_ONCE(trk_sk(sk)->full, cl->rcv_limit < cl->rcv_nxt + cl->seg_size);
	settle_stream(sk, now);
}

/**
 * trk_stream_room - the application has read
 * @sk: Trickles socket, locked, with a stream of Trickles
 *
 * A request only to offer more room is sent when the receive window can move by a quarter.
 *
 * Context: may sleep.
 */
void trk_stream_room(struct sock *sk)
{
	struct trk_stream *st = trk_sk(sk)->stream;

	if (st->over)
		return;
	/* A large ring cannot be allocated in softirq, where packets arrive. */
	grow_ring(trk_net(sock_net(sk)), st, GFP_KERNEL);
	if (offer_room(sk, window(sk) / 4))
		trk_stream_pump(sk, GFP_KERNEL);
}

/**
 * trk_stream_check - act on what has become of the carrier
 * @sk: Trickles socket, locked
 *
 * The carrier may have been refused, or have connected as TCP, or somebody may have closed the one
 * of a Trickles connection (ss -K).  Its callbacks cannot take our lock, so they only start the
 * timer.
 *
 * Context: does not sleep.
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
			trk_sock_set_state(sk, TCP_CLOSE);
		} else {
			TRK_INC(tn, FALLBACKS);
			/* Pairs with trk_sock_is_tcp(). */
			smp_store_release(&ts->mode, TRK_MODE_TCP);
			trk_sock_set_state(sk, TCP_ESTABLISHED);
		}
		WRITE_ONCE(ts->connecting, false);
		sk->sk_state_change(sk);
	} else if (state == TCP_CLOSE && !ts->stream->over) {
		trk_stream_out_goodbye(sk);
		stream_end(sk, READ_ONCE(sk->sk_err) ? : ECONNABORTED);
	}
}

/**
 * trk_stream_orphan - the socket is closed, but input is left
 * @sk: Trickles socket, locked
 *
 * The stream frees the socket when the server has consumed all of it, or has consumed nothing for
 * ORPHAN_US, or after ORPHAN_MAX_US in any case.  As with TCP there may be only so many of them,
 * and none while memory for sockets is short (tcp_mem).
 *
 * Context: may sleep.
 * Return: false if this one may not go on: the input is lost.
 */
bool trk_stream_orphan(struct sock *sk)
{
	struct trk_net *tn = trk_net(sock_net(sk));
	struct trk_stream *st = trk_sk(sk)->stream;
	u64 now = trk_stream_now_us();

	if (atomic_inc_return(&tn->orphans) > READ_ONCE(tn->sysctl_max_orphans) ||
	    tcp_out_of_memory(sk)) {
		atomic_dec(&tn->orphans);
		TRK_INC(tn, ORPHANS_LOST);
		return false;
	}
	st->orphan_us = now + ORPHAN_US;
	st->orphan_end_us = now + ORPHAN_MAX_US;
	st->read = st->cl.rcv_nxt;
	trk_rcvq_consume(sk, st->read);
	return true;
}

static void on_timer(struct sock *sk)
{
	struct trk_sock *ts = trk_sk(sk);
	struct trk_stream *st;
	u64 now = trk_stream_now_us();

	trk_stream_check(sk);
	st = ts->stream;
	if (!st || st->over || ts->mode != TRK_MODE_TRICKLES)
		return;
	if (st->orphan_us != U64_MAX && (now >= st->orphan_us || tcp_out_of_memory(sk))) {
		TRK_INC(trk_net(sock_net(sk)), ORPHANS_LOST);
		trk_stream_out_goodbye(sk);
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
 * trk_stream_release_cb - do what the timer could not while a process owned the socket
 * @sk: Trickles socket, spin lock held
 */
void trk_stream_release_cb(struct sock *sk)
{
	if (!trk_sk(sk)->timer_due)
		return;
	trk_sk(sk)->timer_due = false;
	on_timer(sk);
}

/**
 * trk_stream_unsent - for SIOCOUTQ
 * @sk: Trickles socket
 *
 * Context: may sleep.
 * Return: bytes of input that the server has not consumed.
 */
int trk_stream_unsent(struct sock *sk)
{
	const struct trk_stream *st;
	int n = 0;

	lock_sock(sk);
	st = trk_sk(sk)->stream;
	if (st && !st->over)
		n = st->cl.snd_end - st->cl.snd_una;
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
	info->seg_size = cl->seg_size;
	info->version = TRK_VERSION;
	info->requests = cl->stat.requests;
	info->responses = cl->stat.responses;
	info->bytes_received = cl->rcv_nxt;
	info->bytes_consumed = cl->snd_una;
	info->retrans_received = cl->stat.rcv_retrans;
	info->retrans_sent = cl->stat.snd_retrans;
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
