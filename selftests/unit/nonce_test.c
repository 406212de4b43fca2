// SPDX-License-Identifier: GPL-2.0
/* Nonces as protocol.rst has them, made with a cipher that can be computed by hand. */
#include "core/nonce.h"
#include "tap.h"

#define CONN	0x0102030405060708ULL
#define DOMAIN	0x1112131415161718ULL

static unsigned int blocks, calls;

/* No cipher, but each byte of a block depends on that byte and its place, not on other blocks. */
static void encrypt(const struct trk_cipher *c, u8 *at, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n * TRK_BLOCK; i++)
		at[i] = (u8)(at[i] * 5 + 3 * (i % TRK_BLOCK) + (i % TRK_BLOCK < 8 ?
			     at[i - i % TRK_BLOCK + 8] : 0) + 1);
	blocks += n;
	calls++;
}

static const struct trk_cipher cipher = { .ecb = encrypt };

/* r(x): the first 8 bytes of AES(AES(connection id, domain) xor (x, s)). */
static u64 r(u64 x, u8 s)
{
	u8 base[TRK_BLOCK], block[TRK_BLOCK] = { [8] = s };
	unsigned int i;

	put_unaligned_be64(CONN, base);
	put_unaligned_be64(DOMAIN, base + 8);
	encrypt(&cipher, base, 1);
	put_unaligned_be64(x, block);
	for (i = 0; i < TRK_BLOCK; i++)
		block[i] ^= base[i];
	encrypt(&cipher, block, 1);
	return get_unaligned_be64(block);
}

static void nonce__of_the_document(void)
{
	u64 fill[TRK_NONCE_BATCH + 1] = { 0 };
	unsigned int i, s;

	for (s = 0; s < 2; s++) {
		CHECK(trk_nonce_span(&cipher, CONN, DOMAIN, 7, 7, s) == (r(7, s) ^ r(8, s)));
		CHECK(trk_nonce_span(&cipher, CONN, DOMAIN, 7, 9, s) == (r(7, s) ^ r(10, s)));
		trk_nonce_fill(&cipher, CONN, DOMAIN, 255, 5, s, fill);
		for (i = 0; i < 5; i++)
			CHECK(fill[i] == (r(255 + i, s) ^ r(256 + i, s)));
		CHECK(!fill[5]);
		/* Of more than a batch only a batch is made. */
		trk_nonce_fill(&cipher, CONN, DOMAIN, 1, 1000, s, fill);
		CHECK(fill[31] == (r(32, s) ^ r(33, s)));
		CHECK(!fill[32]);
		memset(fill, 0, sizeof(fill));
	}
}

static void proof__of_the_document(void)
{
	struct trk_claims c = { .n = 30, .count = 3,
				.c = { { 3, 4, TRK_CLAIM_LOST }, { 5, 9, TRK_CLAIM_NOGROWTH },
				       { 20, 25, TRK_CLAIM_LOST } } };

	CHECK(trk_nonce_proof(&cipher, CONN, DOMAIN, 0, &c) ==
	      (r(1, 0) ^ r(3, 0) ^ r(5, 1) ^ r(10, 1) ^ r(10, 0) ^ r(20, 0) ^ r(26, 0) ^ r(31, 0)));
	c.count = 0;
	CHECK(trk_nonce_proof(&cipher, CONN, DOMAIN, 10, &c) == (r(11, 0) ^ r(31, 0)));
}

/* Two blocks a run, and one: what a server spends on a request is bounded by its claims. */
static void nonce__blocks(void)
{
	struct trk_claims c = { .n = 1000 };
	u64 fill[TRK_NONCE_BATCH];
	unsigned int i;

	blocks = 0;
	trk_nonce_span(&cipher, CONN, DOMAIN, 7, 1000000, false);
	CHECK_EQ(blocks, 3);
	blocks = 0;
	trk_nonce_fill(&cipher, CONN, DOMAIN, 7, 4, false, fill);
	CHECK_EQ(blocks, 1 + 5);
	for (i = 0; i <= TRK_MAX_CLAIMS; i++) {
		c.count = i;
		blocks = 0;
		calls = 0;
		trk_nonce_proof(&cipher, CONN, DOMAIN, 0, &c);
		CHECK_EQ(blocks, 1 + 2 * (i + 1));
		/* Several at once: a cipher that is pipelined is quicker so. */
		CHECK_EQ(calls, 1 + (2 * (i + 1) + 7) / 8);
		if (i < TRK_MAX_CLAIMS)
			c.c[i] = (struct trk_claim){ 10 * i + 5, 10 * i + 5, TRK_CLAIM_LOST };
	}
}

static const struct tap_case cases[] = {
	TAP_CASE(nonce__of_the_document),
	TAP_CASE(proof__of_the_document),
	TAP_CASE(nonce__blocks),
};

TAP_MAIN(cases)
