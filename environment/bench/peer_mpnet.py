"""The other side of `make bench-mpnet`: sentence-transformers' own encoding and training.

mpnet.py starts it with the peer's Python. It reads `sentences.json` in FOLDER and answers the
same lines as ttp-lib's half, ttp-lib/examples/bench_mpnet.rs.

    peer_mpnet.py MODEL FOLDER choose        which batch size and which AdamW are fastest here
    peer_mpnet.py MODEL FOLDER race ROWS ADAMW
    peer_mpnet.py MODEL FOLDER cosines       of the sentences, by a model that was saved

What is timed is one call of `SentenceTransformer.encode` with its default settings, but for the
rows of a batch, and steps of the loop that sentence-transformers' trainer makes, whose texts
are tokenised before the clock starts.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import sentence_transformers
import torch
import transformers
from sentence_transformers import SentenceTransformer, losses

# Of these 32 is encode's default.
ROWS = (16, 32, 64)
ADAMW = {"fused": {"fused": True}, "foreach": {"foreach": True}}
# transformers' trainer decays neither.
NO_DECAY = ("bias", "LayerNorm")
TRIAL_SENTENCES = 240


class Peer:
    def __init__(self, model: Path, folder: Path, rows: int, adamw: str) -> None:
        self.task = json.loads((folder / "sentences.json").read_text(encoding="utf-8"))
        torch.manual_seed(1)
        self.model = SentenceTransformer(str(model), device="cpu")
        self.model.max_seq_length = self.task["max_length"]
        self.rows = rows
        self.adamw = adamw
        self.optimizer = None
        self.objective = losses.MultipleNegativesRankingLoss(self.model, scale=self.task["scale"])
        self.vectors = None

    def embed(self, sentences: list[str] | None = None) -> dict:
        self.model.eval()
        began = time.perf_counter()
        self.vectors = self.model.encode(sentences or self.task["sentences"], batch_size=self.rows,
                                         show_progress_bar=False)
        return {"seconds": time.perf_counter() - began}

    def cosines(self) -> dict:
        first, second = self.vectors[::2].astype("float64"), self.vectors[1::2].astype("float64")
        return {"cosines": (first * second).sum(1).tolist()}

    def columns(self, step: int) -> list[dict]:
        size = self.task["batch_size"]
        pairs = self.task["pairs"][size * step:size * (step + 1)]
        return [self.model.tokenize([pair[side] for pair in pairs]) for side in (0, 1)]

    def loss(self, batches: int) -> dict:
        self.model.eval()
        with torch.no_grad():
            found = [self.objective(self.columns(step), None).item() for step in range(batches)]
        return {"loss": sum(found) / batches}

    def train(self, first: int, end: int) -> dict:
        if self.optimizer is None:
            named = list(self.model.named_parameters())
            is_bare = [any(word in name for word in NO_DECAY) for name, _ in named]
            groups = [{"params": [p for (_, p), bare in zip(named, is_bare) if bare == wanted],
                       "weight_decay": decay}
                      for wanted, decay in ((False, self.task["weight_decay"]), (True, 0.0))]
            self.optimizer = torch.optim.AdamW(
                groups, lr=self.task["learning_rate"], **ADAMW[self.adamw])
        self.model.train()
        steps, found = [self.columns(step) for step in range(first, end)], []
        began = time.perf_counter()
        for features in steps:
            self.optimizer.zero_grad(set_to_none=True)
            loss = self.objective(features, None)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.task["clip_norm"])
            self.optimizer.step()
            found.append(loss.item())
        return {"seconds": time.perf_counter() - began, "losses": found}


def choose(model: Path, folder: Path) -> dict:
    """Seconds of each variant; the best of two, as other work only ever adds time."""
    rows, adamw = {}, {}
    for count in ROWS:
        peer = Peer(model, folder, count, "fused")
        some = peer.task["sentences"][:TRIAL_SENTENCES]
        rows[str(count)] = min(peer.embed(some)["seconds"] for _ in range(2))
    for name in ADAMW:
        peer = Peer(model, folder, 32, name)
        peer.train(0, 1)
        adamw[name] = min(peer.train(1, 2)["seconds"] for _ in range(2))
    return {"rows": int(min(rows, key=rows.get)), "adamw": min(adamw, key=adamw.get),
            "seconds": {"rows": rows, "adamw": adamw}}


def say(answer: dict) -> None:
    print(json.dumps(answer), flush=True)


def main() -> None:
    model, folder, command, *rest = sys.argv[1:]
    transformers.logging.set_verbosity_error()
    if command == "choose":
        say(choose(Path(model), Path(folder)))
        return
    if command == "cosines":
        peer = Peer(Path(model), Path(folder), 32, "fused")
        peer.embed()
        say(peer.cosines())
        return
    peer = Peer(Path(model), Path(folder), int(rest[0]), rest[1])
    say({"threads": torch.get_num_threads(), "python": sys.version.split()[0],
         "torch": torch.__version__, "transformers": transformers.__version__,
         "sentence_transformers": sentence_transformers.__version__,
         "rows": peer.rows, "adamw": peer.adamw})
    for line in sys.stdin:
        name, *numbers = line.split()
        say(getattr(peer, name)(*map(int, numbers)))


if __name__ == "__main__":
    main()
