/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A bottleneck that honest clients share with one that may cheat.  All of them download without
 * end.  What counts is how many bytes the cheater gets, compared with an honest client in its
 * place.  The server remembers what it has answered.
 */
#ifndef TRK_ATTACKS_ARENA_H
#define TRK_ATTACKS_ARENA_H

#include "party.h"
#include "weak.h"

/**
 * struct arena - a network to cheat in
 * @links: its links, as statements of a scenario (Documentation/simulator.rst)
 * @rivals: how many honest clients there are beside the first client
 * @replicas: how many replicas take the requests, in turn; 0 stands for 1
 * @time_ms: how long a run is
 * @seeds: how many runs there are
 */
struct arena {
	const char *links;
	unsigned int rivals, replicas;
	unsigned int time_ms, seeds;
};

double arena_gain(const struct arena *a, const struct attack *attack, enum defence without);
double arena_window(const struct arena *a, const struct attack *attack, enum defence without);

#endif /* TRK_ATTACKS_ARENA_H */
