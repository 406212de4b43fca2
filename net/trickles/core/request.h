/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The requests of a client (paper §4): FIRST, RANGE, TIMEOUT and CLOSE. */
#ifndef TRK_CORE_REQUEST_H
#define TRK_CORE_REQUEST_H

#include "state.h"

/**
 * struct trk_sending - a request to transmit
 * @hdr: header, to lead the payload
 * @hdr_len: bytes of it
 * @in_len: bytes of input to append from the send queue
 * @in_off: stream offset of that input
 * @seq: TCP sequence number relative to the client's ISN + 1
 * @ackrel: TCP acknowledgment number relative to the server's ISN + 1
 * @syn: instead of a request a bare SYN is to go out, with the sequence number before @seq
 */
struct trk_sending {
	u8 hdr[TRK_REQ_HDR_MAX];
	u32 hdr_len;
	u32 in_len;
	u64 in_off;
	u32 seq;
	u32 ackrel;
	bool syn;
};

void trk_request_first(struct trk_client *cl, u64 now_us, struct trk_sending *out);
bool trk_request_range(struct trk_client *cl, u64 now_us, struct trk_sending *out);
void trk_request_timeout(struct trk_client *cl, u64 now_us, struct trk_sending *out);
void trk_request_close(struct trk_client *cl, struct trk_sending *out);

#endif /* TRK_CORE_REQUEST_H */
