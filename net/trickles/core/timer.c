// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * What the client does with time (RFC 6298, RFC 8985): timers, timeouts, pacing.  Rules:
 * protocol.rst, "The client".
 */
#include "timer.h"
#include "narrow.h"
#include "numbers.h"
#include "plan.h"
#include "wanted.h"

/**
 * trk_timer_rtt - a round trip was measured
 * @cl: the client
 * @sample: microseconds
 *
 * As RFC 6298 says.  Every request has a token of its own, so no sample is ambiguous.  The minimum
 * is for the variance, as in Linux: otherwise, where the round trip is long and steady, the
 * timer would expire just before the answer comes.
 */
void trk_timer_rtt(struct trk_client *cl, u64 sample)
{
	u64 dev;

	if (!cl->srtt_us) {
		cl->srtt_us = sample;
		cl->rttvar_us = sample / 2;
	} else {
		dev = sample > cl->srtt_us ? sample - cl->srtt_us : cl->srtt_us - sample;
		cl->rttvar_us = (3 * cl->rttvar_us + dev) / 4;
		cl->srtt_us = (7 * cl->srtt_us + sample) / 8;
	}
	cl->rto_us = cl->srtt_us + max_t(u64, 4 * cl->rttvar_us, TRK_RTO_MIN_US);
}

/**
 * trk_timer_stop - no timer runs
 * @cl: the client
 */
void trk_timer_stop(struct trk_client *cl)
{
	cl->timer.rto_deadline_us = U64_MAX;
	cl->timer.delack_deadline_us = U64_MAX;
	cl->timer.idle_deadline_us = U64_MAX;
	cl->timer.pace_deadline_us = U64_MAX;
	cl->timer.reseal_deadline_us = U64_MAX;
	cl->timer.unfit_deadline_us = U64_MAX;
	cl->deadline_us = U64_MAX;
}

/**
 * trk_timer_die - the connection is over
 * @cl: the client
 * @error: errno, positive
 */
void trk_timer_die(struct trk_client *cl, int error)
{
	cl->state = TRK_CL_DEAD;
	cl->error = error;
	trk_timer_stop(cl);
}

/* Is an answer due, or is there something to ask for? */
static bool timer_busy(const struct trk_client *cl)
{
	if (cl->state == TRK_CL_FIRST)
		return cl->req.first_sent;
	if (cl->state != TRK_CL_OPEN)
		return false;
	return cl->req.waiting || cl->num.expected || trk_plan_wants(cl);
}

/**
 * trk_timer_set - set cl->deadline_us to the earliest deadline
 * @cl: the client
 */
void trk_timer_set(struct trk_client *cl)
{
	const struct trk_timers *t = &cl->timer;

	cl->deadline_us = min_t(u64, min_t(u64, t->rto_deadline_us, t->pace_deadline_us),
				min_t(u64, t->delack_deadline_us, t->idle_deadline_us));
	cl->deadline_us = min_t(u64, cl->deadline_us,
				min_t(u64, t->reseal_deadline_us, t->unfit_deadline_us));
}

/**
 * trk_timer_unfit - the server wants more input at once than fits a packet
 * @cl: the client
 * @now_us: monotonic time
 * @latest_us: when it may fit
 *
 * Nothing tells when it changes its mind, so the same input goes again, ever more seldom.
 */
void trk_timer_unfit(struct trk_client *cl, u64 now_us, u64 latest_us)
{
	u64 wait = min_t(u64, cl->rto_us << min_t(u8, cl->tx.unfits, 16), TRK_RTO_MAX_US);

	cl->tx.unfit = true;
	cl->tx.unfits = min_t(u8, cl->tx.unfits + 1, 16);
	cl->timer.unfit_deadline_us = min_t(u64, now_us + wait, max_t(u64, latest_us, now_us));
}

/*
 * Can the client probe: are there packets that are not reported yet, with which it can ask again?
 * It must not while an answer to input is due: that may be late because the application is slow,
 * and the input would be executed once more.
 */
static bool can_probe(const struct trk_client *cl)
{
	return cl->state == TRK_CL_OPEN && !cl->req.waiting && !cl->timer.probed && cl->srtt_us &&
	       !cl->tx.expected && (cl->num.above || cl->num.reportable > cl->num.nrep);
}

/* How long the retransmission timer runs. */
static u64 timer_wait(const struct trk_client *cl)
{
	return min_t(u64, cl->rto_us << min_t(u32, cl->timer.backoff, 16), TRK_RTO_MAX_US);
}

/**
 * trk_timer_arm - restart the retransmission timer
 * @cl: the client
 * @now_us: monotonic time
 *
 * It runs as long as an answer is due, or there is something to ask for and no trickle to do so.
 * If there are packets that are not reported yet, it expires earlier, and the client probes, as
 * TCP does after a silence (tail loss probe, RFC 8985 §7.2).
 */
void trk_timer_arm(struct trk_client *cl, u64 now_us)
{
	u64 wait = timer_wait(cl);

	cl->timer.armed_us = now_us;
	if (can_probe(cl))
		wait = min_t(u64, wait, TRK_DELACK_US + max_t(u64, 2 * cl->srtt_us,
							      cl->srtt_us + 4 * cl->rttvar_us));
	cl->timer.rto_deadline_us = timer_busy(cl) ? now_us + wait : U64_MAX;
	trk_timer_set(cl);
}

/**
 * trk_timer_paced - is the next request to wait?
 * @cl: the client
 * @now_us: monotonic time
 *
 * Trickles that were parked for long have lost the clock of arriving packets.  Until none is left
 * they go on at twice the window's rate, and not all at once (RFC 5681 §4.1).
 *
 * Return: true if it is.
 */
bool trk_timer_paced(struct trk_client *cl, u64 now_us)
{
	if (!cl->num.expected && now_us - cl->timer.sent_us > cl->rto_us)
		cl->timer.resuming = true;
	if (cl->timer.pace_us <= now_us + TRK_PACE_MIN_US || cl->timer.force)
		return false;
	cl->timer.pace_deadline_us = cl->timer.pace_us;
	return true;
}

/**
 * trk_timer_pace - a request goes out: when may the next one, if trickles were parked?
 * @cl: the client
 * @now_us: monotonic time
 * @granted: numbers that it issues
 */
void trk_timer_pace(struct trk_client *cl, u64 now_us, u32 granted)
{
	if (cl->timer.resuming)
		cl->timer.pace_us = max_t(u64, cl->timer.pace_us, now_us) +
				    div64_u64(cl->srtt_us * granted, 2 * max_t(u32, cl->cwnd, 1));
}

/* Wants again what @s was to bring, though the number is not declared lost. */
static void ask_again(struct trk_client *cl, const struct trk_entry *s)
{
	if (s->state != TRK_ENTRY_EXPECTED)
		return;
	if (s->what == TRK_WHAT_OUTPUT)
		trk_wanted_output(cl, s->off, s->off + s->len);
	else if (s->what == TRK_WHAT_INPUT && s->token == cl->tx.token)
		cl->tx.again = true;
	else if (s->what == TRK_WHAT_INPUT)
		trk_wanted_input(cl, s->off, s->off + s->len);
}

/**
 * trk_timer_timed_out - nothing helps but a TIMEOUT request
 * @cl: the client
 * @now_us: monotonic time
 *
 * From now on the client is silent in the old domain.
 */
void trk_timer_timed_out(struct trk_client *cl, u64 now_us)
{
	u64 x;

	cl->stat.timeouts++;
	cl->num.dupthresh = TRK_DUPTHRESH;
	cl->req.last_chance = false;
	cl->req.timeout_due = true;
	cl->req.knocking = false;
	cl->req.opened = false;
	cl->rx.asked_before = 0;
	if (cl->req.waiting) {
		/* What the last TIMEOUT request asked for or brought goes again with the next. */
		if (cl->req.pending.fin && !cl->tx.fin_acked)
			cl->tx.fin_sent = false;
		cl->req.pending.state = TRK_ENTRY_EXPECTED;
		if (cl->req.pending.what == TRK_WHAT_INPUT)
			trk_narrow_in_vain(cl, &cl->req.pending);
		ask_again(cl, &cl->req.pending);
		if (cl->req.pending.what == TRK_WHAT_OUTPUT)
			trk_wanted_next(cl, cl->req.pending.off);
		return;
	}
	trk_narrow_raise(cl, now_us);
	cl->tx.unfit = false;
	cl->req.waiting = true;
	cl->req.attempt = 1;
	for (x = cl->num.nrep + 1; x <= cl->num.hi; x++)
		if (trk_client_entry(cl, x)->state == TRK_ENTRY_EXPECTED)
			trk_numbers_lose(cl, x);
}

/*
 * The retransmission timer expired.  The first time, packets that are not reported yet are used to
 * ask again: numbers missing below the highest received one are lost; what those above were to
 * bring is asked for, but they are not declared lost.  If there are no such packets, or nothing
 * came of that, a TIMEOUT request follows (RFC 6298 §5; protocol.rst, "The client").
 */
static void expire(struct trk_client *cl, u64 now_us)
{
	bool early = can_probe(cl);
	u64 x;

	/* As TCP, it ends after so many tries. */
	if (!early && ++cl->req.attempt > TRK_MAX_ATTEMPTS) {
		trk_timer_die(cl, ETIMEDOUT);
		return;
	}
	cl->timer.backoff += !early;
	if (cl->state == TRK_CL_FIRST) {
		trk_narrow_expired(cl, now_us);
		cl->req.first_sent = false;
		cl->req.knocking = false;
		cl->req.opened = false;
		return;
	}
	cl->timer.force = true;
	if (!cl->req.waiting && !cl->timer.probed) {
		cl->timer.probed = true;
		cl->stat.probes++;
		trk_numbers_declare(cl, true);
		for (x = cl->num.edge; x <= cl->num.hi; x++)
			ask_again(cl, trk_client_entry(cl, x));
		/* If no request comes of it, a TIMEOUT follows, but not before its time. */
		cl->req.last_chance = !early;
		if (early)
			cl->timer.rto_deadline_us = cl->timer.armed_us + timer_wait(cl);
		return;
	}
	trk_narrow_expired(cl, now_us);
	trk_timer_timed_out(cl, now_us);
}

/**
 * trk_timer_expired - the deadline may have passed
 * @cl: the client
 * @now_us: monotonic time
 *
 * Call trk_client_pump() afterwards; look at cl->state first.
 */
void trk_timer_expired(struct trk_client *cl, u64 now_us)
{
	if (now_us >= cl->timer.delack_deadline_us) {
		cl->timer.delack_deadline_us = U64_MAX;
		cl->timer.force = true;
	}
	if (now_us >= cl->timer.rto_deadline_us) {
		cl->timer.rto_deadline_us = U64_MAX;
		if (timer_busy(cl))
			expire(cl, now_us);
	}
	if (now_us >= cl->timer.pace_deadline_us)
		cl->timer.pace_deadline_us = U64_MAX;
	if (now_us >= cl->timer.reseal_deadline_us)
		cl->timer.reseal_deadline_us = U64_MAX;
	if (now_us >= cl->timer.unfit_deadline_us) {
		cl->timer.unfit_deadline_us = U64_MAX;
		cl->tx.unfit = false;
	}
	if (now_us >= cl->timer.idle_deadline_us)
		cl->timer.idle_deadline_us = now_us;
	if (cl->state != TRK_CL_DEAD && cl->timer.rto_deadline_us == U64_MAX)
		trk_timer_arm(cl, now_us);
	trk_timer_set(cl);
}
