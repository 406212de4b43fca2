// SPDX-License-Identifier: GPL-2.0
/*
 * A listening socket: its beginning and end, and the calls of the application.  What
 * comes to it is in requests.c, what it answers in answers.c (paper §3).
 */
#include <linux/log2.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <net/tcp_states.h>

#include "answers.h"
#include "listener.h"
#include "netns.h"
#include "ports.h"
#include "queue.h"
#include "replay.h"
#include "sock.h"

static struct trk_listener *listener_get(struct sock *sk)
{
	struct trk_listener *l = trk_sk(sk)->listener;

	if (l)
		return l;
	l = kzalloc(sizeof(*l), GFP_KERNEL_ACCOUNT);
	if (!l)
		return NULL;
	l->sk = sk;
	l->slots = TRK_QUEUE_SLOTS_DEFAULT;
	/* Pairs with trk_ports_queue(). */
	smp_store_release(&trk_sk(sk)->listener, l);
	return l;
}

/**
 * trk_listener_start - listen()
 * @sk: a socket that is bound and not connected
 *
 * Context: lock_sock() held; may sleep.
 * Return: 0 or a negative errno.
 */
int trk_listener_start(struct sock *sk)
{
	struct trk_net *tn = trk_net(sock_net(sk));
	struct trk_listener *l = listener_get(sk);
	struct trk_queue *q;
	int err;

	if (!l)
		return -ENOMEM;
	err = trk_replay_start(tn);
	if (err)
		return err;
	q = trk_queue_create(l->slots);
	if (IS_ERR(q))
		return PTR_ERR(q);
	sock_set_flag(sk, SOCK_RCU_FREE);
	/* Who could not listen may try again, with a queue of another size. */
	err = trk_ports_publish(tn, l, q);
	if (err)
		trk_queue_destroy(q);
	else
		inet_sk_set_state(sk, TCP_LISTEN);
	return err;
}

/**
 * trk_listener_stop - the end of a listener, when its file is released
 * @sk: a socket, of a listener or not
 *
 * Context: lock_sock() held; may sleep.
 */
void trk_listener_stop(struct sock *sk)
{
	struct trk_net *tn = trk_net(sock_net(sk));
	struct trk_listener *l = trk_sk(sk)->listener;

	if (!l)
		return;
	if (l->hashed) {
		trk_ports_withdraw(tn, l);
		inet_sk_set_state(sk, TCP_CLOSE);
	}
	trk_sk(sk)->listener = NULL;
	trk_queue_destroy(l->queue);
	kfree(l);
}

/* More events than slots cannot be waiting. */
static int set_seen(struct trk_listener *l, const struct trk_queue *q, u32 seen)
{
	u32 more = trk_queue_produced(q) - seen;

	if (more > q->slots)
		return -EINVAL;
	WRITE_ONCE(l->seen, seen);
	return more;
}

/**
 * trk_listener_ioctl - operations on events
 * @sk: a socket, of a listener or not
 * @cmd: TRK_IOC_OPS, TRK_IOC_SEEN
 * @arg: user address
 *
 * Context: process; no lock is held.
 * Return: as the UAPI header says, or a negative errno.
 */
int trk_listener_ioctl(struct sock *sk, unsigned int cmd, unsigned long arg)
{
	struct trk_listener *l;
	struct trk_queue *q = trk_ports_queue(sk, &l);
	struct trk_ops ops;
	u32 seen;
	int more;

	if (cmd != TRK_IOC_OPS && cmd != TRK_IOC_SEEN)
		return -ENOIOCTLCMD;
	if (!q)
		return -EINVAL;
	if (cmd == TRK_IOC_SEEN) {
		if (get_user(seen, (u32 __user *)arg))
			return -EFAULT;
		return set_seen(l, q, seen);
	}
	if (copy_from_user(&ops, (void __user *)arg, sizeof(ops)))
		return -EFAULT;
	more = set_seen(l, q, ops.seen);
	return more < 0 ? more : trk_answers_do(sk, q, &ops);
}

/**
 * trk_listener_poll - are there events that the application has not walked?
 * @sk: a listener
 *
 * Context: process; the caller has called sock_poll_wait().
 */
__poll_t trk_listener_poll(struct sock *sk)
{
	struct trk_listener *l;
	struct trk_queue *q = trk_ports_queue(sk, &l);

	return q && trk_queue_produced(q) != READ_ONCE(l->seen) ? EPOLLIN | EPOLLRDNORM : 0;
}

/**
 * trk_listener_mmap - map the event queue
 * @sk: a socket, of a listener or not
 * @vma: where
 *
 * Context: mmap_lock held; takes no other lock.
 * Return: 0 or a negative errno.
 */
int trk_listener_mmap(struct sock *sk, struct vm_area_struct *vma)
{
	struct trk_queue *q = trk_ports_queue(sk, NULL);

	return q ? trk_queue_mmap(q, vma) : -EINVAL;
}

/**
 * trk_listener_setsockopt - TRK_QUEUE: the size of the queue
 * @sk: a socket that is not connected
 * @optval: struct trk_queue_info
 * @optlen: its length
 *
 * Context: lock_sock() held.
 * Return: 0 or a negative errno; -EBUSY after listen().
 */
int trk_listener_setsockopt(struct sock *sk, sockptr_t optval, unsigned int optlen)
{
	struct trk_queue_info info;
	struct trk_listener *l;

	if (optlen != sizeof(info))
		return -EINVAL;
	if (copy_from_sockptr(&info, optval, sizeof(info)))
		return -EFAULT;
	if (info.slots < TRK_QUEUE_SLOTS_MIN || info.slots > TRK_QUEUE_SLOTS_MAX ||
	    !is_power_of_2(info.slots))
		return -EINVAL;
	l = listener_get(sk);
	if (!l)
		return -ENOMEM;
	if (l->queue)
		return -EBUSY;
	l->slots = info.slots;
	return 0;
}

/**
 * trk_listener_info - for TRK_QUEUE: what the queue is, or will be
 * @sk: a socket, of a listener or not
 * @info: filled
 *
 * Context: lock_sock() held.
 */
void trk_listener_info(struct sock *sk, struct trk_queue_info *info)
{
	struct trk_listener *l;
	struct trk_queue *q = trk_ports_queue(sk, &l);

	*info = (struct trk_queue_info) {
		.slots = l ? l->slots : TRK_QUEUE_SLOTS_DEFAULT,
		.event_size = TRK_EVENT_SIZE,
		.map_len = q ? q->map_len : 0,
	};
}
