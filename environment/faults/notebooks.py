"""`make test-faults FAULTS="--notebooks 30"`: notebooks disturbed while they run, in profile smoke.

Each fault is drawn by the seed: its notebook, its moment, whether earlier outputs are there, and

    group     SIGKILL for the runner's process group, as a machine that runs out of memory does it
    runner    SIGKILL for the runner alone: the kernel has to end by itself
    kernel    SIGKILL for the kernel alone: the runner has to say so in a line
    SIGTERM, SIGINT   for the runner

Afterwards no process is left, every file under a final name can be read and holds what an
undisturbed run writes, and the next run needs no hand and ends with the same results. Trainings
keep their state every two seconds: counted is how many next runs went on from one, by what their
pages say.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import compare_results
import project
from faults import Lost, commands, states

KINDS = ("group", "runner", "kernel", "SIGTERM", "SIGINT")
# The most that a run may take; some notebooks take minutes on a slow machine.
SECONDS_TO_RUN = 3600
KEEP_SECONDS = "2"
# How long a process may take to notice that the one above it is gone.
SECONDS_TO_END = 30
# In every page: times, versions and the machine. Such a file only has to be whole.
PAGES = {".html", ".ipynb"}


class Notebooks:
    """One folder of outputs, filled by an undisturbed run of every notebook."""

    def __init__(self, work: Path, names: "list[str]", say=print) -> None:
        shutil.rmtree(work, ignore_errors=True)
        self.out = (work / "out").resolve()
        self.out.mkdir(parents=True)
        self.variables = {**os.environ, "TTP_PROFILE": "smoke", "TTP_OUT": str(self.out),
                          "TTP_CHECKPOINT_SECONDS": KEEP_SECONDS}
        for variable in ("TTP_CHECKPOINT", "TTP_FRESH"):
            self.variables.pop(variable, None)
        self.resumed: Counter = Counter()
        self.seconds: "dict[str, float]" = {}
        self.written: "dict[str, list[str]]" = {}
        for name in names:
            before, began = files(self.out), time.monotonic()
            self.sound_run(name, "undisturbed")
            self.seconds[name] = time.monotonic() - began
            after = files(self.out)
            self.written[name] = [file for file in after if before.get(file) != after[file]]
            say(f"{name}: {self.seconds[name]:.1f} s, {len(self.written[name])} files")
        self.after = files(self.out)

    def start(self, name: str, *more: str) -> subprocess.Popen:
        command = [sys.executable, str(project.ENVIRONMENT / "run_notebooks.py"), name, *more]
        return subprocess.Popen(command, cwd=project.ROOT, text=True, env=self.variables,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                start_new_session=True)

    def sound_run(self, name: str, what: str) -> None:
        process = self.start(name)
        said = self.end(process)
        if process.returncode:
            raise Lost(f"{what}: status {process.returncode}: {said.strip()}")

    def end(self, process: subprocess.Popen) -> str:
        """What it said on standard error, when it has ended."""
        try:
            return process.communicate(timeout=SECONDS_TO_RUN)[1]
        except subprocess.TimeoutExpired:
            # A kernel is in a group of its own, and ends with its runner or by this.
            for pid in {process.pid, *running(self.out)}:
                kill(pid)
            process.communicate()
            raise Lost(f"it hung for {SECONDS_TO_RUN} s") from None

    def disturb(self, name: str, kind: str, again: bool, moment: float) -> int:
        """The exit status. The run begins with earlier outputs, or with none of its own."""
        if not again:
            for file in self.written[name]:
                (self.out / file).unlink(missing_ok=True)
        process = self.start(name, "--force")
        try:
            process.wait(moment)
        except subprocess.TimeoutExpired:
            self.strike(process, kind)
        said = self.end(process)
        self.nothing_runs()
        if "Traceback" in said:
            raise Lost(f"it ended with a traceback: {said.strip().splitlines()[-1]}")
        allowed = {"group": {-9}, "runner": {-9}, "kernel": {1}}.get(kind, {130})
        if process.returncode not in {0, *allowed}:
            raise Lost(f"status {process.returncode}: {said.strip()}")
        return process.returncode

    def strike(self, process: subprocess.Popen, kind: str) -> None:
        if kind == "group":
            os.killpg(process.pid, signal.SIGKILL)
        elif kind == "kernel":
            # Before the kernel is there, the runner goes on to its end.
            for pid in running(self.out):
                if is_kernel(arguments(pid)):
                    kill(pid)
        else:
            process.send_signal(signal.SIGKILL if kind == "runner" else getattr(signal, kind))

    def nothing_runs(self) -> None:
        end = time.monotonic() + SECONDS_TO_END
        while left := running(self.out):
            if time.monotonic() > end:
                lines = [" ".join(arguments(pid))[:80] for pid in left]
                for pid in left:
                    kill(pid)
                raise Lost(f"it left a process running: {lines[0]}")
            time.sleep(0.2)

    def whole(self, name: str, again: bool) -> None:
        """Each file can be read and is what an undisturbed run writes."""
        now = files(self.out)
        for file, digest in now.items():
            if digest != self.after.get(file):
                raise Lost(f"{file} is half, or not what a run writes")
        may_lack = set() if again else set(self.written[name])
        gone = [file for file in self.after if file not in now and file not in may_lack]
        if gone:
            raise Lost(f"{gone[0]} was there before, and is gone")

    def recovers(self, name: str) -> None:
        before = self.pages(name)
        self.sound_run(name, "the next run")
        self.resumed[name] += any(states.GOES_ON in page and page != before.get(path)
                                  for path, page in self.pages(name).items())
        names = commands.differing(files(self.out), self.after)
        if names:
            raise Lost(f"the next run ended with another {names}")

    def pages(self, name: str) -> "dict[Path, str]":
        """What the notebook's cells said, by its executed copies."""
        copies = (path for path in self.out.rglob("*.ipynb")
                  if path.name.startswith(name) and not path.name.endswith(".failed.ipynb"))
        return {path: path.read_text(encoding="utf-8") for path in copies}


def files(out: Path) -> "dict[str, str]":
    """What stands under final names, with its content's digest, times and pages' text apart. What a
    run that failed leaves to look at goes with the next run."""
    return {name: digest(out / name) for name in commands.names(out)
            if not commands.hidden(name) and not name.endswith(".failed.ipynb")}


def digest(path: Path) -> str:
    content = path.read_bytes()
    try:
        check(path, content)
    except (ValueError, struct.error) as error:
        return f"broken: {error}"
    if path.suffix in PAGES or path.parent.name == "reports":
        return "whole"
    if path.suffix == ".json":
        numbers = sorted(map(str, compare_results.numbers(json.loads(content))))
        return hashlib.sha256("\n".join(numbers).encode()).hexdigest()
    return commands.digest(path)


def check(path: Path, content: bytes) -> None:
    """Raises `ValueError` where a file breaks off."""
    if path.suffix in (".json", ".ipynb"):
        json.loads(content)
    ends = {".html": b"</html>", ".svg": b"</svg>", ".parquet": b"PAR1", ".csv": b"\n",
            ".txt": b"\n"}
    end = ends.get(path.suffix)
    if end and not content.rstrip(b"\n" if end != b"\n" else b"").endswith(end):
        raise ValueError(f"it does not end with {end!r}")
    if path.suffix == ".safetensors":
        length = struct.unpack("<Q", content[:8])[0]
        header = json.loads(content[8:8 + length])
        last = max(value["data_offsets"][1] for name, value in header.items()
                   if name != "__metadata__")
        if len(content) != 8 + length + last:
            raise ValueError(f"{len(content)} bytes instead of {8 + length + last}")


def running(out: Path) -> "list[int]":
    """Processes that were told to write into this folder."""
    mark, found = f"TTP_OUT={out}".encode(), []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (path / "environ").read_bytes().split(b"\0") and not ended(path):
                found.append(int(path.name))
        except OSError:
            continue
    return found


def ended(process: Path) -> bool:
    """Gone, but its parent has not noticed."""
    return process.joinpath("stat").read_text().rpartition(")")[2].split()[0] == "Z"


def arguments(pid: int) -> "list[str]":
    """How a process was started; nothing where it has ended."""
    try:
        line = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return []
    return line.decode(errors="replace").split("\0")


def is_kernel(command: "list[str]") -> bool:
    """The kernel alone. The process of its cells runs the same program without arguments, and
    what watches over both, `kernel/launch.py`, has that program's path among its own."""
    return len(command) > 1 and Path(command[0]).name == "evcxr_jupyter" and command[1] == "--control_file"


def kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def run(work: Path, names: "list[str]", faults: int, seed: int, say=print) -> int:
    """How many faults were not survived."""
    began = time.monotonic()
    notebooks, draw = Notebooks(work, names, say), random.Random(seed)
    lost, struck = 0, Counter()
    for number in range(faults):
        # Each kind over each notebook, in time: with each round over the notebooks the kinds move on.
        name, kind = names[number % len(names)], KINDS[(number % len(names) + number // len(names)) % len(KINDS)]
        again, moment = draw.random() < 0.5, draw.random() * notebooks.seconds[name]
        what = f"{name}, {kind} after {moment:.1f} s{', over earlier files' if again else ''}"
        try:
            status = notebooks.disturb(name, kind, again, moment)
            struck[kind if status else "ended before it came"] += 1
            notebooks.whole(name, again or status == 0)
            notebooks.recovers(name)
        except Lost as problem:
            lost += 1
            say(f"LOST: {what}: {problem}")
        else:
            seconds = time.monotonic() - began
            say(f"{number + 1} of {faults}: {what}: nothing lost ({seconds:.0f} s so far)")
    more = ", ".join(f"{kind} {count}" for kind, count in sorted(struck.items()))
    say(f"notebooks: {faults} tried, {faults - lost} survived; {more}")
    resumed = ", ".join(f"{name} {count}" for name, count in notebooks.resumed.items() if count)
    say(f"next runs that went on from a kept state: {resumed or 'none'}")
    return lost
