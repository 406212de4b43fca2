/* SPDX-License-Identifier: GPL-2.0 */
/* Random numbers that a seed repeats (splitmix64). */
#ifndef SIM_RNG_H
#define SIM_RNG_H

#include "core/types.h"

struct rng {
	uint64_t s;
};

static inline uint64_t rng_u64(struct rng *r)
{
	uint64_t z = r->s += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

/* A number from 0 to n - 1. */
static inline uint64_t rng_below(struct rng *r, uint64_t n)
{
	return rng_u64(r) % n;
}

/* A number from a to b, both included. */
static inline uint64_t rng_in(struct rng *r, uint64_t a, uint64_t b)
{
	return a + rng_below(r, b - a + 1);
}

/* True with a probability of @ppm in a million. */
static inline bool rng_ppm(struct rng *r, uint32_t ppm)
{
	return rng_below(r, 1000000) < ppm;
}

/* One of the values listed. */
#define RNG_PICK(r, ...)						\
({									\
	const uint64_t pick[] = { __VA_ARGS__ };			\
									\
	pick[rng_below(r, ARRAY_SIZE(pick))];		\
})

#endif /* SIM_RNG_H */
