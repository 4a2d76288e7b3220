"""The other side of `make bench-train`: transformers' own training loop.

train.py starts it with the peer's Python. It trains the model of `start/` over the
epoch of `batches.json`, as far as its standard input says; ttp-lib's half, with the
same commands, is ttp-lib/examples/bench_train.rs.

    peer.py FOLDER choose [ROWS WIDTH]                    which variant is fastest here
    peer.py FOLDER train ATTENTION ADAMW [ROWS WIDTH]     the race

With ROWS and WIDTH, batches are so many rows padded to so many tokens, as TRAM's and the
paper's notebooks have them; without, they are ttp-lib's own, padded to their longest row.
"""

from __future__ import annotations

import itertools
import json
import sys
import time
from pathlib import Path

import torch
import transformers

ATTENTION = ("sdpa", "eager")
# Every implementation of AdamW that PyTorch has for a CPU.
ADAMW = {"fused": {"fused": True}, "foreach": {"foreach": True}, "loop": {"foreach": False}}
NO_DECAY = ("bias", "LayerNorm.weight")
TRIAL_STEPS = 3


def padded(epoch: dict, batch: dict, width: int) -> dict[str, torch.Tensor]:
    """A batch as the model takes it, each row filled up to `width` tokens."""
    filling = epoch["padding_id"]
    ids = torch.tensor([row + [filling] * (width - len(row)) for row in batch["ids"]])
    mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in batch["ids"]])
    return {"input_ids": ids, "attention_mask": mask, "labels": torch.tensor(batch["labels"])}


def regrouped(epoch: dict, rows: int) -> list[dict]:
    """The epoch's rows in the same order, so many a batch."""
    ids = [row for batch in epoch["batches"] for row in batch["ids"]]
    labels = [label for batch in epoch["batches"] for label in batch["labels"]]
    return [{"ids": ids[at:at + rows], "labels": labels[at:at + rows]}
            for at in range(0, len(ids), rows)]


class Trainer:
    """The loop of transformers' examples: clipping, AdamW, a linear schedule."""

    def __init__(self, folder: Path, attention: str, adamw: str, shape: list[int]) -> None:
        self.epoch = json.loads((folder / "batches.json").read_text(encoding="utf-8"))
        self.batches = regrouped(self.epoch, shape[0]) if shape else self.epoch["batches"]
        self.width = shape[1] if shape else None
        params = self.epoch["params"]
        self.clip_norm = params["clip_norm"]
        torch.manual_seed(0)
        self.model = transformers.AutoModelForSequenceClassification.from_pretrained(
            folder / "start", attn_implementation=attention)
        decay = [p for n, p in self.model.named_parameters() if not n.endswith(NO_DECAY)]
        others = [p for n, p in self.model.named_parameters() if n.endswith(NO_DECAY)]
        groups = [{"params": decay, "weight_decay": params["weight_decay"]},
                  {"params": others, "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(groups, lr=params["learning_rate"], **ADAMW[adamw])
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimizer, self.share_of_rate)

    def share_of_rate(self, step: int) -> float:
        """ttp-lib's schedule, whose first step is already one above zero."""
        steps, warmup = len(self.epoch["batches"]), self.epoch["warmup_steps"]
        if step < warmup:
            return (step + 1) / warmup
        return max(steps - step, 0) / max(steps - warmup, 1)

    def tensors(self, steps: range) -> list[dict[str, torch.Tensor]]:
        made = []
        for step in steps:
            batch = self.batches[step]
            width = self.width or max(map(len, batch["ids"]))
            made.append(padded(self.epoch, batch, width))
        return made

    def train(self, steps: range) -> dict:
        # The peer's batches are made before the clock starts, ttp-lib's while it runs.
        batches, losses = self.tensors(steps), []
        self.model.train()
        began = time.perf_counter()
        for batch in batches:
            self.optimizer.zero_grad(set_to_none=True)
            loss = self.model(**batch).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.clip_norm)
            self.optimizer.step()
            self.schedule.step()
            losses.append(loss.item())
        return {"seconds": time.perf_counter() - began, "losses": losses}

    def loss(self, batches: int) -> dict:
        self.model.eval()
        with torch.no_grad():
            losses = [self.model(**batch).loss.item() for batch in self.tensors(range(batches))]
        return {"loss": sum(losses) / batches}


def choose(folder: Path, shape: list[int]) -> dict:
    """Seconds a step of every variant, its first step left out. Rows padded to 512 take
    so long that little else counts: of them one step each, with one AdamW."""
    adamws, trials = (["fused"], 1) if shape else (ADAMW, TRIAL_STEPS)
    seconds = {}
    for attention, adamw in itertools.product(ATTENTION, adamws):
        trainer = Trainer(folder, attention, adamw, shape)
        trainer.train(range(1))
        # The same batch for each; the best of some, as other work only ever adds time.
        seconds[f"{attention} {adamw}"] = min(
            trainer.train(range(1, 2))["seconds"] for _ in range(trials))
    return {"variant": min(seconds, key=seconds.get), "seconds": seconds}


def say(answer: dict) -> None:
    print(json.dumps(answer), flush=True)


def main() -> None:
    folder, command, *rest = sys.argv[1:]
    if command == "choose":
        say(choose(Path(folder), [int(number) for number in rest]))
        return
    trainer = Trainer(Path(folder), rest[0], rest[1], [int(number) for number in rest[2:]])
    say({"threads": torch.get_num_threads(), "python": sys.version.split()[0],
         "torch": torch.__version__, "transformers": transformers.__version__})
    for line in sys.stdin:
        name, *numbers = line.split()
        if name == "train":
            say(trainer.train(range(*map(int, numbers))))
        else:
            say(trainer.loss(int(numbers[0])))


if __name__ == "__main__":
    main()
