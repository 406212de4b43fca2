// SPDX-License-Identifier: GPL-2.0
/* A client's beginning and end, and what its owner may ask. */
#include "core/held.h"
#include "lone.h"
#include "tap.h"

static struct lone lone;
static struct trk_client *const cl = &lone.cl;

static u32 any(void *arg)
{
	return 1;
}

/* RFC 6298 (2.1): a second until something was measured. */
static void connected__without_a_round_trip(void)
{
	lone_begin(&lone);
	trk_client_init(cl, lone.ring, LONE_RING, any, NULL);
	cl->want_first = true;
	trk_client_connected(cl, LONE_SEG_SIZE, 0);
	CHECK_EQ(cl->srtt_us, 0);
	CHECK_EQ(cl->rto_us, 1000000);
	CHECK(lone_pump(&lone));
	CHECK_EQ(cl->deadline_us, lone.now_us + 1000000);
}

static void first__says_what_it_can_take(void)
{
	lone_begin(&lone);
	CHECK(lone_pump(&lone));
	CHECK_EQ(lone.q.kind, TRK_KIND_FIRST);
	CHECK_EQ(lone.q.seg_size, LONE_SEG_SIZE);
	CHECK_EQ(lone.q.input_off, 0);
	CHECK_EQ(lone.out.in_len, LONE_INPUT);
	CHECK(!lone_pump(&lone));
}

/* Nothing is sent before there is something to say, or to hear. */
static void first__waits_for_input(void)
{
	lone_begin(&lone);
	cl->snd_end = 0;
	CHECK(!lone_pump(&lone));
	cl->snd_fin = true;
	CHECK(lone_pump(&lone));
	CHECK(lone.q.flags & TRK_REQ_FIN);
}

/* Every number that was expected still is, and is where it was. */
static void ring__grows(void)
{
	static struct trk_entry larger[2 * LONE_RING];
	u64 x;

	lone_open(&lone);
	memset(larger, 0, sizeof(larger));
	for (x = 2; cl->num.hi < LONE_RING + 40; x++) {
		CHECK_EQ(lone_arrives(&lone, x), TRK_OK);
		lone_pump_all(&lone);
	}
	trk_client_set_ring(cl, larger, 2 * LONE_RING);
	for (; x <= LONE_RING + 40; x++) {
		CHECK_EQ(lone_arrives(&lone, x), TRK_OK);
		lone_pump_all(&lone);
	}
	CHECK_EQ(cl->stat.lost, 0);
	CHECK(cl->num.hi > LONE_RING + 40);
}

/* As far down as the old ring went, and however full it was. */
static void ring__keeps_all_entries(void)
{
	static struct trk_entry larger[2 * LONE_RING];
	u64 hi, x, low;

	for (hi = LONE_RING - 2; hi <= LONE_RING + 2; hi++) {
		low = hi < LONE_RING ? 0 : hi - LONE_RING + 1;
		lone_open(&lone);
		cl->num.hi = hi;
		for (x = low; x <= hi; x++)
			trk_client_entry(cl, x)->off = 1000 + x;
		memset(larger, 0, sizeof(larger));
		trk_client_set_ring(cl, larger, 2 * LONE_RING);
		for (x = low; x <= hi; x++)
			CHECK(trk_client_entry(cl, x)->off == 1000 + x);
	}
}

/* What is there in order is asked for no more. */
static void pump__what_is_there_is_no_hole(void)
{
	lone_open(&lone);
	cl->rx.ask_nxt = 5000;
	trk_ranges_add(&cl->rx.holes, 0, 2000);
	cl->rcv_nxt = 2000;
	lone_pump(&lone);
	CHECK_EQ(cl->rx.holes.n, 0);
}

/* Its answer did not fit the receive window: it goes again when that has grown so far. */
static void pump__held_input_waits_for_room(void)
{
	struct trk_resp r = { 0 };

	lone_open(&lone);
	lone_put_input(&lone, &r, 0, 1000, TRK_UCONT_PARALLEL);
	trk_held_store_input(cl, &r);
	cl->snd_end = 300;
	cl->tx.nxt = 300;
	trk_ranges_add(&cl->tx.held, 150, 250);
	cl->tx.after = cl->rcv_limit + 1;
	lone_arrives(&lone, 2);
	CHECK(lone_pump(&lone));
	CHECK(!lone.q.has_input);
	CHECK_EQ(cl->tx.held.n, 1);
	cl->rcv_limit++;
	lone_arrives(&lone, 3);
	lone_arrives(&lone, 4);
	CHECK(lone_pump(&lone));
	CHECK_EQ(cl->tx.held.n, 0);
	CHECK(lone.q.has_input);
	CHECK_EQ(lone.q.input_off, 150);
	CHECK_EQ(lone.out.in_len, 100);
}

/* A packet of it goes when nothing else can come, and the rest if that was in vain. */
static void pump__input_waits_for_a_place(void)
{
	struct trk_resp r = { 0 };
	u64 x;

	lone_open(&lone);
	lone_put_input(&lone, &r, 0, 100000, TRK_UCONT_PARALLEL);
	trk_held_store_input(cl, &r);
	cl->snd_end = 5000;
	cl->tx.nxt = 5000;
	cl->fin_off = 10 * LONE_PIECE;
	trk_ranges_add(&cl->tx.placeless, 200, 1500);
	trk_ranges_add(&cl->tx.placeless, 2000, 2100);
	cl->tx.noplace = true;
	/* Not while there is room to send it by itself, or something may come. */
	for (x = 1; x < TRK_OUTPUTS; x++) {
		lone_put_output(&lone, &r, LONE_OUTPUT + 9 * x, LONE_OUTPUT + 9 * x + 1, 0);
		cl->held.outputs[x - 1].len = r.output.len;
		cl->held.outputs[x - 1].u = (struct trk_ucont){ .start = LONE_OUTPUT + 9 * x,
								.end = LONE_OUTPUT + 9 * x + 1,
								.key_id = 1 };
	}
	for (x = 2; x <= 10; x++) {
		CHECK(!lone_pump(&lone));
		CHECK(cl->tx.placeless.n == 2 && !cl->tx.lost.n);
		CHECK_EQ(lone_arrives(&lone, x), TRK_OK);
	}
	CHECK(lone_pump(&lone));
	CHECK_EQ(lone.q.input_off, 200);
	CHECK_EQ(cl->tx.tried, 200);
	CHECK(cl->tx.placeless.n == 2 && cl->tx.noplace);
	CHECK_EQ(cl->tx.placeless.r[0].a, 200 + LONE_SEG_SIZE);
	/* Refused again: all of it. */
	trk_ranges_add(&cl->tx.placeless, 200, 1500);
	cl->tx.lost.n = 0;
	cl->num.expected = 0;
	CHECK(lone_pump(&lone));
	CHECK_EQ(lone.q.input_off, 200);
	CHECK_EQ(cl->tx.placeless.n, 0);
	CHECK(!cl->tx.noplace);
	CHECK_EQ(cl->tx.lost.n, 2);
}

/* With nothing to report there is no sign of life to send: it looks again after a while. */
static void pump__idle_without_a_trickle(void)
{
	lone_open(&lone);
	lone_arrives(&lone, 2);
	CHECK(lone_pump(&lone));
	cl->timer.idle_deadline_us = lone.now_us;
	CHECK(!lone_pump(&lone));
	CHECK_EQ(cl->timer.idle_deadline_us, lone.now_us + 240000000);
}

/* Protocol.rst: at three changes of the key it asks for nothing until all has come. */
static void pump__a_new_domain_after_three_keys(void)
{
	u64 x;

	lone_open(&lone);
	lone_arrives(&lone, 2);
	cl->held.keys_away = 3;
	for (x = 3; x <= 10; x++) {
		CHECK(!lone_pump(&lone));
		CHECK_EQ(lone_arrives(&lone, x), TRK_OK);
	}
	CHECK(lone_pump(&lone));
	CHECK_EQ(lone.q.kind, TRK_KIND_TIMEOUT);
	CHECK_EQ(cl->stat.lost, 0);
	lone_open(&lone);
	lone_arrives(&lone, 2);
	cl->held.keys_away = 2;
	CHECK(lone_pump(&lone));
	CHECK_EQ(lone.q.kind, TRK_KIND_RANGE);
}

static void input_done__when_consumed_or_given_up(void)
{
	lone_begin(&lone);
	CHECK(!trk_client_input_done(cl));
	lone_open(&lone);
	CHECK(trk_client_input_done(cl));
	cl->snd_end++;
	CHECK(!trk_client_input_done(cl));
	cl->tx.stall = cl->snd_end;
	CHECK(!trk_client_input_done(cl));
	cl->snd_fin = true;
	CHECK(!trk_client_input_done(cl));
	/* The server has seen all of it, and left it. */
	cl->tx.fin_acked = true;
	CHECK(trk_client_input_done(cl));
	cl->tx.token = 1;
	CHECK(!trk_client_input_done(cl));
	cl->tx.token = 0;
	cl->tx.stall--;
	CHECK(!trk_client_input_done(cl));
	cl->snd_una = cl->snd_end;
	CHECK(trk_client_input_done(cl));
	cl->tx.fin_acked = false;
	CHECK(!trk_client_input_done(cl));
}

static const struct tap_case cases[] = {
	TAP_CASE(connected__without_a_round_trip),
	TAP_CASE(first__says_what_it_can_take),
	TAP_CASE(first__waits_for_input),
	TAP_CASE(ring__grows),
	TAP_CASE(ring__keeps_all_entries),
	TAP_CASE(pump__what_is_there_is_no_hole),
	TAP_CASE(pump__held_input_waits_for_room),
	TAP_CASE(pump__input_waits_for_a_place),
	TAP_CASE(pump__idle_without_a_trickle),
	TAP_CASE(pump__a_new_domain_after_three_keys),
	TAP_CASE(input_done__when_consumed_or_given_up),
};

TAP_MAIN(cases)
