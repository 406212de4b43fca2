// SPDX-License-Identifier: GPL-2.0
/*
 * Headers: what is written is read back, and nothing is read beyond the end of a packet.  Each
 * packet has memory of exactly its length, so that the address sanitizer sees what goes beyond.
 */
#include <stdlib.h>

#include "core/reason.h"
#include "core/wire.h"
#include "sim/rng.h"
#include "tap.h"

static u8 *tight(const u8 *p, u32 len)
{
	u8 *t = malloc(len);

	if (len)
		memcpy(t, p, len);
	return t;
}

/* ---- the option ---- */

static int opt_find(const u8 *opts, unsigned int len)
{
	u8 *t = tight(opts, len);
	int at = trk_wire_opt_find(t, len);

	free(t);
	return at;
}

#define OPT_FIND(...) opt_find((u8[]){ __VA_ARGS__ }, sizeof((u8[]){ __VA_ARGS__ }))

static void opt_find__present(void)
{
	u8 opt[TRK_OPT_LEN];

	trk_wire_opt_write(opt);
	CHECK_EQ(opt_find(opt, sizeof(opt)), 0);
	CHECK_EQ(OPT_FIND(254, 4, 0x74, 0x72), 0);
	CHECK_EQ(OPT_FIND(1, 1, 254, 4, 0x74, 0x72), 2);
	CHECK_EQ(OPT_FIND(2, 4, 5, 180, 1, 3, 3, 7, 254, 4, 0x74, 0x72), 8);
	CHECK_EQ(OPT_FIND(254, 4, 0x12, 0x34, 254, 4, 0x74, 0x72), 4);
	/* The option may be longer: SYNs have two bytes more, versions to come may have others. */
	CHECK_EQ(OPT_FIND(254, 6, 0x74, 0x72, 0, 0, 254, 4, 0x74, 0x72), 0);
	CHECK_EQ(OPT_FIND(254, 5, 0x74, 0x72, 0), 0);
	CHECK_EQ(OPT_FIND(254, 2, 254, 4, 0x74, 0x72), 2);
}

static void opt_find__absent_or_malformed(void)
{
	CHECK_EQ(trk_wire_opt_find(NULL, 0), -1);
	CHECK_EQ(OPT_FIND(0, 254, 4, 0x74, 0x72), -1);
	CHECK_EQ(OPT_FIND(254), -1);
	CHECK_EQ(OPT_FIND(254, 4), -1);
	CHECK_EQ(OPT_FIND(254, 4, 0x74), -1);
	CHECK_EQ(OPT_FIND(254, 4, 0x74, 0x73), -1);
	CHECK_EQ(OPT_FIND(253, 4, 0x74, 0x72), -1);
	CHECK_EQ(OPT_FIND(2, 0, 254, 4, 0x74, 0x72), -1);
	CHECK_EQ(OPT_FIND(2, 1, 254, 4, 0x74, 0x72), -1);
	CHECK_EQ(OPT_FIND(2, 255, 254, 4, 0x74, 0x72), -1);
	CHECK_EQ(OPT_FIND(2, 7, 254, 4, 0x74, 0x72), -1);
	CHECK_EQ(OPT_FIND(254, 5, 0x74, 0x72), -1);
	CHECK_EQ(OPT_FIND(254, 3, 0x74, 0x72), -1);
}

#define SYN_VERSION(...) trk_wire_syn_version((u8[]){ __VA_ARGS__ }, \
					      sizeof((u8[]){ __VA_ARGS__ }))

static void syn_version__highest_common(void)
{
	u8 opt[TRK_SYN_OPT_LEN];

	trk_wire_syn_opt_write(opt);
	CHECK_EQ(opt_find(opt, sizeof(opt)), 2);
	CHECK_EQ(trk_wire_syn_version(opt, sizeof(opt)), TRK_VERSION);
	CHECK_EQ(SYN_VERSION(254, 6, 0x74, 0x72, 1, 255), TRK_VERSION);
	CHECK_EQ(SYN_VERSION(254, 6, 0x74, 0x72, TRK_VERSION, 255), TRK_VERSION);
	CHECK_EQ(SYN_VERSION(254, 9, 0x74, 0x72, 0, TRK_VERSION, 7, 7, 7), TRK_VERSION);
	/* No common version: too new, too old, min above max, an option without versions. */
	CHECK_EQ(SYN_VERSION(254, 6, 0x74, 0x72, TRK_VERSION + 1, 255), 0);
	CHECK_EQ(SYN_VERSION(254, 6, 0x74, 0x72, 1, TRK_VERSION_MIN - 1), 0);
	CHECK_EQ(SYN_VERSION(254, 6, 0x74, 0x72, 255, 0), 0);
	CHECK_EQ(SYN_VERSION(254, 4, 0x74, 0x72), 0);
	CHECK_EQ(SYN_VERSION(254, 5, 0x74, 0x72, 3), 0);
	CHECK_EQ(SYN_VERSION(2, 4, 5, 180), 0);
	CHECK_EQ(trk_wire_syn_version(NULL, 0), 0);
}

/* Numbers that stand in protocol.rst, and that other implementations have. */
static void constants__of_the_document(void)
{
	static const u8 syn[] = { 1, 1, 254, 6, 0x74, 0x72, 3, 3 };
	u8 opt[TRK_SYN_OPT_LEN];

	trk_wire_syn_opt_write(opt);
	CHECK_EQ(sizeof(opt), sizeof(syn));
	CHECK(!memcmp(opt, syn, sizeof(syn)));
	CHECK_EQ(TRK_VERSION, 3);
	CHECK(TRK_MIN_SEG_SIZE == 512 && TRK_MAX_SEG_SIZE == 16000);
	CHECK(TRK_REQ_FIXED == 32 && TRK_RESP_FIXED == 24 && TRK_CONT_LEN == 72);
	CHECK(TRK_MAX_CLAIMS == 32 && TRK_CLAIM_LEN == 8 && TRK_EXT_HDR == 4);
	CHECK(TRK_MAX_ASK == 4 && TRK_ASK_LEN == 12);
	CHECK(TRK_UCONT_HDR == 36 && TRK_UCONT_MAX == 512 && TRK_UCONT_KEY == 17);
	CHECK(TRK_ADDR_IPV4 == 4 + 2 && TRK_ADDR_MAX == 16 + 2);
	CHECK(TRK_KIND_FIRST == 1 && TRK_KIND_RANGE == 2 && TRK_KIND_TIMEOUT == 3 &&
	      TRK_KIND_CLOSE == 4 && TRK_KIND_RESPONSE == 9);
	CHECK(TRK_REQ_GROW == 1 && TRK_REQ_FIN == 2 && TRK_REQ_RENEW == 4);
	CHECK(TRK_RESP_NOGROWTH == 1 && TRK_RESP_CONT == 2 && TRK_RESP_FIN == 4 &&
	      TRK_RESP_ABORT == 8);
	CHECK(TRK_EXT_ASK == 1 && TRK_EXT_OUTPUT == 2 && TRK_EXT_INPUT == 3 &&
	      TRK_EXT_INPUT_AT == 4 && TRK_EXT_CONSUMED == 5 && TRK_EXT_GEOMETRY == 6 &&
	      TRK_EXT_SPAN == 7 && TRK_EXT_ADDR == 128);
	CHECK(TRK_UCONT_FINAL == 1 && TRK_UCONT_PARALLEL == 2);
	CHECK(TRK_INITIAL_WINDOW == 10 && TRK_MIN_CWND == 2 && TRK_MAX_CWND == 32768);
	CHECK(TRK_SSTHRESH_INF == 1 << 20 && TRK_MAX_NUMBER == 1ULL << 62);
}

/* Protocol.rst: 16 claims if the segment size is below 1024; a piece is 24 bytes less. */
static void sizes__of_the_document(void)
{
	CHECK_EQ(trk_claims_at(1023), 16);
	CHECK_EQ(trk_claims_at(1024), 32);
	CHECK_EQ(trk_piece(1000, false), 976);
	CHECK_EQ(trk_piece(1000, true), 904);
	CHECK_EQ(trk_pieces(0, 904, 976), 0);
	CHECK_EQ(trk_pieces(1, 904, 976), 1);
	CHECK_EQ(trk_pieces(904, 904, 976), 1);
	CHECK_EQ(trk_pieces(905, 904, 976), 2);
	CHECK_EQ(trk_pieces(904 + 976, 904, 976), 2);
	CHECK_EQ(trk_pieces(904 + 976 + 1, 904, 976), 3);
}

/* The versions that a FIRST request says its client speaks must include its own. */
static void req__first_repeats_the_versions(void)
{
	struct trk_req q = { .kind = TRK_KIND_FIRST, .seg_size = 1400, .m = 0xffffffff }, got;
	u8 p[TRK_REQ_HDR_MAX];
	u32 len = trk_wire_req_write(p, &q);
	unsigned int min, max;

	CHECK_EQ(p[12], TRK_VERSION_MIN);
	CHECK_EQ(p[13], TRK_VERSION);
	CHECK(!p[14] && !p[15]);
	for (min = 0; min < 256; min++) {
		for (max = 0; max < 256; max++) {
			p[12] = (u8)min;
			p[13] = (u8)max;
			CHECK_EQ(trk_wire_req_parse(&got, p, len, len),
				 min <= TRK_VERSION && max >= TRK_VERSION ? TRK_OK :
				 TRK_DROP_VERSION);
		}
	}
}

static void opt_find__random_lists(void)
{
	struct rng r = { 1 };
	unsigned int i, k, found = 0;

	for (i = 0; i < 500000; i++) {
		u8 opts[40], len = rng_below(&r, 41);
		int at;

		for (k = 0; k < len; k++)
			opts[k] = rng_below(&r, 3) ? RNG_PICK(&r, 0, 1, 2, 3, 4, 254, 0x74, 0x72) :
				  rng_u64(&r);
		if (len >= 4 && rng_below(&r, 2))
			trk_wire_opt_write(opts + rng_below(&r, len - 3));
		at = opt_find(opts, len);
		CHECK(at >= -1 && (at < 0 || at + TRK_OPT_LEN <= len));
		if (at < 0)
			continue;
		found++;
		CHECK(opts[at] == 254 && opts[at + 1] >= 4 && opts[at + 2] == 0x74 &&
		      opts[at + 3] == 0x72);
	}
	CHECK(found > 1000);
}

/* ---- numbers ---- */

static void num__unwrapped(void)
{
	struct rng r = { 2 };
	unsigned int i;

	for (i = 0; i < 200000; i++) {
		u64 ref = rng_u64(&r) >> rng_below(&r, 40), near = ref + (s32)rng_u64(&r);

		CHECK_EQ(trk_num_above(ref, (u32)(ref + (u32)near)), ref + (u32)near);
		CHECK_EQ(trk_num_near(ref, (u32)near), near);
	}
}

/* ---- requests ---- */

static u8 bytes[65536];

static struct trk_blob random_ucont(struct rng *r)
{
	struct trk_blob b = { .p = bytes + rng_below(r, 1000) };
	u64 len = rng_below(r, 2) ? rng_below(r, TRK_UCONT_MAX + 1) : rng_below(r, 20);

	b.len = TRK_UCONT_HDR + len;
	return b;
}

static struct trk_blob random_addr(struct rng *r)
{
	return (struct trk_blob){ bytes + 31, rng_below(r, 2) ? TRK_ADDR_IPV4 : TRK_ADDR_MAX };
}

static void random_req(struct rng *r, struct trk_req *q)
{
	unsigned int i;

	memset(q, 0, sizeof(*q));
	q->kind = rng_in(r, TRK_KIND_FIRST, TRK_KIND_CLOSE);
	q->flags = rng_u64(r);
	if (q->kind == TRK_KIND_FIRST || q->kind == TRK_KIND_TIMEOUT)
		q->attempt = rng_u64(r);
	q->seg_size = rng_u64(r);
	q->token = rng_u64(r);
	q->ackrel = rng_u64(r);
	q->m = rng_u64(r);
	q->n = rng_u64(r);
	q->proof = rng_u64(r);
	if (q->kind != TRK_KIND_FIRST) {
		q->cont.p = bytes + 17;
		q->cont.len = TRK_CONT_LEN;
	}
	q->nclaims = rng_below(r, 2) ? rng_below(r, TRK_MAX_CLAIMS + 1) : 0;
	for (i = 0; i < q->nclaims; i++) {
		q->claim[i].a = rng_u64(r);
		q->claim[i].len = rng_in(r, 1, 0x7fffffff);
		q->claim[i].kind = rng_below(r, 2);
	}
	if (rng_below(r, 2)) {
		q->output = random_ucont(r);
		q->nask = rng_below(r, TRK_MAX_ASK + 1);
		for (i = 0; i < q->nask; i++) {
			q->ask[i].off = rng_u64(r) >> 1;
			q->ask[i].len = rng_in(r, 1, 1 << 30);
		}
	}
	if (!q->nask && rng_below(r, 2)) {
		q->has_input = true;
		q->input_off = rng_u64(r) >> 1;
	}
	/* With both at once, a header may be longer than TRK_REQ_HDR_MAX. */
	if (!q->output.p && rng_below(r, 2))
		q->input = random_ucont(r);
	if (q->nask < 2 && rng_below(r, 2))
		q->addr = random_addr(r);
}

static bool blob_equal(struct trk_blob a, struct trk_blob b)
{
	return !a.p == !b.p && (!a.p || (a.len == b.len && !memcmp(a.p, b.p, a.len)));
}

static bool req_equal(const struct trk_req *a, const struct trk_req *b)
{
	unsigned int i;

	if (a->kind != b->kind || a->flags != b->flags || a->attempt != b->attempt ||
	    a->nclaims != b->nclaims || a->nask != b->nask || a->has_input != b->has_input ||
	    a->seg_size != b->seg_size || a->token != b->token || a->ackrel != b->ackrel ||
	    a->m != b->m || a->n != b->n || a->proof != b->proof || !blob_equal(a->cont, b->cont) ||
	    !blob_equal(a->output, b->output) || !blob_equal(a->input, b->input) ||
	    !blob_equal(a->addr, b->addr) || a->input_off != b->input_off)
		return false;
	for (i = 0; i < a->nclaims; i++)
		if (a->claim[i].a != b->claim[i].a || a->claim[i].len != b->claim[i].len ||
		    a->claim[i].kind != b->claim[i].kind)
			return false;
	for (i = 0; i < a->nask; i++)
		if (a->ask[i].off != b->ask[i].off || a->ask[i].len != b->ask[i].len)
			return false;
	return true;
}

static void fill_bytes(void)
{
	struct rng r = { 99 };
	unsigned int i;

	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = rng_u64(&r);
}

static void req__round_trip(void)
{
	u8 buf[TRK_REQ_HDR_MAX + 2000];
	struct rng r = { 3 };
	unsigned int i;

	for (i = 0; i < 50000; i++) {
		struct trk_req q, got;
		u32 len, data;
		u8 *t;

		random_req(&r, &q);
		if (q.kind == TRK_KIND_FIRST)
			q.m = 0;
		len = trk_wire_req_write(buf, &q);
		CHECK(len <= TRK_REQ_HDR_MAX);
		data = q.has_input ? rng_below(&r, 1500) : 0;
		t = tight(buf, len + data);
		CHECK_EQ(trk_wire_req_hdr_len(t, len + data), len);
		/* It makes no difference whether the data follows the header in memory. */
		CHECK_EQ(trk_wire_req_parse(&got, t, rng_below(&r, 2) ? len : len + data,
					    len + data),
			 TRK_OK);
		CHECK(req_equal(&q, &got));
		CHECK_EQ(got.hdr_len, len);
		CHECK_EQ(got.input_len, data);
		free(t);
	}
}

/* Whoever sets it would otherwise have the answers to a RANGE cut on their way. */
static void req__only_first_and_timeout_have_attempts(void)
{
	u8 buf[TRK_REQ_HDR_MAX];
	struct rng r = { 11 };
	unsigned int kind;
	struct trk_req q;
	u32 len;

	for (kind = TRK_KIND_FIRST; kind <= TRK_KIND_CLOSE; kind++) {
		do {
			random_req(&r, &q);
		} while (q.kind != kind);
		len = trk_wire_req_write(buf, &q);
		buf[28] = 15;
		CHECK_EQ(trk_wire_req_parse(&q, buf, len, len), TRK_OK);
		CHECK_EQ(q.attempt, kind == TRK_KIND_FIRST || kind == TRK_KIND_TIMEOUT ? 15 : 0);
	}
}

/* One to four ranges of 1 to 2^30 bytes, that do not wrap. */
static void req__asked_ranges(void)
{
	static const struct {
		struct trk_bytes ask;
		bool good;
	} tries[] = {
		{ { 0, 1 }, true }, { { 0, 1 << 30 }, true }, { { U64_MAX - 5, 5 }, true },
		{ { 0, 0 }, false }, { { 0, (1 << 30) + 1 }, false }, { { U64_MAX - 5, 6 }, false },
		{ { 0, U32_MAX }, false }, { { U64_MAX, 1 }, false },
	};
	struct trk_req q = { .kind = TRK_KIND_RANGE, .cont = { bytes, TRK_CONT_LEN },
			     .output = { bytes, TRK_UCONT_HDR } }, got;
	u8 buf[TRK_REQ_HDR_MAX + TRK_ASK_LEN];
	unsigned int i;
	u32 len;

	for (i = 0; i < ARRAY_SIZE(tries); i++) {
		q.nask = 2;
		q.ask[0] = (struct trk_bytes){ 7, 7 };
		q.ask[1] = tries[i].ask;
		len = trk_wire_req_write(buf, &q);
		CHECK_EQ(trk_wire_req_parse(&got, buf, len, len),
			 tries[i].good ? TRK_OK : TRK_DROP_EXTENSION);
	}
	for (q.nask = 1; q.nask <= 4; q.nask++) {
		q.ask[q.nask - 1] = (struct trk_bytes){ 7, 7 };
		len = trk_wire_req_write(buf, &q);
		CHECK_EQ(trk_wire_req_parse(&got, buf, len, len), TRK_OK);
		CHECK_EQ(got.nask, q.nask);
	}
	/* A fifth, written by hand before the continuation. */
	len = TRK_REQ_FIXED + TRK_CONT_LEN;
	memmove(buf + len + TRK_EXT_HDR + 60, buf + len + TRK_EXT_HDR + 48,
		TRK_EXT_HDR + TRK_UCONT_HDR);
	memcpy(buf + len + TRK_EXT_HDR + 48, buf + len + TRK_EXT_HDR, TRK_ASK_LEN);
	put_unaligned_be16(60, buf + len + 2);
	put_unaligned_be16(TRK_EXT_HDR + 60 + TRK_EXT_HDR + TRK_UCONT_HDR, buf + 2);
	len += TRK_EXT_HDR + 60 + TRK_EXT_HDR + TRK_UCONT_HDR;
	CHECK_EQ(trk_wire_req_parse(&got, buf, len, len), TRK_DROP_EXTENSION);
}

static void req__largest_fits(void)
{
	u8 *buf = malloc(TRK_REQ_HDR_MAX);
	struct trk_req q, got;
	struct rng r = { 4 };
	unsigned int i;

	random_req(&r, &q);
	q.kind = TRK_KIND_RANGE;
	q.cont = (struct trk_blob){ bytes, TRK_CONT_LEN };
	q.nclaims = TRK_MAX_CLAIMS;
	for (i = 0; i < q.nclaims; i++)
		q.claim[i].len = 1;
	q.nask = TRK_MAX_ASK;
	for (i = 0; i < q.nask; i++)
		q.ask[i].len = 1;
	q.has_input = false;
	q.output = (struct trk_blob){ bytes, TRK_SEALED_UCONT_MAX };
	q.input.p = NULL;
	CHECK(trk_wire_req_write(buf, &q) <= TRK_REQ_HDR_MAX);
	q.nask = 0;
	q.output.p = NULL;
	q.has_input = true;
	q.input = (struct trk_blob){ bytes, TRK_SEALED_UCONT_MAX };
	i = trk_wire_req_write(buf, &q);
	CHECK(i <= TRK_REQ_HDR_MAX);
	CHECK_EQ(trk_wire_req_parse(&got, buf, i, i), TRK_OK);
	free(buf);
}

static void req__cut_at_every_byte(void)
{
	u8 buf[TRK_REQ_HDR_MAX];
	struct rng r = { 5 };
	unsigned int i;

	for (i = 0; i < 400; i++) {
		struct trk_req q, got;
		u32 len, cut;

		random_req(&r, &q);
		len = trk_wire_req_write(buf, &q);
		for (cut = 0; cut < len; cut++) {
			u8 *t = tight(buf, cut);

			CHECK_EQ(trk_wire_req_parse(&got, t, cut, cut),
				 cut ? TRK_DROP_TRUNCATED : TRK_DROP_VERSION);
			/* The packet is complete, but not all of its header is in memory. */
			if (cut)
				CHECK_EQ(trk_wire_req_parse(&got, t, cut, len), TRK_DROP_TRUNCATED);
			CHECK(trk_wire_req_hdr_len(t, cut) >= TRK_REQ_FIXED);
			free(t);
		}
	}
}

/* If bytes are taken for a request, it must be read the same when it is written again. */
static bool req_consistent(const u8 *p, u32 len, struct trk_req *first)
{
	u8 again[TRK_REQ_HDR_MAX + 65536];
	struct trk_req q;
	u32 n;

	if (trk_wire_req_parse(first, p, len, len))
		return true;
	if (first->hdr_len > len || first->hdr_len + first->input_len != len)
		return false;
	n = trk_wire_req_write(again, first);
	memset(again + n, 0, first->input_len);
	return !trk_wire_req_parse(&q, again, n + first->input_len, n + first->input_len) &&
	       req_equal(first, &q);
}

static void req__every_bit_flipped(void)
{
	u8 buf[TRK_REQ_HDR_MAX];
	struct rng r = { 6 };
	unsigned int i;

	for (i = 0; i < 150; i++) {
		struct trk_req q, got;
		u32 len, bit;
		u8 *t;

		random_req(&r, &q);
		len = trk_wire_req_write(buf, &q);
		t = tight(buf, len);
		for (bit = 0; bit < 8 * len; bit++) {
			t[bit / 8] ^= 1 << bit % 8;
			CHECK(req_consistent(t, len, &got));
			/* Byte 0 holds version and kind, byte 29 the number of claims. */
			if (bit / 8 == 29)
				CHECK(trk_wire_req_parse(&got, t, len,
							 len) || got.nclaims != q.nclaims);
			if (bit < 8 && bit >= 4)
				CHECK_EQ(trk_wire_req_parse(&got, t, len, len), TRK_DROP_VERSION);
			t[bit / 8] ^= 1 << bit % 8;
		}
		free(t);
	}
}

static void req__every_length_wrong(void)
{
	static const u16 wrong[] = { 0, 1, 2, 7, 8, 35, 36, 549, 0x7fff, 0x8000, 0xfffc, 0xffff };
	u8 buf[TRK_REQ_HDR_MAX];
	struct rng r = { 7 };
	unsigned int i, k;

	for (i = 0; i < 300; i++) {
		struct trk_req q, got;
		u32 len, at;
		u8 *t;

		random_req(&r, &q);
		len = trk_wire_req_write(buf, &q);
		t = tight(buf, len);
		for (at = 0; at + 2 <= len; at++) {
			u16 was = get_unaligned_be16(t + at);

			for (k = 0; k < ARRAY_SIZE(wrong); k++) {
				put_unaligned_be16(wrong[k], t + at);
				CHECK(req_consistent(t, len, &got));
			}
			put_unaligned_be16(was + 1, t + at);
			CHECK(req_consistent(t, len, &got));
			put_unaligned_be16(was - 1, t + at);
			CHECK(req_consistent(t, len, &got));
			put_unaligned_be16(was, t + at);
		}
		free(t);
	}
}

static void req__too_many_claims(void)
{
	u8 buf[TRK_REQ_HDR_MAX + 255 * TRK_CLAIM_LEN] = { 0 };
	struct trk_req q = { .kind = TRK_KIND_RANGE, .cont = { bytes, TRK_CONT_LEN } }, got;
	u32 len = trk_wire_req_write(buf, &q);
	unsigned int n;

	for (n = TRK_MAX_CLAIMS + 1; n < 256; n++) {
		buf[29] = n;
		CHECK_EQ(trk_wire_req_parse(&got, buf, sizeof(buf), sizeof(buf)),
			 TRK_DROP_OVERSIZED);
		CHECK_EQ(trk_wire_req_parse(&got, buf, len, len), TRK_DROP_OVERSIZED);
	}
}

static int parse_ext(const u8 *ext, u16 ext_len, bool first, u32 data)
{
	u8 buf[TRK_REQ_HDR_MAX + 100];
	struct trk_req q = { .kind = first ? TRK_KIND_FIRST : TRK_KIND_RANGE,
			     .cont = { bytes, TRK_CONT_LEN } };
	u32 len = trk_wire_req_write(buf, &q);
	struct trk_req got;
	int err;
	u8 *t;

	put_unaligned_be16(ext_len, buf + 2);
	memcpy(buf + len, ext, ext_len);
	t = tight(buf, len + ext_len + data);
	err = trk_wire_req_parse(&got, t, len + ext_len + data, len + ext_len + data);
	free(t);
	return err;
}

#define EXT(...) parse_ext((u8[]){ __VA_ARGS__ }, sizeof((u8[]){ __VA_ARGS__ }), true, 0)

static void req__malformed_extensions(void)
{
	static const u8 wraps[] = { TRK_EXT_INPUT_AT, 0, 0, 8, 255, 255, 255,
				    255, 255, 255, 255, 254 };

	CHECK_EQ(EXT(TRK_EXT_INPUT_AT, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0), TRK_OK);
	CHECK_EQ(EXT(TRK_EXT_INPUT_AT, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0), TRK_DROP_EXTENSION);
	CHECK_EQ(EXT(TRK_EXT_ADDR, 0, 0, 6, 1, 2, 3, 4, 5, 6), TRK_OK);
	CHECK_EQ(EXT(TRK_EXT_ADDR, 0, 0, 5, 1, 2, 3, 4, 5), TRK_DROP_EXTENSION);
	CHECK_EQ(EXT(TRK_EXT_ADDR, 0, 0, 0), TRK_DROP_EXTENSION);
	CHECK_EQ(EXT(TRK_EXT_ADDR, 0, 0, 6, 1, 2, 3, 4, 5, 6,
		     TRK_EXT_ADDR, 0, 0, 6, 1, 2, 3, 4, 5, 6), TRK_DROP_EXTENSION);
	CHECK_EQ(EXT(TRK_EXT_INPUT_AT, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 1), TRK_DROP_EXTENSION);
	CHECK_EQ(EXT(TRK_EXT_INPUT_AT, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0,
		     TRK_EXT_INPUT_AT, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0), TRK_DROP_EXTENSION);
	CHECK_EQ(EXT(TRK_EXT_OUTPUT, 0, 0, 1, 0), TRK_DROP_EXTENSION);
	CHECK_EQ(EXT(TRK_EXT_ASK, 0, 0, 0), TRK_DROP_EXTENSION);
	/* ASK needs an output continuation. */
	CHECK_EQ(EXT(TRK_EXT_ASK, 0, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1),
		 TRK_DROP_EXTENSION);
	/* An unknown type below 128 makes the request invalid, others are skipped. */
	CHECK_EQ(EXT(0, 0, 0, 0), TRK_DROP_EXTENSION);
	CHECK_EQ(EXT(TRK_EXT_CONSUMED, 0, 0, 0), TRK_DROP_EXTENSION);
	CHECK_EQ(EXT(127, 0, 0, 0), TRK_DROP_EXTENSION);
	CHECK_EQ(EXT(200, 0, 0, 3, 1, 2, 3), TRK_OK);
	CHECK_EQ(EXT(255, 0, 0, 4, 1, 2, 3), TRK_DROP_EXTENSION);
	/* Input needs INPUT_AT. */
	CHECK_EQ(parse_ext(bytes, 0, false, 5), TRK_DROP_EXTENSION);
	/* The end of the input must not wrap. */
	CHECK_EQ(parse_ext(wraps, sizeof(wraps), true, 5), TRK_DROP_EXTENSION);
}

static void req__garbage(void)
{
	struct rng r = { 8 };
	unsigned int i, k, taken = 0;

	for (i = 0; i < 300000; i++) {
		u32 len = rng_below(&r, 300);
		struct trk_req q;
		u8 *t = malloc(len);

		for (k = 0; k < len; k++)
			t[k] = rng_below(&r, 4) ? 0 : rng_u64(&r);
		if (len > 31) {
			t[0] = TRK_VERSION << 4 | rng_in(&r, 1, 4);
			t[29] = rng_below(&r, 4) ? 0 : rng_below(&r, 20);
			put_unaligned_be16(rng_below(&r, 2) ? 0 : rng_below(&r, len), t + 2);
		}
		CHECK(req_consistent(t, len, &q));
		taken += !trk_wire_req_parse(&q, t, len, len);
		free(t);
	}
	CHECK(taken > 100);
}

static void req__longest_user_continuation(void)
{
	u8 ext[TRK_EXT_HDR + TRK_SEALED_UCONT_MAX + 1] = { TRK_EXT_OUTPUT };

	put_unaligned_be16(TRK_SEALED_UCONT_MAX, ext + 2);
	CHECK_EQ(parse_ext(ext, sizeof(ext) - 1, false, 0), TRK_OK);
	put_unaligned_be16(TRK_SEALED_UCONT_MAX + 1, ext + 2);
	CHECK_EQ(parse_ext(ext, sizeof(ext), false, 0), TRK_DROP_EXTENSION);
	put_unaligned_be16(TRK_UCONT_HDR, ext + 2);
	CHECK_EQ(parse_ext(ext, TRK_EXT_HDR + TRK_UCONT_HDR, false, 0), TRK_OK);
	put_unaligned_be16(TRK_UCONT_HDR - 1, ext + 2);
	CHECK_EQ(parse_ext(ext, TRK_EXT_HDR + TRK_UCONT_HDR - 1, false, 0), TRK_DROP_EXTENSION);
}

/* ---- responses ---- */

static void random_resp(struct rng *r, struct trk_resp *p)
{
	memset(p, 0, sizeof(*p));
	p->flags = rng_below(r, 16) & ~TRK_RESP_CONT;
	p->span = 1;
	p->token = rng_u64(r);
	p->num = rng_u64(r);
	p->off = rng_u64(r);
	p->nonce = rng_u64(r);
	if (rng_below(r, 2))
		p->cont = (struct trk_blob){ bytes + 5, TRK_CONT_LEN };
	if (rng_below(r, 2))
		p->output = random_ucont(r);
	if (rng_below(r, 2))
		p->input = random_ucont(r);
	if (rng_below(r, 2))
		p->addr = random_addr(r);
	if (rng_below(r, 2)) {
		p->has_consumed = true;
		p->consumed_from = rng_u64(r) >> 1;
		p->consumed_to = p->consumed_from + 1 + (rng_u64(r) >> 2);
	}
	if (rng_below(r, 2)) {
		p->has_geometry = true;
		p->geo_index = rng_u64(r);
		p->geo_piece = rng_u64(r);
	}
	if (p->flags & TRK_RESP_NOGROWTH && rng_below(r, 2))
		p->span = rng_in(r, 1, 65535);
}

static bool resp_equal(const struct trk_resp *a, const struct trk_resp *b)
{
	return (a->flags | TRK_RESP_CONT) == (b->flags | TRK_RESP_CONT) &&
	       a->has_consumed == b->has_consumed && a->has_geometry == b->has_geometry &&
	       a->span == b->span && a->token == b->token && a->num == b->num && a->off == b->off &&
	       a->nonce == b->nonce && blob_equal(a->cont, b->cont) &&
	       blob_equal(a->output, b->output) && blob_equal(a->input, b->input) &&
	       blob_equal(a->addr, b->addr) && a->consumed_from == b->consumed_from &&
	       a->consumed_to == b->consumed_to &&
	       a->geo_index == b->geo_index && a->geo_piece == b->geo_piece;
}

static void resp__round_trip(void)
{
	u8 *buf = malloc(TRK_RESP_HDR_MAX);
	struct rng r = { 11 };
	unsigned int i;

	for (i = 0; i < 50000; i++) {
		struct trk_resp p, got;
		u32 len, data;
		u8 *t;

		random_resp(&r, &p);
		CHECK(trk_wire_resp_size(&p) <= TRK_RESP_HDR_MAX);
		len = trk_wire_resp_write(buf, &p);
		CHECK_EQ(len, trk_wire_resp_size(&p));
		data = rng_below(&r, 1500);
		t = tight(buf, len);
		CHECK_EQ(trk_wire_resp_hdr_len(t, len + data), len);
		CHECK_EQ(trk_wire_resp_parse(&got, t, len, len + data), TRK_OK);
		CHECK(resp_equal(&p, &got));
		CHECK_EQ(got.hdr_len, len);
		CHECK_EQ(got.data_len, data);
		CHECK_EQ(!!(got.flags & TRK_RESP_CONT), !!p.cont.p);
		free(t);
	}
	free(buf);
}

/* The longest header that there is, and a byte more. */
static void resp__longest_header(void)
{
	struct trk_resp r = { .flags = TRK_RESP_NOGROWTH, .span = 2, .has_geometry = true,
			      .has_consumed = true, .consumed_to = 1,
			      .cont = { bytes, TRK_CONT_LEN },
			      .output = { bytes, TRK_SEALED_UCONT_MAX },
			      .input = { bytes, TRK_SEALED_UCONT_MAX },
			      .addr = { bytes, TRK_ADDR_MAX } }, got;
	u8 buf[TRK_RESP_HDR_MAX + TRK_EXT_HDR] = { 0 };
	u32 len = trk_wire_resp_size(&r);

	CHECK_EQ(len, 24 + 72 + 2 * (4 + 548) + 4 + 16 + 4 + 4 + 4 + 2 + 4 + 18);
	CHECK_EQ(trk_wire_resp_write(buf, &r), len);
	CHECK_EQ(trk_wire_resp_parse(&got, buf, len, len), TRK_OK);
	put_unaligned_be16(get_unaligned_be16(buf + 2) + 1, buf + 2);
	CHECK_EQ(trk_wire_resp_parse(&got, buf, len + 1, len + 1), TRK_DROP_OVERSIZED);
}

static void resp__cut_at_every_byte(void)
{
	u8 buf[TRK_RESP_HDR_MAX];
	struct rng r = { 12 };
	unsigned int i;

	for (i = 0; i < 400; i++) {
		struct trk_resp p, got;
		u32 len, cut;

		random_resp(&r, &p);
		len = trk_wire_resp_write(buf, &p);
		for (cut = 0; cut < len; cut++) {
			u8 *t = tight(buf, cut);

			CHECK_EQ(trk_wire_resp_parse(&got, t, cut, cut),
				 cut ? TRK_DROP_TRUNCATED : TRK_DROP_VERSION);
			if (cut)
				CHECK_EQ(trk_wire_resp_parse(&got, t, cut, len),
					 TRK_DROP_TRUNCATED);
			CHECK(trk_wire_resp_hdr_len(t, cut) >= TRK_RESP_FIXED);
			free(t);
		}
	}
}

static bool resp_consistent(const u8 *p, u32 len, struct trk_resp *first)
{
	u8 again[TRK_RESP_HDR_MAX + 65536];
	struct trk_resp q;
	u32 n;

	if (trk_wire_resp_parse(first, p, len, len))
		return true;
	if (first->hdr_len > len || first->hdr_len + first->data_len != len || !first->span)
		return false;
	n = trk_wire_resp_write(again, first);
	return !trk_wire_resp_parse(&q, again, n, n + first->data_len) && resp_equal(first, &q);
}

static void resp__every_bit_and_length_wrong(void)
{
	static const u16 wrong[] = { 0, 1, 2, 4, 16, 35, 36, 549, 0x7fff, 0x8000, 0xfffc, 0xffff };
	u8 buf[TRK_RESP_HDR_MAX];
	struct rng r = { 13 };
	unsigned int i, k;

	for (i = 0; i < 150; i++) {
		struct trk_resp p, got;
		u32 len, at;
		u8 *t;

		random_resp(&r, &p);
		len = trk_wire_resp_write(buf, &p);
		t = tight(buf, len);
		for (at = 0; at < 8 * len; at++) {
			t[at / 8] ^= 1 << at % 8;
			CHECK(resp_consistent(t, len, &got));
			t[at / 8] ^= 1 << at % 8;
		}
		for (at = 0; at + 2 <= len; at++) {
			u16 was = get_unaligned_be16(t + at);

			for (k = 0; k < ARRAY_SIZE(wrong); k++) {
				put_unaligned_be16(wrong[k], t + at);
				CHECK(resp_consistent(t, len, &got));
			}
			put_unaligned_be16(was, t + at);
		}
		free(t);
	}
}

/* An unknown type below 128 makes the response invalid, others are skipped. */
static void resp__unknown_extensions(void)
{
	struct trk_resp p = { .flags = TRK_RESP_NOGROWTH, .span = 1 }, got;
	u8 buf[TRK_RESP_HDR_MAX + 4];
	unsigned int type;
	u32 len;

	for (type = 0; type < 256; type++) {
		bool known = type == TRK_EXT_ADDR || (type && type <= TRK_EXT_SPAN);

		len = trk_wire_resp_write(buf, &p);
		put_unaligned_be16(get_unaligned_be16(buf + 2) + 4, buf + 2);
		put_unaligned_be32(type << 24, buf + len);
		/* What is known is not empty. */
		CHECK_EQ(trk_wire_resp_parse(&got, buf, len + 4, len + 4),
			 known || type < 128 ? TRK_DROP_EXTENSION : TRK_OK);
	}
}

static void resp__span_only_without_growth(void)
{
	struct trk_resp p = { .span = 3, .flags = TRK_RESP_NOGROWTH }, got;
	u8 buf[TRK_RESP_HDR_MAX];
	u32 len = trk_wire_resp_write(buf, &p);

	CHECK_EQ(trk_wire_resp_parse(&got, buf, len, len), TRK_OK);
	CHECK_EQ(got.span, 3);
	buf[1] = 0;
	CHECK_EQ(trk_wire_resp_parse(&got, buf, len, len), TRK_DROP_EXTENSION);
	buf[1] = TRK_RESP_NOGROWTH;
	put_unaligned_be16(0, buf + len - 2);
	CHECK_EQ(trk_wire_resp_parse(&got, buf, len, len), TRK_DROP_EXTENSION);
}

static void kind__request_is_no_response(void)
{
	u8 buf[TRK_REQ_HDR_MAX] = { [12] = TRK_VERSION, [13] = TRK_VERSION };
	struct trk_resp p;
	struct trk_req q;
	unsigned int v, kind;

	for (v = 0; v < 16; v++) {
		for (kind = 0; kind < 16; kind++) {
			bool req = v == TRK_VERSION && kind >= TRK_KIND_FIRST &&
				   kind <= TRK_KIND_CLOSE;
			bool resp = v == TRK_VERSION && kind == TRK_KIND_RESPONSE;

			buf[0] = v << 4 | kind;
			CHECK_EQ(trk_wire_kind(buf, 1), req || resp ? (int)kind : -1);
			CHECK_EQ(trk_wire_req_parse(&q, buf, 200, 200) == TRK_DROP_VERSION, !req);
			CHECK_EQ(trk_wire_resp_parse(&p, buf, 200, 200) == TRK_DROP_VERSION, !resp);
		}
	}
	CHECK_EQ(trk_wire_kind(NULL, 0), -1);
}

/* ---- user continuations ---- */

static void ucont_parse__bounds(void)
{
	u8 buf[TRK_SEALED_UCONT_MAX + 1] = { 0 };
	struct trk_ucont u;
	unsigned int len;

	for (len = 0; len <= sizeof(buf); len++) {
		bool ok = len >= TRK_UCONT_HDR && len <= TRK_SEALED_UCONT_MAX;
		u8 *t;

		put_unaligned_be16(len - TRK_UCONT_HDR, buf + 18);
		t = tight(buf, len);
		CHECK_EQ(trk_wire_ucont_parse(&u, (struct trk_blob){ t, len }),
			 ok ? TRK_OK : TRK_DROP_UCONT);
		if (ok) {
			CHECK_EQ(u.len, len - TRK_UCONT_HDR);
			t[19]++;
			CHECK_EQ(trk_wire_ucont_parse(&u, (struct trk_blob){ t, len }),
				 TRK_DROP_UCONT);
			t[19]--;
			t[7] = 1;
			CHECK_EQ(trk_wire_ucont_parse(&u, (struct trk_blob){ t, len }),
				 TRK_DROP_UCONT);
			t[15] = 1;
			CHECK_EQ(trk_wire_ucont_parse(&u, (struct trk_blob){ t, len }), TRK_OK);
		}
		free(t);
	}
	CHECK_EQ(trk_wire_ucont_parse(&u, (struct trk_blob){ NULL, 0 }), TRK_DROP_UCONT);
}

static const struct tap_case cases[] = {
	TAP_CASE(opt_find__present),
	TAP_CASE(opt_find__absent_or_malformed),
	TAP_CASE(opt_find__random_lists),
	TAP_CASE(syn_version__highest_common),
	TAP_CASE(constants__of_the_document),
	TAP_CASE(sizes__of_the_document),
	TAP_CASE(req__first_repeats_the_versions),
	TAP_CASE(kind__request_is_no_response),
	TAP_CASE(req__round_trip),
	TAP_CASE(req__only_first_and_timeout_have_attempts),
	TAP_CASE(req__asked_ranges),
	TAP_CASE(req__largest_fits),
	TAP_CASE(req__cut_at_every_byte),
	TAP_CASE(req__every_bit_flipped),
	TAP_CASE(req__every_length_wrong),
	TAP_CASE(req__too_many_claims),
	TAP_CASE(req__malformed_extensions),
	TAP_CASE(req__longest_user_continuation),
	TAP_CASE(req__garbage),
	TAP_CASE(resp__round_trip),
	TAP_CASE(resp__longest_header),
	TAP_CASE(resp__cut_at_every_byte),
	TAP_CASE(resp__every_bit_and_length_wrong),
	TAP_CASE(resp__unknown_extensions),
	TAP_CASE(resp__span_only_without_growth),
	TAP_CASE(ucont_parse__bounds),
	TAP_CASE(num__unwrapped),
};

int main(void)
{
	fill_bytes();
	return tap_run(cases, ARRAY_SIZE(cases));
}
