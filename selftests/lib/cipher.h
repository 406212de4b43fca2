/* SPDX-License-Identifier: GPL-2.0 */
/* struct trk_cipher in user space, by nettle. */
#ifndef TRK_TEST_CIPHER_H
#define TRK_TEST_CIPHER_H

#include <nettle/aes.h>
#include <nettle/cmac.h>

#include "core/seal.h"

struct test_cipher {
	struct trk_cipher c;
	struct cmac_aes128_ctx mac;
	struct aes128_ctx ecb;
};

void test_cipher_init(struct test_cipher *t, u8 key_id, const u8 mac_key[16], const u8 ecb_key[16]);

/* Both keys made from a number: an epoch of a test. */
void test_cipher_epoch(struct test_cipher *t, u8 key_id, u64 secret);

#endif /* TRK_TEST_CIPHER_H */
