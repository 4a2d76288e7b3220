"""`make test-mutants`: what a run leaves, spoiled in one place at a time; a check has to say so.

A mutant is a made-up run, its data or README with one thing wrong that leaves it looking right. It
is caught if the check whose work it is calls it wrong. Which one that was is counted.

`files.py` has mutants of a run's files, of plots and of README, `data.py` of splits
as `ttp` reads them, and `cells.py` of cells as the runner executes them.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from project import Problem

SEED = 266


@dataclass(frozen=True)
class Mutant:
    """One thing wrong. `check` says what found it; empty where nothing did."""

    kind: str
    what: str
    check: str


class Unsound(Problem):
    """A check called something wrong that no mutant has touched."""


def distinct(wanted: int, draw: "Callable[[], tuple]") -> "Iterator[tuple]":
    """So many different draws; an error where there are not as many."""
    seen: set = set()
    for _ in range(100 * wanted):
        if len(seen) == wanted:
            return
        one = draw()
        if one not in seen:
            seen.add(one)
            yield one
    if len(seen) < wanted:
        raise ValueError(f"only {len(seen)} different mutants of {wanted}")


def of_kinds(kinds: "Iterable[tuple]", target, check: "Callable[[], str]",
             restore: "Callable[[], None]") -> "Iterator[Mutant]":
    """Mutants of each kind: its name, how many, and what draws one of `target`: what it is, and
    what makes it so. Each is checked, and taken back."""
    for kind, wanted, mutate in kinds:
        rng = random.Random(f"{SEED} {kind}")
        acts: "dict[str, Callable[[], object]]" = {}

        def draw() -> "tuple[str]":
            what, act = mutate(target, rng)
            acts[what] = act
            return (what,)

        for (what,) in distinct(wanted, draw):
            acts[what]()
            yield Mutant(kind, what, check())
            restore()
