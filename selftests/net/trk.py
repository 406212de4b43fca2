# SPDX-License-Identifier: GPL-2.0
"""What the tests in Python share: TAP, namespaces, counters, and Trickles on raw sockets.

The client below keeps to the protocol only as far as its user wants: what it sends
can be changed at every place. Needs nothing but Python's own modules.
"""
import contextlib
import ctypes
import os
import select
import socket
import struct
import time
import traceback

IPPROTO_TRICKLES = 260
SOL_TRICKLES = 0x7472
TRK_INFO = 2
SO_RCVBUFFORCE = 33
MODE_TRICKLES, MODE_TCP = 1, 2

OPTION = bytes([254, 4, 0x74, 0x72])
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16

VERSION = 3
FIRST, RANGE, TIMEOUT, CLOSE, RESPONSE = 1, 2, 3, 4, 9
GROW = 1				# flag of a request
NOGROWTH, CONT, LAST, ABORT = 1, 2, 4, 8	# flags of a response
ASK, OUTPUT, INPUT, INPUT_AT, CONSUMED, GEOMETRY, SPAN = range(1, 8)
CONT_LEN = 72
SLOT = 1456

# --- TAP ----------------------------------------------------------------------

cases = []


def case(name):
    """Makes a function a case of the test: it succeeds unless it raises."""
    def add(function):
        cases.append((name, function))
        return function
    return add


def run_cases():
    """Runs them in order. Returns the exit status."""
    failed = 0
    print("TAP version 13\n1..%d" % len(cases), flush=True)
    for number, (name, function) in enumerate(cases, 1):
        try:
            function()
            print("ok %d - %s" % (number, name), flush=True)
        except Exception:
            failed += 1
            for line in traceback.format_exc().splitlines():
                print("# " + line)
            print("not ok %d - %s" % (number, name), flush=True)
    return 1 if failed else 0


def equal(got, wanted, what=""):
    if got != wanted:
        raise AssertionError("%s: got %r, wanted %r" % (what, got, wanted))


def raises(errno, function, *args):
    """The call must fail, with this error."""
    try:
        result = function(*args)
    except OSError as error:
        if error.errno == errno:
            return
        raise AssertionError("errno %d (%s), wanted %d (%s)" % (
            error.errno or 0, error, errno, os.strerror(errno))) from error
    raise AssertionError("gave %r, wanted errno %d (%s)" % (result, errno, os.strerror(errno)))


def wait_for(condition, seconds=200):
    """Returns as soon as the condition holds: only what never comes takes so long."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("waited in vain")
        time.sleep(0.01)


# --- namespaces and counters ----------------------------------------------------

libc = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000


class inside:
    """with inside(namespace): sockets and files of /proc are of that namespace."""
    def __init__(self, namespace):
        self.path = "/run/netns/" + namespace

    @staticmethod
    def enter(path):
        with open(path) as f:
            if libc.setns(f.fileno(), CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns " + path)

    def __enter__(self):
        self.back = open("/proc/self/ns/net")
        self.enter(self.path)

    def __exit__(self, *_):
        if libc.setns(self.back.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns back")
        self.back.close()


@contextlib.contextmanager
def user(uid):
    """What is done is done by another user, without capabilities."""
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)


def counters(namespace):
    with inside(namespace), open("/proc/thread-self/net/trickles") as f:
        names, values = (line.split()[1:] for line in f)
    return {name: int(value) for name, value in zip(names, values)}


class Counting:
    """with Counting(namespace) as c: ...; c.delta() says what has changed, but for what is 0."""
    def __init__(self, namespace):
        self.namespace = namespace

    def __enter__(self):
        self.before = counters(self.namespace)
        return self

    def __exit__(self, *_):
        pass

    def delta(self):
        now = counters(self.namespace)
        return {k: v - self.before[k] for k, v in now.items() if v != self.before[k]}

    def drops(self):
        return {k: v for k, v in self.delta().items() if k.startswith("Drop")}

    def settle(self, **wanted):
        """Waits until exactly these drops were counted, and a moment longer."""
        try:
            wait_for(lambda: self.drops() == wanted, 30)
            time.sleep(0.05)
        except AssertionError:
            pass
        equal(self.drops(), wanted, "drops at " + self.namespace)


# --- segments --------------------------------------------------------------------

def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def syn_option(lowest=VERSION, highest=VERSION):
    """What marks a SYN, and says which versions its sender speaks."""
    return bytes([1, 1, 254, 6, 0x74, 0x72, lowest, highest])


def segment(saddr, daddr, sport, dport, seq, ack, flags, payload=b"", options=None, spoil=0,
            doff=None):
    """A TCP segment; spoil is added to the checksum, doff is its header's length in words."""
    if options is None:
        options = syn_option() if flags & SYN else OPTION
    if doff is None:
        doff = 5 + len(options) // 4
    head = struct.pack("!HHIIBBHHH", sport, dport, seq & 0xffffffff, ack & 0xffffffff,
                       doff << 4, flags, 65535, 0, 0) + options
    pseudo = socket.inet_aton(saddr) + socket.inet_aton(daddr) + struct.pack(
        "!BBH", 0, socket.IPPROTO_TCP, len(head) + len(payload))
    check = checksum(pseudo + head + payload) + spoil & 0xffff
    return head[:16] + struct.pack("!H", check) + head[18:] + payload


def packet(saddr, daddr, data):
    """An IPv4 header before it; the kernel fills in length, identification and checksum."""
    return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 0, 0, 0, 64, socket.IPPROTO_TCP, 0,
                       socket.inet_aton(saddr), socket.inet_aton(daddr)) + data


class Segment:
    """One that came, from its IP header on."""
    def __init__(self, data):
        ip = (data[0] & 15) * 4
        self.saddr = socket.inet_ntoa(data[12:16])
        self.daddr = socket.inet_ntoa(data[16:20])
        self.length = struct.unpack("!H", data[2:4])[0]
        tcp = data[ip:self.length]
        (self.sport, self.dport, self.seq, self.ack, doff, self.flags) = struct.unpack(
            "!HHIIBB", tcp[:14])
        self.options = tcp[20:(doff >> 4) * 4]
        self.marked = (syn_option() if self.flags & SYN else OPTION) in self.options
        self.payload = tcp[(doff >> 4) * 4:]


class Wire:
    """A host's raw sockets: sends what it likes, hears all TCP that comes to it."""
    def __init__(self, namespace, outgoing=False):
        self.outgoing = outgoing
        with inside(namespace):
            self.out = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
            self.listen = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
        self.listen.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)

    def send(self, saddr, daddr, data):
        self.out.sendto(packet(saddr, daddr, data), (daddr, 0))

    def drain(self):
        while self.receive(lambda s: True, 0):
            pass

    def receive(self, wanted, seconds=60.0):
        """The next segment for which wanted() is true, or None."""
        end = time.monotonic() + seconds
        while True:
            left = max(0, end - time.monotonic())
            if not select.select([self.listen], [], [], left)[0]:
                return None
            data, address = self.listen.recvfrom(1 << 17)
            kind = address[2]
            if len(data) < 40 or address[1] != 0x0800 or data[9] != socket.IPPROTO_TCP:
                continue
            # On the way out with ETH_P_ALL, else on the way in.
            if (kind == 4) != self.outgoing:
                continue
            got = Segment(data)
            if wanted(got):
                return got


# --- the protocol ----------------------------------------------------------------

def extension(kind, body):
    return struct.pack("!BBH", kind, 0, len(body)) + body


def ask(*ranges):
    return extension(ASK, b"".join(struct.pack("!QI", off, length) for off, length in ranges))


def input_at(off):
    return extension(INPUT_AT, struct.pack("!Q", off))


def claim(first, count, nogrowth=False):
    return struct.pack("!II", first, count | (1 << 31 if nogrowth else 0))


def request(kind, cont=b"", m=0, n=0, proof=0, claims=(), ext=b"", data=b"", flags=GROW,
            attempt=0, slot=SLOT, token=0x01020304, ackrel=0, version=VERSION):
    if kind == FIRST:
        m = VERSION << 24 | VERSION << 16
    return struct.pack("!BBHIIIIQBBH", version << 4 | kind, flags, len(ext), token, ackrel, m, n,
                       proof, attempt, len(claims), slot) + cont + b"".join(claims) + ext + data


class Response:
    def __init__(self, seg):
        p = seg.payload
        self.seq, self.ack = seg.seq, seg.ack
        (kind, self.flags, ext_len, self.token, self.number, self.offset,
         self.nonce) = struct.unpack("!BBHIIIQ", p[:24])
        equal(kind, VERSION << 4 | RESPONSE, "version and kind of a response")
        at = 24
        self.cont = b""
        if self.flags & CONT:
            self.cont = p[at:at + CONT_LEN]
            at += CONT_LEN
        end = at + ext_len
        self.ext = {}
        while at < end:
            kind, _, length = struct.unpack("!BBH", p[at:at + 4])
            self.ext[kind] = p[at + 4:at + 4 + length]
            at += 4 + length
        self.data = p[end:]
        self.span = struct.unpack("!H", self.ext[SPAN])[0] if SPAN in self.ext else 1


class Client:
    """A client on raw sockets, as far as its first answer."""
    next_port = 20000

    def __init__(self, wire, saddr, daddr, port):
        Client.next_port += 1
        self.wire, self.saddr, self.daddr, self.port = wire, saddr, daddr, port
        self.sport = Client.next_port
        self.isn = int.from_bytes(os.urandom(4), "big")
        self.seq = self.isn + 1
        self.server_isn = 0
        self.responses = {}

    def send(self, payload, flags=ACK | PSH, **how):
        self.wire.send(how.pop("saddr", self.saddr), self.daddr, segment(
            how.pop("sealed_for", self.saddr), self.daddr, how.pop("sport", self.sport),
            how.pop("port", self.port), how.pop("seq", self.seq),
            how.pop("ack", self.server_isn + 1), flags, payload, **how))

    def mine(self, seg):
        return seg.sport == self.port and seg.dport == self.sport

    def hear(self, seconds=60.0):
        return self.wire.receive(self.mine, seconds)

    def connect(self, **how):
        self.send(b"", SYN, seq=self.isn, ack=0, **how)
        answer = self.hear()
        if not answer:
            raise AssertionError("no answer to a SYN")
        equal(answer.flags, SYN | ACK, "flags of the answer to a SYN")
        equal(answer.marked, True, "our option in the answer to a SYN")
        equal(answer.ack, self.isn + 1 & 0xffffffff, "acknowledgment of the SYN")
        self.server_isn = answer.seq
        return self

    def collect(self, token=0x01020304, least=1):
        """The packets of an answer, by number, of which there must be so many."""
        answer = {}
        while True:
            # They may take their time; what is too much would follow at once.
            seg = self.hear(60.0 if len(answer) < least else 0.3)
            if not seg:
                return answer
            equal(seg.flags & RST, 0, "RST in an answer")
            equal(seg.marked, True, "our option in an answer")
            # A train is cut where a card would cut it.
            for at in range(0, len(seg.payload), SLOT):
                part = Segment.__new__(Segment)
                part.seq, part.ack = seg.seq + at, seg.ack
                part.payload = seg.payload[at:at + SLOT]
                response = Response(part)
                if response.token == token:
                    answer[response.number] = response

    def first(self, data, **how):
        return request(FIRST, ext=input_at(0) if data else b"", data=data, **how)

    def open(self, path):
        """Connects and asks for a file of more than ten packets, for which there is an answer."""
        self.connect()
        data = ("GET %s HTTP/1.1\r\nHost: test\r\n\r\n" % path).encode()
        self.send(self.first(data))
        self.responses = self.collect(least=10)
        equal(sorted(self.responses), list(range(1, 11)), "numbers of the first answer")
        first = self.responses[1]
        self.cont = first.cont
        self.output = first.ext[OUTPUT]
        self.end = 1 + max(r.offset + len(r.data) for r in self.responses.values())
        return self

    def proof(self, n, lost=()):
        total = 0
        for number in range(1, n + 1):
            if number not in lost:
                equal(self.responses[number].flags & NOGROWTH, 0, "a growth nonce")
                total ^= self.responses[number].nonce
        return total

    def next(self, **change):
        """A request that reports packets 1 and 2, right unless something is changed."""
        what = {"cont": self.cont, "m": 1, "n": 2, "proof": self.proof(2),
                "ext": ask((self.end, 1432)) + extension(OUTPUT, self.output)}
        what.update(change)
        return request(what.pop("kind", RANGE), **what)
