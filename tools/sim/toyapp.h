/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A small stateless application: all it knows of a connection stands in the
 * request and its user continuations.  A dialogue is a sequence of messages:
 *
 *   GET   the server sends @len bytes made from @key; if chunked, and @gran is above 1, @gran
 *         tens of them for each output continuation
 *   PUT   @len bytes follow, read in records of @gran; 16 bytes that depend on them come back
 *   ECHO  @len bytes follow in any order and come back; only as the last message
 *   EXPAND each of the @len bytes that follow in any order brings @gran made from @key; last
 *   SINK  @len bytes follow and are read, if so flagged only at the end; nothing comes back
 *   ABORT the server gives the connection up
 */
#ifndef SIM_TOYAPP_H
#define SIM_TOYAPP_H

#include "core/answer.h"

#define TOY_MSG_LEN	16
#define TOY_REPLY_LEN	16
#define TOY_BANNER	777		/* bytes with which the service TOY_BANNER_PORT begins */
#define TOY_BANNER_PORT	25
#define TOY_BANNER_KEY	0xbabeULL

enum toy_kind { TOY_GET = 'G', TOY_PUT = 'P', TOY_ECHO = 'E', TOY_EXPAND = 'X', TOY_SINK = 'S',
		TOY_ABORT = 'A' };

#define TOY_LAST	1		/* the server's stream ends with the answer */
#define TOY_CHUNKED \
	2 /* GET: each output continuation covers a part; ECHO: answers of several packets */

#define TOY_AT_END	4		/* SINK: not read before the client's stream ends */

struct toy_msg {
	u8 kind, flags;
	u16 gran;
	u32 len;
	u64 key;
};

void toy_msg_write(u8 p[TOY_MSG_LEN], const struct toy_msg *m);
u8 toy_byte(u64 key, u64 at);
void toy_bytes(u64 key, u64 at, u8 *p, u32 len);
u64 toy_digest(u64 h, const u8 *p, u64 len);

/* An answer and the memory that it refers to. */
struct toy {
	struct trk_answer a;
	u8 out_opaque[TRK_UCONT_MAX], in_opaque[64];
	u64 key, key_at;		/* data: byte i is toy_byte(key, key_at + i), or ... */
	const u8 *bytes;		/* ... these */
};

/* False: drop the request. */
bool toy_answer(struct toy *t, const struct trk_grant *g, const struct trk_peer *peer,
		const u8 *input);
void toy_fill(const struct toy *t, u64 data_at, u8 *p, u32 len);

#endif /* SIM_TOYAPP_H */
