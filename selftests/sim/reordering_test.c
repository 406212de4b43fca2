// SPDX-License-Identifier: GPL-2.0
/* A client learns how far a path reorders, so that few late packets are declared lost. */
#include <stdlib.h>

#include "sim/net.h"
#include "tap.h"

static struct sim_scenario scenario;

/* Runs a download of 10 MB, of which nothing is lost; says how many numbers are declared lost. */
static void download(const char *down, u64 *declared)
{
	char text[300], error[SIM_ERROR];
	struct net *n;
	FILE *f;

	snprintf(text, sizeof(text),
		 "seed 1\nlink up rate 100mbit delay 10ms queue 250\n"
		 "link down rate 100mbit delay 10ms queue 250 %s\nclient 1 get 10m\n", down);
	f = fmemopen(text, strlen(text), "r");
	CHECK_EQ(sim_scenario_read(&scenario, f, "test", error), 0);
	fclose(f);
	n = net_new(&scenario, NULL);
	net_run(n);
	net_close(n);
	*declared = n->count.lost;
	CHECK_EQ(n->count.done, 1);
	CHECK_EQ(n->count.wrong, 0);
	CHECK_EQ(n->count.timeouts, 0);
	/* Nothing was lost, so all that was declared lost has come late. */
	CHECK_EQ(n->count.late, n->count.lost);
	net_free(n);
	sim_scenario_free(&scenario);
}

/* 350 packets are late.  With a fixed threshold, one in three would be declared lost. */
static void reordering__is_learnt(void)
{
	u64 declared;

	CHECKED(download("reorder 5%", &declared));
	CHECK(declared > 0 && declared < 20);
	CHECKED(download("reorder 5% by 5ms", &declared));
	CHECK(declared > 0 && declared < 20);
}

static const struct tap_case cases[] = {
	TAP_CASE(reordering__is_learnt),
};

int main(void)
{
	return tap_run(cases, ARRAY_SIZE(cases));
}
