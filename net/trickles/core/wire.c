// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Reading and writing the headers of wire.h. Everything that comes from the wire is bounded
 * here, before anyone looks at what it means.  Rules: protocol.rst, "Requests", "Responses".
 */
#include "wire.h"
#include "reason.h"

#define ASK_MAX_LEN	(1u << 30)
#define CLAIM_NOGROWTH	(1u << 31)
/* Whoever does not know an extension type from here on may skip the extension. */
#define EXT_OPTIONAL	128

static_assert(TRK_UCONT_HDR == 8 + 8 + 1 + 1 + 2 + TRK_MAC_LEN, "sealed user continuation");

/**
 * trk_wire_opt_find - look for our option among TCP options
 * @opts: the options of a TCP header
 * @len: their length, bytes
 *
 * Kind and ExID must match (RFC 6994 §3).  The option may be longer than TRK_OPT_LEN: on a SYN it
 * is, and later versions may add to it (protocol.rst, "Segments").
 *
 * Context: any.
 * Return: offset of the option in @opts, -1 if it is not there or the list is
 * malformed before it.
 */
int trk_wire_opt_find(const u8 *opts, unsigned int len)
{
	unsigned int i = 0;

	while (i < len) {
		if (opts[i] == 0)
			return -1;
		if (opts[i] == 1) {
			i++;
			continue;
		}
		if (i + 1 >= len || opts[i + 1] < 2 || opts[i + 1] > len - i)
			return -1;
		if (opts[i] == TRK_OPT_KIND && opts[i + 1] >= TRK_OPT_LEN &&
		    get_unaligned_be16(&opts[i + 2]) == TRK_OPT_EXID)
			return (int)i;
		i += opts[i + 1];
	}
	return -1;
}

/**
 * trk_wire_opt_write - write our option
 * @opt: where
 */
void trk_wire_opt_write(u8 opt[TRK_OPT_LEN])
{
	opt[0] = TRK_OPT_KIND;
	opt[1] = TRK_OPT_LEN;
	put_unaligned_be16(TRK_OPT_EXID, &opt[2]);
}

/**
 * trk_wire_syn_opt_write - write our option for a SYN or SYN-ACK
 * @opt: where
 */
void trk_wire_syn_opt_write(u8 opt[TRK_SYN_OPT_LEN])
{
	opt[0] = 1;	/* no operation */
	opt[1] = 1;
	trk_wire_opt_write(opt + 2);
	opt[3] = TRK_OPT_LEN + 2;
	opt[6] = TRK_VERSION_MIN;
	opt[7] = TRK_VERSION;
}

/**
 * trk_wire_syn_version - the version to speak with who sent a SYN or SYN-ACK
 * @opts: the options of its TCP header
 * @len: their length, bytes
 *
 * Context: any.
 * Return: the highest version that both ends speak; 0 if there is none, or if the option is not
 * there or, as in version 2, says nothing of versions.
 */
int trk_wire_syn_version(const u8 *opts, unsigned int len)
{
	int at = trk_wire_opt_find(opts, len), min, max;

	if (at < 0 || opts[at + 1] < TRK_OPT_LEN + 2)
		return 0;
	min = max_t(int, opts[at + 4], TRK_VERSION_MIN);
	max = min_t(int, opts[at + 5], TRK_VERSION);
	return min <= max ? max : 0;
}

/**
 * trk_wire_kind - the kind of a payload
 * @p: at least one byte of it, if @len is not 0
 * @len: length of the payload
 *
 * Return: enum trk_kind, or -1 if the version is not ours or the kind unknown.
 */
int trk_wire_kind(const u8 *p, u32 len)
{
	int kind;

	if (!len || p[0] >> 4 != TRK_VERSION)
		return -1;
	kind = p[0] & 15;
	if (kind == TRK_KIND_RESPONSE || (kind >= TRK_KIND_FIRST && kind <= TRK_KIND_CLOSE))
		return kind;
	return -1;
}

/* Steps over the next extension; false at the end, or if it is malformed (*left is not 0 then). */
static bool ext_next(const u8 **p, u32 *left, u8 *type, const u8 **body, u16 *len)
{
	u16 n;

	if (*left < TRK_EXT_HDR)
		return false;
	n = get_unaligned_be16(*p + 2);
	if (n > *left - TRK_EXT_HDR)
		return false;
	*type = (*p)[0];
	*body = *p + TRK_EXT_HDR;
	*len = n;
	*p += TRK_EXT_HDR + n;
	*left -= TRK_EXT_HDR + n;
	return true;
}

static bool ext_blob(struct trk_blob *b, const u8 *body, u16 len)
{
	if (b->p || len < TRK_UCONT_HDR || len > TRK_SEALED_UCONT_MAX)
		return false;
	b->p = body;
	b->len = len;
	return true;
}

static bool ext_addr(struct trk_blob *b, const u8 *body, u16 len)
{
	if (b->p || (len != TRK_ADDR_IPV4 && len != TRK_ADDR_MAX))
		return false;
	b->p = body;
	b->len = len;
	return true;
}

static u8 *ext_put(u8 *p, u8 type, u16 len)
{
	p[0] = type;
	p[1] = 0;
	put_unaligned_be16(len, p + 2);
	return p + TRK_EXT_HDR;
}

static u8 *ext_put_blob(u8 *p, u8 type, struct trk_blob b)
{
	if (!b.p)
		return p;
	p = ext_put(p, type, b.len);
	memcpy(p, b.p, b.len);
	return p + b.len;
}

/**
 * trk_wire_req_hdr_len - length of a request's header
 * @p: the first TRK_REQ_FIXED bytes of the payload
 * @len: length of the payload
 *
 * Return: bytes that trk_wire_req_parse() needs to see, unchecked against @len;
 * TRK_REQ_FIXED if the payload is shorter than that.
 */
u32 trk_wire_req_hdr_len(const u8 *p, u32 len)
{
	if (len < TRK_REQ_FIXED)
		return TRK_REQ_FIXED;
	return TRK_REQ_FIXED + ((p[0] & 15) == TRK_KIND_FIRST ? 0 : TRK_CONT_LEN) +
	       p[29] * TRK_CLAIM_LEN + get_unaligned_be16(p + 2);
}

static int req_parse_ext(struct trk_req *q, const u8 *p, u32 left)
{
	const u8 *body;
	u8 type;
	u16 len;

	while (ext_next(&p, &left, &type, &body, &len)) {
		unsigned int i;

		switch (type) {
		case TRK_EXT_ASK:
			if (q->nask || !len || len % TRK_ASK_LEN || len / TRK_ASK_LEN > TRK_MAX_ASK)
				return TRK_DROP_EXTENSION;
			q->nask = (u8)(len / TRK_ASK_LEN);
			for (i = 0; i < q->nask; i++) {
				struct trk_bytes *a = &q->ask[i];

				a->off = get_unaligned_be64(body + i * TRK_ASK_LEN);
				a->len = get_unaligned_be32(body + i * TRK_ASK_LEN + 8);
				if (!a->len || a->len > ASK_MAX_LEN || a->off > U64_MAX - a->len)
					return TRK_DROP_EXTENSION;
			}
			break;
		case TRK_EXT_OUTPUT:
			if (!ext_blob(&q->output, body, len))
				return TRK_DROP_EXTENSION;
			break;
		case TRK_EXT_INPUT:
			if (!ext_blob(&q->input, body, len))
				return TRK_DROP_EXTENSION;
			break;
		case TRK_EXT_INPUT_AT:
			if (q->has_input || len != 8)
				return TRK_DROP_EXTENSION;
			q->has_input = true;
			q->input_off = get_unaligned_be64(body);
			break;
		case TRK_EXT_ADDR:
			if (!ext_addr(&q->addr, body, len))
				return TRK_DROP_EXTENSION;
			break;
		default:
			if (type < EXT_OPTIONAL)
				return TRK_DROP_EXTENSION;
		}
	}
	return left ? TRK_DROP_EXTENSION : TRK_OK;
}

/**
 * trk_wire_req_parse - read a request
 * @q: filled; its pointers lead into @p
 * @p: the payload's beginning
 * @hdr_avail: bytes readable at @p; trk_wire_req_hdr_len() of them are needed
 * @total: length of the payload
 *
 * Context: any.
 * Return: 0 or a reason.
 */
int trk_wire_req_parse(struct trk_req *q, const u8 *p, u32 hdr_avail, u32 total)
{
	int kind = trk_wire_kind(p, total);
	const u8 *at;
	unsigned int i;
	int err;

	memset(q, 0, offsetof(struct trk_req, ask));
	if (kind < 0 || TRK_KIND_IS_RESPONSE(kind))
		return TRK_DROP_VERSION;
	if (total < TRK_REQ_FIXED || hdr_avail < TRK_REQ_FIXED)
		return TRK_DROP_TRUNCATED;
	q->kind = (u8)kind;
	q->hdr_len = trk_wire_req_hdr_len(p, total);
	if (p[29] > TRK_MAX_CLAIMS || q->hdr_len > TRK_REQ_HDR_MAX)
		return TRK_DROP_OVERSIZED;
	if (q->hdr_len > total || q->hdr_len > hdr_avail)
		return TRK_DROP_TRUNCATED;
	q->flags = p[1];
	q->token = get_unaligned_be32(p + 4);
	q->ackrel = get_unaligned_be32(p + 8);
	q->m = get_unaligned_be32(p + 12);
	q->n = get_unaligned_be32(p + 16);
	q->proof = get_unaligned_be64(p + 20);
	/* No other request is repeated as it is: what stands there is not looked at. */
	q->attempt = kind == TRK_KIND_FIRST || kind == TRK_KIND_TIMEOUT ? p[28] : 0;
	q->nclaims = p[29];
	q->seg_size = get_unaligned_be16(p + 30);
	at = p + TRK_REQ_FIXED;
	if (kind == TRK_KIND_FIRST) {
		/* It reports no number; where m stands otherwise it has the client's versions. */
		q->m = 0;
		if (p[12] > TRK_VERSION || p[13] < TRK_VERSION)
			return TRK_DROP_VERSION;
	} else {
		q->cont.p = at;
		q->cont.len = TRK_CONT_LEN;
		at += TRK_CONT_LEN;
	}
	for (i = 0; i < q->nclaims; i++, at += TRK_CLAIM_LEN) {
		u32 len = get_unaligned_be32(at + 4);

		q->claim[i].a = get_unaligned_be32(at);
		q->claim[i].kind = len & CLAIM_NOGROWTH ? TRK_CLAIM_NOGROWTH : TRK_CLAIM_LOST;
		q->claim[i].len = len & ~CLAIM_NOGROWTH;
		if (!q->claim[i].len)
			return TRK_DROP_CLAIMS;
	}
	err = req_parse_ext(q, at, get_unaligned_be16(p + 2));
	if (err)
		return err;
	q->input_len = total - q->hdr_len;
	/* Input needs its offset, and asked bytes a continuation; no request has both of them. */
	if ((q->input_len && !q->has_input) || (q->nask && (!q->output.p || q->has_input)))
		return TRK_DROP_EXTENSION;
	if (q->input_off > U64_MAX - q->input_len)
		return TRK_DROP_EXTENSION;
	return TRK_OK;
}

/**
 * trk_wire_req_write - write a request's header
 * @p: TRK_REQ_HDR_MAX bytes
 * @q: the request; hdr_len and input_len are not used
 *
 * Return: bytes written; the input data follows.
 */
u32 trk_wire_req_write(u8 *p, const struct trk_req *q)
{
	u8 *at = p + TRK_REQ_FIXED, *ext;
	unsigned int i;

	memset(p, 0, TRK_REQ_FIXED);
	p[0] = (u8)(TRK_VERSION << 4 | q->kind);
	p[1] = q->flags;
	put_unaligned_be32(q->token, p + 4);
	put_unaligned_be32(q->ackrel, p + 8);
	put_unaligned_be32(q->m, p + 12);
	put_unaligned_be32(q->n, p + 16);
	put_unaligned_be64(q->proof, p + 20);
	p[28] = q->attempt;
	p[29] = q->nclaims;
	put_unaligned_be16(q->seg_size, p + 30);
	if (q->kind == TRK_KIND_FIRST) {
		p[12] = TRK_VERSION_MIN;
		p[13] = TRK_VERSION;
		p[14] = 0;
		p[15] = 0;
	} else {
		memcpy(at, q->cont.p, TRK_CONT_LEN);
		at += TRK_CONT_LEN;
	}
	for (i = 0; i < q->nclaims; i++, at += TRK_CLAIM_LEN) {
		put_unaligned_be32(q->claim[i].a, at);
		put_unaligned_be32(q->claim[i].len |
				   (q->claim[i].kind == TRK_CLAIM_NOGROWTH ? CLAIM_NOGROWTH : 0),
				   at + 4);
	}
	ext = at;
	if (q->nask) {
		at = ext_put(at, TRK_EXT_ASK, (u16)(q->nask * TRK_ASK_LEN));
		for (i = 0; i < q->nask; i++, at += TRK_ASK_LEN) {
			put_unaligned_be64(q->ask[i].off, at);
			put_unaligned_be32(q->ask[i].len, at + 8);
		}
	}
	at = ext_put_blob(at, TRK_EXT_OUTPUT, q->output);
	at = ext_put_blob(at, TRK_EXT_INPUT, q->input);
	at = ext_put_blob(at, TRK_EXT_ADDR, q->addr);
	if (q->has_input) {
		at = ext_put(at, TRK_EXT_INPUT_AT, 8);
		put_unaligned_be64(q->input_off, at);
		at += 8;
	}
	put_unaligned_be16((u16)(at - ext), p + 2);
	return (u32)(at - p);
}

/**
 * trk_wire_resp_hdr_len - length of a response's header
 * @p: the first TRK_RESP_FIXED bytes of the payload
 * @len: length of the payload
 *
 * Return: bytes that trk_wire_resp_parse() needs to see, unchecked against @len;
 * TRK_RESP_FIXED if the payload is shorter than that.
 */
u32 trk_wire_resp_hdr_len(const u8 *p, u32 len)
{
	if (len < TRK_RESP_FIXED)
		return TRK_RESP_FIXED;
	return TRK_RESP_FIXED + (p[1] & TRK_RESP_CONT ? TRK_CONT_LEN : 0) +
	       get_unaligned_be16(p + 2);
}

static int resp_parse_ext(struct trk_resp *r, const u8 *p, u32 left)
{
	const u8 *body;
	u8 type;
	u16 len;

	while (ext_next(&p, &left, &type, &body, &len)) {
		switch (type) {
		case TRK_EXT_OUTPUT:
			if (!ext_blob(&r->output, body, len))
				return TRK_DROP_EXTENSION;
			break;
		case TRK_EXT_INPUT:
			if (!ext_blob(&r->input, body, len))
				return TRK_DROP_EXTENSION;
			break;
		case TRK_EXT_CONSUMED:
			if (r->has_consumed || len != 16)
				return TRK_DROP_EXTENSION;
			r->has_consumed = true;
			r->consumed_from = get_unaligned_be64(body);
			r->consumed_to = get_unaligned_be64(body + 8);
			if (r->consumed_from >= r->consumed_to)
				return TRK_DROP_EXTENSION;
			break;
		case TRK_EXT_GEOMETRY:
			if (r->has_geometry || len != 4)
				return TRK_DROP_EXTENSION;
			r->has_geometry = true;
			r->geo_index = get_unaligned_be16(body);
			r->geo_piece = get_unaligned_be16(body + 2);
			break;
		case TRK_EXT_SPAN:
			if (r->span || len != 2)
				return TRK_DROP_EXTENSION;
			r->span = get_unaligned_be16(body);
			if (!r->span)
				return TRK_DROP_EXTENSION;
			break;
		case TRK_EXT_ADDR:
			if (!ext_addr(&r->addr, body, len))
				return TRK_DROP_EXTENSION;
			break;
		default:
			if (type < EXT_OPTIONAL)
				return TRK_DROP_EXTENSION;
		}
	}
	return left ? TRK_DROP_EXTENSION : TRK_OK;
}

/**
 * trk_wire_resp_parse - read a response
 * @r: filled; its pointers lead into @p
 * @p: the payload's beginning
 * @hdr_avail: bytes readable at @p; trk_wire_resp_hdr_len() of them are needed
 * @total: length of the payload (of one packet)
 *
 * Context: any.
 * Return: 0 or a reason.
 */
int trk_wire_resp_parse(struct trk_resp *r, const u8 *p, u32 hdr_avail, u32 total)
{
	const u8 *at;
	int err;

	memset(r, 0, sizeof(*r));
	if (trk_wire_kind(p, total) != TRK_KIND_RESPONSE)
		return TRK_DROP_VERSION;
	if (total < TRK_RESP_FIXED || hdr_avail < TRK_RESP_FIXED)
		return TRK_DROP_TRUNCATED;
	r->hdr_len = trk_wire_resp_hdr_len(p, total);
	if (r->hdr_len > TRK_RESP_HDR_MAX)
		return TRK_DROP_OVERSIZED;
	if (r->hdr_len > total || r->hdr_len > hdr_avail)
		return TRK_DROP_TRUNCATED;
	r->flags = p[1];
	r->token = get_unaligned_be32(p + 4);
	r->num = get_unaligned_be32(p + 8);
	r->off = get_unaligned_be32(p + 12);
	r->nonce = get_unaligned_be64(p + 16);
	at = p + TRK_RESP_FIXED;
	if (r->flags & TRK_RESP_CONT) {
		r->cont.p = at;
		r->cont.len = TRK_CONT_LEN;
		at += TRK_CONT_LEN;
	}
	err = resp_parse_ext(r, at, get_unaligned_be16(p + 2));
	if (err)
		return err;
	/* Numbers that share a packet have no-growth nonces (protocol.rst, "Answers"). */
	if (r->span && !(r->flags & TRK_RESP_NOGROWTH))
		return TRK_DROP_EXTENSION;
	if (!r->span)
		r->span = 1;
	r->data_len = total - r->hdr_len;
	return TRK_OK;
}

/**
 * trk_wire_resp_size - length of the header that trk_wire_resp_write() would write
 * @r: the response
 */
u32 trk_wire_resp_size(const struct trk_resp *r)
{
	u32 len = TRK_RESP_FIXED;

	if (r->cont.p)
		len += TRK_CONT_LEN;
	if (r->output.p)
		len += TRK_EXT_HDR + r->output.len;
	if (r->input.p)
		len += TRK_EXT_HDR + r->input.len;
	if (r->addr.p)
		len += TRK_EXT_HDR + r->addr.len;
	if (r->has_consumed)
		len += TRK_EXT_HDR + 16;
	if (r->has_geometry)
		len += TRK_EXT_HDR + 4;
	if (r->span > 1)
		len += TRK_EXT_HDR + 2;
	return len;
}

/**
 * trk_wire_resp_write - write a response's header
 * @p: TRK_RESP_HDR_MAX bytes
 * @r: the response; hdr_len and data_len are not used
 *
 * Return: bytes written; the output data follows.
 */
u32 trk_wire_resp_write(u8 *p, const struct trk_resp *r)
{
	u8 *at = p + TRK_RESP_FIXED, *ext;

	p[0] = TRK_VERSION << 4 | TRK_KIND_RESPONSE;
	p[1] = (u8)((r->flags & ~TRK_RESP_CONT) | (r->cont.p ? TRK_RESP_CONT : 0));
	put_unaligned_be32(r->token, p + 4);
	put_unaligned_be32(r->num, p + 8);
	put_unaligned_be32(r->off, p + 12);
	put_unaligned_be64(r->nonce, p + 16);
	if (r->cont.p) {
		memcpy(at, r->cont.p, TRK_CONT_LEN);
		at += TRK_CONT_LEN;
	}
	ext = at;
	at = ext_put_blob(at, TRK_EXT_OUTPUT, r->output);
	at = ext_put_blob(at, TRK_EXT_INPUT, r->input);
	at = ext_put_blob(at, TRK_EXT_ADDR, r->addr);
	if (r->has_consumed) {
		at = ext_put(at, TRK_EXT_CONSUMED, 16);
		put_unaligned_be64(r->consumed_from, at);
		put_unaligned_be64(r->consumed_to, at + 8);
		at += 16;
	}
	if (r->has_geometry) {
		at = ext_put(at, TRK_EXT_GEOMETRY, 4);
		put_unaligned_be16(r->geo_index, at);
		put_unaligned_be16(r->geo_piece, at + 2);
		at += 4;
	}
	if (r->span > 1) {
		at = ext_put(at, TRK_EXT_SPAN, 2);
		put_unaligned_be16(r->span, at);
		at += 2;
	}
	put_unaligned_be16((u16)(at - ext), p + 2);
	return (u32)(at - p);
}

/**
 * trk_wire_ucont_parse - read the plain part of a sealed user continuation
 * @u: filled; opaque leads into the blob
 * @b: the blob
 *
 * The client uses it to know what the continuation is good for; only the
 * server can tell whether it is genuine.
 *
 * Return: 0 or TRK_DROP_UCONT.
 */
int trk_wire_ucont_parse(struct trk_ucont *u, struct trk_blob b)
{
	memset(u, 0, sizeof(*u));
	if (!b.p || b.len < TRK_UCONT_HDR || b.len > TRK_SEALED_UCONT_MAX)
		return TRK_DROP_UCONT;
	u->start = get_unaligned_be64(b.p);
	u->end = get_unaligned_be64(b.p + 8);
	u->flags = b.p[16];
	u->key_id = b.p[TRK_UCONT_KEY];
	u->len = get_unaligned_be16(b.p + 18);
	u->opaque = b.p + 20;
	if (u->len != b.len - TRK_UCONT_HDR || u->start > u->end)
		return TRK_DROP_UCONT;
	return TRK_OK;
}
