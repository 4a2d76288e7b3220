"""What a notebook's file says: its cells, and the metadata that the runner goes by."""

from __future__ import annotations

from pathlib import Path

import nbformat

from project import Problem


def read(path: Path):
    try:
        nb = nbformat.read(path, as_version=4)
        nbformat.validate(nb)
    except OSError as error:
        raise Problem(f"{path}: cannot read: {error.strerror}") from error
    # nbformat's own errors share no class of theirs.
    except Exception as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise Problem(f"{path}: not a notebook: {reason[0][:200]}") from error
    return nb


def metadata(path: Path) -> dict:
    return read(path).metadata.get("ttp", {})


def files(path: Path, kind: str) -> list[str]:
    """Its `inputs` or `outputs`."""
    names = metadata(path).get(kind, [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise Problem(f"{path}: metadata \"ttp.{kind}\": a list of file names is needed")
    return names


def file_name(checkpoint: str) -> str:
    """A checkpoint as a part of a file's name, as the library has it: a folder's last part."""
    return Path(checkpoint).name
