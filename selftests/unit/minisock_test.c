// SPDX-License-Identifier: GPL-2.0
/* What libminisock refuses by itself, and what it passes to the kernel. */
#include "minisock.c"
#include "send.c"

#include "tap.h"

static struct trk_event ev;
static struct minisock msk = { .ev = &ev };

static int set(unsigned int pkt, enum msk_which which, unsigned int flags)
{
	struct msk_cont c = { .start = 1, .end = 9, .data = "x", .len = 1, .flags = flags };

	errno = 0;
	return msk_setucont(&msk, pkt, which, &c) ? errno : 0;
}

/* A continuation is for the first packet of an answer to ranges, and for any of another answer. */
static void setucont__packet_that_can_carry_it(void)
{
	ev = (struct trk_event){ .type = TRK_EV_REQUEST, .packets = 3 };
	CHECK_EQ(set(0, MSK_OUTPUT, 0), 0);
	CHECK_EQ(set(2, MSK_OUTPUT, 0), 0);
	CHECK_EQ(set(3, MSK_OUTPUT, 0), EINVAL);
	ev.nranges = 1;
	CHECK_EQ(set(0, MSK_INPUT, 0), 0);
	CHECK_EQ(set(1, MSK_INPUT, 0), EINVAL);
	/* A continuation for packet 0 is accepted even if congestion control allows no packet. */
	ev.packets = 0;
	CHECK_EQ(set(0, MSK_OUTPUT, 0), 0);
}

static void setucont__flags_of_its_own(void)
{
	struct msk_cont c = { .start = 9, .end = 1 };

	ev = (struct trk_event){ .packets = 1 };
	CHECK_EQ(set(0, MSK_OUTPUT, MSK_FINAL), 0);
	CHECK_EQ(set(0, MSK_INPUT, MSK_PARALLEL), 0);
	CHECK_EQ(set(0, MSK_INPUT, MSK_FINAL), EINVAL);
	CHECK_EQ(set(0, MSK_OUTPUT, MSK_PARALLEL), EINVAL);
	CHECK_EQ(set(0, MSK_OUTPUT, MSK_SEND_FIN), EINVAL);
	CHECK_EQ(set(0, MSK_OUTPUT, MSK_FIN), EINVAL);
	CHECK_EQ(msk_setucont(&msk, 0, MSK_OUTPUT, &c), -1);
	c = (struct msk_cont){ .reserved0 = 1 };
	CHECK_EQ(msk_setucont(&msk, 0, MSK_OUTPUT, &c), -1);
	c = (struct msk_cont){ .reserved = { [1] = 1 } };
	CHECK_EQ(msk_setucont(&msk, 0, MSK_OUTPUT, &c), -1);
	c = (struct msk_cont){ .len = MSK_CONT_MAX + 1 };
	CHECK_EQ(msk_setucont(&msk, 0, MSK_OUTPUT, &c), -1);
	CHECK_EQ(errno, EMSGSIZE);
}

/* A continuation that came with an event can be set again as it is. */
static void ucont__there_and_back(void)
{
	struct msk_cont c;

	memset(&c, 0xff, sizeof(c));
	ev = (struct trk_event){
		.packets = 1, .flags = TRK_EVF_OUTPUT_CONT,
		.output = { .start = 3, .end = 7, .flags = TRK_CONT_FINAL },
	};
	CHECK_EQ(msk_ucont(&msk, MSK_INPUT, &c), 0);
	CHECK_EQ(msk_ucont(&msk, MSK_OUTPUT, &c), 1);
	CHECK_EQ(c.flags, MSK_FINAL);
	CHECK_EQ(msk_setucont(&msk, 0, MSK_OUTPUT, &c), 0);
}

static void op__what_the_kernel_is_told(void)
{
	struct msk_desc d = { .msk = &msk, .flags = MSK_DESC_DROP };
	static const struct trk_op none;
	struct trk_op op;

	ev = (struct trk_event){ .packets = 4 };
	msk.handle = 77;
	CHECK_EQ(set(2, MSK_OUTPUT, MSK_FINAL), 0);
	op_build(&op, &d);
	CHECK_EQ(op.op, TRK_OP_DROP);
	/* To drop an event, all fields behind @op must be 0. */
	CHECK(!memcmp(&op.flags, &none.flags, sizeof(op) - offsetof(struct trk_op, flags)));
	/* A reserved field that is not 0 is passed on, so that the kernel refuses it. */
	d.reserved[0] = 1;
	op_build(&op, &d);
	CHECK(memcmp(&op.flags, &none.flags, sizeof(op) - offsetof(struct trk_op, flags)));
	d = (struct msk_desc){ .msk = &msk, .flags = MSK_SEND_FIN, .off = 5 };
	op_build(&op, &d);
	CHECK_EQ(op.op, TRK_OP_SEND);
	CHECK_EQ(op.handle, 77);
	CHECK_EQ(op.flags, TRK_SEND_FIN);
	CHECK_EQ(op.off, 5);
	CHECK_EQ(op.output.packet, 2);
	CHECK_EQ(op.output.flags, TRK_CONT_SET | TRK_CONT_FINAL);
	CHECK_EQ(op.reserved, 0);
	/* MSK_DESC_DROP beside another flag is passed on, so that the kernel refuses it. */
	d.flags |= MSK_DESC_DROP;
	op_build(&op, &d);
	CHECK(op.op == TRK_OP_SEND && op.flags & ~(TRK_SEND_FIN | TRK_SEND_ABORT));
	d.reserved[1] = 1;
	op_build(&op, &d);
	CHECK_EQ(op.reserved, 1);
}

/* A queue that another process had: what it may have left is walked, and nothing else. */
static void attach__oldest_event(void)
{
	static union {
		struct trk_queue_head head;
		char room[sizeof(struct trk_queue_head) + 4 * sizeof(uint32_t)];
	} q;
	struct trk_queue_head *head = &q.head;
	static const struct { uint32_t produced, oldest; } wrapped[] = {
		{ 4, 0 }, { 5, 1 }, { UINT32_MAX, UINT32_MAX - 4 }, { 0, -4U }, { 3, -1U }, { }
	};
	unsigned int i;

	head->entries = 4;
	memset(head->order, 0xff, 4 * sizeof(uint32_t));
	CHECK_EQ(oldest_event(head), 0);
	for (i = 1; i < 4; i++) {
		head->order[i - 1] = i;
		head->produced = i;
		CHECK_EQ(oldest_event(head), 0);
	}
	head->order[3] = 0;
	for (i = 0; wrapped[i].produced || wrapped[i].oldest; i++) {
		head->produced = wrapped[i].produced;
		CHECK_EQ(oldest_event(head), wrapped[i].oldest);
	}
}

static const struct tap_case cases[] = {
	TAP_CASE(setucont__packet_that_can_carry_it),
	TAP_CASE(setucont__flags_of_its_own),
	TAP_CASE(ucont__there_and_back),
	TAP_CASE(op__what_the_kernel_is_told),
	TAP_CASE(attach__oldest_event),
};

TAP_MAIN(cases)
