"""Golden numbers for ttp-lib/tests/suite/metrics_golden.rs, from scikit-learn and numpy.

    python -m venv golden && golden/bin/pip install scikit-learn==1.7.2 numpy==2.2.6
    golden/bin/python environment/golden/metrics.py > ttp-lib/tests/golden/metrics.json

Every case is a table of counts (rows are truth, columns predictions). The
bootstrap is done a second time here from its description alone: ChaCha8 written
out, one stream a resample, scikit-learn's scores on each, numpy's percentiles.
"""

import json
import sys
import warnings

import numpy as np
import sklearn
from sklearn.metrics import accuracy_score, fbeta_score, precision_recall_fscore_support

warnings.filterwarnings("ignore")
MASK32, MASK64 = (1 << 32) - 1, (1 << 64) - 1


def rows(counts):
    """The rows that a table of counts stands for, in the table's order."""
    counts = np.asarray(counts)
    truth, predicted = np.indices(counts.shape)
    repeats = counts.ravel()
    return np.repeat(truth.ravel(), repeats), np.repeat(predicted.ravel(), repeats)


def scores(truth, predicted):
    """Accuracy and each score in its three averages, labels as scikit-learn takes them."""
    out = {"accuracy": float(accuracy_score(truth, predicted))}
    for average in ("micro", "macro", "weighted"):
        precision, recall, f1, _ = precision_recall_fscore_support(
            truth, predicted, average=average, zero_division=0
        )
        f2 = fbeta_score(truth, predicted, beta=2, average=average, zero_division=0)
        half = fbeta_score(truth, predicted, beta=0.5, average=average, zero_division=0)
        for name, value in (
            ("precision", precision), ("recall", recall), ("f1", f1), ("f2", f2), ("f_half", half),
        ):
            out.setdefault(name, {})[average] = float(value)
    return out


def case(name, counts):
    counts = np.asarray(counts, dtype=np.int64)
    truth, predicted = rows(counts)
    labels = np.arange(len(counts))
    kwargs = dict(labels=labels, average=None, zero_division=0)
    precision, recall, f1, support = precision_recall_fscore_support(truth, predicted, **kwargs)
    f2 = fbeta_score(truth, predicted, beta=2, **kwargs)
    per_class = {
        "precision": precision, "recall": recall, "f1": f1, "f2": f2,
        "support": support.astype(int), "predicted": np.bincount(predicted, minlength=len(counts)),
    }
    return {
        "name": name,
        "counts": counts.tolist(),
        "scores": scores(truth, predicted),
        "per_class": {key: value.tolist() for key, value in per_class.items()},
    }


def long_tail(generator, classes, largest, hit):
    """Supports that fall from `largest` to one, and errors that prefer large classes."""
    support = np.maximum(1, (largest * np.exp(-np.arange(classes) / 7)).astype(int))
    counts = np.zeros((classes, classes), dtype=np.int64)
    for c in range(classes):
        chance = (1 - hit) * support / support.sum()
        chance[c] += hit
        counts[c] = generator.multinomial(support[c], chance)
    return counts


def chacha8(seed, stream):
    """Words of ChaCha with 8 rounds; the key is the seed stretched by PCG32, as
    rand_core 0.9's seed_from_u64 describes; words 14 and 15 hold the stream."""
    key, state = [], seed
    for _ in range(8):
        state = (state * 6364136223846793005 + 11634580027462260723) & MASK64
        word, turn = (((state >> 18) ^ state) >> 27) & MASK32, state >> 59
        key.append(((word >> turn) | (word << (32 - turn))) & MASK32 if turn else word)
    constant = [0x61707865, 0x3320646E, 0x79622D32, 0x6B206574]

    def quarter(x, a, b, c, d):
        for first, second, third, bits in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            x[first] = (x[first] + x[second]) & MASK32
            word = x[third] ^ x[first]
            x[third] = ((word << bits) | (word >> (32 - bits))) & MASK32

    block = 0
    while True:
        start = constant + key + [block & MASK32, block >> 32, stream & MASK32, stream >> 32]
        x = list(start)
        for _ in range(4):
            for i in range(4):
                quarter(x, i, 4 + i, 8 + i, 12 + i)
            for i in range(4):
                quarter(x, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
        yield from ((a + b) & MASK32 for a, b in zip(x, start))
        block += 1


def resample(size, seed, stream):
    """Row indices below `size`: a word times `size`, its upper half, without bias."""
    words, drawn = chacha8(seed, stream), []
    reject_below = (1 << 32) % size
    while len(drawn) < size:
        product = next(words) * size
        if product & MASK32 >= reject_below:
            drawn.append(product >> 32)
    return np.array(drawn)


def bootstrap(counts, other, resamples, level, seed):
    """Percentile intervals of every score, and of the paired difference in macro F1."""
    truth, predicted = rows(counts)
    kept = {}
    differences = []
    for stream in range(resamples):
        index = resample(len(truth), seed, stream)
        one = scores(truth[index], predicted[index])
        two = scores(truth[index], other[index])
        kept.setdefault("accuracy", []).append(one["accuracy"])
        for metric in ("precision", "recall", "f1", "f2"):
            for average, value in one[metric].items():
                kept.setdefault(f"{metric} {average}", []).append(value)
        differences.append(one["f1"]["macro"] - two["f1"]["macro"])
    tails = [100 * (1 - level) / 2, 100 * (1 + level) / 2]
    kept["difference f1 macro"] = differences
    return {
        "counts": np.asarray(counts).tolist(), "other": other.tolist(),
        "resamples": resamples, "level": level, "seed": seed,
        "intervals": {name: np.percentile(values, tails).tolist() for name, values in kept.items()},
        "value of the difference": scores(truth, predicted)["f1"]["macro"]
        - scores(truth, other)["f1"]["macro"],
    }


def main():
    generator = np.random.default_rng(20260101)
    never_found = [[5, 1, 0], [2, 7, 0], [3, 1, 0]]
    only_predicted = [[6, 0, 2], [1, 8, 1], [0, 0, 0]]
    in_neither = [[4, 0, 1], [0, 0, 0], [2, 0, 3]]
    cases = [
        case("binary", [[50, 10], [5, 35]]),
        case("three classes", [[13, 2, 1], [4, 9, 3], [0, 2, 6]]),
        case("44 classes, rare ones among them", long_tail(generator, 44, 180, 0.7)),
        case("a class never predicted", never_found),
        case("a class only predicted", only_predicted),
        case("a class in neither", in_neither),
        case("one class only", [[9]]),
        case("one row", [[0, 1], [0, 0]]),
        case("perfect", np.diag([3, 1, 40, 7])),
        case("all wrong", [[0, 4, 1], [2, 0, 0], [3, 5, 0]]),
        case("one sink", [[0, 0, 30], [0, 0, 20], [0, 0, 10]]),
        case("large", long_tail(generator, 12, 400_000, 0.9)),
    ]
    values = generator.normal(size=23).tolist()
    shares = [0, 0.01, 0.025, 0.25, 0.5, 0.731, 0.975, 1]
    percentiles = [
        {"values": v, "shares": shares, "expected": np.percentile(v, np.multiply(100, shares)).tolist()}
        for v in (values, [3.5], [2.0, 1.0], [1, 1, 2, 2, 2, 9])
    ]
    tail = long_tail(generator, 8, 60, 0.75)
    truth, predicted = rows(tail)
    other = np.where(generator.random(len(truth)) < 0.25, generator.integers(0, 8, len(truth)), predicted)
    json.dump(
        {
            "made_by": f"scikit-learn {sklearn.__version__}, numpy {np.__version__}",
            "cases": cases,
            "percentiles": percentiles,
            "bootstrap": bootstrap(tail, other, 300, 0.95, 7),
            "words": {"seed": 7, "stream": 3, "first": [next(w) for w in [chacha8(7, 3)] for _ in range(20)]},
        },
        sys.stdout,
    )
    print()


if __name__ == "__main__":
    main()
