"""The profile of a run, as far as the runner needs it: its name, file and checkpoints."""

from __future__ import annotations

import json
import os
from pathlib import Path

import project
from project import Problem

FOLDER = project.NOTEBOOKS / "profiles"
DEFAULT = "laptop"


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
        own = name.endswith(".json") or os.sep in name
        path = Path(name).expanduser().resolve() if own else FOLDER / f"{name}.json"
        if not own and not path.exists():
            known = ", ".join(sorted(p.stem for p in FOLDER.glob("*.json"))) or "none"
            raise Problem(f"unknown profile {name!r}; known: {known}")
        try:
            settings = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise Problem(f"{path}: cannot read: {error.strerror}") from error
        except ValueError as error:
            raise Problem(f"{path}: {error}") from error
        if not isinstance(settings, dict):
            raise Problem(f"{path}: a profile is a JSON object")
        return cls(path.stem, path, settings)

    def checkpoints(self) -> list[str]:
        """Names, in the profile's order; `TTP_CHECKPOINT` picks one of them."""
        entries = self.settings.get("checkpoints", [])
        names = [entry if isinstance(entry, str) else entry.get("name") for entry in entries]
        if not names or not all(isinstance(name, str) for name in names):
            raise Problem(f"{self.path}: field \"checkpoints\": a list of names is needed")
        wanted = os.environ.get("TTP_CHECKPOINT")
        if not wanted:
            return names
        if wanted not in names:
            raise Problem(f"unknown checkpoint {wanted!r}; profile {self.name} has: {', '.join(names)}")
        return [wanted]

    def variables(self, checkpoint: str | None) -> dict[str, str]:
        own = self.path.parent != FOLDER
        found = {"TTP_PROFILE": str(self.path) if own else self.name}
        if checkpoint:
            found["TTP_CHECKPOINT"] = checkpoint
        return found
