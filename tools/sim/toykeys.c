// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>

#include "toykeys.h"

void toy_cipher(struct trku_cipher *t, u8 key_id, u64 number)
{
	u8 key[2][TRKU_KEY_LEN] = { { 1 }, { 2 } };

	put_unaligned_be64(number, key[0] + 8);
	put_unaligned_be64(number, key[1] + 8);
	trku_cipher_init(t, key_id, key[0], key[1]);
}

/* Sets up an empty filter for @connections; without memory for it, the program ends. */
void toy_replay(struct trku_replay *r, u32 connections)
{
	static const u8 key[AES128_KEY_SIZE];

	if (trku_replay_init(r, connections, key)) {
		perror("replay filter");
		exit(1);
	}
}

/* Does what trku_replay_record() does.  A filter that is all zeroes is set up first, small. */
int toy_record(struct trku_replay *r, const struct trk_peer *peer, struct trk_record *m, u64 now_ms)
{
	if (!r->set)
		toy_replay(r, 4 * TRK_ONCE_WAYS);
	return trku_replay_record(r, peer, m, now_ms, TOY_HORIZON_MS, TOY_SKEW_MS);
}
