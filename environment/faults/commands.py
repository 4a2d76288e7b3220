"""The commands of `ttp` that are disturbed, on data small enough to be run hundreds of times."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

# The smoke profile's settings, but for these. Two epochs: a training then has a best model so far,
# and a history that goes on.
SMALLER = {"name": "faults", "corpus": {"source": "attack-v10.1", "rows": 1000},
           "balance": {"trim_below": 16, "upsample_to": 20, "downsample_to": 24},
           "checkpoints": ["tfidf-svm", "minilm", "minilm-cti"], "training_of": {},
           "bootstrap": {"resamples": 100, "level": 0.95}, "sweep": {"splits": 2},
           "family": {"rows": 5000, "training": {"epochs": 2}, "picture_rows": 100,
                      "tsne": {"epochs": 50}}}
SMALLER_TRAININGS = {"training": {"epochs": 2}, "pretraining": {"epochs": 2, "batch_size": 96}}
SMALLER_SIMILARITY = {"pairs": 20, "hard_negatives": 16,
                      "trials": [{"loss": {"triplet": {"margin": 0.2}}, "hard_negatives": 8}]}
# What differs from run to run, in JSON files at any depth, and why.
TIMES = {"train_seconds": "how long training took", "seconds": "how long it took",
         "tokens_per_second": "how fast it was", "rows_per_second": "how fast it was",
         "test_seconds": "how long the test rows took", "digest": "of a job's result with its seconds"}
# The same in lines of a model's card.
TIMES_IN_CARDS = ("seconds", "Seconds", " s of training", "tokens/s")


@dataclass
class Command:
    name: str
    arguments: "list[str]"
    # Folders whose files belong together: after a disk that failed once, all are old or all new.
    together: "tuple[str, ...]" = ()
    # Where there is no such file, the command is left out: its data have to be fetched.
    needs: "tuple[str, ...]" = ()
    # Files that tell of a folder which is exchanged before they are written: with another model in
    # its place the earlier ones would be wrong, so they may be gone until the next run.
    follow: "tuple[str, ...]" = ()
    # Models that a training exchanges as a folder after each epoch that is better than those
    # before: a kill may leave the one of an earlier epoch, all of it. At its end
    # `train_params.json` is written again, with the whole history.
    epochs: "tuple[str, ...]" = ()
    # Whether it trains and keeps its state.
    trains: bool = False


ATTACK = ("data/raw/attack-v10.1/enterprise-attack.json",)
LATER = (*ATTACK, "data/raw/attack-v15/enterprise-attack.json")
# Each finds what those before it have left. Not here: `family experiment`, which reads all of NetML
# (20 s a run) and writes one file at its end, and `fetch`, which needs a hub. `minilm` is the checkpoint of tiny.py.
COMMANDS = [
    Command("corpus", ["corpus"], needs=ATTACK),
    Command("split", ["split"], ("data/processed/splits/clean",), ATTACK),
    Command("split, protocol paper", ["split", "--protocol", "paper"],
            ("data/processed/splits/paper",), ATTACK),
    Command("finetune, linear", ["finetune", "--checkpoint", "tfidf-svm"], needs=ATTACK),
    Command("finetune, encoder", ["finetune", "--checkpoint", "minilm"], needs=ATTACK,
            follow=("models/minilm.clean/README.md",), epochs=("models/minilm.clean",),
            trains=True),
    Command("pretrain", ["pretrain"], needs=ATTACK, follow=("models/minilm-cti/README.md",),
            trains=True),
    Command("remedies", ["remedies"], needs=ATTACK, follow=("models/untrimmed/README.md",),
            epochs=("models/untrimmed",), trains=True),
    Command("remedies, whole encoder", ["remedies", "--whole", "inverse"], needs=ATTACK,
            follow=("models/untrimmed.inverse/README.md",),
            epochs=("models/untrimmed.inverse",), trains=True),
    Command("similarity", ["similarity"], needs=ATTACK, trains=True,
            follow=("models/similarity.basic/README.md", "models/similarity.hard_negatives/README.md")),
    Command("pairs", ["pairs", *(word for part in ("train", "validation", "test")
                                 for word in (f"--{part}", f"{{work}}/pairs.{part}.json")),
                      "--checkpoint", "minilm", "--out", "{out}/models/pairs"],
            follow=("models/pairs/README.md",), trains=True),
    Command("external", ["external", "{out}/models/minilm.clean", "--csv",
                         "{out}/data/processed/splits/clean/test.csv",
                         "--out", "{out}/external.json"], needs=ATTACK),
    Command("report-model", ["report-model", "--least", "16", "--out", "{out}/report-model",
                             "--encoder", "{out}/models/minilm.clean"], needs=LATER),
    Command("report", ["report", "data/reports/paper-lantern.md", "--model", "{out}/report-model",
                       "--out", "{out}/report"], ("report",), LATER),
    Command("report, reviewed", ["report", "--reviewed", "{out}/report/report.json",
                                 "--out", "{out}/reviewed"], ("reviewed",), LATER),
    Command("sweep prepare", ["sweep", "prepare", "--folder", "{out}/sweep"], needs=ATTACK),
    Command("sweep run", ["sweep", "run", "minilm.clean.seed-1", "--folder", "{out}/sweep"],
            needs=ATTACK, trains=True),
    Command("sweep collect", ["sweep", "collect", "--folder", "{out}/sweep"], needs=ATTACK),
    Command("audit", ["audit", "data/claims/similarity.toml", "--json", "{out}/verdicts.json"]),
    Command("family generate", ["family", "generate", "--out", "{out}/flows"], ("flows",)),
    Command("family train", ["family", "train", "--data", "{out}/flows", "--out", "{out}/family"],
            follow=("family/README.md", "family/test.predictions.parquet"), epochs=("family",),
            trains=True),
    Command("family predict", ["family", "predict", "{out}/family",
                               "{out}/flows/synthetic-flows.test.parquet",
                               "--out", "{out}/predicted.csv"]),
    Command("family picture", ["family", "picture", "{out}/family",
                               "{out}/flows/synthetic-flows.test.parquet",
                               "--out", "{out}/picture.svg"]),
    Command("diagnose", ["diagnose", "{out}/predicted.csv", "--out", "{out}/diagnosis"],
            ("diagnosis",)),
    Command("man", ["man", "--out", "{out}/man"]),
]


def profile(root: Path, folder: Path) -> Path:
    settings = json.loads((root / "notebooks/profiles/smoke.json").read_text(encoding="utf-8"))
    settings.update(SMALLER)
    for name, smaller in SMALLER_TRAININGS.items():
        settings[name].update(smaller)
    settings["similarity"].update(SMALLER_SIMILARITY)
    settings["similarity"]["training"]["epochs"] = 2
    del settings["$schema"]
    path = folder / "faults.json"
    path.write_text(json.dumps(settings), encoding="utf-8")
    return path


def without_times(value):
    if isinstance(value, dict):
        return {key: without_times(item) for key, item in value.items() if key not in TIMES}
    return [without_times(item) for item in value] if isinstance(value, list) else value


def digest(path: Path) -> str:
    content = path.read_bytes()
    if path.suffix == ".json":
        try:
            content = json.dumps(without_times(json.loads(content))).encode()
        except ValueError:
            pass
    elif path.name == "README.md":
        lines = content.decode(errors="replace").splitlines()
        content = "\n".join(line for line in lines
                            if not any(word in line for word in TIMES_IN_CARDS)).encode()
    return hashlib.sha256(content).hexdigest()


def hidden(name: str) -> bool:
    """Whether a file is of work that is not done: a sweep's job has a folder for it, too."""
    return any(part.startswith(".") or part == "unfinished" for part in Path(name).parts)


def names(folder: Path) -> "list[str]":
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def files(folder: Path) -> "dict[str, str]":
    """What stands under final names, with its hash."""
    return {name: digest(folder / name) for name in names(folder) if not hidden(name)}


def differing(files: "dict[str, str]", others: "dict[str, str]") -> str:
    """The first of those files that are not in both, or not the same; empty where all are."""
    names = [name for name in {**files, **others} if files.get(name) != others.get(name)]
    return ", ".join(sorted(names)[:3])


def left(folder: Path) -> "list[str]":
    """Everything under hidden names, folders without a file, too."""
    everything = (str(path.relative_to(folder)) for path in folder.rglob("*"))
    return sorted(name for name in everything if hidden(name))
