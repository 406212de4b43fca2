/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The two functions of a key (core/cipher.h) in user space, by nettle. */
#ifndef TRKU_CIPHER_H
#define TRKU_CIPHER_H

#include <nettle/aes.h>
#include <nettle/cmac.h>

#include "core/cipher.h"

#define TRKU_SECRET_LEN	32	/* bytes that replicas share */
#define TRKU_KEY_LEN	16	/* AES-128 */

/*
 * A key.  The core gets a pointer to @c, and the functions in it find the other members behind
 * it.  So @c is of use only inside of this struct.
 */
struct trku_cipher {
	struct trk_cipher c;
	struct cmac_aes128_ctx mac;
	struct aes128_ctx ecb;
};

void trku_cipher_init(struct trku_cipher *t, u8 key_id, const u8 mac_key[TRKU_KEY_LEN],
		      const u8 ecb_key[TRKU_KEY_LEN]);
void trku_cipher_derive(struct trku_cipher *t, const u8 secret[TRKU_SECRET_LEN]);

#endif /* TRKU_CIPHER_H */
