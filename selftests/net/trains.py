#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Trains of which few packets are of use. trains.sh starts it and says where.

usage: trains.py CLIENT ROUTER FOLDER

CLIENT, 10.1.1.2, and ROUTER, between it and the server 10.1.2.2, are namespaces; nothing passes but
what is passed on here. The packets are the server's own. What is done to them here a hostile server
could do itself: it may send packets in any company, or not at all.
"""
import os
import select
import socket
import struct
import sys
import threading
import time

import trk
from trk import case, equal, wait_for

CLIENT, ROUTER, FOLDER = sys.argv[1:4]
SOL_PACKET, PACKET_VNET_HDR, SO_SNDBUFFORCE = 263, 15, 32
NEEDS_CSUM, GSO_TCPV4 = 1, 1
VNET = struct.Struct("=BBHHHH")
SO_MEMINFO = 55
ETH = 14
TRAIN = 64000
RCVBUF = 1 << 20
# Twice the buffer, and two trains with what is allocated besides their bytes
ALLOWED = 2 * RCVBUF + 2 * (TRAIN + 8192)


def address(device):
    with open("/sys/class/net/%s/address" % device) as f:
        return bytes.fromhex(f.read().strip().replace(":", ""))


def mac(ip):
    return bytes([2, 0]) + socket.inet_aton(ip)


class Router(threading.Thread):
    """Passes on what the client sends, and gives what the server sends to deliver()."""
    def __init__(self):
        super().__init__(daemon=True)
        with trk.inside(ROUTER):
            self.client, self.server = (self.open(name) for name in ("client", "server"))
        self.deliver = self.plain
        self.whole = Whole()
        self.failure = None

    @staticmethod
    def open(device):
        s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        s.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
        s.setsockopt(socket.SOL_SOCKET, trk.SO_RCVBUFFORCE, 16 << 20)
        s.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, 16 << 20)
        s.bind((device, 0x0800))
        return s

    def run(self):
        poll = select.poll()
        poll.register(self.client, select.POLLIN)
        poll.register(self.server, select.POLLIN)
        try:
            while True:
                ready = poll.poll(20)
                if not ready:
                    self.whole.flush()
                for fd, _ in ready:
                    if fd == self.client.fileno():
                        self.from_client()
                    else:
                        self.from_server()
        except Exception as error:
            self.failure = error

    def from_client(self):
        data, where = self.client.recvfrom(1 << 17)
        if where[2] != socket.PACKET_OUTGOING:
            at = VNET.size
            self.server.send(data[:at] + mac("10.1.2.2") + mac("10.1.2.1") + data[at + 12:])

    def from_server(self):
        data, where = self.server.recvfrom(1 << 17)
        if where[2] == socket.PACKET_OUTGOING:
            return
        vnet, frame = VNET.unpack_from(data), data[VNET.size:]
        thoff = ETH + (frame[ETH] & 15) * 4
        hdr = thoff + (frame[thoff + 12] >> 4) * 4
        payload = frame[hdr:ETH + struct.unpack("!H", frame[ETH + 2:ETH + 4])[0]]
        step = vnet[3] if vnet[1] else len(payload)
        self.head = frame[:hdr]
        seq = struct.unpack("!I", frame[thoff + 4:thoff + 8])[0]
        if not payload:
            self.send(seq, b"", 0)
        for i in range(0, len(payload), step or 1):
            self.deliver(seq + i, payload[i:i + step])

    def send(self, seq, payload, step):
        """A train, cut every step bytes, with the header of what came last."""
        head = bytearray(self.head)
        thoff = ETH + (head[ETH] & 15) * 4
        head[0:12] = mac("10.1.1.2") + mac("10.1.1.1")
        head[ETH + 2:ETH + 4] = struct.pack("!H", len(head) - ETH + len(payload))
        head[ETH + 10:ETH + 12] = b"\0\0"
        head[ETH + 10:ETH + 12] = struct.pack("!H", trk.checksum(bytes(head[ETH:thoff])))
        head[thoff + 4:thoff + 8] = struct.pack("!I", seq & 0xffffffff)
        pseudo = bytes(head[ETH + 12:ETH + 20]) + struct.pack(
            "!BBH", 0, socket.IPPROTO_TCP, len(head) - thoff + len(payload))
        head[thoff + 16:thoff + 18] = struct.pack("!H", ~trk.checksum(pseudo) & 0xffff)
        gso = 0 < step < len(payload)
        self.client.send(VNET.pack(NEEDS_CSUM, GSO_TCPV4 if gso else 0, len(head),
                                   step if gso else 0, thoff, 16) + head + payload)

    def plain(self, seq, payload):
        self.send(seq, payload, 0)

    def spoilt(self, seq, payload):
        """Each packet is the first of a train, and what follows it there is of no use."""
        if len(payload) == trk.SLOT:
            payload += bytes(TRAIN - TRAIN % trk.SLOT - trk.SLOT)
        self.send(seq, payload, trk.SLOT)


class Withhold:
    """Hands on what comes before the packet with the byte AT, and what comes behind it otherwise."""
    AT = 200000

    def __init__(self, before, behind):
        self.before, self.behind = before, behind

    def __call__(self, seq, payload):
        r = response(seq, payload)
        if self.AT < r.offset:
            self.behind(seq, payload)
        elif r.offset + len(r.data) <= self.AT:
            self.before(seq, payload)


class Pairs:
    """
    Twelve trains, each of two packets of the server's, of which one comes twelve packets behind the
    other, among others of no use. What comes later is lost, and so is the twelfth train.
    """
    APART = 12

    def __init__(self):
        self.first, self.got, self.sent = None, {}, 0

    def __call__(self, seq, payload):
        if self.first is None:
            # It has to be the first that is missing.
            self.first = seq
        i = (seq - self.first & 0xffffffff) // trk.SLOT
        if self.sent or i >= 2 * self.APART or len(payload) != trk.SLOT:
            return
        self.got[i] = payload
        if len(self.got) < 2 * self.APART:
            return
        for i in range(self.APART - 1):
            train = (self.got[i] + bytes((self.APART - 1) * trk.SLOT) + self.got[i + self.APART])
            router.send(self.first + i * trk.SLOT,
                        train + bytes(TRAIN - TRAIN % trk.SLOT - len(train)), trk.SLOT)
            self.sent += 1


class Whole:
    """Trains of 44 packets, or of what comes at a time."""
    def __init__(self):
        self.seq, self.train = 0, b""

    def __call__(self, seq, payload):
        if self.train and (seq != self.seq + len(self.train) or len(self.train) > TRAIN - 2000):
            self.flush()
        if not self.train:
            self.seq = seq
        self.train += payload
        if len(payload) != trk.SLOT:
            self.flush()

    def flush(self):
        train, self.train = self.train, b""
        if train:
            router.send(self.seq, train, trk.SLOT)


def response(seq, payload):
    seg = trk.Segment.__new__(trk.Segment)
    seg.seq, seg.ack, seg.payload = seq, 0, payload
    return trk.Response(seg)


def free_memory():
    """Bytes of this machine that are free, or could be at once, when that has come to rest."""
    last = 0

    def rests():
        nonlocal last
        with open("/proc/sys/vm/drop_caches", "w") as f:
            f.write("3")
        before = last
        with open("/proc/meminfo") as f:
            last = int(next(line for line in f if line.startswith("MemFree")).split()[1]) << 10
        time.sleep(0.3)
        return abs(last - before) < 1 << 18

    wait_for(rests)
    return last


def charged(s):
    """Bytes that the socket is charged for what it has received."""
    return struct.unpack("I", s.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, 4))[0]


def download(name, rcvbuf=RCVBUF):
    with trk.inside(CLIENT):
        s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, trk.IPPROTO_TRICKLES)
    s.setsockopt(socket.SOL_SOCKET, trk.SO_RCVBUFFORCE, rcvbuf // 2)
    s.settimeout(300)
    s.connect(("10.1.2.2", 80))
    equal(struct.unpack("I", s.getsockopt(trk.SOL_TRICKLES, trk.TRK_INFO, 4))[0],
          trk.MODE_TRICKLES, "mode")
    s.sendall(b"GET /%s HTTP/1.0\r\n\r\n" % name.encode())
    return s


def rest(s, name, got=b""):
    """Reads the rest, which must be right, and to the end."""
    while True:
        data = s.recv(1 << 20)
        if not data:
            break
        got += data
    with open(os.path.join(FOLDER, name), "rb") as f:
        equal(got.partition(b"\r\n\r\n")[2] == f.read(), True, "the bytes")
    s.close()
    equal(router.failure, None, "what the router has met")


def quiet(seconds=2):
    """Waits until nothing new has come for some time."""
    last, since = None, 0

    def still():
        nonlocal last, since
        now = trk.counters(CLIENT)["BytesRcvd"]
        if now != last:
            last, since = now, time.monotonic()
        return time.monotonic() > since + seconds

    wait_for(still)


def taken(s, before):
    """What is charged to the socket, of which the machine must have no more than twice less."""
    paid, held = charged(s), before - free_memory()
    print("# %d bytes charged, %d taken" % (paid, held), flush=True)
    equal(paid < ALLOWED, True, "%d bytes charged" % paid)
    # Processes have grown as well.
    equal(held < 2 * paid + (4 << 20), True, "%d bytes taken, %d charged" % (held, paid))
    return paid


@case("trains of which one packet is of use, that nobody reads")
def unread():
    before = free_memory()
    router.deliver = router.spoilt
    s = download("4000000")
    quiet()
    taken(s, before)
    router.deliver = router.plain
    rest(s, "4000000")


@case("the same, out of order, since one packet is withheld")
def withheld():
    before = free_memory()
    router.deliver = Withhold(router.plain, router.spoilt)
    s = download("4000000")
    quiet()
    taken(s, before)
    router.deliver = router.plain
    rest(s, "4000000")


@case("a train is charged for while its last packet waits for others, its first long gone")
def partly_read():
    before = free_memory()
    router.deliver = router.plain
    s = download("4000000")
    got = b""
    for most in 1000000, 1600000, 2200000:
        while len(got) < most:
            got += s.recv(1 << 16)
        router.deliver = pairs = Pairs()
        s.settimeout(2)
        try:
            while True:
                got += s.recv(1 << 20)
        except socket.timeout:
            pass
        s.settimeout(300)
        if pairs.sent:
            break
        # On a slow machine the window may just have been too small for all of them.
        router.deliver = router.plain
    equal(pairs.sent, Pairs.APART - 1, "trains that were sent")
    paid = taken(s, before)
    equal(paid > (Pairs.APART - 2) * TRAIN, True, "%d bytes charged" % paid)
    router.deliver = router.plain
    rest(s, "4000000", got)


@case("whole trains find their room although a packet is withheld")
def whole():
    router.deliver = Withhold(router.whole, router.whole)
    with trk.Counting(CLIENT) as count:
        s = download("4000000")
        quiet()
        delta = count.delta()
        print("# %d bytes came, %d charged" % (delta["BytesRcvd"], charged(s)), flush=True)
        equal(delta.get("DropRcvbuf", 0), 0, "packets without room")
        equal(delta["BytesRcvd"] > RCVBUF // 2, True, "%d bytes" % delta["BytesRcvd"])
    router.deliver = router.plain
    rest(s, "4000000")


@case("a buffer smaller than a train: all goes on")
def small():
    router.deliver = router.spoilt
    rest(download("100000", 8192), "100000")


router = Router()
router.start()
sys.exit(trk.run_cases())
