"""Stands for `ttp` in the tests of `make sweep`: the commands of `ttp sweep`, and jobs that sleep.

TTP_PROFILE names a JSON file: {"name", "jobs", "seconds" that a job takes, "fails": [ids]}. Each
job that runs leaves a line in ran.txt of the sweep's folder: its id, and the node of Slurm."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from pathlib import Path


def fail(text: str) -> None:
    sys.exit(f"error: {text}")


def digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()


def state(folder: Path, job: str) -> "tuple[str, str]":
    try:
        result = json.loads((folder / "jobs" / f"{job}.json").read_text())
    except FileNotFoundError:
        return "missing", "not run yet"
    except ValueError:
        return "broken", "cut off, or no JSON"
    if result["sha256"] != digest(result["content"]):
        return "broken", "its digest is not that of its content"
    other = result["content"]["id"]
    return ("sound", "") if other == job else ("foreign", f"it is the result of {other}")


def write(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.{os.getpid()}")
    half.write_text(json.dumps(content))
    half.replace(path)


def run(folder: Path, job: dict, profile: dict) -> None:
    if not (folder / "sweep.json").exists():
        fail("the folder is not prepared")
    for need in job["needs"]:
        if need != "prepare" and state(folder, need)[0] != "sound":
            fail(f"{need} is missing")
    with open(folder / "ran.txt", "a") as file:
        file.write(f"{job['id']} {os.environ.get('SLURMD_NODENAME', '')}\n")
    print("training", flush=True)
    time.sleep(profile["seconds"])
    if job["id"] in profile["fails"]:
        fail(f"{job['id']}: the loss is not finite")
    content = {"id": job["id"], "threads": os.environ["OMP_NUM_THREADS"],
               "gpu": os.environ.get("CUDA_VISIBLE_DEVICES", "")}
    write(folder / "jobs" / f"{job['id']}.json", {"content": content, "sha256": digest(content)})


def main() -> None:
    name = os.environ["TTP_PROFILE"]
    if not name.endswith(".json"):
        fail(f"unknown profile {name!r}")
    profile = json.loads(Path(name).read_text())
    profile = {"name": Path(name).stem, "seconds": 0.0, "fails": [], **profile}
    if any(job["id"].startswith("nonsense") for job in profile["jobs"]):
        fail(f"{name}: field \"sweep.arms\": unknown arm \"nonsense\"")
    fingerprint = digest(profile["jobs"])
    if sys.argv[1] == "fetch":
        lost = [checkpoint for checkpoint in sys.argv[2:] if checkpoint in profile["fails"]]
        if lost:
            fail(f"{lost[0]}: no such revision")
        return
    step, rest = sys.argv[2], sys.argv[3:]
    if step == "jobs":
        print(json.dumps({"profile": profile["name"], "fingerprint": fingerprint,
                          "jobs": profile["jobs"]}))
        return
    folder = Path(rest[rest.index("--folder") + 1])
    about = folder / "sweep.json"
    if about.exists() and json.loads(about.read_text())["fingerprint"] != fingerprint:
        fail(f"{folder}: a sweep of another profile, version or code: take another folder")
    states = {job["id"]: state(folder, job["id"]) for job in profile["jobs"]}
    if step == "prepare":
        write(about, {"fingerprint": fingerprint})
    elif step == "run":
        run(folder, next(job for job in profile["jobs"] if job["id"] == rest[0]), profile)
    elif step == "check":
        others = {path.stem for path in (folder / "jobs").glob("*.json")} - set(states)
        states.update({other: ("foreign", "profile has no such job") for other in sorted(others)})
        for job, (found, why) in states.items():
            print(json.dumps({"id": job, "state": found, "why": why}))
    elif step == "collect":
        write(folder / "evidence.json", sorted(states))
        for job, (found, _) in states.items():
            print(f"{job} {found}")


if __name__ == "__main__":
    main()
