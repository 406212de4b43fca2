// SPDX-License-Identifier: GPL-2.0
/*
 * Options of a Trickles socket: our own, and those of TCP and IP that hold for a connection
 * whether Trickles carries it, or, after a fallback, TCP.
 */
#include <linux/tcp.h>
#include <net/ip.h>
#include <net/tcp.h>

#include "carrier.h"
#include "core/wire.h"
#include "listener.h"
#include "output.h"
#include "sock.h"
#include "sockopt.h"
#include "stream.h"

/* Options of TCP that make sense, or do no harm, on a connection that may become TCP. */
static bool tcp_option(int optname)
{
	switch (optname) {
	case TCP_NODELAY:
	case TCP_MAXSEG:
	case TCP_CORK:
	case TCP_KEEPIDLE:
	case TCP_KEEPINTVL:
	case TCP_KEEPCNT:
	case TCP_SYNCNT:
	case TCP_LINGER2:
	case TCP_DEFER_ACCEPT:
	case TCP_WINDOW_CLAMP:
	case TCP_INFO:
	case TCP_QUICKACK:
	case TCP_CONGESTION:
	case TCP_THIN_LINEAR_TIMEOUTS:
	case TCP_THIN_DUPACK:
	case TCP_USER_TIMEOUT:
	case TCP_NOTSENT_LOWAT:
	case TCP_CC_INFO:
	case TCP_INQ:
	case TCP_TX_DELAY:
		return true;
	default:
		return false;
	}
}

/* Options of IP that hold for both; others would leave state that only TCP or UDP cleans up. */
static bool ip_option(int optname)
{
	switch (optname) {
	case IP_TOS:
	case IP_TTL:
	case IP_MTU_DISCOVER:
	case IP_MTU:
	case IP_RECVERR:
	case IP_FREEBIND:
	case IP_TRANSPARENT:
	case IP_BIND_ADDRESS_NO_PORT:
		return true;
	default:
		return false;
	}
}

/* The carrier, which is made if need be, since it keeps the options of TCP and IP. */
static struct socket *carrier_for_option(struct sock *sk)
{
	int err;

	lock_sock(sk);
	err = trk_carrier_make(sk);
	release_sock(sk);
	return err ? ERR_PTR(err) : trk_sk(sk)->carrier;
}

/*
 * Copies an option of @len bytes, as the UAPI header says under "How this interface grows": what a
 * shorter struct lacks is 0, and what a longer one has more must be 0.
 */
static int take_option(void *to, size_t size, sockptr_t from, unsigned int len)
{
	unsigned int at, n;
	u8 more[64];

	memset(to, 0, size);
	if (copy_from_sockptr(to, from, min_t(size_t, len, size)))
		return -EFAULT;
	if (len > PAGE_SIZE)
		return -E2BIG;
	for (at = size; at < len; at += n) {
		n = min_t(size_t, len - at, sizeof(more));
		if (copy_from_sockptr_offset(more, from, at, n))
			return -EFAULT;
		if (memchr_inv(more, 0, n))
			return -E2BIG;
	}
	return 0;
}

static int set_queue(struct sock *sk, sockptr_t optval, unsigned int optlen)
{
	struct trk_queue_info info;
	int err = take_option(&info, sizeof(info), optval, optlen);

	if (err)
		return err;
	lock_sock(sk);
	err = trk_listener_set_queue(sk, &info);
	release_sock(sk);
	return err;
}

static int set_owner(struct sock *sk, sockptr_t optval, unsigned int optlen)
{
	u8 secret[TRK_OWNER_MAX];
	int err;

	if (optlen < TRK_OWNER_MIN || optlen > TRK_OWNER_MAX)
		return -EINVAL;
	err = copy_from_sockptr(secret, optval, optlen) ? -EFAULT : 0;
	if (!err) {
		lock_sock(sk);
		err = trk_listener_set_owner(sk, secret, optlen);
		release_sock(sk);
	}
	memzero_explicit(secret, sizeof(secret));
	return err;
}

static int set_own(struct sock *sk, int optname, sockptr_t optval, unsigned int optlen)
{
	switch (optname) {
	case TRK_QUEUE:
		return set_queue(sk, optval, optlen);
	case TRK_OWNER:
		return set_owner(sk, optval, optlen);
	default:
		return -ENOPROTOOPT;
	}
}

/**
 * trk_sockopt_set - setsockopt(2)
 * @sock: Trickles socket
 * @level: SOL_TRICKLES, SOL_TCP or SOL_IP
 * @optname: TRK_*, TCP_* or IP_*
 * @optval: value
 * @optlen: its length
 *
 * Options of TCP and IP are kept by the carrier, those of IP by our socket as well.
 *
 * Context: process; may sleep.
 * Return: 0 or a negative errno; -ENOPROTOOPT if there is no such option.
 */
int trk_sockopt_set(struct socket *sock, int level, int optname, sockptr_t optval,
		    unsigned int optlen)
{
	struct sock *sk = sock->sk;
	struct socket *carrier;
	int err;

	switch (level) {
	case SOL_TRICKLES:
		return set_own(sk, optname, optval, optlen);
	case SOL_IP:
		if (!ip_option(optname))
			return -ENOPROTOOPT;
		break;
	case SOL_TCP:
		if (!tcp_option(optname))
			return -ENOPROTOOPT;
		break;
	default:
		return -ENOPROTOOPT;
	}
	carrier = carrier_for_option(sk);
	if (IS_ERR(carrier))
		return PTR_ERR(carrier);
	err = carrier->ops->setsockopt(carrier, level, optname, optval, optlen);
	if (err || level != SOL_IP)
		return err;
	err = ip_setsockopt(sk, level, optname, optval, optlen);
	if (optname == IP_MTU_DISCOVER && sk->sk_state == TCP_LISTEN)
		trk_output_distrust(sk);
	return err;
}

/* As getsockopt(2): a caller with less room gets less, and learns how much. */
static int put_option(const void *value, int size, char __user *optval, int __user *optlen)
{
	int len;

	if (get_user(len, optlen))
		return -EFAULT;
	if (len < 0)
		return -EINVAL;
	len = min(len, size);
	if (put_user(len, optlen) || copy_to_user(optval, value, len))
		return -EFAULT;
	return 0;
}

static int get_info(struct sock *sk, char __user *optval, int __user *optlen)
{
	struct trk_info info;

	lock_sock(sk);
	trk_stream_info(sk, &info);
	release_sock(sk);
	return put_option(&info, sizeof(info), optval, optlen);
}

static int get_queue(struct sock *sk, char __user *optval, int __user *optlen)
{
	struct trk_queue_info info;

	lock_sock(sk);
	trk_listener_info(sk, &info);
	release_sock(sk);
	return put_option(&info, sizeof(info), optval, optlen);
}

/* TCP's view of a Trickles connection, as far as there is one. */
static int get_tcp_info(struct sock *sk, char __user *optval, int __user *optlen)
{
	struct trk_info info;
	struct tcp_info tcp;

	memset(&tcp, 0, sizeof(tcp));
	lock_sock(sk);
	tcp.tcpi_state = sk->sk_state;
	trk_stream_info(sk, &info);
	release_sock(sk);
	tcp.tcpi_rto = info.rto_us;
	tcp.tcpi_rtt = info.rtt_us;
	tcp.tcpi_snd_mss = info.seg_size;
	tcp.tcpi_rcv_mss = info.seg_size;
	tcp.tcpi_snd_cwnd = info.cwnd;
	tcp.tcpi_bytes_acked = info.bytes_consumed;
	tcp.tcpi_bytes_received = info.bytes_received;
	tcp.tcpi_segs_out = info.requests;
	tcp.tcpi_segs_in = info.responses;
	return put_option(&tcp, sizeof(tcp), optval, optlen);
}

static int get_own(struct sock *sk, int optname, char __user *optval, int __user *optlen)
{
	static const struct trk_caps caps = {
		.features = TRK_CAP_OWNER | TRK_CAP_EVENT_SIZE | TRK_CAP_CLOSE,
		.version_min = TRK_VERSION_MIN,
		.version_max = TRK_VERSION,
		.queue_version = TRK_QUEUE_VERSION,
		.queue_info_len = sizeof(struct trk_queue_info),
		.event_len = sizeof(struct trk_event),
		.ops_len = sizeof(struct trk_ops),
		.op_len = sizeof(struct trk_op),
		.info_len = sizeof(struct trk_info),
	};

	switch (optname) {
	case TRK_QUEUE:
		return get_queue(sk, optval, optlen);
	case TRK_INFO:
		return get_info(sk, optval, optlen);
	case TRK_CAPS:
		return put_option(&caps, sizeof(caps), optval, optlen);
	default:
		return -ENOPROTOOPT;
	}
}

/**
 * trk_sockopt_get - getsockopt(2)
 * @sock: Trickles socket
 * @level: SOL_TRICKLES, SOL_TCP or SOL_IP
 * @optname: TRK_*, TCP_* or IP_*
 * @optval: value
 * @optlen: room for the value; set to the bytes that were written
 *
 * Context: process; may sleep.
 * Return: 0 or a negative errno; -ENOPROTOOPT if there is no such option.
 */
int trk_sockopt_get(struct socket *sock, int level, int optname, char __user *optval,
		    int __user *optlen)
{
	struct sock *sk = sock->sk;
	struct socket *carrier;

	switch (level) {
	case SOL_TRICKLES:
		return get_own(sk, optname, optval, optlen);
	case SOL_IP:
		if (!ip_option(optname))
			return -ENOPROTOOPT;
		if (!trk_sock_is_tcp(sk))
			return ip_getsockopt(sk, level, optname, optval, optlen);
		break;
	case SOL_TCP:
		if (!tcp_option(optname))
			return -ENOPROTOOPT;
		if (optname == TCP_INFO && READ_ONCE(trk_sk(sk)->mode) == TRK_MODE_TRICKLES)
			return get_tcp_info(sk, optval, optlen);
		break;
	default:
		return -ENOPROTOOPT;
	}
	carrier = carrier_for_option(sk);
	if (IS_ERR(carrier))
		return PTR_ERR(carrier);
	return carrier->ops->getsockopt(carrier, level, optname, optval, optlen);
}
