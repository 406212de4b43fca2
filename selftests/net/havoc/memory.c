// SPDX-License-Identifier: GPL-2.0
/* Memory that the calls are about: some of it is there, some is not, and some goes meanwhile. */
#include <sys/mman.h>
#include <unistd.h>

#include "havoc.h"

/**
 * any_pointer - an address to hand to the kernel
 * @t: the caller
 *
 * Half of the time there is memory that stays; else in the arena, where it may just go, at the end
 * of what is mapped, in a mapped queue, in the kernel, or nowhere.
 */
void *any_pointer(struct thread *t)
{
	struct rng *r = &t->rng;

	switch (rng_below(r, 16)) {
	case 0:
		return NULL;
	case 1:
		return (void *)RNG_PICK(r, 0xffff888000000000, 0xffffffff81000000, U64_MAX - 7,
					0x8000000000000000, 0x7ffffffff000, 1);
	case 2:
		return t->buf + BUF - rng_below(r, 64);
	case 3:
		return t->window + rng_below(r, WINDOW);
	case 4 ... 7:
		return t->party->arena + rng_below(r, ARENA);
	default:
		return t->buf + rng_below(r, BUF / 2);
	}
}

/* Gives and takes parts of the arena, in which nothing lies that anybody needs. */
void step_arena(struct thread *t)
{
	struct rng *r = &t->rng;
	size_t at = rng_below(r, ARENA / 4096) * 4096;
	size_t len = min_t(size_t, rng_in(r, 1, 16) * 4096, ARENA - at);
	u8 *p = t->party->arena + at;

	switch (rng_below(r, 8)) {
	case 0:
		CALL(t, munmap(p, len));
		break;
	case 1:
		CALL(t, mprotect(p, len, (int)rng_below(r, 4)));
		break;
	case 2:
		CALL(t, madvise(p, len, (int)rng_below(r, 22)));
		break;
	case 3:
		CALL(t, mremap(p, len, 4096 * rng_in(r, 1, 4), MREMAP_MAYMOVE | MREMAP_FIXED,
			       t->party->arena + rng_below(r, ARENA / 4096 - 4) * 4096));
		break;
	default:
		CALL(t, mmap(p, len, PROT_READ | PROT_WRITE,
			     MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS |
			     (chance(t, 4) ? MAP_POPULATE : 0), -1, 0));
	}
	/* Each change is one for all processors. */
	usleep((useconds_t)rng_below(r, 20000));
}
