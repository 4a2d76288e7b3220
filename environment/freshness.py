"""Whether a notebook's last run still stands: by content, not by time stamps.

A notebook names its files in its metadata, relative to the repository (raw data)
or to the output folder (what the run makes); `{checkpoint}` stands for the name, `{profile}` for
the profile's:

    "ttp": {"inputs": ["data/raw/…"], "outputs": ["data/processed/corpus.parquet"],
            "may_write": ["results/paper_rows.json"]}

What a notebook `may_write` is an output that not every run of it has; what it `may_read` is
an input that need not be there.

A run writes all its outputs anew. What stands there from a run under another profile
is moved to reports/.earlier/<profile>/, and comes back when that profile does, so that
figures of two profiles never mix and none is lost.
"""

from __future__ import annotations

import contextlib
import glob
import hashlib
import json
import os
import shutil
from pathlib import Path

import crates
import machine
import notebook_file
import project
import profiles
from files import move_whole
from profiles import TRAM, Profile, checkpoint_folder
from project import Problem

MADE_BY_RUNS = ("data/processed/", "results/", "reports/", "models/", "sweep/")
RAW, MODELS = "data/raw/", "data/raw/models/"
# What a run leaves of itself in reports/, behind its name.
PAGES = ("html", "ipynb", "failed.ipynb")
SETTINGS = ("TTP_SOURCES", "TTP_MODELS", "TTP_LIBTORCH", "CUDA", "CUDA_VISIBLE_DEVICES",
            project.TF32)


class State:
    """One run of one notebook, and what is remembered of it in reports/.runs/."""

    def __init__(self, path: Path, name: str, profile: Profile, checkpoint: str | None) -> None:
        self.path = path
        self.name = name
        self.profile = profile
        self.checkpoint = checkpoint
        self.record = records() / f"{name}.json"
        self.inputs = [self.place(entry) for entry in notebook_file.files(path, "inputs")
                       if not self.comes_from_hub(entry)]
        self.may_read = [self.place(entry) for entry in notebook_file.files(path, "may_read")]
        # Without it there is nothing to fine-tune.
        self.pretrained = [self.place(entry) for entry in notebook_file.files(path, "may_read")
                           if entry.startswith("models/") and profiles.is_made_here(checkpoint or "")]
        self.inputs += self.pretrained
        self.must_write = [self.place(entry) for entry in notebook_file.files(path, "outputs")]
        self.outputs = self.must_write + [self.place(entry) for entry
                                          in notebook_file.files(path, "may_write")
                                          if self.may_write(entry)]
        self.at_start = ""
        self.left_over: dict[Path, int] = {}

    def may_write(self, entry: str) -> bool:
        """A model folder of a checkpoint's own name is the run's only if the run makes it."""
        return not entry.startswith("models/") or profiles.is_made_here(self.checkpoint or "")

    def comes_from_hub(self, entry: str) -> bool:
        """A checkpoint of the hub is no file to look at: the library checks its content each
        time, and the pinned revision is part of the code."""
        return (entry.startswith(MODELS) and profiles.is_on_hub(self.checkpoint or "")
                and not project.own_folder("TTP_MODELS") and not self.place(entry).is_dir())

    def place(self, entry: str) -> Path:
        """Where a file of the metadata is: as the library looks for it."""
        name = notebook_file.file_name(self.checkpoint or "")
        entry = entry.replace("{profile}", self.profile.name)
        if entry.startswith(MADE_BY_RUNS):
            return project.output() / entry.replace("{checkpoint}", name)
        hub_ids_folder = project.own_folder("TTP_MODELS") if profiles.is_on_hub(
            self.checkpoint or "") else None
        if entry.startswith(MODELS) and os.sep in (self.checkpoint or "") and not hub_ids_folder:
            return checkpoint_folder(entry[len(MODELS):].replace("{checkpoint}", self.checkpoint))
        entry = entry.replace("{checkpoint}", profiles.base(self.checkpoint or name))
        for start, variable in ((MODELS, "TTP_MODELS"), (RAW, "TTP_SOURCES")):
            folder = project.own_folder(variable)
            if folder and entry.startswith(start):
                own = folder / entry[len(start):]
                if start == MODELS or own.exists():
                    return own
        return project.ROOT / entry

    def remembered(self) -> dict:
        return read_record(self.record)

    def report(self, kind: str) -> Path:
        return project.output() / "reports" / f"{self.name}.{kind}"

    def is_up_to_date(self) -> bool:
        if not all(self.report(kind).exists() for kind in ("ipynb", "html")):
            return False
        remembered = self.remembered()
        return (remembered.get("needs") == self.needs()
                and remembered.get("made") == digests(self.outputs)
                # Nothing but a run makes an executed notebook. Older records do not have it.
                and remembered.get("executed") in (None, digest(self.report("ipynb"))))

    def needs(self) -> str:
        """One digest over everything that the run depends on."""
        whole = hashlib.sha256()
        for path in self.code() + [self.path, self.profile.path]:
            name = os.path.relpath(path, project.ROOT)
            whole.update(f"{name}\0{digest(path)}\0".encode())
        own = self.own_files()
        for path, value in digests(self.inputs + self.may_read + self.texts()).items():
            if Path(path) in own:
                continue
            whole.update(f"{path}\0{value}\0".encode())
        settings = {name: os.environ.get(name, "") for name in SETTINGS}
        words = [self.name, self.profile.name, machine.rustc(), machine.libtorch(),
                 project.EVCXR_VERSION, settings]
        whole.update(json.dumps(words, sort_keys=True).encode())
        return whole.hexdigest()

    def own_files(self) -> set[Path]:
        """What it has made: where a glob of its inputs finds these, they are no inputs."""
        return {file for path in self.outputs for file in found(path)}

    def texts(self) -> list[Path]:
        """What the profile, and not the notebook, says that sentences are read from."""
        csv = self.profile.csv()
        found = [self.place(path) for path in ([csv] if csv else []) + self.profile.bundles()]
        dataset = self.profile.hub_file()
        if dataset:
            # Of one's own; the hub's counts by its revision.
            found.append(self.place(f"{RAW}{dataset}"))
        if TRAM in self.profile.texts():
            found.append(self.place(f"{RAW}{TRAM}/all_analyzed_reports.json"))
        return found

    def code(self) -> list[Path]:
        """The crates that it needs, what they are compiled with, and its kernel."""
        return [
            *(file for crate in crates.needed(self.path) for file in crates.sources(crate)),
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

    def check_profile_of_inputs(self) -> None:
        """What another profile's run made is no input: the mixture would carry this one's name."""
        read = {file for path in self.inputs + self.may_read for file in found(path)}
        read -= self.own_files()
        for record in sorted(records().glob("*.json")):
            value = read_record(record)
            if not value or value["profile"] == self.profile.name:
                continue
            for file in left_by(record.stem, value, project.output()):
                if file in read:
                    raise Problem(
                        f"{self.path.name} reads {file.relative_to(project.output())}, which "
                        f"{record.stem} made under profile {value['profile']}, and this is profile "
                        f"{self.profile.name}: run all of them with `make reproduce`, or keep the "
                        "two apart with TTP_OUT=another folder")

    def begin(self) -> None:
        """Before a run: should it break off, its files are not taken for finished ones.
        What it depends on is read now, so that an edit while it runs counts as one."""
        self.check_inputs()
        self.at_start = self.needs()
        self.left_over = {file: file.stat().st_mtime_ns
                          for path in self.outputs for file in found(path)}
        # From here on what stands there is this profile's, finished or not.
        self.write({"profile": self.profile.name, "outputs": [str(path) for path in self.outputs]})

    def is_left_over(self, file: Path) -> bool:
        return self.left_over.get(file) == file.stat().st_mtime_ns

    def check_outputs(self) -> None:
        """After a run: it wrote what it says it writes, and what it did not is set aside."""
        files = [(path, found(path)) for path in self.outputs]
        for path, there in files:
            if path in self.must_write and all(self.is_left_over(file) for file in there):
                raise Problem(f"{self.path.name} ran, but did not write {path}")
        for file in {file for _, there in files for file in there if self.is_left_over(file)}:
            self.set_left_over_aside(file)

    def set_left_over_aside(self, file: Path) -> None:
        inner = file.relative_to(project.output())
        move(file, earlier(self.profile.name) / inner)
        print(f"  {inner} is of an earlier run: set aside in {shown_earlier(self.profile.name)}",
              flush=True)

    def remember(self, seconds: float, page: str) -> None:
        self.write({"needs": self.at_start, "made": digests(self.outputs),
                    "executed": digest(self.report("ipynb")), "html": digest(self.report("html")),
                    "profile": self.profile.name, "page": page, "seconds": round(seconds, 1)})

    def page_stands(self, page: str) -> bool:
        """Whether the page was made with what makes pages today, and is as it was made."""
        remembered = self.remembered()
        return (remembered.get("page", "") == page
                and remembered.get("html") == digest(self.report("html")))

    def remember_page(self, page: str) -> None:
        self.write({**self.remembered(), "page": page, "html": digest(self.report("html"))})

    def write(self, value: dict) -> None:
        write_record(self.record, value)


def records() -> Path:
    return project.output() / "reports" / ".runs"


def read_record(path: Path) -> dict:
    """What is remembered of a run; empty where that cannot be read."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(value, dict) or not isinstance(value.get("profile"), str):
        return {}
    return value


def write_record(path: Path, value: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(".tmp")
    half.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
    half.replace(path)


def made_under(profile: str) -> set[str]:
    """The files that finished runs under a profile made."""
    values = map(read_record, records().glob("*.json"))
    return {file for value in values if value.get("profile") == profile
            for file in value.get("made", {})}


def earlier(profile: str) -> Path:
    """Where a profile's files are while those of another stand in their places."""
    return project.output() / "reports" / ".earlier" / profile


def shown_earlier(profile: str) -> str:
    return f"reports/.earlier/{profile}/"


def left_by(name: str, value: dict, base: Path) -> list[Path]:
    """What a run left below the output folder, or below the folder where it was set aside:
    outputs, report, and its checkpoint's models, each a whole folder."""
    inner = [Path(os.path.relpath(place, project.output()))
             for place in value.get("made") or value.get("outputs") or []]
    inner += [Path("reports") / f"{name}.{kind}" for kind in PAGES]
    left = [file for place in inner if ".." not in place.parts for file in found(base / place)]
    checkpoint = name.partition(".")[2]
    # What pretrains a checkpoint further makes that one, and what fine-tunes it the rest.
    if checkpoint and not any(place.parts[:2] == ("models", checkpoint) for place in inner):
        # <checkpoint>.<protocol>; another checkpoint's name can begin with this one's.
        left += [folder for folder in sorted((base / "models").glob(glob.escape(checkpoint) + ".*"))
                 if "." not in folder.name[len(checkpoint) + 1:]]
    return left


def check_pretrained(states: "list[State]") -> None:
    """A checkpoint that is pretrained further must be there before anything is trained for minutes:
    on the disk, or made by a run before it."""
    made: set[Path] = set()
    for state in states:
        for path in state.pretrained:
            if path not in made and not found(path):
                raise Problem(f"{state.name} reads {path}, which is not there: run 05_pretraining "
                              "before it, or `ttp pretrain`")
        made.update(state.must_write)


def settle(profile: Profile, names: list[str] | None = None) -> None:
    """Sets aside what runs under other profiles left, and takes back what this profile's
    left earlier: of the named runs, or of all.

    A run's record stands wherever one of its files does: it goes last and comes first, so
    that the next call ends what a killed one began. Everything is renamed, or copied where it is on
    another disk.
    """
    here = project.output()
    for record in sorted(records().glob("*.json")):
        value = read_record(record)
        other = value.get("profile", profile.name)
        if other == profile.name or (names is not None and record.stem not in names):
            continue
        if names is None:
            # They tell of the whole run, and are written again at the end of the next.
            for whole in ("index.html", "results.json"):
                if (here / "reports" / whole).exists():
                    move(here / "reports" / whole, earlier(other) / "reports" / whole)
        for file in left_by(record.stem, value, here):
            move(file, earlier(other) / file.relative_to(here))
        move(record, earlier(other) / "reports" / ".runs" / record.name)
        print(f"  {record.stem} is of profile {other}: set aside in {shown_earlier(other)}", flush=True)
    there = earlier(profile.name)
    for record in sorted((there / "reports" / ".runs").glob("*.json")):
        value = read_record(record)
        if names is not None and record.stem not in names:
            continue
        if value:
            write_record(records() / record.name, value)
            for file in left_by(record.stem, value, there):
                move(file, here / file.relative_to(there))
            print(f"  {record.stem} is back from {shown_earlier(profile.name)}", flush=True)
        record.unlink()


def set_aside_lost() -> None:
    """Pages and records of notebooks that are there no more, or have another name now. What they
    made is the next notebook's that writes it."""
    known = {path.stem for path in project.NOTEBOOKS.glob("*.ipynb")}
    reports, aside = project.output() / "reports", earlier("renamed")
    for record in sorted(records().glob("*.json")):
        name = record.stem
        if name.partition(".")[0] in known:
            continue
        for kind in PAGES:
            page = reports / f"{name}.{kind}"
            if page.exists():
                move(page, aside / page.name)
        record.unlink()
        print(f"  {name} is no notebook any more: its page is in {shown_earlier('renamed')}", flush=True)


def move(file: Path, target: Path) -> None:
    """Renames a file or folder; what stood there goes, and a model's folder that is empty then."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_dir():
        shutil.rmtree(target)
    move_whole(file, target)
    if file.parent.parent.name == "models":
        with contextlib.suppress(OSError):
            file.parent.rmdir()


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
