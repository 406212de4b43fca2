/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The keys of a namespace.  What trk_keys_current(), _previous() and _find() return is good under
 * rcu_read_lock(), and after trk_keys_hold() until trk_keys_release(), which may sleep.
 */
#ifndef NET_TRICKLES_KEYS_H
#define NET_TRICKLES_KEYS_H

#include "core/cipher.h"
#include "core/limits.h"
#include "netns.h"

#define TRK_SECRET_LEN	32
#define TRK_KEYS_MAX	(2 + TRK_RETIRED_KEYS)

int trk_keys_init(void);
void trk_keys_exit(void);
int trk_keys_net_init(struct trk_net *tn);
void trk_keys_net_exit(struct trk_net *tn);
int trk_keys_set(struct trk_net *tn, const u8 secret[TRK_SECRET_LEN], bool only);
void trk_keys_trim(struct trk_net *tn);
const struct trk_cipher *trk_keys_current(struct trk_net *tn);
const struct trk_cipher *trk_keys_previous(struct trk_net *tn);
const struct trk_cipher *trk_keys_find(void *tn, u8 key_id);
bool trk_keys_hold(const struct trk_cipher *cipher);
void trk_keys_release(const struct trk_cipher *cipher);
int trk_keys_ids(struct trk_net *tn, u8 ids[TRK_KEYS_MAX]);

#endif /* NET_TRICKLES_KEYS_H */
