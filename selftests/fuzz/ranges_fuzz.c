// SPDX-License-Identifier: GPL-2.0
/* Sets of ranges, compared with bitmaps of the bytes that must be in a set, and that may be. */
#include "core/ranges.h"
#include "fuzz.h"

#define SPAN	256

/* Sets bits [a, b) of a map to @on. */
static void set(u64 map[SPAN / 64], unsigned int a, unsigned int b, bool on)
{
	for (; a < b; a++) {
		map[a / 64] &= ~(1ULL << a % 64);
		map[a / 64] |= (u64)on << a % 64;
	}
}

int fuzz_target(const uint8_t *data, size_t size)
{
	bool exact = !(size & 1);
	u64 must[SPAN / 64] = { 0 }, may[SPAN / 64] = { 0 };
	struct bytes b = { data, size };
	struct trk_ranges h = { 0 };
	unsigned int i;

	while (b.left) {
		unsigned int op = take(&b, 1), at = take(&b, 1);
		/* Many ranges are short, so that the set becomes full. */
		unsigned int end = at + (op & 64 ? 1 + op / 2 % 2 : op / 2 % 32);
		bool was_full = h.n == TRK_RANGES_MAX;

		if (end > SPAN)
			end = SPAN;
		if (op & 1)
			trk_ranges_sub(&h, at, end);
		else if (!exact)
			trk_ranges_add(&h, at, end);
		/* A full set gives the smallest range back, or holds more than was added. */
		if (!(op & 1)) {
			u64 gone = at, gone_end = end;

			set(must, at, end, true);
			set(may, at, end, true);
			if (exact && trk_ranges_add_exact(&h, &gone, &gone_end)) {
				MUST(was_full && h.n == TRK_RANGES_MAX);
				MUST(gone < gone_end);
				for (i = 0; i < h.n; i++)
					MUST(h.r[i].b - h.r[i].a >= gone_end - gone);
				set(must, gone, gone_end, false);
				set(may, gone, gone_end, false);
			} else if (was_full && !exact) {
				memset(may, 0xff, sizeof(may));
			}
		} else {
			set(must, at, end, false);
			/* From a full set, bytes in the middle of a range may not be taken out. */
			if (!was_full)
				set(may, at, end, false);
		}
		MUST(h.n <= TRK_RANGES_MAX);
	}
	for (i = 0; i < h.n; i++)
		MUST(h.r[i].a < h.r[i].b && h.r[i].b <= SPAN && (!i || h.r[i].a > h.r[i - 1].b));
	for (i = 0; i < h.n; i++)
		for (; h.r[i].a < h.r[i].b; h.r[i].a++) {
			u64 x = h.r[i].a;

			MUST(may[x / 64] >> x % 64 & 1);
			must[x / 64] &= ~(1ULL << x % 64);
		}
	for (i = 0; i < SPAN / 64; i++)
		MUST(!must[i]);
	return 0;
}
