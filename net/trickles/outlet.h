/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a listener has sent and what has not left its host yet.
 */
#ifndef NET_TRICKLES_OUTLET_H
#define NET_TRICKLES_OUTLET_H

#include <linux/bitmap.h>
#include <linux/types.h>
#include <net/sock.h>

#define TRK_OUTLET_DESTS	64
#define TRK_OUTLET_SHARE	8	/* a destination has at most this part of the limit */

/**
 * struct trk_outlet - the packets of a listener that wait to leave its host
 * @sk: the listener
 * @key: of the hash, so that nobody chooses with whom he shares
 * @limit: bytes that it may have, as the last answer found it
 * @dest: sockets that own them, by a hash of the client's address; NULL before the first packet
 * @starved: destinations to which an answer was refused, and of which too few have left since
 * @relieved: one was starved and is not any more, and no answer was tried since
 *
 * A destination's socket lives as long as it has packets.  It leads back to the outlet
 * until trk_outlet_stop().
 */
struct trk_outlet {
	struct sock *sk;
	u32 key;
	u32 limit;
	struct sock *dest[TRK_OUTLET_DESTS];
	DECLARE_BITMAP(starved, TRK_OUTLET_DESTS);
	bool relieved;
};

struct sock *trk_outlet_dest(struct trk_outlet *o, __be32 addr);
int trk_outlet_room(struct trk_outlet *o, struct sock *dest, u32 limit, u32 need, u32 least);
bool trk_outlet_writable(const struct trk_outlet *o);
void trk_outlet_tried(struct trk_outlet *o);
void trk_outlet_stop(struct trk_outlet *o);

#endif /* NET_TRICKLES_OUTLET_H */
