"""One job of a sweep, where it runs: on this machine, or on a node of Slurm.

    python job.py ID      in the sweep's folder workflow/, beside plan.json

Calls `ttp sweep run ID` (`ttp sweep prepare` for the id `prepare`), keeps what it says in
logs/ID.log, and leaves a note in workflow/done/ or workflow/failed/. A job that failed by itself
is not tried again. One that was killed leaves no note on Slurm, so that it is tried on another
node. Imports nothing of the project: on a node there is only Snakemake's Python.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path


def main() -> int:
    name = sys.argv[1]
    plan = json.loads(Path("plan.json").read_text(encoding="utf-8"))
    failed = Path("failed") / name
    if failed.exists():
        return 1
    folder = Path(plan["folder"])
    log = folder / "logs" / f"{name}.log"
    threads = str(plan["threads"])
    environment = {**os.environ, **plan["environment"],
                   "OMP_NUM_THREADS": threads, "RAYON_NUM_THREADS": threads}
    step = ["prepare"] if name == "prepare" else ["run", name]
    began = time.monotonic()
    with log.open("w", encoding="utf-8") as file:
        try:
            code = subprocess.run([*plan["ttp"], "sweep", *step, "--folder", str(folder)],
                                  env=environment, cwd=plan["root"], stdin=subprocess.DEVNULL,
                                  stdout=file, stderr=subprocess.STDOUT, check=False).returncode
        except OSError as error:
            print(f"error: {plan['ttp'][0]}: {error.strerror}", file=file, flush=True)
            code = 127
    if code == 0:
        note(Path("done") / name, {"seconds": time.monotonic() - began})
    elif code > 0 or not plan["slurm"]:
        why = last_line(log) if code > 0 else f"ended by signal {-code}"
        note(failed, {"why": why})
    return 1 if code else 0


def last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    said = [line.strip() for line in lines if line.strip()]
    return (said[-1] if said else "it said nothing").removeprefix("error: ")


def note(path: Path, content: dict) -> None:
    half = path.with_name(f".{path.name}.{os.getpid()}")
    half.write_text(json.dumps(content), encoding="utf-8")
    half.replace(path)


if __name__ == "__main__":
    sys.exit(main())
