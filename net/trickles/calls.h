/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What an application does with a client's socket.
 */
#ifndef NET_TRICKLES_CALLS_H
#define NET_TRICKLES_CALLS_H

#include <linux/net.h>
#include <linux/poll.h>

int trk_calls_connect(struct socket *sock, struct sockaddr *addr, int len, int flags);
int trk_calls_sendmsg(struct socket *sock, struct msghdr *msg, size_t len);
int trk_calls_recvmsg(struct socket *sock, struct msghdr *msg, size_t len, int flags);
__poll_t trk_calls_poll(struct file *file, struct socket *sock);
int trk_calls_shutdown(struct socket *sock, int how);
int trk_calls_release(struct socket *sock);

#endif /* NET_TRICKLES_CALLS_H */
