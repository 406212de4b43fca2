// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Seals and cookies (paper §2.1 and §2.2).
 *
 * Each message under the sealing key begins with a label, so that one kind of
 * seal never serves as another.  Nonces (nonce.c) use a key of their own.
 *
 * Rules: protocol.rst, "Sealed things", "Handshake".
 */
#include "seal.h"
#include "reason.h"

#define LABEL_CONT	'C'
#define LABEL_UCONT	'U'
#define LABEL_COOKIE	'S'
#define LABEL_CONN	'N'
#define LABEL_DOMAIN	'D'

#define PEER_LEN	20	/* address, port, service */
#define OWNER_TAG	2	/* bytes of the owner's label that stand in a continuation */
#define OWNER_AT	46
#define CONT_BODY	(TRK_CONT_LEN - TRK_MAC_LEN)

static void peer_write(u8 *p, const struct trk_peer *peer)
{
	memcpy(p, peer->addr, 16);
	put_unaligned_be16(peer->port, p + 16);
	put_unaligned_be16(peer->service, p + 18);
}

static const u8 v4_mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

/**
 * trk_seal_peer_write - a client's address as it stands in TRK_EXT_ADDR
 * @peer: the client
 * @out: address and port
 *
 * Return: its length.
 */
u16 trk_seal_peer_write(const struct trk_peer *peer, u8 out[TRK_ADDR_MAX])
{
	bool v4 = !memcmp(peer->addr, v4_mapped, sizeof(v4_mapped));
	u16 len = v4 ? TRK_ADDR_IPV4 : TRK_ADDR_MAX;

	memcpy(out, peer->addr + sizeof(peer->addr) + 2 - len, len - 2);
	put_unaligned_be16(peer->port, out + len - 2);
	return len;
}

/**
 * trk_seal_peer_read - the address that trk_seal_peer_write() wrote
 * @peer: gets the address and the port
 * @addr: from TRK_EXT_ADDR, parsed
 */
void trk_seal_peer_read(struct trk_peer *peer, struct trk_blob addr)
{
	memcpy(peer->addr, v4_mapped, sizeof(v4_mapped));
	memcpy(peer->addr + sizeof(peer->addr) + 2 - addr.len, addr.p, addr.len - 2);
	peer->port = get_unaligned_be16(addr.p + addr.len - 2);
}

/*
 * A transport continuation on the wire, with bytes of each field: version 1, key id 1, segment
 * size 2, iw 1, domain's key id 1, time 6, conn 8, domain 8, base 8, TCPBase 8, startCwnd 2,
 * owner 2, ssthresh 4, base - firstLoss + 1 (0: none) 4, MAC 16.  The MAC also covers the client's
 * address, which comes with every packet, and the owner's whole label.  Two bytes of the label
 * stand there so that a continuation of another owner can be told from a forged one.
 */
static_assert(TRK_MAX_CWND <= 0xffff, "startCwnd");

static void cont_mac(const struct trk_cipher *c, const struct trk_peer *peer, const u8 *body,
		     u8 mac[TRK_MAC_LEN])
{
	u8 m[1 + PEER_LEN + TRK_OWNER_LEN + CONT_BODY];

	m[0] = LABEL_CONT;
	peer_write(m + 1, peer);
	memcpy(m + 1 + PEER_LEN, peer->owner, TRK_OWNER_LEN);
	memcpy(m + 1 + PEER_LEN + TRK_OWNER_LEN, body, CONT_BODY);
	c->mac(c, m, sizeof(m), mac);
}

/**
 * trk_seal_cont - make a transport continuation
 * @c: cipher of the current key
 * @peer: the client, and the service
 * @cont: what to seal; key_id is taken from @c
 * @out: the sealed continuation
 */
void trk_seal_cont(const struct trk_cipher *c, const struct trk_peer *peer,
		   const struct trk_cont *cont, u8 out[TRK_CONT_LEN])
{
	const struct trk_law *law = &cont->law;

	out[0] = TRK_VERSION;
	out[1] = c->key_id;
	put_unaligned_be16(cont->seg_size, out + 2);
	out[4] = cont->iw;
	out[5] = cont->domain_key;
	put_unaligned_be16((u16)(cont->time_ms >> 32), out + 6);
	put_unaligned_be32((u32)cont->time_ms, out + 8);
	put_unaligned_be64(cont->conn, out + 12);
	put_unaligned_be64(cont->domain, out + 20);
	put_unaligned_be64(cont->base, out + 28);
	put_unaligned_be64(law->tcp_base, out + 36);
	put_unaligned_be16((u16)law->start_cwnd, out + 44);
	memcpy(out + OWNER_AT, peer->owner, OWNER_TAG);
	put_unaligned_be32(law->ssthresh, out + 48);
	put_unaligned_be32(law->first_loss ? (u32)(cont->base - law->first_loss + 1) : 0, out + 52);
	cont_mac(c, peer, out, out + CONT_BODY);
}

/**
 * trk_seal_cont_read - read a continuation without a key, as the client does
 * @blob: sealed continuation
 * @cont: filled; nothing in it may be believed by a server, nor computed with before
 *	trk_seal_cont_check()
 */
void trk_seal_cont_read(const u8 blob[TRK_CONT_LEN], struct trk_cont *cont)
{
	u32 back = get_unaligned_be32(blob + 52);

	cont->key_id = blob[1];
	cont->seg_size = get_unaligned_be16(blob + 2);
	cont->iw = blob[4];
	cont->domain_key = blob[5];
	cont->time_ms = (u64)get_unaligned_be16(blob + 6) << 32 | get_unaligned_be32(blob + 8);
	cont->conn = get_unaligned_be64(blob + 12);
	cont->domain = get_unaligned_be64(blob + 20);
	cont->base = get_unaligned_be64(blob + 28);
	trk_law_init(&cont->law, get_unaligned_be64(blob + 36), get_unaligned_be16(blob + 44),
		     get_unaligned_be32(blob + 48), back ? cont->base - back + 1 : 0);
}

/**
 * trk_seal_cont_key_id - the id of the key under which a continuation says it is sealed
 * @blob: sealed continuation
 */
u8 trk_seal_cont_key_id(const u8 blob[TRK_CONT_LEN])
{
	return blob[1];
}

/**
 * trk_seal_cont_check - is this a continuation that this code could have sealed?
 * @cont: as it was read
 *
 * A right seal is not enough, since whoever has the key can seal anything: a user in a network
 * namespace of his own, somebody who got hold of the secret, or a broken replica.
 *
 * Return: 0 or TRK_DROP_FORGED.
 */
int trk_seal_cont_check(const struct trk_cont *cont)
{
	if (cont->seg_size < TRK_MIN_SEG_SIZE || cont->seg_size > TRK_MAX_SEG_SIZE ||
	    cont->iw != TRK_INITIAL_WINDOW || !trk_law_possible(&cont->law, cont->base))
		return TRK_DROP_FORGED;
	return TRK_OK;
}

/**
 * trk_seal_cont_open - check a continuation's seal and read it
 * @c: cipher of its key
 * @peer: where the packet came from, and the port and owner it came to
 * @blob: sealed continuation
 * @cont: filled if the seal is right
 *
 * Return: 0, TRK_DROP_OWNER, TRK_DROP_MAC, TRK_DROP_VERSION or TRK_DROP_FORGED.
 */
int trk_seal_cont_open(const struct trk_cipher *c, const struct trk_peer *peer,
		       const u8 blob[TRK_CONT_LEN], struct trk_cont *cont)
{
	u8 mac[TRK_MAC_LEN];

	if (memcmp(blob + OWNER_AT, peer->owner, OWNER_TAG))
		return TRK_DROP_OWNER;
	cont_mac(c, peer, blob, mac);
	if (crypto_memneq(mac, blob + CONT_BODY, TRK_MAC_LEN))
		return TRK_DROP_MAC;
	if (blob[0] != TRK_VERSION)
		return TRK_DROP_VERSION;
	trk_seal_cont_read(blob, cont);
	return trk_seal_cont_check(cont);
}

static void ucont_mac(const struct trk_cipher *c, const struct trk_peer *peer, u64 conn,
		      enum trk_ext which, const u8 *blob, u16 len, u8 mac[TRK_MAC_LEN])
{
	u8 m[12 + TRK_OWNER_LEN + TRK_SEALED_UCONT_MAX];
	unsigned int body = len - TRK_MAC_LEN;

	m[0] = LABEL_UCONT;
	m[1] = (u8)which;
	put_unaligned_be64(conn, m + 2);
	put_unaligned_be16(peer->service, m + 10);
	memcpy(m + 12, peer->owner, TRK_OWNER_LEN);
	memcpy(m + 12 + TRK_OWNER_LEN, blob, body);
	c->mac(c, m, 12 + TRK_OWNER_LEN + body, mac);
}

/**
 * trk_seal_ucont - make a user continuation
 * @c: cipher of the current key
 * @peer: only service and owner are sealed; the connection id stands for the client
 * @conn: connection id
 * @which: TRK_EXT_OUTPUT or TRK_EXT_INPUT
 * @u: what to seal; u->len is at most TRK_UCONT_MAX
 * @out: TRK_SEALED_UCONT_MAX bytes
 *
 * Return: length of the sealed continuation, 0 if it would be too long.
 */
u32 trk_seal_ucont(const struct trk_cipher *c, const struct trk_peer *peer, u64 conn,
		   enum trk_ext which, const struct trk_ucont *u, u8 *out)
{
	u16 len = u->len + TRK_UCONT_HDR;

	if (u->len > TRK_UCONT_MAX)
		return 0;
	put_unaligned_be64(u->start, out);
	put_unaligned_be64(u->end, out + 8);
	out[16] = u->flags;
	out[TRK_UCONT_KEY] = c->key_id;
	put_unaligned_be16(u->len, out + 18);
	if (u->len)
		memcpy(out + 20, u->opaque, u->len);
	ucont_mac(c, peer, conn, which, out, len, out + 20 + u->len);
	return len;
}

/**
 * trk_seal_ucont_open - check a user continuation's seal and read it
 * @c: cipher of its key
 * @peer: the service and owner that it came to
 * @conn: connection id, from the transport continuation
 * @which: what it is used as
 * @blob: sealed continuation
 * @u: filled; opaque leads into the blob
 *
 * Return: 0, TRK_DROP_UCONT or TRK_DROP_FORGED.
 */
int trk_seal_ucont_open(const struct trk_cipher *c, const struct trk_peer *peer, u64 conn,
			enum trk_ext which, struct trk_blob blob, struct trk_ucont *u)
{
	u8 mac[TRK_MAC_LEN];
	int err = trk_wire_ucont_parse(u, blob);

	if (err)
		return err;
	ucont_mac(c, peer, conn, which, blob.p, blob.len, mac);
	if (crypto_memneq(mac, blob.p + blob.len - TRK_MAC_LEN, TRK_MAC_LEN))
		return TRK_DROP_UCONT;
	/* Output and input continuations have one flag each, and not the other's. */
	if (u->flags & ~(which == TRK_EXT_OUTPUT ? TRK_UCONT_FINAL : TRK_UCONT_PARALLEL))
		return TRK_DROP_FORGED;
	return TRK_OK;
}

static void prf(const struct trk_cipher *c, u8 label, const struct trk_peer *peer, u64 a, u64 b,
		u8 out[TRK_MAC_LEN])
{
	u8 m[1 + PEER_LEN + TRK_OWNER_LEN + 16];

	m[0] = label;
	peer_write(m + 1, peer);
	memcpy(m + 1 + PEER_LEN, peer->owner, TRK_OWNER_LEN);
	put_unaligned_be64(a, m + 1 + PEER_LEN + TRK_OWNER_LEN);
	put_unaligned_be64(b, m + 1 + PEER_LEN + TRK_OWNER_LEN + 8);
	c->mac(c, m, sizeof(m), out);
}

/**
 * trk_seal_cookie - the ISN with which every replica answers a SYN
 * @c: cipher of a key
 * @peer: client and service
 * @client_isn: sequence number of the SYN
 * @period: number of the clock's period of 512 s (protocol.rst, "Handshake")
 *
 * Return: the cookie.
 */
u32 trk_seal_cookie(const struct trk_cipher *c, const struct trk_peer *peer, u32 client_isn,
		    u64 period)
{
	u8 mac[TRK_MAC_LEN];

	prf(c, LABEL_COOKIE, peer, client_isn, period, mac);
	return get_unaligned_be32(mac);
}

/**
 * trk_seal_conn_id - the id of the connection that a SYN cookie opens
 * @c: cipher of the key that made the cookie
 * @peer: client and service
 * @client_isn: sequence number of the SYN
 * @period: period of the cookie
 *
 * Return: the connection id.
 */
u64 trk_seal_conn_id(const struct trk_cipher *c, const struct trk_peer *peer, u32 client_isn,
		     u64 period)
{
	u8 mac[TRK_MAC_LEN];

	prf(c, LABEL_CONN, peer, client_isn, period, mac);
	return get_unaligned_be64(mac);
}

/**
 * trk_seal_order_at - the order of a domain that is born at this time, by attempt 0
 * @time_ms: wall clock, milliseconds
 */
u32 trk_seal_order_at(u64 time_ms)
{
	return (u32)(time_ms / TRK_BORN_UNIT_MS) << 4;
}

/**
 * trk_seal_domain - a new domain for nonces
 * @c: cipher of the current key
 * @conn: connection id
 * @parent: domain that it takes the place of, 0: none
 * @time_ms: wall clock, milliseconds
 * @ahead: how far ahead of @time_ms a parent can have been born, in the order of domains: one that
 *	seems to be farther was born before the clock was set back, or long ago
 * @attempt: of the request that opens the domain, at most TRK_MAX_ATTEMPTS
 * @highest: number above which those of the domain begin
 *
 * The order of a domain (trk_domain_order()) says when it was born, in units of TRK_BORN_UNIT_MS,
 * and then by which attempt.  It is later than that of the parent, even if the clock is a little
 * behind that.
 *
 * Return: the domain.
 */
u64 trk_seal_domain(const struct trk_cipher *c, u64 conn, u64 parent, u64 time_ms, u32 ahead,
		    u8 attempt, u64 highest)
{
	u32 born = trk_seal_order_at(time_ms);
	u32 after = (trk_domain_order(parent) | 15) + 1;
	u8 m[34], mac[TRK_MAC_LEN];

	if (parent && (s32)(after - born) > 0 && (s32)(after - born) <= (s32)ahead)
		born = after;
	m[0] = LABEL_DOMAIN;
	m[1] = attempt;
	put_unaligned_be64(conn, m + 2);
	put_unaligned_be64(time_ms, m + 10);
	put_unaligned_be64(highest, m + 18);
	put_unaligned_be64(parent, m + 26);
	c->mac(c, m, sizeof(m), mac);
	return (u64)(born | (attempt & 15)) << 32 | get_unaligned_be32(mac);
}
