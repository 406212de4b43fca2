/* SPDX-License-Identifier: GPL-2.0 */
/* What is to be simulated.  Documentation/simulator.rst has the format of a scenario. */
#ifndef SIM_SCENARIO_H
#define SIM_SCENARIO_H

#include <stdio.h>

#include "core/types.h"

enum sim_dir { SIM_UP, SIM_DOWN };		/* to the servers, to the clients */

enum sim_spray { SIM_SPRAY_RANDOM, SIM_SPRAY_ROUND, SIM_SPRAY_CLIENT };

/* An echo is an upload of which each packet is answered by what it holds, in any order. */
enum sim_transfer { SIM_GET, SIM_PUT, SIM_ECHO };

/* Packets [first, last] of each connection, counted from 1 without those of the handshake. */
struct sim_run {
	u32 first, last;
};

struct sim_link_spec {
	u64 rate;			/* bytes a second, 0 for no limit */
	u32 queue;			/* full packets */
	u32 delay_us, jitter_us, reorder_us;
	u32 loss_ppm, reorder_ppm, dup_ppm, corrupt_ppm;
	struct sim_run *drop;
	unsigned int ndrops;
};

/* The two links that the clients of a path share. */
struct sim_path_spec {
	char name[32];
	struct sim_link_spec link[2];
};

/* The clients of one statement, which do the same, one after the other. */
struct sim_group {
	unsigned int path;
	u32 count;
	u64 start_us, every_us;
	enum sim_transfer transfer;
	u64 len;			/* bytes of each transfer */
	u32 times;
	u64 pause_us;			/* between two transfers */
	u64 buffer;			/* receive buffer, bytes */
	bool keep;			/* the connection stays open */
	bool redundant;			/* requests repeat the one before them */
	bool paper;			/* model of the paper's recovery instead of the core */
};

struct sim_outage {
	unsigned int replica;
	u64 from_us, to_us;
};

struct sim_scenario {
	u64 seed;
	u64 time_us, sample_us;
	u16 seg_size;
	unsigned int replicas;
	enum sim_spray spray;
	bool remember;			/* replicas answer each request once */
	u32 skew_ms, horizon_ms;
	u32 burst_limit;		/* burstLimit of the paper (§2.5), for its model */
	u32 trace_first, trace_last;	/* clients whose packets a trace has, counted from 1 */
	struct sim_path_spec *path;
	struct sim_group *group;
	struct sim_outage *outage;
	unsigned int npaths, ngroups, noutages;
	u64 clients;
};

#define SIM_MAX_REPLICAS	256
#define SIM_MAX_CLIENTS		16777216
#define SIM_ERROR		200

int sim_scenario_read(struct sim_scenario *sc, FILE *f, const char *name, char error[SIM_ERROR]);
bool sim_scenario_drops(const struct sim_link_spec *l, u32 ordinal);
void sim_scenario_free(struct sim_scenario *sc);

#endif /* SIM_SCENARIO_H */
