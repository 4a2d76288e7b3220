"""Golden numbers for ttp-metrics' summary of several runs, from scipy.

    python -m venv golden
    golden/bin/pip install scipy==1.15.3 numpy==2.2.6
    golden/bin/python environment/golden/summary.py > ttp-lib/tests/golden/summary.json

The corrected resampled t-test is Nadeau and Bengio's (2003), as scikit-learn's example
"Statistical comparison of models using grid search" has it.
"""

import json
import sys

import numpy as np
import scipy
from scipy import stats


def interval(values, level, overlap=0.0):
    """Student's interval; with no overlap this is scipy's own."""
    n = len(values)
    scale = np.std(values, ddof=1) * np.sqrt(1 / n + overlap)
    return [float(end) for end in stats.t.interval(level, n - 1, np.mean(values), scale)]


def summary(values, level, overlap=0.0):
    ends = interval(values, level, overlap)
    return [float(np.mean(values)), float(np.std(values, ddof=1)), *ends]


def corrected(first, second, level, overlap):
    differences = first - second
    n = len(differences)
    t = np.mean(differences) / np.sqrt((1 / n + overlap) * np.var(differences, ddof=1))
    return [*summary(differences, level, overlap), float(2 * stats.t.sf(abs(t), n - 1))]


def paired(first, second, level):
    result = stats.ttest_rel(first, second)
    low, high = result.confidence_interval(level)
    return [*summary(first - second, level)[:2], float(low), float(high), float(result.pvalue)]


def cases():
    rng = np.random.default_rng(20261127)
    for n in (2, 3, 5, 10, 20, 101):
        for level, gain, shares in ((0.95, 0.0, (0.1, 0.8)), (0.99, 0.02, (0.2, 0.8)),
                                    (0.5, 0.002, (0.1, 0.9)), (0.999, 0.3, (0.15, 0.7))):
            base = 0.8 + 0.01 * rng.normal(size=n)
            first = base + gain + 0.005 * rng.normal(size=n)
            second = base + 0.005 * rng.normal(size=n)
            overlap = shares[0] / shares[1]
            yield {"first": first.tolist(), "second": second.tolist(), "level": level,
                   "shares": list(shares), "summary": summary(first, level),
                   "paired": paired(first, second, level),
                   "corrected": corrected(first, second, level, overlap),
                   "splits": interval(first, level, overlap)}


def main():
    json.dump({"made_by": f"scipy {scipy.__version__}, numpy {np.__version__}",
               "cases": list(cases())}, sys.stdout, separators=(",", ":"))
    print()


if __name__ == "__main__":
    main()
