/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What the next request asks for: output, input, or a new seal (paper §4.2). */
#ifndef TRK_CORE_PLAN_H
#define TRK_CORE_PLAN_H

#include "state.h"

/* What a request asks of the server. */
struct trk_plan {
	enum trk_entry_what what;	/* NOTHING, OUTPUT or INPUT */
	u32 room;			/* numbers that the answer can use, at most */
	/* OUTPUT: the continuation of the asked bytes.  NOTHING: one that is to be sealed anew. */
	const struct trk_held_ucont *cont;
	const struct trk_held_ucont *input;
	struct trk_bytes ask[TRK_MAX_ASK];
	unsigned int nask;
	u32 pieces;
	u32 first;			/* bytes in the first piece, at most */
	/* INPUT: what to send of it */
	u64 in_off, in_end;
	bool more;			/* parallel: other requests may bring the rest */
};

/* Bytes of data in a full packet of asked output. */
static inline u32 trk_plan_piece(const struct trk_client *cl)
{
	return trk_piece(cl->seg_size, false);
}

bool trk_plan_silly(const struct trk_client *cl);
void trk_plan_note(struct trk_client *cl, const struct trk_plan *p);
void trk_plan_output(const struct trk_client *cl, struct trk_plan *p, u32 max, bool fresh,
		     u32 first);
bool trk_plan_input(const struct trk_client *cl, struct trk_plan *p);
bool trk_plan_reseal(const struct trk_client *cl, struct trk_plan *p, u64 now_us);
bool trk_plan_wants(const struct trk_client *cl);
bool trk_plan_next(const struct trk_client *cl, struct trk_plan *p, u32 max);

#endif /* TRK_CORE_PLAN_H */
