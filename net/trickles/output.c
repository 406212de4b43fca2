// SPDX-License-Identifier: GPL-2.0
/* A segment on its way out: TCP header with our option, IPv4 header, route. */
#include <net/ip.h>
#include <net/lwtunnel.h>
#include <net/route.h>
#include <net/tcp.h>

#include "core/wire.h"
#include "mib.h"
#include "netns.h"
#include "output.h"

/*
 * The largest one: a strict connection tracker drops what exceeds the receive window that the
 * other end has announced.
 */
#define SYN_WSCALE	14

/* IPv4 and TCP without options, as the MSS option counts (RFC 6691). */
#define HDR		(sizeof(struct iphdr) + sizeof(struct tcphdr))

/**
 * trk_output_route - look up the route of a path
 * @path: where to
 * @sk: socket that sends
 *
 * Context: process or softirq.
 * Return: a route, to be released by the caller, or ERR_PTR().
 */
struct rtable *trk_output_route(const struct trk_path *path, const struct sock *sk)
{
	struct flowi4 fl4;

	flowi4_init_output(&fl4, path->oif, path->mark,
			   RT_CONN_FLAGS_TOS(sk, path->tos),
			   RT_SCOPE_UNIVERSE, IPPROTO_TCP,
			   inet_sk_flowi_flags(sk),
			   path->daddr, path->saddr, path->dport, path->sport,
			   sock_net_uid(path->net, sk));
	security_sk_classify_flow((struct sock *)sk, flowi4_to_flowi_common(&fl4));
	return ip_route_output_flow(path->net, &fl4, sk);
}

/**
 * trk_output_distrust - a listener shall not believe what ICMP errors say of the path
 * @sk: listener
 *
 * It cannot tell which are forged, and IP believes those about some packets without a look at what
 * was sent (protocol.rst, "Paths that become narrow").  Whether packets may be cut stays the
 * application's choice.
 */
void trk_output_distrust(struct sock *sk)
{
	struct inet_sock *inet = inet_sk(sk);

	if (inet->pmtudisc == IP_PMTUDISC_DONT)
		WRITE_ONCE(inet->pmtudisc, IP_PMTUDISC_OMIT);
	else if (inet->pmtudisc < IP_PMTUDISC_PROBE)
		WRITE_ONCE(inet->pmtudisc, IP_PMTUDISC_PROBE);
}

/**
 * trk_output_mtu - the MTU of a route
 * @sk: socket that sends
 * @dst: the route
 *
 * With IP_PMTUDISC_PROBE and above, as every listener has, only the administrator and the device
 * are believed.
 *
 * Return: bytes of the largest packet, with its IP header.
 */
unsigned int trk_output_mtu(const struct sock *sk, const struct dst_entry *dst)
{
	unsigned int mtu;

	if (ip_sk_use_pmtu(sk))
		return dst_mtu(dst);
	mtu = dst_metric_raw(dst, RTAX_MTU) ?: READ_ONCE(dst->dev->mtu);
	mtu = min_t(unsigned int, mtu, IP_MAX_MTU);
	return mtu - lwtunnel_headroom(dst->lwtstate, mtu);
}

/**
 * trk_output_alloc - allocate an empty segment
 * @linear: bytes of payload for which its linear part shall have room
 * @gfp: allocation flags
 *
 * Return: a buffer with headroom for all headers, or NULL.
 */
struct sk_buff *trk_output_alloc(unsigned int linear, gfp_t gfp)
{
	struct sk_buff *skb = alloc_skb(MAX_TCP_HEADER + linear, gfp);

	if (skb)
		skb_reserve(skb, MAX_TCP_HEADER);
	return skb;
}

/* Puts a TCP header of @len bytes in front; the checksum is left to the device. */
static struct tcphdr *push_tcp(const struct trk_path *path, struct sk_buff *skb,
			       unsigned int len, u32 seq, u32 ack, u8 flags, u16 window)
{
	struct tcphdr *th = skb_push(skb, len);

	skb_reset_transport_header(skb);
	th->source = path->sport;
	th->dest = path->dport;
	th->seq = htonl(seq);
	th->ack_seq = htonl(ack);
	*(((__be16 *)th) + 6) = htons(len / 4 << 12 | flags);
	th->window = htons(window);
	th->urg_ptr = 0;
	th->check = ~tcp_v4_check(skb->len, path->saddr, path->daddr, 0);
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->csum_start = skb_transport_header(skb) - skb->head;
	skb->csum_offset = offsetof(struct tcphdr, check);
	return th;
}

/*
 * TCP's rule: none is cut but by the choice of the administrator or the application.  TCP also lets
 * packets be cut where an ICMP error told of a path below net.ipv4.route.min_pmtu; we do so where a
 * connection cannot have smaller packets, unless a client's application has forbidden it.  Only the
 * first fragment of a segment has what the other end knows it by.
 */
static bool dont_fragment(const struct trk_path *path, const struct sock *sk,
			  const struct dst_entry *dst)
{
	u8 discover = READ_ONCE(inet_sk(sk)->pmtudisc);

	if (discover == IP_PMTUDISC_DONT || discover == IP_PMTUDISC_OMIT)
		return false;
	if (discover == IP_PMTUDISC_WANT && dst_metric_locked(dst, RTAX_MTU))
		return false;
	if (discover == IP_PMTUDISC_DO ||
	    (discover == IP_PMTUDISC_PROBE && sk->sk_state != TCP_LISTEN))
		return true;
	return !path->fragment;
}

/* Puts an IPv4 header in front and sends the segment, which has its route. */
static int send_ip(const struct trk_path *path, struct sock *sk, struct sk_buff *skb)
{
	struct dst_entry *dst = skb_dst(skb);
	struct iphdr *iph = skb_push(skb, sizeof(struct iphdr));
	unsigned int mtu = trk_output_mtu(sk, dst);
	bool whole = dont_fragment(path, sk, dst);
	int err;

	skb_reset_network_header(skb);
	/* IP would tell us by an ICMP error for each packet.  It is as good as lost on the way. */
	if (whole && !(skb_is_gso(skb) ? skb_gso_validate_network_len(skb, mtu) :
					 skb->len <= mtu)) {
		TRK_INC(trk_net(path->net), TOO_LARGE);
		kfree_skb(skb);
		return -EMSGSIZE;
	}
	iph->version = 4;
	iph->ihl = 5;
	iph->tos = path->tos;
	iph->frag_off = whole ? htons(IP_DF) : 0;
	iph->ttl = path->ttl ?: ip4_dst_hoplimit(dst);
	iph->protocol = IPPROTO_TCP;
	iph->saddr = path->saddr;
	iph->daddr = path->daddr;
	ip_select_ident_segs(path->net, skb, NULL, skb_shinfo(skb)->gso_segs ?: 1);
	skb->mark = path->mark;
	skb->priority = READ_ONCE(sk->sk_priority);
	memset(skb->cb, 0, sizeof(struct inet_skb_parm));

	rcu_read_lock();
	err = ip_local_out(path->net, sk, skb);
	rcu_read_unlock();
	return net_xmit_eval(err);
}

/*
 * The socket pays for the packet, and the host's rules see whose it is.  Under RCU alone a listener
 * may be about to go: then nobody does.
 */
static void charge(struct sk_buff *skb, struct sock *sk)
{
	if (skb->destructor || !refcount_inc_not_zero(&sk->sk_refcnt))
		return;
	skb_set_owner_w(skb, sk);
	sock_put(sk);
}

/**
 * trk_output_send - send a marked segment, or a train of them
 * @path: where to
 * @sk: socket that is charged for it, unless it is a listener about to be freed
 * @dst: route, or NULL to look it up; the caller keeps its reference
 * @skb: the payload, from trk_output_alloc(); sent or freed
 * @seq: sequence number
 * @ack: acknowledgment number
 * @flags: TCPHDR_*
 * @window: window field as it stands in the header
 * @gso_seg_size: if not 0 and the payload is longer, it is a train, to be cut into
 *	segments of this size
 *
 * Context: process or softirq; @sk is locked, or cannot be freed meanwhile.
 * Return: 0 or a negative errno, -EMSGSIZE if the route is too narrow.
 */
int trk_output_send(const struct trk_path *path, struct sock *sk, struct dst_entry *dst,
		    struct sk_buff *skb, u32 seq, u32 ack, u8 flags, u16 window, u16 gso_seg_size)
{
	struct tcphdr *th;

	if (dst) {
		dst_hold(dst);
	} else {
		struct rtable *rt = trk_output_route(path, sk);

		if (IS_ERR(rt)) {
			kfree_skb(skb);
			IP_INC_STATS(path->net, IPSTATS_MIB_OUTNOROUTES);
			return PTR_ERR(rt);
		}
		dst = &rt->dst;
	}
	skb_dst_set(skb, dst);
	if (gso_seg_size && skb->len > gso_seg_size) {
		skb_shinfo(skb)->gso_type = SKB_GSO_TCPV4;
		skb_shinfo(skb)->gso_size = gso_seg_size;
		skb_shinfo(skb)->gso_segs = DIV_ROUND_UP(skb->len, gso_seg_size);
	}
	th = push_tcp(path, skb, TRK_TCP_HDR, seq, ack, flags, window);
	trk_wire_opt_write((u8 *)(th + 1));
	charge(skb, sk);
	return send_ip(path, sk, skb);
}

/* The MSS to announce: dst_metric_advmss(), but by the MTU that the socket believes. */
static u16 advmss(const struct sock *sk, const struct dst_entry *dst)
{
	unsigned int mtu = trk_output_mtu(sk, dst);

	return dst_metric_raw(dst, RTAX_ADVMSS) ?:
	       clamp_t(unsigned int, mtu, TCP_MIN_MSS + HDR, U16_MAX) - HDR;
}

/**
 * trk_output_syn - send a marked SYN or SYN-ACK
 * @path: where to
 * @sk: socket that is charged for it, unless it is a listener about to be freed
 * @dst: route; the caller keeps its reference
 * @seq: our ISN
 * @ack: acknowledgment number
 * @flags: TCPHDR_SYN, with TCPHDR_ACK or without
 * @wscale: offer window scaling
 * @room: bytes that it may have, without its IP header: a SYN-ACK is not larger than the
 *	SYN, so that who forges the source address of SYNs amplifies nothing
 *
 * Context: as of trk_output_send(); for a SYN-ACK softirq, under rcu_read_lock().
 * Return: 0 or a negative errno.
 */
int trk_output_syn(const struct trk_path *path, struct sock *sk, struct dst_entry *dst,
		   u32 seq, u32 ack, u8 flags, bool wscale, unsigned int room)
{
	bool with_mss = room >= TRK_SYN_HDR + TCPOLEN_MSS;
	unsigned int len = TRK_SYN_HDR + (with_mss ? TCPOLEN_MSS : 0);
	bool with_wscale = wscale && with_mss && room >= len + TCPOLEN_WSCALE_ALIGNED;
	struct sk_buff *skb;
	struct tcphdr *th;
	u8 *opt;

	skb = trk_output_alloc(0, GFP_ATOMIC);
	if (!skb)
		return -ENOMEM;
	if (with_wscale)
		len += TCPOLEN_WSCALE_ALIGNED;
	dst_hold(dst);
	skb_dst_set(skb, dst);
	th = push_tcp(path, skb, len, seq, ack, flags, U16_MAX);
	opt = (u8 *)(th + 1);
	if (with_mss) {
		put_unaligned_be32(TCPOPT_MSS << 24 | TCPOLEN_MSS << 16 | advmss(sk, dst), opt);
		opt += TCPOLEN_MSS;
	}
	if (with_wscale) {
		put_unaligned_be32(TCPOPT_NOP << 24 | TCPOPT_WINDOW << 16 | TCPOLEN_WINDOW << 8 |
				   SYN_WSCALE, opt);
		opt += TCPOLEN_WSCALE_ALIGNED;
	}
	trk_wire_syn_opt_write(opt);
	charge(skb, sk);
	return send_ip(path, sk, skb);
}
