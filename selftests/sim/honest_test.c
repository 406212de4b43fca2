// SPDX-License-Identifier: GPL-2.0
/*
 * A server that remembers what it has answered, and bounds what a request may report, refuses no
 * request of an honest client, whatever the network does to it.
 */
#include <stdlib.h>

#include "core/reason.h"
#include "sim/net.h"
#include "tap.h"

/* Why a request of an honest client may be refused all the same. */
enum late {
	NEVER = 0,
	TWICE = 1,	/* the network has doubled it, or the client has repeated it */
	LEFT = 2,	/* it was under way when the client left its domain */
};

static struct sim_scenario scenario;

static struct net *play(const char *text)
{
	FILE *f = fmemopen((void *)text, strlen(text), "r");
	char error[SIM_ERROR];
	struct net *n;
	int err = sim_scenario_read(&scenario, f, "test", error);

	fclose(f);
	if (err) {
		printf("# %s\n", error);
		return NULL;
	}
	n = net_new(&scenario, NULL);
	net_run(n);
	return n;
}

static void honest(const char *text, unsigned int clients, enum late late)
{
	struct net *n = play(text);
	unsigned int i;

	CHECK(n);
	net_close(n);
	CHECK_EQ(n->count.done, clients);
	CHECK_EQ(n->count.wrong, 0);
	for (i = 1; i < TRK_REASON_COUNT; i++) {
		if ((i == TRK_DROP_REPLAY && late & TWICE) || (i == TRK_DROP_DOMAIN && late & LEFT))
			continue;
		CHECK_EQ(n->count.server_drops[i], 0);
	}
	CHECK_EQ(n->replica[0].replay.evicted, 0);
	net_free(n);
	sim_scenario_free(&scenario);
}

#define ONE	"seed 1\nreplicas 1 remember\n"

static void honest__redundant_requests(void)
{
	CHECKED(honest(ONE "link up rate 20mbit delay 10ms queue 100 loss 10%\n"
		       "link down rate 20mbit delay 10ms queue 50\n"
		       "client 4 get 2m redundant\n", 4, TWICE | LEFT));
	CHECKED(honest(ONE "link up delay 10ms reorder 10% by 30ms dup 5%\n"
		       "link down rate 50mbit delay 10ms queue 200 loss 1%\n"
		       "client 2 get 4m redundant\n", 2, TWICE | LEFT));
}

static void honest__requests_late_by_a_round_trip(void)
{
	CHECKED(honest(ONE "link up delay 10ms reorder 20% by 20ms\n"
		       "link down rate 100mbit delay 10ms queue 300\n"
		       "client 1 get 20m\n", 1, NEVER));
	CHECKED(honest(ONE "link up delay 2ms jitter 2ms reorder 30% by 2ms\n"
		       "link down rate 1gbit delay 10ms queue 3000\n"
		       "client 1 get 40m buffer 16m\n", 1, NEVER));
}

/* Windows of many thousand packets, up to the largest. */
static void honest__large_windows(void)
{
	CHECKED(honest(ONE "link up delay 50ms\n"
		       "link down rate 1gbit delay 50ms queue 20000\n"
		       "client 1 get 150m buffer 64m\n", 1, NEVER));
	CHECKED(honest(ONE "link up delay 50ms\n"
		       "link down rate 10gbit delay 50ms queue 100000\n"
		       "client 1 get 400m buffer 128m\n", 1, NEVER));
}

/* The window grows to the bound of the protocol, and nothing else bounds it before. */
static void window__grows_to_its_bound(void)
{
	struct net *n = play(ONE "link up delay 50ms\n"
			     "link down rate 10gbit delay 50ms queue 100000\n"
			     "client 1 get 2g buffer 128m\ntime 4s\n");
	struct conn_sample s = { 0 };

	CHECK(n && n->conn[0].state == CONN_OPEN);
	n->conn[0].model->sample(&n->conn[0], &s);
	CHECK_EQ(s.cwnd, TRK_MAX_CWND);
	net_close(n);
	net_free(n);
	sim_scenario_free(&scenario);
}

/* Half of a window is lost, then half of the next one. */
static void honest__half_a_window_lost(void)
{
	CHECKED(honest(ONE "link up delay 20ms\n"
		       "link down rate 100mbit delay 20ms queue 400\n"
		       "drop down 300-450 800-950 2000-2001 2003-2090\n"
		       "client 1 get 10m\n", 1, LEFT));
	CHECKED(honest(ONE "link up delay 20ms\n"
		       "link down rate 100mbit delay 20ms queue 30\n"
		       "client 2 get 10m\n", 2, LEFT));
}

/* Uploads have answers without data, and numbers that share a packet. */
static void honest__uploads(void)
{
	CHECKED(honest(ONE "link up rate 50mbit delay 15ms queue 100 loss 1% reorder 5% by 10ms\n"
		       "link down rate 5mbit delay 15ms queue 100 loss 1%\n"
		       "client 3 put 4m\n", 3, LEFT));
}

static void honest__parked_for_an_hour(void)
{
	CHECKED(honest(ONE "horizon 10m\n"
		       "link up delay 10ms\n"
		       "link down rate 100mbit delay 10ms queue 300\n"
		       "client 2 get 1m times 3 pause 60m keep\n", 2, LEFT));
	CHECKED(honest(ONE "horizon 10m\n"
		       "link up delay 10ms\n"
		       "link down rate 100mbit delay 10ms queue 300\n"
		       "client 2 get 1m times 3 pause 9m keep\n", 2, LEFT));
}

/* With a tenth or a fifth of all packets lost, many renewals do not arrive. */
static void honest__renewals_lost(void)
{
	CHECKED(honest(ONE "link up delay 10ms loss 2%\n"
		       "link down rate 20mbit delay 10ms queue 100 loss 20%\n"
		       "client 4 get 500k\n", 4, LEFT));
	CHECKED(honest("seed 2\nslot 600\nreplicas 1 remember\n"
		       "link up delay 10ms loss 10%\n"
		       "link down rate 20mbit delay 10ms queue 100 loss 10%\n"
		       "client 4 get 500k\n", 4, LEFT));
}

static const struct tap_case cases[] = {
	TAP_CASE(honest__redundant_requests),
	TAP_CASE(honest__requests_late_by_a_round_trip),
	TAP_CASE(honest__large_windows),
	TAP_CASE(window__grows_to_its_bound),
	TAP_CASE(honest__half_a_window_lost),
	TAP_CASE(honest__uploads),
	TAP_CASE(honest__parked_for_an_hour),
	TAP_CASE(honest__renewals_lost),
};

int main(void)
{
	return tap_run(cases, ARRAY_SIZE(cases));
}
