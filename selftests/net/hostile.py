#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Packets that no honest host sends: hostile.sh starts it and says where.

usage: hostile.py SERVER CLIENT ATTACKER BYSTANDER FOLDER XFER

The first four are namespaces: the server 10.1.1.1 has the files of FOLDER, of which one
is /1000000, at port 80, and nothing at port 81; the client is 10.1.1.2, the attacker
10.1.3.2 can send from any address; the bystander downloads all the time by means of XFER.
"""
import errno
import os
import socket
import struct
import subprocess
import sys
import threading
import time

import trk
from trk import ACK, FIRST, PSH, RANGE, RST, SYN, TIMEOUT, VERSION, Client, Counting, case, claim
from trk import equal
from trk import extension, request, segment

SERVER, CLIENT, ATTACKER, BYSTANDER, FOLDER, XFER = sys.argv[1:]
SADDR, CADDR, AADDR = "10.1.1.1", "10.1.1.2", "10.1.3.2"
PORT, NOBODY = 80, 81
FILE = "/1000000"
HTTPD = os.path.join(os.path.dirname(__file__), "../../tools/trickles-httpd")

wire = trk.Wire(ATTACKER)


class Bystander(threading.Thread):
    """Somebody else's downloads."""
    def __init__(self):
        super().__init__(daemon=True)
        self.enough = False
        self.downloads = 0
        self.failure = ""

    def run(self):
        while not self.enough and not self.failure:
            done = subprocess.run(["ip", "netns", "exec", BYSTANDER, XFER, "-t", "250",
                                   "get", SADDR, str(PORT), FILE[1:]],
                                  stdout=subprocess.PIPE, encoding="ascii", check=False)
            if done.returncode:
                self.failure = done.stdout
            self.downloads += 1


bystander = Bystander()


def attacker(port=PORT):
    return Client(wire, AADDR, SADDR, port)


def sealed():
    """A connection with continuations that are good."""
    return attacker().open(FILE)


def dropped(client, payloads, **reasons):
    """None of them is answered; each is counted under its reason, and only there."""
    with Counting(SERVER) as count:
        wire.drain()
        for payload in payloads:
            client.send(payload)
        count.settle(**reasons)
        answer = client.hear(0)
        if answer:
            raise AssertionError("an answer, flags %02x" % answer.flags)


def changed(data, at, bit=0):
    return data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1:]


# --- requests to the server ---------------------------------------------------------

@case("a request of ours is answered, so that what follows fails for its own reason")
def honest():
    c = sealed()
    with Counting(SERVER) as count:
        c.send(c.next())
        answer = c.collect()
        equal(sorted(answer)[0], 11, "the number behind the initial window")
        equal(sum(r.span for r in answer.values()), 4, "numbers for two in slow start")
        equal(answer[11].offset, c.end, "offset of the data")
        equal(len(answer[11].data), 1432, "bytes of data")
        equal(count.drops(), {}, "drops")


@case("truncated: at every length")
def truncated():
    c = sealed()
    whole = c.next()
    # Behind the fixed header the lengths in it must agree with the packet's.
    dropped(c, [whole[:n] for n in range(0, len(whole))], DropTruncated=len(whole))


@case("version and kind unknown")
def version():
    c = sealed()
    first = [request(kind, version=v) for v in (0, VERSION - 1, VERSION + 1, 15)
             for kind in (FIRST, RANGE)]
    dropped(c, first + [request(kind) for kind in (0, 5, 6, 7, 8)] +
            [b"\xff" * 100, b"\0" * 100], DropVersion=15)


@case("SYNs: where no version is common TCP answers, else both know which")
def syn_versions():
    with Counting(SERVER) as count:
        for option in (trk.syn_option(VERSION + 1, 255), trk.syn_option(0, VERSION - 1),
                       trk.syn_option(255, 0), trk.OPTION):
            c = attacker()
            wire.drain()
            c.send(b"", SYN, seq=c.isn, ack=0, options=option)
            answer = c.hear()
            equal((answer.flags, answer.options), (RST | ACK, b""), "TCP, which nobody serves")
        equal(count.delta()["SynVersion"], 4, "SYNs left to TCP")
    for lowest, highest in (0, 255), (VERSION, 255), (1, VERSION):
        c = attacker().connect(options=trk.syn_option(lowest, highest))
    # The client says once more what it speaks, for the server has forgotten it.
    data = b"GET / HTTP/1.1\r\nHost: test\r\n\r\n"
    good = c.first(data)
    dropped(c, [good[:12] + bytes(pair) + good[14:]
                for pair in ((VERSION + 1, 255), (0, VERSION - 1), (255, 0), (0, 0))],
            DropVersion=4)
    c.send(good[:12] + bytes((0, 255)) + good[14:])
    equal(len(c.collect()) >= 1, True, "an answer")


@case("extensions malformed")
def extensions():
    c = sealed()
    good = trk.ask((c.end, 1432))
    output = extension(trk.OUTPUT, c.output)
    bad = [
        b"\x01",					# no room for a header
        struct.pack("!BBH", 1, 0, 500) + bytes(12),	# longer than all of them
        extension(trk.ASK, b""),
        extension(trk.ASK, bytes(11)),
        trk.ask((0, 0)) + output,			# nothing asked for
        trk.ask((2 ** 64 - 1, 2)) + output,		# beyond the end of numbers
        trk.ask((0, 2 ** 31)) + output,
        trk.ask(*[(i, 1) for i in range(5)]) + output,	# too many
        good + good + output,				# twice
        good + output + output,
        good,						# nothing that it stands on
        extension(trk.OUTPUT, bytes(10)),
        extension(trk.INPUT_AT, bytes(7)),
        trk.input_at(0) + good + output,		# both kinds of request at once
        extension(99, b"what is this"),
    ]
    dropped(c, [c.next(ext=ext) for ext in bad] + [c.next(ext=b"", data=b"nowhere")],
            DropExtension=len(bad) + 1)


@case("oversized: lengths above their bounds")
def oversized():
    c = sealed()
    many = [claim(i, 1) for i in range(2, 70, 2)]
    huge = request(RANGE, cont=c.cont, ext=bytes(1300))
    dropped(c, [c.next(claims=many), huge], DropOversized=2)


@case("a request of 60,000 bytes in fragments does no harm")
def fragments():
    c = attacker().connect()
    data = segment(AADDR, SADDR, c.sport, PORT, c.seq, c.server_isn + 1, ACK | PSH,
                   c.first(b"GET " + b"x" * 60000))
    with Counting(SERVER) as count:
        for at in range(0, len(data), 1400):
            more = 0x2000 if at + 1400 < len(data) else 0
            head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 0, 4711, more | at // 8, 64, 6, 0,
                               socket.inet_aton(AADDR), socket.inet_aton(SADDR))
            wire.out.sendto(head + data[at:at + 1400], (SADDR, 0))
        trk.wait_for(lambda: count.delta().get("RequestsRcvd", 0) > 0)
        equal(count.drops(), {}, "drops")


@case("cookies: wrong, of another port, of another address, and stale ones")
def cookies():
    c = attacker().connect()
    get = c.first(b"GET / HTTP/1.1\r\n")
    with Counting(SERVER) as count:
        c.send(get, ack=c.server_isn + 2)
        c.send(get, seq=c.seq + 1)
        c.send(get, sport=c.sport + 5000)
        # Somebody else's address, with a good checksum.
        c.send(get, saddr=CADDR, sealed_for=CADDR)
        for _ in range(20):
            c.send(get, ack=int.from_bytes(os.urandom(4), "big"))
        count.settle(DropCookie=24)


@case("a continuation with any byte changed")
def mac():
    c = sealed()
    wrong = [changed(c.cont, i, i % 8) for i in range(trk.CONT_LEN) if i not in (1, 46, 47)]
    dropped(c, [c.next(cont=cont) for cont in wrong], DropMac=69)
    # Two bytes are of the owner's label.
    dropped(c, [c.next(cont=changed(c.cont, i)) for i in (46, 47)], DropOwner=2)
    # Byte 1 is the number of its key.
    dropped(c, [c.next(cont=changed(c.cont, 1))], DropKey=1)


@case("a continuation of another port, and of another address")
def stolen():
    c = sealed()
    other = attacker()
    other.server_isn = c.server_isn
    with Counting(SERVER) as count:
        other.send(c.next())
        c.send(c.next(), saddr=CADDR, sealed_for=CADDR)
        count.settle(DropMac=2)


@case("a user continuation with any byte changed, or of another connection")
def ucont():
    c, other = sealed(), sealed()
    wrong = [changed(c.output, i, i % 8) for i in range(len(c.output)) if i != 17]
    # A length that is wrong ends inside the blob or beyond it.
    dropped(c, [c.next(ext=trk.ask((c.end, 1432)) + extension(trk.OUTPUT, o)) for o in wrong],
            DropUcont=len(c.output) - 1)
    key = extension(trk.OUTPUT, changed(c.output, 17))
    dropped(c, [c.next(ext=trk.ask((c.end, 1432)) + key)], DropKey=1)
    alien = extension(trk.OUTPUT, other.output)
    # An output continuation is no input continuation.
    kind = extension(trk.INPUT, c.output) + trk.input_at(0)
    dropped(c, [c.next(ext=trk.ask((c.end, 1432)) + alien), c.next(ext=kind)], DropUcont=2)


@case("bytes that the continuation does not cover")
def beyond():
    c = sealed()
    output = extension(trk.OUTPUT, c.output)
    dropped(c, [c.next(ext=trk.ask(part) + output) for part in
                ((2 ** 40, 100), (1000000, 10000), (2 ** 64 - 101, 100))], DropAsk=3)


@case("ranges: nothing, backwards, before the base")
def ranges():
    c = sealed()
    dropped(c, [c.next(m=0), c.next(m=3), c.next(m=2 ** 32 - 1)], DropRange=3)
    first = attacker().connect()
    dropped(first, [first.first(b"GET", slot=100), first.first(b"GET", claims=[claim(1, 1)])],
            DropRange=2)


@case("claims: empty, disorderly, overlapping, adjacent, up to the end, impossible")
def claims():
    c = sealed()

    def lie(n, *what):
        return c.next(m=n, n=n, proof=c.proof(n if n < 11 else 10), claims=what)

    lies = [
        lie(8, claim(3, 0)),
        lie(8, claim(5, 1), claim(3, 1)),
        lie(8, claim(3, 3), claim(4, 1)),
        lie(8, claim(3, 1), claim(4, 1)),
        lie(8, claim(8, 1)),
        lie(8, claim(7, 5)),
        lie(8, claim(0, 1)),
    ]
    dropped(c, lies, DropClaims=len(lies))


@case("proofs: wrong, of more than came, of a loss that is hidden")
def proofs():
    c = sealed()
    hidden = c.next(n=4, proof=c.proof(4, lost=[3]))
    dropped(c, [c.next(proof=c.proof(2) ^ 1 << bit) for bit in range(64)] +
            [c.next(n=3), c.next(n=12, proof=c.proof(10)), c.next(proof=0), hidden],
            DropProof=68)
    # It told the truth, and the same packet goes through.
    with Counting(SERVER) as count:
        c.send(c.next(m=3, n=4, proof=c.proof(4, lost=[3]), claims=[claim(3, 1)]))
        equal(len(c.collect()) > 0, True, "an answer to an honest claim")
        equal(count.drops(), {}, "drops")


@case("nonces of another connection prove nothing")
def other_nonces():
    c, other = sealed(), sealed()
    dropped(c, [c.next(proof=other.proof(2))], DropProof=1)


@case("attempts: none, too many")
def attempts():
    c = sealed()
    dropped(c, [c.next(kind=TIMEOUT, attempt=a) for a in (0, 16, 255)], DropAttempt=3)
    first = attacker().connect()
    dropped(first, [first.first(b"GET", attempt=16)], DropAttempt=1)


@case("every bit of a request flipped: dropped for one reason, or answered")
def flips():
    c = sealed()
    whole = c.next()
    acks = set()
    answered = set()

    def listen():
        seg = c.hear(0)
        while seg:
            answered.add(seg.ack)
            seg = c.hear(0)
        return sum(count.drops().values()) + len(answered & acks) == len(acks)

    with Counting(SERVER) as count:
        for at in range(len(whole)):
            for bit in range(8):
                # An answer acknowledges the end of its request.
                c.seq = c.seq + len(whole) & 0xffffffff
                acks.add(c.seq + len(whole) & 0xffffffff)
                c.send(changed(whole, at, bit))
            listen()
        trk.wait_for(listen)
        equal(count.delta()["DropMac"] >= 69 * 8, True, "most fail at the seal")


@case("checksums wrong, and headers that lie about their length")
def checksums():
    c = sealed()
    with Counting(SERVER) as count:
        for spoil in (1, 256, 65535 - 1):
            c.send(c.next(), spoil=spoil)
        count.settle(DropChecksum=3)
    with Counting(SERVER) as count:
        # Not ours to count: TCP finds no header, or options without end.
        c.send(c.next(), doff=4)
        c.send(b"", doff=15)
        c.send(c.next(), options=bytes([254, 0, 0x74, 0x72]))
        c.send(c.next(), options=bytes([253, 4, 0x74, 0x72]))
        c.send(c.next(), options=bytes([254, 4, 0x74, 0x73]))
        count.settle()


@case("marked RST; responses to a server")
def odd_flags():
    c = sealed()
    with Counting(SERVER) as count:
        c.send(b"", RST)
        c.send(c.next(), RST | ACK)
        count.settle(DropReset=2)
    with Counting(SERVER) as count:
        c.send(request(trk.RESPONSE))
        c.send(b"", SYN | ACK)
        count.settle(DropNoClient=2)


@case("a request played again, as it was or for other bytes, is answered once")
def replay():
    c = sealed()
    c.send(c.next())
    equal(len(c.collect()) > 0, True, "an answer")
    other = trk.ask((c.end + 5000, 100)) + extension(trk.OUTPUT, c.output)
    dropped(c, [c.next(), c.next(), c.next(ext=other)], DropReplay=3)
    # The same numbers, told otherwise: they were used up.
    c.send(c.next(kind=TIMEOUT, attempt=1))
    equal(len(c.collect()) > 0, True, "an answer to the timeout")
    # Whoever played a timeout again must not use up the client's: it can begin anew.
    time.sleep(0.1)
    with Counting(SERVER) as count:
        c.send(c.next(kind=TIMEOUT, attempt=1))
        again = list(c.collect().values())
        equal(len(again), 1, "answers to the timeout when it was answered")
        equal(len(again[0].data), 0, "bytes of data in it")
        equal(count.delta().get("Renewals"), 1)
    time.sleep(0.1)
    c.send(c.next(kind=TIMEOUT, attempt=2))
    equal(len(c.collect()) > 0, True, "an answer to the next attempt")


@case("where nobody listens: dropped and counted, and no RST for any marked packet but a SYN")
def nobody():
    c = sealed()
    with Counting(SERVER) as count:
        wire.drain()
        for payload in (c.next(), request(FIRST), c.next(kind=TIMEOUT, attempt=1),
                        c.next(kind=trk.CLOSE)):
            c.send(payload, port=NOBODY)
        c.send(b"", ACK, port=NOBODY)
        c.send(b"\xff", port=NOBODY)
        count.settle(DropNoListener=4, DropTruncated=1, DropVersion=1)
    equal(wire.receive(lambda s: s.sport == NOBODY, 0.2), None, "an answer")


@case("a flood of noise: every packet is counted once")
def noise():
    c = attacker()
    with Counting(SERVER) as count:
        for _ in range(2000):
            c.send(os.urandom(8) + os.urandom(os.urandom(1)[0]))
        trk.wait_for(lambda: sum(count.drops().values()) == 2000)
    wire.drain()


# --- segments to a client -----------------------------------------------------------

class Victim:
    """An ordinary client of the server, and somebody who can speak in the server's name."""
    def __init__(self):
        self.spy = trk.Wire(SERVER, outgoing=True)
        self.out = trk.Wire(SERVER)
        with trk.inside(CLIENT):
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, trk.IPPROTO_TRICKLES)
        self.socket.settimeout(200)
        self.socket.connect((SADDR, PORT))
        self.port = self.socket.getsockname()[1]
        # Half a request: the answer is but a continuation.
        self.socket.sendall(("GET %s HTTP/1.1\r\nHost: test\r\n" % FILE).encode() +
                            b"Connection: close\r\n")
        self.seen = []
        trk.wait_for(self.listen)

    def listen(self):
        seg = self.spy.receive(lambda s: s.dport == self.port, 0.2)
        if seg:
            self.seen.append(seg)
        return seg is not None and not seg.flags & SYN

    def inject(self, flags, seq, ack, payload=b"", options=None, spoil=0):
        self.out.send(SADDR, CADDR, segment(SADDR, CADDR, PORT, self.port, seq, ack, flags,
                                            payload, options, spoil))

    def lives(self):
        """The whole file comes, unharmed."""
        self.socket.sendall(b"\r\n")
        data = b""
        while True:
            more = self.socket.recv(1 << 16)
            if not more:
                break
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        equal(head[:12], b"HTTP/1.1 200", "status")
        with open(FOLDER + FILE, "rb") as f:
            equal(body == f.read(), True, "the file came unharmed")
        self.socket.close()


@case("plain RST, FIN, data and SYN-ACK at a client of ours")
def plain_at_client():
    v = Victim()
    seq, ack = v.seen[-1].seq, v.seen[-1].ack
    edges = [(seq, ack), (seq + len(v.seen[-1].payload), ack), (seq, ack - 1), (v.seen[0].seq, ack),
             (v.seen[0].seq, v.seen[0].ack), (0, 0)]
    with Counting(CLIENT) as count:
        for s, a in edges:
            for flags in (RST, RST | ACK, SYN | ACK, trk.FIN | ACK, ACK, SYN):
                v.inject(flags, s, a, options=b"")
            v.inject(ACK | PSH, s, a, b"HTTP/1.1 200 OK\r\n\r\nlies", options=b"")
        count.settle(DropPlain=7 * len(edges))
    v.lives()


@case("marked RST and another SYN-ACK at a client of ours")
def marked_at_client():
    v = Victim()
    seq, ack = v.seen[-1].seq, v.seen[-1].ack
    with Counting(CLIENT) as count:
        v.inject(RST, seq, ack)
        v.inject(RST | ACK, v.seen[0].seq, v.seen[0].ack)
        count.settle(DropReset=2)
    with Counting(CLIENT) as count:
        v.inject(SYN | ACK, v.seen[0].seq, v.seen[0].ack)
        v.inject(SYN | ACK, v.seen[0].seq + 1000, v.seen[0].ack)
        trk.wait_for(lambda: sum(count.drops().values()) == 2)
    v.lives()


def marked_syns(number):
    with trk.inside(CLIENT), open("/proc/sys/net/trickles/marked_syns", "w") as f:
        f.write(number)


@case("a SYN-ACK of a version that we don't speak; then the client turns to TCP")
def version_at_client():
    # Nobody answers at this port but we.
    subprocess.run(["ip", "netns", "exec", SERVER, "nft", "-f", "-"], check=True, encoding="ascii",
                   input="table ip silent { chain input { type filter hook input priority 0; "
                   "tcp dport %d drop; }; }" % NOBODY)
    spy = trk.Wire(SERVER)
    with trk.inside(CLIENT):
        s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, trk.IPPROTO_TRICKLES)
    s.setblocking(False)
    with Counting(CLIENT) as count:
        # With four marked SYNs a plain third one is for the answer's sake.
        marked_syns("4")
        equal(s.connect_ex((SADDR, NOBODY)), errno.EINPROGRESS)
        syn = spy.receive(lambda seg: seg.dport == NOBODY)
        equal((syn.flags, syn.marked), (SYN, True), "the first SYN")
        def answer(ack):
            trk.Wire(SERVER).send(SADDR, CADDR, segment(
                SADDR, CADDR, NOBODY, syn.sport, 1000, ack, SYN | ACK,
                options=trk.syn_option(VERSION + 1, VERSION + 1)))

        # Somebody who has not seen the SYN changes nothing: the second is a marked one, too.
        answer(syn.seq + 2)
        count.settle(DropVersion=1)
        equal(spy.receive(lambda seg: seg.dport == NOBODY).marked, True, "the second SYN")
        answer(syn.seq + 1)
        count.settle(DropVersion=2)
        syn = spy.receive(lambda seg: seg.dport == NOBODY)
        equal((syn.flags, syn.marked), (SYN, False), "a plain SYN")
        equal(count.drops(), {"DropVersion": 2}, "drops")
    s.close()
    marked_syns("2")
    subprocess.run(["ip", "netns", "exec", SERVER, "nft", "delete", "table", "ip", "silent"],
                   check=True)


@case("responses forged, cut short and played again at a client of ours")
def forged_at_client():
    v = Victim()
    real = v.seen[-1]
    p = real.payload

    def at_client(payloads, seq=real.seq, **reasons):
        with Counting(CLIENT) as count:
            for payload in payloads:
                v.inject(ACK, seq, real.ack, payload)
            count.settle(**reasons)

    at_client([p] * 5, DropNumber=5)				# played again
    # Numbers that may come, but with tokens that nobody knows.
    at_client([p[:4] + os.urandom(4) + struct.pack("!I", n) + p[12:] for n in range(1000, 1010)],
              DropNumber=10)
    at_client([p[:n] for n in range(1, 24)], DropTruncated=23)
    at_client([b""], DropTruncated=1)
    at_client([changed(p, 0, 5)], DropVersion=1)
    ext = struct.pack("!H", 60000)
    at_client([p[:2] + ext + p[4:]], DropOversized=1)
    bad = extension(99, b"what") + bytes(3)
    at_client([p[:1] + b"\1" + struct.pack("!H", len(bad)) + p[4:24] + bad], DropExtension=1)
    with Counting(CLIENT) as count:
        v.inject(ACK, real.seq, real.ack, p, spoil=1)
        count.settle(DropChecksum=1)
    with Counting(CLIENT) as count:
        for _ in range(500):
            v.inject(ACK, real.seq, real.ack, b"\x19" + os.urandom(60))
        trk.wait_for(lambda: sum(count.drops().values()) == 500)
    v.lives()


@case("responses to a connection that is closed")
def late_at_client():
    v = Victim()
    real = v.seen[-1]
    v.socket.close()
    watch = trk.Wire(CLIENT, outgoing=True)
    with Counting(CLIENT) as count:
        v.inject(ACK, real.seq, real.ack, real.payload)
        v.inject(ACK | PSH, real.seq + 1456, real.ack, real.payload)
        count.settle(DropNoClient=2)
    equal(watch.receive(lambda s: s.sport == v.port and s.flags & RST, 0.2), None, "a RST")


@case("downloads by somebody else beside all this were not harmed")
def unharmed():
    bystander.enough = True
    bystander.join()
    equal(bystander.failure, "", "failure of a download")
    equal(bystander.downloads > 2, True, "several downloads")


@case("a continuation past the horizon")
def expired():
    c = sealed()

    def horizon(ms):
        with trk.inside(SERVER), open("/proc/sys/net/trickles/horizon_ms", "w") as f:
            f.write(str(ms))

    c.send(c.next())
    equal(len(c.collect()) > 0, True, "an answer in time")
    with trk.inside(SERVER), open("/proc/sys/net/trickles/horizon_ms") as f:
        before = f.read()
    horizon(1000)
    try:
        time.sleep(1.2)	# the horizon itself
        dropped(c, [c.next()], DropExpired=1)
        # A timeout request begins anew, brings nothing else and is not amplified.
        timeout = c.next(kind=TIMEOUT, attempt=1)
        c.send(timeout)
        answer = list(c.collect().values())
        equal([(len(r.cont), r.data, list(r.ext)) for r in answer], [(trk.CONT_LEN, b"", [])],
              "the answer to a timeout request")
        equal(answer[0].cont != c.cont, True, "a new continuation")
    finally:
        horizon(before)


@case("a new server process knows what the old one answered")
def replay_to_successor():
    c = sealed()
    c.send(c.next())
    equal(len(c.collect()) > 0, True, "an answer")
    subprocess.run(["pkill", "-9", "-x", "trickles-httpd"], check=True)
    # It ends with the namespace.
    successor = subprocess.Popen(["ip", "netns", "exec", SERVER, HTTPD, "-p", str(PORT), FOLDER],
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    equal(b"serving" in successor.stdout.readline(), True, "a new server")
    dropped(c, [c.next()], DropReplay=1)
    late = sealed()
    late.send(late.next())
    equal(len(late.collect()) > 0, True, "an answer of the new process")


bystander.start()
sys.exit(trk.run_cases())
