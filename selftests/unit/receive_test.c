// SPDX-License-Identifier: GPL-2.0
/* Which responses a client takes, and what it learns from them. */
#include <errno.h>

#include "core/held.h"
#include "lone.h"
#include "tap.h"

#define PIECE	LONE_PIECE

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

/* ---- what is taken ---- */

static void take__place_and_offset(void)
{
	struct trk_resp r;

	lone_open(&lone);
	r = lone_resp(&lone, 2);
	lone_put_data(&r, PIECE, PIECE);
	CHECK_EQ(trk_receive_response(cl, &r, LONE_SEG_SIZE + 1, lone.now_us, &lone.in),
		 TRK_DROP_PLACE);
	r.off++;
	CHECK_EQ(lone_take(&lone, 2, &r), TRK_DROP_OFFSET);
	r.off--;
	r.data_len++;
	CHECK_EQ(lone_take(&lone, 2, &r), TRK_DROP_OFFSET);
	r.data_len = 10;
	CHECK_EQ(cl->stat.responses, 1);
	CHECK_EQ(lone_take(&lone, 2, &r), TRK_OK);
	CHECK(lone.in.off == PIECE && lone.in.len == 10);
	/* What is missing of the piece is asked for again. */
	CHECK(cl->rx.holes.n == 1 && cl->rx.holes.r[0].a == PIECE + 10 &&
	      cl->rx.holes.r[0].b == 2 * PIECE);
	/* A number that is to bring nothing brings none. */
	trk_client_entry(cl, 3)->what = TRK_WHAT_NOTHING;
	r = lone_resp(&lone, 3);
	lone_put_data(&r, 2 * PIECE, 1);
	CHECK_EQ(lone_take(&lone, 3, &r), TRK_DROP_OFFSET);
	lone_put_data(&r, 0, 0);
	CHECK_EQ(lone_take(&lone, 3, &r), TRK_OK);
	CHECK_EQ(lone.in.len, 0);
}

/* Of the offset 32 bits are said: it is as near as can be to where the piece was asked for. */
static void take__offsets_beyond_32_bits(void)
{
	lone_open(&lone);
	cl->rcv_limit = 1ULL << 40;
	trk_client_entry(cl, 2)->off = 1ULL << 33;
	trk_client_entry(cl, 3)->off = (1ULL << 32) - 1;
	CHECK_EQ(lone_arrives(&lone, 2), TRK_OK);
	CHECK(lone.in.off == 1ULL << 33 && lone.in.len == PIECE);
	CHECK_EQ(lone_arrives(&lone, 3), TRK_OK);
	CHECK(lone.in.off == (1ULL << 32) - 1);
}

/* Acknowledged is the end of the highest packet. */
static void take__acknowledged(void)
{
	u32 end = 2 * LONE_SEG_SIZE + TRK_RESP_FIXED + PIECE;

	lone_open(&lone);
	CHECK_EQ(lone_arrives(&lone, 3), TRK_OK);
	CHECK_EQ(cl->req.ackrel, end);
	CHECK_EQ(lone_arrives(&lone, 2), TRK_OK);
	CHECK_EQ(cl->req.ackrel, end);
}

/* Asked bytes beyond the window are dropped: they can be asked for again. */
static void take__within_the_window(void)
{
	struct trk_resp r;

	lone_open(&lone);
	cl->rcv_limit = 2 * PIECE - 1;
	r = lone_resp(&lone, 2);
	lone_put_data(&r, PIECE, PIECE);
	CHECK_EQ(lone_take(&lone, 2, &r), TRK_DROP_WINDOW);
	cl->rcv_limit++;
	CHECK_EQ(lone_take(&lone, 2, &r), TRK_OK);
	CHECK_EQ(lone.in.len, PIECE);
}

/* The same request answered twice, in two domains: one of them counts. */
static void take__of_one_domain(void)
{
	struct trk_resp r;
	struct trk_cont c;

	lone_open(&lone);
	r = lone_resp(&lone, 2);
	c = lone_cont(&lone, 0);
	c.domain++;
	lone_put_cont(&lone, &r, &c);
	CHECK_EQ(lone_take(&lone, 2, &r), TRK_DROP_NUMBER);
	c.domain--;
	lone_put_cont(&lone, &r, &c);
	CHECK_EQ(lone_take(&lone, 2, &r), TRK_OK);
}

static void take__a_sign_of_life(void)
{
	static const u8 addr[] = { 9, 8, 7, 6, 5, 4 };
	struct trk_resp r;

	lone_open(&lone);
	cl->timer.backoff = 3;
	cl->timer.probed = true;
	cl->req.attempt = 2;
	r = lone_resp(&lone, 2);
	r.addr = (struct trk_blob){ addr, sizeof(addr) };
	CHECK_EQ(lone_take(&lone, 2, &r), TRK_OK);
	CHECK_EQ(cl->timer.backoff, 0);
	CHECK(!cl->timer.probed);
	CHECK_EQ(cl->req.attempt, 0);
	CHECK_EQ(cl->req.addr_len, sizeof(addr));
	CHECK(!memcmp(cl->req.addr, addr, sizeof(addr)));
	CHECK_EQ(cl->timer.armed_us, lone.now_us);
}

/* It brings its data and nothing else. */
static void take__late(void)
{
	struct trk_resp r;

	lone_open(&lone);
	lone_arrives(&lone, 3);
	lone_arrives(&lone, 4);
	lone_arrives(&lone, 5);
	CHECK_EQ(trk_client_entry(cl, 2)->state, TRK_ENTRY_LOST);
	cl->timer.backoff = 3;
	CHECK_EQ(lone_arrives(&lone, 2), TRK_OK);
	CHECK(lone.in.off == PIECE && lone.in.len == PIECE);
	CHECK_EQ(trk_client_entry(cl, 2)->state, TRK_ENTRY_LOST);
	CHECK_EQ(cl->timer.backoff, 3);
	CHECK_EQ(cl->stat.late, 1);
	/* All are late while a TIMEOUT is out. */
	trk_timer_timed_out(cl, lone.now_us);
	CHECK(lone_pump(&lone));
	r = lone_resp(&lone, 6);
	r.token = trk_client_entry(cl, 6)->token;
	lone_put_data(&r, 5 * PIECE, PIECE);
	CHECK_EQ(lone_take(&lone, 6, &r), TRK_OK);
	CHECK_EQ(lone.in.len, PIECE);
	CHECK_EQ(cl->stat.late, 2);
	CHECK(cl->req.waiting);
}

static void take__the_end(void)
{
	struct trk_resp r;

	lone_open(&lone);
	r = lone_resp(&lone, 2);
	lone_put_data(&r, PIECE, 100);
	r.flags = TRK_RESP_FIN;
	CHECK_EQ(lone_take(&lone, 2, &r), TRK_OK);
	CHECK_EQ(cl->fin_off, PIECE + 100);
	CHECK_EQ(cl->rx.holes.n, 0);
	r = lone_resp(&lone, 3);
	r.flags = TRK_RESP_ABORT;
	CHECK_EQ(lone_take(&lone, 3, &r), TRK_OK);
	CHECK_EQ(cl->state, TRK_CL_DEAD);
	CHECK_EQ(cl->error, ECONNRESET);
	CHECK_EQ(cl->deadline_us, U64_MAX);
}

/* ---- answers to input ---- */

/* Input [100, 3000) is to be sent; what fits a packet is out, and numbers 11 to 14 answer it. */
static void send_input(bool parallel)
{
	struct trk_resp r = { 0 };

	lone_open(&lone);
	if (parallel) {
		lone_put_input(&lone, &r, 0, 100000, TRK_UCONT_PARALLEL);
		trk_held_store_input(cl, &r);
	}
	cl->snd_end = 3000;
	cl->rx.input_turn = true;
	lone_arrives(&lone, 2);
	if (parallel)
		lone_arrives(&lone, 3);
	lone_pump(&lone);
	CHECK(lone.q.has_input && lone.q.input_off == 100);
	CHECK_EQ(cl->tx.expected, parallel ? 2 : 4);
	CHECK_EQ(trk_client_entry(cl, 11)->what, TRK_WHAT_INPUT);
}

static struct trk_resp answer_to_input(u64 from, u64 to)
{
	struct trk_resp r = lone_resp(&lone, 11);

	r.has_geometry = true;
	r.geo_piece = 700;
	r.has_consumed = from < to;
	r.consumed_from = from;
	r.consumed_to = to;
	return r;
}

static bool lost_is(u64 a, u64 b)
{
	return cl->tx.lost.n == 1 && cl->tx.lost.r[0].a == a && cl->tx.lost.r[0].b == b;
}

/* What was consumed is done with, and the rest goes next. */
static void answer__consumed(void)
{
	struct trk_resp r;

	CHECKED(send_input(false));
	r = answer_to_input(100, 300);
	cl->tx.stall = 50;
	cl->tx.noplace = true;
	cl->tx.again = true;
	trk_ranges_add(&cl->tx.placeless, 400, 500);
	CHECK_EQ(lone_take(&lone, 11, &r), TRK_OK);
	CHECK_EQ(cl->snd_una, 300);
	CHECK_EQ(cl->tx.stall, 0);
	CHECK(!cl->tx.token && !cl->tx.left && !cl->tx.again);
	CHECK(!cl->tx.noplace && !cl->tx.placeless.n);
	CHECK_EQ(cl->tx.expected, 0);
	CHECK_EQ(cl->tx.lost.n, 0);
}

/* If nothing was, the server waits for more. */
static void answer__not_consumed(void)
{
	struct trk_resp r;
	u64 end;

	CHECKED(send_input(false));
	end = cl->tx.nxt;
	r = answer_to_input(0, 0);
	CHECK_EQ(lone_take(&lone, 11, &r), TRK_OK);
	CHECK_EQ(cl->snd_una, 100);
	CHECK_EQ(cl->tx.stall, end);
	/* What was consumed before is no answer to that. */
	CHECKED(send_input(false));
	r = answer_to_input(50, 100);
	CHECK_EQ(lone_take(&lone, 11, &r), TRK_OK);
	CHECK_EQ(cl->tx.stall, end);
}

/* Of parallel input what was not consumed goes again, on both sides. */
static void answer__parallel(void)
{
	struct trk_resp r;
	u64 end;

	CHECKED(send_input(true));
	end = cl->tx.nxt;
	r = answer_to_input(300, 400);
	CHECK_EQ(lone_take(&lone, 11, &r), TRK_OK);
	CHECK_EQ(cl->tx.lost.n, 2);
	CHECK(cl->tx.lost.r[0].a == 100 && cl->tx.lost.r[0].b == 300);
	CHECK(cl->tx.lost.r[1].a == 400 && cl->tx.lost.r[1].b == end);
	CHECK(!cl->rx.each_brings);
	CHECKED(send_input(true));
	r = answer_to_input(0, 0);
	CHECK_EQ(lone_take(&lone, 11, &r), TRK_OK);
	CHECK(lost_is(100, end));
	/* Something else was consumed, behind it. */
	CHECKED(send_input(true));
	cl->tx.nxt = 3000;
	r = answer_to_input(2000, 2500);
	CHECK_EQ(lone_take(&lone, 11, &r), TRK_OK);
	CHECK(lost_is(100, end));
	CHECKED(send_input(true));
	r = answer_to_input(100, end);
	lone_put_output(&lone, &r, LONE_OUTPUT, LONE_OUTPUT + 10, 0);
	CHECK_EQ(lone_take(&lone, 11, &r), TRK_OK);
	CHECK_EQ(cl->tx.lost.n, 0);
	CHECK_EQ(cl->snd_una, end);
	CHECK(cl->rx.each_brings);
}

/* From then on input goes in any order: what was not consumed goes again. */
static void answer__begins_parallel(void)
{
	struct trk_resp r;
	u64 end;

	CHECKED(send_input(false));
	end = cl->tx.nxt;
	r = answer_to_input(100, 300);
	lone_put_input(&lone, &r, 0, 100000, TRK_UCONT_PARALLEL);
	CHECK_EQ(lone_take(&lone, 11, &r), TRK_OK);
	CHECK(lost_is(300, end));
	CHECK(!cl->tx.token);
	CHECK_EQ(cl->held.input.u.end, 100000);
}

/* Whichever packet comes tells what the others bring. */
static void answer__geometry(void)
{
	static const u64 off[] = { 5000, 5700, 6400, 7100 };
	struct trk_resp r;
	unsigned int i;

	CHECKED(send_input(false));
	cl->rx.ask_nxt = 4900;
	r = lone_resp(&lone, 12);
	r.has_geometry = true;
	r.geo_index = 1;
	r.geo_piece = 700;
	lone_put_output(&lone, &r, 5000, 7000, 0);
	lone_put_data(&r, 5700, 700);
	cl->held.outputs[trk_held_output_at(cl, 0) - cl->held.outputs].u.end = 5000;
	CHECK_EQ(lone_take(&lone, 12, &r), TRK_OK);
	CHECK(lone.in.off == 5700 && lone.in.len == 700);
	for (i = 0; i < 4; i++) {
		const struct trk_entry *s = trk_client_entry(cl, 11 + i);

		CHECK_EQ(s->what, i < 3 ? TRK_WHAT_OUTPUT : TRK_WHAT_REST);
		if (i < 3)
			CHECK(s->off == off[i] && s->len == 700);
	}
	CHECK_EQ(cl->tx.expected, 0);
	/* It ends with the continuation; what lies before it was never asked for. */
	CHECK_EQ(cl->rx.ask_nxt, 7000);
	CHECK(cl->rx.holes.n == 1 && cl->rx.holes.r[0].a == 4900 && cl->rx.holes.r[0].b == 5000);
}

/* An answer without data says nothing of where output stands, whatever it calls itself. */
static void answer__without_data(void)
{
	struct trk_resp r;

	CHECKED(send_input(false));
	cl->rx.ask_nxt = 0;
	r = answer_to_input(100, 300);
	r.off = 5000;
	CHECK_EQ(lone_take(&lone, 11, &r), TRK_OK);
	CHECK_EQ(cl->rx.holes.n, 0);
	CHECK_EQ(cl->rx.ask_nxt, 0);
	CHECK_EQ(trk_client_entry(cl, 12)->what, TRK_WHAT_REST);
}

/* Packets that say nothing of the input: it goes again when none is left that could. */
static void answer__of_nothing(void)
{
	struct trk_resp r;
	u64 x;

	CHECKED(send_input(false));
	for (x = 11; x <= 14; x++) {
		CHECK(!cl->tx.again);
		r = lone_resp(&lone, x);
		CHECK_EQ(lone_take(&lone, x, &r), TRK_OK);
	}
	CHECK(cl->tx.again);
	CHECK_EQ(cl->tx.left, 0);
	/* Of parallel input each packet goes by itself; of one answer another may say more. */
	CHECKED(send_input(true));
	r = lone_resp(&lone, 11);
	CHECK_EQ(lone_take(&lone, 11, &r), TRK_OK);
	CHECK_EQ(cl->tx.lost.n, 0);
	CHECKED(send_input(true));
	trk_client_entry(cl, 11)->count = 1;
	trk_client_entry(cl, 11)->fin = true;
	cl->tx.fin_sent = true;
	r = lone_resp(&lone, 11);
	CHECK_EQ(lone_take(&lone, 11, &r), TRK_OK);
	CHECK(lost_is(100, cl->tx.nxt));
	CHECK(!cl->tx.fin_sent);
	CHECKED(send_input(false));
	r = lone_resp(&lone, 11);
	r.span = 4;
	r.flags = TRK_RESP_NOGROWTH;
	CHECK_EQ(lone_take(&lone, 11, &r), TRK_OK);
	CHECK(cl->tx.again);
}

/* The answer has no room in the window: its number counts, and the input waits for so much. */
static void refused__no_room(void)
{
	struct trk_resp r;
	u64 end;

	CHECKED(send_input(false));
	trk_client_entry(cl, 11)->fin = true;
	cl->tx.fin_sent = true;
	r = answer_to_input(100, 300);
	lone_put_data(&r, (u32)cl->rcv_limit, 700);
	CHECK_EQ(lone_take(&lone, 11, &r), TRK_OK);
	CHECK_EQ(lone.in.len, 0);
	CHECK_EQ(cl->snd_una, 100);
	CHECK(cl->tx.again);
	/* The end of the stream is told again, too. */
	CHECK(!cl->tx.fin_sent && !cl->tx.fin_acked);
	CHECK(!cl->tx.noplace);
	CHECK_EQ(cl->tx.left, 0);
	CHECK_EQ(cl->tx.after, cl->rcv_limit + 700);
	CHECK_EQ(trk_client_entry(cl, 11)->state, TRK_ENTRY_RECEIVED);
	CHECKED(send_input(true));
	end = cl->tx.nxt;
	r = answer_to_input(100, 300);
	lone_put_data(&r, (u32)cl->rcv_limit, 700);
	CHECK_EQ(lone_take(&lone, 11, &r), TRK_OK);
	CHECK(cl->tx.held.n == 1 && cl->tx.held.r[0].a == 100 && cl->tx.held.r[0].b == end);
	CHECK_EQ(cl->tx.after, cl->rcv_limit + 700);
	CHECK_EQ(cl->tx.placeless.n + cl->tx.lost.n, 0);
	/* The nearest end counts. */
	r.num = 12;
	lone_put_data(&r, (u32)cl->rcv_limit, 500);
	CHECK_EQ(lone_take(&lone, 12, &r), TRK_OK);
	CHECK_EQ(cl->tx.after, cl->rcv_limit + 500);
	/* Nor does the end of a stream count that was refused. */
	CHECK_EQ(cl->fin_off, U64_MAX);
}

/* The answer to a request that is not the one that is out: that one goes on. */
static void refused__of_another_request(void)
{
	struct trk_resp r;

	CHECKED(send_input(false));
	cl->tx.token = 99;
	r = answer_to_input(100, 300);
	lone_put_data(&r, (u32)cl->rcv_limit, 700);
	CHECK_EQ(lone_take(&lone, 11, &r), TRK_OK);
	CHECK_EQ(lone.in.len, 0);
	CHECK(!cl->tx.again && cl->tx.left == 4);
	CHECK_EQ(cl->tx.held.n + cl->tx.placeless.n + cl->tx.lost.n, 0);
	CHECK_EQ(cl->tx.after, 0);
}

/* A continuation can make up for the room: what does not fit is asked for under it. */
static void refused__not_with_a_continuation(void)
{
	struct trk_resp r;

	CHECKED(send_input(false));
	cl->held.outputs[trk_held_output_at(cl, 0) - cl->held.outputs].u.end = cl->rcv_limit;
	r = answer_to_input(100, 300);
	r.flags = TRK_RESP_FIN;
	lone_put_output(&lone, &r, cl->rcv_limit, cl->rcv_limit + 5000, 0);
	lone_put_data(&r, (u32)cl->rcv_limit, 700);
	CHECK_EQ(lone_take(&lone, 11, &r), TRK_OK);
	CHECK_EQ(lone.in.len, 0);
	CHECK_EQ(cl->snd_una, 300);
	CHECK(!cl->tx.again);
	CHECK(trk_held_output_at(cl, cl->rcv_limit));
	CHECK_EQ(cl->fin_off, cl->rcv_limit + 700);
}

/* No place for its continuation: the input waits for one. */
static void refused__no_place(void)
{
	struct trk_resp r;
	struct trk_ucont u;
	unsigned int parallel, i;

	for (parallel = 0; parallel < 2; parallel++) {
		u64 end;

		CHECKED(send_input(parallel));
		end = cl->tx.nxt;
		for (i = 1; i < TRK_OUTPUTS; i++) {
			memset(&r, 0, sizeof(r));
			lone_put_output(&lone, &r, 10000 * i, 10000 * i + 10, 0);
			trk_wire_ucont_parse(&u, r.output);
			cl->held.outputs[i].len = r.output.len;
			cl->held.outputs[i].u = u;
		}
		r = answer_to_input(100, 300);
		r.flags = TRK_RESP_FIN;
		lone_put_output(&lone, &r, 200000, 200010, 0);
		lone_put_data(&r, 200000, 10);
		CHECK_EQ(lone_take(&lone, 11, &r), TRK_OK);
		CHECK_EQ(lone.in.len, 0);
		CHECK_EQ(cl->snd_una, 100);
		CHECK(cl->tx.noplace);
		CHECK_EQ(cl->tx.again, !parallel);
		CHECK_EQ(cl->tx.held.n, 0);
		CHECK_EQ(cl->tx.placeless.n, parallel);
		if (parallel)
			CHECK(cl->tx.placeless.r[0].a == 100 && cl->tx.placeless.r[0].b == end);
		CHECK_EQ(cl->fin_off, U64_MAX);
		CHECK_EQ(trk_client_entry(cl, 11)->state, TRK_ENTRY_RECEIVED);
	}
}

/* A number that was to bring nothing brings one that has no place: it would be gone for good. */
static void refused__no_place_and_nothing_asked(void)
{
	struct trk_resp r;
	unsigned int i;

	CHECKED(send_input(false));
	trk_client_entry(cl, 11)->what = TRK_WHAT_NOTHING;
	for (i = 0; i < TRK_OUTPUTS; i++) {
		cl->held.outputs[i].len = TRK_UCONT_HDR;
		cl->held.outputs[i].u = (struct trk_ucont){ .start = 10000 * (i + 1),
							    .end = 10000 * (i + 1) + 10 };
	}
	r = lone_resp(&lone, 11);
	lone_put_output(&lone, &r, 200000, 200010, 0);
	CHECK_EQ(lone_take(&lone, 11, &r), TRK_DROP_WINDOW);
	CHECK_EQ(trk_client_entry(cl, 11)->state, TRK_ENTRY_EXPECTED);
}

/* That of asked bytes is asked for by the byte before it; the bytes are taken. */
static void refused__no_place_for_that_of_asked_bytes(void)
{
	struct trk_resp r;
	struct trk_ucont u;
	unsigned int i;

	lone_open(&lone);
	for (i = 1; i < TRK_OUTPUTS; i++) {
		memset(&r, 0, sizeof(r));
		lone_put_output(&lone, &r, 10000 * i, 10000 * i + 10, 0);
		trk_wire_ucont_parse(&u, r.output);
		cl->held.outputs[i].len = r.output.len;
		cl->held.outputs[i].u = u;
	}
	cl->rx.asked_before = 200000;
	r = lone_resp(&lone, 2);
	lone_put_data(&r, PIECE, 10);
	lone_put_output(&lone, &r, 200000, 200010, 0);
	CHECK_EQ(lone_take(&lone, 2, &r), TRK_OK);
	CHECK_EQ(lone.in.len, 10);
	CHECK_EQ(cl->rx.next_lost, 200000);
	CHECK_EQ(cl->rx.asked_before, 0);
}

/* The input was executed twice with another outcome: bytes of both must not be mixed. */
static void refused__another_end(void)
{
	struct trk_resp r;

	lone_open(&lone);
	r = lone_resp(&lone, 2);
	lone_put_data(&r, PIECE, PIECE);
	lone_put_output(&lone, &r, 0, LONE_OUTPUT + 1, 0);
	CHECK_EQ(lone_take(&lone, 2, &r), TRK_DROP_WINDOW);
	lone_put_output(&lone, &r, 0, LONE_OUTPUT, 0);
	CHECK_EQ(lone_take(&lone, 2, &r), TRK_OK);
}

/* ---- the answer to a timeout ---- */

static int enter(const struct trk_cont *c, u64 x, u16 span)
{
	struct trk_resp r;

	lone_open(&lone);
	lone_arrives(&lone, 2);
	lone_pump(&lone);
	trk_timer_timed_out(cl, lone.now_us);
	lone_pump(&lone);
	r = lone_resp(&lone, x);
	r.span = span;
	r.flags = span > 1 ? TRK_RESP_NOGROWTH : 0;
	if (c)
		lone_put_cont(&lone, &r, c);
	return lone_take(&lone, x, &r);
}

static void timeout__begins_a_domain(void)
{
	struct trk_cont c = { 0 };
	struct trk_held_cont *held;

	lone_open(&lone);
	c = lone_cont(&lone, 10);
	c.domain++;
	trk_law_init(&c.law, 10, 1, 5, 0);
	cl->held.renewal_claims = 7;
	CHECK_EQ(enter(&c, 11, 1), TRK_OK);
	CHECK_EQ(cl->held.renewal_claims, 0);
	CHECK(!cl->req.waiting);
	CHECK_EQ(cl->num.hi, 11);
	CHECK_EQ(cl->num.nrep, 10);
	CHECK_EQ(cl->num.reportable, 11);
	CHECK_EQ(cl->num.expected, 0);
	CHECK_EQ(cl->num.nclaims, 0);
	held = trk_client_cont(cl);
	CHECK(held->c.domain == c.domain && held->c.base == 10 && !held->acc);
	CHECK_EQ(cl->held.confirmed_n, 10);
	CHECK_EQ(cl->held.confirmed.c.base, 10);
	CHECK_EQ(cl->req.attempt, 0);
	/* Nothing else does. */
	CHECK_EQ(enter(NULL, 11, 1), TRK_DROP_NUMBER);
	CHECK_EQ(enter(&c, 12, 1), TRK_DROP_NUMBER);
	CHECK_EQ(enter(&c, 10, 1), TRK_DROP_NUMBER);
	CHECK_EQ(enter(&c, 11, 2), TRK_DROP_NUMBER);
	CHECK(cl->req.waiting && cl->num.hi == 14);
	c.base++;
	CHECK_EQ(enter(&c, 11, 1), TRK_DROP_NUMBER);
	c.base--;
	c.law.tcp_base--;
	CHECK_EQ(enter(&c, 11, 1), TRK_DROP_NUMBER);
	c.law.tcp_base++;
	c.seg_size++;
	CHECK_EQ(enter(&c, 11, 1), TRK_DROP_NUMBER);
	c.seg_size = TRK_MIN_SEG_SIZE - 1;
	CHECK_EQ(enter(&c, 11, 1), TRK_DROP_NUMBER);
	c.seg_size = cl->seg_size;
	CHECK_EQ(enter(&c, 11, 1), TRK_OK);
}

static const struct tap_case cases[] = {
	TAP_CASE(take__place_and_offset),
	TAP_CASE(take__offsets_beyond_32_bits),
	TAP_CASE(take__acknowledged),
	TAP_CASE(take__within_the_window),
	TAP_CASE(take__of_one_domain),
	TAP_CASE(take__a_sign_of_life),
	TAP_CASE(take__late),
	TAP_CASE(take__the_end),
	TAP_CASE(answer__consumed),
	TAP_CASE(answer__not_consumed),
	TAP_CASE(answer__parallel),
	TAP_CASE(answer__begins_parallel),
	TAP_CASE(answer__geometry),
	TAP_CASE(answer__without_data),
	TAP_CASE(answer__of_nothing),
	TAP_CASE(refused__no_room),
	TAP_CASE(refused__of_another_request),
	TAP_CASE(refused__not_with_a_continuation),
	TAP_CASE(refused__no_place),
	TAP_CASE(refused__no_place_and_nothing_asked),
	TAP_CASE(refused__no_place_for_that_of_asked_bytes),
	TAP_CASE(refused__another_end),
	TAP_CASE(timeout__begins_a_domain),
	TAP_CASE(first__larger_segments_refused),
	TAP_CASE(rtt__of_no_repeated_request),
};

TAP_MAIN(cases)
