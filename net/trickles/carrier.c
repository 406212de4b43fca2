// SPDX-License-Identifier: GPL-2.0
/*
 * The carrier: a kernel TCP socket under each client socket.  TCP chooses its
 * 4-tuple, sends its SYN and keeps the 4-tuple reserved; we put our option on
 * the SYN.  If a marked SYN-ACK answers, the carrier stays in SYN_SENT and sends
 * nothing more.  If a plain one does, the carrier becomes an ordinary connection.
 */
#include <linux/tcp.h>
#include <net/inet_connection_sock.h>
#include <net/inet_hashtables.h>
#include <net/ip.h>
#include <net/tcp.h>

#include "carrier.h"
#include "core/wire.h"
#include "netns.h"
#include "ports.h"
#include "sock.h"
#include "wake.h"

#define TCP_HDR_MAX	60

/* TCP's functions with our queue_xmit(): carrier_ops until Trickles carries the connection. */
static struct inet_connection_sock_af_ops carrier_ops __ro_after_init;
static struct inet_connection_sock_af_ops taken_ops __ro_after_init;

/* TCP sends a clone of its SYN and builds the header in the headroom: it may be moved there. */
static void mark_syn(struct sock *csk, struct sk_buff *skb)
{
	unsigned int len = tcp_hdrlen(skb);
	u8 *from = skb->data;

	if (len + TRK_SYN_OPT_LEN > TCP_HDR_MAX)
		return;
	memmove(skb_push(skb, TRK_SYN_OPT_LEN), from, len);
	skb_reset_transport_header(skb);
	trk_wire_syn_opt_write(skb->data + len);
	tcp_hdr(skb)->doff += TRK_SYN_OPT_LEN / 4;
	carrier_ops.send_check(csk, skb);
}

static bool wants_mark(struct sock *csk, struct trk_sock *ts)
{
	unsigned int marked = READ_ONCE(trk_net(sock_net(csk))->sysctl_marked_syns);
	bool first = ts->syns < marked;

	WRITE_ONCE(ts->syns, ts->syns + 1);
	if (READ_ONCE(ts->foreign))
		return false;
	if (first || !marked)
		return first;
	return cmpxchg(&ts->refused, TRK_REFUSED_ONCE, TRK_REFUSED_ASKED) == TRK_REFUSED_ONCE;
}

static int carrier_xmit(struct sock *csk, struct sk_buff *skb, struct flowi *fl)
{
	const struct tcphdr *th = tcp_hdr(skb);

	if (th->syn && !th->ack) {
		struct sock *sk;

		rcu_read_lock();
		sk = rcu_dereference_sk_user_data(csk);
		if (sk && wants_mark(csk, trk_sk(sk)))
			mark_syn(csk, skb);
		rcu_read_unlock();
	}
	return ip_queue_xmit(csk, skb, fl);
}

/* The carrier's TCP must send nothing on a connection that Trickles carries. */
static int taken_xmit(struct sock *csk, struct sk_buff *skb, struct flowi *fl)
{
	kfree_skb(skb);
	return 0;
}

/**
 * trk_carrier_init - prepare carrier_ops and taken_ops, at module load
 */
void __init trk_carrier_init(void)
{
	carrier_ops = ipv4_specific;
	carrier_ops.queue_xmit = carrier_xmit;
	taken_ops = ipv4_specific;
	taken_ops.queue_xmit = taken_xmit;
}

/**
 * trk_carrier_is - is this socket a carrier?
 * @sk: a full socket of any protocol
 *
 * Context: any.
 */
bool trk_carrier_is(const struct sock *sk)
{
	const struct inet_connection_sock_af_ops *ops;

	if (!sk_is_tcp(sk))
		return false;
	ops = READ_ONCE(inet_csk(sk)->icsk_af_ops);
	return ops == &carrier_ops || ops == &taken_ops;
}

/**
 * trk_carrier_taken - does Trickles carry this carrier's connection?
 * @carrier: a carrier
 *
 * Plain segments for it are to be dropped then.
 *
 * Context: any.
 */
bool trk_carrier_taken(const struct sock *carrier)
{
	return READ_ONCE(inet_csk(carrier)->icsk_af_ops) == &taken_ops;
}

/**
 * trk_carrier_owner - the Trickles socket that a carrier belongs to
 * @carrier: a carrier
 *
 * Context: rcu_read_lock(), under which the result is good.
 * Return: the socket, or NULL when it is being closed.
 */
struct sock *trk_carrier_owner(struct sock *carrier)
{
	return rcu_dereference_sk_user_data(carrier);
}

/**
 * trk_carrier_make - make the carrier if it is not there yet
 * @sk: Trickles socket, locked
 *
 * It is made as if the process had called socket(), so that it holds the namespace: after a
 * fallback TCP may have data to send when the process is gone.
 *
 * Context: may sleep.
 * Return: 0 or a negative errno.
 */
int trk_carrier_make(struct sock *sk)
{
	struct trk_sock *ts = trk_sk(sk);
	struct socket *carrier;
	struct sock *csk;
	int err;

	if (ts->carrier)
		return 0;
	err = __sock_create(sock_net(sk), AF_INET, SOCK_STREAM, IPPROTO_TCP, &carrier, 0);
	/* ENFILE says that there was no memory for an inode; no file was asked for. */
	if (err == -ENFILE)
		err = -ENOBUFS;
	if (err)
		return err;
	csk = carrier->sk;
	lock_sock(csk);
	inet_csk(csk)->icsk_af_ops = &carrier_ops;
	trk_wake_begin(sk, csk);
	release_sock(csk);
	WRITE_ONCE(ts->carrier, carrier);
	return 0;
}

/**
 * trk_carrier_tune - give the carrier the SOL_SOCKET options of our socket
 * @sk: Trickles socket, locked, with a carrier
 *
 * A protocol is not told when one is set, so they are copied before they matter.
 *
 * Context: may sleep.
 */
void trk_carrier_tune(struct sock *sk)
{
	struct sock *csk = trk_sk(sk)->carrier->sk;

	lock_sock(csk);
	csk->sk_uid = sk->sk_uid;
	csk->sk_reuse = sk->sk_reuse;
	csk->sk_reuseport = sk->sk_reuseport;
	csk->sk_bound_dev_if = sk->sk_bound_dev_if;
	WRITE_ONCE(csk->sk_priority, READ_ONCE(sk->sk_priority));
	WRITE_ONCE(csk->sk_mark, READ_ONCE(sk->sk_mark));
	sock_valbool_flag(csk, SOCK_DBG, sock_flag(sk, SOCK_DBG));
	sock_valbool_flag(csk, SOCK_LOCALROUTE, sock_flag(sk, SOCK_LOCALROUTE));
	sock_valbool_flag(csk, SOCK_KEEPOPEN, sock_flag(sk, SOCK_KEEPOPEN));
	sock_valbool_flag(csk, SOCK_LINGER, sock_flag(sk, SOCK_LINGER));
	csk->sk_lingertime = sk->sk_lingertime;
	csk->sk_userlocks |= sk->sk_userlocks & (SOCK_SNDBUF_LOCK | SOCK_RCVBUF_LOCK);
	if (sk->sk_userlocks & SOCK_SNDBUF_LOCK)
		WRITE_ONCE(csk->sk_sndbuf, READ_ONCE(sk->sk_sndbuf));
	if (sk->sk_userlocks & SOCK_RCVBUF_LOCK)
		WRITE_ONCE(csk->sk_rcvbuf, READ_ONCE(sk->sk_rcvbuf));
	release_sock(csk);
}

/* getsockname() and getpeername() are answered from our own socket. */
static void copy_names(struct sock *sk)
{
	const struct inet_sock *from = inet_sk(trk_sk(sk)->carrier->sk);
	struct inet_sock *inet = inet_sk(sk);

	inet->inet_saddr = from->inet_saddr;
	inet->inet_rcv_saddr = from->inet_rcv_saddr;
	inet->inet_num = from->inet_num;
	inet->inet_sport = from->inet_sport;
	inet->inet_daddr = from->inet_daddr;
	inet->inet_dport = from->inet_dport;
}

/**
 * trk_carrier_bind - bind our socket by binding the carrier
 * @sk: Trickles socket, locked, unbound
 * @addr: address
 * @len: its length
 *
 * TCP makes all checks.  If a TCP listener of the same user has the port, only our socket gets
 * it (port_taken): a Trickles listener may share it (paper §2.6).
 *
 * Context: may sleep.
 * Return: 0 or a negative errno.
 */
int trk_carrier_bind(struct sock *sk, struct sockaddr *addr, int len)
{
	const struct sockaddr_in *in = (struct sockaddr_in *)addr;
	struct trk_sock *ts = trk_sk(sk);
	struct inet_sock *inet = inet_sk(sk);
	int err;

	err = trk_carrier_make(sk);
	if (err)
		return err;
	trk_carrier_tune(sk);
	err = kernel_bind(ts->carrier, addr, len);
	if (err && (err != -EADDRINUSE || !in->sin_port))
		return err;
	ts->port_any = !in->sin_port;
	if (!err) {
		copy_names(sk);
	} else {
		ts->port_taken = true;
		inet->inet_saddr = in->sin_addr.s_addr;
		inet->inet_rcv_saddr = in->sin_addr.s_addr;
		inet->inet_num = ntohs(in->sin_port);
		inet->inet_sport = in->sin_port;
	}
	if (trk_ports_may_bind(sk, inet->inet_num, err))
		return 0;
	trk_carrier_unbind(sk);
	ts->port_taken = false;
	inet->inet_saddr = 0;
	inet->inet_rcv_saddr = 0;
	inet->inet_num = 0;
	inet->inet_sport = 0;
	return -EADDRINUSE;
}

/**
 * trk_carrier_unbind - give the port back to TCP, so that a TCP listener can have it, too
 * @sk: Trickles socket, locked, bound; it stays bound
 *
 * Context: may sleep.
 */
void trk_carrier_unbind(struct sock *sk)
{
	struct trk_sock *ts = trk_sk(sk);
	struct sock *csk;

	if (ts->port_taken)
		return;
	csk = ts->carrier->sk;
	lock_sock(csk);
	csk->sk_userlocks &= ~(SOCK_BINDADDR_LOCK | SOCK_BINDPORT_LOCK);
	if (inet_csk(csk)->icsk_bind_hash)
		inet_put_port(csk);
	inet_sk(csk)->inet_sport = 0;
	inet_sk(csk)->inet_saddr = 0;
	inet_sk(csk)->inet_rcv_saddr = 0;
	release_sock(csk);
	ts->port_taken = true;
}

/**
 * trk_carrier_connect - send the SYN
 * @sk: Trickles socket, locked, with a carrier
 * @addr: peer
 * @len: its length
 *
 * Context: may sleep, but does not wait for an answer.
 * Return: 0 if the SYN is under way, or a negative errno.
 */
int trk_carrier_connect(struct sock *sk, struct sockaddr *addr, int len)
{
	struct trk_sock *ts = trk_sk(sk);
	int err;

	trk_carrier_tune(sk);
	WRITE_ONCE(ts->syns, 0);
	WRITE_ONCE(ts->foreign, false);
	WRITE_ONCE(ts->refused, TRK_REFUSED_NOT);
	err = kernel_connect(ts->carrier, addr, len, O_NONBLOCK);
	if (err && err != -EINPROGRESS)
		return err;
	copy_names(sk);
	return 0;
}

/**
 * trk_carrier_disconnect - make the carrier as new, but for a bound port
 * @sk: Trickles socket, locked, with a carrier
 *
 * Context: may sleep.
 * Return: 0 or a negative errno.
 */
int trk_carrier_disconnect(struct sock *sk)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	struct socket *carrier = trk_sk(sk)->carrier;
	struct sock *csk = carrier->sk;
	int err;

	err = kernel_connect(carrier, &none, sizeof(none), 0);
	lock_sock(csk);
	if (trk_carrier_taken(csk)) {
		inet_csk(csk)->icsk_af_ops = &carrier_ops;
		atomic_dec(&trk_net(sock_net(sk))->taken);
	}
	release_sock(csk);
	/* tcp_disconnect() leaves ECONNRESET behind, but our sleepers look at sk_disconnects. */
	sock_error(csk);
	if (!trk_sk(sk)->port_taken)
		copy_names(sk);
	return err;
}

/**
 * trk_carrier_take - after a marked SYN-ACK, let Trickles carry the connection
 * @sk: Trickles socket, locked
 * @ack: acknowledgment number of the SYN-ACK
 *
 * Context: does not sleep.
 * Return: false if the SYN-ACK does not answer our SYN, or TCP had an answer before.
 */
bool trk_carrier_take(struct sock *sk, u32 ack)
{
	struct sock *csk = trk_sk(sk)->carrier->sk;
	bool ok;

	local_bh_disable();
	bh_lock_sock(csk);
	ok = csk->sk_state == TCP_SYN_SENT && !trk_carrier_taken(csk) &&
	     ack == tcp_sk(csk)->snd_nxt;
	if (ok) {
		WRITE_ONCE(inet_csk(csk)->icsk_af_ops, &taken_ops);
		atomic_inc(&trk_net(sock_net(sk))->taken);
	}
	bh_unlock_sock(csk);
	local_bh_enable();
	return ok;
}

/**
 * trk_carrier_refused - a plain RST came for a carrier
 * @carrier: a carrier
 * @th: its TCP header
 *
 * The carrier is read without its lock.  If a value is old, the application gets the error too
 * early by one SYN, or too late by one.
 *
 * Context: rcu_read_lock(); does not sleep.
 * Return: true if the RST is to be dropped, since it refuses the first plain SYN after marked
 * ones, and TCP will send another SYN (TRK_REFUSED_NOT and following).
 */
bool trk_carrier_refused(struct sock *carrier, const struct tcphdr *th)
{
	const struct net *net = sock_net(carrier);
	struct sock *sk = trk_carrier_owner(carrier);
	unsigned int marked = READ_ONCE(trk_net(net)->sysctl_marked_syns);
	unsigned int again = READ_ONCE(inet_csk(carrier)->icsk_syn_retries);

	if (!sk || !marked || READ_ONCE(trk_sk(sk)->syns) <= marked)
		return false;
	/* It is as a closed port sends it (RFC 9293 §3.10.7.1), and acceptable (§3.10.7.3). */
	if (READ_ONCE(carrier->sk_state) != TCP_SYN_SENT || !th->ack || th->seq ||
	    ntohl(th->ack_seq) != READ_ONCE(tcp_sk(carrier)->snd_nxt))
		return false;
	if (!again)
		again = READ_ONCE(net->ipv4.sysctl_tcp_syn_retries);
	if (READ_ONCE(inet_csk(carrier)->icsk_retransmits) >= again)
		return false;
	return cmpxchg(&trk_sk(sk)->refused, TRK_REFUSED_NOT, TRK_REFUSED_ONCE) !=
	       TRK_REFUSED_ASKED;
}

/**
 * trk_carrier_quiet - stop the timers of a carrier that was taken over
 * @sk: Trickles socket, locked
 *
 * It does nothing while a process holds the carrier's lock (ss -K), so callers try again with
 * each segment.
 *
 * Context: does not sleep.
 */
void trk_carrier_quiet(struct sock *sk)
{
	struct sock *csk = trk_sk(sk)->carrier->sk;

	if (!READ_ONCE(inet_csk(csk)->icsk_pending))
		return;
	local_bh_disable();
	bh_lock_sock(csk);
	if (!sock_owned_by_user(csk))
		inet_csk_clear_xmit_timers(csk);
	bh_unlock_sock(csk);
	local_bh_enable();
}

/**
 * trk_carrier_follow - give the connection the address that this host has now
 * @sk: Trickles socket, locked
 *
 * inet_sk_rebuild_header() chooses another address, as for TCP's own SYN, if the old one is gone,
 * net.ipv4.ip_dynaddr is set, and the application has not bound the socket.  The old address
 * cannot be taken up again, so net.trickles.moves must say that servers let clients move.
 *
 * Context: does not sleep.
 */
void trk_carrier_follow(struct sock *sk)
{
	struct sock *csk = trk_sk(sk)->carrier->sk;

	if (!READ_ONCE(trk_net(sock_net(sk))->sysctl_moves))
		return;
	local_bh_disable();
	bh_lock_sock(csk);
	if (!sock_owned_by_user(csk) && !inet_sk_rebuild_header(csk) &&
	    inet_sk(csk)->inet_saddr != inet_sk(sk)->inet_saddr) {
		copy_names(sk);
		sk_dst_reset(sk);
	}
	bh_unlock_sock(csk);
	local_bh_enable();
}

/**
 * trk_carrier_state - look at the carrier's TCP state, and fetch its error if it is closed
 * @sk: Trickles socket, locked, with a carrier
 *
 * Context: does not sleep.
 * Return: the state.
 */
int trk_carrier_state(struct sock *sk)
{
	struct sock *csk = trk_sk(sk)->carrier->sk;
	int state = inet_sk_state_load(csk);

	/* Locked: a callback may have taken the carrier's error, but not have stored it yet. */
	if (state == TCP_CLOSE) {
		local_bh_disable();
		bh_lock_sock(csk);
		trk_wake_error(sk, csk);
		bh_unlock_sock(csk);
		local_bh_enable();
	}
	return state;
}

/**
 * trk_carrier_release - close the carrier
 * @sk: Trickles socket, locked, that no file has any more
 *
 * After a fallback TCP closes the connection as usual.
 *
 * Context: may sleep, and waits as SO_LINGER says.
 */
void trk_carrier_release(struct sock *sk)
{
	struct trk_sock *ts = trk_sk(sk);
	struct socket *carrier = ts->carrier;
	struct sock *csk;
	bool taken;

	if (!carrier)
		return;
	trk_carrier_tune(sk);
	csk = carrier->sk;
	lock_sock(csk);
	taken = trk_carrier_taken(csk);
	trk_wake_end(sk, csk);
	if (taken) {
		/* TCP ends it at once, whatever its state; taken_ops let no segment out. */
		sock_set_flag(csk, SOCK_LINGER);
		csk->sk_lingertime = 0;
	} else {
		WRITE_ONCE(inet_csk(csk)->icsk_af_ops, &ipv4_specific);
	}
	release_sock(csk);
	sock_hold(csk);
	sock_release(carrier);
	if (taken) {
		WRITE_ONCE(inet_csk(csk)->icsk_af_ops, &ipv4_specific);
		atomic_dec(&trk_net(sock_net(sk))->taken);
	}
	sock_put(csk);
	ts->carrier = NULL;
}
