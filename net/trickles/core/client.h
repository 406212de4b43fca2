/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The client's side of the protocol (paper §4): which numbers are expected,
 * what arrived and what was lost, what each request claims, which bytes it
 * asks for, and the timers.  It holds no data, only offsets; the caller owns
 * the send queue, the reassembly queue, the clock and the lock.
 */
#ifndef TRK_CORE_CLIENT_H
#define TRK_CORE_CLIENT_H

#include "state.h"

/**
 * struct trk_out_req - a request to transmit
 * @hdr, @hdr_len: header, to lead the payload
 * @in_off, @in_len: input data to append from the send queue
 * @seq: TCP sequence number relative to the client's ISN + 1
 * @ackrel: TCP acknowledgment number relative to the server's ISN + 1
 * @syn: in its place a bare SYN is to go out, with the sequence number before @seq
 */
struct trk_out_req {
	u8 hdr[TRK_REQ_HDR_MAX];
	u32 hdr_len;
	u32 in_len;
	u64 in_off;
	u32 seq;
	u32 ackrel;
	bool syn;
};

/* What a response brought, for the caller to store. */
struct trk_in_resp {
	u64 off;		/* stream offset of the data */
	u32 len;		/* its length; 0: none.  The data ends the packet */
};

void trk_client_init(struct trk_client *cl, struct trk_slot *ring, u32 ring_size,
		     u32 (*random)(void *arg), void *random_arg);
void trk_client_set_ring(struct trk_client *cl, struct trk_slot *ring, u32 ring_size);
void trk_client_connected(struct trk_client *cl, u16 want_slot, u64 now_us);

bool trk_client_pump(struct trk_client *cl, u64 now_us, struct trk_out_req *out);
bool trk_client_opened(struct trk_client *cl, u32 ackrel);
void trk_client_close_req(struct trk_client *cl, struct trk_out_req *out);
int trk_client_receive(struct trk_client *cl, const struct trk_resp *r, u32 seqrel, u64 now_us,
		       struct trk_in_resp *in);
void trk_client_timer(struct trk_client *cl, u64 now_us);
bool trk_client_input_done(const struct trk_client *cl);

/* request.c, for client.c */
void trk_request_first(struct trk_client *cl, u64 now_us, struct trk_out_req *out);
bool trk_request_range(struct trk_client *cl, u64 now_us, struct trk_out_req *out);
void trk_request_timeout(struct trk_client *cl, u64 now_us, struct trk_out_req *out);
bool trk_client_renewing(const struct trk_client *cl);
bool trk_client_wants(const struct trk_client *cl);
bool trk_client_silly(const struct trk_client *cl);
const struct trk_held_ucont *trk_client_output_at(const struct trk_client *cl, u64 off);
bool trk_client_output_free(const struct trk_client *cl, const struct trk_held_ucont *h);
bool trk_client_output_room(const struct trk_client *cl, u64 start, u64 end);

#endif /* TRK_CORE_CLIENT_H */
