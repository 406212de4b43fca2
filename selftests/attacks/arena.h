/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A bottleneck that honest clients share with one that may cheat.  All of them download without
 * end; what counts is the bytes that the cheater got, against those that an honest
 * client gets in its place.  The server remembers what it answered.
 */
#ifndef TRK_ATTACKS_ARENA_H
#define TRK_ATTACKS_ARENA_H

#include "party.h"
#include "weak.h"

/**
 * struct arena - a place to cheat in
 * @links: statements of a scenario
 * @rivals: honest clients beside
 * @replicas: requests go to them in turn
 */
struct arena {
	const char *links;
	unsigned int rivals, replicas;
	unsigned int time_ms, seeds;
};

double arena_gain(const struct arena *a, const struct attack *attack, enum defence without);
double arena_window(const struct arena *a, const struct attack *attack, enum defence without);

#endif /* TRK_ATTACKS_ARENA_H */
