/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Which bytes of both streams are still wanted: what did not come is asked for or sent again. */
#ifndef TRK_CORE_WANTED_H
#define TRK_CORE_WANTED_H

#include "state.h"

void trk_wanted_output(struct trk_client *cl, u64 a, u64 b);
void trk_wanted_add(struct trk_client *cl, struct trk_ranges *set, u64 a, u64 b);
void trk_wanted_input(struct trk_client *cl, u64 a, u64 b);
void trk_wanted_all(struct trk_client *cl, struct trk_ranges *held);
void trk_wanted_next(struct trk_client *cl, u64 off);
void trk_wanted_arrived(struct trk_client *cl, const struct trk_entry *s, u64 off, u32 len);
void trk_wanted_consumed(struct trk_client *cl, u64 from, u64 to);

#endif /* TRK_CORE_WANTED_H */
