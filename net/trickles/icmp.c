// SPDX-License-Identifier: GPL-2.0
/*
 * ICMP errors about segments of ours.  TCP cannot use them: a server has no socket for its
 * connections, and the carrier of a client's connection knows only its SYN (RFC 1191, RFC 1122
 * §4.2.3.9).
 */
#include <linux/icmp.h>
#include <linux/netfilter_ipv4.h>
#include <net/inet_hashtables.h>
#include <net/ip.h>
#include <net/route.h>
#include <net/tcp.h>

#include "carrier.h"
#include "core/wire.h"
#include "icmp.h"
#include "mib.h"
#include "netns.h"
#include "output.h"
#include "sock.h"

/*
 * The carrier of the client's connection that the quoted segment belongs to, if Trickles carries
 * it; the caller releases it.
 * @port: source port and destination port of that segment
 */
static struct sock *find_client(struct net *net, const struct sk_buff *skb,
				const struct iphdr *inner, const __be16 *port)
{
	struct sock *sk;

	sk = __inet_lookup_established(net, net->ipv4.tcp_death_row.hashinfo, inner->daddr,
				       port[1], inner->saddr, ntohs(port[0]), inet_iif(skb),
				       inet_sdif(skb));
	if (!sk)
		return NULL;
	if (sk_fullsock(sk) && trk_carrier_is(sk) && trk_carrier_taken(sk))
		return sk;
	sock_gen_put(sk);
	return NULL;
}

/* Could a router have said that of a request that was sent lately (RFC 5927 §4.1)? */
static bool is_credible(const struct trk_sock *ts, u32 mtu, u32 seq)
{
	return !before(seq, READ_ONCE(ts->sent_from)) && before(seq, READ_ONCE(ts->sent_to)) &&
	       !before(READ_ONCE(ts->sent_end), tcp_jiffies32) &&
	       mtu < READ_ONCE(ts->sent_most) + TRK_HDR4;
}

/*
 * Tells the route what fits.  The next request that is too large for the route makes the client
 * ask for smaller packets.  The smallest are cut where they have to be.
 */
static void too_big(struct trk_net *tn, struct sock *carrier, struct sk_buff *skb,
		    unsigned int inner_at, u32 mtu, u32 seq)
{
	const struct sock *sk = trk_carrier_owner(carrier);

	if (!sk || !is_credible(trk_sk(sk), mtu, seq)) {
		TRK_INC(tn, DROP_QUOTE);
		return;
	}
	if (READ_ONCE(tn->net->ipv4.sysctl_ip_no_pmtu_disc) >= 2)
		return;
	mtu = max_t(u32, mtu, TRK_MIN_SEG_SIZE + TRK_HDR4);
	__skb_pull(skb, inner_at);
	ipv4_sk_update_pmtu(skb, carrier, mtu);
	__skb_push(skb, inner_at);
}

/**
 * trk_icmp_rcv - look at an ICMP message for this host
 * @tn: namespace
 * @skb: the message, its IP header at skb->data
 *
 * A client believes a smaller path MTU if the message quotes what it has sent.  A server cannot
 * tell, since it does not know what it has sent, so it believes none; its clients find out by
 * themselves what arrives (core/narrow.c).  Other errors about a client's connection are dropped:
 * they are soft (RFC 1122 §4.2.3.9), but the carrier, which is in SYN_SENT, would take them for
 * hard ones.
 *
 * Context: softirq, under rcu_read_lock().
 * Return: verdict of the hook.
 */
unsigned int trk_icmp_rcv(struct trk_net *tn, struct sk_buff *skb)
{
	unsigned int at = skb_transport_offset(skb), inner_at = at + sizeof(struct icmphdr);
	const struct icmphdr *icmp;
	const struct iphdr *inner;
	struct sock *carrier;
	/* The ports and the sequence number, which every message quotes (RFC 792). */
	__be32 buf[2], *quote;

	if (!pskb_may_pull(skb, inner_at + sizeof(*inner)))
		return NF_ACCEPT;
	icmp = (const struct icmphdr *)(skb->data + at);
	inner = (const struct iphdr *)(skb->data + inner_at);
	if (icmp->type != ICMP_DEST_UNREACH && icmp->type != ICMP_TIME_EXCEEDED &&
	    icmp->type != ICMP_PARAMETERPROB)
		return NF_ACCEPT;
	if (inner->version != 4 || inner->ihl < 5 || inner->protocol != IPPROTO_TCP ||
	    inner->frag_off & htons(IP_OFFSET))
		return NF_ACCEPT;
	quote = skb_header_pointer(skb, inner_at + inner->ihl * 4, sizeof(buf), buf);
	if (!quote)
		return NF_ACCEPT;
	carrier = find_client(tn->net, skb, inner, (const __be16 *)quote);
	if (!carrier)
		return NF_ACCEPT;
	if (nf_ip_checksum(skb, NF_INET_LOCAL_IN, at, IPPROTO_ICMP))
		TRK_INC(tn, DROP_CHECKSUM);
	else if (icmp->type == ICMP_DEST_UNREACH && icmp->code == ICMP_FRAG_NEEDED)
		too_big(tn, carrier, skb, inner_at, ntohs(icmp->un.frag.mtu), ntohl(quote[1]));
	else
		TRK_INC(tn, DROP_ICMP);
	sock_gen_put(carrier);
	return NF_DROP;
}
