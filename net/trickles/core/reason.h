/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Why a packet was not believed.  Every drop has exactly one reason; each is a
 * counter of its own in the module.  Functions of the core return 0 or a
 * positive reason.
 */
#ifndef TRK_CORE_REASON_H
#define TRK_CORE_REASON_H

#define TRK_REASONS(X)							\
	/* parsing, either direction */					\
	X(TRUNCATED,	"Truncated")	/* shorter than its header says */ \
	X(VERSION,	"Version")	/* version or kind unknown */	\
	X(EXTENSION,	"Extension")	/* extension block malformed */	\
	X(OVERSIZED,	"Oversized")	/* a length above its bound */	\
	/* server */							\
	X(COOKIE,	"Cookie")	/* first request without a valid SYN cookie */ \
	X(KEY,		"Key")		/* sealed under a key we don't hold */ \
	X(OWNER,	"Owner")	/* sealed for another owner of the service */ \
	X(MAC,		"Mac")		/* seal of the transport continuation wrong */ \
	X(MOVED,	"Moved")	/* sealed to another address, and moving is not allowed */ \
	X(UCONT,	"Ucont")	/* seal of a user continuation wrong */ \
	X(FORGED,	"Forged")	/* seal right, but nobody seals such: a key leaked? */ \
	X(EXPIRED,	"Expired")	/* time stamp outside the horizon */ \
	X(RANGE,	"Range")	/* not base < m <= n, m - 1 not received, n not issued */ \
	X(CLAIMS,	"Claims")	/* gaps not sorted, disjoint, inside */ \
	X(PROOF,	"Proof")	/* SACK proof wrong */		\
	X(ATTEMPT,	"Attempt")	/* more or faster attempts than allowed */ \
	X(ASK,		"Ask")		/* byte ranges not covered by the continuation */ \
	X(REPLAY,	"Replay")	/* answered before */		\
	X(DOMAIN,	"Domain")	/* the connection has left this domain */ \
	X(FORGOTTEN,	"Forgotten")	/* it is not known any more whether it was answered */ \
	/* client */							\
	X(NUMBER,	"Number")	/* a number that was not expected */ \
	X(TOKEN,	"Token")	/* token of another request */	\
	X(PLACE,	"Place")	/* sequence number not that of the packet's number */ \
	X(OFFSET,	"Offset")	/* bytes that were not asked for */ \
	X(WINDOW,	"Window")	/* bytes beyond the receive window */

enum trk_reason {
	TRK_OK,
#define TRK_REASON_ENUM(id, name) TRK_DROP_##id,
	TRK_REASONS(TRK_REASON_ENUM)
#undef TRK_REASON_ENUM
	TRK_REASON_COUNT
};

#endif /* TRK_CORE_REASON_H */
