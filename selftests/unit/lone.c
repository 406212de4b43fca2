// SPDX-License-Identifier: GPL-2.0
#include "lone.h"
#include "sim/toykeys.h"

/* What the server's application wants to know again. */
static const u8 opaque[10] = "all of it";

static u32 next_token(void *arg)
{
	return ++((struct lone *)arg)->tokens;
}

/* The cookie came, and there is input to send. */
void lone_begin(struct lone *l)
{
	memset(l, 0, sizeof(*l));
	l->now_us = 1000000;
	l->peer = (struct trk_peer){ .port = 40001, .service = 80 };
	toy_cipher(&l->key, 1, 1);
	trk_client_init(&l->cl, l->ring, LONE_RING, next_token, l);
	l->cl.snd_end = LONE_INPUT;
	l->cl.rcv_limit = 1 << 20;
	trk_client_connected(&l->cl, LONE_SEG_SIZE, LONE_RTT_US);
}

/*
 * The first request is out, and number 1 has come: the input is consumed, the output begins
 * with one piece.  Numbers up to 10 are expected.
 */
void lone_open(struct lone *l)
{
	struct trk_resp r;
	struct trk_cont c;

	lone_begin(l);
	lone_pump(l);
	l->now_us += LONE_RTT_US;
	r = lone_resp(l, 1);
	c = lone_cont(l, 0);
	lone_put_cont(l, &r, &c);
	lone_put_output(l, &r, 0, LONE_OUTPUT, 0);
	lone_put_data(&r, 0, LONE_PIECE);
	r.has_geometry = true;
	r.geo_piece = LONE_PIECE;
	r.has_consumed = true;
	r.consumed_to = LONE_INPUT;
	lone_take(l, 1, &r);
	l->cl.rcv_nxt = l->in.off + l->in.len;
}

/* One request, if there is one to send. */
bool lone_pump(struct lone *l)
{
	memset(&l->q, 0, sizeof(l->q));
	if (!trk_client_pump(&l->cl, l->now_us, &l->out))
		return false;
	if (!l->out.syn)
		trk_wire_req_parse(&l->q, l->out.hdr, l->out.hdr_len,
				   l->out.hdr_len + l->out.in_len);
	return true;
}

/* All requests that are to be sent now: how many there were. */
unsigned int lone_pump_all(struct lone *l)
{
	unsigned int n = 0;

	while (lone_pump(l))
		n++;
	return n;
}

/* What a server would seal for a report up to @base, of which nothing was lost. */
struct trk_cont lone_cont(const struct lone *l, u64 base)
{
	struct trk_cont c = { .conn = 7, .domain = 8, .time_ms = 9, .base = base,
			      .seg_size = LONE_SEG_SIZE, .key_id = 1, .domain_key = 1,
			      .iw = TRK_INITIAL_WINDOW };

	trk_law_init(&c.law, 0, TRK_INITIAL_WINDOW, TRK_SSTHRESH_INF, 0);
	return c;
}

/* Number @x as it is expected, with nothing in it. */
struct trk_resp lone_resp(const struct lone *l, u64 x)
{
	bool pending = l->cl.state == TRK_CL_FIRST || l->cl.req.waiting;

	return (struct trk_resp){ .span = 1, .num = (u32)x, .nonce = 0x1111111111111111 * x,
				  .hdr_len = TRK_RESP_FIXED,
				  .token = pending ? l->cl.req.pending.token :
						     trk_client_entry(&l->cl, x)->token };
}

void lone_put_cont(struct lone *l, struct trk_resp *r, const struct trk_cont *c)
{
	trk_seal_cont(&l->key.c, &l->peer, c, l->cont);
	l->cont[1] = c->key_id;
	r->cont = (struct trk_blob){ l->cont, TRK_CONT_LEN };
}

void lone_put_output(struct lone *l, struct trk_resp *r, u64 start, u64 end, u8 flags)
{
	struct trk_ucont u = { .start = start, .end = end, .flags = flags,
			       .len = sizeof(opaque), .opaque = opaque };

	r->output = (struct trk_blob){ l->output, trk_seal_ucont(&l->key.c, &l->peer, 7,
								 TRK_EXT_OUTPUT, &u, l->output) };
}

void lone_put_input(struct lone *l, struct trk_resp *r, u64 start, u64 end, u8 flags)
{
	struct trk_ucont u = { .start = start, .end = end, .flags = flags,
			       .len = sizeof(opaque), .opaque = opaque };

	r->input = (struct trk_blob){ l->input, trk_seal_ucont(&l->key.c, &l->peer, 7,
							       TRK_EXT_INPUT, &u, l->input) };
}

void lone_put_data(struct trk_resp *r, u64 off, u32 len)
{
	r->off = (u32)off;
	r->data_len = len;
}

/* A response arrives at the place that belongs to its number. */
int lone_take(struct lone *l, u64 x, const struct trk_resp *r)
{
	return trk_receive_response(&l->cl, r, (u32)(x - 1) * l->cl.seg_size, l->now_us, &l->in);
}

/* Number @x arrives with the bytes that it is expected to bring; all data is taken in order. */
int lone_arrives(struct lone *l, u64 x)
{
	const struct trk_entry *s = trk_client_entry(&l->cl, x);
	struct trk_resp r = lone_resp(l, x);
	int err;

	if (s->what == TRK_WHAT_OUTPUT)
		lone_put_data(&r, s->off, s->len);
	err = lone_take(l, x, &r);
	if (!err && l->in.len && l->in.off == l->cl.rcv_nxt)
		l->cl.rcv_nxt += l->in.len;
	return err;
}
