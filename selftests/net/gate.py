#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""How an event queue is shared out when there is not enough of it. gate.sh starts it.

usage: gate.py SERVER CLIENT ATTACKER BUILT SECRET OWNER

The first three are namespaces: the server is 10.1.1.1 and 10.1.3.1, the client 10.1.1.2, and from
the attacker's, 10.1.3.2, come packets of all addresses of 10.3.0.0/16. BUILT has the programs pour
and paced. SECRET is the server's key, OWNER the label of what it seals.

The server answers as many events as it is told, so that the queue fills in the same way on each
machine, and what is compared is counted, not timed.
"""
import contextlib
import os
import socket
import subprocess
import sys
import threading
import time

import trk
from trk import ACK, PSH, Client, Counting, case, equal, wait_for

SERVER, CLIENT, ATTACKER, BUILT, SECRET, OWNER = sys.argv[1:]
SADDR = "10.1.3.1"
PORT = 8080
ENTRIES = 256
KEPT, LITTLE = ENTRIES // 16, ENTRIES // 256 + 1	# for those who have no more than little
LONE = ENTRIES * 5 // 8		# what an address gets of an empty queue
ROUNDS = 20
SERVED = 20			# events that are answered in a round
FLOODER, VICTIM = "10.3.0.1", "10.3.9.1"
GOOD = ["10.3.9.%d" % i for i in (1, 2, 3)]
BURST, RATE = 256, 250		# requests for nothing: at once, and in a second


class Program:
    """One that is told what to do in lines, and says when it is done."""
    def __init__(self, namespace, *command):
        self.p = subprocess.Popen(["ip", "netns", "exec", namespace, *command], text=True,
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def tell(self, *words):
        self.p.stdin.write(" ".join(str(word) for word in words) + "\n")
        self.p.stdin.flush()

    def hears(self, answer):
        equal(self.p.stdout.readline().strip(), answer, "what the program says")

    def end(self):
        self.p.kill()
        self.p.wait()
        self.p.stdin.close()
        self.p.stdout.close()


pour = Program(ATTACKER, BUILT + "/pour", SECRET, OWNER, SADDR, str(PORT))


class Served:
    """A server with an empty queue, and what has come to it."""
    def __init__(self, entries=ENTRIES):
        self.count = Counting(SERVER)
        self.count.__enter__()
        self.program = Program(SERVER, BUILT + "/paced", str(PORT), str(entries))
        self.program.hears("listening")
        self.answered = self.sent = 0

    def changed(self, counter):
        return self.count.delta().get(counter, 0)

    def settle(self, n, counter="RequestsRcvd"):
        """So many more have come, and were decided on."""
        self.sent += n
        wait_for(lambda: self.changed("RequestsRcvd") + self.changed("SynRcvd") >= self.sent)

    def pour(self, kind, n, source=FLOODER, sources=1):
        pour.tell(kind, n, source, sources)
        pour.hears("poured")
        self.settle(n)

    def waiting(self):
        return self.changed("Events") - self.answered

    def answer(self, n=ENTRIES):
        n = min(n, self.waiting())
        self.program.tell("answer", n)
        self.program.hears("answered")
        self.answered += n


@contextlib.contextmanager
def served(entries=ENTRIES):
    s = Served(entries)
    try:
        yield s
    finally:
        s.program.end()


# --- what an address gets --------------------------------------------------------------


@case("many connections of one address have half of the queue, and more if nobody else asks")
def lone():
    with served() as s:
        for _ in range(2):
            before = s.count.delta()
            s.pour("first", ENTRIES // 4)
            s.pour("range", ENTRIES // 4)
            equal(s.count.drops(), {k: v for k, v in before.items() if k[:4] == "Drop"}, "drops")
            equal(s.waiting(), ENTRIES // 2, "events up to half of the queue")
            s.pour("first", ENTRIES // 2)
            equal(s.waiting(), LONE, "events of one address")
            s.answer()
        equal(s.changed("EventsDropped"), 0, "requests that found the queue full")
        equal(s.count.drops(), {"DropShare": 2 * (ENTRIES - LONE)}, "drops")


@case("who comes later still finds room, as long as not everybody is greedy")
def latecomers():
    with served() as s:
        s.pour("first", 2 * ENTRIES)
        s.pour("first", 40, "10.3.1.1", 40)
        equal(s.waiting(), LONE + 40, "events")
        s.answer()
        # Of what is not kept, eight that are greedy leave one part in seventeen.
        s.pour("first", 2 * ENTRIES, FLOODER, 8)
        left = ENTRIES - s.waiting()
        share = KEPT + (ENTRIES - KEPT) // 17
        print("# %d of %d entries are left by eight" % (left, ENTRIES), flush=True)
        equal(share - 2 <= left <= share + 2, True, "entries that are left")
        s.pour("first", left, "10.3.1.1", left)
        equal(s.waiting(), ENTRIES, "events")
        s.answer()
        # They may also come one after the other.
        for i in range(8):
            s.pour("first", ENTRIES, "10.3.0.%d" % (1 + i))
        left = ENTRIES - s.waiting()
        print("# %d are left by eight that come one after the other" % left, flush=True)
        equal(left >= KEPT - 8 * LITTLE and left > 0, True, "entries that are left")
        s.pour("first", left, "10.3.1.1", left)
        equal(s.waiting(), ENTRIES, "events")
        equal(s.changed("EventsDropped"), 0, "requests that found the queue full")
        s.pour("first", 10)
        equal(s.changed("EventsDropped"), 10, "requests that found the queue full")


# --- floods, and those who ask for little -----------------------------------------------


def good_ones(server, floods):
    """
    In each round come floods, then a first request from each of some addresses, with a handshake
    before it. Then the server answers some events. Returns how many good ones got an answer.
    """
    wire, ear = trk.Wire(ATTACKER), trk.Wire(ATTACKER)
    asked, heard = set(), set()

    def listen():
        while True:
            seg = ear.receive(lambda s: s.payload and (s.daddr, s.dport) in asked, 0)
            if not seg:
                return
            heard.add((seg.daddr, seg.dport))

    for _ in range(ROUNDS):
        for flood in floods:
            server.pour(*flood)
        for address in GOOD:
            c = Client(wire, address, SADDR, PORT).connect()
            asked.add((address, c.sport))
            c.send(c.first(b"GET"))
        server.settle(2 * len(GOOD))
        server.answer(SERVED)
        listen()
    server.answer()
    wait_for(lambda: server.changed("Answers") == server.answered)
    time.sleep(0.1)
    listen()
    return len(heard)


def under(*floods, closed=True):
    """Good clients among floods, and without them. The first flood fills the queue."""
    with served() as s:
        calm = good_ones(s, ())
    equal(calm, ROUNDS * len(GOOD), "good clients that are answered without a flood")
    with served() as s:
        if closed:
            s.pour("first", 2 * ENTRIES, "10.3.0.200")
        got = good_ones(s, floods)
        print("# %d of %d; %r" % (got, calm, s.count.delta()), flush=True)
    equal(got >= 0.95 * calm, True, "%d of %d good clients were answered" % (got, calm))


@case("a flood of right first requests from one address")
def first_of_one():
    under(("first", 100))


@case("from eight addresses")
def first_of_eight():
    under(("first", 100, FLOODER, 8))


@case("of requests that go on with connections, from eight addresses")
def range_of_eight():
    under(("range", 100, FLOODER, 8))


@case("of forged requests, from one address and from all over, while another address floods")
def forged():
    under(("first", 30), ("seal", 100, "10.3.2.1"), ("cookie", 100, "10.3.2.1"),
          ("seal", 100, "10.3.3.1", 250), ("cookie", 100, "10.3.4.1", 250))


@case("of forged requests in the name of good clients: it takes nothing from them")
def framed():
    under(("first", 30), ("seal", 200, GOOD[0], len(GOOD)), ("cookie", 200, GOOD[0], len(GOOD)))


@case("of SYNs, from one address, from all over, and in the name of good clients")
def syns():
    under(("first", 30), ("syn", 100, "10.3.2.1"), ("syn", 100, "10.3.3.1", 250),
          ("syn", 100, GOOD[0], len(GOOD)))


@case("all SYNs are answered, also those of an address that has its share")
def syns_answered():
    with served() as s:
        s.pour("first", 2 * ENTRIES)
        s.pour("syn", 500)
        equal(s.changed("SynAckSent"), 500, "answers to SYNs")


@case("an address that has its share gets nothing looked at: forged requests cost no seal")
def before_the_seal():
    with served() as s:
        s.pour("first", 2 * ENTRIES)
        before = s.changed("DropShare")
        s.pour("seal", 300)
        s.pour("cookie", 300)
        equal(s.changed("DropShare") - before, 600, "requests that were not looked at")
        # Nothing was recorded of what was dropped: it may come again.
        s.pour("replay", 10)
        s.answer()
        s.pour("replay", 10)
        equal(s.waiting(), 1, "events of a request that comes again")
        equal(s.count.drops(), {"DropShare": before + 610, "DropReplay": 9}, "drops")


# --- requests that are right, and good for nothing ---------------------------------------


@case("replays are looked at while the server is not busy")
def replays_open():
    with served() as s:
        s.pour("replay", 4 * BURST, "10.3.5.1")
        equal(s.count.drops(), {"DropReplay": 4 * BURST - 1}, "drops")


@case("so many of an address, and so many a second, while it is busy; others are not concerned")
def replays_closed():
    n = 8000
    with served() as s:
        s.pour("first", 2 * ENTRIES)
        begin = time.monotonic()
        s.pour("replay", n, "10.3.5.2")
        at_most = BURST + RATE * (time.monotonic() - begin) + 10
        looked, unlooked = s.changed("DropReplay"), s.changed("DropSpent")
        print("# %d of %d were looked at, %d at most" % (looked, n, at_most), flush=True)
        equal(looked + unlooked, n - 1, "replays")
        equal(looked <= at_most, True, "%d were looked at, %d at most" % (looked, at_most))
        before = s.changed("Events")
        s.pour("first", 20, "10.3.6.1", 20)
        equal(s.changed("Events") - before, 20, "events of other addresses")


# --- ordinary sockets -------------------------------------------------------------------


class Downloads(threading.Thread):
    """Some at once, over ordinary sockets."""
    def __init__(self, n):
        super().__init__(daemon=True)
        self.n, self.done = n, 0

    def one(self):
        with trk.inside(CLIENT):
            s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, trk.IPPROTO_TRICKLES)
        s.settimeout(400)
        try:
            s.connect(("10.1.1.1", PORT))
            s.sendall(b"GET")
            got, more = 0, s.recv(1 << 16)
            while more:
                got += len(more)
                more = s.recv(1 << 16)
            self.done += got == 30000
        except OSError as error:
            print("# %s" % error, flush=True)
        finally:
            s.close()

    def run(self):
        each = [threading.Thread(target=self.one, daemon=True) for _ in range(self.n)]
        for thread in each:
            thread.start()
        for thread in each:
            thread.join()


@case("downloads over ordinary sockets end while a slow server is flooded")
def downloads():
    n = 10
    for sources in (0, 1, 8):
        with served(128) as s, Counting(CLIENT) as client:
            s.program.tell("each", 2)
            good = Downloads(n)
            if sources:
                pour.tell("first", 1000, FLOODER, sources)
                pour.hears("poured")
            good.start()
            # More than the server can answer, for many times as long as the downloads take.
            for _ in range(20000):
                if not good.is_alive():
                    break
                if sources:
                    pour.tell("first", 50, FLOODER, sources)
                    pour.hears("poured")
                time.sleep(0.001)
            print("# flooded by %d: %d of %d done; server %r, client %r" % (
                sources, good.done, n, s.count.delta(), client.delta()), flush=True)
            equal(good.done >= 0.95 * n, True, "%d of %d downloads" % (good.done, n))


status = trk.run_cases()
pour.end()
sys.exit(status)
