"""`make bench-audit`: our audit of a confusion matrix's scores against mlscorecheck's, on one
machine, in turns.

Both get the same claim sets: accuracy, recall, specificity and F1 of one test set whose
positives and negatives are known, as an author prints them; of each also two that cannot be
true, with one figure off. Each checks a set so often that it takes long enough to be timed,
while the other waits.

    ours      ttp-lib's audit: ttp-lib/examples/bench_audit.rs
    peer      check_1_testset_no_kfold of mlscorecheck

Both must come to the same verdict, and the same number of matrices. Beside the race, ours
alone: claim sets that the peer does not know, because the positives or the total are not known,
and the three documents in data/claims. The result goes to target/bench-audit/results.json.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import sys
from pathlib import Path

import kernel
import machine
import project
from bench import peer_python, race
from bench.race import Runner, positive, shown, spread
from project import Problem

FOLDER = project.ROOT / "target" / "bench-audit"
PEER = Path(__file__).with_name("peer_audit.py")
EXAMPLE = "bench_audit"
DOCUMENTS = [project.ROOT / "data" / "claims" / f"{name}.toml"
             for name in ("similarity", "family", "three-models")]
# True positives, false negatives, false positives, true negatives: a third or a twentieth of
# the examples are positive.
MATRICES = ((24, 6, 11, 59), (241, 59, 113, 587), (2411, 589, 1130, 5870), (393, 107, 612, 8888))
DECIMALS = (3, 4)
# What is off, by so many units of its last digit; nothing is off where a set can be true.
OFF = (("", 0), ("accuracy", 3), ("f1", 3))
PEERS_NAMES = {"accuracy": "acc", "recall": "sens", "specificity": "spec", "f1": "f1p"}
# A slice of a round: enough for the clock, and for the scheduler's steps to even out.
SLICE_SECONDS = 0.1
MOST_TIMES = 10_000


# -- claim sets -------------------------------------------------------------------------

def printed(matrix: tuple[int, int, int, int], decimals: int, off: str, by: int) -> dict[str, str]:
    """A matrix's scores as they are printed, one of them off by some units of its last digit."""
    tp, fn, fp, tn = matrix
    scores = {"accuracy": (tp + tn) / sum(matrix), "recall": tp / (tp + fn),
              "specificity": tn / (tn + fp), "f1": 2 * tp / (2 * tp + fp + fn)}
    return {name: f"{round(score, decimals) + (by * 10 ** -decimals if name == off else 0):.{decimals}f}"
            for name, score in scores.items()}


def claims_text(known: str, scores: dict[str, str]) -> str:
    """A claims file: what is known of the matrix, and its scores."""
    claims = [f'[[claim]]\nid = "{name}"\nat = "table"\nsays = "{name}"\nkind = "score"\n'
              f'matrix = "m"\nmetric = "{name}"\nvalue = "{value}"\n'
              for name, value in scores.items()]
    return "\n".join([f'document = "bench"\n\n[[matrix]]\nid = "m"\n{known}\n', *claims])


def claim_sets() -> list[dict]:
    """The sets of the race; then those of ours alone, which have no `testset`."""
    sets = []
    for matrix in MATRICES:
        tp, fn, fp, tn = matrix
        total, positives = sum(matrix), tp + fn
        for decimals in DECIMALS:
            for off, by in OFF:
                scores = printed(matrix, decimals, off, by)
                sets.append({
                    "name": f"{total:,} examples, {positives:,} positive, {decimals} decimals"
                            + (f", {off} off" if off else ""),
                    "possible": not off,
                    "claims": claims_text(f"total = {total}\npositive = {positives}", scores),
                    "testset": {"p": positives, "n": total - positives},
                    "scores": {PEERS_NAMES[name]: float(value) for name, value in scores.items()},
                    "eps": 0.5 * 10 ** -decimals,
                })
    for matrix in MATRICES[-2:]:
        total, positives = sum(matrix), sum(matrix[:2])
        for known, words in ((f"total = {total}", "positives not known"),
                             (f"look_up_to = {total}", "total not known")):
            for decimals in DECIMALS:
                for off, by in OFF:
                    sets.append({
                        "name": f"{total:,} examples, {positives:,} positive, {decimals} decimals, "
                                + words + (f", {off} off" if off else ""),
                        "claims": claims_text(known, printed(matrix, decimals, off, by)),
                    })
    return sets


# -- the race ---------------------------------------------------------------------------

def both(arguments: argparse.Namespace) -> dict:
    theirs = race.environment(1)
    ours = {**theirs, **kernel.variables()}
    example, python = race.built_example(EXAMPLE), peer_python.python()
    load = os.getloadavg()[0]
    sets = claim_sets()
    raced = [one for one in sets if "testset" in one]
    own, peers = FOLDER / "claims.json", FOLDER / "sets.json"
    own.write_text(json.dumps([one["claims"] for one in sets]), encoding="utf-8")
    peers.write_text(json.dumps(raced), encoding="utf-8")
    runners: list[Runner] = []
    try:
        runners.append(Runner("ours", [str(example), str(own), *map(str, DOCUMENTS)], ours))
        runners.append(Runner("peer", [str(python), str(PEER), str(peers)], theirs))
        rows = in_turns(runners, raced, arguments.rounds)
        alone = by_itself(runners[0], sets[len(raced):], len(raced), arguments.rounds)
        judged = [runners[0].ask("documents 0 1") for _ in range(arguments.rounds)]
    finally:
        for runner in runners:
            runner.stop()
    return {
        **machine.describe(),
        "load_before": load,
        "peer": runners[1].about,
        "rounds": arguments.rounds,
        "sets": rows,
        **summary(rows),
        "alone": alone,
        "documents": {"claims": judged[0]["claims"],
                      "seconds": spread([one["seconds"] for one in judged])},
    }


def in_turns(runners: list[Runner], sets: list[dict], rounds: int) -> list[dict]:
    """The race itself: a row for each set. Every other round goes the other way round."""
    times: dict[tuple[str, int], int] = {}
    rows = []
    for place, one in enumerate(sets):
        found = {}
        for runner in runners:
            # The first time is slower than the others, so it says nothing.
            runner.ask(f"check {place} 1")
            answer = runner.ask(f"check {place} 1")
            found[runner.name] = (answer["possible"], answer["matrices"])
            times[runner.name, place] = enough(answer["seconds"])
        if len(set(found.values())) > 1:
            raise Problem(f"{one['name']}: not the same answer: {found}")
        possible, matrices = found["ours"]
        if possible is not one["possible"]:
            raise Problem(f"{one['name']}: {'can' if possible else 'cannot'} be true")
        rows.append({"name": one["name"], "possible": possible, "matrices": matrices,
                     **{runner.name: [] for runner in runners}, "reading": []})
    for number in range(rounds):
        for place, row in enumerate(rows):
            for runner in runners if number % 2 == 0 else runners[::-1]:
                answer = runner.ask(f"check {place} {times[runner.name, place]}")
                row[runner.name].append(answer["seconds"])
                if "reading_seconds" in answer:
                    row["reading"].append(answer["reading_seconds"])
        print(f"round {number + 1}/{rounds}: " + "   ".join(
            f"{runner.name} {1e3 * sum(row[runner.name][-1] for row in rows):8.3f} ms"
            for runner in runners), flush=True)
    return rows


def enough(seconds: float) -> int:
    return max(1, min(MOST_TIMES, math.ceil(SLICE_SECONDS / max(seconds, 1e-9))))


def by_itself(ours: Runner, sets: list[dict], first: int, rounds: int) -> list[dict]:
    rows = []
    for place, one in enumerate(sets, first):
        times = enough(ours.ask(f"check {place} 1")["seconds"])
        answers = [ours.ask(f"check {place} {times}") for _ in range(rounds)]
        rows.append({"name": one["name"], "possible": answers[0]["possible"],
                     "seconds": spread([answer["seconds"] for answer in answers])})
    return rows


# -- what came of it ------------------------------------------------------------------

def summary(rows: list[dict]) -> dict:
    """Ratios are taken within each round; over all sets of the sums."""
    rounds = range(len(rows[0]["ours"]))
    for row in rows:
        row["ours_over_peer"] = spread([a / b for a, b in zip(row["ours"], row["peer"])])
        row["with_reading"] = spread([(a + c) / b for a, b, c
                                      in zip(row["ours"], row["peer"], row["reading"])])

    def over_all(names: tuple[str, ...]) -> dict:
        return spread([sum(row[name][at] for row in rows for name in names)
                       / sum(row["peer"][at] for row in rows) for at in rounds])

    ours_over_peer = over_all(("ours",))
    return {
        "ratio": ours_over_peer["median"],
        "ours_over_peer": ours_over_peer,
        "with_reading_over_peer": over_all(("ours", "reading")),
        "seconds": {name: spread([sum(row[name][at] for row in rows) for at in rounds])
                    for name in ("ours", "peer", "reading")},
        "slowest_seconds": max(statistics.median(row["ours"]) + statistics.median(row["reading"])
                               for row in rows),
    }


def table(results: dict) -> str:
    def millis(values: list[float]) -> str:
        return f"{1e3 * statistics.median(values):.3f}"

    lines = [f"{'ms a set, median over the rounds':<58} {'ours':>7} {'reading':>8} {'peer':>7} "
             f"{'ours / it':>9} {'matrices':>8}"]
    for row in results["sets"]:
        lines.append(f"{row['name']:<58} {millis(row['ours']):>7} {millis(row['reading']):>8} "
                     f"{millis(row['peer']):>7} {row['ours_over_peer']['median']:>9.3f} "
                     f"{row['matrices']:>8,}")
    totals = {name: f"{1e3 * results['seconds'][name]['median']:.3f}" for name in results["seconds"]}
    lines.append(f"{'all':<58} {totals['ours']:>7} {totals['reading']:>8} {totals['peer']:>7} "
                 f"{results['ours_over_peer']['median']:>9.3f}")
    lines += ["", f"{'ours alone, ms a set':<78} {'ours':>28}"]
    for row in results["alone"]:
        words = {True: "can be true", False: "cannot", None: "undecided"}[row["possible"]]
        lines.append(f"{row['name']:<78} {shown(row['seconds'], 1e3, 2):>28}  {words}")
    documents = results["documents"]
    lines += [
        "",
        f"ours / peer over all: {shown(results['ours_over_peer'], 1, 3)}; "
        f"with reading the claims file {shown(results['with_reading_over_peer'], 1, 3)}",
        f"slowest set, reading with it: {1e3 * results['slowest_seconds']:.3f} ms",
        f"the three documents, {documents['claims']} claims: {shown(documents['seconds'], 1, 2)} s",
        f"peer: mlscorecheck {results['peer']['mlscorecheck']}, Python {results['peer']['python']}; "
        f"{results['machine']['processor']}, load before {results['load_before']:.1f}",
    ]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(
        description="Race the audit of a confusion matrix's scores against mlscorecheck.")
    parser.add_argument("--rounds", type=positive, default=5, help="[5]")
    arguments = parser.parse_args()
    return race.finish(lambda: both(arguments), FOLDER, "results.json", table)


if __name__ == "__main__":
    sys.exit(main())
