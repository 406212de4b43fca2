/* SPDX-License-Identifier: GPL-2.0 */
/* The table of what attacks gain, with a defence and without it. */
#ifndef TRK_ATTACKS_ROW_H
#define TRK_ATTACKS_ROW_H

#include "arena.h"
#include "tap.h"

#define GAIN_MAX	1.00	/* of a cheater */
#define GAIN_WEAK	1.50	/* at least, where its defence is missing */

void row_add(const char *attack, enum defence d, const char *what, double with, double bound,
	     double without);
int row_run(const struct tap_case *cases, unsigned int n);

/* The attack gains at most @bound, and at least GAIN_WEAK without the defence. */
#define ROW(attack, defence, what, with, bound, without)			\
	do {									\
		double row_with = (with), row_without = (without);		\
										\
		row_add(attack, defence, what, row_with, bound, row_without);	\
		if (row_with > (bound))						\
			FAIL("gains %.3f, more than %.2f", row_with, (double)(bound));	\
		if (row_without < GAIN_WEAK)					\
			FAIL("gains only %.3f without the defence", row_without);	\
	} while (0)

#define ROW_MAIN(cases)								\
	int main(void)								\
	{									\
		return row_run(cases, sizeof(cases) / sizeof((cases)[0]));	\
	}

#endif /* TRK_ATTACKS_ROW_H */
