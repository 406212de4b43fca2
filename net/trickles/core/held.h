/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The continuations that a client keeps: transport and user continuations (paper §3.2, §4.2). */
#ifndef TRK_CORE_HELD_H
#define TRK_CORE_HELD_H

#include "state.h"

const struct trk_held_ucont *trk_held_output_at(const struct trk_client *cl, u64 off);
bool trk_held_output_free(const struct trk_client *cl, const struct trk_held_ucont *h);
unsigned int trk_held_output_places(const struct trk_client *cl);
bool trk_held_output_room(const struct trk_client *cl, u64 start, u64 end);
struct trk_held_ucont *trk_held_output_place(struct trk_client *cl, const struct trk_ucont *u);
u16 trk_held_longest(const struct trk_client *cl);
void trk_held_store_output(struct trk_client *cl, const struct trk_resp *r,
			   const struct trk_ucont *u);
void trk_held_store_input(struct trk_client *cl, const struct trk_resp *r);
void trk_held_reseal_input(struct trk_client *cl, const struct trk_resp *r);
unsigned int trk_held_claims(struct trk_client *cl);
void trk_held_confirm(struct trk_client *cl, const struct trk_entry *s);
void trk_held_renew(struct trk_client *cl, const struct trk_entry *s, const u8 *blob);

#endif /* TRK_CORE_HELD_H */
