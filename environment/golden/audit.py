"""Golden verdicts for ttp-lib's audit, from mlscorecheck's public examples.

    python -m venv golden
    golden/bin/pip install mlscorecheck==1.0.3 numpy==2.4.6 scikit-learn==1.9.1 PuLP==3.3.2
    golden/bin/python environment/golden/audit.py > ttp-lib/tests/golden/audit.json

The examples are those of its README and of its functions' own pages: one test set of two
classes, and of three classes by micro and by macro averages. The Fowlkes-Mallows index, which
ttp-lib does not look at, is left out of the two that have it, on both sides; of macro averages
mlscorecheck looks at accuracy, sensitivity and specificity, and so do these cases. Its checks of
cross-validation have no counterpart here.
"""

import importlib.metadata
import json

from mlscorecheck.check.binary import check_1_testset_no_kfold
from mlscorecheck.check.multiclass import (check_1_testset_no_kfold_macro,
                                           check_1_testset_no_kfold_micro)

BINARY = [
    ({"p": 100, "n": 200}, {"acc": 0.9567, "sens": 0.8545, "spec": 0.9734}, 1e-4),
    ({"p": 530, "n": 902}, {"acc": 0.62, "sens": 0.22, "spec": 0.86, "f1p": 0.3}, 1e-2),
    ({"p": 530, "n": 902}, {"acc": 0.92, "sens": 0.22, "spec": 0.86, "f1p": 0.3}, 1e-2),
]
SUPPORTS = [10, 100, 80]
MICRO = {"acc": 0.5158, "sens": 0.2737, "spec": 0.6368, "bacc": 0.4553, "ppv": 0.2737,
         "npv": 0.6368}
MACRO = {"acc": 0.6, "sens": 0.3417, "spec": 0.6928}


def main() -> None:
    cases = []
    for testset, scores, eps in BINARY:
        found = check_1_testset_no_kfold(testset=testset, scores=scores, eps=eps)
        cases.append({"kind": "binary", **testset, "scores": scores, "within": str(eps),
                      "inconsistent": bool(found["inconsistency"])})
    for kind, check, scores, altered in (
        ("micro", check_1_testset_no_kfold_micro, MICRO, {**MICRO, "acc": 0.5258}),
        ("macro", check_1_testset_no_kfold_macro, MACRO, {**MACRO, "acc": 0.6020}),
    ):
        for tried in (scores, altered):
            options = {"verbosity": 0} if kind == "macro" else {}
            found = check(testset=dict(enumerate(SUPPORTS)), scores=tried, eps=1e-4, **options)
            cases.append({"kind": kind, "supports": SUPPORTS, "scores": tried,
                          "within": "0.0001", "inconsistent": bool(found["inconsistency"])})
    versions = {name: importlib.metadata.version(name)
                for name in ("mlscorecheck", "numpy", "scikit-learn", "PuLP")}
    print(json.dumps({"versions": versions, "cases": cases}, indent=1))


if __name__ == "__main__":
    main()
