#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
usage: branches.py LEAST <SUMMARY

Reads what "llvm-cov export" has printed, and prints for each file how many of its branches
were taken. Fails if less than LEAST percent of all branches were.
"""
import json
import os
import sys


def line(name, branches):
    taken, count = branches["covered"], branches["count"]
    print(f"# {name:12} {taken:5} of {count:5} branches  {100 * taken / count:6.2f} %")


data = json.load(sys.stdin)["data"][0]
for entry in sorted(data["files"], key=lambda entry: entry["filename"]):
    if entry["summary"]["branches"]["count"]:
        line(os.path.basename(entry["filename"]), entry["summary"]["branches"])
total = data["totals"]["branches"]
line("total", total)
sys.exit(100 * total["covered"] < float(sys.argv[1]) * total["count"])
