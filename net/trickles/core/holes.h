/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Sets of stream bytes in bounded memory.
 */
#ifndef TRK_CORE_HOLES_H
#define TRK_CORE_HOLES_H

#include "types.h"

#define TRK_HOLES		64

/* Stream bytes [a, b), sorted, disjoint, not touching. */
struct trk_holes {
	unsigned int n;
	struct { u64 a, b; } r[TRK_HOLES];
};

void trk_holes_add(struct trk_holes *h, u64 a, u64 b);
bool trk_holes_add_exact(struct trk_holes *h, u64 *a, u64 *b);
void trk_holes_sub(struct trk_holes *h, u64 a, u64 b);

#endif /* TRK_CORE_HOLES_H */
