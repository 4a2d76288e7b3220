"""Whether the hub's checkpoints of a profile can be had, before a run begins.

A run of the paper's profile takes days, and needs its third checkpoint only towards the end.
"""

from __future__ import annotations

import os
import subprocess

import profiles
import project
from profiles import Profile
from project import Problem

FETCH = ["cargo", "run", "--quiet", "--package", "ttp-cli", "--bin", "ttp", "--", "fetch"]


def wanted(profile: Profile) -> list[str]:
    """The checkpoints of a run that the library asks the hub for: no folder has them."""
    if project.own_folder("TTP_MODELS"):
        return []
    folder = project.ROOT / "data" / "raw" / "models"
    return [name for name in profile.checkpoints()
            if profiles.is_on_hub(profiles.base(name))
            and not (folder / profiles.base(name)).is_dir()]


def check(profile: Profile) -> None:
    """Tries each of them, with `ttp fetch`; what is wrong with one is said by it."""
    names = wanted(profile)
    if not names:
        return
    print(f"checkpoints from the hub: {', '.join(names)}", flush=True)
    environment = {**os.environ, **profile.variables(None), **project.cargo_variables()}
    # Where the notebooks run, so that a relative HF_HOME is the same folder.
    done = subprocess.run([*FETCH, *names], cwd=project.NOTEBOOKS, env=environment, check=False)
    if done.returncode != 0:
        raise Problem("a checkpoint cannot be had from the hub: its own message stands above, and "
                      "no notebook was run")
