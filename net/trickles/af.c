// SPDX-License-Identifier: GPL-2.0
/*
 * socket(AF_INET, SOCK_STREAM, IPPROTO_TRICKLES): registration, and the calls
 * that listener and client share.
 */
#include <linux/module.h>
#include <linux/sockios.h>
#include <asm/ioctls.h>
#include <net/inet_common.h>
#include <net/protocol.h>
#include <net/tcp.h>

#include "af.h"
#include "calls.h"
#include "carrier.h"
#include "hook.h"
#include "listener.h"
#include "netns.h"
#include "sock.h"
#include "sockopt.h"
#include "stream.h"
#include "stream_in.h"

static struct percpu_counter sockets_allocated;
static struct lock_class_key slock_key, lock_key;

static int trk_init_sock(struct sock *sk)
{
	struct net *net = sock_net(sk);

	/* A lock class of our own: the carrier's lock, which is of TCP's class, is taken inside. */
	sock_lock_init_class_and_name(sk, "slock-AF_INET-TRICKLES", &slock_key,
				      "sk_lock-AF_INET-TRICKLES", &lock_key);
	sock_set_flag(sk, SOCK_RCU_FREE);
	/* Writers wait for room in the send queue, not for packets to leave the device. */
	sock_set_flag(sk, SOCK_USE_WRITE_QUEUE);
	WRITE_ONCE(sk->sk_sndbuf, READ_ONCE(net->ipv4.sysctl_tcp_wmem[1]));
	WRITE_ONCE(sk->sk_rcvbuf, READ_ONCE(net->ipv4.sysctl_tcp_rmem[1]));
	sk_sockets_allocated_inc(sk);
	sock_prot_inuse_add(net, sk->sk_prot, 1);
	trk_stream_setup(sk);
	return 0;
}

static void trk_destroy_sock(struct sock *sk)
{
	sk_sockets_allocated_dec(sk);
	sock_prot_inuse_add(sock_net(sk), sk->sk_prot, -1);
}

/* Nothing to do: TCP's table has the carrier, and trk_carrier_owner() leads from it to us. */
static void trk_unhash(struct sock *sk)
{
}

static void trk_keepalive(struct sock *sk, int on)
{
	struct socket *carrier = trk_sk(sk)->carrier;
	struct sock *csk;

	if (!carrier)
		return;
	csk = carrier->sk;
	lock_sock(csk);
	csk->sk_prot->keepalive(csk, on);
	sock_valbool_flag(csk, SOCK_KEEPOPEN, on);
	release_sock(csk);
}

static struct proto trk_prot = {
	.name			= "TRICKLES",
	.owner			= THIS_MODULE,
	.obj_size		= sizeof(struct trk_sock),
	.init			= trk_init_sock,
	.destroy		= trk_destroy_sock,
	.unhash			= trk_unhash,
	.backlog_rcv		= trk_stream_in_rcv,
	.release_cb		= trk_stream_release_cb,
	.keepalive		= trk_keepalive,
	/* Memory of our sockets counts together with TCP's, under one limit. */
	.sockets_allocated	= &sockets_allocated,
	.memory_allocated	= &tcp_memory_allocated,
	.per_cpu_fw_alloc	= &tcp_memory_per_cpu_fw_alloc,
	.memory_pressure	= &tcp_memory_pressure,
	.enter_memory_pressure	= tcp_enter_memory_pressure,
	.leave_memory_pressure	= tcp_leave_memory_pressure,
	.sysctl_mem		= sysctl_tcp_mem,
	.sysctl_wmem_offset	= offsetof(struct net, ipv4.sysctl_tcp_wmem),
	.sysctl_rmem_offset	= offsetof(struct net, ipv4.sysctl_tcp_rmem),
};

static int trk_bind(struct socket *sock, struct sockaddr *addr, int len)
{
	struct sock *sk = sock->sk;
	int err = -EINVAL;

	if (len < (int)sizeof(struct sockaddr_in))
		return -EINVAL;
	lock_sock(sk);
	if (sk->sk_state == TCP_CLOSE && !inet_sk(sk)->inet_num)
		err = trk_carrier_bind(sk, addr, len);
	release_sock(sk);
	return err;
}

/* A socket that nobody uses costs the namespace nothing: the hook comes with the first use. */
static int trk_connect(struct socket *sock, struct sockaddr *addr, int len, int flags)
{
	int err = trk_hook_get(trk_net(sock_net(sock->sk)));

	return err ?: trk_calls_connect(sock, addr, len, flags);
}

static int listen_locked(struct socket *sock)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	struct sock *sk = sock->sk;
	struct trk_sock *ts = trk_sk(sk);
	int err;

	if (sk->sk_state == TCP_LISTEN)
		return 0;
	if (sock->state != SS_UNCONNECTED || sk->sk_state != TCP_CLOSE)
		return -EINVAL;
	if (!inet_sk(sk)->inet_num) {
		err = trk_carrier_bind(sk, (struct sockaddr *)&any, sizeof(any));
		if (err)
			return err;
	}
	err = trk_listener_start(sk);
	/*
	 * TCP gets the port back, so that a TCP listener can serve it, too (paper §2.6).  One that
	 * TCP chose for us stays reserved.
	 */
	if (!err && !ts->port_any)
		trk_carrier_unbind(sk);
	return err;
}

/* @backlog means nothing: the server has no connections that could wait for accept(). */
static int trk_listen(struct socket *sock, int backlog)
{
	int err = trk_hook_get(trk_net(sock_net(sock->sk)));

	if (err)
		return err;
	lock_sock(sock->sk);
	err = listen_locked(sock);
	release_sock(sock->sk);
	return err;
}

static int trk_accept(struct socket *sock, struct socket *newsock, int flags, bool kern)
{
	return inet_sk_state_load(sock->sk) == TCP_LISTEN ? -EOPNOTSUPP : -EINVAL;
}

/*
 * trk_calls_poll() may have told of a fallback before trk_stream_check() has noticed it, so it has
 * to be noticed before the socket's mode is looked at.
 */
static void look_at_carrier(struct sock *sk)
{
	if (!READ_ONCE(trk_sk(sk)->connecting))
		return;
	lock_sock(sk);
	trk_stream_check(sk);
	release_sock(sk);
}

static int trk_getname(struct socket *sock, struct sockaddr *addr, int peer)
{
	look_at_carrier(sock->sk);
	if (trk_sock_is_tcp(sock->sk))
		sock = trk_sk(sock->sk)->carrier;
	return inet_getname(sock, addr, peer);
}

static __poll_t trk_poll(struct file *file, struct socket *sock, poll_table *wait)
{
	sock_poll_wait(file, sock, wait);
	if (inet_sk_state_load(sock->sk) == TCP_LISTEN)
		return trk_listener_poll(sock->sk);
	return trk_calls_poll(file, sock);
}

static int trk_ioctl(struct socket *sock, unsigned int cmd, unsigned long arg)
{
	struct sock *sk = sock->sk;
	struct trk_sock *ts = trk_sk(sk);

	look_at_carrier(sk);
	if (trk_sock_is_tcp(sk))
		return ts->carrier->ops->ioctl(ts->carrier, cmd, arg);
	if (_IOC_TYPE(cmd) == TRK_IOC_TYPE)
		return trk_listener_ioctl(sk, cmd, arg);
	switch (cmd) {
	case SIOCINQ:
		if (inet_sk_state_load(sk) == TCP_LISTEN)
			return -EINVAL;
		return put_user(READ_ONCE(ts->readable), (int __user *)arg);
	case SIOCOUTQ:
		if (inet_sk_state_load(sk) == TCP_LISTEN)
			return -EINVAL;
		return put_user(trk_stream_unsent(sk), (int __user *)arg);
	default:
		return inet_ioctl(sock, cmd, arg);
	}
}

#ifdef CONFIG_COMPAT
/* All structs have the same layout for a 32-bit program. */
static int trk_compat_ioctl(struct socket *sock, unsigned int cmd, unsigned long arg)
{
	return trk_ioctl(sock, cmd, (unsigned long)compat_ptr(arg));
}
#endif

static int trk_mmap(struct file *file, struct socket *sock, struct vm_area_struct *vma)
{
	return trk_listener_mmap(sock->sk, vma);
}

static ssize_t trk_sendpage(struct socket *sock, struct page *page, int off, size_t len, int flags)
{
	struct sock *sk = sock->sk;
	int err;

	if (!trk_sock_is_tcp(sk))
		return sock_no_sendpage(sock, page, off, len, flags);
	err = sock_error(sk);
	return err ? : kernel_sendpage(trk_sk(sk)->carrier, page, off, len, flags);
}

/*
 * As tcp_set_rcvlowat(): a reader must not wait for more than fits the receive window, which is
 * taken for half of the receive buffer here.
 */
static int trk_set_rcvlowat(struct sock *sk, int val)
{
	if (sk->sk_userlocks & SOCK_RCVBUF_LOCK)
		val = min(val, sk->sk_rcvbuf / 2);
	else
		val = min(val, READ_ONCE(sock_net(sk)->ipv4.sysctl_tcp_rmem[2]) / 2);
	WRITE_ONCE(sk->sk_rcvlowat, val ? : 1);
	sk->sk_data_ready(sk);
	return 0;
}

static const struct proto_ops trk_ops = {
	.family		= PF_INET,
	.owner		= THIS_MODULE,
	.release	= trk_calls_release,
	.bind		= trk_bind,
	.connect	= trk_connect,
	.socketpair	= sock_no_socketpair,
	.accept		= trk_accept,
	.getname	= trk_getname,
	.poll		= trk_poll,
	.ioctl		= trk_ioctl,
#ifdef CONFIG_COMPAT
	.compat_ioctl	= trk_compat_ioctl,
#endif
	.gettstamp	= sock_gettstamp,
	.listen		= trk_listen,
	.shutdown	= trk_calls_shutdown,
	.setsockopt	= trk_sockopt_set,
	.getsockopt	= trk_sockopt_get,
	.sendmsg	= trk_calls_sendmsg,
	.recvmsg	= trk_calls_recvmsg,
	.mmap		= trk_mmap,
	.sendpage	= trk_sendpage,
	.set_rcvlowat	= trk_set_rcvlowat,
};

static struct inet_protosw trk_protosw = {
	.type		= SOCK_STREAM,
	.protocol	= IPPROTO_TRICKLES,
	.prot		= &trk_prot,
	.ops		= &trk_ops,
};

/**
 * trk_af_init - register the protocol
 *
 * Return: 0 or a negative errno.
 */
int __init trk_af_init(void)
{
	int err;

	trk_carrier_init();
	err = trk_stream_init();
	if (err)
		return err;
	err = percpu_counter_init(&sockets_allocated, 0, GFP_KERNEL);
	if (err)
		goto stream;
	err = proto_register(&trk_prot, 1);
	if (err)
		goto counter;
	inet_register_protosw(&trk_protosw);
	return 0;

counter:
	percpu_counter_destroy(&sockets_allocated);
stream:
	trk_stream_exit();
	return err;
}

/**
 * trk_af_exit - unregister the protocol, when no socket is left
 */
void trk_af_exit(void)
{
	inet_unregister_protosw(&trk_protosw);
	/* The last sockets that were closed may still wait for a grace period to be freed. */
	rcu_barrier();
	trk_stream_exit();
	proto_unregister(&trk_prot);
	percpu_counter_destroy(&sockets_allocated);
}
