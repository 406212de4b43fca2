// SPDX-License-Identifier: GPL-2.0
/* How far a request reports. */
#include "core/reach.h"
#include "lone.h"
#include "tap.h"

static struct lone lone;
static struct trk_client *const cl = &lone.cl;
static struct trk_claims claims;
static struct trk_reach reach;

static void choose(u32 room, u32 limit)
{
	struct trk_plan p = { .what = TRK_WHAT_OUTPUT, .room = room };

	trk_reach_choose(cl, &p, limit, &reach, &claims);
}

/* Numbers up to @last have arrived, but for those from @lost on of which there are @n. */
static void arrived(u64 last, u64 lost, u64 n)
{
	u64 x;

	lone_open(&lone);
	for (x = 2; x <= last; x++)
		if (x - lost >= n)
			lone_arrives(&lone, x);
	CHECK_EQ(cl->num.reportable, last);
	CHECK_EQ(cl->num.nrep, 0);
}

static bool reaches(u64 n, u64 first, u64 last)
{
	return reach.n == n && reach.first == first && reach.last == last;
}

static void choose__as_many_as_can_be_used(void)
{
	CHECKED(arrived(6, 0, 0));
	choose(100, 1);
	CHECK(reaches(1, 11, 12));
	CHECK_EQ(reach.cwnd, 11);
	choose(100, 2);
	CHECK(reaches(2, 11, 14));
	CHECK_EQ(reach.cwnd, 12);
	choose(100, 100);
	CHECK(reaches(6, 11, 22));
	CHECK_EQ(claims.n, 6);
	CHECK_EQ(reach.recover, 0);
	/* Two numbers for each in slow start: what is not asked for is not issued, but once. */
	choose(4, 100);
	CHECK(reaches(2, 11, 14));
	choose(3, 100);
	CHECK(reaches(1, 11, 12));
	choose(1, 100);
	CHECK(reaches(1, 11, 12));
	/* What was reported is reported no more. */
	cl->num.nrep = 4;
	choose(100, 100);
	CHECK(reaches(6, 19, 22));
	cl->num.nrep = 6;
	memset(&reach, 0xff, sizeof(reach));
	choose(100, 100);
	CHECK_EQ(reach.recover, 0);
	CHECK(reach.n == 6 && reach.first > reach.last);
}

/* An event: W = 11 of number 1, so R is 12, and the window behind it 5. */
static void choose__in_an_event(void)
{
	CHECKED(arrived(10, 2, 2));
	choose(100, 1);
	CHECK(reaches(1, 11, 12));
	CHECK_EQ(reach.recover, 0);
	CHECK_EQ(claims.count, 0);
	/* The first that arrived after the loss issues R + 1; those that follow issue nothing. */
	choose(100, 2);
	CHECK(reaches(8, 11, 13));
	CHECK_EQ(claims.count, 1);
	CHECK(claims.c[0].a == 2 && claims.c[0].b == 3);
	CHECK_EQ(reach.cwnd, 5);
	CHECK_EQ(reach.recover, 0);
	choose(100, 100);
	CHECK(reaches(10, 11, 15));
	cl->num.nrep = 5;
	choose(100, 1);
	CHECK(reaches(9, 14, 14));
	CHECK_EQ(reach.recover, 12);
	choose(1, 100);
	CHECK(reaches(9, 14, 14));
	cl->num.nrep = 9;
	choose(100, 1);
	CHECK(reaches(10, 15, 15));
}

/* Numbers that share a packet are reported together, whatever that issues. */
static void choose__a_shared_packet_whole(void)
{
	struct trk_resp r;

	lone_open(&lone);
	r = lone_resp(&lone, 2);
	r.span = 4;
	r.flags = TRK_RESP_NOGROWTH;
	CHECK_EQ(lone_take(&lone, 2, &r), TRK_OK);
	lone_arrives(&lone, 6);
	choose(100, 1);
	CHECK(reaches(1, 11, 12));
	choose(100, 2);
	CHECK(reaches(5, 11, 16));
	choose(3, 100);
	CHECK(reaches(5, 11, 16));
	CHECK(claims.count == 1 && claims.c[0].a == 2 && claims.c[0].b == 5);
	cl->num.nrep = 1;
	choose(1, 1);
	CHECK(reaches(5, 13, 16));
}

/* Within the base and the end of the report. */
static void claims__cut_to_the_report(void)
{
	lone_open(&lone);
	cl->num.claims[0] = (struct trk_claim){ 3, 4, TRK_CLAIM_LOST };
	cl->num.claims[1] = (struct trk_claim){ 6, 9, TRK_CLAIM_NOGROWTH };
	cl->num.claims[2] = (struct trk_claim){ 12, 12, TRK_CLAIM_LOST };
	cl->num.nclaims = 3;
	trk_reach_claims(cl, 0, 20, &claims);
	CHECK(claims.n == 20 && claims.count == 3);
	trk_reach_claims(cl, 3, 7, &claims);
	CHECK(claims.n == 7 && claims.count == 2);
	CHECK(claims.c[0].a == 4 && claims.c[0].b == 4 && claims.c[0].kind == TRK_CLAIM_LOST);
	CHECK(claims.c[1].a == 6 && claims.c[1].b == 7 && claims.c[1].kind == TRK_CLAIM_NOGROWTH);
	trk_reach_claims(cl, 4, 5, &claims);
	CHECK_EQ(claims.count, 0);
	trk_reach_claims(cl, 8, 12, &claims);
	CHECK(claims.count == 2 && claims.c[0].a == 9 && claims.c[1].b == 12);
}

/* Protocol.rst: with eight claims, and again with every fourth claim more. */
static void renewal__with_eight_claims(void)
{
	claims.count = 7;
	lone_open(&lone);
	CHECK(!trk_reach_renewal_due(cl, &claims));
	claims.count = 8;
	CHECK(trk_reach_renewal_due(cl, &claims));
	cl->held.renewal = 5;
	cl->held.renewal_claims = 8;
	CHECK(!trk_reach_renewal_due(cl, &claims));
	claims.count = 11;
	CHECK(!trk_reach_renewal_due(cl, &claims));
	claims.count = 12;
	CHECK(trk_reach_renewal_due(cl, &claims));
	/* That which was to bring one was lost, or has come without, or should be here by now. */
	claims.count = 8;
	trk_client_entry(cl, 5)->state = TRK_ENTRY_LOST;
	CHECK(trk_reach_renewal_due(cl, &claims));
	trk_client_entry(cl, 5)->state = TRK_ENTRY_RECEIVED;
	CHECK(trk_reach_renewal_due(cl, &claims));
	trk_client_entry(cl, 5)->state = TRK_ENTRY_EXPECTED;
	cl->num.top = 7;
	CHECK(!trk_reach_renewal_due(cl, &claims));
	cl->num.top = 8;
	CHECK(trk_reach_renewal_due(cl, &claims));
}

static bool waits(u64 n, u8 what)
{
	struct trk_plan p = { .what = what };

	reach.n = n;
	return trk_reach_waits(cl, &p, &reach, &claims);
}

/* As a delayed acknowledgment. */
static void waits__for_a_second_packet(void)
{
	lone_open(&lone);
	memset(&claims, 0, sizeof(claims));
	memset(&reach, 0, sizeof(reach));
	CHECK(waits(1, TRK_WHAT_OUTPUT));
	/* Input is not kept waiting, */
	CHECK(!waits(1, TRK_WHAT_INPUT));
	/* nor while holes are filled, */
	reach.recover = 5;
	CHECK(!waits(1, TRK_WHAT_OUTPUT));
	reach.recover = 0;
	/* nor when nothing else is to come, */
	cl->num.expected = 0;
	CHECK(!waits(1, TRK_WHAT_OUTPUT));
	cl->num.expected = 9;
	/* nor when more is there, */
	cl->num.reportable = 2;
	CHECK(!waits(1, TRK_WHAT_OUTPUT));
	CHECK(!waits(2, TRK_WHAT_OUTPUT));
	cl->num.reportable = 1;
	/* nor for ever. */
	cl->timer.force = true;
	CHECK(!waits(1, TRK_WHAT_OUTPUT));
}

/* When the list gets full a report with a new gap waits until it covers more. */
static void waits__when_the_list_gets_full(void)
{
	unsigned int i;

	lone_open(&lone);
	memset(&reach, 0, sizeof(reach));
	claims.count = 8;
	for (i = 0; i < 8; i++)
		claims.c[i] = (struct trk_claim){ 2 * i + 2, 2 * i + 2, TRK_CLAIM_LOST };
	cl->num.nrep = 15;
	cl->num.reportable = 20;
	reach.recover = 100;
	reach.cwnd = 50;
	/* Of 85 numbers that are left a list of 16 claims, 9 of them free, but not yet half. */
	CHECK(!waits(20, TRK_WHAT_OUTPUT));
	cl->num.reportable = 18;
	CHECK(waits(18, TRK_WHAT_OUTPUT));
	cl->num.reportable = 19;
	CHECK(!waits(19, TRK_WHAT_OUTPUT));
	/* In the middle it gathers most: a third of what is left, or half of what has begun. */
	reach.cwnd = 95;
	cl->num.reportable = 22;
	CHECK(waits(22, TRK_WHAT_OUTPUT));
	cl->num.reportable = 24;
	CHECK(!waits(24, TRK_WHAT_OUTPUT));
	/* With the last claim of the list it waits for most of what is left. */
	claims.count = 16;
	for (i = 8; i < 16; i++)
		claims.c[i] = (struct trk_claim){ 2 * i + 2, 2 * i + 2, TRK_CLAIM_LOST };
	reach.cwnd = 300;
	cl->num.reportable = 15 + 88;
	CHECK(waits(15 + 88, TRK_WHAT_OUTPUT));
	cl->num.reportable = 15 + 89;
	CHECK(!waits(15 + 89, TRK_WHAT_OUTPUT));
	claims.count = 8;
	reach.cwnd = 95;
	/* Not with seven, nor when no gap is new, nor outside an event. */
	cl->num.reportable = 18;
	claims.count = 7;
	claims.c[6].b = 16;
	CHECK(!waits(18, TRK_WHAT_OUTPUT));
	claims.count = 8;
	cl->num.nrep = 16;
	CHECK(!waits(18, TRK_WHAT_OUTPUT));
	cl->num.nrep = 15;
	reach.recover = 15;
	CHECK(!waits(18, TRK_WHAT_OUTPUT));
}

static const struct tap_case cases[] = {
	TAP_CASE(choose__as_many_as_can_be_used),
	TAP_CASE(choose__in_an_event),
	TAP_CASE(choose__a_shared_packet_whole),
	TAP_CASE(claims__cut_to_the_report),
	TAP_CASE(renewal__with_eight_claims),
	TAP_CASE(waits__for_a_second_packet),
	TAP_CASE(waits__when_the_list_gets_full),
};

TAP_MAIN(cases)
