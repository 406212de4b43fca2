#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""IP_MTU_DISCOVER by name (dont, want, do, probe, interface, omit), at either end.

  discover.py set PID WHICH               of all Trickles sockets of a process, in the middle of
                                          what it does
  discover.py echo ADDRESS PORT SIZE WHICH    a client that sends so much, and gets it back
"""
import ctypes
import os
import socket
import sys
import threading

import trk

SYS_PIDFD_GETFD = 438
IP_MTU_DISCOVER = 10
WHICH = {name: value for value, name in enumerate(
    ("dont", "want", "do", "probe", "interface", "omit"))}


def set_discover(pid, value):
    libc = ctypes.CDLL(None, use_errno=True)
    process = os.pidfd_open(pid)
    found = 0
    for name in os.listdir("/proc/%d/fd" % pid):
        fd = libc.syscall(SYS_PIDFD_GETFD, process, int(name), 0)
        if fd < 0:
            raise OSError(ctypes.get_errno(), "pidfd_getfd")
        try:
            sock = socket.socket(fileno=fd)
        except OSError:		# something else than a socket
            os.close(fd)
            continue
        with sock:
            if sock.getsockopt(socket.SOL_SOCKET, socket.SO_PROTOCOL) == trk.IPPROTO_TRICKLES:
                sock.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, value)
                found += 1
    if not found:
        sys.exit("process %d has no Trickles socket" % pid)


def echo(address, port, size, value):
    data = bytes(i * 7 % 251 for i in range(size))
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, trk.IPPROTO_TRICKLES) as sock:
        sock.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, value)
        sock.settimeout(250)
        sock.connect((address, port))

        def send():
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)

        sender = threading.Thread(target=send)
        sender.start()
        got = bytearray()
        while piece := sock.recv(65536):
            got += piece
        sender.join()
    if got != data:
        sys.exit("%d bytes came back of %d, or other ones" % (len(got), size))


if __name__ == "__main__":
    if sys.argv[1] == "set":
        set_discover(int(sys.argv[2]), WHICH[sys.argv[3]])
    else:
        echo(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), WHICH[sys.argv[5]])
