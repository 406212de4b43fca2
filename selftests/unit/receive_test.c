// SPDX-License-Identifier: GPL-2.0
/* Which responses a client takes, and what it learns from them. */
#include "lone.h"
#include "tap.h"

static struct lone lone;
static struct trk_client *const cl = &lone.cl;

static int answer_first(u16 seg_size)
{
	struct trk_resp r;
	struct trk_cont c;

	lone_begin(&lone);
	lone_pump(&lone);
	r = lone_resp(&lone, 1);
	c = lone_cont(&lone, 0);
	c.seg_size = seg_size;
	lone_put_cont(&lone, &r, &c);
	return lone_take(&lone, 1, &r);
}

/* Its packets would not fit the path. */
static void first__larger_segments_refused(void)
{
	CHECK_EQ(answer_first(LONE_SEG_SIZE + 1), TRK_DROP_NUMBER);
	CHECK_EQ(cl->state, TRK_CL_FIRST);
	CHECK_EQ(answer_first(TRK_MAX_SEG_SIZE), TRK_DROP_NUMBER);
	CHECK_EQ(answer_first(LONE_SEG_SIZE), TRK_OK);
	CHECK_EQ(cl->state, TRK_CL_OPEN);
	CHECK_EQ(answer_first(600), TRK_OK);
	CHECK_EQ(cl->seg_size, 600);
}

/* Which of two requests brought the answer tells only its token (Karn). */
static void rtt__of_no_repeated_request(void)
{
	struct trk_resp r;

	lone_open(&lone);
	CHECK_EQ(lone_arrives(&lone, 2), TRK_OK);
	CHECK_EQ(cl->srtt_us, LONE_RTT_US);
	CHECK(lone_pump_all(&lone));
	trk_client_entry(cl, 11)->again = 99;
	lone.now_us += 10 * LONE_RTT_US;
	r = lone_resp(&lone, 11);
	r.token = 99;
	CHECK_EQ(lone_take(&lone, 11, &r), TRK_OK);
	CHECK_EQ(cl->srtt_us, LONE_RTT_US);
	CHECK_EQ(lone_arrives(&lone, 12), TRK_OK);
	CHECK_EQ(cl->srtt_us, (7 * LONE_RTT_US + 10 * LONE_RTT_US) / 8);
}

static const struct tap_case cases[] = {
	TAP_CASE(first__larger_segments_refused),
	TAP_CASE(rtt__of_no_repeated_request),
};

TAP_MAIN(cases)
