/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* What the files of libminisock know of each other. */
#ifndef MSK_INTERNAL_H
#define MSK_INTERNAL_H

#include <stddef.h>
#include <linux/trickles.h>

#include "minisock.h"

/* A user continuation that msk_setucont() has set for the answer; if @flags is 0, there is none. */
struct msk_staged {
	uint64_t start, end;
	uint32_t len;
	uint32_t flags;		/* TRK_CONT_*, with TRK_CONT_SET */
	uint32_t packet;
};

/* There is one for each entry of the queue.  The kernel writes the event, the library the rest. */
struct minisock {
	struct msk_queue *q;
	const struct trk_event *ev;
	uint64_t handle;	/* of the event at msk_next(); the entry may hold another since */
	uint64_t consumed_from, consumed_to;
	struct msk_staged staged[2];		/* by enum msk_which */
	unsigned char data[2][MSK_CONT_MAX];
};

/**
 * struct msk_queue - a listening socket and its event queue
 * @fd: the socket
 * @head: the mapped queue, which is read-only
 * @map_len: bytes that are mapped
 * @mask: number of entries, which is a power of two, less one
 * @walked: how many events msk_next() has given out
 * @produced: how many events the kernel had queued when that was last looked at
 * @told: how many events the kernel was told to be walked
 * @msk: the minisockets, by number of the entry
 *
 * Events are counted from the first one that the kernel queued, modulo 2^32.
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
