"""The command line's tool as users have it, for what it is measured at by itself."""

from __future__ import annotations

import argparse
import math
import os
from pathlib import Path

import project
from project import Problem

REPORT = project.ROOT / "data" / "reports" / "paper-lantern.md"


def add_arguments(options: argparse.ArgumentParser) -> None:
    options.add_argument("--ttp", type=Path, metavar="FILE",
                         help="the program [target/release/ttp, which `make ttp` builds]")
    options.add_argument("--model", type=Path, metavar="FOLDER",
                         help="a report model [models/report, which `make report-model` trains]")


def program(arguments: argparse.Namespace) -> Path:
    target = Path(os.environ.get("CARGO_TARGET_DIR") or project.ROOT / "target")
    return found(arguments.ttp or target / "release" / "ttp", "make ttp")


def model(arguments: argparse.Namespace) -> Path:
    folder = arguments.model or project.output() / "models" / "report"
    found(folder / "report-model.json", "make report-model")
    return folder.resolve()


def has_encoder(folder: Path) -> bool:
    """Whether a model's folder holds an encoder beside the linear model."""
    return (folder / "encoder").is_dir()


def found(path: Path, made_by: str) -> Path:
    if not path.is_file():
        raise Problem(f"{path}: not there: `{made_by}` makes it")
    return path.resolve()


def environment() -> dict[str, str]:
    return {**os.environ, **project.libtorch_variables()}


def percentile(values: "list[float]", share: float) -> float:
    """The smallest value that so large a share of all values does not exceed."""
    return sorted(values)[max(math.ceil(share * len(values)), 1) - 1]
