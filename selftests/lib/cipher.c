// SPDX-License-Identifier: GPL-2.0
#include "cipher.h"

static void cipher_mac(const struct trk_cipher *c, const u8 *data, unsigned int len,
		       u8 out[TRK_MAC_LEN])
{
	struct cmac_aes128_ctx mac = ((const struct test_cipher *)c)->mac;

	cmac_aes128_update(&mac, len, data);
	cmac_aes128_digest(&mac, TRK_MAC_LEN, out);
}

static void cipher_ecb(const struct trk_cipher *c, u8 *blocks, unsigned int n)
{
	aes128_encrypt(&((const struct test_cipher *)c)->ecb, n * TRK_BLOCK, blocks, blocks);
}

void test_cipher_init(struct test_cipher *t, u8 key_id, const u8 mac_key[16], const u8 ecb_key[16])
{
	t->c.mac = cipher_mac;
	t->c.ecb = cipher_ecb;
	t->c.key_id = key_id;
	cmac_aes128_set_key(&t->mac, mac_key);
	aes128_set_encrypt_key(&t->ecb, ecb_key);
}

void test_cipher_epoch(struct test_cipher *t, u8 key_id, u64 secret)
{
	u8 key[2][16] = { { 1 }, { 2 } };

	put_unaligned_be64(secret, key[0] + 8);
	put_unaligned_be64(secret, key[1] + 8);
	test_cipher_init(t, key_id, key[0], key[1]);
}
