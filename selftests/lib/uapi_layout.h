/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The size and all offsets of each struct of the public header, which are the same for programs
 * of 64 and of 32 bits, and must not change: programs work with later modules as they are.
 */
#ifndef UAPI_LAYOUT_H
#define UAPI_LAYOUT_H

#include <stddef.h>
#include <linux/trickles.h>

#define SIZE(type, len) \
	_Static_assert(sizeof(struct type) == (len), "size of struct " #type)
#define AT(type, field, at) \
	_Static_assert(offsetof(struct type, field) == (at), #type "." #field)

SIZE(trk_queue_info, 24);
AT(trk_queue_info, entries, 0);
AT(trk_queue_info, event_size, 4);
AT(trk_queue_info, map_len, 8);
AT(trk_queue_info, flags, 16);
AT(trk_queue_info, reserved, 20);

SIZE(trk_queue_head, 64);
AT(trk_queue_head, version, 0);
AT(trk_queue_head, entries, 4);
AT(trk_queue_head, event_size, 8);
AT(trk_queue_head, events_off, 12);
AT(trk_queue_head, produced, 16);
AT(trk_queue_head, dropped, 20);
AT(trk_queue_head, event_len, 24);
AT(trk_queue_head, reserved, 28);
AT(trk_queue_head, order, 64);

SIZE(trk_event_cont, 32);
AT(trk_event_cont, start, 0);
AT(trk_event_cont, end, 8);
AT(trk_event_cont, at, 16);
AT(trk_event_cont, len, 20);
AT(trk_event_cont, flags, 24);
AT(trk_event_cont, reserved, 28);

SIZE(trk_event_range, 16);
AT(trk_event_range, off, 0);
AT(trk_event_range, len, 8);

SIZE(trk_addr, 24);
AT(trk_addr, addr, 0);
AT(trk_addr, scope, 16);
AT(trk_addr, port, 20);
AT(trk_addr, reserved, 22);

SIZE(trk_event, 248);
AT(trk_event, handle, 0);
AT(trk_event, conn, 8);
AT(trk_event, type, 16);
AT(trk_event, flags, 20);
AT(trk_event, packets, 24);
AT(trk_event, mss, 28);
AT(trk_event, room, 32);
AT(trk_event, input_off, 40);
AT(trk_event, input_len, 48);
AT(trk_event, input_at, 52);
AT(trk_event, nranges, 56);
AT(trk_event, reserved, 60);
AT(trk_event, range, 64);
AT(trk_event, output, 128);
AT(trk_event, input, 160);
AT(trk_event, peer, 192);
AT(trk_event, local, 216);
AT(trk_event, time_ns, 240);

SIZE(trk_iov, 24);
AT(trk_iov, addr, 0);
AT(trk_iov, len, 8);
AT(trk_iov, fd, 16);
AT(trk_iov, reserved, 20);

SIZE(trk_op_cont, 40);
AT(trk_op_cont, opaque, 0);
AT(trk_op_cont, start, 8);
AT(trk_op_cont, end, 16);
AT(trk_op_cont, len, 24);
AT(trk_op_cont, flags, 28);
AT(trk_op_cont, packet, 32);
AT(trk_op_cont, reserved, 36);

SIZE(trk_op, 144);
AT(trk_op, handle, 0);
AT(trk_op, result, 8);
AT(trk_op, op, 16);
AT(trk_op, flags, 20);
AT(trk_op, iov, 24);
AT(trk_op, niov, 32);
AT(trk_op, reserved, 36);
AT(trk_op, off, 40);
AT(trk_op, consumed_from, 48);
AT(trk_op, consumed_to, 56);
AT(trk_op, output, 64);
AT(trk_op, input, 104);

SIZE(trk_ops, 24);
AT(trk_ops, ops, 0);
AT(trk_ops, n, 8);
AT(trk_ops, op_size, 12);
AT(trk_ops, seen, 16);
AT(trk_ops, flags, 20);

SIZE(trk_info, 88);
AT(trk_info, mode, 0);
AT(trk_info, cwnd, 4);
AT(trk_info, rtt_us, 8);
AT(trk_info, rto_us, 12);
AT(trk_info, seg_size, 16);
AT(trk_info, version, 20);
AT(trk_info, requests, 24);
AT(trk_info, responses, 32);
AT(trk_info, bytes_received, 40);
AT(trk_info, bytes_consumed, 48);
AT(trk_info, retrans_received, 56);
AT(trk_info, retrans_sent, 64);
AT(trk_info, lost, 72);
AT(trk_info, timeouts, 80);

SIZE(trk_caps, 40);
AT(trk_caps, features, 0);
AT(trk_caps, version_min, 8);
AT(trk_caps, version_max, 12);
AT(trk_caps, queue_version, 16);
AT(trk_caps, queue_info_len, 20);
AT(trk_caps, event_len, 24);
AT(trk_caps, ops_len, 28);
AT(trk_caps, op_len, 32);
AT(trk_caps, info_len, 36);

_Static_assert(TRK_IOC_OPS == 0x40187460, "TRK_IOC_OPS");
_Static_assert(TRK_IOC_SEEN == 0x40047461, "TRK_IOC_SEEN");

#endif /* UAPI_LAYOUT_H */
