/* SPDX-License-Identifier: GPL-2.0 */
/* The table of what attacks gain, with a defence and without it. */
#ifndef TRK_ATTACKS_ROW_H
#define TRK_ATTACKS_ROW_H

#include "arena.h"
#include "tap.h"

#define GAIN_MAX	1.00	/* of a cheater */
#define GAIN_WEAK	1.50	/* at least, where its defence is missing */

void row(const char *attack, enum defence d, const char *what, double with, double bound,
	 double without);
int row_run(const struct tap_case *cases, unsigned int n);

#endif /* TRK_ATTACKS_ROW_H */
