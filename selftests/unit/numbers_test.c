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

static int check(u64 x, u16 span, u32 token, bool *late)
{
	struct trk_resp r = { .span = span, .token = token };

	return trk_numbers_check(cl, &r, x, late);
}

static void check__only_what_is_expected(void)
{
	bool late;
	u32 token;

	lone_open(&lone);
	token = trk_client_entry(cl, 2)->token;
	CHECK_EQ(check(2, 1, token, &late), TRK_OK);
	CHECK(!late);
	CHECK_EQ(check(10, 1, token, &late), TRK_OK);
	CHECK_EQ(check(2, 9, token, &late), TRK_OK);
	CHECK_EQ(check(0, 1, token, &late), TRK_DROP_NUMBER);
	CHECK_EQ(check(1, 1, token, &late), TRK_DROP_NUMBER);
	CHECK_EQ(check(11, 1, token, &late), TRK_DROP_NUMBER);
	CHECK_EQ(check(2, 10, token, &late), TRK_DROP_NUMBER);
	CHECK_EQ(check(2, 1, token + 1, &late), TRK_DROP_TOKEN);
	CHECK_EQ(check(2, 1, 0, &late), TRK_DROP_TOKEN);
	/* The request that repeated its own is as good. */
	trk_client_entry(cl, 3)->again = 77;
	CHECK_EQ(check(3, 1, 77, &late), TRK_OK);
	CHECK_EQ(check(3, 1, token, &late), TRK_OK);
	CHECK_EQ(check(2, 2, 77, &late), TRK_DROP_TOKEN);
	trk_client_entry(cl, 5)->state = TRK_ENTRY_LOST;
	CHECK_EQ(check(4, 2, token, &late), TRK_OK);
	CHECK(late);
	CHECK_EQ(check(6, 2, token, &late), TRK_OK);
	CHECK(!late);
}

/* Its place in the ring is another one's. */
static void check__not_older_than_the_ring(void)
{
	bool late;

	lone_open(&lone);
	trk_client_entry(cl, 2)->state = TRK_ENTRY_LOST;
	cl->num.hi = LONE_RING + 1;
	CHECK_EQ(check(2, 1, trk_client_entry(cl, 2)->token, &late), TRK_OK);
	cl->num.hi++;
	CHECK_EQ(check(2, 1, trk_client_entry(cl, 2)->token, &late), TRK_DROP_NUMBER);
}

/* Protocol.rst: a number is lost when three packets above it have arrived, */
static void lost__three_above(void)
{
	lone_open(&lone);
	lone_arrives(&lone, 3);
	lone_arrives(&lone, 4);
	CHECK_EQ(cl->stat.lost, 0);
	CHECK_EQ(cl->num.above, 2);
	lone_arrives(&lone, 5);
	CHECK_EQ(cl->stat.lost, 1);
	CHECK_EQ(cl->num.above, 0);
	CHECK_EQ(cl->num.expected, 5);
	CHECK_EQ(cl->num.edge, 6);
	CHECK_EQ(cl->num.reportable, 5);
	/* Its bytes are asked for again; if it comes after all, it was late by three. */
	CHECK_EQ(cl->rx.holes.n, 1);
	CHECK_EQ(lone_arrives(&lone, 2), TRK_OK);
	CHECK_EQ(cl->num.dupthresh, 6);
	CHECK_EQ(cl->rx.holes.n, 0);
	CHECK_EQ(cl->stat.late, 1);
	CHECK_EQ(cl->num.expected, 5);
	lone_arrives(&lone, 7);
	lone_arrives(&lone, 8);
	lone_arrives(&lone, 9);
	CHECK_EQ(cl->stat.lost, 1);
}

/* or fewer, if fewer are outstanding. */
static void lost__fewer_at_the_end(void)
{
	u64 x;

	lone_open(&lone);
	for (x = 2; x <= 7; x++)
		lone_arrives(&lone, x);
	lone_arrives(&lone, 9);
	CHECK_EQ(cl->stat.lost, 0);
	lone_arrives(&lone, 10);
	CHECK_EQ(cl->stat.lost, 1);
	lone_open(&lone);
	for (x = 2; x <= 8; x++)
		lone_arrives(&lone, x);
	lone_arrives(&lone, 10);
	CHECK_EQ(cl->stat.lost, 1);
	/* Of four outstanding it takes three. */
	lone_open(&lone);
	for (x = 2; x <= 6; x++)
		lone_arrives(&lone, x);
	lone_arrives(&lone, 8);
	lone_arrives(&lone, 9);
	CHECK_EQ(cl->stat.lost, 0);
	lone_arrives(&lone, 10);
	CHECK_EQ(cl->stat.lost, 1);
}

/* What the answer to input would have brought is not known: the input goes again. */
static void lose__input(void)
{
	struct trk_entry *s;
	u64 x;

	lone_open(&lone);
	cl->snd_end = 1000;
	cl->tx.nxt = 1000;
	cl->tx.expected = 3;
	cl->tx.fin_sent = true;
	for (x = 2; x <= 4; x++) {
		s = trk_client_entry(cl, x);
		s->what = TRK_WHAT_INPUT;
		s->off = 100 * x;
		s->len = 50;
		s->fin = x == 3;
	}
	trk_numbers_lose(cl, 2);
	CHECK_EQ(cl->tx.expected, 2);
	CHECK(cl->tx.lost.n == 1 && cl->tx.lost.r[0].a == 200 && cl->tx.lost.r[0].b == 250);
	CHECK(cl->tx.fin_sent);
	trk_numbers_lose(cl, 3);
	CHECK(!cl->tx.fin_sent);
	/* One request at a time: again when none of its answer can come any more. */
	cl->tx.token = trk_client_entry(cl, 4)->token;
	cl->tx.left = 2;
	trk_numbers_lose(cl, 4);
	CHECK_EQ(cl->tx.left, 1);
	CHECK(!cl->tx.again);
	trk_numbers_lose(cl, 4);
	CHECK(cl->tx.again);
	CHECK_EQ(cl->tx.lost.n, 2);
}

/* The first packet of an answer may have brought the next continuation. */
static void lose__output(void)
{
	struct trk_entry *s;

	lone_open(&lone);
	s = trk_client_entry(cl, 2);
	s->first = 2;
	cl->rx.asked_before = s->off + s->len;
	trk_numbers_lose(cl, 3);
	CHECK_EQ(cl->rx.next_lost, 0);
	CHECK(cl->rx.asked_before);
	CHECK(cl->rx.holes.n == 1 && cl->rx.holes.r[0].a == 2 * LONE_PIECE &&
	      cl->rx.holes.r[0].b == 3 * LONE_PIECE);
	trk_numbers_lose(cl, 2);
	CHECK_EQ(cl->rx.next_lost, LONE_OUTPUT);
	CHECK_EQ(cl->rx.asked_before, 0);
}

/* A packet that stands for several numbers is one packet, and reported with all of them. */
static void span__is_one_packet(void)
{
	struct trk_resp r;

	lone_open(&lone);
	r = lone_resp(&lone, 3);
	r.span = 3;
	r.flags = TRK_RESP_NOGROWTH;
	lone_put_data(&r, 2 * LONE_PIECE, LONE_PIECE);
	CHECK_EQ(lone_take(&lone, 3, &r), TRK_OK);
	CHECK_EQ(cl->num.above, 1);
	CHECK_EQ(cl->num.top, 5);
	CHECK_EQ(cl->num.expected, 6);
	CHECK(trk_client_entry(cl, 3)->nonce == r.nonce && !trk_client_entry(cl, 4)->nonce);
	/* What the others were to bring is still to be asked for. */
	CHECK(cl->rx.holes.n == 1 && cl->rx.holes.r[0].a == 3 * LONE_PIECE &&
	      cl->rx.holes.r[0].b == 5 * LONE_PIECE);
	CHECK_EQ(cl->stat.lost, 0);
	lone_arrives(&lone, 6);
	CHECK_EQ(cl->stat.lost, 0);
	lone_arrives(&lone, 7);
	CHECK_EQ(cl->stat.lost, 1);
	CHECK_EQ(cl->num.reportable, 7);
	CHECK_EQ(cl->num.nclaims, 2);
	CHECK(cl->num.claims[0].a == 2 && cl->num.claims[0].b == 2 &&
	      cl->num.claims[0].kind == TRK_CLAIM_LOST);
	CHECK(cl->num.claims[1].a == 3 && cl->num.claims[1].b == 5 &&
	      cl->num.claims[1].kind == TRK_CLAIM_NOGROWTH);
}

/* Eight claims, of which those from @nrep on are not reported; 25 is lost, and 24 and 18 came. */
static void eight_claims(u64 nrep)
{
	u64 x;

	lone_open(&lone);
	for (x = 2; x <= 30; x++)
		trk_client_entry(cl, x)->state = x <= 10 || x == 18 || x == 24 ?
						 TRK_ENTRY_RECEIVED : TRK_ENTRY_LOST;
	for (x = 0; x < 8; x++)
		cl->num.claims[x] = (struct trk_claim){ 2 * x + 1, 2 * x + 1, TRK_CLAIM_LOST };
	cl->num.claims[6] = (struct trk_claim){ 19, 22, TRK_CLAIM_LOST };
	cl->num.claims[7] = (struct trk_claim){ 23, 23, TRK_CLAIM_NOGROWTH };
	trk_client_entry(cl, 23)->state = TRK_ENTRY_RECEIVED;
	cl->num.nclaims = 8;
	cl->num.nrep = nrep;
	cl->num.reportable = 24;
	cl->num.edge = 25;
	cl->num.top = 25;
	cl->num.hi = 30;
	trk_numbers_declare(cl, false);
}

/* Protocol.rst: what arrived between a further gap and the last claim is reported lost. */
static void claims__joined_with_the_last(void)
{
	CHECKED(eight_claims(15));
	CHECK_EQ(cl->num.edge, 26);
	CHECK_EQ(cl->stat.merged, 1);
	/* It reaches to the gap before, with which it is one; a report ends below it. */
	CHECK_EQ(cl->num.nclaims, 7);
	CHECK(cl->num.claims[6].a == 19 && cl->num.claims[6].b == 25 &&
	      cl->num.claims[6].kind == TRK_CLAIM_LOST);
	CHECK_EQ(trk_client_entry(cl, 23)->state, TRK_ENTRY_LOST);
	CHECK_EQ(trk_client_entry(cl, 24)->state, TRK_ENTRY_LOST);
	CHECK_EQ(cl->num.reportable, 18);
}

/* The nonce of a shared packet is with its first number: what is behind it is called lost, too. */
static void claims__a_shared_packet_whole(void)
{
	u64 x;

	lone_open(&lone);
	for (x = 2; x <= 30; x++) {
		trk_client_entry(cl, x)->state = x == 24 ? TRK_ENTRY_LOST : TRK_ENTRY_RECEIVED;
		trk_client_entry(cl, x)->joined = x == 25;
	}
	cl->num.claims[0] = (struct trk_claim){ 24, 24, TRK_CLAIM_LOST };
	cl->num.nclaims = 1;
	cl->num.nrep = 20;
	cl->num.reportable = 23;
	cl->num.edge = 25;
	cl->num.top = 26;
	cl->num.above = 1;
	cl->num.hi = 30;
	trk_numbers_declare(cl, false);
	CHECK_EQ(trk_client_entry(cl, 25)->state, TRK_ENTRY_LOST);
	CHECK_EQ(cl->num.nclaims, 1);
	CHECK_EQ(cl->num.claims[0].b, 25);
	CHECK_EQ(cl->num.reportable, 26);
	CHECK_EQ(cl->num.above, 0);
}

/* If the last one is reported already, the gap is a claim of its own. */
static void claims__reported_ones_do_not_change(void)
{
	CHECKED(eight_claims(24));
	CHECK_EQ(cl->stat.merged, 0);
	CHECK_EQ(cl->num.nclaims, 9);
	CHECK(cl->num.claims[7].kind == TRK_CLAIM_NOGROWTH && cl->num.claims[7].b == 23);
	CHECK(cl->num.claims[8].kind == TRK_CLAIM_LOST && cl->num.claims[8].a == 25 &&
	      cl->num.claims[8].b == 25);
	CHECK_EQ(cl->num.reportable, 24);
}

/* The list is full, and 40 has come without growth: it may be called lost if nothing else helps. */
static void full_list(u64 nrep, u64 reportable)
{
	unsigned int i;
	u64 x;

	lone_open(&lone);
	for (x = 2; x <= 40; x++)
		trk_client_entry(cl, x)->state = TRK_ENTRY_RECEIVED;
	trk_client_entry(cl, 40)->nogrowth = true;
	for (i = 0; i < 15; i++)
		cl->num.claims[i] = (struct trk_claim){ 2 * i + 2, 2 * i + 2, TRK_CLAIM_NOGROWTH };
	cl->num.claims[15] = (struct trk_claim){ 37, 37, TRK_CLAIM_LOST };
	cl->num.nclaims = 16;
	cl->num.nrep = nrep;
	cl->num.reportable = reportable;
	cl->num.edge = 40;
	cl->num.top = 40;
	cl->num.hi = 50;
	cl->num.above = 1;
	trk_numbers_declare(cl, false);
}

static void claims__what_arrived_is_not_called_lost(void)
{
	CHECKED(full_list(36, 39));
	CHECK_EQ(cl->num.edge, 40);
	CHECK_EQ(cl->stat.held, 1);
	CHECK_EQ(cl->stat.merged, 0);
	CHECK_EQ(trk_client_entry(cl, 38)->state, TRK_ENTRY_RECEIVED);
	/* If there is nothing to report, and so nothing that brings a new continuation. */
	CHECKED(full_list(36, 36));
	CHECK_EQ(cl->num.edge, 41);
	CHECK_EQ(cl->stat.merged, 1);
	CHECK(cl->num.claims[15].a == 37 && cl->num.claims[15].b == 40);
	CHECK_EQ(trk_client_entry(cl, 40)->state, TRK_ENTRY_LOST);
	/* What was reported stays. */
	CHECKED(full_list(39, 39));
	CHECK_EQ(cl->num.edge, 40);
	CHECK_EQ(cl->num.claims[15].b, 37);
}

static const struct tap_case cases[] = {
	TAP_CASE(check__only_what_is_expected),
	TAP_CASE(check__not_older_than_the_ring),
	TAP_CASE(lost__three_above),
	TAP_CASE(lost__fewer_at_the_end),
	TAP_CASE(lose__input),
	TAP_CASE(lose__output),
	TAP_CASE(span__is_one_packet),
	TAP_CASE(claims__joined_with_the_last),
	TAP_CASE(claims__a_shared_packet_whole),
	TAP_CASE(claims__reported_ones_do_not_change),
	TAP_CASE(claims__what_arrived_is_not_called_lost),
	TAP_CASE(late__threshold_is_twice_the_distance),
};

TAP_MAIN(cases)
