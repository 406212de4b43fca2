// SPDX-License-Identifier: GPL-2.0
/* Seals: what is opened was made for this client, this service and this purpose. */
#include "trickles-user/cipher.h"
#include "core/reason.h"
#include "core/seal.h"
#include "sim/rng.h"
#include "tap.h"

#define ANY	0x7fffffff	/* a parent may be as far ahead as can be */
#include "sim/toykeys.h"

static struct trku_cipher key, other;

static const struct trk_peer peer = { .addr = { [10] = 255, [11] = 255, [12] = 10, [15] = 2 },
				      .port = 40001, .service = 80 };

/* The test vectors of RFC 4493 §4. */
static void mac__rfc4493(void)
{
	static const u8 k[16] = { 0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6,
				  0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c };
	static const u8 m[64] = { 0x6b, 0xc1, 0xbe, 0xe2, 0x2e, 0x40, 0x9f, 0x96, 0xe9, 0x3d, 0x7e,
				  0x11, 0x73, 0x93, 0x17, 0x2a, 0xae, 0x2d, 0x8a, 0x57, 0x1e, 0x03,
				  0xac, 0x9c, 0x9e, 0xb7, 0x6f, 0xac, 0x45, 0xaf, 0x8e, 0x51, 0x30,
				  0xc8, 0x1c, 0x46, 0xa3, 0x5c, 0xe4, 0x11, 0xe5, 0xfb, 0xc1, 0x19,
				  0x1a, 0x0a, 0x52, 0xef, 0xf6, 0x9f, 0x24, 0x45, 0xdf, 0x4f, 0x9b,
				  0x17, 0xad, 0x2b, 0x41, 0x7b, 0xe6, 0x6c, 0x37, 0x10 };
	static const struct {
		unsigned int len;
		u8 mac[16];
	} v[] = {
		{ 0, { 0xbb, 0x1d, 0x69, 0x29, 0xe9, 0x59, 0x37, 0x28,
		       0x7f, 0xa3, 0x7d, 0x12, 0x9b, 0x75, 0x67, 0x46 } },
		{ 16, { 0x07, 0x0a, 0x16, 0xb4, 0x6b, 0x4d, 0x41, 0x44,
			0xf7, 0x9b, 0xdd, 0x9d, 0xd0, 0x4a, 0x28, 0x7c } },
		{ 40, { 0xdf, 0xa6, 0x67, 0x47, 0xde, 0x9a, 0xe6, 0x30,
			0x30, 0xca, 0x32, 0x61, 0x14, 0x97, 0xc8, 0x27 } },
		{ 64, { 0x51, 0xf0, 0xbe, 0xbf, 0x7e, 0x3b, 0x9d, 0x92,
			0xfc, 0x49, 0x74, 0x17, 0x79, 0x36, 0x3c, 0xfe } },
	};
	struct trku_cipher t;
	unsigned int i;
	u8 out[16];

	trku_cipher_init(&t, 0, k, k);
	for (i = 0; i < ARRAY_SIZE(v); i++) {
		t.c.mac(&t.c, m, v[i].len, out);
		CHECK(!memcmp(out, v[i].mac, 16));
	}
}

/* A test vector of NIST SP 800-38A, F.1.1. */
static void ecb__sp800_38a(void)
{
	static const u8 k[16] = { 0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6,
				  0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c };
	static const u8 want[32] = { 0x3a, 0xd7, 0x7b, 0xb4, 0x0d, 0x7a, 0x36, 0x60,
				     0xa8, 0x9e, 0xca, 0xf3, 0x24, 0x66, 0xef, 0x97,
				     0xf5, 0xd3, 0xd5, 0x85, 0x03, 0xb9, 0x69, 0x9d,
				     0xe7, 0x85, 0x89, 0x5a, 0x96, 0xfd, 0xba, 0xaf };
	u8 b[32] = { 0x6b, 0xc1, 0xbe, 0xe2, 0x2e, 0x40, 0x9f, 0x96, 0xe9, 0x3d, 0x7e,
		     0x11, 0x73, 0x93, 0x17, 0x2a, 0xae, 0x2d, 0x8a, 0x57, 0x1e, 0x03,
		     0xac, 0x9c, 0x9e, 0xb7, 0x6f, 0xac, 0x45, 0xaf, 0x8e, 0x51 };
	struct trku_cipher t;

	trku_cipher_init(&t, 0, k, k);
	t.c.ecb(&t.c, b, 2);
	CHECK(!memcmp(b, want, sizeof(b)));
}

/* ---- transport continuations ---- */

static void random_cont(struct rng *r, struct trk_cont *c)
{
	memset(c, 0, sizeof(*c));
	c->conn = rng_u64(r);
	c->domain = rng_u64(r);
	c->time_ms = rng_u64(r) >> 16;
	c->base = (rng_u64(r) >> rng_in(r, 3, 60)) + 1000;
	c->seg_size = rng_in(r, TRK_MIN_SEG_SIZE, TRK_MAX_SEG_SIZE);
	c->iw = TRK_INITIAL_WINDOW;
	c->key_id = key.c.key_id;
	c->domain_key = rng_u64(r);
	trk_law_init(&c->law, c->base - rng_below(r, 900) - 50, rng_in(r, 50, TRK_MAX_CWND),
		     rng_below(r, 2) ? rng_in(r, TRK_MIN_CWND, TRK_MAX_CWND) : TRK_SSTHRESH_INF,
		     rng_below(r, 2) ? c->base - 1 - rng_below(r, 49) : 0);
}

static bool cont_equal(const struct trk_cont *a, const struct trk_cont *b)
{
	return a->conn == b->conn && a->domain == b->domain && a->time_ms == b->time_ms &&
	       a->base == b->base && a->seg_size == b->seg_size && a->iw == b->iw &&
	       a->key_id == b->key_id && a->domain_key == b->domain_key &&
	       !memcmp(&a->law, &b->law, sizeof(a->law));
}

static void cont__round_trip(void)
{
	struct rng r = { 1 };
	unsigned int i;

	for (i = 0; i < 20000; i++) {
		struct trk_cont c, got = { 0 }, read = { 0 };
		u8 blob[TRK_CONT_LEN];

		random_cont(&r, &c);
		trk_seal_cont(&key.c, &peer, &c, blob);
		CHECK_EQ(trk_seal_cont_open(&key.c, &peer, blob, &got), TRK_OK);
		CHECK(cont_equal(&c, &got));
		trk_seal_cont_read(blob, &read);
		CHECK(cont_equal(&c, &read));
		CHECK_EQ(trk_seal_cont_key_id(blob), key.c.key_id);
	}
}

static void cont__every_flipped_bit_refused(void)
{
	struct rng r = { 2 };
	unsigned int i, bit;

	for (i = 0; i < 100; i++) {
		u8 blob[TRK_CONT_LEN];
		struct trk_cont c;

		random_cont(&r, &c);
		trk_seal_cont(&key.c, &peer, &c, blob);
		for (bit = 0; bit < 8 * TRK_CONT_LEN; bit++) {
			blob[bit / 8] ^= 1 << bit % 8;
			/* Bytes 46 and 47 are of the owner's label. */
			CHECK_EQ(trk_seal_cont_open(&key.c, &peer, blob, &c),
				 bit / 16 == 23 ? TRK_DROP_OWNER : TRK_DROP_MAC);
			blob[bit / 8] ^= 1 << bit % 8;
		}
	}
}

/*
 * All sixteen bytes of the owner's label are sealed.  Two of them also stand in the continuation,
 * so that most continuations of other owners can be told from forgeries.
 */
static void cont__other_owner_refused(void)
{
	struct rng r = { 5 };
	u8 blob[TRK_CONT_LEN], user[TRK_SEALED_UCONT_MAX];
	struct trk_ucont u = { .start = 5, .end = 9 }, got;
	struct trk_blob b = { user };
	struct trk_cont c;
	unsigned int bit;

	random_cont(&r, &c);
	trk_seal_cont(&key.c, &peer, &c, blob);
	b.len = (u16)trk_seal_ucont(&key.c, &peer, 77, TRK_EXT_OUTPUT, &u, user);
	CHECK_EQ(trk_seal_ucont_open(&key.c, &peer, 77, TRK_EXT_OUTPUT, b, &got), TRK_OK);
	for (bit = 0; bit < 8 * TRK_OWNER_LEN; bit++) {
		struct trk_peer p = peer;

		p.owner[bit / 8] ^= 1 << bit % 8;
		CHECK_EQ(trk_seal_cont_open(&key.c, &p, blob, &c),
			 bit < 16 ? TRK_DROP_OWNER : TRK_DROP_MAC);
		CHECK_EQ(trk_seal_ucont_open(&key.c, &p, 77, TRK_EXT_OUTPUT, b, &got),
			 TRK_DROP_UCONT);
	}
}

static void cont__other_peer_service_or_key_refused(void)
{
	struct rng r = { 3 };
	u8 blob[TRK_CONT_LEN];
	struct trk_cont c;
	unsigned int i;

	random_cont(&r, &c);
	trk_seal_cont(&key.c, &peer, &c, blob);
	for (i = 0; i < 16; i++) {
		struct trk_peer p = peer;

		p.addr[i] ^= 1;
		CHECK_EQ(trk_seal_cont_open(&key.c, &p, blob, &c), TRK_DROP_MAC);
	}
	for (i = 0; i < 16; i++) {
		struct trk_peer p = peer;

		p.port ^= 1 << i;
		CHECK_EQ(trk_seal_cont_open(&key.c, &p, blob, &c), TRK_DROP_MAC);
		p = peer;
		p.service ^= 1 << i;
		CHECK_EQ(trk_seal_cont_open(&key.c, &p, blob, &c), TRK_DROP_MAC);
	}
	CHECK_EQ(trk_seal_cont_open(&other.c, &peer, blob, &c), TRK_DROP_MAC);
	CHECK_EQ(trk_seal_cont_open(&key.c, &peer, blob, &c), TRK_OK);
}

/* Contents that no server seals are refused though the seal is right (protocol.rst, DropForged). */
static void cont__impossible_contents_refused(void)
{
	static const struct trk_cont good = { .seg_size = 1448, .base = 100,
					      .iw = TRK_INITIAL_WINDOW };
	static const struct {
		u64 base, tcp_base, first_loss;
		u32 start, ssthresh;
		u16 seg_size;
		u8 iw;
		int err;
	} cases[] = {
		{ 100, 100, 0, 10, TRK_SSTHRESH_INF, 1448, 10, TRK_OK },
		{ 0, 0, 0, 1, 5, 512, 10, TRK_OK },
		{ TRK_MAX_NUMBER, 0, 0, TRK_MAX_CWND, TRK_MAX_CWND, 16000, 10, TRK_OK },
		/* sizes that are too small or too large, and an initial window that is none */
		{ 100, 100, 0, 10, 20, 511, 10, TRK_DROP_FORGED },
		{ 100, 100, 0, 10, 20, 64, 10, TRK_DROP_FORGED },
		{ 100, 100, 0, 10, 20, 24, 10, TRK_DROP_FORGED },
		{ 100, 100, 0, 10, 20, 0, 10, TRK_DROP_FORGED },
		{ 100, 100, 0, 10, 20, 16001, 10, TRK_DROP_FORGED },
		{ 100, 100, 0, 10, 20, 65535, 10, TRK_DROP_FORGED },
		{ 100, 100, 0, 10, 20, 1448, 11, TRK_DROP_FORGED },
		/* laws */
		{ 100, 100, 0, 0, 20, 1448, 10, TRK_DROP_FORGED },
		{ 100, 100, 0, TRK_MAX_CWND + 1, 20, 1448, 10, TRK_DROP_FORGED },
		{ 100, 100, 0, 10, 1, 1448, 10, TRK_DROP_FORGED },
		{ 100, 100, 0, 10, 0, 1448, 10, TRK_DROP_FORGED },
		{ 100, 100, 0, 10, TRK_MAX_CWND + 1, 1448, 10, TRK_DROP_FORGED },
		{ 100, 100, 0, 10, U32_MAX, 1448, 10, TRK_DROP_FORGED },
		{ 100, 101, 0, 10, 20, 1448, 10, TRK_DROP_FORGED },
		{ 100, U64_MAX, 0, 10, 20, 1448, 10, TRK_DROP_FORGED },
		{ TRK_MAX_NUMBER + 1, 0, 0, 10, 20, 1448, 10, TRK_DROP_FORGED },
		/* loss events: firstLoss above TCPBase and below the base, the base not above R */
		{ 100, 98, 99, 10, 20, 1448, 10, TRK_OK },
		{ 100, 98, 100, 10, 20, 1448, 10, TRK_DROP_FORGED },
		{ 100, 99, 99, 10, 20, 1448, 10, TRK_DROP_FORGED },
		{ 100, 0, 1, 100, 20, 1448, 10, TRK_OK },
		{ 101, 0, 1, 100, 20, 1448, 10, TRK_DROP_FORGED },
		{ 100, 0, 102, 100, 20, 1448, 10, TRK_DROP_FORGED },
		{ 100, 0, 100 + (1ULL << 31), 100, 20, 1448, 10, TRK_DROP_FORGED },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct trk_cont c = good, got;
		u8 blob[TRK_CONT_LEN];

		c.base = cases[i].base;
		c.seg_size = cases[i].seg_size;
		c.iw = cases[i].iw;
		trk_law_init(&c.law, cases[i].tcp_base, cases[i].start, cases[i].ssthresh,
			     cases[i].first_loss);
		trk_seal_cont(&key.c, &peer, &c, blob);
		CHECK_EQ(trk_seal_cont_open(&key.c, &peer, blob, &got), cases[i].err);
	}
}

/* ---- user continuations ---- */

static u32 random_ucont(struct rng *r, struct trk_ucont *u, enum trk_ext which, u64 conn, u8 *blob)
{
	static u8 opaque[TRK_UCONT_MAX];
	unsigned int i;

	for (i = 0; i < sizeof(opaque); i++)
		opaque[i] = rng_u64(r);
	memset(u, 0, sizeof(*u));
	u->start = rng_u64(r) >> 1;
	u->end = u->start + (rng_u64(r) >> 2);
	if (rng_below(r, 2))
		u->flags = which == TRK_EXT_OUTPUT ? TRK_UCONT_FINAL : TRK_UCONT_PARALLEL;
	u->len = rng_below(r, TRK_UCONT_MAX + 1);
	u->opaque = opaque;
	return trk_seal_ucont(&key.c, &peer, conn, which, u, blob);
}

static void ucont__round_trip(void)
{
	u8 blob[TRK_SEALED_UCONT_MAX];
	struct rng r = { 4 };
	unsigned int i;

	for (i = 0; i < 20000; i++) {
		enum trk_ext which = rng_below(&r, 2) ? TRK_EXT_OUTPUT : TRK_EXT_INPUT;
		struct trk_ucont u, got;
		u32 len = random_ucont(&r, &u, which, 77, blob);

		CHECK_EQ(len, TRK_UCONT_HDR + u.len);
		CHECK_EQ(trk_seal_ucont_open(&key.c, &peer, 77, which, (struct trk_blob){ blob,
					     len },
					     &got),
			 TRK_OK);
		CHECK(got.start == u.start && got.end == u.end && got.flags == u.flags &&
		      got.len == u.len);
		CHECK_EQ(got.key_id, key.c.key_id);
		CHECK(!memcmp(got.opaque, u.opaque, u.len));
	}
}

static void ucont__impossible_contents_refused(void)
{
	struct trk_ucont u = { .start = 5, .end = 9 }, got;
	u8 blob[TRK_SEALED_UCONT_MAX];
	unsigned int flags;

	for (flags = 0; flags < 256; flags++) {
		struct trk_blob b = { blob };

		u.flags = (u8)flags;
		b.len = trk_seal_ucont(&key.c, &peer, 77, TRK_EXT_OUTPUT, &u, blob);
		CHECK_EQ(trk_seal_ucont_open(&key.c, &peer, 77, TRK_EXT_OUTPUT, b, &got),
			 flags & ~TRK_UCONT_FINAL ? TRK_DROP_FORGED : TRK_OK);
		b.len = trk_seal_ucont(&key.c, &peer, 77, TRK_EXT_INPUT, &u, blob);
		CHECK_EQ(trk_seal_ucont_open(&key.c, &peer, 77, TRK_EXT_INPUT, b, &got),
			 flags & ~TRK_UCONT_PARALLEL ? TRK_DROP_FORGED : TRK_OK);
	}
	u.len = TRK_UCONT_MAX + 1;
	CHECK_EQ(trk_seal_ucont(&key.c, &peer, 77, TRK_EXT_OUTPUT, &u, blob), 0);
}

static void ucont__every_flipped_bit_refused(void)
{
	u8 blob[TRK_SEALED_UCONT_MAX];
	struct rng r = { 5 };
	unsigned int i, bit;

	for (i = 0; i < 20; i++) {
		struct trk_ucont u;
		u32 len = random_ucont(&r, &u, TRK_EXT_OUTPUT, 77, blob);

		for (bit = 0; bit < 8 * len; bit++) {
			blob[bit / 8] ^= 1 << bit % 8;
			CHECK_EQ(trk_seal_ucont_open(&key.c, &peer, 77, TRK_EXT_OUTPUT,
						     (struct trk_blob){ blob, len }, &u),
				 TRK_DROP_UCONT);
			blob[bit / 8] ^= 1 << bit % 8;
		}
		for (bit = 0; bit < len; bit++)
			CHECK_EQ(trk_seal_ucont_open(&key.c, &peer, 77, TRK_EXT_OUTPUT,
						     (struct trk_blob){ blob, bit }, &u),
				 TRK_DROP_UCONT);
	}
}

static void ucont__other_use_refused(void)
{
	u8 blob[TRK_SEALED_UCONT_MAX];
	struct trk_peer p = peer;
	struct rng r = { 6 };
	struct trk_ucont u;
	struct trk_blob b = { blob, random_ucont(&r, &u, TRK_EXT_INPUT, 77, blob) };
	u64 bit;

	CHECK_EQ(trk_seal_ucont_open(&key.c, &peer, 77, TRK_EXT_INPUT, b, &u), TRK_OK);
	CHECK_EQ(trk_seal_ucont_open(&key.c, &peer, 77, TRK_EXT_OUTPUT, b, &u), TRK_DROP_UCONT);
	for (bit = 1; bit; bit <<= 1)
		CHECK_EQ(trk_seal_ucont_open(&key.c, &peer, 77 ^ bit, TRK_EXT_INPUT, b, &u),
			 TRK_DROP_UCONT);
	CHECK_EQ(trk_seal_ucont_open(&other.c, &peer, 77, TRK_EXT_INPUT, b, &u), TRK_DROP_UCONT);
	p.service++;
	CHECK_EQ(trk_seal_ucont_open(&key.c, &p, 77, TRK_EXT_INPUT, b, &u), TRK_DROP_UCONT);
}

/* A transport continuation is not taken for a user continuation, nor the other way round. */
static void seal__of_one_kind_is_no_other(void)
{
	u8 blob[TRK_SEALED_UCONT_MAX];
	struct rng r = { 7 };
	struct trk_ucont u;
	struct trk_cont c;

	random_cont(&r, &c);
	trk_seal_cont(&key.c, &peer, &c, blob);
	put_unaligned_be16(TRK_CONT_LEN - TRK_UCONT_HDR, blob + 18);
	CHECK(trk_seal_ucont_open(&key.c, &peer, c.conn, TRK_EXT_OUTPUT,
				  (struct trk_blob){ blob, TRK_CONT_LEN }, &u));
	random_ucont(&r, &u, TRK_EXT_OUTPUT, 5, blob);
	CHECK(trk_seal_cont_open(&key.c, &peer, blob, &c));
}

/* ---- cookies ---- */

static void cookie__depends_on_everything(void)
{
	u32 c = trk_seal_cookie(&key.c, &peer, 1000, 7);
	u64 id = trk_seal_conn_id(&key.c, &peer, 1000, 7);
	struct trk_peer p = peer;

	CHECK_EQ(trk_seal_cookie(&key.c, &peer, 1000, 7), c);
	CHECK(trk_seal_cookie(&key.c, &peer, 1001, 7) != c);
	CHECK(trk_seal_cookie(&key.c, &peer, 1000, 8) != c);
	CHECK(trk_seal_cookie(&other.c, &peer, 1000, 7) != c);
	CHECK(trk_seal_conn_id(&key.c, &peer, 1001, 7) != id);
	CHECK(trk_seal_conn_id(&key.c, &peer, 1000, 8) != id);
	CHECK((u32)(id >> 32) != c);
	p.port++;
	CHECK(trk_seal_cookie(&key.c, &p, 1000, 7) != c);
	p = peer;
	p.service++;
	CHECK(trk_seal_cookie(&key.c, &p, 1000, 7) != c);
	p = peer;
	p.addr[15]++;
	CHECK(trk_seal_cookie(&key.c, &p, 1000, 7) != c);
	CHECK(trk_seal_conn_id(&key.c, &p, 1000, 7) != id);
}

static void domain__depends_on_everything(void)
{
	u64 d = trk_seal_domain(&key.c, 1, 0, 2, ANY, 3, 4);

	CHECK(trk_seal_domain(&key.c, 1, 0, 2, ANY, 3, 4) == d);
	CHECK(trk_seal_domain(&key.c, 2, 0, 2, ANY, 3, 4) != d);
	CHECK(trk_seal_domain(&key.c, 1, 0, 3, ANY, 3, 4) != d);
	CHECK(trk_seal_domain(&key.c, 1, 0, 2, ANY, 4, 4) != d);
	CHECK(trk_seal_domain(&key.c, 1, 0, 2, ANY, 3, 5) != d);
	CHECK(trk_seal_domain(&key.c, 1, 9, 2, ANY, 3, 4) != d);
	/* Of parents that were born at the same time, too. */
	CHECK(trk_seal_domain(&key.c, 1, 9, 2, ANY, 3, 4) !=
	      trk_seal_domain(&key.c, 1, 10, 2, ANY, 3, 4));
	CHECK(trk_seal_domain(&other.c, 1, 0, 2, ANY, 3, 4) != d);
}

static bool later(u64 a, u64 b)
{
	return (s32)(trk_domain_order(a) - trk_domain_order(b)) > 0;
}

/* Whatever the clock says, a domain is younger than its parent, and of a later attempt younger. */
static void domain__in_order_of_birth(void)
{
	static const u64 times[] = { 0, 1700000000000ULL, (1ULL << 34) - 100, 1ULL << 34 };
	unsigned int i, attempt;
	u64 d, parent, child;

	for (i = 0; i < ARRAY_SIZE(times); i++) {
		parent = trk_seal_domain(&key.c, 1, 0, times[i], ANY, 15, 0);
		for (attempt = 1; attempt <= 15; attempt++) {
			child = trk_seal_domain(&key.c, 1, parent, times[i], ANY, attempt, 50);
			CHECK(later(child, parent));
			if (attempt > 1)
				CHECK(later(child, d));
			d = child;
			/* A replica whose clock is behind. */
			CHECK(later(trk_seal_domain(&key.c, 1, parent, times[i] - 50, ANY, attempt,
						    50), parent));
			d = trk_seal_domain(&key.c, 1, parent, times[i] + 100000, ANY, 1, 50);
			CHECK(later(d, child));
			d = child;
		}
	}
}

/* ---- what is sealed, byte by byte ---- */

static u8 message[1000];
static unsigned int message_len;

static void look(const struct trk_cipher *c, const u8 *data, unsigned int len, u8 out[TRK_MAC_LEN])
{
	memcpy(message, data, len);
	message_len = len;
	memset(out, 0xee, TRK_MAC_LEN);
}

static bool at(unsigned int where, const void *what, unsigned int len)
{
	return where + len <= message_len && !memcmp(message + where, what, len);
}

static bool number_at(unsigned int where, unsigned int len, u64 v)
{
	u8 b[8];

	put_unaligned_be64(v, b);
	return at(where, b + 8 - len, len);
}

/* Protocol.rst, "Sealed things": what each seal is over. */
static void seal__over_the_bytes_of_the_document(void)
{
	const struct trk_cipher c = { .mac = look, .key_id = 9 };
	struct trk_peer p = { .port = 0x1122, .service = 0x3344 };
	struct trk_ucont u = { .start = 5, .end = 6, .flags = 1, .len = 3,
			       .opaque = (const u8 *)"abc" };
	struct trk_cont cont = { .conn = 1, .domain = 2, .time_ms = 3, .base = 4, .seg_size = 700,
				 .domain_key = 8, .iw = 10 };
	u8 blob[TRK_SEALED_UCONT_MAX];
	unsigned int i;

	for (i = 0; i < 16; i++) {
		p.addr[i] = 0x40 + i;
		p.owner[i] = 0x60 + i;
	}
	trk_law_init(&cont.law, 4, 10, TRK_SSTHRESH_INF, 0);
	trk_seal_cont(&c, &p, &cont, blob);
	CHECK_EQ(message_len, 1 + 20 + 16 + 56);
	CHECK(at(0, "C", 1) && at(1, p.addr, 16) && number_at(17, 2, 0x1122) &&
	      number_at(19, 2, 0x3344) && at(21, p.owner, 16) && at(37, blob, 56));
	CHECK_EQ(blob[0], 3);
	CHECK_EQ(blob[1], 9);
	CHECK(number_at(37 + 2, 2, 700) && number_at(37 + 4, 1, 10) && number_at(37 + 5, 1, 8) &&
	      number_at(37 + 6, 6, 3) && number_at(37 + 12, 8, 1) && number_at(37 + 20, 8, 2) &&
	      number_at(37 + 28, 8, 4) && number_at(37 + 36, 8, 4) && number_at(37 + 44, 2, 10) &&
	      at(37 + 46, p.owner, 2) && number_at(37 + 48, 4, 1 << 20) &&
	      number_at(37 + 52, 4, 0));
	CHECK_EQ(trk_seal_ucont(&c, &p, 77, TRK_EXT_INPUT, &u, blob), 39);
	CHECK_EQ(message_len, 1 + 1 + 8 + 2 + 16 + 23);
	CHECK(at(0, "U", 1) && number_at(1, 1, 3) && number_at(2, 8, 77) &&
	      number_at(10, 2, 0x3344) && at(12, p.owner, 16) && at(28, blob, 23));
	CHECK(number_at(28, 8, 5) && number_at(36, 8, 6) && number_at(44, 1, 1) &&
	      number_at(45, 1, 9) && number_at(46, 2, 3) && at(48, "abc", 3));
	CHECK_EQ(trk_seal_cookie(&c, &p, 1000, 7), 0xeeeeeeee);
	CHECK_EQ(message_len, 1 + 20 + 16 + 8 + 8);
	CHECK(at(0, "S", 1) && at(1, p.addr, 16) && at(21, p.owner, 16) &&
	      number_at(37, 8, 1000) && number_at(45, 8, 7));
	trk_seal_conn_id(&c, &p, 1000, 7);
	CHECK_EQ(message_len, 1 + 20 + 16 + 8 + 8);
	CHECK(at(0, "N", 1) && at(1, p.addr, 16) && number_at(37, 8, 1000) && number_at(45, 8, 7));
	CHECK_EQ((u32)trk_seal_domain(&c, 1, 2, 640, ANY, 3, 4), 0xeeeeeeee);
	CHECK_EQ(message_len, 1 + 1 + 8 + 8 + 8 + 8);
	CHECK(at(0, "D", 1) && number_at(1, 1, 3) && number_at(2, 8, 1) && number_at(10, 8, 640) &&
	      number_at(18, 8, 4) && number_at(26, 8, 2));
	CHECK_EQ(trk_seal_domain(&c, 1, 2, 640, ANY, 3, 4) >> 32, 640 / 64 << 4 | 3);
}

static const struct tap_case cases[] = {
	TAP_CASE(mac__rfc4493),
	TAP_CASE(ecb__sp800_38a),
	TAP_CASE(cont__round_trip),
	TAP_CASE(cont__every_flipped_bit_refused),
	TAP_CASE(cont__other_owner_refused),
	TAP_CASE(cont__other_peer_service_or_key_refused),
	TAP_CASE(cont__impossible_contents_refused),
	TAP_CASE(ucont__round_trip),
	TAP_CASE(ucont__impossible_contents_refused),
	TAP_CASE(ucont__every_flipped_bit_refused),
	TAP_CASE(ucont__other_use_refused),
	TAP_CASE(seal__of_one_kind_is_no_other),
	TAP_CASE(cookie__depends_on_everything),
	TAP_CASE(domain__depends_on_everything),
	TAP_CASE(domain__in_order_of_birth),
	TAP_CASE(seal__over_the_bytes_of_the_document),
};

int main(void)
{
	toy_cipher(&key, 1, 1);
	toy_cipher(&other, 1, 2);
	return tap_run(cases, ARRAY_SIZE(cases));
}
