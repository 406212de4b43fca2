// SPDX-License-Identifier: GPL-2.0
/*
 * The callbacks of the carrier, by which TCP wakes who uses our socket, and by which the host's
 * own rules see whose socket the carrier is.
 */
#include <net/sock.h>

#include "sock.h"
#include "wake.h"

/**
 * trk_wake_error - move the carrier's error to our socket, so that it is reported there, and once
 * @sk: Trickles socket
 * @csk: its carrier
 *
 * Context: any, in a callback of the carrier or with its lock.
 */
void trk_wake_error(struct sock *sk, struct sock *csk)
{
	int err = sock_error(csk);

	if (err)
		WRITE_ONCE(sk->sk_err, -err);
}

/* Our lock cannot be taken under the carrier's, so our timer will call trk_stream_check(). */
static void wake_event(struct sock *sk, struct sock *csk)
{
	trk_wake_error(sk, csk);
	if (!trk_sock_is_tcp(sk))
		trk_sock_set_timer(sk, jiffies);
}

static void wake_state_change(struct sock *csk)
{
	struct sock *sk;

	read_lock_bh(&csk->sk_callback_lock);
	sk = csk->sk_user_data;
	if (sk) {
		wake_event(sk, csk);
		trk_sk(sk)->tcp.state_change(csk);
		sk->sk_state_change(sk);
	}
	read_unlock_bh(&csk->sk_callback_lock);
}

static void wake_error_report(struct sock *csk)
{
	struct sock *sk;

	read_lock_bh(&csk->sk_callback_lock);
	sk = csk->sk_user_data;
	if (sk) {
		wake_event(sk, csk);
		trk_sk(sk)->tcp.error_report(csk);
		sk_error_report(sk);
	}
	read_unlock_bh(&csk->sk_callback_lock);
}

static void wake_data_ready(struct sock *csk)
{
	struct sock *sk;

	read_lock_bh(&csk->sk_callback_lock);
	sk = csk->sk_user_data;
	if (sk) {
		trk_sk(sk)->tcp.data_ready(csk);
		sk->sk_data_ready(sk);
	}
	read_unlock_bh(&csk->sk_callback_lock);
}

static void wake_write_space(struct sock *csk)
{
	struct sock *sk;

	read_lock_bh(&csk->sk_callback_lock);
	sk = csk->sk_user_data;
	if (sk) {
		trk_sk(sk)->tcp.write_space(csk);
		if (sk_stream_is_writeable(csk))
			sk->sk_write_space(sk);
	}
	read_unlock_bh(&csk->sk_callback_lock);
}

/**
 * trk_wake_begin - put our callbacks in place of TCP's
 * @sk: Trickles socket, locked
 * @csk: its new carrier, locked
 *
 * The carrier also gets the struct socket of our socket, as the first subflow of MPTCP has it:
 * what it sends is then seen as sent by who has the file (nft meta skuid, xt_owner), and
 * /proc/net/tcp shows the inode of the file.
 *
 * Context: process.
 */
void trk_wake_begin(struct sock *sk, struct sock *csk)
{
	struct trk_tcp_calls *tcp = &trk_sk(sk)->tcp;

	write_lock_bh(&csk->sk_callback_lock);
	tcp->state_change = csk->sk_state_change;
	tcp->error_report = csk->sk_error_report;
	tcp->data_ready = csk->sk_data_ready;
	tcp->write_space = csk->sk_write_space;
	/* sk_stream_write_space(), which is not exported. */
	sk->sk_write_space = csk->sk_write_space;
	rcu_assign_sk_user_data(csk, sk);
	csk->sk_state_change = wake_state_change;
	csk->sk_error_report = wake_error_report;
	csk->sk_data_ready = wake_data_ready;
	csk->sk_write_space = wake_write_space;
	sk_set_socket(csk, sk->sk_socket);
	write_unlock_bh(&csk->sk_callback_lock);
}

/**
 * trk_wake_orphan - our socket has no file any more, but goes on
 * @carrier: its carrier
 *
 * Context: process.
 */
void trk_wake_orphan(struct socket *carrier)
{
	struct sock *csk = carrier->sk;

	write_lock_bh(&csk->sk_callback_lock);
	sk_set_socket(csk, carrier);
	write_unlock_bh(&csk->sk_callback_lock);
}

/**
 * trk_wake_end - undo trk_wake_begin(), but for the struct socket, which goes with the file
 * @sk: Trickles socket, locked
 * @csk: its carrier, locked
 *
 * Context: process.
 */
void trk_wake_end(struct sock *sk, struct sock *csk)
{
	const struct trk_tcp_calls *tcp = &trk_sk(sk)->tcp;

	write_lock_bh(&csk->sk_callback_lock);
	rcu_assign_sk_user_data(csk, NULL);
	csk->sk_state_change = tcp->state_change;
	csk->sk_error_report = tcp->error_report;
	csk->sk_data_ready = tcp->data_ready;
	csk->sk_write_space = tcp->write_space;
	write_unlock_bh(&csk->sk_callback_lock);
}
