// SPDX-License-Identifier: GPL-2.0
/* What a client asks for, and which input it sends. */
#include "core/held.h"
#include "core/plan.h"
#include "lone.h"
#include "tap.h"

#define PIECE	LONE_PIECE

static struct lone lone;
static struct trk_client *const cl = &lone.cl;
static struct trk_plan plan;

/* Ten pieces were asked for, and the first one came. */
static void asked_ten(void)
{
	lone_open(&lone);
	CHECK_EQ(cl->rcv_nxt, PIECE);
	CHECK_EQ(cl->rx.ask_nxt, 10 * PIECE);
	CHECK_EQ(cl->rx.holes.n, 0);
}

static void hole(u64 a, u64 b)
{
	trk_ranges_add(&cl->rx.holes, a, b);
}

static void hold(u64 start, u64 end, u8 flags)
{
	struct trk_resp r = { 0 };
	struct trk_ucont u;

	lone_put_output(&lone, &r, start, end, flags);
	trk_wire_ucont_parse(&u, r.output);
	trk_held_store_output(cl, &r, &u);
}

static void hold_input(u64 start, u64 end, u8 flags)
{
	struct trk_resp r = { 0 };

	lone_put_input(&lone, &r, start, end, flags);
	trk_held_store_input(cl, &r);
}

static bool asks(unsigned int i, u64 off, u32 len)
{
	return i < plan.nask && plan.ask[i].off == off && plan.ask[i].len == len;
}

/* Lost bytes before new ones, in whole pieces. */
static void output__holes_first(void)
{
	CHECKED(asked_ten());
	hole(2 * PIECE, 3 * PIECE);
	hole(5 * PIECE + 10, 5 * PIECE + 20);
	trk_plan_output(cl, &plan, 100, true, PIECE);
	CHECK_EQ(plan.nask, 3);
	CHECK(asks(0, 2 * PIECE, PIECE));
	CHECK(asks(1, 5 * PIECE + 10, 10));
	CHECK(asks(2, 10 * PIECE, 98 * PIECE));
	CHECK_EQ(plan.pieces, 100);
	CHECK_EQ(plan.room, 100);
	CHECK_EQ(plan.what, TRK_WHAT_OUTPUT);
	CHECK(plan.cont == trk_held_output_at(cl, 0));
	trk_plan_output(cl, &plan, 100, false, PIECE);
	CHECK_EQ(plan.nask, 2);
	CHECK_EQ(plan.pieces, 2);
	trk_plan_output(cl, &plan, 2, true, PIECE);
	CHECK_EQ(plan.nask, 2);
	trk_plan_output(cl, &plan, 1, true, PIECE);
	CHECK_EQ(plan.nask, 1);
	/* What came in order meanwhile is no part of it. */
	cl->rcv_nxt = 2 * PIECE + 100;
	trk_plan_output(cl, &plan, 1, true, PIECE);
	CHECK(asks(0, 2 * PIECE + 100, PIECE - 100));
}

/* The first piece is shorter if the answer brings a transport continuation. */
static void output__first_piece_of_a_renewal(void)
{
	CHECKED(asked_ten());
	hole(2 * PIECE, 3 * PIECE);
	trk_plan_output(cl, &plan, 4, true, PIECE - TRK_CONT_LEN);
	CHECK_EQ(plan.first, PIECE - TRK_CONT_LEN);
	CHECK_EQ(plan.nask, 2);
	CHECK(asks(0, 2 * PIECE, PIECE));
	CHECK(asks(1, 10 * PIECE, 2 * PIECE));
	CHECK_EQ(plan.pieces, 4);
	trk_plan_output(cl, &plan, 1, true, PIECE - TRK_CONT_LEN);
	CHECK(asks(0, 2 * PIECE, PIECE - TRK_CONT_LEN));
	cl->rx.holes.n = 0;
	trk_plan_output(cl, &plan, 3, true, PIECE - TRK_CONT_LEN);
	CHECK(asks(0, 10 * PIECE, 3 * PIECE - TRK_CONT_LEN));
}

/* Of four ranges the last is for new output. */
static void output__four_ranges(void)
{
	unsigned int i;

	CHECKED(asked_ten());
	for (i = 1; i < 6; i++)
		hole(i * PIECE + 10, i * PIECE + 20);
	trk_plan_output(cl, &plan, 100, true, PIECE);
	CHECK_EQ(plan.nask, 4);
	CHECK(asks(2, 3 * PIECE + 10, 10));
	CHECK(asks(3, 10 * PIECE, 97 * PIECE));
	trk_plan_output(cl, &plan, 100, false, PIECE);
	CHECK_EQ(plan.nask, 4);
	CHECK(asks(3, 4 * PIECE + 10, 10));
}

/* A hole that ends where new output begins is one range with it, if it ends with a full packet. */
static void output__one_range_of_two(void)
{
	CHECKED(asked_ten());
	hole(8 * PIECE, 10 * PIECE);
	trk_plan_output(cl, &plan, 5, true, PIECE);
	CHECK_EQ(plan.nask, 1);
	CHECK(asks(0, 8 * PIECE, 5 * PIECE));
	cl->rx.holes.n = 0;
	hole(9 * PIECE + 100, 10 * PIECE);
	trk_plan_output(cl, &plan, 5, true, PIECE);
	CHECK_EQ(plan.nask, 2);
	CHECK(asks(0, 9 * PIECE + 100, PIECE - 100));
	CHECK(asks(1, 10 * PIECE, 4 * PIECE));
	cl->rx.holes.n = 0;
	hole(8 * PIECE + 100, 10 * PIECE);
	trk_plan_output(cl, &plan, 5, true, PIECE);
	CHECK_EQ(plan.nask, 2);
	CHECK(asks(0, 8 * PIECE + 100, 2 * PIECE - 100));
	CHECK(asks(1, 10 * PIECE, 3 * PIECE));
	/* The first packet is a short one. */
	cl->rx.holes.n = 0;
	hole(9 * PIECE + TRK_CONT_LEN, 10 * PIECE);
	trk_plan_output(cl, &plan, 5, true, PIECE - TRK_CONT_LEN);
	CHECK_EQ(plan.nask, 1);
	CHECK(asks(0, 9 * PIECE + TRK_CONT_LEN, 5 * PIECE - TRK_CONT_LEN));
}

/* No further than the receive window, and there in full packets; nor behind the end. */
static void output__within_the_window(void)
{
	CHECKED(asked_ten());
	cl->rx.window_max = 20 * PIECE;
	cl->rcv_limit = 12 * PIECE + 100;
	trk_plan_output(cl, &plan, 100, true, PIECE);
	CHECK(asks(0, 10 * PIECE, 2 * PIECE));
	trk_plan_output(cl, &plan, 100, true, PIECE - TRK_CONT_LEN);
	CHECK(asks(0, 10 * PIECE, 2 * PIECE - TRK_CONT_LEN));
	cl->rcv_limit = 10 * PIECE + PIECE - 1;
	trk_plan_output(cl, &plan, 100, true, PIECE);
	CHECK_EQ(plan.pieces, 0);
	/* Half of all the window that there ever was is enough (RFC 1122 4.2.3.4). */
	cl->rx.window_max = 2 * (PIECE - 1);
	trk_plan_output(cl, &plan, 100, true, PIECE);
	CHECK(asks(0, 10 * PIECE, PIECE - 1));
	cl->rcv_limit = 1 << 20;
	cl->fin_off = 10 * PIECE + 5;
	trk_plan_output(cl, &plan, 100, true, PIECE);
	CHECK_EQ(plan.pieces, 1);
	CHECK(asks(0, 10 * PIECE, 5));
	cl->fin_off = 10 * PIECE;
	trk_plan_output(cl, &plan, 100, true, PIECE);
	CHECK_EQ(plan.nask, 0);
}

/* Far out in a long stream, and with more room than one request can ask for. */
static void output__beyond_32_bits(void)
{
	lone_begin(&lone);
	hold(0, LONE_OUTPUT, 0);
	cl->rcv_limit = 1ULL << 50;
	cl->rcv_nxt = 1ULL << 40;
	cl->rx.ask_nxt = 1ULL << 40;
	trk_plan_output(cl, &plan, 100, true, PIECE);
	CHECK_EQ(plan.nask, 1);
	CHECK(asks(0, 1ULL << 40, 100 * PIECE));
	hole((1ULL << 40) + 10, (1ULL << 40) + 20);
	trk_plan_output(cl, &plan, 1, true, PIECE);
	CHECK(asks(0, (1ULL << 40) + 10, 10));
}

static void silly__no_room_for_a_piece(void)
{
	CHECKED(asked_ten());
	CHECK(!trk_plan_silly(cl));
	cl->rx.window_max = 20 * PIECE;
	cl->rcv_limit = cl->rcv_nxt + PIECE;
	CHECK(!trk_plan_silly(cl));
	cl->rcv_limit--;
	CHECK(trk_plan_silly(cl));
	cl->rx.window_max = 2 * (PIECE - 1);
	CHECK(!trk_plan_silly(cl));
	cl->rcv_limit = cl->rcv_nxt;
	cl->rx.window_max = 0;
	CHECK(trk_plan_silly(cl));
}

/* All under one continuation. */
static void output__of_one_continuation(void)
{
	lone_begin(&lone);
	cl->rx.ask_nxt = 10000;
	hold(0, 12000, 0);
	hold(12000, 90000, 0);
	hole(5000, 5010);
	hole(20000, 20010);
	trk_plan_output(cl, &plan, 100, true, PIECE);
	CHECK_EQ(plan.nask, 2);
	CHECK(asks(0, 5000, 10));
	CHECK(asks(1, 10000, 2000));
	CHECK_EQ(plan.pieces, 4);
	CHECK_EQ(plan.cont->u.end, 12000);
	/* What lies under none cannot be asked for. */
	cl->rx.holes.n = 0;
	cl->rx.ask_nxt = 90000;
	trk_plan_output(cl, &plan, 100, true, PIECE);
	CHECK_EQ(plan.nask, 0);
}

/* The continuation that follows is lost: the byte before it brings it again. */
static void output__for_a_lost_continuation(void)
{
	lone_begin(&lone);
	hold(0, 5000, 0);
	cl->rx.ask_nxt = 5000;
	cl->rx.next_lost = 5000;
	trk_plan_output(cl, &plan, 100, false, PIECE);
	CHECK_EQ(plan.nask, 1);
	CHECK(asks(0, 4999, 1));
	/* Not beyond what was asked for, */
	cl->rx.ask_nxt = 4999;
	trk_plan_output(cl, &plan, 100, false, PIECE);
	CHECK_EQ(plan.nask, 0);
	cl->rx.ask_nxt = 5000;
	/* not while there is something else, */
	hole(100, 200);
	trk_plan_output(cl, &plan, 100, false, PIECE);
	CHECK(plan.nask == 1 && asks(0, 100, 100));
	cl->rx.holes.n = 0;
	/* nor if it is there. */
	hold(5000, 6000, 0);
	trk_plan_output(cl, &plan, 100, false, PIECE);
	CHECK_EQ(plan.nask, 0);
}

/* A hole under no continuation: the byte before it, once, when nothing is on its way. */
static void output__the_byte_before_a_hole(void)
{
	lone_begin(&lone);
	hold(0, 5000, 0);
	cl->rx.ask_nxt = 8000;
	cl->rcv_nxt = 5000;
	hole(5000, 6000);
	trk_plan_output(cl, &plan, 100, true, PIECE);
	CHECK_EQ(plan.nask, 1);
	CHECK(asks(0, 4999, 1));
	cl->num.expected = 1;
	trk_plan_output(cl, &plan, 100, true, PIECE);
	CHECK_EQ(plan.nask, 0);
	cl->num.expected = 0;
	trk_plan_output(cl, &plan, 100, false, PIECE);
	CHECK_EQ(plan.nask, 0);
	trk_plan_output(cl, &plan, 100, true, PIECE);
	CHECK_EQ(cl->rx.asked_before, 0);
	trk_plan_note(cl, &plan);
	CHECK_EQ(cl->rx.asked_before, 5000);
	trk_plan_output(cl, &plan, 100, true, PIECE);
	CHECK_EQ(plan.nask, 0);
	/* Other requests are no reason not to ask so. */
	cl->rx.asked_before = 0;
	plan = (struct trk_plan){ .nask = 1, .ask = { { 4000, 1000 } } };
	trk_plan_note(cl, &plan);
	plan = (struct trk_plan){ .nask = 1, .ask = { { 4998, 1 } } };
	trk_plan_note(cl, &plan);
	plan = (struct trk_plan){ .nask = 2, .ask = { { 4999, 1 }, { 0, 1 } } };
	trk_plan_note(cl, &plan);
	CHECK_EQ(cl->rx.asked_before, 0);
}

/* One request at a time, from what was not consumed on. */
static void input__one_after_the_other(void)
{
	CHECKED(asked_ten());
	CHECK(!trk_plan_input(cl, &plan));
	cl->snd_end = 5000;
	memset(&plan, 0xff, sizeof(plan));
	CHECK(trk_plan_input(cl, &plan));
	CHECK_EQ(plan.what, TRK_WHAT_INPUT);
	CHECK(!plan.nask && !plan.pieces && !plan.cont && !plan.input);
	CHECK_EQ(plan.in_off, LONE_INPUT);
	CHECK_EQ(plan.in_end, 5000);
	CHECK(!plan.more);
	CHECK_EQ(plan.room, min_t(u64, 256, (cl->rcv_limit - 10 * PIECE) / PIECE));
	cl->tx.left = 1;
	CHECK(!trk_plan_input(cl, &plan));
	cl->tx.again = true;
	CHECK(trk_plan_input(cl, &plan));
	cl->tx.noplace = true;
	CHECK(trk_plan_input(cl, &plan));
	cl->tx.again = false;
	cl->tx.left = 0;
	/* The server waits for more than it was sent. */
	cl->tx.stall = 5000;
	CHECK(!trk_plan_input(cl, &plan));
	cl->snd_end = 5001;
	CHECK(trk_plan_input(cl, &plan));
	/* It waits for room. */
	cl->tx.after = cl->rcv_limit + 1;
	CHECK(!trk_plan_input(cl, &plan));
	cl->tx.after--;
	CHECK(trk_plan_input(cl, &plan));
	/* No further than the input continuation reaches. */
	hold_input(0, 3000, 0);
	CHECK(trk_plan_input(cl, &plan));
	CHECK_EQ(plan.in_end, 3000);
}

/* The end of the stream is told once. */
static void input__the_end(void)
{
	CHECKED(asked_ten());
	cl->snd_fin = true;
	CHECK(trk_plan_input(cl, &plan));
	CHECK(plan.in_off == LONE_INPUT && plan.in_end == LONE_INPUT);
	cl->tx.fin_sent = true;
	CHECK(!trk_plan_input(cl, &plan));
	cl->tx.fin_sent = false;
	cl->tx.fin_acked = true;
	CHECK(!trk_plan_input(cl, &plan));
}

/* The answer needs room in the receive window, less what is known to come. */
static void input__needs_room_for_its_answer(void)
{
	unsigned int i;

	CHECKED(asked_ten());
	cl->snd_end = 5000;
	cl->rx.window_max = 20 * PIECE;
	cl->rcv_limit = 12 * PIECE;
	CHECK(trk_plan_input(cl, &plan));
	CHECK_EQ(plan.room, 2);
	cl->tx.expected = 1;
	CHECK(trk_plan_input(cl, &plan));
	CHECK_EQ(plan.room, 1);
	cl->tx.expected = 2;
	CHECK(!trk_plan_input(cl, &plan));
	cl->tx.expected = 0;
	cl->rx.top = 11 * PIECE + 1;
	CHECK(!trk_plan_input(cl, &plan));
	/* What goes again needs none, */
	cl->tx.again = true;
	CHECK(trk_plan_input(cl, &plan));
	CHECK_EQ(plan.room, 1);
	cl->tx.again = false;
	/* nor what comes after the end. */
	cl->fin_off = cl->rcv_limit;
	CHECK(trk_plan_input(cl, &plan));
	CHECK_EQ(plan.room, 256);
	cl->fin_off++;
	CHECK(!trk_plan_input(cl, &plan));
	/* The end of a continuation is known, if it says one. */
	cl->fin_off = U64_MAX;
	cl->rx.top = 0;
	for (i = 0; i < TRK_OUTPUTS; i++) {
		struct trk_held_ucont *h = &cl->held.outputs[i];

		if (h->len)
			continue;
		CHECK(trk_plan_input(cl, &plan));
		h->len = TRK_UCONT_HDR;
		h->u = (struct trk_ucont){ .start = 11 * PIECE, .end = 11 * PIECE + 1 };
		CHECK(!trk_plan_input(cl, &plan));
		h->len = 0;
	}
}

/* Parallel input: what goes again first, then new input, all within the continuation. */
static void input__in_any_order(void)
{
	CHECKED(asked_ten());
	hold_input(0, 4000, TRK_UCONT_PARALLEL);
	cl->snd_end = 5000;
	cl->tx.nxt = 3000;
	CHECK(trk_plan_input(cl, &plan));
	CHECK(plan.in_off == 3000 && plan.in_end == 4000 && plan.more);
	trk_ranges_add(&cl->tx.lost, 500, 700);
	CHECK(trk_plan_input(cl, &plan));
	CHECK(plan.in_off == 500 && plan.in_end == 700);
	/* More than one at a time. */
	cl->tx.left = 1;
	CHECK(trk_plan_input(cl, &plan));
	cl->tx.lost.n = 0;
	/* What waits for a place goes before new input. */
	trk_ranges_add(&cl->tx.placeless, 800, 900);
	CHECK(trk_plan_input(cl, &plan));
	CHECK(plan.in_off == 800 && plan.in_end == 900);
	cl->tx.placeless.n = 0;
	/* New input would be answered beyond the window as well. */
	trk_ranges_add(&cl->tx.held, 1000, 1100);
	CHECK(!trk_plan_input(cl, &plan));
	cl->num.expected = 0;
	CHECK(trk_plan_input(cl, &plan));
	cl->tx.nxt = 4000;
	CHECK(!trk_plan_input(cl, &plan));
	/* What lies beyond the continuation cannot go. */
	trk_ranges_add(&cl->tx.lost, 4000, 4100);
	CHECK(!trk_plan_input(cl, &plan));
}

/* The answer to new input may bring a continuation: two places are not for it. */
static void input__needs_a_place_for_a_continuation(void)
{
	u64 i;

	CHECKED(asked_ten());
	cl->snd_end = 5000;
	for (i = 1; i <= 5; i++) {
		CHECK(trk_plan_input(cl, &plan));
		hold(LONE_OUTPUT + 1000 * i, LONE_OUTPUT + 1000 * i + 10, 0);
		cl->rcv_limit = 1ULL << 40;
	}
	CHECK_EQ(trk_held_output_places(cl), 2);
	CHECK(!trk_plan_input(cl, &plan));
	cl->tx.again = true;
	CHECK(trk_plan_input(cl, &plan));
	cl->tx.noplace = true;
	CHECK(!trk_plan_input(cl, &plan));
}

/* Each request for parallel input that is out may need one. */
static void input__each_brings_a_continuation(void)
{
	CHECKED(asked_ten());
	hold_input(0, 4000, TRK_UCONT_PARALLEL);
	cl->snd_end = 5000;
	cl->rcv_limit = 1ULL << 40;
	CHECK_EQ(trk_held_output_places(cl), 7);
	cl->tx.expected = 5;
	CHECK(trk_plan_input(cl, &plan));
	cl->rx.each_brings = true;
	CHECK(!trk_plan_input(cl, &plan));
	cl->tx.expected = 4;
	CHECK(trk_plan_input(cl, &plan));
}

/* What is not of the key of the transport continuation, one at a time. */
static void reseal__what_is_of_another_key(void)
{
	const struct trk_held_ucont *h;

	CHECKED(asked_ten());
	cl->num.expected = 1;
	CHECK(!trk_plan_reseal(cl, &plan, 1000));
	hold_input(0, 4000, 0);
	cl->held.input.u.key_id = 2;
	memset(&plan, 0xff, sizeof(plan));
	CHECK(trk_plan_reseal(cl, &plan, 1000));
	CHECK(plan.input == &cl->held.input && !plan.cont && plan.room == 1 && !plan.nask);
	CHECK_EQ(plan.what, TRK_WHAT_NOTHING);
	/* Not before its time. */
	cl->held.reseal_us = 1000;
	CHECK(!trk_plan_reseal(cl, &plan, 999));
	CHECK(trk_plan_reseal(cl, &plan, 1000));
	cl->held.input.u.key_id = 1;
	h = trk_held_output_at(cl, 0);
	cl->held.outputs[h - cl->held.outputs].u.key_id = 2;
	CHECK(trk_plan_reseal(cl, &plan, 1000));
	CHECK(plan.cont == h && !plan.input);
	/* One that is done with is not shown. */
	cl->rcv_nxt = LONE_OUTPUT + 1;
	CHECK(!trk_plan_reseal(cl, &plan, 1000));
	/* What a timeout would show, when nothing is on its way. */
	cl->held.confirmed.c.key_id = 2;
	CHECK(!trk_plan_reseal(cl, &plan, 1000));
	cl->num.expected = 0;
	CHECK(trk_plan_reseal(cl, &plan, 1000));
	CHECK(!plan.cont && !plan.input);
}

/* Lost output, and then input and new output by turns. */
static void next__by_turns(void)
{
	CHECKED(asked_ten());
	CHECK(trk_plan_next(cl, &plan, 100));
	CHECK(plan.what == TRK_WHAT_OUTPUT && asks(0, 10 * PIECE, 100 * PIECE));
	cl->snd_end = 5000;
	cl->rx.input_turn = true;
	CHECK(trk_plan_next(cl, &plan, 100));
	CHECK_EQ(plan.what, TRK_WHAT_INPUT);
	cl->rx.input_turn = false;
	CHECK(trk_plan_next(cl, &plan, 100));
	CHECK_EQ(plan.what, TRK_WHAT_OUTPUT);
	cl->rx.input_turn = true;
	hole(5 * PIECE, 6 * PIECE);
	CHECK(trk_plan_next(cl, &plan, 100));
	CHECK(plan.what == TRK_WHAT_OUTPUT && plan.nask == 2 && asks(0, 5 * PIECE, PIECE));
	CHECK(trk_plan_wants(cl));
	/* All output is there. */
	cl->rx.holes.n = 0;
	cl->rx.input_turn = false;
	cl->fin_off = 10 * PIECE;
	CHECK(trk_plan_next(cl, &plan, 100));
	CHECK_EQ(plan.what, TRK_WHAT_INPUT);
	CHECK(trk_plan_wants(cl));
	cl->tx.left = 1;
	CHECK(!trk_plan_next(cl, &plan, 100));
	CHECK(!trk_plan_wants(cl));
}

static const struct tap_case cases[] = {
	TAP_CASE(output__holes_first),
	TAP_CASE(output__first_piece_of_a_renewal),
	TAP_CASE(output__four_ranges),
	TAP_CASE(output__one_range_of_two),
	TAP_CASE(output__within_the_window),
	TAP_CASE(output__beyond_32_bits),
	TAP_CASE(silly__no_room_for_a_piece),
	TAP_CASE(output__of_one_continuation),
	TAP_CASE(output__for_a_lost_continuation),
	TAP_CASE(output__the_byte_before_a_hole),
	TAP_CASE(input__one_after_the_other),
	TAP_CASE(input__the_end),
	TAP_CASE(input__needs_room_for_its_answer),
	TAP_CASE(input__in_any_order),
	TAP_CASE(input__needs_a_place_for_a_continuation),
	TAP_CASE(input__each_brings_a_continuation),
	TAP_CASE(reseal__what_is_of_another_key),
	TAP_CASE(next__by_turns),
};

TAP_MAIN(cases)
