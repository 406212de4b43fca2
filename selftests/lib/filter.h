/* SPDX-License-Identifier: GPL-2.0 */
/* What was answered, as core/once.c remembers it: for env->mark of a server's decision. */
#ifndef TRK_TEST_FILTER_H
#define TRK_TEST_FILTER_H

#include "core/once.h"
#include "core/server.h"

#define FILTER_SKEW_MS	1000

/**
 * struct filter - all zeroes to begin with
 * @sets: so many sets of connections, four at least
 * @evicted: connections that were forgotten
 */
struct filter {
	struct trk_once_set *set;
	u32 sets;
	u32 evicted;
};

int filter_mark(struct filter *f, const struct trk_peer *peer, struct trk_mark *m, u64 now_ms);
u32 filter_known(const struct filter *f);
void filter_free(struct filter *f);

#endif /* TRK_TEST_FILTER_H */
