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
}

/* Before the cookie is past its time. */
static void first__ends_after_eleven_repeats(void)
{
	unsigned int highest;

	lone_begin(&lone);
	CHECK(lone_pump(&lone));
	CHECK_EQ(lone.q.attempt, 0);
	CHECK_EQ(tries(&highest), 11);
	CHECK_EQ(highest, 11);
	CHECK_EQ(cl->error, ETIMEDOUT);
}

static const struct tap_case cases[] = {
	TAP_CASE(rtt__smoothed),
	TAP_CASE(rto__not_below_the_round_trip_and_200_ms),
	TAP_CASE(timeouts__end_after_fifteen),
	TAP_CASE(first__ends_after_eleven_repeats),
};

TAP_MAIN(cases)
