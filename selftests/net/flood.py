#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Marked packets without end: SYNs, requests and responses, good for nothing.

usage: flood.py FROM TO PORT...
"""
import os
import socket
import sys
import time

import trk
from trk import ACK, PSH, SYN

saddr, daddr = sys.argv[1:3]
ports = [int(port) for port in sys.argv[3:]]
out = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)


def packets():
    for port in ports:
        noise = os.urandom(1000)
        for flags, payload in (
                (SYN, b""),
                (ACK | PSH, trk.request(trk.FIRST, ext=trk.input_at(0), data=b"GET /")),
                (ACK | PSH, trk.request(trk.RANGE, cont=noise[:72], m=1, n=2)),
                (ACK | PSH, trk.request(trk.TIMEOUT, cont=noise[:72], attempt=1)),
                (ACK, bytes([trk.VERSION << 4 | trk.RESPONSE]) + noise),
                (ACK, noise), (SYN | ACK, b""), (ACK, b"")):
            yield trk.packet(saddr, daddr, trk.segment(
                saddr, daddr, int.from_bytes(os.urandom(2), "big"), port, 1, 1, flags, payload))


burst = list(packets())
print("flooding", flush=True)
while True:
    for data in burst:
        out.sendto(data, (daddr, 0))
    # A few thousand a second are enough, and leave the machine some time.
    time.sleep(0.005)
