// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>

#include "filter.h"

static struct filter_word *filter_place(const struct filter *f, u64 conn, u64 domain, u64 word)
{
	u64 hash = (conn ^ domain * 0x9e3779b97f4a7c15ULL ^ word) * 0xbf58476d1ce4e5b9ULL;
	u32 i = (u32)(hash >> 32) & (f->size - 1);

	while (f->words[i].marked &&
	       (f->words[i].conn != conn || f->words[i].domain != domain ||
		f->words[i].word != word))
		i = (i + 1) & (f->size - 1);
	return &f->words[i];
}

static void filter_grow(struct filter *f)
{
	struct filter to = { .size = f->size ? 2 * f->size : 64, .used = f->used };
	u32 i;

	to.words = calloc(to.size, sizeof(*to.words));
	if (!to.words) {
		perror("filter");
		exit(1);
	}
	for (i = 0; i < f->size; i++) {
		const struct filter_word *w = &f->words[i];

		if (w->marked)
			*filter_place(&to, w->conn, w->domain, w->word) = *w;
	}
	free(f->words);
	*f = to;
}

/* Marks what @mask names, and returns what of it was not marked before. */
u32 filter_claim(struct filter *f, u64 conn, u64 domain, u64 word, u32 mask)
{
	struct filter_word *w;
	u32 fresh;

	if (!mask)
		return 0;
	if (2 * f->used >= f->size)
		filter_grow(f);
	w = filter_place(f, conn, domain, word);
	f->used += !w->marked;
	fresh = mask & ~w->marked;
	w->conn = conn;
	w->domain = domain;
	w->word = word;
	w->marked |= mask;
	return fresh;
}

/* Notes the domain that a connection is in; false if it is in a later one. */
bool filter_newest(struct filter *f, u64 conn, u32 order)
{
	struct filter_word *w;

	if (2 * f->used >= f->size)
		filter_grow(f);
	w = filter_place(f, conn, 0, U64_MAX - 1);
	if (w->marked && (s32)(order - w->marked) < 0)
		return false;
	f->used += !w->marked;
	w->conn = conn;
	w->domain = 0;
	w->word = U64_MAX - 1;
	w->marked = order;
	return true;
}

void filter_free(struct filter *f)
{
	free(f->words);
	*f = (struct filter){ 0 };
}
