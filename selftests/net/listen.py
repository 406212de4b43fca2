#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""A port has one user, and a queue is charged to it. listen.sh starts it and says where.

usage: listen.py SERVER CLIENT

These are namespaces. The server is 10.1.1.1.
"""
import contextlib
import errno
import mmap
import os
import resource
import socket
import struct
import sys

import trk
from trk import case, equal, raises

SERVER, CLIENT = sys.argv[1:3]
PORT = 8080
USER = 1000
TCP = socket.IPPROTO_TCP
TRICKLES = trk.IPPROTO_TRICKLES
TRK_QUEUE = 1


@contextlib.contextmanager
def user(uid):
    """What is done is done by another user, without capabilities."""
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)


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


def queue(s):
    """Slots of the queue, length of its mapping."""
    slots, _, length = struct.unpack("IIQ", s.getsockopt(trk.SOL_TRICKLES, TRK_QUEUE, 16))
    return slots, length


def set_slots(s, slots):
    s.setsockopt(trk.SOL_TRICKLES, TRK_QUEUE, struct.pack("IIQ", slots, 0, 0))


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
        set_slots(second, 64)
        first.close()
        # The port is still the second's.
        with new(TCP, reuse=False) as tcp:
            raises(errno.EADDRINUSE, tcp.bind, ("0.0.0.0", PORT))
        second.listen()
        slots, length = queue(second)
        equal(slots, 64, "slots")
        mmap.mmap(second.fileno(), length, mmap.MAP_SHARED, mmap.PROT_READ).close()
        raises(errno.EBUSY, set_slots, second, 128)
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
                    set_slots(s, 128)
                    s.listen()
            with bound() as s, new() as other:
                other.bind(("0.0.0.0", PORT + 1))
                set_slots(s, 256)
                set_slots(other, 256)
                s.listen()
                raises(errno.ENOBUFS, other.listen)
    finally:
        resource.setrlimit(resource.RLIMIT_MEMLOCK, before)


trk.inside.enter("/run/netns/" + SERVER)
sys.exit(trk.run_cases())
