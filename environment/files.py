"""Files that are whole under their name or not there, wherever a run is killed."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

from project import Problem


def write_whole(path: Path, content: "str | bytes") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    half = half_of(path)
    try:
        with open(half, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        half.replace(path)
    except OSError as error:
        half.unlink(missing_ok=True)
        raise Problem(f"{path}: cannot write: {error.strerror}") from error


def move_whole(file: Path, target: Path) -> None:
    """Renames a file. On another disk, where that is not possible, a copy is made beside the
    target first."""
    try:
        file.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        half = half_of(target)
        try:
            shutil.copyfile(file, half)
            half.replace(target)
        except OSError as problem:
            half.unlink(missing_ok=True)
            raise Problem(f"{target}: cannot write: {problem.strerror}") from problem
        file.unlink()


def half_of(path: Path) -> Path:
    return path.with_name(f".half-written-{path.name}")
