// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "core/answer.h"
#include "arena.h"
#include "trickles-user/replay.h"
#include "sim/toyapp.h"
#include "sim/toykeys.h"

#define SEG_SIZE	1448

static struct trku_replay answered[SIM_MAX_REPLICAS];

/* What is known when a run is over. */
static struct {
	u64 moved;		/* bytes on the wire, both ways, of all clients */
	u32 window;		/* packets that the last answer allows in flight */
} came;

/* ---- the server ---- */

static const struct trk_cipher *get_cipher(void *arg, u8 key_id)
{
	const struct net *n = ((struct replica *)arg)->net;

	return key_id == n->cipher.c.key_id ? &n->cipher.c : NULL;
}

static int record(void *arg, const struct trk_peer *peer, struct trk_record *m)
{
	const struct replica *rep = arg;
	u64 conn = m->conn;
	int err;

	/* Without this defence, the filter takes each domain for a connection of its own. */
	if (missing == DEFENCE_NEWEST)
		m->conn ^= m->domain;
	err = toy_record(&answered[rep->i], peer, m, replica_now_ms(rep));
	m->conn = conn;
	return err;
}

static void at_server(struct replica *rep, struct packet *p)
{
	struct net *n = rep->net;
	struct conn *back = &n->conn[p->client];
	struct trk_peer peer = conn_peer(back);
	struct trk_server_env env = {
		.cipher = get_cipher,
		.record = missing == DEFENCE_FILTER ? NULL : record,
		.arg = rep,
		.current_key = &n->cipher.c,
		.now_ms = replica_now_ms(rep),
		.horizon_ms = n->sc->horizon_ms,
		.max_seg_size = missing == DEFENCE_PATH_SIZE ? TRK_MAX_SEG_SIZE : n->sc->seg_size,
	};
	u8 hdr[TRK_RESP_HDR_MAX];
	struct trk_packet out;
	struct trk_grant g;
	struct trk_req q;
	struct toy t;
	int err = trk_wire_req_parse(&q, p->data, p->len, p->len);

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

/* ---- a run ---- */

static void play(const struct arena *a, unsigned int seed)
{
	struct model model = party_model;
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
		 seed, a->time_ms, SEG_SIZE, a->replicas ? a->replicas : 1, a->links, rivals);
	f = fmemopen(text, strlen(text), "r");
	if (sim_scenario_read(&sc, f, "arena", error)) {
		fprintf(stderr, "%s\n", error);
		exit(1);
	}
	fclose(f);
	memset(&came, 0, sizeof(came));
	model.at_server = at_server;
	n = net_new(&sc, NULL);
	for (i = 0; i < sc.ngroups; i++)
		net_use(n, &sc.group[i], &model);
	net_run(n);
	net_close(n);
	came.moved = n->path->link[SIM_UP].bytes + n->path->link[SIM_DOWN].bytes;
	net_free(n);
	for (i = 0; i < SIM_MAX_REPLICAS; i++)
		trku_replay_free(&answered[i]);
	sim_scenario_free(&sc);
}

static void play_honest(const struct arena *a, unsigned int seed)
{
	party_cheat = NULL;
	missing = DEFENCE_NONE;
	play(a, seed);
}

static void play_cheater(const struct arena *a, unsigned int seed, const struct attack *attack,
			 enum defence without)
{
	party_cheat = attack;
	missing = without;
	play(a, seed);
	missing = DEFENCE_NONE;
}

/**
 * arena_gain - measure what a cheater gains
 * @a: the arena
 * @attack: how it cheats
 * @without: the defence that is missing
 *
 * Return: the bytes that it gets, over all seeds, divided by those of an honest client in its
 * place.
 */
double arena_gain(const struct arena *a, const struct attack *attack, enum defence without)
{
	u64 honest = 0, cheater = 0;
	unsigned int seed;

	for (seed = 1; seed <= a->seeds; seed++) {
		play_honest(a, seed);
		honest += party_cheat_bytes;
		play_cheater(a, seed, attack, without);
		cheater += party_cheat_bytes;
	}
	return (double)cheater / (double)honest;
}

/**
 * arena_window - measure how cheaply a cheater gets a large window
 * @a: the arena, without rivals
 * @attack: how it cheats
 * @without: the defence that is missing
 *
 * Return: the packets by which the window grew, divided by the full packets that the bytes on the
 * wire would fill.  In slow start an honest client gets less than 1.
 */
double arena_window(const struct arena *a, const struct attack *attack, enum defence without)
{
	play_cheater(a, 1, attack, without);
	return (double)(came.window - min_t(u32, came.window, TRK_INITIAL_WINDOW)) *
	       (SEG_SIZE + SIM_OVERHEAD) / (double)came.moved;
}
