"""Golden figures for ttp-lib's audit of printed reports, from scikit-learn.

    python -m venv golden && golden/bin/pip install scikit-learn==1.7.2 numpy==2.2.6
    golden/bin/python environment/golden/reports.py > ttp-lib/tests/golden/reports.json

Each case is a small matrix of counts of its own (rows are truth, columns predictions): one with a
class that has no example, one that nothing is said to be of, one that is all right. Of each:
balanced accuracy in both of scikit-learn's readings, kappa, Matthews' correlation, the matrix
normalised in its three ways, and the report over all labels, over some of them, and of rows with
several labels.
"""

import json
import sys
import warnings

import numpy as np
import sklearn
from sklearn.metrics import (balanced_accuracy_score, classification_report, cohen_kappa_score,
                             confusion_matrix, matthews_corrcoef)

warnings.filterwarnings("ignore")

CASES = {
    "three": ([[41, 7, 2], [9, 25, 11], [0, 13, 52]], [0, 2]),
    "no example of the second": ([[30, 4, 1], [0, 0, 0], [6, 2, 17]], [0, 1]),
    "nothing said to be the last": ([[12, 5, 0], [3, 20, 0], [4, 6, 0]], [1, 2]),
    "two": ([[95, 5], [20, 30]], [1]),
    "all right": ([[8, 0], [0, 5]], [0]),
    "four": ([[120, 3, 0, 9], [14, 77, 5, 2], [1, 0, 40, 6], [30, 12, 8, 200]], [0, 1, 3]),
}


def rows(counts):
    truth, predicted = np.indices(counts.shape)
    repeats = counts.ravel()
    return np.repeat(truth.ravel(), repeats), np.repeat(predicted.ravel(), repeats)


def report(truth, predicted, labels):
    found = classification_report(truth, predicted, labels=labels, output_dict=True,
                                  zero_division=0)
    return {name.replace(" avg", ""): line for name, line in found.items() if name != "samples avg"}


def case(name, counts, some):
    counts = np.asarray(counts)
    truth, predicted = rows(counts)
    labels = list(range(len(counts)))
    with_several = np.random.default_rng(len(name))
    several = [with_several.integers(0, 2, (40, len(counts))) for _ in range(2)]
    return {
        "name": name,
        "counts": counts.tolist(),
        "balanced": balanced_accuracy_score(truth, predicted),
        "adjusted": balanced_accuracy_score(truth, predicted, adjusted=True),
        "kappa": cohen_kappa_score(truth, predicted, labels=labels),
        "mcc": matthews_corrcoef(truth, predicted),
        "normalized": {
            how: confusion_matrix(truth, predicted, labels=labels, normalize=how).tolist()
            for how in ("true", "pred", "all")
        },
        "report": report(truth, predicted, labels),
        "some": {"labels": some, "report": report(truth, predicted, some)},
        "several": report(several[0], several[1], labels),
    }


def main():
    found = {"sklearn": sklearn.__version__, "numpy": np.__version__,
             "cases": [case(name, *rest) for name, rest in CASES.items()]}
    json.dump(found, sys.stdout, separators=(",", ":"))
    print()


if __name__ == "__main__":
    main()
