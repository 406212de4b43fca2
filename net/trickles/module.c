// SPDX-License-Identifier: GPL-2.0
/* Namespaces, init and exit. */
#include <linux/module.h>

#include "af.h"
#include "hook.h"
#include "keys.h"
#include "mib.h"
#include "netns.h"
#include "replay.h"
#include "sysctl.h"

static int __net_init trk_net_init(struct net *net)
{
	struct trk_net *tn = trk_net(net);
	int err;

	tn->net = net;
	spin_lock_init(&tn->listeners_lock);
	mutex_init(&tn->hook_lock);
	err = trk_mib_net_init(tn);
	if (err)
		return err;
	err = trk_keys_net_init(tn);
	if (err)
		goto mib;
	err = trk_sysctl_net_init(tn);
	if (err)
		goto keys;
	return 0;

keys:
	trk_keys_net_exit(tn);
mib:
	trk_mib_net_exit(tn);
	return err;
}

/* A grace period follows, so that no segment finds what trk_net_exit() frees. */
static void __net_exit trk_net_pre_exit(struct net *net)
{
	trk_hook_net_pre_exit(trk_net(net));
}

static void __net_exit trk_net_exit(struct net *net)
{
	struct trk_net *tn = trk_net(net);

	trk_sysctl_net_exit(tn);
	trk_replay_net_exit(tn);
	trk_keys_net_exit(tn);
	trk_mib_net_exit(tn);
}

static struct pernet_operations trk_net_ops = {
	.init		= trk_net_init,
	.pre_exit	= trk_net_pre_exit,
	.exit		= trk_net_exit,
	.id		= &trk_netns_id,
	.size		= sizeof(struct trk_net),
};

static int __init trk_init(void)
{
	int err;

	err = trk_keys_init();
	if (err)
		return err;
	err = register_pernet_subsys(&trk_net_ops);
	if (err)
		goto keys;
	err = trk_af_init();
	if (err)
		goto net;
	return 0;

net:
	unregister_pernet_subsys(&trk_net_ops);
keys:
	trk_keys_exit();
	return err;
}

static void __exit trk_exit(void)
{
	trk_af_exit();
	unregister_pernet_subsys(&trk_net_ops);
	trk_keys_exit();
	/* RCU callbacks that free our sockets run code of this module. */
	rcu_barrier();
}

module_init(trk_init);
module_exit(trk_exit);

MODULE_DESCRIPTION("Trickles: a stream transport with stateless servers");
MODULE_AUTHOR("The authors of Trickles for Linux");
MODULE_LICENSE("GPL");
MODULE_SOFTDEP("pre: aes cmac ecb");
/* No alias of the protocol: socket() by anybody shall not load the module (security.rst). */
