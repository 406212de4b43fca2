#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
usage: corpus.py unpack FILE FOLDER | corpus.py pack FOLDER FILE

For libFuzzer, a corpus is a folder with a file for each input. In the repository it is one file
with a line of hexadecimal digits for each input.
"""
import hashlib
import os
import sys


def unpack(packed, folder):
    os.makedirs(folder, exist_ok=True)
    with open(packed, encoding="ascii") as lines:
        for line in lines:
            data = bytes.fromhex(line)
            # libFuzzer gives a file the same name.
            name = hashlib.sha1(data).hexdigest()
            with open(os.path.join(folder, name), "wb") as file:
                file.write(data)


def pack(folder, packed):
    inputs = []
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), "rb") as file:
            inputs.append(file.read())
    with open(packed, "w", encoding="ascii") as file:
        for data in sorted(inputs, key=lambda data: (len(data), data)):
            print(data.hex(), file=file)


if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[1] not in ("pack", "unpack"):
        sys.exit(__doc__.strip())
    (pack if sys.argv[1] == "pack" else unpack)(sys.argv[2], sys.argv[3])
