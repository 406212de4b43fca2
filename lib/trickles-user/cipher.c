// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "cipher.h"

static void cipher_mac(const struct trk_cipher *c, const u8 *data, unsigned int len,
		       u8 out[TRK_MAC_LEN])
{
	struct cmac_aes128_ctx mac = ((const struct trku_cipher *)c)->mac;

	cmac_aes128_update(&mac, len, data);
	cmac_aes128_digest(&mac, TRK_MAC_LEN, out);
}

static void cipher_ecb(const struct trk_cipher *c, u8 *blocks, unsigned int n)
{
	aes128_encrypt(&((const struct trku_cipher *)c)->ecb, n * TRK_BLOCK, blocks, blocks);
}

/**
 * trku_cipher_init - set up the two functions of a key
 * @t: the cipher to set up
 * @key_id: its key id
 * @mac_key: the sealing key
 * @ecb_key: the nonce key
 */
void trku_cipher_init(struct trku_cipher *t, u8 key_id, const u8 mac_key[TRKU_KEY_LEN],
		      const u8 ecb_key[TRKU_KEY_LEN])
{
	t->c.mac = cipher_mac;
	t->c.ecb = cipher_ecb;
	t->c.key_id = key_id;
	cmac_aes128_set_key(&t->mac, mac_key);
	aes128_set_encrypt_key(&t->ecb, ecb_key);
}

/* Makes one key: the first block of the counter mode of NIST SP 800-108 (5.1), with CMAC. */
static void derive(const struct cmac_aes256_ctx *kdf, const char *label, u8 out[TRKU_KEY_LEN])
{
	static const u8 counter[4] = { 0, 0, 0, 1 }, bits[4] = { 0, 0, 0, TRKU_KEY_LEN * 8 };
	struct cmac_aes256_ctx ctx = *kdf;

	cmac_aes256_update(&ctx, sizeof(counter), counter);
	/* The zero that ends the label is the separator that the standard asks for. */
	cmac_aes256_update(&ctx, strlen(label) + 1, (const u8 *)label);
	cmac_aes256_update(&ctx, sizeof(bits), bits);
	cmac_aes256_digest(&ctx, TRKU_KEY_LEN, out);
}

/**
 * trku_cipher_derive - set up the two functions of the key that is made from a secret
 * @t: the cipher to set up
 * @secret: what replicas share, be they in the kernel or in user space
 *
 * How a key is made from a secret: Documentation/protocol.rst, "Sealed things".
 */
void trku_cipher_derive(struct trku_cipher *t, const u8 secret[TRKU_SECRET_LEN])
{
	u8 mac[TRKU_KEY_LEN], ecb[TRKU_KEY_LEN], id[TRKU_KEY_LEN];
	struct cmac_aes256_ctx kdf;

	cmac_aes256_set_key(&kdf, secret);
	derive(&kdf, "trickles seal", mac);
	derive(&kdf, "trickles nonce", ecb);
	derive(&kdf, "trickles key id", id);
	trku_cipher_init(t, id[0], mac, ecb);
}
