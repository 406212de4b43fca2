// SPDX-License-Identifier: GPL-2.0
/* Which bytes of both streams a client still wants. */
#include "core/held.h"
#include "core/wanted.h"
#include "lone.h"
#include "tap.h"

static struct lone lone;
static struct trk_client *const cl = &lone.cl;

/* Is the set just these ranges? */
static bool set_is(const struct trk_ranges *h, unsigned int n, const u64 (*want)[2])
{
	unsigned int i;

	if (h->n != n)
		return false;
	for (i = 0; i < n; i++)
		if (h->r[i].a != want[i][0] || h->r[i].b != want[i][1])
			return false;
	return true;
}

#define SET_IS(h, ...)                                          \
	set_is(h, ARRAY_SIZE(((const u64[][2]) { __VA_ARGS__ })), \
	       (const u64[][2]) { __VA_ARGS__ })

/* A thousand bytes were sent. */
static void sent_input(void)
{
	lone_begin(&lone);
	cl->snd_end = 2000;
	cl->tx.nxt = 1000;
}

static void consumed__in_any_order(void)
{
	sent_input();
	trk_ranges_add(&cl->tx.lost, 150, 450);
	trk_ranges_add(&cl->tx.placeless, 250, 350);
	trk_wanted_consumed(cl, 200, 300);
	CHECK_EQ(cl->snd_una, 0);
	CHECK(SET_IS(&cl->tx.lost, { 150, 200 }, { 300, 450 }));
	CHECK(SET_IS(&cl->tx.placeless, { 300, 350 }));
	trk_wanted_consumed(cl, 600, 700);
	CHECK(SET_IS(&cl->tx.acked, { 200, 300 }, { 600, 700 }));
	/* It is consumed up to where the next hole begins. */
	trk_wanted_consumed(cl, 0, 200);
	CHECK_EQ(cl->snd_una, 300);
	CHECK(SET_IS(&cl->tx.acked, { 600, 700 }));
	CHECK(SET_IS(&cl->tx.lost, { 300, 450 }));
	/* What was consumed before brings nothing back. */
	trk_wanted_consumed(cl, 100, 200);
	trk_wanted_consumed(cl, 100, 300);
	CHECK_EQ(cl->snd_una, 300);
	trk_wanted_consumed(cl, 250, 650);
	CHECK_EQ(cl->snd_una, 700);
	CHECK_EQ(cl->tx.acked.n + cl->tx.lost.n + cl->tx.placeless.n, 0);
}

/* A server may say what it likes. */
static void consumed__not_beyond_what_was_sent(void)
{
	sent_input();
	trk_wanted_consumed(cl, 900, 5000);
	CHECK(SET_IS(&cl->tx.acked, { 900, 1000 }));
	trk_wanted_consumed(cl, 1000, 5000);
	CHECK(SET_IS(&cl->tx.acked, { 900, 1000 }));
	trk_wanted_consumed(cl, 0, U64_MAX);
	CHECK_EQ(cl->snd_una, 1000);
}

/* The smallest range of a full list goes again; if lower input waits for a place, it waits too. */
static void consumed__what_finds_no_place_goes_again(void)
{
	unsigned int i, waits;
	u64 a;

	for (waits = 0; waits < 2; waits++) {
		sent_input();
		for (i = 0; i < TRK_RANGES_MAX; i++)
			trk_wanted_consumed(cl, 10 + 10 * i, 15 + 10 * i);
		if (waits)
			trk_ranges_add(&cl->tx.placeless, 5, 8);
		trk_wanted_consumed(cl, 800, 803);
		a = cl->tx.acked.r[TRK_RANGES_MAX - 1].a;
		CHECK_EQ(a, 10 + 10 * (TRK_RANGES_MAX - 1));
		CHECK_EQ(cl->tx.noplace, waits);
		if (waits)
			CHECK(SET_IS(&cl->tx.placeless, { 5, 8 }, { 800, 803 }) && !cl->tx.lost.n);
		else
			CHECK(SET_IS(&cl->tx.lost, { 800, 803 }) && !cl->tx.placeless.n);
	}
}

static void input__what_was_consumed_is_not_wanted(void)
{
	sent_input();
	trk_wanted_consumed(cl, 0, 100);
	trk_wanted_consumed(cl, 200, 300);
	trk_wanted_consumed(cl, 400, 500);
	trk_wanted_input(cl, 50, 450);
	CHECK(SET_IS(&cl->tx.lost, { 100, 200 }, { 300, 400 }));
	trk_wanted_add(cl, &cl->tx.held, 0, 250);
	trk_wanted_add(cl, &cl->tx.held, 450, 600);
	CHECK(SET_IS(&cl->tx.held, { 100, 200 }, { 500, 600 }));
	trk_wanted_all(cl, &cl->tx.held);
	CHECK_EQ(cl->tx.held.n, 0);
	CHECK(SET_IS(&cl->tx.lost, { 100, 200 }, { 300, 400 }, { 500, 600 }));
}

static void output__of_what_was_asked_for_and_is_not_there(void)
{
	lone_begin(&lone);
	cl->rcv_nxt = 100;
	cl->rx.ask_nxt = 1000;
	trk_wanted_output(cl, 50, 200);
	trk_wanted_output(cl, 900, 1100);
	CHECK(SET_IS(&cl->rx.holes, { 100, 200 }, { 900, 1000 }));
	cl->fin_off = 500;
	trk_wanted_output(cl, 400, 600);
	CHECK(SET_IS(&cl->rx.holes, { 100, 200 }, { 400, 500 }, { 900, 1000 }));
}

static void arrived__the_rest_of_a_piece_is_a_hole(void)
{
	struct trk_entry s = { .what = TRK_WHAT_OUTPUT, .off = 200, .len = 100 };

	lone_begin(&lone);
	cl->rx.ask_nxt = 1000;
	trk_ranges_add(&cl->rx.holes, 220, 240);
	trk_wanted_arrived(cl, &s, 200, 60);
	CHECK(SET_IS(&cl->rx.holes, { 260, 300 }));
	CHECK_EQ(cl->rx.top, 260);
	trk_wanted_arrived(cl, &s, 200, 100);
	CHECK_EQ(cl->rx.holes.n, 0);
	CHECK_EQ(cl->rx.top, 300);
	trk_wanted_arrived(cl, &s, 200, 60);
	CHECK_EQ(cl->rx.top, 300);
	cl->rx.holes.n = 0;
	/* All of it is missing if none came, wherever the packet says that it stands. */
	trk_wanted_arrived(cl, &s, 700, 0);
	CHECK(SET_IS(&cl->rx.holes, { 200, 300 }));
	CHECK_EQ(cl->rx.top, 300);
}

/* The answer to input brings what nobody has asked for. */
static void arrived__unasked(void)
{
	struct trk_entry s = { .what = TRK_WHAT_INPUT, .off = 200, .len = 100 };

	lone_begin(&lone);
	cl->rx.ask_nxt = 1000;
	trk_wanted_arrived(cl, &s, 0, 0);
	CHECK_EQ(cl->rx.holes.n, 0);
	trk_wanted_arrived(cl, &s, 1000, 50);
	CHECK_EQ(cl->rx.ask_nxt, 1050);
	trk_wanted_arrived(cl, &s, 900, 50);
	CHECK_EQ(cl->rx.ask_nxt, 1050);
	/* What lies between is still to be asked for. */
	trk_wanted_arrived(cl, &s, 2000, 50);
	CHECK_EQ(cl->rx.ask_nxt, 1050);
	CHECK_EQ(cl->rx.top, 2050);
	CHECK_EQ(cl->rx.holes.n, 0);
}

static void hold(u64 start, u64 end, u8 flags)
{
	struct trk_resp r = { 0 };
	struct trk_ucont u;

	lone_put_output(&lone, &r, start, end, flags);
	trk_wire_ucont_parse(&u, r.output);
	trk_held_store_output(cl, &r, &u);
}

/* The continuation behind the one under which the lost bytes were asked for. */
static void next__may_be_lost(void)
{
	lone_begin(&lone);
	trk_wanted_next(cl, 0);
	CHECK_EQ(cl->rx.next_lost, 0);
	hold(0, 500, 0);
	hold(500, 900, 0);
	trk_wanted_next(cl, 0);
	trk_wanted_next(cl, 499);
	CHECK_EQ(cl->rx.next_lost, 0);
	trk_wanted_next(cl, 500);
	CHECK_EQ(cl->rx.next_lost, 900);
	hold(2000, 2500, 0);
	trk_wanted_next(cl, 2100);
	CHECK_EQ(cl->rx.next_lost, 2500);
	/* The lower one leaves a hole. */
	trk_wanted_next(cl, 500);
	CHECK_EQ(cl->rx.next_lost, 2500);
	cl->rx.next_lost = 0;
	cl->fin_off = 900;
	trk_wanted_next(cl, 500);
	CHECK_EQ(cl->rx.next_lost, 0);
	hold(3000, 3500, TRK_UCONT_FINAL);
	cl->fin_off = U64_MAX;
	trk_wanted_next(cl, 3000);
	CHECK_EQ(cl->rx.next_lost, 0);
}

static const struct tap_case cases[] = {
	TAP_CASE(consumed__in_any_order),
	TAP_CASE(consumed__not_beyond_what_was_sent),
	TAP_CASE(consumed__what_finds_no_place_goes_again),
	TAP_CASE(input__what_was_consumed_is_not_wanted),
	TAP_CASE(output__of_what_was_asked_for_and_is_not_there),
	TAP_CASE(arrived__the_rest_of_a_piece_is_a_hole),
	TAP_CASE(arrived__unasked),
	TAP_CASE(next__may_be_lost),
};

TAP_MAIN(cases)
