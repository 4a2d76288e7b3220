"""`make bench-linear`: our linear baseline against scikit-learn's, on one machine, in turns.

Two programs hold the same rows, the profile's clean split. Each trains TF-IDF of words and of
characters with a linear support vector machine, and names the test rows; while one is at it the
other waits. What else the machine does falls on both, and each time is compared with its own
neighbour.

    ours      ttp-lib/examples/bench_linear.rs, trained to the optimum
    peer      scikit-learn's TfidfVectorizer and LinearSVC, at their own tolerance

The two must name nearly all test rows alike. The result goes to target/bench-linear/results.json.
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
from bench.race import Runner, shown
from project import Problem

FOLDER = project.ROOT / "target" / "bench-linear"
PEER = Path(__file__).with_name("peer_linear.py")
EXAMPLE = "bench_linear"
# Of the test rows: the peer stops before the optimum, and a row may lie on a border.
OTHERWISE_NAMED = 0.01


def both(arguments: argparse.Namespace) -> dict:
    theirs = race.environment(arguments.threads)
    ours = {**theirs, **kernel.variables()}
    example, python = race.built_example(EXAMPLE), peer_python.python()
    load = os.getloadavg()[0]
    setup.run([str(example), "prepare", str(FOLDER)], "preparing the rows", ours)
    rows = json.loads((FOLDER / "rows.json").read_text(encoding="utf-8"))
    runners: list[Runner] = []
    try:
        runners.append(Runner("ours", [str(example), "race", str(FOLDER)], ours))
        runners.append(Runner("peer", [str(python), str(PEER), str(FOLDER)], theirs))
        same = in_turns(runners, arguments.rounds, rows["test"]["labels"])
        peaks = {runner.name: runner.peak_bytes() for runner in runners}
    finally:
        for runner in runners:
            runner.stop()
    return {
        **machine.describe(),
        "threads": arguments.threads,
        "load_before": load,
        **{runner.name: runner.about for runner in runners},
        **same,
        "peak_bytes": peaks,
        "rounds": {runner.name: [{name: value for name, value in part.items()
                                  if name != "predicted"} for part in runner.slices]
                   for runner in runners},
        **race.summary(runners, ("seconds", "fit_seconds", "sentences_per_second",
                                 "processor_seconds")),
    }


def in_turns(runners: list[Runner], rounds: int, truth: list[int]) -> dict:
    """The race itself; how many test rows each names right, and both alike."""
    race.in_turns(runners, rounds, "fit")
    ours, peer = (runner.slices[-1]["predicted"] for runner in runners)
    alike = sum(a == b for a, b in zip(ours, peer))
    if len(ours) != len(peer) or len(truth) - alike > OTHERWISE_NAMED * len(truth):
        raise Problem(f"not the same task: {alike:,} of {len(truth):,} test rows are named alike")
    right = {runner.name: sum(a == b for a, b in zip(runner.slices[-1]["predicted"], truth))
             for runner in runners}
    return {"test_rows": len(truth), "named_alike": alike, "named_right": right}


def table(results: dict) -> str:
    lines = [f"{'':<8} {'fit and name, s':>24} {'ours / it':>24} {'named a second':>24} "
             f"{'processor':>10} {'peak':>9}"]
    for name, seconds in results["seconds"].items():
        cells = [shown(seconds, 1, 3),
                 shown(results["ours_over_peer"], 1, 3) if name == "peer" else "",
                 shown(results["sentences_per_second"][name], 1, 0),
                 f"{results['processor_seconds'][name]['median']:.2f} s",
                 f"{results['peak_bytes'][name] / 1e6:,.0f} MB"]
        lines.append(f"{name:<8} {cells[0]:>24} {cells[1]:>24} {cells[2]:>24} {cells[3]:>10} "
                     f"{cells[4]:>9}")
    right = results["named_right"]
    lines += [
        "median over the rounds (least to most)",
        f"{results['ours']['train']:,} training rows; of {results['test_rows']:,} test rows ours "
        f"names {right['ours']:,} right, the peer {right['peer']:,}, both alike "
        f"{results['named_alike']:,}",
        f"peer: scikit-learn {results['peer']['scikit_learn']}; {results['threads']} threads, "
        f"{results['machine']['processor']}",
    ]
    return "\n".join(lines)


def main() -> int:
    parser = race.parser("Race the linear baseline against scikit-learn.", 5)
    arguments = parser.parse_args()
    return race.finish(lambda: both(arguments), FOLDER, "results.json", table)


if __name__ == "__main__":
    sys.exit(main())
