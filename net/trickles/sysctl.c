// SPDX-License-Identifier: GPL-2.0
/* net.trickles.* of a namespace: Documentation/sysctl.rst says what they do. */
#include <linux/capability.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/sysctl.h>

#include "core/limits.h"
#include "core/once.h"
#include "keys.h"
#include "netns.h"
#include "sysctl.h"

static unsigned int horizon_min = 1000, horizon_max = 86400000;
static unsigned int skew_max = 60000;
static unsigned int marked_syns_max = 16;
static unsigned int max_orphans_max = 1 << 16;
static unsigned int output_max_min = 1 << 18, output_max_max = 1 << 30;
static unsigned int retired_keys_max = TRK_RETIRED_KEYS;
static unsigned int replay_connections_min = TRK_ONCE_WAYS, replay_connections_max = 1 << 20;

static int set_key(struct trk_net *tn, const char *text)
{
	const char *rest = text + 2 * TRK_SECRET_LEN;
	u8 secret[TRK_SECRET_LEN];
	int err = -EINVAL;

	if (strlen(text) >= 2 * TRK_SECRET_LEN && (!*rest || !strcmp(rest, " only")) &&
	    !hex2bin(secret, text, TRK_SECRET_LEN))
		err = trk_keys_set(tn, secret, *rest);
	memzero_explicit(secret, sizeof(secret));
	return err;
}

static int proc_key(struct ctl_table *table, int write, void *buffer, size_t *lenp, loff_t *ppos)
{
	struct trk_net *tn = table->data;
	char text[2 * TRK_SECRET_LEN + sizeof(" only") + 1] = "";
	struct ctl_table copy = { .data = text, .maxlen = sizeof(text) };
	size_t len = *lenp;
	int err;

	if (!ns_capable(tn->net->user_ns, CAP_NET_ADMIN))
		err = -EPERM;
	/* A secret has to come with one write(): a part of it would be another one, or none. */
	else if (*ppos)
		err = -EINVAL;
	else
		err = proc_dostring(&copy, write, buffer, lenp, ppos);
	if (!err)
		err = set_key(tn, text);
	memzero_explicit(text, sizeof(text));
	/* Our caller frees its copy of what was written, and does not wipe it. */
	memzero_explicit(buffer, len);
	return err;
}

/* Anybody may read key ids: they are in every continuation, and are no secrets. */
static int proc_key_ids(struct ctl_table *table, int write, void *buffer, size_t *lenp,
			loff_t *ppos)
{
	char text[3 * TRK_KEYS_MAX + 1] = "";
	struct ctl_table copy = { .data = text, .maxlen = sizeof(text) };
	u8 ids[TRK_KEYS_MAX];
	int i, n = trk_keys_ids(table->data, ids), len = 0;

	for (i = 0; i < n; i++)
		len += scnprintf(text + len, sizeof(text) - len, i ? " %02x" : "%02x", ids[i]);
	return proc_dostring(&copy, write, buffer, lenp, ppos);
}

static int proc_retired_keys(struct ctl_table *table, int write, void *buffer, size_t *lenp,
			     loff_t *ppos)
{
	int err = proc_douintvec_minmax(table, write, buffer, lenp, ppos);

	if (!err && write)
		trk_keys_trim(container_of(table->data, struct trk_net, sysctl_retired_keys));
	return err;
}

static const struct ctl_table trk_table[] = {
	{
		.procname	= "horizon_ms",
		.data		= (void *)offsetof(struct trk_net, sysctl_horizon_ms),
		.maxlen		= sizeof(unsigned int),
		.mode		= 0644,
		.proc_handler	= proc_douintvec_minmax,
		.extra1		= &horizon_min,
		.extra2		= &horizon_max,
	}, {
		.procname	= "skew_ms",
		.data		= (void *)offsetof(struct trk_net, sysctl_skew_ms),
		.maxlen		= sizeof(unsigned int),
		.mode		= 0644,
		.proc_handler	= proc_douintvec_minmax,
		.extra1		= SYSCTL_ZERO,
		.extra2		= &skew_max,
	}, {
		.procname	= "replay_connections",
		.data		= (void *)offsetof(struct trk_net, sysctl_replay_connections),
		.maxlen		= sizeof(unsigned int),
		.mode		= 0644,
		.proc_handler	= proc_douintvec_minmax,
		.extra1		= &replay_connections_min,
		.extra2		= &replay_connections_max,
	}, {
		.procname	= "marked_syns",
		.data		= (void *)offsetof(struct trk_net, sysctl_marked_syns),
		.maxlen		= sizeof(unsigned int),
		.mode		= 0644,
		.proc_handler	= proc_douintvec_minmax,
		.extra1		= SYSCTL_ZERO,
		.extra2		= &marked_syns_max,
	}, {
		.procname	= "redundant_requests",
		.data		= (void *)offsetof(struct trk_net, sysctl_redundant_requests),
		.maxlen		= sizeof(unsigned int),
		.mode		= 0644,
		.proc_handler	= proc_douintvec_minmax,
		.extra1		= SYSCTL_ZERO,
		.extra2		= SYSCTL_ONE,
	}, {
		.procname	= "moves",
		.data		= (void *)offsetof(struct trk_net, sysctl_moves),
		.maxlen		= sizeof(unsigned int),
		.mode		= 0644,
		.proc_handler	= proc_douintvec_minmax,
		.extra1		= SYSCTL_ZERO,
		.extra2		= SYSCTL_ONE,
	}, {
		.procname	= "retired_keys",
		.data		= (void *)offsetof(struct trk_net, sysctl_retired_keys),
		.maxlen		= sizeof(unsigned int),
		.mode		= 0644,
		.proc_handler	= proc_retired_keys,
		.extra1		= SYSCTL_ZERO,
		.extra2		= &retired_keys_max,
	}, {
		.procname	= "max_orphans",
		.data		= (void *)offsetof(struct trk_net, sysctl_max_orphans),
		.maxlen		= sizeof(unsigned int),
		.mode		= 0644,
		.proc_handler	= proc_douintvec_minmax,
		.extra1		= SYSCTL_ZERO,
		.extra2		= &max_orphans_max,
	}, {
		.procname	= "output_max",
		.data		= (void *)offsetof(struct trk_net, sysctl_output_max),
		.maxlen		= sizeof(unsigned int),
		.mode		= 0644,
		.proc_handler	= proc_douintvec_minmax,
		.extra1		= &output_max_min,
		.extra2		= &output_max_max,
	}, {
		.procname	= "key",
		.mode		= 0200,
		.proc_handler	= proc_key,
	}, {
		.procname	= "key_ids",
		.mode		= 0444,
		.proc_handler	= proc_key_ids,
	},
	{ }
};

/**
 * trk_sysctl_net_init - settings of a new namespace
 * @tn: namespace
 *
 * Return: 0 or -ENOMEM.
 */
int trk_sysctl_net_init(struct trk_net *tn)
{
	struct ctl_table *table;
	unsigned int i;

	tn->sysctl_horizon_ms = 600000;
	tn->sysctl_skew_ms = 1000;
	tn->sysctl_replay_connections = 8192;
	tn->sysctl_marked_syns = 2;
	tn->sysctl_retired_keys = TRK_RETIRED_KEYS;
	tn->sysctl_max_orphans = 4096;
	tn->sysctl_output_max = 16 << 20;

	/* A copy, in which the offsets of trk_table become addresses in this namespace. */
	table = kmemdup(trk_table, sizeof(trk_table), GFP_KERNEL);
	if (!table)
		return -ENOMEM;
	for (i = 0; table[i].procname; i++)
		table[i].data = (void *)tn + (unsigned long)trk_table[i].data;
	tn->sysctl = register_net_sysctl(tn->net, "net/trickles", table);
	if (!tn->sysctl) {
		kfree(table);
		return -ENOMEM;
	}
	return 0;
}

/**
 * trk_sysctl_net_exit - undo trk_sysctl_net_init()
 * @tn: namespace
 */
void trk_sysctl_net_exit(struct trk_net *tn)
{
	struct ctl_table *table = tn->sysctl->ctl_table_arg;

	unregister_net_sysctl_table(tn->sysctl);
	kfree(table);
}
