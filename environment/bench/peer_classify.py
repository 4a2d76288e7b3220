"""The other side of `make bench-classify`: transformers' own pipeline.

classify.py starts it with the peer's Python. It reads what ttp-lib's half has written,
ttp-lib/examples/bench_classify.rs, and answers each line of its standard input with a line of
JSON.

    peer_classify.py race FOLDER          `choose N`: which batch size and which attention are
                                          fastest for the first N sentences, as they come and
                                          sorted; then `given` and `sorted` classify all of them
    peer_classify.py whole FOLDER B A     classifies all with batch size B and attention A, and
                                          prints them as `ttp classify` does

What is timed is one call of the pipeline with a list of texts, from texts to labels, as its
users have it. Sorting by length, and back, is no part of the pipeline: its users can do it.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
from pathlib import Path

import torch
import transformers

BATCH_SIZES = (1, 8, 16, 32, 64)
ATTENTION = ("sdpa", "eager")
ORDERS = ("given", "sorted")


def opened(folder: Path, attention: str) -> transformers.Pipeline:
    model = transformers.AutoModelForSequenceClassification.from_pretrained(
        folder / "model", attn_implementation=attention)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder / "model")
    return transformers.pipeline("text-classification", model=model, tokenizer=tokenizer,
                                 device="cpu")


def classified(pipeline: transformers.Pipeline, texts: list[str], order: str,
               batch_size: int) -> list[dict]:
    """Label and score of each text, in the texts' order."""
    if order == "given":
        return pipeline(texts, batch_size=batch_size, truncation=True)
    places = sorted(range(len(texts)), key=lambda at: len(texts[at]), reverse=True)
    found = pipeline([texts[at] for at in places], batch_size=batch_size, truncation=True)
    answers: list[dict] = [{}] * len(texts)
    for at, answer in zip(places, found):
        answers[at] = answer
    return answers


def seconds_of(pipeline: transformers.Pipeline, texts: list[str], order: str,
               batch_size: int) -> tuple[float, list[dict]]:
    began = time.perf_counter()
    answers = classified(pipeline, texts, order, batch_size)
    return time.perf_counter() - began, answers


def choose(pipelines: dict[str, transformers.Pipeline], texts: list[str]) -> dict:
    """The fastest variant of each order, and the seconds of all of them."""
    chosen = {}
    for order in ORDERS:
        seconds = {}
        for attention, pipeline in pipelines.items():
            classified(pipeline, texts[:64], order, BATCH_SIZES[-1])
            for size in BATCH_SIZES:
                seconds[f"{size} {attention}"] = seconds_of(pipeline, texts, order, size)[0]
        chosen[order] = {"variant": min(seconds, key=seconds.__getitem__), "seconds": seconds}
    return chosen


def race(folder: Path, texts: list[str]) -> None:
    pipelines = {attention: opened(folder, attention) for attention in ATTENTION}
    say({"threads": torch.get_num_threads(), "python": sys.version.split()[0],
         "torch": torch.__version__, "transformers": transformers.__version__})
    chosen: dict = {}
    for line in sys.stdin:
        words = line.split()
        if words[0] == "choose":
            # Standard output is for answers only.
            with contextlib.redirect_stdout(sys.stderr):
                chosen = choose(pipelines, texts[:int(words[1])])
            say(chosen)
        elif words[0] in chosen:
            size, attention = chosen[words[0]]["variant"].split()
            with contextlib.redirect_stdout(sys.stderr):
                seconds, answers = seconds_of(pipelines[attention], texts, words[0], int(size))
            say({"seconds": seconds, "labels": [answer["label"] for answer in answers],
                 "scores": [answer["score"] for answer in answers]})
        else:
            raise SystemExit(f"error: {line.strip()!r}: known: choose N, then given, sorted")


def say(answer: dict) -> None:
    print(json.dumps(answer), flush=True)


def main() -> None:
    folder = Path(sys.argv[2]).resolve()
    transformers.logging.set_verbosity_error()
    texts = (folder / "sentences.txt").read_text(encoding="utf-8").splitlines()
    if sys.argv[1] == "race":
        race(folder, texts)
        return
    size, attention = sys.argv[3:]
    answers = classified(opened(folder, attention), texts, "given", int(size))
    sys.stdout.writelines(f"{answer['label']}\t{answer['score']:.3f}\t{text}\n"
                          for answer, text in zip(answers, texts))


if __name__ == "__main__":
    main()
