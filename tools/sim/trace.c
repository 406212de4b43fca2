// SPDX-License-Identifier: GPL-2.0
/* Time series as tables, with tabs between columns and their names in the first line. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "net.h"

struct trace {
	const struct sim_scenario *sc;
	FILE *packets, *clients, *totals;
	u64 last_bytes, last_us;
};

static FILE *table(const char *folder, const char *name, const char *head)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s.tsv", folder, name);
	f = fopen(path, "w");
	if (f)
		fprintf(f, "%s\n", head);
	return f;
}

/**
 * trace_open - begin to write what happens
 * @folder: where the tables go; it is made if it is not there
 * @sc: the scenario
 *
 * Return: the trace, or NULL with errno set.
 */
struct trace *trace_open(const char *folder, const struct sim_scenario *sc)
{
	struct trace *t;

	if (mkdir(folder, 0777) && errno != EEXIST)
		return NULL;
	t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->sc = sc;
	t->packets = table(folder, "packets",
			   "time_s\tclient\tdirection\tkind\tnumber\tcount\toffset\tlength\tfate");
	t->clients = table(folder, "clients",
			   "time_s\tclient\tcwnd\tin_flight\treceived\tsrtt_ms");
	t->totals = table(folder, "totals",
			  "time_s\topen\tdone\tbytes\tmbit_s\trequests\tresponses_lost\tqueue");
	if (t->packets && t->clients && t->totals)
		return t;
	trace_close(t);
	return NULL;
}

/**
 * trace_packet - write that a packet was sent
 * @t: trace
 * @c: its connection
 * @dir: its direction
 * @p: the packet
 * @lost: the network lost it
 */
void trace_packet(struct trace *t, const struct conn *c, enum sim_dir dir, const struct packet *p,
		  bool lost)
{
	struct packet_view v;

	c->model->view(p, dir, &v);
	fprintf(t->packets,
		"%.6f\t%u\t%s\t%s\t%" PRIu64 "\t%u\t%" PRIu64 "\t%u\t%s\n",
		(double)c->net->sim.now_us / 1e6, c->id + 1, dir == SIM_UP ? "up" : "down", v.what,
		v.number, v.count, v.off, v.len, lost ? "lost" : "sent");
}

/**
 * trace_sample - write how things stand now
 * @t: trace
 * @n: the network
 */
void trace_sample(struct trace *t, struct net *n)
{
	u64 now = n->sim.now_us, queue = 0, requests = 0, lost = 0, id;
	double s = (double)now / 1e6;
	unsigned int i;

	for (i = 0; i < n->sc->npaths; i++) {
		queue += link_backlog(&n->path[i].link[SIM_DOWN]);
		lost += n->path[i].link[SIM_DOWN].lost;
	}
	for (i = 0; i < n->sc->replicas; i++)
		requests += n->replica[i].requests;
	fprintf(t->totals,
		"%.6f\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%.3f\t%" PRIu64 "\t%" PRIu64
		"\t%" PRIu64 "\n",
		s, n->open, n->count.done, n->count.bytes_down,
		now > t->last_us ?
			(double)(n->count.bytes_down - t->last_bytes) * 8 / (now - t->last_us) : 0,
		requests, lost, queue);
	t->last_bytes = n->count.bytes_down;
	t->last_us = now;
	for (id = max_t(u64, t->sc->trace_first, 1);
	     id <= t->sc->trace_last && id <= t->sc->clients; id++) {
		const struct conn *c = &n->conn[id - 1];
		struct conn_sample v;

		if (!c->m && !c->packed)
			continue;
		c->model->sample(c, &v);
		fprintf(t->clients, "%.6f\t%" PRIu64 "\t%u\t%u\t%" PRIu64 "\t%.3f\n", s, id,
			v.cwnd, v.in_flight, v.received, (double)v.srtt_us / 1e3);
	}
}

/**
 * trace_close - end a trace
 * @t: trace
 *
 * Return: 0, or -1 if not all could be written.
 */
int trace_close(struct trace *t)
{
	FILE *files[] = { t->packets, t->clients, t->totals };
	unsigned int i;
	int err = 0;

	for (i = 0; i < ARRAY_SIZE(files); i++)
		if (files[i] && (ferror(files[i]) | fclose(files[i])))
			err = -1;
	free(t);
	return err;
}
