// SPDX-License-Identifier: GPL-2.0
/* Which numbers a client calls lost. */
#include "lone.h"
#include "tap.h"

static struct lone lone;
static struct trk_client *const cl = &lone.cl;

/* Protocol.rst: "rises to twice the distance by which it was late, at most 300". */
static void late__threshold_is_twice_the_distance(void)
{
	lone_open(&lone);
	CHECK_EQ(cl->num.dupthresh, 3);
	cl->num.top = 30;
	trk_numbers_late(cl, 29);
	CHECK_EQ(cl->num.dupthresh, 3);
	trk_numbers_late(cl, 28);
	CHECK_EQ(cl->num.dupthresh, 4);
	trk_numbers_late(cl, 20);
	CHECK_EQ(cl->num.dupthresh, 20);
	/* It does not fall again, */
	trk_numbers_late(cl, 28);
	CHECK_EQ(cl->num.dupthresh, 20);
	/* and one above all others was late by nothing. */
	trk_numbers_late(cl, 40);
	CHECK_EQ(cl->num.dupthresh, 20);
	cl->num.top = 1000;
	trk_numbers_late(cl, 850);
	CHECK_EQ(cl->num.dupthresh, 300);
	trk_numbers_late(cl, 2);
	CHECK_EQ(cl->num.dupthresh, 300);
}

static const struct tap_case cases[] = {
	TAP_CASE(late__threshold_is_twice_the_distance),
};

TAP_MAIN(cases)
