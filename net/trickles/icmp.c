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

#include "carrier.h"
#include "icmp.h"
#include "mib.h"
#include "netns.h"
#include "ports.h"

/*
 * Does the segment that the message quotes belong to a client's connection that Trickles carries?
 * @port: its source port and its destination port
 */
static bool is_client(struct net *net, const struct sk_buff *skb, const struct iphdr *inner,
		      const __be16 *port)
{
	struct sock *sk;
	bool taken;

	sk = __inet_lookup_established(net, net->ipv4.tcp_death_row.hashinfo, inner->daddr,
				       port[1], inner->saddr, ntohs(port[0]), inet_iif(skb),
				       inet_sdif(skb));
	if (!sk)
		return false;
	taken = sk_fullsock(sk) && trk_carrier_is(sk) && trk_carrier_taken(sk);
	sock_gen_put(sk);
	return taken;
}

/* Tells the route what fits.  Larger packets may be cut into fragments then (output.c). */
static void update_pmtu(struct net *net, struct sk_buff *skb, unsigned int inner_at, u32 mtu)
{
	if (READ_ONCE(net->ipv4.sysctl_ip_no_pmtu_disc) >= 2)
		return;
	__skb_pull(skb, inner_at);
	ipv4_update_pmtu(skb, net, mtu, 0, IPPROTO_TCP);
	__skb_push(skb, inner_at);
}

/**
 * trk_icmp_rcv - look at an ICMP message for this host
 * @tn: namespace
 * @skb: the message, its IP header at skb->data
 *
 * A smaller path MTU is believed if the quoted segment can be ours; the kernel's lower bound
 * (min_pmtu) limits what a forged message can do.  Other errors about a client's connection are
 * dropped: they are soft (RFC 1122 §4.2.3.9), but the carrier, which is in SYN_SENT, would take
 * them for hard ones.
 *
 * Context: softirq, under rcu_read_lock().
 * Return: verdict of the hook.
 */
unsigned int trk_icmp_rcv(struct trk_net *tn, struct sk_buff *skb)
{
	unsigned int at = skb_transport_offset(skb), inner_at = at + sizeof(struct icmphdr);
	const struct icmphdr *icmp;
	const struct iphdr *inner;
	bool client, too_big;
	__be16 buf[2], *port;

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
	port = skb_header_pointer(skb, inner_at + inner->ihl * 4, sizeof(buf), buf);
	if (!port)
		return NF_ACCEPT;
	too_big = icmp->type == ICMP_DEST_UNREACH && icmp->code == ICMP_FRAG_NEEDED;
	client = is_client(tn->net, skb, inner, port);
	if (!client && !(too_big && trk_ports_has(tn, ntohs(port[0]))))
		return NF_ACCEPT;
	if (nf_ip_checksum(skb, NF_INET_LOCAL_IN, at, IPPROTO_ICMP)) {
		TRK_INC(tn, DROP_CHECKSUM);
		return NF_DROP;
	}
	if (too_big)
		update_pmtu(tn->net, skb, inner_at, ntohs(icmp->un.frag.mtu));
	if (!client)
		return NF_ACCEPT;
	if (!too_big)
		TRK_INC(tn, DROP_ICMP);
	return NF_DROP;
}
