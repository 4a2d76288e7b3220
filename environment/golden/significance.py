"""Golden numbers for ttp-lib/tests/suite/significance_golden.rs, from statsmodels and scikit-learn.

    python -m venv golden
    golden/bin/pip install statsmodels==0.14.5 scipy==1.17.1 scikit-learn==1.7.2 numpy==2.2.6
    golden/bin/python environment/golden/significance.py > ttp-lib/tests/golden/significance.json

The bootstraps are done a second time here from their description, as in metrics.py:
groups of rows are drawn, numbered by their first rows, and two sets of rows that have
nothing to do with each other take the streams 0 to n - 1 and n to 2n - 1.
"""

import json
import sys

import numpy as np
import scipy
import sklearn
import statsmodels
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from metrics import long_tail, resample, rows, scores

SCORES = ("precision", "recall", "f1", "f2")


def mcnemar_cases():
    pairs = [
        (0, 0), (0, 1), (1, 1), (0, 5), (5, 6), (2, 8), (7, 7), (10, 30), (49, 51), (3, 500),
        (120, 161), (0, 1000), (0, 1100), (999, 1001), (4800, 5200), (20_000, 20_300),
        (25_000, 25_000), (30_000, 31_500), (1, 40_000), (60_000, 60_700),
    ]
    for b, c in pairs:
        result = mcnemar([[0, b], [c, 0]], exact=True)
        yield {"b": b, "c": c, "p": float(result.pvalue)}


def holm_cases(generator):
    lists = [
        [0.03], [0.04, 0.01, 0.02], [0.01, 0.01, 0.01], [0.2, 0.9, 1.0, 0.6], [0.0, 1e-300, 1.0],
        [0.05, 0.025, 0.0166, 0.0125], generator.random(15).tolist(),
        (generator.random(40) ** 6).tolist(),
    ]
    for values in lists:
        adjusted = multipletests(values, method="holm")[1]
        yield {"p_values": values, "adjusted": adjusted.tolist()}


def flat(one):
    """The scores by name, `f1 macro` for instance."""
    out = {"accuracy": one["accuracy"]}
    for score in SCORES:
        out.update({f"{score} {average}": value for average, value in one[score].items()})
    return out


def groups_of(keys):
    """The rows of each group, groups in the order of their first rows."""
    numbered = {}
    for row, key in enumerate(keys):
        numbered.setdefault(key, []).append(row)
    return [np.array(group) for group in numbered.values()]


def draws(part, seed, streams):
    """The part's scores on each resample of its groups."""
    truth, predicted, groups = part
    for stream in streams:
        drawn = resample(len(groups), seed, stream)
        index = np.concatenate([groups[group] for group in drawn])
        yield flat(scores(truth[index], predicted[index]))


def estimates(value, sampled, level):
    """Each score's value, and the interval that its resamples give."""
    tails = [100 * (1 - level) / 2, 100 * (1 + level) / 2]
    return {
        name: [value[name], *np.percentile([one[name] for one in sampled], tails).tolist()]
        for name in value
    }


def minus(one, two):
    return {name: one[name] - two[name] for name in one}


def bootstrap_case(generator, resamples=200, level=0.95, seed=11):
    truth, first = rows(long_tail(generator, 6, 50, 0.75))
    changed = generator.random(len(truth)) < 0.25
    second = np.where(changed, generator.integers(0, 6, len(truth)), first)
    # Twins of a sentence are of one technique, and stand anywhere in the part.
    keys = [int(t) * 1000 + int(k) for t, k in zip(truth, generator.integers(0, 12, len(truth)))]
    order = generator.permutation(len(truth))
    truth, first, second = truth[order], first[order], second[order]
    keys = [keys[at] for at in order]
    groups = groups_of(keys)
    one, two = (truth, first, groups), (truth, second, groups)
    other_truth, other_predicted = rows(long_tail(generator, 6, 40, 0.6))
    other = (other_truth, other_predicted, [np.array([row]) for row in range(len(other_truth))])

    def whole(part):
        return flat(scores(part[0], part[1]))

    first_half, second_half = range(resamples), range(resamples, 2 * resamples)
    of_one = list(draws(one, seed, first_half))
    pairs = [minus(a, b) for a, b in zip(of_one, draws(two, seed, first_half))]
    apart = [minus(a, b) for a, b in zip(of_one, draws(other, seed, second_half))]
    return {
        "classes": 6, "resamples": resamples, "level": level, "seed": seed,
        "truth": truth.tolist(), "first": first.tolist(), "second": second.tolist(), "keys": keys,
        "other_truth": other_truth.tolist(), "other_predicted": other_predicted.tolist(),
        "grouped": estimates(whole(one), of_one, level),
        "paired": estimates(minus(whole(one), whole(two)), pairs, level),
        "unpaired": estimates(minus(whole(one), whole(other)), apart, level),
    }


def main():
    generator = np.random.default_rng(20260302)
    json.dump(
        {
            "made_by": f"statsmodels {statsmodels.__version__}, scipy {scipy.__version__}, "
            f"scikit-learn {sklearn.__version__}, numpy {np.__version__}",
            "mcnemar": list(mcnemar_cases()),
            "holm": list(holm_cases(generator)),
            "bootstrap": bootstrap_case(generator),
        },
        sys.stdout,
    )
    print()


if __name__ == "__main__":
    main()
