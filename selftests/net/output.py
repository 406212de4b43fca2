#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Answers that wait to leave the host. output.sh starts it and says where.

usage: output.py SERVER CLIENT FOLDER HTTPD CGROUP

The first two are namespaces; the server is 10.1.1.1, the client 10.1.1.2 and 10.1.1.3. FOLDER has
the files to be served by HTTPD. CGROUP is where cgroup2 is mounted, or does not exist.
"""
import contextlib
import os
import re
import select
import socket
import subprocess
import sys
import time

import trk
from trk import case, equal, wait_for

SERVER, CLIENT, FOLDER, HTTPD, CGROUP = sys.argv[1:6]
PORT = 8080
SLOW, OTHER = "10.1.1.2", "10.1.1.3"
OUTPUT_MAX = 2 << 20
SHARE = OUTPUT_MAX // 8
TRAIN = 65536
CLIENTS = 40


def run(namespace, *command):
    return subprocess.run(["ip", "netns", "exec", namespace, *command], check=True, text=True,
                          stdout=subprocess.PIPE).stdout


def tc(*command):
    return run(SERVER, "tc", *command)


@contextlib.contextmanager
def served(output_max, cgroup=None):
    def enter():
        if cgroup:
            with open(cgroup + "/cgroup.procs", "w") as procs:
                procs.write("0")

    run(SERVER, "sysctl", "-qw", "net.trickles.output_max=%d" % output_max)
    with trk.inside(SERVER):
        process = subprocess.Popen([HTTPD, "-p", str(PORT), FOLDER], stderr=subprocess.PIPE,
                                   preexec_fn=enter)
    try:
        equal(b"serving" in process.stderr.readline(), True, "the server's first line")
        yield process
        equal(process.poll(), None, "the server's exit status")
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


@contextlib.contextmanager
def queue(*qdisc):
    """with this at the server's end of the cable"""
    tc("qdisc", "add", "dev", "client", "root", *qdisc)
    try:
        yield
    finally:
        if " root " in tc("qdisc", "show", "dev", "client").replace("noqueue", ""):
            tc("qdisc", "del", "dev", "client", "root")


def backlog():
    """Bytes in the queues of the cable, the deepest one."""
    sizes = re.findall(r"backlog (\d+)([KM]?)b", tc("-s", "qdisc", "show", "dev", "client"))
    return max(int(n) * {"": 1, "K": 1 << 10, "M": 1 << 20}[unit] for n, unit in sizes)


class Download:
    def __init__(self, address, name):
        with trk.inside(CLIENT):
            self.s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, trk.IPPROTO_TRICKLES)
        self.s.bind((address, 0))
        self.s.setblocking(False)
        try:
            self.s.connect(("10.1.1.1", PORT))
        except BlockingIOError:
            pass
        self.request = b"GET /%s HTTP/1.0\r\n\r\n" % name.encode()
        self.got = 0
        self.size = os.path.getsize(os.path.join(FOLDER, name))

    def go_on(self):
        """True when it is over."""
        if self.request:
            self.s.sendall(self.request)
            self.request = None
        while True:
            try:
                data = self.s.recv(1 << 20)
            except BlockingIOError:
                return False
            if not data:
                self.s.close()
                equal(self.got > self.size, True, "bytes: %d" % self.got)
                return True
            self.got += len(data)


def connected(address, name, n):
    """Connections that have come about: their segments are not to be held up."""
    downloads = [Download(address, name) for _ in range(n)]
    poll = select.poll()
    for d in downloads:
        poll.register(d.s, select.POLLOUT)
    wait_for(lambda: len(poll.poll(50)) == n)
    return downloads


def drive(downloads, until=lambda: False, seconds=300):
    """All of them, until they are over, or it is true. Returns those that are not over."""
    poll = select.poll()
    at = {}
    for d in downloads:
        at[d.s.fileno()] = d
        poll.register(d.s, select.POLLOUT if d.request else select.POLLIN)

    def step():
        for fd, _ in poll.poll(50):
            if at[fd].go_on():
                poll.unregister(fd)
                del at[fd]
            else:
                poll.modify(fd, select.POLLIN)
        return not at or until()

    wait_for(step, seconds)
    return list(at.values())


def full(count):
    return count.delta().get("OutputFull", 0) > 0


def stalls(*qdisc, inner=()):
    """
    Answers into a queue, with another one inside it or not, that lets hardly anything out: as much
    as is allowed, and no more.
    """
    with served(OUTPUT_MAX), trk.Counting(SERVER) as count:
        downloads = connected(SLOW, "1000000", CLIENTS)
        with queue(*qdisc):
            if inner:
                tc("qdisc", "add", "dev", "client", "parent", "1:1", *inner)
            downloads = drive(downloads, lambda: full(count))
            equal(full(count), True, "answers were refused")
            held = backlog()
            equal(held > SHARE // 4, True, "bytes in the queue: %d" % held)
            equal(held < SHARE + TRAIN, True, "bytes in the queue: %d" % held)
        # What was in it is lost now; all goes on.
        equal(drive(downloads), [], "downloads that are not over")


@case("tbf: no more of one destination than its share waits")
def tbf():
    stalls("tbf", "rate", "64kbit", "burst", "70000", "limit", "100000000")


@case("pfifo_fast behind a link that is slow: likewise")
def pfifo_fast():
    stalls("handle", "1:", "tbf", "rate", "64kbit", "burst", "70000", "limit", "100000000",
           inner=("pfifo_fast",))


@case("fq, which orphans what a listening socket sends: likewise")
def fq():
    stalls("fq", "maxrate", "64kbit", "limit", "100000", "flow_limit", "100000")


def best_time(rounds, enough=0.0):
    """
    Of some downloads of the other client's, until it is short enough: what else this machine does
    only adds to it.
    """
    best = None
    while rounds and (best is None or best > enough):
        begin = time.monotonic()
        equal(drive([Download(OTHER, "1000000") for _ in range(2)]), [],
              "downloads of another client")
        took = time.monotonic() - begin
        best = took if best is None else min(best, took)
        rounds -= 1
    return best


@case("a client that does not get its packets takes no other's rate, and goes on when it does")
def one_stalled():
    slow_class = ("qdisc", "add", "dev", "client", "parent", "1:2", "handle", "2:", "tbf", "burst",
                  "70000", "limit", "100000000", "rate")
    with served(OUTPUT_MAX), \
            queue("handle", "1:", "prio", "bands", "2", "priomap", *["0"] * 16):
        tc(*slow_class, "64kbit")
        # The link is to be the limit for the other one, and not the machine.
        tc("qdisc", "add", "dev", "client", "parent", "1:1", "handle", "3:", "tbf", "burst",
           "70000", "limit", "100000000", "rate", "8mbit")
        tc("filter", "add", "dev", "client", "parent", "1:", "protocol", "ip", "u32", "match",
           "ip", "dst", SLOW, "flowid", "1:2")
        alone = best_time(4)
        with trk.Counting(SERVER) as count:
            slow = drive(connected(SLOW, "1000000", CLIENTS // 2), lambda: full(count))
            equal(full(count), True, "answers were refused")
            beside = best_time(20, alone / 0.95)
            equal(count.delta().get("EventsDropped", 0), 0, "requests that found no entry")
        print("# %.2f s alone, %.2f s beside a client that stands still" % (alone, beside))
        equal(beside < alone / 0.9, True, "%.2f s, %.2f s alone" % (beside, alone))
        equal(backlog() < SHARE + TRAIN, True, "bytes in the queue")
        tc("qdisc", "change", *slow_class[2:], "10gbit")
        equal(drive(slow), [], "downloads of the slow client")


def has_memory_cgroups():
    try:
        with open(CGROUP + "/cgroup.controllers") as controllers:
            return "memory" in controllers.read().split()
    except FileNotFoundError:
        return False


@case("what waits is charged to the server's memory cgroup")
def memory_cgroup():
    if not has_memory_cgroups():
        # The debug kernels have none; the plain one must.
        equal(os.path.isdir("/lib/modules/" + os.uname().release), False, "no memory cgroups")
        return
    with open(CGROUP + "/cgroup.subtree_control", "w") as control:
        control.write("+memory")
    group = CGROUP + "/server"
    os.mkdir(group)

    def current():
        with open(group + "/memory.current") as f:
            return int(f.read())

    try:
        with served(64 << 20, group):
            downloads = connected(SLOW, "1000000", CLIENTS)
            before = current()
            # It orphans what it delays: nobody but the cgroup knows of it.
            with queue("netem", "rate", "64kbit", "limit", "100000"):
                downloads = drive(downloads, lambda: backlog() > 400000)
                paid, held = current() - before, backlog()
                equal(paid > held // 2, True, "%d bytes charged, %d held" % (paid, held))
            equal(drive(downloads), [], "downloads that are not over")
    finally:
        wait_for(lambda: not open(group + "/cgroup.procs").read(), 30)
        os.rmdir(group)


sys.exit(trk.run_cases())
