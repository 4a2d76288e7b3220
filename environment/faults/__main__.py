"""`make test-faults`: `ttp` killed and its disk failing, hundreds of times, by a seed.

    --kills 200     SIGKILL for the whole process group: half at a random moment, half at a random
                    operation on a file
    --signals 20    SIGTERM and SIGINT, at a random moment
    --disk 200      the N-th open, write, fsync, rename or mkdir below the output folder fails, once
                    or from then on, with ENOSPC, EIO, EMFILE or EROFS
    --notebooks 15  notebooks disturbed while they run, instead of the commands (notebooks.py)
    --seed 1        another seed draws other moments
    --ttp FILE      the program [default: the one that the tests build]

After each: every file under a final name is whole (as an undisturbed run writes it, or as it was
before), what is left beside has a hidden name, and the next run needs no hand and ends with the
same files. The last lines count; exit status 1 if anything was lost.
"""

from __future__ import annotations

import argparse
import errno
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import project
from faults import Lost, commands, notebooks, tiny
from faults.commands import COMMANDS, Command
from project import Problem

WORK = project.ROOT / "target" / "faults"
SECONDS = 120
TALK_SECONDS = 30.0
EARLIER = b"as it was before\n"
ERRORS = {"open": ["ENOSPC", "EIO", "EMFILE", "EROFS"], "read": ["EIO", "EMFILE"],
          "write": ["ENOSPC", "EIO"], "fsync": ["EIO", "ENOSPC"],
          "rename": ["ENOSPC", "EIO", "EROFS"], "mkdir": ["ENOSPC", "EIO", "EROFS"],
          "link": ["ENOSPC", "EIO", "EROFS"]}


class Machine:
    """One folder of outputs, a program and what it needs."""

    def __init__(self, ttp: Path, work: Path) -> None:
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        self.work, self.ttp = work.resolve(), ttp
        self.out, self.log = self.work / "out", self.work / "operations"
        self.library = self.work / "fail.so"
        made = subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", str(self.library),
                               str(Path(__file__).with_name("fail.c")), "-ldl"],
                              stderr=subprocess.PIPE, text=True)
        if made.returncode:
            raise Problem(f"cc: {made.stderr.strip().splitlines()[-1]}")
        self.variables = {**os.environ, **project.cargo_variables(), "OMP_NUM_THREADS": "1",
                          "TTP_OUT": str(self.out), "HF_HUB_OFFLINE": "1",
                          "SOURCE_DATE_EPOCH": "1700000000",
                          "TTP_MODELS": str(self.work / "models"),
                          "TTP_PROFILE": str(commands.profile(project.ROOT, self.work))}
        self.variables.pop("TTP_CHECKPOINT", None)
        tiny.checkpoint(self.work / "models" / "minilm")
        tiny.pairs(self.work)

    def start(self, command: Command, **faults: str) -> subprocess.Popen:
        arguments = [text.format(out=self.out, work=self.work) for text in command.arguments]
        self.log.write_text("")
        if faults:
            faults.update(LD_PRELOAD=str(self.library), FAULTS_ROOT=str(self.out),
                          FAULTS_LOG=str(self.log))
        return subprocess.Popen([str(self.ttp), *arguments], cwd=project.ROOT, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                env={**self.variables, **faults}, start_new_session=True)

    def end(self, process: subprocess.Popen) -> "tuple[int, str]":
        """The exit status, and what was said on standard error."""
        try:
            _, said = process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            raise Lost(f"it hung for {SECONDS} s") from None
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            return process.returncode, said
        raise Lost("it left a process running")

    def run(self, command: Command, **faults: str) -> "tuple[int, str]":
        return self.end(self.start(command, **faults))


class Case:
    """A command with the folder that it finds and the files that it ends with."""

    def __init__(self, machine: Machine, command: Command) -> None:
        self.machine, self.command = machine, command
        before = commands.files(machine.out) if machine.out.exists() else {}
        began = time.monotonic()
        self.sound()
        self.seconds = time.monotonic() - began
        self.after = commands.files(machine.out)
        self.written = [name for name, hash_ in self.after.items() if before.get(name) != hash_]
        self.kept = machine.work / "kept" / command.name.replace(" ", "-")
        shutil.copytree(machine.out, self.kept)
        self.operations: "dict[bool, list[str]]" = {}
        for again in (False, True):
            self.prepare(again)
            self.sound(FAULTS_AT="0")
            self.compare("a second undisturbed run")
            self.operations[again] = [line.split("\t")[0] for line in machine.log.read_text().splitlines()]

    def sound(self, **faults: str) -> None:
        status, said = self.machine.run(self.command, **faults)
        if status:
            raise Lost(f"undisturbed it ended with {status}: {said.strip()}")

    def compare(self, what: str) -> None:
        names = commands.differing(commands.files(self.machine.out), self.after)
        if names:
            raise Lost(f"{what} ended with another {names}")

    def prepare(self, again: bool) -> None:
        """The folder as the command finds it: without what it writes, or with something earlier."""
        shutil.rmtree(self.machine.out, ignore_errors=True)
        shutil.copytree(self.kept, self.machine.out)
        for name in self.written:
            path = self.machine.out / name
            if again:
                path.write_bytes(EARLIER)
            else:
                path.unlink()
                if not any(path.parent.iterdir()) and path.parent != self.machine.out:
                    path.parent.rmdir()
        self.before = commands.files(self.machine.out)

    def whole(self, failed_once: bool) -> None:
        """Nothing half, nothing lost; what belongs together is together, where it can be put back."""
        now = commands.files(self.machine.out)
        for name, hash_ in now.items():
            if hash_ not in (self.before.get(name), self.after.get(name)) and not (
                    name in self.command.grow and is_json(self.machine.out / name)):
                raise Lost(f"{name} is half, or not the command's own")
        gone = [name for name in self.before if name not in {*now, *self.command.follow}]
        if gone:
            raise Lost(f"{gone[0]} was there before, and is gone")
        for folder in self.command.together if failed_once else ():
            group = [name for name in self.written if name.startswith(folder + "/")]
            if len({now.get(name) == self.before.get(name) for name in group}) > 1:
                raise Lost(f"{folder}: some of its files are new, others are not")

    def recovers(self, counts: Counter) -> None:
        if commands.left(self.machine.out):
            counts["left hidden files"] += 1
        self.sound()
        self.compare("the next run")
        if commands.left(self.machine.out):
            counts["and the next run let them lie"] += 1


def is_json(path: Path) -> bool:
    try:
        return isinstance(json.loads(path.read_text(encoding="utf-8")), dict)
    except ValueError:
        return False


def kill(case: Case, draw: random.Random, counts: Counter, at_operation: bool) -> str:
    again = draw.random() < 0.5
    case.prepare(again)
    if at_operation and case.operations[again]:
        number = draw.randint(1, len(case.operations[again]))
        what = f"killed at operation {number}, {case.operations[again][number - 1]}"
        case.machine.run(case.command, FAULTS_AT=str(number), FAULTS_ERRNO="kill")
    else:
        moment = draw.random() * case.seconds
        what = f"killed after {moment:.2f} s"
        process = case.machine.start(case.command)
        time.sleep(moment)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        case.machine.end(process)
    try:
        case.whole(False)
        case.recovers(counts)
    except Lost as lost:
        raise Lost(f"{what}{', over earlier files' if again else ''}: {lost}") from None
    return "killed"


def told(case: Case, draw: random.Random, counts: Counter, number: int) -> str:
    case.prepare(draw.random() < 0.5)
    process = case.machine.start(case.command)
    time.sleep(draw.random() * case.seconds)
    if process.poll() is None:
        os.killpg(process.pid, number)
    status, said = case.machine.end(process)
    # A program that takes no notice of a signal is ended by it, which a shell shows as 128 + it.
    if status not in (0, -number, 128 + number) or len(said.splitlines()) > 1:
        raise Lost(f"signal {number}: status {status}: {said.strip()}")
    case.whole(False)
    case.recovers(counts)
    return signal.Signals(number).name


def disk(case: Case, draw: random.Random, counts: Counter, _: object = None) -> str:
    again = draw.random() < 0.5
    case.prepare(again)
    kinds = case.operations[again]
    if not kinds:
        return "nothing to fail"
    # Each kind as often: most operations are writes.
    kind = draw.choice(sorted(set(kinds)))
    number = draw.choice([n for n, k in enumerate(kinds, 1) if k == kind])
    name, stays = draw.choice(ERRORS[kind]), draw.random() < 0.5
    what = f"{name} at operation {number}, {kind}{', and from then on' if stays else ''}"
    try:
        status, said = case.machine.run(case.command, FAULTS_AT=str(number), FAULTS_STAY=str(int(stays)),
                                        FAULTS_ERRNO=str(getattr(errno, name)))
        lines = [line for line in said.splitlines() if not line.startswith("note: ")]
        if status == 0:
            case.compare("a run that took no notice")
            counts["went on and ended well"] += 1
        elif status != 1 or len(lines) != 1 or not lines[0].startswith("error: "):
            raise Lost(f"status {status}: {said.strip()}")
        elif not any(Path(written).name in lines[0] or str(case.machine.out) in lines[0]
                     for written in case.written):
            raise Lost(f"names no file: {lines[0]}")
        case.whole(status != 0 and not stays)
        case.recovers(counts)
    except Lost as lost:
        raise Lost(f"{what}{', over earlier files' if again else ''}: {lost}") from None
    return name


def default_program() -> Path:
    variables = project.cargo_variables()
    return Path(variables["CARGO_TARGET_DIR"]) / variables["CARGO_BUILD_TARGET"] / "debug" / "ttp"


def run(ttp: Path, work: Path, kills: int, signals: int, faults: int, seed: int,
        say=print, only: "list[str] | None" = None) -> int:
    """How many faults were not survived."""
    machine, draw = Machine(ttp, work), random.Random(seed)
    cases, lost = [], []
    for command in COMMANDS:
        if only and command.name not in only:
            continue
        if any(not (project.ROOT / name).exists() for name in command.needs):
            say(f"left out: {command.name} (its data are not here)")
            continue
        case = Case(machine, command)
        cases.append(case)
        counted = dict(Counter(case.operations[True]))
        say(f"{command.name}: {case.seconds:.1f} s, {len(case.written)} files, {counted}")
    plan = [("kill", kill, number % 2 == 0) for number in range(kills)]
    plan += [("signal", told, (signal.SIGTERM, signal.SIGINT)[number % 2]) for number in range(signals)]
    plan += [("disk", disk, None) for _ in range(faults)]
    tried, counts, by_error = Counter(), {}, Counter()
    began = said = time.monotonic()
    for number, (kind, do, argument) in enumerate(plan):
        now = time.monotonic()
        if now - said >= TALK_SECONDS:
            left = (now - began) / number * (len(plan) - number)
            say(f"{number} of {len(plan)} faults, {len(lost)} not survived, {left / 60:.0f} min left")
            said = now
        case = cases[number % len(cases)]
        tried[kind] += 1
        try:
            by_error[do(case, draw, counts.setdefault(kind, Counter()), argument)] += 1
        except Lost as problem:
            lost.append(kind)
            say(f"LOST: {case.command.name}: {problem}")
    for kind, number in tried.items():
        more = "; ".join(f"{count} {what}" for what, count in sorted(counts[kind].items()))
        say(f"{kind}: {number} tried, {number - lost.count(kind)} survived{'; ' + more if more else ''}")
    say(", ".join(f"{name} {count}" for name, count in sorted(by_error.items())))
    return len(lost)


def disturb_notebooks(faults: int, seed: int, only: "list[str] | None") -> int:
    # It needs what executes notebooks, and commands do not.
    import run_notebooks

    names = [path.stem for path in run_notebooks.notebooks(only or [])]
    return notebooks.run(WORK / "notebooks", names, faults, seed,
                         lambda line: print(line, flush=True))


def main() -> int:
    parser = argparse.ArgumentParser(prog="make test-faults", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, number in (("kills", 200), ("signals", 20), ("disk", 200), ("seed", 1)):
        parser.add_argument(f"--{name}", type=int, default=number)
    parser.add_argument("--ttp", type=Path)
    parser.add_argument("--only", action="append",
                        help="one command, as it is called here, or notebook: 01_corpus")
    parser.add_argument("--notebooks", type=int, default=0)
    asked = parser.parse_args()
    try:
        if asked.notebooks:
            return 1 if disturb_notebooks(asked.notebooks, asked.seed, asked.only) else 0
        ttp = asked.ttp or default_program()
        if not ttp.exists():
            raise Problem("no ttp here: `cargo build --package ttp-cli --bin ttp` builds it")
        return 1 if run(ttp.resolve(), WORK, asked.kills, asked.signals, asked.disk, asked.seed,
                        lambda line: print(line, flush=True), asked.only) else 0
    except (Problem, Lost) as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
