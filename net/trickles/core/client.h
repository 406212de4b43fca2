/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The client's side of the protocol (paper §4): which numbers are expected,
 * what arrived and what was lost, what each request claims, which bytes it
 * asks for, and the timers.  It holds no data, only offsets; the caller owns
 * the send queue, the reassembly queue, the clock and the lock.
 */
#ifndef TRK_CORE_CLIENT_H
#define TRK_CORE_CLIENT_H

#include "receive.h"
#include "request.h"
#include "state.h"
#include "timer.h"

void trk_client_init(struct trk_client *cl, struct trk_entry *ring, u32 ring_size,
		     u32 (*random)(void *arg), void *random_arg);
void trk_client_set_ring(struct trk_client *cl, struct trk_entry *ring, u32 ring_size);
void trk_client_connected(struct trk_client *cl, u16 want_seg_size, u64 rtt_us);

bool trk_client_pump(struct trk_client *cl, u64 now_us, struct trk_sending *out);
void trk_client_narrow(struct trk_client *cl, u32 size, u64 now_us);
bool trk_client_input_done(const struct trk_client *cl);

#endif /* TRK_CORE_CLIENT_H */
