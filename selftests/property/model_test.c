// SPDX-License-Identifier: GPL-2.0
/*
 * For random scripts of losses, the law issues the same numbers as the executable model of the
 * protocol did when model_scripts.py printed model_scripts.txt.  model_scripts.py describes the
 * lines of that file.
 */
#include <stdlib.h>

#include "core/law.h"
#include "core/reason.h"
#include "tap.h"

#define MAX_SPAN	4096

static u64 num(char **p)
{
	char *end;
	u64 v = strtoull(*p, &end, 10);

	if (end == *p) {
		printf("# not a number: %.40s\n", *p);
		exit(1);
	}
	*p = end;
	return v;
}

static void skip(char **p, char c)
{
	if (**p != c) {
		printf("# expected '%c': %.40s\n", c, *p);
		exit(1);
	}
	++*p;
}

struct line {
	struct trk_law law, after;
	u64 base, n, first, hi;
	u32 half;
	struct trk_claims claims;
	u32 count[MAX_SPAN];		/* count[i]: how many numbers base + 1 + i issues */
};

static unsigned int read_ranges(char **p, u8 kind, struct trk_claim *c)
{
	unsigned int n = 0;

	skip(p, ' ');
	if (**p == '-') {
		++*p;
		return 0;
	}
	do {
		if (n)
			skip(p, ',');
		if (n == TRK_MAX_CLAIMS) {
			printf("# too many claims\n");
			exit(1);
		}
		c[n].a = num(p);
		skip(p, '-');
		c[n].b = num(p);
		c[n++].kind = kind;
	} while (**p == ',');
	return n;
}

static void read_law(char **p, struct trk_law *law)
{
	u64 v[4];
	unsigned int i;

	for (i = 0; i < 4; i++)
		v[i] = num(p);
	trk_law_init(law, v[0], (u32)v[1], (u32)v[2], v[3]);
}

static int by_number(const void *a, const void *b)
{
	const struct trk_claim *x = a, *y = b;

	return x->a < y->a ? -1 : 1;
}

static void read_line(char *p, struct line *l)
{
	unsigned int gaps, i;
	u64 k;

	memset(l, 0, sizeof(*l));
	read_law(&p, &l->law);
	l->base = num(&p);
	l->n = num(&p);
	if (l->n - l->base > MAX_SPAN) {
		printf("# too long a line\n");
		exit(1);
	}
	l->claims.n = l->n;
	gaps = read_ranges(&p, TRK_CLAIM_LOST, l->claims.c);
	{
		struct trk_claim more[TRK_MAX_CLAIMS];

		l->claims.count = gaps + read_ranges(&p, TRK_CLAIM_NOGROWTH, more);
		if (l->claims.count > TRK_MAX_CLAIMS) {
			printf("# too many claims\n");
			exit(1);
		}
		memcpy(l->claims.c + gaps, more, (l->claims.count - gaps) * sizeof(*more));
	}
	qsort(l->claims.c, l->claims.count, sizeof(l->claims.c[0]), by_number);
	l->first = num(&p);
	skip(&p, ' ');
	for (k = l->base + 1, i = 0; k <= l->n;) {
		u64 c = num(&p), times = 1;

		if (*p == '*') {
			p++;
			times = num(&p);
		}
		while (times--) {
			for (; i < l->claims.count && k > l->claims.c[i].b; i++)
				;
			while (i < l->claims.count && l->claims.c[i].kind == TRK_CLAIM_LOST &&
			       k >= l->claims.c[i].a)
				k = l->claims.c[i++].b + 1;
			l->count[k++ - l->base - 1] = c;
		}
		if (*p == ',')
			p++;
	}
	read_law(&p, &l->after);
	l->hi = num(&p);
	l->half = num(&p);
}

static void check_line(const struct line *l, bool single)
{
	u64 next = l->first, k;
	struct trk_walk w;
	struct trk_step s;

	CHECK_EQ(trk_law_claims_check(&l->claims, l->base), TRK_OK);
	trk_law_walk_init(&w, &l->law, l->base, &l->claims, 0, single);
	while (trk_law_walk_next(&w, &s)) {
		u64 want = 0;

		for (k = s.a; k <= s.b; k++)
			want += l->count[k - l->base - 1];
		CHECK_EQ(s.first > s.last ? 0 : s.last - s.first + 1, want);
		if (want)
			CHECK_EQ(s.first, next);
		next += want;
	}
	CHECK(!w.impossible);
	CHECK_EQ(w.next, l->n + 1);
	CHECK_EQ(w.law.tcp_base, l->after.tcp_base);
	CHECK_EQ(w.law.start_cwnd, l->after.start_cwnd);
	CHECK_EQ(w.law.ssthresh, l->after.ssthresh);
	CHECK_EQ(w.law.first_loss, l->after.first_loss);
	trk_law_settle(&w.law, l->n);
	CHECK_EQ(trk_law_highest(&w.law, l->n), l->hi);
	CHECK_EQ(w.law.first_loss ? w.law.new_cwnd :
		 max_t(u32, trk_law_window(&w.law, l->n) / 2, TRK_MIN_CWND), l->half);
}

static void walk__as_the_model(void)
{
	static struct line l;
	static char buf[65536];
	unsigned int n = 0;
	FILE *f = fopen(SRCDIR "/model_scripts.txt", "r");

	CHECK(f);
	while (fgets(buf, sizeof(buf), f)) {
		if (*buf == '#')
			continue;
		n++;
		read_line(buf, &l);
		check_line(&l, false);
		check_line(&l, true);
		if (tap_failed)
			FAIL("line %u: %.70s", n, buf);
	}
	fclose(f);
	printf("# %u scripts\n", n);
	CHECK(n >= 5000);
}

static const struct tap_case cases[] = {
	TAP_CASE(walk__as_the_model),
};

TAP_MAIN(cases)
