"""`make sweep`: all seeds, splits and arms of a profile, and the tables made of them.

    TTP_PROFILE=sweep-laptop make sweep      on this machine, one job at a time on all cores
    SWEEP=slurm make sweep                   each job on some cores of a Slurm cluster
    CUDA=1 SWEEP=slurm make sweep            each training on one GPU of it

`ttp sweep` knows the jobs, does each of them and judges the results; Snakemake runs them in their
order; this program stands between the two. Before a run it has the results in the folder checked:
a sound one stays, a broken one is moved to broken/ and made again, and a folder of another profile
or version is refused. So a sweep that was killed goes on where it was.

    SWEEP_FOLDER    where results go [sweep/<profile>/ in TTP_OUT, or in the repository]
    SWEEP_JOBS      jobs at once [1; with Slurm 100]
    SWEEP_CORES     cores of a job, with Slurm [4, or a node's]
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import children
import ending
import fetch
import hub_check
import kernel
import machine
import project
from bench import race
from profiles import Profile
from project import Problem
from sweep import slurm, snakemake_python
from sweep.progress import Progress

HERE = Path(__file__).parent
PROFILE = "sweep-laptop"
LOOK_SECONDS = 0.3
# What Snakemake has to cancel its jobs in Slurm once it is told to end.
END_SECONDS = 30.0
# A job of Slurm that was killed is tried again so often.
RETRIES = 2
# How long a result on a shared disk may take to be seen from here.
SHARED_DISK_SECONDS = 60


def say(text: str) -> None:
    print(text, flush=True)


# -- ttp ------------------------------------------------------------------------------

class Tool:
    """`ttp sweep`, and the environment that it runs in."""

    def __init__(self, program: list[str], profile: str) -> None:
        self.program = program
        self.variables = {**kernel.cuda_variables(), **project.libtorch_variables(),
                          "TTP_PROFILE": profile}

    def ask(self, *arguments: str) -> str:
        """What it prints. Its one line of what is wrong is passed on."""
        try:
            done = subprocess.run([*self.program, "sweep", *arguments], cwd=project.ROOT, text=True,
                                  errors="replace", env={**os.environ, **self.variables},
                                  stdin=subprocess.DEVNULL, capture_output=True, check=False)
        except OSError as error:
            raise Problem(f"{self.program[0]}: {error.strerror}") from error
        if done.returncode != 0:
            lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
            line = lines[-1] if lines else f"it ended with status {done.returncode}"
            if line.startswith("error: "):
                raise Problem(line[len("error: "):])
            raise Problem(f"ttp sweep {arguments[0]}: {line}")
        return done.stdout

    def jobs(self) -> dict:
        return self.parsed("jobs", self.ask("jobs"))

    def check(self, folder: Path) -> list[dict]:
        lines = self.ask("check", "--folder", str(folder)).splitlines()
        return [self.parsed("check", line) for line in lines if line.strip()]

    def parsed(self, step: str, text: str) -> dict:
        try:
            return json.loads(text)
        except ValueError as error:
            raise Problem(f"ttp sweep {step}: what it printed is no JSON: {error}") from error


# -- what the user asks for -----------------------------------------------------------

def on_slurm() -> bool:
    wanted = os.environ.get("SWEEP", "")
    if wanted not in ("", "local", "slurm"):
        raise Problem(f"SWEEP={wanted}: local (this machine, as without it) or slurm")
    return wanted == "slurm"


def number(variable: str, default: int) -> int:
    text = os.environ.get(variable, "")
    if not text:
        return default
    if not text.isdecimal() or int(text) < 1:
        raise Problem(f"{variable}={text}: a whole number of at least 1 is needed")
    return int(text)


def folder_of(profile: str) -> Path:
    own = project.own_folder("SWEEP_FOLDER")
    return own or project.output() / "sweep" / profile


# -- the folder -----------------------------------------------------------------------

def set_aside(folder: Path, states: list[dict], jobs: list[dict]) -> None:
    """Moves results of the sweep's jobs that cannot be used out of the way, and tells of each."""
    own = {job["id"] for job in jobs}
    for state in states:
        result = folder / "jobs" / f"{state['id']}.json"
        if state["state"] not in ("broken", "foreign"):
            continue
        # It may name the file itself.
        why = state["why"].replace(f"{result}: ", "")
        if state["id"] not in own:
            say(f"note: {result}: {why}: left as it is")
            continue
        kept = free_name(folder / "broken" / result.name)
        say(f"{state['state']}: {result}: {why}: kept as {kept}, made again")
        kept.parent.mkdir(exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            result.replace(kept)


def free_name(path: Path) -> Path:
    """The path, or where something has that name, the first of `name.2.json`, `name.3.json` … that
    is free."""
    names = itertools.chain([path], (path.with_suffix(f".{number}{path.suffix}")
                                     for number in itertools.count(2)))
    return next(name for name in names if not name.exists())


def write_plan(folder: Path, plan: dict) -> None:
    """What the Snakefile reads, and empty folders for the notes of its jobs."""
    workflow = folder / "workflow"
    for notes in ("done", "failed"):
        shutil.rmtree(workflow / notes, ignore_errors=True)
        (workflow / notes).mkdir()
    for name in ("jobs", "logs"):
        (folder / name).mkdir(exist_ok=True)
    (workflow / "prepared").unlink(missing_ok=True)
    kernel.write_changed(workflow / "plan.json", (json.dumps(plan, indent=1) + "\n").encode())


def missing_jobs(jobs: list[dict], states: list[dict]) -> dict[str, dict]:
    """Jobs without a sound result, by their ids; of what each needs, only what is missing."""
    sound = {state["id"] for state in states if state["state"] == "sound"}
    left = {job["id"] for job in jobs} - sound
    return {job["id"]: {**job, "needs": [name for name in job["needs"]
                                         if name == "prepare" or name in left]}
            for job in jobs if job["id"] in left}


# -- Snakemake ------------------------------------------------------------------------

def snakemake_command(python: Path, folder: Path, plan: dict, at_once: int,
                      check_seconds: int) -> list[str]:
    command = [str(python), "-m", "snakemake", "--snakefile", str(HERE / "Snakefile"),
               "--directory", str(folder / "workflow"), "--workflow-profile", "none",
               # The lock and the check of the results above say more than Snakemake's own.
               "--nolock", "--rerun-incomplete", "--keep-going", "--scheduler", "greedy"]
    if not plan["slurm"]:
        return [*command, "--cores", str(at_once * plan["threads"])]
    return [*command, "--executor", "slurm", "--jobs", str(at_once), "--retries", str(RETRIES),
            "--latency-wait", str(SHARED_DISK_SECONDS),
            "--slurm-init-seconds-before-status-checks", str(check_seconds),
            "--slurm-status-command", slurm.status_command(), "--slurm-requeue",
            "--slurm-jobname-prefix", slurm.job_prefix(folder),
            "--slurm-logdir", str(folder / "logs" / "slurm")]


def run_snakemake(command: list[str], folder: Path, lock: int, progress: Progress,
                  variables: dict[str, str]) -> int:
    """Runs the workflow and tells of each job that ends; Snakemake's own words go to a file."""
    # What a user has set for workflows of his own, and this folder's modules, are not for it.
    environment = {name: value for name, value in os.environ.items()
                   if not name.startswith("SNAKEMAKE_") and name != "PYTHONPATH"}
    with open(snakemake_log(folder), "w", encoding="utf-8") as log:
        process = children.start(command, env={**environment, **variables}, stdout=log,
                                 stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                 pass_fds=(lock,))
        try:
            while process.poll() is None:
                progress.look()
                time.sleep(LOOK_SECONDS)
            progress.look()
        finally:
            if process.poll() is None:
                end(process)
    return process.returncode


def end(process: subprocess.Popen) -> None:
    for number_of_signal in (signal.SIGINT, signal.SIGKILL):
        children.tell(process, number_of_signal)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(END_SECONDS)


def snakemake_log(folder: Path) -> Path:
    return folder / "workflow" / "snakemake.log"


# -------------------------------------------------------------------------------------

def run(arguments: argparse.Namespace) -> None:
    with_slurm = on_slurm()
    snakemake_python.need_version(sys.version_info[:2])
    jobs_at_once = number("SWEEP_JOBS", 100 if with_slurm else 1)
    cores = number("SWEEP_CORES", 4)
    # By its path, as other folders here: the tool takes a profile's path from where it runs.
    profile = os.environ.get("TTP_PROFILE") or PROFILE
    if profile.endswith(".json"):
        profile = str(Path(profile).expanduser().resolve())
    if with_slurm:
        slurm.need_programs()
    tool = Tool(arguments.ttp or [str(race.built_program("ttp"))], profile)
    asked = tool.jobs()
    folder = folder_of(asked["profile"])
    # Snakemake holds the lock as well: as long as one of the two runs, no other sweep begins here.
    with fetch.alone_in(folder, folder / "workflow" / "lock", "sweep", "SWEEP_FOLDER") as lock:
        states = tool.check(folder)
        set_aside(folder, states, asked["jobs"])
        left = missing_jobs(asked["jobs"], states)
        if left:
            need_checkpoints(tool, Profile.read(profile), left)
            sweep(arguments, tool, asked, left, folder, lock, jobs_at_once,
                  cores if with_slurm else 0)
            states = tool.check(folder)
        else:
            say(f"sweep: {asked['profile']}: all {len(asked['jobs'])} results are there: {folder}")
        print(tool.ask("collect", "--folder", str(folder)), end="", flush=True)
        finish(folder, missing_jobs(asked["jobs"], states), len(asked["jobs"]))


def need_checkpoints(tool: Tool, profile: Profile, left: dict[str, dict]) -> None:
    """Tries the checkpoints before the first job, where one of those left trains an encoder."""
    if any(job["gpu"] for job in left.values()):
        command = [*tool.program, "fetch"]
        hub_check.check(profile, profile.encoders(), "job", project.ROOT, command)


def sweep(arguments: argparse.Namespace, tool: Tool, asked: dict, left: dict[str, dict],
          folder: Path, lock: int, jobs_at_once: int, cores_of_a_slurm_job: int) -> None:
    gpus = project.wants_cuda()
    if cores_of_a_slurm_job:
        place = slurm.place(cores_of_a_slurm_job, gpus and any(job["gpu"] for job in left.values()))
        slurm.cancel_left(folder, say)
        for note in [] if gpus else on_cores_alone(left):
            say(note)
    else:
        jobs_at_once = min(jobs_at_once, machine.cores())
        place = slurm.Place(threads=machine.cores() // jobs_at_once)
    python = snakemake_python.python()
    plan = {"folder": str(folder), "root": str(project.ROOT), "ttp": tool.program,
            "run": [str(python), str(HERE / "job.py")], "environment": tool.variables,
            "slurm": bool(cores_of_a_slurm_job), **place.__dict__, "jobs": left}
    write_plan(folder, plan)
    say(f"sweep: {asked['profile']}: {len(left)} of {len(asked['jobs'])} jobs to run in {folder}, "
        + (f"by Slurm: {place.said()}" if plan["slurm"] else
           f"here, {jobs_at_once} at a time on {place.threads} cores"))
    command = snakemake_command(python, folder, plan, jobs_at_once, arguments.check_seconds)
    progress = Progress(folder, asked["jobs"], left, say)
    status = run_snakemake(command, folder, lock, progress, tool.variables)
    if status != 0 and not progress.failed:
        say(f"sweep: Snakemake ended with status {status}: its own words are in "
            f"{snakemake_log(folder)}")


def on_cores_alone(left: dict[str, dict]) -> list[str]:
    """What to say where a cluster's trainings were not given GPUs."""
    trainings = sum(job["gpu"] for job in left.values())
    note = f"note: {trainings} of the jobs train encoders, on cores alone: CUDA=1 gives each a GPU"
    return [note] if trainings else []


def finish(folder: Path, left: dict[str, dict], number_of_jobs: int) -> None:
    if not left:
        say(f"sweep: complete: {number_of_jobs} of {number_of_jobs} jobs: {folder / 'evidence.json'}")
        return
    failed = [name for name in left if (folder / "workflow" / "failed" / name).exists()]
    waiting = [name for name in left if name not in failed]
    prepared = folder / "workflow" / "failed" / "prepare"
    parts = [f"failed: {', '.join(failed)}" if failed else "",
             "failed: prepare" if prepared.exists() else "",
             f"not run to an end: {', '.join(waiting)}" if waiting else ""]
    raise Problem(f"{len(left)} of {number_of_jobs} jobs have no result "
                  f"({'; '.join(part for part in parts if part)}): their words are in "
                  f"{folder / 'logs'}, Snakemake's in {snakemake_log(folder)}; `make sweep` goes on "
                  "from here")


def main() -> int:
    parser = argparse.ArgumentParser(description="Run all jobs of a sweep's profile.")
    parser.add_argument("--ttp", nargs="+", metavar="WORD",
                        help="the program to call [ttp, built here]")
    parser.add_argument("--check-seconds", type=int, default=20,
                        help="between two looks at Slurm's jobs, at first [20]")
    arguments = parser.parse_args()
    return ending.run(lambda: run(arguments), project.output,
                      "stopped; what has a result keeps it, and `make sweep` goes on from there")


if __name__ == "__main__":
    sys.exit(main())
