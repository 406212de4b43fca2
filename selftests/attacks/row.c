// SPDX-License-Identifier: GPL-2.0
#include "row.h"

#define ROWS	64

static struct row {
	const char *attack, *what;
	enum defence defence;
	double with, bound, without;
} rows[ROWS];

static unsigned int nrows;

void row_add(const char *attack, enum defence d, const char *what, double with, double bound,
	     double without)
{
	if (nrows < ROWS)
		rows[nrows++] = (struct row){ attack, what, d, with, bound, without };
}

/* Runs the cases, then prints what they found. */
int row_run(const struct tap_case *cases, unsigned int n)
{
	int status = tap_run(cases, n);
	unsigned int i;

	printf("# %-42s %9s %6s %9s  %-22s %s\n", "attack", "with", "bound", "without", "measured",
	       "defence");
	for (i = 0; i < nrows; i++)
		printf("# %-42s %9.2f %6.2f %9.2f  %-22s %s\n", rows[i].attack, rows[i].with,
		       rows[i].bound, rows[i].without, rows[i].what, defence_name(rows[i].defence));
	return status;
}
