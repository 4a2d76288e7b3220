"""Golden numbers for ttp-lib/tests/suite/diagnosis.rs, from scikit-learn.

    python -m venv golden && golden/bin/pip install scikit-learn==1.7.2 numpy==2.2.6
    golden/bin/python environment/golden/diagnosis.py > ttp-lib/tests/golden/diagnosis.json

Every case is a list of cells, [truth, prediction, rows], and what classification_report says of
the rows they stand for. The case of probabilities has its rows written out.
"""

import json
import sys
import warnings

import numpy as np
import sklearn
from sklearn.metrics import classification_report, log_loss

warnings.filterwarnings("ignore")


def drawn(seed, supports, right, columns):
    """Cells of a classifier that is right so often, its errors drawn among `columns` classes."""
    rng = np.random.default_rng(seed)
    cells = []
    for truth, support in enumerate(supports):
        share = right[truth % len(right)]
        weights = rng.dirichlet(np.full(columns, 0.3)) * (1 - share)
        if truth < columns:
            weights[truth] += share
        weights /= weights.sum()
        for predicted, rows in enumerate(rng.multinomial(support, weights)):
            if rows:
                cells.append([f"c{truth:03}", f"c{predicted:03}", int(rows)])
    return cells


def case(name, cells):
    truth = np.repeat([c[0] for c in cells], [c[2] for c in cells])
    predicted = np.repeat([c[1] for c in cells], [c[2] for c in cells])
    report = classification_report(truth, predicted, output_dict=True, zero_division=0)
    averages = {key: report.pop(key) for key in ("accuracy", "macro avg", "weighted avg")}
    return {
        "name": name,
        "cells": cells,
        "accuracy": averages["accuracy"],
        "macro": averages["macro avg"],
        "weighted": averages["weighted avg"],
        "classes": report,
    }


def probabilities():
    """Rows with the probabilities of four classes, and their log loss."""
    rng = np.random.default_rng(5)
    labels = ["a", "b", "c", "d"]
    values = np.round(rng.dirichlet(np.full(4, 0.5), size=40), 6)
    # What was rounded away goes to the largest: rows add up to 1.
    values[np.arange(40), values.argmax(axis=1)] += 1 - values.sum(axis=1)
    values[3] = [0, 0, 1, 0]
    truth = [labels[i] for i in rng.integers(0, 4, size=40)]
    truth[3] = "a"  # said to be impossible
    return {
        "labels": labels,
        "values": values.tolist(),
        "truth": truth,
        "log_loss": float(log_loss(truth, values, labels=labels)),
    }


def main():
    cases = [
        case("two classes", [["no", "no", 90], ["no", "yes", 10], ["yes", "no", 4], ["yes", "yes", 16]]),
        case("imbalanced", drawn(1, [9000, 2500, 400, 60, 12, 3], [0.95, 0.7, 0.4], 6)),
        case("never found, and only among predictions", [
            ["a", "a", 50], ["a", "z", 3], ["b", "a", 20], ["b", "z", 1],
            ["c", "c", 7], ["c", "b", 2], ["d", "c", 1],
        ]),
        case("all wrong", [["a", "b", 3], ["b", "c", 4], ["c", "a", 5]]),
        case("one class", [["only", "only", 11]]),
        case("twenty-one families", drawn(2, [int(9000 / (i + 1)) for i in range(21)],
                                          [0.98, 0.6, 0.3, 0.0], 21)),
        case("two hundred classes, ten of them only in truth",
             drawn(3, [5 + (37 * i) % 700 for i in range(200)], [0.9, 0.5, 0.1, 0.0], 190)),
    ]
    out = {
        "made_by": f"scikit-learn {sklearn.__version__}, numpy {np.__version__}, "
                   f"Python {sys.version.split()[0]}",
        "cases": cases,
        "probabilities": probabilities(),
    }
    json.dump(out, sys.stdout, separators=(",", ":"))
    print()


main()
