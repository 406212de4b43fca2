// SPDX-License-Identifier: GPL-2.0
/*
 * Random loss: the core's throughput compared with that of TCP Reno (reno.h) on the same links, by
 * loss and delay.  If only data is lost, the two should be alike.  If requests are lost as well,
 * each of them is a lost response to the core, unless requests are redundant, while a lost
 * acknowledgment is nothing to TCP (Documentation/recovery.rst, "Loss and delay").
 *
 * usage: loss_test		some cells of the table
 *	  loss_test FILE	the whole table, written to FILE
 */
#include <stdlib.h>

#define RENO_MAX	131072
#include "reno.h"
#include "sim/net.h"
#include "tap.h"

#define RATE_MBIT	1000
#define FULL		1448

/* What is lost: data, or requests as well, which may be redundant. */
enum way { DATA, BOTH, REDUNDANT, WAYS };

static const char *const way_name[] = { "data", "both", "redundant" };
/* The core's throughput divided by Reno's must not be less. */
static const double least[] = { 0.9, 0.65, 0.85 };

struct cell {
	u32 loss_ppm, delay_ms;
	u32 segments;		/* of a transfer */
	unsigned int seeds;
};

static struct sim_scenario scenario;

/* Runs one transfer; returns how many microseconds it took, 0 if it did not end. */
static u64 transfer(const struct cell *cell, enum way way, u64 seed, bool reno)
{
	/*
	 * The queue has room for what the link carries in a round trip, but at least for 100
	 * packets.  The receive window is twice what fits link and queue.
	 */
	u32 flight = 2 * cell->delay_ms * (RATE_MBIT * 125 / (FULL + SIM_OVERHEAD));
	u32 queue = max_t(u32, 100, flight), rwnd = 2 * (flight + queue);
	char text[600], error[SIM_ERROR];
	struct net *n;
	u64 us;
	FILE *f;

	snprintf(text, sizeof(text),
		 "seed %" PRIu64 "\nreplicas 1 remember\nsample 10m\ntime 100000s\n"
		 "link up delay %ums loss %.6f\n"
		 "link down rate %umbit delay %ums queue %u loss %.6f\n"
		 "client 1 get %u buffer %u%s\n",
		 seed, cell->delay_ms, way == DATA ? 0 : cell->loss_ppm / 1e6,
		 RATE_MBIT, cell->delay_ms, queue, cell->loss_ppm / 1e6,
		 cell->segments * (FULL - 24), rwnd * FULL,
		 way == REDUNDANT && !reno ? " redundant" : "");
	f = fmemopen(text, strlen(text), "r");
	if (sim_scenario_read(&scenario, f, "test", error)) {
		fprintf(stderr, "%s\n", error);
		exit(1);
	}
	fclose(f);
	n = net_new(&scenario, NULL);
	reno_total = cell->segments;
	reno_rwnd = rwnd;
	if (reno)
		net_use(n, scenario.group, &reno_model);
	net_run(n);
	us = n->conn[0].done ? n->conn[0].done_us - n->conn[0].start_us : 0;
	net_close(n);
	net_free(n);
	sim_scenario_free(&scenario);
	return us;
}

/* Returns the Mbit/s over all seeds, 0 if one transfer did not end. */
static double throughput(const struct cell *cell, enum way way, bool reno)
{
	u64 sum = 0, us;
	unsigned int i;

	for (i = 1; i <= cell->seeds; i++) {
		us = transfer(cell, way, i, reno);
		if (!us)
			return 0;
		sum += us;
	}
	return 8.0 * FULL * cell->segments * cell->seeds / (double)sum;
}

/*
 * A transfer is as long as 60 losses take on average, within bounds, so that its start counts for
 * little.  There are so many that together they have @budget segments.
 */
static struct cell cell_of(u32 loss_ppm, u32 delay_ms, u32 budget)
{
	u32 segments = min_t(u32, max_t(u32, 60000000u / loss_ppm, 2000), RENO_MAX);

	return (struct cell){ .loss_ppm = loss_ppm, .delay_ms = delay_ms, .segments = segments,
			      .seeds = max_t(u32, budget / segments, 1) };
}

static void check(enum way way)
{
	static const u32 loss[] = { 1000, 10000, 50000 }, delay[] = { 2, 20, 100 };
	unsigned int i, k;

	for (i = 0; i < ARRAY_SIZE(loss); i++) {
		for (k = 0; k < ARRAY_SIZE(delay); k++) {
			struct cell c = cell_of(loss[i], delay[k], 60000);
			double core = throughput(&c, way, false), reno = throughput(&c, way, true);

			CHECK(core > 0 && reno > 0);
			if (core < least[way] * reno)
				FAIL("loss %.2f %%, delay %u ms: %.3f Mbit/s, Reno %.3f",
				     loss[i] / 1e4, delay[k], core, reno);
		}
	}
}

static void loss__of_data(void)
{
	CHECKED(check(DATA));
}

static void loss__of_requests_as_well(void)
{
	CHECKED(check(BOTH));
}

static void loss__with_redundant_requests(void)
{
	CHECKED(check(REDUNDANT));
}

static int table(FILE *f)
{
	static const u32 loss[] = { 100, 300, 1000, 3000, 10000, 30000, 100000 };
	static const u32 delay[] = { 1, 5, 20, 50, 100, 200 };
	unsigned int i, k, way;
	bool below = false;

	fprintf(f, "loss_percent\tdelay_ms\tlost\treno_mbit\tcore_mbit\tratio\n");
	for (way = DATA; way < WAYS; way++) {
		double worst = 10;

		for (i = 0; i < ARRAY_SIZE(loss); i++) {
			for (k = 0; k < ARRAY_SIZE(delay); k++) {
				struct cell c = cell_of(loss[i], delay[k], 600000);
				double core = throughput(&c, way, false);
				double reno = throughput(&c, way, true);

				fprintf(f, "%g\t%u\t%s\t%.3f\t%.3f\t%.3f\n", loss[i] / 1e4,
					delay[k], way_name[way], reno, core, core / reno);
				fflush(f);
				worst = core / reno < worst ? core / reno : worst;
			}
		}
		printf("%s: the core's throughput is at least %.3f of Reno's\n", way_name[way],
		       worst);
		below |= worst < least[way];
	}
	return below;
}

static const struct tap_case cases[] = {
	TAP_CASE(loss__of_data),
	TAP_CASE(loss__of_requests_as_well),
	TAP_CASE(loss__with_redundant_requests),
};

int main(int argc, char **argv)
{
	FILE *f;
	int err;

	if (argc == 1)
		return tap_run(cases, ARRAY_SIZE(cases));
	f = fopen(argv[1], "w");
	if (!f) {
		perror(argv[1]);
		return 1;
	}
	err = table(f);
	return fclose(f) || err;
}
