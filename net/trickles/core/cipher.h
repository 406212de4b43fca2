/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The functions of a key, which the core needs and whoever calls it supplies. */
#ifndef TRK_CORE_CIPHER_H
#define TRK_CORE_CIPHER_H

#include "types.h"
#include "wire.h"

#define TRK_BLOCK	16

/**
 * struct trk_cipher - the functions of one key, supplied by the caller
 * @mac: AES-CMAC (RFC 4493) of @len bytes under the sealing key
 * @ecb: AES of @n blocks in place, each for itself, under the nonce key
 * @key_id: the key's id, which stands in every continuation that it seals
 *
 * Both functions must work in any context that the core is called from; they cannot fail.
 */
struct trk_cipher {
	void (*mac)(const struct trk_cipher *c, const u8 *data, unsigned int len,
		    u8 out[TRK_MAC_LEN]);
	void (*ecb)(const struct trk_cipher *c, u8 *blocks, unsigned int n);
	u8 key_id;
};

#endif /* TRK_CORE_CIPHER_H */
