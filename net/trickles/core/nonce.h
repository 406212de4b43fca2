/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The nonces of packets, and the proof that they arrived (paper §2.2). */
#ifndef TRK_CORE_NONCE_H
#define TRK_CORE_NONCE_H

#include "cipher.h"
#include "law.h"

/* No more numbers than this in one call of trk_nonce_fill(). */
#define TRK_NONCE_BATCH	32

void trk_nonce_fill(const struct trk_cipher *c, u64 conn, u64 domain, u64 first, unsigned int n,
		    bool nogrowth, u64 *out);
u64 trk_nonce_span(const struct trk_cipher *c, u64 conn, u64 domain, u64 first, u64 last,
		   bool nogrowth);
u64 trk_nonce_proof(const struct trk_cipher *c, u64 conn, u64 domain, u64 base,
		    const struct trk_claims *claims);

#endif /* TRK_CORE_NONCE_H */
