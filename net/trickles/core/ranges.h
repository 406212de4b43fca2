/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Sets of bytes of a stream in bounded memory.
 */
#ifndef TRK_CORE_RANGES_H
#define TRK_CORE_RANGES_H

#include "types.h"

#define TRK_RANGES_MAX		64

/* Stream bytes [a, b), sorted, disjoint, not touching. */
struct trk_ranges {
	unsigned int n;
	struct { u64 a, b; } r[TRK_RANGES_MAX];
};

void trk_ranges_add(struct trk_ranges *h, u64 a, u64 b);
bool trk_ranges_add_exact(struct trk_ranges *h, u64 *a, u64 *b);
void trk_ranges_sub(struct trk_ranges *h, u64 a, u64 b);

#endif /* TRK_CORE_RANGES_H */
