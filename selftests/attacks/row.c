// SPDX-License-Identifier: GPL-2.0
#include "row.h"

#define ROWS	64

static struct row {
	const char *attack, *what;
	enum defence defence;
	double with, bound, without;
} rows[ROWS];

static unsigned int nrows;

/**
 * row - add to the table what an attack gains, and check it
 * @attack: name of the attack
 * @d: the defence against it
 * @what: what is measured
 * @with: gain with the defence
 * @bound: what @with must not exceed
 * @without: gain without the defence; if it is less than GAIN_WEAK, the attack is too weak to
 *	prove anything, and the case fails
 */
void row(const char *attack, enum defence d, const char *what, double with, double bound,
	 double without)
{
	if (nrows < ROWS)
		rows[nrows++] = (struct row){ attack, what, d, with, bound, without };
	if (with > bound)
		FAIL("%s gains %.3f, more than %.2f", attack, with, bound);
	if (without < GAIN_WEAK)
		FAIL("%s gains only %.3f without the defence", attack, without);
}

/* Runs the cases, then prints the table. */
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
