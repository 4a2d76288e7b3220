"""The profile of a run, as far as set-up and the runner need it.

All other settings are the library's, which checks each of them.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import project
from project import Problem

FOLDER = project.NOTEBOOKS / "profiles"
DEFAULT = "laptop"
ATTACK, TRAM = "attack-v10.1", "tram-v1"


def catalogue() -> list[str]:
    """The checkpoints that data/sources.toml provides, as data/raw/models/<name>/."""
    sources = project.read_toml(project.ROOT / "data" / "sources.toml")
    files = [*sources.get("file", []),
             *(member for wheel in sources.get("wheel", []) for member in wheel.get("file", []))]
    places = [Path(file["to"]).parts for file in files]
    return sorted({parts[1] for parts in places if parts[0] == "models" and len(parts) > 2})


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
        if not own and (os.sep in name or not path.exists()):
            known = [p.stem for p in sorted(FOLDER.glob("*.json"))] + ["a JSON file's path"]
            raise Problem(f"unknown profile {name!r}; known: {', '.join(known)}")
        try:
            settings = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise Problem(f"{path}: cannot read: {error.strerror}") from error
        except (ValueError, RecursionError) as error:
            raise Problem(f"{path}: {error}") from error
        if not isinstance(settings, dict):
            raise Problem(f"{path}: a profile is a JSON object")
        return cls(path.stem, path, settings)

    def is_own(self) -> bool:
        return self.path.parent != FOLDER

    def all_checkpoints(self) -> list[str]:
        names = self.settings.get("checkpoints")
        if not isinstance(names, list) or not names or not all(isinstance(n, str) for n in names):
            raise Problem(f"{self.path}: field \"checkpoints\": a list of names is needed")
        return names

    def checkpoints(self) -> list[str]:
        """Names, in the profile's order; `TTP_CHECKPOINT` picks one of them."""
        names = self.all_checkpoints()
        wanted = os.environ.get("TTP_CHECKPOINT")
        if not wanted:
            return names
        if wanted not in names:
            raise Problem(f"unknown checkpoint {wanted!r}; profile {self.name} has: {', '.join(names)}")
        return [wanted]

    def check_checkpoints(self) -> None:
        """A checkpoint is one of the catalogue, by its name, or a folder, by its path. One that
        is neither is found now, and not when its turn comes to be trained."""
        known = catalogue()
        for name in self.checkpoints():
            if name not in known and not (os.sep in name and checkpoint_folder(name).is_dir()):
                what = "no such folder" if os.sep in name else "not known"
                raise Problem(f"{self.path}: checkpoint {name!r}: {what}; known: "
                              f"{', '.join([*known, 'the path of a folder'])}")

    def texts(self) -> list[str]:
        """The sources, by their names in data/sources.toml, that sentences are read from."""
        corpus = self.corpus()
        return [ATTACK] + ([TRAM] if corpus.get("join_tram_v1") is True else [])

    def corpus(self) -> dict:
        corpus = self.settings.get("corpus")
        return corpus if isinstance(corpus, dict) else {}

    def csv(self) -> Path | None:
        """The CSV file of one's own that the sentences come from, if they do."""
        source = self.corpus().get("source")
        named = source.get("csv") if isinstance(source, dict) else None
        path = named.get("path") if isinstance(named, dict) else None
        return project.ROOT / path if isinstance(path, str) else None

    def variables(self, checkpoint: str | None) -> dict[str, str]:
        found = {"TTP_PROFILE": str(self.path) if self.is_own() else self.name}
        if checkpoint:
            found["TTP_CHECKPOINT"] = checkpoint
        return found
