// SPDX-License-Identifier: GPL-2.0
/*
 * The answers are the same packets, byte by byte, whether one request reports one number or many,
 * whichever replica answers, and whichever continuation of the domain a request has.  A server
 * that remembers what it has answered issues each number once, in whatever order requests come.
 */
#include <stdlib.h>

#include "trickles-user/cipher.h"
#include "core/answer.h"
#include "core/nonce.h"
#include "core/reason.h"
#include "core/server.h"
#include "sim/toyapp.h"
#include "sim/toykeys.h"
#include "sim/rng.h"
#include "tap.h"

#define NOW		1700000000000ULL
#define HORIZON		60000
#define SKEW		500
#define SEG_SIZE		600
#define PIECE		(SEG_SIZE - TRK_RESP_FIXED)
#define MAX_N		120
#define MAX_PACKETS	2048

enum fate { GREW, SHORT, LOST };

static struct trku_cipher key;
static struct trku_replay *remembered;	/* NULL: the server remembers nothing */
static bool renew;			/* requests have RENEW, for which they ask for less data */
static const struct trk_peer peer = { .addr = { [15] = 9 }, .port = 40001, .service = 80 };

struct history {
	struct trk_cont start;
	u8 fate[MAX_N + 1];	/* fate[i] is of number start.base + i */
	unsigned int n;		/* the last of them, which was received */
	u64 issued[MAX_N + 1];	/* issued[i]: how many numbers the requests 1 to i issue */
};

struct sent {
	unsigned int n;
	struct {
		struct trk_packet p;
		struct trk_resp r;
		u8 hdr[TRK_RESP_HDR_MAX];
	} packet[MAX_PACKETS];
};

static const struct trk_cipher *get_cipher(void *arg, u8 key_id)
{
	return &key.c;
}

static int record(void *arg, const struct trk_peer *from, struct trk_record *m)
{
	return toy_record(remembered, from, m, NOW);
}

static void random_env(struct rng *r, struct trk_server_env *env)
{
	*env = (struct trk_server_env){ .cipher = get_cipher,
					.current_key = &key.c,
					.record = remembered ? record : NULL,
					.horizon_ms = HORIZON,
					.skew_ms = SKEW,
					.max_seg_size = rng_in(r, TRK_MIN_SEG_SIZE,
							       TRK_MAX_SEG_SIZE),
					.now_ms = NOW + rng_below(r, 2 * SKEW) - SKEW };
}

static void claims_between(const struct history *h, u64 base, u64 n, struct trk_claims *c)
{
	u64 x;

	memset(c, 0, sizeof(*c));
	c->n = n;
	for (x = base + 1; x <= n; x++) {
		u8 fate = h->fate[x - h->start.base],
		   kind = fate == LOST ? TRK_CLAIM_LOST : TRK_CLAIM_NOGROWTH;

		if (fate == GREW)
			continue;
		if (c->count && c->c[c->count - 1].b == x - 1 && c->c[c->count - 1].kind == kind)
			c->c[c->count - 1].b = x;
		else
			c->c[c->count++] = (struct trk_claim){ x, x, kind };
	}
}

/* A request that reports numbers m to n, counted from the start, with continuation @cont. */
static int request(const struct history *h, struct rng *r, const struct trk_cont *cont,
		   unsigned int m, unsigned int n, u64 ask_off, u64 ask_len, struct trk_grant *g)
{
	static u8 ucont[TRK_SEALED_UCONT_MAX];
	struct trk_ucont u = { .end = 1ULL << 40 };
	struct trk_req q = { .kind = TRK_KIND_RANGE, .flags = TRK_REQ_GROW, .token = 99 };
	struct trk_server_env env;
	struct trk_claims claims;
	u8 blob[TRK_CONT_LEN];
	unsigned int i;

	trk_seal_cont(&key.c, &peer, cont, blob);
	claims_between(h, cont->base, h->start.base + n, &claims);
	q.cont = (struct trk_blob){ blob, TRK_CONT_LEN };
	q.m = (u32)(h->start.base + m);
	q.n = (u32)(h->start.base + n);
	q.proof = trk_nonce_proof(&key.c, cont->conn, cont->domain, cont->base, &claims);
	q.nclaims = claims.count;
	if (renew)
		q.flags |= TRK_REQ_RENEW;
	for (i = 0; i < claims.count; i++) {
		q.claim[i].a = (u32)claims.c[i].a;
		q.claim[i].len = (u32)(claims.c[i].b - claims.c[i].a + 1);
		q.claim[i].kind = claims.c[i].kind;
	}
	if (ask_len) {
		q.output = (struct trk_blob){ ucont, trk_seal_ucont(&key.c, &peer, cont->conn,
								    TRK_EXT_OUTPUT, &u, ucont) };
		q.nask = 1;
		q.ask[0] = (struct trk_bytes){ ask_off, (u32)ask_len };
	}
	random_env(r, &env);
	return trk_server_step(&env, &peer, &q, 5000, 6000, 400, g);
}

/* Adds to issued[i] what request @i issues, by a walk of one number at a time. */
static void history_issue(struct history *h, unsigned int i)
{
	struct trk_claims c;
	struct trk_step s;
	struct trk_walk w;

	claims_between(h, h->start.base, h->start.base + i, &c);
	trk_law_walk_init(&w, &h->start.law, h->start.base, &c, 0, true);
	while (trk_law_walk_next(&w, &s))
		if (s.a == h->start.base + i && s.first <= s.last)
			h->issued[i] += s.last - s.first + 1;
}

/* Draws what has become of the packets that were issued, with at most @max_claims claims. */
static void history_make(struct history *h, struct rng *r, unsigned int max_claims)
{
	u32 loss = RNG_PICK(r, 0, 20000, 150000), less = RNG_PICK(r, 0, 50000);
	unsigned int i, want = rng_in(r, 1, MAX_N), claims = 0;
	u64 top;

	memset(h, 0, sizeof(*h));
	h->start = (struct trk_cont){ .conn = rng_u64(r),
				      .domain = (u64)trk_seal_order_at(NOW) << 32 |
						rng_u64(r) >> 32,
				      .time_ms = NOW,
				      .seg_size = SEG_SIZE,
				      .base = rng_u64(r) >> rng_in(r, 16, 63),
				      .key_id = key.c.key_id,
				      .domain_key = key.c.key_id,
				      .iw = TRK_INITIAL_WINDOW };
	trk_law_init(&h->start.law, h->start.base, rng_in(r, 2, 12),
		     RNG_PICK(r, 2, 15, TRK_SSTHRESH_INF), 0);
	top = h->start.law.start_cwnd;
	for (i = 1; i <= want && i <= top; i++) {
		u8 fate = rng_ppm(r, loss) ? LOST : rng_ppm(r, less) ? SHORT : GREW;

		if (fate != GREW && h->fate[i - 1] != fate && ++claims > max_claims)
			fate = GREW;
		if (fate == LOST && (i == top || i == want))
			fate = GREW;
		h->fate[i] = fate;
		h->issued[i] = h->issued[i - 1];
		if (fate == LOST)
			continue;
		h->n = i;
		history_issue(h, i);
		top = h->start.law.start_cwnd + h->issued[i];
	}
}

/* The first number from a to b that arrived, 0 for none. */
static unsigned int arrived_in(const struct history *h, unsigned int a, unsigned int b)
{
	for (; a <= b && a <= h->n; a++)
		if (h->fate[a] != LOST)
			return a;
	return 0;
}

/* The highest number that requests up to @i have issued. */
static unsigned int issued_by(const struct history *h, unsigned int i)
{
	return (unsigned int)(h->start.law.start_cwnd + h->issued[i]);
}

/* Draws the last number of a request from @m on: one that arrived, not above @most if possible. */
static unsigned int any_end(const struct history *h, struct rng *r, unsigned int m,
			    unsigned int most)
{
	unsigned int n;

	most = min_t(unsigned int, min_t(unsigned int, most, h->n), m + 40);
	do
		n = rng_in(r, m, max_t(unsigned int, most, arrived_in(h, m, h->n)));
	while (h->fate[n] == LOST);
	return n;
}

/* Answers a request from m to n as an application with endless data does; keeps the packets. */
static void answer(const struct history *h, struct rng *r, const struct trk_cont *cont,
		   unsigned int m, unsigned int n, struct sent *out, struct trk_cont *minted)
{
	u64 before = h->issued[m - 1] * PIECE, numbers = h->issued[n] - h->issued[m - 1];
	u32 displaced = numbers && renew ? TRK_CONT_LEN : 0;
	struct trk_answer a = { .peer = &peer,
				.seal = &key.c,
				.nonce = &key.c,
				.len = numbers * PIECE - displaced };
	struct trk_grant g;

	CHECK_EQ(request(h, r, cont, m, n, before, a.len, &g), TRK_OK);
	CHECK_EQ(g.count, numbers);
	if (g.mint != TRK_MINT_NONE)
		*minted = g.cont;
	if (!g.count)
		return;
	CHECK_EQ(g.first, h->start.base + h->start.law.start_cwnd + h->issued[m - 1] + 1);
	a.g = &g;
	CHECK_EQ(trk_answer_begin(&a), 0);
	while (trk_answer_next(&a, out->packet[out->n].hdr, &out->packet[out->n].p)) {
		struct trk_packet *p = &out->packet[out->n].p;

		CHECK_EQ(trk_wire_resp_parse(&out->packet[out->n].r, out->packet[out->n].hdr,
					     p->hdr_len,
					     p->hdr_len + p->data_len), TRK_OK);
		/* All packets are full.  Data is counted as if nothing had been displaced. */
		CHECK_EQ(p->hdr_len + p->data_len, SEG_SIZE);
		p->data_at += before + (p->data_at ? displaced : 0);
		out->n++;
		CHECK(out->n < MAX_PACKETS);
	}
}

static void same_packets(const struct sent *a, const struct sent *b)
{
	unsigned int i;

	CHECK_EQ(a->n, b->n);
	for (i = 0; i < a->n; i++) {
		CHECK_EQ(a->packet[i].p.seq, b->packet[i].p.seq);
		CHECK_EQ(a->packet[i].p.hdr_len, b->packet[i].p.hdr_len);
		CHECK_EQ(a->packet[i].p.data_at, b->packet[i].p.data_at);
		CHECK_EQ(a->packet[i].p.data_len, b->packet[i].p.data_len);
		CHECK(!memcmp(a->packet[i].hdr, b->packet[i].hdr, a->packet[i].p.hdr_len));
	}
}

static void all_singles(const struct history *h, struct rng *r, struct sent *out)
{
	struct trk_cont minted;
	unsigned int i, m = 1;

	out->n = 0;
	for (i = 1; i <= h->n; i++) {
		if (h->fate[i] == LOST)
			continue;
		CHECKED(answer(h, r, &h->start, m, i, out, &minted));
		m = i + 1;
	}
}

static struct sent singles, trains;

static void ranges__as_single_requests(void)
{
	struct rng r = { 1 };
	struct trk_cont minted;
	struct history h;
	unsigned int i, m, n;

	for (i = 0; i < 4000; i++) {
		history_make(&h, &r, TRK_MAX_CLAIMS);
		CHECKED(all_singles(&h, &r, &singles));
		trains.n = 0;
		for (m = 1; m <= h.n; m = n + 1) {
			n = any_end(&h, &r, m, issued_by(&h, m - 1));
			CHECKED(answer(&h, &r, &h.start, m, n, &trains, &minted));
		}
		CHECKED(same_packets(&singles, &trains));
		CHECK_EQ(singles.n, h.issued[h.n]);
	}
}

/* Headers differ where a continuation is renewed, but numbers and nonces do not. */
static void ranges__same_numbers_under_any_continuation(void)
{
	struct trk_cont held[8], minted;
	struct rng r = { 2 };
	struct history h;
	unsigned int i, k, m, n, nheld;

	for (i = 0; i < 3000; i++) {
		history_make(&h, &r, TRK_MAX_CLAIMS);
		CHECKED(all_singles(&h, &r, &singles));
		trains.n = 0;
		held[0] = h.start;
		nheld = 1;
		for (m = 1; m <= h.n; m = n + 1) {
			const struct trk_cont *c = &held[rng_below(&r, nheld)];

			n = any_end(&h, &r, m, issued_by(&h, m - 1));
			memset(&minted, 0, sizeof(minted));
			renew = rng_below(&r, 3) == 0;
			CHECKED(answer(&h, &r, c, m, n, &trains, &minted));
			CHECK(minted.conn || !renew);
			renew = false;
			if (minted.conn && nheld < ARRAY_SIZE(held))
				held[nheld++] = minted;
		}
		CHECK_EQ(singles.n, trains.n);
		for (k = 0; k < singles.n; k++) {
			CHECK_EQ(singles.packet[k].p.seq, trains.packet[k].p.seq);
			CHECK_EQ(singles.packet[k].r.num, trains.packet[k].r.num);
			CHECK_EQ(singles.packet[k].p.data_at, trains.packet[k].p.data_at);
			if ((singles.packet[k].r.flags ^ trains.packet[k].r.flags) &
			    TRK_RESP_NOGROWTH)
				continue;
			CHECK(singles.packet[k].r.nonce == trains.packet[k].r.nonce);
		}
	}
}

/* Notes that numbers a to b are issued; returns true if none of them was issued before. */
static bool issue(bool *issued, u64 a, u64 b)
{
	bool once = true;

	for (; a <= b; a++) {
		once &= !issued[a];
		issued[a] = true;
	}
	return once;
}

/*
 * Of what a request reports, the first run that was not answered yet is granted, with the bytes
 * that belong to these numbers and no others (protocol.rst, "Answered once").
 */
static void ranges__issued_once(void)
{
	bool issued[MAX_PACKETS];
	struct trku_replay filter;
	struct rng r = { 3 };
	struct trk_grant g;
	struct history h;
	unsigned int i, k, m, n;
	u64 before, numbers, start, ends;
	u32 displaced;
	int err;

	for (i = 0; i < 3000; i++) {
		history_make(&h, &r, TRK_MAX_CLAIMS);
		start = h.start.base + h.start.law.start_cwnd;
		filter = (struct trku_replay){ 0 };
		memset(issued, 0, sizeof(issued));
		remembered = &filter;
		numbers = 0;
		for (k = 0; k < 3 * h.n + 1; k++) {
			/* The first one, then some at random, then one after the other. */
			m = !k ? 1 : k < 2 * h.n ? rng_in(&r, 1, h.n) : k - 2 * h.n;
			if (!m || (m > 1 && h.fate[m - 1] == LOST))
				continue;
			n = k < 2 * h.n ? any_end(&h, &r, m, issued_by(&h, m - 1)) :
					  arrived_in(&h, m, h.n);
			before = h.issued[m - 1] * PIECE;
			renew = h.issued[n] > h.issued[m - 1] && rng_below(&r, 3) == 0;
			displaced = renew ? TRK_CONT_LEN : 0;
			ends = h.issued[n] * PIECE - displaced;
			err = request(&h, &r, &h.start, m, n, before,
				      ends - before, &g);
			renew = false;
			if (err) {
				CHECK(h.issued[n] > h.issued[m - 1]);
				continue;
			}
			if (!g.count)
				continue;
			CHECK(g.first > start + h.issued[m - 1]);
			CHECK(g.first + g.count - 1 <= start + h.issued[n]);
			/* If the first packet was answered before, nothing is displaced. */
			if (g.first == start + h.issued[m - 1] + 1)
				displaced = 0;
			CHECK_EQ(g.ask[0].off, (g.first - start - 1) * PIECE - displaced);
			CHECK_EQ(g.ask[0].off + g.ask[0].len, ends);
			CHECK(issue(issued, g.first - start, g.first - start + g.count - 1));
			numbers += g.count;
		}
		CHECK_EQ(numbers, h.issued[h.n]);
		trku_replay_free(&filter);
	}
	remembered = NULL;
}

/* A client that reports the range of the request before once more loses no number. */
static void ranges__repeated_lose_nothing(void)
{
	struct trku_replay filter;
	struct rng r = { 4 };
	struct trk_grant g;
	struct history h;
	unsigned int i, m, n, last;
	bool lost;
	u64 numbers;

	for (i = 0; i < 3000; i++) {
		history_make(&h, &r, TRK_MAX_CLAIMS);
		filter = (struct trku_replay){ 0 };
		remembered = &filter;
		numbers = 0;
		last = 1;
		lost = false;
		for (m = 1; m <= h.n; m = n + 1) {
			/* A client repeats no request of whose answer something came. */
			if (!arrived_in(&h, m, issued_by(&h, last - 1)))
				last = m;
			n = any_end(&h, &r, m, issued_by(&h, last - 1));
			/* No two in a row are lost, and none whose answer is needed to go on. */
			lost = !lost && arrived_in(&h, n + 1, issued_by(&h, m - 1)) &&
			       rng_below(&r, 3) == 0;
			if (!lost && !request(&h, &r, &h.start, last, n, 0, 0, &g))
				numbers += g.count;
			if (!lost && rng_below(&r, 2) &&
			    h.issued[n] > h.issued[last - 1])
				CHECK_EQ(request(&h, &r, &h.start, last, n, 0, 0, &g),
					 TRK_DROP_REPLAY);
			last = m;
		}
		CHECK_EQ(numbers, h.issued[h.n]);
		trku_replay_free(&filter);
	}
	remembered = NULL;
}

/*
 * A client that has all of a window reports it in two ways: once as lost, but for the last
 * packet, and once as received.  It gets no more than an honest client, since the shares of what
 * was called lost were given away the first time.
 */
static void ranges__one_history_is_paid(void)
{
	struct trku_replay filter;
	struct rng r = { 5 };
	struct trk_grant g;
	struct history h;
	unsigned int window, x;
	u64 numbers, honest;

	for (window = 4; window < MAX_N; window++) {
		filter = (struct trku_replay){ 0 };
		remembered = &filter;
		memset(&h, 0, sizeof(h));
		h.start = (struct trk_cont){ .conn = window,
					     .domain = 7,
					     .time_ms = NOW,
					     .seg_size = SEG_SIZE,
					     .key_id = key.c.key_id,
					     .domain_key = key.c.key_id,
					     .iw = TRK_INITIAL_WINDOW };
		trk_law_init(&h.start.law, 0, window, 2, 0);
		for (x = 1; x < window; x++)
			h.fate[x] = LOST;
		CHECK_EQ(request(&h, &r, &h.start, 1, window, 0, 0, &g), TRK_OK);
		CHECK(g.count >= window / 2);
		numbers = g.count;
		memset(h.fate, 0, sizeof(h.fate));
		for (x = 1; x <= window; x++)
			if (!request(&h, &r, &h.start, x, x, 0, 0, &g))
				numbers += g.count;
		/* Each acknowledgment brings one packet, and the window grows by one. */
		honest = window + 1;
		CHECK(numbers <= honest);
		trku_replay_free(&filter);
	}
	remembered = NULL;
}

#define SMALL_N		5
#define REPLICAS	2

/* Makes the history of @n packets whose fates are the digits of @code; false if it cannot be. */
static bool history_small(struct history *h, u32 window, unsigned int n, unsigned int code)
{
	u64 top = window;
	unsigned int i;

	memset(h, 0, sizeof(*h));
	h->start = (struct trk_cont){ .conn = 1, .domain = 2, .time_ms = NOW, .seg_size = SEG_SIZE,
				      .key_id = key.c.key_id, .domain_key = key.c.key_id,
				      .iw = TRK_INITIAL_WINDOW };
	trk_law_init(&h->start.law, 0, window, TRK_SSTHRESH_INF, 0);
	for (i = 1; i <= n; i++, code /= 3) {
		if (i > top)
			return false;
		h->fate[i] = code % 3;
		h->issued[i] = h->issued[i - 1];
		if (h->fate[i] == LOST)
			continue;
		h->n = i;
		history_issue(h, i);
		top = window + h->issued[i];
	}
	return h->n == n;
}

struct small_range {
	unsigned int m, n, replica;
};

/*
 * Plays all ranges in their order, each at its replica, and then all of them once more.  No
 * replica issues a number twice, no number stands for other bytes, and all numbers are issued.
 */
static void small_schedule(const struct history *h, struct rng *r, const struct small_range *range,
			   unsigned int count)
{
	struct trku_replay filter[REPLICAS] = { 0 };
	u64 start = h->start.law.start_cwnd, have = 0, by[REPLICAS] = { 0 };
	struct trk_grant g;
	unsigned int i;

	for (i = 0; i < 2 * count; i++) {
		const struct small_range *at = &range[i % count];
		u64 before = h->issued[at->m - 1], n = h->issued[at->n] - before, mask;
		int err;

		remembered = &filter[at->replica];
		err = request(h, r, &h->start, at->m, at->n, before * PIECE, n * PIECE, &g);
		CHECK(!err || (err == TRK_DROP_REPLAY && i >= count));
		if (err || !g.count)
			continue;
		CHECK_EQ(g.first, start + before + 1);
		CHECK_EQ(g.count, n);
		CHECK_EQ(g.ask[0].off, before * PIECE);
		mask = ((1ULL << n) - 1) << before;
		CHECK(!(by[at->replica] & mask));
		CHECK(!(have & mask));
		by[at->replica] |= mask;
		have |= mask;
	}
	CHECK(have == (1ULL << h->issued[h->n]) - 1);
	for (i = 0; i < REPLICAS; i++)
		trku_replay_free(&filter[i]);
}

/* Plays all orders of the ranges from @at to the end, with all replicas for each of them. */
static void small_orders(const struct history *h, struct rng *r, struct small_range *range,
			 unsigned int at, unsigned int count, u64 *schedules)
{
	unsigned int i;

	if (at == count) {
		++*schedules;
		small_schedule(h, r, range, count);
		return;
	}
	for (i = at; i < count && !tap_failed; i++) {
		struct small_range first = range[i];

		range[i] = range[at];
		range[at] = first;
		for (range[at].replica = 0; range[at].replica < REPLICAS; range[at].replica++)
			small_orders(h, r, range, at + 1, count, schedules);
		range[at] = range[i];
		range[i] = first;
	}
}

/* Cuts a history into ranges in every way. */
static void small_cuts(const struct history *h, struct rng *r, u64 *schedules)
{
	struct small_range range[SMALL_N];
	unsigned int cut, i, count;

	/* If bit i is set, a range ends with packet i, which must have arrived. */
	for (cut = 0; cut < 1u << h->n; cut += 2) {
		range[0].m = 1;
		count = 0;
		for (i = 1; i < h->n; i++) {
			if (!(cut >> i & 1))
				continue;
			if (h->fate[i] == LOST)
				break;
			range[count++].n = i;
			range[count].m = i + 1;
		}
		if (i < h->n)
			continue;
		range[count++].n = i;
		/* What a request reports must have been issued by requests below it. */
		for (i = 0; i < count && range[i].n <= issued_by(h, range[i].m - 1); i++)
			;
		if (i < count)
			continue;
		CHECKED(small_orders(h, r, range, 0, count, schedules));
	}
}

/* Every history of a few packets, cut in every way, in every order, at every replica. */
static void ranges__every_order_at_any_replica(void)
{
	unsigned int n, code, codes = 1;
	struct rng r = { 6 };
	struct history h;
	u64 schedules = 0;
	u32 window;

	for (n = 1; n <= SMALL_N; n++) {
		codes *= 3;
		for (code = 0; code < codes; code++)
			for (window = 2; window <= 5; window++)
				if (history_small(&h, window, n, code))
					CHECKED(small_cuts(&h, &r, &schedules));
	}
	remembered = NULL;
	printf("# %" PRIu64 " schedules\n", schedules);
	CHECK(schedules > 100000);
}

static const struct tap_case cases[] = {
	TAP_CASE(ranges__as_single_requests),
	TAP_CASE(ranges__same_numbers_under_any_continuation),
	TAP_CASE(ranges__issued_once),
	TAP_CASE(ranges__repeated_lose_nothing),
	TAP_CASE(ranges__one_history_is_paid),
	TAP_CASE(ranges__every_order_at_any_replica),
};

int main(void)
{
	toy_cipher(&key, 4, 1);
	return tap_run(cases, ARRAY_SIZE(cases));
}
