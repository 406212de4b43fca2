// SPDX-License-Identifier: GPL-2.0
/*
 * Continuations of both kinds.  Any bytes are read as one.  One with any content is sealed and
 * opened, but cannot be opened if one bit of it, or of what its seal covers, is wrong.
 */
#include "core/reason.h"
#include "fuzz.h"

static const struct trk_cipher key = FUZZ_CIPHER(7);

/* Any bytes that are read without a key, sealed again and opened give the same state. */
static void transport(struct bytes *b)
{
	struct trk_peer peer = { .port = take(b, 2), .service = take(b, 2) };
	unsigned int bit = take(b, 2) % (8 * TRK_CONT_LEN), i;
	struct trk_cont c, opened, plain;
	u8 blob[TRK_CONT_LEN];

	for (i = 0; i < TRK_CONT_LEN; i++)
		blob[i] = take(b, 1);
	peer.addr[15] = take(b, 1);
	for (i = 0; i < TRK_OWNER_LEN; i++)
		peer.owner[i] = take(b, 1);
	MUST(trk_seal_cont_open(&key, &peer, blob, &opened) || blob[0] == TRK_VERSION);
	trk_seal_cont_read(blob, &c);
	trk_seal_cont(&key, &peer, &c, blob);
	MUST(trk_seal_cont_key_id(blob) == key.key_id);
	MUST(trk_seal_cont_open(&key, &peer, blob, &opened) == trk_seal_cont_check(&c));
	trk_seal_cont_read(blob, &plain);
	MUST(opened.conn == c.conn && opened.domain == c.domain && opened.time_ms == c.time_ms);
	MUST(opened.base == c.base && opened.seg_size == c.seg_size && opened.iw == c.iw);
	MUST(opened.domain_key == c.domain_key && opened.law.tcp_base == c.law.tcp_base);
	MUST(opened.law.start_cwnd == c.law.start_cwnd && opened.law.ssthresh == c.law.ssthresh);
	MUST(opened.law.first_loss == c.law.first_loss && opened.law.recover == c.law.recover);
	MUST(plain.base == opened.base && plain.law.recover == opened.law.recover);
	blob[bit / 8] ^= 1 << bit % 8;
	MUST(trk_seal_cont_open(&key, &peer, blob, &opened) ==
	     (bit / 16 == 23 ? TRK_DROP_OWNER : TRK_DROP_MAC));
	blob[bit / 8] ^= 1 << bit % 8;
	peer.service ^= 1 << bit % 16;
	MUST(trk_seal_cont_open(&key, &peer, blob, &opened) == TRK_DROP_MAC);
	peer.service ^= 1 << bit % 16;
	bit %= 8 * TRK_OWNER_LEN;
	peer.owner[bit / 8] ^= 1 << bit % 8;
	MUST(trk_seal_cont_open(&key, &peer, blob, &opened) ==
	     (bit < 16 ? TRK_DROP_OWNER : TRK_DROP_MAC));
}

static void user(struct bytes *b)
{
	struct trk_ucont u = { .flags = take(b, 1), .start = take(b, 8) }, opened;
	enum trk_ext which = take(b, 1) & 1 ? TRK_EXT_OUTPUT : TRK_EXT_INPUT;
	struct trk_peer peer = { .service = take(b, 2) };
	u8 opaque[TRK_UCONT_MAX], blob[TRK_SEALED_UCONT_MAX];
	u64 conn = take(b, 8), bit = take(b, 2);
	struct trk_blob sealed = { .p = blob };

	u.end = u.start + take(b, 8);
	u.len = min_t(size_t, b->left, TRK_UCONT_MAX);
	u.opaque = opaque;
	memcpy(opaque, b->p, u.len);
	sealed.len = trk_seal_ucont(&key, &peer, conn, which, &u, blob);
	MUST(sealed.len == u.len + TRK_UCONT_HDR);
	if (u.end < u.start) {
		MUST(trk_seal_ucont_open(&key, &peer, conn, which, sealed,
					 &opened) == TRK_DROP_UCONT);
		return;
	}
	if (u.flags & ~(which == TRK_EXT_OUTPUT ? TRK_UCONT_FINAL : TRK_UCONT_PARALLEL)) {
		MUST(trk_seal_ucont_open(&key, &peer, conn, which, sealed,
					 &opened) == TRK_DROP_FORGED);
		return;
	}
	MUST(trk_seal_ucont_open(&key, &peer, conn, which, sealed, &opened) == TRK_OK);
	MUST(opened.start == u.start && opened.end == u.end && opened.flags == u.flags);
	MUST(opened.len == u.len && !memcmp(opened.opaque, opaque, u.len));
	MUST(trk_seal_ucont_open(&key, &peer, conn + 1, which, sealed, &opened) == TRK_DROP_UCONT);
	MUST(trk_seal_ucont_open(&key, &peer, conn, which ^ 1, sealed, &opened) == TRK_DROP_UCONT);
	bit %= 8 * sealed.len;
	blob[bit / 8] ^= 1 << bit % 8;
	MUST(trk_seal_ucont_open(&key, &peer, conn, which, sealed, &opened) == TRK_DROP_UCONT);
}

static void user_raw(struct bytes *b)
{
	struct trk_blob blob = { .p = b->p, .len = min_t(size_t, b->left, 65535) };
	struct trk_ucont u;

	if (trk_wire_ucont_parse(&u, blob))
		return;
	MUST(u.start <= u.end && u.len <= TRK_UCONT_MAX);
	MUST(u.opaque + u.len + TRK_MAC_LEN == blob.p + blob.len);
}

int fuzz_target(const uint8_t *data, size_t size)
{
	struct bytes b = { data, size };
	unsigned int what = take(&b, 1) % 3;

	if (what == 0)
		transport(&b);
	else if (what == 1 && b.left)
		user(&b);
	else
		user_raw(&b);
	return 0;
}
