// SPDX-License-Identifier: GPL-2.0
/* Any bytes are read as TCP options, and as a request, which is then written and read again. */
#include "core/reason.h"
#include "fuzz.h"

static void options(const u8 *p, size_t size)
{
	int at = trk_wire_opt_find(p, size < 40 ? size : 40);
	u8 opt[TRK_OPT_LEN];

	if (at < 0)
		return;
	MUST(at + TRK_OPT_LEN <= size);
	trk_wire_opt_write(opt);
	opt[1] = p[at + 1];
	MUST(opt[1] >= TRK_OPT_LEN && at + opt[1] <= size);
	MUST(!memcmp(opt, p + at, TRK_OPT_LEN));
}

static bool same_blob(struct trk_blob a, struct trk_blob b)
{
	return a.len == b.len && !a.p == !b.p && (!a.p || !memcmp(a.p, b.p, a.len));
}

static void same(const struct trk_req *a, const struct trk_req *b)
{
	unsigned int i;

	MUST(a->kind == b->kind && a->flags == b->flags && a->attempt == b->attempt);
	MUST(a->nclaims == b->nclaims && a->nask == b->nask && a->has_input == b->has_input);
	MUST(a->seg_size == b->seg_size && a->token == b->token && a->ackrel == b->ackrel);
	MUST(a->m == b->m && a->n == b->n && a->proof == b->proof);
	MUST(same_blob(a->cont, b->cont) && same_blob(a->output, b->output));
	MUST(same_blob(a->input, b->input) && a->input_off == b->input_off);
	MUST(same_blob(a->addr, b->addr));
	for (i = 0; i < a->nclaims; i++)
		MUST(a->claim[i].a == b->claim[i].a && a->claim[i].len == b->claim[i].len &&
		     a->claim[i].kind == b->claim[i].kind);
	for (i = 0; i < a->nask; i++)
		MUST(a->ask[i].off == b->ask[i].off && a->ask[i].len == b->ask[i].len);
}

static void inside(struct trk_blob b, const u8 *p, u32 len)
{
	MUST(!b.p || (b.p >= p && b.p + b.len <= p + len));
}

int fuzz_target(const uint8_t *data, size_t size)
{
	u8 hdr[TRK_REQ_HDR_MAX];
	struct trk_req q, again;
	unsigned int i;
	u32 len;

	options(data, size);
	if (trk_wire_req_parse(&q, data, size, size))
		return 0;
	MUST(q.hdr_len == trk_wire_req_hdr_len(data, size));
	MUST(q.hdr_len <= TRK_REQ_HDR_MAX && q.hdr_len + q.input_len == size);
	MUST(trk_wire_req_parse(&again, data, q.hdr_len - 1, size) == TRK_DROP_TRUNCATED);
	inside(q.cont, data, q.hdr_len);
	inside(q.output, data, q.hdr_len);
	inside(q.input, data, q.hdr_len);
	inside(q.addr, data, q.hdr_len);
	MUST(q.nclaims <= TRK_MAX_CLAIMS && q.nask <= TRK_MAX_ASK);
	MUST(!(q.nask && q.has_input) && q.input_off + q.input_len >= q.input_off);
	for (i = 0; i < q.nask; i++)
		MUST(q.ask[i].len && q.ask[i].off + q.ask[i].len > q.ask[i].off);
	/* A request that is written again may be shorter, by extensions that were skipped. */
	len = trk_wire_req_write(hdr, &q);
	MUST(len <= q.hdr_len && len == trk_wire_req_hdr_len(hdr, len));
	MUST(!trk_wire_req_parse(&again, hdr, len, len + q.input_len));
	MUST(again.hdr_len == len && again.input_len == q.input_len);
	same(&q, &again);
	return 0;
}
