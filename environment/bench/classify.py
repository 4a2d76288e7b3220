"""`make bench-classify`: `ttp classify` against transformers' pipeline, on one machine, in turns.

Two programs hold the same model, and each names the techniques of the same sentences: while
one is at it the other waits. What else the machine does falls on both, and each time is
compared with its own neighbour.

    ours      `ttp classify` at a pipe, from the first sentence written to the last answer read
    peer      pipeline("text-classification") given the sentences as a list, at the batch size and
              with the attention that are fastest here
    sorted    the same with the sentences sorted by length first, at its own best batch size

Then both once as whole processes, from their start to their end: with Python's imports, with the
model's loading. Both must give every sentence the same technique. The result goes to
target/bench-classify/results.json; its `ratio` is ours to the peer's, model loaded on either side.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

import kernel
import machine
import project
import setup
from bench import peer_python, race
from bench.race import positive, shown, spread
from project import Problem

FOLDER = project.ROOT / "target" / "bench-classify"
PEER = Path(__file__).with_name("peer_classify.py")
EXAMPLE = "bench_classify"
# Sentences on which the peer's variants are tried.
TRIED = 300
# Lines that are written one by one, each after the answer to the one before it.
PROMPTED = 100
# Ours are printed with three decimals.
SAME_PROBABILITY = 1e-3
# Where two techniques are as probable, the last digit of single precision says which is first.
TIES = 1e-3
WARM = "The loader fetches another stage from a server."


class Ours(race.Runner):
    """`ttp classify` at the end of a pipe that waits: lines to it, as many lines back."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self.name = "ours"
        self.process = subprocess.Popen(command, env=environment, text=True, encoding="utf-8",
                                        cwd=project.ROOT, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)
        self.slices: list[dict] = []
        # It is answered when the model is loaded.
        self.classified([WARM])

    def classified(self, sentences: list[str]) -> list[str]:
        writer = threading.Thread(target=self.write, args=(sentences,))
        writer.start()
        answers = []
        for _ in sentences:
            line = self.process.stdout.readline()
            if not line:
                raise Problem(f"ours ended (status {self.process.wait()}): its own message stands "
                              "above")
            answers.append(line)
        writer.join()
        return answers

    def write(self, sentences: list[str]) -> None:
        try:
            self.process.stdin.write("\n".join(sentences) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass

    def slice(self, sentences: list[str]) -> list[str]:
        before, began = self.usage(), time.perf_counter()
        answers = self.classified(sentences)
        seconds = time.perf_counter() - began
        ticks = self.usage()[1] - before[1]
        self.slices.append({"seconds": seconds,
                            "processor_seconds": ticks / race.TICKS_A_SECOND})
        return answers

    def one_by_one(self, sentences: list[str]) -> list[float]:
        seconds = []
        for sentence in sentences:
            began = time.perf_counter()
            self.classified([sentence])
            seconds.append(time.perf_counter() - began)
        return seconds


def both(arguments: argparse.Namespace) -> dict:
    # A race on the CPU: the peer has no CUDA.
    theirs = {**race.environment(arguments.threads), "CUDA_VISIBLE_DEVICES": ""}
    ours = {**theirs, **project.libtorch_variables()}
    example, program = race.built_example(EXAMPLE), race.built_program("ttp")
    python = peer_python.python()
    load = os.getloadavg()[0]
    setup.run([str(example), str(FOLDER), str(arguments.sentences)], "preparing the sentences",
              {**ours, **kernel.variables()})
    file = FOLDER / "sentences.txt"
    sentences = file.read_text(encoding="utf-8").splitlines()
    command = [str(program), "classify", str(FOLDER / "model")]
    peer = [str(python), str(PEER)]
    runners: list[race.Runner] = []
    try:
        runners.append(Ours(command, ours))
        runners.append(race.Runner("peer", [*peer, "race", str(FOLDER)], theirs))
        print("peer: which of its variants is fastest", flush=True)
        chosen = runners[1].ask(f"choose {min(TRIED, len(sentences))}")
        alone = runners[0].one_by_one(sentences[:PROMPTED])
        slices, otherwise = in_turns(runners[0], runners[1], sentences, arguments.rounds)
        peaks = {runner.name: runner.peak_bytes() for runner in runners}
        about = runners[1].about
    finally:
        for runner in runners:
            runner.stop()
    variant = chosen["given"]["variant"].split()
    whole = {
        "ours": whole_process([*command, str(file)], ours, FOLDER / "ours.tsv"),
        "peer": whole_process([*peer, "whole", str(FOLDER), *variant], theirs,
                              FOLDER / "peer.tsv"),
    }
    return {
        **machine.describe(),
        "threads": arguments.threads,
        "load_before": load,
        "sentences": len(sentences),
        "peer": {**about, "fastest": chosen},
        "otherwise": otherwise,
        "line_by_line_seconds": spread(alone),
        "peak_bytes": peaks,
        "whole_seconds": whole,
        "ratio_whole": whole["ours"] / whole["peer"],
        "rounds": slices,
        **summary(slices),
    }


def in_turns(ours: Ours, peer: race.Runner, sentences: list[str],
             rounds: int) -> tuple[dict, dict]:
    """The race itself: the rounds' slices, and how many sentences each order of the peer's
    names otherwise. Every other round goes the other way round, so that none of them always
    runs on a machine that the same one has warmed."""
    slices: dict[str, list[dict]] = {"ours": ours.slices, "peer": [], "sorted": []}
    orders = {"peer": "given", "sorted": "sorted"}
    otherwise = {}
    for number in range(rounds):
        answers, said = [], {}
        for name in list(slices) if number % 2 == 0 else list(slices)[::-1]:
            if name == "ours":
                answers = ours.slice(sentences)
            else:
                found = peer.watched(orders[name])
                said[name] = list(zip(found.pop("labels"), found.pop("scores")))
                slices[name].append(found)
        for name, found in said.items():
            otherwise[name] = compare(name, sentences, answers, found)
        times = "   ".join(f"{name} {parts[-1]['seconds']:7.2f} s"
                           for name, parts in slices.items())
        print(f"round {number + 1}/{rounds}: {times}", flush=True)
    return slices, otherwise


def compare(name: str, sentences: list[str], ours: list[str],
            peer: list[tuple[str, float]]) -> int:
    """How many sentences are named otherwise because two techniques are as probable; any
    other difference ends the race."""
    if len(ours) != len(sentences) or len(peer) != len(sentences):
        raise Problem(f"{len(sentences):,} sentences, {len(ours):,} answers of ours, "
                      f"{len(peer):,} of {name}")
    ties = 0
    for number, (line, (label, score)) in enumerate(zip(ours, peer), start=1):
        technique, probability, _ = line.split("\t", 2)
        if abs(float(probability) - score) > SAME_PROBABILITY:
            raise Problem(f"not the same answer to sentence {number}: {technique} {probability} of "
                          f"ours, {label} {score:.4f} of {name}")
        ties += technique != label
    if ties > TIES * len(sentences):
        raise Problem(f"not the same task: {ties:,} of {len(sentences):,} sentences have another "
                      f"technique of {name}")
    return ties


def whole_process(command: list[str], environment: dict[str, str], output: Path) -> float:
    """Seconds from a program's start to its end."""
    began = time.perf_counter()
    with open(output, "wb") as file:
        done = subprocess.run(command, env=environment, cwd=project.ROOT, stdout=file,
                              stdin=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        raise Problem(f"{Path(command[0]).name} failed (status {done.returncode}): its own message "
                      "stands above")
    return time.perf_counter() - began


# -- what came of it ------------------------------------------------------------------

def summary(slices: dict[str, list[dict]]) -> dict:
    """Medians over the rounds; the ratios are taken within each round."""
    seconds = {name: [part["seconds"] for part in parts] for name, parts in slices.items()}
    ratios = {name: [ours / theirs for ours, theirs in zip(seconds["ours"], seconds[name])]
              for name in ("peer", "sorted")}
    return {
        "ratio": statistics.median(ratios["peer"]),
        "ratio_sorted": statistics.median(ratios["sorted"]),
        "seconds": {name: spread(values) for name, values in seconds.items()},
        "processor_seconds": {name: spread([part["processor_seconds"] for part in parts])
                              for name, parts in slices.items()},
        "ours_over": {name: spread(values) for name, values in ratios.items()},
    }


def table(results: dict) -> str:
    lines = [f"{'':<8} {'seconds':>24} {'ours / it':>24} {'processor':>10} {'peak':>9}"]
    for name, seconds in results["seconds"].items():
        ratio, peak = results["ours_over"].get(name), results["peak_bytes"].get(name)
        cells = [shown(seconds, 1, 2), shown(ratio, 1, 3) if ratio else "",
                 f"{results['processor_seconds'][name]['median']:.1f} s",
                 f"{peak / 1e6:,.0f} MB" if peak else ""]
        lines.append(f"{name:<8} {cells[0]:>24} {cells[1]:>24} {cells[2]:>10} {cells[3]:>9}")
    whole, peer = results["whole_seconds"], results["peer"]
    fast = {order: chosen["variant"] for order, chosen in peer["fastest"].items()}
    lines += [
        "median over the rounds (least to most), model loaded; peak of the peer for both orders",
        f"whole processes: ours {whole['ours']:.2f} s, peer {whole['peer']:.2f} s, ours / it "
        f"{results['ratio_whole']:.3f}",
        f"a line on which its writer waits: {shown(results['line_by_line_seconds'], 1000, 1)} ms",
        f"named otherwise, where two techniques are as probable: {results['otherwise']['peer']} "
        f"(sorted: {results['otherwise']['sorted']})",
        f"peer: torch {peer['torch']}, transformers {peer['transformers']}, batch size and "
        f"attention {fast['given']} (sorted: {fast['sorted']})",
        f"{results['sentences']:,} sentences, {results['threads']} threads, "
        f"{results['machine']['processor']}",
    ]
    return "\n".join(lines)


def main() -> int:
    parser = race.parser("Race `ttp classify` against transformers' pipeline.", 3, "")
    parser.add_argument("--sentences", type=positive, default=10_000,
                        help="the corpus's first so many [10000]")
    arguments = parser.parse_args()
    return race.finish(lambda: both(arguments), FOLDER, "results.json", table)


if __name__ == "__main__":
    sys.exit(main())
