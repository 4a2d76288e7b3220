"""What the races have in common: programs that take turns on one machine, and what a
result says of them."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import kernel
import machine
import memory
import project
from project import Problem

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
# Of each program: its first round is slower than the others.
WARM_ROUNDS = 1


class Runner:
    """One of the programs: a line to it, a line of JSON back."""

    def __init__(self, name: str, command: list[str], environment: dict[str, str]) -> None:
        self.name = name
        self.process = subprocess.Popen(command, env=environment, text=True, cwd=project.ROOT,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.about = self.answer()
        self.slices: list[dict] = []

    def answer(self) -> dict:
        line = self.process.stdout.readline()
        if not line:
            raise Problem(f"{self.name} ended (status {self.process.wait()}): its own message "
                          "stands above")
        return json.loads(line)

    def ask(self, line: str) -> dict:
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        return self.answer()

    def watched(self, line: str) -> dict:
        """Its answer, and what the program used up for it."""
        before = self.usage()
        answer = self.ask(line)
        faults, ticks = (now - then for now, then in zip(self.usage(), before))
        return {**answer, "processor_seconds": ticks / TICKS_A_SECOND, "page_faults": faults}

    def usage(self) -> tuple[int, int]:
        """Pages that the program has touched for the first time so far, and the ticks of
        processor time that it took; zeros where there is no /proc."""
        try:
            text = Path(f"/proc/{self.process.pid}/stat").read_text(errors="replace")
        except OSError:
            return 0, 0
        # From the third on, see proc(5): the second, the name, may hold spaces.
        fields = text.rpartition(")")[2].split()
        return int(fields[7]), int(fields[11]) + int(fields[12])

    def resident_bytes(self) -> int:
        return memory.status(self.process.pid)[1]

    def peak_bytes(self) -> int:
        return memory.status(self.process.pid)[2]

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        # What a program that ended by itself did not read cannot be written any more.
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.stdout.close()


def in_turns(runners: list[Runner], rounds: int, line: str) -> None:
    """Asks each program the same in every round, and keeps its answers. Every other round goes
    the other way round, so that neither always runs on a machine that the other one has warmed."""
    for runner in runners:
        for _ in range(WARM_ROUNDS):
            runner.ask(line)
    for number in range(rounds):
        for runner in runners if number % 2 == 0 else runners[::-1]:
            runner.slices.append(runner.watched(line))
        times = "   ".join(f"{runner.name} {runner.slices[-1]['seconds']:7.3f} s"
                           for runner in runners)
        print(f"round {number + 1}/{rounds}: {times}", flush=True)


def summary(runners: list[Runner], keys: tuple[str, ...] = ("seconds", "processor_seconds")) -> dict:
    """Medians over the rounds; the ratio is taken within each round."""
    of = {runner.name: runner.slices for runner in runners}
    values = {key: {name: spread([part[key] for part in parts]) for name, parts in of.items()}
              for key in keys}
    ratios = [ours["seconds"] / peer["seconds"] for ours, peer in zip(of["ours"], of["peer"])]
    return {**values, "ratio": statistics.median(ratios), "ours_over_peer": spread(ratios)}


def environment(threads: int) -> dict[str, str]:
    """What all programs have in common. Ours adds the notebooks' own, kernel.variables()."""
    return {**os.environ, "OMP_NUM_THREADS": str(threads), "RAYON_NUM_THREADS": str(threads),
            "HF_HUB_OFFLINE": "1"}


def built_example(name: str) -> Path:
    """Our half, as the notebooks' kernel compiles the library."""
    return built("--example", name).parent / "examples" / name


def built_program(name: str) -> Path:
    """The command line's tool, compiled in the same way."""
    return built("--bin", name)


def built(kind: str, name: str) -> Path:
    variables = project.cargo_variables()
    package = "ttp-cli" if kind == "--bin" else "ttp-lib"
    command = ["cargo", "build", "--package", package, kind, name]
    kernel.run_cargo(command, project.ROOT, {**os.environ, **variables})
    target = Path(variables["CARGO_TARGET_DIR"]) / variables["CARGO_BUILD_TARGET"]
    return target / "debug" / name


def spread(values: list[float]) -> dict:
    return {"median": statistics.median(values), "least": min(values), "most": max(values)}


def shown(values: dict, factor: float, digits: int) -> str:
    middle, least, most = (f"{factor * values[key]:.{digits}f}"
                           for key in ("median", "least", "most"))
    return f"{middle} ({least} to {most})"


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text}: at least 1")
    return number


def parser(description: str, rounds: int, what: str = "after one that is not counted ",
           ) -> argparse.ArgumentParser:
    """What a race may be told whatever it is about: its rounds, and the threads of each side."""
    options = argparse.ArgumentParser(description=description)
    options.add_argument("--rounds", type=positive, default=rounds, help=f"{what}[{rounds}]")
    options.add_argument("--threads", type=positive, default=machine.cores(),
                         help="of each side [all cores]")
    return options


def finish(run: Callable[[], dict], folder: Path, name: str, text: Callable[[dict], str]) -> int:
    """Runs a race and keeps its result; the exit status. What goes wrong is one line."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        results = run()
        target = folder / name
        kernel.write_changed(target, (json.dumps(results, indent=2) + "\n").encode())
        print(f"\n{text(results)}\nwritten: {target}")
    except Problem as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"error: {error.filename or folder}: {error.strerror or error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0
