// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "events.h"

/* Makes a packet of a header, which is copied, and data, which the caller fills in. */
struct packet *packet_new(u32 seq, u32 ack, const u8 *hdr, u32 hdr_len, u32 data_len)
{
	struct packet *p = calloc(1, sizeof(*p));

	p->seq = seq;
	p->ack = ack;
	p->len = hdr_len + data_len;
	p->data = malloc(p->len);
	if (hdr_len)
		memcpy(p->data, hdr, hdr_len);
	return p;
}

struct packet *packet_copy(const struct packet *p)
{
	struct packet *c = packet_new(p->seq, p->ack, p->data, p->len, 0);

	c->ghost = p->ghost;
	c->client = p->client;
	c->round = p->round;
	c->syn = p->syn;
	return c;
}

void packet_free(struct packet *p)
{
	if (!p)
		return;
	free(p->data);
	free(p);
}

/* ---- events ---- */

static void bucket_add(struct sim_bucket *b, const struct sim_event *e)
{
	if (b->n == b->room) {
		b->room = 2 * b->room + 8;
		b->e = realloc(b->e, b->room * sizeof(*b->e));
	}
	b->e[b->n++] = *e;
}

/* The bucket is chosen by the highest bit in which a time differs from @last_us. */
static unsigned int bucket_of(const struct sim *s, u64 at_us)
{
	return at_us == s->last_us ? 0 : 64 - __builtin_clzll(at_us ^ s->last_us);
}

void sim_at(struct sim *s, u64 at_us, void (*fn)(void *arg, struct packet *p), void *arg,
	    struct packet *p)
{
	struct sim_event e = { at_us, fn, arg, p };

	if (!s->n || (s->next_known && at_us < s->next_us)) {
		s->next_us = at_us;
		s->next_known = true;
	}
	s->n++;
	bucket_add(&s->bucket[bucket_of(s, at_us)], &e);
}

static unsigned int bucket_lowest(const struct sim *s)
{
	unsigned int i = 0;

	while (!s->bucket[i].n)
		i++;
	return i;
}

/* When the next event is due, U64_MAX for never. */
u64 sim_next(struct sim *s)
{
	const struct sim_bucket *b;
	size_t i;

	if (!s->n)
		return U64_MAX;
	if (!s->next_known) {
		b = &s->bucket[bucket_lowest(s)];
		s->next_us = U64_MAX;
		for (i = b == s->bucket ? s->head : 0; i < b->n; i++)
			s->next_us = min_t(u64, s->next_us, b->e[i].at_us);
		s->next_known = true;
	}
	return s->next_us;
}

void sim_step(struct sim *s)
{
	struct sim_bucket *first = &s->bucket[0];
	struct sim_event e;

	if (!first->n) {
		struct sim_bucket *b = &s->bucket[bucket_lowest(s)];
		size_t i;

		/*
		 * The lower buckets are empty.  All events of this one go there, in their order,
		 * since they differ from the new @last_us in lower bits only.
		 */
		s->last_us = sim_next(s);
		for (i = 0; i < b->n; i++)
			bucket_add(&s->bucket[bucket_of(s, b->e[i].at_us)], &b->e[i]);
		b->n = 0;
	}
	e = first->e[s->head++];
	if (s->head == first->n) {
		first->n = 0;
		s->head = 0;
	}
	s->n--;
	s->next_known = false;
	s->now_us = e.at_us;
	s->steps++;
	e.fn(e.arg, e.p);
}

void sim_free(struct sim *s)
{
	unsigned int i;
	size_t k;

	for (i = 0; i < ARRAY_SIZE(s->bucket); i++) {
		for (k = i ? 0 : s->head; k < s->bucket[i].n; k++)
			packet_free(s->bucket[i].e[k].p);
		free(s->bucket[i].e);
	}
}

/* ---- links ---- */

/* How many bytes wait until the link has sent what came before, or are being sent. */
u64 link_backlog(const struct link *l)
{
	u64 now_ns = l->sim->now_us * 1000;

	/* Divided before it is multiplied: the time of a long queue, in ns, is a large number. */
	return l->free_ns > now_ns ? (l->free_ns - now_ns) / 1000 * l->rate / 1000000 : 0;
}

/* Counts a packet as sent and lost, because the caller says so. */
void link_drop(struct link *l, struct packet *p)
{
	l->sent++;
	l->bytes += packet_size(p);
	l->lost++;
	packet_free(p);
}

/* Takes the packet over.  Returns false if it was lost. */
bool link_send(struct link *l, struct packet *p)
{
	u64 i = l->sent++, now_us = l->sim->now_us, at;

	l->bytes += packet_size(p);
	if (i < 64 && l->pattern >> i & 1)
		goto lost;
	if (l->rate) {
		if (link_backlog(l) > l->queue) {
			l->overflowed++;
			goto lost;
		}
		l->free_ns = max_t(u64, l->free_ns, now_us * 1000) +
			     packet_size(p) * 1000000000ULL / l->rate;
	}
	/* A packet that is lost at random has taken its time on the link before. */
	if (rng_ppm(l->rng, l->loss_ppm))
		goto lost;
	at = max_t(u64, (l->free_ns + 999) / 1000, now_us) + l->delay_us;
	if (l->jitter_us) {
		at = max_t(u64, at + rng_below(l->rng, l->jitter_us + 1), l->order_us);
		l->order_us = at;
	}
	if (rng_ppm(l->rng, l->reorder_ppm)) {
		at += rng_below(l->rng, l->reorder_us + 1);
		l->reordered++;
	}
	if (rng_ppm(l->rng, l->corrupt_ppm) && p->len) {
		p->data[rng_below(l->rng, min_t(u32, p->len, CORRUPT_WITHIN))] ^=
			1 << rng_below(l->rng, 8);
		l->corrupted++;
	}
	if (rng_ppm(l->rng, l->dup_ppm)) {
		sim_at(l->sim, at + rng_below(l->rng, l->delay_us + 1), l->deliver, l->arg,
		       packet_copy(p));
		l->duplicated++;
	}
	sim_at(l->sim, at, l->deliver, l->arg, p);
	return true;
lost:
	l->lost++;
	packet_free(p);
	return false;
}
