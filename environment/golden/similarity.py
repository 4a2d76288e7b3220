"""Golden numbers for ttp-lib's sentence vectors, their losses and the mining of hard
negatives, from sentence-transformers and scikit-learn.

    python -m venv golden
    golden/bin/pip install torch==2.4.0 transformers==4.46.3 sentence-transformers==5.1.2 \\
        datasets==3.6.0 scikit-learn==1.7.2 scipy==1.15.3 pandas==2.2.3 pyarrow==20.0.0 numpy==2.2.6
    golden/bin/python environment/golden/similarity.py > ttp-lib/tests/golden/similarity.json

The Python that `make bench-mining` makes in the cache has the same versions. Another
folder with MiniLM's files can be named after the script.

Losses are computed in double precision on vectors by a formula, by the library's own
classes. In 5.1.2 TripletLoss has its Euclidean distance with the wrong sign: what the
library calls TripletDistanceMetric.EUCLIDEAN is a similarity, minus the distance, so that
the loss would pull negatives nearer. Its class gets the distance itself here.

Mining goes through `mine_hard_negatives`, whose rank window has its own rules:

  - it takes the range_max + 1 nearest candidates, and strikes out the positive among them.
    Where the positive is not there, that is one candidate more, which moves up when a
    margin or max_score refuses another. In the cases that have these, every positive is
    there, and so that does not show: check() sees to it.
  - range_min counts what the positive, the margins, max_score and min_score have left, and
    not ranks among all candidates.
  - where range_max is not given it is range_min + negatives + 1, or with a margin or
    max_score (min_score does not count) range_min + 10 * negatives + 1. The 1 stands for
    the most positives that an anchor has. A corpus of fewer than range_max + 1 texts is an
    error.
  - what is exactly at a margin, at max_score or at min_score is kept.
  - an anchor that stands in the corpus is a candidate of its own: nothing takes it out.
"""

import json
import sys
from pathlib import Path

import datasets
import numpy as np
import sentence_transformers
import sklearn
import torch
import transformers
from sentence_transformers import SentenceTransformer, losses, models, util
from sklearn.metrics import (accuracy_score, average_precision_score, f1_score, matthews_corrcoef,
                             precision_score, recall_score, roc_auc_score)

MODEL = Path(__file__).resolve().parents[2] / "data/raw/models/minilm"
MAX_LENGTH = 256
SENTENCES = [
    "The implant sends the stolen documents to its server over HTTPS.",
    "Ransomware",
    "APT-X (naïve spelling: “ÀPT-X”) drops C:\\Windows\\Temp\\a_b.exe, then pings 203.0.113.7 "
    "and waits; 日本語 too.",
    " ".join(["The loader decrypts its second stage, writes it to disk and starts it."] * 24),
    "THE ATTACKERS READ PASSWORDS FROM THE MEMORY OF LSASS.",
    "A scheduled task starts the backdoor again after each reboot.",
    "The group sent mails with a macro document to people in finance.",
    "Its operators deleted the event logs before they left the network.",
]

# Nothing that is compared may hang on single precision.
CLEAR = 1e-5


def numbers(rows, columns, step):
    """Numbers between -1 and 1 by a formula: there is no chance in them."""
    places = np.arange(1, rows * columns + 1, dtype=np.float64)
    return np.sin(step * places * places).reshape(rows, columns)


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def short(rows):
    """Eight significant digits: the decimals that are written, as Python's floats."""
    return [[float(f"{x:.8g}") for x in row] for row in rows]


def clear(values, bounds=()):
    """That no value is a neighbour of another one, or of a bound."""
    everything = np.sort(np.append(np.ravel(values), bounds))
    assert np.diff(everything).min() > CLEAR, "two numbers are too near to each other"


# -- sentence vectors -----------------------------------------------------------------

def embeddings(folder):
    transformer = models.Transformer(str(folder), max_seq_length=MAX_LENGTH)
    pooling = models.Pooling(transformer.get_word_embedding_dimension(), pooling_mode="mean")
    model = SentenceTransformer(modules=[transformer, pooling, models.Normalize()], device="cpu")
    lengths = [len(transformer.tokenizer(s, truncation=False)["input_ids"]) for s in SENTENCES]
    assert max(lengths) > MAX_LENGTH, "no sentence is cut"
    # One by one: no padding.
    vectors = [model.encode(sentence, show_progress_bar=False) for sentence in SENTENCES]
    return [{"sentence": s, "vector": v} for s, v in zip(SENTENCES, short(vectors))]


# -- losses ---------------------------------------------------------------------------

def rounded(rows):
    return np.round(rows, 4)


FIRST = rounded(1.5 * numbers(6, 5, 0.37))


def turned(angles, step):
    """Each of the first vectors, turned by about so much and made longer or shorter."""
    angles, other = np.array(angles)[:, None], 1.5 * numbers(6, 5, step)
    stretch = 0.6 + 0.2 * np.arange(6)[:, None]
    return rounded(stretch * (np.cos(angles) * FIRST + np.sin(angles) * other))


# Cosine distances on both sides of every margin, and of each other.
SECOND = turned([0.2, 0.5, 0.75, 0.9, 1.3, 1.9], 0.53)
THIRD = turned([0.6, 0.4, 1.6, 0.8, 1.0, 1.7], 0.71)
MIXED = [1, 0, 0, 1, 1, 0]


class InDouble(torch.nn.MSELoss):
    """The class casts labels to single precision, which backward() cannot mix with double."""

    def forward(self, values, labels):
        return super().forward(values, labels.double())


def loss_case(loss, parameters, labels=None, third=None):
    """The class gets tensors where it would have sentences, and its model gives them back."""
    loss.model = lambda tensor: {"sentence_embedding": tensor}
    columns = [FIRST, SECOND] + ([] if third is None else [third])
    tensors = [torch.tensor(column, requires_grad=True) for column in columns]
    value = loss(tensors, None if labels is None else torch.tensor(labels))
    value.backward()
    return {
        "loss": type(loss).__name__, "parameters": parameters,
        "first": FIRST.tolist(), "second": SECOND.tolist(),
        "third": None if third is None else third.tolist(), "labels": labels,
        "value": value.item(), "gradient_first": tensors[0].grad.tolist(),
    }


def loss_cases():
    def distance(first, second):
        return -util.pairwise_euclidean_sim(first, second)

    for labels in (MIXED, [0, 1, 1, 0, 1, 0]):
        yield loss_case(losses.CosineSimilarityLoss(None, InDouble()), {}, labels)
    for margin in (0.5, 0.3):
        yield loss_case(losses.ContrastiveLoss(None, margin=margin),
                        {"distance": "cosine", "margin": margin}, MIXED)
    # Of one pair alone, or of none, the other label's pairs have no hardest to be measured
    # by: their own mean takes its place.
    for labels in (MIXED, [1, 1, 0, 0, 1, 0], [0, 0, 0, 1, 0, 0], [1, 1, 1, 0, 1, 1], [1] * 6, [0] * 6):
        yield loss_case(losses.OnlineContrastiveLoss(None, margin=0.5),
                        {"distance": "cosine", "margin": 0.5}, labels)
    for third in (None, THIRD):
        yield loss_case(losses.MultipleNegativesRankingLoss(None, scale=20.0), {"scale": 20.0},
                        third=third)
    metrics = {"cosine": losses.TripletDistanceMetric.COSINE, "euclidean": distance}
    for name, margin in (("cosine", 0.5), ("cosine", 0.1), ("euclidean", 5.0), ("euclidean", 0.3)):
        loss = losses.TripletLoss(None, distance_metric=metrics[name], triplet_margin=margin)
        yield loss_case(loss, {"distance": name, "margin": margin}, third=THIRD)


# -- mining ---------------------------------------------------------------------------

CANDIDATES = short(unit(numbers(40, 6, 0.61)))
POSITIVES = [(7 * anchor + 3) % 40 for anchor in range(12)]
ANCHORS = short(unit(np.array(CANDIDATES)[POSITIVES] + 0.75 * unit(numbers(12, 6, 0.43))))
NAMES = ("range_min", "range_max", "min_score", "max_score", "absolute_margin", "relative_margin")


class Fixed:
    """As much of a model as the mining asks for: a vector for each text, and the cosine."""

    device = torch.device("cpu")
    similarity = staticmethod(util.cos_sim)
    similarity_pairwise = staticmethod(util.pairwise_cos_sim)

    def __init__(self, **vectors):
        self.vectors = {f"{name} {at}": np.array(vector, dtype=np.float32)
                        for name, rows in vectors.items() for at, vector in enumerate(rows)}

    def encode_query(self, texts, **options):
        return np.stack([self.vectors[text] for text in texts])

    encode_document = encode_query


def mined(model, negatives, **settings):
    """The candidates kept for each anchor, nearest first."""
    anchors = [f"anchor {at}" for at in range(len(ANCHORS))]
    pairs = datasets.Dataset.from_dict(
        {"anchor": anchors, "positive": [f"candidate {at}" for at in POSITIVES]})
    found = util.mine_hard_negatives(
        pairs, model, corpus=[f"candidate {at}" for at in range(len(CANDIDATES))],
        num_negatives=negatives, output_format="triplet", verbose=False, **settings)
    kept = {anchor: [] for anchor in anchors}
    for row in found:
        kept[row["anchor"]].append(int(row["negative"].split()[1]))
    return list(kept.values())


def check(scores, negatives, settings):
    """That neither the window's odd candidate nor a rounding error decides anything."""
    more = {"max_score", "absolute_margin", "relative_margin"} & set(settings)
    window = settings.get("range_max") or (
        settings.get("range_min", 0) + (10 if more else 1) * negatives + 1)
    for row, at in zip(scores, POSITIVES):
        assert not more or (row > row[at]).sum() <= window, "a positive is outside of the window"
        bounds = [settings[name] for name in ("min_score", "max_score") if name in settings]
        if "absolute_margin" in settings:
            bounds.append(row[at] - settings["absolute_margin"])
        if "relative_margin" in settings:
            bounds.append(row[at] * (1 - settings["relative_margin"]))
        # A margin of 0 is the positive's own score.
        clear(row, [bound for bound in bounds if bound != row[at]])


def mining():
    model = Fixed(anchor=ANCHORS, candidate=CANDIDATES)
    scores = unit(np.array(ANCHORS)) @ unit(np.array(CANDIDATES)).T
    cases = []
    for negatives, settings in (
        (1, {}),
        (3, {}),
        (3, {"range_min": 2}),
        (2, {"range_min": 1, "range_max": 6}),
        (3, {"max_score": 0.6}),
        (3, {"min_score": 0.55}),
        (3, {"absolute_margin": 0.0}),
        (3, {"absolute_margin": 0.1}),
        (3, {"relative_margin": 0.2}),
        (2, {"range_min": 1, "range_max": 12, "min_score": 0.3, "max_score": 0.75,
             "absolute_margin": 0.05, "relative_margin": 0.1}),
        (5, {"range_max": 9, "absolute_margin": 0.2}),
        (3, {"range_min": 2, "range_max": 8, "max_score": 0.7, "min_score": 0.4}),
    ):
        check(scores, negatives, settings)
        cases.append({
            "settings": {"negatives": negatives, **{name: settings.get(name) for name in NAMES},
                         "range_min": settings.get("range_min", 0)},
            "mined": mined(model, negatives, **settings),
        })
    return {"anchors": ANCHORS, "candidates": CANDIDATES, "positive": POSITIVES, "cases": cases}


# -- scores of pairs ------------------------------------------------------------------

def binary_case(scores, truth, threshold, weights=None):
    kinds = {"sample_weight": weights}
    said = (np.array(scores) >= threshold).astype(int)
    quiet = {**kinds, "zero_division": 0}
    return {
        "scores": list(scores), "truth": truth, "threshold": threshold, "weights": weights,
        "average_precision": float(average_precision_score(truth, scores, **kinds)),
        "roc_auc": float(roc_auc_score(truth, scores, **kinds)),
        "accuracy": float(accuracy_score(truth, said, **kinds)),
        "precision": float(precision_score(truth, said, **quiet)),
        "recall": float(recall_score(truth, said, **quiet)),
        "f1": float(f1_score(truth, said, **quiet)),
        "mcc": float(matthews_corrcoef(truth, said, **kinds)),
    }


def binary_cases():
    wave, other = numbers(1, 40, 0.29)[0], numbers(1, 40, 0.83)[0]
    truth = (wave > 0.3).astype(int).tolist()
    scores = np.round(0.4 * wave + 0.5 * other, 3)
    ties = np.round(scores, 1).tolist()
    weights = [(at * at + 1) % 6 for at in range(40)]
    # One threshold is a score itself: that row is called similar. Ties hold 0.0 and -0.0.
    yield binary_case(scores.tolist(), truth, float(scores[9]))
    yield binary_case(ties, truth, 0.2)
    yield binary_case(scores.tolist(), truth, 0.95)
    yield binary_case(scores.tolist(), truth, -0.95)
    yield binary_case(ties, truth, 0.1, weights)


# -- neighbours -----------------------------------------------------------------------

def recall_at():
    vectors = short(unit(numbers(20, 4, 0.19)))
    labels = [(3 * at + at // 7) % 5 for at in range(20)]
    cosines = unit(np.array(vectors)) @ unit(np.array(vectors)).T
    for row in cosines:
        clear(row)
    shares = []
    for k in (1, 5, 10):
        hits = 0
        for query, row in enumerate(cosines):
            others = [at for at in np.argsort(-row) if at != query][:k]
            hits += any(labels[at] == labels[query] for at in others)
        shares.append({"k": k, "recall": hits / len(vectors)})
    return {"vectors": vectors, "labels": labels, "at": shares}


def lines(value, depth):
    """JSON with a line for each thing that a reader would compare."""
    if depth == 0 or not isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    if isinstance(value, dict):
        parts = [f"{json.dumps(key)}:{lines(inner, depth - 1)}" for key, inner in value.items()]
        return "{\n" + ",\n".join(parts) + "\n}"
    return "[\n" + ",\n".join(lines(inner, depth - 1) for inner in value) + "\n]"


def main():
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    datasets.disable_progress_bars()
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else MODEL
    golden = {
        "made_by": f"sentence-transformers {sentence_transformers.__version__}, "
                   f"transformers {transformers.__version__}, torch {torch.__version__}, "
                   f"scikit-learn {sklearn.__version__}, numpy {np.__version__}",
        "max_length": MAX_LENGTH,
        "embeddings": embeddings(folder),
        "losses": list(loss_cases()),
        "mining": mining(),
        "binary": list(binary_cases()),
        "recall_at": recall_at(),
    }
    print(lines(golden, 2))


if __name__ == "__main__":
    main()
