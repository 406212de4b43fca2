/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the targets share: a way to read the fuzzer's bytes as numbers, a check that counts as a
 * crash, and a cipher.  The cipher is quick, and the targets make right seals and proofs with it,
 * so that the fuzzer reaches the code behind their checks.
 */
#ifndef TRK_TEST_FUZZ_H
#define TRK_TEST_FUZZ_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/seal.h"

/* The Makefile renames this to the function that libFuzzer calls. */
int fuzz_target(const uint8_t *data, size_t size);

#define MUST(cond)								\
	do {									\
		if (!(cond)) {							\
			fprintf(stderr, "%s:%d: not true: %s\n", __FILE__,	\
				__LINE__, #cond);				\
			abort();						\
		}								\
	} while (0)

/* The bytes that were not used yet; behind them, zeros are read. */
struct bytes {
	const u8 *p;
	size_t left;
};

static inline u64 take(struct bytes *b, unsigned int n)
{
	u64 v = 0;

	while (n--) {
		v <<= 8;
		if (!b->left)
			continue;
		v |= *b->p++;
		b->left--;
	}
	return v;
}

/* A number from a to c, both included. */
static inline u64 take_in(struct bytes *b, u64 a, u64 c)
{
	u64 n = c - a + 1;

	return a + take(b, n <= 1 << 8 ? 1 : n <= 1 << 16 ? 2 : n <= 1ULL << 32 ? 4 : 8) % n;
}

/* A number up to 2^bits - 1, whose number of bits is chosen first, so that many are small. */
static inline u64 take_any(struct bytes *b, unsigned int bits)
{
	unsigned int n = take(b, 1) % (bits + 1);

	return n ? take(b, (n + 7) / 8) & ~0ULL >> (64 - n) : 0;
}

static inline u64 fuzz_mix(u64 x)
{
	x = (x ^ x >> 32) * 0x9e3779b97f4a7c15ULL;
	return x ^ x >> 29;
}

static inline void fuzz_mac(const struct trk_cipher *c, const u8 *data, unsigned int len,
			    u8 out[TRK_MAC_LEN])
{
	u64 h = len + c->key_id;

	for (; len >= 8; len -= 8, data += 8)
		h = fuzz_mix(h ^ get_unaligned_be64(data));
	while (len--)
		h = fuzz_mix(h ^ *data++);
	put_unaligned_be64(h, out);
	put_unaligned_be64(fuzz_mix(h + 1), out + 8);
}

static inline void fuzz_ecb(const struct trk_cipher *c, u8 *blocks, unsigned int n)
{
	for (; n--; blocks += TRK_BLOCK) {
		u64 a = get_unaligned_be64(blocks), b = get_unaligned_be64(blocks + 8);

		a = fuzz_mix(a + fuzz_mix(b + c->key_id));
		put_unaligned_be64(a, blocks);
		put_unaligned_be64(fuzz_mix(a ^ b), blocks + 8);
	}
}

#define FUZZ_CIPHER(id) { .mac = fuzz_mac, .ecb = fuzz_ecb, .key_id = (id) }

#endif /* TRK_TEST_FUZZ_H */
