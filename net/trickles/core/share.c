// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Shares of a queue, and of the work of a processor.
 *
 * A source may hold so many entries as there are free ones, times a constant a (Choudhury and
 * Hahne, "Dynamic Queue Length Thresholds for Shared-Memory Packet Switches", 1998). However
 * many sources ask for all that they can get, something is left for others: of N entries, k
 * greedy sources leave N / (1 + a k). What the modest ones use is taken from all greedy ones
 * alike.
 *
 * That is so in the long run. Sources that come one after the other find what those before them
 * have left, and k of them leave only N / (1 + a)^k until the first ones' entries are free
 * again. So a part of the queue is kept for sources that hold little.
 *
 * Work that fills no entry is limited by a token bucket, kept as the time until which its owner
 * has paid (the virtual scheduling algorithm of ITU-T I.371): no tokens have to be added when
 * nobody asks.
 */
#include "share.h"

/**
 * trk_share_binds - is more than half of a queue in use?
 * @free: its free entries
 * @entries: all of them
 *
 * Return: true if shares hold.
 */
bool trk_share_binds(u32 free, u32 entries)
{
	return free < entries / 2;
}

/**
 * trk_share_most - how many entries a source may hold
 * @free: free entries of the queue
 * @entries: all of them
 *
 * Return: whoever holds less gets another one, if there is one.
 */
u32 trk_share_most(u32 free, u32 entries)
{
	u32 kept = TRK_SHARE_KEPT(entries);

	if (!trk_share_binds(free, entries))
		return entries;
	return max_t(u32, free > kept ? TRK_SHARE_OF_FREE * (free - kept) : 0,
		     TRK_SHARE_LITTLE(entries));
}

/* How many milliseconds it takes until a source has paid for all that it has had. */
static u32 owed(u32 paid_until, u32 now_ms)
{
	u32 ms = paid_until - now_ms;

	/* More than the most means that the time has passed, if need be once round the clock. */
	return ms > TRK_SHARE_BURST_MS ? 0 : ms;
}

/**
 * trk_share_spent - has a source had all that it may have for now?
 * @paid_until: what trk_share_spend() returned last, or anything at the beginning
 * @now_ms: a clock of milliseconds that goes round
 *
 * Return: true if its next request is to be dropped.
 */
bool trk_share_spent(u32 paid_until, u32 now_ms)
{
	return owed(paid_until, now_ms) > TRK_SHARE_BURST_MS - TRK_SHARE_COST_MS;
}

/**
 * trk_share_spend - a request has cost work and led to nothing
 * @paid_until: as for trk_share_spent()
 * @now_ms: as for trk_share_spent()
 *
 * Several may be looked at on several processors at a time, so that they cost more than is left.
 * Nobody owes more than the burst for that.
 *
 * Return: the new time until which the source has paid.
 */
u32 trk_share_spend(u32 paid_until, u32 now_ms)
{
	return now_ms + min_t(u32, owed(paid_until, now_ms) + TRK_SHARE_COST_MS,
			      TRK_SHARE_BURST_MS);
}
