// SPDX-License-Identifier: GPL-2.0
/*
 * Confines failslab and fail_page_alloc to what the module "trickles" allocates: the filter
 * for stack traces that fault injection has on other machines does not exist on x86-64.
 *
 * An allocation is ours if a function of ours is among its nearest callers, whatever the
 * context is; those further up have merely sent a packet or been interrupted.
 */
#include <linux/atomic.h>
#include <linux/kprobes.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/stacktrace.h>
#include <linux/string.h>

#define DEPTH_MAX	32
#define PROBED_SIZE	32	/* where in the probed function its return address may lie */

static unsigned int depth = 8;
module_param(depth, uint, 0644);
MODULE_PARM_DESC(depth, "callers to look at");

static atomic_t count = ATOMIC_INIT(0);

static int get_count(char *buf, const struct kernel_param *param)
{
	return sysfs_emit(buf, "%d\n", atomic_read(&count));
}

static const struct kernel_param_ops count_ops = { .get = get_count };
module_param_cb(count, &count_ops, NULL, 0444);
MODULE_PARM_DESC(count, "allocations that were ours");

static struct module_layout text, init_text;

static bool within(const struct module_layout *layout, unsigned long addr)
{
	return addr - (unsigned long)READ_ONCE(layout->base) < READ_ONCE(layout->text_size);
}

/* What the allocator calls in place of a function that decides whether to fail. */
static noinline void just_return(void)
{
	barrier();
}

static int decide(struct kprobe *probe, struct pt_regs *regs)
{
	unsigned int n, from = 0, left = READ_ONCE(depth), i;
	unsigned long caller[DEPTH_MAX];

	n = stack_trace_save(caller, DEPTH_MAX, 0);
	/* What comes first is the probe's own. */
	for (i = 0; i < n; i++)
		if (caller[i] - (unsigned long)probe->addr < PROBED_SIZE)
			from = i + 1;
	for (i = from; i < n && left; i++, left--) {
		if (within(&text, caller[i]) || within(&init_text, caller[i])) {
			atomic_inc(&count);
			return 0;
		}
	}
	regs_set_return_value(regs, 0);
	instruction_pointer_set(regs, (unsigned long)just_return);
	return 1;
}

static struct kprobe slab = {
	.symbol_name = "should_failslab",
	.pre_handler = decide,
};

static struct kprobe page = {
	.symbol_name = "should_fail_alloc_page",
	.pre_handler = decide,
};

static int module_changes(struct notifier_block *block, unsigned long state, void *data)
{
	const struct module *mod = data;

	if (strcmp(mod->name, "trickles"))
		return NOTIFY_DONE;
	switch (state) {
	case MODULE_STATE_COMING:
		text = mod->core_layout;
		init_text = mod->init_layout;
		break;
	case MODULE_STATE_LIVE:
		memset(&init_text, 0, sizeof(init_text));
		break;
	case MODULE_STATE_GOING:
		memset(&text, 0, sizeof(text));
		memset(&init_text, 0, sizeof(init_text));
		break;
	}
	return NOTIFY_DONE;
}

static struct notifier_block block = { .notifier_call = module_changes };

static int __init only_ours_init(void)
{
	int err;

	err = register_module_notifier(&block);
	if (err)
		return err;
	err = register_kprobe(&slab);
	if (err)
		goto notifier;
	err = register_kprobe(&page);
	if (!err)
		return 0;
	unregister_kprobe(&slab);
notifier:
	unregister_module_notifier(&block);
	return err;
}
module_init(only_ours_init);

static void __exit only_ours_exit(void)
{
	unregister_kprobe(&page);
	unregister_kprobe(&slab);
	unregister_module_notifier(&block);
}
module_exit(only_ours_exit);

MODULE_DESCRIPTION("lets fault injection hit trickles alone");
MODULE_LICENSE("GPL");
