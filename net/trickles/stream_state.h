/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A client's connection, from connect() to close(), and longer if there is input that the
 * server has not consumed.  All of it is under the socket's lock.
 */
#ifndef NET_TRICKLES_STREAM_STATE_H
#define NET_TRICKLES_STREAM_STATE_H

#include <linux/ktime.h>
#include <linux/rbtree.h>
#include <linux/workqueue.h>

#include "core/request.h"
#include "core/state.h"
#include "core/wire.h"

/* The @share of struct trk_stream is counted in units of the receive buffer divided by this. */
#define TRK_SHARE_ONE	256

/* The core's statistics as far as they were added to the namespace's counters. */
struct trk_seen {
	u64 requests, repeated, responses, timeouts, probes, lost, retrans, resealed, narrowed;
};

/**
 * struct trk_stream - a client's connection
 * @cl: the protocol's part
 * @out: the request being sent
 * @hdr: copy of a response's header that is not linear in its skb
 * @ring: memory that @cl uses
 * @ooo: output out of order
 * @read: output below this offset was read
 * @share: part of the receive buffer that is for data, of TRK_SHARE_ONE; half of it at first
 * @syn_us: when the first SYN was sent
 * @first_us: when to send the first request even without input
 * @orphan_us: when to give up input that is left after close(); U64_MAX: not closed
 * @orphan_end_us: it is not put off beyond this
 * @isn: sequence number of our first byte
 * @server_isn: sequence number of the server's first byte
 * @sent_mid: sequence number of the first request sent since @sent_us
 * @sent_mid_most: payload of the largest one since then, bytes
 * @sent_us: when @sent_from of struct trk_sock was last moved to the one before
 * @over: ended; nothing is sent or received any more
 * @lingering: close() waits until all input is consumed
 * @seen: what was added to the counters
 * @sk: the socket
 * @reap: frees the socket after close(), where sleeping is allowed
 */
struct trk_stream {
	struct trk_client cl;
	struct trk_sending out;
	u8 hdr[TRK_RESP_HDR_MAX];
	struct trk_entry *ring;
	struct rb_root ooo;
	u64 read;
	u32 share;
	u64 syn_us;
	u64 first_us;
	u64 orphan_us;
	u64 orphan_end_us;
	u32 isn;
	u32 server_isn;
	u32 sent_mid;
	u32 sent_mid_most;
	u64 sent_us;
	bool over;
	bool lingering;
	struct trk_seen seen;
	struct sock *sk;
	struct work_struct reap;
};

static inline u64 trk_stream_now_us(void)
{
	return ktime_to_us(ktime_get());
}

#endif /* NET_TRICKLES_STREAM_STATE_H */
