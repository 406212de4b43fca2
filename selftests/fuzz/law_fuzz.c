// SPDX-License-Identifier: GPL-2.0
/*
 * The law of the window: a walk by runs, split anywhere, is compared with one by single numbers;
 * and, if the base is where a stretch begins, with TCP Reno packet by packet.
 */
#include "core/law.h"
#include "core/reason.h"
#include "fuzz.h"

#define MAX_N	2048

/* TCP Reno, packet by packet: it has the rules of the law, not its formulas. */
struct stepper {
	u32 w, ssthresh, acked, new_cwnd;
	u64 f, recover;
};

/* Returns how many numbers request k issues; the next received one issues those of a lost one. */
static u32 reno(struct stepper *t, u64 k, bool lost, bool grows)
{
	u32 w = t->w;

	if (t->f && k > t->recover) {
		t->f = 0;
		t->w = t->new_cwnd;
		t->ssthresh = t->new_cwnd;
		t->acked = 0;
		w = t->w;
	}
	if (!t->f && lost) {
		t->f = k;
		t->recover = k - 1 + t->w;
		t->new_cwnd = t->w / 2 < TRK_MIN_CWND ? TRK_MIN_CWND : t->w / 2;
		return 1;
	}
	if (t->f)
		return k + t->new_cwnd > t->recover + 1;
	if (grows && t->w < TRK_MAX_CWND) {
		if (t->w < t->ssthresh) {
			t->w++;
		} else if (++t->acked >= t->w) {
			t->w++;
			t->acked = 0;
		}
	}
	return 1 + t->w - w;
}

static u64 issued[MAX_N + 1];	/* issued[i]: how many numbers base + 1 to base + i issue */

/* Walks by single numbers, and fills issued[]; returns the last number walked, less the base. */
static u64 singles(const struct trk_law *law, u64 base, const struct trk_claims *claims,
		   struct trk_walk *w)
{
	struct trk_step s;
	u64 last = base, high = 0;

	issued[0] = 0;
	trk_law_walk_init(w, law, base, claims, 0, true);
	while (trk_law_walk_next(w, &s)) {
		MUST(s.a == s.b && s.a > last && s.b <= claims->n);
		for (; last < s.a; last++)
			issued[last + 1 - base] = issued[last - base];
		if (s.first > s.last)
			continue;
		/* What is issued is above what was issued before, and within a window. */
		MUST(s.first > high && s.first > s.a && s.last - s.b <= TRK_MAX_CWND);
		MUST(!high || s.first == high + 1);
		high = s.last;
		issued[s.a - base] += s.last - s.first + 1;
	}
	return last - base;
}

static void runs(const struct trk_law *law, u64 base, const struct trk_claims *claims, u64 split,
		 const struct trk_walk *single, u64 last)
{
	struct trk_walk w;
	struct trk_step s;
	u64 at = base;

	trk_law_walk_init(&w, law, base, claims, split, false);
	while (trk_law_walk_next(&w, &s)) {
		MUST(s.a > at && s.b >= s.a && s.b <= base + last);
		MUST(!(s.a < split && s.b >= split));
		/* Numbers between two steps were lost, and issue nothing. */
		MUST(issued[s.a - 1 - base] == issued[at - base]);
		MUST((s.first > s.last ? 0 : s.last - s.first + 1) ==
		     issued[s.b - base] - issued[s.a - 1 - base]);
		at = s.b;
	}
	MUST(at == base + last && w.impossible == single->impossible);
	if (w.impossible)
		return;
	MUST(w.law.tcp_base == single->law.tcp_base && w.law.first_loss == single->law.first_loss);
	MUST(w.law.start_cwnd == single->law.start_cwnd);
	MUST(w.law.ssthresh == single->law.ssthresh);
}

static void stepwise(const struct trk_law *law, u64 base, const struct trk_claims *claims, u64 last)
{
	struct stepper t = { .w = law->start_cwnd, .ssthresh = law->ssthresh };
	unsigned int idx = 0;
	u64 k, sum = 0;

	for (k = base + 1; k <= base + last; k++) {
		const struct trk_claim *c;
		bool in;

		while (idx < claims->count && claims->c[idx].b < k)
			idx++;
		c = &claims->c[idx];
		in = idx < claims->count && k >= c->a;
		sum += reno(&t, k, in && c->kind == TRK_CLAIM_LOST, !in);
		if (!in || c->kind != TRK_CLAIM_LOST)
			MUST(sum == issued[k - base]);
	}
}

/* The formulas by themselves, at any values that a server can seal. */
static void closed_forms(struct bytes *b)
{
	u32 start = take_in(b, 1, TRK_MAX_CWND), ssthresh = take_any(b, 20) + 1, w;
	u64 v = take_any(b, 64), root = trk_law_isqrt(v), acks = take_any(b, 64);

	MUST(root * root <= v && (root == U32_MAX || (root + 1) * (root + 1) > v));
	w = trk_law_cwnd(acks, start, ssthresh);
	MUST(w >= start && w <= TRK_MAX_CWND);
	if (acks < U64_MAX) {
		u32 next = trk_law_cwnd(acks + 1, start, ssthresh);

		MUST(next == w || next == w + 1);
	}
}

int fuzz_target(const uint8_t *data, size_t size)
{
	struct bytes b = { data, size };
	struct trk_claims claims = { 0 };
	unsigned int i, shape = take(&b, 1);
	u64 base, n, piece, at, last;
	struct trk_walk single;
	struct trk_law law;

	if (shape % 8 == 0) {
		closed_forms(&b);
		return 0;
	}
	/* Most of these claims are such as a client may make; some are malformed. */
	base = take_any(&b, 48);
	n = base + 1 + take_any(&b, 11) % MAX_N;
	claims.n = n;
	claims.count = shape % 8 == 1 ? take(&b, 1) % (TRK_MAX_CLAIMS + 2) :
					take(&b, 1) % (TRK_MAX_CLAIMS + 1);
	for (at = base, i = 0; i < claims.count && i < TRK_MAX_CLAIMS; i++) {
		claims.c[i].kind = take(&b, 1) & 1;
		claims.c[i].a = at + 1 + take_any(&b, 8);
		claims.c[i].b = claims.c[i].a + take_any(&b, 6) - (shape % 8 == 1);
		at = claims.c[i].b;
	}
	/* The state of a continuation: in a stretch without loss, or in an open loss event. */
	piece = shape & 8 ? 0 : take_any(&b, 16) % (base + 1);
	trk_law_init(&law, base - piece, take_in(&b, 1, TRK_MAX_CWND), take_any(&b, 20) + 1, 0);
	if (shape & 16)
		law.start_cwnd = 1 + law.start_cwnd % 64;
	if (shape & 32 && piece) {
		u64 f = base - take_any(&b, 16) % piece;

		trk_law_init(&law, law.tcp_base, law.start_cwnd, law.ssthresh, f);
		/* No server seals an event whose R is below the base. */
		if (base > law.recover)
			return 0;
	}
	if (trk_law_claims_check(&claims, base))
		return 0;
	last = singles(&law, base, &claims, &single);
	if (!single.impossible)
		MUST(last == n - base);
	runs(&law, base, &claims, 0, &single, last);
	runs(&law, base, &claims, base + take_any(&b, 11), &single, last);
	if (!piece)
		stepwise(&law, base, &claims, last);
	if (!single.impossible) {
		trk_law_settle(&single.law, n);
		MUST(trk_law_highest(&single.law, n) > n);
	}
	return 0;
}
