// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * One answer, from the grant to packets (paper §2.4, §3.2): which numbers, bytes and
 * continuations each of them carries.  Rules: protocol.rst, "Answers".
 */
#include "answer.h"
#include "limits.h"

/**
 * trk_answer_mss - bytes of data in a packet of an answer without user continuations
 * @g: the grant
 */
u16 trk_answer_mss(const struct trk_grant *g)
{
	if (g->nask)
		return trk_grant_piece(g);
	return trk_grant_piece(g) - (g->mint != TRK_MINT_NONE ? TRK_CONT_LEN : 0) -
	       (TRK_EXT_HDR + 16) - (TRK_EXT_HDR + 4) -
	       (g->addr_len ? TRK_EXT_HDR + g->addr_len : 0);
}

/**
 * trk_answer_room - bytes of data in all packets of an answer without user continuations
 * @g: the grant
 */
u64 trk_answer_room(const struct trk_grant *g)
{
	u32 packets = min_t(u32, g->count, TRK_MAX_ANSWER);
	u64 room = 0;
	unsigned int i;

	if (!g->nask)
		return (u64)packets * trk_answer_mss(g);
	for (i = 0; i < g->nask && packets; i++) {
		u32 first = i ? trk_grant_piece(g) : g->first_piece;
		u32 pieces = trk_pieces(g->ask[i].len, first, trk_grant_piece(g));

		if (pieces > packets)
			return room + first + (u64)(packets - 1) * trk_grant_piece(g);
		room += g->ask[i].len;
		packets -= pieces;
	}
	return room;
}

/* What each packet of any answer has. */
static void answer_bare(const struct trk_answer *a, struct trk_resp *r)
{
	memset(r, 0, sizeof(*r));
	r->span = 1;
	if (a->g->addr_len) {
		r->addr.p = a->g->addr;
		r->addr.len = a->g->addr_len;
	}
}

/* What the first packet of an answer says besides, and as a rule all packets of one to input. */
static void answer_common(const struct trk_answer *a, struct trk_resp *r)
{
	answer_bare(a, r);
	if (a->output_len) {
		r->output.p = a->output_blob;
		r->output.len = a->output_len;
	}
	if (a->input_len) {
		r->input.p = a->input_blob;
		r->input.len = a->input_len;
	}
	r->has_consumed = a->has_consumed;
	r->consumed_from = a->consumed_from;
	r->consumed_to = a->consumed_to;
}

static u32 answer_hdr(const struct trk_answer *a)
{
	const struct trk_grant *g = a->g;
	struct trk_resp r;

	answer_common(a, &r);
	r.has_geometry = !g->nask && !g->renew_only;
	if (g->mint != TRK_MINT_NONE)
		r.cont.p = a->cont_blob;
	/* The last packet may need a SPAN extension. */
	return trk_wire_resp_size(&r) + TRK_EXT_HDR + 2;
}

/*
 * Seals a user continuation of an older key anew, if that leaves room for @data bytes in a packet.
 * Returns its length, or 0.
 */
static u16 reseal(const struct trk_answer *a, enum trk_ext which, const struct trk_ucont *u,
		  u64 data, u8 *blob)
{
	const struct trk_grant *g = a->g;
	u32 more = TRK_EXT_HDR + TRK_UCONT_HDR + u->len;

	if (u->key_id == a->seal->key_id || answer_hdr(a) + more + data > a->size)
		return 0;
	return (u16)trk_seal_ucont(a->seal, a->peer, g->cont.conn, which, u, blob);
}

/**
 * trk_answer_begin - seal what the answer brings, and lay it out
 * @a: the answer; the public fields are set, the rest is as trk_answer_init() left it
 *
 * Asked bytes are cut at a size that the client knows beforehand, so that it
 * knows what a lost packet held; what a continuation displaces is asked for
 * again.  An answer to input is laid out by the server: every packet carries all
 * continuations and says where it stands (TRK_EXT_GEOMETRY), since the client
 * cannot know it otherwise; so whichever packet arrives suffices to go on.
 *
 * Data of an answer to input end where its output continuation ends.  An
 * application that hands its output out in several continuations sets the next
 * one in an answer to bytes that were asked for under the last.  So the first one
 * must end beyond trk_answer_room(), or nothing is left to ask for under it.
 *
 * Output that consumes input but has no output continuation can come only
 * once: then it must fit one packet, which alone says that the input is
 * consumed, so that both arrive or neither.
 *
 * An answer that is to be small (@size of the grant) is larger by what it takes to bring its
 * continuations with a little data, or what can come only once.
 *
 * User continuations that came with the request, and that the answer does not replace,
 * are sealed anew if they are of an older key.
 *
 * Return: 0, or -EMSGSIZE if the continuations leave no room for data or for the
 * request that brings them back, or the data do not fit one packet where they
 * must.
 */
int trk_answer_begin(struct trk_answer *a)
{
	const struct trk_grant *g = a->g;
	u32 hdr;

	if (g->renew_only) {
		a->has_output = false;
		a->has_input = false;
		a->has_consumed = false;
		a->fin = false;
		a->abort = false;
		a->len = 0;
	}
	a->size = g->size;
	if ((a->has_output && !trk_ucont_fits(a->output.len, g->cont.seg_size)) ||
	    (a->has_input && !trk_ucont_fits(a->input.len, g->cont.seg_size)))
		return -EMSGSIZE;
	if (g->mint != TRK_MINT_NONE)
		trk_seal_cont(a->seal, a->peer, &g->cont, a->cont_blob);
	if (a->has_output)
		a->output_len = (u16)trk_seal_ucont(a->seal, a->peer, g->cont.conn, TRK_EXT_OUTPUT,
						    &a->output, a->output_blob);
	if (a->has_input)
		a->input_len = (u16)trk_seal_ucont(a->seal, a->peer, g->cont.conn, TRK_EXT_INPUT,
						   &a->input, a->input_blob);
	if (answer_hdr(a) >= g->cont.seg_size)
		return -EMSGSIZE;
	if (answer_hdr(a) + TRK_REQ_INPUT_MIN > a->size)
		a->size = (u16)min_t(u32, answer_hdr(a) + TRK_REQ_INPUT_MIN, g->cont.seg_size);
	/* What lies beyond the continuation belongs to the next one. */
	if (!g->nask && a->has_output && a->off < a->output.end)
		a->len = min_t(u64, a->len, a->output.end - a->off);
	a->once = !g->nask && a->has_consumed && !a->has_output && a->len;
	if (g->has_output && !a->has_output && !g->has_input && !g->renew_only)
		a->output_len = reseal(a, TRK_EXT_OUTPUT, &g->output, 1, a->output_blob);
	if (g->has_input_cont && !a->has_input && !g->renew_only)
		a->input_len = reseal(a, TRK_EXT_INPUT, &g->input, a->once ? a->len : 1,
				      a->input_blob);
	hdr = answer_hdr(a) - TRK_EXT_HDR - 2;
	if (a->once && hdr + a->len > a->size)
		a->size = g->cont.seg_size;
	a->piece = g->nask ? trk_grant_piece(g) : (u16)(a->size - hdr);
	if (a->once && a->len > a->piece)
		return -EMSGSIZE;
	return 0;
}

/**
 * trk_answer_size - bytes of TCP payload that all packets together have at most
 * @a: the answer, from trk_answer_begin()
 */
u32 trk_answer_size(const struct trk_answer *a)
{
	const struct trk_grant *g = a->g;
	u64 packets = a->abort ? 1 : a->len / a->piece + 1 + g->nask;

	packets = min_t(u64, packets + g->paid, min_t(u32, g->count, TRK_MAX_ANSWER));
	return (u32)packets * a->size;
}

/* Is the next packet the last one that may be? */
static bool answer_last(const struct trk_answer *a)
{
	return a->packets + 1 >= min_t(u32, a->max_packets ?: TRK_MAX_ANSWER, TRK_MAX_ANSWER);
}

/* Bytes of data in the next packet, if it is full. */
static u32 answer_full(const struct trk_answer *a)
{
	return a->g->nask && !a->packets ? a->g->first_piece : a->piece;
}

/* The data for the next packet: [*at, *at + *len) of the application's, at stream offset *off. */
static void answer_piece(struct trk_answer *a, u64 *at, u32 *len, u64 *off)
{
	const struct trk_grant *g = a->g;

	*at = a->at;
	if (!g->nask) {
		*off = a->off + a->at;
		*len = (u32)min_t(u64, a->piece, a->len - a->at);
	} else if (a->range < g->nask) {
		const struct trk_bytes *b = &g->ask[a->range];

		*off = b->off + a->range_done;
		*len = min_t(u32, answer_full(a), b->len - a->range_done);
		a->range_done += *len;
		if (a->range_done == b->len) {
			a->range++;
			a->range_done = 0;
		}
	} else {
		*off = g->ask[g->nask - 1].off + g->ask[g->nask - 1].len;
		*len = 0;
	}
	a->at += *len;
}

/* Is there data for a packet behind the one just laid out? */
static bool answer_more(const struct trk_answer *a)
{
	if (a->at >= a->len)
		return false;
	return !a->g->nask || a->range < a->g->nask;
}

/* The nonce of a number; it is of the growth sequence if the request has GROW. */
static u64 answer_nonce(struct trk_answer *a, u32 index)
{
	const struct trk_grant *g = a->g;

	if (index - a->nonces_from >= a->nonces_count) {
		u64 packets = 1 + (a->len - min_t(u64, a->len, a->at)) / a->piece;

		if (index < g->paid)
			packets = max_t(u64, packets, g->paid - index);
		packets = min_t(u64, packets, g->count - index);
		a->nonces_from = index;
		a->nonces_count = (u32)min_t(u64, packets, TRK_NONCE_BATCH);
		trk_nonce_fill(a->nonce, g->cont.conn, g->cont.domain, g->first + index,
			       a->nonces_count, !g->grow, a->nonces);
	}
	return a->nonces[index - a->nonces_from];
}

/* What the next packet, of number @x, says besides its data. */
static void answer_fields(const struct trk_answer *a, u64 x, struct trk_resp *r)
{
	const struct trk_grant *g = a->g;
	bool bare = a->packets && (g->nask || a->once);

	if (bare)
		answer_bare(a, r);
	else
		answer_common(a, r);
	if (g->mint == TRK_MINT_ALL || (g->mint == TRK_MINT_FIRST && (!a->packets || !g->nask))) {
		r->cont.p = a->cont_blob;
		r->cont.len = TRK_CONT_LEN;
	}
	if (!g->nask && !bare && !g->renew_only) {
		r->has_geometry = true;
		r->geo_index = (u16)a->next;
		r->geo_piece = a->piece;
	}
	r->token = g->token;
	r->num = (u32)x;
	if (a->abort)
		r->flags |= TRK_RESP_ABORT;
}

/* As answer_piece(), with no more than there is.  Returns the length of the data. */
static u32 answer_data(struct trk_answer *a, u64 *at, u64 *off)
{
	u32 len;

	if (a->abort) {
		a->at = a->len;
		*at = a->len;
		*off = 0;
		return 0;
	}
	answer_piece(a, at, &len, off);
	/* The application may have less than was asked for. */
	return *at >= a->len ? 0 : (u32)min_t(u64, len, a->len - *at);
}

/**
 * trk_answer_next - the next packet of an answer
 * @a: the answer
 * @hdr: the header is written here: TRK_RESP_HDR_MAX bytes
 * @p: says which bytes of the application's data follow the header
 *
 * Every number granted is issued.  Those for which there is no data share the last packet, with
 * the xor of the no-growth nonces of all of them.  For a run that costs two AES blocks (paper
 * §2.2).  If the packet is lost, the run is.
 *
 * Return: false if there is no further packet.
 */
bool trk_answer_next(struct trk_answer *a, u8 *hdr, struct trk_packet *p)
{
	const struct trk_grant *g = a->g;
	struct trk_resp r;
	u64 x, off, at;
	u32 len, size;
	bool grow, full;

	if (a->next >= g->count)
		return false;
	x = g->first + a->next;
	answer_fields(a, x, &r);
	len = answer_data(a, &at, &off);
	r.off = (u32)off;
	/* A piece that a continuation cuts short below fills its packet all the same. */
	full = len == answer_full(a);
	grow = g->grow && !a->abort && (full || a->next < g->paid);
	size = trk_wire_resp_size(&r);
	if (!answer_more(a) || answer_last(a)) {
		bool fits = size + TRK_EXT_HDR + 2 + len <= a->size;

		if (answer_last(a) || (fits && !(grow && a->next < g->paid))) {
			r.span = (u16)min_t(u32, g->count - a->next, 65535);
			size = trk_wire_resp_size(&r);
			if (r.span > 1)
				grow = false;
		}
	}
	len = min_t(u32, len, a->size - size);
	if (a->fin && !a->abort && at + len >= a->len)
		r.flags |= TRK_RESP_FIN;
	if (!grow)
		r.flags |= TRK_RESP_NOGROWTH;
	if (grow == g->grow && r.span == 1) {
		r.nonce = answer_nonce(a, a->next);
	} else {
		r.nonce = trk_nonce_span(a->nonce, g->cont.conn, g->cont.domain, x, x + r.span - 1,
					 true);
	}
	p->hdr_len = trk_wire_resp_write(hdr, &r);
	p->seq = g->seq0 + (u32)(x - 1) * g->cont.seg_size;
	p->data_at = at;
	p->data_len = len;
	a->next += r.span;
	a->packets++;
	return true;
}
