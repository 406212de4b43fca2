#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Firewall, routing and ports see whose socket it is. rules.sh starts it and says where.

usage: rules.py SERVER CLIENT FOLDER HTTPD

The first two are namespaces; the server is 10.1.1.1. FOLDER has the files to be served by HTTPD.
"""
import contextlib
import errno
import http.client
import os
import re
import socket
import subprocess
import sys

import trk
from trk import case, equal, raises, user

SERVER, CLIENT, FOLDER, HTTPD = sys.argv[1:5]
PORT, TCP_PORT = 8080, 8081
ALICE, BOB = 1001, 1002
TCP, TRICKLES = socket.IPPROTO_TCP, trk.IPPROTO_TRICKLES


def run(namespace, *command):
    return subprocess.run(["ip", "netns", "exec", namespace, *command], check=True, text=True,
                          stdout=subprocess.PIPE).stdout


@contextlib.contextmanager
def rules(namespace, *output):
    """with these rules for what leaves the host"""
    run(namespace, "nft", "add table ip rules; add chain ip rules out "
        "{ type filter hook output priority 0; }" +
        "".join("; add rule ip rules out " + rule for rule in output))
    try:
        yield
    finally:
        run(namespace, "nft", "delete table ip rules")


def packets(namespace):
    """What the rules have counted, one number each."""
    listed = run(namespace, "nft", "list table ip rules")
    return [int(n) for n in re.findall(r"counter packets (\d+)", listed)]


def new(uid, protocol=TRICKLES):
    with trk.inside(CLIENT), user(uid):
        s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, protocol)
    s.settimeout(200)
    return s


def refused(uid, protocol, port, seconds=2):
    """Nothing of a connection of this user gets to the server."""
    with new(uid, protocol) as s:
        s.settimeout(seconds)
        try:
            s.connect(("10.1.1.1", port))
        except OSError:
            return
    raise AssertionError("connected")


@contextlib.contextmanager
def served(uid):
    with trk.inside(SERVER):
        httpd = subprocess.Popen(["setpriv", "--reuid", str(uid), "--regid", str(uid),
                                  "--clear-groups", HTTPD, "-p", str(PORT), FOLDER],
                                 stderr=subprocess.PIPE, text=True)
        tcp = subprocess.Popen([sys.executable, "-m", "http.server", "-d", FOLDER, str(TCP_PORT)],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        equal("serving" in httpd.stderr.readline(), True, "the server's first line")
        trk.wait_for(lambda: str(TCP_PORT) in run(SERVER, "ss", "-Hltn"))
        yield
    finally:
        for process in httpd, tcp:
            process.kill()
            process.wait()
        httpd.stderr.close()


def download(s, port):
    s.connect(("10.1.1.1", port))
    s.sendall(b"GET /100000 HTTP/1.0\r\n\r\n")
    answer = http.client.HTTPResponse(s)
    answer.begin()
    equal((answer.status, len(answer.read())), (200, 100000))


@case("nft meta skuid drop: no SYN of that user's leaves, marked or plain, and no other's is lost")
def skuid_drops():
    with served(BOB), rules(CLIENT, "meta skuid %d counter drop" % ALICE), \
            trk.Counting(SERVER) as count:
        for protocol in TCP, TRICKLES:
            for port in PORT, TCP_PORT:
                before = packets(CLIENT)[0]
                refused(ALICE, protocol, port)
                equal(packets(CLIENT)[0] > before, True, "packets that the rule saw")
        equal(count.delta(), {}, "what came to the server")
        for port in PORT, TCP_PORT:
            with new(BOB) as s:
                download(s, port)


@case("nft meta skuid sees all that a client sends, over Trickles and after a fallback")
def skuid_of_client():
    with served(BOB):
        for port in PORT, TCP_PORT:
            seen = ["tcp dport %d counter" % port,
                    "tcp dport %d meta skuid %d counter" % (port, ALICE)]
            with rules(CLIENT, *seen), new(ALICE) as s:
                download(s, port)
                all_of_them, alices = packets(CLIENT)
                equal(alices, all_of_them, "packets of the user's, and all")
                equal(all_of_them > 3, True, "packets: %d" % all_of_them)


@case("nft meta skuid and mark see all that a server sends: SYN-ACKs and answers")
def skuid_of_server():
    with served(BOB), rules(SERVER, "tcp sport %d counter" % PORT,
                            "tcp sport %d meta skuid %d counter" % (PORT, BOB)), \
            new(ALICE) as s, trk.Counting(SERVER) as count:
        download(s, PORT)
        all_of_them, bobs = packets(SERVER)
        equal(bobs, all_of_them, "packets of the user's, and all")
        equal(count.delta()["SynAckSent"] >= 1 and all_of_them > 3, True, "packets")


@case("the socket of a connection is seen as its program's: inode and user in /proc/net/tcp")
def proc_net_tcp():
    with served(BOB), new(ALICE) as s:
        download(s, PORT)
        inode = os.fstat(s.fileno()).st_ino
        with trk.inside(CLIENT), open("/proc/thread-self/net/tcp") as lines:
            rows = [line.split() for line in lines if ":%04X" % PORT in line.split()[2]]
        equal([(row[7], row[9]) for row in rows], [(str(ALICE), str(inode))], "uid and inode")


@case("ip rule uidrange")
def uidrange():
    run(CLIENT, "ip", "rule", "add", "uidrange", "%d-%d" % (ALICE, ALICE), "prohibit")
    try:
        with served(BOB):
            for protocol in TCP, TRICKLES:
                with new(ALICE, protocol) as s:
                    raises(errno.EACCES, s.connect, ("10.1.1.1", PORT))
            with new(BOB) as s:
                download(s, PORT)
    finally:
        run(CLIENT, "ip", "rule", "del", "uidrange", "%d-%d" % (ALICE, ALICE), "prohibit")


@case("SO_BINDTODEVICE: the way of a connection is the device's")
def bind_to_device():
    with served(BOB):
        for protocol in TCP, TRICKLES:
            with new(ALICE, protocol) as s:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo\0")
                with rules(CLIENT, "oifname != lo tcp dport %d counter drop" % PORT):
                    s.settimeout(2)
                    try:
                        s.connect(("10.1.1.1", PORT))
                    except OSError:
                        pass
                    else:
                        raise AssertionError("connected by way of lo")
                    equal(packets(CLIENT), [0], "packets past the device")


@case("ip_unprivileged_port_start")
def low_ports():
    def bind(protocol):
        with trk.inside(SERVER), user(ALICE), \
                socket.socket(socket.AF_INET, socket.SOCK_STREAM, protocol) as s:
            s.bind(("0.0.0.0", 81))

    for protocol in TCP, TRICKLES:
        raises(errno.EACCES, bind, protocol)
    run(SERVER, "sysctl", "-qw", "net.ipv4.ip_unprivileged_port_start=81")
    try:
        for protocol in TCP, TRICKLES:
            bind(protocol)
    finally:
        run(SERVER, "sysctl", "-qw", "net.ipv4.ip_unprivileged_port_start=1024")


sys.exit(trk.run_cases())
