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

/* A client with segments of @seg_size whose last domain began with a small packet. */
static void doubtful(u16 seg_size)
{
	lone_begin(&lone);
	lone_open(&lone);
	cl->seg_size = seg_size;
	cl->want_seg_size = seg_size;
	cl->narrow.seg_size = seg_size;
	trk_narrow_begin(cl, true, lone.now_us);
}

static u16 after_timeout(void)
{
	trk_narrow_timed_out(cl, lone.now_us);
	return cl->narrow.seg_size;
}

/* Only what does not fit the next lower size tells anything. */
static void large__above_the_next_size(void)
{
	doubtful(1448);
	CHECK(trk_narrow_large(cl, LOWER + 1) && !trk_narrow_large(cl, LOWER));
	doubtful(LOWER);
	CHECK(trk_narrow_large(cl, TRK_MIN_SEG_SIZE + 1));
	CHECK(!trk_narrow_large(cl, TRK_MIN_SEG_SIZE));
}

static void lower__when_large_ones_do_not_arrive(void)
{
	doubtful(1448);
	trk_narrow_sent(cl, 300, LOWER + 1);
	CHECK_EQ(after_timeout(), LOWER);
	doubtful(1448);
	trk_narrow_sent(cl, LOWER + 1, 0);
	CHECK_EQ(after_timeout(), LOWER);
	doubtful(LOWER);
	trk_narrow_sent(cl, 300, LOWER);
	CHECK_EQ(after_timeout(), TRK_MIN_SEG_SIZE);
	CHECK_EQ(cl->stat.narrowed, 1);
	/* There is nothing below. */
	doubtful(TRK_MIN_SEG_SIZE);
	trk_narrow_sent(cl, 600, 600);
	CHECK_EQ(after_timeout(), TRK_MIN_SEG_SIZE);
	CHECK_EQ(cl->stat.narrowed, 0);
}

static void lower__not_otherwise(void)
{
	/* Nothing large was tried. */
	doubtful(1448);
	trk_narrow_sent(cl, 300, LOWER);
	CHECK_EQ(after_timeout(), 1448);
	/* Later losses are others. */
	trk_narrow_sent(cl, 1448, 1448);
	CHECK_EQ(after_timeout(), 1448);
	doubtful(1448);
	trk_narrow_sent(cl, 1448, 1448);
	lone.now_us += 10 * SECOND_US + 1;
	CHECK_EQ(after_timeout(), 1448);
	/* It arrived: in one direction each. */
	doubtful(1448);
	trk_narrow_sent(cl, 300, 1448);
	trk_narrow_received(cl, false, LOWER + 1);
	CHECK_EQ(after_timeout(), 1448);
	doubtful(1448);
	trk_narrow_sent(cl, 1448, 0);
	trk_narrow_received(cl, true, 100);
	CHECK_EQ(after_timeout(), 1448);
	/* That large ones arrive says nothing of the other direction. */
	doubtful(1448);
	trk_narrow_sent(cl, 1448, 1448);
	trk_narrow_received(cl, true, 100);
	CHECK_EQ(after_timeout(), LOWER);
	/* Small packets have not got through where large ones did not: that is an outage. */
	doubtful(1448);
	cl->narrow.doubt = false;
	trk_narrow_sent(cl, 1448, 1448);
	CHECK_EQ(after_timeout(), 1448);
	/* Another small answer begins the doubt anew. */
	doubtful(1448);
	trk_narrow_sent(cl, 1448, 1448);
	trk_narrow_begin(cl, true, lone.now_us);
	CHECK_EQ(after_timeout(), 1448);
}

/* Requests have to carry the continuations that are held. */
static void lower__to_what_continuations_need(void)
{
	doubtful(1000);
	cl->held.input.len = TRK_UCONT_HDR + 300;
	cl->held.input.u.len = 300;
	trk_narrow_sent(cl, 300, 1000);
	CHECK(after_timeout() > TRK_MIN_SEG_SIZE);
	CHECK(trk_ucont_fits(300, cl->narrow.seg_size));
	CHECK(!trk_ucont_fits(300, cl->narrow.seg_size - 1));
}

/* The first size is tried again, later each time. */
static void raise__after_a_while(void)
{
	u64 wait;

	doubtful(1448);
	for (wait = 10 * SECOND_US; wait <= 320 * SECOND_US; wait *= 2) {
		trk_narrow_begin(cl, true, lone.now_us);
		trk_narrow_sent(cl, 300, 1448);
		CHECK_EQ(after_timeout(), LOWER);
		lone.now_us += wait - 1;
		CHECK_EQ(after_timeout(), LOWER);
		lone.now_us++;
		CHECK_EQ(after_timeout(), 1448);
	}
	trk_narrow_begin(cl, true, lone.now_us);
	trk_narrow_sent(cl, 300, 1448);
	CHECK_EQ(after_timeout(), LOWER);
	lone.now_us += 600 * SECOND_US;
	CHECK_EQ(after_timeout(), 1448);
}

static void raise__when_the_server_wants_more(void)
{
	doubtful(1448);
	trk_narrow_unconsumed(cl);
	CHECK(!cl->narrow.raise);
	trk_narrow_to(cl, 700, lone.now_us);
	trk_narrow_unconsumed(cl);
	CHECK(cl->narrow.raise);
	CHECK_EQ(after_timeout(), 1448);
	CHECK(!cl->narrow.raise);
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
	TAP_CASE(large__above_the_next_size),
	TAP_CASE(lower__when_large_ones_do_not_arrive),
	TAP_CASE(lower__not_otherwise),
	TAP_CASE(lower__to_what_continuations_need),
	TAP_CASE(raise__after_a_while),
	TAP_CASE(raise__when_the_server_wants_more),
	TAP_CASE(told__by_the_caller),
	TAP_CASE(told__of_a_timeout_with_input),
	TAP_CASE(told__in_the_handshake),
	TAP_CASE(attempt__small),
	TAP_CASE(resize__places),
};

TAP_MAIN(cases)
