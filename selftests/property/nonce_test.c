// SPDX-License-Identifier: GPL-2.0
/*
 * The proof of any claims, which is computed from two values for each run, is the xor of the
 * nonces of all numbers that they call received.  Whoever lacks one of these nonces cannot make
 * the proof from others that he has (paper §2.2).
 */
#include "trickles-user/cipher.h"
#include "core/nonce.h"
#include "core/reason.h"
#include "core/seal.h"
#include "sim/rng.h"
#include "tap.h"
#include "sim/toykeys.h"

static struct trku_cipher key;

/* The nonce of number @x, of the growth or of the no-growth sequence. */
static u64 nonce(u64 conn, u64 domain, u64 x, bool nogrowth)
{
	u64 v;

	trk_nonce_fill(&key.c, conn, domain, x, 1, nogrowth, &v);
	return v;
}

static void random_claims(struct rng *r, u64 base, unsigned int span, struct trk_claims *c)
{
	u64 at = base;

	memset(c, 0, sizeof(*c));
	c->n = base + rng_in(r, 1, span);
	while (c->count < TRK_MAX_CLAIMS && rng_below(r, 5)) {
		struct trk_claim *cl = &c->c[c->count];

		cl->kind = rng_below(r, 2);
		cl->a = at + 1 + rng_below(r, 4) + (cl->kind == TRK_CLAIM_LOST);
		cl->b = cl->a + rng_below(r, 4);
		if (cl->b > c->n || (cl->kind == TRK_CLAIM_LOST && cl->b == c->n))
			break;
		at = cl->b;
		c->count++;
	}
}

static int claim_at(const struct trk_claims *c, u64 x)
{
	unsigned int i;

	for (i = 0; i < c->count; i++)
		if (c->c[i].a <= x && x <= c->c[i].b)
			return c->c[i].kind;
	return -1;
}

static void nonces__batches_agree(void)
{
	struct rng r = { 1 };
	unsigned int i, k;

	for (i = 0; i < 2000; i++) {
		u64 conn = rng_u64(&r), domain = rng_u64(&r),
		    first = rng_u64(&r) >> rng_below(&r, 60);
		unsigned int n = rng_in(&r, 1, TRK_NONCE_BATCH);
		bool nogrowth = rng_below(&r, 2);
		u64 out[TRK_NONCE_BATCH], sum = 0;

		trk_nonce_fill(&key.c, conn, domain, first, n, nogrowth, out);
		for (k = 0; k < n; k++) {
			CHECK(out[k] == nonce(conn, domain, first + k, nogrowth));
			CHECK(out[k] != nonce(conn, domain, first + k, !nogrowth));
			sum ^= out[k];
		}
		CHECK(sum == trk_nonce_span(&key.c, conn, domain, first, first + n - 1, nogrowth));
	}
}

static void nonces__bound_to_connection_and_domain(void)
{
	struct rng r = { 2 };
	unsigned int i;

	for (i = 0; i < 2000; i++) {
		u64 conn = rng_u64(&r), domain = rng_u64(&r), x = rng_u64(&r),
		    bit = 1ULL << rng_below(&r, 64);

		CHECK(nonce(conn, domain, x, false) != nonce(conn ^ bit, domain, x, false));
		CHECK(nonce(conn, domain, x, false) != nonce(conn, domain ^ bit, x, false));
		CHECK(nonce(conn, domain, x, false) != nonce(conn, domain, x ^ bit, false));
		CHECK(nonce(conn, domain, x, false) != nonce(domain, conn, x, false));
	}
}

static void proof__is_the_sum_of_what_arrived(void)
{
	struct rng r = { 3 };
	unsigned int i;

	for (i = 0; i < 20000; i++) {
		u64 conn = rng_u64(&r), domain = rng_u64(&r),
		    base = rng_u64(&r) >> rng_in(&r, 1, 60), sum = 0, x;
		struct trk_claims c;

		random_claims(&r, base, 80, &c);
		CHECK_EQ(trk_law_claims_check(&c, base), TRK_OK);
		for (x = base + 1; x <= c.n; x++)
			if (claim_at(&c, x) != TRK_CLAIM_LOST)
				sum ^= nonce(conn, domain, x,
					     claim_at(&c, x) == TRK_CLAIM_NOGROWTH);
		CHECK(sum == trk_nonce_proof(&key.c, conn, domain, base, &c));
	}
}

/* Can some subset of these 64-bit words xor to the target? */
static bool spans(const u64 *v, unsigned int n, u64 target)
{
	u64 basis[64] = { 0 };
	unsigned int i;
	int bit;

	for (i = 0; i < n; i++) {
		u64 w = v[i];

		for (bit = 63; bit >= 0 && w; bit--) {
			if (!(w >> bit & 1))
				continue;
			if (!basis[bit]) {
				basis[bit] = w;
				w = 0;
			} else {
				w ^= basis[bit];
			}
		}
	}
	for (bit = 63; bit >= 0; bit--)
		if (target >> bit & 1)
			target ^= basis[bit];
	return !target;
}

/*
 * A client has received some numbers, each with one of its two nonces, and claims something
 * else: more than it has, or growth for what came without.  The xors of up to 24 words are few
 * among the 2^64 values, so no proof is hit by chance.
 */
static void proof__not_from_other_nonces(void)
{
	struct rng r = { 4 };
	unsigned int i, forged = 0, honest = 0;

	for (i = 0; i < 300000; i++) {
		u64 have[24], base = rng_below(&r, 1000), x;
		unsigned int n = 0;
		struct trk_claims c;
		bool lie = false;

		random_claims(&r, base, 20, &c);
		for (x = base + 1; x <= base + 22; x++) {
			bool got = x <= c.n ? claim_at(&c, x) != TRK_CLAIM_LOST : rng_below(&r, 2);
			bool nogrowth = x <= c.n ? claim_at(&c, x) == TRK_CLAIM_NOGROWTH :
						   rng_below(&r, 2);

			if (x <= c.n && rng_below(&r, 12) == 0) {
				lie |= got;
				if (got && rng_below(&r, 2))
					nogrowth = !nogrowth;
				else
					got = !got;
			}
			if (got)
				have[n++] = nonce(7, 9, x, nogrowth);
		}
		if (spans(have, n, trk_nonce_proof(&key.c, 7, 9, base, &c))) {
			forged += lie;
			honest += !lie;
		} else {
			CHECK(lie);
		}
	}
	CHECK(honest > 1000);
	CHECK_EQ(forged, 0);
}

/* Numbers of the same connection in an earlier domain prove nothing. */
static void proof__not_from_an_earlier_domain(void)
{
	struct trk_claims c = { .n = 20 };
	u64 have[40];
	unsigned int i;

	for (i = 0; i < 20; i++) {
		have[i] = nonce(7, 9, i + 1, false);
		have[20 + i] = nonce(7, 9, i + 1, true);
	}
	CHECK(spans(have, 40, trk_nonce_proof(&key.c, 7, 9, 0, &c)));
	CHECK(!spans(have, 40, trk_nonce_proof(&key.c, 7, 10, 0, &c)));
	CHECK(!spans(have, 40, trk_nonce_proof(&key.c, 8, 9, 0, &c)));
}

static const struct tap_case cases[] = {
	TAP_CASE(nonces__batches_agree),
	TAP_CASE(nonces__bound_to_connection_and_domain),
	TAP_CASE(proof__is_the_sum_of_what_arrived),
	TAP_CASE(proof__not_from_other_nonces),
	TAP_CASE(proof__not_from_an_earlier_domain),
};

int main(void)
{
	toy_cipher(&key, 1, 42);
	return tap_run(cases, ARRAY_SIZE(cases));
}
