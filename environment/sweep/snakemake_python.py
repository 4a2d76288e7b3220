"""The Python that has Snakemake, made once, kept in the cache beside the project's own."""

from __future__ import annotations

import sys
from pathlib import Path

import fetch
import project
import setup
from project import Problem

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
OLDEST = (3, 11)
ROOM_BYTES = 300_000_000


def python() -> Path:
    """Snakemake's Python; made first, where it is not there yet."""
    need_version(sys.version_info[:2])
    folder = setup.python_folder(REQUIREMENTS, "snakemake")
    if setup.is_complete(folder):
        return setup.python_in(folder)
    with fetch.one_at_a_time(project.cache()):
        if not setup.is_complete(folder):
            setup.say("Snakemake, and its executor for Slurm")
            fetch.need_space(project.cache(), ROOM_BYTES, "Snakemake")
            with setup.python_environment(folder):
                setup.install_requirements(folder, REQUIREMENTS)
    return setup.python_in(folder)


def need_version(version: tuple[int, ...]) -> None:
    if version < OLDEST:
        raise Problem(f"Snakemake 9 needs Python 3.{OLDEST[1]} or newer, this is "
                      f"{version[0]}.{version[1]}: give make PYTHON=python3.{OLDEST[1]}")
