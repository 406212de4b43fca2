/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What the client does with time (RFC 6298, RFC 8985): timers, timeouts, pacing. */
#ifndef TRK_CORE_TIMER_H
#define TRK_CORE_TIMER_H

#include "state.h"

void trk_timer_rtt(struct trk_client *cl, u64 sample);
void trk_timer_stop(struct trk_client *cl);
void trk_timer_die(struct trk_client *cl, int error);
void trk_timer_set(struct trk_client *cl);
void trk_timer_arm(struct trk_client *cl, u64 now_us);
bool trk_timer_paced(struct trk_client *cl, u64 now_us);
void trk_timer_pace(struct trk_client *cl, u64 now_us, u32 granted);
void trk_timer_unfit(struct trk_client *cl, u64 now_us, u64 latest_us);
void trk_timer_timed_out(struct trk_client *cl, u64 now_us);
void trk_timer_expired(struct trk_client *cl, u64 now_us);

#endif /* TRK_CORE_TIMER_H */
