#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""What goes wrong goes wrong as with TCP: the same errors, and as fast; and what falls back
to TCP ends as TCP ends. fallback.sh starts it and says where.

usage: fallback.py SERVER CLIENT

These are namespaces: the server is 10.1.1.1, the client 10.1.1.2. Succeeds if all is well,
and prints what is not.
"""
import errno
import select
import socket
import struct
import subprocess
import sys
import time

import trk
from trk import equal

SERVER, CLIENT = sys.argv[1:3]
PORT = 99


def at(namespace, command):
    subprocess.run(["ip", "netns", "exec", namespace] + command.split(), check=True)


def ruleset(namespace, text):
    subprocess.run(["ip", "netns", "exec", namespace, "nft", "-f", "-"], check=True,
                   input="table ip trouble\ndelete table ip trouble\n" + text, encoding="ascii")


def drop_at_server(verdict):
    ruleset(SERVER, """table ip trouble {
        chain input {
            type filter hook input priority filter
            tcp dport %d %s
        }
    }""" % (PORT, verdict))


def blocking(protocol, address):
    """errno of a connect() that waits, and the seconds that it took."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, protocol) as s:
        begin = time.monotonic()
        try:
            s.connect(address)
            code = 0
        except OSError as error:
            code = error.errno
        return code, time.monotonic() - begin


def polling(protocol, address):
    """The same, waited for with poll()."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, protocol) as s:
        s.setblocking(False)
        begin = time.monotonic()
        code = s.connect_ex(address)
        if code == errno.EINPROGRESS:
            p = select.poll()
            p.register(s, select.POLLOUT)
            p.poll(200000)
            code = s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        return code, time.monotonic() - begin


def syns_repeated():
    """SYNs that this host has sent again."""
    with open("/proc/thread-self/net/netstat", encoding="ascii") as f:
        names, values = [line.split() for line in f if line.startswith("TcpExt:")]
    return int(dict(zip(names, values))["TCPSynRetrans"])


def as_tcp(what, address, wanted, repeats):
    """The errors of both are `wanted`, and none needs more than so many SYNs again."""
    for how in (blocking, polling):
        for name, protocol in ("TCP", socket.IPPROTO_TCP), ("Trickles", trk.IPPROTO_TRICKLES):
            # Each SYN takes a second or more: so fast, without a clock. But where the machine
            # stands still for a second, so does the answer.
            for _ in range(5):
                before = syns_repeated()
                code, took = how(protocol, address)
                again = syns_repeated() - before
                print("%s, %s: %s %s after %.3f s and %d more SYNs" % (
                    what, how.__name__, name, errno.errorcode.get(code), took, again))
                equal(code, wanted, "errno of " + name)
                if again <= repeats:
                    break
            equal(again <= repeats, True, "SYNs again, " + name)


def errors():
    at(SERVER, "sysctl -qw net.ipv4.icmp_ratelimit=0")
    as_tcp("refused", ("10.1.1.1", PORT), errno.ECONNREFUSED, 0)
    drop_at_server("reject with icmp type port-unreachable")
    # It may come while connect() holds the socket; then TCP waits for the next one.
    as_tcp("refused by ICMP", ("10.1.1.1", PORT), errno.ECONNREFUSED, 1)
    at(CLIENT, "sysctl -qw net.ipv4.tcp_syn_retries=1")
    drop_at_server("drop")
    as_tcp("no answer", ("10.1.1.1", PORT), errno.ETIMEDOUT, 1)
    drop_at_server("reject with icmp type host-unreachable")
    as_tcp("unreachable, says a router", ("10.1.1.1", PORT), errno.EHOSTUNREACH, 1)
    ruleset(SERVER, "")
    as_tcp("no route", ("10.77.0.1", PORT), errno.ENETUNREACH, 0)
    at(CLIENT, "ip route add unreachable 10.78.0.0/16")
    as_tcp("unreachable", ("10.78.0.1", PORT), errno.EHOSTUNREACH, 0)
    at(CLIENT, "ip route add prohibit 10.79.0.0/16")
    as_tcp("prohibited", ("10.79.0.1", PORT), errno.EACCES, 0)


def pair(listener):
    """A Trickles socket and the TCP connection that it became."""
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, trk.IPPROTO_TRICKLES)
    s.settimeout(200)
    s.connect(("10.1.1.1", PORT))
    peer, address = listener.accept()
    peer.settimeout(200)
    equal(address, s.getsockname(), "name of the client's socket")
    equal(s.getpeername(), ("10.1.1.1", PORT), "name of the server's socket")
    mode = struct.unpack("I", s.getsockopt(trk.SOL_TRICKLES, trk.TRK_INFO, 4))[0]
    equal(mode, trk.MODE_TCP, "mode")
    return s, peer


def endings():
    with trk.inside(SERVER):
        listener = socket.create_server(("10.1.1.1", PORT))
    s, peer = pair(listener)
    s.sendall(b"there")
    equal(peer.recv(100), b"there", "to the server")
    peer.sendall(b"back")
    equal(s.recv(2, socket.MSG_PEEK), b"ba", "peeked")
    equal(s.recv(100), b"back", "to the client")
    s.shutdown(socket.SHUT_WR)
    equal(peer.recv(1), b"", "end of the client's stream")
    peer.sendall(b"still")
    equal(s.recv(100), b"still", "half closed")
    peer.close()
    equal(s.recv(1), b"", "end of the server's stream")
    s.close()

    # Closed with data on their way: they arrive.
    s, peer = pair(listener)
    data = bytes(range(256)) * 1000
    s.settimeout(None)
    s.setblocking(False)
    sent = s.send(data)
    s.close()
    got = b""
    while True:
        more = peer.recv(65536)
        if not more:
            break
        got += more
    equal(got, data[:sent], "what was sent before close()")

    # Reset by either side.
    s, peer = pair(listener)
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()
    trk.raises(errno.ECONNRESET, s.recv, 1)
    s.close()
    s, peer = pair(listener)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()
    trk.raises(errno.ECONNRESET, peer.recv, 1)


trk.inside.enter("/run/netns/" + CLIENT)
endings()
errors()
