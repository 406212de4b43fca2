// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The continuations that a client keeps: transport and user continuations (paper §3.2, §4.2).
 * Rules: protocol.rst, "Continuations that are renewed", "Keys that change".
 */
#include "held.h"

/**
 * trk_held_output_at - the output continuation for a byte
 * @cl: the client
 * @off: stream offset of the byte
 *
 * Return: NULL if none is held.
 */
const struct trk_held_ucont *trk_held_output_at(const struct trk_client *cl, u64 off)
{
	unsigned int i;

	for (i = 0; i < TRK_OUTPUTS; i++) {
		const struct trk_held_ucont *h = &cl->held.outputs[i];

		if (h->len && h->u.start <= off && off < h->u.end)
			return h;
	}
	return NULL;
}

/**
 * trk_held_output_free - may another continuation take this one's place?
 * @cl: the client
 * @h: one of its places for output continuations
 *
 * It may if all its bytes are there, and either the continuation that follows is held or none
 * follows.  Until then that one may have to be asked for again, under this one.
 */
bool trk_held_output_free(const struct trk_client *cl, const struct trk_held_ucont *h)
{
	if (!h->len || h->u.end < cl->rcv_nxt)
		return true;
	return h->u.end == cl->rcv_nxt &&
	       (h->u.flags & TRK_UCONT_FINAL || h->u.end >= cl->fin_off ||
		trk_held_output_at(cl, h->u.end));
}

/**
 * trk_held_output_places - how many more output continuations could be held?
 * @cl: the client
 */
unsigned int trk_held_output_places(const struct trk_client *cl)
{
	unsigned int i, n = 0;

	for (i = 0; i < TRK_OUTPUTS; i++)
		n += trk_held_output_free(cl, &cl->held.outputs[i]);
	return n;
}

/**
 * trk_held_output_room - could one more output continuation be held?
 * @cl: the client
 * @start: its first byte
 * @end: first byte behind it; U64_MAX: not known
 *
 * Two places are kept for continuations without which no place would ever become free: for that
 * of the bytes needed next (or of the bytes before them, as long as it may have to bring the other
 * one), and for the one that follows it.
 */
bool trk_held_output_room(const struct trk_client *cl, u64 start, u64 end)
{
	const struct trk_held_ucont *current_one = NULL;
	unsigned int i, nfree = 0;

	for (i = 0; i < TRK_OUTPUTS; i++) {
		const struct trk_held_ucont *h = &cl->held.outputs[i];

		if (trk_held_output_free(cl, h))
			nfree++;
		else if (h->u.start <= cl->rcv_nxt && cl->rcv_nxt <= h->u.end)
			current_one = h;
	}
	if (nfree > TRK_OUTPUTS_KEPT - !!current_one)
		return true;
	return nfree && ((start <= cl->rcv_nxt && cl->rcv_nxt < end) || end <= cl->rcv_nxt ||
			 (current_one && start == current_one->u.end));
}

/**
 * trk_held_output_place - the place for an output continuation
 * @cl: the client
 * @u: the continuation, parsed
 *
 * It is that of the continuation with the same start, else a free one.
 *
 * Return: NULL if there is no room for it.
 */
struct trk_held_ucont *trk_held_output_place(struct trk_client *cl, const struct trk_ucont *u)
{
	struct trk_held_ucont *free = NULL;
	unsigned int i;

	for (i = 0; i < TRK_OUTPUTS; i++) {
		struct trk_held_ucont *h = &cl->held.outputs[i];

		if (trk_held_output_free(cl, h))
			free = h;
		else if (h->u.start == u->start)
			return h;
	}
	return trk_held_output_room(cl, u->start, u->end) ? free : NULL;
}

/*
 * Is @blob what is held, sealed under another key?  Nobody can tell which of two seals is the
 * newer one.  If an older one is taken, its key id shows that, and it is replaced again.
 */
static bool resealed(const struct trk_held_ucont *h, struct trk_blob blob, u8 key_id)
{
	return h->len == blob.len && h->u.key_id != key_id &&
	       !memcmp(h->blob, blob.p, TRK_UCONT_KEY) &&
	       !memcmp(h->blob + TRK_UCONT_KEY + 1, blob.p + TRK_UCONT_KEY + 1,
		       h->len - TRK_MAC_LEN - TRK_UCONT_KEY - 1);
}

static void take_reseal(struct trk_client *cl, struct trk_held_ucont *h, struct trk_blob blob,
			u8 key_id)
{
	memcpy(h->blob, blob.p, blob.len);
	h->u.key_id = key_id;
	cl->held.reseals = 0;
	cl->held.reseal_us = 0;
	cl->stat.resealed++;
}

/**
 * trk_held_longest - the application's bytes in the longest user continuation that is held
 * @cl: the client
 */
u16 trk_held_longest(const struct trk_client *cl)
{
	u16 most = cl->held.input.len ? cl->held.input.u.len : 0;
	unsigned int i;

	for (i = 0; i < TRK_OUTPUTS; i++)
		if (!trk_held_output_free(cl, &cl->held.outputs[i]))
			most = max_t(u16, most, cl->held.outputs[i].u.len);
	return most;
}

/**
 * trk_held_store_output - a response brought an output continuation
 * @cl: the client
 * @r: the response
 * @u: the continuation, parsed
 *
 * The caller has seen to it that there is a place for it, or that all its bytes have arrived.
 */
void trk_held_store_output(struct trk_client *cl, const struct trk_resp *r,
			   const struct trk_ucont *u)
{
	struct trk_held_ucont *h;

	h = trk_held_output_place(cl, u);
	if (h && h->len && h->u.start == u->start && resealed(h, r->output, u->key_id)) {
		take_reseal(cl, h, r->output, u->key_id);
		return;
	}
	/*
	 * The same input may have been executed twice, with another outcome the
	 * second time; bytes of both must not be mixed, so the first one stays
	 * (protocol.rst, "Input").
	 */
	if (h && h->len && h->u.end > cl->rcv_nxt && h->u.start == u->start &&
	    (h->len != r->output.len || memcmp(h->blob, r->output.p, h->len)))
		return;
	if (u->start == cl->rx.next_lost)
		cl->rx.next_lost = 0;
	if (u->flags & TRK_UCONT_FINAL)
		cl->fin_off = min_t(u64, cl->fin_off, u->end);
	if (!h || u->end <= cl->rcv_nxt || u->start == u->end)
		return;
	memcpy(h->blob, r->output.p, r->output.len);
	h->len = r->output.len;
	h->u = *u;
	h->u.opaque = NULL;
}

/**
 * trk_held_store_input - the answer to input may have brought the next input continuation
 * @cl: the client
 * @r: the response, with an input continuation
 */
void trk_held_store_input(struct trk_client *cl, const struct trk_resp *r)
{
	struct trk_ucont u;

	if (trk_wire_ucont_parse(&u, r->input) || !trk_ucont_fits(u.len, trk_client_seg_size(cl)))
		return;
	/* A late packet must not bring an older one back. */
	if (cl->held.input.len && u.start < cl->held.input.u.start)
		return;
	if (resealed(&cl->held.input, r->input, u.key_id)) {
		take_reseal(cl, &cl->held.input, r->input, u.key_id);
		return;
	}
	memcpy(cl->held.input.blob, r->input.p, r->input.len);
	cl->held.input.len = r->input.len;
	cl->held.input.u = u;
	cl->held.input.u.opaque = NULL;
}

/**
 * trk_held_reseal_input - a response that settles no input brought an input continuation
 * @cl: the client
 * @r: the response, with an input continuation
 *
 * Only the continuation that is held is taken from such a response, sealed anew.
 */
void trk_held_reseal_input(struct trk_client *cl, const struct trk_resp *r)
{
	struct trk_ucont u;

	if (!trk_wire_ucont_parse(&u, r->input) && resealed(&cl->held.input, r->input, u.key_id))
		take_reseal(cl, &cl->held.input, r->input, u.key_id);
}

/**
 * trk_held_claims - how many claims are above the base of the current continuation?
 * @cl: the client
 */
unsigned int trk_held_claims(struct trk_client *cl)
{
	u64 base = trk_client_cont(cl)->c.base;
	unsigned int i, n = 0;

	for (i = 0; i < cl->num.nclaims; i++)
		n += cl->num.claims[i].b > base;
	return n;
}

/**
 * trk_held_confirm - a request was answered: the continuation it carried is good
 * @cl: the client
 * @s: what its number was to bring
 *
 * A TIMEOUT request carries the last of these, and reports what that request did.  Later proofs may
 * be spoilt by a nonce that was changed on the way, which a client cannot notice.
 */
void trk_held_confirm(struct trk_client *cl, const struct trk_entry *s)
{
	const struct trk_held_cont *held = &cl->held.conts[s->serial % TRK_CONTS];
	unsigned int i;

	if (s->req_n <= cl->held.confirmed_n || (u8)(cl->held.serial - s->serial) >= TRK_CONTS)
		return;
	if (cl->held.confirmed.c.key_id != held->c.key_id) {
		cl->held.reseals = 0;
		cl->held.reseal_us = 0;
	}
	cl->held.confirmed = *held;
	cl->held.confirmed_serial = s->serial;
	cl->held.confirmed_n = s->req_n;
	cl->held.confirmed_proof = s->acc ^ held->acc;
	for (i = 0; i < cl->num.nclaims && cl->num.claims[i].b <= held->c.base; i++)
		;
	cl->num.nclaims -= i;
	memmove(cl->num.claims, cl->num.claims + i, cl->num.nclaims * sizeof(cl->num.claims[0]));
}

/*
 * By how many keys is one away from the birth of the domain?  Replicas change their keys one after
 * the other, so keys that were met before may come again (protocol.rst, "Keys that change").
 */
static u8 keys_away(struct trk_held *h, u8 key_id)
{
	u8 i;

	for (i = 0; i < h->nkeys; i++)
		if (h->key_met[i] == key_id)
			return i;
	if (h->nkeys < ARRAY_SIZE(h->key_met))
		h->key_met[h->nkeys++] = key_id;
	return i;
}

/**
 * trk_held_renew - a response brought a transport continuation
 * @cl: the client
 * @s: what its number was to bring
 * @blob: the continuation
 *
 * Requests carry it from now on, if it fits what the answered request reported.
 */
void trk_held_renew(struct trk_client *cl, const struct trk_entry *s, const u8 *blob)
{
	const struct trk_held_cont *cur = trk_client_cont(cl);
	struct trk_held_cont *held;
	struct trk_cont c;

	/*
	 * No new one is taken while two are in use that no answered request has carried:
	 * these may be spoilt, and @confirmed must not fall too far behind.  One that no
	 * request has carried is overwritten.
	 */
	if (cl->held.cont_used &&
	    (u8)(cl->held.serial - cl->held.confirmed_serial) >= TRK_CONTS - 2)
		return;
	trk_seal_cont_read(blob, &c);
	if (trk_seal_cont_check(&c) || c.domain != cur->c.domain || c.base <= cur->c.base ||
	    c.base != s->req_n ||
	    c.seg_size != cl->seg_size)
		return;
	cl->held.keys_away = keys_away(&cl->held, c.key_id);
	cl->held.serial += cl->held.cont_used;
	cl->held.cont_used = false;
	held = trk_client_cont(cl);
	memcpy(held->blob, blob, TRK_CONT_LEN);
	held->c = c;
	held->acc = s->acc;
	cl->held.renewal_claims = min_t(u32, cl->held.renewal_claims, trk_held_claims(cl));
}
