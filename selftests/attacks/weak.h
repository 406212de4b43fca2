/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The defences that an attack can be run without, one at a time.  The linker replaces functions of
 * the core (--wrap); arguments of the core are changed by its callers here.  The core's source is
 * that of the module.
 */
#ifndef TRK_ATTACKS_WEAK_H
#define TRK_ATTACKS_WEAK_H

#include "core/nonce.h"
#include "core/server.h"

#define DEFENCES(X)								\
	X(NONE,		"nothing")						\
	/* functions of the core */						\
	X(LENGTHS,	"lengths of a request: trk_wire_req_parse(), wire.c")	\
	X(SEAL,		"seal: trk_seal_cont_open(), seal.c")			\
	X(ADDRESS,	"seal covers the address: trk_seal_cont_open(), seal.c")	\
	X(USER_SEAL,	"seal: trk_seal_ucont_open(), seal.c")			\
	X(REGION,	"bytes of a user continuation: trk_seal_ucont_open(), seal.c")	\
	X(PROOF,	"proof: trk_nonce_proof(), nonce.c")				\
	X(CONNECTION,	"nonces of a connection: trk_nonce_fill(), nonce.c")		\
	X(DOMAIN,	"nonces of a domain: trk_nonce_fill(), nonce.c")		\
	X(SEQUENCE,	"no-growth nonces: trk_nonce_span(), nonce.c")		\
	X(CLAIMS,	"claims in order: trk_law_claims_check(), law.c")		\
	X(TELESCOPE,	"proof of two blocks a run: trk_nonce_proof(), nonce.c")	\
	X(COOKIE,	"cookie: trk_seal_cookie(), seal.c")				\
	X(CONFIRMED,	"claims of a timeout: trk_request_timeout(), request.c")	\
	/* what the core is given */						\
	X(FILTER,	"answered once: record() of the server, once.c")	\
	X(FORGOTTEN,	"what is forgotten is refused: forgotten(), once.c")	\
	X(CLASSES,	"the largest class makes room: choose(), once.c")	\
	X(NEWEST,	"one domain at a time: record_range(), once.c")	\
	X(HORIZON,	"horizon of the server")				\
	X(PATH_SIZE,	"segment of the path, of the server")			\
	X(MOVES,	"net.trickles.moves=0 of the server")			\
	X(OLD_KEYS,	"old keys are forgotten: cipher() of the server, keys.c")	\
	X(RETIRED,	"retired keys renew only: open_continued(), server.c")	\
	X(TOKEN,	"tokens: random() of the client")

enum defence {
#define DEFENCE_ENUM(id, name) DEFENCE_##id,
	DEFENCES(DEFENCE_ENUM)
#undef DEFENCE_ENUM
};

/* The defence that is missing now. */
extern enum defence missing;

extern unsigned long walk_steps;

const char *defence_name(enum defence d);

/* Notes the proof of a request, which is taken for the right one if DEFENCE_PROOF is missing. */
void weak_request(const struct trk_req *q);

#endif /* TRK_ATTACKS_WEAK_H */
