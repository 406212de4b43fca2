// SPDX-License-Identifier: GPL-2.0
#include "core/answer.h"
#include "toyapp.h"

#define CHUNK		9000		/* bytes per output continuation, if @gran does not say */
#define ECHO_BYTES 300 /* bytes of a chunked answer of ECHO: they must fit a continuation */
#define EXPAND_CHUNK	100		/* ten times so many bytes per output continuation */
#define FAR		(1ULL << 62)
#define LONG_UCONT	400		/* bytes of a continuation of TOY_LONG */
#define LESS		100		/* bytes of an answer of TOY_LESS */
#define ONCE_ROOM	200		/* for the headers of an answer that comes only once */

/* What is known between two messages and within one; the input continuation carries it. */
struct state {
	u8 kind;			/* 0: a message is expected */
	u8 flags;
	u16 gran;
	u64 out;			/* offset of the server's next output */
	u64 left;			/* PUT, SINK: bytes to come; ECHO: length of the region */
	u64 digest;
	u64 at;				/* ECHO: where the region begins */
};

/* Where output comes from; the output continuation carries it. */
struct source {
	u64 key;			/* what it is made from; 0: @bytes */
	u64 start, end;			/* offsets of the stream; at @start is byte 0 of @key */
	u8 flags;
	u16 chunk;			/* tens of bytes per output continuation; 0, 1: CHUNK */
	const u8 *bytes;
};

#define SOURCE_LEN	27

void toy_msg_write(u8 p[TOY_MSG_LEN], const struct toy_msg *m)
{
	p[0] = m->kind;
	p[1] = m->flags;
	put_unaligned_be16(m->gran, p + 2);
	put_unaligned_be32(m->len, p + 4);
	put_unaligned_be64(m->key, p + 8);
}

static void msg_read(const u8 *p, struct toy_msg *m)
{
	m->kind = p[0];
	m->flags = p[1];
	m->gran = get_unaligned_be16(p + 2);
	m->len = get_unaligned_be32(p + 4);
	m->key = get_unaligned_be64(p + 8);
}

/* Bytes are made eight at a time, since simulated servers send billions of them. */
static u64 toy_word(u64 key, u64 i)
{
	u64 z = (key + i) * 0x9e3779b97f4a7c15ULL;

	return __builtin_bswap64(z ^ z >> 29);
}

/* Makes bytes [at, at + len) of those that @key gives. */
void toy_bytes(u64 key, u64 at, u8 *p, u32 len)
{
	u64 i = at / 8;
	u8 w[8];
	u32 n;

	if (at % 8) {
		put_unaligned_be64(toy_word(key, i++), w);
		n = min_t(u32, len, 8 - at % 8);
		memcpy(p, w + at % 8, n);
		p += n;
		len -= n;
	}
	for (; len >= 8; len -= 8, p += 8)
		put_unaligned_be64(toy_word(key, i++), p);
	if (len) {
		put_unaligned_be64(toy_word(key, i), w);
		memcpy(p, w, len);
	}
}

u8 toy_byte(u64 key, u64 at)
{
	u8 b;

	toy_bytes(key, at, &b, 1);
	return b;
}

u64 toy_digest(u64 h, const u8 *p, u64 len)
{
	while (len--)
		h = h * 0x100000001b3ULL + *p++ + 1;
	return h;
}

static void set_input(struct toy *t, const struct state *s, u64 start, u64 end, u8 flags)
{
	u8 *p = t->in_opaque;

	p[0] = s->kind;
	p[1] = s->flags;
	put_unaligned_be16(s->gran, p + 2);
	put_unaligned_be64(s->out, p + 4);
	put_unaligned_be64(s->left, p + 12);
	put_unaligned_be64(s->digest, p + 20);
	put_unaligned_be64(s->at, p + 28);
	t->a.has_input = true;
	t->a.input = (struct trk_ucont){
		.start = start, .end = end, .flags = flags, .len = 36, .opaque = p
	};
}

static void get_state(const struct trk_ucont *u, struct state *s)
{
	const u8 *p = u->opaque;

	s->kind = p[0];
	s->flags = p[1];
	s->gran = get_unaligned_be16(p + 2);
	s->out = get_unaligned_be64(p + 4);
	s->left = get_unaligned_be64(p + 12);
	s->digest = get_unaligned_be64(p + 20);
	s->at = get_unaligned_be64(p + 28);
}

/* Sets the output continuation for [start, end) of a source. */
static void set_output(struct toy *t, const struct source *s, u64 start, u64 end)
{
	u8 *p = t->out_opaque;
	u16 len = SOURCE_LEN;

	put_unaligned_be64(s->key, p);
	put_unaligned_be64(s->start, p + 8);
	put_unaligned_be64(s->end, p + 16);
	p[24] = s->flags;
	put_unaligned_be16(s->chunk, p + 25);
	if (!s->key) {
		memcpy(p + SOURCE_LEN, s->bytes, s->end - s->start);
		len += s->end - s->start;
	}
	if (s->flags & TOY_LONG)
		len = LONG_UCONT;
	t->a.has_output = true;
	t->a.output = (struct trk_ucont){
		.start = start, .end = end, .len = len, .opaque = p,
		.flags = end == s->end && s->flags & TOY_LAST ? TRK_UCONT_FINAL : 0,
	};
}

static u64 chunk_end(const struct source *s, u64 start)
{
	u32 chunk = s->chunk > 1 ? 10 * s->chunk : CHUNK;

	if (s->flags & TOY_CHUNKED && s->end - start > chunk)
		return start + chunk;
	return s->end;
}

/* Answers with data that is made from a key: what the source has from @from on. */
static void send_keyed(struct toy *t, const struct trk_grant *g, const struct source *s, u64 from)
{
	u64 end = chunk_end(s, from);

	/*
	 * The first continuation must reach beyond what the answer that brings it can hold, so
	 * that the client can ask with it for more, and so get the next one.
	 */
	if (end < s->end)
		end = min_t(u64, s->end, max_t(u64, end, from + trk_answer_room(g) + 1));
	t->a.off = from;
	t->a.len = s->end - from;
	if (s->flags & TOY_LESS)
		t->a.len = min_t(u64, t->a.len, LESS);
	t->a.fin = s->flags & TOY_LAST && t->a.len == s->end - from;
	t->key = s->key;
	t->key_at = from - s->start;
	if (t->a.len)
		set_output(t, s, from, end);
}

static void consumed(struct toy *t, u64 from, u64 to)
{
	t->a.has_consumed = from < to;
	t->a.consumed_from = from;
	t->a.consumed_to = to;
}

static void reply(struct toy *t, struct state *s)
{
	t->a.off = s->out;
	t->a.len = TOY_REPLY_LEN;
	t->a.fin = s->flags & TOY_LAST;
	t->key = s->digest | 1;
	s->out += TOY_REPLY_LEN;
	s->kind = 0;
}

static void put_bytes(struct toy *t, struct state *s, u64 from, u64 pos, const u8 *p, u64 avail,
		      bool final)
{
	u64 n = min_t(u64, avail, s->left);

	if (final && avail == s->left)
		s->flags |= TOY_LAST;
	if (s->flags & TOY_AT_END && !final)
		n = 0;
	else if (n < s->left)
		n -= n % s->gran;
	s->digest = toy_digest(s->digest, p, n);
	s->left -= n;
	consumed(t, from, pos + n);
	if (!s->left && s->kind == TOY_PUT)
		reply(t, s);
	else if (!s->left)
		s->kind = 0;
	set_input(t, s, pos + n, FAR, 0);
}

/* EXPAND: answers @n bytes of input, from byte @off of the message on. */
static void expand_bytes(struct toy *t, const struct trk_grant *g, const struct state *s, u64 off,
			 u64 n, bool last)
{
	struct source src = {
		.key = s->digest, .start = s->out, .end = s->out + (off + n) * s->gran,
		.flags = (s->flags & TOY_CHUNKED) | (last ? TOY_LAST : 0), .chunk = EXPAND_CHUNK
	};

	if (n)
		send_keyed(t, g, &src, s->out + off * s->gran);
}

static bool echo_bytes(struct toy *t, const struct trk_grant *g, const struct state *s,
		       const u8 *input)
{
	u64 off = max_t(u64, g->input_off, s->at), end = s->at + s->left;
	u64 n = g->input_off + g->input_len;

	if (off > end)
		return false;
	n = n > off ? min_t(u64, n, end) - off : 0;
	n = min_t(u64, n, s->flags & TOY_CHUNKED ? ECHO_BYTES : trk_answer_mss(g));
	/* A continuation that holds the bytes must fit the requests that bring it back. */
	while (s->flags & TOY_CHUNKED && !trk_ucont_fits(SOURCE_LEN + n, g->cont.seg_size))
		n--;
	consumed(t, off, off + n);
	if (s->kind == TOY_EXPAND) {
		expand_bytes(t, g, s, off - s->at, n, s->flags & TOY_LAST && off + n == end);
		return true;
	}
	t->a.off = s->out + (off - s->at);
	t->a.len = n;
	t->a.fin = s->flags & TOY_LAST && off + n == end;
	t->bytes = input + (off - g->input_off);
	if (s->flags & TOY_CHUNKED && n) {
		struct source src = { .start = t->a.off, .end = t->a.off + n, .bytes = t->bytes,
				      .flags = t->a.fin ? TOY_LAST : 0 };

		set_output(t, &src, src.start, src.end);
	}
	return true;
}

static bool answer_input(struct toy *t, const struct trk_grant *g, struct state *s, u64 pos,
			 const u8 *input)
{
	u64 avail = g->input_off + g->input_len;
	struct toy_msg m;
	const u8 *p;

	if (g->input_off > pos || avail < pos)
		return false;
	avail -= pos;
	p = input + (pos - g->input_off);
	t->a.off = s->out;
	if (s->kind == TOY_PUT || s->kind == TOY_SINK) {
		put_bytes(t, s, pos, pos, p, avail, g->final_input);
		return true;
	}
	if (avail < TOY_MSG_LEN) {
		t->a.fin = g->final_input && !avail;
		set_input(t, s, pos, FAR, 0);
		return true;
	}
	msg_read(p, &m);
	consumed(t, pos, pos + TOY_MSG_LEN);
	s->kind = m.kind;
	s->flags = m.flags;
	s->left = m.len;
	if (m.kind == TOY_GET && m.flags & TOY_ONCE && m.len + ONCE_ROOM <= g->cont.seg_size) {
		t->a.len = m.len;
		t->a.fin = s->flags & TOY_LAST || (g->final_input && avail == TOY_MSG_LEN);
		t->key = m.key;
		s->kind = 0;
		s->out += m.len;
		set_input(t, s, pos + TOY_MSG_LEN, FAR, 0);
	} else if (m.kind == TOY_GET) {
		struct source src = {
			.key = m.key, .start = s->out, .end = s->out + m.len, .flags = m.flags,
			.chunk = m.gran
		};

		if (g->final_input && avail == TOY_MSG_LEN)
			src.flags |= TOY_LAST;
		send_keyed(t, g, &src, src.start);
		s->kind = 0;
		s->out += m.len;
		set_input(t, s, pos + TOY_MSG_LEN, FAR, 0);
	} else if (m.kind == TOY_PUT || m.kind == TOY_SINK) {
		s->gran = m.gran;
		s->digest = m.key;
		put_bytes(t, s, pos, pos + TOY_MSG_LEN, p + TOY_MSG_LEN, avail - TOY_MSG_LEN,
			  g->final_input);
	} else if (m.kind == TOY_ECHO || m.kind == TOY_EXPAND) {
		s->gran = m.gran;
		s->digest = m.key;
		s->at = pos + TOY_MSG_LEN;
		set_input(t, s, s->at, s->at + s->left, TRK_UCONT_PARALLEL);
	} else {
		t->a.abort = true;
	}
	return true;
}

static bool answer_ask(struct toy *t, const struct trk_grant *g)
{
	const u8 *p = g->output.opaque;
	struct source s = { .key = get_unaligned_be64(p), .start = get_unaligned_be64(p + 8),
			    .end = get_unaligned_be64(p + 16), .flags = p[24],
			    .chunk = get_unaligned_be16(p + 25), .bytes = p + SOURCE_LEN };
	unsigned int i;

	t->key = s.key;
	t->bytes = s.bytes;
	for (i = 0; i < g->nask; i++)
		t->a.len += g->ask[i].len;
	if (s.flags & TOY_LESS)
		t->a.len = min_t(u64, t->a.len, LESS);
	if (g->output.end < s.end)
		set_output(t, &s, g->output.end, chunk_end(&s, g->output.end));
	return true;
}

bool toy_answer(struct toy *t, const struct trk_grant *g, const struct trk_peer *peer,
		const u8 *input)
{
	struct state s = { .out = peer->service == TOY_BANNER_PORT ? TOY_BANNER : 0 };

	memset(t, 0, sizeof(*t));
	if (g->nask)
		return answer_ask(t, g);
	if (g->kind == TRK_KIND_FIRST && peer->service == TOY_BANNER_PORT) {
		struct source src = { .key = TOY_BANNER_KEY, .end = TOY_BANNER };

		send_keyed(t, g, &src, 0);
		set_input(t, &s, 0, FAR, 0);
		return true;
	}
	if (!g->has_input)
		return true;
	if (!g->has_input_cont)
		return answer_input(t, g, &s, 0, input);
	get_state(&g->input, &s);
	if (s.kind == TOY_ECHO || s.kind == TOY_EXPAND)
		return echo_bytes(t, g, &s, input);
	return answer_input(t, g, &s, g->input.start, input);
}

/* Makes @len bytes of the answer's data, from its byte @data_at on. */
void toy_fill(const struct toy *t, u64 data_at, u8 *p, u32 len)
{
	const struct trk_grant *g = t->a.g;
	u64 start = g->nask ? get_unaligned_be64(g->output.opaque + 8) : t->a.off, off = data_at;
	unsigned int i;

	if (!len)
		return;
	if (g->nask) {
		for (i = 0; off >= g->ask[i].len; i++)
			off -= g->ask[i].len;
		off = g->ask[i].off + off - start;
	}
	if (t->key)
		toy_bytes(t->key, t->key_at + off, p, len);
	else
		memcpy(p, t->bytes + off, len);
}
