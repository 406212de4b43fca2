/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Does the path still carry full packets, and if not, which? */
#ifndef TRK_CORE_NARROW_H
#define TRK_CORE_NARROW_H

#include "state.h"

void trk_narrow_sent(struct trk_client *cl, u32 up, u32 down);
void trk_narrow_cut(struct trk_client *cl, u32 size);
void trk_narrow_received(struct trk_client *cl, u32 up, u32 down);
void trk_narrow_timed_out(struct trk_client *cl, u64 now_us);
bool trk_narrow_doubtful(const struct trk_client *cl);
void trk_narrow_unconsumed(struct trk_client *cl, u64 now_us);
bool trk_narrow_to(struct trk_client *cl, u32 size, u64 now_us);

#endif /* TRK_CORE_NARROW_H */
