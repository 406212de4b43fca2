// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Sets of stream bytes in bounded memory: ranges in a sorted array.
 */
#include "ranges.h"

static void ranges_remove(struct trk_ranges *h, unsigned int i, unsigned int count)
{
	memmove(&h->r[i], &h->r[i + count], (h->n - i - count) * sizeof(h->r[0]));
	h->n -= count;
}

static void ranges_insert(struct trk_ranges *h, unsigned int i, u64 a, u64 b)
{
	memmove(&h->r[i + 1], &h->r[i], (h->n - i) * sizeof(h->r[0]));
	h->r[i].a = a;
	h->r[i].b = b;
	h->n++;
}

/* Joins the two neighbours with the least between them, which makes room for another range. */
static void ranges_join(struct trk_ranges *h)
{
	unsigned int i, best = 1;

	for (i = 2; i < h->n; i++)
		if (h->r[i].a - h->r[i - 1].b < h->r[best].a - h->r[best - 1].b)
			best = i;
	h->r[best - 1].b = h->r[best].b;
	ranges_remove(h, best, 1);
}

/**
 * trk_ranges_add - add bytes to a set
 * @h: the set
 * @a: first byte
 * @b: first byte behind
 *
 * When the array is full, two neighbours are joined; the set then holds more than was added.
 */
void trk_ranges_add(struct trk_ranges *h, u64 a, u64 b)
{
	unsigned int i = 0, j;

	if (a >= b)
		return;
	while (i < h->n && h->r[i].b < a)
		i++;
	for (j = i; j < h->n && h->r[j].a <= b; j++) {
		a = min_t(u64, a, h->r[j].a);
		b = max_t(u64, b, h->r[j].b);
	}
	if (j > i) {
		h->r[i].a = a;
		h->r[i].b = b;
		ranges_remove(h, i + 1, j - i - 1);
		return;
	}
	if (h->n == TRK_RANGES_MAX) {
		ranges_join(h);
		trk_ranges_add(h, a, b);
		return;
	}
	ranges_insert(h, i, a, b);
}

/**
 * trk_ranges_add_exact - add bytes to a set that must not hold more than was added
 * @h: the set
 * @a: first byte
 * @b: first byte behind
 *
 * When the array is full, the smallest range is left out, be it the new one or another.
 *
 * Return: true if a range was left out; *@a and *@b are its bounds then.
 */
bool trk_ranges_add_exact(struct trk_ranges *h, u64 *a, u64 *b)
{
	u64 from = *a, to = *b;
	unsigned int i = 0, k, least = TRK_RANGES_MAX;

	if (from >= to)
		return false;
	while (i < h->n && h->r[i].b < from)
		i++;
	if (h->n < TRK_RANGES_MAX || (i < h->n && h->r[i].a <= to)) {
		trk_ranges_add(h, from, to);
		return false;
	}
	/* If the new one is as small as others it stays, since what is added next may touch it. */
	for (k = 0; k < h->n; k++) {
		if (h->r[k].b - h->r[k].a <= *b - *a) {
			least = k;
			*a = h->r[k].a;
			*b = h->r[k].b;
		}
	}
	if (least < TRK_RANGES_MAX) {
		ranges_remove(h, least, 1);
		trk_ranges_add(h, from, to);
	}
	return true;
}

/**
 * trk_ranges_sub - take bytes out of a set
 * @h: the set
 * @a: first byte
 * @b: first byte behind
 *
 * If that would cut a range in two and the array is full, the bytes stay.
 */
void trk_ranges_sub(struct trk_ranges *h, u64 a, u64 b)
{
	unsigned int i = 0;

	if (a >= b)
		return;
	while (i < h->n && h->r[i].a < b) {
		if (h->r[i].b <= a) {
			i++;
		} else if (h->r[i].a >= a && h->r[i].b <= b) {
			ranges_remove(h, i, 1);
		} else if (h->r[i].a >= a) {
			h->r[i].a = b;
			return;
		} else if (h->r[i].b <= b) {
			h->r[i].b = a;
			i++;
		} else {
			if (h->n < TRK_RANGES_MAX) {
				u64 end = h->r[i].b;

				h->r[i].b = a;
				ranges_insert(h, i + 1, b, end);
			}
			return;
		}
	}
}
