"""Files that are whole under their name or not there, wherever a run is killed."""

from __future__ import annotations

import contextlib
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
    the target first. Wherever it is killed, what has either name is whole."""
    try:
        place.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        half, old = half_of(target), half_of(place)
        remove(half)
        try:
            if place.is_dir():
                shutil.copytree(place, half, symlinks=True, copy_function=copy_to_disk)
            else:
                copy_to_disk(place, half)
            half.replace(target)
        except OSError as problem:
            with contextlib.suppress(OSError):
                remove(half)
            raise Problem(f"{target}: cannot move {place} there: {why(problem)}") from problem
        remove(old)
        place.replace(old)
        remove(old)


def copy_to_disk(source: "str | Path", target: "str | Path") -> None:
    """A copy that has reached the disk: the original is removed after it."""
    shutil.copyfile(source, target)
    with open(target, "rb") as file:
        os.fsync(file.fileno())


def why(error: OSError) -> str:
    """An error of copytree has a list of files and reasons, each as a text."""
    if isinstance(error, shutil.Error):
        return str(error.args[0][0][2]).partition("] ")[2].partition(": '")[0] or str(error)
    return error.strerror or str(error)


def remove(place: Path) -> None:
    """A file or a folder, if it is there."""
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)


def half_of(path: Path) -> Path:
    return path.with_name(f".half-written-{path.name}")
