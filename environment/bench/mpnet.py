"""`make bench-mpnet`: the similarity report's own model against sentence-transformers, on one
machine, in turns.

Two programs hold all-mpnet-base-v2. In each round both embed the 930 sentences of the report's
465 test pairs, from texts to vectors, and train some steps on its training pairs by its basic
recipe (multiple-negatives ranking, 32 pairs a batch): while one is at it the other waits. What
else the machine does falls on both, and each time is compared with its own neighbour.

    ours      ttp-lib: ttp-lib/examples/bench_mpnet.rs
    peer      sentence-transformers: SentenceTransformer.encode, and its loss and loop

The peer runs with the batch size and the AdamW that are fastest here. Both must find the same
similarities, start from the same loss, and find the same similarities by the model that ours
has trained and saved. The result goes to target/bench-mpnet/results.json.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import kernel
import machine
import project
from bench import peer_python, race
from bench.race import Runner, positive, shown, spread
from project import Problem

FOLDER = project.ROOT / "target" / "bench-mpnet"
PEER = Path(__file__).with_name("peer_mpnet.py")
EXAMPLE = "bench_mpnet"
MODEL = project.ROOT / "data" / "raw" / "models" / "mpnet"
# The report's files below TTP_SOURCES or data/raw.
REPORT = "cybertune"
# The report's basic recipe; clipping and decay are the trainer's defaults.
SETTINGS = {"batch_size": 32, "max_length": 384, "learning_rate": 2e-5, "weight_decay": 0.0,
            "clip_norm": 1.0, "scale": 20.0}
# Single precision, other orders of addition.
SAME_COSINE = 1e-5
SAME_LOSS = 1e-4
COMPARED = 2


def report_file(name: str) -> list[dict]:
    own = project.own_folder("TTP_SOURCES")
    places = [*([own] if own else []), project.ROOT / "data" / "raw"]
    for place in places:
        path = place / REPORT / name
        if path.is_file():
            return json.loads(path.read_text(encoding="utf-8"))
    raise Problem(f"{REPORT}/{name} is in neither TTP_SOURCES nor data/raw")


def task(steps: int) -> dict:
    """The test pairs' sentences, two by two, and pairs for so many steps."""
    both = ("sentence1", "sentence2")
    pairs = [[pair[side] for side in both] for pair in report_file("combined_train.json")]
    wanted = steps * SETTINGS["batch_size"]
    if len(pairs) < wanted:
        raise Problem(f"{steps} steps need {wanted} pairs, and there are {len(pairs)}")
    sentences = [pair[side] for pair in report_file("combined_test.json") for side in both]
    return {"sentences": sentences, "pairs": pairs[:wanted], **SETTINGS}


def both(arguments: argparse.Namespace) -> dict:
    # A race on the CPU: the peer has no CUDA.
    theirs = {**race.environment(arguments.threads), "CUDA_VISIBLE_DEVICES": ""}
    ours = {**theirs, **kernel.variables()}
    if not (MODEL / "config.json").exists():
        raise Problem(f"{MODEL} is not there: make data-mpnet")
    about = task(1 + arguments.rounds * arguments.steps)
    kernel.write_changed(FOLDER / "sentences.json", json.dumps(about).encode())
    example, python = race.built_example(EXAMPLE), peer_python.python()
    load = os.getloadavg()[0]
    peer = [str(python), str(PEER), str(MODEL), str(FOLDER)]
    print("peer: which of its variants is fastest", flush=True)
    chosen = answer([*peer, "choose"], theirs)
    runners: list[Runner] = []
    try:
        runners.append(Runner("ours", [str(example), str(MODEL), str(FOLDER)], ours))
        runners.append(Runner("peer", [*peer, "race", str(chosen["rows"]), chosen["adamw"]], theirs))
        same = in_turns(runners, arguments.rounds, arguments.steps)
        peaks = {runner.name: runner.peak_bytes() for runner in runners}
        runners[1].stop()
        same["saved_largest_difference"] = saved(runners[0], [str(python), str(PEER)], theirs)
    finally:
        for runner in runners:
            runner.stop()
        shutil.rmtree(FOLDER / "trained", ignore_errors=True)
    parts = {runner.name: runner.slices for runner in runners}
    results = summary(parts)
    return {
        "ratio": results["embedding"]["ours_over_peer"]["median"],
        "training_ratio": results["training"]["ours_over_peer"]["median"],
        **machine.describe(),
        "threads": arguments.threads,
        "load_before": load,
        **{runner.name: runner.about for runner in runners},
        "fastest": chosen,
        "sentences": len(about["sentences"]),
        "steps": arguments.steps,
        "settings": SETTINGS,
        **same,
        "peak_bytes": peaks,
        "rounds": parts,
        **results,
    }


def answer(peer: list[str], environment: dict[str, str]) -> dict:
    """What the peer says of one question."""
    done = subprocess.run(peer, env=environment, text=True, check=False,
                          stdout=subprocess.PIPE)
    if done.returncode != 0:
        raise Problem(f"the peer failed (status {done.returncode}): its own message stands above")
    return json.loads(done.stdout.splitlines()[-1])


def in_turns(runners: list[Runner], rounds: int, steps: int) -> dict:
    """The race itself; by how much the two differ. Every other round goes the other way round,
    so that neither always runs on a machine that the other one has warmed."""
    losses = {runner.name: runner.ask(f"loss {COMPARED}")["loss"] for runner in runners}
    if abs(losses["ours"] - losses["peer"]) > SAME_LOSS:
        raise Problem(f"not the same start: loss {losses['ours']:.5f} of ours, "
                      f"{losses['peer']:.5f} of the peer's")
    for runner in runners:
        runner.ask("embed")
    apart = largest(*[runner.ask("cosines")["cosines"] for runner in runners])
    if apart > SAME_COSINE:
        raise Problem(f"not the same vectors: similarities differ by {apart:.1e}")
    for runner in runners:
        runner.ask("train 0 1")
    for number in range(rounds):
        first = 1 + number * steps
        order = runners if number % 2 == 0 else runners[::-1]
        for runner in order:
            runner.slices.append({"embedding": runner.watched("embed")})
        for runner in order:
            runner.slices[-1]["training"] = runner.watched(f"train {first} {first + steps}")
        times = "   ".join(f"{runner.name} {runner.slices[-1]['embedding']['seconds']:6.2f} s, "
                           f"{runner.slices[-1]['training']['seconds'] / steps:6.2f} s a step"
                           for runner in runners)
        print(f"round {number + 1}/{rounds}: {times}", flush=True)
    return {"largest_difference_of_cosines": apart, "loss_before": losses}


def largest(ours: list[float], theirs: list[float]) -> float:
    return max(abs(one - other) for one, other in zip(ours, theirs))


def saved(ours: Runner, peer: list[str], environment: dict[str, str]) -> float:
    """By how much similarities differ where the peer opens what ours has trained and saved."""
    ours.ask("embed")
    cosines = ours.ask("cosines")["cosines"]
    folder = ours.ask("save")["folder"]
    apart = largest(cosines, answer([*peer, folder, str(FOLDER), "cosines"], environment)["cosines"])
    if apart > SAME_COSINE:
        raise Problem(f"not the model that was saved: similarities differ by {apart:.1e}")
    return apart


# -- what came of it ------------------------------------------------------------------

def summary(parts: dict[str, list[dict]]) -> dict:
    """Medians over the rounds; the ratios are taken within each round."""
    found = {}
    for what in ("embedding", "training"):
        seconds = {name: [part[what]["seconds"] for part in rounds] for name, rounds in parts.items()}
        processor = {name: [part[what]["processor_seconds"] for part in rounds]
                     for name, rounds in parts.items()}
        found[what] = {
            "seconds": {name: spread(values) for name, values in seconds.items()},
            "processor_seconds": {name: spread(values) for name, values in processor.items()},
            "ours_over_peer": spread([o / t for o, t in zip(seconds["ours"], seconds["peer"])]),
            "processor_ours_over_peer": spread(
                [o / t for o, t in zip(processor["ours"], processor["peer"]) if t]
                or [float("nan")]),
        }
    return found


def table(results: dict) -> str:
    steps = results["steps"]
    lines = [f"{'':<10} {'':<6} {'seconds':>24} {'ours / it':>24} {'processor':>10}"]
    for what, share in (("embedding", 1.0), ("training", 1.0 / steps)):
        for name, seconds in results[what]["seconds"].items():
            ratio = shown(results[what]["ours_over_peer"], 1, 3) if name == "peer" else ""
            processor = share * results[what]["processor_seconds"][name]["median"]
            lines.append(f"{what:<10} {name:<6} {shown(seconds, share, 2):>24} {ratio:>24} "
                         f"{processor:>8.1f} s")
    peer, peaks = results["peer"], results["peak_bytes"]
    processor = ", ".join(f"{what} {shown(results[what]['processor_ours_over_peer'], 1, 3)}"
                          for what in ("embedding", "training"))
    lines += [
        "median over the rounds (least to most); of training, a step",
        f"processor time of all threads, ours / peer: {processor}",
        f"similarities differ by {results['largest_difference_of_cosines']:.1e} at most, by the model "
        f"that ours trained and the peer opened by {results['saved_largest_difference']:.1e}",
        "peak memory: " + ", ".join(f"{name} {count / 1e6:,.0f} MB" for name, count in peaks.items()),
        f"peer: sentence-transformers {peer['sentence_transformers']}, transformers "
        f"{peer['transformers']}, torch {peer['torch']}, {peer['rows']} rows a batch, AdamW {peer['adamw']}",
        f"{results['sentences']:,} sentences; {results['threads']} threads, "
        f"{results['machine']['processor']}",
    ]
    return "\n".join(lines)


def main() -> int:
    parser = race.parser(
        "Race embedding and training with all-mpnet-base-v2 against sentence-transformers.",
        4)
    parser.add_argument("--steps", type=positive, default=2, help="training steps in a round [2]")
    arguments = parser.parse_args()
    return race.finish(lambda: both(arguments), FOLDER, "results.json", table)


if __name__ == "__main__":
    sys.exit(main())
