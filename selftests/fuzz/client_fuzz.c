// SPDX-License-Identifier: GPL-2.0
/*
 * The client with a server that does what it likes: it answers what is expected in any order, with
 * any continuations and fields, most of them well formed; timers expire, and the application writes
 * and reads meanwhile.  Whatever comes, requests of the client are well formed and within its
 * streams, its counts agree with its ring, and it stops sending at some time.
 */
#include "core/client.h"
#include "core/reason.h"
#include "fuzz.h"

#define MAX_OPS		400
#define MAX_PUMPS	1000
#define MAX_WRITTEN	(1ULL << 24)

static const struct trk_cipher key = FUZZ_CIPHER(7);
static const struct trk_peer peer = { .port = 40001, .service = 80 };

struct state {
	struct trk_client cl;
	struct trk_entry *ring;
	u64 now_us;
	u64 rng;
	u64 in_una, rcv_limit;		/* the first never becomes less; the second is unused */
	struct trk_ranges got;		/* output received, above rcv_nxt */
};

static u32 next_token(void *arg)
{
	struct state *t = arg;

	/* At times this is 0, which is no token, and the client must call again. */
	t->rng = fuzz_mix(t->rng + 0x632be59bd9b4e019ULL);
	return t->rng & 0x700 ? (u32)t->rng : 0;
}

static void check_request(struct state *t, const struct trk_sending *o)
{
	const struct trk_client *cl = &t->cl;
	u32 total = o->hdr_len + o->in_len;
	struct trk_req q;
	unsigned int i;

	if (o->syn) {
		MUST(cl->req.waiting || cl->state == TRK_CL_FIRST);
		MUST(!total && o->seq == cl->req.seq);
		MUST(!trk_receive_opened(&t->cl, o->seq + 1));
		if (t->rng & 8)
			MUST(trk_receive_opened(&t->cl, o->seq));
		return;
	}
	MUST(o->hdr_len <= TRK_REQ_HDR_MAX && total <= cl->seg_size);
	MUST(!trk_wire_req_parse(&q, o->hdr, o->hdr_len, total));
	MUST(q.hdr_len == o->hdr_len && q.ackrel == o->ackrel - cl->num.at && q.token);
	MUST(o->in_off + o->in_len <= cl->snd_end);
	if (o->in_len)
		MUST(o->in_off >= cl->snd_una && q.input_off == o->in_off);
	for (i = 0; i < q.nask; i++)
		MUST(q.ask[i].off + q.ask[i].len <= cl->rcv_limit);
}

static void check_books(struct state *t)
{
	const struct trk_client *cl = &t->cl;
	u64 x, low = cl->num.hi >= cl->num.ring_size ? cl->num.hi - cl->num.ring_size + 1 : 0;
	u32 expected = 0;

	MUST(cl->num.nclaims <= ARRAY_SIZE(cl->num.claims));
	MUST(cl->num.expected <= cl->num.ring_size);
	MUST(cl->snd_una >= t->in_una && cl->snd_una <= cl->tx.nxt && cl->tx.nxt <= cl->snd_end);
	MUST(cl->rx.holes.n <= TRK_RANGES_MAX && cl->tx.lost.n <= TRK_RANGES_MAX &&
	     cl->tx.acked.n <= TRK_RANGES_MAX);
	t->in_una = cl->snd_una;
	if (cl->state != TRK_CL_OPEN)
		return;
	MUST(cl->num.nrep < cl->num.edge && cl->num.nrep <= cl->num.reportable &&
	     cl->num.reportable < cl->num.edge);
	MUST(cl->num.edge <= cl->num.hi + 1 && cl->num.top <= cl->num.hi);
	if (cl->req.waiting)
		return;
	for (x = low; x <= cl->num.hi; x++)
		expected += trk_client_entry(cl, x)->state == TRK_ENTRY_EXPECTED;
	MUST(cl->num.expected == expected);
}

static void pump(struct state *t)
{
	struct trk_client *cl = &t->cl;
	struct trk_sending o;
	unsigned int n = 0;

	while (trk_client_pump(cl, t->now_us, &o)) {
		check_request(t, &o);
		MUST(++n <= MAX_PUMPS);
	}
	check_books(t);
	if (cl->state == TRK_CL_DEAD)
		MUST(cl->error && cl->deadline_us == U64_MAX);
	else
		MUST(cl->deadline_us <= cl->timer.rto_deadline_us);
}

static void timer(struct state *t, struct bytes *b)
{
	struct trk_client *cl = &t->cl;
	unsigned int how = take(b, 1), n;

	if (how & 1)
		t->now_us += take_any(b, 30);
	else if (cl->deadline_us != U64_MAX)
		t->now_us = max_t(u64, t->now_us, cl->deadline_us);
	if (cl->deadline_us > t->now_us)
		return;
	trk_timer_expired(cl, t->now_us);
	pump(t);
	/* If the timer were set to the present time again and again, it would never end. */
	for (n = 0; cl->deadline_us <= t->now_us; n++) {
		MUST(n < 8);
		trk_timer_expired(cl, t->now_us);
		pump(t);
	}
}

static struct trk_blob make_ucont(struct bytes *b, enum trk_ext which, u64 near, u8 *sealed)
{
	static const u8 opaque[TRK_UCONT_MAX];
	struct trk_ucont u = { .flags = take(b, 1), .opaque = opaque };
	struct trk_blob blob = { .p = sealed };

	u.start = u.flags & 4 ? take_any(b, 64) : near;
	u.end = u.flags & 8 ? take_any(b, 64) : u.start + take_any(b, 20);
	if (u.flags & 16)
		u.len = take_any(b, 10) % (TRK_UCONT_MAX + 1);
	blob.len = trk_seal_ucont(&key, &peer, 1, which, &u, sealed);
	return blob;
}

static void make_cont(struct state *t, struct bytes *b, const struct trk_entry *s, bool entering,
		      u8 blob[TRK_CONT_LEN])
{
	struct trk_client *cl = &t->cl;
	struct trk_cont c = { .conn = 1, .seg_size = cl->seg_size, .iw = TRK_INITIAL_WINDOW };
	unsigned int shape = take(b, 1);

	c.base = entering ? s->first - 1 : s->req_n;
	c.domain = entering ? take(b, 1) : trk_client_cont(cl)->c.domain;
	trk_law_init(&c.law, c.base, take_in(b, 1, 64), shape & 1 ? TRK_SSTHRESH_INF : 2, 0);
	if (entering && !(shape & 14))
		c.law.start_cwnd = s->count;
	if (shape & 2 && shape & 4)
		trk_law_init(&c.law, c.base - take_any(b, 5), take_any(b, 32), take_any(b, 32),
			     shape & 8 ? c.base - take_any(b, 4) : 0);
	if (shape & 16 && shape & 32)
		c.seg_size = take(b, 2);
	if (shape & 64 && shape & 32)
		c.base += take_any(b, 33) - 2;
	trk_seal_cont(&key, &peer, &c, blob);
}

/* Chooses the number of a response: one that is expected, if there are enough. */
static u64 pick(const struct trk_client *cl, unsigned int at)
{
	u64 x;

	for (x = cl->num.edge; x <= cl->num.hi; x++)
		if (trk_client_entry(cl, x)->state == TRK_ENTRY_EXPECTED && !at--)
			return x;
	return cl->num.edge + at % 8 - 4;
}

static void store(struct state *t, const struct trk_delivery *in)
{
	struct trk_client *cl = &t->cl;
	u64 a = max_t(u64, in->off, cl->rcv_nxt), b = in->off + in->len;

	if (!in->len)
		return;
	MUST(b <= cl->rcv_limit);
	trk_ranges_add_exact(&t->got, &a, &b);
	while (t->got.n && t->got.r[0].a <= cl->rcv_nxt) {
		cl->rcv_nxt = max_t(u64, cl->rcv_nxt, t->got.r[0].b);
		trk_ranges_sub(&t->got, 0, cl->rcv_nxt);
	}
}

static void response(struct state *t, struct bytes *b)
{
	unsigned int shape = take(b, 1), more = take(b, 1);
	struct trk_client *cl = &t->cl;
	u8 cont[TRK_CONT_LEN], output[TRK_SEALED_UCONT_MAX], input[TRK_SEALED_UCONT_MAX];
	u8 hdr[TRK_RESP_HDR_MAX];
	bool entering = cl->state == TRK_CL_FIRST || (cl->req.waiting && shape & 1);
	u64 x = entering ? cl->req.pending.first + take(b, 1) % 16 - (more & 1) :
			   pick(cl, take(b, 1) % 64);
	const struct trk_entry *s = entering ? &cl->req.pending : trk_client_entry(cl, x);
	struct trk_resp r = { .num = (u32)x, .token = s->token, .span = 1, .nonce = take(b, 1) };
	u64 off = s->what == TRK_WHAT_OUTPUT ? s->off : cl->rcv_nxt;
	struct trk_delivery in;
	u32 data_len, len;

	data_len = shape & 2 && s->what == TRK_WHAT_OUTPUT ? s->len : take_any(b,
									       11) % cl->seg_size;
	if (!data_len || shape & 4)
		r.flags |= TRK_RESP_NOGROWTH;
	if (shape & 8)
		r.flags |= TRK_RESP_FIN;
	if (shape & 16 || (entering && !(more & 2))) {
		make_cont(t, b, s, entering, cont);
		r.cont = (struct trk_blob){ cont, TRK_CONT_LEN };
	}
	if (shape & 32)
		r.output = make_ucont(b, TRK_EXT_OUTPUT, off, output);
	if (shape & 64)
		r.input = make_ucont(b, TRK_EXT_INPUT, cl->snd_una, input);
	if (shape & 128) {
		r.has_consumed = true;
		r.consumed_from = more & 1 ? take_any(b, 64) : cl->snd_una;
		r.consumed_to = more & 2 ? r.consumed_from + 1 + take_any(b, 16) : cl->tx.nxt;
		r.has_consumed = r.consumed_from < r.consumed_to;
	}
	if (more & 4) {
		r.has_geometry = true;
		r.geo_index = more & 8 ? take(b, 2) : x - s->first;
		r.geo_piece = more & 8 ? take(b, 2) : 500;
		if (!(more & 8) && s->what != TRK_WHAT_OUTPUT)
			off += r.geo_index * 500;
	}
	if (entering && more & 8)
		r.addr = (struct trk_blob){ output, more & 16 ? TRK_ADDR_IPV4 : TRK_ADDR_MAX };
	if (more & 16 && r.flags & TRK_RESP_NOGROWTH)
		r.span = 1 + take_any(b, 6);
	if (more & 32 && more & 64)
		off += take_any(b, 20) - 5;
	if (more & 32 && more & 128)
		r.token ^= take_any(b, 3);
	if (more & 64 && more & 128 && !take(b, 1))
		r.flags |= TRK_RESP_ABORT;
	r.off = (u32)off;
	len = trk_wire_resp_write(hdr, &r);
	if (trk_wire_resp_parse(&r, hdr, len, len + data_len))
		return;
	t->now_us += take(b, 1) * 100;
	len = (u32)(x - 1) * cl->seg_size;
	if (!trk_receive_response(cl, &r, shape == 255 ? len + 1 : len, t->now_us, &in))
		store(t, &in);
	else
		MUST(!in.len);
	check_books(t);
	if (!(more & 64))
		pump(t);
}

static void write_or_read(struct state *t, struct bytes *b)
{
	struct trk_client *cl = &t->cl;
	unsigned int what = take(b, 1);

	if (!cl->snd_fin && what & 1)
		cl->snd_end = min_t(u64, cl->snd_end + take_any(b, 16), MAX_WRITTEN);
	if (what & 2)
		cl->rcv_limit += take_any(b, 20);
	/* When the client's stream has ended, nothing more is written. */
	if ((what & 60) == 60)
		cl->snd_fin = true;
	if (what & 64 && what & 128)
		cl->want_first = true;
	pump(t);
}

static void grow_ring(struct state *t)
{
	struct trk_client *cl = &t->cl;
	struct trk_entry *ring;

	if (cl->ring_want <= cl->num.ring_size)
		return;
	MUST(cl->ring_want <= TRK_RING_MAX && !(cl->ring_want & (cl->ring_want - 1)));
	ring = calloc(2 * cl->num.ring_size, sizeof(*ring));
	trk_client_set_ring(cl, ring, 2 * cl->num.ring_size);
	free(t->ring);
	t->ring = ring;
	check_books(t);
}

int fuzz_target(const uint8_t *data, size_t size)
{
	struct bytes b = { data, size };
	struct state t = { .now_us = 1000000, .rng = take(&b, 1) };
	struct trk_sending o;
	unsigned int ops;

	t.ring = calloc(TRK_RING_MIN, sizeof(*t.ring));
	trk_client_init(&t.cl, t.ring, TRK_RING_MIN, next_token, &t);
	t.cl.rcv_limit = take_any(&b, 24);
	trk_client_connected(&t.cl, take_in(&b, TRK_MIN_SEG_SIZE, TRK_MAX_SEG_SIZE),
			     take(&b, 1) * 1000);
	t.cl.snd_end = take_any(&b, 12);
	t.cl.want_first = t.rng & 1;
	pump(&t);
	for (ops = 0; b.left && ops < MAX_OPS && t.cl.state != TRK_CL_DEAD; ops++) {
		switch (take(&b, 1) % 8) {
		case 0:
			timer(&t, &b);
			break;
		case 1:
			write_or_read(&t, &b);
			break;
		case 2:
			grow_ring(&t);
			break;
		default:
			response(&t, &b);
		}
	}
	/* A client that has given up must not come to life again. */
	if (t.cl.state == TRK_CL_DEAD) {
		response(&t, &b);
		MUST(t.cl.state == TRK_CL_DEAD);
	}
	if (t.cl.state == TRK_CL_OPEN) {
		struct trk_req q;

		trk_request_close(&t.cl, &o);
		MUST(!trk_wire_req_parse(&q, o.hdr, o.hdr_len, o.hdr_len));
		MUST(q.kind == TRK_KIND_CLOSE);
	}
	/* Input may be done though it is not all consumed, but all of it must have been sent. */
	MUST(!trk_client_input_done(&t.cl) || t.cl.tx.nxt == t.cl.snd_end);
	free(t.ring);
	return 0;
}
