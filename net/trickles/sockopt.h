/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Options of a Trickles socket.
 */
#ifndef NET_TRICKLES_SOCKOPT_H
#define NET_TRICKLES_SOCKOPT_H

#include <linux/net.h>
#include <linux/sockptr.h>

int trk_sockopt_set(struct socket *sock, int level, int optname, sockptr_t optval,
		    unsigned int optlen);
int trk_sockopt_get(struct socket *sock, int level, int optname, char __user *optval,
		    int __user *optlen);

#endif /* NET_TRICKLES_SOCKOPT_H */
