#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Print random scripts of losses and the answers that the executable model gives to them.

usage: model_scripts.py MODEL.py [COUNT] > model_scripts.txt

MODEL.py is an executable model of the law of the window (Documentation/protocol.rst). It has
Law(B, s, ss, f) with open(), close(), hi(), win(), seal(), and walk(law, base, n, gaps, ng).
Each line is one proof of a connection. Fields are separated by blanks, lists by commas:

  B s ss f base n GAPS NOGROWTH first COUNTS B' s' ss' f' hi half

(B, s, ss, f) are TCPBase, startCwnd, ssthresh and firstLoss as they are sealed at base, and
(B', s', ss', f') as a continuation that is made at n seals them. GAPS and NOGROWTH are lists of
runs a-b, or '-'. The received numbers of (base, n] issue contiguous numbers from first on, each
as many as COUNTS says (count*repeat). A timeout after this proof is granted the number hi + 1,
with the ssthresh half.
"""
import importlib.util
import random
import sys

SSINF = 1 << 20
MAX_CLAIMS = 16


def load(path):
    spec = importlib.util.spec_from_file_location('model', path)
    model = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(model)
    return model


def runs(numbers):
    out = []
    for i in numbers:
        if out and out[-1][1] == i - 1:
            out[-1][1] = i
        else:
            out.append([i, i])
    return [tuple(r) for r in out]


def highest(law, n):
    """the highest number that requests up to a received n can issue; an event that is over ends"""
    if law.f and n > law.R:
        law.close()
    return law.hi(n)


def script(model, seal, base, rnd):
    """one proof: what arrived of the numbers above base"""
    want, lossy, short = rnd.randint(1, rnd.choice((6, 40, 120))), rnd.choice((0, .01, .1, .4)), rnd.choice((0, 0, .05, .5))
    last, fate = None, {}
    top = highest(model.Law(*seal), base)
    i, claims = base, 0
    while len(fate) < want or last is None:
        i += 1
        lost = rnd.random() < lossy and i < top
        if i > top:
            break
        kind = 'L' if lost else 'S' if rnd.random() < short else 'R'
        if kind != 'R' and fate.get(i - 1) != kind:
            if claims == MAX_CLAIMS:
                kind = 'R'
            else:
                claims += 1
        fate[i] = kind
        if kind != 'L':
            # A gap must end below the highest number that was issued when it began.
            state = model.Law(*seal)
            done = [k for k in fate if k <= i]
            for _ in model.walk(state, base, i, runs(k for k in done if fate[k] == 'L'), runs(k for k in done if fate[k] == 'S')):
                pass
            top = highest(state, i)
            last = i
    for k in [k for k in fate if k > last]:
        del fate[k]
    return last, runs(k for k in sorted(fate) if fate[k] == 'L'), runs(k for k in sorted(fate) if fate[k] == 'S')


def show(ranges):
    return ','.join('%d-%d' % r for r in ranges) or '-'


def repeat(counts):
    out = []
    for c in counts:
        if out and out[-1][0] == c:
            out[-1][1] += 1
        else:
            out.append([c, 1])
    return ','.join('%d*%d' % tuple(c) if c[1] > 1 else str(c[0]) for c in out)


def main():
    if len(sys.argv) < 2:
        sys.exit('usage: model_scripts.py MODEL.py [COUNT]')
    model, count, rnd = load(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 5000, random.Random(2026)
    print('# SPDX-License-Identifier: GPL-2.0')
    while count > 0:
        base = rnd.choice((0, 0, rnd.randrange(1 << 20), rnd.randrange(1 << 45)))
        seal = (base, rnd.randint(1, 30), rnd.choice((2, 8, 40, 1000, SSINF)), 0)
        for _ in range(rnd.randint(1, 8)):
            n, gaps, short = script(model, seal, base, rnd)
            law = model.Law(*seal)
            per = [xs for _, xs in model.walk(law, base, n, gaps, short)]
            numbers = [x for xs in per for x in xs]
            first = numbers[0] if numbers else 0
            assert numbers == list(range(first, first + len(numbers)))
            minted = law.seal()
            hi = highest(law, n)
            half = law.nc if law.f else max(law.win(n) // 2, 2)
            print(*seal, base, n, show(gaps), show(short), first, repeat([len(xs) for xs in per]), *minted, hi, half)
            count -= 1
            if rnd.random() < .15:
                seal, base = (hi, 1, half, 0), hi               # a timeout
            else:
                seal, base = minted, n


if __name__ == '__main__':
    main()
