"""`make bench-mining`: our mining of hard negatives against sentence-transformers', on one
machine, in turns.

Two programs hold the same sentence vectors, and each looks for one hard negative for every
sentence among all the others: while one is at it the other waits. What else the machine
does falls on both, and each time is compared with its own neighbour.

    ours      ttp-lib's mining: ttp-lib/examples/bench_mining.rs
    peer      mine_hard_negatives of sentence-transformers, vectors from its own cache

Both leave out what comes within a margin of the sentence's positive, and so must find the
same number. The result goes to target/bench-mining/results.json.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

import kernel
import machine
import project
import setup
from bench import peer_python, race
from bench.race import WARM_ROUNDS, Runner, shown, spread, summary
from project import Problem

FOLDER = project.ROOT / "target" / "bench-mining"
PEER = Path(__file__).with_name("peer_mining.py")
EXAMPLE = "bench_mining"
# The peer wants a model that could embed, and never asks it to.
MODEL = project.ROOT / "data" / "raw" / "models" / "minilm"
# Of all sentences; a margin is met or missed in the last digit of single precision.
OTHERWISE_MINED = 1e-3


def both(arguments: argparse.Namespace) -> dict:
    # A race on the CPU: the peer has no CUDA.
    theirs = {**race.environment(arguments.threads), "CUDA_VISIBLE_DEVICES": ""}
    ours = {**theirs, **kernel.variables()}
    if not (MODEL / "config.json").exists():
        raise Problem(f"{MODEL} is not there: TTP_PROFILE=laptop make data")
    example, python = race.built_example(EXAMPLE), peer_python.python()
    load = os.getloadavg()[0]
    setup.run([str(example), "prepare", str(FOLDER)], "preparing the vectors", ours)
    sentences = len(json.loads((FOLDER / "sentences.json").read_text(encoding="utf-8"))["sentences"])
    runners: list[Runner] = []
    try:
        runners.append(Runner("ours", [str(example), "race", str(FOLDER)], ours))
        runners.append(Runner("peer", [str(python), str(PEER), str(FOLDER), str(MODEL)], theirs))
        before = {runner.name: runner.resident_bytes() for runner in runners}
        mined = in_turns(runners, arguments.rounds, sentences)
        peaks = {runner.name: runner.peak_bytes() for runner in runners}
        labelled = with_labels(runners[0], arguments.rounds)
    finally:
        for runner in runners:
            runner.stop()
    return {
        **machine.describe(),
        "threads": arguments.threads,
        "load_before": load,
        **{runner.name: runner.about for runner in runners},
        "sentences": sentences,
        "mined": mined,
        "bytes_before": before,
        "peak_bytes": peaks,
        **labelled,
        "rounds": {runner.name: runner.slices for runner in runners},
        **summary(runners),
    }


def in_turns(runners: list[Runner], rounds: int, sentences: int) -> dict[str, int]:
    """The race itself; how many negatives each has found."""
    race.in_turns(runners, rounds, "mine")
    for runner in runners:
        if len({part["mined"] for part in runner.slices}) > 1:
            raise Problem(f"{runner.name} does not find the same number every time")
    mined = {runner.name: runner.slices[0]["mined"] for runner in runners}
    if max(mined.values()) == 0:
        raise Problem(f"no negative was found for any of {sentences:,} sentences")
    if max(mined.values()) - min(mined.values()) > OTHERWISE_MINED * sentences:
        raise Problem(f"not the same task: {mined['ours']:,} negatives of ours, "
                      f"{mined['peer']:,} of the peer's")
    return mined


def with_labels(ours: Runner, rounds: int) -> dict:
    """Our mining as it is used, where a technique's label bars its sentences: what the peer
    cannot do, and so no part of the race."""
    if not ours.about.get("knows_labels"):
        return {}
    return {"labelled_seconds": spread([ours.ask("labelled")["seconds"] for _ in range(rounds)])}


# -- what came of it ------------------------------------------------------------------

def table(results: dict) -> str:
    lines = [f"{'':<8} {'seconds':>24} {'ours / it':>24} {'processor':>10} {'mined':>8} "
             f"{'before':>9} {'peak':>9}"]
    for name, seconds in results["seconds"].items():
        cells = [shown(seconds, 1, 3),
                 shown(results["ours_over_peer"], 1, 3) if name == "peer" else "",
                 f"{results['processor_seconds'][name]['median']:.2f} s",
                 f"{results['mined'][name]:,}",
                 f"{results['bytes_before'][name] / 1e6:,.0f} MB",
                 f"{results['peak_bytes'][name] / 1e6:,.0f} MB"]
        lines.append(f"{name:<8} {cells[0]:>24} {cells[1]:>24} {cells[2]:>10} {cells[3]:>8} "
                     f"{cells[4]:>9} {cells[5]:>9}")
    peer = results["peer"]
    if "labelled_seconds" in results:
        lines.append(f"ours, labels barring: {shown(results['labelled_seconds'], 1, 3)} s")
    lines += [
        "median over the rounds (least to most); memory before the first mining, and at most",
        f"peer: sentence-transformers {peer['sentence_transformers']}, torch {peer['torch']}",
        f"{results['sentences']:,} sentences, each against all; {results['threads']} threads, "
        f"{results['machine']['processor']}",
    ]
    return "\n".join(lines)


def main() -> int:
    parser = race.parser("Race the mining of hard negatives against sentence-transformers.", 5)
    arguments = parser.parse_args()
    return race.finish(lambda: both(arguments), FOLDER, "results.json", table)


if __name__ == "__main__":
    sys.exit(main())
