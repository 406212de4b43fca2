// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>

#include "filter.h"

#define LIFE_MS	(2 * 600000)

static u64 mix(u64 x)
{
	x = (x ^ x >> 32) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 29) * 0x94d049bb133111ebULL;
	return x ^ x >> 32;
}

/* Clients of one /24 are of one class. */
static u8 class_of(const struct trk_peer *peer)
{
	u64 head, tail = 0;

	memcpy(&head, peer->addr, 8);
	memcpy(&tail, peer->addr + 8, 7);
	return (u8)(mix(head ^ mix(tail)) % TRK_ONCE_CLASSES);
}

/* The filter's mark() of struct trk_server_env at this time. */
int filter_mark(struct filter *f, const struct trk_peer *peer, struct trk_mark *m, u64 now_ms)
{
	const struct trk_once_now now = {
		.order = trk_seal_order_at(now_ms),
		.ahead = trk_server_ahead(FILTER_SKEW_MS),
		.tick = (u32)now_ms,
		.life = LIFE_MS,
	};
	u64 hash = mix(m->conn);

	if (!f->set) {
		f->sets = max_t(u32, f->sets, 4);
		f->set = calloc(f->sets, sizeof(*f->set));
	}
	if (!f->set) {
		perror("filter");
		exit(1);
	}
	return trk_once_mark(&f->set[(u32)hash % f->sets], &now, (u8)(hash >> 56), class_of(peer),
			     m, &f->evicted);
}

/* Connections of which it knows anything. */
u32 filter_known(const struct filter *f)
{
	u32 i, way, n = 0;

	for (i = 0; f->set && i < f->sets; i++)
		for (way = 0; way < TRK_ONCE_WAYS; way++)
			n += !!f->set[i].proven.class[way] + !!f->set[i].guests.class[way];
	return n;
}

void filter_free(struct filter *f)
{
	free(f->set);
	*f = (struct filter){ 0 };
}
