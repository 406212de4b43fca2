// SPDX-License-Identifier: GPL-2.0
/*
 * Operations on events: what an application answers to a request is checked, sealed and sent
 * (paper §3).  When an operation is over the kernel keeps nothing of the answer.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/slab.h>
#include <net/ip.h>
#include <net/route.h>

#include "answers.h"
#include "core/answer.h"
#include "keys.h"
#include "mib.h"
#include "netns.h"
#include "output.h"
#include "ports.h"
#include "queue.h"
#include "sock.h"
#include "train.h"

/* The shortest struct trk_op: it says which event and what to do, and has room for the result. */
#define OP_LEN_MIN	offsetofend(struct trk_op, flags)

static_assert(TRK_CONT_MAX == TRK_UCONT_MAX && TRK_MAX_RANGES == TRK_MAX_ASK, "bounds");

/*
 * May the application name this packet for a user continuation?  Of an answer to asked bytes only
 * the first packet brings one, of any other answer all packets do (protocol.rst, "Answers").
 */
static bool may_carry(const struct trk_grant *g, u32 packet)
{
	return !packet || (!g->nask && packet < g->count);
}

static int take_cont(struct trk_ucont *to, bool *has, u8 *opaque, const struct trk_op_cont *from,
		     u32 may, const struct trk_grant *g)
{
	static const struct trk_op_cont none;

	if (!(from->flags & TRK_CONT_SET))
		return memcmp(from, &none, sizeof(none)) ? -EINVAL : 0;
	if (from->flags & ~(TRK_CONT_SET | may) || from->len > TRK_CONT_MAX || from->reserved ||
	    from->start > from->end || !may_carry(g, from->packet))
		return -EINVAL;
	if (copy_from_user(opaque, u64_to_user_ptr(from->opaque), from->len))
		return -EFAULT;
	to->start = from->start;
	to->end = from->end;
	to->flags = (from->flags & may) >> TRK_CONT_SHIFT;
	to->len = from->len;
	to->opaque = opaque;
	*has = true;
	return 0;
}

static int take_iov(struct trk_sender *s, const struct trk_op *op)
{
	unsigned int i;

	if (op->niov > TRK_MAX_IOV)
		return -EINVAL;
	if (copy_from_user(s->iov, u64_to_user_ptr(op->iov), op->niov * sizeof(*s->iov)))
		return -EFAULT;
	for (i = 0; i < op->niov; i++) {
		const struct trk_iov *v = &s->iov[i];

		/* What is called below takes offsets and lengths as signed 64-bit numbers. */
		if (v->reserved || v->fd < -1 || v->len > S64_MAX - s->iov_at[i] ||
		    v->len > S64_MAX - min_t(u64, v->addr, S64_MAX))
			return -EINVAL;
		s->iov_at[i + 1] = s->iov_at[i] + v->len;
		if (v->fd < 0)
			continue;
		s->file[i] = fget(v->fd);
		if (!s->file[i])
			return -EBADF;
		if (!(s->file[i]->f_mode & FMODE_READ) ||
		    !S_ISREG(file_inode(s->file[i])->i_mode))
			return -EBADF;
	}
	return 0;
}

static int take_op(struct trk_sender *s, const struct trk_op *op)
{
	struct trk_answer *a = &s->answer;
	int err;

	if (op->reserved || op->flags & ~(TRK_SEND_FIN | TRK_SEND_ABORT) ||
	    (op->flags & TRK_SEND_ABORT && op->niov) || op->consumed_from > op->consumed_to)
		return -EINVAL;
	err = take_iov(s, op);
	if (err)
		return err;
	if (op->off > U64_MAX - s->iov_at[op->niov])
		return -EINVAL;
	err = take_cont(&a->output, &a->has_output, s->opaque[0], &op->output, TRK_CONT_FINAL,
			a->g);
	if (err)
		return err;
	err = take_cont(&a->input, &a->has_input, s->opaque[1], &op->input, TRK_CONT_PARALLEL,
			a->g);
	if (err)
		return err;
	a->fin = op->flags & TRK_SEND_FIN;
	a->abort = op->flags & TRK_SEND_ABORT;
	a->has_consumed = op->consumed_from < op->consumed_to;
	a->consumed_from = op->consumed_from;
	a->consumed_to = op->consumed_to;
	a->off = op->off;
	a->len = s->iov_at[op->niov];
	return 0;
}

/*
 * Finds the ciphers that make an answer.  The caller releases those that were found, even if the
 * result is -ESTALE: a key that the answer needs is no longer held.
 */
static int take_ciphers(struct trk_net *tn, struct trk_answer *a)
{
	const struct trk_cipher *seal, *nonce;

	rcu_read_lock();
	seal = trk_keys_current(tn);
	nonce = trk_keys_find(tn, a->g->cont.domain_key);
	if (!trk_keys_hold(seal))
		seal = NULL;
	/* What was sealed under a key that is no longer held must not be sealed anew. */
	if (!trk_keys_find(tn, a->g->cont.key_id) || !trk_keys_hold(nonce))
		nonce = NULL;
	rcu_read_unlock();
	a->seal = seal;
	a->nonce = nonce;
	return seal && nonce ? 0 : -ESTALE;
}

static s64 do_send(struct trk_sender *s, struct trk_net *tn, const struct trk_item *item,
		   const struct trk_op *op)
{
	struct trk_answer *a = &s->answer;
	struct rtable *rt;
	unsigned int i;
	s64 result;

	trk_answer_init(a);
	a->g = &item->grant;
	a->peer = &item->peer;
	memset(s->file, 0, sizeof(s->file));

	result = take_op(s, op);
	if (result)
		goto files;
	result = take_ciphers(tn, a);
	if (result)
		goto ciphers;
	rt = trk_output_route(&item->path, s->sk);
	if (IS_ERR(rt)) {
		result = PTR_ERR(rt);
		goto ciphers;
	}
	trk_train_begin(s, &rt->dst);
	result = trk_train_build(s, &trk_sk(s->sk)->listener->outlet,
				 READ_ONCE(tn->sysctl_output_max), item->path.daddr);
	if (result >= 0)
		trk_train_send(s, tn, &item->path);
	trk_train_end(s);
	ip_rt_put(rt);
ciphers:
	if (a->seal)
		trk_keys_release(a->seal);
	if (a->nonce)
		trk_keys_release(a->nonce);
files:
	for (i = 0; i < TRK_MAX_IOV; i++) {
		if (s->file[i])
			fput(s->file[i]);
	}
	return result;
}

/* @s is NULL if there was no memory for it: only TRK_OP_DROP is possible then. */
static s64 do_op(struct trk_sender *s, struct trk_net *tn, struct trk_queue *q,
		 const struct trk_op *op)
{
	struct trk_item *item;
	s64 result = 0;

	if (op->op != TRK_OP_SEND && op->op != TRK_OP_DROP)
		return -EOPNOTSUPP;
	if (op->op == TRK_OP_DROP &&
	    memchr_inv(&op->flags, 0, sizeof(*op) - offsetof(struct trk_op, flags)))
		return -EINVAL;
	item = trk_queue_take(q, op->handle);
	if (!item) {
		TRK_INC(tn, OPS_STALE);
		return -ESTALE;
	}
	if (op->op == TRK_OP_SEND) {
		result = s ? do_send(s, tn, item, op) : -ENOMEM;
		/* After -ESTALE a key is missing: another try would not find it either. */
		if (result < 0 && result != -ESTALE) {
			trk_queue_put_back(q, item);
			if (result == -EAGAIN)
				TRK_INC(tn, OUTPUT_FULL);
			return result;
		}
		if (result >= 0)
			TRK_INC(tn, ANSWERS);
	}
	trk_queue_free(q, item);
	return result;
}

/* Return: 0, or -EFAULT if the operation cannot be read, or its result cannot be written. */
static int do_one(struct trk_sender *s, struct trk_net *tn, struct trk_queue *q,
		  struct trk_op __user *user, u32 size)
{
	struct trk_op op;
	s64 result = copy_struct_from_user(&op, sizeof(op), user, size);

	if (result == -EFAULT)
		return -EFAULT;
	if (!result)
		result = do_op(s, tn, q, &op);
	return put_user(result, &user->result);
}

/**
 * trk_answers_check - is a list of operations well formed?
 * @ops: as the application gave it; the operations themselves are not looked at
 *
 * Return: 0 or -EINVAL.
 */
int trk_answers_check(const struct trk_ops *ops)
{
	if (ops->n > TRK_MAX_OPS || ops->flags || ops->op_size < OP_LEN_MIN ||
	    ops->op_size > PAGE_SIZE || ops->op_size % sizeof(u64))
		return -EINVAL;
	return 0;
}

/**
 * trk_answers_do - carry out operations on events
 * @sk: listener
 * @q: its queue
 * @ops: how many, where they are, and how long each is; from trk_answers_check()
 *
 * The result of each operation is written into it.  If one fails, those behind it are carried
 * out all the same.
 *
 * Context: process; no lock is held; may sleep.
 * Return: how many were carried out, or -EFAULT, -EINTR.
 */
int trk_answers_do(struct sock *sk, struct trk_queue *q, const struct trk_ops *ops)
{
	struct trk_listener *l = trk_sk(sk)->listener;
	struct trk_net *tn = trk_net(sock_net(sk));
	struct trk_sender *s;
	int err = 0;
	u32 i;

	/*
	 * The struct has some kB, which a kernel with init_on_alloc clears each time: so the
	 * listener keeps one for its next call.
	 */
	s = xchg(&l->sender, NULL);
	if (!s)
		s = trk_train_alloc();
	if (s) {
		s->sk = sk;
		s->iov_at[0] = 0;
	}
	if (ops->n)
		trk_outlet_tried(&l->outlet);
	for (i = 0; i < ops->n && !err; i++) {
		if (fatal_signal_pending(current))
			err = -EINTR;
		else
			err = do_one(s, tn, q, u64_to_user_ptr(ops->ops + i * ops->op_size),
				     ops->op_size);
	}
	if (cmpxchg(&l->sender, NULL, s))
		trk_train_free(s);
	return err ?: (int)i;
}
