// SPDX-License-Identifier: GPL-2.0
/*
 * Attacks on somebody else's client.  An attacker who does not see its packets can guess all that
 * it expects except for the tokens.  One who can change a packet can spoil its nonce, which the
 * client cannot check.
 */
#include <stdlib.h>

#include "pair.h"
#include "row.h"

#define FILE_LEN	300000
#define RTT_US		20000
#define ROUNDS		400		/* round trips, or timers, until a download must end */
#define LATER		16		/* how many numbers ahead are forged */

struct victim {
	struct pair p;
	struct packet *queue[4096];
	unsigned int n;
	unsigned int spoil;	/* the server's packet whose nonce is spoilt; 0: none */
	bool inject;
	u64 forged;		/* how many bytes of the attacker the client took */
};

static u32 always_the_same(void *arg)
{
	return 0x2a2a2a2a;
}

/* A packet of the server is on its way. */
static void send(void *arg, struct packet *out)
{
	struct victim *v = arg;

	if (v->spoil && !--v->spoil)
		out->data[16] ^= 1;	/* the first byte of the nonce */
	if (v->n < ARRAY_SIZE(v->queue))
		v->queue[v->n++] = out;
	else
		packet_free(out);
}

/*
 * The attacker knows the addresses and where in the sequence space each packet belongs, and
 * guesses numbers and offsets rightly.  It does not know what the client's random() returns.
 */
static void inject(struct victim *v)
{
	struct trk_client *cl = &v->p.cl;
	u64 x;

	for (x = cl->num.top + 1; x <= cl->num.hi && x <= cl->num.top + LATER; x++) {
		const struct trk_entry *s = trk_client_entry(cl, x);
		struct trk_delivery in;
		struct trk_resp r = { .token = always_the_same(NULL), .num = (u32)x, .span = 1,
				      .off = (u32)s->off, .hdr_len = TRK_RESP_FIXED,
				      .data_len = s->len };

		if (s->what == TRK_WHAT_OUTPUT &&
		    !trk_receive_response(cl, &r, (u32)(x - 1) * cl->seg_size, v->p.now_us, &in))
			v->forged += in.len;
	}
}

static void requests(struct victim *v)
{
	struct packet *out;

	while ((out = pair_pump(&v->p))) {
		pair_at_server(&v->p, 0, out, send, v);
		packet_free(out);
	}
}

/* Runs a download; returns whether it was completed. */
static bool download(struct victim *v)
{
	const struct toy_msg m = { .kind = TOY_GET, .flags = TOY_LAST, .len = FILE_LEN, .key = 5 };
	struct pair *p = &v->p;
	unsigned int i, k, n;
	bool done;

	pair_begin(p, &m, 1);
	if (missing == DEFENCE_TOKEN)
		p->cl.random = always_the_same;
	pair_connect(p, RTT_US);
	for (i = 0; i < ROUNDS && !pair_done(p) && !p->why[0] && p->cl.state != TRK_CL_DEAD; i++) {
		requests(v);
		p->now_us += RTT_US;
		if (v->inject)
			inject(v);
		n = v->n;
		v->n = 0;
		for (k = 0; k < n; k++) {
			struct packet *in = v->queue[k];

			pair_at_client(p, in);
			packet_free(in);
		}
		if (n || p->cl.deadline_us == U64_MAX)
			continue;
		p->now_us = max_t(u64, p->now_us, p->cl.deadline_us);
		trk_timer_expired(&p->cl, p->now_us);
	}
	done = pair_done(p) && !p->why[0];
	while (v->n)
		packet_free(v->queue[--v->n]);
	pair_end(p);
	return done;
}

/* How many bytes of the attacker the client took for the server's. */
static double injected(enum defence without)
{
	struct victim *v = calloc(1, sizeof(*v));
	double forged;

	missing = without;
	v->inject = true;
	download(v);
	missing = DEFENCE_NONE;
	forged = (double)v->forged;
	free(v);
	return forged;
}

/* How many of 100 downloads, in each of which another nonce is spoilt, do not come to an end. */
static double poisoned(enum defence without)
{
	struct victim *v = calloc(1, sizeof(*v));
	unsigned int i, stuck = 0;

	missing = without;
	for (i = 1; i <= 100; i++) {
		memset(v, 0, sizeof(*v));
		v->spoil = i;
		stuck += !download(v);
	}
	missing = DEFENCE_NONE;
	free(v);
	return stuck;
}

static void injection__needs_the_token(void)
{
	CHECKED(row("off-path injection into a client", DEFENCE_TOKEN, "forged bytes taken",
		    injected(DEFENCE_NONE), 0, injected(DEFENCE_TOKEN)));
}

static void poisoning__heals(void)
{
	CHECKED(row("a nonce spoilt on the way", DEFENCE_CONFIRMED, "of 100 stuck",
		    poisoned(DEFENCE_NONE), 0, poisoned(DEFENCE_CONFIRMED)));
}

static const struct tap_case cases[] = {
	TAP_CASE(injection__needs_the_token),
	TAP_CASE(poisoning__heals),
};

int main(void)
{
	return row_run(cases, ARRAY_SIZE(cases));
}
