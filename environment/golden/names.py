"""Golden numbers for ttp-lib/tests/suite/names.rs: chi-square, best assignments and pairs.

    python environment/golden/names.py > ttp-lib/tests/golden/names.json

Written with Python 3.11.7, numpy 2.2.6 and scipy 1.15.3: scipy.stats.chisquare,
scipy.optimize.linear_sum_assignment and scipy.stats.binom.
"""

import json
import sys

import numpy
import scipy
from scipy.optimize import linear_sum_assignment
from scipy.stats import binom, chisquare


def by_counts(generator, classes, open_class):
    counts = generator.integers(50, 5000, classes)
    rows = generator.multinomial(3000, counts / counts.sum())
    supports = rows[generator.permutation(classes)]
    others = [c for c in range(classes) if c != open_class]

    def expected(own):
        wanted = (supports.sum() - own) * counts / counts[others].sum()
        if open_class is not None:
            wanted[open_class] = own
        return wanted

    best = None
    for own in [None] if open_class is None else range(classes):
        wanted = expected(0 if own is None else supports[own])
        outputs = [o for o in range(classes) if own is None or o != own]
        cost = (supports[outputs][:, None] - wanted[others][None, :]) ** 2 / wanted[others]
        at = linear_sum_assignment(cost)
        if best is None or cost[at].sum() < best[0]:
            names = [open_class] * classes
            for output, name in zip(*at):
                names[outputs[output]] = others[name]
            best = (cost[at].sum(), names, wanted)
    _, names, wanted = best
    pairs = {}
    for a in range(classes):
        for b in range(a + 1, classes):
            large, small = (a, b) if supports[a] > supports[b] else (b, a)
            share = wanted[names[small]] / (wanted[names[small]] + wanted[names[large]])
            p = binom.sf(supports[large] - 1, supports[large] + supports[small], share)
            pairs[f"{a},{b}"] = float(p) if supports[a] != supports[b] else 1.0
    return {
        "supports": supports.tolist(),
        "counts": [None if c == open_class else int(n) for c, n in enumerate(counts)],
        "printed": float(chisquare(supports, wanted).statistic),
        "best": float(chisquare(supports, wanted[names]).statistic),
        "names": [int(name) for name in names],
        "pairs": {pair: p for pair, p in pairs.items() if p > 0.01},
    }


def by_labelling(generator, classes):
    table = generator.integers(0, 40, (classes, classes))
    table[numpy.arange(classes), generator.permutation(classes)] += 100
    outputs, names = linear_sum_assignment(table.T, maximize=True)
    return {
        "table": table.tolist(),
        "printed": int(numpy.trace(table)),
        "best": int(table.T[outputs, names].sum()),
        "names": names.tolist(),
    }


def main():
    generator = numpy.random.default_rng(23)
    result = {
        "made_by": f"scipy {scipy.__version__}, numpy {numpy.__version__}",
        "counts": [by_counts(generator, 5 + n, n if n % 2 else None) for n in range(6)],
        "labelling": [by_labelling(generator, 3 + n) for n in range(6)],
    }
    json.dump(result, sys.stdout)
    print()


main()
