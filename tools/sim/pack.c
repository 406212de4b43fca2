// SPDX-License-Identifier: GPL-2.0
/*
 * Packs memory by leaving its zeroes out.  Most of the state of a client that waits for its
 * application is zero, so that a million of them fit into the memory of one machine.
 */
#include "pack.h"

/* Packed memory is words like this one: so many zeroes, then so many words, which follow it. */
#define RUN(zeroes, rest)	((u64)(zeroes) << 32 | (rest))

/**
 * pack_bound - how many words pack() can write
 * @n: words to be packed
 *
 * Return: that many at most.
 */
size_t pack_bound(size_t n)
{
	return n + n / 2 + 1;
}

/**
 * pack - copy memory without its zeroes
 * @words: what to pack
 * @n: how many words
 * @out: has room for pack_bound(@n) words
 *
 * Return: how many words were written.
 */
size_t pack(const u64 *words, size_t n, u64 *out)
{
	size_t i = 0, len = 0, zeroes, from;

	while (i < n) {
		for (zeroes = 0; i < n && !words[i]; i++)
			zeroes++;
		for (from = i; i < n && words[i]; i++)
			;
		out[len++] = RUN(zeroes, i - from);
		memcpy(out + len, words + from, (i - from) * sizeof(*words));
		len += i - from;
	}
	return len;
}

/**
 * unpack - undo pack()
 * @in: what pack() has written
 * @words: all of it is overwritten
 * @n: as given to pack()
 *
 * Return: the end of what was read, where the next packed memory may begin.
 */
const u64 *unpack(const u64 *in, u64 *words, size_t n)
{
	size_t i = 0, zeroes, rest;

	while (i < n) {
		zeroes = *in >> 32;
		rest = (u32)*in++;
		memset(words + i, 0, zeroes * sizeof(*words));
		memcpy(words + i + zeroes, in, rest * sizeof(*words));
		i += zeroes + rest;
		in += rest;
	}
	return in;
}
