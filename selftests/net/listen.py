#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""A port has one user, and a queue is charged to it. listen.sh starts it and says where.

usage: listen.py SERVER CLIENT

These are namespaces. The server is 10.1.1.1.
"""
import ctypes
import errno
import fcntl
import mmap
import os
import resource
import signal
import socket
import struct
import subprocess
import sys

import trk
from trk import case, equal, raises, user

SERVER, CLIENT = sys.argv[1:3]
PORT = 8080
USER = 1000
TCP = socket.IPPROTO_TCP
TRICKLES = trk.IPPROTO_TRICKLES
TRK_QUEUE, TRK_OWNER, TRK_CAPS = 1, 3, 4
OP_LEN = 144	# of struct trk_op
WRITE, READ = 1, 2


def ioc(direction, number, size):
    """An ioctl of ours, as _IOC() makes it."""
    return direction << 30 | size << 16 | ord("t") << 8 | number


def new(protocol=TRICKLES, reuse=True):
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, protocol)
    s.settimeout(200)
    if reuse:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return s


def bound(protocol=TRICKLES, reuse=True):
    s = new(protocol, reuse)
    s.bind(("0.0.0.0", PORT))
    return s


def listening(protocol=TRICKLES):
    s = bound(protocol)
    s.listen()
    return s


QUEUE_INFO = "IIQII"	# entries, event_size, map_len, flags, reserved


def queue(s):
    """Entries of the queue, length of its mapping."""
    info = s.getsockopt(trk.SOL_TRICKLES, TRK_QUEUE, struct.calcsize(QUEUE_INFO))
    return struct.unpack(QUEUE_INFO, info)[0:3:2]


def set_queue(s, entries=0, event_size=0, map_len=0, flags=0, reserved=0, tail=b""):
    info = struct.pack(QUEUE_INFO, entries, event_size, map_len, flags, reserved)
    s.setsockopt(trk.SOL_TRICKLES, TRK_QUEUE, info + tail)


def set_owner(s, secret):
    s.setsockopt(trk.SOL_TRICKLES, TRK_OWNER, secret)


def client_mode():
    """How a client's connection is carried."""
    with trk.inside(CLIENT):
        s = new()
    with s:
        s.connect(("10.1.1.1", PORT))
        return struct.unpack("I", s.getsockopt(trk.SOL_TRICKLES, trk.TRK_INFO, 4))[0]


@case("listen() that fails leaves the socket as it was")
def failed_listen():
    with bound() as first, bound() as second:
        first.listen()
        raises(errno.EADDRINUSE, second.listen)
        equal(queue(second)[1], 0, "the queue of a socket that does not listen")
        raises(errno.EINVAL, mmap.mmap, second.fileno(), 4096, mmap.MAP_SHARED, mmap.PROT_READ)
        set_queue(second, 64)
        first.close()
        # The port is still the second's.
        with new(TCP, reuse=False) as tcp:
            raises(errno.EADDRINUSE, tcp.bind, ("0.0.0.0", PORT))
        second.listen()
        entries, length = queue(second)
        equal(entries, 64, "entries")
        mmap.mmap(second.fileno(), length, mmap.MAP_SHARED, mmap.PROT_READ).close()
        raises(errno.EBUSY, set_queue, second, 128)
        equal(client_mode(), trk.MODE_TRICKLES, "the connection")


@case("bind() where Trickles listens already")
def second_listener():
    with listening(), new() as s:
        raises(errno.EADDRINUSE, s.bind, ("0.0.0.0", PORT))
        raises(errno.EADDRINUSE, s.bind, ("10.1.1.1", PORT))
        # The socket is as new.
        s.bind(("0.0.0.0", PORT + 1))
        s.listen()


@case("bind() where a TCP socket is that does not listen")
def no_listener():
    with bound(TCP, reuse=False), new() as s:
        raises(errno.EADDRINUSE, s.bind, ("0.0.0.0", PORT))


@case("bind() where TCP listens: a port is shared by one user only")
def shared():
    with listening(TCP), listening():
        equal(client_mode(), trk.MODE_TRICKLES, "the connection")
    with listening(TCP), user(USER), new() as s:
        raises(errno.EADDRINUSE, s.bind, ("0.0.0.0", PORT))


@case("a TCP server of another user comes to the port: its clients are its own")
def foreign_tcp():
    with user(USER):
        ours = listening()
    with ours:
        equal(client_mode(), trk.MODE_TRICKLES, "alone")
        with listening(TCP) as tcp:
            equal(client_mode(), trk.MODE_TCP, "beside a server of root")
            tcp.accept()[0].close()
        with user(USER):
            tcp = listening(TCP)
        with tcp:
            equal(client_mode(), trk.MODE_TRICKLES, "beside a server of the same user")


@case("a queue is charged to RLIMIT_MEMLOCK, and given back")
def memlock():
    before = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (1 << 20, before[1]))
    try:
        with user(USER):
            for _ in range(50):
                with bound() as s:
                    raises(errno.ENOBUFS, s.listen)
                    set_queue(s, 128)
                    s.listen()
            with bound() as s, new() as other:
                other.bind(("0.0.0.0", PORT + 1))
                set_queue(s, 256)
                set_queue(other, 256)
                s.listen()
                raises(errno.ENOBUFS, other.listen)
    finally:
        resource.setrlimit(resource.RLIMIT_MEMLOCK, before)


@case("TRK_QUEUE: bounds, defaults, shorter and longer structs")
def queue_option():
    with bound() as s:
        for bad in ({"entries": 15}, {"entries": 24}, {"entries": 131072}, {"event_size": 1024},
                    {"event_size": 3000}, {"event_size": 65536}, {"map_len": 1}, {"flags": 2},
                    {"reserved": 1}):
            raises(errno.EINVAL, lambda: set_queue(s, **bad))
        # What is not known here must not be asked for; what is older asks for less.
        raises(errno.E2BIG, lambda: set_queue(s, 64, tail=b"\1"))
        raises(errno.E2BIG, lambda: set_queue(s, 64, tail=bytes(100) + b"\1"))
        set_queue(s, 64, tail=bytes(200))
        equal(queue(s)[0], 64)
        s.setsockopt(trk.SOL_TRICKLES, TRK_QUEUE, struct.pack("I", 32))
        equal(queue(s)[0], 32)
        set_queue(s)
        equal(queue(s)[0], 1024)
        set_queue(s, 16, 16384)
        s.listen()
        entries, length = queue(s)
        equal((entries, length), (16, 4096 + 16 * 16384))
        with mmap.mmap(s.fileno(), length, mmap.MAP_SHARED, mmap.PROT_READ) as head:
            equal(struct.unpack_from("IIII", head), (2, 16, 16384, 4096))


@case("a part of the mapped queue that was thrown away is gone, and no zeroes are in its place")
def thrown_away():
    for flags in mmap.MAP_SHARED, mmap.MAP_PRIVATE:
        with listening() as s, mmap.mmap(s.fileno(), queue(s)[1], flags, mmap.PROT_READ) as head:
            equal(struct.unpack_from("I", head), (2,), "version")
            child = os.fork()
            if not child:
                head.madvise(mmap.MADV_DONTNEED)
                os._exit(head[0])
            equal(os.WTERMSIG(os.waitpid(child, 0)[1]), signal.SIGBUS, "how the reader ended")
            equal(struct.unpack_from("I", head), (2,), "version, for others")


@case("the input hook comes with listen() or connect(), not with socket() or bind()")
def hook():
    fresh = SERVER + "-fresh"
    ip = ["ip", "netns"]
    subprocess.run([*ip, "add", fresh], check=True)
    try:
        subprocess.run(["ip", "-n", fresh, "link", "set", "lo", "up"], check=True)
        wire = trk.Wire(fresh)

        def seen():
            """Does a marked segment, which is nobody's, get to us, or else to TCP?"""
            wire.drain()
            with trk.Counting(fresh) as count:
                wire.send("127.0.0.1", "127.0.0.1", trk.segment(
                    "127.0.0.1", "127.0.0.1", 1000, PORT + 1, 1, 1, trk.ACK,
                    trk.request(trk.FIRST)))
                rst = wire.receive(lambda seg: seg.dport == 1000, 1)
                ours = count.drops() == {"DropNoListener": 1}
                equal(rst is None, ours, "RST by TCP, unless it is ours")
                return ours

        with trk.inside(fresh):
            s, other = new(), new()
            s.bind(("127.0.0.1", PORT))
            equal(seen(), False, "before listen()")
            s.listen()
            equal(seen(), True, "after listen()")
            s.close()
            other.close()
            equal(seen(), True, "after the last close()")
    finally:
        subprocess.run([*ip, "del", fresh], check=True)


@case("TRK_OWNER: lengths, not after listen(), one for all of a group")
def owner_option():
    with bound() as s:
        for bad in 0, 15, 65, 4096:
            raises(errno.EINVAL, set_owner, s, bytes(bad))
        set_owner(s, b"x" * 16)
        set_owner(s, b"x" * 64)
        s.listen()
        raises(errno.EBUSY, set_owner, s, b"x" * 16)
    group = []
    for _ in range(4):
        s = new()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        s.bind(("0.0.0.0", PORT))
        group.append(s)
    first, same, other, none = group
    set_owner(first, b"one secret of ours")
    set_owner(same, b"one secret of ours")
    set_owner(other, b"one secret of others")
    first.listen()
    same.listen()
    raises(errno.EADDRINUSE, other.listen)
    raises(errno.EADDRINUSE, none.listen)
    first.close()
    same.close()
    other.listen()
    other.close()
    none.listen()
    none.close()


@case("TRK_CAPS, unknown options and ioctls: a clear errno")
def capabilities():
    with new() as s:
        caps = struct.unpack("Q8I", s.getsockopt(trk.SOL_TRICKLES, TRK_CAPS, 100))
        equal(caps[0] & 7, 7, "features")
        equal(caps[1] <= trk.VERSION <= caps[2], True, "versions")
        equal(caps[3:], (2, 24, 248, 24, 144, 88), "queue version and lengths")
        raises(errno.ENOPROTOOPT, s.getsockopt, trk.SOL_TRICKLES, 99, 4)
        raises(errno.ENOPROTOOPT, s.setsockopt, trk.SOL_TRICKLES, 99, 1)
        raises(errno.ENOPROTOOPT, s.setsockopt, trk.SOL_TRICKLES, TRK_CAPS, bytes(40))
        # An ioctl that nobody has defined; one of the right number that reads.
        raises(errno.ENOTTY, fcntl.ioctl, s, ioc(WRITE, 0x6f, 8), bytes(8))
        raises(errno.ENOTTY, fcntl.ioctl, s, ioc(READ, 0x61, 4), bytes(4))
        raises(errno.EINVAL, fcntl.ioctl, s, ioc(WRITE, 0x61, 4), bytes(4))
    with listening() as s:
        raises(errno.EINVAL, fcntl.ioctl, s, ioc(WRITE, 0x61, 8), bytes(8))
        fcntl.ioctl(s, ioc(WRITE, 0x61, 4), bytes(4))
        # Operations: none at all, of no length, of an odd one, with a flag, with more than known.
        for n, size, flags in (0, 0, 0), (1, 16, 0), (1, 146, 0), (1, 144, 1), (257, 144, 0):
            ops = struct.pack("QIIII", 0, n, size, 0, flags)
            raises(errno.EINVAL, fcntl.ioctl, s, ioc(WRITE, 0x60, len(ops)), ops)
        ops = struct.pack("QIIII", 0, 0, OP_LEN, 0, 0)
        fcntl.ioctl(s, ioc(WRITE, 0x60, len(ops) + 8), ops + bytes(8))
        raises(errno.E2BIG, fcntl.ioctl, s, ioc(WRITE, 0x60, len(ops) + 8),
               ops + b"\1" + bytes(7))


@case("operations on no event: what is malformed, what is of a newer interface, what is gone")
def operations():
    def result(tail=b"", **fields):
        """Of one operation, which has @fields at offsets, and is longer by @tail."""
        op = bytearray(OP_LEN)
        for at, value in fields.items():
            struct.pack_into("I", op, int(at[1:]), value)
        buf = ctypes.create_string_buffer(bytes(op) + tail, len(op) + len(tail))
        ops = struct.pack("QIIII", ctypes.addressof(buf), 1, len(buf), 0, 0)
        fcntl.ioctl(s, ioc(WRITE, 0x60, len(ops)), ops)
        return -struct.unpack_from("q", buf, 8)[0]

    with listening() as s:
        send, drop = {"_16": 1}, {"_16": 2}
        equal(result(**send), errno.ESTALE)
        equal(result(**drop), errno.ESTALE)
        for op in 0, 3, 99:
            equal(result(_16=op), errno.EOPNOTSUPP)
        # All that follows the number of the operation is of TRK_OP_SEND.
        for at in range(20, OP_LEN, 4):
            equal(result(**drop, **{"_%d" % at: 1}), errno.EINVAL, "a field at byte %d" % at)
        equal(result(bytes(64), **send), errno.ESTALE)
        equal(result(bytes(63) + b"\1", **send), errno.E2BIG)


trk.inside.enter("/run/netns/" + SERVER)
sys.exit(trk.run_cases())
