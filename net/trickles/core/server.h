/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The server's decision: a function of one request, the keys, the clock and
 * what was answered before (paper §2.3).  Nothing else is remembered between two calls.
 */
#ifndef TRK_CORE_SERVER_H
#define TRK_CORE_SERVER_H

#include "once.h"
#include "seal.h"
#include "types.h"
#include "wire.h"

#define TRK_MAX_ATTEMPTS	15		/* timeout requests of one domain */
#define TRK_MAX_ANSWER		256		/* packets in answer to one request */
#define TRK_FIRST_ATTEMPTS	11		/* repeated first requests */
#define TRK_COOKIE_PERIOD_MS	512000		/* a SYN cookie is good for one to two of them */
#define TRK_RETIRED_KEYS	6		/* epochs held before the previous one, at most */

/**
 * struct trk_server_env - what a decision depends on besides the request
 * @cipher: returns the cipher of a key epoch, NULL if it is not held; one that is neither
 *	@current_key nor @previous_key is retired
 * @arg: passed to @cipher and @mark
 * @mark: marks a request as answered, as trk_once_mark() does.  NULL: none is ever known to be
 * @current_key: the epoch that seals
 * @previous_key: the one before it, whose cookies are still good; NULL: none
 * @now_ms: wall clock, milliseconds
 * @horizon_ms: a continuation older than this is taken for nothing but its renewal
 * @skew_ms: replicas' clocks differ by at most this
 * @max_slot: bytes of TCP payload that fit the path from here
 * @moves: clients may go on from another address
 */
struct trk_server_env {
	const struct trk_cipher *(*cipher)(void *arg, u8 key_id);
	int (*mark)(void *arg, const struct trk_peer *peer, struct trk_mark *m);
	void *arg;
	const struct trk_cipher *current_key;
	const struct trk_cipher *previous_key;
	u64 now_ms;
	u32 horizon_ms;
	u32 skew_ms;
	u16 max_slot;
	bool moves;
};

/* A domain's birth may be so far ahead of the clock: each is later than its parent. */
#define TRK_BORN_AHEAD_MS	1000
#define TRK_BORN_AHEAD_MAX	(1 << 20)	/* in the order of domains; more than an hour */

/* Numbers below a request of an unknown domain, in windows, that may come still. */
#define TRK_LATE_WINDOWS	4

enum trk_mint { TRK_MINT_NONE, TRK_MINT_FIRST, TRK_MINT_ALL };

/**
 * struct trk_grant - what one request may be answered with
 * @kind: kind of the request
 * @mint: which packets of the answer carry @cont
 * @grow: full packets of the answer may take growth nonces
 * @paid: with @grow, so many numbers of the answer take growth nonces full or not, for the
 *	request itself filled a packet (the client sends as fast as it may): what one
 *	received number issues, or one number if it stands for several
 * @final_input: the client's stream ends behind the input of the request
 * @late: the continuation was past its horizon, of another address, or its key retired, or
 *	the timeout was answered before: the answer is a new continuation and nothing else
 * @moved: it was of another address
 * @addr, @addr_len: the client's address, if the answer is to say it
 * @count: numbers granted; 0 when the request issues nothing
 * @first: first number granted; they are contiguous
 * @cont: the continuation to send, or (TRK_MINT_NONE) the one that came; its conn,
 *        domain and slot hold for the answer in any case
 * @token: to echo
 * @seq0: server's ISN + 1: packet x has sequence number seq0 + (x - 1) * slot
 * @ack: acknowledgment number of the answer
 * @ask, @nask: byte ranges wanted, in the order of the numbers
 * @first_piece: bytes of them in the first packet
 * @output, @input: user continuations, opened; opaque points into the request, and has to
 *	be good until trk_answer_begin() has been called
 * @has_output, @has_input_cont: whether they came
 * @has_input: the request brings input, at @input_off
 */
struct trk_grant {
	u8 kind;
	u8 mint;
	u8 nask;
	bool grow;
	u8 paid;
	bool final_input;
	bool late;
	bool moved;
	bool has_output;
	bool has_input_cont;
	bool has_input;
	u32 count;
	u32 token;
	u32 seq0;
	u32 ack;
	u32 input_len;
	u32 first_piece;
	u64 first;
	u64 input_off;
	struct trk_cont cont;
	struct trk_bytes ask[TRK_MAX_ASK];
	struct trk_ucont output;
	struct trk_ucont input;
	u8 addr[TRK_ADDR_MAX];
	u16 addr_len;
};

int trk_server_step(const struct trk_server_env *env, const struct trk_peer *peer,
		    const struct trk_req *q, u32 seq, u32 ack, u32 payload_len,
		    struct trk_grant *g);

/**
 * struct trk_answer - an application's answer on its way into packets
 * @g: the grant
 * @peer: client and service, for seals
 * @seal: cipher of the current epoch, for new continuations
 * @nonce: cipher of the epoch g->cont.domain_key
 * @output, @input: user continuations for the client, with @has_output, @has_input
 * @consumed_from, @consumed_to: input consumed, with @has_consumed
 * @off: stream offset of the data (answers to input; for asks the ranges rule)
 * @len: bytes of data that the application has from @off on (of all ranges together)
 * @fin: the server's stream ends behind the data
 * @abort: give the connection up
 *
 * The rest is private to server.c.
 */
struct trk_answer {
	const struct trk_grant *g;
	const struct trk_peer *peer;
	const struct trk_cipher *seal;
	const struct trk_cipher *nonce;
	struct trk_ucont output;
	struct trk_ucont input;
	bool has_output, has_input, has_consumed;
	bool fin, abort;
	u64 consumed_from, consumed_to;
	u64 off;
	u64 len;

	bool once;			/* the data cannot be asked for again */
	u8 cont_blob[TRK_CONT_LEN];
	u8 output_blob[TRK_SEALED_UCONT_MAX];
	u8 input_blob[TRK_SEALED_UCONT_MAX];
	u16 output_len, input_len;
	u16 piece;			/* bytes of data per packet */
	u32 next;			/* index of the next packet's first number */
	u32 packets;			/* packets made so far */
	u32 range;			/* ask range at hand, and how far in it */
	u32 range_done;
	u64 at;				/* bytes of the application's data passed by */
	u64 nonces[TRK_NONCE_BATCH];
	u32 nonces_from, nonces_count;	/* of growth, if the grant is */
};

/**
 * struct trk_packet - one packet of an answer
 * @seq: TCP sequence number
 * @hdr_len: bytes of header written
 * @data_at: the data begins at this byte of what the application gave
 * @data_len: bytes of data
 */
struct trk_packet {
	u32 seq;
	u32 hdr_len;
	u64 data_at;
	u32 data_len;
};

int trk_answer_begin(struct trk_answer *a);
bool trk_answer_next(struct trk_answer *a, u8 *hdr, struct trk_packet *p);
u16 trk_answer_mss(const struct trk_grant *g);
u64 trk_answer_room(const struct trk_grant *g);

u32 trk_server_ahead(u32 skew_ms);

u32 trk_syn_cookie(const struct trk_server_env *env, const struct trk_peer *peer, u32 client_isn);

#endif /* TRK_CORE_SERVER_H */
