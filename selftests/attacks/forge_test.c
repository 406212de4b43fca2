// SPDX-License-Identifier: GPL-2.0
/*
 * Requests with things that the server has not sealed, or not for this client, connection, service
 * or time.  The server must believe none of them.
 */
#include "trickles-user/cipher.h"
#include "core/answer.h"
#include "core/nonce.h"
#include "core/reason.h"
#include "trickles-user/replay.h"
#include "row.h"
#include "sim/toyapp.h"
#include "sim/toykeys.h"

#define SEG_SIZE		1448
#define NOW_MS		1700000000000ULL
#define HORIZON_MS	10000
#define KEYS		2
#define FILE_LEN	1000000

static struct trku_cipher key[KEYS];
static unsigned int current;		/* index of the current key */
static bool holds_retired;		/* whether servers hold the keys before it */
static struct trku_replay answered;
static u64 now_ms = NOW_MS;
static u64 macs, blocks;		/* how many the cipher has computed */

static void (*real_mac)(const struct trk_cipher *c, const u8 *data, unsigned int len,
			u8 out[TRK_MAC_LEN]);
static void (*real_ecb)(const struct trk_cipher *c, u8 *b, unsigned int n);

static void count_mac(const struct trk_cipher *c, const u8 *data, unsigned int len,
		      u8 out[TRK_MAC_LEN])
{
	macs++;
	real_mac(c, data, len, out);
}

static void count_ecb(const struct trk_cipher *c, u8 *b, unsigned int n)
{
	blocks += n;
	real_ecb(c, b, n);
}

/* Keys before the current one are not held, unless @holds_retired or a missing defence says so. */
static const struct trk_cipher *get_cipher(void *arg, u8 key_id)
{
	unsigned int i;

	for (i = 0; i < KEYS; i++)
		if (key[i].c.key_id == key_id &&
		    (i >= current || holds_retired || missing == DEFENCE_OLD_KEYS))
			return &key[i].c;
	return NULL;
}

static int record(void *arg, const struct trk_peer *peer, struct trk_record *m)
{
	return toy_record(&answered, peer, m, now_ms);
}

static struct trk_server_env server(void)
{
	return (struct trk_server_env){
		.cipher = get_cipher,
		.record = missing == DEFENCE_FILTER ? NULL : record,
		.current_key = &key[current].c,
		.previous_key = current && (missing == DEFENCE_OLD_KEYS ||
					    missing == DEFENCE_RETIRED) ? &key[0].c : NULL,
		.now_ms = now_ms,
		.horizon_ms = missing == DEFENCE_HORIZON ? U32_MAX : HORIZON_MS,
		.max_seg_size = SEG_SIZE,
		.moves = missing == DEFENCE_MOVES,
	};
}

/* ---- a connection after its first answer ---- */

struct party_of_one {
	struct trk_peer peer;
	u32 isn, server_isn;
	u8 cont[TRK_CONT_LEN], output[TRK_SEALED_UCONT_MAX];
	u16 output_len;
	u64 nonce[TRK_INITIAL_WINDOW + 1];
	struct trk_cont c;
};

struct answer {
	int drop;
	struct trk_grant g;
	u64 bytes;		/* on the wire */
	unsigned int packets, executed;
	u8 data[64];		/* the first bytes of the first packet */
};

/* Gives a request to a server, and says what comes back. */
static void submit(const struct trk_peer *peer, u32 seq, u32 ack, const u8 *p, u32 len,
		   struct answer *a, struct party_of_one *keep)
{
	struct trk_server_env env = server();
	u8 hdr[TRK_RESP_HDR_MAX];
	struct trk_packet out;
	struct trk_resp r;
	struct trk_req q;
	struct toy t;

	memset(a, 0, sizeof(*a));
	a->drop = trk_wire_req_parse(&q, p, len, len);
	weak_request(&q);
	if (!a->drop)
		a->drop = trk_server_step(&env, peer, &q, seq, ack, len, &a->g);
	if (a->drop || !a->g.count || !toy_answer(&t, &a->g, peer, p + q.hdr_len))
		return;
	a->executed = a->g.has_input && !a->g.renew_only;
	t.a.g = &a->g;
	t.a.peer = peer;
	t.a.seal = env.current_key;
	t.a.nonce = get_cipher(NULL, a->g.cont.domain_key);
	if (trk_answer_begin(&t.a))
		return;
	while (trk_answer_next(&t.a, hdr, &out)) {
		if (!a->packets && out.data_len >= sizeof(a->data))
			toy_fill(&t, out.data_at, a->data, sizeof(a->data));
		a->packets++;
		a->bytes += out.hdr_len + out.data_len + SIM_OVERHEAD;
		if (!keep || trk_wire_resp_parse(&r, hdr, out.hdr_len, out.hdr_len + out.data_len))
			continue;
		if (r.num <= TRK_INITIAL_WINDOW)
			keep->nonce[r.num] = r.nonce;
		if (r.cont.p)
			memcpy(keep->cont, r.cont.p, TRK_CONT_LEN);
		if (r.output.p) {
			memcpy(keep->output, r.output.p, r.output.len);
			keep->output_len = r.output.len;
		}
	}
	if (keep)
		trk_seal_cont_read(keep->cont, &keep->c);
}

static u32 first_request(u8 *p, u64 file)
{
	struct trk_req q = { .kind = TRK_KIND_FIRST, .flags = TRK_REQ_GROW, .token = 1,
			     .seg_size = SEG_SIZE, .has_input = true };
	struct toy_msg m = { .kind = TOY_GET, .len = FILE_LEN, .key = file };
	u32 len = trk_wire_req_write(p, &q);

	toy_msg_write(p + len, &m);
	return len + TOY_MSG_LEN;
}

static void open_connection(struct party_of_one *o, u16 port, u64 file)
{
	struct trk_server_env env = server();
	struct answer a;
	u8 p[TRK_REQ_HDR_MAX + TOY_MSG_LEN];
	u32 len = first_request(p, file);

	memset(o, 0, sizeof(*o));
	o->peer = (struct trk_peer){ .addr = { [15] = 7 }, .port = port, .service = 80 };
	o->isn = port * 1000;
	o->server_isn = trk_server_syn_cookie(&env, &o->peer, o->isn);
	submit(&o->peer, o->isn + 1, o->server_isn + 1, p, len, &a, o);
}

/* A request that reports numbers 1 and 2, and asks for more bytes. */
static struct trk_req next_request(const struct party_of_one *o)
{
	return (struct trk_req){ .kind = TRK_KIND_RANGE, .flags = TRK_REQ_GROW, .token = 2,
				 .m = 1, .n = 2, .proof = o->nonce[1] ^ o->nonce[2],
				 .cont = { o->cont, TRK_CONT_LEN }, .nask = 1,
				 .ask = { { .off = 500000, .len = SEG_SIZE - TRK_RESP_FIXED } },
				 .output = { o->output, o->output_len } };
}

static void submit_request(const struct party_of_one *o, const struct trk_peer *from,
			   const struct trk_req *q, struct answer *a)
{
	u8 p[TRK_REQ_HDR_MAX];
	u32 len = trk_wire_req_write(p, q);

	submit(from, o->isn + 100, o->server_isn + 1, p, len, a, NULL);
}

/* Runs an attempt, in which each try has a connection of its own, without one defence. */
static double tried(enum defence without, double (*attempt)(void))
{
	double got;

	missing = without;
	now_ms = NOW_MS;
	current = 0;
	got = attempt();
	missing = DEFENCE_NONE;
	trku_replay_free(&answered);
	return got;
}

static void none(const char *name, enum defence d, const char *what, double (*attempt)(void))
{
	row(name, d, what, tried(DEFENCE_NONE, attempt), 0, tried(d, attempt));
}

/* ---- seals ---- */

static double bit_flips(void)
{
	struct party_of_one o;
	unsigned int i, believed = 0;
	struct trk_req q;
	struct answer a;

	for (i = 0; i < 8 * TRK_CONT_LEN; i++) {
		open_connection(&o, 1000 + i, 1);
		o.cont[i / 8] ^= 1 << i % 8;
		q = next_request(&o);
		submit_request(&o, &o.peer, &q, &a);
		believed += !a.drop;
	}
	return believed;
}

static double cut_short(void)
{
	struct party_of_one o;
	unsigned int len, believed = 0;
	u8 p[TRK_REQ_HDR_MAX];
	struct trk_req q;
	struct answer a;

	/* The request ends anywhere in the continuation, whose last bytes are its seal. */
	for (len = TRK_REQ_FIXED; len < TRK_REQ_FIXED + TRK_CONT_LEN; len++) {
		open_connection(&o, 1000 + len, 1);
		q = next_request(&o);
		q.nask = 0;
		q.output.p = NULL;
		trk_wire_req_write(p, &q);
		submit(&o.peer, 1, o.server_isn + 1, p, len, &a, NULL);
		believed += !a.drop;
	}
	return believed;
}

/* The length of the extensions says more than there is, or more than is allowed. */
static double oversized(void)
{
	struct party_of_one o;
	unsigned int i, believed = 0;
	u8 p[TRK_REQ_HDR_MAX];
	struct trk_req q;
	struct answer a;
	u32 len;

	for (i = 0; i < 14; i++) {
		open_connection(&o, 1000 + i, 1);
		q = next_request(&o);
		q.nask = 0;
		q.output.p = NULL;
		len = trk_wire_req_write(p, &q);
		put_unaligned_be16((u16)(4 << i), p + 2);
		submit(&o.peer, 1, o.server_isn + 1, p, len, &a, NULL);
		believed += !a.drop;
	}
	return believed;
}

static double other_address(void)
{
	struct trk_peer victim = { .addr = { [15] = 99 }, .port = 1000, .service = 80 };
	struct party_of_one o;
	struct trk_req q;
	struct answer a;

	/* Returns how many bytes a third party gets for each byte with its address as source. */
	open_connection(&o, 1000, 1);
	q = next_request(&o);
	submit_request(&o, &victim, &q, &a);
	return (double)a.bytes / (TRK_REQ_FIXED + TRK_CONT_LEN + SIM_OVERHEAD);
}

/* Somebody has seen a packet, and tries to take the connection over from his own address. */
static double taken_elsewhere(void)
{
	unsigned int i, believed = 0;
	struct party_of_one o;
	struct answer a;

	for (i = 0; i < 10; i++) {
		struct trk_peer thief = { .addr = { [15] = 66 }, .port = 1, .service = 80 };
		u8 addr[TRK_ADDR_MAX];
		struct trk_req q;

		open_connection(&o, 1000 + i, 1);
		q = next_request(&o);
		q.kind = TRK_KIND_TIMEOUT;
		q.attempt = 4;
		q.addr = (struct trk_blob){ addr, trk_seal_peer_write(&o.peer, addr) };
		submit_request(&o, &thief, &q, &a);
		believed += !a.drop;
	}
	return believed;
}

static void seals__cannot_be_forged(void)
{
	CHECKED(none("continuation with a bit flipped", DEFENCE_SEAL, "of 576 believed",
		     bit_flips));
	CHECKED(none("continuation cut short", DEFENCE_LENGTHS, "of 72 believed", cut_short));
	CHECKED(none("lengths beyond the packet", DEFENCE_LENGTHS, "of 14 believed", oversized));
	CHECKED(none("continuation from another address", DEFENCE_ADDRESS, "bytes out per byte in",
		     other_address));
	CHECKED(none("connection taken to another address", DEFENCE_MOVES, "of 10 believed",
		     taken_elsewhere));
}

/* ---- user continuations ---- */

/* How many bytes of another file an output continuation brings that was changed to name it. */
static double other_file(void)
{
	struct party_of_one o;
	struct answer a;
	struct trk_req q;
	u8 want[sizeof(a.data)];

	open_connection(&o, 1000, 1);
	/* The opaque bytes of the toy application begin with the key that a file is made from. */
	put_unaligned_be64(4711, o.output + 20);
	q = next_request(&o);
	submit_request(&o, &o.peer, &q, &a);
	toy_bytes(4711, q.ask[0].off, want, sizeof(want));
	return a.packets && !memcmp(a.data, want, sizeof(want)) ? sizeof(want) : 0;
}

static double beyond_region(void)
{
	struct party_of_one o;
	struct answer a;
	struct trk_req q;

	open_connection(&o, 1000, 1);
	q = next_request(&o);
	q.ask[0].off = FILE_LEN + 1000;
	submit_request(&o, &o.peer, &q, &a);
	return a.drop ? 0 : q.ask[0].len;
}

static void user_continuations__cannot_be_forged(void)
{
	CHECKED(none("output continuation for another file", DEFENCE_USER_SEAL, "bytes of it",
		     other_file));
	CHECKED(none("bytes beyond a continuation", DEFENCE_REGION, "bytes of them",
		     beyond_region));
}

/* ---- proofs ---- */

static double other_connections_nonces(void)
{
	struct party_of_one a, b;
	unsigned int i, believed = 0;
	struct answer to;
	struct trk_req q;

	for (i = 0; i < 100; i++) {
		open_connection(&a, 1000 + i, 1);
		open_connection(&b, 2000 + i, 1);
		q = next_request(&b);
		q.proof = a.nonce[1] ^ a.nonce[2];
		submit_request(&b, &b.peer, &q, &to);
		believed += !to.drop;
	}
	return believed;
}

/* If a run could be claimed twice, its nonces would cancel out, and need not be known. */
static double cancelling_claims(void)
{
	struct party_of_one o;
	struct answer a;
	struct trk_req q;
	unsigned int i;

	open_connection(&o, 1000, 1);
	q = next_request(&o);
	q.n = TRK_INITIAL_WINDOW;
	q.nclaims = 2;
	for (i = 0; i < 2; i++) {
		q.claim[i].a = 3;
		q.claim[i].len = TRK_INITIAL_WINDOW - 2;
		q.claim[i].kind = TRK_CLAIM_NOGROWTH;
	}
	submit_request(&o, &o.peer, &q, &a);
	return a.g.count;
}

static void proofs__are_of_what_came(void)
{
	CHECKED(none("range claimed twice", DEFENCE_CLAIMS, "packets for nothing",
		     cancelling_claims));
	CHECKED(none("nonces of another connection", DEFENCE_CONNECTION, "of 100 believed",
		     other_connections_nonces));
}

/* ---- time and keys ---- */

#define LATER_MS	(3 * HORIZON_MS)

/* How often a request is answered with data that is sent again when its record is gone. */
static double beyond_the_horizon(void)
{
	unsigned int i, again = 0;
	struct party_of_one o;
	struct trk_req q;
	struct answer a;

	open_connection(&o, 1000, 1);
	q = next_request(&o);
	submit_request(&o, &o.peer, &q, &a);
	for (i = 0; i < 4; i++) {
		now_ms += LATER_MS;
		trku_replay_free(&answered);
		submit_request(&o, &o.peer, &q, &a);
		again += a.packets > 0;
	}
	return again;
}

#define FORGERIES	10

/* How many forgeries are believed with a key that leaked, and is not held any more. */
static double leaked_key(void)
{
	unsigned int i, believed[KEYS] = { 0 };
	struct answer a;

	for (i = 0; i < KEYS * FORGERIES; i++) {
		struct trk_peer thief = { .addr = { [15] = 66 }, .port = 1000 + i, .service = 80 };
		struct trk_cont c = { .conn = i, .domain = 2, .time_ms = NOW_MS,
				      .seg_size = SEG_SIZE,
				      .iw = 10, .domain_key = 1 };
		u8 blob[TRK_CONT_LEN];
		struct trk_req q = { .kind = TRK_KIND_RANGE, .token = 1, .m = 1, .n = 2,
				     .cont = { blob, TRK_CONT_LEN } };
		struct party_of_one o = { .isn = 1 };

		current = i / FORGERIES;
		trk_law_init(&c.law, 0, 10000, TRK_SSTHRESH_INF, 0);
		trk_seal_cont(&key[0].c, &thief, &c, blob);
		q.proof = trk_nonce_span(&key[0].c, c.conn, c.domain, 1, 2, false);
		submit_request(&o, &thief, &q, &a);
		believed[current] += !a.drop;
	}
	/* While the key is current, the forgeries must be good, or the test would show nothing. */
	return believed[0] == FORGERIES ? believed[1] : FORGERIES;
}

/* How many requests are executed that were kept until their records are gone, the key retired. */
static double retired_key(void)
{
	static const u8 kinds[] = { TRK_KIND_RANGE, TRK_KIND_TIMEOUT };
	static const u8 nothing[sizeof(((struct answer *)0)->data)];
	unsigned int i, again = 0;
	struct party_of_one o;
	struct trk_req q;
	struct answer a;

	holds_retired = true;
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		current = 0;
		open_connection(&o, 1000 + i, 1);
		q = next_request(&o);
		q.kind = kinds[i];
		q.attempt = kinds[i] == TRK_KIND_TIMEOUT;
		submit_request(&o, &o.peer, &q, &a);
		/* While the key is current, they are executed, or the test would show nothing. */
		if (a.drop || !memcmp(a.data, nothing, sizeof(nothing)))
			return ARRAY_SIZE(kinds);
		current = 1;
		trku_replay_free(&answered);
		submit_request(&o, &o.peer, &q, &a);
		again += !!memcmp(a.data, nothing, sizeof(nothing));
	}
	holds_retired = false;
	return again;
}

static void time__is_over(void)
{
	CHECKED(none("replay beyond the horizon", DEFENCE_HORIZON, "of 4 answered",
		     beyond_the_horizon));
	CHECKED(none("leaked key, when it is forgotten", DEFENCE_OLD_KEYS, "of 10 believed",
		     leaked_key));
	CHECKED(none("kept requests, their key retired", DEFENCE_RETIRED, "of 2 executed",
		     retired_key));
}

/* ---- amplification ---- */

#define SYN_BYTES	(40 + TRK_SYN_OPT_LEN)

#define TRIES		10

/* SYNs with somebody else's address, each followed by a FIRST with a guess at the cookie. */
static void spoofed_first(unsigned int *executed, u64 *in, u64 *out)
{
	u8 p[TRK_REQ_HDR_MAX + TOY_MSG_LEN];
	u32 len = first_request(p, 1);
	struct answer a;
	unsigned int i;

	*executed = 0;
	*in = 0;
	*out = 0;
	for (i = 0; i < TRIES; i++) {
		struct trk_peer victim = { .addr = { [15] = 99 }, .port = 1000 + i, .service = 80 };

		submit(&victim, 5001, 5000 + 1 + 1, p, len, &a, NULL);
		/* A SYN-ACK is as long as the SYN. */
		*in += SYN_BYTES + len + SIM_OVERHEAD;
		*out += SYN_BYTES + a.bytes;
		*executed += a.executed;
	}
}

static double spoofed_bytes(void)
{
	unsigned int executed;
	u64 in, out;

	spoofed_first(&executed, &in, &out);
	return (double)out / (double)in;
}

static double spoofed_execution(void)
{
	unsigned int executed;
	u64 in, out;

	spoofed_first(&executed, &in, &out);
	return executed;
}

/*
 * A TIMEOUT of somebody else's connection is kept, and sent again when its record is gone.  Returns
 * how many bytes the server then sends for each byte.
 */
static double late_renewal(void)
{
	struct party_of_one o;
	struct trk_req q;
	struct answer a;
	u8 p[TRK_REQ_HDR_MAX];
	u32 len;

	open_connection(&o, 1000, 1);
	q = next_request(&o);
	q.kind = TRK_KIND_TIMEOUT;
	q.attempt = 1;
	submit_request(&o, &o.peer, &q, &a);
	now_ms += LATER_MS;
	trku_replay_free(&answered);
	len = trk_wire_req_write(p, &q);
	submit(&o.peer, 1, o.server_isn + 1, p, len, &a, NULL);
	return (double)a.bytes / (len + SIM_OVERHEAD);
}

static void amplification__is_none(void)
{
	CHECKED(row("first request with a spoofed source", DEFENCE_COOKIE, "bytes out per byte in",
		    tried(DEFENCE_NONE, spoofed_bytes), GAIN_MAX,
		    tried(DEFENCE_COOKIE, spoofed_bytes)));
	CHECKED(none("the same, to have it executed", DEFENCE_COOKIE, "of 10 executed",
		     spoofed_execution));
	CHECKED(row("renewal past the horizon", DEFENCE_HORIZON, "bytes out per byte in",
		    tried(DEFENCE_NONE, late_renewal), GAIN_MAX,
		    tried(DEFENCE_HORIZON, late_renewal)));
}

/* ---- work ---- */

/* How many seals and AES blocks the worst request of one packet takes, divided by the bound. */
static double work(void)
{
	struct party_of_one o;
	struct trk_req q;
	struct answer a;
	unsigned int i;

	open_connection(&o, 1000, 1);
	q = next_request(&o);
	/* It has as many gaps as are allowed, far apart. */
	q.n = 2000000;
	q.proof = 1;
	q.nclaims = TRK_MAX_CLAIMS;
	for (i = 0; i < TRK_MAX_CLAIMS; i++) {
		q.claim[i].a = 3 + 60000 * i;
		q.claim[i].len = 1;
		q.claim[i].kind = TRK_CLAIM_LOST;
	}
	macs = 0;
	blocks = 0;
	submit_request(&o, &o.peer, &q, &a);
	return (double)(macs + blocks) / 68;
}

/* The bound is one seal, one block, and two blocks for each of TRK_MAX_CLAIMS + 1 = 33 runs. */
static void work__is_bounded(void)
{
	CHECKED(row("lists of gaps: AES of a request by 68", DEFENCE_TELESCOPE, "blocks and seals",
		    tried(DEFENCE_NONE, work), GAIN_MAX, tried(DEFENCE_TELESCOPE, work)));
}

/* A wrong seal costs the server one seal, a wrong cookie at most four. */
static void work__for_noise(void)
{
	struct party_of_one o;
	u8 p[TRK_REQ_HDR_MAX + TOY_MSG_LEN];
	struct trk_req q;
	struct answer a;
	unsigned int i;
	u32 len;

	missing = DEFENCE_NONE;
	open_connection(&o, 1000, 1);
	o.cont[40] ^= 1;
	q = next_request(&o);
	for (i = 0; i < 1000; i++) {
		macs = 0;
		blocks = 0;
		submit_request(&o, &o.peer, &q, &a);
		CHECK_EQ(a.drop, TRK_DROP_MAC);
		CHECK_EQ(macs, 1);
		CHECK_EQ(blocks, 0);
	}
	CHECK_EQ(trku_replay_known(&answered), 1);	/* by its first request */
	len = first_request(p, 1);
	macs = 0;
	submit(&o.peer, 1, 1, p, len, &a, NULL);
	CHECK_EQ(a.drop, TRK_DROP_COOKIE);
	CHECK(macs <= 4);
	trku_replay_free(&answered);
}

static const struct tap_case cases[] = {
	TAP_CASE(seals__cannot_be_forged),
	TAP_CASE(user_continuations__cannot_be_forged),
	TAP_CASE(proofs__are_of_what_came),
	TAP_CASE(time__is_over),
	TAP_CASE(amplification__is_none),
	TAP_CASE(work__is_bounded),
	TAP_CASE(work__for_noise),
};

int main(void)
{
	unsigned int i;

	for (i = 0; i < KEYS; i++) {
		toy_cipher(&key[i], i + 1, i + 1);
		real_mac = key[i].c.mac;
		real_ecb = key[i].c.ecb;
		key[i].c.mac = count_mac;
		key[i].c.ecb = count_ecb;
	}
	return row_run(cases, ARRAY_SIZE(cases));
}
