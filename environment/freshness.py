"""Whether a notebook's last run still stands: by content, not by time stamps.

A notebook names its files in its metadata, relative to the repository (raw data)
or to the output folder (what the run makes); `{checkpoint}` stands for the name:

    "ttp": {"inputs": ["data/raw/…"], "outputs": ["data/processed/corpus.parquet"]}
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import nbformat

import machine
import project
from profiles import Profile
from project import Problem

MADE_BY_RUNS = ("data/processed", "results", "reports")
SETTINGS = ("TTP_SOURCES", "TTP_MODELS", "TTP_LIBTORCH", "CUDA", "CUDA_VISIBLE_DEVICES")


class State:
    """One run of one notebook, and what is remembered of it in reports/.runs/."""

    def __init__(self, path: Path, name: str, profile: Profile, checkpoint: str | None) -> None:
        self.path = path
        self.name = name
        self.profile = profile
        self.checkpoint = checkpoint
        self.record = project.output() / "reports" / ".runs" / f"{name}.json"
        metadata = nbformat.read(path, as_version=4).metadata.get("ttp", {})
        self.inputs = [self.place(entry) for entry in metadata.get("inputs", [])]
        self.outputs = [self.place(entry) for entry in metadata.get("outputs", [])]

    def place(self, entry: str) -> Path:
        entry = entry.replace("{checkpoint}", self.checkpoint or "")
        base = project.output() if entry.startswith(MADE_BY_RUNS) else project.ROOT
        return base / entry

    def is_up_to_date(self) -> bool:
        reports = project.output() / "reports"
        if not all((reports / f"{self.name}.{kind}").exists() for kind in ("ipynb", "html")):
            return False
        try:
            remembered = json.loads(self.record.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return False
        return (remembered.get("needs") == self.needs()
                and remembered.get("made") == digests(self.outputs))

    def needs(self) -> str:
        """One digest over everything that the run depends on."""
        whole = hashlib.sha256()
        for path in self.code() + [self.path, self.profile.path]:
            whole.update(f"{path.name}\0{digest(path)}\0".encode())
        for path, value in digests(self.inputs).items():
            whole.update(f"{path}\0{value}\0".encode())
        own = {name: os.environ.get(name, "") for name in SETTINGS}
        words = [self.name, self.profile.name, machine.rustc(), machine.libtorch(), own]
        whole.update(json.dumps(words, sort_keys=True).encode())
        return whole.hexdigest()

    @staticmethod
    def code() -> list[Path]:
        library = project.ROOT / "ttp-lib"
        return [
            *sorted(p for p in (library / "src").rglob("*") if p.is_file()),
            library / "Cargo.toml",
            project.ROOT / "Cargo.toml",
            project.ROOT / "Cargo.lock",
            project.ROOT / ".cargo" / "config.toml",
            project.ENVIRONMENT / "kernel" / "evcxr.toml",
        ]

    def check_inputs(self) -> None:
        missing = [str(path) for path in self.inputs if not found(path)]
        if missing:
            raise Problem(f"{self.path.name} reads {missing[0]}, which is not there: "
                          "run the notebooks before it, or `make data`")

    def check_outputs(self) -> None:
        missing = [str(path) for path in self.outputs if not found(path)]
        if missing:
            raise Problem(f"{self.path.name} ran, but did not write {missing[0]}")

    def forget(self) -> None:
        """Before a run: should it break off, its files are not taken for finished ones."""
        self.check_inputs()
        self.record.unlink(missing_ok=True)

    def remember(self, seconds: float) -> None:
        self.record.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"needs": self.needs(), "made": digests(self.outputs),
                           "seconds": round(seconds, 1)}, indent=2)
        half = self.record.with_suffix(".tmp")
        half.write_text(text + "\n", encoding="utf-8")
        half.replace(self.record)


def found(path: Path) -> list[Path]:
    """The files that a name, which may hold `*`, stands for."""
    if "*" in path.name:
        return sorted(path.parent.glob(path.name))
    if path.is_dir():
        return sorted(p for p in path.rglob("*") if p.is_file())
    return [path] if path.exists() else []


def digests(paths: list[Path]) -> dict[str, str]:
    return {str(file): digest(file) for path in paths for file in (found(path) or [path])}


def digest(path: Path) -> str:
    whole = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            for part in iter(lambda: file.read(1 << 20), b""):
                whole.update(part)
    except OSError:
        return "missing"
    return whole.hexdigest()
