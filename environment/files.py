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


def move_whole(place: Path, target: Path) -> None:
    """Renames a file or a folder. On another disk, where that is not possible, a copy is made beside
    the target first."""
    try:
        place.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        half = half_of(target)
        remove(half)
        try:
            if place.is_dir():
                shutil.copytree(place, half, symlinks=True)
            else:
                shutil.copyfile(place, half)
            half.replace(target)
        except OSError as problem:
            remove(half)
            # An error of copytree has a list of all files and reasons.
            why = problem.args[0][0][2] if isinstance(problem, shutil.Error) else problem.strerror
            raise Problem(f"{target}: cannot write: {why}") from problem
        remove(place)


def remove(place: Path) -> None:
    """A file or a folder, if it is there."""
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)


def half_of(path: Path) -> Path:
    return path.with_name(f".half-written-{path.name}")
