#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""usage: discover.py PID WHICH

Sets IP_MTU_DISCOVER of all Trickles sockets of a process, in the middle of what it does, to dont,
want, do, probe, interface or omit.
"""
import ctypes
import os
import socket
import sys

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


if __name__ == "__main__":
    set_discover(int(sys.argv[1]), WHICH[sys.argv[2]])
