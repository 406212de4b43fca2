/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The protocol for socket().
 */
#ifndef NET_TRICKLES_AF_H
#define NET_TRICKLES_AF_H

int trk_af_init(void);
void trk_af_exit(void);

#endif /* NET_TRICKLES_AF_H */
