/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What stands in a segment: the TCP option that marks it, and the headers that
 * lead its payload.  All fields are big endian and unaligned; they are read and
 * written only by wire.c.  protocol.rst draws them ("Segments", "Requests", "Responses").
 *
 * A request:   fixed header | transport continuation | claims | extensions | input data
 * A response:  fixed header | transport continuation | extensions | output data
 */
#ifndef TRK_CORE_WIRE_H
#define TRK_CORE_WIRE_H

#include "types.h"
#include "law.h"

/*
 * Shared experimental option (RFC 6994) with a 16-bit ExID of our own.  On a SYN or SYN-ACK it
 * has two bytes more, the lowest and the highest version that the host speaks.  TRK_SYN_OPT_LEN
 * counts these and two bytes of padding before the option.
 */
#define TRK_OPT_KIND		254
#define TRK_OPT_LEN		4
#define TRK_OPT_EXID		0x7472
#define TRK_SYN_OPT_LEN		8

/* The versions that this code speaks: so far one. */
#define TRK_VERSION_MIN		3
#define TRK_VERSION		3

#define TRK_MIN_SEG_SIZE	512		/* bytes of TCP payload in a full packet */
#define TRK_MAX_SEG_SIZE	16000		/* TRK_MAX_CWND of them stay below 2^30 bytes */
#define TRK_SMALL_ATTEMPT	2		/* from it on request and answer are small */
#define TRK_CUT_ATTEMPT		4		/* from it on they may be cut into fragments */

#define TRK_MAC_LEN		16
#define TRK_CONT_LEN		72		/* transport continuation on the wire */
#define TRK_UCONT_MAX		512		/* opaque bytes of a user continuation */
#define TRK_UCONT_HDR		36		/* start, end, flags, key id, length, MAC */
#define TRK_UCONT_KEY		17		/* offset of the key id in a user continuation */
#define TRK_SEALED_UCONT_MAX	(TRK_UCONT_HDR + TRK_UCONT_MAX)
#define TRK_ADDR_IPV4		6		/* an IPv4 address with its port */
#define TRK_ADDR_MAX		18		/* an IPv6 address with its port */

#define TRK_REQ_FIXED		32
#define TRK_CLAIM_LEN		8
#define TRK_EXT_HDR		4
#define TRK_MAX_ASK		4		/* byte ranges in one request */
#define TRK_ASK_LEN		12
/*
 * Longest header of a request: everything before the input data.  An address comes only with a
 * TIMEOUT request; that asks for one range at most, so the address has the room of the others.
 */
#define TRK_REQ_HDR_MAX		(TRK_REQ_FIXED + TRK_CONT_LEN + TRK_MAX_CLAIMS * TRK_CLAIM_LEN + \
				 TRK_EXT_HDR + TRK_MAX_ASK * TRK_ASK_LEN + \
				 TRK_EXT_HDR + TRK_SEALED_UCONT_MAX + TRK_EXT_HDR + 8)

#define TRK_REQ_INPUT_MIN	32

/*
 * The longest user continuations need a segment size of at least this, with half of the claims.
 * A connection that has no more may not be able to have less: its packets may be cut into
 * fragments, where they have to.
 */
#define TRK_LEAST_SEG_SIZE_MAX	(TRK_REQ_HDR_MAX - TRK_MAX_CLAIMS / 2 * TRK_CLAIM_LEN + \
				 TRK_REQ_INPUT_MIN)

#define TRK_RESP_FIXED		24
/*
 * Longest header of a response: transport continuation, both user continuations, CONSUMED,
 * GEOMETRY, SPAN and ADDR.
 */
#define TRK_RESP_HDR_MAX	(TRK_RESP_FIXED + TRK_CONT_LEN + \
				 2 * (TRK_EXT_HDR + TRK_SEALED_UCONT_MAX) + \
				 TRK_EXT_HDR + 16 + TRK_EXT_HDR + 4 + TRK_EXT_HDR + 2 + \
				 TRK_EXT_HDR + TRK_ADDR_MAX)

enum trk_kind {
	TRK_KIND_FIRST = 1,	/* begins a connection: echoes the cookie, no continuation */
	TRK_KIND_RANGE = 2,	/* reports numbers [m, n] */
	TRK_KIND_TIMEOUT = 3,	/* the client's retransmission timer expired */
	TRK_KIND_CLOSE = 4,	/* the client is gone; no answer */
	TRK_KIND_RESPONSE = 9,
};

#define TRK_KIND_IS_RESPONSE(kind)	((kind) & 8)

/* Flags of a request. */
#define TRK_REQ_GROW		BIT(0)	/* the window kept the client from asking for more */
#define TRK_REQ_FIN		BIT(1)	/* the client's stream ends behind this input */
#define TRK_REQ_RENEW		BIT(2)	/* a new continuation is wanted */

/* Flags of a response. */
#define TRK_RESP_NOGROWTH	BIT(0)	/* nonce of the no-growth sequence */
#define TRK_RESP_CONT		BIT(1)	/* a transport continuation follows */
#define TRK_RESP_FIN		BIT(2)	/* the server's stream ends behind this data */
#define TRK_RESP_ABORT		BIT(3)	/* the application gave the connection up */

enum trk_ext {
	TRK_EXT_ASK = 1,	/* request: ranges wanted: n * { off 8, len 4 } bytes */
	TRK_EXT_OUTPUT = 2,	/* sealed output continuation */
	TRK_EXT_INPUT = 3,	/* sealed input continuation */
	TRK_EXT_INPUT_AT = 4,	/* request: stream offset of the input: 8 bytes */
	TRK_EXT_CONSUMED = 5,	/* response: input [a, b) was consumed: 8 + 8 bytes */
	TRK_EXT_GEOMETRY = 6,	/* response to input: index in the answer, data per packet: 2 + 2 */
	TRK_EXT_SPAN = 7,	/* response stands for so many no-growth numbers: 2 bytes */
	TRK_EXT_ADDR = 128,	/* the client's address and port as the server saw them: 6 or 18 */
};

/* Flags of a user continuation. */
#define TRK_UCONT_FINAL		BIT(0)	/* output: the stream ends where the continuation does */
#define TRK_UCONT_PARALLEL	BIT(1)	/* input: bytes of [start, end) may go in any order */

struct trk_blob {
	const u8 *p;		/* NULL if absent */
	u16 len;
};

/* A half open range of stream bytes. */
struct trk_bytes {
	u64 off;
	u32 len;
};

/* A request, parsed.  Packet numbers have their low 32 bits, as on the wire. */
struct trk_req {
	u8 kind;
	u8 flags;
	u8 attempt;		/* FIRST, TIMEOUT: which one it is; otherwise 0 */
	u8 nclaims;
	u8 nask;
	bool has_input;
	u16 seg_size;		/* FIRST, TIMEOUT: TCP payload for the client; 0: as before */
	u32 token;
	u32 ackrel;		/* TCP ack less (server's ISN + 1) */
	u32 m, n;
	u64 proof;
	struct trk_blob cont;
	struct trk_blob output;		/* sealed */
	struct trk_blob input;		/* sealed */
	struct trk_blob addr;		/* TIMEOUT: address that the continuation was sealed to */
	u64 input_off;
	u32 hdr_len;		/* input data begins here */
	u32 input_len;
	struct trk_bytes ask[TRK_MAX_ASK];				/* nask of them */
	struct { u32 a, len; u8 kind; } claim[TRK_MAX_CLAIMS];		/* nclaims of them */
};

/* A response, parsed. */
struct trk_resp {
	u8 flags;
	bool has_consumed;
	bool has_geometry;
	u16 span;		/* 1 if the packet does not say */
	u32 token;
	u32 num;
	u32 off;		/* low 32 bits of the data's stream offset */
	u64 nonce;
	struct trk_blob cont;
	struct trk_blob output;		/* sealed */
	struct trk_blob input;		/* sealed */
	struct trk_blob addr;		/* of the client, as the server saw it */
	u64 consumed_from, consumed_to;
	u16 geo_index, geo_piece;
	u32 hdr_len;		/* output data begins here */
	u32 data_len;
};

/* A user continuation, parsed.  A server must not believe it before its seal was checked. */
struct trk_ucont {
	u64 start, end;		/* bytes for which it is valid: [start, end) */
	u8 flags;
	u8 key_id;
	u16 len;
	const u8 *opaque;
};

int trk_wire_opt_find(const u8 *opts, unsigned int len);
void trk_wire_opt_write(u8 opt[TRK_OPT_LEN]);
void trk_wire_syn_opt_write(u8 opt[TRK_SYN_OPT_LEN]);
int trk_wire_syn_version(const u8 *opts, unsigned int len);

int trk_wire_kind(const u8 *p, u32 len);

u32 trk_wire_req_hdr_len(const u8 *p, u32 len);
int trk_wire_req_parse(struct trk_req *q, const u8 *p, u32 hdr_avail, u32 total);
u32 trk_wire_req_write(u8 *p, const struct trk_req *q);

u32 trk_wire_resp_hdr_len(const u8 *p, u32 len);
int trk_wire_resp_parse(struct trk_resp *r, const u8 *p, u32 hdr_avail, u32 total);
u32 trk_wire_resp_size(const struct trk_resp *r);
u32 trk_wire_resp_write(u8 *p, const struct trk_resp *r);

int trk_wire_ucont_parse(struct trk_ucont *u, struct trk_blob b);

/*
 * TCP payload of a FIRST or TIMEOUT request and of its answer, at most (protocol.rst, "Paths that
 * become narrow").
 */
static inline u16 trk_attempt_size(u16 seg_size, u8 attempt)
{
	return attempt < TRK_SMALL_ATTEMPT ? seg_size : TRK_MIN_SEG_SIZE;
}

/*
 * Bytes of asked output in a full packet.  There are fewer in the first packet of an answer, if
 * client and server know beforehand that it brings a transport continuation (@renewed).
 */
static inline u32 trk_piece(u16 seg_size, bool renewed)
{
	return seg_size - TRK_RESP_FIXED - (renewed ? TRK_CONT_LEN : 0);
}

/* Claims of a request, at most.  In a small packet they must leave room for other things. */
static inline u32 trk_claims_at(u16 seg_size)
{
	return seg_size < 1024 ? TRK_MAX_CLAIMS / 2 : TRK_MAX_CLAIMS;
}

/*
 * Is a user continuation not too long for a connection?  A request with it, with
 * all claims, and with a little input must fit a packet.
 */
static inline bool trk_ucont_fits(u16 len, u16 seg_size)
{
	u32 spared = (TRK_MAX_CLAIMS - trk_claims_at(seg_size)) * TRK_CLAIM_LEN;

	return TRK_REQ_HDR_MAX - spared - TRK_UCONT_MAX + len + TRK_REQ_INPUT_MIN <= seg_size;
}

/* The least segment size for which user continuations of @len bytes are not too long. */
static inline u16 trk_ucont_least(u16 len)
{
	static_assert(TRK_LEAST_SEG_SIZE_MAX < 1024, "trk_claims_at()");
	return max_t(u16, TRK_LEAST_SEG_SIZE_MAX - TRK_UCONT_MAX + len, TRK_MIN_SEG_SIZE);
}

/* Packets for an asked range of @len bytes, if the first takes @first, and each other @piece. */
static inline u32 trk_pieces(u32 len, u32 first, u32 piece)
{
	return len <= first ? !!len : 2 + (len - first - 1) / piece;
}

/* The first number from @from on that has these low 32 bits on the wire. */
static inline u64 trk_num_above(u64 from, u32 low)
{
	return from + (u32)(low - (u32)from);
}

/* The number nearest to @ref that has these low 32 bits on the wire. */
static inline u64 trk_num_near(u64 ref, u32 low)
{
	return ref + (s64)(s32)(low - (u32)ref);
}

#endif /* TRK_CORE_WIRE_H */
