/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A small stateless application: all that it knows of a connection stands in the request and
 * its user continuations.  A client sends a sequence of messages (struct toy_msg):
 *
 *   GET    The server sends @len bytes that are made from @key.  With TOY_CHUNKED, and @gran
 *          above 1, each output continuation is for ten times @gran of them.  With TOY_ONCE they
 *          come in one packet and cannot be asked for, if they fit; with TOY_LONG continuations
 *          are long; with TOY_LESS no answer brings more than 100 bytes.
 *   PUT    @len bytes follow, which the server consumes in multiples of @gran.  It answers with
 *          16 bytes that depend on them.
 *   ECHO   @len bytes follow in any order, and come back.  It is the last message.
 *   EXPAND @len bytes follow in any order.  For each of them the server sends @gran bytes that
 *          are made from @key.  It is the last message.
 *   SINK   @len bytes follow, and are consumed; with TOY_AT_END only when the client's stream
 *          has ended.  Nothing comes back.
 *   ABORT  The server gives the connection up.
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
	2 /* GET: an output continuation is for a part only; ECHO: answers of several packets */

#define TOY_AT_END	4		/* SINK: not consumed before the client's stream ends */
#define TOY_ONCE	8
#define TOY_LONG	16
#define TOY_LESS	32

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

/* An answer, and the memory that it points to. */
struct toy {
	struct trk_answer a;
	u8 out_opaque[TRK_UCONT_MAX], in_opaque[64];
	u64 key, key_at;		/* byte i of the data is toy_byte(key, key_at + i) ... */
	const u8 *bytes;		/* ... or, if @key is 0, bytes[i] */
};

/* Returns false if the request is to be dropped. */
bool toy_answer(struct toy *t, const struct trk_grant *g, const struct trk_peer *peer,
		const u8 *input);
void toy_fill(const struct toy *t, u64 data_at, u8 *p, u32 len);

#endif /* SIM_TOYAPP_H */
