#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The Berkeley API: everything is done with a TCP socket and with a Trickles socket, and
must come out the same. sockets.sh starts it and says where.

usage: sockets.py SERVER CLIENT

These are namespaces. The server, 10.1.1.1, has an echo service of Trickles at port 7; one of
TCP is started here, at the same port.
"""
import errno
import fcntl
import os
import select
import socket
import struct
import sys
import tempfile
import termios
import threading
import time

import trk
from trk import case, equal

SERVER, CLIENT = sys.argv[1:3]
ECHO = ("10.1.1.1", 7)
NOBODY = ("10.1.1.1", 9)


def tcp_echo():
    """Each connection has a thread; the service ends where the client's stream does."""
    with trk.inside(SERVER):
        listener = socket.create_server(("0.0.0.0", 7), backlog=64)

    def serve(s):
        try:
            while True:
                data = s.recv(65536)
                if not data:
                    break
                s.sendall(data)
        except OSError:
            pass
        s.close()

    def accept():
        while True:
            s, _ = listener.accept()
            threading.Thread(target=serve, args=(s,), daemon=True).start()
    threading.Thread(target=accept, daemon=True).start()


class Maker:
    """Sockets of one protocol, at the client."""
    def __init__(self, protocol):
        self.protocol = protocol

    def new(self):
        s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, self.protocol)
        s.settimeout(200)
        return s

    def connected(self, address=ECHO):
        s = self.new()
        s.connect(address)
        return s


def like_tcp(name):
    """Makes a function of a Maker a case: what it returns must not depend on the protocol."""
    def add(function):
        def both():
            tcp = function(Maker(socket.IPPROTO_TCP))
            with trk.Counting(CLIENT) as count:
                ours = function(Maker(trk.IPPROTO_TRICKLES))
                equal(count.delta().get("Fallbacks", 0), 0, "connections that became TCP")
            equal(ours, tcp, "what Trickles does beside TCP")
        case(name)(both)
        return function
    return add


def outcome(function, *args):
    """What a call returns, or its errno."""
    try:
        return function(*args)
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error))


def events(s, mask=0xffff, timeout=0):
    """What poll() says at once, or after some time if there is nothing."""
    p = select.poll()
    p.register(s, mask & ~select.POLLNVAL)
    return [event for _, event in p.poll(timeout * 1000)]


def poll_for(s, wanted):
    trk.wait_for(lambda: events(s) and events(s)[0] & wanted == wanted)


def readable(s):
    return struct.unpack("i", fcntl.ioctl(s, termios.FIONREAD, bytes(4)))[0]


def unsent(s):
    return struct.unpack("i", fcntl.ioctl(s, termios.TIOCOUTQ, bytes(4)))[0]


def exactly(s, length):
    data = b""
    while len(data) < length:
        more = s.recv(length - len(data))
        if not more:
            break
        data += more
    return data


def noise(length):
    return os.urandom(length)


@like_tcp("connect() without blocking, poll(), SO_ERROR")
def nonblocking(make):
    s = make.new()
    s.setblocking(False)
    seen = [s.connect_ex(ECHO)]
    poll_for(s, select.POLLOUT)
    seen += [s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), s.connect_ex(ECHO),
             outcome(s.connect, ECHO), s.send(b"x")]
    poll_for(s, select.POLLIN)
    return seen + [s.recv(10), outcome(s.recv, 10)]


@like_tcp("connect() without blocking to where nobody listens")
def refused(make):
    s = make.new()
    s.setblocking(False)
    seen = [s.connect_ex(NOBODY)]
    poll_for(s, select.POLLERR)
    # An error is reported once.
    return seen + [events(s), s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR),
                   s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), outcome(s.recv, 1),
                   outcome(s.send, b"x")]


@like_tcp("a blocking connect() that is refused; the socket can be used again")
def refused_again(make):
    s = make.new()
    s.setblocking(True)
    seen = [outcome(s.connect, NOBODY), outcome(s.connect, NOBODY), outcome(s.connect, ECHO)]
    s.sendall(b"well")
    return seen + [exactly(s, 4)]


@like_tcp("getsockname(), getpeername(), before and after; bind() to address and port")
def names(make):
    s = make.new()
    seen = [s.getsockname(), outcome(s.getpeername)]
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("10.1.1.2", 4321))
    seen += [s.getsockname(), outcome(s.getpeername), outcome(s.bind, ("10.1.1.2", 4322))]
    s.connect(ECHO)
    seen += [s.getsockname(), s.getpeername()]
    s.sendall(b"x")
    seen.append(s.recv(1))
    # Nobody waits in TIME_WAIT: the client's side is reset.
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()
    t = make.connected()
    return seen + [t.getsockname()[0], t.getsockname()[1] > 1023]


@like_tcp("addresses that cannot be")
def bad_addresses(make):
    s = make.new()
    return [outcome(s.bind, ("10.9.8.7", 0)), outcome(s.connect, ("224.0.0.1", 7)),
            outcome(s.connect, ("255.255.255.255", 7))]


@like_tcp("what is not for clients: accept(), listen()")
def not_for_clients(make):
    s = make.connected()
    s.setblocking(False)	# or Python waits by itself
    return [outcome(s.accept), outcome(s.listen)]


@like_tcp("before a connection: send(), recv(), shutdown(), poll()")
def unconnected(make):
    s = make.new()
    return [outcome(s.send, b"x"), outcome(s.recv, 1), outcome(s.shutdown, socket.SHUT_WR),
            events(s)]


@like_tcp("poll() at each station of a connection")
def stations(make):
    s = make.connected()
    seen = [events(s)]
    s.sendall(b"abc")
    poll_for(s, select.POLLIN)
    seen.append(events(s))
    seen.append(s.recv(3))
    seen.append(events(s))
    s.shutdown(socket.SHUT_WR)
    poll_for(s, select.POLLRDHUP)
    seen.append(events(s))
    return seen + [s.recv(1), s.recv(1), s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)]


@like_tcp("select()")
def selected(make):
    s = make.connected()
    seen = [[len(x) for x in select.select([s], [s], [s], 0)]]
    s.sendall(b"x")
    seen.append([len(x) for x in select.select([s], [], [], 200)])
    return seen


@like_tcp("epoll, level- and edge-triggered")
def epolled(make):
    s = make.connected()
    level, edge = select.epoll(), select.epoll()
    level.register(s, select.EPOLLIN)
    edge.register(s, select.EPOLLIN | select.EPOLLET)
    seen = [len(level.poll(0)), len(edge.poll(0))]
    for _ in range(3):
        s.sendall(b"one")
        seen += [len(level.poll(200)), len(level.poll(0)), len(edge.poll(200)), len(edge.poll(0))]
    seen.append(exactly(s, 9))
    seen += [len(level.poll(0)), len(edge.poll(0))]
    s.shutdown(socket.SHUT_WR)
    return seen + [len(level.poll(200)), len(edge.poll(200)), len(edge.poll(0))]


@like_tcp("MSG_PEEK")
def peek(make):
    s = make.connected()
    s.sendall(b"look at me")
    poll_for(s, select.POLLIN)
    return [s.recv(4, socket.MSG_PEEK), s.recv(100, socket.MSG_PEEK), readable(s), s.recv(4),
            s.recv(100, socket.MSG_PEEK), s.recv(100), readable(s)]


@like_tcp("MSG_WAITALL: waits for all, unless the stream ends")
def waitall(make):
    s = make.connected()

    def later():
        for _ in range(10):
            time.sleep(0.03)	# what is waited for comes in parts
            s.sendall(b"0123456789")
        s.shutdown(socket.SHUT_WR)
    thread = threading.Thread(target=later)
    thread.start()
    seen = [s.recv(75, socket.MSG_WAITALL), s.recv(75, socket.MSG_WAITALL)]
    thread.join()
    return seen


@like_tcp("MSG_DONTWAIT")
def dontwait(make):
    s = make.connected()
    s.setblocking(True)		# or Python waits by itself
    seen = [outcome(s.recv, 1, socket.MSG_DONTWAIT)]
    s.sendall(b"x")
    poll_for(s, select.POLLIN)
    return seen + [s.recv(10, socket.MSG_DONTWAIT), outcome(s.recv, 1, socket.MSG_DONTWAIT)]


@like_tcp("SO_RCVTIMEO and SO_SNDTIMEO")
def timeouts(make):
    s = make.connected()
    s.setblocking(True)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 0, 300000))
    begin = time.monotonic()
    seen = [outcome(s.recv, 1)]
    waited = time.monotonic() - begin >= 0.29
    s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", 0, 200000))
    while True:
        sent = outcome(s.send, bytes(1 << 20))
        if not isinstance(sent, int):
            break
    return seen + [waited, sent]


@like_tcp("a sender whose peer cannot go on is stopped, and goes on when it can")
def backpressure(make):
    s = make.connected()
    s.setblocking(False)
    data = noise(1 << 20)
    sent = b""
    # Nobody reads the echo: what is on its way is bounded.
    while True:
        n = outcome(s.send, data)
        if not isinstance(n, int):
            # What stands still for so long is stopped, and not just slow.
            if not events(s, select.POLLOUT, 4):
                break
            continue
        sent += data[:n]
        if len(sent) > 100 << 20:
            raise AssertionError("100 MB are on their way")
    seen = [n, events(s, select.POLLOUT)]
    s.settimeout(200)
    seen.append(exactly(s, len(sent)) == sent)
    poll_for(s, select.POLLOUT)
    trk.wait_for(lambda: unsent(s) == 0)
    return seen + [unsent(s), readable(s)]


@like_tcp("FIONREAD")
def fionread(make):
    s = make.connected()
    seen = [readable(s)]
    s.sendall(b"x" * 5000)
    trk.wait_for(lambda: readable(s) == 5000)
    seen.append(len(s.recv(1234)))
    seen.append(readable(s))
    s.shutdown(socket.SHUT_WR)
    seen.append(len(exactly(s, 4000)))
    return seen + [readable(s), outcome(readable, make.new())]


@like_tcp("shutdown(SHUT_WR): what was sent arrives, then the stream ends; then EPIPE")
def shut_write(make):
    s = make.connected()
    data = noise(200000)
    thread = threading.Thread(target=lambda: (s.sendall(data), s.shutdown(socket.SHUT_WR)))
    thread.start()
    seen = [exactly(s, 300000) == data]
    thread.join()
    return seen + [s.recv(1), outcome(s.send, b"x"), outcome(s.send, b"x", socket.MSG_NOSIGNAL),
                   outcome(s.shutdown, socket.SHUT_WR)]


@like_tcp("shutdown(SHUT_RD) and SHUT_RDWR")
def shut_read(make):
    s = make.connected()
    s.shutdown(socket.SHUT_RD)
    seen = [s.recv(1), events(s)]
    t = make.connected()
    t.sendall(b"x")
    exactly(t, 1)
    t.shutdown(socket.SHUT_RDWR)
    poll_for(t, select.POLLHUP)
    return seen + [t.recv(1), outcome(t.send, b"x"), events(t)]


@like_tcp("SIGPIPE comes with EPIPE, unless MSG_NOSIGNAL")
def sigpipe(make):
    seen = []
    for flags in (0, socket.MSG_NOSIGNAL):
        s = make.connected()
        s.shutdown(socket.SHUT_WR)
        child = os.fork()
        if not child:
            import signal
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)
            outcome(s.send, b"x", flags)
            os._exit(0)
        seen.append(os.waitpid(child, 0)[1])
    return seen


@like_tcp("sendmsg() and recvmsg() with several buffers")
def vectors(make):
    s = make.connected()
    seen = [s.sendmsg([b"one ", b"", b"two ", b"three"])]
    trk.wait_for(lambda: readable(s) == 13)
    buffers = [bytearray(3), bytearray(0), bytearray(5), bytearray(20)]
    seen.append(s.recvmsg_into(buffers)[0])
    return seen + [bytes(b) for b in buffers] + [s.send(b""), outcome(s.recv, 0)]


@like_tcp("sendfile() from a file, splice() into a pipe")
def sendfile(make):
    s = make.connected()
    data = noise(300000)
    with tempfile.TemporaryFile() as f:
        f.write(data)
        f.flush()

        def send():
            at = 0
            while at < len(data):
                at += os.sendfile(s.fileno(), f.fileno(), at, len(data) - at)
        s.setblocking(True)
        thread = threading.Thread(target=send)
        thread.start()
        seen = [exactly(s, len(data)) == data]
        thread.join()
    return seen


@like_tcp("SO_RCVLOWAT")
def lowat(make):
    s = make.connected()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 100)
    s.sendall(b"x" * 60)
    trk.wait_for(lambda: readable(s) == 60)
    seen = [events(s, select.POLLIN)]
    s.sendall(b"x" * 60)
    poll_for(s, select.POLLIN)
    return seen + [len(s.recv(1000))]


@like_tcp("SO_RCVLOWAT beyond what the buffer holds")
def high_lowat(make):
    s = make.new()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1 << 20)
    s.connect(ECHO)
    data = noise(150000)
    thread = threading.Thread(target=lambda: s.sendall(data))
    thread.start()
    got = b""
    while len(got) < len(data):
        # The last bytes are fewer than any mark.
        if len(data) - len(got) < 8192:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)
        poll_for(s, select.POLLIN)
        got += s.recv(65536, socket.MSG_DONTWAIT)
    thread.join()
    return [got == data]


@like_tcp("options that programs set as a matter of course")
def options(make):
    s = make.new()
    flags = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
             (socket.SOL_SOCKET, socket.SO_REUSEADDR, 1),
             (socket.SOL_SOCKET, socket.SO_PRIORITY, 3),
             (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
             (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60),
             (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 60),
             (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 30000),
             (socket.IPPROTO_IP, socket.IP_TOS, 0x10),
             (socket.IPPROTO_IP, socket.IP_TTL, 50)]
    seen = [outcome(s.setsockopt, *flag) for flag in flags]
    seen += [s.getsockopt(level, name) for level, name, _ in flags]
    s.connect(ECHO)
    seen += [outcome(s.setsockopt, *flag) for flag in flags]
    seen += [s.getsockopt(level, name) for level, name, _ in flags]
    s.sendall(b"x")
    return seen + [s.recv(1), s.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE),
                   s.getsockopt(socket.SOL_SOCKET, socket.SO_DOMAIN),
                   s.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN),
                   outcome(s.setsockopt, 4242, 1, 1)]


@like_tcp("small buffers: everything arrives all the same")
def small_buffers(make):
    s = make.new()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
    s.connect(ECHO)
    data = noise(150000)
    thread = threading.Thread(target=lambda: s.sendall(data))
    thread.start()
    seen = [exactly(s, len(data)) == data]
    thread.join()
    return seen


@like_tcp("one byte at a time, each way")
def byte_by_byte(make):
    s = make.connected()
    data = noise(200)
    got = b""
    for i in range(len(data)):
        s.send(data[i:i + 1])
        got += s.recv(1)
    return [got == data]


@like_tcp("a child goes on with the connection of its parent")
def inherited(make):
    s = make.connected()
    s.sendall(b"parent ")
    child = os.fork()
    if not child:
        s.sendall(b"child")
        os._exit(exactly(s, 12) != b"parent child")
    status = os.waitpid(child, 0)[1]
    s.sendall(b"parent")
    return [status, exactly(s, 6)]


@like_tcp("a reader and a writer at once, and one who only waits")
def threads(make):
    s = make.connected()
    s.setblocking(True)
    data = noise(500000)
    thread = threading.Thread(target=lambda: s.sendall(data))
    thread.start()
    seen = [exactly(s, len(data)) == data]
    thread.join()
    result = []
    thread = threading.Thread(target=lambda: result.append(outcome(s.recv, 1)))
    thread.start()
    time.sleep(0.1)	# let it fall asleep
    s.shutdown(socket.SHUT_RDWR)
    thread.join(200)
    return seen + [thread.is_alive(), result]


@like_tcp("disconnected by connect() to AF_UNSPEC, and connected again")
def disconnect(make):
    import ctypes
    s = make.connected()
    s.sendall(b"x")
    seen = [s.recv(1)]
    none = struct.pack("H14x", socket.AF_UNSPEC)
    seen += [ctypes.CDLL(None).connect(s.fileno(), none, 16), outcome(s.getpeername)]
    s.connect(ECHO)
    s.sendall(b"again")
    return seen + [exactly(s, 5)]


@case("TRK_INFO says what was done; protocol and type of the socket")
def info():
    s = Maker(trk.IPPROTO_TRICKLES).connected()
    s.sendall(b"x" * 1000)
    exactly(s, 1000)
    raw = s.getsockopt(trk.SOL_TRICKLES, trk.TRK_INFO, 256)
    mode, cwnd, rtt, rto, size, version, requests, responses, received, consumed = struct.unpack(
        "IIIIIIQQQQ", raw[:56])
    equal(mode, trk.MODE_TRICKLES, "mode")
    equal(received, 1000, "bytes received")
    equal(consumed, 1000, "bytes consumed")
    equal(cwnd >= 1 and 0 < rtt < 60000000 and rto >= 200000 and size == 1456 and
          version == trk.VERSION and
          requests > 0 and responses > 0, True, "the rest is sensible")
    equal(s.getsockopt(socket.SOL_SOCKET, 38), trk.IPPROTO_TRICKLES, "SO_PROTOCOL")


@case("what cannot be: other families, types; options of a server at a client")
def impossible():
    trk.raises(errno.EPROTONOSUPPORT, socket.socket, socket.AF_INET, socket.SOCK_DGRAM, trk.IPPROTO_TRICKLES)
    trk.raises(errno.EPROTONOSUPPORT, socket.socket, socket.AF_INET6, socket.SOCK_STREAM, trk.IPPROTO_TRICKLES)
    s = Maker(trk.IPPROTO_TRICKLES).connected()
    trk.raises(errno.EINVAL, fcntl.ioctl, s, 0x40047461, bytes(4))
    trk.raises(errno.ENOPROTOOPT, s.getsockopt, trk.SOL_TRICKLES, 99)


tcp_echo()
trk.inside.enter("/run/netns/" + CLIENT)
sys.exit(trk.run_cases())
