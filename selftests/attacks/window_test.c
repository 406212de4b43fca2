// SPDX-License-Identifier: GPL-2.0
/* Attempts at a larger window than the path has given: lies about what arrived. */
#include "core/reason.h"
#include "row.h"

#define LINKS	"link up delay 10ms\n"	\
		"link down rate 20mbit delay 10ms jitter 1ms queue 60\n"

static const struct arena arena = { .links = LINKS, .rivals = 3, .time_ms = 10000, .seeds = 3 };

static void ROW_gain(const char *name, const struct attack *a, enum defence d)
{
	ROW(name, d, "goodput", arena_gain(&arena, a, DEFENCE_NONE), GAIN_MAX, arena_gain(&arena, a, d));
}

/* ---- claims of what did not arrive ---- */

static void optimistic_turn(struct party *p)
{
	struct line *l = p->line;
	unsigned int left = 2;
	u64 x;

	/* Two for each event: faster than the packets come. */
	for (x = l->cl.edge; x <= l->cl.hi && left; x++)
		left -= party_pretend(p, l, x, 0);
}

static const struct attack optimistic = { .turn = optimistic_turn };

static void hide_turn(struct party *p)
{
	struct line *l = p->line;
	u64 x;

	for (x = l->cl.edge; x < l->cl.top; x++)
		party_pretend(p, l, x, 0);
}

static const struct attack hide = { .turn = hide_turn };

static void nothing__gains_nothing(void)
{
	static const struct attack none;

	double g = arena_gain(&arena, &none, DEFENCE_NONE);
	printf("# %f\n", g);
}

static void optimistic__fails(void)
{
	CHECKED(ROW_gain("optimistic acknowledgment", &optimistic, DEFENCE_PROOF));
}

static void hidden_loss__fails(void)
{
	CHECKED(ROW_gain("loss hidden by a guessed nonce", &hide, DEFENCE_PROOF));
}

static const struct tap_case cases[] = {
	TAP_CASE(nothing__gains_nothing),
	TAP_CASE(optimistic__fails),
	TAP_CASE(hidden_loss__fails),
};

ROW_MAIN(cases)
