// SPDX-License-Identifier: GPL-2.0
/* The public header: its layout, which the compiler checks, and flags that cannot be swapped. */
#include "minisock.h"
#include "tap.h"
#include "uapi_layout.h"

static const uint32_t series[][6] = {
	{ TRK_EV_OPEN, TRK_EV_REQUEST, TRK_EV_CLOSE },
	{ TRK_EVF_INPUT, TRK_EVF_FIN, TRK_EVF_OUTPUT_CONT, TRK_EVF_INPUT_CONT, TRK_EVF_TIMEOUT },
	{ TRK_CONT_SET, TRK_CONT_FINAL, TRK_CONT_PARALLEL },
	{ TRK_SEND_FIN, TRK_SEND_ABORT },
};

static const uint32_t mask[] = { 0xff, 0xff00, 0xff0000, 0xff000000 };

static void uapi__series_of_flags(void)
{
	unsigned int i, k;

	for (i = 0; i < 4; i++) {
		uint32_t seen = 0;

		for (k = 0; k < 6 && series[i][k]; k++) {
			CHECK_EQ(series[i][k] & ~mask[i], 0);
			CHECK_EQ(series[i][k] & seen, 0);
			seen |= series[i][k];
		}
	}
}

static void minisock__series_of_flags(void)
{
	CHECK_EQ((MSK_OPEN | MSK_REQUEST | MSK_CLOSE) & ~mask[0], 0);
	CHECK_EQ((MSK_FIN | MSK_TIMEOUT) & ~mask[1], 0);
	CHECK_EQ((MSK_FINAL | MSK_PARALLEL) & ~mask[2], 0);
	CHECK_EQ((MSK_SEND_FIN | MSK_SEND_ABORT | MSK_DESC_DROP) & ~mask[3], 0);
	CHECK_EQ(MSK_DESC_DROP & (MSK_SEND_FIN | MSK_SEND_ABORT), 0);
}

static const struct tap_case cases[] = {
	TAP_CASE(uapi__series_of_flags),
	TAP_CASE(minisock__series_of_flags),
};

TAP_MAIN(cases)
