/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Which numbers arrived, which are lost, and what is claimed of them (paper §2.4, §4.1). */
#ifndef TRK_CORE_NUMBERS_H
#define TRK_CORE_NUMBERS_H

#include "state.h"

void trk_numbers_resize(struct trk_client *cl, u64 base, u16 seg_size);
void trk_numbers_lose(struct trk_client *cl, u64 x);
void trk_numbers_late(struct trk_client *cl, u64 x);
void trk_numbers_declare(struct trk_client *cl, bool force);
int trk_numbers_check(struct trk_client *cl, const struct trk_resp *r, u64 x, bool *late);
void trk_numbers_received(struct trk_client *cl, const struct trk_resp *r, u64 x);
bool trk_numbers_renewing(const struct trk_client *cl);

/* The TCP sequence number of packet @x, relative to the server's ISN + 1. */
static inline u32 trk_numbers_place(const struct trk_client *cl, u64 x)
{
	const struct trk_numbers *n = &cl->num;

	if (x > n->before_end)
		return n->at + (u32)(x - 1) * cl->seg_size;
	return n->before.at + (u32)(x - 1) * n->before.seg_size;
}

#endif /* TRK_CORE_NUMBERS_H */
