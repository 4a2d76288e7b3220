"""`make bench-train`: our training step against transformers' own, on one machine, in turns.

Programs hold a model each, all from the same weights, and train it over the same
rows in the same order, in slices: while one makes its steps the others wait. What else
the machine does falls on all of them, and each slice is compared with its own neighbours.

    ours      ttp-lib's loop: ttp-lib/examples/bench_train.rs
    peer      transformers' loop on the same batches, each padded to its longest row
    padded    the same loop as TRAM's and the paper's notebooks feed it: rows padded to 512
              tokens, ten a batch; a few steps only, as seconds a sentence
    products  nothing but the matrix products of these steps, as libtorch makes them: what a
              step of all layers and tokens cannot go below

The peers run with the attention and the AdamW that are fastest here. The result goes to
target/bench-train/results.json. With `--ours` only ours runs, on the GPU where libtorch has
one (`CUDA=1`), and the result goes to ours.json.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

import kernel
import machine
import project
import setup
from bench import peer_python, race
from bench.race import positive, shown, spread
from project import Problem

FOLDER = project.ROOT / "target" / "bench-train"
PEER = Path(__file__).with_name("peer.py")
EXAMPLE = "bench_train"
# TRAM's notebooks and the paper: rows a batch, tokens a row.
PADDED = (10, 512)
# Steps before the clock counts: the first ones of a process are slower.
WARM_STEPS = 5
# Batches on which the models are compared without dropout, before and after.
COMPARED = 20
# Single precision, other orders of addition.
SAME_LOSS = 1e-3
# Without dropout both sides make the very same steps, this many of them.
SAME_STEPS = 200
SAME_STEP_LOSS = 1e-4
DROPOUT = ("attention_probs_dropout_prob", "hidden_dropout_prob")


class Runner(race.Runner):
    """One that trains a model as far as it is told."""

    def train(self, steps: range) -> dict:
        return self.ask(f"train {steps.start} {steps.stop}")

    def loss(self, batches: int) -> float:
        return self.ask(f"loss {batches}")["loss"]

    def slice(self, steps: range, rows: int) -> None:
        part = self.watched(f"train {steps.start} {steps.stop}")
        faults = part.pop("page_faults") / len(steps)
        self.slices.append({"from": steps.start, "to": steps.stop, "rows": rows, **part,
                            "page_faults_a_step": faults})


# -- what is raced --------------------------------------------------------------------

def fastest(peer: list[str], shape: list[str], environment: dict[str, str]) -> dict:
    done = subprocess.run([*peer, "choose", *shape], env=environment, text=True, check=False,
                          stdout=subprocess.PIPE)
    if done.returncode != 0:
        raise Problem(f"the peer failed (status {done.returncode}): its own message stands above")
    return json.loads(done.stdout.splitlines()[-1])


def prepared(example: Path, variables: dict[str, str]) -> dict:
    setup.run([str(example), "prepare", str(FOLDER)], "preparing the batches", variables)
    return json.loads((FOLDER / "batches.json").read_text(encoding="utf-8"))


def without_dropout(ours: Runner, peer: Runner, steps: int) -> dict:
    """Both train without dropout, from the same weights over the same batches; by how much
    their losses differ."""
    losses = {runner.name: runner.train(range(steps))["losses"] for runner in (ours, peer)}
    apart = [abs(a - b) for a, b in zip(losses["ours"], losses["peer"])]
    return {"steps": steps, "largest_difference": max(apart),
            "last": {name: values[-1] for name, values in losses.items()}}


def copy_without_dropout() -> Path:
    """The same start and the same batches, with a configuration that has no dropout."""
    folder = FOLDER / "without-dropout"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(FOLDER / "start", folder / "start")
    shutil.copyfile(FOLDER / "batches.json", folder / "batches.json")
    path = folder / "start" / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config.update(dict.fromkeys(DROPOUT, 0.0))
    path.write_text(json.dumps(config), encoding="utf-8")
    return folder


def same_losses(commands: dict[str, list[str]], environments: dict[str, dict], steps: int) -> dict:
    print(f"{steps} steps of both without dropout", flush=True)
    runners = [Runner(name, command, environments[name]) for name, command in commands.items()]
    try:
        return without_dropout(*runners, steps)
    finally:
        for runner in runners:
            runner.stop()


def everything(arguments: argparse.Namespace) -> dict:
    # A race on the CPU: the peer has no CUDA.
    theirs = {**race.environment(arguments.threads), "CUDA_VISIBLE_DEVICES": ""}
    ours = {**theirs, **kernel.variables()}
    example, python = race.built_example(EXAMPLE), peer_python.python()
    load = os.getloadavg()[0]
    epoch = prepared(example, ours)
    rounds = rounds_of(epoch, arguments)
    if arguments.rounds * arguments.padded_steps >= epoch["rows"] // PADDED[0]:
        raise Problem(f"--padded-steps {arguments.padded_steps}: not so many rows in an epoch")
    peer = [str(python), str(PEER), str(FOLDER)]
    shapes = {"peer": [], "padded": [str(number) for number in PADDED]}
    chosen = {}
    for name, shape in shapes.items():
        print(f"{name}: which of its variants is fastest", flush=True)
        chosen[name] = fastest(peer, shape, theirs)
    runners: list[Runner] = []
    try:
        runners.append(Runner("ours", [str(example), "train", str(FOLDER)], ours))
        for name, shape in shapes.items():
            variant = chosen[name]["variant"].split()
            runners.append(Runner(name, [*peer, "train", *variant, *shape], theirs))
        runners.append(Runner("products", [str(example), "products", str(FOLDER)], ours))
        losses = in_turns(runners, epoch, rounds, arguments.padded_steps)
        peaks = {runner.name: runner.peak_bytes() for runner in runners}
    finally:
        for runner in runners:
            runner.stop()
    folder = str(copy_without_dropout())
    variant = chosen["peer"]["variant"].split()
    same = same_losses({"ours": [str(example), "train", folder],
                        "peer": [str(python), str(PEER), folder, "train", *variant]},
                       {"ours": ours, "peer": theirs},
                       min(SAME_STEPS, len(epoch["batches"]), arguments.steps or SAME_STEPS))
    results = summary(runners, epoch["rows"])
    return {
        "ratio": results["ours_over"]["peer"]["median"],
        **machine.describe(),
        "threads": arguments.threads,
        "load_before": load,
        "peer": {**runners[1].about, "fastest": chosen},
        "ours": runners[0].about,
        "checkpoint": epoch["checkpoint"],
        "params": epoch["params"],
        "epoch": {"rows": epoch["rows"], "steps": len(epoch["batches"])},
        "peak_bytes": peaks,
        "losses": losses,
        "without_dropout": same,
        "slices": {runner.name: runner.slices for runner in runners},
        **results,
    }


def in_turns(runners: list[Runner], epoch: dict, rounds: list[range], padded_steps: int) -> dict:
    """The race itself. Every other round goes the other way round, so that none of them
    always runs on a machine that the same one has warmed."""
    ours, peer, padded, products = runners
    sizes = [len(batch["ids"]) for batch in epoch["batches"]]
    compared = min(COMPARED, len(sizes))
    before = {runner.name: runner.loss(compared) for runner in (ours, peer)}
    if abs(before["ours"] - before["peer"]) > SAME_LOSS:
        raise Problem(f"not the same start: loss {before['ours']:.5f} of ours, "
                      f"{before['peer']:.5f} of the peer's")
    for runner in (ours, peer, products):
        runner.train(range(WARM_STEPS))
    padded.train(range(1))

    for number, steps in enumerate(rounds):
        few = range(1 + number * padded_steps, 1 + (number + 1) * padded_steps)
        for runner in runners if number % 2 == 0 else runners[::-1]:
            own = few if runner is padded else steps
            rows = PADDED[0] * len(own) if runner is padded else sum(sizes[own.start:own.stop])
            runner.slice(own, rows)
        shown = "   ".join(f"{runner.name} {1000 * per_sentence(runner.slices[-1]):7.2f} ms"
                           for runner in runners)
        print(f"round {number + 1}/{len(rounds)}, a sentence: {shown}", flush=True)
    after = {runner.name: runner.loss(compared) for runner in (ours, peer)}
    return {"batches": compared, "before": before, "after": after}


def rounds_of(epoch: dict, arguments: argparse.Namespace) -> list[range]:
    steps = len(epoch["batches"])
    return parts(range(WARM_STEPS, min(arguments.steps or steps, steps)), arguments.rounds)


def parts(steps: range, count: int) -> list[range]:
    """Consecutive parts of nearly the same length."""
    if len(steps) < count:
        raise Problem(f"{len(steps)} steps cannot be cut into {count} rounds")
    ends = [steps.start + len(steps) * number // count for number in range(count + 1)]
    return [range(*pair) for pair in zip(ends, ends[1:])]


def ours_alone(arguments: argparse.Namespace) -> dict:
    """Our half by itself: seconds and page faults a step, tokens and operations a second."""
    ours = {**race.environment(arguments.threads), **kernel.variables()}
    example = race.built_example(EXAMPLE)
    epoch = prepared(example, ours)
    config = json.loads((FOLDER / "start" / "config.json").read_text(encoding="utf-8"))
    lengths = [[len(row) for row in batch["ids"]] for batch in epoch["batches"]]
    rounds = rounds_of(epoch, arguments)
    allocator = ["--give-back"] if arguments.give_back else []
    runner = Runner("ours", [str(example), "train", str(FOLDER), *allocator], ours)
    try:
        runner.train(range(WARM_STEPS))
        for own in rounds:
            runner.slice(own, sum(map(len, lengths[own.start:own.stop])))
        peak = runner.peak_bytes()
    finally:
        runner.stop()
    seconds = sum(part["seconds"] for part in runner.slices)
    steps = range(rounds[0].start, rounds[-1].stop)
    rows = [length for batch in lengths[steps.start:steps.stop] for length in batch]
    return {
        **machine.describe(),
        **runner.about,
        "checkpoint": epoch["checkpoint"],
        "params": epoch["params"],
        "steps": len(steps),
        "seconds_a_step": seconds / len(steps),
        "sentences_a_second": len(rows) / seconds,
        "tokens_a_second": sum(rows) / seconds,
        "tflops": sum(operations(config, length) for length in rows) / seconds / 1e12,
        "page_faults_a_step": spread([part["page_faults_a_step"] for part in runner.slices]),
        "peak_bytes": peak,
        "slices": runner.slices,
    }


def operations(config: dict, length: int) -> int:
    """Operations in matrix products, forward and backward, that a row of so many tokens
    needs: two for each weight and token and for each number of the attention's products
    forward, twice that backward (Kaplan et al., 2020, section 2.1). Padding counts for none."""
    hidden = config["hidden_size"]
    weights = 4 * hidden * hidden + 2 * hidden * config["intermediate_size"]
    attention = 2 * length * hidden
    return 6 * length * config["num_hidden_layers"] * (weights + attention)


# -- what came of it ------------------------------------------------------------------

def per_sentence(part: dict) -> float:
    return part["seconds"] / part["rows"]


def summary(runners: list[Runner], rows: int) -> dict:
    """Medians over the rounds; the ratios are taken within each round."""
    seconds = {runner.name: [per_sentence(part) for part in runner.slices] for runner in runners}
    ratios = {name: [ours / theirs for ours, theirs in zip(seconds["ours"], seconds[name])]
              for name in ("peer", "padded", "products")}
    processor = {runner.name: sum(part["processor_seconds"] for part in runner.slices)
                 / sum(part["rows"] for part in runner.slices) for runner in runners}
    return {
        "seconds_a_sentence": {name: spread(values) for name, values in seconds.items()},
        "epoch_seconds": {name: rows * statistics.median(v) for name, v in seconds.items()},
        "processor_seconds_a_sentence": processor,
        "ours_over": {name: spread(values) for name, values in ratios.items()},
    }


def table(results: dict) -> str:
    lines = [f"{'':<8} {'ms a sentence':>24} {'an epoch':>10} {'ours / it':>24} {'peak':>9}"]
    for name, seconds in results["seconds_a_sentence"].items():
        ratio = results["ours_over"].get(name)
        cells = [shown(seconds, 1000, 2), f"{results['epoch_seconds'][name]:.0f} s",
                 shown(ratio, 1, 3) if ratio else "",
                 f"{results['peak_bytes'][name] / 1e6:,.0f} MB"]
        lines.append(f"{name:<8} {cells[0]:>24} {cells[1]:>10} {cells[2]:>24} {cells[3]:>9}")
    losses, fast = results["losses"], results["peer"]["fastest"]
    same = results["without_dropout"]
    processor = ", ".join(f"{name} {1000 * seconds:.2f}" for name, seconds
                          in results["processor_seconds_a_sentence"].items())
    lines += [
        "median over the rounds (least to most)",
        f"processor time of all threads, ms a sentence: {processor}",
        f"loss on {losses['batches']} batches, before: ours {losses['before']['ours']:.4f}, peer "
        f"{losses['before']['peer']:.4f}; after: ours {losses['after']['ours']:.4f}, peer "
        f"{losses['after']['peer']:.4f}",
        f"without dropout, {same['steps']} steps: losses differ by {same['largest_difference']:.1e} "
        f"at most (target {SAME_STEP_LOSS:.0e})",
        f"peer: torch {results['peer']['torch']}, transformers {results['peer']['transformers']}, "
        f"{fast['peer']['variant']}; padded: {fast['padded']['variant']}",
        f"{results['checkpoint']}, {results['threads']} threads, {results['machine']['processor']}",
    ]
    return "\n".join(lines)


def one_line(results: dict) -> str:
    return (f"{results['checkpoint']} on {results['device']}: "
            f"{1000 * results['seconds_a_step']:.1f} ms a step, "
            f"{results['sentences_a_second']:.0f} sentences/s, "
            f"{results['tokens_a_second']:,.0f} tokens/s, {results['tflops']:.3f} TFLOP/s, "
            f"{results['page_faults_a_step']['median']:,.0f} page faults a step, "
            f"{results['peak_bytes'] / 1e6:,.0f} MB at most")


def main() -> int:
    parser = race.parser("Race a training epoch against transformers.", 8, "slices of the epoch ")
    parser.add_argument("--steps", type=positive, help="only so many steps of it, for a trial")
    parser.add_argument("--padded-steps", type=positive, default=2,
                        help="steps padded to 512 in a round [2]")
    parser.add_argument("--ours", action="store_true", help="only ours, on the GPU if there is one")
    parser.add_argument("--give-back", action="store_true",
                        help="with --ours: glibc's allocator as it is")
    arguments = parser.parse_args()
    if arguments.ours:
        return race.finish(lambda: ours_alone(arguments), FOLDER, "ours.json", one_line)
    return race.finish(lambda: everything(arguments), FOLDER, "results.json", table)


if __name__ == "__main__":
    sys.exit(main())
