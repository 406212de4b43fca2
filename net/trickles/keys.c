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

#include "keys.h"
#include "netns.h"

#define KEY_LEN		16		/* AES-128 */
#define SCRATCH_BLOCKS	64

/**
 * struct epoch - the functions of one key epoch
 * @cipher: what the core sees of it
 * @refs: one of the set that it is in, one for each trk_keys_hold()
 * @mac: AES-CMAC under the sealing key
 * @ecb: AES under the nonce key
 * @secret: to notice when the same one is set again
 * @ours: generated at namespace creation, not set by an administrator
 */
struct epoch {
	struct trk_cipher cipher;
	refcount_t refs;
	struct crypto_shash *mac;
	struct crypto_sync_skcipher *ecb;
	u8 secret[TRK_SECRET_LEN];
	bool ours;
};

/*
 * The epochs that a namespace holds: the current one, the previous one, which
 * opens what it sealed and seals no more, and those before it, which are
 * retired.  No two have the same number.
 */
struct trk_keys {
	unsigned int n;
	struct epoch *epoch[TRK_KEYS_MAX];
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
	return &rcu_dereference(tn->keys)->epoch[0]->cipher;
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

	return READ_ONCE(keys->n) > 1 ? &keys->epoch[1]->cipher : NULL;
}

/**
 * trk_keys_find - an epoch by its number
 * @tn: namespace; void, for the core calls it back
 * @key_id: number
 *
 * Context: any, under rcu_read_lock().
 * Return: NULL if it is not held.
 */
const struct trk_cipher *trk_keys_find(void *tn, u8 key_id)
{
	struct trk_keys *keys = rcu_dereference(((struct trk_net *)tn)->keys);
	unsigned int i, n = READ_ONCE(keys->n);

	for (i = 0; i < n; i++)
		if (keys->epoch[i]->cipher.key_id == key_id)
			return &keys->epoch[i]->cipher;
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
 * @ids: the current one first, then the previous one, then those that are retired
 *
 * Return: how many.
 */
int trk_keys_ids(struct trk_net *tn, u8 ids[TRK_KEYS_MAX])
{
	const struct trk_keys *keys;
	int i, n;

	rcu_read_lock();
	keys = rcu_dereference(tn->keys);
	n = READ_ONCE(keys->n);
	for (i = 0; i < n; i++)
		ids[i] = keys->epoch[i]->cipher.key_id;
	rcu_read_unlock();
	return n;
}

/* The epoch of a secret, if it is held. */
static struct epoch *epoch_of_secret(const struct trk_keys *keys, const u8 secret[TRK_SECRET_LEN])
{
	unsigned int i;

	for (i = 0; keys && i < keys->n; i++)
		if (!crypto_memneq(keys->epoch[i]->secret, secret, TRK_SECRET_LEN))
			return keys->epoch[i];
	return NULL;
}

/*
 * Hands the epochs of @old down, behind a new current one, and those that have no
 * place any more to @gone.  Their number tells epochs apart, so another one of
 * the new number is forgotten; but not if connections are likely to need it.
 */
static int keys_hand_down(struct trk_keys *keys, const struct trk_keys *old, unsigned int most,
			  struct epoch *gone[TRK_KEYS_MAX])
{
	struct epoch *cur = keys->epoch[0];
	unsigned int i, ngone = 0;

	for (i = 0; i < old->n; i++) {
		struct epoch *epoch = old->epoch[i];
		bool same = epoch->cipher.key_id == cur->cipher.key_id;

		if (epoch == cur)
			continue;
		/* Who has never chosen a secret shall not have to choose another one. */
		if (same && i < 2 && most > 1 && !epoch->ours)
			return -EEXIST;
		if (same || keys->n == most)
			gone[ngone++] = epoch;
		else
			keys->epoch[keys->n++] = epoch;
	}
	return 0;
}

/* Forgets the oldest until @most are left.  Answers on their way may still use them. */
static void keys_trim(struct trk_net *tn, struct trk_keys *keys, unsigned int most)
{
	unsigned int i, n = keys->n;

	lockdep_assert_held(&tn->keys_lock);
	if (n <= most)
		return;
	WRITE_ONCE(keys->n, most);
	synchronize_rcu();
	for (i = most; i < n; i++)
		epoch_put(keys->epoch[i]);
}

/* Of all there may be @most, the new one among them. */
static int keys_set(struct trk_net *tn, const u8 secret[TRK_SECRET_LEN], bool ours,
		    unsigned int most)
{
	struct epoch *gone[TRK_KEYS_MAX] = { NULL };
	struct trk_keys *keys, *old;
	struct epoch *held, *epoch;
	unsigned int i;
	int err = 0;

	lockdep_assert_held(&tn->keys_lock);
	old = rcu_dereference_protected(tn->keys, lockdep_is_held(&tn->keys_lock));
	held = epoch_of_secret(old, secret);
	if (held && held == old->epoch[0]) {
		keys_trim(tn, old, most);
		return 0;
	}
	keys = kzalloc(sizeof(*keys), GFP_KERNEL);
	if (!keys)
		return -ENOMEM;
	epoch = held ?: epoch_alloc(secret);
	if (IS_ERR(epoch)) {
		kfree(keys);
		return PTR_ERR(epoch);
	}
	keys->epoch[0] = epoch;
	keys->n = 1;
	if (!held)
		epoch->ours = ours;
	if (old)
		err = keys_hand_down(keys, old, most, gone);
	if (err) {
		if (!held)
			epoch_put(epoch);
		kfree(keys);
		return err;
	}
	rcu_assign_pointer(tn->keys, keys);
	if (!old)
		return 0;
	synchronize_rcu();
	for (i = 0; i < TRK_KEYS_MAX; i++)
		epoch_put(gone[i]);
	kfree(old);
	return 0;
}

/**
 * trk_keys_set - begin a new epoch
 * @tn: namespace
 * @secret: the secret; setting the current one again changes nothing
 * @only: forget all others
 *
 * The epoch so far becomes the previous one, and the one before it retires; of
 * those that are retired the oldest may be forgotten.  A secret that is held
 * comes back from where it stands: the current and the previous one change places.
 *
 * Context: may sleep.
 * Return: 0 or a negative errno; -EEXIST if it has the number of another secret, which is the
 * current or the previous one: then a different one must be chosen.
 */
int trk_keys_set(struct trk_net *tn, const u8 secret[TRK_SECRET_LEN], bool only)
{
	int err;

	mutex_lock(&tn->keys_lock);
	err = keys_set(tn, secret, false, only ? 1 : 2 + READ_ONCE(tn->sysctl_retired_keys));
	mutex_unlock(&tn->keys_lock);
	return err;
}

/**
 * trk_keys_trim - forget the retired epochs that are more than net.trickles.retired_keys
 * @tn: namespace
 *
 * Context: may sleep.
 */
void trk_keys_trim(struct trk_net *tn)
{
	mutex_lock(&tn->keys_lock);
	keys_trim(tn, rcu_dereference_protected(tn->keys, lockdep_is_held(&tn->keys_lock)),
		  2 + READ_ONCE(tn->sysctl_retired_keys));
	mutex_unlock(&tn->keys_lock);
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
	mutex_lock(&tn->keys_lock);
	err = keys_set(tn, secret, true, TRK_KEYS_MAX);
	mutex_unlock(&tn->keys_lock);
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
	unsigned int i;

	for (i = 0; i < keys->n; i++)
		epoch_put(keys->epoch[i]);
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
