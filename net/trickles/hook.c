// SPDX-License-Identifier: GPL-2.0
/*
 * A segment on its way in.  The hook sees all TCP segments for this host, after
 * firewall and NAT.  It keeps the marked ones and leaves the others to TCP, but for
 * those that a carrier must not see.  It also sees ICMP messages (icmp.c).
 */
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <net/inet_hashtables.h>
#include <net/ip.h>
#include <net/tcp.h>
#include <net/xfrm.h>
#if IS_ENABLED(CONFIG_NF_CONNTRACK)
#include <net/netfilter/nf_conntrack.h>
#endif

#include "carrier.h"
#include "core/wire.h"
#include "hook.h"
#include "icmp.h"
#include "mib.h"
#include "netns.h"
#include "ports.h"
#include "requests.h"
#include "stream_in.h"

/* Does a segment carry our option?  All of its options stand behind @th. */
static bool is_marked(const struct tcphdr *th)
{
	return th->doff > sizeof(*th) / 4 &&
	       trk_wire_opt_find((const u8 *)(th + 1), th->doff * 4 - sizeof(*th)) >= 0;
}

/*
 * The socket that TCP would find for a segment, if it is a carrier, or NULL.  *@ref says whether
 * the caller has to release it with sock_gen_put().
 */
static struct sock *find_carrier(struct net *net, struct sk_buff *skb, const struct tcphdr *th,
				 bool *ref)
{
	const struct iphdr *iph = ip_hdr(skb);
	struct sock *sk = skb->sk;

	*ref = false;
	if (!sk) {
		sk = __inet_lookup_established(net, net->ipv4.tcp_death_row.hashinfo,
					       iph->saddr, th->source, iph->daddr,
					       ntohs(th->dest), inet_iif(skb), inet_sdif(skb));
		if (!sk)
			return NULL;
		*ref = true;
	}
	if (sk_fullsock(sk) && trk_carrier_is(sk))
		return sk;
	if (*ref)
		sock_gen_put(sk);
	return NULL;
}

/*
 * A segment that the hook steals does not reach the last hook of connection tracking, which
 * confirms a new connection.  Unconfirmed it would not be known, and a firewall with the rule "ct
 * state invalid drop" would drop every answer.
 */
static bool confirm(struct sk_buff *skb)
{
#if IS_ENABLED(CONFIG_NF_CONNTRACK)
	enum ip_conntrack_info ctinfo;
	struct nf_conn *ct = nf_ct_get(skb, &ctinfo);
	const struct nf_ct_hook *hook;

	if (ct && !nf_ct_is_confirmed(ct)) {
		hook = rcu_dereference(nf_ct_hook);
		if (hook && hook->confirm(skb) != NF_ACCEPT)
			return false;
	}
#endif
	nf_reset_ct(skb);
	return true;
}

/* The checks that TCP makes for a socket.  Afterwards the TCP header is at skb->data. */
static bool admit(struct trk_net *tn, struct sock *sk, struct sk_buff *skb)
{
	__skb_pull(skb, skb_transport_offset(skb));
	if (xfrm4_policy_check(sk, XFRM_POLICY_IN, skb) && confirm(skb) &&
	    !sk_filter_trim_cap(sk, skb, tcp_hdr(skb)->doff * 4))
		return true;
	TRK_INC(tn, DROP_POLICY);
	return false;
}

/*
 * Plain segments are kept from a carrier whose connection Trickles carries: a SYN-ACK or RST would
 * change its TCP's state.  Before that, an RST may have to be dropped (trk_carrier_refused()).
 */
static unsigned int hook_plain(struct trk_net *tn, struct sk_buff *skb, const struct tcphdr *th)
{
	struct sock *sk;
	bool taken, refused, ref;

	if (!atomic_read(&tn->taken) && !th->rst)
		return NF_ACCEPT;
	sk = find_carrier(tn->net, skb, th, &ref);
	if (!sk)
		return NF_ACCEPT;
	taken = trk_carrier_taken(sk);
	refused = !taken && th->rst && trk_carrier_refused(sk, th);
	if (ref)
		sock_gen_put(sk);
	if (taken)
		TRK_INC(tn, DROP_PLAIN);
	if (refused)
		TRK_INC(tn, DROP_REFUSED);
	return taken || refused ? NF_DROP : NF_ACCEPT;
}

/*
 * A TCP server of another user may have got the port after our listener.  Then we must not answer
 * the SYNs of its clients.
 */
static bool foreign_server(struct trk_net *tn, const struct sock *sk, struct sk_buff *skb)
{
	const struct iphdr *iph = ip_hdr(skb);
	const struct tcphdr *th = tcp_hdr(skb);
	struct sock *other;

	other = __inet_lookup_listener(tn->net, tn->net->ipv4.tcp_death_row.hashinfo, skb,
				       skb_transport_offset(skb) + th->doff * 4, iph->saddr,
				       th->source, iph->daddr, ntohs(th->dest), inet_iif(skb),
				       inet_sdif(skb));
	return other && !uid_eq(other->sk_uid, sk->sk_uid);
}

static unsigned int hook_syn(struct trk_net *tn, struct sk_buff *skb)
{
	struct sock *sk = trk_ports_find(tn, skb);

	/* The SYN is left to TCP, which answers with a plain SYN-ACK or an RST. */
	if (!sk || foreign_server(tn, sk, skb))
		return NF_ACCEPT;
	/* It is also left to TCP if there is no common version (protocol.rst, "Handshake"). */
	if (!trk_wire_syn_version((const u8 *)(tcp_hdr(skb) + 1),
				  tcp_hdrlen(skb) - sizeof(struct tcphdr))) {
		TRK_INC(tn, SYN_VERSION);
		return NF_ACCEPT;
	}
	TRK_INC(tn, SYN_RCVD);
	if (!admit(tn, sk, skb))
		return NF_DROP;
	trk_requests_syn(tn, sk, skb);
	consume_skb(skb);
	return NF_STOLEN;
}

/*
 * A request without a listener is dropped and not answered with RST: a replica at the same address
 * may have one, and so may this host when the server was started again.
 */
static unsigned int hook_request(struct trk_net *tn, struct sk_buff *skb)
{
	struct sock *sk = trk_ports_find(tn, skb);
	unsigned int at, step;

	if (!sk) {
		TRK_INC(tn, DROP_NO_LISTENER);
		return NF_DROP;
	}
	if (!admit(tn, sk, skb))
		return NF_DROP;
	at = tcp_hdrlen(skb);
	step = skb_is_gso(skb) ? skb_shinfo(skb)->gso_size : skb->len - at;
	for (; at < skb->len; at += step)
		trk_requests_rcv(tn, sk, skb, at, min(step, skb->len - at));
	consume_skb(skb);
	return NF_STOLEN;
}

static unsigned int hook_response(struct trk_net *tn, struct sk_buff *skb, const struct tcphdr *th)
{
	struct sock *carrier, *owner;
	bool ref, took = false;

	carrier = find_carrier(tn->net, skb, th, &ref);
	if (carrier) {
		owner = trk_carrier_owner(carrier);
		if (owner) {
			if (!admit(tn, owner, skb)) {
				if (ref)
					sock_gen_put(carrier);
				return NF_DROP;
			}
			trk_stream_in_segment(owner, skb);
			took = true;
		}
		if (ref)
			sock_gen_put(carrier);
	}
	if (took)
		return NF_STOLEN;
	TRK_INC(tn, DROP_NO_CLIENT);
	return NF_DROP;
}

static unsigned int hook_marked(struct trk_net *tn, struct sk_buff *skb)
{
	unsigned int thoff = skb_transport_offset(skb);
	const struct tcphdr *th;
	unsigned int at;
	u8 *p, buf;
	int kind;

	if (nf_ip_checksum(skb, NF_INET_LOCAL_IN, thoff, IPPROTO_TCP)) {
		TRK_INC(tn, DROP_CHECKSUM);
		return NF_DROP;
	}
	if (!pskb_may_pull(skb, thoff + sizeof(*th)) ||
	    !pskb_may_pull(skb, thoff + tcp_hdrlen(skb))) {
		TRK_INC(tn, DROP_NOMEM);
		return NF_DROP;
	}
	th = tcp_hdr(skb);
	if (th->rst) {
		TRK_INC(tn, DROP_RST);
		return NF_DROP;
	}
	if (th->syn)
		return th->ack ? hook_response(tn, skb, th) : hook_syn(tn, skb);

	at = thoff + tcp_hdrlen(skb);
	p = skb_header_pointer(skb, at, sizeof(buf), &buf);
	if (!p) {
		TRK_DROP(tn, TRK_DROP_TRUNCATED);
		return NF_DROP;
	}
	kind = trk_wire_kind(p, skb->len - at);
	if (kind < 0) {
		TRK_DROP(tn, TRK_DROP_VERSION);
		return NF_DROP;
	}
	return TRK_KIND_IS_RESPONSE(kind) ? hook_response(tn, skb, th) : hook_request(tn, skb);
}

static unsigned int hook_in(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	struct trk_net *tn = trk_net(state->net);
	u8 buf[60];
	const struct tcphdr *th;
	unsigned int verdict;

	if (skb->pkt_type != PACKET_HOST)
		return NF_ACCEPT;
	/* What comes back from NFQUEUE does so in process context. */
	if (ip_hdr(skb)->protocol == IPPROTO_ICMP) {
		local_bh_disable();
		verdict = trk_icmp_rcv(tn, skb);
		local_bh_enable();
		return verdict;
	}
	if (ip_hdr(skb)->protocol != IPPROTO_TCP)
		return NF_ACCEPT;
	th = skb_header_pointer(skb, skb_transport_offset(skb), sizeof(*th), buf);
	if (!th || th->doff < sizeof(*th) / 4)
		return NF_ACCEPT;
	if (th->doff > sizeof(*th) / 4) {
		th = skb_header_pointer(skb, skb_transport_offset(skb), th->doff * 4, buf);
		if (!th)
			return NF_ACCEPT;
		if (is_marked(th)) {
			local_bh_disable();
			verdict = hook_marked(tn, skb);
			local_bh_enable();
			return verdict;
		}
	}
	return hook_plain(tn, skb, th);
}

static const struct nf_hook_ops hook_ops = {
	.hook		= hook_in,
	.pf		= NFPROTO_IPV4,
	.hooknum	= NF_INET_LOCAL_IN,
	/* Behind all filters and NAT: what they drop does not get here. */
	.priority	= NF_IP_PRI_CONNTRACK_CONFIRM - 1,
};

/**
 * trk_hook_get - make sure that the input hook of a namespace is registered
 * @tn: namespace
 *
 * It stays registered until the namespace ends: see @hooked of struct trk_net.
 *
 * Context: may sleep.
 * Return: 0 or a negative errno.
 */
int trk_hook_get(struct trk_net *tn)
{
	int err = 0;

	mutex_lock(&tn->hook_lock);
	if (!tn->hooked) {
		err = nf_register_net_hook(tn->net, &hook_ops);
		tn->hooked = !err;
	}
	mutex_unlock(&tn->hook_lock);
	return err;
}

/**
 * trk_hook_net_pre_exit - unregister the hook of a namespace that ends
 * @tn: namespace
 */
void trk_hook_net_pre_exit(struct trk_net *tn)
{
	if (tn->hooked)
		nf_unregister_net_hook(tn->net, &hook_ops);
}
