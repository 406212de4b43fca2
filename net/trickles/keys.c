// SPDX-License-Identifier: GPL-2.0
/*
 * The keys of a namespace.  One secret, which replicas share, makes the key of
 * the seals, the key of the nonces and the number by which both are known.
 */
#include <crypto/hash.h>
#include <crypto/skcipher.h>
#include <linux/random.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>

#include "trickles.h"

#define KEY_LEN		16		/* AES-128 */
#define SCRATCH_BLOCKS	64

/**
 * struct epoch - the functions of one key epoch
 * @cipher: what the core sees of it
 * @refs: one of the set that it is in, one for each trk_keys_hold()
 * @mac: AES-CMAC under the sealing key
 * @ecb: AES under the nonce key
 * @secret: to notice when the same one is set again
 */
struct epoch {
	struct trk_cipher cipher;
	refcount_t refs;
	struct crypto_shash *mac;
	struct crypto_sync_skcipher *ecb;
	u8 secret[TRK_SECRET_LEN];
};

/* The epochs that a namespace holds: @prev opens what it sealed, and seals no more. */
struct trk_keys {
	struct epoch *cur;
	struct epoch *prev;
};

/* Blocks on their way through a cipher: scatterlists take neither stack nor module memory. */
static DEFINE_PER_CPU(u8 *, scratch);

static struct epoch *epoch_of(const struct trk_cipher *cipher)
{
	return container_of(cipher, struct epoch, cipher);
}

/*
 * The core takes for granted that these don't fail, and with keys set there is
 * no way for it.  Should it happen, nothing that anyone can guess comes out.
 */
static void epoch_mac(const struct trk_cipher *cipher, const u8 *data, unsigned int len,
		      u8 out[TRK_MAC_LEN])
{
	struct epoch *epoch = epoch_of(cipher);
	int err;

	SHASH_DESC_ON_STACK(desc, epoch->mac);

	desc->tfm = epoch->mac;
	err = crypto_shash_digest(desc, data, len, out);
	if (WARN_ON_ONCE(err))
		get_random_bytes(out, TRK_MAC_LEN);
}

static void epoch_ecb(const struct trk_cipher *cipher, u8 *blocks, unsigned int n)
{
	struct epoch *epoch = epoch_of(cipher);
	struct scatterlist sg;

	SYNC_SKCIPHER_REQUEST_ON_STACK(req, epoch->ecb);

	skcipher_request_set_sync_tfm(req, epoch->ecb);
	skcipher_request_set_callback(req, 0, NULL, NULL);
	while (n) {
		unsigned int part = min_t(unsigned int, n, SCRATCH_BLOCKS);
		unsigned int len = part * TRK_BLOCK;
		u8 *buf;
		int err;

		local_bh_disable();
		buf = this_cpu_read(scratch);
		memcpy(buf, blocks, len);
		sg_init_one(&sg, buf, len);
		skcipher_request_set_crypt(req, &sg, &sg, len, NULL);
		err = crypto_skcipher_encrypt(req);
		memcpy(blocks, buf, len);
		local_bh_enable();
		if (WARN_ON_ONCE(err))
			get_random_bytes(blocks, len);
		blocks += len;
		n -= part;
	}
	skcipher_request_zero(req);
}

/* One block of the counter mode of NIST SP 800-108 (5.1), with AES-CMAC. */
static int derive(struct crypto_shash *kdf, const char *label, u8 out[KEY_LEN])
{
	static const u8 counter[4] = { 0, 0, 0, 1 };
	static const u8 bits[4] = { 0, 0, 0, KEY_LEN * 8 };
	int err;

	SHASH_DESC_ON_STACK(desc, kdf);

	desc->tfm = kdf;
	err = crypto_shash_init(desc);
	if (!err)
		err = crypto_shash_update(desc, counter, sizeof(counter));
	if (!err)	/* the label's end is the separator that the standard asks for */
		err = crypto_shash_update(desc, label, strlen(label) + 1);
	if (!err)
		err = crypto_shash_finup(desc, bits, sizeof(bits), out);
	shash_desc_zero(desc);
	return err;
}

static void epoch_free(struct epoch *epoch)
{
	crypto_free_shash(epoch->mac);
	crypto_free_sync_skcipher(epoch->ecb);
	kfree_sensitive(epoch);
}

static void epoch_put(struct epoch *epoch)
{
	if (epoch && refcount_dec_and_test(&epoch->refs))
		epoch_free(epoch);
}

static int epoch_set_up(struct epoch *epoch, struct crypto_shash *kdf)
{
	u8 sub[KEY_LEN];
	int err;

	err = crypto_shash_setkey(kdf, epoch->secret, TRK_SECRET_LEN);
	if (!err)
		err = derive(kdf, "trickles seal", sub);
	if (!err)
		err = crypto_shash_setkey(epoch->mac, sub, KEY_LEN);
	if (!err)
		err = derive(kdf, "trickles nonce", sub);
	if (!err)
		err = crypto_sync_skcipher_setkey(epoch->ecb, sub, KEY_LEN);
	if (!err)
		err = derive(kdf, "trickles key id", sub);
	if (!err)
		epoch->cipher.key_id = sub[0];
	memzero_explicit(sub, sizeof(sub));
	return err;
}

static struct epoch *epoch_alloc(const u8 secret[TRK_SECRET_LEN])
{
	struct crypto_shash *kdf;
	struct epoch *epoch;
	int err;

	epoch = kzalloc(sizeof(*epoch), GFP_KERNEL);
	if (!epoch)
		return ERR_PTR(-ENOMEM);
	refcount_set(&epoch->refs, 1);
	epoch->cipher.mac = epoch_mac;
	epoch->cipher.ecb = epoch_ecb;
	memcpy(epoch->secret, secret, TRK_SECRET_LEN);

	kdf = crypto_alloc_shash("cmac(aes)", 0, 0);
	if (IS_ERR(kdf)) {
		err = PTR_ERR(kdf);
		goto free;
	}
	epoch->mac = crypto_alloc_shash("cmac(aes)", 0, 0);
	if (IS_ERR(epoch->mac)) {
		err = PTR_ERR(epoch->mac);
		goto free_kdf;
	}
	epoch->ecb = crypto_alloc_sync_skcipher("ecb(aes)", 0, 0);
	if (IS_ERR(epoch->ecb)) {
		err = PTR_ERR(epoch->ecb);
		goto free_mac;
	}
	err = epoch_set_up(epoch, kdf);
	crypto_free_shash(kdf);
	if (!err)
		return epoch;
	epoch_free(epoch);
	return ERR_PTR(err);

free_mac:
	crypto_free_shash(epoch->mac);
free_kdf:
	crypto_free_shash(kdf);
free:
	kfree_sensitive(epoch);
	return ERR_PTR(err);
}

/**
 * trk_keys_current - the epoch that seals
 * @tn: namespace
 *
 * Context: any, under rcu_read_lock().
 */
const struct trk_cipher *trk_keys_current(struct trk_net *tn)
{
	return &rcu_dereference(tn->keys)->cur->cipher;
}

/**
 * trk_keys_previous - the epoch that sealed before
 * @tn: namespace
 *
 * Context: any, under rcu_read_lock().
 * Return: NULL if there is none.
 */
const struct trk_cipher *trk_keys_previous(struct trk_net *tn)
{
	const struct trk_keys *keys = rcu_dereference(tn->keys);

	return keys->prev ? &keys->prev->cipher : NULL;
}

/**
 * trk_keys_find - an epoch by its number
 * @tn: namespace; void, for the core calls it back
 * @key_id: number
 *
 * Should two secrets have the same number, the newer one is meant.
 *
 * Context: any, under rcu_read_lock().
 * Return: NULL if it is not held.
 */
const struct trk_cipher *trk_keys_find(void *tn, u8 key_id)
{
	struct trk_keys *keys = rcu_dereference(((struct trk_net *)tn)->keys);

	if (keys->cur->cipher.key_id == key_id)
		return &keys->cur->cipher;
	if (keys->prev && keys->prev->cipher.key_id == key_id)
		return &keys->prev->cipher;
	return NULL;
}

/**
 * trk_keys_hold - keep a cipher beyond rcu_read_unlock()
 * @cipher: from trk_keys_current() or trk_keys_find(), or NULL
 *
 * Context: any, under rcu_read_lock().
 * Return: false if it is NULL or about to go.
 */
bool trk_keys_hold(const struct trk_cipher *cipher)
{
	return cipher && refcount_inc_not_zero(&epoch_of(cipher)->refs);
}

/**
 * trk_keys_release - undo trk_keys_hold()
 * @cipher: the cipher
 *
 * Context: may sleep.
 */
void trk_keys_release(const struct trk_cipher *cipher)
{
	epoch_put(epoch_of(cipher));
}

/**
 * trk_keys_ids - numbers of the epochs held
 * @tn: namespace
 * @ids: the current one first
 *
 * Return: how many.
 */
int trk_keys_ids(struct trk_net *tn, u8 ids[2])
{
	const struct trk_keys *keys;
	int n = 1;

	rcu_read_lock();
	keys = rcu_dereference(tn->keys);
	ids[0] = keys->cur->cipher.key_id;
	if (keys->prev)
		ids[n++] = keys->prev->cipher.key_id;
	rcu_read_unlock();
	return n;
}

/**
 * trk_keys_set - begin a new epoch
 * @tn: namespace
 * @secret: the secret; setting the current one again changes nothing
 *
 * The epoch so far becomes the previous one, and the one before it is forgotten.
 *
 * Context: may sleep.
 * Return: 0 or a negative errno.
 */
int trk_keys_set(struct trk_net *tn, const u8 secret[TRK_SECRET_LEN])
{
	struct trk_keys *keys, *old;
	int err;

	keys = kzalloc(sizeof(*keys), GFP_KERNEL);
	if (!keys)
		return -ENOMEM;
	mutex_lock(&tn->keys_lock);
	old = rcu_dereference_protected(tn->keys, lockdep_is_held(&tn->keys_lock));
	if (old && !crypto_memneq(old->cur->secret, secret, TRK_SECRET_LEN)) {
		err = 0;
		goto unchanged;
	}
	keys->cur = epoch_alloc(secret);
	if (IS_ERR(keys->cur)) {
		err = PTR_ERR(keys->cur);
		goto unchanged;
	}
	if (old)
		keys->prev = old->cur;
	rcu_assign_pointer(tn->keys, keys);
	mutex_unlock(&tn->keys_lock);

	if (old) {
		synchronize_rcu();
		epoch_put(old->prev);
		kfree(old);
	}
	return 0;

unchanged:
	mutex_unlock(&tn->keys_lock);
	kfree(keys);
	return err;
}

/**
 * trk_keys_net_init - a random secret for a new namespace
 * @tn: namespace
 *
 * Return: 0 or a negative errno.
 */
int trk_keys_net_init(struct trk_net *tn)
{
	u8 secret[TRK_SECRET_LEN];
	int err;

	mutex_init(&tn->keys_lock);
	get_random_bytes(secret, sizeof(secret));
	err = trk_keys_set(tn, secret);
	memzero_explicit(secret, sizeof(secret));
	return err;
}

/**
 * trk_keys_net_exit - forget the keys of a namespace that has no sockets any more
 * @tn: namespace
 */
void trk_keys_net_exit(struct trk_net *tn)
{
	struct trk_keys *keys = rcu_dereference_protected(tn->keys, true);

	epoch_put(keys->cur);
	epoch_put(keys->prev);
	kfree(keys);
}

/**
 * trk_keys_exit - free what trk_keys_init() allocated
 */
void trk_keys_exit(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		kfree_sensitive(per_cpu(scratch, cpu));
}

/**
 * trk_keys_init - memory for the ciphers to work in
 *
 * Return: 0 or -ENOMEM.
 */
int trk_keys_init(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		u8 *buf = kmalloc_node(SCRATCH_BLOCKS * TRK_BLOCK, GFP_KERNEL, cpu_to_node(cpu));

		if (!buf) {
			trk_keys_exit();
			return -ENOMEM;
		}
		per_cpu(scratch, cpu) = buf;
	}
	return 0;
}
