"""Golden numbers for ttp-lib/tests/suite/remedies.rs, from scikit-learn, imbalanced-learn and scipy.

    python -m venv golden && golden/bin/pip install scikit-learn==1.7.2 imbalanced-learn==0.14.0 \
        numpy==2.2.6 scipy==1.15.3
    golden/bin/python environment/golden/remedies.py > ttp-lib/tests/golden/remedies.json

SMOTE draws at random, so what is compared is what it may draw: how many rows of each class
there are afterwards, and between which neighbours a new row may lie.
"""

import json
import sys
from itertools import product

import imblearn
import numpy as np
import scipy
import sklearn
from imblearn.over_sampling import SMOTE, RandomOverSampler
from scipy.special import log_softmax
from sklearn.metrics import f1_score
from sklearn.neighbors import NearestNeighbors
from sklearn.utils.class_weight import compute_class_weight

rng = np.random.default_rng(4)


def weights(counts, beta):
    labels = np.repeat(np.arange(len(counts)), counts)
    balanced = compute_class_weight("balanced", classes=np.arange(len(counts)), y=labels)
    # Cui et al. (2019), equation 2 and the normalisation of section 4.
    raw = (1 - beta) / (1 - np.power(beta, counts))
    return {"counts": counts, "beta": beta, "inverse": balanced.tolist(),
            "effective_number": (raw / raw.sum() * len(counts)).tolist()}


def resampling(counts, neighbours):
    labels = np.repeat(np.arange(len(counts)), counts)
    points = rng.normal(size=(len(labels), 3)).round(3).astype(np.float32)
    _, copied = RandomOverSampler(random_state=1).fit_resample(points, labels)
    _, made = SMOTE(k_neighbors=neighbours, random_state=1).fit_resample(points, labels)
    near = []
    for label in range(len(counts)):
        rows = np.flatnonzero(labels == label)
        search = NearestNeighbors(n_neighbors=neighbours + 1).fit(points[rows])
        near += rows[search.kneighbors(points[rows], return_distance=False)[:, 1:]].tolist()
    return {"points": points.ravel().tolist(), "labels": labels.tolist(), "neighbours": neighbours,
            "near": near, "oversampled": np.bincount(copied).tolist(),
            "smote": np.bincount(made).tolist()}


def adjustment(counts, tau):
    logits = rng.normal(size=(5, len(counts))).round(3)
    prior = np.asarray(counts) / sum(counts)
    adjusted = logits - tau * np.log(prior)
    return {"counts": counts, "tau": tau, "logits": logits.ravel().tolist(),
            "adjusted": adjusted.ravel().tolist(), "predicted": adjusted.argmax(1).tolist()}


def thresholds(rows):
    """Two classes: of one offset for the second, every decision is tried, by scikit-learn."""
    truth = (rng.random(rows) < 0.25).astype(int)
    scores = log_softmax(np.c_[np.full(rows, 1.2), truth + rng.normal(size=rows)].round(3), axis=1)
    gaps = np.sort(scores[:, 0] - scores[:, 1])
    offsets = np.r_[gaps[0] - 1, (gaps[1:] + gaps[:-1]) / 2, gaps[-1] + 1]
    best = max(f1_score(truth, (scores[:, 1] + o > scores[:, 0]).astype(int), average="macro",
                        zero_division=0) for o in offsets)
    before = f1_score(truth, scores.argmax(1), average="macro", zero_division=0)
    return {"scores": scores.ravel().tolist(), "truth": truth.tolist(), "before": before,
            "after": best}


json.dump({
    "versions": {"scikit-learn": sklearn.__version__, "imbalanced-learn": imblearn.__version__,
                 "numpy": np.__version__, "scipy": scipy.__version__},
    "weights": [weights(c, b) for c, b in product([[500, 50, 5], [1, 2, 3, 4]], [0.9, 0.999])],
    "resampling": [resampling([12, 7, 9], 5), resampling([20, 4, 6, 5], 3)],
    "adjustment": [adjustment([90, 9, 1], 1.0), adjustment([5, 3, 2], 0.5)],
    "thresholds": [thresholds(60), thresholds(200)],
}, sys.stdout, indent=1)
print()
