/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Test programs speak TAP: a plan, one line per case, diagnostics behind '#'.
 * A case is a function that returns early on its first failed check.
 */
#ifndef TRK_TEST_TAP_H
#define TRK_TEST_TAP_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

struct tap_case {
	const char *name;
	void (*fn)(void);
};

#define TAP_CASE(fn) { #fn, fn }

extern bool tap_failed;

#define FAIL(fmt, ...)								\
	do {									\
		printf("# %s:%d: " fmt "\n", __FILE__, __LINE__, ##__VA_ARGS__);	\
		tap_failed = true;						\
		return;								\
	} while (0)

#define CHECK(cond)								\
	do {									\
		if (!(cond))							\
			FAIL("not true: %s", #cond);				\
	} while (0)

#define CHECK_EQ(got, want)							\
	do {									\
		int64_t check_got = (int64_t)(got), check_want = (int64_t)(want);	\
										\
		if (check_got != check_want)					\
			FAIL("%s is %" PRId64 ", expected %s = %" PRId64,	\
			     #got, check_got, #want, check_want);		\
	} while (0)

/* Calls a helper that checks, and returns if a check of it has failed. */
#define CHECKED(call)								\
	do {									\
		call;								\
		if (tap_failed)							\
			return;							\
	} while (0)

int tap_run(const struct tap_case *cases, unsigned int n);

#define TAP_MAIN(cases)								\
	int main(void)								\
	{									\
		return tap_run(cases, sizeof(cases) / sizeof((cases)[0]));	\
	}

#endif /* TRK_TEST_TAP_H */
