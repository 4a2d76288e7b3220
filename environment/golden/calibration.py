"""Golden numbers for ttp-lib/tests/suite/calibration_golden.rs, from scikit-learn and scipy.

    python -m venv golden
    golden/bin/pip install scikit-learn==1.7.2 scipy==1.15.3 numpy==2.2.6
    golden/bin/python environment/golden/calibration.py > ttp-lib/tests/golden/calibration.json

Bins are calibration_curve's with strategy="quantile". How many rows each has is counted with the
same percentiles, since calibration_curve does not say. scikit-learn compares rounded percentiles:
a row that lies on one may go either way. So no case has a number of rows less one that shares a
factor with the number of bins.

The temperature is that of minimize_scalar, good to about eight digits as any minimum of a
function in double precision is, and that of brentq on the derivative, good to all digits.

The bootstraps are done a second time here from their description, as in metrics.py; a perfectly
calibrated model's labels take the streams after those, one word of 32 bits for each group.

`calibration.py coverage` prints how often the intervals of a calibration error hold the true one,
in draws of synthetic rows (a minute).
"""

import json
import sys

import numpy as np
import scipy
import sklearn
from scipy.optimize import brentq, minimize_scalar
from scipy.special import log_softmax, softmax
from sklearn.calibration import calibration_curve
from sklearn.metrics import accuracy_score, brier_score_loss, log_loss

from metrics import chacha8, resample

BINS = 15


def bins_of(confidence, bins=BINS):
    """Each row's bin, as calibration_curve has it."""
    ends = np.percentile(confidence, np.linspace(0, 1, bins + 1) * 100)
    return np.searchsorted(ends[1:-1], confidence)


def errors(places, confidence, right):
    """Expected and maximum calibration error, by their definition."""
    distances, rows = [], []
    for place in np.unique(places):
        of_bin = places == place
        distances.append(abs(right[of_bin].mean() - confidence[of_bin].mean()))
        rows.append(of_bin.sum())
    return [float(np.average(distances, weights=rows)), float(max(distances))]


def curve(confidence, right, bins=BINS):
    accuracy, mean = calibration_curve(right, confidence, n_bins=bins, strategy="quantile")
    places = bins_of(confidence, bins)
    rows = np.bincount(places)
    rows = rows[rows > 0]
    assert len(rows) == len(mean)
    expected = float(np.average(np.abs(accuracy - mean), weights=rows))
    assert np.isclose(expected, errors(places, confidence, right)[0], rtol=0, atol=1e-12)
    return {"bins": bins, "accuracy": accuracy.tolist(), "confidence": mean.tolist(),
            "rows": rows.tolist(), "expected": expected,
            "maximum": float(np.abs(accuracy - mean).max())}


def scores(probabilities, truth):
    labels = list(range(probabilities.shape[1]))
    return {"log_loss": float(log_loss(truth, probabilities, labels=labels)),
            "brier": float(brier_score_loss(truth, probabilities, labels=labels))}


def groups_of(keys):
    """The rows of each group, groups in the order of their first rows."""
    numbered = {}
    for row, key in enumerate(keys):
        numbered.setdefault(key, []).append(row)
    return [np.array(group) for group in numbered.values()]


def brier_rows(probabilities, truth):
    return ((probabilities - np.eye(probabilities.shape[1])[truth]) ** 2).sum(axis=1)


def temperature(logits, truth):
    rows = np.arange(len(truth))

    def loss(inverse):
        return -log_softmax(logits * inverse, axis=1)[rows, truth].mean()

    def slope(inverse):
        p = softmax(logits * inverse, axis=1)
        return ((p * logits).sum(axis=1) - logits[rows, truth]).mean()

    found = minimize_scalar(loss, bounds=(0.01, 100), method="bounded", options={"xatol": 1e-12})
    return {"minimised": 1 / found.x, "exact": 1 / brentq(slope, 0.01, 100, xtol=1e-15, rtol=1e-14)}


def risk_coverage(confidence, right):
    """The curve at each confidence, the area under it, and what can be named at a precision."""
    points = []
    for threshold in np.unique(confidence)[::-1]:
        named = confidence >= threshold
        points.append([float(threshold), int(named.sum()), float(1 - right[named].mean())])
    # The risk of each row is that of all rows at least as confident.
    area = np.mean([1 - right[confidence >= c].mean() for c in confidence])
    named_at = []
    for precision in (0.5, 0.7, 0.8, 0.9, 1.0):
        fit = [p for p in points if right[confidence >= p[0]].mean() >= precision]
        named_at.append({"precision": precision, "threshold": fit[-1][0] if fit else None,
                         "rows": fit[-1][1] if fit else 0})
    return {"points": points, "area": float(area), "named_at": named_at}


def intervals(probabilities, truth, keys, threshold, resamples=200, level=0.95, seed=13):
    confidence = probabilities.max(axis=1)
    right = (probabilities.argmax(axis=1) == truth).astype(float)
    places = bins_of(confidence)
    groups = groups_of(keys)
    number = np.empty(len(truth), dtype=int)
    for at, group in enumerate(groups):
        number[group] = at
    clipped = np.clip(probabilities, np.finfo(float).eps, 1 - np.finfo(float).eps)
    losses = -np.log(clipped[np.arange(len(truth)), truth])
    brier = brier_rows(probabilities, truth)
    named = confidence >= threshold
    drawn = {name: [] for name in ("log_loss", "brier", "expected", "maximum", "area",
                                   "coverage", "precision")}
    for stream in range(resamples):
        index = np.concatenate([groups[g] for g in resample(len(groups), seed, stream)])
        drawn["log_loss"].append(losses[index].mean())
        drawn["brier"].append(brier[index].mean())
        both = errors(places[index], confidence[index], right[index])
        drawn["expected"].append(both[0])
        drawn["maximum"].append(both[1])
        drawn["area"].append(risk_coverage_area(confidence[index], right[index]))
        drawn["coverage"].append(named[index].mean())
        drawn["precision"].append(right[index][named[index]].mean())
    tails = [100 * (1 - level) / 2, 100 * (1 + level) / 2]
    out = {name: np.percentile(values, tails).tolist() for name, values in drawn.items()}
    chance = []
    for stream in range(resamples, 2 * resamples):
        words = chacha8(seed, stream)
        uniform = np.array([next(words) for _ in groups]) / 2**32
        chance.append(errors(places, confidence, (uniform[number] < confidence).astype(float)))
    measured = errors(places, confidence, right)
    for at, name in enumerate(("expected", "maximum")):
        low, high = out.pop(name)
        of_chance = np.array(chance)[:, at]
        p_value = (1 + (of_chance >= measured[at]).sum()) / (1 + resamples)
        turned = [2 * measured[at] - np.mean(drawn[name]), 2 * measured[at] - high, high]
        turned = np.clip(turned, 0, 1)
        if p_value > (1 - level) / 2:
            turned[1] = 0
        out[name] = {"measured": measured[at], "corrected": turned.tolist(),
                     "by_chance": float(of_chance.mean()), "p_value": float(p_value)}
    return {"keys": keys, "threshold": threshold, "resamples": resamples, "level": level,
            "seed": seed, "of": out}


def risk_coverage_area(confidence, right):
    order = np.argsort(-confidence, kind="stable")
    wrong = np.cumsum(1 - right[order])
    last = np.searchsorted(-confidence[order], -confidence, side="right")
    return float(np.mean(wrong[last - 1] / last))


def both(first, second, truth, steps=20):
    """The best weights of a mean: of equals the nearest to one half, of two as near the larger."""
    weights = sorted((k / steps for k in range(steps + 1)),
                     key=lambda w: (abs(round(2 * w * steps) - steps), -w))
    means = [w * first + (1 - w) * second for w in weights]
    accuracy = [accuracy_score(truth, mean.argmax(axis=1)) for mean in means]
    losses = [scores(mean, truth)["log_loss"] for mean in means]
    return {"steps": steps, "by_accuracy": weights[int(np.argmax(accuracy))],
            "by_loss": weights[int(np.argmin(losses))], "loss": min(losses),
            "accuracy": max(accuracy)}


def logits_case(rng, rows=200, classes=5, heat=2.2):
    """Logits of a model that is too sure of itself, and those of another one."""
    logits = (rng.normal(size=(rows, classes)) * 2.5).round(3)
    chance = softmax(logits / heat, axis=1)
    truth = np.array([rng.choice(classes, p=p) for p in chance])
    other = (rng.normal(size=(rows, classes)) + 1.5 * np.eye(classes)[truth]).round(3)
    keys = rng.integers(0, 80, rows).tolist()
    probabilities, second = softmax(logits, axis=1), softmax(other, axis=1)
    confidence = probabilities.max(axis=1)
    right = (probabilities.argmax(axis=1) == truth).astype(float)
    fitted = temperature(logits, truth)
    after = softmax(logits / fitted["exact"], axis=1)
    threshold = float(np.sort(confidence)[rows // 2])
    return {
        "classes": classes, "logits": logits.ravel().tolist(), "truth": truth.tolist(),
        "second_logits": other.ravel().tolist(),
        "before": scores(probabilities, truth), "after": scores(after, truth),
        "temperature": fitted, "second_temperature": temperature(other, truth),
        "curves": [curve(confidence, right), curve(confidence, right, 7),
                   curve(after.max(axis=1), right)],
        "risk_coverage": risk_coverage(confidence, right),
        "intervals": intervals(probabilities, truth, keys, threshold),
        "calibrated": intervals(after, truth, keys, float(np.sort(after.max(axis=1))[rows // 2])),
        "both": both(probabilities, second, truth),
    }


def ties_case(rng, rows=200):
    """Two classes with confidences of two decimals, many of them equal."""
    confidence = np.maximum(rng.beta(4, 1.5, size=rows), 0.51).round(2)
    right = (rng.random(rows) < confidence - 0.1).astype(float)
    return {"confidence": confidence.tolist(), "right": right.astype(int).tolist(),
            "curve": curve(confidence, right), "risk_coverage": risk_coverage(confidence, right)}


def coverage(rows=(808,), draws=200, resamples=200):
    """How often intervals hold the true calibration error, by how far a model is too sure."""
    rng = np.random.default_rng(1)
    for n in rows:
        place = np.arange(n) * BINS // n
        for kind, by in (("all", 0), ("all", 0.02), ("all", 0.04), ("all", 0.08), ("all", 0.15),
                         ("sure", 0.1), ("sure", 0.3)):
            held, true_error = {"ours": 0, "basic": 0, "percentile": 0}, 0
            for _ in range(draws):
                confidence = np.sort(rng.beta(3, 1, n) * 0.8 + 0.2)
                gap = by if kind == "all" else by * (confidence - 0.5)
                chance = np.clip(confidence - gap, 0, 1)
                right = (rng.random(n) < chance).astype(float)

                def error(labels, weights=1.0):
                    distances = np.bincount(place, weights * (confidence - labels), BINS)
                    return np.abs(distances).sum() / n

                measured, true = error(right), error(chance)
                drawn = [error(right, w) for w in rng.multinomial(n, np.full(n, 1 / n), resamples)]
                calibrated = [error(rng.random(n) < confidence) for _ in range(resamples)]
                low, high = np.percentile(drawn, [2.5, 97.5])
                p_value = (1 + (np.array(calibrated) >= measured).sum()) / (1 + resamples)
                first = 0 if p_value > 0.025 else max(2 * measured - high, 0)
                held["ours"] += first <= true <= high
                held["basic"] += first <= true <= max(2 * measured - low, 0)
                held["percentile"] += low <= true <= high
                true_error += true / draws
            counts = {name: int(count) for name, count in held.items()}
            print(n, kind, by, f"true {true_error:.3f}", counts, flush=True)


def main():
    if sys.argv[1:] == ["coverage"]:
        coverage()
        return
    rng = np.random.default_rng(20260616)
    json.dump(
        {
            "made_by": f"scikit-learn {sklearn.__version__}, scipy {scipy.__version__}, "
                       f"numpy {np.__version__}",
            "logits": logits_case(rng),
            "ties": ties_case(rng),
        },
        sys.stdout,
        separators=(",", ":"),
    )
    print()


if __name__ == "__main__":
    main()
