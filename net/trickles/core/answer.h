/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* One answer, from the grant to packets (paper §2.4, §3.2). */
#ifndef TRK_CORE_ANSWER_H
#define TRK_CORE_ANSWER_H

#include "grant.h"
#include "nonce.h"

/**
 * struct trk_answer - an application's answer on its way into packets
 * @g: the grant
 * @peer: client and service, for seals
 * @seal: cipher of the current key, for new continuations
 * @nonce: cipher of the key g->cont.domain_key, for nonces
 * @output: output continuation for the client, if @has_output
 * @input: input continuation for the client, if @has_input
 * @has_output: the answer sets an output continuation
 * @has_input: the answer sets an input continuation
 * @has_consumed: the answer consumes input
 * @fin: the server's stream ends behind the data
 * @abort: give the connection up
 * @consumed_from: first byte of the input consumed, if @has_consumed
 * @consumed_to: the byte behind the last one
 * @off: stream offset of the data, for answers to input; if the request asks for ranges,
 *	these say where the data stand
 * @len: bytes of data that the application has from @off on, or of all ranges together
 * @max_packets: packets, at most; 0: TRK_MAX_ANSWER, which is the most in any case
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
	u32 max_packets;

	/* private: of answer.c */
	bool once;			/* the data cannot be asked for again */
	u16 output_len, input_len;
	u16 size;			/* bytes of TCP payload per packet */
	u16 piece;			/* bytes of data per packet */
	u32 next;			/* index of the next packet's first number */
	u32 packets;			/* packets made so far */
	u32 range;			/* index of the asked range at hand */
	u32 range_done;			/* bytes of it that are done */
	u64 at;				/* bytes of the application's data that are done */
	u32 nonces_from, nonces_count;	/* indices of what @nonces has */
	/* What follows is not cleared; the members above say how much of it is valid. */
	u64 nonces[TRK_NONCE_BATCH];
	u8 cont_blob[TRK_CONT_LEN];
	u8 output_blob[TRK_SEALED_UCONT_MAX];
	u8 input_blob[TRK_SEALED_UCONT_MAX];
};

/* Clears an answer, except for its buffers, which are the most of it and need not be cleared. */
static inline void trk_answer_init(struct trk_answer *a)
{
	memset(a, 0, offsetof(struct trk_answer, nonces));
}

/**
 * struct trk_packet - one packet of an answer
 * @seq: TCP sequence number
 * @hdr_len: bytes of header written
 * @data_at: the data begins at this byte of the application's data
 * @data_len: bytes of data
 */
struct trk_packet {
	u32 seq;
	u32 hdr_len;
	u64 data_at;
	u32 data_len;
};

int trk_answer_begin(struct trk_answer *a);
u32 trk_answer_size(const struct trk_answer *a);
bool trk_answer_next(struct trk_answer *a, u8 *hdr, struct trk_packet *p);
u16 trk_answer_mss(const struct trk_grant *g);
u64 trk_answer_room(const struct trk_grant *g);

#endif /* TRK_CORE_ANSWER_H */
