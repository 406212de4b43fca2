// SPDX-License-Identifier: GPL-2.0
/*
 * The replay filter, compared with one that forgets nothing.  Whatever requests come in whatever
 * order, from however many clients, no number is answered twice; and no request is refused whose
 * connection is known and that is not late.
 */
#include <stdlib.h>

#include "core/once.h"
#include "core/reason.h"
#include "core/seal.h"
#include "core/server.h"
#include "core/wire.h"
#include "sim/rng.h"
#include "tap.h"

#define NOW		1700000000000ULL
#define LIFE_MS		100000
#define NUMBERS		6000		/* how many numbers of a domain are looked at */

static struct trk_once_set set;

static int record_at(u64 ms, u8 class, struct trk_record *m, u32 *evicted)
{
	const struct trk_once_now now = { .order = trk_seal_order_at(NOW + ms),
					  .ahead = trk_server_ahead(0),
					  .tick = (u32)ms, .life = LIFE_MS };

	return trk_once_record(&set, &now, (u8)(m->conn * 37), class, m, evicted);
}

/* ---- one domain ---- */

struct line {
	bool answered[NUMBERS];
	u64 top;
};

/* How long requests are, and how far from the highest number: as of a client, or of nobody. */
struct habit {
	u64 len, back, ahead;
};

static bool refused_rightly(const struct line *l, u64 x, u64 floor)
{
	return x <= floor || l->answered[x] || l->top - x >= TRK_ONCE_SPAN;
}

static void one_domain(struct rng *r, const struct habit *h, u64 floor)
{
	static struct line l;
	u64 x, m, n;
	u32 evicted = 0;

	memset(&set, 0, sizeof(set));
	memset(&l, 0, sizeof(l));
	l.top = floor;
	while (l.top < NUMBERS - h->len - h->ahead - 2) {
		struct trk_record rec = { .kind = TRK_KIND_RANGE, .conn = 1, .domain = 1ULL << 32,
					 .floor = floor };
		int err;

		m = l.top + 1 + rng_below(r, h->ahead + 1);
		m -= min_t(u64, rng_below(r, h->back + 1), m - 1);
		n = m + rng_below(r, h->len);
		rec.m = m;
		rec.n = n;
		err = record_at(0, 0, &rec, &evicted);
		if (err) {
			CHECK_EQ(err, TRK_DROP_REPLAY);
			for (x = m; x <= n; x++)
				CHECK(refused_rightly(&l, x, floor));
			continue;
		}
		CHECK(m <= rec.a && rec.a <= rec.b && rec.b <= n);
		for (x = m; x < rec.a; x++)
			CHECK(refused_rightly(&l, x, floor));
		for (x = rec.a; x <= rec.b; x++) {
			CHECK(!l.answered[x] && x > floor);
			l.answered[x] = true;
		}
		if (rec.b < n)
			CHECK(refused_rightly(&l, rec.b + 1, floor));
		l.top = max_t(u64, l.top, rec.b);
	}
	CHECK_EQ(evicted, 0);
}

static void numbers__as_if_none_were_forgotten(void)
{
	static const struct habit habits[] = {
		{ 1, 0, 0 }, { 2, 4, 4 }, { 32, 64, 40 }, { 10, 300, 300 }, { 40, 500, 3 },
		{ 600, 100, 0 }, { 600, 2000, 700 }, { 3, 3000, 2 }, { 700, 0, 700 },
		{ 64, 1, 64 }, { 1, 1000, 2 },
	};
	struct rng r = { 1 };
	unsigned int i, k;

	for (i = 0; i < 60; i++)
		for (k = 0; k < ARRAY_SIZE(habits); k++)
			CHECKED(one_domain(&r, &habits[k], i % 2 ? rng_below(&r, 900) : 0));
}

/* The last two runs that were left out are still answered, however long and however late. */
static void numbers__two_late_runs_come_still(void)
{
	struct rng r = { 2 };
	unsigned int i, k;
	u32 evicted = 0;

	for (i = 0; i < 20000; i++) {
		u64 at = 1, from[2], to[2];

		memset(&set, 0, sizeof(set));
		for (k = 0; k < 2; k++) {
			struct trk_record m = { .kind = TRK_KIND_RANGE, .conn = 1,
					      .domain = 1ULL << 32 };

			from[k] = at;
			to[k] = at + rng_below(&r, RNG_PICK(&r, 5, 600, TRK_MAX_CWND));
			m.m = to[k] + 1;
			m.n = to[k] + 1 + rng_below(&r, RNG_PICK(&r, 1, 100, 2000));
			CHECK_EQ(record_at(0, 0, &m, &evicted), TRK_OK);
			CHECK(m.a == m.m && m.b == m.n);
			at = m.n + 1;
		}
		for (k = 0; k < 4; k++) {
			unsigned int which = (k ^ i) & 1;
			struct trk_record m = { .kind = TRK_KIND_RANGE, .conn = 1,
					      .domain = 1ULL << 32,
					      .m = from[which], .n = to[which] };
			int err = record_at(0, 0, &m, &evicted);

			CHECK_EQ(err, k < 2 ? TRK_OK : TRK_DROP_REPLAY);
			if (!err)
				CHECK(m.a == from[which] && m.b == to[which]);
		}
	}
}

/* ---- many connections ---- */

#define CONNS	200
#define DOMAINS	4
#define FEW	64	/* numbers of a domain */

/* All that was ever answered, for each connection and its last domains. */
static struct conn {
	u64 domain[DOMAINS];
	u64 answered[DOMAINS];
	u32 executed[DOMAINS];
	u8 class[DOMAINS];	/* of the address that the domain's continuations are sealed to */
	u64 last_ms;
	u8 domains;
} conns[CONNS];

/* A domain of a connection is born; the oldest one that is held makes room. */
static void conn_reborn(struct conn *c, u64 order, u8 class)
{
	if (c->domains == DOMAINS) {
		memmove(c->domain, c->domain + 1, (DOMAINS - 1) * sizeof(c->domain[0]));
		memmove(c->answered, c->answered + 1, (DOMAINS - 1) * sizeof(c->answered[0]));
		memmove(c->executed, c->executed + 1, (DOMAINS - 1) * sizeof(c->executed[0]));
		memmove(c->class, c->class + 1, (DOMAINS - 1) * sizeof(c->class[0]));
		c->domains--;
	}
	c->domain[c->domains] = order << 32 | 1;
	c->answered[c->domains] = 0;
	c->executed[c->domains] = 0;
	c->class[c->domains] = class;
	c->domains++;
}

static void play_range(struct rng *r, struct conn *c, u64 ms, u32 *evicted, u64 *answered)
{
	unsigned int k = rng_below(r, c->domains);
	struct trk_record m = { .kind = TRK_KIND_RANGE, .conn = 1 + (u64)(c - conns),
			      .domain = c->domain[k] };
	u64 x;

	m.m = rng_in(r, 1, FEW - 1);
	m.n = rng_in(r, m.m, FEW - 1);
	if (record_at(ms, c->class[k], &m, evicted))
		return;
	for (x = m.a; x <= m.b; x++) {
		CHECK(!(c->answered[k] >> x & 1));
		c->answered[k] |= 1ULL << x;
		++*answered;
	}
}

/* A TIMEOUT of any domain is executed at most once, and may begin a new domain. */
static void play_timeout(struct rng *r, struct conn *c, u64 ms, u32 *evicted)
{
	unsigned int k = rng_below(r, c->domains);
	struct trk_record m = { .kind = TRK_KIND_TIMEOUT, .conn = 1 + (u64)(c - conns),
			      .domain = c->domain[k], .attempt = rng_in(r, 1, 15) };
	u8 class = c->class[k];

	/* From another address it is renewed only, and the new domain is sealed to that address. */
	if (!rng_below(r, 4)) {
		class = (u8)rng_below(r, 3);
		m.renew_only = class != c->class[k];
	}
	m.born = trk_seal_order_at(NOW + ms) | m.attempt;
	if ((s32)(m.born - trk_domain_order(m.domain)) <= 0 ||
	    record_at(ms, class, &m, evicted))
		return;
	if (!m.again && !m.renew_only) {
		CHECK(!(c->executed[k] >> m.attempt & 1));
		c->executed[k] |= 1u << m.attempt;
	}
	/* At times the answer never arrives. */
	if (rng_below(r, 3))
		conn_reborn(c, m.born, class);
}

static void play_first(struct rng *r, struct conn *c, u64 ms, u32 *evicted)
{
	struct trk_record m = { .kind = TRK_KIND_FIRST, .conn = 1 + (u64)(c - conns) };

	u8 class = (u8)rng_below(r, 3);

	m.born = trk_seal_order_at(NOW + ms);
	if (!record_at(ms, class, &m, evicted))
		conn_reborn(c, m.born, class);
}

/* There are three times as many connections as a set has ways, of three classes. */
static void many__nothing_is_answered_twice(void)
{
	struct rng r = { 3 };
	unsigned int run, i;
	u64 answered = 0, ms;
	u32 evicted = 0;

	for (run = 0; run < 20; run++) {
		memset(&set, 0, sizeof(set));
		memset(conns, 0, sizeof(conns));
		ms = 0;
		for (i = 0; i < 60000 && !tap_failed; i++) {
			struct conn *c = &conns[rng_below(&r, CONNS)];

			ms += rng_below(&r, 20);
			/* A continuation lives for one horizon, and the filter remembers two. */
			if (c->domains && ms - c->last_ms > LIFE_MS / 2)
				c->domains = 0;
			if (!c->domains) {
				if (ms - c->last_ms > LIFE_MS || !c->last_ms)
					play_first(&r, c, ms, &evicted);
				c->last_ms = max_t(u64, c->last_ms, 1);
				if (c->domains)
					c->last_ms = ms;
			} else if (rng_below(&r, 4)) {
				play_range(&r, c, ms, &evicted, &answered);
				c->last_ms = ms;
			} else {
				play_timeout(&r, c, ms, &evicted);
				c->last_ms = ms;
			}
		}
	}
	printf("# %u forgotten, %lu numbers answered\n", evicted, (unsigned long)answered);
	CHECK(evicted > 1000 && answered > 100000);
}

static const struct tap_case cases[] = {
	TAP_CASE(numbers__as_if_none_were_forgotten),
	TAP_CASE(numbers__two_late_runs_come_still),
	TAP_CASE(many__nothing_is_answered_twice),
};

int main(void)
{
	return tap_run(cases, ARRAY_SIZE(cases));
}
