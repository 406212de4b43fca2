// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Answered once.  A server keeps no connection, but it remembers for some time which requests it
 * has answered: otherwise a client that keeps a continuation could use it many times (paper §2.4).
 *
 * A connection is in one domain at a time.  The filter knows which numbers of this domain were
 * recorded.  If room is wanted, it forgets connections.  For each class of clients it then keeps
 * the order of the youngest domain that it has forgotten.  In a domain that is not younger, and of
 * which nothing is known, no RANGE request is answered, and a TIMEOUT request executes nothing.
 * So a client that was forgotten loses the time of a timeout, and nothing is answered twice.
 *
 * The class of a client follows from the prefix of its address.  In a full set the largest class
 * makes room, and in it the connection that was used longest ago.  So whoever opens very many
 * connections pushes out his own.
 *
 * Rules: protocol.rst, "Answered once".
 */
#include "once.h"
#include "reason.h"
#include "seal.h"

static_assert(TRK_ONCE_SPAN % 64 == 0, "whole words");
static_assert(TRK_ONCE_WAYS < 256, "a way is a byte");
static_assert(sizeof(struct trk_once_proven) == 128, "two cache lines");

/* ---- numbers of a domain ---- */

/* The lowest number that has a bit. */
static u64 low(const struct trk_once_proven *p)
{
	return p->top - TRK_ONCE_SPAN + 1;
}

static u64 word_from(const struct trk_once_proven *p, u32 i, bool answered)
{
	return (answered ? p->bits[i / 64] : ~p->bits[i / 64]) & ~0ULL << i % 64;
}

/*
 * The first number from @x on that was recorded, or, without @answered, was not; top + 1 if there
 * is none.  @x has a bit.
 */
static u64 find_bit(const struct trk_once_proven *p, u64 x, bool answered)
{
	u32 i = (u32)(x - low(p));

	while (i < TRK_ONCE_SPAN) {
		u64 word = word_from(p, i, answered);

		if (word)
			return low(p) + (i & ~63u) + (u32)__ffs64(word);
		i = (i | 63) + 1;
	}
	return p->top + 1;
}

/* The first number from @x on that does not count as recorded. */
static u64 next_open(const struct trk_once_proven *p, u64 x)
{
	unsigned int i;

	for (i = 0; i < TRK_ONCE_GAPS; i++)
		if (p->gap_len[i] && x < p->gap[i] + p->gap_len[i])
			return max_t(u64, x, p->gap[i]);
	x = max_t(u64, x, low(p));
	return x > p->top ? x : find_bit(p, x, false);
}

/* The first number behind the run, not recorded, that begins with @x; U64_MAX if it has no end. */
static u64 open_end(const struct trk_once_proven *p, u64 x)
{
	unsigned int i;

	for (i = 0; i < TRK_ONCE_GAPS; i++)
		if (p->gap_len[i] && x >= p->gap[i] && x < p->gap[i] + p->gap_len[i])
			x = p->gap[i] + p->gap_len[i];
	if (x < low(p))
		return x;
	if (x <= p->top)
		x = find_bit(p, x, true);
	return x > p->top ? U64_MAX : x;
}

/*
 * Numbers [@a, @end), above all gaps, lose their bits and were not recorded.  They are added to the
 * last gap if they touch it, else they become the last gap; if no gap is empty the first one is
 * given up: its numbers count as recorded from then on.
 */
static void leave_gap(struct trk_once_proven *p, u64 a, u64 end)
{
	unsigned int last = TRK_ONCE_GAPS - 1, i = 0;
	u64 len = end - a;

	if (p->gap_len[last] && p->gap[last] + p->gap_len[last] == a) {
		len += p->gap_len[last];
	} else {
		while (i < last && p->gap_len[i])
			i++;
		/* The first one that is empty goes, or if none is the first one. */
		if (p->gap_len[i])
			i = 0;
		memmove(p->gap + i, p->gap + i + 1, (last - i) * sizeof(p->gap[0]));
		memmove(p->gap_len + i, p->gap_len + i + 1, (last - i) * sizeof(p->gap_len[0]));
	}
	/* Of a gap that is too long for gap_len the lowest numbers are given up. */
	p->gap_len[last] = (u32)min_t(u64, len, U32_MAX);
	p->gap[last] = end - p->gap_len[last];
}

/*
 * Moves the bits up, so that the highest one is that of @top.  Numbers below @a that lose their
 * bits and were not recorded become gaps; those from @a on are about to be recorded.
 */
static void advance(struct trk_once_proven *p, u64 top, u64 a)
{
	u64 up = top - p->top, from = low(p), end = min_t(u64, from + up, a), stop;
	u32 words = (u32)min_t(u64, up / 64, ARRAY_SIZE(p->bits)), rest = up % 64, i;

	for (from = next_open(p, from); from < end; from = next_open(p, stop)) {
		stop = min_t(u64, open_end(p, from), end);
		leave_gap(p, from, stop);
	}
	for (i = 0; i < ARRAY_SIZE(p->bits); i++) {
		u64 word = i + words < ARRAY_SIZE(p->bits) ? p->bits[i + words] : 0;
		u64 above = i + words + 1 < ARRAY_SIZE(p->bits) ? p->bits[i + words + 1] : 0;

		p->bits[i] = rest ? word >> rest | above << (64 - rest) : word;
	}
	p->top = top;
}

/* Takes [@a, @b] out of the gaps.  If that cuts a gap in two, the lower part is given up. */
static void close_gaps(struct trk_once_proven *p, u64 a, u64 b)
{
	unsigned int i;

	for (i = 0; i < TRK_ONCE_GAPS; i++) {
		u64 end = p->gap[i] + p->gap_len[i];

		if (!p->gap_len[i] || a >= end || b < p->gap[i])
			continue;
		if (b + 1 < end) {
			p->gap[i] = b + 1;
			p->gap_len[i] = (u32)(end - p->gap[i]);
		} else {
			p->gap_len[i] = a > p->gap[i] ? (u32)(a - p->gap[i]) : 0;
		}
	}
}

/* Records [@a, @b], of which nothing was recorded. */
static void set_answered(struct trk_once_proven *p, u64 a, u64 b)
{
	u32 i, last;

	if (b > p->top)
		advance(p, b, a);
	close_gaps(p, a, b);
	if (b < low(p))
		return;
	last = (u32)(b - low(p));
	for (i = a > low(p) ? (u32)(a - low(p)) : 0; i <= last; i = (i | 63) + 1)
		p->bits[i / 64] |= ~0ULL << i % 64 &
				   (i / 64 < last / 64 ? ~0ULL : ~0ULL >> (63 - last % 64));
}

/* All numbers are kept with this added, so that the lowest one with a bit is not below 0. */
#define BIAS	TRK_ONCE_SPAN

static void domain_enter(struct trk_once_proven *p, const struct trk_record *m)
{
	p->domain = m->domain;
	p->top = m->floor + BIAS;
	memset(p->bits, 0xff, sizeof(p->bits));
	memset(p->gap_len, 0, sizeof(p->gap_len));
}

/* ---- who is known ---- */

/* Is an order so far ahead of the clock that it is very old, or that the clock was set back? */
static bool astray(const struct trk_once_now *now, u32 order)
{
	return (s32)(order - now->order) > (s32)now->ahead;
}

/* Is a domain of order @a younger than one of order @b? */
static bool younger(const struct trk_once_now *now, u32 a, u32 b)
{
	if (astray(now, a) != astray(now, b))
		return astray(now, b);
	return (s32)(a - b) > 0;
}

/* The latest order of a domain that was forgotten for this class, 0 for none. */
static u32 forgotten(struct trk_once_ways *w, const struct trk_once_now *now, u8 class)
{
	u32 *f = &w->forgotten[class];

	if (*f && astray(now, *f))
		*f = now->order ?: 1;
	return *f;
}

static void forget(struct trk_once_ways *w, const struct trk_once_now *now, u8 class, u32 order)
{
	u32 before = forgotten(w, now, class);

	if (astray(now, order))
		order = now->order;
	if (!before || (s32)(order - before) > 0)
		w->forgotten[class] = order ?: 1;
}

/*
 * The order from which on no domain was forgotten; 0 if none was at all.  @a and @b are the latest
 * orders that were forgotten, 0 for none.
 */
static u32 known_from(u32 a, u32 b)
{
	u32 latest = !b || (a && (s32)(a - b) > 0) ? a : b;

	return latest ? latest + 1 ?: 1 : 0;
}

static u32 all_known_from(struct trk_once_set *s, const struct trk_once_now *now, u8 class)
{
	return known_from(forgotten(&s->proven, now, class), forgotten(&s->guests, now, class));
}

/*
 * c->known holds for the class in which the connection is held; @held is 1 + that class.  For a
 * request from another class, since an address may change, it is what holds for all of that class.
 */
static void follow(struct trk_once_set *s, const struct trk_once_now *now, struct trk_once_conn *c,
		   u8 held, u8 class)
{
	if (held != class + 1)
		c->known = all_known_from(s, now, class);
}

static bool is_known(const struct trk_once_now *now, u32 from, u32 order)
{
	return !from || (!astray(now, order) && (s32)(order - from) >= 0);
}

static int find(const struct trk_once_ways *w, const void *conns, size_t size, u8 hash, u64 conn)
{
	u8 i;

	for (i = w->first[hash % TRK_ONCE_WAYS]; i; i = w->next[i - 1]) {
		const struct trk_once_conn *c = conns + (i - 1) * size;

		if (c->conn == conn)
			return i - 1;
	}
	return -1;
}

static struct trk_once_proven *find_proven(struct trk_once_set *s, u8 hash, u64 conn)
{
	int i = find(&s->proven, s->p, sizeof(s->p[0]), hash, conn);

	return i < 0 ? NULL : &s->p[i];
}

static struct trk_once_conn *find_guest(struct trk_once_set *s, u8 hash, u64 conn)
{
	int i = find(&s->guests, s->g, sizeof(s->g[0]), hash, conn);

	return i < 0 ? NULL : &s->g[i];
}

static void leave(struct trk_once_ways *w, unsigned int way)
{
	u8 *at = &w->first[w->chain[way]];

	while (*at != way + 1)
		at = &w->next[*at - 1];
	*at = w->next[way];
	w->class[way] = 0;
}

/*
 * A way that is free, or whose connection is to make room: one whose life is over, else the one of
 * the largest class that was used longest ago.
 */
static unsigned int choose(const struct trk_once_ways *w, const struct trk_once_now *now, u8 class)
{
	unsigned int i, best = 0, best_size = 0;
	u8 size[TRK_ONCE_CLASSES] = { 0 };
	u32 best_age = 0;

	size[class] = 1;
	for (i = 0; i < TRK_ONCE_WAYS; i++) {
		if (!w->class[i])
			return i;
		size[w->class[i] - 1]++;
	}
	for (i = 0; i < TRK_ONCE_WAYS; i++) {
		u32 age = now->tick - w->touched[i];
		unsigned int n = age > now->life ? 255 : size[w->class[i] - 1];

		if (n > best_size || (n == best_size && age > best_age)) {
			best = i;
			best_size = n;
			best_age = age;
		}
	}
	return best;
}

static void enter_way(struct trk_once_ways *w, const struct trk_once_now *now, unsigned int way,
		      u8 hash, u8 class)
{
	w->chain[way] = hash % TRK_ONCE_WAYS;
	w->class[way] = class + 1;
	w->touched[way] = now->tick;
	w->next[way] = w->first[w->chain[way]];
	w->first[w->chain[way]] = (u8)(way + 1);
}

/*
 * Takes a connection out of a way; true if its life was not over.  @order is that of the domain of
 * a proven connection, or 0.
 */
static bool vacate(struct trk_once_ways *w, const struct trk_once_now *now, unsigned int way,
		   u32 order, const struct trk_once_conn *c)
{
	u8 class = w->class[way] - 1;
	bool early = now->tick - w->touched[way] <= now->life;

	if (early && order)
		forget(w, now, class, order);
	if (early && c->attempts)
		forget(w, now, class, c->timeouts);
	leave(w, way);
	return early;
}

static struct trk_once_conn *new_guest(struct trk_once_set *s, const struct trk_once_now *now,
				       u8 hash, u8 class, u64 conn, u32 *evicted)
{
	unsigned int way = choose(&s->guests, now, class);
	struct trk_once_conn *c = &s->g[way];

	if (s->guests.class[way])
		*evicted += vacate(&s->guests, now, way, 0, c);
	enter_way(&s->guests, now, way, hash, class);
	memset(c, 0, sizeof(*c));
	c->conn = conn;
	c->known = all_known_from(s, now, class);
	return c;
}

/* Gives a connection a way of the proven ones, and takes it out of the guests if it was one. */
static struct trk_once_proven *new_proven(struct trk_once_set *s, const struct trk_once_now *now,
					  u8 hash, u8 class, u64 conn, u32 *evicted)
{
	struct trk_once_conn *guest = find_guest(s, hash, conn), c = { .conn = conn };
	struct trk_once_proven *p;
	unsigned int way;

	if (guest) {
		u8 held = s->guests.class[guest - s->g];

		c = *guest;
		follow(s, now, &c, held, class);
		if (held != class + 1 && c.attempts)
			forget(&s->guests, now, held - 1, c.timeouts);
		leave(&s->guests, (unsigned int)(guest - s->g));
	} else {
		c.known = all_known_from(s, now, class);
	}
	way = choose(&s->proven, now, class);
	p = &s->p[way];
	if (s->proven.class[way])
		*evicted += vacate(&s->proven, now, way, trk_domain_order(p->domain), &p->c);
	enter_way(&s->proven, now, way, hash, class);
	p->c = c;
	return p;
}

/* ---- records ---- */

static int record_first(struct trk_once_set *s, const struct trk_once_now *now, u8 hash, u8 class,
			struct trk_record *m, u32 *evicted)
{
	struct trk_once_conn *c = find_guest(s, hash, m->conn);
	u16 bit = (u16)(1u << m->attempt);

	/* A connection that has proved that it receives needs no FIRST request any more. */
	if (find_proven(s, hash, m->conn))
		return TRK_DROP_REPLAY;
	if (!c)
		c = new_guest(s, now, hash, class, m->conn, evicted);
	if (c->firsts & bit)
		return TRK_DROP_REPLAY;
	c->firsts |= bit;
	if (!c->born || younger(now, m->born, c->born))
		c->born = m->born;
	return TRK_OK;
}

/* May a TIMEOUT request have been executed before? */
static bool executed(const struct trk_once_now *now, const struct trk_once_conn *c, u32 known,
		     const struct trk_once_proven *p, const struct trk_record *m)
{
	u32 order = trk_domain_order(m->domain);

	/* The connection has left that domain. */
	if (p && p->domain != m->domain && !younger(now, order, trk_domain_order(p->domain)))
		return true;
	if (!c->attempts || younger(now, order, c->timeouts))
		return !is_known(now, known, order);
	return order != c->timeouts || c->attempts >> m->attempt & 1;
}

static int record_timeout(struct trk_once_set *s, const struct trk_once_now *now, u8 hash, u8 class,
			  struct trk_record *m, u32 *evicted)
{
	struct trk_once_proven *p = find_proven(s, hash, m->conn);
	struct trk_once_conn *c = p ? &p->c : find_guest(s, hash, m->conn);
	struct trk_once_ways *w = p ? &s->proven : &s->guests;
	u32 order = trk_domain_order(m->domain);
	struct trk_once_conn here;
	u8 held;

	/* Each domain of a connection is younger than those before, or the request is a replay. */
	if (c && c->born && !younger(now, m->born, c->born))
		return TRK_DROP_REPLAY;
	if (!c)
		c = new_guest(s, now, hash, class, m->conn, evicted);
	c->born = m->born;
	if (m->renew_only)
		return TRK_OK;
	held = w->class[p ? p - s->p : c - s->g];
	here = *c;
	follow(s, now, &here, held, class);
	m->again = executed(now, c, here.known, p, m);
	if (m->again)
		return TRK_OK;
	/*
	 * When the connection is forgotten, that will be noted for the class in which it is held.
	 * The request came from another class, for which it is noted now.
	 */
	if (held != class + 1)
		forget(w, now, class, order);
	if (!c->attempts || order != c->timeouts)
		c->attempts = 0;
	c->timeouts = order;
	c->attempts |= (u16)(1u << m->attempt);
	return TRK_OK;
}

static int record_range(struct trk_once_set *s, const struct trk_once_now *now, u8 hash, u8 class,
			struct trk_record *m, u32 *evicted)
{
	struct trk_once_proven *p = find_proven(s, hash, m->conn);
	u32 order = trk_domain_order(m->domain);
	u64 a, b;

	if (!p) {
		const struct trk_once_conn *c = find_guest(s, hash, m->conn);
		u32 from = known_from(forgotten(&s->proven, now, class), 0);

		bool known = is_known(now, from, order);

		/* Either shows that no recorded RANGE request of this domain was forgotten. */
		if (c && s->guests.class[c - s->g] == class + 1)
			known |= is_known(now, c->known, order);
		if (!known)
			return TRK_DROP_FORGOTTEN;
		p = new_proven(s, now, hash, class, m->conn, evicted);
		domain_enter(p, m);
	} else if (p->domain != m->domain) {
		u8 *at = &s->proven.class[p - s->p];

		/* A client that went on in two domains would have two windows. */
		if (!younger(now, order, trk_domain_order(p->domain)))
			return TRK_DROP_DOMAIN;
		if (*at != class + 1) {
			u32 from = known_from(forgotten(&s->proven, now, class), 0);

			/* It must be known for the new class, or have just been born. */
			if (order != p->c.born && !is_known(now, from, order))
				return TRK_DROP_FORGOTTEN;
			/*
			 * When the connection is forgotten, that will be noted for the new class.
			 * For the old one it is noted now.
			 */
			forget(&s->proven, now, *at - 1, trk_domain_order(p->domain));
			if (p->c.attempts)
				forget(&s->proven, now, *at - 1, p->c.timeouts);
			follow(s, now, &p->c, *at, class);
			*at = class + 1;
		}
		domain_enter(p, m);
	}
	a = next_open(p, m->m + BIAS);
	if (a > m->n + BIAS)
		return TRK_DROP_REPLAY;
	b = min_t(u64, m->n + BIAS, open_end(p, a) - 1);
	set_answered(p, a, b);
	m->a = a - BIAS;
	m->b = b - BIAS;
	return TRK_OK;
}

/**
 * trk_once_record - record a request
 * @s: the set of the connection, which follows from its id
 * @now: the time
 * @hash: a hash of the connection id, other than the one that led to @s
 * @class: below TRK_ONCE_CLASSES: a keyed hash of the prefix of the client's address
 * @m: the request; what is to be returned is filled in
 * @evicted: raised by the number of connections that had to be forgotten
 *
 * Work: a few walks over the ways of a set.
 *
 * Context: any; the caller holds a lock of the set.
 * Return: 0; TRK_DROP_REPLAY: the request was answered; TRK_DROP_DOMAIN: the connection has left
 * this domain; TRK_DROP_FORGOTTEN: it is not known whether the request was answered.
 */
int trk_once_record(struct trk_once_set *s, const struct trk_once_now *now, u8 hash, u8 class,
		    struct trk_record *m, u32 *evicted)
{
	struct trk_once_conn *c = find_guest(s, hash, m->conn);
	struct trk_once_proven *p = find_proven(s, hash, m->conn);

	m->again = false;
	if (p)
		s->proven.touched[p - s->p] = now->tick;
	else if (c)
		s->guests.touched[c - s->g] = now->tick;
	switch (m->kind) {
	case TRK_KIND_FIRST:
		return record_first(s, now, hash, class, m, evicted);
	case TRK_KIND_TIMEOUT:
		return record_timeout(s, now, hash, class, m, evicted);
	default:
		return record_range(s, now, hash, class, m, evicted);
	}
}
