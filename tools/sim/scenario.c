// SPDX-License-Identifier: GPL-2.0
/* Reads a scenario: one statement a line, words separated by blanks, comments behind '#'. */
#include <ctype.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <stdnoreturn.h>

#include "core/wire.h"
#include "scenario.h"

#define MAX_WORDS	512

static const char link_words[] = "rate, delay, queue, loss, jitter, reorder, by, dup, corrupt";
static const char client_words[] =
	"start, every, get, put, echo, times, pause, buffer, keep, redundant, model";

struct reader {
	struct sim_scenario *sc;
	const char *name;
	unsigned int line;
	char *error;
	jmp_buf bad;

	char *word[MAX_WORDS];
	unsigned int nwords, at;
};

static noreturn __attribute__((format(printf, 2, 3))) void bad(struct reader *r, const char *fmt,
							       ...)
{
	va_list ap;
	int n = snprintf(r->error, SIM_ERROR, "%s:%u: ", r->name, r->line);

	va_start(ap, fmt);
	if (n < SIM_ERROR)
		vsnprintf(r->error + n, SIM_ERROR - n, fmt, ap);
	va_end(ap);
	longjmp(r->bad, 1);
}

static const char *next(struct reader *r, const char *what)
{
	if (r->at == r->nwords)
		bad(r, "%s: %s is missing behind it", r->word[r->at - 1], what);
	return r->word[r->at++];
}

/* Skips the next word if it is this one, and says whether it was. */
static bool accept(struct reader *r, const char *word)
{
	if (r->at == r->nwords || strcmp(r->word[r->at], word))
		return false;
	r->at++;
	return true;
}

struct unit {
	const char *name;
	double factor;
};

/* Reads a number with a unit, and returns it in the unit whose factor is 1. */
static u64 quantity(struct reader *r, const char *what, const struct unit *units, double min,
		    double max)
{
	const char *word = next(r, what);
	const struct unit *u;
	char *end;
	double v = strtod(word, &end);

	if (!isdigit((unsigned char)*word))
		bad(r, "%s: give %s", word, what);
	for (u = units; u->name; u++)
		if (!strcmp(end, u->name))
			break;
	if (!u->name)
		bad(r, "%s: give %s", word, what);
	v *= u->factor;
	if (!(v >= min && v <= max))
		bad(r, "%s: out of range, give %s", word, what);
	return (u64)(v + 0.5);
}

#define TIME_WHAT	"a time in us, ms, s or m, up to 10 days"

static u64 time_us(struct reader *r)
{
	static const struct unit units[] = {
		{ "us", 1 }, { "ms", 1e3 }, { "s", 1e6 }, { "m", 60e6 }, {}
	};

	return quantity(r, TIME_WHAT, units, 0, 864e9);
}

static u64 time_positive(struct reader *r)
{
	static const struct unit units[] = {
		{ "us", 1 }, { "ms", 1e3 }, { "s", 1e6 }, { "m", 60e6 }, {}
	};

	return quantity(r, TIME_WHAT ", above 0", units, 1, 864e9);
}

/* Delays of links are at most 1000 s, so that they fit 32 bits in microseconds. */
static u32 delay_us(struct reader *r)
{
	static const struct unit units[] = { { "us", 1 }, { "ms", 1e3 }, { "s", 1e6 }, {} };

	return (u32)quantity(r, "a time in us, ms or s, up to 1000s", units, 0, 1e9);
}

static u64 read_rate(struct reader *r)
{
	static const struct unit units[] = {
		{ "kbit", 125 }, { "mbit", 125e3 }, { "gbit", 125e6 }, {}
	};

	return quantity(r, "a rate in kbit, mbit or gbit, from 1kbit to 1000gbit", units, 125,
			125e9);
}

static u32 share_ppm(struct reader *r)
{
	static const struct unit units[] = { { "", 1e6 }, { "%", 1e4 }, {} };

	return (u32)quantity(r, "a share from 0 to 1, or in %", units, 0, 1e6);
}

static u64 read_number(struct reader *r, u64 min, u64 max)
{
	static const struct unit units[] = {
		{ "", 1 }, { "k", 1e3 }, { "m", 1e6 }, { "g", 1e9 }, {}
	};
	char what[100];

	snprintf(what, sizeof(what), "a number from %" PRIu64 " to %" PRIu64 " (k, m, g: 1000s)",
		 min, max);
	return quantity(r, what, units, min, max);
}

static void *grow(void *array, unsigned int n, size_t size)
{
	void *p = reallocarray(array, n, size);

	if (!p)
		abort();
	memset((char *)p + (n - 1) * size, 0, size);
	return p;
}

static struct sim_path_spec *path_add(struct sim_scenario *sc, const char *name)
{
	struct sim_path_spec *p;
	unsigned int d;

	sc->path = grow(sc->path, ++sc->npaths, sizeof(*sc->path));
	p = &sc->path[sc->npaths - 1];
	snprintf(p->name, sizeof(p->name), "%s", name);
	for (d = 0; d < 2; d++)
		p->link[d].queue = 1000;
	return p;
}

/* The path of the next links and clients; those before any statement "path" are of "main". */
static struct sim_path_spec *path_current(struct sim_scenario *sc)
{
	return sc->npaths ? &sc->path[sc->npaths - 1] : path_add(sc, "main");
}

/* ---- statements ---- */

static void do_seed(struct reader *r)
{
	r->sc->seed = read_number(r, 0, 1ULL << 53);
}

static void do_time(struct reader *r)
{
	r->sc->time_us = time_positive(r);
}

static void do_sample(struct reader *r)
{
	r->sc->sample_us = time_positive(r);
}

static void do_seg_size(struct reader *r)
{
	r->sc->seg_size = (u16)read_number(r, TRK_MIN_SEG_SIZE, TRK_MAX_SEG_SIZE);
}

static void do_replicas(struct reader *r)
{
	const char *word;

	r->sc->replicas = (unsigned int)read_number(r, 1, SIM_MAX_REPLICAS);
	if (accept(r, "remember"))
		r->sc->remember = true;
	if (!accept(r, "spray"))
		return;
	word = next(r, "random, round or client");
	if (!strcmp(word, "random"))
		r->sc->spray = SIM_SPRAY_RANDOM;
	else if (!strcmp(word, "round"))
		r->sc->spray = SIM_SPRAY_ROUND;
	else if (!strcmp(word, "client"))
		r->sc->spray = SIM_SPRAY_CLIENT;
	else
		bad(r, "spray %s: give random, round or client", word);
}

static void do_skew(struct reader *r)
{
	r->sc->skew_ms = delay_us(r) / 1000;
}

static void do_horizon(struct reader *r)
{
	r->sc->horizon_ms = (u32)(time_positive(r) / 1000);
}

static void do_burst(struct reader *r)
{
	r->sc->burst_limit = (u32)read_number(r, 1, 65536);
}

static void do_trace(struct reader *r)
{
	r->sc->trace_first = (u32)read_number(r, 0, SIM_MAX_CLIENTS);
	r->sc->trace_last = r->sc->trace_first;
	if (accept(r, "to"))
		r->sc->trace_last = (u32)read_number(r, r->sc->trace_first, SIM_MAX_CLIENTS);
}

static void do_outage(struct reader *r)
{
	struct sim_scenario *sc = r->sc;
	struct sim_outage *o;

	sc->outage = grow(sc->outage, ++sc->noutages, sizeof(*o));
	o = &sc->outage[sc->noutages - 1];
	o->replica = (unsigned int)read_number(r, 1, SIM_MAX_REPLICAS);
	if (!accept(r, "from"))
		bad(r, "outage REPLICA from TIME to TIME");
	o->from_us = time_us(r);
	if (!accept(r, "to"))
		bad(r, "outage REPLICA from TIME to TIME");
	o->to_us = time_us(r);
	if (o->to_us < o->from_us)
		bad(r, "outage: it ends before it begins");
}

static void do_path(struct reader *r)
{
	const char *name = next(r, "a name");
	unsigned int i;

	for (i = 0; i < r->sc->npaths; i++)
		if (!strcmp(r->sc->path[i].name, name))
			bad(r, "path %s: there is one of this name", name);
	if (strlen(name) >= sizeof(r->sc->path->name))
		bad(r, "path %s: the name is longer than %zu bytes", name,
		    sizeof(r->sc->path->name) - 1);
	path_add(r->sc, name);
}

static struct sim_link_spec *direction(struct reader *r)
{
	const char *word = next(r, "up or down");

	if (!strcmp(word, "up"))
		return &path_current(r->sc)->link[SIM_UP];
	if (!strcmp(word, "down"))
		return &path_current(r->sc)->link[SIM_DOWN];
	bad(r, "%s: give up or down", word);
}

static void do_link(struct reader *r)
{
	struct sim_link_spec *l = direction(r);
	bool far = false;

	while (r->at < r->nwords) {
		const char *word = r->word[r->at++];

		if (!strcmp(word, "rate"))
			l->rate = read_rate(r);
		else if (!strcmp(word, "delay"))
			l->delay_us = delay_us(r);
		else if (!strcmp(word, "queue"))
			l->queue = (u32)read_number(r, 1, 100000000);
		else if (!strcmp(word, "loss"))
			l->loss_ppm = share_ppm(r);
		else if (!strcmp(word, "jitter"))
			l->jitter_us = delay_us(r);
		else if (!strcmp(word, "reorder"))
			l->reorder_ppm = share_ppm(r);
		else if (!strcmp(word, "by"))
			far = true, l->reorder_us = delay_us(r);
		else if (!strcmp(word, "dup"))
			l->dup_ppm = share_ppm(r);
		else if (!strcmp(word, "corrupt"))
			l->corrupt_ppm = share_ppm(r);
		else
			bad(r, "%s: a link has %s", word, link_words);
	}
	if (!far)
		l->reorder_us = l->delay_us;
}

static int compare_runs(const void *a, const void *b)
{
	const struct sim_run *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

static void do_drop(struct reader *r)
{
	struct sim_link_spec *l = direction(r);
	unsigned int i, n = 0;

	if (r->at == r->nwords)
		bad(r, "drop: which? Give numbers from 1, or ranges as 40-44");
	while (r->at < r->nwords) {
		const char *word = r->word[r->at++];
		char *end;
		unsigned long long first = strtoull(word, &end, 10), last = first;

		if (*end == '-')
			last = strtoull(end + 1, &end, 10);
		if (!isdigit((unsigned char)*word) || *end || !first || last < first ||
		    last > U32_MAX)
			bad(r, "drop %s: give numbers from 1, or ranges as 40-44", word);
		l->drop = grow(l->drop, ++l->ndrops, sizeof(*l->drop));
		l->drop[l->ndrops - 1] = (struct sim_run){ (u32)first, (u32)last };
	}
	qsort(l->drop, l->ndrops, sizeof(*l->drop), compare_runs);
	for (i = 1; i < l->ndrops; i++) {
		if (l->drop[i].first <= l->drop[n].last)
			l->drop[n].last = max_t(u32, l->drop[n].last, l->drop[i].last);
		else
			l->drop[++n] = l->drop[i];
	}
	l->ndrops = n + 1;
}

/* Is the word the name of a transfer? */
static bool transfer_of(const char *word, enum sim_transfer *transfer)
{
	static const char *const words[] = { [SIM_GET] = "get", [SIM_PUT] = "put",
					     [SIM_ECHO] = "echo" };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(words); i++) {
		if (!strcmp(word, words[i])) {
			*transfer = i;
			return true;
		}
	}
	return false;
}

static void do_client(struct reader *r)
{
	struct sim_scenario *sc = r->sc;
	struct sim_group *g;
	const char *word;

	path_current(sc);
	sc->group = grow(sc->group, ++sc->ngroups, sizeof(*g));
	g = &sc->group[sc->ngroups - 1];
	g->path = sc->npaths - 1;
	g->times = 1;
	g->buffer = 16000000;
	g->count = (u32)read_number(r, 1, SIM_MAX_CLIENTS);
	while (r->at < r->nwords) {
		word = r->word[r->at++];
		if (!strcmp(word, "start")) {
			g->start_us = time_us(r);
		} else if (!strcmp(word, "every")) {
			g->every_us = time_us(r);
		} else if (transfer_of(word, &g->transfer)) {
			if (g->len)
				bad(r, "%s: a client has one transfer, get, put or echo", word);
			g->len = read_number(r, 1, 4000000000ULL);
		} else if (!strcmp(word, "times")) {
			g->times = (u32)read_number(r, 1, 1000000);
		} else if (!strcmp(word, "pause")) {
			g->pause_us = time_us(r);
		} else if (!strcmp(word, "buffer")) {
			g->buffer = read_number(r, 5000, 1000000000);
		} else if (!strcmp(word, "keep")) {
			g->keep = true;
		} else if (!strcmp(word, "redundant")) {
			g->redundant = true;
		} else if (!strcmp(word, "model")) {
			word = next(r, "core or paper");
			if (strcmp(word, "core") && strcmp(word, "paper"))
				bad(r, "model %s: give core or paper", word);
			g->paper = !strcmp(word, "paper");
		} else {
			bad(r, "%s: a client has %s", word, client_words);
		}
	}
	if (!g->len)
		bad(r, "client: what does it do? Give get BYTES, put BYTES or echo BYTES");
	if (g->transfer == SIM_ECHO && g->times > 1)
		bad(r, "client: an echo is the only transfer of its connection");
	if (g->paper && (g->transfer != SIM_GET || g->times > 1))
		bad(r, "client: the paper's model knows one get only");
	sc->clients += g->count;
	if (sc->clients > SIM_MAX_CLIENTS)
		bad(r, "client: more than %u clients in all", SIM_MAX_CLIENTS);
}

static const struct statement {
	const char *name;
	void (*fn)(struct reader *r);
} statements[] = {
	{ "seed", do_seed },	     { "time", do_time },   { "sample", do_sample },
	{ "slot", do_seg_size },	     { "skew", do_skew },   { "horizon", do_horizon },
	{ "replicas", do_replicas }, { "trace", do_trace }, { "outage", do_outage },
	{ "burst", do_burst },	     { "path", do_path },   { "link", do_link },
	{ "drop", do_drop },	     { "client", do_client }
};

static void statement(struct reader *r)
{
	char known[SIM_ERROR];
	unsigned int i;
	int n = 0;

	r->at = 1;
	for (i = 0; i < ARRAY_SIZE(statements); i++) {
		if (strcmp(r->word[0], statements[i].name))
			continue;
		statements[i].fn(r);
		if (r->at < r->nwords)
			bad(r, "%s: nothing is expected here", r->word[r->at]);
		return;
	}
	for (i = 0; i < ARRAY_SIZE(statements); i++)
		n += snprintf(known + n, sizeof(known) - n, "%s%s", i ? ", " : "",
			      statements[i].name);
	bad(r, "%s: the statements are %s", r->word[0], known);
}

static void split(struct reader *r, char *line)
{
	char *word, *rest = line;

	r->nwords = 0;
	line[strcspn(line, "#")] = 0;
	while ((word = strtok_r(rest, " \t\r\n", &rest))) {
		if (r->nwords == MAX_WORDS)
			bad(r, "more than %u words in a line", MAX_WORDS);
		r->word[r->nwords++] = word;
	}
}

/**
 * sim_scenario_read - read a scenario
 * @sc: filled on return
 * @f: file to read
 * @name: its name, for messages
 * @error: on failure, set to a line that says what is wrong, where, and what is allowed
 *
 * Return: 0 or -1.
 */
int sim_scenario_read(struct sim_scenario *sc, FILE *f, const char *name, char error[SIM_ERROR])
{
	struct reader r = { .sc = sc, .name = name, .error = error };
	static char *line;
	static size_t room;
	unsigned int i;

	*sc = (struct sim_scenario){ .sample_us = 100000, .seg_size = 1448, .replicas = 1,
				     .horizon_ms = 3600000, .burst_limit = 3 };
	if (setjmp(r.bad)) {
		sim_scenario_free(sc);
		return -1;
	}
	while (getline(&line, &room, f) >= 0) {
		r.line++;
		split(&r, line);
		if (r.nwords)
			statement(&r);
	}
	if (!sc->ngroups)
		bad(&r, "no client: give at least one, as in: client 10 get 1m");
	for (i = 0; i < sc->noutages; i++)
		if (sc->outage[i].replica > sc->replicas)
			bad(&r, "outage of replica %u: there are %u", sc->outage[i].replica,
			    sc->replicas);
	for (i = 0; i < sc->ngroups; i++) {
		const struct sim_path_spec *p = &sc->path[sc->group[i].path];

		if (sc->group[i].paper &&
		    (p->link[SIM_UP].corrupt_ppm || p->link[SIM_DOWN].corrupt_ppm))
			bad(&r, "path %s corrupts: the paper's model has no seals", p->name);
	}
	return 0;
}

/**
 * sim_scenario_drops - is a packet lost by a statement "drop"?
 * @l: the link
 * @ordinal: number of the packet in its connection and direction, from 1
 *
 * Return: true if it is.
 */
bool sim_scenario_drops(const struct sim_link_spec *l, u32 ordinal)
{
	unsigned int low = 0, high = l->ndrops;

	/* Runs are sorted and disjoint: only the last one that begins by then can hold it. */
	while (low < high) {
		unsigned int mid = (low + high) / 2;

		if (l->drop[mid].first <= ordinal)
			low = mid + 1;
		else
			high = mid;
	}
	return low && l->drop[low - 1].last >= ordinal;
}

/**
 * sim_scenario_free - free what a scenario holds
 * @sc: the scenario
 */
void sim_scenario_free(struct sim_scenario *sc)
{
	unsigned int i, d;

	for (i = 0; i < sc->npaths; i++)
		for (d = 0; d < 2; d++)
			free(sc->path[i].link[d].drop);
	free(sc->path);
	free(sc->group);
	free(sc->outage);
	memset(sc, 0, sizeof(*sc));
}
