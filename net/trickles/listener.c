// SPDX-License-Identifier: GPL-2.0
/*
 * A listening socket: its beginning and end, and the calls of the application.  What
 * comes to it is in requests.c, what it answers in answers.c (paper §3).
 */
#include <crypto/blake2s.h>
#include <linux/cred.h>
#include <linux/log2.h>
#include <linux/poll.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/user_namespace.h>
#include <net/tcp_states.h>

#include "answers.h"
#include "listener.h"
#include "netns.h"
#include "output.h"
#include "ports.h"
#include "queue.h"
#include "replay.h"
#include "sock.h"
#include "train.h"

static struct trk_listener *listener_get(struct sock *sk)
{
	struct trk_listener *l = trk_sk(sk)->listener;

	if (l)
		return l;
	l = kzalloc(sizeof(*l), GFP_KERNEL_ACCOUNT);
	if (!l)
		return NULL;
	l->sk = sk;
	l->outlet.sk = sk;
	l->outlet.key = get_random_u32();
	l->info.entries = TRK_QUEUE_ENTRIES_DEFAULT;
	l->info.event_size = TRK_EVENT_SIZE_DEFAULT;
	/* Pairs with trk_ports_queue(). */
	smp_store_release(&trk_sk(sk)->listener, l);
	return l;
}

/*
 * The label of an owner is a hash of what tells it from others (protocol.rst, "Sealed things").
 * The letter @kind is hashed, too, so that nobody can choose a secret that has a user's label.
 */
static void label(u8 out[TRK_OWNER_LEN], char kind, const void *data, unsigned int len)
{
	static const char name[] = "trickles owner";
	u8 m[sizeof(name) + 1 + TRK_OWNER_MAX], hash[BLAKE2S_HASH_SIZE];

	memcpy(m, name, sizeof(name));
	m[sizeof(name)] = kind;
	memcpy(m + sizeof(name) + 1, data, len);
	blake2s(hash, m, NULL, sizeof(hash), sizeof(name) + 1 + len, 0);
	memcpy(out, hash, TRK_OWNER_LEN);
	memzero_explicit(m, sizeof(m));
}

/*
 * A user is known by his number in the user namespace of the network namespace: replicas in
 * containers that map users differently agree on it.  Who has none there has that of the host.
 */
static void label_user(const struct sock *sk, u8 out[TRK_OWNER_LEN])
{
	uid_t uid = from_kuid(sock_net(sk)->user_ns, sk->sk_uid);
	bool known = uid != (uid_t)-1;
	__be32 number = htonl(known ? uid : from_kuid(&init_user_ns, sk->sk_uid));

	label(out, known ? 'u' : 'k', &number, sizeof(number));
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
	q = trk_queue_create(&l->info);
	if (IS_ERR(q))
		return PTR_ERR(q);
	sock_set_flag(sk, SOCK_RCU_FREE);
	if (!l->has_owner)
		label_user(sk, l->owner);
	/* After a failure the application may set another TRK_QUEUE and call listen() again. */
	err = trk_ports_publish(tn, l, q);
	if (err) {
		trk_queue_destroy(q);
		return err;
	}
	/* In this order, since who sets the option meanwhile looks at the state behind it. */
	inet_sk_set_state(sk, TCP_LISTEN);
	trk_output_distrust(sk);
	return 0;
}

/**
 * trk_listener_stop - nothing comes to a listener any more: its file is released
 * @sk: a socket, of a listener or not
 *
 * Softirqs that have found it go on until a grace period has passed.
 *
 * Context: lock_sock() held.
 * Return: what trk_listener_free() is to be given, NULL without a listener.
 */
struct trk_listener *trk_listener_stop(struct sock *sk)
{
	struct trk_listener *l = trk_sk(sk)->listener;

	if (!l)
		return NULL;
	trk_outlet_stop(&l->outlet);
	if (l->hashed) {
		trk_ports_withdraw(trk_net(sock_net(sk)), l);
		inet_sk_set_state(sk, TCP_CLOSE);
	}
	return l;
}

/**
 * trk_listener_free - free a listener
 * @l: from trk_listener_stop(); its socket may be gone
 *
 * Whoever closes waits, so that he cannot have more of them than RLIMIT_MEMLOCK says; but
 * without a lock, so that nobody else does.
 *
 * Context: process; no lock is held; sleeps for a grace period.
 */
void trk_listener_free(struct trk_listener *l)
{
	if (!l)
		return;
	if (l->hashed)
		synchronize_rcu();
	trk_queue_destroy(l->queue);
	trk_train_free(l->sender);
	kfree(l);
}

/*
 * Notes how many events the application has walked.  Return: how many more there are, or -EINVAL
 * if these would be more than the queue has entries, which cannot be.
 */
static int set_seen(struct trk_listener *l, const struct trk_queue *q, u32 seen)
{
	u32 more = trk_queue_produced(q) - seen;

	if (more > q->entries)
		return -EINVAL;
	WRITE_ONCE(l->seen, seen);
	return more;
}

static int do_ops(struct sock *sk, struct trk_listener *l, struct trk_queue *q,
		  const void __user *user, unsigned int size)
{
	struct trk_ops ops;
	int err;

	if (size < offsetofend(struct trk_ops, seen))
		return -EINVAL;
	err = copy_struct_from_user(&ops, sizeof(ops), user, size);
	if (!err)
		err = trk_answers_check(&ops);
	if (!err)
		err = set_seen(l, q, ops.seen);
	return err < 0 ? err : trk_answers_do(sk, q, &ops);
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
	const void __user *user = (const void __user *)arg;
	struct trk_listener *l;
	struct trk_queue *q = trk_ports_queue(sk, &l);
	u32 seen;

	if (_IOC_TYPE(cmd) != TRK_IOC_TYPE || _IOC_DIR(cmd) != _IOC_WRITE)
		return -ENOIOCTLCMD;
	/* In @cmd the number says what to do, and the size how long the caller's struct is. */
	switch (_IOC_NR(cmd)) {
	case _IOC_NR(TRK_IOC_OPS):
		return q ? do_ops(sk, l, q, user, _IOC_SIZE(cmd)) : -EINVAL;
	case _IOC_NR(TRK_IOC_SEEN):
		if (!q || _IOC_SIZE(cmd) != sizeof(seen))
			return -EINVAL;
		if (get_user(seen, (const u32 __user *)user))
			return -EFAULT;
		return set_seen(l, q, seen);
	default:
		return -ENOIOCTLCMD;
	}
}

/**
 * trk_listener_poll - poll(2) of a listener
 * @sk: a listener
 *
 * It is readable while there are events that the application has not walked, and always
 * writable: nothing limits yet what waits to leave the host (-EAGAIN in the UAPI header).
 *
 * Context: process; the caller has called sock_poll_wait().
 * Return: EPOLL* events.
 */
__poll_t trk_listener_poll(struct sock *sk)
{
	struct trk_listener *l;
	struct trk_queue *q = trk_ports_queue(sk, &l);

	if (!q)
		return 0;
	return (trk_outlet_writable(&l->outlet) ? EPOLLOUT | EPOLLWRNORM : 0) |
	       (trk_queue_produced(q) != READ_ONCE(l->seen) ? EPOLLIN | EPOLLRDNORM : 0);
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

/* The state of a listener before listen(), when options can be set, or ERR_PTR(). */
static struct trk_listener *listener_unborn(struct sock *sk)
{
	struct trk_listener *l = listener_get(sk);

	if (!l)
		return ERR_PTR(-ENOMEM);
	return l->queue ? ERR_PTR(-EBUSY) : l;
}

/**
 * trk_listener_set_queue - TRK_QUEUE: what the queue shall be like
 * @sk: a socket that is not connected
 * @info: sizes, of which 0 means the default, and flags of the queue
 *
 * Context: lock_sock() held.
 * Return: 0 or a negative errno; -EBUSY after listen().
 */
int trk_listener_set_queue(struct sock *sk, const struct trk_queue_info *info)
{
	u32 entries = info->entries ?: TRK_QUEUE_ENTRIES_DEFAULT;
	u32 event_size = info->event_size ?: TRK_EVENT_SIZE_DEFAULT;
	struct trk_listener *l;

	if (entries < TRK_QUEUE_ENTRIES_MIN || entries > TRK_QUEUE_ENTRIES_MAX ||
	    !is_power_of_2(entries) || event_size < TRK_EVENT_SIZE_DEFAULT ||
	    event_size > TRK_EVENT_SIZE_MAX || !is_power_of_2(event_size) ||
	    info->flags & ~TRK_QUEUE_CLOSE || info->reserved || info->map_len)
		return -EINVAL;
	l = listener_unborn(sk);
	if (IS_ERR(l))
		return PTR_ERR(l);
	l->info.entries = entries;
	l->info.event_size = event_size;
	l->info.flags = info->flags;
	return 0;
}

/**
 * trk_listener_set_owner - TRK_OWNER: whose the server is
 * @sk: a socket that is not connected
 * @secret: what only the owner's servers know
 * @len: its length, TRK_OWNER_MIN to TRK_OWNER_MAX
 *
 * Context: lock_sock() held.
 * Return: 0 or a negative errno; -EBUSY after listen().
 */
int trk_listener_set_owner(struct sock *sk, const u8 *secret, unsigned int len)
{
	struct trk_listener *l = listener_unborn(sk);

	if (IS_ERR(l))
		return PTR_ERR(l);
	label(l->owner, 's', secret, len);
	l->has_owner = true;
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

	*info = l ? l->info : (struct trk_queue_info) {
		.entries = TRK_QUEUE_ENTRIES_DEFAULT,
		.event_size = TRK_EVENT_SIZE_DEFAULT,
	};
	info->map_len = q ? q->map_len : 0;
}
