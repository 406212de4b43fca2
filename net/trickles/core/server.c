// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * One request, from the seal to the grant (paper §2.2 to §2.5).  Rules: protocol.rst,
 * "Handshake", "Requests", "Continuations that are renewed", "Another address".
 */
#include "server.h"
#include "limits.h"
#include "nonce.h"
#include "reason.h"

/*
 * Wall clocks of replicas differ, so a continuation may seem to come from the
 * future by twice the skew.
 */
static bool is_fresh(const struct trk_server_env *env, u64 made_ms)
{
	if (made_ms > env->now_ms)
		return made_ms - env->now_ms <= 2ULL * env->skew_ms;
	return env->now_ms - made_ms <= env->horizon_ms;
}

/**
 * trk_server_syn_cookie - the ISN for the answer to a SYN
 * @env: keys and clock
 * @peer: client and service
 * @client_isn: sequence number of the SYN
 *
 * Within a period all replicas with this key give the same answer to a repeated SYN.
 *
 * Return: the cookie.
 */
u32 trk_server_syn_cookie(const struct trk_server_env *env, const struct trk_peer *peer,
			  u32 client_isn)
{
	return trk_seal_cookie(env->current_key, peer, client_isn,
			       env->now_ms / TRK_COOKIE_PERIOD_MS);
}

/* Records a request if the server records any. */
static int record_answered(const struct trk_server_env *env, const struct trk_peer *peer,
			   struct trk_record *m)
{
	return env->record ? env->record(env->arg, peer, m) : TRK_OK;
}

/**
 * trk_server_ahead - how far ahead of the clock a domain can have been born
 * @skew_ms: as in struct trk_server_env
 *
 * A domain that is not too_early() may be a parent.  Three units are added: for rounding, for the
 * child, which is a unit later, and for the child's attempt.
 *
 * Return: the distance in the order of domains.
 */
u32 trk_server_ahead(u32 skew_ms)
{
	return trk_seal_order_at(2ULL * skew_ms + TRK_BORN_AHEAD_MS + 3 * TRK_BORN_UNIT_MS);
}

/*
 * Is a domain born further ahead of the clock than the timers of a client can bring it?  One that
 * seems to be more than TRK_BORN_AHEAD_MAX ahead is old, since orders wrap.
 */
static bool too_early(const struct trk_server_env *env, u64 domain)
{
	u32 latest = trk_seal_order_at(env->now_ms + 2ULL * env->skew_ms + TRK_BORN_AHEAD_MS);
	s32 ahead = (s32)(trk_domain_order(domain) - latest);

	return ahead > 0 && ahead < TRK_BORN_AHEAD_MAX;
}

/*
 * Is a key retired?  Then it still opens user continuations, and makes and proves nonces, but a
 * transport continuation under it is only renewed (protocol.rst, "Keys that change").
 */
static bool retired(const struct trk_server_env *env, const struct trk_cipher *cipher)
{
	return cipher != env->current_key && cipher != env->previous_key;
}

/* The period of a cookie that @key made, 0 if it did not. */
static u64 cookie_period(const struct trk_server_env *env, const struct trk_cipher *key,
			 const struct trk_peer *peer, u32 client_isn, u32 cookie)
{
	/* A replica whose clock is ahead may have begun the next period. */
	u64 period = (env->now_ms + 2ULL * env->skew_ms) / TRK_COOKIE_PERIOD_MS;
	u64 oldest = env->now_ms / TRK_COOKIE_PERIOD_MS - 1;

	for (; period >= oldest; period--)
		if (cookie == trk_seal_cookie(key, peer, client_isn, period))
			return period;
	return 0;
}

/*
 * What the client asks for, as far as the path carries it, but not less than the continuations of
 * the request need.
 */
static u16 seg_size(const struct trk_server_env *env, const struct trk_req *q)
{
	u16 most = env->path_seg_size ? env->path_seg_size(env) : env->max_seg_size;
	u16 ucont = max_t(u16, q->output.len, q->input.len);

	if (ucont)
		most = max_t(u16, most, trk_ucont_least(ucont - TRK_UCONT_HDR));
	return min_t(u16, min_t(u16, q->seg_size, most), TRK_MAX_SEG_SIZE);
}

/* The connection that a first request begins, if its cookie is ours. */
static int open_first(const struct trk_server_env *env, const struct trk_peer *peer,
		      const struct trk_req *q, u32 seq, u32 ack, struct trk_cont *c)
{
	const struct trk_cipher *key = env->current_key;
	u64 period = cookie_period(env, key, peer, seq - 1, ack - 1);

	if (!period && env->previous_key) {
		key = env->previous_key;
		period = cookie_period(env, key, peer, seq - 1, ack - 1);
	}
	if (!period)
		return TRK_DROP_COOKIE;
	if (q->attempt > TRK_MAX_ATTEMPTS)
		return TRK_DROP_ATTEMPT;
	if (q->seg_size < TRK_MIN_SEG_SIZE || q->nclaims)
		return TRK_DROP_RANGE;
	c->seg_size = seg_size(env, q);
	c->conn = trk_seal_conn_id(key, peer, seq - 1, period);
	return TRK_OK;
}

static int step_first(const struct trk_server_env *env, const struct trk_peer *peer, u8 attempt,
		      struct trk_grant *g)
{
	struct trk_cont *c = &g->cont;
	struct trk_record record = { .kind = TRK_KIND_FIRST, .attempt = attempt, .conn = c->conn };
	int err;

	c->domain = trk_seal_domain(env->current_key, c->conn, 0, env->now_ms, 0, attempt, 0);
	record.born = trk_domain_order(c->domain);
	err = record_answered(env, peer, &record);
	if (err)
		return err;
	c->domain_key = env->current_key->key_id;
	c->key_id = c->domain_key;
	c->iw = TRK_INITIAL_WINDOW;
	c->time_ms = env->now_ms;
	c->base = 0;
	g->first = 1;
	/* A repetition means a loss: the window is that after a timeout (RFC 5681 §3.1). */
	if (attempt) {
		trk_law_init(&c->law, 0, 1, max_t(u32, c->iw / 2, TRK_MIN_CWND), 0);
		g->count = 1;
	} else {
		trk_law_init(&c->law, 0, c->iw, TRK_SSTHRESH_INF, 0);
		g->count = c->iw;
	}
	g->mint = TRK_MINT_ALL;
	return TRK_OK;
}

static int read_claims(const struct trk_req *q, u64 base, struct trk_claims *claims)
{
	unsigned int i;

	claims->n = trk_num_above(base, q->n);
	claims->count = q->nclaims;
	/* With a higher n the answer could seal numbers that trk_law_possible() refuses. */
	if (claims->n > TRK_MAX_NUMBER - 2 * TRK_MAX_CWND)
		return TRK_DROP_RANGE;
	for (i = 0; i < q->nclaims; i++) {
		claims->c[i].a = trk_num_above(base, q->claim[i].a);
		claims->c[i].b = claims->c[i].a + q->claim[i].len - 1;
		claims->c[i].kind = q->claim[i].kind;
	}
	return trk_law_claims_check(claims, base);
}

/*
 * Walks on up to number @to.  [@first, @last] is what the numbers of this part of the walk issue;
 * nothing if first > last.  False if the claims call @to lost, since a number above it issues its
 * share then, or if they are impossible.
 */
static bool walk_to(struct trk_walk *w, u64 to, u64 *first, u64 *last)
{
	struct trk_step s;

	*first = 1;
	*last = 0;
	w->split = to + 1;
	while (w->next <= to && trk_law_walk_next(w, &s) && s.a <= to) {
		if (s.first > s.last)
			continue;
		if (*first > *last)
			*first = s.first;
		*last = s.last;
	}
	return w->next == to + 1;
}

/*
 * A RANGE request is the union of requests that report one number each (protocol.rst, "The law of
 * the window").  A number that arrived was issued, so the run that is reported is never longer than
 * a window.  That bounds what one request is granted, and what has to be remembered of it.
 */
static int step_range(const struct trk_server_env *env, const struct trk_peer *peer,
		      const struct trk_claims *claims, u64 m, bool renew, struct trk_grant *g,
		      u32 *skipped)
{
	struct trk_record record = { .kind = TRK_KIND_RANGE, .m = m, .n = claims->n, .a = m,
				 .b = claims->n };
	struct trk_cont *c = &g->cont;
	u64 first, last, highest, late;
	struct trk_walk w, begin;
	struct trk_law law;
	int err;

	trk_law_walk_init(&w, &c->law, c->base, claims, 0, false);
	if (!walk_to(&w, m - 1, &first, &last))
		return w.impossible ? TRK_DROP_CLAIMS : TRK_DROP_RANGE;
	law = w.law;
	trk_law_settle(&law, m - 1);
	highest = trk_law_highest(&law, m - 1);
	if (claims->n > highest)
		return TRK_DROP_RANGE;
	begin = w;
	walk_to(&w, claims->n, &first, &last);
	if (w.impossible)
		return TRK_DROP_CLAIMS;
	if (first <= last) {
		late = TRK_LATE_WINDOWS * (highest - (m - 1));
		record.conn = c->conn;
		record.domain = c->domain;
		record.floor = max_t(u64, c->base, m - 1 - min_t(u64, m - 1, late));
		err = record_answered(env, peer, &record);
		if (err)
			return err;
	}
	if (record.a != m || record.b != claims->n) {
		/* The first run that is not recorded is answered, with the bytes of its numbers. */
		if (!walk_to(&begin, record.a - 1, &first, &last))
			return TRK_DROP_REPLAY;
		*skipped = (u32)(last + 1 - first);
		walk_to(&begin, record.b, &first, &last);
		if (first > last)
			return TRK_DROP_REPLAY;
	}
	if (first <= last) {
		g->first = first;
		g->count = (u32)(last - first + 1);
	}
	/* The client need not ask when its continuation is old, or of another key. */
	if (renew || c->key_id != env->current_key->key_id ||
	    (env->now_ms > c->time_ms && env->now_ms - c->time_ms > env->horizon_ms / 2)) {
		c->law = w.law;
		c->base = claims->n;
		c->time_ms = env->now_ms;
		g->mint = TRK_MINT_FIRST;
	}
	return TRK_OK;
}

/* Makes the answer a new continuation and nothing else. */
static void only_renew(struct trk_grant *g)
{
	g->renew_only = true;
	g->grow = false;
	g->paid = 0;
	g->final_input = false;
	g->has_output = false;
	g->has_input_cont = false;
	g->has_input = false;
	g->input_len = 0;
	g->nask = 0;
}

/*
 * Grants one number in a new domain, above all that can have been issued.  Window and ssthresh are
 * those of RFC 5681 §3.1; repetitions do not lower them further.  The number stands where it
 * would with the segment size of @before, so that sequence numbers have no gap.
 */
static int step_timeout(const struct trk_server_env *env, const struct trk_peer *peer,
			const struct trk_claims *claims, u8 attempt, u16 before,
			struct trk_grant *g)
{
	struct trk_cont *c = &g->cont;
	struct trk_record record = { .kind = TRK_KIND_TIMEOUT, .attempt = attempt,
				     .renew_only = g->renew_only, .conn = c->conn,
				     .domain = c->domain };
	struct trk_step s;
	struct trk_walk w;
	u64 highest, domain;
	u32 half;
	int err;

	if (!attempt || attempt > TRK_MAX_ATTEMPTS)
		return TRK_DROP_ATTEMPT;
	/* A domain of the future would keep out all later ones, since each must be younger. */
	if (too_early(env, c->domain) && is_fresh(env, c->time_ms))
		return TRK_DROP_ATTEMPT;
	trk_law_walk_init(&w, &c->law, c->base, claims, 0, false);
	while (trk_law_walk_next(&w, &s))
		;
	if (w.impossible)
		return TRK_DROP_CLAIMS;
	trk_law_settle(&w.law, claims->n);
	highest = trk_law_highest(&w.law, claims->n);
	domain = trk_seal_domain(env->current_key, c->conn, c->domain, env->now_ms,
				 trk_server_ahead(env->skew_ms), attempt, highest);
	record.born = trk_domain_order(domain);
	err = record_answered(env, peer, &record);
	if (err)
		return err;
	/*
	 * Kind and attempt are not sealed, so whoever kept a request of the client may have used
	 * this attempt up.  Nothing is executed a second time, but the client can begin anew.
	 */
	if (record.again)
		only_renew(g);
	half = w.law.first_loss ? w.law.new_cwnd : trk_law_window(&w.law, claims->n) / 2;
	/* The path still carries as many bytes. */
	half = min_t(u32, half * before / c->seg_size, TRK_MAX_CWND);
	half = max_t(u32, half, TRK_MIN_CWND);
	trk_law_init(&c->law, highest, 1, half, 0);
	c->base = highest;
	c->domain = domain;
	c->domain_key = env->current_key->key_id;
	c->time_ms = env->now_ms;
	g->first = highest + 1;
	g->count = 1;
	g->mint = TRK_MINT_ALL;
	g->seq0 += (u32)highest * ((u32)before - c->seg_size);
	return TRK_OK;
}

/*
 * Opens the continuation of a request.  A client whose address has changed, or was changed by a
 * NAT, says which one it had.  That the new one is its own is known once it proves what was sent
 * there (protocol.rst, "Another address").
 */
static int open_cont(const struct trk_server_env *env, const struct trk_peer *peer,
		     const struct trk_req *q, struct trk_grant *g)
{
	const struct trk_cipher *cipher = env->cipher(env->arg, trk_seal_cont_key_id(q->cont.p));
	struct trk_peer before = *peer;
	u8 addr[TRK_ADDR_MAX];
	int err;

	if (!cipher)
		return TRK_DROP_KEY;
	err = trk_seal_cont_open(cipher, peer, q->cont.p, &g->cont);
	/* Both have the same length, so that the answer, which has the new one, is not longer. */
	if (err != TRK_DROP_MAC || q->kind != TRK_KIND_TIMEOUT ||
	    q->addr.len != trk_seal_peer_write(peer, addr))
		return err;
	trk_seal_peer_read(&before, q->addr);
	err = trk_seal_cont_open(cipher, &before, q->cont.p, &g->cont);
	if (!err && !env->moves)
		return TRK_DROP_MOVED;
	g->moved = true;
	return err;
}

/* The connection that a request continues, if its seal is ours and its proof is right. */
static int open_continued(const struct trk_server_env *env, const struct trk_peer *peer,
			  const struct trk_req *q, struct trk_grant *g, struct trk_claims *claims)
{
	const struct trk_cipher *cipher;
	struct trk_cont *c = &g->cont;
	bool old;
	u64 m;
	int err;

	err = open_cont(env, peer, q, g);
	if (err)
		return err;
	/*
	 * Records of so old a request may be gone, or the clock was set back, here or at a replica.
	 * A TIMEOUT request can still begin anew.
	 */
	old = !is_fresh(env, c->time_ms);
	if (old && q->kind != TRK_KIND_TIMEOUT)
		return TRK_DROP_EXPIRED;
	if (retired(env, env->cipher(env->arg, c->key_id))) {
		if (q->kind != TRK_KIND_TIMEOUT)
			return TRK_DROP_KEY;
		old = true;
	}
	g->renew_only = old || g->moved;
	if (q->kind == TRK_KIND_CLOSE)
		return TRK_OK;

	m = trk_num_above(c->base, q->m);
	err = read_claims(q, c->base, claims);
	if (err)
		return err;
	if (q->kind == TRK_KIND_RANGE && (m <= c->base || m > claims->n))
		return TRK_DROP_RANGE;
	cipher = env->cipher(env->arg, c->domain_key);
	if (!cipher)
		return TRK_DROP_KEY;
	if (trk_nonce_proof(cipher, c->conn, c->domain, c->base, claims) != q->proof)
		return TRK_DROP_PROOF;
	return TRK_OK;
}

static int open_ucont(const struct trk_server_env *env, const struct trk_peer *peer, u64 conn,
		      enum trk_ext which, struct trk_blob blob, struct trk_ucont *u)
{
	const struct trk_cipher *cipher;
	int err = trk_wire_ucont_parse(u, blob);

	if (err)
		return err;
	cipher = env->cipher(env->arg, u->key_id);
	if (!cipher)
		return TRK_DROP_KEY;
	return trk_seal_ucont_open(cipher, peer, conn, which, blob, u);
}

/*
 * Takes out of the asked ranges the first @pieces pieces, which belong to numbers that were issued
 * before.  At least one range remains, be it empty.
 */
static void skip_pieces(struct trk_grant *g, u32 pieces)
{
	struct trk_bytes *b = g->ask;

	while (pieces && g->nask) {
		u64 most = g->first_piece + (u64)(pieces - 1) * trk_grant_piece(g);
		u32 len = (u32)min_t(u64, b->len, most);

		pieces -= trk_pieces(len, g->first_piece, trk_grant_piece(g));
		g->first_piece = trk_grant_piece(g);
		b->off += len;
		b->len -= len;
		if (b->len || g->nask == 1)
			return;
		g->nask--;
		memmove(b, b + 1, g->nask * sizeof(*b));
	}
}

/*
 * How large are the packets from now on, and how large is this answer?  The path may have become
 * narrower since the connection began, or since its domain did.
 */
static int take_size(const struct trk_server_env *env, const struct trk_req *q,
		     struct trk_grant *g)
{
	struct trk_cont *c = &g->cont;

	if (q->kind == TRK_KIND_TIMEOUT && q->seg_size) {
		if (q->seg_size < TRK_MIN_SEG_SIZE)
			return TRK_DROP_RANGE;
		c->seg_size = seg_size(env, q);
	}
	g->size = trk_attempt_size(c->seg_size, q->attempt);
	return TRK_OK;
}

/* Takes over what the request brings and asks for, except its numbers. */
static int take_wishes(const struct trk_server_env *env, const struct trk_peer *peer,
		       const struct trk_req *q, u32 payload_len, struct trk_grant *g)
{
	unsigned int i;
	int err;

	g->grow = q->flags & TRK_REQ_GROW;
	if (payload_len >= g->cont.seg_size)
		g->paid = q->kind == TRK_KIND_RANGE ? 1 + (q->m == q->n) : TRK_INITIAL_WINDOW;
	g->final_input = q->flags & TRK_REQ_FIN;
	g->has_input = q->has_input;
	g->input_off = q->input_off;
	g->input_len = q->input_len;
	if (q->output.p) {
		err = open_ucont(env, peer, g->cont.conn, TRK_EXT_OUTPUT, q->output, &g->output);
		if (err)
			return err;
		g->has_output = true;
	}
	if (q->input.p) {
		err = open_ucont(env, peer, g->cont.conn, TRK_EXT_INPUT, q->input, &g->input);
		if (err)
			return err;
		g->has_input_cont = true;
	}
	g->nask = q->nask;
	g->first_piece = trk_piece(g->size, q->kind == TRK_KIND_TIMEOUT ||
				   q->flags & TRK_REQ_RENEW);
	for (i = 0; i < q->nask; i++) {
		g->ask[i] = q->ask[i];
		if (g->ask[i].off < g->output.start ||
		    g->ask[i].off + g->ask[i].len > g->output.end)
			return TRK_DROP_ASK;
	}
	return TRK_OK;
}

/**
 * trk_server_step - decide on one request
 * @env: keys, clock and bounds
 * @peer: where the packet came from, and the port it came to
 * @q: the request, parsed
 * @seq: sequence number of the request's first byte
 * @ack: acknowledgment number of its segment
 * @payload_len: length of its payload
 * @g: the grant; valid if 0 is returned
 *
 * Work is bounded.  Nothing is believed before one seal over the transport continuation was
 * computed (two if it may have been sealed to another address), or those of the cookies that may
 * be good.  Then come two AES blocks for each received run, and at most four more seals: over user
 * continuations, connection id and domain.
 *
 * Context: any; touches nothing but its arguments, and calls @env->record at most once.
 * Return: 0 or the reason to drop the packet.
 */
int trk_server_step(const struct trk_server_env *env, const struct trk_peer *peer,
		    const struct trk_req *q, u32 seq, u32 ack, u32 payload_len,
		    struct trk_grant *g)
{
	struct trk_claims claims;
	u32 skipped = 0;
	u16 before;
	int err;

	memset(g, 0, sizeof(*g));
	/* Not every kind of request brings some. */
	claims.n = 0;
	claims.count = 0;
	g->kind = q->kind;
	if (q->kind == TRK_KIND_FIRST)
		err = open_first(env, peer, q, seq, ack - q->ackrel, &g->cont);
	else
		err = open_continued(env, peer, q, g, &claims);
	if (err)
		return err;
	before = g->cont.seg_size;
	g->size = before;
	if (q->kind == TRK_KIND_FIRST || q->kind == TRK_KIND_TIMEOUT) {
		err = take_size(env, q, g);
		if (err)
			return err;
	}
	g->token = q->token;
	g->seq0 = ack - q->ackrel;
	g->ack = seq + payload_len;
	if (q->kind == TRK_KIND_FIRST || (g->renew_only && q->addr.p))
		g->addr_len = trk_seal_peer_write(peer, g->addr);
	/* Anybody may have kept the request: nothing is executed, and the answer is smaller. */
	if (g->renew_only)
		return step_timeout(env, peer, &claims, q->attempt, before, g);
	if (q->kind == TRK_KIND_CLOSE)
		return TRK_OK;
	err = take_wishes(env, peer, q, payload_len, g);
	if (err)
		return err;
	/* Each of these functions records the request, after all that is left to check. */
	if (q->kind == TRK_KIND_FIRST)
		return step_first(env, peer, q->attempt, g);
	if (q->kind == TRK_KIND_TIMEOUT)
		return step_timeout(env, peer, &claims, q->attempt, before, g);
	if (too_early(env, g->cont.domain))
		return TRK_DROP_ATTEMPT;
	err = step_range(env, peer, &claims, trk_num_above(g->cont.base, q->m),
			 q->flags & TRK_REQ_RENEW, g, &skipped);
	skip_pieces(g, skipped);
	return err;
}
