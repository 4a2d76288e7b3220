"""How far a sweep is: a line for each job that ends."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path


class Progress:
    """Reads the notes that jobs leave in workflow/done/ and workflow/failed/."""

    def __init__(self, folder: Path, jobs: list[dict], left: dict[str, dict],
                 say: Callable[[str], None],
                 clock: Callable[[], float] = time.monotonic) -> None:
        self.notes, self.logs = folder / "workflow", folder / "logs"
        self.costs = {name: float(job["cost"]) for name, job in left.items()}
        self.all, self.before = len(jobs), len(jobs) - len(left)
        self.say, self.clock, self.began = say, clock, clock()
        self.told: set[str] = set()
        self.done: list[str] = []
        self.failed: list[str] = []

    def look(self) -> None:
        for name, note in self.new("done"):
            if name in self.costs:
                self.done.append(name)
                self.say(self.line(name, note.get("seconds", 0.0)))
        for name, note in self.new("failed"):
            self.failed.append(name)
            self.say(f"  failed: {name}: {note.get('why', '')} ({self.logs / name}.log)")

    def new(self, kind: str) -> list[tuple[str, dict]]:
        """Notes that were not there yet, the oldest first."""
        found = []
        for path in (self.notes / kind).glob("[!.]*"):
            if f"{kind}/{path.name}" not in self.told:
                try:
                    note = json.loads(path.read_text(encoding="utf-8"))
                    found.append((path.stat().st_mtime, path.name, note))
                except (OSError, ValueError):
                    continue
                self.told.add(f"{kind}/{path.name}")
        return [(name, note) for _, name, note in sorted(found, key=lambda row: row[:2])]

    def line(self, name: str, seconds: float) -> str:
        """For instance `  4 of 24: minilm.clean.seed-1 in 41 s; 35 % of the work, 8.1 jobs a
        minute, 17 min left`. The time left is that of the work left, at the pace so far."""
        done = self.before + len(self.done)
        elapsed = max(self.clock() - self.began, 1e-9)
        pace = 60.0 * len(self.done) / elapsed
        rate = f"{pace:.1f} jobs a minute" if pace >= 1 else f"{60 * pace:.0f} jobs an hour"
        line = (f"  {done} of {self.all}: {name} in {shown(seconds)}; "
                f"{100 * self.share():.0f} % of the work, {rate}")
        left = f", {shown(self.seconds_left(elapsed))} left"
        return line + (left if len(self.done) < len(self.costs) else "")

    def share(self) -> float:
        """Of this run's work, by the jobs' costs, or by their number where these say nothing."""
        whole = sum(self.costs.values())
        if whole <= 0:
            return len(self.done) / len(self.costs)
        return sum(self.costs[name] for name in self.done) / whole

    def seconds_left(self, elapsed: float) -> float:
        share = self.share()
        return elapsed * (1 - share) / share if share > 0 else 0.0


def shown(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
