// SPDX-License-Identifier: GPL-2.0
/* A module that misbehaves as its parameter says, for selftests/vm and selftests/debug. */
#include <linux/compiler.h>
#include <linux/delay.h>
#include <linux/irqflags.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>

static char *what = "nothing";
module_param(what, charp, 0);

static DEFINE_SPINLOCK(first);
static DEFINE_SPINLOCK(second);
static int shift = 40;

static void provoke_use_after_free(void)
{
	char *p = kmalloc(100, GFP_KERNEL);

	kfree(p);
	WRITE_ONCE(*p, 1);
}

static void provoke_lock_order(void)
{
	spin_lock(&first);
	spin_lock(&second);
	spin_unlock(&second);
	spin_unlock(&first);
	spin_lock(&second);
	spin_lock(&first);
	spin_unlock(&first);
	spin_unlock(&second);
}

/* What looks for errors says so, where there is such a thing. */
static void provoke_checker(void)
{
	if (!strcmp(what, "use_after_free")) {
		provoke_use_after_free();
	} else if (!strcmp(what, "lock_order")) {
		provoke_lock_order();
	} else if (!strcmp(what, "shift")) {
		WRITE_ONCE(shift, 1 << READ_ONCE(shift));
	} else if (!strcmp(what, "leak")) {
		WRITE_ONCE(shift, !kmalloc(100, GFP_KERNEL));
	} else if (!strcmp(what, "sleep")) {
		spin_lock(&first);
		msleep(20);
		spin_unlock(&first);
	} else if (!strcmp(what, "sleep_in_rcu")) {
		rcu_read_lock();
		msleep(20);
		rcu_read_unlock();
	}
}

static int __init provoke_init(void)
{
	provoke_checker();
	if (!strcmp(what, "warning")) {
		WARN(1, "provoked\n");
	} else if (!strcmp(what, "oops")) {
		WRITE_ONCE(*(int *)NULL, 0);
	} else if (!strcmp(what, "hang")) {
		local_irq_disable();
		for (;;)
			cpu_relax();
	}
	return 0;
}
module_init(provoke_init);

static void __exit provoke_exit(void)
{
}
module_exit(provoke_exit);

MODULE_DESCRIPTION("misbehaves on purpose");
MODULE_LICENSE("GPL");
