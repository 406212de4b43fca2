/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A client by itself: what comes to it is made by hand, so that it may be what no server would
 * say, and what it sends is looked at.
 */
#ifndef TRK_TEST_LONE_H
#define TRK_TEST_LONE_H

#include "core/client.h"
#include "core/numbers.h"
#include "core/reason.h"
#include "trickles-user/cipher.h"

#define LONE_RING	256
#define LONE_SEG_SIZE	1000
#define LONE_PIECE	(LONE_SEG_SIZE - 24)
#define LONE_INPUT	100		/* bytes written */
#define LONE_OUTPUT	(1ULL << 60)	/* its output continuation says nothing of an end */
#define LONE_RTT_US	50000

/**
 * struct lone - the client, and what is used to make packets for it
 * @now_us: the time; the test's
 * @tokens: the client draws 1, 2, 3 and so on
 * @out, @q: the last request, and read
 * @in: what the last response brought
 */
struct lone {
	struct trk_client cl;
	struct trk_entry ring[LONE_RING];
	u64 now_us;
	u32 tokens;
	struct trk_sending out;
	struct trk_req q;
	struct trk_delivery in;

	struct trku_cipher key;
	struct trk_peer peer;
	u8 cont[TRK_CONT_LEN], output[TRK_SEALED_UCONT_MAX], input[TRK_SEALED_UCONT_MAX];
};

void lone_begin(struct lone *l);
void lone_open(struct lone *l);
bool lone_pump(struct lone *l);
unsigned int lone_pump_all(struct lone *l);

struct trk_cont lone_cont(const struct lone *l, u64 base);
struct trk_resp lone_resp(const struct lone *l, u64 x);
void lone_put_cont(struct lone *l, struct trk_resp *r, const struct trk_cont *c);
void lone_put_output(struct lone *l, struct trk_resp *r, u64 start, u64 end, u8 flags);
void lone_put_input(struct lone *l, struct trk_resp *r, u64 start, u64 end, u8 flags);
void lone_put_data(struct trk_resp *r, u64 off, u32 len);
int lone_take(struct lone *l, u64 x, const struct trk_resp *r);
int lone_arrives(struct lone *l, u64 x);

#endif /* TRK_TEST_LONE_H */
