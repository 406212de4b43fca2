/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* What the files of libminisock know of each other. */
#ifndef MSK_INTERNAL_H
#define MSK_INTERNAL_H

#include <stddef.h>
#include <linux/trickles.h>

#include "minisock.h"

/* A user continuation that waits for the answer; absent if flags is 0. */
struct msk_staged {
	uint64_t start, end;
	uint32_t len;
	uint32_t flags;		/* TRK_CONT_*, with TRK_CONT_SET */
	uint32_t packet;
};

/* One for each entry of the queue: the event is the kernel's, read-only; the rest is ours. */
struct minisock {
	struct msk_queue *q;
	const struct trk_event *ev;
	uint64_t handle;	/* of the event that was walked: the entry may have another now */
	uint64_t consumed_from, consumed_to;
	struct msk_staged staged[2];		/* by enum msk_which */
	unsigned char data[2][MSK_CONT_MAX];
};

/**
 * struct msk_queue - a listening socket and its event queue
 * @fd: the socket
 * @head: mapped, read-only
 * @map_len: bytes that are mapped
 * @mask: entries - 1
 * @walked: events that msk_next() gave out
 * @produced: events known to be in the queue
 * @told: events that the kernel knows to be walked
 * @msk: by entry
 */
struct msk_queue {
	int fd;
	const struct trk_queue_head *head;
	size_t map_len;
	uint32_t mask;
	uint32_t walked, produced, told;
	struct minisock *msk;
};

#endif /* MSK_INTERNAL_H */
