"""The other side of `make bench-mining`: sentence-transformers' own mining.

mining.py starts it with the peer's Python. It reads the sentences and vectors that
ttp-lib's half has written, ttp-lib/examples/bench_mining.rs, and answers each line `mine`
of its standard input with the seconds that one mining took and what it found.

    peer_mining.py FOLDER MODEL

What is timed is one call of `mine_hard_negatives`, from texts to texts, as its users have
it. Its own cache holds the vectors, so that it reads them instead of embedding the texts.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import sys
import time
from pathlib import Path

import numpy as np
import sentence_transformers
import torch
import transformers
from datasets import Dataset
from sentence_transformers import SentenceTransformer, models
from sentence_transformers.util import mine_hard_negatives

# As in ttp-lib/examples/bench_mining.rs.
NEGATIVES = 1
ABSOLUTE_MARGIN = 0.05


def opened(folder: Path) -> SentenceTransformer:
    """The model of a folder, put together as all-MiniLM-L6-v2's own files would have it."""
    transformer = models.Transformer(str(folder))
    pooling = models.Pooling(transformer.get_word_embedding_dimension(), pooling_mode="mean")
    model = SentenceTransformer(modules=[transformer, pooling, models.Normalize()], device="cpu")
    # Where the cache is passed over, the race would be one of embedding.
    model.encode_query = model.encode_document = refuse
    return model


def refuse(*_, **__) -> None:
    raise SystemExit("error: the cache of vectors was not used: are the texts unique, and is "
                     "this sentence-transformers 5.1.2?")


def filled_cache(folder: Path, model: SentenceTransformer, sentences: list[str]) -> Path:
    """A folder in which the mining finds the vectors under the names that it gives them."""
    vectors = np.load(folder / "vectors.npy", mmap_mode="r")
    if vectors.dtype != np.float32 or vectors.shape[0] != len(sentences):
        raise SystemExit(f"error: {folder / 'vectors.npy'}: {vectors.dtype} {vectors.shape}, for "
                         f"{len(sentences)} sentences")
    cache = folder / "peer-cache"
    shutil.rmtree(cache, ignore_errors=True)
    cache.mkdir()
    name = model.model_card_data.base_model or ""
    # Every sentence is an anchor, and all of them are the corpus.
    digest = hashlib.sha256((name + "".join(sentences)).encode()).hexdigest()
    for kind in ("query", "corpus"):
        (cache / f"{kind}_embeddings_{digest}.npy").symlink_to(folder / "vectors.npy")
    return cache


def say(answer: dict) -> None:
    print(json.dumps(answer), flush=True)


def main() -> None:
    folder = Path(sys.argv[1]).resolve()
    transformers.logging.set_verbosity_error()
    model = opened(Path(sys.argv[2]))
    read = json.loads((folder / "sentences.json").read_text(encoding="utf-8"))
    sentences = read["sentences"]
    cache = filled_cache(folder, model, sentences)
    pairs = Dataset.from_dict(
        {"anchor": sentences, "positive": [sentences[at] for at in read["positive"]]})
    say({"threads": torch.get_num_threads(), "python": sys.version.split()[0],
         "torch": torch.__version__, "transformers": transformers.__version__,
         "sentence_transformers": sentence_transformers.__version__,
         "negatives": NEGATIVES, "absolute_margin": ABSOLUTE_MARGIN})
    for line in sys.stdin:
        if line.strip() != "mine":
            raise SystemExit(f"error: {line.strip()!r}: known: mine")
        # Standard output is for answers only.
        with contextlib.redirect_stdout(sys.stderr):
            began = time.perf_counter()
            found = mine_hard_negatives(
                pairs, model, corpus=sentences, num_negatives=NEGATIVES,
                absolute_margin=ABSOLUTE_MARGIN, verbose=False, cache_folder=str(cache))
            seconds = time.perf_counter() - began
        say({"seconds": seconds, "mined": len(found)})


if __name__ == "__main__":
    main()
