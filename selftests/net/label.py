#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""usage: label.py UID

Prints the label of the owner with which the kernel seals what a server of the user makes
(Documentation/protocol.rst, "Transport continuation").
"""
import hashlib
import struct
import sys

known = b"trickles owner\0u" + struct.pack("!I", int(sys.argv[1]))
print(hashlib.blake2s(known).hexdigest()[:32])
