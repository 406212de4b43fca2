// SPDX-License-Identifier: GPL-2.0
/* Which continuations a client keeps. */
#include "core/held.h"
#include "lone.h"
#include "tap.h"

static struct lone lone;
static struct trk_client *const cl = &lone.cl;

/* The base that a renewed continuation was made for is what its request reported. */
static u64 base_after(u64 base)
{
	struct trk_resp r;
	struct trk_cont c;

	lone_open(&lone);
	lone_arrives(&lone, 2);
	lone_pump(&lone);
	r = lone_resp(&lone, 11);
	c = lone_cont(&lone, base);
	lone_put_cont(&lone, &r, &c);
	lone_take(&lone, 11, &r);
	return trk_client_cont(cl)->c.base;
}

/* A proof of what it does not begin with would be wrong, and the connection would stand still. */
static void renew__only_for_what_was_reported(void)
{
	CHECK_EQ(base_after(2), 2);
	CHECK_EQ(base_after(1), 0);
	CHECK_EQ(base_after(3), 0);
	CHECK_EQ(base_after(10), 0);
	CHECK_EQ(base_after(11), 0);
}

/* Number 11 brings this continuation: is it taken? */
static bool renewed(struct trk_cont c)
{
	struct trk_resp r;

	lone_open(&lone);
	lone_arrives(&lone, 2);
	lone_pump(&lone);
	r = lone_resp(&lone, 11);
	lone_put_cont(&lone, &r, &c);
	lone_take(&lone, 11, &r);
	return trk_client_cont(cl)->c.base == 2;
}

/* What no server can mean for this connection. */
static void renew__only_of_this_connection(void)
{
	struct trk_cont c = lone_cont(&lone, 2);

	CHECK(renewed(c));
	c.domain++;
	CHECK(!renewed(c));
	c.domain--;
	c.seg_size--;
	CHECK(!renewed(c));
	c.seg_size++;
	c.iw++;
	CHECK(!renewed(c));
	c.iw--;
	c.law.start_cwnd = 0;
	CHECK(!renewed(c));
}

/* A late packet brings no older one back; nor does an old answer make good what is not known. */
static void renew__does_not_go_back(void)
{
	struct trk_entry s = { .req_n = 5 }, t = { .req_n = 3, .acc = 33 };
	struct trk_cont c = lone_cont(&lone, 5);
	struct trk_resp r;

	lone_open(&lone);
	lone_put_cont(&lone, &r, &c);
	trk_held_renew(cl, &s, lone.cont);
	CHECK_EQ(trk_client_cont(cl)->c.base, 5);
	c = lone_cont(&lone, 3);
	lone_put_cont(&lone, &r, &c);
	trk_held_renew(cl, &t, lone.cont);
	CHECK_EQ(trk_client_cont(cl)->c.base, 5);
	c = lone_cont(&lone, 6);
	c.domain++;
	s.req_n = 6;
	lone_put_cont(&lone, &r, &c);
	trk_held_renew(cl, &s, lone.cont);
	CHECK_EQ(trk_client_cont(cl)->c.base, 5);
	/* Requests were answered that reported 8, and then one that reported 3. */
	s = (struct trk_entry){ .req_n = 8, .serial = cl->held.serial, .acc = 88 };
	t.serial = cl->held.serial;
	trk_held_confirm(cl, &s);
	CHECK_EQ(cl->held.confirmed_n, 8);
	CHECK_EQ(cl->held.confirmed.c.base, 5);
	CHECK_EQ(cl->held.confirmed_proof, 88 ^ trk_client_cont(cl)->acc);
	trk_held_confirm(cl, &t);
	CHECK_EQ(cl->held.confirmed_n, 8);
	/* One whose continuation is kept no longer says nothing. */
	s = (struct trk_entry){ .req_n = 9, .serial = cl->held.serial - TRK_CONTS };
	trk_held_confirm(cl, &s);
	CHECK_EQ(cl->held.confirmed_n, 8);
}

/* Claims are kept down to the base of the last one that was answered. */
static void confirm__drops_old_claims(void)
{
	struct trk_entry s = { .req_n = 30 };
	unsigned int i;

	lone_open(&lone);
	s.serial = cl->held.serial;
	for (i = 0; i < 4; i++)
		cl->num.claims[i] = (struct trk_claim){ 5 * i + 5, 5 * i + 6, TRK_CLAIM_LOST };
	cl->num.nclaims = 4;
	CHECK_EQ(trk_held_claims(cl), 4);
	trk_client_cont(cl)->c.base = 11;
	CHECK_EQ(trk_held_claims(cl), 2);
	trk_held_confirm(cl, &s);
	CHECK_EQ(cl->num.nclaims, 2);
	CHECK_EQ(cl->num.claims[0].a, 15);
	CHECK_EQ(cl->num.claims[1].a, 20);
	/* One that reaches above it counts. */
	trk_client_cont(cl)->c.base = 15;
	CHECK_EQ(trk_held_claims(cl), 2);
}

/* Protocol.rst: by how many keys it is away from the birth of the domain; at three it ends. */
static void renew__counts_keys_from_the_birth(void)
{
	static const u8 keys[] = { 1, 2, 2, 3, 2, 1, 1, 4 }, away[] = { 0, 1, 1, 2, 1, 0, 0, 3 };
	unsigned int i;
	struct trk_cont c;
	u64 x = 2;

	lone_open(&lone);
	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		struct trk_entry s = { .req_n = x, .serial = cl->held.serial };
		struct trk_resp r;

		c = lone_cont(&lone, x++);
		c.key_id = keys[i];
		lone_put_cont(&lone, &r, &c);
		trk_held_renew(cl, &s, lone.cont);
		CHECK_EQ(cl->held.conts[cl->held.serial % TRK_CONTS].c.base, x - 1);
		CHECK_EQ(cl->held.keys_away, away[i]);
		/* A request carried it, and was answered. */
		cl->held.cont_used = true;
		s.serial = cl->held.serial;
		trk_held_confirm(cl, &s);
		s.req_n++;
		trk_held_confirm(cl, &s);
	}
}

/* However many are met before the domain ends, no more than belong to it are noted. */
static void renew__meets_more_keys_than_it_notes(void)
{
	unsigned int i;

	lone_open(&lone);
	for (i = 0; i < 2 * ARRAY_SIZE(cl->held.key_met); i++) {
		struct trk_entry s = { .req_n = 2 + i, .serial = cl->held.serial };
		struct trk_cont c = lone_cont(&lone, 2 + i);
		struct trk_resp r;

		c.key_id = 10 + i;
		lone_put_cont(&lone, &r, &c);
		trk_held_renew(cl, &s, lone.cont);
		CHECK_EQ(trk_client_cont(cl)->c.base, 2 + i);
		CHECK(cl->held.nkeys <= ARRAY_SIZE(cl->held.key_met));
		CHECK(cl->held.keys_away <= ARRAY_SIZE(cl->held.key_met));
	}
	CHECK_EQ(cl->held.nkeys, ARRAY_SIZE(cl->held.key_met));
}

/* Under another key all may be sealed anew at once; under the same one after a while. */
static void confirm__another_key_is_asked_at_once(void)
{
	struct trk_entry s = { .req_n = 2 };
	u8 key_id;

	for (key_id = 1; key_id <= 2; key_id++) {
		lone_open(&lone);
		CHECK_EQ(cl->held.confirmed.c.key_id, 1);
		s.serial = cl->held.serial;
		trk_client_cont(cl)->c.key_id = key_id;
		cl->held.reseals = 3;
		cl->held.reseal_us = 77;
		trk_held_confirm(cl, &s);
		CHECK_EQ(cl->held.reseals, key_id == 1 ? 3 : 0);
		CHECK_EQ(cl->held.reseal_us, key_id == 1 ? 77 : 0);
	}
}

/* One that no answered request carried may be spoilt: the last two are kept in reserve. */
static void renew__few_at_a_time(void)
{
	unsigned int i;
	u64 x = 2;

	lone_open(&lone);
	for (i = 0; i < 6; i++) {
		struct trk_entry s = { .req_n = x, .serial = cl->held.serial };
		struct trk_cont c = lone_cont(&lone, x);
		struct trk_resp r;

		lone_put_cont(&lone, &r, &c);
		trk_held_renew(cl, &s, lone.cont);
		CHECK_EQ(trk_client_cont(cl)->c.base, i < 2 ? x : 3);
		cl->held.cont_used = true;
		x++;
	}
	/* One that stood in no request makes room for the next. */
	lone_open(&lone);
	for (x = 2; x < 10; x++) {
		struct trk_entry s = { .req_n = x, .serial = cl->held.serial };
		struct trk_cont c = lone_cont(&lone, x);
		struct trk_resp r;

		lone_put_cont(&lone, &r, &c);
		trk_held_renew(cl, &s, lone.cont);
		CHECK_EQ(trk_client_cont(cl)->c.base, x);
		CHECK_EQ(cl->held.confirmed.c.base, 0);
	}
}

static void hold_by(u8 key_id, u64 start, u64 end, u8 flags)
{
	struct trk_resp r = { 0 };
	struct trk_ucont u;
	u8 was = lone.key.c.key_id;

	lone.key.c.key_id = key_id;
	lone_put_output(&lone, &r, start, end, flags);
	lone.key.c.key_id = was;
	trk_wire_ucont_parse(&u, r.output);
	trk_held_store_output(cl, &r, &u);
}

static void hold(u64 start, u64 end, u8 flags)
{
	hold_by(1, start, end, flags);
}

static void output__found_by_its_bytes(void)
{
	lone_begin(&lone);
	hold(100, 200, 0);
	hold(200, 300, 0);
	CHECK(!trk_held_output_at(cl, 99));
	CHECK_EQ(trk_held_output_at(cl, 100)->u.end, 200);
	CHECK_EQ(trk_held_output_at(cl, 199)->u.end, 200);
	CHECK_EQ(trk_held_output_at(cl, 200)->u.end, 300);
	CHECK(!trk_held_output_at(cl, 300));
	/* One of no bytes is not held, nor one of bytes that are there. */
	hold(400, 400, 0);
	cl->rcv_nxt = 60;
	hold(50, 60, 0);
	CHECK_EQ(trk_held_output_places(cl), 6);
}

/* It makes room when its bytes are there, and so is the one that follows. */
static void output__done_with(void)
{
	const struct trk_held_ucont *h;

	lone_begin(&lone);
	hold(0, 100, 0);
	h = trk_held_output_at(cl, 0);
	CHECK(!trk_held_output_free(cl, h));
	cl->rcv_nxt = 99;
	CHECK(!trk_held_output_free(cl, h));
	cl->rcv_nxt = 101;
	CHECK(trk_held_output_free(cl, h));
	cl->rcv_nxt = 100;
	CHECK(!trk_held_output_free(cl, h));
	cl->fin_off = 101;
	CHECK(!trk_held_output_free(cl, h));
	cl->fin_off = 100;
	CHECK(trk_held_output_free(cl, h));
	cl->fin_off = U64_MAX;
	hold(100, 200, 0);
	CHECK(trk_held_output_free(cl, h));
	lone_begin(&lone);
	hold(0, 100, TRK_UCONT_FINAL);
	CHECK_EQ(cl->fin_off, 100);
	CHECK(!trk_held_output_free(cl, trk_held_output_at(cl, 0)));
	cl->rcv_nxt = 100;
	CHECK_EQ(trk_held_output_places(cl), 8);
}

/* Of eight places two are for the bytes needed next, and for those that follow. */
static void output__places_are_kept(void)
{
	u64 i;

	lone_begin(&lone);
	cl->rcv_nxt = 10;
	for (i = 1; i <= 6; i++) {
		CHECK(trk_held_output_room(cl, 1000 * i, 1000 * i + 100));
		hold(1000 * i, 1000 * i + 100, 0);
	}
	CHECK_EQ(trk_held_output_places(cl), 2);
	CHECK(!trk_held_output_room(cl, 9000, 9100));
	CHECK(!trk_held_output_room(cl, 11, 100));
	CHECK(trk_held_output_room(cl, 10, 100));
	CHECK(trk_held_output_room(cl, 0, 11));
	hold(0, 100, 0);
	CHECK_EQ(trk_held_output_places(cl), 1);
	CHECK(!trk_held_output_room(cl, 9000, 9100));
	CHECK(!trk_held_output_room(cl, 101, 200));
	CHECK(trk_held_output_room(cl, 100, 200));
	CHECK(trk_held_output_room(cl, 100, U64_MAX));
	hold(100, 200, 0);
	CHECK_EQ(trk_held_output_places(cl), 0);
	CHECK(!trk_held_output_room(cl, 100, 200));
	/* What begins as one that is held stands in its place. */
	CHECK_EQ(trk_held_output_place(cl, &(struct trk_ucont){ .start = 3000 })->u.end, 3100);
	CHECK(!trk_held_output_place(cl, &(struct trk_ucont){ .start = 3001, .end = 3010 }));
}

/* One that is read to its end, and whose successor is not there, is the one in use. */
static void output__places_at_the_end_of_one(void)
{
	u64 i;

	lone_begin(&lone);
	hold(0, 100, 0);
	for (i = 1; i <= 5; i++)
		hold(1000 * i, 1000 * i + 100, 0);
	CHECK_EQ(trk_held_output_places(cl), 2);
	cl->rcv_nxt = 100;
	CHECK(trk_held_output_room(cl, 9000, 9100));
	hold(6000, 6100, 0);
	CHECK(!trk_held_output_room(cl, 9000, 9100));
	CHECK(trk_held_output_room(cl, 100, 200));
}

/* Protocol.rst: the first output continuation for an offset stands, later ones are ignored. */
static void output__the_first_stands(void)
{
	lone_begin(&lone);
	hold(0, 100, 0);
	hold(0, 200, 0);
	CHECK_EQ(trk_held_output_at(cl, 0)->u.end, 100);
	hold(0, 100, TRK_UCONT_FINAL);
	CHECK_EQ(trk_held_output_at(cl, 0)->u.flags, 0);
	CHECK_EQ(cl->fin_off, U64_MAX);
	CHECK_EQ(trk_held_output_places(cl), 7);
	CHECK_EQ(cl->stat.resealed, 0);
}

/* Equal but for key and seal: it is what is held, under another key. */
static void output__sealed_anew(void)
{
	lone_begin(&lone);
	hold(0, 100, 0);
	cl->held.reseals = 3;
	cl->held.reseal_us = 1;
	hold_by(2, 0, 200, 0);
	hold_by(2, 0, 100, TRK_UCONT_FINAL);
	CHECK_EQ(trk_held_output_at(cl, 0)->u.key_id, 1);
	hold_by(2, 0, 100, 0);
	CHECK_EQ(trk_held_output_at(cl, 0)->u.key_id, 2);
	CHECK_EQ(trk_held_output_at(cl, 0)->blob[TRK_UCONT_KEY], 2);
	CHECK(!memcmp(trk_held_output_at(cl, 0)->blob, lone.output, TRK_UCONT_HDR + 10));
	CHECK_EQ(cl->stat.resealed, 1);
	CHECK_EQ(cl->held.reseals, 0);
	CHECK_EQ(cl->held.reseal_us, 0);
	CHECK_EQ(trk_held_output_places(cl), 7);
}

/* Each byte of it counts, but for those of key and seal. */
static void output__sealed_anew_to_the_byte(void)
{
	struct trk_resp r = { 0 };
	struct trk_ucont u;
	unsigned int i;

	lone_begin(&lone);
	for (i = 0; i < TRK_UCONT_HDR + 10; i++) {
		/* Start, end and length cannot be another continuation's in the same place. */
		if (i < 16 || i == 18 || i == 19)
			continue;
		memset(&cl->held, 0, sizeof(cl->held));
		hold_by(1, 1, 100, 0);
		lone.key.c.key_id = 2;
		lone_put_output(&lone, &r, 1, 100, 0);
		lone.key.c.key_id = 1;
		lone.output[i] ^= 4;
		trk_wire_ucont_parse(&u, r.output);
		trk_held_store_output(cl, &r, &u);
		CHECK_EQ(trk_held_output_at(cl, 1)->u.key_id,
			 i == TRK_UCONT_KEY ? 2 ^ 4 : i < TRK_UCONT_HDR + 10 - TRK_MAC_LEN ? 1 : 2);
	}
}

/* One that was thought lost has come. */
static void output__looked_for_no_longer(void)
{
	lone_begin(&lone);
	cl->rx.next_lost = 100;
	hold(0, 100, 0);
	CHECK_EQ(cl->rx.next_lost, 100);
	hold(100, 200, 0);
	CHECK_EQ(cl->rx.next_lost, 0);
}

static void input_by(u8 key_id, u64 start, u64 end)
{
	struct trk_resp r = { 0 };

	lone.key.c.key_id = key_id;
	lone_put_input(&lone, &r, start, end, 0);
	lone.key.c.key_id = 1;
	trk_held_store_input(cl, &r);
}

/* A late packet brings no older one back. */
static void input__the_newest_stands(void)
{
	lone_begin(&lone);
	input_by(1, 100, 200);
	input_by(1, 99, 300);
	CHECK_EQ(cl->held.input.u.end, 200);
	input_by(1, 100, 300);
	CHECK_EQ(cl->held.input.u.end, 300);
	CHECK_EQ(cl->stat.resealed, 0);
	input_by(2, 100, 300);
	CHECK_EQ(cl->stat.resealed, 1);
	CHECK_EQ(cl->held.input.u.key_id, 2);
	input_by(2, 100, 300);
	CHECK_EQ(cl->stat.resealed, 1);
	input_by(2, 101, 301);
	CHECK_EQ(cl->held.input.u.start, 101);
}

/* It would not fit a request, or cannot be read. */
static void input__refused(void)
{
	static u8 blob[TRK_SEALED_UCONT_MAX];
	struct trk_ucont u = { .end = 9, .len = TRK_UCONT_MAX, .opaque = blob };
	struct trk_resp r = { 0 };

	lone_begin(&lone);
	r.input.len = trk_seal_ucont(&lone.key.c, &lone.peer, 7, TRK_EXT_INPUT, &u, lone.input);
	r.input.p = lone.input;
	trk_held_store_input(cl, &r);
	CHECK(cl->held.input.len);
	lone_begin(&lone);
	trk_seal_ucont(&lone.key.c, &lone.peer, 7, TRK_EXT_INPUT, &u, lone.input);
	cl->seg_size = 512;
	trk_held_store_input(cl, &r);
	CHECK(!cl->held.input.len);
	cl->seg_size = LONE_SEG_SIZE;
	r.input.len--;
	trk_held_store_input(cl, &r);
	CHECK(!cl->held.input.len);
}

static const struct tap_case cases[] = {
	TAP_CASE(renew__only_for_what_was_reported),
	TAP_CASE(renew__only_of_this_connection),
	TAP_CASE(renew__does_not_go_back),
	TAP_CASE(confirm__drops_old_claims),
	TAP_CASE(confirm__another_key_is_asked_at_once),
	TAP_CASE(renew__counts_keys_from_the_birth),
	TAP_CASE(renew__meets_more_keys_than_it_notes),
	TAP_CASE(renew__few_at_a_time),
	TAP_CASE(output__found_by_its_bytes),
	TAP_CASE(output__done_with),
	TAP_CASE(output__places_are_kept),
	TAP_CASE(output__places_at_the_end_of_one),
	TAP_CASE(input__refused),
	TAP_CASE(output__the_first_stands),
	TAP_CASE(output__sealed_anew),
	TAP_CASE(output__sealed_anew_to_the_byte),
	TAP_CASE(output__looked_for_no_longer),
	TAP_CASE(input__the_newest_stands),
};

TAP_MAIN(cases)
