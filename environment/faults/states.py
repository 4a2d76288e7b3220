"""What a training keeps beside its model while it runs, so that the next run goes on from there.

Its states lie in a folder `.training-<name>`; what such a file is made of stands in
`ttp-lib/crates/model/src/engine/resume/file.rs`.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from faults import Lost

FOLDER = ".training-"
# The line that a state begins with, and the numbers before its JSON: format, length, length of it.
MAGIC, NUMBERS, DIGEST = b"ttp state of a training\n", 4 + 8 + 8, 32
GOES_ON = "note: goes on after step "
# What a training says, and goes on, where its state cannot be written, or its folder not be used.
NOT_KEPT = ("the state of the training was not kept: ", "this training keeps no state")


def is_of_state(path: str) -> bool:
    return any(part.startswith(FOLDER) for part in Path(path).parts)


def about(path: Path) -> dict:
    """A state's JSON, if the file is as it was written."""
    content = path.read_bytes()
    body, digest = content[:-DIGEST], content[-DIGEST:]
    if not content.startswith(MAGIC) or hashlib.sha256(body).digest() != digest:
        raise Lost(f"{path.parent.name}/{path.name} is half")
    start = len(MAGIC) + NUMBERS
    length = int.from_bytes(content[start - 8:start], "little")
    return json.loads(content[start:start + length])["about"]


def usable(out: Path) -> "list[Path]":
    """The states from which a training can go on. One whose best weights are gone was about to be
    removed: the training had ended."""
    found = []
    for path in sorted(out.rglob(f"{FOLDER}*/*.state")):
        says = about(path)
        if path.name.startswith("step-"):
            best = says["best"]
            if best is None or (path.parent / f"best-{best[1]:06}.state").exists():
                found.append(path)
    return found


def goes_on(output: str) -> bool:
    return any(line.startswith(GOES_ON) for line in output.splitlines())


def notes_not_kept(output: str) -> "list[str]":
    return [line for line in output.splitlines()
            if line.startswith("note: ") and any(text in line for text in NOT_KEPT)]
