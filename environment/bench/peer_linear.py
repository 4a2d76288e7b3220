"""The other side of `make bench-linear`: scikit-learn's own TF-IDF and linear SVM.

linear.py starts it with the peer's Python. It reads the rows that ttp-lib's half has written,
ttp-lib/examples/bench_linear.rs, and answers each line `fit` of its standard input with the
seconds that one training took together with naming the test rows, and what it named.

    peer_linear.py FOLDER
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import sklearn
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline, make_union
from sklearn.svm import LinearSVC


def model():
    """As ttp_lib::linear's `tfidf-svm`: its tolerance is scikit-learn's own."""
    features = make_union(TfidfVectorizer(ngram_range=(1, 2)),
                          TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5)))
    return make_pipeline(features, LinearSVC(C=0.5, random_state=0))


def say(answer: dict) -> None:
    print(json.dumps(answer), flush=True)


def main() -> None:
    rows = json.loads((Path(sys.argv[1]) / "rows.json").read_text(encoding="utf-8"))
    train, test = rows["train"], rows["test"]
    say({"scikit_learn": sklearn.__version__, "train": len(train["texts"]),
         "test": len(test["texts"])})
    for line in sys.stdin:
        if line.strip() != "fit":
            raise SystemExit(f"error: unknown command {line!r}")
        begun = time.perf_counter()
        made = model().fit(train["texts"], train["labels"])
        fitted = time.perf_counter() - begun
        predicted = made.predict(test["texts"])
        seconds = time.perf_counter() - begun
        begun = time.perf_counter()
        named = made.predict(rows["all"])
        rate = len(named) / (time.perf_counter() - begun)
        say({"seconds": seconds, "fit_seconds": fitted, "sentences_per_second": rate,
             "predicted": predicted.tolist()})


if __name__ == "__main__":
    main()
