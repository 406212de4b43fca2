// SPDX-License-Identifier: GPL-2.0
/*
 * Counters of a namespace, and /proc/net/trickles, which shows them in the form of
 * /proc/net/netstat: a line of names and a line of values, each behind "Trickles:".  nstat(8)
 * reads them with PROC_NET_NETSTAT=/proc/net/trickles in its environment.
 */
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/seq_file_net.h>

#include "mib.h"
#include "netns.h"

static const char * const mib_names[TRK_MIB_MAX] = {
#define MIB_NAME(id, name) name,
	TRK_MIBS(MIB_NAME)
#undef MIB_NAME
	NULL,	/* TRK_OK is no reason for a drop */
#define REASON_NAME(id, name) "Drop" name,
	TRK_REASONS(REASON_NAME)
#undef REASON_NAME
};

static u64 mib_sum(const struct trk_net *tn, int i)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu_ptr(tn->mibs, cpu)->v[i]);
	return sum;
}

static int mib_show(struct seq_file *seq, void *v)
{
	const struct trk_net *tn = trk_net(seq_file_single_net(seq));
	int i;

	seq_puts(seq, "Trickles:");
	for (i = 0; i < TRK_MIB_MAX; i++)
		if (mib_names[i])
			seq_printf(seq, " %s", mib_names[i]);
	seq_puts(seq, "\nTrickles:");
	for (i = 0; i < TRK_MIB_MAX; i++)
		if (mib_names[i])
			seq_printf(seq, " %llu", mib_sum(tn, i));
	seq_putc(seq, '\n');
	return 0;
}

/**
 * trk_mib_net_init - counters for a new namespace
 * @tn: namespace
 *
 * Return: 0 or -ENOMEM.
 */
int trk_mib_net_init(struct trk_net *tn)
{
	tn->mibs = alloc_percpu(struct trk_mibs);
	if (!tn->mibs)
		return -ENOMEM;
	if (!proc_create_net_single("trickles", 0444, tn->net->proc_net, mib_show, NULL)) {
		free_percpu(tn->mibs);
		return -ENOMEM;
	}
	return 0;
}

/**
 * trk_mib_net_exit - undo trk_mib_net_init()
 * @tn: namespace
 */
void trk_mib_net_exit(struct trk_net *tn)
{
	remove_proc_entry("trickles", tn->net->proc_net);
	free_percpu(tn->mibs);
}
