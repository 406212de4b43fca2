// SPDX-License-Identifier: GPL-2.0
#include "tap.h"

bool tap_failed;

int tap_run(const struct tap_case *cases, unsigned int n)
{
	unsigned int i, failed = 0;

	/* What a test has printed must be there even if it dies. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("1..%u\n", n);
	for (i = 0; i < n; i++) {
		tap_failed = false;
		cases[i].fn();
		printf("%sok %u - %s\n", tap_failed ? "not " : "", i + 1, cases[i].name);
		failed += tap_failed;
	}
	return failed ? 1 : 0;
}
