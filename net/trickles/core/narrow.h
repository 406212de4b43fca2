/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Does the path still carry full packets, and if not, which? */
#ifndef TRK_CORE_NARROW_H
#define TRK_CORE_NARROW_H

#include "state.h"

void trk_narrow_sent(struct trk_client *cl, u32 up, u32 down);
void trk_narrow_judge(struct trk_narrow_way *way, u32 size);
void trk_narrow_would_be(struct trk_client *cl, u32 size);
void trk_narrow_less(struct trk_client *cl, u32 asked);
void trk_narrow_answered(struct trk_client *cl);
void trk_narrow_in_vain(struct trk_client *cl, const struct trk_entry *s);
bool trk_narrow_stuck(struct trk_client *cl);
void trk_narrow_expired(struct trk_client *cl, u64 now_us);
void trk_narrow_raise(struct trk_client *cl, u64 now_us);
bool trk_narrow_doubtful(const struct trk_client *cl);
u64 trk_narrow_unconsumed(struct trk_client *cl, u64 now_us);
bool trk_narrow_to(struct trk_client *cl, u32 size, u64 now_us);

/* A packet of @size bytes of TCP payload arrived. */
static inline void trk_narrow_passed(struct trk_narrow_way *way, u32 size)
{
	if (size > way->passed)
		way->passed = (u16)size;
	if (way->failed)
		trk_narrow_judge(way, size);
}

/* A packet of @down bytes of TCP payload arrived, and answers a request that had @up. */
static inline void trk_narrow_received(struct trk_client *cl, u32 up, u32 down)
{
	trk_narrow_passed(&cl->narrow.way[TRK_WAY_UP], up);
	trk_narrow_passed(&cl->narrow.way[TRK_WAY_DOWN], down);
}

#endif /* TRK_CORE_NARROW_H */
