// SPDX-License-Identifier: GPL-2.0
/* How long a client waits, and how often it tries. */
#include <errno.h>

#include "lone.h"
#include "tap.h"

static struct lone lone;
static struct trk_client *const cl = &lone.cl;

/* RFC 6298 (2.3), with 200 ms in place of four times a variance that is less. */
static void rtt__smoothed(void)
{
	lone_begin(&lone);
	CHECK_EQ(cl->srtt_us, LONE_RTT_US);
	CHECK_EQ(cl->rttvar_us, LONE_RTT_US / 2);
	CHECK_EQ(cl->rto_us, LONE_RTT_US + 200000);
	trk_timer_rtt(cl, 850000);
	CHECK_EQ(cl->rttvar_us, (3 * 25000 + 800000) / 4);
	CHECK_EQ(cl->srtt_us, (7 * 50000 + 850000) / 8);
	CHECK_EQ(cl->rto_us, 150000 + 4 * 218750);
	trk_timer_rtt(cl, 50000);
	CHECK_EQ(cl->rttvar_us, (3 * 218750 + 100000) / 4);
	CHECK_EQ(cl->srtt_us, (7 * 150000 + 50000) / 8);
}

static void rto__not_below_the_round_trip_and_200_ms(void)
{
	unsigned int i;

	lone_begin(&lone);
	for (i = 0; i < 100; i++)
		trk_timer_rtt(cl, 30000);
	CHECK(cl->srtt_us >= 30000 && cl->srtt_us < 30010);
	CHECK_EQ(cl->rto_us, cl->srtt_us + 200000);
}

/* Nobody answers: how many packets, and the highest attempt in them. */
static unsigned int tries(unsigned int *highest)
{
	unsigned int n = 0;

	*highest = 0;
	while (cl->state != TRK_CL_DEAD && cl->deadline_us != U64_MAX) {
		lone.now_us = cl->deadline_us;
		trk_timer_expired(cl, lone.now_us);
		while (lone_pump(&lone)) {
			if (!lone.out.syn && lone.q.kind == TRK_KIND_RANGE)
				continue;
			n++;
			*highest = max_t(unsigned int, *highest, lone.q.attempt);
		}
	}
	return n;
}

/* Fifteen, of which some are knocks. */
static void timeouts__end_after_fifteen(void)
{
	unsigned int highest;

	lone_open(&lone);
	lone_pump_all(&lone);
	CHECK_EQ(tries(&highest), 15);
	CHECK_EQ(highest, 14);
	CHECK_EQ(cl->error, ETIMEDOUT);
	CHECK_EQ(cl->stat.timeouts, 15);
	CHECK_EQ(cl->deadline_us, U64_MAX);
}

static void first__ends_after_fifteen_repeats(void)
{
	unsigned int highest;

	lone_begin(&lone);
	CHECK(lone_pump(&lone));
	CHECK_EQ(lone.q.attempt, 0);
	CHECK_EQ(tries(&highest), 15);
	CHECK_EQ(highest, 14);
	CHECK_EQ(cl->error, ETIMEDOUT);
}

/* RFC 6298 (5.5), up to a minute. */
static void first__waits_twice_as_long_each_time(void)
{
	u64 wait = LONE_RTT_US + 200000;
	unsigned int i;

	lone_begin(&lone);
	CHECK(lone_pump(&lone));
	for (i = 0; i < 15; i++) {
		CHECK_EQ(cl->deadline_us, lone.now_us + min_t(u64, wait, 60000000));
		lone.now_us = cl->deadline_us - 1;
		trk_timer_expired(cl, lone.now_us);
		CHECK(!lone_pump(&lone));
		lone.now_us++;
		trk_timer_expired(cl, lone.now_us);
		/* Who waits for a SYN-ACK waits no longer. */
		CHECK(!cl->req.knocking);
		CHECK(lone_pump(&lone));
		/* From the third on, every other one is a SYN. */
		CHECK_EQ(lone.out.syn, i >= 2 && i % 2 == 0);
		if (!lone.out.syn)
			CHECK_EQ(lone.q.attempt, i + 1);
		wait *= 2;
	}
}

/* Input that the server cannot use as it is goes again, ever more seldom, up to a minute. */
static void unfit__waits_twice_as_long_each_time(void)
{
	unsigned int i;

	lone_open(&lone);
	for (i = 0; i < 20; i++) {
		trk_timer_unfit(cl, lone.now_us, U64_MAX);
		CHECK_EQ(cl->timer.unfit_deadline_us,
			 lone.now_us + min_t(u64, cl->rto_us << min_t(unsigned int, i, 16),
					     60000000));
	}
	/* At once when it may fit. */
	trk_timer_unfit(cl, lone.now_us, lone.now_us + 5);
	CHECK_EQ(cl->timer.unfit_deadline_us, lone.now_us + 5);
}

/* Two round trips and a little, with unreported packets; else the whole timeout. */
static void probe__after_two_round_trips(void)
{
	lone_open(&lone);
	CHECK_EQ(cl->rttvar_us, 18750);
	CHECK_EQ(cl->timer.rto_deadline_us, lone.now_us + 10000 + LONE_RTT_US + 4 * 18750);
	cl->rttvar_us = 0;
	trk_timer_arm(cl, lone.now_us);
	CHECK_EQ(cl->timer.rto_deadline_us, lone.now_us + 10000 + 2 * LONE_RTT_US);
	/* Not beyond the timeout, */
	cl->rttvar_us = 500000;
	trk_timer_arm(cl, lone.now_us);
	CHECK_EQ(cl->timer.rto_deadline_us, lone.now_us + cl->rto_us);
	/* nor twice, */
	cl->rttvar_us = 0;
	cl->timer.probed = true;
	trk_timer_arm(cl, lone.now_us);
	CHECK_EQ(cl->timer.rto_deadline_us, lone.now_us + cl->rto_us);
	/* nor while the answer to input is due, */
	cl->timer.probed = false;
	cl->tx.expected = 1;
	trk_timer_arm(cl, lone.now_us);
	CHECK_EQ(cl->timer.rto_deadline_us, lone.now_us + cl->rto_us);
	/* nor with nothing to report. */
	cl->tx.expected = 0;
	lone_arrives(&lone, 2);
	CHECK(lone_pump(&lone));
	cl->rttvar_us = 0;
	trk_timer_arm(cl, lone.now_us);
	CHECK_EQ(cl->timer.rto_deadline_us, lone.now_us + cl->rto_us);
	lone_arrives(&lone, 4);
	cl->rttvar_us = 0;
	trk_timer_arm(cl, lone.now_us);
	CHECK(cl->timer.rto_deadline_us < lone.now_us + cl->rto_us);
}

/* Number 3 was lost, 4 came: the packets at hand ask for what is missing, and what is not seen. */
static void probe__asks_again(void)
{
	lone_open(&lone);
	lone_arrives(&lone, 2);
	CHECK(lone_pump(&lone));
	lone_arrives(&lone, 4);
	CHECK(!lone_pump(&lone));
	lone.now_us = cl->timer.rto_deadline_us;
	trk_timer_expired(cl, lone.now_us);
	CHECK_EQ(cl->stat.probes, 1);
	CHECK_EQ(cl->stat.lost, 1);
	CHECK_EQ(cl->num.reportable, 4);
	CHECK_EQ(cl->rx.holes.n, 2);
	CHECK(cl->rx.holes.r[0].a == 2 * LONE_PIECE && cl->rx.holes.r[0].b == 3 * LONE_PIECE);
	CHECK(cl->rx.holes.r[1].a == 4 * LONE_PIECE && cl->rx.holes.r[1].b == 14 * LONE_PIECE);
	CHECK(lone_pump(&lone));
	CHECK_EQ(lone.q.kind, TRK_KIND_RANGE);
	CHECK_EQ(lone.q.n, 4);
	CHECK_EQ(lone.q.ask[0].off, 2 * LONE_PIECE);
	CHECK_EQ(cl->stat.timeouts, 0);
	CHECK_EQ(cl->num.expected, 10 + cl->num.hi - 14);
}

/* The list of claims is full, so that the loss cannot be reported: what came is asked no more. */
static void probe__asks_for_nothing_that_came(void)
{
	unsigned int i;

	lone_open(&lone);
	lone_arrives(&lone, 2);
	CHECK(lone_pump(&lone));
	lone_arrives(&lone, 4);
	for (i = 0; i < 16; i++)
		cl->num.claims[i] = (struct trk_claim){ 1, 1, TRK_CLAIM_LOST };
	cl->num.nclaims = 16;
	lone.now_us = cl->timer.rto_deadline_us;
	trk_timer_expired(cl, lone.now_us);
	CHECK_EQ(cl->stat.probes, 1);
	CHECK_EQ(cl->num.edge, 3);
	CHECK_EQ(cl->rx.holes.n, 2);
	CHECK(cl->rx.holes.r[0].b == 3 * LONE_PIECE && cl->rx.holes.r[1].a == 4 * LONE_PIECE);
}

/* What came and is not reported is not lost. */
static void timeout__what_came_is_not_lost(void)
{
	lone_open(&lone);
	lone_arrives(&lone, 2);
	CHECK(lone_pump(&lone));
	lone_arrives(&lone, 4);
	trk_timer_timed_out(cl, lone.now_us);
	CHECK_EQ(cl->stat.lost, 11);
	CHECK_EQ(cl->num.expected, 0);
	CHECK_EQ(trk_client_entry(cl, 4)->state, TRK_ENTRY_RECEIVED);
	CHECK_EQ(trk_client_entry(cl, 3)->state, TRK_ENTRY_LOST);
	CHECK_EQ(trk_client_entry(cl, 14)->state, TRK_ENTRY_LOST);
	CHECK(cl->rx.holes.n == 2 && cl->rx.holes.r[0].b == 3 * LONE_PIECE);
}

/* With nothing at hand: one silence more, and then a TIMEOUT, which has all that was asked. */
static void timeout__when_a_probe_is_in_vain(void)
{
	lone_open(&lone);
	lone_arrives(&lone, 2);
	CHECK(lone_pump(&lone));
	CHECK_EQ(cl->num.expected, 12);
	lone.now_us = cl->deadline_us;
	trk_timer_expired(cl, lone.now_us);
	CHECK(lone_pump(&lone));
	CHECK_EQ(lone.q.kind, TRK_KIND_TIMEOUT);
	CHECK_EQ(lone.q.attempt, 1);
	CHECK_EQ(cl->stat.timeouts, 1);
	CHECK_EQ(cl->stat.lost, 12);
	CHECK_EQ(cl->num.expected, 0);
	CHECK_EQ(lone.q.nask, 1);
	CHECK_EQ(lone.q.ask[0].off, 2 * LONE_PIECE);
	CHECK_EQ(cl->deadline_us, lone.now_us + 2 * cl->rto_us);
	CHECK_EQ(cl->stat.rcv_retrans, lone.q.ask[0].len);
	/* The next one carries the same. */
	lone.now_us = cl->deadline_us;
	trk_timer_expired(cl, lone.now_us);
	CHECK(lone_pump(&lone));
	CHECK_EQ(lone.q.attempt, 2);
	CHECK_EQ(lone.q.ask[0].off, 2 * LONE_PIECE);
	CHECK_EQ(cl->deadline_us, lone.now_us + 4 * cl->rto_us);
}

/* What a timeout has to begin anew. */
static void timeout__forgets_the_reordering(void)
{
	lone_open(&lone);
	cl->num.dupthresh = 50;
	cl->rx.asked_before = 7;
	cl->req.knocking = true;
	cl->req.opened = true;
	trk_timer_timed_out(cl, lone.now_us);
	CHECK_EQ(cl->num.dupthresh, 3);
	CHECK_EQ(cl->rx.asked_before, 0);
	CHECK(!cl->req.knocking && !cl->req.opened && !cl->req.last_chance);
	CHECK(cl->req.waiting && cl->req.timeout_due);
	CHECK_EQ(cl->req.attempt, 1);
}

/* The end of the stream, and input, that a TIMEOUT carried go again with the next. */
static void timeout__input_goes_again(void)
{
	lone_open(&lone);
	cl->snd_end = 200;
	cl->snd_fin = true;
	/* All output is there, so there is nothing else to ask for. */
	cl->fin_off = cl->rcv_nxt;
	trk_timer_timed_out(cl, lone.now_us);
	CHECK(lone_pump(&lone));
	CHECK_EQ(lone.q.kind, TRK_KIND_TIMEOUT);
	CHECK_EQ(lone.q.input_off, LONE_INPUT);
	CHECK_EQ(lone.out.in_len, 100);
	CHECK(lone.q.flags & TRK_REQ_FIN);
	CHECK(cl->tx.fin_sent);
	trk_timer_timed_out(cl, lone.now_us);
	CHECK(!cl->tx.fin_sent);
	CHECK(cl->tx.again);
	CHECK(lone_pump(&lone));
	CHECK_EQ(lone.q.input_off, LONE_INPUT);
	CHECK_EQ(lone.out.in_len, 100);
	CHECK(lone.q.flags & TRK_REQ_FIN);
	cl->tx.fin_acked = true;
	trk_timer_timed_out(cl, lone.now_us);
	CHECK(cl->tx.fin_sent);
}

/* The earliest of all deadlines. */
static void deadline__the_earliest(void)
{
	u64 *deadlines[] = { &cl->timer.rto_deadline_us, &cl->timer.pace_deadline_us,
			     &cl->timer.delack_deadline_us, &cl->timer.idle_deadline_us,
			     &cl->timer.reseal_deadline_us };
	unsigned int i, k;

	lone_begin(&lone);
	for (i = 0; i < ARRAY_SIZE(deadlines); i++) {
		for (k = 0; k < ARRAY_SIZE(deadlines); k++)
			*deadlines[k] = 1000 + k;
		*deadlines[i] = 7;
		trk_timer_set(cl);
		CHECK_EQ(cl->deadline_us, 7);
	}
	trk_timer_stop(cl);
	CHECK_EQ(cl->deadline_us, U64_MAX);
	for (i = 0; i < ARRAY_SIZE(deadlines); i++)
		CHECK_EQ(*deadlines[i], U64_MAX);
}

/* What has passed is over: a timer that is set to then would expire for ever. */
static void deadline__passes(void)
{
	u64 *deadlines[] = { &cl->timer.pace_deadline_us, &cl->timer.delack_deadline_us,
			     &cl->timer.reseal_deadline_us };
	unsigned int i;

	lone_open(&lone);
	for (i = 0; i < ARRAY_SIZE(deadlines); i++) {
		*deadlines[i] = lone.now_us + 1;
		trk_timer_expired(cl, lone.now_us);
		CHECK_EQ(cl->deadline_us, lone.now_us + 1);
		CHECK(!cl->timer.force);
		*deadlines[i] = lone.now_us;
		trk_timer_expired(cl, lone.now_us);
		CHECK_EQ(*deadlines[i], U64_MAX);
		CHECK_EQ(cl->timer.force, deadlines[i] == &cl->timer.delack_deadline_us);
		CHECK_EQ(cl->deadline_us, cl->timer.rto_deadline_us);
		cl->timer.force = false;
	}
}

/* Protocol.rst: trickles that were parked for longer than the timer go on at twice the rate. */
static void pace__twice_the_rate_of_the_window(void)
{
	lone_open(&lone);
	cl->num.expected = 0;
	cl->timer.sent_us = lone.now_us - cl->rto_us;
	CHECK(!trk_timer_paced(cl, lone.now_us));
	trk_timer_pace(cl, lone.now_us, 2);
	CHECK_EQ(cl->timer.pace_us, 0);
	cl->timer.sent_us--;
	CHECK(!trk_timer_paced(cl, lone.now_us));
	cl->cwnd = 10;
	trk_timer_pace(cl, lone.now_us, 2);
	CHECK_EQ(cl->timer.pace_us, lone.now_us + LONE_RTT_US / 10);
	trk_timer_pace(cl, lone.now_us, 4);
	CHECK_EQ(cl->timer.pace_us, lone.now_us + 3 * LONE_RTT_US / 10);
	CHECK(trk_timer_paced(cl, lone.now_us));
	CHECK_EQ(cl->timer.pace_deadline_us, cl->timer.pace_us);
	/* A millisecond is not worth a timer. */
	CHECK(trk_timer_paced(cl, cl->timer.pace_us - 1001));
	CHECK(!trk_timer_paced(cl, cl->timer.pace_us - 1000));
	cl->timer.force = true;
	CHECK(!trk_timer_paced(cl, lone.now_us));
}

static const struct tap_case cases[] = {
	TAP_CASE(first__waits_twice_as_long_each_time),
	TAP_CASE(unfit__waits_twice_as_long_each_time),
	TAP_CASE(probe__after_two_round_trips),
	TAP_CASE(probe__asks_again),
	TAP_CASE(probe__asks_for_nothing_that_came),
	TAP_CASE(timeout__what_came_is_not_lost),
	TAP_CASE(timeout__when_a_probe_is_in_vain),
	TAP_CASE(timeout__forgets_the_reordering),
	TAP_CASE(timeout__input_goes_again),
	TAP_CASE(deadline__the_earliest),
	TAP_CASE(deadline__passes),
	TAP_CASE(pace__twice_the_rate_of_the_window),
	TAP_CASE(rtt__smoothed),
	TAP_CASE(rto__not_below_the_round_trip_and_200_ms),
	TAP_CASE(timeouts__end_after_fifteen),
	TAP_CASE(first__ends_after_fifteen_repeats),
};

TAP_MAIN(cases)
