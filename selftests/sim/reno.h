/* SPDX-License-Identifier: GPL-2.0 */
/*
 * TCP Reno with selective acknowledgments, step by step: RFC 5681 (window), RFC 6675 (recovery),
 * RFC 6298 (timer).  Its window is in segments, and grows with each one that is acknowledged (RFC
 * 3465), as the paper's TCPCwnd does.  State is at the sender, as in TCP.  It is a model of the
 * simulator beside the core, and nothing in it is taken from the core.
 */
#ifndef TRK_TEST_RENO_H
#define TRK_TEST_RENO_H

#include <stdlib.h>

#include "sim/net.h"

#ifndef RENO_MAX
#define RENO_MAX	4096		/* segments of a transfer, at most */
#endif
#define RENO_IW		10
#define RENO_DUPTHRESH	3
#define RENO_RTO_MIN_US	200000
#define RENO_DELACK_US	10000

struct reno {
	/* sender */
	bool sacked[RENO_MAX], again[RENO_MAX], given_up[RENO_MAX];
	u64 sent_us[RENO_MAX];		/* U64_MAX: sent twice, so it gives no sample (Karn) */
	u32 una, next;			/* first not acknowledged; first never sent */
	u32 sacked_top;			/* the highest one that arrived, plus 1 */
	u32 cwnd, ssthresh, acked;
	bool recovery;
	u32 recover;			/* recovery ends when all below is acknowledged */
	u64 srtt_us, rttvar_us, rto_us, rto_at_us;
	u64 recovery_at_us;
	u32 backoff;

	/* receiver */
	bool have[RENO_MAX];
	u32 rcv_nxt, rcv_top, unacked;
	u64 delack_at_us, request_at_us;
};

/* What became of the last connection. */
static u32 reno_timeouts;
static u64 reno_recovery_us;		/* length of all its recoveries together */

static u32 reno_total;			/* segments that the server has */
static u32 reno_rwnd = RENO_MAX;	/* the receive window, segments */
/* A test may set these.  They are called when a packet is sent, and when a loss cuts the window. */
static void (*reno_on_send)(const struct conn *c);
static void (*reno_on_loss)(const struct conn *c, u32 cwnd);

/* ---- the sender ---- */

static void reno_send(struct conn *c, u32 seg)
{
	struct reno *r = c->m;
	struct packet *p;
	u8 hdr[4];

	put_unaligned_be32(seg, hdr);
	p = packet_new(seg, 0, hdr, sizeof(hdr), 0);
	p->ghost = c->net->sc->seg_size - sizeof(hdr);
	if (seg < r->next) {
		r->sent_us[seg] = U64_MAX;
		r->again[seg] = true;
	} else {
		r->sent_us[seg] = c->net->sim.now_us;
		r->next = seg + 1;
	}
	if (r->rto_at_us == U64_MAX)
		r->rto_at_us = c->net->sim.now_us + (r->rto_us << r->backoff);
	conn_send(c, SIM_DOWN, p);
	if (reno_on_send)
		reno_on_send(c);
}

/* RFC 6675 IsLost(): three segments above it have arrived. */
static bool reno_is_lost(const struct reno *r, u32 seg)
{
	u32 i, above = 0;

	if (r->given_up[seg])
		return true;
	for (i = seg + 1; i < r->sacked_top && above < RENO_DUPTHRESH; i++)
		above += r->sacked[i];
	return above >= RENO_DUPTHRESH;
}

/* RFC 6675 SetPipe(). */
static u32 reno_pipe(const struct reno *r)
{
	u32 i, pipe = 0, above = 0;

	/* From the top, so that IsLost() is known for each segment on the way. */
	for (i = r->next; i-- > r->una;) {
		if (r->sacked[i]) {
			above++;
			continue;
		}
		pipe += !r->given_up[i] && above < RENO_DUPTHRESH;
		pipe += r->again[i];
	}
	return pipe;
}

/* RFC 6675 NextSeg(), rules 1 to 3; RENO_MAX for none. */
static u32 reno_next_seg(const struct reno *r)
{
	u32 i;

	for (i = r->una; i < r->next; i++)
		if (!r->sacked[i] && !r->again[i] && reno_is_lost(r, i))
			return i;
	if (r->next < reno_total && r->next - r->una < reno_rwnd)
		return r->next;
	for (i = r->una; r->recovery && i < r->sacked_top; i++)
		if (!r->sacked[i] && !r->again[i])
			return i;
	return RENO_MAX;
}

static void reno_transmit(struct conn *c)
{
	struct reno *r = c->m;
	u32 seg;

	while (reno_pipe(r) < r->cwnd) {
		seg = reno_next_seg(r);
		if (seg == RENO_MAX)
			return;
		/* Until a loss is known, no more than a window is sent (no limited transmit). */
		if (!r->recovery && !r->given_up[seg] && r->next - r->una >= r->cwnd)
			return;
		reno_send(c, seg);
	}
}

static void reno_grow(struct reno *r, u32 n)
{
	for (; n; n--) {
		if (r->cwnd < r->ssthresh) {
			r->cwnd++;
		} else if (++r->acked >= r->cwnd) {
			r->cwnd++;
			r->acked = 0;
		}
	}
}

static void reno_rtt(struct reno *r, u64 sample)
{
	u64 dev;

	if (!r->srtt_us) {
		r->srtt_us = sample;
		r->rttvar_us = sample / 2;
	} else {
		dev = sample > r->srtt_us ? sample - r->srtt_us : r->srtt_us - sample;
		r->rttvar_us = (3 * r->rttvar_us + dev) / 4;
		r->srtt_us = (7 * r->srtt_us + sample) / 8;
	}
	r->rto_us = r->srtt_us + max_t(u64, 4 * r->rttvar_us, RENO_RTO_MIN_US);
}

/* A recovery begins: the window is reduced once (RFC 5681 §3.2, RFC 6675 §5). */
static void reno_recover(struct conn *c)
{
	struct reno *r = c->m;

	r->recovery = true;
	r->recovery_at_us = c->net->sim.now_us;
	r->recover = r->next;
	/* No more than a window counts as in flight; the rest was acknowledged selectively. */
	r->ssthresh = max_t(u32, min_t(u32, r->next - r->una, r->cwnd) / 2, 2);
	r->cwnd = r->ssthresh;
	r->acked = 0;
	memset(r->again, 0, sizeof(r->again));
	if (reno_on_loss)
		reno_on_loss(c, r->cwnd);
	reno_send(c, r->una);
	r->rto_at_us = c->net->sim.now_us + r->rto_us;
}

static void reno_at_server(struct replica *rep, struct packet *p)
{
	struct conn *c = &rep->net->conn[p->client];
	struct reno *r = c->m;
	u32 cum = p->ack, i, n = 0;
	u64 sample = U64_MAX;

	if (!r)
		return;
	for (i = r->una; i < r->next && i < cum + p->len; i++) {
		if (r->sacked[i] || (i >= cum && !p->data[i - cum]))
			continue;
		r->sacked[i] = true;
		r->sacked_top = max_t(u32, r->sacked_top, i + 1);
		if (r->sent_us[i] != U64_MAX)
			sample = r->sent_us[i];
	}
	if (sample != U64_MAX)
		reno_rtt(r, rep->net->sim.now_us - sample);
	if (cum > r->una) {
		n = cum - r->una;
		r->una = cum;
		r->backoff = 0;
		r->rto_at_us = cum < r->next ? rep->net->sim.now_us + r->rto_us : U64_MAX;
	}
	if (r->recovery && r->una >= r->recover) {
		r->recovery = false;
		reno_recovery_us += c->net->sim.now_us - r->recovery_at_us;
		memset(r->again, 0, sizeof(r->again));
		/* Most of what this acknowledges arrived before; only the last hole is new. */
		n = min_t(u32, n, 1);
	}
	if (!r->recovery && r->una < r->next && !r->given_up[r->una] && reno_is_lost(r, r->una))
		reno_recover(c);
	else if (!r->recovery)
		reno_grow(r, n);
	reno_transmit(c);
}

static void reno_expire(struct conn *c)
{
	struct reno *r = c->m;
	u32 i;

	reno_timeouts++;
	if (!r->backoff)
		r->ssthresh = max_t(u32, (r->recovery ? 2 * r->cwnd : r->next - r->una) / 2, 2);
	r->cwnd = 1;
	r->acked = 0;
	r->backoff = min_t(u32, r->backoff + 1, 8);
	r->recovery = false;
	memset(r->again, 0, sizeof(r->again));
	for (i = r->una; i < r->next; i++)
		r->given_up[i] = true;
	r->rto_at_us = c->net->sim.now_us + (r->rto_us << r->backoff);
	reno_transmit(c);
}

/* ---- the receiver ---- */

static void reno_ack(struct conn *c)
{
	struct reno *r = c->m;
	/* Selective acknowledgments: a byte for each segment above rcv_nxt, 1 if it arrived. */
	struct packet *p = packet_new(0, r->rcv_nxt, (u8 *)r->have + r->rcv_nxt,
				      r->rcv_top - r->rcv_nxt, 0);

	r->unacked = 0;
	r->delack_at_us = U64_MAX;
	conn_send(c, SIM_UP, p);
}

static void reno_at_client(struct conn *c, struct packet *p)
{
	struct reno *r = c->m;
	u32 seg = get_unaligned_be32(p->data);

	r->request_at_us = U64_MAX;
	r->have[seg] = true;
	r->rcv_top = max_t(u32, r->rcv_top, seg + 1);
	while (r->rcv_nxt < reno_total && r->have[r->rcv_nxt])
		r->rcv_nxt++;
	r->unacked++;
	if (r->rcv_nxt == reno_total) {
		conn_done(c);
		conn_close(c, CONN_DONE);
		return;
	}
	/* Every second segment, at once out of order (RFC 5681 §4.2), and the last one sent. */
	if (r->unacked >= 2 || r->rcv_nxt < r->rcv_top || r->rcv_nxt == r->next)
		reno_ack(c);
	else
		r->delack_at_us = c->net->sim.now_us + RENO_DELACK_US;
}

static void reno_connected(struct conn *c, u64 rtt_us)
{
	struct reno *r = conn_alloc(c, sizeof(*r));

	c->m = r;
	reno_timeouts = 0;
	reno_recovery_us = 0;
	r->cwnd = RENO_IW;
	r->ssthresh = 1 << 20;
	r->rto_us = rtt_us + max_t(u64, 2 * rtt_us, RENO_RTO_MIN_US);
	r->rto_at_us = U64_MAX;
	r->request_at_us = c->net->sim.now_us + r->rto_us;
	reno_ack(c);
}

static void reno_timer(struct conn *c)
{
	struct reno *r = c->m;
	u64 now = c->net->sim.now_us;

	if (r->delack_at_us <= now)
		reno_ack(c);
	if (r->request_at_us <= now) {
		r->request_at_us = now + 2 * r->rto_us;
		reno_ack(c);
	}
	if (r->rto_at_us <= now)
		reno_expire(c);
}

static u64 reno_deadline(const struct conn *c)
{
	const struct reno *r = c->m;

	return min_t(u64, r->delack_at_us, min_t(u64, r->request_at_us, r->rto_at_us));
}

static void reno_close(struct conn *c)
{
	conn_free(c, c->m, sizeof(struct reno));
}

static const struct model reno_model = {
	.connected = reno_connected,
	.at_client = reno_at_client,
	.at_server = reno_at_server,
	.timer = reno_timer,
	.deadline = reno_deadline,
	.close = reno_close,
};

#endif /* TRK_TEST_RENO_H */
