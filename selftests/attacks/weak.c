// SPDX-License-Identifier: GPL-2.0
/* Functions in the place of some of the core's, which leave out the defence that is @missing. */
#include "core/client.h"
#include "core/nonce.h"
#include "core/reason.h"
#include "weak.h"

#define PADDED	2048

enum defence missing;

static u64 said_proof;

const char *defence_name(enum defence d)
{
	static const char *const names[] = {
#define DEFENCE_NAME(id, name) name,
		DEFENCES(DEFENCE_NAME)
#undef DEFENCE_NAME
	};

	return names[d];
}

void weak_request(const struct trk_req *q)
{
	said_proof = q->proof;
}

/* The names that the linker (--wrap) has for the core's function, and for the one in its place. */
#define REAL(name)	__real_##name
#define WRAP(name)	__wrap_##name
#define REPLACE(name)	typeof(name) REAL(name), WRAP(name)

/*
 * Without DEFENCE_LENGTHS, lengths are not compared with the packet, and what is missing is read
 * from memory behind it.  Here that memory has zeroes, and extensions that are skipped.
 */
REPLACE(trk_wire_req_parse);

int WRAP(trk_wire_req_parse)(struct trk_req *q, const u8 *p, u32 hdr_avail, u32 total)
{
	static u8 padded[PADDED];
	u32 i;

	if (missing != DEFENCE_LENGTHS)
		return REAL(trk_wire_req_parse)(q, p, hdr_avail, total);
	memset(padded, 0, sizeof(padded));
	for (i = TRK_REQ_FIXED + TRK_CONT_LEN; i < sizeof(padded); i += TRK_EXT_HDR)
		padded[i] = 255;
	memcpy(padded, p, min_t(u32, total, sizeof(padded)));
	total = max_t(u32, total, trk_wire_req_hdr_len(padded, sizeof(padded)));
	return REAL(trk_wire_req_parse)(q, padded, sizeof(padded), min_t(u32, total,
									 sizeof(padded)));
}

static const struct trk_peer nobody;

REPLACE(trk_seal_cont);

void WRAP(trk_seal_cont)(const struct trk_cipher *c, const struct trk_peer *peer,
			 const struct trk_cont *cont, u8 out[TRK_CONT_LEN])
{
	REAL(trk_seal_cont)(c, missing == DEFENCE_ADDRESS ? &nobody : peer, cont, out);
}

REPLACE(trk_seal_cont_open);

int WRAP(trk_seal_cont_open)(const struct trk_cipher *c, const struct trk_peer *peer,
			     const u8 blob[TRK_CONT_LEN], struct trk_cont *cont)
{
	if (missing == DEFENCE_SEAL || missing == DEFENCE_LENGTHS) {
		trk_seal_cont_read(blob, cont);
		return TRK_OK;
	}
	return REAL(trk_seal_cont_open)(c, missing == DEFENCE_ADDRESS ? &nobody : peer, blob, cont);
}

REPLACE(trk_seal_ucont_open);

int WRAP(trk_seal_ucont_open)(const struct trk_cipher *c, const struct trk_peer *peer, u64 conn,
			      enum trk_ext which, struct trk_blob blob, struct trk_ucont *u)
{
	int err;

	if (missing == DEFENCE_USER_SEAL)
		return trk_wire_ucont_parse(u, blob);
	err = REAL(trk_seal_ucont_open)(c, peer, conn, which, blob, u);
	if (missing == DEFENCE_REGION) {
		u->start = 0;
		u->end = U64_MAX;
	}
	return err;
}

/* Makes nonces the same for all connections, or for all domains, if that defence is missing. */
static void forget(u64 *conn, u64 *domain)
{
	if (missing == DEFENCE_CONNECTION)
		*conn = 0;
	if (missing == DEFENCE_CONNECTION || missing == DEFENCE_DOMAIN)
		*domain = 0;
}

REPLACE(trk_nonce_fill);

void WRAP(trk_nonce_fill)(const struct trk_cipher *c, u64 conn, u64 domain, u64 first,
			  unsigned int n,
			  bool nogrowth, u64 *out)
{
	forget(&conn, &domain);
	REAL(trk_nonce_fill)(c, conn, domain, first, n, nogrowth && missing != DEFENCE_SEQUENCE,
			     out);
}

REPLACE(trk_nonce_span);

u64 WRAP(trk_nonce_span)(const struct trk_cipher *c, u64 conn, u64 domain, u64 first, u64 last,
			 bool nogrowth)
{
	forget(&conn, &domain);
	return REAL(trk_nonce_span)(c, conn, domain, first, last,
				    nogrowth && missing != DEFENCE_SEQUENCE);
}

/* Computes a proof number by number, as if nonces did not telescope. */
static u64 proof_by_number(const struct trk_cipher *c, u64 conn, u64 domain, u64 base,
			   const struct trk_claims *claims)
{
	unsigned int i = 0;
	u64 x, one, sum = 0;

	for (x = base + 1; x <= claims->n; x++) {
		while (i < claims->count && claims->c[i].b < x)
			i++;
		if (i < claims->count && claims->c[i].a <= x && claims->c[i].kind == TRK_CLAIM_LOST)
			continue;
		trk_nonce_fill(c, conn, domain, x, 1,
			       i < claims->count && claims->c[i].a <= x, &one);
		sum ^= one;
	}
	return sum;
}

REPLACE(trk_nonce_proof);

u64 WRAP(trk_nonce_proof)(const struct trk_cipher *c, u64 conn, u64 domain, u64 base,
			  const struct trk_claims *claims)
{
	struct trk_claims same = *claims;
	unsigned int i;

	forget(&conn, &domain);
	switch (missing) {
	case DEFENCE_PROOF:
	case DEFENCE_LENGTHS:
		return said_proof;
	case DEFENCE_TELESCOPE:
		return proof_by_number(c, conn, domain, base, claims);
	case DEFENCE_SEQUENCE:
		same.count = 0;
		for (i = 0; i < claims->count; i++)
			if (claims->c[i].kind == TRK_CLAIM_LOST)
				same.c[same.count++] = claims->c[i];
		return REAL(trk_nonce_proof)(c, conn, domain, base, &same);
	default:
		return REAL(trk_nonce_proof)(c, conn, domain, base, claims);
	}
}

REPLACE(trk_law_claims_check);

int WRAP(trk_law_claims_check)(const struct trk_claims *claims, u64 base)
{
	return missing == DEFENCE_CLAIMS ? TRK_OK : REAL(trk_law_claims_check)(claims, base);
}

/* This function is replaced only to count how many steps were walked. */
unsigned long walk_steps;

REPLACE(trk_law_walk_next);

bool WRAP(trk_law_walk_next)(struct trk_walk *w, struct trk_step *step)
{
	walk_steps++;
	return REAL(trk_law_walk_next)(w, step);
}

/* Without DEFENCE_COOKIE, somebody who does not see the SYN-ACK can tell the cookie. */
REPLACE(trk_seal_cookie);

u32 WRAP(trk_seal_cookie)(const struct trk_cipher *c, const struct trk_peer *peer, u32 client_isn,
			  u64 period)
{
	if (missing == DEFENCE_COOKIE)
		return client_isn + 1;
	return REAL(trk_seal_cookie)(c, peer, client_isn, period);
}

/* Without DEFENCE_CONFIRMED, a TIMEOUT reports all that was received, confirmed or not. */
REPLACE(trk_request_timeout);

void WRAP(trk_request_timeout)(struct trk_client *cl, u64 now_us, struct trk_sending *out)
{
	if (missing == DEFENCE_CONFIRMED) {
		cl->held.confirmed = *trk_client_cont(cl);
		cl->held.confirmed_n = cl->num.nrep;
		cl->held.confirmed_proof = cl->num.acc ^ cl->held.confirmed.acc;
	}
	REAL(trk_request_timeout)(cl, now_us, out);
}
