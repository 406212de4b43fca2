/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The packets of an answer, joined into trains.
 */
#ifndef NET_TRICKLES_TRAIN_H
#define NET_TRICKLES_TRAIN_H

#include <linux/bvec.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <net/sock.h>
#include <uapi/linux/trickles.h>

#include "core/answer.h"
#include "netns.h"
#include "outlet.h"
#include "output.h"

/* Most spans of a train: the data of each packet begins one, and so does each fragment. */
#define TRK_MAX_SPANS	(GSO_LEGACY_MAX_SIZE / TRK_MIN_SEG_SIZE + MAX_SKB_FRAGS)

/**
 * struct trk_sender - an answer in the making
 * @sk: listener
 * @dst: route of the answer
 * @answer: the core's half
 * @hdr: header of the packet at hand
 * @opaque: opaque bytes of the output continuation, and of the input continuation
 * @iov: where the application has the data
 * @file: the files of @iov, NULL for memory
 * @iov_at: iov[i] has the answer's data from byte iov_at[i] on; behind the last one is the end
 * @ready: trains that are complete, of one packet or more
 * @train: the train at hand, or NULL
 * @max_bytes: bytes of payload that a train may have
 * @max_packets: packets that a train may have
 * @frag: where the next bytes of packets are put
 * @dest: owner of the packets
 * @nspans: number of elements of @span and @span_at in use
 * @span: parts of @train that fill_train() has to fill with data
 * @span_at: the data of span[i] begins at this byte of the answer's data
 */
struct trk_sender {
	struct sock *sk;
	struct dst_entry *dst;
	struct trk_answer answer;
	u8 hdr[TRK_RESP_HDR_MAX];
	u8 opaque[2][TRK_CONT_MAX];
	struct trk_iov iov[TRK_MAX_IOV];
	struct file *file[TRK_MAX_IOV];
	u64 iov_at[TRK_MAX_IOV + 1];
	struct sk_buff_head ready;
	struct sk_buff *train;
	unsigned int max_bytes, max_packets;
	struct page_frag frag;
	struct sock *dest;
	unsigned int nspans;
	struct bio_vec span[TRK_MAX_SPANS];
	u64 span_at[TRK_MAX_SPANS];
};

struct trk_sender *trk_train_alloc(void);
void trk_train_begin(struct trk_sender *s, struct dst_entry *dst);
s64 trk_train_build(struct trk_sender *s, struct trk_outlet *o, u32 limit, __be32 addr);
void trk_train_send(struct trk_sender *s, struct trk_net *tn, const struct trk_path *path);
void trk_train_end(struct trk_sender *s);
void trk_train_free(struct trk_sender *s);

#endif /* NET_TRICKLES_TRAIN_H */
