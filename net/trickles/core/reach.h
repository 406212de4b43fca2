/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* How far the next request reports what arrived, and what that issues (paper §2.4, §2.5). */
#ifndef TRK_CORE_REACH_H
#define TRK_CORE_REACH_H

#include "plan.h"

/* How far a request reports, and what it issues. */
struct trk_reach {
	u64 n;
	u64 first, last;	/* numbers issued; none if first > last */
	u64 recover;		/* R of the loss event that was open before it; 0: none */
	u32 cwnd;		/* window after the report, packets */
};

void trk_reach_claims(const struct trk_client *cl, u64 base, u64 n, struct trk_claims *out);
bool trk_reach_renewal_due(const struct trk_client *cl, const struct trk_claims *claims);
void trk_reach_choose(struct trk_client *cl, const struct trk_plan *p, u32 limit,
		      struct trk_reach *r, struct trk_claims *claims);
bool trk_reach_waits(const struct trk_client *cl, const struct trk_plan *p,
		     const struct trk_reach *r, const struct trk_claims *claims);

#endif /* TRK_CORE_REACH_H */
