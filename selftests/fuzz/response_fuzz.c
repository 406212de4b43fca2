// SPDX-License-Identifier: GPL-2.0
/* Any bytes are read as a response, which is then written and read again. */
#include "core/reason.h"
#include "fuzz.h"

static bool same_blob(struct trk_blob a, struct trk_blob b)
{
	return a.len == b.len && !a.p == !b.p && (!a.p || !memcmp(a.p, b.p, a.len));
}

static void same(const struct trk_resp *a, const struct trk_resp *b)
{
	MUST(a->flags == b->flags && a->span == b->span && a->token == b->token);
	MUST(a->num == b->num && a->off == b->off && a->nonce == b->nonce);
	MUST(a->has_consumed == b->has_consumed && a->has_geometry == b->has_geometry);
	MUST(a->consumed_from == b->consumed_from && a->consumed_to == b->consumed_to);
	MUST(a->geo_index == b->geo_index && a->geo_piece == b->geo_piece);
	MUST(same_blob(a->cont, b->cont) && same_blob(a->output, b->output));
	MUST(same_blob(a->input, b->input) && same_blob(a->addr, b->addr));
}

static void inside(struct trk_blob b, const u8 *p, u32 len)
{
	MUST(!b.p || (b.p >= p && b.p + b.len <= p + len));
}

int fuzz_target(const uint8_t *data, size_t size)
{
	u8 hdr[TRK_RESP_HDR_MAX];
	struct trk_resp r, again;
	struct trk_ucont u;
	u32 len;

	if (trk_wire_resp_parse(&r, data, size, size))
		return 0;
	MUST(r.hdr_len == trk_wire_resp_hdr_len(data, size));
	MUST(r.hdr_len <= TRK_RESP_HDR_MAX && r.hdr_len + r.data_len == size && r.span);
	MUST(trk_wire_resp_parse(&again, data, r.hdr_len - 1, size) == TRK_DROP_TRUNCATED);
	inside(r.cont, data, r.hdr_len);
	inside(r.output, data, r.hdr_len);
	inside(r.input, data, r.hdr_len);
	inside(r.addr, data, r.hdr_len);
	if (!trk_wire_ucont_parse(&u, r.output))
		MUST(u.opaque + u.len + TRK_MAC_LEN == r.output.p + r.output.len);
	if (!trk_wire_ucont_parse(&u, r.input))
		MUST(u.opaque + u.len + TRK_MAC_LEN == r.input.p + r.input.len);
	/* A response that is written again may be shorter, by extensions that were skipped. */
	len = trk_wire_resp_write(hdr, &r);
	MUST(len == trk_wire_resp_size(&r) && len <= r.hdr_len);
	MUST(len == trk_wire_resp_hdr_len(hdr, len));
	MUST(!trk_wire_resp_parse(&again, hdr, len, len + r.data_len));
	MUST(again.hdr_len == len && again.data_len == r.data_len);
	same(&r, &again);
	return 0;
}
