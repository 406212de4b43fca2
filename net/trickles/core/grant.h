/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What the server decided on a request, from which the answer is made: the only thing that
 * server.c and answer.c share.
 */
#ifndef TRK_CORE_GRANT_H
#define TRK_CORE_GRANT_H

#include "seal.h"
#include "wire.h"

enum trk_mint { TRK_MINT_NONE, TRK_MINT_FIRST, TRK_MINT_ALL };

/**
 * struct trk_grant - what one request may be answered with
 * @kind: kind of the request
 * @mint: which packets of the answer carry @cont
 * @grow: the request has GROW: full packets of the answer take growth nonces
 * @paid: with @grow, so many numbers at the beginning of the answer take growth nonces even if
 *	their packets are not full, since the request itself filled one (protocol.rst, "Answers")
 * @final_input: the client's stream ends behind the input of the request
 * @renew_only: the continuation was past its horizon, of another address, or its key retired, or
 *	the timeout was answered before: the answer is a new continuation and nothing else
 * @moved: the continuation was sealed to another address
 * @count: numbers granted; 0 when the request issues nothing
 * @first: first number granted; they are contiguous
 * @cont: the continuation to send, or (TRK_MINT_NONE) the one that came; its conn,
 *	domain and segment size hold for the answer in any case
 * @size: bytes of TCP payload in a full packet of the answer: @cont's segment size, or less
 * @token: to echo
 * @seq0: packet x has sequence number seq0 + (x - 1) * segment size of @cont
 * @ack: acknowledgment number of the answer
 * @ask: ranges of output that are wanted, in the order of the numbers
 * @nask: how many ranges
 * @first_piece: bytes of them in the first packet, if it is full
 * @has_output: an output continuation came
 * @output: that continuation, opened; its opaque bytes lie in the request, which must stay
 *	until trk_answer_begin() has been called
 * @has_input_cont: an input continuation came
 * @input: that continuation, opened; its opaque bytes lie in the request as well
 * @has_input: the request brings input
 * @input_off: stream offset of the input
 * @input_len: bytes of it
 * @addr: the client's address, if the answer is to say it
 * @addr_len: bytes of @addr; 0 if the answer is not to say it
 */
struct trk_grant {
	u8 kind;
	u8 mint;
	u8 nask;
	bool grow;
	u8 paid;
	bool final_input;
	bool renew_only;
	bool moved;
	bool has_output;
	bool has_input_cont;
	bool has_input;
	u32 count;
	u16 size;
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

/* Bytes of data in a full packet of asked bytes, which has the shortest header. */
static inline u16 trk_grant_piece(const struct trk_grant *g)
{
	return (u16)trk_piece(g->size, false);
}

#endif /* TRK_CORE_GRANT_H */
