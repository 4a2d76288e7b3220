"""What a sweep needs to know of Slurm: whether it is there, and what its nodes have."""

from __future__ import annotations

import getpass
import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from project import Problem

PROGRAMS = ("sbatch", "squeue", "sinfo", "scancel")
# Enough to fine-tune a checkpoint of BERT base's size.
MEMORY_MB = 8000
CANCEL_SECONDS = 30.0


@dataclass
class Place:
    """What a job gets: cores, memory (0: not asked for), partitions for jobs without and with a
    GPU, and who pays; an empty text says nothing to Slurm."""

    threads: int
    memory_mb: int = 0
    partition: str = ""
    gpu_partition: str = ""
    account: str = ""

    def said(self) -> str:
        gpu = f", a GPU of partition {self.gpu_partition} for each training" * bool(self.gpu_partition)
        return f"{self.threads} cores and {self.memory_mb} MB a job{gpu}"


@dataclass
class Partition:
    name: str
    default: bool
    gpus: bool
    cores: int
    memory_mb: int


def need_programs() -> None:
    for program in PROGRAMS:
        if not shutil.which(program):
            raise Problem(f"SWEEP=slurm: no {program} on PATH: run it where jobs are submitted, or "
                          "on this machine alone without SWEEP")


def ask(command: list[str]) -> str:
    try:
        done = subprocess.run(command, text=True, errors="replace", capture_output=True,
                              stdin=subprocess.DEVNULL, check=False)
    except OSError as error:
        raise Problem(f"{command[0]}: {error.strerror}") from error
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or [f"status {done.returncode}"]
        raise Problem(f"Slurm does not answer: {lines[-1]}")
    return done.stdout


def partitions() -> list[Partition]:
    """Of each partition its largest node."""
    found: dict[str, Partition] = {}
    for line in ask(["sinfo", "--noheader", "--format", "%P|%c|%m|%G"]).splitlines():
        name, cores, memory, gres = line.strip().split("|", 3)
        one = Partition(name.rstrip("*"), name.endswith("*"),
                        any(part.split(":")[0] == "gpu" for part in gres.split(",")),
                        whole(cores), whole(memory))
        seen = found.setdefault(one.name, one)
        seen.gpus |= one.gpus
        seen.cores, seen.memory_mb = max(seen.cores, one.cores), max(seen.memory_mb, one.memory_mb)
    if not found:
        raise Problem("Slurm here has no partition that you may use")
    return list(found.values())


def whole(text: str) -> int:
    """sinfo writes `8+` where nodes differ."""
    return int(text.rstrip("+") or 0)


def place(cores: int, gpus: bool) -> Place:
    """`SBATCH_PARTITION` names the partition, as it does for sbatch; else it is Slurm's default,
    and for jobs with a GPU the first that has one. Snakemake's executor chooses a partition and an
    account where it is told none, and sbatch then passes its own variables over."""
    known = partitions()
    named = os.environ.get("SBATCH_PARTITION")
    mine = [one for one in known if one.name == named] if named else known
    if not mine:
        raise Problem(f"SBATCH_PARTITION={named}: Slurm here has {names(known)}")
    gpu = next((one for one in mine if one.gpus), None) if gpus else None
    if gpus and not gpu:
        raise Problem(f"CUDA=1, and no partition of Slurm here has a GPU ({names(mine)}): without "
                      "CUDA=1 jobs run on cores")
    usual = next((one for one in mine if one.default), mine[0])
    both = [usual, gpu] if gpu else [usual]
    memory = min(one.memory_mb for one in both)
    # A memory of 1 MB is what Slurm says where nobody has told it the nodes'.
    return Place(min([cores, *(one.cores for one in both)]),
                 min(MEMORY_MB, memory) if memory > 1 else 0, usual.name, gpu.name if gpu else "",
                 os.environ.get("SBATCH_ACCOUNT", ""))


def names(found: list[Partition]) -> str:
    return ", ".join(one.name for one in found)


def status_command() -> str:
    """`sacct` knows more, and only answers where jobs are recorded in a database."""
    if not shutil.which("sacct"):
        return "squeue"
    done = subprocess.run(["sacct", "--noheader", "--allocations"], check=False,
                          stdin=subprocess.DEVNULL, capture_output=True)
    return "sacct" if done.returncode == 0 else "squeue"


def job_prefix(folder: Path) -> str:
    """What the names of a folder's jobs in Slurm begin with."""
    return f"ttp-sweep-{hashlib.sha256(str(folder).encode()).hexdigest()[:12]}"


def cancel_left(folder: Path, say: Callable[[str], None]) -> None:
    """Ends what a sweep of this folder that was killed has left in Slurm. Who calls this holds
    the folder, so that no other sweep waits for these jobs."""
    left = left_jobs(folder)
    if not left:
        return
    say(f"sweep: {len(left)} jobs that a killed sweep left in Slurm are cancelled")
    ask(["scancel", *left])
    end = time.monotonic() + CANCEL_SECONDS
    while left_jobs(folder) and time.monotonic() < end:
        time.sleep(0.5)


def left_jobs(folder: Path) -> list[str]:
    text = ask(["squeue", "--noheader", "--user", getpass.getuser(), "--format", "%i %j"])
    rows = (line.split() for line in text.splitlines() if line.strip())
    return [number for number, name in rows if name.startswith(job_prefix(folder))]
