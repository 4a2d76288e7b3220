"""Mutants of a split's files, each read by `ttp finetune` as a training reads them."""

from __future__ import annotations

import csv
import os
import random
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import project
from mutants import Mutant, Unsound, of_kinds

CHECK = "ttp: Split::read_checked"
COPIES = ("replacement", "insertion", "removal", "swap")
# A made-up corpus: 40 sentences of each technique, which its words tell.
WORDS = {"T1059": "runs scripts through the shell interpreter", "T1105": "loads further files from its server",
         "T1027": "hides its strings by encoding them", "T1566": "comes by mail with an attachment"}


def program() -> Path:
    """`ttp` as cargo builds it for the tests."""
    variables = project.cargo_variables()
    return Path(variables["CARGO_TARGET_DIR"]) / variables["CARGO_BUILD_TARGET"] / "debug" / "ttp"


class Data:
    """A corpus and its clean split, made by `ttp` in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.variables = {**os.environ, **project.libtorch_variables(), "TTP_PROFILE": "smoke",
                          "TTP_OUT": str(folder), "OMP_NUM_THREADS": "1"}
        rows = [f"{'It' if at % 2 else 'The implant'} {words} for the {at}th time at host{at}.,{technique}"
                for technique, words in WORDS.items() for at in range(40)]
        (folder / "own.csv").write_text("sentence,technique\n" + "\n".join(rows) + "\n", encoding="utf-8")
        for arguments in (("corpus", "--csv", str(folder / "own.csv")), ("split", "--protocol", "clean")):
            done = self.ttp(*arguments)
            if done.returncode != 0:
                raise Unsound(f"ttp {arguments[0]}: {done.stderr.strip()}")
        self.split = folder / "data/processed/splits/clean"

    def ttp(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run([str(program()), *arguments], env=self.variables, cwd=project.ROOT,
                              capture_output=True, text=True, timeout=300, check=False)

    def read(self, part: str) -> "list[list[str]]":
        with open(self.split / f"{part}.csv", encoding="utf-8", newline="") as file:
            return list(csv.reader(file))

    def write(self, part: str, rows: "list[list[str]]") -> None:
        with open(self.split / f"{part}.csv", "w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(rows)

    def check(self) -> str:
        """What a training on the split says of it; the file is named."""
        done = self.ttp("finetune", "--checkpoint", "tfidf-svm", "--protocol", "clean")
        if done.returncode == 0:
            return ""
        said = done.stderr.strip()
        if done.returncode != 1 or "\n" in said or ".csv" not in said:
            raise Unsound(f"ttp finetune ended with {done.returncode}: {said[:300]}")
        return CHECK


def leaked(data: Data, rng: random.Random) -> "tuple[str, Callable[[], None]]":
    """A row of one part in another, as it is or as an augmented copy."""
    source, target = rng.choice([("test", "train"), ("validation", "train"), ("test", "validation"),
                                 ("train", "test"), ("train", "validation")])
    rows, others = data.read(source), data.read(target)
    at = rng.randrange(1, len(rows))
    row, way = list(rows[at]), rng.choice(["as it is", "as a copy", "its text under another row"])
    if way == "as a copy":
        row[2], row[3] = row[2].replace(" the ", " a "), rng.choice(COPIES)
    elif way == "its text under another row":
        # As a copy of another sentence of the technique, in other letters.
        row[0] = rng.choice([other[0] for other in data.read("train")[1:] if other[1] == row[1]])
        row[2], row[3] = row[2].upper(), rng.choice(COPIES)
    place = rng.randrange(1, len(others))
    return (f"{source}.csv row {at + 1} in {target}.csv at {place + 1}, {way}",
            lambda: data.write(target, [*others[:place], row, *others[place:]]))


def shuffled(data: Data, rng: random.Random) -> "tuple[str, Callable[[], None]]":
    """Labels of a part, or of some of its rows, in another order."""
    part, share = rng.choice(["train", "validation", "test"]), rng.choice([1.0, 0.5, 0.0])
    rows = data.read(part)
    places = sorted(rng.sample(range(1, len(rows)), max(2, round(share * (len(rows) - 1)))))
    labels = [rows[at][1] for at in places]
    while labels == [rows[at][1] for at in places]:
        rng.shuffle(labels)
        if len(set(labels)) == 1:
            labels[0] = next(label for label in WORDS if label != labels[0])
    for at, label in zip(places, labels):
        rows[at][1] = label
    return (f"{part}.csv: {len(places)} labels from row {places[0] + 1} on: {'/'.join(labels[:6])}",
            lambda: data.write(part, rows))


def of_splits() -> "Iterator[Mutant]":
    with tempfile.TemporaryDirectory(prefix="ttp-mutants-") as folder:
        data = Data(Path(folder))
        before = {part: data.read(part) for part in ("train", "validation", "test")}
        if data.check():
            raise Unsound("the split that nobody touched is refused")

        def restore() -> None:
            for part, rows in before.items():
                data.write(part, rows)

        kinds = (("a split with a leaked row", 24, leaked), ("labels shuffled", 16, shuffled))
        yield from of_kinds(kinds, data, data.check, restore)
