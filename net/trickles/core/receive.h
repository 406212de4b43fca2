/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What the client does with a response (paper §4). */
#ifndef TRK_CORE_RECEIVE_H
#define TRK_CORE_RECEIVE_H

#include "state.h"

/* What a response brought, for the caller to store. */
struct trk_delivery {
	u64 off;		/* stream offset of the data */
	u32 len;		/* its length; 0: none.  It stands at the packet's end */
};

bool trk_receive_opened(struct trk_client *cl, u32 ackrel);
int trk_receive_response(struct trk_client *cl, const struct trk_resp *r, u32 seqrel, u64 now_us,
			 struct trk_delivery *in);

#endif /* TRK_CORE_RECEIVE_H */
