// SPDX-License-Identifier: GPL-2.0
/* Requests, field by field. */
#include "core/held.h"
#include "lone.h"
#include "tap.h"

#define PIECE	LONE_PIECE

static struct lone lone;
static struct trk_client *const cl = &lone.cl;

static u64 nonce(u64 x)
{
	return 0x1111111111111111ULL * x;
}

/* Numbers 1 and 2 have come, and the request that reports them is out: 11 to 14 are expected. */
static void reported_two(void)
{
	lone_open(&lone);
	CHECK_EQ(lone_arrives(&lone, 2), TRK_OK);
	CHECK(lone_pump(&lone));
	CHECK_EQ(cl->num.hi, 14);
}

/* The same bytes under the same sequence numbers, whatever was written meanwhile. */
static void first__repeated(void)
{
	u32 len;

	lone_begin(&lone);
	CHECK(lone_pump(&lone));
	CHECK_EQ(lone.out.seq, 0);
	CHECK_EQ(lone.out.ackrel, 0);
	CHECK(lone.q.flags & TRK_REQ_GROW);
	len = lone.out.hdr_len + lone.out.in_len;
	CHECK_EQ(cl->req.seq, len);
	CHECK_EQ(cl->req.pending.count, 10);
	cl->snd_end = 900;
	lone.now_us = cl->deadline_us;
	trk_timer_expired(cl, lone.now_us);
	CHECK(lone_pump(&lone));
	CHECK_EQ(lone.out.seq, 0);
	CHECK_EQ(lone.out.in_len, LONE_INPUT);
	CHECK_EQ(lone.out.hdr_len + lone.out.in_len, len);
	CHECK_EQ(cl->req.seq, len);
	CHECK_EQ(cl->req.pending.count, 1);
	CHECK_EQ(cl->req.pending.sent_us, lone.now_us);
}

static void range__fields(void)
{
	CHECKED(reported_two());
	CHECK_EQ(lone.q.kind, TRK_KIND_RANGE);
	CHECK_EQ(lone.q.m, 1);
	CHECK_EQ(lone.q.n, 2);
	CHECK_EQ(lone.q.nclaims, 0);
	CHECK(lone.q.proof == (nonce(1) ^ nonce(2)));
	CHECK_EQ(lone.q.token, trk_client_entry(cl, 11)->token);
	CHECK(!memcmp(lone.q.cont.p, lone.cont, TRK_CONT_LEN));
	CHECK_EQ(lone.q.nask, 1);
	CHECK_EQ(lone.q.ask[0].off, 10 * PIECE);
	CHECK_EQ(lone.q.ask[0].len, 4 * PIECE);
	CHECK_EQ(lone.q.output.len, TRK_UCONT_HDR + 10);
	CHECK(!lone.q.has_input && !lone.q.input.p);
	/* It follows the first request, and acknowledges number 2. */
	CHECK_EQ(lone.out.seq, TRK_REQ_FIXED + TRK_EXT_HDR + 8 + LONE_INPUT);
	CHECK_EQ(lone.out.ackrel, LONE_SEG_SIZE + TRK_RESP_FIXED + PIECE);
	CHECK_EQ(lone.q.ackrel, lone.out.ackrel);
	CHECK_EQ(cl->req.seq, lone.out.seq + lone.out.hdr_len);
	CHECK_EQ(cl->num.nrep, 2);
	CHECK_EQ(cl->num.expected, 12);
}

/* What each number is to bring. */
static void range__pieces(void)
{
	unsigned int i;

	CHECKED(reported_two());
	for (i = 0; i < 4; i++) {
		const struct trk_entry *s = trk_client_entry(cl, 11 + i);

		CHECK_EQ(s->state, TRK_ENTRY_EXPECTED);
		CHECK_EQ(s->what, TRK_WHAT_OUTPUT);
		CHECK_EQ(s->off, (10 + i) * PIECE);
		CHECK_EQ(s->len, PIECE);
		CHECK_EQ(s->first, 11);
		CHECK_EQ(s->count, 4);
		CHECK_EQ(s->req_n, 2);
		CHECK_EQ(s->again, 0);
		CHECK_EQ(s->sent_us, lone.now_us);
		CHECK_EQ(s->serial, cl->held.serial);
		CHECK(s->acc == (nonce(1) ^ nonce(2)));
	}
	CHECK_EQ(cl->rx.ask_nxt, 14 * PIECE);
	CHECK_EQ(cl->stat.rcv_retrans, 0);
}

/* Two holes and new output: each number has a piece of one range. */
static void range__pieces_of_several_ranges(void)
{
	static const u64 off[] = { 2 * PIECE, 3 * PIECE, 6 * PIECE + 8, 10 * PIECE };
	static const u32 len[] = { PIECE, 50, 8, PIECE };
	unsigned int i;

	lone_open(&lone);
	CHECK_EQ(lone_arrives(&lone, 2), TRK_OK);
	trk_ranges_add(&cl->rx.holes, 2 * PIECE, 3 * PIECE + 50);
	trk_ranges_add(&cl->rx.holes, 6 * PIECE + 8, 6 * PIECE + 16);
	cl->rx.next_lost = 3 * PIECE + 50;
	CHECK(lone_pump(&lone));
	CHECK_EQ(lone.q.nask, 3);
	for (i = 0; i < 4; i++) {
		CHECK_EQ(trk_client_entry(cl, 11 + i)->off, off[i]);
		CHECK_EQ(trk_client_entry(cl, 11 + i)->len, len[i]);
	}
	CHECK_EQ(cl->rx.holes.n, 0);
	CHECK_EQ(cl->rx.ask_nxt, 11 * PIECE);
	CHECK_EQ(cl->stat.rcv_retrans, PIECE + 50 + 8);
	/* The continuation that was thought lost comes with the bytes before it, and no others. */
	CHECK_EQ(cl->rx.next_lost, 0);
	cl->rx.next_lost = 5 * PIECE;
	lone_arrives(&lone, 3);
	lone_arrives(&lone, 4);
	CHECK(lone_pump(&lone));
	CHECK_EQ(lone.q.ask[0].off, 11 * PIECE);
	CHECK_EQ(cl->rx.next_lost, 5 * PIECE);
}

/* What was lost is claimed, in this request and in those that follow. */
static void range__claims(void)
{
	u64 x;

	lone_open(&lone);
	lone_arrives(&lone, 4);
	lone_arrives(&lone, 5);
	lone_arrives(&lone, 6);
	CHECK_EQ(cl->stat.lost, 2);
	CHECK(lone_pump(&lone));
	CHECK_EQ(lone.q.m, 1);
	CHECK_EQ(lone.q.nclaims, 1);
	CHECK_EQ(lone.q.claim[0].a, 2);
	CHECK_EQ(lone.q.claim[0].len, 2);
	CHECK_EQ(lone.q.claim[0].kind, TRK_CLAIM_LOST);
	x = lone.q.n;
	CHECK(x >= 4 && x <= 6);
	CHECK(lone.q.proof == (nonce(1) ^ nonce(4) ^ (x > 4 ? nonce(5) : 0) ^
			       (x > 5 ? nonce(6) : 0)));
	CHECK_EQ(lone.q.ask[0].off, PIECE);
	CHECK_EQ(lone.q.ask[0].len, 2 * PIECE);
}

/* Wait for a second packet, but not for long. */
static void range__a_packet_alone_waits(void)
{
	lone_open(&lone);
	CHECK(!lone_pump(&lone));
	CHECK_EQ(cl->timer.delack_deadline_us, lone.now_us + 10000);
	lone.now_us += 9999;
	trk_timer_expired(cl, lone.now_us);
	CHECK(!lone_pump(&lone));
	lone.now_us++;
	trk_timer_expired(cl, lone.now_us);
	CHECK(lone_pump(&lone));
	CHECK_EQ(lone.q.n, 1);
	CHECK_EQ(cl->timer.delack_deadline_us, U64_MAX);
}

/* When no trickle is left the pace is over. */
static void range__nothing_to_report(void)
{
	CHECKED(reported_two());
	cl->timer.resuming = true;
	cl->timer.pace_us = lone.now_us + 5000;
	cl->timer.pace_deadline_us = lone.now_us + 5000;
	CHECK(!lone_pump(&lone));
	CHECK(!cl->timer.resuming && !cl->timer.pace_us);
	CHECK_EQ(cl->timer.pace_deadline_us, U64_MAX);
}

/* The request that ends our stream, and no other. */
static void input__the_end(void)
{
	lone_open(&lone);
	cl->snd_end = 3000;
	cl->snd_fin = true;
	cl->rx.input_turn = true;
	lone_arrives(&lone, 2);
	CHECK(lone_pump(&lone));
	CHECK(lone.q.has_input);
	CHECK_EQ(lone.q.input_off, LONE_INPUT);
	CHECK_EQ(lone.out.hdr_len + lone.out.in_len, LONE_SEG_SIZE);
	CHECK(!(lone.q.flags & TRK_REQ_FIN));
	CHECK_EQ(cl->tx.nxt, LONE_INPUT + lone.out.in_len);
	CHECK_EQ(cl->tx.left, 4);
	CHECK_EQ(cl->tx.token, lone.q.token);
	CHECK_EQ(cl->tx.expected, 4);
	CHECK(!cl->tx.fin_sent);
	CHECK_EQ(cl->stat.snd_retrans, 0);
	/* It goes again, with all that there is. */
	cl->tx.again = true;
	cl->snd_end = 200;
	cl->rx.input_turn = true;
	lone_arrives(&lone, 3);
	lone_arrives(&lone, 4);
	CHECK(lone_pump(&lone));
	CHECK_EQ(lone.q.input_off, LONE_INPUT);
	CHECK_EQ(lone.out.in_len, 100);
	CHECK(lone.q.flags & TRK_REQ_FIN);
	CHECK(cl->tx.fin_sent);
	CHECK_EQ(cl->stat.snd_retrans, 100);
}

/* Parallel input of many packets: a packet a trickle. */
static void input__a_packet_a_trickle(void)
{
	struct trk_resp r = { 0 };
	unsigned int i;

	lone_open(&lone);
	lone_put_input(&lone, &r, 0, 100000, TRK_UCONT_PARALLEL);
	trk_held_store_input(cl, &r);
	cl->snd_end = 100000;
	cl->fin_off = cl->rcv_nxt;
	for (i = 2; i <= 4; i++)
		lone_arrives(&lone, i);
	for (i = 1; i <= 4; i++) {
		CHECK(lone_pump(&lone));
		CHECK(lone.q.has_input);
		CHECK_EQ(lone.q.m, i);
		CHECK_EQ(lone.q.n, i);
	}
	/* Half a packet is not worth it. */
	lone_open(&lone);
	lone_put_input(&lone, &r, 0, 100000, TRK_UCONT_PARALLEL);
	trk_held_store_input(cl, &r);
	cl->snd_end = LONE_INPUT + LONE_SEG_SIZE / 2;
	cl->fin_off = cl->rcv_nxt;
	for (i = 2; i <= 4; i++)
		lone_arrives(&lone, i);
	CHECK(lone_pump(&lone));
	CHECK_EQ(lone.q.m, 1);
	CHECK_EQ(lone.q.n, 2);
}

/* Of three requests in a row the second reports what the first did, and asks for its bytes. */
static void redundant__repeats_the_one_before(void)
{
	unsigned int i;
	u32 token;

	lone_open(&lone);
	cl->redundant = true;
	lone_arrives(&lone, 2);
	CHECK(lone_pump(&lone));
	token = lone.q.token;
	lone_arrives(&lone, 3);
	lone_arrives(&lone, 4);
	CHECK(lone_pump(&lone));
	CHECK_EQ(lone.q.m, 1);
	CHECK_EQ(lone.q.n, 4);
	CHECK_EQ(lone.q.nask, 1);
	CHECK_EQ(lone.q.ask[0].off, 10 * PIECE);
	CHECK_EQ(lone.q.ask[0].len, 8 * PIECE);
	CHECK_EQ(cl->stat.repeated, 1);
	for (i = 11; i <= 18; i++) {
		CHECK_EQ(trk_client_entry(cl, i)->token, i < 15 ? token : lone.q.token);
		CHECK_EQ(trk_client_entry(cl, i)->again, i < 15 ? lone.q.token : 0);
	}
	/* As soon as something of its answer has come it is not repeated. */
	lone_arrives(&lone, 5);
	lone_arrives(&lone, 6);
	trk_client_entry(cl, 17)->state = TRK_ENTRY_RECEIVED;
	CHECK(lone_pump(&lone));
	CHECK_EQ(lone.q.m, 5);
	CHECK_EQ(cl->stat.repeated, 1);
}

/* Ranges that do not touch stay two, in the order of their numbers. */
static void redundant__ranges_in_order(void)
{
	lone_open(&lone);
	cl->redundant = true;
	trk_ranges_add(&cl->rx.holes, 5 * PIECE, 6 * PIECE);
	lone_arrives(&lone, 2);
	CHECK(lone_pump(&lone));
	CHECK_EQ(lone.q.nask, 2);
	trk_ranges_add(&cl->rx.holes, 7 * PIECE, 8 * PIECE);
	lone_arrives(&lone, 3);
	lone_arrives(&lone, 4);
	CHECK(lone_pump(&lone));
	CHECK_EQ(lone.q.m, 1);
	CHECK_EQ(lone.q.nask, 4);
	CHECK(lone.q.ask[0].off == 5 * PIECE && lone.q.ask[0].len == PIECE);
	CHECK(lone.q.ask[1].off == 10 * PIECE && lone.q.ask[1].len == 3 * PIECE);
	CHECK(lone.q.ask[2].off == 7 * PIECE && lone.q.ask[2].len == PIECE);
	CHECK(lone.q.ask[3].off == 13 * PIECE && lone.q.ask[3].len == 3 * PIECE);
	/* Five are too many. */
	trk_ranges_add(&cl->rx.holes, 7 * PIECE, 8 * PIECE);
	trk_ranges_add(&cl->rx.holes, 9 * PIECE, 10 * PIECE);
	lone_arrives(&lone, 5);
	lone_arrives(&lone, 6);
	CHECK(lone_pump(&lone));
	CHECK_EQ(lone.q.m, 5);
	CHECK_EQ(lone.q.nask, 3);
}

/* Not what the continuation of this request does not hold, nor what lies below its base. */
static void redundant__not_under_another_continuation(void)
{
	struct trk_resp r = { 0 };
	struct trk_ucont u;
	unsigned int i;

	lone_open(&lone);
	cl->redundant = true;
	for (i = 0; i < TRK_OUTPUTS; i++)
		if (cl->held.outputs[i].len)
			cl->held.outputs[i].u.end = 14 * PIECE;
	lone_put_output(&lone, &r, 14 * PIECE, 90 * PIECE, 0);
	trk_wire_ucont_parse(&u, r.output);
	trk_held_store_output(cl, &r, &u);
	lone_arrives(&lone, 2);
	CHECK(lone_pump(&lone));
	CHECK_EQ(lone.q.ask[0].len, 4 * PIECE);
	lone_arrives(&lone, 3);
	lone_arrives(&lone, 4);
	CHECK(lone_pump(&lone));
	CHECK_EQ(lone.q.m, 3);
	CHECK_EQ(lone.q.nask, 1);
	CHECK_EQ(lone.q.ask[0].off, 14 * PIECE);
	/* Under the same one it is repeated again. */
	lone_arrives(&lone, 5);
	lone_arrives(&lone, 6);
	CHECK(lone_pump(&lone));
	CHECK_EQ(lone.q.m, 3);
	CHECK_EQ(lone.q.n, 6);
	CHECK_EQ(lone.q.ask[0].off, 14 * PIECE);
	for (i = 0; i < 2; i++) {
		lone_open(&lone);
		cl->redundant = true;
		lone_arrives(&lone, 2);
		CHECK(lone_pump(&lone));
		if (i) {
			trk_client_cont(cl)->c.base = 1;
			trk_client_cont(cl)->acc = nonce(1);
		}
		lone_arrives(&lone, 3);
		lone_arrives(&lone, 4);
		CHECK(lone_pump(&lone));
		CHECK_EQ(lone.q.m, i ? 3 : 1);
		CHECK_EQ(lone.q.n, 4);
		CHECK(lone.q.proof == (nonce(2) ^ nonce(3) ^ nonce(4) ^ (i ? 0 : nonce(1))));
	}
}

/* Where what was asked for goes on in the next request, both are one range, before the others. */
static void redundant__ranges_that_touch(void)
{
	lone_open(&lone);
	cl->redundant = true;
	trk_ranges_add(&cl->rx.holes, 3 * PIECE, 7 * PIECE);
	lone_arrives(&lone, 2);
	CHECK(lone_pump(&lone));
	CHECK(lone.q.nask == 1 && lone.q.ask[0].off == 3 * PIECE && lone.q.ask[0].len == 4 * PIECE);
	trk_ranges_add(&cl->rx.holes, 7 * PIECE, 8 * PIECE);
	lone_arrives(&lone, 3);
	lone_arrives(&lone, 4);
	CHECK(lone_pump(&lone));
	CHECK_EQ(lone.q.m, 1);
	CHECK_EQ(lone.q.nask, 2);
	CHECK(lone.q.ask[0].off == 3 * PIECE && lone.q.ask[0].len == 5 * PIECE);
	CHECK(lone.q.ask[1].off == 10 * PIECE && lone.q.ask[1].len == 3 * PIECE);
}

/* Every other TIMEOUT, beginning with the third, has a SYN before it, and says our address. */
static void timeout__knocks(void)
{
	static const u8 addr[] = { 1, 2, 3, 4, 5, 6 };
	u32 seq;

	CHECKED(reported_two());
	memcpy(cl->req.addr, addr, sizeof(addr));
	cl->req.addr_len = sizeof(addr);
	trk_timer_timed_out(cl, lone.now_us);
	cl->req.attempt = 2;
	CHECK(lone_pump(&lone));
	CHECK(!lone.out.syn && !lone.q.addr.p);
	trk_timer_timed_out(cl, lone.now_us);
	cl->req.attempt = 3;
	seq = cl->req.seq;
	CHECK(lone_pump(&lone));
	CHECK(lone.out.syn);
	CHECK_EQ(lone.out.seq, seq);
	CHECK_EQ(lone.out.hdr_len + lone.out.in_len, 0);
	CHECK(!lone_pump(&lone));
	CHECK(!trk_receive_opened(cl, seq + 1));
	CHECK(trk_receive_opened(cl, seq));
	CHECK(!trk_receive_opened(cl, seq));
	CHECK(lone_pump(&lone));
	CHECK(!lone.out.syn);
	CHECK_EQ(lone.q.attempt, 3);
	CHECK_EQ(lone.q.addr.len, sizeof(addr));
	CHECK(!memcmp(lone.q.addr.p, addr, sizeof(addr)));
	trk_timer_timed_out(cl, lone.now_us);
	cl->req.attempt = 4;
	CHECK(lone_pump(&lone));
	CHECK(!lone.out.syn && lone.q.addr.p);
	/* An address that was not told is not said. */
	cl->req.addr_len = 0;
	trk_timer_timed_out(cl, lone.now_us);
	CHECK(lone_pump(&lone));
	CHECK(!lone.q.addr.p);
}

/* Its number is above all that can have been issued by what it claims. */
static void timeout__number(void)
{
	CHECKED(reported_two());
	CHECK_EQ(lone_arrives(&lone, 11), TRK_OK);
	trk_timer_timed_out(cl, lone.now_us);
	CHECK(lone_pump(&lone));
	CHECK_EQ(lone.q.kind, TRK_KIND_TIMEOUT);
	CHECK_EQ(lone.q.n, 2);
	CHECK(lone.q.proof == (nonce(1) ^ nonce(2)));
	CHECK_EQ(cl->req.pending.first, 15);
	CHECK_EQ(cl->req.pending.count, 1);
	CHECK_EQ(cl->req.pending.req_n, 14);
	CHECK_EQ(cl->req.pending.token, lone.q.token);
	CHECK_EQ(cl->req.pending.off, lone.q.ask[0].off);
	CHECK_EQ(cl->req.pending.len, lone.q.ask[0].len);
	CHECK_EQ(lone.q.ask[0].len, PIECE - TRK_CONT_LEN);
}

/* New bytes are wanted until they arrive, whatever becomes of the request that asks for them. */
static void timeout__asks_for_new_bytes(void)
{
	u64 at;

	CHECKED(reported_two());
	cl->rcv_nxt = cl->rx.ask_nxt;
	cl->rx.holes.n = 0;
	at = cl->rx.ask_nxt;
	trk_timer_timed_out(cl, lone.now_us);
	cl->rx.holes.n = 0;
	CHECK(lone_pump(&lone));
	CHECK_EQ(lone.q.kind, TRK_KIND_TIMEOUT);
	CHECK(lone.q.nask == 1 && lone.q.ask[0].off == at);
	CHECK(cl->rx.ask_nxt == at + lone.q.ask[0].len);
	CHECK(cl->rx.holes.n == 1 && cl->rx.holes.r[0].a == at &&
	      cl->rx.holes.r[0].b == cl->rx.ask_nxt);
}

/* The byte before a hole whose continuation is lost: once, also by a TIMEOUT. */
static void timeout__asks_for_a_continuation(void)
{
	unsigned int i;

	CHECKED(reported_two());
	for (i = 0; i < TRK_OUTPUTS; i++)
		if (cl->held.outputs[i].len)
			cl->held.outputs[i].u.end = 14 * PIECE;
	cl->rcv_nxt = 14 * PIECE;
	cl->rx.ask_nxt = 20 * PIECE;
	trk_timer_timed_out(cl, lone.now_us);
	cl->rx.holes.n = 0;
	cl->rx.next_lost = 0;
	trk_ranges_add(&cl->rx.holes, 14 * PIECE, 15 * PIECE);
	CHECK(lone_pump(&lone));
	CHECK_EQ(lone.q.kind, TRK_KIND_TIMEOUT);
	CHECK(lone.q.nask == 1 && lone.q.ask[0].off == 14 * PIECE - 1 && lone.q.ask[0].len == 1);
	CHECK_EQ(cl->rx.asked_before, 14 * PIECE);
}

/* A NAT forgets a connection after five minutes: a sign of life after four. */
static void idle__a_sign_of_life(void)
{
	u64 x;

	lone_open(&lone);
	cl->fin_off = 10 * PIECE;
	for (x = 2; x <= 10; x++)
		lone_arrives(&lone, x);
	CHECK(!lone_pump(&lone));
	CHECK_EQ(cl->deadline_us, cl->timer.sent_us + 240000000);
	lone.now_us = cl->deadline_us - 1;
	trk_timer_expired(cl, lone.now_us);
	CHECK(!lone_pump(&lone));
	lone.now_us++;
	trk_timer_expired(cl, lone.now_us);
	CHECK(lone_pump(&lone));
	CHECK_EQ(lone.q.kind, TRK_KIND_RANGE);
	CHECK(!lone.q.nask && !lone.q.has_input && !lone.q.output.p);
	CHECK(cl->num.expected);
	CHECK(cl->deadline_us <= lone.now_us + cl->rto_us);
}

/* Two windows must fit the ring, and what is not reported. */
static void ring__wished_for(void)
{
	lone_open(&lone);
	cl->rcv_limit = 1ULL << 40;
	while (cl->num.hi < LONE_RING - 60) {
		u64 x = cl->num.top + 1;

		CHECK_EQ(lone_arrives(&lone, x), TRK_OK);
		lone_pump_all(&lone);
		CHECK_EQ(cl->ring_want, cl->cwnd <= 32 ? 256 : cl->cwnd <= 96 ? 512 : 1024);
	}
	CHECK(cl->cwnd > 96);
}

static void close__fields(void)
{
	u32 seq;

	CHECKED(reported_two());
	seq = cl->req.seq;
	trk_request_close(cl, &lone.out);
	CHECK_EQ(trk_wire_req_parse(&lone.q, lone.out.hdr, lone.out.hdr_len, lone.out.hdr_len),
		 TRK_OK);
	CHECK_EQ(lone.q.kind, TRK_KIND_CLOSE);
	CHECK_EQ(lone.q.m, 2);
	CHECK_EQ(lone.q.n, 2);
	CHECK_EQ(lone.out.seq, seq);
	CHECK_EQ(cl->req.seq, seq + TRK_REQ_FIXED + TRK_CONT_LEN);
	CHECK_EQ(lone.out.ackrel, cl->req.ackrel);
	CHECK_EQ(lone.q.ackrel, cl->req.ackrel);
	CHECK(!lone.out.syn && !lone.out.in_len);
	CHECK(!memcmp(lone.q.cont.p, lone.cont, TRK_CONT_LEN));
}

static const struct tap_case cases[] = {
	TAP_CASE(first__repeated),
	TAP_CASE(range__fields),
	TAP_CASE(range__pieces),
	TAP_CASE(range__pieces_of_several_ranges),
	TAP_CASE(range__claims),
	TAP_CASE(range__a_packet_alone_waits),
	TAP_CASE(range__nothing_to_report),
	TAP_CASE(input__the_end),
	TAP_CASE(input__a_packet_a_trickle),
	TAP_CASE(redundant__repeats_the_one_before),
	TAP_CASE(redundant__ranges_in_order),
	TAP_CASE(redundant__not_under_another_continuation),
	TAP_CASE(redundant__ranges_that_touch),
	TAP_CASE(timeout__knocks),
	TAP_CASE(timeout__number),
	TAP_CASE(timeout__asks_for_new_bytes),
	TAP_CASE(timeout__asks_for_a_continuation),
	TAP_CASE(idle__a_sign_of_life),
	TAP_CASE(ring__wished_for),
	TAP_CASE(close__fields),
};

TAP_MAIN(cases)
