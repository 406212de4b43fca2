// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "sim.h"

#define WIRE_OVERHEAD	60	/* bytes of IP and TCP headers */

/* The first bytes are those of a header, the others are for the caller to fill. */
struct packet *packet_new(u32 seq, u32 ack, const u8 *hdr, u32 hdr_len, u32 data_len)
{
	struct packet *p = malloc(sizeof(*p));

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
	return packet_new(p->seq, p->ack, p->data, p->len, 0);
}

void packet_free(struct packet *p)
{
	if (!p)
		return;
	free(p->data);
	free(p);
}

static bool before(const struct sim_event *a, const struct sim_event *b)
{
	return a->at_us != b->at_us ? a->at_us < b->at_us : a->serial < b->serial;
}

void sim_at(struct sim *s, u64 at_us, void (*fn)(void *arg, struct packet *p), void *arg,
	    struct packet *p)
{
	struct sim_event e = { at_us, s->serial++, fn, arg, p };
	unsigned int i = s->n++;

	if (s->n > s->room) {
		s->room = 2 * s->n;
		s->heap = realloc(s->heap, s->room * sizeof(*s->heap));
	}
	for (; i && before(&e, &s->heap[(i - 1) / 2]); i = (i - 1) / 2)
		s->heap[i] = s->heap[(i - 1) / 2];
	s->heap[i] = e;
}

/* When the next event is due, U64_MAX for never. */
u64 sim_next(const struct sim *s)
{
	return s->n ? s->heap[0].at_us : U64_MAX;
}

void sim_step(struct sim *s)
{
	struct sim_event e = s->heap[0], last = s->heap[--s->n];
	unsigned int i = 0;

	for (;;) {
		unsigned int c = 2 * i + 1;

		if (c >= s->n)
			break;
		if (c + 1 < s->n && before(&s->heap[c + 1], &s->heap[c]))
			c++;
		if (before(&last, &s->heap[c]))
			break;
		s->heap[i] = s->heap[c];
		i = c;
	}
	s->heap[i] = last;
	s->now_us = e.at_us;
	e.fn(e.arg, e.p);
}

void sim_free(struct sim *s)
{
	while (s->n)
		packet_free(s->heap[--s->n].p);
	free(s->heap);
}

void link_send(struct link *l, struct packet *p)
{
	u64 now = l->sim->now_us, at, i = l->sent++;

	if ((i < 64 && l->pattern >> i & 1) ||
	    (l->free_us > now && (l->free_us - now) * l->bytes_per_ms / 1000 > l->queue)) {
		l->lost++;
		packet_free(p);
		return;
	}
	l->free_us =
		max_t(u64, l->free_us, now) + (p->len + WIRE_OVERHEAD) * 1000ULL / l->bytes_per_ms;
	/* Lost behind the queue, and a corrupted one fails its checksum there. */
	if (rng_ppm(l->rng, l->loss_ppm)) {
		l->lost++;
		packet_free(p);
		return;
	}
	at = l->free_us + l->delay_us;
	if (rng_ppm(l->rng, l->reorder_ppm))
		at += rng_below(l->rng, l->delay_us + 1);
	if (rng_ppm(l->rng, l->dup_ppm))
		sim_at(l->sim, at + rng_below(l->rng, l->delay_us + 1), l->deliver, l->arg,
		       packet_copy(p));
	sim_at(l->sim, at, l->deliver, l->arg, p);
}
