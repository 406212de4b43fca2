/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What one source of requests may have of a server that has more to do than it can: places in its
 * queue, and work that leads to nothing.
 */
#ifndef TRK_CORE_SHARE_H
#define TRK_CORE_SHARE_H

#include "types.h"

/*
 * Once half of the entries are in use, a source may have so many times as many as are free, not
 * counting a part of them all that is kept for those who have little, which is this part or less.
 */
#define TRK_SHARE_OF_FREE	2
#define TRK_SHARE_KEPT(entries)		((entries) / 16)
#define TRK_SHARE_LITTLE(entries)	((entries) / 256 + 1)

/*
 * Requests that are authentic and ask for nothing new: one costs so many milliseconds, and so many
 * may be owed.  That is 250 a second, and 256 at once.
 */
#define TRK_SHARE_COST_MS	4
#define TRK_SHARE_BURST_MS	1024

bool trk_share_binds(u32 free, u32 entries);
u32 trk_share_most(u32 free, u32 entries);
bool trk_share_spent(u32 paid_until, u32 now_ms);
u32 trk_share_spend(u32 paid_until, u32 now_ms);

#endif /* TRK_CORE_SHARE_H */
