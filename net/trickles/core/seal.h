/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What only a holder of the server's key can make: sealed continuations, cookies, connection ids
 * and domains (paper §2.1, §2.2).  Nonces and proofs are in nonce.h.
 */
#ifndef TRK_CORE_SEAL_H
#define TRK_CORE_SEAL_H

#include "cipher.h"
#include "law.h"
#include "types.h"
#include "wire.h"

#define TRK_OWNER_LEN	16

/*
 * Whom a continuation was made for, and by whom: the client's address, the port of the
 * service, and a label of the server's owner that no other owner can have.
 */
struct trk_peer {
	u8 addr[16];		/* IPv6, or IPv4 mapped */
	u16 port;		/* host order */
	u16 service;		/* port of the server, host order */
	u8 owner[TRK_OWNER_LEN];
};

u16 trk_seal_peer_write(const struct trk_peer *peer, u8 out[TRK_ADDR_MAX]);
void trk_seal_peer_read(struct trk_peer *peer, struct trk_blob addr);

/* A transport continuation, opened. */
struct trk_cont {
	u64 conn;		/* connection id */
	u64 domain;		/* goes into the nonces of its numbers */
	u64 time_ms;		/* wall clock at which it was made */
	u64 base;		/* base of the proof */
	struct trk_law law;
	u16 seg_size;		/* bytes of TCP payload in a full packet */
	u8 key_id;		/* id of the key that sealed it */
	u8 domain_key;		/* id of the nonces' key: that of the domain's birth */
	u8 iw;			/* initial window of the connection, packets */
};

void trk_seal_cont(const struct trk_cipher *c, const struct trk_peer *peer,
		   const struct trk_cont *cont, u8 out[TRK_CONT_LEN]);
int trk_seal_cont_open(const struct trk_cipher *c, const struct trk_peer *peer,
		       const u8 blob[TRK_CONT_LEN], struct trk_cont *cont);
int trk_seal_cont_check(const struct trk_cont *cont);
void trk_seal_cont_read(const u8 blob[TRK_CONT_LEN], struct trk_cont *cont);
u8 trk_seal_cont_key_id(const u8 blob[TRK_CONT_LEN]);

u32 trk_seal_ucont(const struct trk_cipher *c, const struct trk_peer *peer, u64 conn,
		   enum trk_ext which, const struct trk_ucont *u, u8 *out);
int trk_seal_ucont_open(const struct trk_cipher *c, const struct trk_peer *peer, u64 conn,
			enum trk_ext which, struct trk_blob blob, struct trk_ucont *u);

u32 trk_seal_cookie(const struct trk_cipher *c, const struct trk_peer *peer, u32 client_isn,
		    u64 period);
u64 trk_seal_conn_id(const struct trk_cipher *c, const struct trk_peer *peer, u32 client_isn,
		     u64 period);
u64 trk_seal_domain(const struct trk_cipher *c, u64 conn, u64 parent, u64 time_ms, u32 ahead,
		    u8 attempt, u64 highest);

#define TRK_BORN_UNIT_MS	64	/* unit of the order of domains; it wraps after 198 days */

u32 trk_seal_order_at(u64 time_ms);

/* The order of a domain says when it was born.  Orders are compared as sequence numbers are. */
static inline u32 trk_domain_order(u64 domain)
{
	return (u32)(domain >> 32);
}

#endif /* TRK_CORE_SEAL_H */
