// SPDX-License-Identifier: GPL-2.0
/* Which continuations a client keeps. */
#include "core/held.h"
#include "lone.h"
#include "tap.h"

static struct lone lone;
static struct trk_client *const cl = &lone.cl;

/* The base that a renewed continuation was made for is what its request reported. */
static u64 base_after(u64 base)
{
	struct trk_resp r;
	struct trk_cont c;

	lone_open(&lone);
	lone_arrives(&lone, 2);
	lone_pump(&lone);
	r = lone_resp(&lone, 11);
	c = lone_cont(&lone, base);
	lone_put_cont(&lone, &r, &c);
	lone_take(&lone, 11, &r);
	return trk_client_cont(cl)->c.base;
}

/* A proof of what it does not begin with would be wrong, and the connection would stand still. */
static void renew__only_for_what_was_reported(void)
{
	CHECK_EQ(base_after(2), 2);
	CHECK_EQ(base_after(1), 0);
	CHECK_EQ(base_after(3), 0);
	CHECK_EQ(base_after(10), 0);
	CHECK_EQ(base_after(11), 0);
}

static const struct tap_case cases[] = {
	TAP_CASE(renew__only_for_what_was_reported),
};

TAP_MAIN(cases)
