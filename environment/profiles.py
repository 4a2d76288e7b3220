"""The profile of a run, as far as set-up and the runner need it.

All other settings are the library's, which checks each of them.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import project
from project import Problem

FOLDER = project.NOTEBOOKS / "profiles"
CATALOGUE = (project.ROOT / "ttp-lib" / "crates" / "model" / "src" / "pretrained"
             / "catalogue.json")
DEFAULT = "laptop"
# The JSON schema of profiles lies beside them.
SCHEMA = "schema"
# As the library's `hub_id`: owner/name, with or without @revision.
HUB_ID = re.compile(r"[A-Za-z0-9_][\w.-]*/[A-Za-z0-9_][\w.-]*(@.+)?", re.ASCII)
ATTACK, TRAM = "attack-v10.1", "tram-v1"
# A later release of ATT&CK. It tests models; profiles that name it read their sentences from it.
ATTACK_V15 = "attack-v15"
RAW = "data/raw/"
# Linear models, as the library's `LinearKind` names them: nothing is fetched or run per checkpoint.
LINEAR = ("tfidf-svm", "counts-logistic")


def catalogue() -> dict[str, dict]:
    """The checkpoints that have a name, from the library's own file."""
    return {entry["name"]: entry for entry in json.loads(CATALOGUE.read_text(encoding="utf-8"))}


def is_made_here(name: str) -> bool:
    """Whether a run makes the checkpoint itself, by further pretraining."""
    return "further_pretrained" in start(name)


def base(name: str) -> str:
    """The checkpoint that must be there for this one: itself, or the one it is made from."""
    found = start(name)
    return (found.get("further_pretrained", {}).get("from")
            or found.get("random", {}).get("shape_of") or name)


def is_on_hub(name: str) -> bool:
    """Whether the library takes it from the hub, as long as no folder of one's own has it.
    Where there is a folder of the owner's name, a path was meant."""
    return "hub" in start(name) or (
        name not in catalogue() and bool(HUB_ID.fullmatch(name))
        and not checkpoint_folder(name.partition("/")[0]).is_dir())


def start(name: str) -> dict:
    found = catalogue().get(name, {}).get("start")
    return found if isinstance(found, dict) else {}


def checkpoint_folder(path: str) -> Path:
    """A checkpoint named by its path: as the library finds it, from the notebooks' folder,
    or else from the repository's root."""
    here = project.NOTEBOOKS / path
    return here if here.exists() else project.ROOT / path


class Profile:
    """A JSON file in notebooks/profiles/, or one of the user's own."""

    def __init__(self, name: str, path: Path, settings: dict) -> None:
        self.name = name
        self.path = path
        self.settings = settings

    @classmethod
    def from_environment(cls) -> Profile:
        return cls.read(os.environ.get("TTP_PROFILE") or DEFAULT)

    @classmethod
    def read(cls, name: str) -> Profile:
        own = name.endswith(".json")
        path = Path(name).expanduser().resolve() if own else FOLDER / f"{name}.json"
        if not own and (os.sep in name or name == SCHEMA or not path.exists()):
            stems = [p.stem for p in sorted(FOLDER.glob("*.json")) if p.stem != SCHEMA]
            known = stems + ["a JSON file's path"]
            raise Problem(f"unknown profile {name!r}; known: {', '.join(known)}")
        try:
            settings = json.loads(path.read_text(encoding="utf-8-sig"))
        except OSError as error:
            raise Problem(f"{path}: cannot read: {error.strerror}") from error
        except (ValueError, RecursionError) as error:
            raise Problem(f"{path}: {error}") from error
        if not isinstance(settings, dict):
            raise Problem(f"{path}: a profile is a JSON object")
        return cls(path.stem, path, settings)

    def is_own(self) -> bool:
        return self.path.parent != FOLDER

    def is_sweep(self) -> bool:
        """Whether it is one of `make sweep`, which reads nothing but its own sentences."""
        return self.name.startswith("sweep-")

    def all_checkpoints(self) -> list[str]:
        names = self.settings.get("checkpoints")
        if not isinstance(names, list) or not names or not all(isinstance(n, str) for n in names):
            raise Problem(f"{self.path}: field \"checkpoints\": a list of names is needed")
        return names

    def encoders(self) -> list[str]:
        """The checkpoints to fine-tune: all but the linear models."""
        return [name for name in self.all_checkpoints() if name not in LINEAR]

    def checkpoints(self) -> list[str]:
        """The encoders, in the profile's order; `TTP_CHECKPOINT` picks one of them."""
        names = self.encoders()
        wanted = os.environ.get("TTP_CHECKPOINT")
        if not wanted:
            return names
        if wanted not in names:
            raise Problem(f"unknown checkpoint {wanted!r}; profile {self.name} has: {', '.join(names)}")
        return [wanted]

    def check_checkpoints(self) -> None:
        """A checkpoint is one of the catalogue, by its name, a folder, by its path, or one of
        the hub, by its id. What is none of them is found now, and not when its turn comes."""
        known = list(catalogue())
        for name in self.checkpoints():
            is_folder = os.sep in name and checkpoint_folder(name).is_dir()
            if name not in known and not is_folder and not is_on_hub(name):
                what = "no such folder" if os.sep in name else "not known"
                raise Problem(f"{self.path}: checkpoint {name!r}: {what}; known: "
                              f"{', '.join([*known, *LINEAR, 'the path of a folder', 'owner/name'])}")

    def bases(self) -> set[str]:
        """The checkpoints that must be there for all of the profile's."""
        return {base(name) for name in self.encoders()}

    def texts(self) -> list[str]:
        """The sources, by their names in data/sources.toml, that sentences are read from."""
        listed = self.csv_settings().get("listed")
        later = any(path.startswith(f"{RAW}{ATTACK_V15}/") for path in self.bundles())
        return ([ATTACK] + ([ATTACK_V15] if later else []) + ([TRAM] if self.corpus().get("join_tram_v1") is True else [])
                + ([listed] if isinstance(listed, str) else []))

    def vocabularies(self) -> list[str]:
        """The sources, by their names in data/sources.toml, of the vocabularies that a sweep compares."""
        sweep = self.settings.get("sweep")
        arms = sweep.get("arms") if isinstance(sweep, dict) else None
        named = arms if isinstance(arms, list) else []
        return [f"{name}-vocabulary" for name in ("bert", "scibert") if f"vocabulary_{name}" in named]

    def corpus(self) -> dict:
        corpus = self.settings.get("corpus")
        return corpus if isinstance(corpus, dict) else {}

    def bundles(self) -> list[str]:
        """The bundles beside ATT&CK v10.1's that the sentences come from: from the repository."""
        source = self.corpus().get("source")
        if source == ATTACK_V15:
            return [f"{RAW}{ATTACK_V15}/enterprise-attack.json"]
        named = source.get("bundle") if isinstance(source, dict) else None
        if isinstance(named, dict):
            named = named.get("path")
        if isinstance(source, str) and source.endswith(".json"):
            named = source
        paths = named if isinstance(named, list) else [named]
        return [path for path in paths if isinstance(path, str) and path]

    def csv_settings(self) -> dict:
        source = self.corpus().get("source")
        named = source.get("csv") if isinstance(source, dict) else None
        return named if isinstance(named, dict) else {}

    def csv(self) -> str | None:
        """The CSV file that the sentences come from, if they do: from the repository."""
        path = self.csv_settings().get("path")
        return path if isinstance(path, str) else None

    def hub_file(self) -> str | None:
        """The data set's file that the sentences come from, if they do: `owner/name/file`."""
        source = self.corpus().get("source")
        named = source.get("hub") if isinstance(source, dict) else None
        named = named if isinstance(named, dict) else {}
        parts = [named.get("dataset", named.get("id")), named.get("file")]
        return "/".join(parts) if all(isinstance(part, str) for part in parts) else None

    def notebooks(self) -> list[str] | None:
        """The notebooks that a run without a notebook's name executes; all where `None`."""
        names = self.settings.get("notebooks")
        if names is None:
            return None
        if not isinstance(names, list) or not names or not all(isinstance(n, str) for n in names):
            raise Problem(f"{self.path}: field \"notebooks\": a list of names is needed")
        return names

    def variables(self, checkpoint: str | None) -> dict[str, str]:
        found = {"TTP_PROFILE": str(self.path) if self.is_own() else self.name}
        if checkpoint:
            found["TTP_CHECKPOINT"] = checkpoint
        return found
