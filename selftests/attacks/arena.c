// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "arena.h"
#include "filter.h"
#include "toyapp.h"

#define SLOT	1448

static struct filter answered[SIM_MAX_REPLICAS];
static const struct attack *cheat;

/* Of the one in the cheater's place, when a run is over. */
static struct {
	u64 bytes;		/* of the stream, that it got */
	u64 moved;		/* on the wire, both ways, of all */
	u32 window;		/* packets in flight by the last answer */
} came;

static void *zalloc(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (!p) {
		perror("arena");
		exit(1);
	}
	return p;
}

/* ---- the server ---- */

static const struct trk_cipher *get_cipher(void *arg, u8 key_id)
{
	const struct net *n = ((struct replica *)arg)->net;

	return key_id == n->cipher.c.key_id ? &n->cipher.c : NULL;
}

static u32 claim(void *arg, u64 conn, u64 domain, u64 word, u32 mask)
{
	return filter_claim(&answered[((struct replica *)arg)->i], conn, domain, word, mask);
}

static bool newest(void *arg, u64 conn, u32 order)
{
	return filter_newest(&answered[((struct replica *)arg)->i], conn, order);
}

static void at_server(struct replica *rep, struct packet *p)
{
	struct net *n = rep->net;
	struct conn *back = &n->conn[p->client];
	struct trk_peer peer = conn_peer(back);
	struct trk_server_env env = {
		.cipher = get_cipher,
		.claim = missing == DEFENCE_FILTER ? NULL : claim,
		.newest = missing == DEFENCE_NEWEST || missing == DEFENCE_FILTER ? NULL : newest,
		.arg = rep,
		.current_key = &n->cipher.c,
		.now_ms = replica_now_ms(rep),
		.horizon_ms = n->sc->horizon_ms,
		.max_slot = missing == DEFENCE_PATH_SLOT ? TRK_MAX_SLOT : n->sc->slot,
	};
	u8 hdr[TRK_RESP_HDR_MAX];
	struct trk_packet out;
	struct trk_grant g;
	struct trk_req q;
	struct toy t;
	int err = trk_req_parse(&q, p->data, p->len, p->len);

	weak_request(&q);
	if (!err)
		err = trk_server_step(&env, &peer, &q, p->seq, p->ack, p->len, &g);
	n->count.server_drops[err]++;
	if (!err && g.kind == TRK_KIND_RANGE && g.count)
		came.window = (u32)g.first + g.count - 1 - q.n;
	if (err || !g.count || !toy_answer(&t, &g, &peer, p->data + q.hdr_len))
		return;
	t.a.g = &g;
	t.a.peer = &peer;
	t.a.seal = &n->cipher.c;
	t.a.nonce = &n->cipher.c;
	if (trk_answer_begin(&t.a))
		return;
	while (trk_answer_next(&t.a, hdr, &out)) {
		struct packet *r = packet_new(out.seq, g.ack, hdr, out.hdr_len, out.data_len);

		toy_fill(&t, out.data_at, r->data + out.hdr_len, out.data_len);
		conn_send(back, SIM_DOWN, r);
	}
}

/* ---- the clients ---- */

u64 party_now(const struct party *p)
{
	return p->c->net->sim.now_us;
}

static u32 party_random(void *arg)
{
	return (u32)rng_u64(&((struct conn *)arg)->net->client_rng);
}

static bool has(const struct party *p, u64 at)
{
	return p->have[at / 8] >> at % 8 & 1;
}

static void take(struct party *p, u64 off, u64 len)
{
	u64 at;

	for (at = off; at < off + len && at < STREAM; at++) {
		p->bytes += !has(p, at);
		p->have[at / 8] |= 1 << at % 8;
	}
}

static void ring(struct trk_client *cl)
{
	struct trk_slot *old = cl->ring;

	if (cl->ring_want <= cl->ring_size)
		return;
	trk_client_set_ring(cl, zalloc(cl->ring_want, sizeof(*old)), cl->ring_want);
	free(old);
}

/* The client's stream: a message that asks for a file, one that asks for nothing, and no more. */
static void input(const struct party *p, u8 *to, u64 off, u32 len)
{
	const struct toy_msg file = { .kind = TOY_GET, .len = STREAM - 1, .key = 1 + 2 * p->c->id };
	const struct toy_msg nothing = { .kind = TOY_GET, .key = 1 };
	u8 stream[TRK_MAX_SLOT] = { 0 };

	toy_msg_write(stream, &file);
	toy_msg_write(stream + TOY_MSG_LEN, &nothing);
	memcpy(to, stream + off, len);
}

void party_send(struct party *p, const struct trk_out_req *o)
{
	struct conn *c = p->c;
	struct packet *k = packet_new(c->client_isn + 1 + o->seq, c->server_isn + 1 + o->ackrel,
				      o->hdr, o->hdr_len, o->in_len);

	input(p, k->data + o->hdr_len, o->in_off, o->in_len);
	conn_send(c, SIM_UP, k);
}

/* The request that is to go out, to be changed. */
bool party_read(struct party *p, const struct trk_out_req *o, struct trk_req *q)
{
	return !trk_req_parse(q, o->hdr, o->hdr_len, o->hdr_len + o->in_len);
}

/* Sends @q in the place of @o. */
void party_ask(struct party *p, const struct trk_out_req *o, const struct trk_req *q)
{
	struct trk_out_req to = *o;

	to.hdr_len = trk_req_write(to.hdr, q);
	party_send(p, &to);
}

/* The same for other bytes, under a token that no line knows: the answer is only for the bytes. */
void party_elsewhere(struct party *p, struct trk_req *q)
{
	unsigned int i;

	for (i = 0; i < q->nask; i++) {
		q->ask[i].off = p->elsewhere;
		p->elsewhere += q->ask[i].len;
	}
	q->token ^= 0x5a5a5a5a;
}

/* Another line from where this one stands, for other bytes. */
struct line *party_fork(struct party *p, const struct line *l)
{
	struct line *to = &p->line[p->lines];
	struct trk_client *cl = &to->cl;
	u64 begin = p->lines * REGION;

	if (p->lines == LINES)
		return NULL;
	p->lines++;
	*to = *l;
	cl->ring = zalloc(cl->ring_size, sizeof(*cl->ring));
	memcpy(cl->ring, l->cl.ring, cl->ring_size * sizeof(*cl->ring));
	cl->rcv_nxt = begin;
	cl->ask_nxt = begin;
	cl->out_top = begin;
	cl->holes.n = 0;
	return to;
}

/* Makes a line believe that packet @x came, with all its bytes.  False if it was not expected. */
bool party_pretend(struct party *p, struct line *l, u64 x, u64 nonce)
{
	const struct trk_slot *s = trk_client_slot(&l->cl, x);
	struct trk_in_resp in;
	struct trk_resp r = { .token = s->token, .num = (u32)x, .span = 1, .off = (u32)s->off,
			      .nonce = nonce, .hdr_len = TRK_RESP_FIXED, .data_len = s->len };

	if (s->state != TRK_SLOT_EXPECTED || s->what != TRK_WHAT_OUTPUT)
		return false;
	return !trk_client_receive(&l->cl, &r, (u32)(x - 1) * l->cl.slot, party_now(p), &in);
}

static void pump(struct party *p)
{
	struct trk_out_req o;
	unsigned int i;

	if (p->attack && p->attack->turn)
		p->attack->turn(p);
	for (i = 0; i < p->lines; i++) {
		struct trk_client *cl = &p->line[i].cl;

		while (has(p, cl->rcv_nxt))
			cl->rcv_nxt++;
		ring(cl);
		while (trk_client_pump(cl, party_now(p), &o)) {
			if (p->line[i].no_timeouts && cl->waiting)
				continue;
			if (p->attack && p->attack->request)
				p->attack->request(p, &p->line[i], &o);
			else
				party_send(p, &o);
			ring(cl);
		}
	}
}

static void connected(struct conn *c, u64 rtt_us)
{
	struct party *p = zalloc(1, sizeof(*p));
	struct trk_client *cl = &p->line[0].cl;
	bool cheats = !c->id && cheat;

	c->m = p;
	p->c = c;
	p->have = zalloc(STREAM / 8, 1);
	p->elsewhere = ELSEWHERE;
	p->wake_us = U64_MAX;
	p->lines = 1;
	trk_client_init(cl, zalloc(TRK_RING_MIN, sizeof(*cl->ring)), TRK_RING_MIN, party_random, c);
	cl->in_end = TOY_MSG_LEN;
	cl->rcv_limit = STREAM;
	if (cheats) {
		p->attack = cheat;
		p->state = zalloc(1, cheat->state + 1);
	}
	trk_client_connected(cl, cheats && cheat->slot ? cheat->slot : c->net->sc->slot, rtt_us);
	if (cheats && cheat->begin)
		cheat->begin(p);
	pump(p);
}

static void at_client(struct conn *c, struct packet *k)
{
	u32 seqrel = k->seq - (c->server_isn + 1);
	struct party *p = c->m;
	struct trk_in_resp in;
	struct trk_resp r;
	unsigned int i;

	if (trk_resp_parse(&r, k->data, k->len, k->len))
		return;
	take(p, r.off, r.data_len);
	if (!p->attack || !p->attack->heard || p->attack->heard(p, &r, &seqrel))
		for (i = 0; i < p->lines; i++)
			if (!trk_client_receive(&p->line[i].cl, &r, seqrel, party_now(p), &in))
				break;
	pump(p);
}

static void timer(struct conn *c)
{
	struct party *p = c->m;
	unsigned int i;

	if (p->wake_us <= party_now(p))
		p->wake_us = U64_MAX;
	for (i = 0; i < p->lines; i++)
		if (p->line[i].cl.deadline_us <= party_now(p))
			trk_client_timer(&p->line[i].cl, party_now(p));
	pump(p);
}

static u64 deadline(const struct conn *c)
{
	const struct party *p = c->m;
	u64 at = p->wake_us;
	unsigned int i;

	for (i = 0; i < p->lines; i++)
		at = min_t(u64, at, p->line[i].cl.deadline_us);
	return at;
}

static void closed(struct conn *c)
{
	struct party *p = c->m;
	unsigned int i;

	if (!c->id)
		came.bytes += p->bytes;
	for (i = 0; i < p->lines; i++)
		free(p->line[i].cl.ring);
	free(p->state);
	free(p->have);
	free(p);
}

static const struct model party_model = {
	.connected = connected,
	.at_client = at_client,
	.at_server = at_server,
	.timer = timer,
	.deadline = deadline,
	.close = closed,
};

/* ---- a run ---- */

static void play(const struct arena *a, unsigned int seed)
{
	struct sim_scenario sc;
	char text[500], error[SIM_ERROR], rivals[60] = "";
	unsigned int i;
	struct net *n;
	FILE *f;

	if (a->rivals)
		snprintf(rivals, sizeof(rivals), "client %u start 1ms every 7ms get 2g\n",
			 a->rivals);
	snprintf(text, sizeof(text),
		 "seed %u\ntime %ums\nslot %u\nreplicas %u spray round\n%sclient 1 get 2g\n%s",
		 seed, a->time_ms, SLOT, a->replicas ? a->replicas : 1, a->links, rivals);
	f = fmemopen(text, strlen(text), "r");
	if (sim_scenario_read(&sc, f, "arena", error)) {
		fprintf(stderr, "%s\n", error);
		exit(1);
	}
	fclose(f);
	memset(&came, 0, sizeof(came));
	n = net_new(&sc, NULL);
	for (i = 0; i < sc.ngroups; i++)
		net_use(n, &sc.group[i], &party_model);
	net_run(n);
	net_close(n);
	came.moved = n->path->link[SIM_UP].bytes + n->path->link[SIM_DOWN].bytes;
	net_free(n);
	for (i = 0; i < SIM_MAX_REPLICAS; i++)
		filter_free(&answered[i]);
	sim_scenario_free(&sc);
}

static void play_honest(const struct arena *a, unsigned int seed)
{
	cheat = NULL;
	missing = DEFENCE_NONE;
	play(a, seed);
}

static void play_cheater(const struct arena *a, unsigned int seed, const struct attack *attack,
			 enum defence without)
{
	cheat = attack;
	missing = without;
	play(a, seed);
	missing = DEFENCE_NONE;
}

/**
 * arena_gain - what a cheater gains
 * @a: where
 * @attack: how
 * @without: the defence that is missing
 *
 * Return: bytes that it gets, over all seeds, by those of honest clients in its place.
 */
double arena_gain(const struct arena *a, const struct attack *attack, enum defence without)
{
	u64 honest = 0, cheater = 0;
	unsigned int seed;

	for (seed = 1; seed <= a->seeds; seed++) {
		play_honest(a, seed);
		honest += came.bytes;
		play_cheater(a, seed, attack, without);
		cheater += came.bytes;
	}
	return (double)cheater / (double)honest;
}

/**
 * arena_window - how cheaply a cheater gets a large window
 * @a: where, without rivals
 * @attack: how
 * @without: the defence that is missing
 *
 * Return: packets by which the window grew, by full packets that as many bytes as were
 * moved would fill.  In slow start an honest client gets less than 1.
 */
double arena_window(const struct arena *a, const struct attack *attack, enum defence without)
{
	play_cheater(a, 1, attack, without);
	return (double)(came.window - min_t(u32, came.window, TRK_INITIAL_WINDOW)) *
	       (SLOT + SIM_OVERHEAD) / (double)came.moved;
}
