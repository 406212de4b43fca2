// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The nonces of packets, which nobody can guess, and the proof that the packets arrived: the xor
 * of their nonces (paper §2.2).  Rules: protocol.rst, "Nonces and proofs".
 */
#include "nonce.h"

/*
 * r_x = AES_K(AES_K(conn | domain) xor (x | sequence)): a CBC-MAC over messages
 * of one length, hence a PRF.  The inner block is the same for all numbers of a domain.
 */
static void nonce_base(const struct trk_cipher *c, u64 conn, u64 domain, u8 out[TRK_BLOCK])
{
	put_unaligned_be64(conn, out);
	put_unaligned_be64(domain, out + 8);
	c->ecb(c, out, 1);
}

static void nonce_block(const u8 base[TRK_BLOCK], u64 x, bool nogrowth, u8 out[TRK_BLOCK])
{
	unsigned int i;

	put_unaligned_be64(x, out);
	memset(out + 8, 0, 8);
	out[8] = nogrowth;
	for (i = 0; i < TRK_BLOCK; i++)
		out[i] ^= base[i];
}

/**
 * trk_nonce_fill - nonces of consecutive packets: p_i = r_i xor r_(i+1)
 * @c: cipher of the key of the domain's birth
 * @conn: connection id
 * @domain: domain of the numbers
 * @first: first number
 * @n: how many; never more than TRK_NONCE_BATCH are made
 * @nogrowth: take the no-growth sequence
 * @out: @n nonces
 */
void trk_nonce_fill(const struct trk_cipher *c, u64 conn, u64 domain, u64 first, unsigned int n,
		    bool nogrowth, u64 *out)
{
	u8 base[TRK_BLOCK], r[(TRK_NONCE_BATCH + 1) * TRK_BLOCK];
	unsigned int i;

	n = min_t(unsigned int, n, TRK_NONCE_BATCH);
	nonce_base(c, conn, domain, base);
	for (i = 0; i <= n; i++)
		nonce_block(base, first + i, nogrowth, r + i * TRK_BLOCK);
	c->ecb(c, r, n + 1);
	for (i = 0; i < n; i++)
		out[i] = get_unaligned_be64(r + i * TRK_BLOCK) ^
			 get_unaligned_be64(r + (i + 1) * TRK_BLOCK);
}

/**
 * trk_nonce_span - xor of the nonces of [first, last]: r_first xor r_(last+1)
 * @c: cipher of the key of the domain's birth
 * @conn: connection id
 * @domain: domain of the numbers
 * @first: first number
 * @last: last number
 * @nogrowth: take the no-growth sequence
 *
 * Return: the xor.
 */
u64 trk_nonce_span(const struct trk_cipher *c, u64 conn, u64 domain, u64 first, u64 last,
		   bool nogrowth)
{
	u8 base[TRK_BLOCK], r[2 * TRK_BLOCK];

	nonce_base(c, conn, domain, base);
	nonce_block(base, first, nogrowth, r);
	nonce_block(base, last + 1, nogrowth, r + TRK_BLOCK);
	c->ecb(c, r, 2);
	return get_unaligned_be64(r) ^ get_unaligned_be64(r + TRK_BLOCK);
}

/* The bounds of received runs, gathered so that AES works on several blocks at once. */
struct proof {
	const struct trk_cipher *c;
	u8 base[TRK_BLOCK];
	u8 r[8 * TRK_BLOCK];
	unsigned int n;
	u64 sum;
};

static void proof_flush(struct proof *p)
{
	unsigned int i;

	if (!p->n)
		return;
	p->c->ecb(p->c, p->r, p->n);
	for (i = 0; i < p->n; i++)
		p->sum ^= get_unaligned_be64(p->r + i * TRK_BLOCK);
	p->n = 0;
}

static void proof_run(struct proof *p, u64 a, u64 b, bool nogrowth)
{
	if (a > b)
		return;
	nonce_block(p->base, a, nogrowth, p->r + p->n++ * TRK_BLOCK);
	nonce_block(p->base, b + 1, nogrowth, p->r + p->n++ * TRK_BLOCK);
	if (p->n == sizeof(p->r) / TRK_BLOCK)
		proof_flush(p);
}

/**
 * trk_nonce_proof - the SACK proof that a client must show for its claims (paper §2.2)
 * @c: cipher of the key of the domain's birth
 * @conn: connection id
 * @domain: domain of the numbers
 * @base: base of the proof
 * @claims: checked claims
 *
 * It costs two AES blocks for each received run.
 *
 * Return: xor of the nonces of all numbers of (base, n] that the claims call received.
 */
u64 trk_nonce_proof(const struct trk_cipher *c, u64 conn, u64 domain, u64 base,
		    const struct trk_claims *claims)
{
	struct proof p = { .c = c };
	u64 at = base + 1;
	unsigned int i;

	nonce_base(c, conn, domain, p.base);
	for (i = 0; i < claims->count; i++) {
		const struct trk_claim *cl = &claims->c[i];

		proof_run(&p, at, cl->a - 1, false);
		if (cl->kind == TRK_CLAIM_NOGROWTH)
			proof_run(&p, cl->a, cl->b, true);
		at = cl->b + 1;
	}
	proof_run(&p, at, claims->n, false);
	proof_flush(&p);
	return p.sum;
}
