/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Why a packet is dropped.  Every drop has exactly one reason, and each reason is a counter
 * of the module (Documentation/counters.rst).  Functions of the core that judge a packet return
 * 0 or a reason, which is positive.
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
	X(KEY,		"Key")		/* needs a key that is not held, or is retired */ \
	X(OWNER,	"Owner")	/* sealed for another owner */	\
	X(MAC,		"Mac")		/* seal of the transport continuation wrong */ \
	X(MOVED,	"Moved")	/* sealed to another address, and moving is not allowed */ \
	X(UCONT,	"Ucont")	/* user continuation malformed, or its seal wrong */ \
	X(FORGED,	"Forged")	/* seal right, content impossible: a key leaked? */ \
	X(EXPIRED,	"Expired")	/* continuation past its horizon, or from the future */ \
	X(RANGE,	"Range")	/* not base < m <= n, m - 1 not received, n not issued */ \
	X(CLAIMS,	"Claims")	/* claims not in order, not disjoint, or impossible */ \
	X(PROOF,	"Proof")	/* proof wrong */		\
	X(ATTEMPT,	"Attempt")	/* attempt out of bounds, domain ahead of the clock */ \
	X(ASK,		"Ask")		/* bytes that the output continuation does not cover */ \
	X(REPLAY,	"Replay")	/* answered before */		\
	X(DOMAIN,	"Domain")	/* the connection has left this domain */ \
	X(FORGOTTEN,	"Forgotten")	/* the replay filter forgot whether it was answered */ \
	/* client */							\
	X(NUMBER,	"Number")	/* number or its continuation not expected */ \
	X(TOKEN,	"Token")	/* token of another request */	\
	X(PLACE,	"Place")	/* sequence number not that of the packet's number */ \
	X(OFFSET,	"Offset")	/* bytes that were not asked for */ \
	X(WINDOW,	"Window")	/* data or output continuation that cannot be kept now */

enum trk_reason {
	TRK_OK,
#define TRK_REASON_ENUM(id, name) TRK_DROP_##id,
	TRK_REASONS(TRK_REASON_ENUM)
#undef TRK_REASON_ENUM
	TRK_REASON_COUNT
};

#endif /* TRK_CORE_REASON_H */
