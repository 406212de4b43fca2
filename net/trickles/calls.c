// SPDX-License-Identifier: GPL-2.0
/*
 * What an application does with a client's socket: connect, send, receive,
 * poll, shutdown, close.  After a fallback the carrier does it.
 */
#include <net/inet_common.h>

#include "calls.h"
#include "carrier.h"
#include "core/client.h"
#include "listener.h"
#include "rcvq.h"
#include "sndq.h"
#include "sock.h"
#include "stream.h"
#include "stream_out.h"
#include "stream_state.h"
#include "wake.h"

static int disconnect(struct sock *sk)
{
	struct trk_sock *ts = trk_sk(sk);
	int err = 0;

	/* A listener's queue may be mapped, so it lives as long as the file. */
	if (sk->sk_state == TCP_LISTEN)
		return -EOPNOTSUPP;
	sk->sk_disconnects++;
	if (ts->mode == TRK_MODE_TRICKLES && !ts->stream->over)
		trk_stream_out_goodbye(sk);
	sk_stop_timer(sk, &sk->sk_timer);
	trk_stream_free(sk);
	WRITE_ONCE(ts->mode, TRK_MODE_NONE);
	WRITE_ONCE(ts->connecting, false);
	if (ts->carrier)
		err = trk_carrier_disconnect(sk);
	__sk_dst_reset(sk);
	WRITE_ONCE(sk->sk_shutdown, 0);
	sock_error(sk);
	trk_sock_set_state(sk, TCP_CLOSE);
	sk->sk_state_change(sk);
	return err;
}

/* Waits for the answer to our SYN.  Return: 0, or the errno if the wait ended without one. */
static int wait_answer(struct sock *sk, long *timeo)
{
	DEFINE_WAIT_FUNC(wait, woken_wake_function);
	struct trk_sock *ts = trk_sk(sk);
	int err = 0;

	add_wait_queue(sk_sleep(sk), &wait);
	trk_stream_check(sk);
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
		trk_stream_check(sk);
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
	err = trk_stream_begin(sk);
	if (err)
		return err;
	WRITE_ONCE(sk->sk_shutdown, 0);
	ts->stream->syn_us = trk_stream_now_us();
	/* An answer that comes before trk_carrier_connect() returns waits in the backlog. */
	trk_sock_set_state(sk, TCP_SYN_SENT);
	err = trk_carrier_connect(sk, addr, len);
	if (err) {
		trk_sock_set_state(sk, TCP_CLOSE);
		trk_stream_free(sk);
		return err;
	}
	/* Pairs with trk_calls_poll(). */
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
		/* As in TCP, even if the answer has come already: poll() will tell. */
		if (flags & O_NONBLOCK)
			return err;
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
 * trk_calls_connect - connect(2)
 * @sock: Trickles socket
 * @addr: peer; AF_UNSPEC: end the connection, so that the socket can be used anew
 * @len: its length
 * @flags: O_NONBLOCK
 *
 * Context: may sleep.
 * Return: 0 or a negative errno, the same as of TCP.
 */
int trk_calls_connect(struct socket *sock, struct sockaddr *addr, int len, int flags)
{
	int err;

	lock_sock(sock->sk);
	err = connect_locked(sock, addr, len, flags);
	release_sock(sock->sk);
	return err;
}

/* ---- send and receive ---- */

/*
 * The carrier after a fallback.  It gets the options of our socket that TCP reads at every call,
 * since they may have been set at any time.
 */
static struct socket *tcp_carrier(struct sock *sk)
{
	struct socket *carrier = trk_sk(sk)->carrier;
	struct sock *csk = carrier->sk;

	WRITE_ONCE(csk->sk_priority, READ_ONCE(sk->sk_priority));
	WRITE_ONCE(csk->sk_mark, READ_ONCE(sk->sk_mark));
	WRITE_ONCE(csk->sk_rcvtimeo, READ_ONCE(sk->sk_rcvtimeo));
	WRITE_ONCE(csk->sk_sndtimeo, READ_ONCE(sk->sk_sndtimeo));
	WRITE_ONCE(csk->sk_rcvlowat, READ_ONCE(sk->sk_rcvlowat));
	return carrier;
}

/*
 * carrier_error() moves the carrier's errors to our socket.  So we report them, and after EPIPE it
 * is we who send SIGPIPE or not.
 */
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
		n = sk_stream_memory_free(sk) ? trk_sndq_append(sk, msg, st->cl.snd_end) : 0;
		if (n < 0) {
			err = n;
			goto out;
		}
		if (n) {
			st->cl.snd_end += n;
			copied += n;
			continue;
		}
		trk_stream_pump(sk, GFP_KERNEL);
		err = sk_stream_wait_memory(sk, &timeo);
		if (err)
			goto out;
	}
	err = 0;
out:
	if (copied && trk_sk(sk)->stream)
		trk_stream_pump(sk, GFP_KERNEL);
	return copied ? : sk_stream_error(sk, msg->msg_flags, err);
}

/**
 * trk_calls_sendmsg - send(2)
 * @sock: Trickles socket
 * @msg: message
 * @len: its length
 *
 * Context: may sleep.
 * Return: bytes that went into the send queue, or a negative errno.
 */
int trk_calls_sendmsg(struct socket *sock, struct msghdr *msg, size_t len)
{
	struct sock *sk = sock->sk;
	struct trk_sock *ts = trk_sk(sk);
	long timeo;
	int ret;

	if (trk_sock_is_tcp(sk))
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

/* Must recv() return although there is nothing to read?  Then *ret is what it returns. */
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
			trk_stream_room(sk);
		}
		if (copied >= target)
			break;
		if (!st->cl.want_first && !st->over) {
			st->cl.want_first = true;
			trk_stream_pump(sk, GFP_KERNEL);
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
 * trk_calls_recvmsg - recv(2)
 * @sock: Trickles socket
 * @msg: where the data goes
 * @len: at most so many bytes
 * @flags: MSG_*
 *
 * Context: may sleep.
 * Return: bytes received, 0 at the end of the stream, or a negative errno.
 */
int trk_calls_recvmsg(struct socket *sock, struct msghdr *msg, size_t len, int flags)
{
	struct sock *sk = sock->sk;
	struct trk_sock *ts = trk_sk(sk);
	int ret, addr_len = 0;
	long timeo;

	if (trk_sock_is_tcp(sk))
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
	if (ts->mode == TRK_MODE_TRICKLES) {
		ret = flags & MSG_OOB ? -EINVAL : recv_locked(sk, msg, len, flags, timeo);
	} else {
		ret = sock_error(sk);
		if (!ret && !(sk->sk_shutdown & RCV_SHUTDOWN))
			ret = -ENOTCONN;
	}
out:
	release_sock(sk);
	return ret;
}

/**
 * trk_calls_poll - poll(2), of a socket that is no listener
 * @file: its file
 * @sock: Trickles socket; the caller has called sock_poll_wait()
 *
 * Context: process; the socket is not locked.
 * Return: EPOLL* events.
 */
__poll_t trk_calls_poll(struct file *file, struct socket *sock)
{
	struct sock *sk = sock->sk;
	struct trk_sock *ts = trk_sk(sk);
	bool tcp = trk_sock_is_tcp(sk);
	__poll_t mask = 0;
	u8 shutdown;
	int state;

	/* Pairs with start(): who sees @connecting sees the carrier, which stays until close(). */
	if (!tcp && smp_load_acquire(&ts->connecting)) {
		state = inet_sk_state_load(ts->carrier->sk);
		/* A refusal is told only when carrier_error() has stored it for SO_ERROR. */
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
		if (trk_sock_readable(sk))
			mask |= EPOLLIN | EPOLLRDNORM;
		if (!(shutdown & SEND_SHUTDOWN) && !sk_stream_is_writeable(sk)) {
			sk_set_bit(SOCKWQ_ASYNC_NOSPACE, sk);
			set_bit(SOCK_NOSPACE, &sock->flags);
			/*
			 * settle_stream() frees, then looks at SOCK_NOSPACE.  If it did so before
			 * the bit was set, the room is seen below.
			 */
			smp_mb__after_atomic();
		}
		if (shutdown & SEND_SHUTDOWN || sk_stream_is_writeable(sk))
			mask |= EPOLLOUT | EPOLLWRNORM;
	}
	/* Pairs with stream_end(), which stores the error first: who sees the end sees why. */
	smp_rmb();
	if (READ_ONCE(sk->sk_err) || !skb_queue_empty_lockless(&sk->sk_error_queue))
		mask |= EPOLLERR;
	return mask;
}

/* ---- shutdown and close ---- */

/* Is there input that the server has not consumed, and still may consume? */
static bool input_left(struct sock *sk)
{
	const struct trk_stream *st = trk_sk(sk)->stream;

	return !st->over && !trk_client_input_done(&st->cl);
}

/**
 * trk_calls_shutdown - shutdown(2)
 * @sock: Trickles socket
 * @how: SHUT_RD, SHUT_WR or SHUT_RDWR
 *
 * Context: may sleep.
 * Return: 0 or a negative errno.
 */
int trk_calls_shutdown(struct socket *sock, int how)
{
	struct sock *sk = sock->sk;
	struct trk_sock *ts = trk_sk(sk);
	int err = 0, bits = how + 1;

	if (bits & ~SHUTDOWN_MASK || !bits)
		return -EINVAL;
	lock_sock(sk);
	trk_stream_check(sk);
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
	} else if (sk->sk_shutdown == SHUTDOWN_MASK && !input_left(sk)) {
		/* Both directions have ended. */
		err = -ENOTCONN;
	} else {
		WRITE_ONCE(sk->sk_shutdown, sk->sk_shutdown | bits);
		if (bits & SEND_SHUTDOWN) {
			ts->stream->cl.snd_fin = true;
			trk_stream_pump(sk, GFP_KERNEL);
		}
		sk->sk_state_change(sk);
	}
	release_sock(sk);
	return err;
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

/* Return: true if the connection has to go on without an application, for its input. */
static bool close_stream(struct sock *sk)
{
	struct trk_stream *st = trk_sk(sk)->stream;
	bool abort = sock_flag(sk, SOCK_LINGER) && !sk->sk_lingertime;

	WRITE_ONCE(sk->sk_shutdown, SHUTDOWN_MASK);
	if (!abort && input_left(sk)) {
		st->cl.snd_fin = true;
		trk_stream_pump(sk, GFP_KERNEL);
		if (sock_flag(sk, SOCK_LINGER) && !(current->flags & PF_EXITING))
			linger(sk);
		if (input_left(sk) && trk_stream_orphan(sk))
			return true;
	}
	if (!st->over)
		trk_stream_out_goodbye(sk);
	return false;
}

/**
 * trk_calls_release - close(2)
 * @sock: Trickles socket, listener or client
 *
 * Output that was not read is dropped, and the server need not know.  While there is input that it
 * has not consumed, the connection goes on without an application (trk_stream_orphan()).
 *
 * Context: may sleep.
 * Return: 0.
 */
int trk_calls_release(struct socket *sock)
{
	struct sock *sk = sock->sk;
	struct trk_listener *l;
	bool orphan = false;

	if (!sk)
		return 0;
	lock_sock(sk);
	l = trk_listener_stop(sk);
	trk_stream_check(sk);
	if (trk_sk(sk)->mode == TRK_MODE_TRICKLES)
		orphan = close_stream(sk);
	sock_orphan(sk);
	sock->sk = NULL;
	if (orphan) {
		trk_wake_orphan(trk_sk(sk)->carrier);
		trk_stream_pump(sk, GFP_KERNEL);
		release_sock(sk);
	} else {
		trk_stream_dispose(sk);
	}
	trk_listener_free(l);
	return 0;
}
