/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A listening socket.  Its state is trk_sk(sk)->listener, which the first TRK_QUEUE or TRK_OWNER
 * option allocates, or else listen().
 */
#ifndef NET_TRICKLES_LISTENER_H
#define NET_TRICKLES_LISTENER_H

#include <linux/mm_types.h>
#include <net/sock.h>
#include <uapi/linux/trickles.h>

struct trk_listener;

int trk_listener_start(struct sock *sk);
struct trk_listener *trk_listener_stop(struct sock *sk);
void trk_listener_free(struct trk_listener *l);
int trk_listener_set_queue(struct sock *sk, const struct trk_queue_info *info);
int trk_listener_set_owner(struct sock *sk, const u8 *secret, unsigned int len);
void trk_listener_info(struct sock *sk, struct trk_queue_info *info);
int trk_listener_mmap(struct sock *sk, struct vm_area_struct *vma);
int trk_listener_ioctl(struct sock *sk, unsigned int cmd, unsigned long arg);
__poll_t trk_listener_poll(struct sock *sk);

#endif /* NET_TRICKLES_LISTENER_H */
