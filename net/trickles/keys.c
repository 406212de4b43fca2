// SPDX-License-Identifier: GPL-2.0
/*
 * The keys of a namespace (protocol.rst, "Sealed things", "Keys that change").  A key is made from
 * a secret, which replicas share: a sealing key, a nonce key, and the key id of both.  Here it is
 * called struct epoch, and the rest of the server sees its struct trk_cipher.
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
 * struct epoch - a key
 * @cipher: what the core sees of it
 * @refs: one for struct trk_keys, and one for each trk_keys_hold()
 * @mac: AES-CMAC under the sealing key
 * @ecb: AES under the nonce key
 * @secret: to notice when the same one is set again
 * @ours: the secret is the random one of a new namespace, no administrator has set it
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
 * The keys that a namespace holds, @n of them: the current one, the previous one, which opens what
 * it sealed and seals no more, and those before it, which are retired.  No two of them have the
 * same key id.
 */
struct trk_keys {
	unsigned int n;
	struct epoch *epoch[TRK_KEYS_MAX];
};

/* For epoch_ecb(): a scatterlist must point neither to a stack nor to a module's own data. */
static DEFINE_PER_CPU(u8 *, scratch);

static struct epoch *epoch_of(const struct trk_cipher *cipher)
{
	return container_of(cipher, struct epoch, cipher);
}

/*
 * epoch_mac() and epoch_ecb() must not fail, since the core does not expect it, and with their
 * keys set they do not.  If one fails nevertheless, its result is random, so nobody can guess it.
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

/* One block of the counter mode of NIST SP 800-108 (5.1), with AES-256 in CMAC. */
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
	if (!err)	/* the zero behind the label is the standard's separator */
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

	epoch = kzalloc(sizeof(*epoch), GFP_KERNEL_ACCOUNT);
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
 * trk_keys_current - the current key, which seals
 * @tn: namespace
 *
 * Context: any, under rcu_read_lock().
 * Return: its cipher.
 */
const struct trk_cipher *trk_keys_current(struct trk_net *tn)
{
	return &rcu_dereference(tn->keys)->epoch[0]->cipher;
}

/**
 * trk_keys_previous - the previous key
 * @tn: namespace
 *
 * Context: any, under rcu_read_lock().
 * Return: its cipher, or NULL if there is none.
 */
const struct trk_cipher *trk_keys_previous(struct trk_net *tn)
{
	const struct trk_keys *keys = rcu_dereference(tn->keys);

	return READ_ONCE(keys->n) > 1 ? &keys->epoch[1]->cipher : NULL;
}

/**
 * trk_keys_find - find a key by its key id
 * @tn: namespace; a void pointer, since the core calls this function through a pointer
 * @key_id: the key id
 *
 * Context: any, under rcu_read_lock().
 * Return: its cipher, or NULL if the key is not held.
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
 * Return: false if it is NULL, or about to be freed.
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
 * trk_keys_ids - key ids of the keys that are held
 * @tn: namespace
 * @ids: filled: that of the current key, of the previous one, and of those that are retired
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

/* The key of a secret, or NULL if it is not held. */
static struct epoch *epoch_of_secret(const struct trk_keys *keys, const u8 secret[TRK_SECRET_LEN])
{
	unsigned int i;

	for (i = 0; keys && i < keys->n; i++)
		if (!crypto_memneq(keys->epoch[i]->secret, secret, TRK_SECRET_LEN))
			return keys->epoch[i];
	return NULL;
}

/* What a change leaves behind: answers on their way may use it for a grace period more. */
struct remains {
	struct trk_keys *set;
	unsigned int n;
	struct epoch *epoch[TRK_KEYS_MAX];
};

/* Not under keys_lock: nobody else shall wait for the grace period of a change. */
static void remains_free(struct remains *old)
{
	unsigned int i;

	if (!old->set && !old->n)
		return;
	synchronize_rcu();
	for (i = 0; i < old->n; i++)
		epoch_put(old->epoch[i]);
	kfree(old->set);
}

/*
 * Puts the keys of @old into @keys, behind the current one, which is there already, and into @gone
 * those that make more than @most.  Two keys with the same key id could not be told apart, so one
 * that has that of the current key goes, too.  But if it was current or previous until now, its
 * connections are in use: then the new secret is refused, and @gone is empty.
 */
static int keys_hand_down(struct trk_keys *keys, const struct trk_keys *old, unsigned int most,
			  struct remains *gone)
{
	struct epoch *cur = keys->epoch[0];
	unsigned int i;

	for (i = 0; i < old->n; i++) {
		struct epoch *epoch = old->epoch[i];
		bool same = epoch->cipher.key_id == cur->cipher.key_id;

		if (epoch == cur)
			continue;
		/* But the first secret of an administrator replaces the random one in any case. */
		if (same && i < 2 && most > 1 && !epoch->ours) {
			gone->n = 0;
			return -EEXIST;
		}
		if (same || keys->n == most)
			gone->epoch[gone->n++] = epoch;
		else
			keys->epoch[keys->n++] = epoch;
	}
	return 0;
}

/* Takes the oldest keys out until @most are left. */
static void keys_trim(struct trk_net *tn, struct trk_keys *keys, unsigned int most,
		      struct remains *old)
{
	unsigned int i, n = keys->n;

	lockdep_assert_held(&tn->keys_lock);
	if (n <= most)
		return;
	WRITE_ONCE(keys->n, most);
	for (i = most; i < n; i++)
		old->epoch[old->n++] = keys->epoch[i];
}

/* Makes the key of @secret the current one; @most keys may be held then, this one among them. */
static int keys_set(struct trk_net *tn, const u8 secret[TRK_SECRET_LEN], bool ours,
		    unsigned int most, struct remains *gone)
{
	struct trk_keys *keys, *old;
	struct epoch *held, *epoch;
	int err = 0;

	lockdep_assert_held(&tn->keys_lock);
	old = rcu_dereference_protected(tn->keys, lockdep_is_held(&tn->keys_lock));
	held = epoch_of_secret(old, secret);
	if (held && held == old->epoch[0]) {
		keys_trim(tn, old, most, gone);
		return 0;
	}
	keys = kzalloc(sizeof(*keys), GFP_KERNEL_ACCOUNT);
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
	gone->set = old;
	return 0;
}

/**
 * trk_keys_set - make the key of a secret the current one
 * @tn: namespace
 * @secret: the secret
 * @only: no other key is held from now on
 *
 * The current key becomes the previous one, and the previous one is retired.  If too many are
 * retired then, the oldest goes.  If the key of @secret is held it moves to the front, and those
 * that were before it follow: so the current and the previous key can change places.  The
 * current secret can be set again, which changes nothing else.
 *
 * Context: may sleep.
 * Return: 0 or a negative errno; -EEXIST if the current or the previous key, made from another
 * secret, has the same key id: then the administrator must choose a different secret.
 */
int trk_keys_set(struct trk_net *tn, const u8 secret[TRK_SECRET_LEN], bool only)
{
	struct remains old = { NULL };
	int err;

	mutex_lock(&tn->keys_lock);
	err = keys_set(tn, secret, false, only ? 1 : 2 + READ_ONCE(tn->sysctl_retired_keys),
		       &old);
	mutex_unlock(&tn->keys_lock);
	remains_free(&old);
	return err;
}

/**
 * trk_keys_trim - let retired keys go that are more than net.trickles.retired_keys
 * @tn: namespace
 *
 * Context: may sleep.
 */
void trk_keys_trim(struct trk_net *tn)
{
	struct remains old = { NULL };

	mutex_lock(&tn->keys_lock);
	keys_trim(tn, rcu_dereference_protected(tn->keys, lockdep_is_held(&tn->keys_lock)),
		  2 + READ_ONCE(tn->sysctl_retired_keys), &old);
	mutex_unlock(&tn->keys_lock);
	remains_free(&old);
}

/**
 * trk_keys_net_init - make the key of a new namespace, from a random secret
 * @tn: namespace
 *
 * Return: 0 or a negative errno.
 */
int trk_keys_net_init(struct trk_net *tn)
{
	struct remains none = { NULL };
	u8 secret[TRK_SECRET_LEN];
	int err;

	mutex_init(&tn->keys_lock);
	get_random_bytes(secret, sizeof(secret));
	mutex_lock(&tn->keys_lock);
	err = keys_set(tn, secret, true, TRK_KEYS_MAX, &none);
	mutex_unlock(&tn->keys_lock);
	memzero_explicit(secret, sizeof(secret));
	return err;
}

/**
 * trk_keys_net_exit - free the keys of a namespace that has no sockets any more
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
 * trk_keys_init - allocate the memory in which epoch_ecb() works
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
