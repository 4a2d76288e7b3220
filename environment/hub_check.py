"""Whether the hub's checkpoints of a profile can be had, before a run begins.

A run of the paper's profile takes days, and needs its third checkpoint only towards the end.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import profiles
import project
from profiles import Profile
from project import Problem

FETCH = ["cargo", "run", "--quiet", "--package", "ttp-cli", "--bin", "ttp", "--", "fetch"]


def wanted(names: list[str]) -> list[str]:
    """Those of some checkpoints that the library asks the hub for: no folder has them."""
    if project.own_folder("TTP_MODELS"):
        return []
    folder = project.ROOT / "data" / "raw" / "models"
    return [name for name in names if profiles.is_on_hub(profiles.base(name))
            and not (folder / profiles.base(name)).is_dir()]


def check(profile: Profile, names: list[str], what_waits: str, place: Path,
          fetch: list[str] | None = None) -> None:
    """Tries each of them, with `ttp fetch`; what is wrong with one is said by it. `place` is the
    folder that the run itself works in, so that a relative HF_HOME is the same folder."""
    names = wanted(names)
    if not names:
        return
    print(f"checkpoints from the hub: {', '.join(names)}", flush=True)
    environment = {**os.environ, **profile.variables(None), **project.cargo_variables()}
    command = [*(fetch or FETCH), *names]
    try:
        done = subprocess.run(command, cwd=place, env=environment, check=False)
    except OSError as error:
        raise Problem(f"{command[0]}: {error.strerror}") from error
    if done.returncode != 0:
        raise Problem("a checkpoint cannot be had from the hub: its own message stands above, and "
                      f"no {what_waits} was run")
