// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * The answer: what is kept in user space until it is sent, and the operations that carry it
 * to the kernel (paper §3.3).
 */
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

#include "internal.h"

static_assert(MSK_CONT_MAX == TRK_CONT_MAX && MSK_MAX_IOV == TRK_MAX_IOV, "limits");
static_assert(MSK_SEND_FIN == TRK_SEND_FIN && MSK_SEND_ABORT == TRK_SEND_ABORT,
	      "flags of answers");
/* The kernel is handed arrays of struct msk_iov as they are. */
static_assert(sizeof(struct msk_iov) == sizeof(struct trk_iov) &&
	      offsetof(struct msk_iov, at) == offsetof(struct trk_iov, addr) &&
	      offsetof(struct msk_iov, len) == offsetof(struct trk_iov, len) &&
	      offsetof(struct msk_iov, fd) == offsetof(struct trk_iov, fd), "struct msk_iov");

int msk_setucont(struct minisock *m, unsigned int pkt, enum msk_which which,
		 const struct msk_cont *c)
{
	struct msk_staged *s = &m->staged[which];

	if (c->len > MSK_CONT_MAX) {
		errno = EMSGSIZE;
		return -1;
	}
	if (c->start > c->end || c->flags & ~(which == MSK_OUTPUT ? MSK_FINAL : MSK_PARALLEL) ||
	    c->reserved0 || c->reserved[0] || c->reserved[1] ||
	    (pkt && (m->ev->nranges || pkt >= m->ev->packets))) {
		errno = EINVAL;
		return -1;
	}
	if (c->len)
		memcpy(m->data[which], c->data, c->len);
	s->start = c->start;
	s->end = c->end;
	s->len = c->len;
	s->flags = c->flags | TRK_CONT_SET;
	s->packet = pkt;
	return 0;
}

void msk_consume(struct minisock *m, uint64_t from, uint64_t to)
{
	m->consumed_from = from;
	m->consumed_to = to;
}

static void op_cont(struct trk_op_cont *oc, const struct minisock *m, enum msk_which which)
{
	const struct msk_staged *s = &m->staged[which];

	if (!s->flags)
		return;
	oc->opaque = (uintptr_t)m->data[which];
	oc->start = s->start;
	oc->end = s->end;
	oc->len = s->len;
	oc->flags = s->flags;
	oc->packet = s->packet;
}

/*
 * MSK_DESC_DROP has to stand alone.  Together with other flags it goes to the kernel, which does
 * not know it and refuses the operation with EINVAL, as it does with any other error of the caller.
 */
static void op_build(struct trk_op *op, const struct msk_desc *d)
{
	const struct minisock *m = d->msk;

	memset(op, 0, sizeof(*op));
	op->handle = m->handle;
	op->niov = d->niov;
	op->off = d->off;
	op->reserved = d->reserved[0] || d->reserved[1];
	if (d->flags == MSK_DESC_DROP) {
		op->op = TRK_OP_DROP;
		return;
	}
	op->op = TRK_OP_SEND;
	op->flags = d->flags;
	op->iov = (uintptr_t)d->iov;
	op->consumed_from = m->consumed_from;
	op->consumed_to = m->consumed_to;
	op_cont(&op->output, m, MSK_OUTPUT);
	op_cont(&op->input, m, MSK_INPUT);
}

int msk_sendbulk(struct msk_queue *q, struct msk_desc *desc, int n)
{
	struct trk_op op[TRK_MAX_OPS];
	int done = 0;

	while (done < n) {
		struct trk_ops ops = {
			.ops = (uintptr_t)op,
			.n = n - done < TRK_MAX_OPS ? n - done : TRK_MAX_OPS,
			.op_size = sizeof(op[0]),
			.seen = q->walked,
		};
		int i, r;

		for (i = 0; i < (int)ops.n; i++)
			op_build(&op[i], &desc[done + i]);
		r = ioctl(q->fd, TRK_IOC_OPS, &ops);
		if (r < 0)
			return done ? done : -1;
		q->told = q->walked;
		for (i = 0; i < r; i++)
			desc[done + i].result = op[i].result;
		done += r;
		if (r < (int)ops.n)
			break;
	}
	return done;
}

/* Carries out one operation.  Returns its result, or -1 with errno set. */
static ssize_t one(struct msk_desc *d)
{
	struct msk_queue *q = d->msk->q;
	struct trk_op op;
	struct trk_ops ops = {
		.ops = (uintptr_t)&op, .n = 1, .op_size = sizeof(op), .seen = q->walked,
	};

	op_build(&op, d);
	if (ioctl(q->fd, TRK_IOC_OPS, &ops) < 0)
		return -1;
	q->told = q->walked;
	if (op.result < 0) {
		errno = -op.result;
		return -1;
	}
	return op.result;
}

ssize_t msk_sendfilev(struct minisock *m, uint64_t off, const struct msk_iov *iov, int n,
		      unsigned int flags)
{
	struct msk_desc d = { .msk = m, .iov = iov, .niov = n, .flags = flags, .off = off };

	return one(&d);
}

ssize_t msk_sendv(struct minisock *m, uint64_t off, const struct iovec *iov, int n,
		  unsigned int flags)
{
	struct msk_iov v[MSK_MAX_IOV];
	int i;

	if (n < 0 || n > MSK_MAX_IOV) {
		errno = EINVAL;
		return -1;
	}
	for (i = 0; i < n; i++)
		v[i] = msk_mem(iov[i].iov_base, iov[i].iov_len);
	return msk_sendfilev(m, off, v, n, flags);
}

ssize_t msk_send(struct minisock *m, uint64_t off, const void *buf, size_t len,
		 unsigned int flags)
{
	struct msk_iov v = msk_mem(buf, len);

	return msk_sendfilev(m, off, &v, len ? 1 : 0, flags);
}

int msk_drop(struct minisock *m)
{
	struct msk_desc d = { .msk = m, .flags = MSK_DESC_DROP };

	return one(&d) < 0 ? -1 : 0;
}

int msk_abort(struct minisock *m)
{
	return msk_send(m, 0, NULL, 0, MSK_SEND_ABORT) < 0 ? -1 : 0;
}
