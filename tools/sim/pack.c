// SPDX-License-Identifier: GPL-2.0
/*
 * Memory without its zeroes.  Of a client that waits for its application most is
 * zero: this is how a million of them fit.
 */
#include "pack.h"

/* A run: so many words of zero, then so many that follow. */
#define RUN(zeroes, rest)	((u64)(zeroes) << 32 | (rest))

/**
 * pack_bound - words that pack() writes at most
 * @n: words to be packed
 */
size_t pack_bound(size_t n)
{
	return n + n / 2 + 1;
}

/**
 * pack - leave out zeroes
 * @words: what is packed
 * @n: its length, words
 * @out: room for pack_bound(@n) words
 *
 * Return: words written.
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
 * unpack - the reverse
 * @in: what pack() wrote
 * @words: written, all of it
 * @n: its length, words
 *
 * Return: behind what was read.
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
