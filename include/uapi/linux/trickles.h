/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Trickles: a stream transport whose server keeps no state per connection.
 *
 * A client uses an ordinary stream socket: socket(AF_INET, SOCK_STREAM,
 * IPPROTO_TRICKLES), connect(), send(), recv().
 *
 * A server binds such a socket, sets the size of its event queue (TRK_QUEUE),
 * calls listen() and maps the queue: mmap(NULL, trk_queue_info.map_len, PROT_READ,
 * MAP_SHARED, fd, 0).  It walks the events in place and answers each with an
 * operation (TRK_IOC_OPS).  libminisock wraps all of this.
 *
 * All integers are in host byte order unless their type says __be.
 */
#ifndef _UAPI_LINUX_TRICKLES_H
#define _UAPI_LINUX_TRICKLES_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* Above every IP protocol number, below IPPROTO_MAX, neither SMC nor MPTCP. */
#define IPPROTO_TRICKLES	261
#define SOL_TRICKLES		0x7472

/* Socket options.  A queue beyond the user's RLIMIT_MEMLOCK makes listen() fail: ENOBUFS. */
#define TRK_QUEUE		1	/* struct trk_queue_info: set .slots before listen(); get */
#define TRK_INFO		2	/* struct trk_info: get, client sockets */

#define TRK_QUEUE_SLOTS_DEFAULT	1024
#define TRK_QUEUE_SLOTS_MIN	16
#define TRK_QUEUE_SLOTS_MAX	65536
#define TRK_EVENT_SIZE		2048	/* bytes of a slot: struct trk_event, then the request */

struct trk_queue_info {
	__u32 slots;		/* a power of two; events that can wait for an answer */
	__u32 event_size;	/* TRK_EVENT_SIZE */
	__u64 map_len;		/* bytes to map; 0 before listen() */
};

/*
 * Head of the mapped queue.  @produced counts all events ever queued.  Event
 * number i (from 0) is in slot order[i % slots]; read it only after a load of
 * @produced with acquire semantics has shown that i < produced (modulo 2^32).
 * A slot is reused only after its event was answered or dropped.
 */
struct trk_queue_head {
	__u32 version;		/* TRK_QUEUE_VERSION */
	__u32 slots;
	__u32 event_size;
	__u32 events_off;	/* slot s begins at this byte + s * event_size */
	__u32 produced;
	__u32 dropped;		/* events lost because the queue was full */
	__u32 reserved[10];
	__u32 order[];
};

#define TRK_QUEUE_VERSION	1

/* Types of an event; a first request is OPEN and REQUEST at once. */
#define TRK_EV_OPEN		0x01
#define TRK_EV_REQUEST		0x02
#define TRK_EV_CLOSE		0x04

/* Flags of an event. */
#define TRK_EV_INPUT		0x01	/* input bytes are present, at @input_off of the stream */
#define TRK_EV_FIN		0x02	/* the client's stream ends behind this input */
#define TRK_EV_OUTPUT_CONT	0x04	/* an output continuation came: @output */
#define TRK_EV_INPUT_CONT	0x08	/* an input continuation came: @input */
#define TRK_EV_TIMEOUT		0x10	/* the client's retransmission timer made it ask again */

#define TRK_MAX_RANGES		4

/* Flags of a user continuation. */
#define TRK_CONT_FINAL		0x01	/* output: the stream ends at @end */
#define TRK_CONT_PARALLEL	0x02	/* input: parts of [start, end) may come in any order */

#define TRK_CONT_MAX		512	/* opaque bytes of a user continuation */

struct trk_event_cont {
	__u64 start, end;	/* stream bytes for which it is valid: [start, end) */
	__u32 at;		/* the opaque bytes begin at this byte of the slot */
	__u16 len;
	__u16 flags;		/* TRK_CONT_* */
};

struct trk_event_range {
	__u64 off;		/* offset in the server's stream */
	__u64 len;
};

/**
 * struct trk_event - one request, or the end of a connection
 * @handle: names the event in operations; checked by the kernel
 * @conn: identifies the connection; not secret, not to be trusted for access control
 * @type: TRK_EV_OPEN, TRK_EV_REQUEST, TRK_EV_CLOSE
 * @flags: TRK_EV_INPUT and those that follow it
 * @packets: packets that the answer may have (congestion control); may be 0
 * @mss: bytes of data in a packet of an answer that sets no continuations (it may
 *	consume input)
 * @room: bytes of data in all packets, if no continuations are set
 * @input_off: stream offset of the input
 * @input_len: bytes of it
 * @input_at: they begin at this byte of the slot
 * @nranges: how many parts of the server's stream the client asks for
 * @reserved0: 0
 * @range: these parts, all covered by the output continuation; answer with their bytes in
 *	this order
 * @output: the output continuation that came, as the server once set it; it was sealed, so
 *	nobody else has made or changed it
 * @input: the input continuation that came, likewise
 * @peer_addr: the client's address; IPv4 mapped into IPv6
 * @local_addr: the address at which the request arrived
 * @peer_port: the client's port
 * @local_port: the port at which the request arrived
 * @reserved1: 0
 * @time_ns: CLOCK_REALTIME when it arrived
 */
struct trk_event {
	__u64 handle;
	__u64 conn;
	__u32 type;
	__u32 flags;
	__u32 packets;
	__u32 mss;
	__u64 room;
	__u64 input_off;
	__u32 input_len;
	__u32 input_at;
	__u32 nranges;
	__u32 reserved0;
	struct trk_event_range range[TRK_MAX_RANGES];
	struct trk_event_cont output;
	struct trk_event_cont input;
	__u8 peer_addr[16];
	__u8 local_addr[16];
	__be16 peer_port;
	__be16 local_port;
	__u32 reserved1;
	__u64 time_ns;
};

/* One piece of an answer: bytes of memory, or of a file through the page cache. */
struct trk_iov {
	__u64 addr;		/* memory: user address; file: offset */
	__u64 len;
	__s32 fd;		/* file descriptor, -1 for memory */
	__u32 reserved;
};

#define TRK_MAX_IOV		16

struct trk_op_cont {
	__u64 opaque;		/* user address; ignored if len is 0 */
	__u64 start, end;
	__u32 len;
	__u32 flags;		/* TRK_CONT_*, and TRK_CONT_SET to send it at all */
};

#define TRK_CONT_SET		0x8000

#define TRK_OP_SEND		1	/* answer the event; it is gone afterwards */
#define TRK_OP_DROP		2	/* don't answer: to the client a lost packet */

#define TRK_SEND_FIN		0x01	/* the server's stream ends behind the data */
#define TRK_SEND_ABORT		0x02	/* no data: the client gets ECONNRESET */

/**
 * struct trk_op - an operation on an event
 * @handle: of the event
 * @op: TRK_OP_SEND or TRK_OP_DROP
 * @flags: TRK_SEND_*
 * @iov: the data, piece by piece: user address of struct trk_iov[@niov]
 * @niov: number of pieces, at most TRK_MAX_IOV
 * @reserved: 0
 * @off: stream offset of the data; ignored when the client asked for ranges
 * @consumed_from: first byte of the input that is done with and will not come again
 * @consumed_to: the byte behind the last one; it may be part of what came, and nothing is
 *	consumed if both are equal
 * @output: output continuation for the client, if its flags have TRK_CONT_SET
 * @input: input continuation for the client, likewise
 * @result: set by the kernel: bytes taken into packets (the client asks for the
 *	rest with the output continuation; data of an answer to input end where
 *	that ends), or a negative errno:
 *	-ESTALE no such event, -EINVAL malformed, -EFAULT bad address,
 *	-EBADF bad file, -EIO the file gave fewer bytes than promised (nothing was
 *	sent, and the event stays), -EMSGSIZE the continuations leave no room for
 *	data, or data that consume input and have no output continuation do not fit
 *	one packet (they could come only once; nothing was sent, and the event
 *	stays), -ENOMEM, -EHOSTUNREACH and -ENETUNREACH no route to the client (the
 *	event stays)
 */
struct trk_op {
	__u64 handle;
	__u32 op;
	__u32 flags;
	__u64 iov;
	__u32 niov;
	__u32 reserved;
	__u64 off;
	__u64 consumed_from, consumed_to;
	struct trk_op_cont output;
	struct trk_op_cont input;
	__s64 result;
};

struct trk_ops {
	__u64 ops;		/* user address of struct trk_op[n] */
	__u32 n;		/* at most TRK_MAX_OPS */
	__u32 seen;		/* events walked so far: poll() reports only later ones */
};

#define TRK_MAX_OPS		256

/* Carries out the operations in order; returns how many; each has its own result. */
#define TRK_IOC_OPS		_IOW('t', 0x60, struct trk_ops)
/* Says how many events were walked; returns how many more there are. */
#define TRK_IOC_SEEN		_IOW('t', 0x61, __u32)

#define TRK_MODE_NONE		0	/* not connected */
#define TRK_MODE_TRICKLES	1
#define TRK_MODE_TCP		2	/* fell back: the peer answered as plain TCP */

/* TRK_INFO: what a client's connection is and did. */
struct trk_info {
	__u32 mode;		/* TRK_MODE_* */
	__u32 cwnd;		/* packets */
	__u32 rtt_us, rto_us;
	__u32 slot;		/* bytes of TCP payload in a full packet */
	__u32 reserved;
	__u64 requests, responses;
	__u64 bytes_received, bytes_consumed;
	__u64 retrans_received, retrans_sent;	/* bytes asked for, or sent, again */
	__u64 lost, timeouts;
};

#endif /* _UAPI_LINUX_TRICKLES_H */
