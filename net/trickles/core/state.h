/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* All that a client knows of its connection.  struct trk_client says who may touch what. */
#ifndef TRK_CORE_STATE_H
#define TRK_CORE_STATE_H

#include "limits.h"
#include "ranges.h"
#include "seal.h"
#include "types.h"
#include "wire.h"

#define TRK_DUPTHRESH		3		/* packets (RFC 5681); reordering raises it */
#define TRK_DUPTHRESH_MAX	300		/* as Linux: net.ipv4.tcp_max_reordering */
#define TRK_RING_MIN		64		/* numbers, a power of two */
#define TRK_RING_MAX		131072		/* numbers: four of the largest windows */
#define TRK_OUTPUTS		8		/* output continuations held */
#define TRK_OUTPUTS_KEPT	2		/* places kept for the bytes needed next */
#define TRK_CONTS		4		/* transport continuations held */
#define TRK_TRAIN		32		/* numbers of a report that issue others */
#define TRK_CLAIMS_SOFT		8		/* claims at which a request has RENEW */
#define TRK_RENEW_AGAIN		4		/* further claims at which RENEW is repeated */

#define TRK_RTO_MIN_US		200000		/* beyond the round trip, as Linux: TCP_RTO_MIN */
#define TRK_RTO_MAX_US		60000000
#define TRK_RTO_INIT_US		1000000		/* RFC 6298 (2.1) */
#define TRK_DELACK_US		10000
#define TRK_PACE_MIN_US		1000		/* a shorter wait is not worth a timer */
#define TRK_SYN_ATTEMPT		3		/* from here on a SYN may go before a TIMEOUT */
#define TRK_KEEPALIVE_US	240000000ULL	/* a NAT may forget a connection after 300 s */

enum trk_client_state {
	TRK_CL_IDLE,		/* no connection */
	TRK_CL_FIRST,		/* cookie in hand, first request not yet answered */
	TRK_CL_OPEN,
	TRK_CL_DEAD,		/* gave up: cl->error */
};

enum trk_entry_state {
	TRK_ENTRY_FREE,
	TRK_ENTRY_EXPECTED,	/* a request of ours issues it */
	TRK_ENTRY_RECEIVED,
	TRK_ENTRY_LOST,		/* declared lost; a late packet still brings its data */
};

enum trk_entry_what {
	TRK_WHAT_NOTHING,
	TRK_WHAT_OUTPUT,	/* brings output [off, off + len) */
	TRK_WHAT_INPUT,		/* answers input [off, off + len); what it brings is not known */
	TRK_WHAT_REST,		/* answers input that another packet answered: brings anything */
};

/* What a packet number is expected to bring, or brought.  One entry of the ring. */
struct trk_entry {
	u64 nonce;
	u64 off;
	u64 req_n;		/* highest number that its request reported */
	u64 acc;		/* xor of all nonces of the domain up to req_n */
	u64 sent_us;
	u64 first;		/* first number of the answer */
	u32 count;		/* numbers of the answer */
	u32 token;
	u32 again;		/* token of a later request that repeated its request; 0: none */
	u32 len;
	u8 serial;		/* of the continuation that its request carried */
	u8 state;
	u8 what;
	bool nogrowth;
	bool joined;		/* shares the packet of the number before it */
	bool fin;		/* its request ended our stream */
	u16 size;		/* bytes of TCP payload of its request */
};

/* A request for output that the next one may repeat.  Every number that it issues has a piece. */
struct trk_repeat {
	u64 m, n;		/* run that it reports */
	u64 first;		/* first number that it issues */
	u32 count;		/* 0: nothing to repeat */
	unsigned int nask;
	struct trk_bytes ask[TRK_MAX_ASK];
};

struct trk_held_cont {
	u8 blob[TRK_CONT_LEN];
	struct trk_cont c;
	u64 acc;		/* xor of the domain's nonces up to c.base */
};

struct trk_held_ucont {
	u8 blob[TRK_SEALED_UCONT_MAX];
	u16 len;		/* 0: none */
	struct trk_ucont u;	/* u.opaque is not set */
};

/* Where packets stand: the sequence number of x is @at + (x - 1) * @seg_size, less the ISN + 1. */
struct trk_place {
	u32 at;
	u16 seg_size;
};

/* The packet numbers of the domain: all up to @nrep are reported, all below @edge decided. */
struct trk_numbers {
	struct trk_place before;	/* of numbers up to @before_end */
	u64 before_end;
	u32 at;			/* of those above, with the segment size of the connection */
	struct trk_entry *ring;
	u32 ring_size;
	u64 nrep;
	u64 edge;
	u64 reportable;		/* last received number below edge */
	u64 top;		/* highest number received */
	u64 hi;			/* highest number expected */
	u64 limited;		/* reports up to here have GROW: the window was too small */
	u64 acc;		/* xor of the domain's nonces up to nrep */
	u32 above;		/* packets received above edge */
	u32 expected;		/* numbers expected */
	u32 dupthresh;		/* so many packets above a number tell that it is lost */
	struct trk_claim claims[2 * TRK_MAX_CLAIMS];	/* above the base of held.confirmed */
	unsigned int nclaims;
};

/* The continuations that are kept. */
struct trk_held {
	struct trk_held_cont conts[TRK_CONTS];
	u8 serial;		/* of the current transport continuation */
	bool cont_used;		/* a request carried the current one */
	u64 renewal;		/* first number of the answer to the last RENEW; or 0 */
	unsigned int renewal_claims;	/* claims of the last request with RENEW, or fewer */
	u8 key_met[TRK_DOMAIN_KEYS + 1], nkeys;	/* the domain's key, and others as they came */
	u8 keys_away;		/* by so many the current one is away from the domain's */
	u8 reseals;		/* requests for a new seal since one came */
	u64 reseal_us;		/* when the next such request may go */
	/* what the last request that is known to be answered carried: */
	struct trk_held_cont confirmed;
	u64 confirmed_n, confirmed_proof;
	u8 confirmed_serial;
	struct trk_held_ucont outputs[TRK_OUTPUTS];
	struct trk_held_ucont input;
};

/* The server's stream: which bytes of it are still to be asked for. */
struct trk_rx {
	struct trk_ranges holes;	/* to be asked for, below ask_nxt */
	u64 ask_nxt;			/* output from here on was never asked for */
	u64 top;			/* end of the highest output received */
	u64 next_lost;			/* start of an output continuation that may be lost; or 0 */
	u64 asked_before;		/* hole for which the byte before it was asked for; or 0 */
	u64 window_max;			/* largest receive window so far */
	bool each_brings;		/* the last parallel answer brought a continuation */
	bool input_turn;		/* input goes before new output */
};

/* Our stream: which bytes of it are still to be sent, or sent again. */
struct trk_tx {
	struct trk_ranges lost;		/* input to be sent again */
	struct trk_ranges acked;	/* consumed input above snd_una, as far as there is room */
	u64 nxt;			/* input from here on was never sent */
	u64 stall;			/* the server waits for input beyond this */
	bool unfit;			/* more than fits a packet: it is not sent again at once */
	u8 unfits;			/* so often in a row */
	u32 expected;			/* numbers expected that answer input */
	u32 token;			/* token of the request with sequential input; 0: none */
	u32 left;			/* numbers that may still answer that request */
	bool again;			/* the sequential input has to be sent again */
	u64 after;			/* refused input waits until rcv_limit is this */
	bool noplace;			/* refused input waits for an output continuation's place */
	struct trk_ranges held;		/* parallel input that waits for rcv_limit */
	struct trk_ranges placeless;	/* parallel input that waits for a place */
	u64 tried;			/* where the packet began that was tried without a place */
	bool fin_sent, fin_acked;
};

/* The requests: numbers of the next segment, and the FIRST or TIMEOUT request that is out. */
struct trk_requests {
	struct trk_claims report;	/* claims of the request at hand; too large for a stack */
	struct trk_repeat last;		/* the last RANGE request, if it may be repeated */
	u32 seq;			/* sequence number, relative to our ISN + 1 */
	u32 ackrel;			/* acknowledges this, relative to the server's ISN + 1 */
	u32 first_seq;			/* sequence number of the FIRST request, likewise */
	struct trk_entry pending;	/* what the FIRST or TIMEOUT request is to bring */
	bool waiting;			/* after a timeout: only TIMEOUT requests are sent */
	bool knocking;			/* the SYN before a FIRST or TIMEOUT request is out */
	bool opened;			/* that SYN was answered */
	u16 addr_len;			/* our address as the server saw it; 0: not told */
	u8 addr[TRK_ADDR_MAX];
	bool first_sent;
	bool timeout_due;		/* a TIMEOUT request is to be sent, or sent again */
	bool last_chance;		/* if no RANGE request goes out now, a TIMEOUT does */
	u8 attempt;
};

/* The two ways of a path. */
enum trk_way { TRK_WAY_UP, TRK_WAY_DOWN, TRK_WAYS };

/* What became of packets on one way.  Sizes are bytes of TCP payload. */
struct trk_narrow_way {
	u16 sent;			/* largest since the timer expired; or asked for */
	u16 passed;			/* largest that arrived since then */
	u16 failed;			/* largest that did not, and no larger one since; or 0 */
	bool fresh;			/* nothing has arrived since that failed */
	u8 strikes;			/* so often that failed, and smaller ones arrived */
};

/* What is known of the size of packets that the path carries. */
struct trk_narrow {
	u16 seg_size;			/* to be asked for with the next TIMEOUT request */
	struct trk_narrow_way way[TRK_WAYS];
	u8 vain;			/* round trips that lost input's answer, since one came */
	u64 vain_us;			/* what was sent until then was counted */
	bool raise;			/* what fits now is too little for the server */
	u64 raise_us;			/* when the first size may be asked for again */
	u64 need_us;			/* the same, where packets are too small for the server */
	u64 wait_us;			/* by so much is that put off; doubles each time */
};

struct trk_timers {
	u32 backoff;
	bool probed;
	bool force;			/* the next request waits for nothing */
	u64 armed_us;			/* when the retransmission timer was started */
	u64 rto_deadline_us, delack_deadline_us, idle_deadline_us, pace_deadline_us;
	u64 reseal_deadline_us, unfit_deadline_us;
	u64 sent_us;			/* when the last request was sent */
	bool resuming;			/* trickles that were parked go on, paced */
	u64 pace_us;			/* when the next paced request may go out */
};

struct trk_client {
	/* set by the caller before each call */
	u64 snd_end;		/* bytes written by the application so far */
	bool snd_fin;		/* the application will write no more */
	bool want_first;	/* send the first request even without input */
	bool redundant;		/* each request repeats the one before it */
	u64 rcv_nxt;		/* all output below was received in order */
	u64 rcv_limit;		/* output offset up to which there is room; never moves back */

	/* for the caller to read */
	u8 state;
	int error;		/* errno (positive) when TRK_CL_DEAD */
	u64 snd_una;		/* input below was consumed by the server: may be freed */
	u64 fin_off;		/* output ends here; U64_MAX: not known */
	u64 deadline_us;	/* call trk_timer_expired() then; U64_MAX: never */
	u64 srtt_us, rttvar_us, rto_us;
	u32 ring_want;		/* ring size wished for; the caller may give it */
	u32 cwnd;		/* the window as last computed, packets */
	u16 seg_size;		/* bytes of TCP payload in a full packet */
	struct {
		u64 requests, responses, timeouts, probes, lost, late, merged, held;
		u64 repeated;		/* requests that repeated the one before */
		u64 resealed;		/* user continuations that came again under another key */
		u64 rcv_retrans;	/* bytes of output asked for again */
		u64 snd_retrans;		/* bytes of input sent again */
		u64 narrowed;		/* how often a smaller segment size was asked for */
	} stat;

	/* the core's own; tests look at it */
	u32 (*random)(void *arg);
	void *random_arg;
	u16 want_seg_size;	/* the one of the beginning, and the largest */
	struct trk_numbers num;
	struct trk_held held;
	struct trk_rx rx;
	struct trk_tx tx;
	struct trk_requests req;
	struct trk_timers timer;
	struct trk_narrow narrow;
};

static inline struct trk_entry *trk_client_entry(const struct trk_client *cl, u64 x)
{
	return &cl->num.ring[x & (cl->num.ring_size - 1)];
}

/* Segment size of the domain, or that of the next one if it may be smaller. */
static inline u16 trk_client_seg_size(const struct trk_client *cl)
{
	return min_t(u16, cl->seg_size, cl->narrow.seg_size);
}

static inline struct trk_held_cont *trk_client_cont(struct trk_client *cl)
{
	return &cl->held.conts[cl->held.serial % TRK_CONTS];
}

/* May input be sent, executed and answered in any order, each packet for itself? */
static inline bool trk_client_parallel(const struct trk_client *cl)
{
	return cl->held.input.len && (cl->held.input.u.flags & TRK_UCONT_PARALLEL);
}

#endif /* TRK_CORE_STATE_H */
