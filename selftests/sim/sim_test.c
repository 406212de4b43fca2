// SPDX-License-Identifier: GPL-2.0
/* The simulator repeats itself, says what is wrong with a scenario, and does what it says. */
#include <stdlib.h>

#include "core/ranges.h"
#include "sim/net.h"
#include "sim/pack.h"
#include "tap.h"

static struct sim_scenario scenario;

static bool read_text(const char *text, char error[SIM_ERROR])
{
	FILE *f = fmemopen((void *)text, strlen(text), "r");
	int err = sim_scenario_read(&scenario, f, "test", error);

	fclose(f);
	return !err;
}

/* Runs a scenario; returns the network, which finish() frees. */
static struct net *play(const char *text)
{
	char error[SIM_ERROR];
	struct net *n;

	if (!read_text(text, error)) {
		printf("# %s\n", error);
		return NULL;
	}
	n = net_new(&scenario, NULL);
	net_run(n);
	net_close(n);
	return n;
}

static void finish(struct net *n)
{
	net_free(n);
	sim_scenario_free(&scenario);
}

static u64 hash_of(const char *text)
{
	struct net *n = play(text);
	u64 hash = n ? n->hash : 0;

	if (n)
		finish(n);
	return hash;
}

#define LOSSY								\
	"replicas 3 spray random\n"					\
	"skew 50ms\n"							\
	"link up rate 20mbit delay 10ms queue 50 loss 2% reorder 5%\n"	\
	"link down rate 20mbit delay 10ms queue 50 loss 2% dup 1% jitter 3ms\n" \
	"client 5 every 20ms get 100k\n"				\
	"client 3 put 50k\n"						\
	"client 2 get 20k times 3 pause 1s\n"

static void sim__same_seed_same_packets(void)
{
	u64 first = hash_of("seed 1\n" LOSSY), again = hash_of("seed 1\n" LOSSY),
	    other = hash_of("seed 2\n" LOSSY);

	CHECK(first && first == again);
	CHECK(other && first != other);
}

/* Links lose, reorder and duplicate packets; every byte arrives all the same, and is right. */
static void sim__lossy_links(void)
{
	struct net *n = play("seed 3\n" LOSSY);
	unsigned int i;

	CHECK(n);
	CHECK_EQ(n->count.done, 10);
	CHECK_EQ(n->count.wrong, 0);
	CHECK_EQ(n->count.bytes_down, 5 * 100000 + 3 * 16 + 2 * 3 * 20000);
	CHECK_EQ(n->count.bytes_up, 5 * 16 + 3 * 50016 + 2 * 3 * 16);
	for (i = 0; i < 3; i++)
		CHECK(n->replica[i].requests > 50);
	CHECK(n->path->link[SIM_UP].reordered && n->path->link[SIM_DOWN].duplicated);
	CHECK(n->path->link[SIM_UP].lost && n->path->link[SIM_DOWN].lost);
	for (i = 1; i < TRK_REASON_COUNT; i++)
		CHECK_EQ(n->count.server_drops[i], 0);
	finish(n);
}

/* Which replica a packet goes to makes no difference to how many are sent, and when. */
static void sim__replicas_are_one_server(void)
{
	static const char *const sprays[] = { "replicas 1\n", "replicas 4 spray random\n",
					      "replicas 5 spray round\n",
					      "replicas 3 spray client\n" };
	u64 packets[2] = {}, us = 0;
	unsigned int i, d;

	for (i = 0; i < ARRAY_SIZE(sprays); i++) {
		char text[400];
		struct net *n;

		snprintf(text, sizeof(text),
			 "%slink up rate 50mbit delay 5ms\nlink down rate 50mbit delay 5ms queue 20\n"
			 "drop up 20 21\ndrop down 30 40-42\nclient 3 get 300k\n",
			 sprays[i]);
		n = play(text);
		CHECK(n);
		CHECK_EQ(n->count.bytes_down, 900000);
		CHECK_EQ(n->count.wrong, 0);
		for (d = 0; d < 2; d++) {
			const struct link *l = &n->path->link[d];

			if (i)
				CHECK_EQ(l->sent, packets[d]);
			packets[d] = l->sent;
			CHECK(l->lost >= 2);
		}
		if (i)
			CHECK_EQ(n->sim.now_us, us);
		us = n->sim.now_us;
		finish(n);
	}
}

/* A replica that is down loses only the packets that are sent to it. */
static void sim__outage(void)
{
	struct net *n = play("replicas 2 spray random\noutage 2 from 50ms to 300ms\n"
			     "link up rate 50mbit delay 5ms\nlink down rate 50mbit delay 5ms\n"
			     "client 2 get 500k\n");

	CHECK(n);
	CHECK(n->count.out_of_service > 0);
	CHECK_EQ(n->count.done, 2);
	CHECK_EQ(n->count.wrong, 0);
	finish(n);
}

/* Some headers have a wrong bit and a right checksum: at least 15 of 20 clients still finish. */
static void sim__corruption(void)
{
	struct net *n = play("seed 5\nlink up rate 50mbit delay 5ms corrupt 1%\n"
			     "link down rate 50mbit delay 5ms corrupt 1%\nclient 20 get 100k\n");
	unsigned int i;
	u64 drops = 0;

	CHECK(n);
	CHECK(n->path->link[SIM_UP].corrupted && n->path->link[SIM_DOWN].corrupted);
	for (i = 1; i < TRK_REASON_COUNT; i++)
		drops += n->count.server_drops[i] + n->count.client_drops[i];
	CHECK(drops > 10);
	CHECK_EQ(n->count.done + n->count.failed, 20);
	CHECK(n->count.done >= 15);
	finish(n);
}

/* An echo is what was sent, whatever is lost. */
static void sim__echo(void)
{
	struct net *n = play("link up rate 20mbit delay 10ms queue 50 loss 2%\n"
			     "link down rate 20mbit delay 10ms queue 50 loss 2% reorder 1%\n"
			     "replicas 2 spray random\nclient 3 every 10ms echo 300k\n");

	CHECK(n);
	CHECK_EQ(n->count.done, 3);
	CHECK_EQ(n->count.wrong, 0);
	CHECK_EQ(n->count.bytes_down, 3 * 300000);
	CHECK_EQ(n->count.bytes_up, 3 * 300016);
	CHECK(n->count.again_up > 0);
	finish(n);
}

/* An overshoot of the queue towards the server leaves more holes than a set can hold. */
static void sim__echo_overshoots(void)
{
	struct net *n = play("link up rate 20mbit delay 10ms queue 200\n"
			     "link down rate 20mbit delay 10ms queue 200\n"
			     "client 1 echo 4m\ntime 100s\n");

	CHECK(n);
	CHECK(n->path->link[SIM_UP].overflowed > 2 * TRK_RANGES_MAX);
	CHECK_EQ(n->count.done, 1);
	CHECK_EQ(n->count.bytes_up, 4000016);
	CHECK_EQ(n->count.bytes_down, 4000000);
	CHECK_EQ(n->count.timeouts, 0);
	finish(n);
}

/* Every second request of a window is lost; at most three packets for each are sent again. */
static void echo_with_holes(unsigned int holes)
{
	char text[2000];
	unsigned int i;
	struct net *n;
	int at = sprintf(text, "link up delay 10ms\nlink down delay 10ms\ndrop up");

	for (i = 0; i < holes; i++)
		at += sprintf(text + at, " %u", 800 + 2 * i);
	sprintf(text + at, "\nclient 1 echo 3m\ntime 100s\n");
	n = play(text);
	CHECK(n);
	CHECK_EQ(n->path->link[SIM_UP].lost, holes);
	CHECK_EQ(n->count.done, 1);
	CHECK_EQ(n->count.bytes_up, 3000016);
	CHECK_EQ(n->count.bytes_down, 3000000);
	CHECK_EQ(n->count.timeouts, 0);
	CHECK(n->count.again_up < 3 * 1448 * holes);
	finish(n);
}

static void sim__echo_with_many_holes(void)
{
	static const unsigned int holes[] = { 1, 63, 64, 65, 66, 130 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(holes); i++)
		CHECKED(echo_with_holes(holes[i]));
}

/* Rate, delay, jitter and queue of links are what the scenario says. */
static void sim__links_do_what_they_say(void)
{
	struct net *n = play("link up delay 50ms\nlink down rate 8mbit delay 50ms queue 10000\n"
			     "client 1 get 10m\n");

	CHECK(n);
	/* 10 MB and headers take so long at 1 MB/s; some round trips come before. */
	CHECK(n->sim.now_us > 10000000 * 1508ULL / 1448);
	CHECK(n->sim.now_us < 11500000);
	CHECK_EQ(n->path->link[SIM_DOWN].lost, 0);
	finish(n);
	n = play("link up delay 10ms\nlink down rate 8mbit delay 10ms queue 10\nclient 1 get 1m\n");
	CHECK(n);
	CHECK(n->path->link[SIM_DOWN].overflowed > 0);
	CHECK_EQ(n->path->link[SIM_DOWN].overflowed, n->path->link[SIM_DOWN].lost);
	finish(n);
	n = play("link up delay 10ms jitter 5ms\nlink down rate 8mbit delay 10ms jitter 5ms\n"
		 "client 1 get 300k\n");
	CHECK(n);
	CHECK_EQ(n->count.lost, 0);
	finish(n);
}

/* Idle clients that are packed go on as if they had not been. */
static void sim__kept_connections(void)
{
	struct net *n = play("link up rate 1gbit delay 5ms\n"
			     "link down rate 1gbit delay 5ms queue 1k\n"
			     "client 50 every 1ms get 30k times 3 pause 500ms keep\n");

	CHECK(n);
	CHECK_EQ(n->count.done, 50);
	CHECK_EQ(n->open_peak, 50);
	CHECK_EQ(n->open, 0);
	CHECK_EQ(n->bytes, 0);
	CHECK_EQ(n->count.bytes_down, 50 * 3 * 30000);
	CHECK_EQ(n->count.wrong, 0);
	CHECK_EQ(n->count.timeouts, 0);
	finish(n);
}

/* A trace changes nothing, whatever the model and the state of a client. */
static void sim__trace(void)
{
	static const char text[] =
		"seed 6\nsample 3ms\ntrace 1 to 9\n"
		"link up delay 5ms loss 2%\nlink down rate 20mbit delay 5ms queue 20 loss 2%\n"
		"client 3 every 9ms get 100k times 2 pause 100ms keep\n"
		"client 3 put 50k\nclient 3 get 100k model paper\n";
	char folder[] = "/tmp/sim-test-XXXXXX", error[SIM_ERROR], name[64];
	static const char *const tables[] = { "packets", "clients", "totals" };
	u64 hash = hash_of(text);
	struct trace *t;
	struct net *n;
	unsigned int i;

	CHECK(mkdtemp(folder) && read_text(text, error));
	t = trace_open(folder, &scenario);
	CHECK(t);
	n = net_new(&scenario, t);
	net_run(n);
	CHECK_EQ(trace_close(t), 0);
	n->trace = NULL;
	net_close(n);
	CHECK_EQ(n->count.done, 9);
	CHECK(n->hash == hash);
	finish(n);
	for (i = 0; i < ARRAY_SIZE(tables); i++) {
		snprintf(name, sizeof(name), "%s/%s.tsv", folder, tables[i]);
		CHECK_EQ(remove(name), 0);
	}
	CHECK_EQ(remove(folder), 0);
	CHECK(!trace_open("/proc/nowhere", &scenario));
}

static void sim__pack(void)
{
	struct rng r = { 1 };
	unsigned int i, k;

	for (i = 0; i < 20000; i++) {
		size_t n = rng_in(&r, 1, 60), len;
		u64 words[60], back[60], *out = malloc(pack_bound(n) * sizeof(u64));

		for (k = 0; k < n; k++)
			words[k] = rng_below(&r, 3) ? 0 : rng_u64(&r);
		len = pack(words, n, out);
		CHECK(len <= pack_bound(n));
		memset(back, 0xff, sizeof(back));
		CHECK(unpack(out, back, n) == out + len);
		CHECK(!memcmp(words, back, n * sizeof(u64)));
		free(out);
	}
}

/* ---- the paper's recovery, as a model ---- */

#define PAPER_PATH "link up delay 10ms\nlink down rate 1gbit delay 10ms queue 10k\n"

struct outcome {
	u64 done, timeouts, sent, lost, again, rounds;
};

static bool transfer(struct outcome *o, const char *path, const char *drops, bool paper)
{
	char text[500];
	struct net *n;

	snprintf(text, sizeof(text), "%s%sclient 1 get 300k model %s\ntime 100s\n", path, drops,
		 paper ? "paper" : "core");
	n = play(text);
	if (!n)
		return false;
	*o = (struct outcome){ n->count.done, n->count.timeouts, n->path->link[SIM_DOWN].sent,
			       n->path->link[SIM_DOWN].lost, n->count.again_down,
			       n->conn[0].done_round };
	if (n->count.bytes_down != 300000)
		o->done = 0;
	finish(n);
	return true;
}

/* Without loss, the paper's model differs from the core only in the size of its headers. */
static void paper__no_loss(void)
{
	struct outcome core, paper;

	CHECK(transfer(&core, PAPER_PATH, "", false) && transfer(&paper, PAPER_PATH, "", true));
	CHECK(core.done && paper.done);
	CHECK_EQ(paper.timeouts, 0);
	CHECK_EQ(paper.again, 0);
	CHECK_EQ(paper.rounds, core.rounds);
	CHECK(paper.sent >= core.sent && paper.sent < core.sent + 20);
}

/* A loss, or a short run of them, is repaired without a timeout, and sent again once. */
static void paper__recovers(void)
{
	static const char *const drops[] = { "drop down 40\n", "drop down 40 50 60\n",
					     "drop down 40-42\n" };
	struct outcome paper;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(drops); i++) {
		CHECK(transfer(&paper, PAPER_PATH, drops[i], true));
		CHECK(paper.done);
		CHECK_EQ(paper.timeouts, 0);
		CHECK_EQ(paper.again, paper.lost * (1448 - 87));
	}
}

/* Losses that end in a timeout of the paper's recovery, and in none of the core's. */
static void paper__differences(void)
{
	static const struct {
		const char *path, *drops;
	} cases[] = {
		/* a run of more losses than burstLimit */
		{ PAPER_PATH, "drop down 40-43\n" },
		/* a packet that was sent again is lost */
		{ PAPER_PATH, "drop down 40 89\n" },
		/* slow start overshoots: what is sent again falls on the full queue as well */
		{ "link up delay 10ms\nlink down rate 20mbit delay 10ms queue 20\n", "" },
	};
	struct outcome core, paper;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		CHECK(transfer(&core, cases[i].path, cases[i].drops, false));
		CHECK(transfer(&paper, cases[i].path, cases[i].drops, true));
		printf("# core: sent %" PRIu64 " lost %" PRIu64 " timeouts %" PRIu64
		       "; paper: sent %" PRIu64 " lost %" PRIu64 " timeouts %" PRIu64 "\n",
		       core.sent, core.lost, core.timeouts, paper.sent, paper.lost, paper.timeouts);
		CHECK(core.done && paper.done);
		CHECK_EQ(core.timeouts, 0);
		CHECK(paper.timeouts > 0);
		CHECK(paper.sent > core.sent);
	}
}

/* A transfer of the paper's model ends, whatever is lost. */
static void paper__random_loss(void)
{
	struct outcome paper;
	unsigned int i;

	for (i = 0; i < 100; i++) {
		char path[200];

		snprintf(path, sizeof(path),
			 "seed %u\nlink up delay 5ms loss %u%%\n"
			 "link down rate 50mbit delay 5ms queue 50 loss %u%%\n",
			 i, i % 5, i % 7);
		CHECK(transfer(&paper, path, "", true));
		if (!paper.done)
			FAIL("seed %u is not done", i);
	}
}

static void sim__errors(void)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "", "test:0: no client: give at least one, as in: client 10 get 1m" },
		{ "clinet 3", "test:1: clinet: the statements are seed, time" },
		{ "\n# a comment\nseed", "test:3: seed: a number from 0 to 9007199254740992 " },
		{ "seed x", "test:1: x: give a number from 0 to 9007199254740992" },
		{ "seed 1 2", "test:1: 2: nothing is expected here" },
		{ "time 0s", "test:1: 0s: out of range, give a time in us, ms, s or m, up" },
		{ "link up delay 10", "test:1: 10: give a time in us, ms or s, up to 1000s" },
		{ "link sideways", "test:1: sideways: give up or down" },
		{ "link down rate 10bit", "test:1: 10bit: give a rate in kbit, mbit or gbit" },
		{ "link up loss 2", "test:1: 2: out of range, give a share from 0 to 1" },
		{ "link up colour red", "test:1: colour: a link has rate, delay, queue, loss, " },
		{ "drop down 0", "test:1: drop 0: give numbers from 1, or ranges as 40-44" },
		{ "drop down 7-3", "test:1: drop 7-3: give numbers from 1, or ranges as 40-44" },
		{ "drop up", "test:1: drop: which? Give numbers from 1, or ranges as 40-44" },
		{ "client 0 get 1", "test:1: 0: out of range, give a number from 1" },
		{ "client 3", "test:1: client: what does it do? Give get BYTES, put BYTES" },
		{ "client 1 fetch", "test:1: fetch: a client has start, " },
		{ "client 1 get 1 put 1", "test:1: put: a client has one transfer, get, put or" },
		{ "client 1 echo 1 times 2", "test:1: client: an echo is the only transfer" },
		{ "client 1 echo 1 model paper", "test:1: client: the paper" },
		{ "client 1 get 1 model tcp", "test:1: model tcp: give core or paper" },
		{ "client 16m get 1\nclient 1m get 1", "test:2: client: more than" },
		{ "replicas 2 spray all", "test:1: spray all: give random" },
		{ "client 1 get 1\noutage 2 from 0s to 1s", "test:2: outage of replica 2" },
		{ "outage 1 from 2s to 1s", "test:1: outage: it ends before it begins" },
		{ "path a\npath a", "test:2: path a: there is one of this name" },
		{ "link up corrupt 1%\nclient 1 get 1 model paper",
		  "test:2: path main corrupts: the paper's model has no seals" },
		{ "slot 100", "test:1: 100: out of range, give a number from 512 to 16000" },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		char error[SIM_ERROR] = "nothing";

		if (read_text(cases[i].text, error) ||
		    strncmp(error, cases[i].says, strlen(cases[i].says)))
			FAIL("\"%s\" says \"%s\"", cases[i].text, error);
	}
}

static void sim__values(void)
{
	char error[SIM_ERROR];

	CHECK(read_text("link down rate 2.5mbit delay 1.5ms queue 7 loss 0.1% # so\n"
			"drop down 5 1-3 2-4 9\n"
			"path far\nlink up delay 2s reorder 0.5 by 1ms\n"
			"client 1k get 2m buffer 100k start 2m times 3\n",
			error));
	CHECK_EQ(scenario.npaths, 2);
	CHECK_EQ(scenario.path[0].link[SIM_DOWN].rate, 312500);
	CHECK_EQ(scenario.path[0].link[SIM_DOWN].delay_us, 1500);
	CHECK_EQ(scenario.path[0].link[SIM_DOWN].loss_ppm, 1000);
	CHECK_EQ(scenario.path[1].link[SIM_UP].reorder_us, 1000);
	CHECK_EQ(scenario.group[0].path, 1);
	CHECK_EQ(scenario.group[0].count, 1000);
	CHECK_EQ(scenario.group[0].len, 2000000);
	CHECK_EQ(scenario.group[0].start_us, 120000000);
	CHECK(sim_scenario_drops(&scenario.path[0].link[SIM_DOWN], 1));
	CHECK(sim_scenario_drops(&scenario.path[0].link[SIM_DOWN], 5));
	CHECK(sim_scenario_drops(&scenario.path[0].link[SIM_DOWN], 9));
	CHECK(!sim_scenario_drops(&scenario.path[0].link[SIM_DOWN], 6));
	CHECK(!sim_scenario_drops(&scenario.path[0].link[SIM_DOWN], 10));
	CHECK(!sim_scenario_drops(&scenario.path[0].link[SIM_UP], 1));
	sim_scenario_free(&scenario);
}

static const struct tap_case cases[] = {
	TAP_CASE(sim__errors),
	TAP_CASE(sim__values),
	TAP_CASE(sim__same_seed_same_packets),
	TAP_CASE(sim__links_do_what_they_say),
	TAP_CASE(sim__echo),
	TAP_CASE(sim__echo_overshoots),
	TAP_CASE(sim__echo_with_many_holes),
	TAP_CASE(sim__lossy_links),
	TAP_CASE(sim__replicas_are_one_server),
	TAP_CASE(sim__outage),
	TAP_CASE(sim__corruption),
	TAP_CASE(sim__kept_connections),
	TAP_CASE(sim__trace),
	TAP_CASE(sim__pack),
	TAP_CASE(paper__no_loss),
	TAP_CASE(paper__recovers),
	TAP_CASE(paper__differences),
	TAP_CASE(paper__random_loss),
};

TAP_MAIN(cases)
