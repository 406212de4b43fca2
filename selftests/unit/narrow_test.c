// SPDX-License-Identifier: GPL-2.0
/* What the client infers of the size of packets that its path carries. */
#include "core/narrow.h"
#include "core/numbers.h"
#include "core/request.h"
#include "lone.h"
#include "tap.h"

#define LOWER		1236		/* 1280 less headers of 44 */
#define SECOND_US	1000000ULL

static struct lone lone;
static struct trk_client *cl = &lone.cl;

/* A client with segments of @seg_size that asked for these at first. */
static void begin(u16 seg_size)
{
	lone_begin(&lone);
	lone_open(&lone);
	cl->seg_size = seg_size;
	cl->want_seg_size = seg_size;
	cl->narrow.seg_size = seg_size;
	memset(cl->narrow.way, 0, sizeof(cl->narrow.way));
}

/* Requests of @up bytes that ask for @down are sent in vain. */
static u16 in_vain(u32 up, u32 down)
{
	trk_narrow_sent(cl, up, down);
	trk_narrow_expired(cl, lone.now_us);
	return cl->narrow.seg_size;
}

/* A small request is sent, and a small answer arrives. */
static void small_ones(void)
{
	trk_narrow_sent(cl, 300, 300);
	trk_narrow_received(cl, 300, 300);
}

/* As on a path that carries less, until the next timeout tells. */
static void doubtful(u16 seg_size, u32 up, u32 down)
{
	begin(seg_size);
	in_vain(up, down);
	small_ones();
	CHECK(trk_narrow_doubtful(cl));
	in_vain(up, down);
	small_ones();
}

static void lower__when_large_ones_do_not_arrive(void)
{
	doubtful(1448, 300, LOWER + 1);
	CHECK_EQ(in_vain(300, LOWER + 1), LOWER);
	CHECK(!trk_narrow_doubtful(cl));
	CHECK_EQ(cl->stat.narrowed, 1);
	doubtful(1448, LOWER + 1, 0);
	CHECK_EQ(in_vain(LOWER + 1, 0), LOWER);
	doubtful(LOWER, 300, LOWER);
	CHECK_EQ(in_vain(300, LOWER), TRK_MIN_SEG_SIZE);
}

/* By what did not arrive, not by what could be sent. */
static void lower__to_the_size_below(void)
{
	doubtful(1448, LOWER, 0);
	CHECK_EQ(in_vain(LOWER, 0), TRK_MIN_SEG_SIZE);
	doubtful(8956, 8956, 0);
	CHECK_EQ(in_vain(8956, 0), 1456);
	doubtful(1456, 1456, 0);
	CHECK_EQ(in_vain(1456, 0), LOWER);
	/* In each direction its own, of which the lower one counts. */
	doubtful(1448, 600, 1448);
	CHECK_EQ(in_vain(600, 1448), TRK_MIN_SEG_SIZE);
	/* There is nothing below. */
	begin(TRK_MIN_SEG_SIZE);
	in_vain(600, 600);
	small_ones();
	in_vain(600, 600);
	small_ones();
	CHECK_EQ(in_vain(600, 600), TRK_MIN_SEG_SIZE);
	CHECK_EQ(cl->stat.narrowed, 0);
}

static void lower__not_otherwise(void)
{
	/* The smallest were tried, and no larger ones. */
	doubtful(1448, 300, 1448);
	CHECK_EQ(in_vain(300, TRK_MIN_SEG_SIZE), 1448);
	/* Once is nothing. */
	begin(1448);
	in_vain(1448, 1448);
	small_ones();
	CHECK_EQ(in_vain(1448, 1448), 1448);
	/* Nothing small has arrived since, either: that is an outage. */
	begin(1448);
	in_vain(1448, 1448);
	small_ones();
	in_vain(1448, 1448);
	in_vain(1448, 1448);
	in_vain(1448, 1448);
	CHECK_EQ(in_vain(1448, 1448), 1448);
	/* Of what is on its way now, some has arrived. */
	doubtful(1448, 300, 1448);
	trk_narrow_sent(cl, 300, 1448);
	trk_narrow_received(cl, 300, 1448);
	CHECK_EQ(in_vain(300, 1448), 1448);
	/* One that arrives, however late, ends the doubt, in its direction. */
	doubtful(1448, 300, 1448);
	trk_narrow_received(cl, 300, 1448);
	CHECK(!trk_narrow_doubtful(cl));
	CHECK_EQ(in_vain(300, 1448), 1448);
	doubtful(1448, 1448, 1448);
	trk_narrow_received(cl, 1448, 300);
	CHECK(trk_narrow_doubtful(cl));
	CHECK_EQ(in_vain(1448, 1448), LOWER);
	/* A smaller one does not, although it is larger than the next size. */
	doubtful(1448, 300, 1448);
	trk_narrow_received(cl, 300, 1300);
	CHECK_EQ(in_vain(300, 1448), LOWER);
}

/* An answer to input that was cut to fit tells how large those before were. */
static void lower__of_answers_that_were_cut(void)
{
	begin(1448);
	in_vain(300, 0);
	trk_narrow_would_be(cl, 5000);
	small_ones();
	in_vain(300, 0);
	trk_narrow_would_be(cl, 1300);
	small_ones();
	CHECK_EQ(in_vain(300, 1300), LOWER);
	/* An answer of unknown size may be as large as what has failed. */
	doubtful(1448, 300, 1448);
	CHECK_EQ(in_vain(300, 0), LOWER);
	begin(1448);
	in_vain(300, 0);
	trk_narrow_would_be(cl, 300);
	small_ones();
	CHECK(!trk_narrow_doubtful(cl));
}

/* Requests have to carry the continuations that are held. */
static void lower__to_what_continuations_need(void)
{
	u16 len;

	doubtful(1000, 300, 1000);
	cl->held.input.len = TRK_UCONT_HDR + 300;
	cl->held.input.u.len = 300;
	CHECK_EQ(in_vain(300, 1000), trk_ucont_least(300));
	for (len = 0; len <= TRK_UCONT_MAX; len++) {
		u16 least = trk_ucont_least(len);

		CHECK(trk_ucont_fits(len, least));
		CHECK(least == TRK_MIN_SEG_SIZE || !trk_ucont_fits(len, least - 1));
		CHECK(least <= TRK_LEAST_SEG_SIZE_MAX);
	}
}

/* While there is doubt, the first attempt is small as well. */
static void lower__first_attempt_is_small(void)
{
	lone_begin(&lone);
	lone_open(&lone);
	lone_arrives(&lone, 1);
	in_vain(0, 0);
	in_vain(300, LONE_SEG_SIZE);
	small_ones();
	trk_timer_timed_out(cl, lone.now_us);
	CHECK(lone_pump(&lone));
	CHECK_EQ(lone.q.attempt, 1);
	CHECK_EQ(lone.q.seg_size, LONE_SEG_SIZE);
	CHECK_EQ(lone.q.ask[0].len, TRK_MIN_SEG_SIZE - TRK_RESP_FIXED - TRK_CONT_LEN);
}

/* What arrives with less than was asked for says nothing of larger ones. */
static void lower__not_by_an_application_that_has_less(void)
{
	unsigned int i;

	begin(1448);
	for (i = 0; i < 10; i++) {
		in_vain(300, 1448);
		trk_narrow_less(cl, 1448);
		small_ones();
		CHECK(!trk_narrow_doubtful(cl));
	}
	/* It arrived, so it was not too large, whatever was asked for. */
	doubtful(1448, 300, 1448);
	trk_narrow_sent(cl, 300, 1448);
	trk_narrow_less(cl, 1448);
	CHECK_EQ(in_vain(0, 0), 1448);
	CHECK_EQ(cl->stat.narrowed, 0);
}

/* Input whose answers are lost while others arrive makes a timeout in the end. */
static void vain__once_a_round_trip(void)
{
	struct trk_entry s = { .what = TRK_WHAT_INPUT };
	unsigned int i;

	begin(1448);
	for (i = 0; i < 8; i++) {
		CHECK(!trk_narrow_stuck(cl));
		s.sent_us = ++lone.now_us;
		cl->timer.sent_us = ++lone.now_us;
		trk_narrow_in_vain(cl, &s);
		/* Of the same round trip */
		s.sent_us++;
		trk_narrow_in_vain(cl, &s);
	}
	CHECK(trk_narrow_stuck(cl));
	CHECK(!trk_narrow_stuck(cl));
	/* Its size is not known, so it may be any. */
	in_vain(300, 0);
	small_ones();
	CHECK(trk_narrow_doubtful(cl));
	trk_narrow_answered(cl);
	begin(1448);
	in_vain(300, 0);
	small_ones();
	CHECK(!trk_narrow_doubtful(cl));
}

static u16 raised(void)
{
	trk_narrow_raise(cl, lone.now_us);
	return cl->narrow.seg_size;
}

/* The first size is tried again, later each time. */
static void raise__after_a_while(void)
{
	u64 wait, last = 0;

	begin(1448);
	for (wait = 10 * SECOND_US; wait < 2560 * SECOND_US; wait *= 2) {
		u64 most = min_t(u64, wait, 600 * SECOND_US);

		last = last ?: lone.now_us;
		in_vain(300, 1448);
		small_ones();
		in_vain(300, 1448);
		small_ones();
		CHECK_EQ(in_vain(300, 1448), LOWER);
		lone.now_us = last + most - 1;
		CHECK_EQ(raised(), LOWER);
		lone.now_us++;
		CHECK_EQ(raised(), 1448);
		last = lone.now_us;
	}
	/* What has held for long was no mistake. */
	lone.now_us += 1300 * SECOND_US;
	CHECK(trk_narrow_to(cl, 700, lone.now_us));
	lone.now_us += 10 * SECOND_US;
	CHECK_EQ(raised(), 1448);
}

static void raise__when_the_server_wants_more(void)
{
	u64 at;

	begin(1448);
	CHECK(trk_narrow_unconsumed(cl, lone.now_us) == U64_MAX);
	CHECK(!cl->narrow.raise);
	trk_narrow_to(cl, 700, lone.now_us);
	cl->seg_size = 700;
	/* The first time it is at once. */
	CHECK(trk_narrow_unconsumed(cl, lone.now_us) <= lone.now_us);
	CHECK(cl->narrow.raise);
	CHECK_EQ(raised(), 1448);
	CHECK(!cl->narrow.raise);
	/* The server's own route carries no more: it is not asked all the time. */
	at = trk_narrow_unconsumed(cl, lone.now_us);
	CHECK(!cl->narrow.raise);
	CHECK(at == lone.now_us + 20 * SECOND_US);
	lone.now_us = at;
	trk_narrow_unconsumed(cl, lone.now_us);
	CHECK(cl->narrow.raise);
}

/* The caller knows: a TIMEOUT follows at once, which fits. */
static void told__by_the_caller(void)
{
	lone_begin(&lone);
	lone_open(&lone);
	lone_arrives(&lone, 1);
	lone_arrives(&lone, 2);
	trk_client_narrow(cl, LONE_SEG_SIZE, lone.now_us);
	CHECK(!cl->req.waiting);
	trk_client_narrow(cl, 700, lone.now_us);
	CHECK(lone_pump(&lone));
	CHECK_EQ(lone.q.kind, TRK_KIND_TIMEOUT);
	CHECK_EQ(lone.q.seg_size, 700);
	CHECK(lone.out.hdr_len + lone.out.in_len <= 700);
	CHECK_EQ(lone.q.ask[0].len, 700 - TRK_RESP_FIXED - TRK_CONT_LEN);
	CHECK(!lone_pump(&lone));
	/* The request that is out was too large as well. */
	trk_client_narrow(cl, 600, lone.now_us);
	CHECK(lone_pump(&lone));
	CHECK_EQ(lone.q.kind, TRK_KIND_TIMEOUT);
	CHECK_EQ(lone.q.seg_size, 600);
	trk_client_narrow(cl, 100, lone.now_us);
	CHECK(lone_pump(&lone));
	CHECK_EQ(lone.q.seg_size, TRK_MIN_SEG_SIZE);
	trk_client_narrow(cl, 100, lone.now_us);
	CHECK(!lone_pump(&lone));
	CHECK_EQ(cl->stat.narrowed, 3);
}

/* The input of a TIMEOUT that was too large for the route goes with the next one. */
static void told__of_a_timeout_with_input(void)
{
	lone_begin(&lone);
	lone_open(&lone);
	/* The server's stream has ended: there is nothing to ask for. */
	cl->fin_off = cl->rcv_nxt;
	cl->snd_end += 5000;
	cl->snd_una = LONE_INPUT;
	trk_timer_timed_out(cl, lone.now_us);
	CHECK(lone_pump(&lone));
	CHECK_EQ(lone.q.kind, TRK_KIND_TIMEOUT);
	CHECK(lone.q.has_input && lone.out.in_len > 400);
	trk_client_narrow(cl, 600, lone.now_us);
	CHECK(lone_pump(&lone));
	CHECK_EQ(lone.q.seg_size, 600);
	CHECK(lone.q.has_input && lone.out.in_len > 300);
}

static void told__in_the_handshake(void)
{
	lone_begin(&lone);
	CHECK(lone_pump(&lone));
	CHECK_EQ(lone.q.kind, TRK_KIND_FIRST);
	CHECK_EQ(lone.q.seg_size, LONE_SEG_SIZE);
	trk_client_narrow(cl, 700, lone.now_us);
	CHECK(lone_pump(&lone));
	CHECK_EQ(lone.q.kind, TRK_KIND_FIRST);
	CHECK_EQ(lone.q.seg_size, 700);
	CHECK(!lone_pump(&lone));
}

/* From attempt 2 on both request and answer are small. */
static void attempt__small(void)
{
	lone_begin(&lone);
	lone_open(&lone);
	lone_arrives(&lone, 1);
	trk_timer_timed_out(cl, lone.now_us);
	cl->req.attempt = TRK_SMALL_ATTEMPT;
	CHECK(lone_pump(&lone));
	CHECK_EQ(lone.q.attempt, TRK_SMALL_ATTEMPT);
	CHECK_EQ(lone.q.seg_size, LONE_SEG_SIZE);
	CHECK_EQ(lone.q.ask[0].len, TRK_MIN_SEG_SIZE - TRK_RESP_FIXED - TRK_CONT_LEN);
}

/* Places follow without a gap, and those of before stay. */
static void resize__places(void)
{
	u32 at;

	lone_begin(&lone);
	lone_open(&lone);
	at = trk_numbers_place(cl, 101);
	CHECK_EQ(at, 100 * LONE_SEG_SIZE);
	trk_numbers_resize(cl, 100, 600);
	CHECK_EQ(cl->seg_size, 600);
	CHECK_EQ(trk_numbers_place(cl, 100), 99 * LONE_SEG_SIZE);
	CHECK_EQ(trk_numbers_place(cl, 101), at);
	CHECK_EQ(trk_numbers_place(cl, 102), at + 600);
	/* Nothing changes where the size does not. */
	trk_numbers_resize(cl, 150, 600);
	CHECK_EQ(trk_numbers_place(cl, 100), 99 * LONE_SEG_SIZE);
	CHECK_EQ(trk_numbers_place(cl, 160), at + 59 * 600);
	trk_numbers_resize(cl, 200, LONE_SEG_SIZE);
	CHECK_EQ(trk_numbers_place(cl, 102), at + 600);
	CHECK_EQ(trk_numbers_place(cl, 202), at + 100 * 600 + LONE_SEG_SIZE);
}

static const struct tap_case cases[] = {
	TAP_CASE(lower__when_large_ones_do_not_arrive),
	TAP_CASE(lower__to_the_size_below),
	TAP_CASE(lower__not_otherwise),
	TAP_CASE(lower__of_answers_that_were_cut),
	TAP_CASE(lower__to_what_continuations_need),
	TAP_CASE(lower__first_attempt_is_small),
	TAP_CASE(lower__not_by_an_application_that_has_less),
	TAP_CASE(vain__once_a_round_trip),
	TAP_CASE(raise__after_a_while),
	TAP_CASE(raise__when_the_server_wants_more),
	TAP_CASE(told__by_the_caller),
	TAP_CASE(told__of_a_timeout_with_input),
	TAP_CASE(told__in_the_handshake),
	TAP_CASE(attempt__small),
	TAP_CASE(resize__places),
};

TAP_MAIN(cases)
