// SPDX-License-Identifier: GPL-2.0
/*
 * The replay filter: it records requests of a few connections of two classes, and of so many others
 * that it forgets some, in any order and at any time.  No number of a domain is answered twice, and
 * no TIMEOUT is executed twice.  As long as nothing is forgotten, no FIRST is answered twice.
 */
#include "core/once.h"
#include "core/reason.h"
#include "core/seal.h"
#include "core/server.h"
#include "core/wire.h"
#include "fuzz.h"

#define NOW		1700000000000ULL
#define SKEW		500
#define LIFE		100000
#define CONNS		4
#define DOMAINS		6
#define NUMBERS		2048	/* how many numbers of a domain are looked at */

static struct trk_once_set set;
static u64 now_ms;
static u32 evicted;

static struct conn {
	struct domain {
		u64 id;
		u8 class;
		u32 executed;
		u8 answered[NUMBERS / 8];
	} d[DOMAINS];
	unsigned int domains;
	u32 firsts;
} conns[CONNS];

static int record(u8 hash, u8 class, struct trk_record *m)
{
	const struct trk_once_now now = { .order = trk_seal_order_at(now_ms),
					  .ahead = trk_server_ahead(SKEW),
					  .tick = (u32)now_ms, .life = LIFE };

	return trk_once_record(&set, &now, hash, class, m, &evicted);
}

static void born(struct conn *c, u32 order, u8 class)
{
	struct domain *d;

	if (c->domains == DOMAINS)
		return;
	d = &c->d[c->domains++];
	memset(d, 0, sizeof(*d));
	d->id = (u64)order << 32 | c->domains;
	d->class = class;
}

static void first(struct bytes *b, struct conn *c)
{
	struct trk_record m = { .kind = TRK_KIND_FIRST, .conn = c - conns,
			      .attempt = take(b, 1) % 16 };

	m.born = trk_seal_order_at(now_ms) | m.attempt;
	if (record((u8)m.conn, 0, &m))
		return;
	MUST(evicted || !(c->firsts >> m.attempt & 1));
	c->firsts |= 1u << m.attempt;
	born(c, m.born, 0);
}

static void timeout(struct bytes *b, struct conn *c, struct domain *d)
{
	struct trk_record m = { .kind = TRK_KIND_TIMEOUT, .conn = c - conns, .domain = d->id,
			      .attempt = 1 + take(b, 1) % 15 };
	u8 class = take(b, 1) & 1;

	/* From another address it is renewed only. */
	m.renew_only = class != d->class;
	m.born = trk_seal_order_at(now_ms) | m.attempt;
	if ((s32)(m.born - trk_domain_order(d->id)) <= 0 || record((u8)m.conn, class, &m))
		return;
	if (!m.renew_only && !m.again) {
		MUST(!(d->executed >> m.attempt & 1));
		d->executed |= 1u << m.attempt;
	}
	born(c, m.born, class);
}

static void range(struct bytes *b, struct conn *c, struct domain *d)
{
	u64 base = 1ULL << 40, m0 = take_any(b, 10), n = m0 + take_any(b, 9), x;
	struct trk_record m = { .kind = TRK_KIND_RANGE, .conn = c - conns, .domain = d->id,
			      .m = base + m0, .n = base + n };

	m.floor = m.m - 1 - take_any(b, 9);
	if (record((u8)m.conn, d->class, &m))
		return;
	MUST(m.m <= m.a && m.a <= m.b && m.b <= m.n);
	for (x = m.a - base; x <= m.b - base; x++) {
		MUST(!(d->answered[x / 8] >> x % 8 & 1));
		d->answered[x / 8] |= 1u << x % 8;
	}
}

/* Opens other connections of a class; some of them have the same hash. */
static void others(struct bytes *b)
{
	static u64 id = 1ULL << 32;
	unsigned int n = take(b, 1) % 80;
	u8 class = take(b, 1) % 3;

	while (n--) {
		struct trk_record m = { .kind = TRK_KIND_FIRST, .conn = id++,
				      .born = trk_seal_order_at(now_ms) };

		record((u8)id, class, &m);
		m.kind = class == 2 ? TRK_KIND_TIMEOUT : TRK_KIND_RANGE;
		m.domain = (u64)trk_seal_order_at(now_ms) << 32;
		m.attempt = 1;
		m.born |= 1;
		m.m = 1;
		m.n = 1;
		record((u8)(id - 1), class, &m);
		now_ms += TRK_BORN_UNIT_MS;
	}
}

int fuzz_target(const uint8_t *data, size_t size)
{
	struct bytes b = { data, size };

	memset(&set, 0, sizeof(set));
	memset(conns, 0, sizeof(conns));
	now_ms = NOW;
	evicted = 0;
	while (b.left) {
		unsigned int what = take(&b, 1);
		struct conn *c = &conns[what / 8 % CONNS];
		struct domain *d = c->domains ? &c->d[take(&b, 1) % c->domains] : NULL;

		/* Time ends at one horizon, since no request can be older. */
		if (now_ms - NOW < LIFE / 2)
			now_ms += take_any(&b, 10);
		switch (what % 8) {
		case 0:
			first(&b, c);
			break;
		case 1:
			if (now_ms - NOW < LIFE / 2)
				others(&b);
			break;
		case 2:
		case 3:
			if (d)
				timeout(&b, c, d);
			break;
		default:
			if (d)
				range(&b, c, d);
		}
	}
	return 0;
}
