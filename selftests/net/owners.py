#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Whose continuations a server takes. owners.sh starts it and says where.

usage: owners.py SERVER CLIENT FOLDER HTTPD SECRET

The first two are namespaces; the server is 10.1.1.1. FOLDER has the files to be served by HTTPD,
SECRET is a file with an owner's secret.
"""
import contextlib
import os
import socket
import subprocess
import sys

import trk
from trk import case, equal

SERVER, CLIENT, FOLDER, HTTPD, SECRET = sys.argv[1:6]
PORT = 8080
ALICE, BOB = 1001, 1002


@contextlib.contextmanager
def served(uid, *options, port=PORT):
    """by a server of this user, until it is killed"""
    with trk.inside(SERVER):
        process = subprocess.Popen(["setpriv", "--reuid", str(uid), "--regid", str(uid),
                                    "--clear-groups", HTTPD, *options, "-p", str(port), FOLDER],
                                   stderr=subprocess.PIPE, text=True)
    try:
        line = process.stderr.readline()
        equal("serving" in line, True, "the server's first line: " + line)
        yield
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


class Download:
    """A connection that asks for one file after the other."""
    def __init__(self):
        with trk.inside(CLIENT):
            self.s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, trk.IPPROTO_TRICKLES)
        self.s.settimeout(200)
        self.s.connect(("10.1.1.1", PORT))
        self.file = self.s.makefile("rb")

    def ask(self, name):
        self.s.sendall(b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n" % name.encode())

    def take(self, name):
        equal(self.file.readline().split()[1], b"200")
        while self.file.readline().strip():
            pass
        with open(os.path.join(FOLDER, name), "rb") as f:
            wanted = f.read()
        equal(self.file.read(len(wanted)) == wanted, True, "the bytes of " + name)

    def fetch(self, name):
        self.ask(name)
        self.take(name)

    def close(self):
        self.file.close()
        self.s.close()


def refused_then_answered(first, second):
    """A connection of the @first server means nothing to the @second, and goes on with the
    first when that comes back."""
    with served(*first):
        d = Download()
        d.fetch("1000")
    with trk.Counting(SERVER) as count:
        with served(*second):
            d.ask("100000")
            trk.wait_for(lambda: count.delta().get("DropOwner", 0) >= 2)
            equal(count.delta().get("Events", 0), 0, "events")
            equal(count.delta().get("DropMac", 0), 0, "forgeries")
            # Its own clients are served as ever.
            own = Download()
            own.fetch("1000")
            own.close()
    with served(*first):
        d.take("100000")
    d.close()


def goes_on(first, second):
    with served(*first):
        d = Download()
        d.fetch("1000")
    with trk.Counting(SERVER) as count:
        with served(*second):
            d.fetch("100000")
        equal(count.delta().get("DropOwner", 0), 0, "requests of another owner")
    d.close()


@case("the next user of a port gets nothing of the one before")
def next_user():
    refused_then_answered((ALICE,), (BOB,))


@case("a restart under the same user goes on")
def same_user():
    goes_on((ALICE,), (ALICE,))


@case("a restart under another user goes on with the same secret")
def same_secret():
    goes_on((ALICE, "-o", SECRET), (BOB, "-o", SECRET))


@case("a server without the secret is another owner, whoever runs it")
def without_secret():
    refused_then_answered((ALICE, "-o", SECRET), (ALICE,))


sys.exit(trk.run_cases())
