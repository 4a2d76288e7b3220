"""Makes all mutants, and counts which check caught each.

    python -m mutants            all kinds
    python -m mutants --rust     and cells on the Rust kernel (two minutes more)

Exit status 1 if one was not caught.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

import ending
import project
from mutants import Mutant, cells, data, files


def table(mutants: "list[Mutant]") -> "list[str]":
    """Markdown: kinds in their order, and how many each check caught."""
    kinds = list(dict.fromkeys(mutant.kind for mutant in mutants))
    lines = ["| one thing wrong | mutants | caught | by |", "|---|---:|---:|---|"]
    for kind in kinds:
        own = [mutant for mutant in mutants if mutant.kind == kind]
        by = Counter(mutant.check for mutant in own if mutant.check)
        told = "; ".join(f"{check} ({number})" for check, number in by.most_common())
        lines.append(f"| {kind} | {len(own)} | {sum(by.values())} | {told} |")
    caught = sum(bool(mutant.check) for mutant in mutants)
    return [*lines, f"| **all** | **{len(mutants)}** | **{caught}** | |"]


def main() -> int:
    parser = argparse.ArgumentParser(description="Spoil a run in one place at a time.")
    parser.add_argument("--rust", action="store_true", help="cells on the Rust kernel, too")
    rust = parser.parse_args().rust
    return ending.run(lambda: make(rust), lambda: project.ROOT / "target")


def make(rust: bool) -> int:
    started, found = time.monotonic(), []
    for source in (files.of_run(), files.of_plots(), files.of_readme()):
        found += source
    if data.program().exists():
        found += data.of_splits()
    else:
        print("skipped: mutants of splits: ttp is not compiled (make test-mutants does it)")
    for with_rust in (False, True) if rust else (False,):
        found += cells.of_cells(with_rust)
    print("\n".join(table(found)))
    missed = [mutant for mutant in found if not mutant.check]
    for mutant in missed:
        print(f"not caught: {mutant.kind}: {mutant.what}", file=sys.stderr)
    print(f"\n{len(found)} mutants, {len(found) - len(missed)} caught, in {time.monotonic() - started:.0f} s")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
