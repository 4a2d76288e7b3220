"""`make test-faults`: `ttp` killed and its disk failing, hundreds of times, by a seed.

    --kills 200     SIGKILL for the whole process group: half at a random moment, half at a random
                    operation on a file; a third of them again in the next run
    --signals 20    SIGTERM and SIGINT, at a random moment
    --disk 200      the N-th open, write, fsync, rename, mkdir, truncate or unlink below the output
                    folder fails, once or from then on, with ENOSPC, EIO, EMFILE, EROFS or EACCES; a
                    write can also write half before it fails
    --notebooks 15  notebooks disturbed while they run, instead of the commands (notebooks.py)
    --seed 1        another seed draws other moments
    --ttp FILE      the program [default: the one that the tests build]

After each: every file under a final name is whole (as an undisturbed run writes it, or as it was
before), what is left beside has a hidden name, and the next run needs no hand and ends with the
same files. A training keeps its state after every step: where one was left, the next run has to go
on from it, and to remove it; where one cannot be written, the training says so in a line and ends
well. The last lines count; exit status 1 if anything was lost.
"""

from __future__ import annotations

import argparse
import errno
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import ending
import project
from faults import Lost, commands, notebooks, states, tiny
from faults.commands import COMMANDS, Command
from project import Problem

WORK = project.ROOT / "target" / "faults"
SECONDS = 120
TALK_SECONDS = 30.0
EARLIER = b"as it was before\n"
# A write that fails after half of its bytes, with ENOSPC.
SHORT = "ENOSPC after half"
ERRORS = {"open": ["ENOSPC", "EIO", "EMFILE", "EROFS", "EACCES"], "read": ["EIO", "EMFILE", "EACCES"],
          "write": ["ENOSPC", "EIO", SHORT], "fsync": ["EIO", "ENOSPC"],
          "rename": ["ENOSPC", "EIO", "EROFS", "EACCES"],
          "mkdir": ["ENOSPC", "EIO", "EROFS", "EACCES"], "link": ["ENOSPC", "EIO", "EROFS"],
          "truncate": ["EIO", "EROFS"], "unlink": ["EIO", "EROFS", "EACCES"]}
# Where one of these fails on a training's state, the state is not kept.
KEEPING = {"open", "write", "fsync", "rename", "truncate"}


class Ended(NamedTuple):
    """The exit status, and what was said on standard error and on standard output."""

    status: int
    said: str
    output: str


class Operation(NamedTuple):
    kind: str
    path: str


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
                          "TTP_CHECKPOINT_SECONDS": "0",
                          "TTP_MODELS": str(self.work / "models"),
                          "TTP_PROFILE": str(commands.profile(project.ROOT, self.work))}
        for name in ("TTP_CHECKPOINT", "TTP_FRESH"):
            self.variables.pop(name, None)
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

    def end(self, process: subprocess.Popen) -> Ended:
        try:
            output, said = process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            raise Lost(f"it hung for {SECONDS} s") from None
        except BaseException:
            # It is in a session of its own: Ctrl-C does not reach it.
            os.killpg(process.pid, signal.SIGKILL)
            raise
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            return Ended(process.returncode, said, output)
        raise Lost("it left a process running")

    def run(self, command: Command, **faults: str) -> Ended:
        return self.end(self.start(command, **faults))

    def operations(self) -> "list[Operation]":
        """What the run before did to files below the folder of outputs."""
        return [Operation(*line.split("\t", 1)) for line in self.log.read_text().splitlines()]


class Case:
    """A command with the folder that it finds and the files that it ends with."""

    def __init__(self, machine: Machine, command: Command) -> None:
        self.machine, self.command = machine, command
        self.operations: "dict[bool, list[Operation]]" = {}
        # Next runs that went on from a state, and ended with the same files.
        self.resumed = 0
        before = commands.files(machine.out) if machine.out.exists() else {}
        began = time.monotonic()
        self.sound(FAULTS_AT="0")
        self.seconds = time.monotonic() - began
        self.operations[False] = machine.operations()
        self.after = commands.files(machine.out)
        self.written = [name for name, hash_ in self.after.items() if before.get(name) != hash_]
        self.kept = machine.work / "kept" / command.name.replace(" ", "-")
        shutil.copytree(machine.out, self.kept)
        self.prepare(True)
        self.sound(FAULTS_AT="0")
        self.compare("a second undisturbed run")
        self.operations[True] = machine.operations()
        self.versions = {folder: self.versions_of(folder) for folder in command.epochs}
        shutil.rmtree(machine.out)
        shutil.copytree(self.kept, machine.out)

    def versions_of(self, folder: str) -> "list[dict[str, str]]":
        """The files of a model as each epoch that was better left them: a run is killed after each
        time that the folder took its place."""
        found, place = [], Operation("rename", str(self.machine.out / folder))
        for number, operation in enumerate(self.operations[True], 1):
            if operation == place:
                self.prepare(True)
                self.machine.run(self.command, FAULTS_AT=str(number + 1), FAULTS_ERRNO="kill")
                found.append(self.model(folder, commands.files(self.machine.out)))
        if not found:
            raise Lost(f"{folder} never took its place as a whole")
        return found

    def model(self, folder: str, files: "dict[str, str]") -> "dict[str, str]":
        return {name: hash_ for name, hash_ in files.items()
                if name.startswith(folder + "/") and name not in self.command.follow}

    def sound(self, **faults: str) -> str:
        """Runs it to its end; what it said on standard output."""
        status, said, output = self.machine.run(self.command, **faults)
        if status:
            raise Lost(f"undisturbed it ended with {status}: {said.strip()}")
        return output

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
                continue
            path.unlink()
            for folder in path.parents:
                if folder == self.machine.out or any(folder.iterdir()):
                    break
                folder.rmdir()
        self.before = commands.files(self.machine.out)

    def whole(self, failed_once: bool) -> None:
        """Nothing half, nothing lost; what belongs together is together, where it can be put back."""
        now = commands.files(self.machine.out)
        in_models = {name for folder in self.command.epochs for name in self.model(folder, now)}
        for name, hash_ in now.items():
            if name not in in_models and hash_ not in (self.before.get(name), self.after.get(name)):
                raise Lost(f"{name} is half, or not the command's own")
        gone = [name for name in self.before if name not in {*now, *self.command.follow}]
        if gone:
            raise Lost(f"{gone[0]} was there before, and is gone")
        for folder in self.command.epochs:
            after = self.model(folder, self.after)
            # The last version and `after` differ in `train_params.json`, which is written again.
            known = [self.model(folder, self.before), *self.versions[folder], after]
            if self.model(folder, now) not in known:
                raise Lost(f"{folder} is half, or not of one epoch")
        for folder in self.command.together if failed_once else ():
            group = [name for name in self.written if name.startswith(folder + "/")]
            if len({now.get(name) == self.before.get(name) for name in group}) > 1:
                raise Lost(f"{folder}: some of its files are new, others are not")

    def recovers(self, counts: Counter) -> None:
        out = self.machine.out
        if commands.left(out):
            counts["left hidden files"] += 1
        kept = states.usable(out)
        output = self.sound()
        went_on = states.goes_on(output)
        self.compare("the next run")
        if kept and not went_on:
            raise Lost(f"{kept[-1].name} was kept, and the next run did not go on from it")
        if went_on and not kept:
            raise Lost(f"no state was kept, and the next run went on: {output.strip()}")
        left = commands.left(out)
        of_states = [name for name in left if states.is_of_state(name)]
        if of_states:
            raise Lost(f"the next run did not remove {of_states[0]}")
        if left:
            counts["and the next run let them lie"] += 1
        if went_on:
            counts["went on from a kept state and ended equal"] += 1
            self.resumed += 1

    def draw(self, again: bool, draw: random.Random, by_kind: bool) -> int:
        """The number of an operation, from 1. Those on a training's state are most of them: they
        are drawn as often as all others, and where asked, each kind of either as often."""
        numbered = list(enumerate(self.operations[again], 1))
        of_state = draw.random() < 0.5
        some = [(n, o) for n, o in numbered if states.is_of_state(o.path) == of_state] or numbered
        if by_kind:
            kind = draw.choice(sorted({operation.kind for _, operation in some}))
            some = [(n, o) for n, o in some if o.kind == kind]
        return draw.choice(some)[0]


def kill(case: Case, draw: random.Random, counts: Counter, at_operation: bool) -> str:
    """Once, or again in the run after it, which goes on from what the first has left."""
    again = draw.random() < 0.5
    case.prepare(again)
    what: "list[str]" = []
    try:
        for _ in range(draw.choice((1, 1, 2))):
            kill_once(case, draw, again, at_operation, what)
            case.whole(False)
        case.recovers(counts)
    except Lost as lost:
        over = ", over earlier files" if again else ""
        raise Lost(f"{' and '.join(what)}{over}: {lost}") from None
    return "killed" if len(what) == 1 else "killed twice"


def kill_once(case: Case, draw: random.Random, again: bool, at_operation: bool,
              what: "list[str]") -> None:
    if at_operation and case.operations[again]:
        number = case.draw(again, draw, by_kind=False)
        what.append(f"killed at operation {number}")
        ended(case.machine.run(case.command, FAULTS_AT=str(number), FAULTS_ERRNO="kill"))
        return
    moment = draw.random() * case.seconds
    what.append(f"killed after {moment:.2f} s")
    process = case.machine.start(case.command)
    time.sleep(moment)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    ended(case.machine.end(process))


def ended(run: Ended) -> None:
    """By the kill or, where it came too late, well."""
    if run.status not in (0, -signal.SIGKILL):
        raise Lost(f"status {run.status}: {run.said.strip()}")


def told(case: Case, draw: random.Random, counts: Counter, number: int) -> str:
    case.prepare(draw.random() < 0.5)
    process = case.machine.start(case.command)
    time.sleep(draw.random() * case.seconds)
    if process.poll() is None:
        os.killpg(process.pid, number)
    status, said, _ = case.machine.end(process)
    # A program that takes no notice of a signal is ended by it, which a shell shows as 128 + it.
    if status not in (0, -number, 128 + number) or len(said.splitlines()) > 1:
        raise Lost(f"signal {number}: status {status}: {said.strip()}")
    case.whole(False)
    case.recovers(counts)
    return signal.Signals(number).name


def disk(case: Case, draw: random.Random, counts: Counter, _: object = None) -> str:
    again = draw.random() < 0.5
    case.prepare(again)
    if not case.operations[again]:
        return "nothing to fail"
    number, stays = case.draw(again, draw, by_kind=True), draw.random() < 0.5
    kind, path = case.operations[again][number - 1]
    name = draw.choice(ERRORS[kind])
    what = (f"{name} at operation {number}, {kind} of {Path(path).relative_to(case.machine.out)}"
            f"{', and from then on' if stays else ''}")
    try:
        status, said, output = case.machine.run(
            case.command, FAULTS_AT=str(number), FAULTS_STAY=str(int(stays)),
            FAULTS_SHORT=str(int(name == SHORT)), FAULTS_ERRNO=str(getattr(errno, name.split()[0])))
        done = case.machine.operations()
        if len(done) >= number:
            state_not_kept(done[number - 1], status, output, stays, counts)
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


def state_not_kept(failed: Operation, status: int, output: str, stays: bool,
                   counts: Counter) -> None:
    """A training whose state cannot be written says so in one line, and goes on to its end."""
    notes = states.notes_not_kept(output)
    if not states.is_of_state(failed.path):
        if notes and not stays:
            raise Lost(f"the disk did not fail on a state: {notes[0]}")
        return
    if status and not stays:
        raise Lost(f"its state could not be written, and it ended with {status}")
    # Where the folder is there already, a mkdir that fails is no loss.
    least = 1 if failed.kind in KEEPING else 0
    if not least <= len(notes) <= (1 if failed.kind in {*KEEPING, "mkdir"} or stays else 0):
        raise Lost(f"its state could not be written, and it said {len(notes)} lines of it")
    counts["failed on a state"] += 1


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
        counted = dict(Counter(operation.kind for operation in case.operations[True]))
        say(f"{command.name}: {case.seconds:.1f} s, {len(case.written)} files, {counted}")
    # Few faults, too, meet every command: the disks go on where the kills have ended.
    draw.shuffle(cases)
    plan = [("kill", kill, draw.random() < 0.5) for _ in range(kills)]
    plan += [("disk", disk, None) for _ in range(faults)]
    plan += [("signal", told, (signal.SIGTERM, signal.SIGINT)[number % 2]) for number in range(signals)]
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
    trained = [case for case in cases if case.command.trains]
    by_command = ", ".join(f"{case.command.name} {case.resumed}" for case in trained)
    if trained:
        say(f"next runs that went on from a kept state and ended equal: {by_command}")
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

    def work() -> int:
        if asked.notebooks:
            return 1 if disturb_notebooks(asked.notebooks, asked.seed, asked.only) else 0
        ttp = asked.ttp or default_program()
        if not ttp.exists():
            raise Problem("no ttp here: `cargo build --package ttp-cli --bin ttp` builds it")
        return 1 if run(ttp.resolve(), WORK, asked.kills, asked.signals, asked.disk, asked.seed,
                        lambda line: print(line, flush=True), asked.only) else 0

    return ending.run(work, lambda: WORK)


if __name__ == "__main__":
    sys.exit(main())
