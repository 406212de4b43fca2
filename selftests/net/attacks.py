#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""What a third party or a cheater gains against the kernel: attacks.sh starts it.

usage: attacks.py SERVER CLIENT ATTACKER FOLDER

The first three are namespaces: the server 10.1.1.1 has the files of FOLDER at port 80,
among them /1000000 and /20000000; the client is 10.1.1.2; the attacker 10.1.3.2 can send from any address.
All floods are bounded in number, and go to these namespaces only.
"""
import ctypes
import fcntl
import mmap
import os
import random
import socket
import struct
import sys
import threading
import time

import trk
from trk import ACK, PSH, SYN, TIMEOUT, Client, Counting, case, equal, segment

SERVER, CLIENT, ATTACKER, FOLDER = sys.argv[1:]
SADDR, CADDR, AADDR = "10.1.1.1", "10.1.1.2", "10.1.3.2"
PORT = 80
HEADERS = 20			# bytes of an IP header
FLOOD = 20000			# packets
# A kernel with KASAN keeps what is freed, and one with kmemleak notes what is not.
HOARDS = os.path.exists("/sys/kernel/debug/kmemleak")

wire = trk.Wire(ATTACKER)
at_server = trk.Wire(SERVER, outgoing=True)


def sealed():
    return Client(wire, AADDR, SADDR, PORT).open("/1000000")


def sent_by_server(wanted, first=0.3):
    """Bytes of all segments that leave the server and are wanted; seconds for the first one."""
    total = 0
    seg = at_server.receive(wanted, first)
    while seg:
        total += seg.length
        seg = at_server.receive(wanted, 0.3)
    return total


def amplification(client, payloads, flags, **how):
    """Bytes that go to the source which these segments name, for each byte of them."""
    at_server.drain()
    sent = 0
    for payload in payloads:
        data = segment(CADDR, SADDR, client.sport, PORT, how.get("seq", client.seq),
                       how.get("ack", client.server_isn + 1), flags, payload)
        wire.send(CADDR, SADDR, data)
        sent += HEADERS + len(data)
    got = sent_by_server(lambda s: s.daddr == CADDR and s.dport == client.sport)
    print("# %d bytes out for %d in: %.2f" % (got, sent, got / sent), flush=True)
    return got / sent


def served():
    """An honest download; returns its seconds."""
    begin = time.monotonic()
    with trk.inside(CLIENT):
        s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, trk.IPPROTO_TRICKLES)
    s.settimeout(200)
    s.connect((SADDR, PORT))
    s.sendall(b"GET /1000000 HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
    data = b""
    more = s.recv(1 << 16)
    while more:
        data += more
        more = s.recv(1 << 16)
    s.close()
    with open(FOLDER + "/1000000", "rb") as f:
        equal(data.partition(b"\r\n\r\n")[2] == f.read(), True, "the file came unharmed")
    return time.monotonic() - begin


def kernel_memory():
    """Bytes that the kernel holds for itself; the least of some, for what else goes on adds."""
    wire.drain()
    at_server.drain()
    least = 1 << 62
    for _ in range(5):
        time.sleep(0.2)	# to be freed after a grace period
        with open("/proc/meminfo") as f:
            info = {line.split(":")[0]: int(line.split()[1]) for line in f}
        least = min(least, 1024 * (info["SUnreclaim"] + info["Percpu"] + info["VmallocUsed"]))
    return least


@case("a SYN with a spoofed source is not amplified, nor what comes with it executed")
def spoofed_syn():
    c = Client(wire, CADDR, SADDR, PORT)
    with Counting(SERVER) as count:
        equal(amplification(c, [b""] * 20, SYN, seq=c.isn, ack=0) <= 1.0, True, "amplification")
        get = c.first(b"GET /20000000 HTTP/1.1\r\nHost: test\r\n\r\n")
        equal(amplification(c, [get] * 20, SYN, seq=c.isn, ack=0) <= 1.0, True, "amplification")
        equal(count.delta().get("Answers", 0), 0, "answers")


@case("first requests with a spoofed source and guessed cookies: nothing is executed")
def spoofed_first():
    c = Client(wire, CADDR, SADDR, PORT)
    get = c.first(b"GET /20000000 HTTP/1.1\r\nHost: test\r\n\r\n")
    with Counting(SERVER) as count:
        for _ in range(500):
            wire.send(CADDR, SADDR, segment(CADDR, SADDR, c.sport, PORT, c.seq,
                                            random.getrandbits(32), ACK | PSH, get))
        trk.wait_for(lambda: count.drops() == {"DropCookie": 500})
        equal(sent_by_server(lambda s: s.daddr == CADDR and s.dport == c.sport), 0, "bytes")
        equal(count.delta().get("Answers", 0), 0, "answers")


@case("one's own continuation with somebody else's address: nothing comes to that")
def reflected():
    c = sealed()
    with Counting(SERVER) as count:
        equal(amplification(c, [c.next(), c.next(kind=TIMEOUT, attempt=1)], ACK | PSH), 0,
              "amplification")
        count.settle(DropMac=2)


@case("a renewal past the horizon is smaller than its request")
def late_renewal():
    c = sealed()
    path = "/proc/sys/net/trickles/horizon_ms"
    with trk.inside(SERVER), open(path) as f:
        before = f.read()
    try:
        with trk.inside(SERVER), open(path, "w") as f:
            f.write("1000")
        time.sleep(1.2)	# the horizon itself
        at_server.drain()
        request = c.next(kind=TIMEOUT, attempt=1)
        c.send(request)
        got = sent_by_server(lambda s: s.daddr == AADDR and s.dport == c.sport, 60)
        sent = HEADERS + 24 + len(request)
        print("# %d bytes out for %d in: %.2f" % (got, sent, got / sent), flush=True)
        equal(0 < got <= sent, True, "an answer that is not larger")
    finally:
        with trk.inside(SERVER), open(path, "w") as f:
            f.write(before)


@case("who goes on after a timeout has left the domain before it, and that of an earlier attempt")
def one_domain():
    c = sealed()
    lines = []
    for attempt in (1, 2):
        c.send(c.next(kind=TIMEOUT, attempt=attempt))
        answer = list(c.collect().values())
        equal(len(answer), 1, "packets in the answer to a timeout")
        lines.append(answer[0])
        time.sleep(0.1)	# the clock of domains is coarse
    first, last = lines
    dropped = [c.next(n=3, proof=c.proof(3)),
               c.next(cont=first.cont, m=first.number, n=first.number, proof=first.nonce)]
    with Counting(SERVER) as count:
        c.send(c.next(cont=last.cont, m=last.number, n=last.number, proof=last.nonce))
        equal(len(c.collect()) > 0, True, "an answer in the last domain")
        equal(count.drops(), {}, "drops")
    with Counting(SERVER) as count:
        for request in dropped:
            c.send(request)
        count.settle(DropDomain=2)


def download_among_lies():
    """The segments that the client has dropped meanwhile, by reason."""
    with trk.inside(CLIENT):
        s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, trk.IPPROTO_TRICKLES)
    s.settimeout(200)
    s.connect((SADDR, PORT))
    port = s.getsockname()[1]
    s.sendall(b"GET /20000000 HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
    at_server.drain()
    out = trk.Wire(SERVER)
    done = threading.Event()
    forged = [0]

    def forge():
        # The best without the token: what follows the last real answer, but for that and the data.
        while not done.is_set() and forged[0] < FLOOD:
            seg = at_server.receive(lambda x: x.dport == port and len(x.payload) > 1000, 0.2)
            if not seg:
                continue
            number = int.from_bytes(seg.payload[8:12], "big")
            offset = int.from_bytes(seg.payload[12:16], "big")
            for ahead in range(1, 40):
                p = (seg.payload[:4] + os.urandom(4) + (number + ahead).to_bytes(4, "big") +
                     (offset + 1432 * ahead & 0xffffffff).to_bytes(4, "big") +
                     seg.payload[16:24] + b"L" * 1400)
                p = p[:1] + b"\0\0\0" + p[4:]
                out.send(SADDR, CADDR, segment(SADDR, CADDR, PORT, port,
                                               seg.seq + ahead * trk.SLOT, seg.ack, ACK, p))
                forged[0] += 1
            at_server.drain()

    with Counting(CLIENT) as count:
        liar = threading.Thread(target=forge)
        liar.start()
        data = bytearray()
        more = s.recv(1 << 16)
        while more:
            data += more
            more = s.recv(1 << 16)
            if len(data) < 15000000:
                time.sleep(0.001)	# there is to be time for lies
        done.set()
        liar.join()
        drops = count.drops()
    s.close()
    print("# %d forged, %r" % (forged[0], drops), flush=True)
    with open(FOLDER + "/20000000", "rb") as f:
        equal(data.partition(b"\r\n\r\n")[2] == f.read(), True, "the file came unharmed")
    return drops


@case("answers forged in the midst of a download: with any token, at numbers that are expected")
def injected():
    for _ in range(20):
        # On a busy machine they may come too late for every number.
        if download_among_lies().get("DropToken", 0) > 0:
            return
    raise AssertionError("none would have been taken but for its token")


@case("floods of SYNs and requests: memory is flat, and a good client is served")
def floods():
    c = sealed()
    served()
    stale = c.next()
    c.send(stale)
    bad = stale[:60] + b"\xff" + stale[61:]
    kinds = ((SYN, b""), (ACK | PSH, c.first(b"GET / HTTP/1.1\r\n\r\n")), (ACK | PSH, bad),
             (ACK | PSH, stale))
    before = kernel_memory()
    longest = 0.0
    with Counting(SERVER) as count:
        for i in range(FLOOD):
            flags, payload = kinds[i % len(kinds)]
            # Each SYN from another source; what is stale, as it was.
            saddr = AADDR if payload is stale else "10.9.%d.%d" % (i >> 8 & 255, i & 255)
            wire.send(saddr, SADDR, segment(saddr, SADDR, c.sport, PORT, c.seq, c.server_isn + 1,
                                            flags, payload))
            if i % (FLOOD // 4) == 1000:
                longest = max(longest, served())
        trk.wait_for(lambda: count.drops().get("DropReplay", 0) >= FLOOD // 4 - 100)
        drops = count.drops()
    grown = kernel_memory() - before
    for _ in range(10):	# what is freed may wait for the end of a grace period
        if grown >= 1 << 20 and not HOARDS:
            grown = min(grown, kernel_memory() - before)
    print("# %r; %d bytes more; a download took %.2f s at most" % (drops, grown, longest),
          flush=True)
    equal(drops.get("DropCookie", 0) > FLOOD // 8, True, "first requests dropped")
    equal(drops.get("DropMac", 0) > FLOOD // 8, True, "forged requests dropped")
    equal(grown < 1 << 20 or HOARDS, True, "memory is flat")


# --- a hostile application on its own queue --------------------------------------------

QUEUE_PORT = 8080
ENTRIES, EVENT_SIZE = 512, 2048		# half of it for one address, whoever else asks
TRK_QUEUE = 1
IOC_OPS = 1 << 30 | 24 << 16 | ord("t") << 8 | 0x60
IOC_SEEN = 1 << 30 | 4 << 16 | ord("t") << 8 | 0x61
OP_CONT = "QQQIIII"
OP = "QqIIQIIQQQ" + OP_CONT * 2
SEND = 1

chance = random.Random(1)


def odd(*usual):
    """A number that is usual at times, else one that it should not be."""
    if usual and chance.random() < 0.5:
        return chance.choice(usual)
    return chance.choice((0, 1, 7, 1 << 31, (1 << 32) - 1, (1 << 47) - 4096, 1 << 63,
                          0xffff888000000000, (1 << 64) - 1, chance.getrandbits(64)))


def hostile_op(handles, address):
    conts = []
    for _ in range(2):
        conts += [odd(address), odd(0, 100), odd(1 << 40), odd(0, 32, 512) & 0xffffffff,
                  odd(0x10000, 0x30000, 0x50000) & 0xffffffff, odd(0, 0, 1) & 0xffffffff,
                  odd(0, 0, 0) & 0xffffffff]
    return struct.pack("=" + OP, odd(*handles), 0, odd(SEND, SEND, 2) & 0xffffffff,
                       odd(0, 1 << 24, 1 << 25) & 0xffffffff, odd(address),
                       odd(0, 1, 16) & 0xffffffff, odd(0) & 0xffffffff, odd(0, 5000), odd(0),
                       odd(0, 30), *conts)


@case("a hostile application: the queue is not written to, and no operation does harm")
def hostile_application():
    with trk.inside(SERVER):
        s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, trk.IPPROTO_TRICKLES)
        s.bind(("0.0.0.0", QUEUE_PORT))
        s.setsockopt(trk.SOL_TRICKLES, TRK_QUEUE, struct.pack("=IIQII", ENTRIES, 0, 0, 0, 0))
        s.listen()
    info = s.getsockopt(trk.SOL_TRICKLES, TRK_QUEUE, 16)
    length = struct.unpack("=IIQ", info)[2]
    for protection in (mmap.PROT_WRITE, mmap.PROT_READ | mmap.PROT_WRITE):
        try:
            mmap.mmap(s.fileno(), length, mmap.MAP_SHARED, protection)
            raise AssertionError("a queue that can be written to")
        except PermissionError:
            pass
    queue = mmap.mmap(s.fileno(), length, mmap.MAP_SHARED, mmap.PROT_READ)
    events_off, produced = struct.unpack_from("=II", queue, 12)
    equal(produced, 0, "events so far")
    c = Client(wire, AADDR, SADDR, QUEUE_PORT)
    memory = mmap.mmap(-1, 1 << 16)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    wrong = done = 0
    for _ in range(200):
        c = Client(wire, AADDR, SADDR, QUEUE_PORT).connect()
        c.send(c.first(b"GET"))
        trk.wait_for(lambda: struct.unpack_from("=I", queue, 16)[0] > produced)
        produced = struct.unpack_from("=I", queue, 16)[0]
        entry = struct.unpack_from("=I", queue, 64 + 4 * ((produced - 1) % ENTRIES))[0]
        handle = struct.unpack_from("=Q", queue, events_off + entry * EVENT_SIZE)[0]
        handles = [handle, handle, handle + 1, handle ^ 1 << 40]
        for _ in range(40):
            n = chance.choice((1, 1, 2, 8))
            memory[:n * struct.calcsize("=" + OP)] = b"".join(
                hostile_op(handles, address + 32768) for _ in range(n))
            # What the addresses lead to: vectors as odd as the rest.
            memory[32768:32768 + 24] = struct.pack("=QQiI", odd(address), odd(100),
                                                   chance.choice((-1, 0, s.fileno(), 9999)), 0)
            size = struct.calcsize("=" + OP)
            ops = struct.pack("=QIIII", odd(*[address] * 9), odd(*[n] * 9) & 0xffffffff,
                              odd(*[size] * 19) & 0xffffffff, odd(0) & 0xffffffff,
                              chance.choice((0,) * 19 + (1,)))
            try:
                fcntl.ioctl(s, chance.choice((IOC_OPS, IOC_OPS, IOC_OPS, IOC_SEEN)), ops)
                done += 1
            except OSError:
                wrong += 1
    print("# %d calls refused, %d not" % (wrong, done), flush=True)
    equal(wrong > 1000 and done > 1000, True, "calls of both kinds")
    wire.drain()
    s.close()
    served()


sys.exit(trk.run_cases())
