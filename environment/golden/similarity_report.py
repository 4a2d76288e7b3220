"""Golden figures of the similarity report's own pairs: counts, leak, and what its base model and
`minilm` make of them untrained, from sentence-transformers and scikit-learn.

    python -m venv golden
    golden/bin/pip install torch==2.4.0 transformers==4.46.3 sentence-transformers==5.1.2 \\
        scikit-learn==1.7.2 numpy==2.2.6
    golden/bin/python environment/golden/similarity_report.py CYBERTUNE MODEL... \\
        > ttp-lib/tests/golden/similarity_report.json

CYBERTUNE is the folder of the report's files (data/raw/cybertune), each MODEL a folder in the hub's
layout, by whose name its figures stand: data/raw/models/minilm, data/raw/models/mpnet.

A pair is similar from a cosine of 0.5 upwards, as in the report's own evaluation. The hard
negatives are chosen as its training script chooses them: of the training pairs labelled 0 the 300
with the highest cosines, of equals the first. Of the 300 only their places' sum, the first ten
places and the lowest cosine are written.
"""

import json
import sys
from collections import Counter
from pathlib import Path

import numpy as np
from sentence_transformers import SentenceTransformer, models
from sklearn.metrics import average_precision_score, confusion_matrix, roc_auc_score

HARD = 300


def pairs(file):
    rows = json.loads(file.read_text(encoding="utf-8"))
    return [(row["sentence1"], row["sentence2"], int(row["label"])) for row in rows]


def leak(test, training):
    texts = {text for first, second, _ in training for text in (first, second)}
    known = {(first, second) for first, second, _ in training}
    same = [(first, second) in known for first, second, _ in test]
    mirrored = [(second, first) in known for first, second, _ in test]
    either = Counter(label for (_, _, label), a, b in zip(test, same, mirrored) if a or b)
    return {
        "both_texts": sum(first in texts and second in texts for first, second, _ in test),
        "same_pair": sum(same), "mirrored_pair": sum(mirrored),
        "similar_in_training": either[1], "others_in_training": either[0],
    }


def encoder(folder):
    """Mean pooling and unit length, whatever other files the folder has."""
    transformer = models.Transformer(str(folder), max_seq_length=128)
    pooling = models.Pooling(transformer.get_word_embedding_dimension(), "mean")
    return SentenceTransformer(modules=[transformer, pooling, models.Normalize()], device="cpu")


def figures(folder, training, test, examples, published):
    model = encoder(folder)
    texts = sorted({text for set_ in (training, test) for row in set_ for text in row[:2]}
                   | set(examples))
    at = {text: place for place, text in enumerate(texts)}
    vectors = model.encode(texts, batch_size=64, show_progress_bar=False)

    def cosines(rows):
        return np.array([float(vectors[at[a]] @ vectors[at[b]]) for a, b in rows])

    truth = np.array([label for _, _, label in test])
    scores = cosines([row[:2] for row in test])
    tn, fp, fn, tp = (int(n) for n in confusion_matrix(truth, scores >= 0.5).ravel())
    others = [place for place, row in enumerate(training) if row[2] == 0]
    hardness = cosines([training[place][:2] for place in others])
    order = sorted(range(len(others)), key=lambda n: hardness[n], reverse=True)[:HARD]
    unseen = cosines([(a, b) for n, a in enumerate(examples) for b in examples[n + 1:]])
    return {
        "counts": {"tp": tp, "fn": fn, "fp": fp, "tn": tn},
        "nearest_to_half": float(np.abs(scores - 0.5).min()),
        "average_precision": float(average_precision_score(truth, scores)),
        "roc_auc": float(roc_auc_score(truth, scores)),
        "hard": {"sum": sum(others[n] for n in order), "first": [others[n] for n in order[:10]],
                 "lowest": float(hardness[order[-1]]),
                 "next": float(np.sort(hardness)[-HARD - 1])},
        "unseen": {"mean": float(unseen.mean()), "similar": int((unseen >= 0.5).sum()),
                   "off_published": float(np.abs(unseen - published).max())},
    }


def main():
    folder, *named = (Path(name) for name in sys.argv[1:])
    sets = {name: pairs(folder / f"combined_{name}.json") for name in ("train", "dev", "test")}
    lines = (folder / "unseen_examples.txt").read_text(encoding="utf-8").splitlines()
    examples = [line.strip() for line in lines if line.strip()]
    text = (folder / "real_world_example_comparison.txt").read_text(encoding="utf-8")
    mark = "Baseline Model Similarity: "
    published = [float(line[len(mark):]) for line in text.splitlines() if line.startswith(mark)]
    golden = {
        "sets": {name: [len(rows), sum(row[2] for row in rows)] for name, rows in sets.items()},
        "texts": len({text for rows in sets.values() for row in rows for text in row[:2]}),
        "leak": leak(sets["test"], sets["train"]),
        "untrained": {path.name: figures(path, sets["train"], sets["test"], examples, published)
                      for path in named},
    }
    print(json.dumps(golden, indent=1))


main()
