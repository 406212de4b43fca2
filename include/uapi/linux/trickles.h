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
 * All integers are in host byte order unless their type says __be.  Every struct has the same
 * layout for programs of 32 and of 64 bits.
 *
 * How this interface grows.  Structs grow at their end; a new field that is 0 means what was so
 * before there was the field.  The kernel knows how long the caller's struct is: by the length of
 * an option, by the number of an ioctl, which has the size in it, and by trk_ops.op_size.  Fields
 * that a shorter struct lacks are taken for 0.  What a longer struct has more must be 0, else the
 * call fails with E2BIG: the program asks for something that the kernel does not know.  Fields
 * called reserved must be 0, and flags that are not defined must not be set, else the call fails
 * with EINVAL.  The option TRK_CAPS tells what a module knows.
 */
#ifndef _UAPI_LINUX_TRICKLES_H
#define _UAPI_LINUX_TRICKLES_H

#include <linux/ioctl.h>
#include <linux/types.h>

/*
 * Numbers for socket() and setsockopt(), which are of Linux alone and in no packet.
 * IPPROTO_TRICKLES has to be above every IP protocol number and below IPPROTO_MAX of Linux 6.1,
 * which is 263.  Of the numbers between, 256 is SMC's, 257 was proposed for SMB Direct, 258 and
 * 259 are used in BSDs, 261 is what the QUIC module takes, and 262 is MPTCP's.  SOL_TRICKLES is
 * far from the series that Linux goes on with.
 */
#define IPPROTO_TRICKLES	260
#define SOL_TRICKLES		0x7472

/* Socket options. */
#define TRK_QUEUE		1	/* struct trk_queue_info: set before listen(); get */
#define TRK_INFO		2	/* struct trk_info: get, client sockets */
#define TRK_OWNER		3	/* a secret: set before listen(), see below */
#define TRK_CAPS		4	/* struct trk_caps: get, any socket */

/*
 * TRK_OWNER says whose server this is.  What a server gets back from its clients is authentic: it
 * was sealed by a server of the same port, of the same owner, and with a key that this one holds.
 * The owner is the user that the socket belongs to at listen(), or, if this option was set,
 * whoever knows these bytes.  Replicas that run under different user numbers, and a server that
 * restarts under another one, have to set the same bytes.  setsockopt() fails with EINVAL if the
 * length is out of bounds, and with EBUSY after listen().
 */
#define TRK_OWNER_MIN		16	/* bytes */
#define TRK_OWNER_MAX		64

#define TRK_QUEUE_ENTRIES_DEFAULT	1024
#define TRK_QUEUE_ENTRIES_MIN	16
#define TRK_QUEUE_ENTRIES_MAX	65536
#define TRK_EVENT_SIZE_DEFAULT	2048	/* holds a request in a packet of 1500 bytes */
#define TRK_EVENT_SIZE_MAX	32768	/* in the largest packet; 16384: of 9000 bytes */

/* Flags of a queue. */
#define TRK_QUEUE_CLOSE		0x01	/* events of the type TRK_EV_CLOSE are wanted */

/**
 * struct trk_queue_info - TRK_QUEUE
 * @entries: how many events can wait for an answer: a power of two; 0 means the default.  Those of
 *	one address have five eighths of them at most.
 * @event_size: bytes of an entry, which holds struct trk_event, the opaque bytes of continuations,
 *	and input: a power of two; 0 means the default.  Input that does not fit the entry is cut
 *	off, and the client sends it again.
 * @map_len: get: how many bytes to map, 0 before listen(); set: 0.  listen() fails with ENOBUFS
 *	if the queue would exceed the user's RLIMIT_MEMLOCK.
 * @flags: TRK_QUEUE_CLOSE
 * @reserved: 0
 */
struct trk_queue_info {
	__u32 entries;
	__u32 event_size;
	__aligned_u64 map_len;
	__u32 flags;
	__u32 reserved;
};

/**
 * struct trk_queue_head - the beginning of the mapped queue
 * @version: TRK_QUEUE_VERSION
 * @entries: number of entries
 * @event_size: bytes of an entry
 * @events_off: entry e begins at this byte + e * @event_size
 * @produced: events ever queued, modulo 2^32
 * @dropped: events lost because the queue was full
 * @event_len: length of struct trk_event as the kernel knows it
 * @reserved: 0
 * @order: event number i (from 0, modulo 2^32) is in entry order[i % entries]; U32_MAX where none
 *	has come yet
 *
 * Read event i only after a load of @produced with acquire semantics has shown that i < produced
 * (modulo 2^32).  An entry is used again only after its event was answered or dropped.
 */
struct trk_queue_head {
	__u32 version;
	__u32 entries;
	__u32 event_size;
	__u32 events_off;
	__u32 produced;
	__u32 dropped;
	__u32 event_len;
	__u32 reserved[9];
	__u32 order[];
};

#define TRK_QUEUE_VERSION	2

/*
 * Each of the following series has bits of its own, so that a flag of one series is refused with
 * EINVAL in the place of another.  0x0000'00ff: types of an event.  0x0000'ff00: flags of an
 * event.  0x00ff'0000: flags of a user continuation.  0xff00'0000: flags of an answer.
 */

/* Types of an event.  A first request is of the types OPEN and REQUEST at once. */
#define TRK_EV_OPEN		0x00000001
#define TRK_EV_REQUEST		0x00000002
#define TRK_EV_CLOSE		0x00000004

/* Flags of an event. */
#define TRK_EVF_INPUT		0x00000100	/* input came: @input_off, @input_len */
#define TRK_EVF_FIN		0x00000200	/* the client's stream ends behind this input */
#define TRK_EVF_OUTPUT_CONT	0x00000400	/* an output continuation came: @output */
#define TRK_EVF_INPUT_CONT	0x00000800	/* an input continuation came: @input */
#define TRK_EVF_TIMEOUT		0x00001000	/* the client's timer made it ask again */

/* Flags of a user continuation.  0x00080000 is kept for opaque bytes that are encrypted. */
#define TRK_CONT_SET		0x00010000	/* in an operation: it sets this continuation */
#define TRK_CONT_FINAL		0x00020000	/* output: the stream ends at @end */
#define TRK_CONT_PARALLEL	0x00040000	/* input: parts of [start, end) in any order */

/* Flags of an answer.  0x80000000 is kept for libraries: the kernel will not define it. */
#define TRK_SEND_FIN		0x01000000	/* the server's stream ends behind the data */
#define TRK_SEND_ABORT		0x02000000	/* no data: the client gets ECONNRESET */

#define TRK_MAX_RANGES		4	/* in an event */
#define TRK_CONT_MAX		512	/* opaque bytes of a user continuation */
#define TRK_MAX_IOV		16	/* struct trk_iov of an answer */
#define TRK_MAX_OPS		256	/* operations in one call */

/**
 * struct trk_event_cont - a user continuation that came with a request
 * @start: first byte of the stream for which it is valid
 * @end: the byte behind the last one
 * @at: its opaque bytes begin at this byte of the entry
 * @len: number of opaque bytes
 * @flags: TRK_CONT_FINAL, TRK_CONT_PARALLEL
 * @reserved: 0
 */
struct trk_event_cont {
	__aligned_u64 start;
	__aligned_u64 end;
	__u32 at;
	__u32 len;
	__u32 flags;
	__u32 reserved;
};

/**
 * struct trk_event_range - bytes that the client asks for
 * @off: offset in the server's stream
 * @len: bytes
 */
struct trk_event_range {
	__aligned_u64 off;
	__aligned_u64 len;
};

/**
 * struct trk_addr - one end of a connection
 * @addr: IPv6, or IPv4 mapped into it
 * @scope: index of the network interface for which @addr holds, 0 for all
 * @port: in network byte order
 * @reserved: 0
 */
struct trk_addr {
	__u8 addr[16];
	__u32 scope;
	__be16 port;
	__u16 reserved;
};

/**
 * struct trk_event - one request, or the end of a connection
 * @handle: names the event in operations; checked by the kernel
 * @conn: identifies the connection; not secret, not to be trusted for access control
 * @type: TRK_EV_OPEN, TRK_EV_REQUEST, TRK_EV_CLOSE
 * @flags: TRK_EVF_INPUT and following
 * @packets: packets that congestion control allows the answer; 0 if @type is TRK_EV_CLOSE
 * @mss: bytes of data that a full packet of the answer has, if the answer sets no continuations
 *	(it may consume input)
 * @room: bytes of data that all packets of the answer have together, if it sets no continuations
 * @input_off: offset of the input in the client's stream
 * @input_len: bytes of the input
 * @input_at: the input begins at this byte of the entry
 * @nranges: number of @range
 * @reserved: 0
 * @range: parts of the server's stream that the client asks for, all covered by @output;
 *	answer with their bytes in this order
 * @output: the output continuation as the server once set it; its seal was checked, so it is
 *	authentic
 * @input: the input continuation as the server once set it; authentic as well
 * @peer: address and port of the client
 * @local: address and port at which the request arrived
 * @time_ns: CLOCK_REALTIME when it arrived
 */
struct trk_event {
	__aligned_u64 handle;
	__aligned_u64 conn;
	__u32 type;
	__u32 flags;
	__u32 packets;
	__u32 mss;
	__aligned_u64 room;
	__aligned_u64 input_off;
	__u32 input_len;
	__u32 input_at;
	__u32 nranges;
	__u32 reserved;
	struct trk_event_range range[TRK_MAX_RANGES];
	struct trk_event_cont output;
	struct trk_event_cont input;
	struct trk_addr peer;
	struct trk_addr local;
	__aligned_u64 time_ns;
};

/**
 * struct trk_iov - a part of the data of an answer, in memory or in a file
 * @addr: memory: user address; file: offset
 * @len: bytes
 * @fd: file descriptor of a regular file; -1: memory
 * @reserved: 0
 */
struct trk_iov {
	__aligned_u64 addr;
	__aligned_u64 len;
	__s32 fd;
	__u32 reserved;
};

/**
 * struct trk_op_cont - a user continuation to be sent
 * @opaque: user address of its opaque bytes; ignored if @len is 0
 * @start: first byte of the stream for which it is valid
 * @end: the byte behind the last one
 * @len: number of opaque bytes, at most TRK_CONT_MAX
 * @flags: TRK_CONT_SET, without which all other fields are 0; TRK_CONT_FINAL, TRK_CONT_PARALLEL
 * @packet: a packet of the answer, counted from 0, that has to carry it.  All packets of an answer
 *	to input do, so there it can be any of them.  Of an answer to @range only the first packet
 *	does, so there it must be 0.
 * @reserved: 0
 */
struct trk_op_cont {
	__aligned_u64 opaque;
	__aligned_u64 start;
	__aligned_u64 end;
	__u32 len;
	__u32 flags;
	__u32 packet;
	__u32 reserved;
};

#define TRK_OP_SEND		1	/* answer the event, which is gone afterwards */
#define TRK_OP_DROP		2	/* do not answer: to the client it is a lost packet */

/**
 * struct trk_op - an operation on an event
 * @handle: which event
 * @result: set by the kernel: bytes of data that went into packets (TRK_OP_SEND), 0 (TRK_OP_DROP),
 *	or a negative errno
 * @op: TRK_OP_SEND, or TRK_OP_DROP, which wants all fields behind this one to be 0
 * @flags: TRK_SEND_FIN, TRK_SEND_ABORT
 * @iov: user address of struct trk_iov[niov]
 * @niov: at most TRK_MAX_IOV
 * @reserved: 0
 * @off: offset of the data in the server's stream; of no meaning if the client asked for ranges
 * @consumed_from: first byte of the input that is consumed: it need not come again
 * @consumed_to: the byte behind the last one; equal to @consumed_from if nothing is consumed.  It
 *	may be less than the input that came.
 * @output: output continuation for the client to keep
 * @input: input continuation for the client to keep
 *
 * If not all bytes of the data went into packets, the client asks for the rest and brings the
 * output continuation.  Data of an answer to input goes no further than the output continuation
 * that the answer sets.
 *
 * Errors after which the event is still there: -EINVAL malformed, -E2BIG and -EOPNOTSUPP a newer
 * interface, -EFAULT bad address, -EBADF bad file, -EIO the file gave fewer bytes than promised,
 * -EINTR a signal came while a file was read, -EMSGSIZE the continuations leave no room for data,
 * or the data consumes input, has no output continuation with which the client could ask for it
 * again, and does not fit one packet, -EAGAIN too much of what the listener has sent, or has sent
 * to this client, waits to leave the host: try again when poll() says POLLOUT, -ENOMEM,
 * -EHOSTUNREACH and -ENETUNREACH no route to the client.
 *
 * After -ESTALE there is no such event: it was answered or dropped before, or the kernel no longer
 * holds a key that the answer needs.
 */
struct trk_op {
	__aligned_u64 handle;
	__s64 result;
	__u32 op;
	__u32 flags;
	__aligned_u64 iov;
	__u32 niov;
	__u32 reserved;
	__aligned_u64 off;
	__aligned_u64 consumed_from;
	__aligned_u64 consumed_to;
	struct trk_op_cont output;
	struct trk_op_cont input;
};

/**
 * struct trk_ops - a list of operations, which are carried out in order
 * @ops: user address of the first one
 * @n: number of operations, at most TRK_MAX_OPS
 * @op_size: bytes from one to the next: sizeof(struct trk_op)
 * @seen: how many events the program has walked so far, modulo 2^32: poll() says POLLIN only if
 *	there are more
 * @flags: 0
 */
struct trk_ops {
	__aligned_u64 ops;
	__u32 n;
	__u32 op_size;
	__u32 seen;
	__u32 flags;
};

/*
 * Ioctls.  Others fail with ENOTTY.  Numbers up to 0x6f are kept for what is to come.
 *
 * TRK_IOC_OPS carries out operations and returns how many; each has its own result.
 * TRK_IOC_SEEN tells the kernel how many events the program has walked (trk_ops.seen), and
 * returns how many more there are.
 */
#define TRK_IOC_TYPE		't'
#define TRK_IOC_OPS		_IOW(TRK_IOC_TYPE, 0x60, struct trk_ops)
#define TRK_IOC_SEEN		_IOW(TRK_IOC_TYPE, 0x61, __u32)

#define TRK_MODE_NONE		0	/* not connected */
#define TRK_MODE_TRICKLES	1
#define TRK_MODE_TCP		2	/* fallback: the server answered with plain TCP */

/**
 * struct trk_info - TRK_INFO: what a client's connection is and did
 * @mode: TRK_MODE_*; the rest is 0 unless it is TRK_MODE_TRICKLES
 * @cwnd: congestion window, packets
 * @rtt_us: smoothed round trip time
 * @rto_us: retransmission timeout
 * @seg_size: bytes of TCP payload in a full packet
 * @version: of the protocol on the wire
 * @requests: packets sent
 * @responses: packets received
 * @bytes_received: bytes of the server's stream received in order
 * @bytes_consumed: bytes of the client's stream consumed by the server
 * @retrans_received: bytes of the server's stream asked for again
 * @retrans_sent: bytes of the client's stream sent again
 * @lost: numbers of packets of the server that were declared lost
 * @timeouts: how often a TIMEOUT request, or another attempt of one, became necessary
 */
struct trk_info {
	__u32 mode;
	__u32 cwnd;
	__u32 rtt_us;
	__u32 rto_us;
	__u32 seg_size;
	__u32 version;
	__aligned_u64 requests;
	__aligned_u64 responses;
	__aligned_u64 bytes_received;
	__aligned_u64 bytes_consumed;
	__aligned_u64 retrans_received;
	__aligned_u64 retrans_sent;
	__aligned_u64 lost;
	__aligned_u64 timeouts;
};

/**
 * struct trk_caps - TRK_CAPS: what this module knows
 * @features: TRK_CAP_*
 * @version_min: lowest version of the protocol on the wire
 * @version_max: highest version
 * @queue_version: TRK_QUEUE_VERSION
 * @queue_info_len: sizeof(struct trk_queue_info)
 * @event_len: sizeof(struct trk_event)
 * @ops_len: sizeof(struct trk_ops)
 * @op_len: sizeof(struct trk_op)
 * @info_len: sizeof(struct trk_info)
 */
struct trk_caps {
	__aligned_u64 features;
	__u32 version_min;
	__u32 version_max;
	__u32 queue_version;
	__u32 queue_info_len;
	__u32 event_len;
	__u32 ops_len;
	__u32 op_len;
	__u32 info_len;
};

#define TRK_CAP_OWNER		0x01	/* TRK_OWNER */
#define TRK_CAP_EVENT_SIZE	0x02	/* event_size of a queue can be chosen */
#define TRK_CAP_CLOSE		0x04	/* TRK_QUEUE_CLOSE */

#endif /* _UAPI_LINUX_TRICKLES_H */
