/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The keyed functions that the core computes with, and does not have itself. */
#ifndef TRK_CORE_CIPHER_H
#define TRK_CORE_CIPHER_H

#include "types.h"
#include "wire.h"

#define TRK_BLOCK	16

/**
 * struct trk_cipher - the keyed functions of one key epoch, supplied by the caller
 * @mac: AES-CMAC (RFC 4493) of @len bytes under the sealing key
 * @ecb: AES of @n blocks in place, each for itself, under the nonce key
 * @key_id: number of the epoch, sealed into what it seals
 *
 * Both must work in any context that the core is called from; they cannot fail.
 */
struct trk_cipher {
	void (*mac)(const struct trk_cipher *c, const u8 *data, unsigned int len,
		    u8 out[TRK_MAC_LEN]);
	void (*ecb)(const struct trk_cipher *c, u8 *blocks, unsigned int n);
	u8 key_id;
};

#endif /* TRK_CORE_CIPHER_H */
