#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Closed sockets that still have input. orphans.sh starts it and says where.

usage: orphans.py SERVER CLIENT yes|no

The first two are namespaces; the server is 10.1.1.1 and echoes at port 7. At port 8080 is one here
that takes nothing. The last says whether to wait for ten minutes.
"""
import contextlib
import socket
import subprocess
import sys
import time

import trk
from trk import case, equal, wait_for

SERVER, CLIENT = sys.argv[1:3]
NOBODY, ECHO = 8080, 7
SNDBUFFORCE = 32
TCP_MEM = "/proc/sys/net/ipv4/tcp_mem"
MAX_ORPHANS = "/proc/sys/net/trickles/max_orphans"


def client(port, data):
    """A connection whose input waits in the kernel."""
    with trk.inside(CLIENT):
        s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, trk.IPPROTO_TRICKLES)
    s.setsockopt(socket.SOL_SOCKET, SNDBUFFORCE, 3 * len(data))
    s.settimeout(200)
    s.connect(("10.1.1.1", port))
    s.sendall(data)
    return s


def sockets():
    """Clients that there are, closed or not."""
    with trk.inside(CLIENT), open("/proc/thread-self/net/protocols") as f:
        return int(next(line for line in f if line.startswith("TRICKLES ")).split()[2])


def lost(count):
    return count.delta().get("OrphansLost", 0)


@contextlib.contextmanager
def setting(path, value, where):
    """With another value in the file, as it is seen in this context."""
    with where, open(path, "r+") as f:
        before = f.read()
        f.seek(0)
        f.write(value)
    try:
        yield
    finally:
        with where, open(path, "w") as f:
            f.write(before)


@case("there are max_orphans of them; the others lose their input, and each is counted")
def limit():
    with setting(MAX_ORPHANS, "3", trk.inside(CLIENT)), trk.Counting(CLIENT) as count:
        for i in range(10):
            client(NOBODY, b"x" * 10000).close()
            equal(lost(count), max(0, i - 2), "orphans lost")
        wait_for(lambda: sockets() == 3)
        # Input that was consumed is none.
        s = client(ECHO, b"x" * 10)
        equal(s.recv(100), b"x" * 10, "echo")
        s.close()
        equal(lost(count), 7, "orphans lost")


@case("those of which no byte is consumed end after a minute")
def no_progress():
    with trk.Counting(CLIENT) as count:
        wait_for(lambda: sockets() == 0)
        equal(lost(count), 3, "orphans lost")


@case("none stays, and none is taken on, while memory for sockets is short")
def memory():
    # Each has a megabyte: what processors keep for themselves is less than that of some.
    with trk.Counting(CLIENT) as count:
        open_ones = [client(NOBODY, b"x" * 1000000) for _ in range(12)]
        for s in open_ones[:6]:
            s.close()
        equal((lost(count), sockets()), (0, 12), "orphans lost, sockets")
        # One for all namespaces, and seen in the first only.
        with setting(TCP_MEM, "500 500 500", contextlib.nullcontext()):
            open_ones[6].close()
            equal(lost(count) >= 1, True, "one is lost at once")
            # Long before a minute has passed.
            wait_for(lambda: sockets() == 5, 45)
            equal(lost(count), 7, "orphans lost")
        for s in open_ones[7:]:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            s.close()
        wait_for(lambda: sockets() == 0)
        equal(lost(count), 7, "orphans lost")


def ten_minutes():
    """The server takes a few packets each second, and would for most of an hour."""
    subprocess.run(["tc", "-n", CLIENT, "qdisc", "add", "dev", "server", "root", "netem", "rate",
                    "50kbit", "limit", "20"], check=True)
    with trk.Counting(CLIENT) as count, trk.Counting(SERVER) as served:
        begin = time.monotonic()
        client(ECHO, b"x" * 16000000).close()
        closed = time.monotonic()
        equal(closed - begin < 5, True, "it is closed")
        time.sleep(500)
        events = served.delta()["Events"]
        time.sleep(95)
        print("# %d events after 500 s" % events, served.delta(), flush=True)
        equal(served.delta()["Events"] > events + 5, True, "the server is not done")
        equal((lost(count), sockets()), (0, 1), "orphans lost, sockets")
        time.sleep(10)
        equal((lost(count), sockets()), (1, 0), "orphans lost, sockets")


if sys.argv[3] == "yes":
    case("one whose server takes byte after byte ends after ten minutes")(ten_minutes)
with trk.inside(SERVER):
    nobody = socket.socket(socket.AF_INET, socket.SOCK_STREAM, trk.IPPROTO_TRICKLES)
nobody.bind(("10.1.1.1", NOBODY))
nobody.listen()
sys.exit(trk.run_cases())
