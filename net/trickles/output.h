/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A segment on its way out.
 */
#ifndef NET_TRICKLES_OUTPUT_H
#define NET_TRICKLES_OUTPUT_H

#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <net/ip.h>
#include <net/sock.h>

#include "core/wire.h"

/* Bytes of the TCP header of a marked segment and of a marked SYN, and with the IPv4 header. */
#define TRK_TCP_HDR	(sizeof(struct tcphdr) + TRK_OPT_LEN)
#define TRK_SYN_HDR	(sizeof(struct tcphdr) + TRK_SYN_OPT_LEN)
#define TRK_HDR4	(sizeof(struct iphdr) + TRK_TCP_HDR)

/**
 * struct trk_path - where a segment goes
 * @net: namespace
 * @saddr: our address
 * @daddr: the peer's address
 * @sport: our port
 * @dport: the peer's port
 * @oif: index of the device that the socket is bound to, 0 for none
 * @mark: of the socket, or of what it answers
 * @tos: of the socket
 * @ttl: of the socket, 0 for the route's
 * @fragment: it may be cut into fragments, since the connection cannot have smaller packets
 */
struct trk_path {
	struct net *net;
	__be32 saddr, daddr;
	__be16 sport, dport;
	int oif;
	u32 mark;
	u8 tos;
	u8 ttl;
	bool fragment;
};

void trk_output_distrust(struct sock *sk);
unsigned int trk_output_mtu(const struct sock *sk, const struct dst_entry *dst);
struct rtable *trk_output_route(const struct trk_path *path, const struct sock *sk);
struct sk_buff *trk_output_alloc(unsigned int linear, gfp_t gfp);
int trk_output_send(const struct trk_path *path, struct sock *sk, struct dst_entry *dst,
		    struct sk_buff *skb, u32 seq, u32 ack, u8 flags, u16 window, u16 gso_seg_size);
int trk_output_syn(const struct trk_path *path, struct sock *sk, struct dst_entry *dst,
		   u32 seq, u32 ack, u8 flags, bool wscale, unsigned int room);

#endif /* NET_TRICKLES_OUTPUT_H */
