/* SPDX-License-Identifier: GPL-2.0 */
/* A replay filter that forgets nothing: what env->claim of a server's decision may be. */
#ifndef TRK_TEST_FILTER_H
#define TRK_TEST_FILTER_H

#include "core/types.h"

struct filter_word {
	u64 conn, domain, word;
	u32 marked;		/* 0: the place is free */
};

struct filter {
	struct filter_word *words;
	u32 size, used;
};

u32 filter_claim(struct filter *f, u64 conn, u64 domain, u64 word, u32 mask);
bool filter_newest(struct filter *f, u64 conn, u32 order);
void filter_free(struct filter *f);

#endif /* TRK_TEST_FILTER_H */
