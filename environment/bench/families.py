"""`make bench-families`: NetML's 48,394 flows read, and the family summary's own encoder run on
them, against torch's, on one machine, in turns.

Two programs hold the same flows and the same checkpoint, and each encodes all flows: while one
is at it the other waits. What else the machine does falls on both, and each time is compared
with its own neighbour.

    ours      ttp-lib's encoder, which reads equal counts once: ttp-lib/examples/bench_families.rs
    peer      the same network of torch's own layers, as environment/golden/netml.py has it, at the
              batch size that is fastest here

All logits must agree within 1e-4, and all predictions be the same. Beside it, the reading of the
file by ours and by Python's gzip and json. The result goes to
target/bench-families/results.json; its `ratio` is ours to the peer's encoding.
"""

from __future__ import annotations

import argparse
import os
import struct
import sys
from pathlib import Path

import kernel
import machine
import project
from bench import peer_python, race
from bench.race import Runner, shown, spread, summary
from project import Problem

FOLDER = project.ROOT / "target" / "bench-families"
PEER = Path(__file__).with_name("peer_families.py")
EXAMPLE = "bench_families"
FLOWS = "netml-2020/1_test-std_set.json.gz"
CHECKPOINT = "ids-netml/encoder_best.pth"
CLASSES = 21
AGREE = 1e-4
READ_SECONDS = 3.0


def raw(name: str) -> Path:
    own = project.own_folder("TTP_SOURCES")
    if own and (own / name).is_file():
        return own / name
    path = project.ROOT / "data" / "raw" / name
    if not path.exists():
        raise Problem(f"{path} is not there: TTP_PROFILE=laptop make data, or TTP_SOURCES")
    return path


def both(arguments: argparse.Namespace) -> dict:
    # A race on the CPU: the peer has no CUDA.
    theirs = {**race.environment(arguments.threads), "CUDA_VISIBLE_DEVICES": ""}
    ours = {**theirs, **kernel.variables()}
    files = [str(raw(FLOWS)), str(raw(CHECKPOINT)), str(FOLDER)]
    example, python = race.built_example(EXAMPLE), peer_python.python()
    load = os.getloadavg()[0]
    runners: list[Runner] = []
    try:
        runners.append(Runner("ours", [str(example), *files], ours))
        runners.append(Runner("peer", [str(python), str(PEER), *files], theirs))
        print("peer: which batch size is fastest", flush=True)
        chosen = runners[1].ask("choose")
        race.in_turns(runners, arguments.rounds, "encode")
        agreement = compare(*(runner.ask("write")["file"] for runner in runners))
        reading = {runner.name: spread([runner.ask("read")["seconds"]
                                        for _ in range(arguments.rounds)]) for runner in runners}
        peaks = {runner.name: runner.peak_bytes() for runner in runners}
    finally:
        for runner in runners:
            runner.stop()
    of_seconds = summary(runners, ("seconds",))
    return {
        **machine.describe(),
        "threads": arguments.threads,
        "load_before": load,
        **{runner.name: runner.about for runner in runners},
        "batch_sizes": chosen,
        "agreement": agreement,
        "read_seconds": reading,
        "peak_bytes": peaks,
        "rounds": {runner.name: runner.slices for runner in runners},
        **of_seconds,
        "ratio": of_seconds["ours_over_peer"]["median"],
    }


def compare(ours: str, peer: str) -> dict:
    """How far the logits of all flows lie apart; a prediction that differs ends the race."""
    mine, theirs = (floats(Path(file)) for file in (ours, peer))
    if len(mine) != len(theirs) or len(mine) % CLASSES:
        raise Problem(f"{len(mine)} logits of ours, {len(theirs)} of the peer's")
    farthest = max(abs(a - b) for a, b in zip(mine, theirs))
    rows = range(0, len(mine), CLASSES)
    otherwise = sum(best(mine[row:row + CLASSES]) != best(theirs[row:row + CLASSES])
                    for row in rows)
    if farthest > AGREE or otherwise:
        raise Problem(f"not the same answer: logits differ by {farthest:.2e}, {otherwise:,} "
                      "predictions are others")
    return {"flows": len(rows), "logits_differ_by": farthest, "predictions_differ": otherwise}


def floats(file: Path) -> tuple[float, ...]:
    """Numbers in single precision, the lowest byte first."""
    content = file.read_bytes()
    return struct.unpack(f"<{len(content) // 4}f", content)


def best(logits: tuple[float, ...]) -> int:
    return max(range(len(logits)), key=logits.__getitem__)


def table(results: dict) -> str:
    lines = [f"{'':<8} {'encoding, seconds':>24} {'ours / it':>24} {'reading, seconds':>24} "
             f"{'peak':>9}"]
    for name, seconds in results["seconds"].items():
        cells = [shown(seconds, 1, 3),
                 shown(results["ours_over_peer"], 1, 3) if name == "peer" else "",
                 shown(results["read_seconds"][name], 1, 2),
                 f"{results['peak_bytes'][name] / 1e6:,.0f} MB"]
        lines.append(f"{name:<8} {cells[0]:>24} {cells[1]:>24} {cells[2]:>24} {cells[3]:>9}")
    agreement, ours = results["agreement"], results["ours"]
    reads = results["read_seconds"]["ours"]["median"]
    lines += [
        "median over the rounds (least to most)",
        f"{agreement['flows']:,} flows, {ours['distinct_counts']:,} of them with counts of their "
        f"own; logits differ by {agreement['logits_differ_by']:.1e} at most, no prediction",
        f"ratio {results['ratio']:.3f} (target: at most 1.0); read in {reads:.2f} s (target: at "
        f"most {READ_SECONDS:.0f} s)",
        f"peer: torch {results['peer']['torch']}, {results['batch_sizes']['batch_size']} flows at "
        f"once; {results['threads']} threads, {results['machine']['processor']}",
    ]
    return "\n".join(lines)


def main() -> int:
    parser = race.parser("Race the family summary's encoder against torch's.", 5)
    arguments = parser.parse_args()
    return race.finish(lambda: both(arguments), FOLDER, "results.json", table)


if __name__ == "__main__":
    sys.exit(main())
