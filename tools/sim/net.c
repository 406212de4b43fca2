// SPDX-License-Identifier: GPL-2.0
/* The network, and how it runs: all that happens is an event of one clock. */
#include <inttypes.h>
#include <stdlib.h>

#include "core/server.h"
#include "net.h"
#include "toyapp.h"
#include "toykeys.h"

#define EPOCH_MS	1700000000000ULL	/* wall clock when the simulation begins */
#define SYN_RETRY_US	1000000ULL		/* RFC 6298 (2.1) */
#define SYN_TRIES	7
#define HASHED		64			/* bytes of a packet that go into the hash */

static void *zalloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size);

	if (!p) {
		perror("trickles-sim");
		exit(1);
	}
	return p;
}

/* ---- what models use ---- */

void *conn_alloc(struct conn *c, size_t size)
{
	struct net *n = c->net;

	n->bytes += size;
	n->bytes_peak = max_t(u64, n->bytes_peak, n->bytes);
	return zalloc(1, size);
}

void conn_free(struct conn *c, void *p, size_t size)
{
	c->net->bytes -= size;
	free(p);
}

/* The client as the server sees it; each client has an address of its own. */
struct trk_peer conn_peer(const struct conn *c)
{
	struct trk_peer peer = { .addr = { [10] = 0xff, 0xff }, .port = 40000, .service = 80 };

	put_unaligned_be32(0x0a000000 + c->id, peer.addr + 12);
	return peer;
}

u64 replica_now_ms(const struct replica *rep)
{
	return EPOCH_MS + rep->net->sim.now_us / 1000 + rep->skew_ms;
}

static void hash_word(struct net *n, u64 v)
{
	n->hash = (n->hash ^ v) * 0x9fb21c651e98df25ULL;
	n->hash ^= n->hash >> 32;
}

static void hash_packet(struct net *n, const struct conn *c, enum sim_dir dir,
			const struct packet *p)
{
	u32 i, len = min_t(u32, p->len, HASHED);

	hash_word(n, n->sim.now_us);
	hash_word(n, (u64)c->id << 1 | dir);
	hash_word(n, (u64)p->seq << 32 | p->ack);
	hash_word(n, (u64)p->len << 32 | p->ghost);
	for (i = 0; i + 8 <= len; i += 8)
		hash_word(n, get_unaligned_be64(p->data + i));
	for (; i < len; i++)
		hash_word(n, p->data[i]);
}

/* Sends a packet of the connection, and takes it over. */
void conn_send(struct conn *c, enum sim_dir dir, struct packet *p)
{
	struct path *path = &c->net->path[c->group->path];
	bool traced = c->net->trace && c->id + 1 >= c->net->sc->trace_first &&
		      c->id + 1 <= c->net->sc->trace_last && !p->syn;
	struct packet *copy = NULL;
	bool lost = false;

	p->client = c->id;
	p->round = c->round[dir] + (dir == SIM_DOWN);
	hash_packet(c->net, c, dir, p);
	if (traced)
		copy = packet_copy(p);
	if (!p->syn && sim_scenario_drops(&path->spec->link[dir], ++c->ordinal[dir])) {
		link_drop(&path->link[dir], p);
		lost = true;
	} else {
		lost = !link_send(&path->link[dir], p);
	}
	if (traced)
		trace_packet(c->net->trace, c, dir, copy, lost);
	packet_free(copy);
}

static void timer_event(void *arg, struct packet *p);

/* Called when the deadline may have changed: sees to it that an event waits for it, or earlier. */
void conn_timer(struct conn *c)
{
	u64 at = c->state == CONN_OPEN ? c->model->deadline(c) : U64_MAX;

	if (at >= c->timer_us)
		return;
	c->timer_us = max_t(u64, at, c->net->sim.now_us);
	sim_at(&c->net->sim, c->timer_us, timer_event, c, NULL);
}

/* All transfers are complete; the connection may stay open. */
void conn_done(struct conn *c)
{
	if (c->done)
		return;
	c->done = true;
	c->done_us = c->net->sim.now_us;
	c->done_round = c->round[SIM_UP];
	c->net->count.done++;
	if (!--c->net->unfinished)
		c->net->stop = true;
}

void conn_close(struct conn *c, enum conn_state state)
{
	if (c->m || c->packed)
		c->model->close(c);
	c->m = NULL;
	c->net->open--;
	c->state = state;
	if (state == CONN_FAILED && !c->done) {
		c->net->count.failed++;
		if (!--c->net->unfinished)
			c->net->stop = true;
	}
}

/* ---- the handshake, the same for all models ---- */

static void syn_send(struct conn *c)
{
	c->syns++;
	c->timer_us = c->net->sim.now_us + (SYN_RETRY_US << (c->syns - 1));
	sim_at(&c->net->sim, c->timer_us, timer_event, c, NULL);
	conn_send(c, SIM_UP, packet_syn(c->client_isn, 0));
}

static void syn_at_server(struct replica *rep, struct conn *c, const struct packet *p)
{
	struct trk_peer peer = conn_peer(c);

	rep->engine.now_ms = replica_now_ms(rep);
	conn_send(c, SIM_DOWN, packet_syn(trku_engine_syn(&rep->engine, &peer, p->seq),
					  p->seq + 1));
}

static void syn_at_client(struct conn *c, const struct packet *p)
{
	if (c->state == CONN_OPEN && c->model->opened)
		c->model->opened(c, p);
	if (c->state != CONN_SYN || p->ack != c->client_isn + 1)
		return;
	c->server_isn = p->seq;
	c->state = CONN_OPEN;
	c->timer_us = U64_MAX;
	/* If a SYN was repeated, it is not known which one was answered (RFC 6298, 3). */
	c->model->connected(c, c->syns == 1 ? c->net->sim.now_us - c->start_us : 0);
	conn_timer(c);
}

static void timer_event(void *arg, struct packet *p)
{
	struct conn *c = arg;

	/* Since this event was added, conn_timer() has added an earlier one, which replaces it. */
	if (c->timer_us != c->net->sim.now_us)
		return;
	c->timer_us = U64_MAX;
	if (c->state == CONN_SYN) {
		if (c->syns == SYN_TRIES)
			conn_close(c, CONN_FAILED);
		else
			syn_send(c);
		return;
	}
	if (c->state != CONN_OPEN)
		return;
	if (c->model->deadline(c) <= c->net->sim.now_us)
		c->model->timer(c);
	conn_timer(c);
}

static void conn_open(struct conn *c)
{
	struct net *n = c->net;

	n->open++;
	n->open_peak = max_t(u64, n->open_peak, n->open);
	n->count.started++;
	c->start_us = n->sim.now_us;
	c->client_isn = (u32)rng_u64(&n->client_rng);
	c->state = CONN_SYN;
	syn_send(c);
}

static struct conn *group_first(struct net *n, const struct sim_group *g)
{
	struct conn *c = n->conn;

	while (c->group != g)
		c += c->group->count;
	return c;
}

/* A client of a group begins, and the next one of the group is scheduled. */
static void start_event(void *arg, struct packet *p)
{
	struct conn *c = arg, *end = group_first(c->net, c->group) + c->group->count;

	/* If there is no time between them, all begin now. */
	do
		conn_open(c);
	while (++c < end && !c->group->every_us);
	if (c < end)
		sim_at(&c->net->sim, c->net->sim.now_us + c->group->every_us, start_event, c, NULL);
}

/* ---- arrivals ---- */

static void at_client(void *arg, struct packet *p)
{
	struct path *path = arg;
	struct conn *c = &path->net->conn[p->client];

	c->round[SIM_UP] = max_t(u32, c->round[SIM_UP], p->round);
	if (p->syn)
		syn_at_client(c, p);
	else if (c->state == CONN_OPEN)
		c->model->at_client(c, p);
	else
		path->net->count.closed++;
	packet_free(p);
	conn_timer(c);
}

static unsigned int spray(struct net *n, const struct packet *p)
{
	switch (n->sc->spray) {
	case SIM_SPRAY_ROUND:
		return n->round++ % n->sc->replicas;
	case SIM_SPRAY_CLIENT:
		return p->client % n->sc->replicas;
	default:
		return (unsigned int)rng_below(&n->spray_rng, n->sc->replicas);
	}
}

static bool in_service(const struct replica *rep)
{
	const struct sim_scenario *sc = rep->net->sc;
	u64 now = rep->net->sim.now_us;
	unsigned int i;

	for (i = 0; i < sc->noutages; i++)
		if (sc->outage[i].replica == rep->i + 1 && now >= sc->outage[i].from_us &&
		    now < sc->outage[i].to_us)
			return false;
	return true;
}

static void at_server(void *arg, struct packet *p)
{
	struct net *n = ((struct path *)arg)->net;
	struct conn *c = &n->conn[p->client];
	struct replica *rep = &n->replica[spray(n, p)];

	c->round[SIM_DOWN] = p->round;
	if (!in_service(rep)) {
		n->count.out_of_service++;
	} else if (p->syn) {
		syn_at_server(rep, c, p);
	} else {
		rep->requests++;
		c->model->at_server(rep, p);
	}
	packet_free(p);
}

/* ---- a run ---- */

static void sample_event(void *arg, struct packet *p)
{
	struct net *n = arg;

	trace_sample(n->trace, n);
	sim_at(&n->sim, n->sim.now_us + n->sc->sample_us, sample_event, n, NULL);
}

static void end_event(void *arg, struct packet *p)
{
	((struct net *)arg)->stop = true;
}

static void link_init(struct path *path, enum sim_dir dir, u64 seed)
{
	const struct sim_link_spec *s = &path->spec->link[dir];

	path->rng[dir].s = seed;
	path->link[dir] = (struct link){
		.sim = &path->net->sim,
		.rng = &path->rng[dir],
		.rate = s->rate,
		.queue = (u64)s->queue * (path->net->sc->seg_size + SIM_OVERHEAD),
		.delay_us = s->delay_us,
		.jitter_us = s->jitter_us,
		.reorder_us = s->reorder_us,
		.loss_ppm = s->loss_ppm,
		.reorder_ppm = s->reorder_ppm,
		.dup_ppm = s->dup_ppm,
		.corrupt_ppm = s->corrupt_ppm,
		.deliver = dir == SIM_UP ? at_server : at_client,
		.arg = path,
	};
}

/* Its replay filter has room for at least four times as many clients as there are. */
static void server_init(struct replica *rep)
{
	const struct sim_scenario *sc = rep->net->sc;

	rep->engine = (struct trku_engine){
		.key = { &rep->net->cipher.c },
		.keys = 1,
		.horizon_ms = sc->horizon_ms,
		.skew_ms = sc->skew_ms,
		.max_seg_size = sc->seg_size,
	};
	if (!sc->remember)
		return;
	toy_replay(&rep->replay, TRK_ONCE_WAYS * (1 + sc->clients / (TRK_ONCE_WAYS / 4)));
	rep->engine.replay = &rep->replay;
}

/**
 * net_new - make a network, at time 0
 * @sc: the scenario, which must exist as long as the network
 * @t: where to write what happens, or NULL
 *
 * Clients run the model that the scenario names; net_use() changes that.
 *
 * Return: the network.  Without memory the program ends.
 */
struct net *net_new(const struct sim_scenario *sc, struct trace *t)
{
	struct net *n = zalloc(1, sizeof(*n));
	struct rng seeds = { sc->seed };
	struct conn *c;
	unsigned int i;
	u32 k;

	n->sc = sc;
	n->trace = t;
	n->spray_rng.s = rng_u64(&seeds);
	n->client_rng.s = rng_u64(&seeds);
	toy_cipher(&n->cipher, 1, rng_u64(&seeds));
	n->replica = zalloc(sc->replicas, sizeof(*n->replica));
	for (i = 0; i < sc->replicas; i++) {
		n->replica[i].net = n;
		n->replica[i].i = i;
		server_init(&n->replica[i]);
		n->replica[i].skew_ms = (s32)rng_below(&seeds, 2 * sc->skew_ms + 1) -
					(s32)sc->skew_ms;
	}
	n->path = zalloc(sc->npaths, sizeof(*n->path));
	for (i = 0; i < sc->npaths; i++) {
		n->path[i].net = n;
		n->path[i].spec = &sc->path[i];
		link_init(&n->path[i], SIM_UP, rng_u64(&seeds));
		link_init(&n->path[i], SIM_DOWN, rng_u64(&seeds));
	}
	n->conn = zalloc(sc->clients, sizeof(*n->conn));
	c = n->conn;
	for (i = 0; i < sc->ngroups; i++) {
		sim_at(&n->sim, sc->group[i].start_us, start_event, c, NULL);
		for (k = 0; k < sc->group[i].count; k++, c++) {
			c->net = n;
			c->id = (u32)(c - n->conn);
			c->group = &sc->group[i];
			c->model = sc->group[i].paper ? &paper_model : &core_model;
			c->timer_us = U64_MAX;
		}
	}
	n->unfinished = sc->clients;
	if (sc->time_us)
		sim_at(&n->sim, sc->time_us, end_event, n, NULL);
	return n;
}

/**
 * net_use - give clients another model
 * @n: the network, before it runs
 * @g: the clients
 * @m: the model
 */
void net_use(struct net *n, const struct sim_group *g, const struct model *m)
{
	struct conn *c = group_first(n, g);
	u32 k;

	for (k = 0; k < g->count; k++)
		c[k].model = m;
}

/**
 * net_run - run until all clients are done, or the time is over
 * @n: the network
 */
void net_run(struct net *n)
{
	if (n->trace)
		sim_at(&n->sim, 0, sample_event, n, NULL);
	while (!n->stop && n->sim.n)
		sim_step(&n->sim);
	if (n->trace)
		trace_sample(n->trace, n);
}

static int compare_double(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static const char *const reason_name[] = {
	"Ok",
#define NAME(id, name) name,
	TRK_REASONS(NAME)
#undef NAME
};

/* Prints how a quantity is distributed over the clients that are done. */
static void summary_spread(const struct net *n, FILE *f, const char *name,
			   double (*value)(const struct conn *c), const char *format)
{
	double *v = zalloc(n->count.done, sizeof(*v));
	u64 i, k = 0;

	for (i = 0; i < n->sc->clients; i++)
		if (n->conn[i].done)
			v[k++] = value(&n->conn[i]);
	qsort(v, k, sizeof(*v), compare_double);
	if (k) {
		fprintf(f, "%s", name);
		fprintf(f, format, v[0], v[k / 2], v[k * 99 / 100], v[k - 1]);
	}
	free(v);
}

static double done_after(const struct conn *c)
{
	return (double)(c->done_us - c->start_us) / 1e6;
}

static double rounds(const struct conn *c)
{
	return c->done_round;
}

static void summary_drops(const char *who, const u64 *drops, FILE *f)
{
	unsigned int i;

	fprintf(f, "%s_drops", who);
	for (i = 1; i < TRK_REASON_COUNT; i++)
		if (drops[i])
			fprintf(f, " %s %" PRIu64, reason_name[i], drops[i]);
	fprintf(f, "\n");
}

/**
 * net_summary - print a summary of a run, with lines of the form "NAME VALUE..."
 * @n: the network, after its run
 * @f: where it is printed
 *
 * Nothing in it depends on the machine.
 */
void net_summary(const struct net *n, FILE *f)
{
	const struct net_counts *c = &n->count;
	unsigned int i, d;

	fprintf(f, "time_s %.6f\n", (double)n->sim.now_us / 1e6);
	fprintf(f, "events %" PRIu64 "\n", n->sim.steps);
	fprintf(f, "packets_hash %016" PRIx64 "\n", n->hash);
	fprintf(f, "clients %" PRIu64 " started %" PRIu64 " done %" PRIu64 " failed %" PRIu64 "\n",
		n->sc->clients, c->started, c->done, c->failed);
	summary_spread(n, f, "done_after_s", done_after,
		       " min %.6f median %.6f p99 %.6f max %.6f\n");
	summary_spread(n, f, "round_trips", rounds, " min %.0f median %.0f p99 %.0f max %.0f\n");
	fprintf(f, "open_at_once %" PRIu64 "\n", n->open_peak);
	fprintf(f, "bytes_per_connection %.0f\n",
		sizeof(struct conn) + (n->open_peak ? (double)n->bytes_peak / n->open_peak : 0));
	fprintf(f, "bytes_down %" PRIu64 " again %" PRIu64 " wrong %" PRIu64 "\n", c->bytes_down,
		c->again_down, c->wrong);
	fprintf(f, "bytes_up %" PRIu64 " again %" PRIu64 "\n", c->bytes_up, c->again_up);
	fprintf(f, "requests %" PRIu64 " responses %" PRIu64 " timeouts %" PRIu64 " lost %" PRIu64
		   " late %" PRIu64 "\n",
		c->requests, c->responses, c->timeouts, c->lost, c->late);
	for (i = 0; i < n->sc->npaths; i++) {
		for (d = 0; d < 2; d++) {
			const struct link *l = &n->path[i].link[d];

			fprintf(f, "link %s %s packets %" PRIu64 " bytes %" PRIu64 " lost %" PRIu64
				   " queue_full %" PRIu64 " reordered %" PRIu64
				   " duplicated %" PRIu64 " corrupted %" PRIu64 "\n",
				n->sc->path[i].name, d == SIM_UP ? "up" : "down", l->sent, l->bytes,
				l->lost, l->overflowed, l->reordered, l->duplicated, l->corrupted);
		}
	}
	fprintf(f, "replicas");
	for (i = 0; i < n->sc->replicas; i++)
		fprintf(f, " %" PRIu64, n->replica[i].requests);
	fprintf(f, " out_of_service %" PRIu64 "\n", c->out_of_service);
	summary_drops("server", c->server_drops, f);
	summary_drops("client", c->client_drops, f);
}

/**
 * net_close - end the connections that are still open, so that they are counted
 * @n: the network, after its run
 */
void net_close(struct net *n)
{
	u64 i;

	for (i = 0; i < n->sc->clients; i++)
		if (n->conn[i].m || n->conn[i].packed)
			conn_close(&n->conn[i], CONN_DONE);
}

/**
 * net_free - free a network
 * @n: the network, after net_close()
 */
void net_free(struct net *n)
{
	unsigned int i;

	for (i = 0; i < n->sc->replicas; i++)
		trku_replay_free(&n->replica[i].replay);
	sim_free(&n->sim);
	free(n->conn);
	free(n->path);
	free(n->replica);
	free(n);
}
