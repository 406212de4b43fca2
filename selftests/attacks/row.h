/* SPDX-License-Identifier: GPL-2.0 */
/* The table of what attacks gain, with a defence and without it. */
#ifndef TRK_ATTACKS_ROW_H
#define TRK_ATTACKS_ROW_H

#include "arena.h"
#include "tap.h"

#define GAIN_MAX	1.00	/* what a cheater may gain: as much as an honest client */
#define GAIN_WEAK	1.50	/* what an attack must gain if the defence is missing */

void row(const char *attack, enum defence d, const char *what, double with, double bound,
	 double without);
int row_run(const struct tap_case *cases, unsigned int n);

#endif /* TRK_ATTACKS_ROW_H */
