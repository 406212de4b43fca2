// SPDX-License-Identifier: GPL-2.0
/*
 * The server's grant and its answer, for any sealed state, any claims with a right proof, any
 * asked ranges, any input, and any application.  The grant is what requests of one number each
 * would issue.  No number is granted twice while the server remembers.  The packets of an answer
 * stand for exactly the numbers granted, each at its sequence number.
 */
#include "core/answer.h"
#include "core/limits.h"
#include "core/nonce.h"
#include "core/reason.h"
#include "core/server.h"
#include "fuzz.h"

#define NOW	1700000000000ULL
#define SKEW	500
#define HORIZON	60000
#define MAX_N	2048

static const struct trk_cipher key = FUZZ_CIPHER(7), old_key = FUZZ_CIPHER(6);
static const struct trk_peer peer = { .addr = { [15] = 9 }, .port = 40001, .service = 80 };
static const struct trk_peer elsewhere = { .addr = { [15] = 8 }, .port = 7, .service = 80 };

static struct trk_once_set answered;

static const struct trk_cipher *get_cipher(void *arg, u8 key_id)
{
	return key_id == key.key_id ? &key : key_id == old_key.key_id ? &old_key : NULL;
}

static int record(void *arg, const struct trk_peer *from, struct trk_record *m)
{
	const struct trk_once_now now = { .order = trk_seal_order_at(NOW),
					  .ahead = trk_server_ahead(SKEW), .life = 2 * HORIZON };
	u32 evicted = 0;
	int err = trk_once_record(&answered, &now, 0, 0, m, &evicted);

	if (!err && m->kind == TRK_KIND_RANGE)
		MUST(m->m <= m->a && m->a <= m->b && m->b <= m->n);
	return err;
}

struct request {
	struct trk_cont cont;
	struct trk_claims claims;
	struct trk_req q;		/* what was written into @payload */
	u8 cont_blob[TRK_CONT_LEN];
	u8 output[TRK_SEALED_UCONT_MAX], input[TRK_SEALED_UCONT_MAX];
	u8 opaque[TRK_UCONT_MAX];
	/* It has room for more than is allowed. */
	u8 payload[TRK_REQ_HDR_MAX + TRK_SEALED_UCONT_MAX + TRK_EXT_HDR + TRK_ADDR_MAX];
	u32 input_len;
	u32 seq, ack;
};

static void make_cont(struct bytes *b, const struct trk_cipher *c, struct trk_cont *cont)
{
	unsigned int shape = take(b, 1);
	u64 piece;

	*cont = (struct trk_cont){ .conn = 5, .domain = 6, .base = take_any(b, 48),
				   .seg_size = take_in(b, TRK_MIN_SEG_SIZE, TRK_MAX_SEG_SIZE),
				   .domain_key = shape & 1 ? key.key_id : take(b, 1) % 3 + 5,
				   .iw = TRK_INITIAL_WINDOW };
	cont->time_ms = NOW + 2 * SKEW - (shape & 2 ? take_any(b, 17) : 2 * SKEW);
	piece = shape & 4 ? 0 : take_any(b, 16) % (cont->base + 1);
	trk_law_init(&cont->law, cont->base - piece,
		     take_in(b, 1, shape & 8 ? TRK_MAX_CWND : 64), take_any(b, 20) + 1, 0);
	if (shape & 16 && piece) {
		u64 f = cont->base - take_any(b, 16) % piece;

		trk_law_init(&cont->law, cont->law.tcp_base, cont->law.start_cwnd,
			     cont->law.ssthresh, f);
		if (cont->base > cont->law.recover)
			trk_law_init(&cont->law, cont->law.tcp_base, cont->law.start_cwnd,
				     cont->law.ssthresh, 0);
	}
	/* Whoever has the key can seal anything. */
	if (shape & 32) {
		cont->seg_size = (u16)take_any(b, 16);
		cont->iw = take(b, 1);
		cont->base = take_any(b, 64);
		cont->domain = take_any(b, 64);
		trk_law_init(&cont->law, take_any(b, 64), (u32)take_any(b, 32),
			     (u32)take_any(b, 32), cont->base + 1 - take_any(b, 32));
	}
}

static void make_claims(struct bytes *b, u64 base, struct trk_claims *claims)
{
	u64 at = base;
	unsigned int i;

	claims->count = take(b, 1) % (TRK_MAX_CLAIMS + 1);
	for (i = 0; i < claims->count; i++) {
		claims->c[i].kind = take(b, 1) & 1;
		claims->c[i].a = at + 1 + take_any(b, 7);
		claims->c[i].b = claims->c[i].a + take_any(b, 5);
		at = claims->c[i].b;
	}
	claims->n = at + take_any(b, 9);
	claims->n = min_t(u64, claims->n, base + MAX_N);
}

static struct trk_blob make_ucont(struct bytes *b, struct request *r, enum trk_ext which,
				  u8 *sealed)
{
	struct trk_ucont u = { .start = take_any(b, 40), .flags = take(b, 1), .opaque = r->opaque };
	const struct trk_cipher *c = u.flags & 4 ? &old_key : &key;
	struct trk_blob blob = { .p = sealed };

	u.end = u.start + take_any(b, 40);
	u.len = take_any(b, 10) % (TRK_UCONT_MAX + 1);
	blob.len = trk_seal_ucont(c, &peer, r->cont.conn, which, &u, sealed);
	if (u.flags & 8)
		sealed[take(b, 2) % blob.len] ^= 1;
	return blob;
}

static void make_request(struct bytes *b, const struct trk_server_env *env, struct request *r)
{
	static const u8 kinds[] = { TRK_KIND_RANGE, TRK_KIND_RANGE, TRK_KIND_RANGE, TRK_KIND_RANGE,
				    TRK_KIND_FIRST, TRK_KIND_TIMEOUT, TRK_KIND_TIMEOUT,
				    TRK_KIND_CLOSE };
	unsigned int shape = take(b, 1), i;
	const struct trk_cipher *c = shape & 64 ? &old_key : &key;
	struct trk_req *q = &r->q;

	memset(r, 0, sizeof(*r));
	q->kind = kinds[shape % 8];
	q->flags = take(b, 1);
	q->token = 99;
	q->attempt = take_any(b, 5);
	q->ackrel = take_any(b, 20);
	r->seq = 5000;
	make_cont(b, c, &r->cont);
	if (q->kind == TRK_KIND_FIRST) {
		struct trk_server_env then = *env;

		q->seg_size = r->cont.seg_size - (shape & 8);
		/* The cookie is of this period, or of one before or after it. */
		then.now_ms += (take(b, 1) % 5 - 2ULL) * (TRK_COOKIE_PERIOD_MS / 2);
		r->ack = trk_server_syn_cookie(&then, &peer, r->seq - 1) + 1 + q->ackrel;
	} else {
		trk_seal_cont(c, &peer, &r->cont, r->cont_blob);
		/*
		 * A continuation does not have room for all values that make_cont() may draw, so
		 * results are compared with what was sealed.
		 */
		trk_seal_cont_read(r->cont_blob, &r->cont);
		q->cont = (struct trk_blob){ r->cont_blob, TRK_CONT_LEN };
		make_claims(b, r->cont.base, &r->claims);
		q->nclaims = r->claims.count;
		q->n = (u32)r->claims.n;
		q->m = (u32)(r->cont.base + take_any(b, 11));
		q->proof = trk_nonce_proof(r->cont.domain_key == 6 ? &old_key : &key, r->cont.conn,
					   r->cont.domain, r->cont.base, &r->claims);
		for (i = 0; i < q->nclaims; i++) {
			q->claim[i].a = (u32)r->claims.c[i].a;
			q->claim[i].len = (u32)(r->claims.c[i].b - r->claims.c[i].a + 1);
			q->claim[i].kind = r->claims.c[i].kind;
		}
		r->ack = 6000;
	}
	if (shape & 16) {
		q->output = make_ucont(b, r, TRK_EXT_OUTPUT, r->output);
		q->nask = take(b, 1) % (TRK_MAX_ASK + 1);
		for (i = 0; i < q->nask; i++) {
			q->ask[i].off = get_unaligned_be64(r->output) + take_any(b, 30) -
					(shape & 128 ? take_any(b, 4) : 0);
			q->ask[i].len = take_any(b, 30) + 1;
		}
	}
	if (shape & 32) {
		q->input = make_ucont(b, r, TRK_EXT_INPUT, r->input);
		q->has_input = true;
		q->input_off = take_any(b, 64);
		r->input_len = take_any(b, 14);
	}
}

/* What requests of one number each, from m on, issue together. */
static void single_requests(const struct request *r, u64 m, u64 *first, u64 *count)
{
	struct trk_walk w;
	struct trk_step s;

	*count = 0;
	trk_law_walk_init(&w, &r->cont.law, r->cont.base, &r->claims, 0, true);
	while (trk_law_walk_next(&w, &s)) {
		if (s.a < m || s.first > s.last)
			continue;
		if (!*count)
			*first = s.first;
		MUST(s.first == *first + *count);
		*count += s.last - s.first + 1;
	}
	MUST(!w.impossible);
}

static void check_nonce(const struct trk_grant *g, const struct trk_cipher *c,
			const struct trk_resp *resp, u64 x)
{
	u64 nonce;

	if (resp->flags & TRK_RESP_NOGROWTH) {
		nonce = trk_nonce_span(c, g->cont.conn, g->cont.domain, x, x + resp->span - 1,
				       true);
	} else {
		MUST(g->grow);
		trk_nonce_fill(c, g->cont.conn, g->cont.domain, x, 1, false, &nonce);
	}
	MUST(resp->nonce == nonce);
}

static void answer(struct bytes *b, const struct trk_grant *g)
{
	unsigned int shape = take(b, 1), packets = 0;
	static u8 opaque[TRK_UCONT_MAX];
	struct trk_answer a = { .g = g, .peer = &peer, .seal = &key };
	u64 x = g->first, data_end = 0;
	u8 hdr[TRK_RESP_HDR_MAX];
	struct trk_packet p;
	struct trk_resp resp;

	a.nonce = get_cipher(NULL, g->cont.domain_key);
	a.fin = shape & 1;
	a.abort = shape & 2 && shape & 4;
	a.off = take_any(b, 40);
	a.len = take_any(b, 24);
	a.has_output = shape & 8;
	a.output = (struct trk_ucont){ .start = a.off, .end = a.off + take_any(b, 24),
				       .len = take_any(b, 9), .opaque = opaque };
	a.has_input = shape & 16;
	a.input = (struct trk_ucont){ .end = U64_MAX, .len = take_any(b, 9), .opaque = opaque };
	a.has_consumed = shape & 32;
	a.consumed_to = 1 + take_any(b, 40);
	MUST(trk_answer_mss(g) < g->cont.seg_size);
	MUST(trk_answer_room(g) <= (u64)min_t(u32, g->count, TRK_MAX_ANSWER) * g->cont.seg_size);
	if (trk_answer_begin(&a))
		return;
	while (trk_answer_next(&a, hdr, &p)) {
		MUST(++packets <= TRK_MAX_ANSWER);
		MUST(p.hdr_len <= TRK_RESP_HDR_MAX && p.hdr_len + p.data_len <= g->cont.seg_size);
		MUST(!trk_wire_resp_parse(&resp, hdr, p.hdr_len, p.hdr_len + p.data_len));
		MUST(resp.hdr_len == p.hdr_len && resp.token == g->token);
		MUST(resp.num == (u32)x && x + resp.span <= g->first + g->count);
		MUST(p.seq == g->seq0 + (u32)(x - 1) * g->cont.seg_size);
		MUST(!p.data_len || (p.data_at >= data_end && p.data_at + p.data_len <= a.len));
		check_nonce(g, a.nonce, &resp, x);
		data_end = p.data_at + p.data_len;
		x += resp.span;
	}
	MUST(x == g->first + g->count);
}

static void check_range(const struct request *r, const struct trk_grant *g, u64 m,
			bool answered_before)
{
	u64 first = 0, count;

	single_requests(r, m, &first, &count);
	if (answered_before)
		MUST(!g->count || (g->first >= first && g->first + g->count <= first + count));
	else
		MUST(g->count == count && (!count || g->first == first));
	if (g->mint != TRK_MINT_NONE)
		MUST(g->cont.base == r->claims.n && g->cont.domain == r->cont.domain);
}

/* A second request with the same claims is granted none of the numbers of the first one. */
static void repeat(struct bytes *b, const struct trk_server_env *env, struct request *r,
		   const struct trk_grant *before, u32 len)
{
	struct trk_grant g;
	struct trk_req q;

	if (r->q.kind != TRK_KIND_RANGE)
		return;
	r->q.m = (u32)(r->cont.base + 1 + take_any(b, 11));
	trk_wire_req_write(r->payload, &r->q);
	if (trk_wire_req_parse(&q, r->payload, len, len + r->input_len) ||
	    trk_server_step(env, &peer, &q, r->seq, r->ack, len + r->input_len, &g))
		return;
	MUST(!g.count || !before->count || g.first >= before->first + before->count ||
	     g.first + g.count <= before->first);
}

int fuzz_target(const uint8_t *data, size_t size)
{
	struct bytes b = { data, size };
	unsigned int shape = take(&b, 1);
	struct trk_server_env env = { .cipher = get_cipher, .current_key = &key,
				      .record = shape & 1 ? record : NULL, .now_ms = NOW,
				      .horizon_ms = HORIZON, .skew_ms = SKEW };
	u8 addr[TRK_ADDR_MAX];
	struct request r;
	struct trk_grant g;
	struct trk_req q;
	unsigned int flips, before;
	u32 len;

	/* The other key is the previous one, or a retired one. */
	env.previous_key = shape & 8 ? NULL : &old_key;
	env.max_seg_size = take_in(&b, TRK_MIN_SEG_SIZE, TRK_MAX_SEG_SIZE + 1000);
	make_request(&b, &env, &r);
	/* The continuation is sealed for another address; a TIMEOUT may say for which. */
	env.moves = shape & 8;
	if (shape & 16 && r.q.kind != TRK_KIND_FIRST)
		trk_seal_cont(&key, &elsewhere, &r.cont, r.cont_blob);
	if (shape & 32 && r.q.kind == TRK_KIND_TIMEOUT)
		r.q.addr = (struct trk_blob){ addr, trk_seal_peer_write(&elsewhere, addr) };
	memset(&answered, 0, sizeof(answered));
	/* An earlier request has reported so many numbers. */
	before = shape & 4 ? (unsigned int)take_any(&b, 11) : 0;
	if (before && env.record) {
		struct trk_record m = { .kind = TRK_KIND_RANGE, .conn = r.cont.conn,
				      .domain = r.cont.domain, .floor = r.cont.base,
				      .m = r.cont.base + 1, .n = r.cont.base + before };

		record(NULL, &peer, &m);
	}
	len = trk_wire_req_write(r.payload, &r.q);
	/* Some are damaged on their way. */
	for (flips = shape & 2 ? take(&b, 1) % 4 : 0; flips; flips--)
		r.payload[take(&b, 2) % len] ^= take(&b, 1);
	if (trk_wire_req_parse(&q, r.payload, len, len + r.input_len) ||
	    trk_server_step(&env, &peer, &q, r.seq, r.ack, len + r.input_len, &g))
		return 0;
	MUST(!g.moved || env.moves);
	MUST(!g.moved || (g.renew_only && g.kind == TRK_KIND_TIMEOUT && g.count == 1));
	MUST(!trk_seal_cont_check(&g.cont));
	MUST(g.count <= 2 * TRK_MAX_CWND);
	MUST(g.ack == r.seq + len + r.input_len);
	if (q.kind == TRK_KIND_CLOSE)
		return 0;
	MUST(g.kind == q.kind);
	if (g.kind == TRK_KIND_FIRST)
		MUST(g.first == 1 && g.count == (q.attempt ? 1 : TRK_INITIAL_WINDOW));
	if (g.kind == TRK_KIND_TIMEOUT)
		MUST(g.count == 1 && g.first > r.claims.n && g.cont.base == g.first - 1);
	if (g.kind == TRK_KIND_RANGE)
		check_range(&r, &g, trk_num_above(r.cont.base, q.m), env.record && shape & 4);
	if (g.count)
		answer(&b, &g);
	if (env.record)
		repeat(&b, &env, &r, &g, len);
	return 0;
}
