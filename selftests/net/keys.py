#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Connections outlive changes of the key, and the settings do what they say. keys.sh starts
it and says where.

usage: keys.py SERVER CLIENT FOLDER

These are namespaces. The server, 10.1.1.1, has files of FOLDER at port 80 and an echo service
at port 7.
"""
import errno
import os
import socket
import sys
import threading

import trk
from trk import case, equal, raises

SERVER, CLIENT, FOLDER = sys.argv[1:4]
FILE = "4000000"
SETTINGS = "/proc/sys/net/trickles/"
HELD = 8


def server(name, value=None):
    """Reads or writes a setting of the server."""
    with trk.inside(SERVER):
        if value is None:
            with open(SETTINGS + name) as f:
                return f.read().strip()
        # Unbuffered, so that the error is that of the write.
        with open(SETTINGS + name, "wb", 0) as f:
            f.write(value.encode())


def ids():
    return server("key_ids").split()


def choose(n):
    """Secrets of different numbers: one of the number of another would have that forgotten."""
    chosen = {}
    while len(chosen) < n:
        secret = os.urandom(32).hex()
        try:
            server("key", secret)
            chosen[ids()[0]] = secret
        except FileExistsError:
            pass
    return list(chosen.values())


secrets = choose(3 * HELD)


def write_key():
    """The next of these secrets, over and over; returns it."""
    secrets.append(secrets.pop(0))
    server("key", secrets[-1])
    return secrets[-1]


def connected(port):
    with trk.inside(CLIENT):
        s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, trk.IPPROTO_TRICKLES)
        s.settimeout(200)
        s.connect(("10.1.1.1", port))
    return s


def content(name):
    with open(os.path.join(FOLDER, name), "rb") as f:
        return f.read()


def exactly(s, n):
    data = bytearray()
    while len(data) < n:
        part = s.recv(n - len(data))
        equal(bool(part), True, "more of it, after %d bytes" % len(data))
        data += part
    return bytes(data)


def fetch(s, name):
    """One file of a connection that stays open."""
    s.sendall(b"GET /%s HTTP/1.1\r\nHost: 10.1.1.1\r\n\r\n" % name.encode())
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += exactly(s, 1)
    equal(head.split()[1], b"200")
    equal(exactly(s, len(content(name))) == content(name), True, "the bytes of " + name)


def received():
    return trk.counters(CLIENT)["BytesRcvd"]


def not_answered(s, count):
    """The server has dropped a request and its repetition for their key, and sends nothing."""
    s.sendall(b"GET /1000 HTTP/1.1\r\nHost: 10.1.1.1\r\n\r\n")
    trk.wait_for(lambda: count.delta().get("DropKey", 0) >= 2)
    s.settimeout(1)
    raises(None, s.recv, 1)


class Changing:
    """with Changing(seconds) as c: the key changes so often; c.count is how many times. Before
    it changes again, more has come than can have been under way, by which the client knows it.
    """
    ON_ITS_WAY = 200000

    def __init__(self, seconds):
        self.seconds = seconds
        self.count = 0
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.stop.wait(self.seconds):
            write_key()
            self.count += 1
            known = received() + self.ON_ITS_WAY
            while received() < known and not self.stop.wait(0.02):
                pass

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *args):
        self.stop.set()
        self.thread.join()


@case("a download while the key changes ten times")
def download():
    s = connected(80)
    with trk.Counting(SERVER) as count, trk.Counting(CLIENT) as mine, Changing(0.3) as changes:
        while changes.count < 10:
            fetch(s, FILE)
    print("# %d changes" % changes.count, flush=True)
    equal(count.delta().get("DropMac", 0), 0, "DropMac")
    equal(mine.delta().get("Resealed", 0) >= changes.count / 2, True, "sealed anew")
    fetch(s, "1000")


@case("an upload that is echoed while the key changes ten times")
def upload():
    s = connected(7)
    data = content(FILE)
    with Changing(0.3) as changes:
        while changes.count < 10:
            thread = threading.Thread(target=s.sendall, args=(data,))
            thread.start()
            equal(exactly(s, len(data)) == data, True, "the bytes")
            thread.join()
    print("# %d changes" % changes.count, flush=True)


@case("an idle connection goes on after as many changes as keys are held, less one")
def idle():
    s = connected(80)
    fetch(s, "1000")
    with trk.Counting(SERVER) as count:
        while len(ids()) < HELD:
            write_key()
        before = ids()
        for _ in range(3):
            write_key()
        fetch(s, "1000")
    equal(count.delta().get("DropKey", 0) >= 1, True, "requests that a retired key sealed")
    equal(len(set(before)), HELD)
    for _ in range(2):
        for _ in range(4):
            write_key()
        fetch(s, "1000")


@case("what a forgotten key sealed is refused")
def forgotten():
    s = connected(80)
    fetch(s, "1000")
    write_key()
    write_key()
    server("retired_keys", "0")
    try:
        equal(len(ids()), 2)
        with trk.Counting(SERVER) as count:
            not_answered(s, count)
        equal(count.delta().get("Answers", 0), 0, "Answers")
        fetch(connected(80), "1000")
    finally:
        server("retired_keys", "6")
    equal(len(ids()), 2)


@case("a secret and no other: what came before is refused at once")
def only():
    s = connected(80)
    fetch(s, "1000")
    secrets.append(secrets.pop(0))
    for bad in "only", " onl", " only!", "  only", " 0":
        raises(errno.EINVAL, server, "key", secrets[-1] + bad)
    before = ids()
    server("key", secrets[-1] + " only\n")
    equal(len(ids()), 1)
    equal(ids() != before[:1], True)
    with trk.Counting(SERVER) as count:
        not_answered(s, count)
    fetch(connected(80), "1000")
    # The current one alone, as it was.
    write_key()
    now = ids()
    server("key", secrets[-1] + " only")
    equal(ids(), now[:1])


@case("secrets are for writing, numbers for reading, by anybody")
def files():
    with trk.inside(SERVER):
        raises(errno.EACCES, open, SETTINGS + "key")
        equal(os.stat(SETTINGS + "key_ids").st_mode & 0o777, 0o444)
    raises(errno.EACCES, server, "key_ids", "00")


@case("retired_keys: from 0 to 6; so many are held beside two")
def setting():
    equal(server("retired_keys"), "6")
    for bad in "7", "-1", "x":
        raises(errno.EINVAL, server, "retired_keys", bad)
    while len(ids()) < HELD:
        write_key()
    before = ids()
    for n in 5, 3, 4, 0, 6:
        server("retired_keys", str(n))
        before = before[:2 + n]
        equal(ids(), before)
    server("retired_keys", "1")
    for _ in range(5):
        write_key()
        equal(len(ids()) <= 3, True)
    server("retired_keys", "6")


@case("a secret that is held comes back; the current one stays")
def rollback():
    first = write_key()
    a = ids()[0]
    second = write_key()
    b = ids()[0]
    server("key", second)
    equal(ids()[:2], [b, a])
    n = len(ids())
    server("key", first)
    equal(ids()[:2], [a, b])
    server("key", second)
    equal(ids()[:2], [b, a])
    equal(len(ids()), n)
    write_key()
    c = ids()[0]
    server("key", first)
    equal(ids()[:3], [a, c, b])
    equal(ids().count(a), 1)


@case("EEXIST for the number of a key in use; a retired one of the number is forgotten")
def numbers():
    refused = replaced = 0
    # Each happens once in some hundred times or less.
    for _ in range(20000):
        if refused and replaced:
            break
        before = ids()
        try:
            server("key", os.urandom(32).hex())
        except FileExistsError:
            equal(ids(), before)
            refused += 1
            continue
        now = ids()
        equal(len(set(now)), len(now), "numbers are distinct: %s" % now)
        equal(now[1:3], before[:2])
        if now[0] in before:
            equal(before.index(now[0]) >= 2, True)
            equal(len(now), len(before))
            replaced += 1
    print("# %d refused, %d replaced" % (refused, replaced), flush=True)
    equal(bool(refused and replaced), True)


sys.exit(trk.run_cases())
