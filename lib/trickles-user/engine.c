// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <errno.h>

#include "core/reason.h"
#include "engine.h"

static const struct trk_cipher *find_key(void *arg, u8 key_id)
{
	const struct trku_engine *e = arg;
	unsigned int i;

	for (i = 0; i < e->keys; i++)
		if (e->key[i]->key_id == key_id)
			return e->key[i];
	return NULL;
}

static int record(void *arg, const struct trk_peer *peer, struct trk_record *m)
{
	struct trku_engine *e = arg;

	return trku_replay_record(e->replay, peer, m, e->now_ms, e->horizon_ms, e->skew_ms);
}

static void env_init(struct trku_engine *e, struct trk_server_env *env)
{
	*env = (struct trk_server_env){
		.cipher = find_key,
		.record = e->replay ? record : NULL,
		.arg = e,
		.current_key = e->key[0],
		.previous_key = e->keys > 1 ? e->key[1] : NULL,
		.now_ms = e->now_ms,
		.horizon_ms = e->horizon_ms,
		.skew_ms = e->skew_ms,
		.max_seg_size = e->max_seg_size,
		.moves = e->moves,
	};
}

/**
 * trku_engine_syn - answer a SYN
 * @e: the server
 * @peer: the client that sent it
 * @client_isn: sequence number of the SYN
 *
 * Return: the sequence number of the SYN-ACK.
 */
u32 trku_engine_syn(struct trku_engine *e, const struct trk_peer *peer, u32 client_isn)
{
	struct trk_server_env env;

	env_init(e, &env);
	return trk_server_syn_cookie(&env, peer, client_isn);
}

/**
 * trku_engine_request - read a request, and decide what it may be answered with
 * @e: the server
 * @peer: the client that sent it
 * @payload: payload of the TCP segment
 * @len: bytes of @payload
 * @seq: sequence number of the segment
 * @ack: acknowledgment number of the segment
 * @q: on return, the request; it points into @payload, and its input begins at q->hdr_len
 * @g: on return, what it may be answered with; there is no answer if g->count is 0
 *
 * Return: 0, or the reason (enum trk_reason) for which it has to be dropped.
 */
int trku_engine_request(struct trku_engine *e, const struct trk_peer *peer, const u8 *payload,
			u32 len, u32 seq, u32 ack, struct trk_req *q, struct trk_grant *g)
{
	struct trk_server_env env;
	int err = trk_wire_req_parse(q, payload, len, len);

	if (err)
		return err;
	env_init(e, &env);
	return trk_server_step(&env, peer, q, seq, ack, len, g);
}

/**
 * trku_engine_answer - begin an answer, whose packets trk_answer_next() then makes
 * @e: the server
 * @peer: the client
 * @g: what trku_engine_request() has granted; it is used until the last packet is made
 * @a: what the application answers
 *
 * Return: 0, -EMSGSIZE if it does not fit, or -ESTALE if the key that makes the nonces of the
 * connection's domain is not held any more.
 */
int trku_engine_answer(struct trku_engine *e, const struct trk_peer *peer,
		       const struct trk_grant *g, struct trk_answer *a)
{
	a->g = g;
	a->peer = peer;
	a->seal = e->key[0];
	a->nonce = find_key(e, g->cont.domain_key);
	return a->nonce ? trk_answer_begin(a) : -ESTALE;
}
