/* SPDX-License-Identifier: GPL-2.0 */
/* Helpers that the programs share. */
#ifndef TOOLS_UTIL_H
#define TOOLS_UTIL_H

#include <stdnoreturn.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define fallthrough	__attribute__((__fallthrough__))

/* Prints one line on stderr, with the program's name, and exits with 1. */
__attribute__((format(printf, 1, 2)))
noreturn void die(const char *format, ...);

/* Returns the value of option -@opt; calls die() if that is not a number from @min to @max. */
unsigned long long option_number(char opt, const char *arg, unsigned long long min,
				 unsigned long long max);

#endif /* TOOLS_UTIL_H */
