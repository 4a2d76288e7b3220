"""Whether a notebook's last run still stands: by content, not by time stamps.

A notebook names its files in its metadata, relative to the repository (raw data)
or to the output folder (what the run makes); `{checkpoint}` stands for the name:

    "ttp": {"inputs": ["data/raw/…"], "outputs": ["data/processed/corpus.parquet"]}

A run writes all its outputs anew. What stands there from a run with other settings
is set aside in reports/.earlier/, so that figures of two profiles never mix.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import machine
import notebook_file
import project
from profiles import TRAM, Profile
from project import Problem

MADE_BY_RUNS = ("data/processed/", "results/", "reports/", "models/")
RAW, MODELS = "data/raw/", "data/raw/models/"
SETTINGS = ("TTP_SOURCES", "TTP_MODELS", "TTP_LIBTORCH", "CUDA", "CUDA_VISIBLE_DEVICES")


class State:
    """One run of one notebook, and what is remembered of it in reports/.runs/."""

    def __init__(self, path: Path, name: str, profile: Profile, checkpoint: str | None) -> None:
        self.path = path
        self.name = name
        self.profile = profile
        self.checkpoint = checkpoint
        self.record = records() / f"{name}.json"
        self.inputs = [self.place(entry) for entry in notebook_file.files(path, "inputs")]
        self.outputs = [self.place(entry) for entry in notebook_file.files(path, "outputs")]
        self.at_start = ""
        self.left_over: dict[Path, int] = {}

    def place(self, entry: str) -> Path:
        """Where a file of the metadata is: as the library looks for it."""
        name = notebook_file.file_name(self.checkpoint or "")
        if entry.startswith(MADE_BY_RUNS):
            return project.output() / entry.replace("{checkpoint}", name)
        if entry.startswith(MODELS) and os.sep in (self.checkpoint or ""):
            return project.NOTEBOOKS / entry[len(MODELS):].replace("{checkpoint}", self.checkpoint)
        entry = entry.replace("{checkpoint}", name)
        for start, variable in ((MODELS, "TTP_MODELS"), (RAW, "TTP_SOURCES")):
            folder = project.own_folder(variable)
            if folder and entry.startswith(start):
                own = folder / entry[len(start):]
                if start == MODELS or own.exists():
                    return own
        return project.ROOT / entry

    def remembered(self) -> dict:
        try:
            value = json.loads(self.record.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return value if isinstance(value, dict) else {}

    def is_up_to_date(self) -> bool:
        reports = project.output() / "reports"
        if not all((reports / f"{self.name}.{kind}").exists() for kind in ("ipynb", "html")):
            return False
        remembered = self.remembered()
        return (remembered.get("needs") == self.needs()
                and remembered.get("made") == digests(self.outputs))

    def needs(self) -> str:
        """One digest over everything that the run depends on."""
        whole = hashlib.sha256()
        for path in self.code() + [self.path, self.profile.path]:
            whole.update(f"{path.name}\0{digest(path)}\0".encode())
        for path, value in digests(self.inputs + self.texts()).items():
            whole.update(f"{path}\0{value}\0".encode())
        own = {name: os.environ.get(name, "") for name in SETTINGS}
        words = [self.name, self.profile.name, machine.rustc(), machine.libtorch(),
                 project.EVCXR_VERSION, own]
        whole.update(json.dumps(words, sort_keys=True).encode())
        return whole.hexdigest()

    def texts(self) -> list[Path]:
        """What the profile, and not the notebook, says that sentences are read from."""
        csv = self.profile.csv()
        found = [csv] if csv else []
        if TRAM in self.profile.texts():
            found.append(self.place(f"{RAW}{TRAM}/all_analyzed_reports.json"))
        return found

    @staticmethod
    def code() -> list[Path]:
        library = project.ROOT / "ttp-lib"
        return [
            *sorted(p for p in (library / "src").rglob("*") if p.is_file()),
            library / "Cargo.toml",
            project.ROOT / "Cargo.toml",
            project.ROOT / "Cargo.lock",
            project.ROOT / ".cargo" / "config.toml",
            *sorted(p for p in (project.ENVIRONMENT / "kernel").iterdir() if p.is_file()),
        ]

    def check_inputs(self) -> None:
        missing = [str(path) for path in self.inputs if not found(path)]
        if missing:
            raise Problem(f"{self.path.name} reads {missing[0]}, which is not there: "
                          "run the notebooks before it, or `make data`")

    def begin(self) -> None:
        """Before a run: should it break off, its files are not taken for finished ones.
        What it depends on is read now, so that an edit while it runs counts as one."""
        self.check_inputs()
        self.at_start = self.needs()
        self.left_over = {file: file.stat().st_mtime_ns
                          for path in self.outputs for file in found(path)}
        self.record.unlink(missing_ok=True)

    def is_left_over(self, file: Path) -> bool:
        return self.left_over.get(file) == file.stat().st_mtime_ns

    def check_outputs(self) -> None:
        """After a run: it wrote what it says it writes, and what it did not is set aside."""
        files = [(path, found(path)) for path in self.outputs]
        for path, there in files:
            if all(self.is_left_over(file) for file in there):
                raise Problem(f"{self.path.name} ran, but did not write {path}")
        for file in {file for _, there in files for file in there if self.is_left_over(file)}:
            set_aside(file, "of an earlier run")

    def remember(self, seconds: float, page: str) -> None:
        self.write({"needs": self.at_start, "made": digests(self.outputs),
                    "profile": self.profile.name, "page": page, "seconds": round(seconds, 1)})

    def page(self) -> str:
        """The digest of what the page was made with."""
        return self.remembered().get("page", "")

    def remember_page(self, page: str) -> None:
        self.write({**self.remembered(), "page": page})

    def write(self, value: dict) -> None:
        self.record.parent.mkdir(parents=True, exist_ok=True)
        half = self.record.with_suffix(".tmp")
        half.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
        half.replace(self.record)


def records() -> Path:
    return project.output() / "reports" / ".runs"


def set_other_profiles_aside(profile: Profile, names: list[str]) -> None:
    """What runs under another profile left, and none of `names` will write anew."""
    for record in sorted(records().glob("*.json")):
        if record.stem in names:
            continue
        try:
            value = json.loads(record.read_text(encoding="utf-8"))
            other, made = value["profile"], value["made"]
        except (OSError, ValueError, LookupError, TypeError):
            continue
        if other == profile.name:
            continue
        reports = [str(record.parent.parent / f"{record.stem}.{kind}") for kind in ("html", "ipynb")]
        for file in [*made, *reports]:
            if Path(file).is_file():
                set_aside(Path(file), f"of profile {other}")
        record.unlink()


def set_aside(file: Path, why: str) -> None:
    try:
        inner = file.relative_to(project.output())
    except ValueError:
        return
    target = project.output() / "reports" / ".earlier" / inner
    target.parent.mkdir(parents=True, exist_ok=True)
    file.replace(target)
    print(f"  {inner} is {why}: set aside in reports/.earlier/", flush=True)


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
