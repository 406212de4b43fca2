// SPDX-License-Identifier: GPL-2.0
/* A module that misbehaves as its parameter says, for selftests/vm. */
#include <linux/compiler.h>
#include <linux/irqflags.h>
#include <linux/module.h>
#include <linux/string.h>

static char *what = "nothing";
module_param(what, charp, 0);

static int __init provoke_init(void)
{
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
