"""`make bench-wait`: what a user waits for, from a clone to figures.

Clones this repository's commit into an empty folder and does there what README.md says, with
the clock running:

    the kernel ready      `make kernel`: downloads, the kernel's program, what notebooks need
    the first cells       `make notebook NB=01_corpus`, its first two cells and its last
    the figures           `make reproduce`, notebook by notebook; once more, nothing changed

With `--cold` caches are empty, too: the project's own, and cargo's registry. `--against COMMIT`
measures that commit first, in the same way, and the result has the ratios. `--first-cell` stops
before `make reproduce`. `--sources` names a folder with the documents' own files, for a machine that
does not reach their addresses. The result goes to target/bench-wait/results.json. With `--keep` the
clones stay where they are.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import machine
import project
from bench import race
from project import Problem

FOLDER = project.ROOT / "target" / "bench-wait"
CELL = re.compile(r"^ +(\d+)/\d+  ")
SECONDS = re.compile(r" ([\d.]+) s$")
STEP = re.compile(r"^set-up: (\w+) done in (\d+) s$")
NOTEBOOK = re.compile(r"^(\S+)  \(profile \S+\)$")
DONE = re.compile(r"^  done in ([\d.]+) s$")
# What a user may have set, and a newcomer has not.
SETTINGS = ("TTP_", "HF_", "GOMP_", "OMP_", "CUDA")


class Clone:
    """A newcomer's clone, with caches of its own."""

    def __init__(self, folder: Path, commit: str, cold: bool, sources: Path | None) -> None:
        self.folder, self.cold, self.sources = folder, cold, sources
        self.tree, self.cache, self.cargo = folder / "clone", folder / "cache", folder / "cargo"
        command = ["git", "clone", "--quiet", str(project.ROOT), str(self.tree)]
        for part in (command, ["git", "-C", str(self.tree), "checkout", "--quiet", commit]):
            if subprocess.run(part, check=False).returncode != 0:
                raise Problem(f"`{' '.join(part)}` failed: its own message stands above")

    def environment(self, profile: str) -> dict[str, str]:
        mine = {name: value for name, value in os.environ.items()
                if not name.startswith(SETTINGS)}
        mine["TTP_PROFILE"] = profile
        if self.sources:
            mine["TTP_SOURCES"] = str(self.sources)
        if self.cold:
            mine.update(XDG_CACHE_HOME=str(self.cache), CARGO_HOME=str(self.cargo))
            # One that is installed would be taken, and not compiled.
            mine["PATH"] = os.pathsep.join(
                place for place in mine["PATH"].split(os.pathsep)
                if not (Path(place) / "evcxr_jupyter").exists())
        return mine

    def make(self, arguments: list[str], profile: str, line: Callable[[str], None]) -> float:
        """Runs `make`, hands on each line of its output; the seconds it took."""
        began = time.monotonic()
        process = subprocess.Popen(["make", *arguments], cwd=self.tree, text=True,
                                   errors="replace", env=self.environment(profile),
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for text in process.stdout:
            print(f"{time.monotonic() - began:8.1f}  {text}", end="", flush=True)
            line(text.rstrip("\n"))
        if process.wait() != 0:
            raise Problem(f"`make {' '.join(arguments)}` failed: its own message stands above")
        return time.monotonic() - began

    def disk(self) -> dict[str, int]:
        places = {"clone": self.tree}
        if self.cold:
            places.update(cache=self.cache, cargo=self.cargo)
        return {f"{name}_bytes": size(place) for name, place in places.items()}


def size(folder: Path) -> int:
    """What a folder takes on the disk; a file with several names counts once."""
    seen, total = set(), 0
    for path in folder.rglob("*"):
        about = path.lstat()
        if about.st_ino not in seen:
            seen.add(about.st_ino)
            total += about.st_blocks * 512
    return total


def received_bytes() -> int:
    """What this machine has received over all of its networks, by /proc/net/dev."""
    try:
        lines = Path("/proc/net/dev").read_text().splitlines()[2:]
    except OSError:
        return 0
    rows = (line.split(":") for line in lines)
    return sum(int(counts.split()[0]) for name, counts in rows if name.strip() != "lo")


class Cells:
    """When a notebook's cells were done, in seconds since its `make` began."""

    def __init__(self) -> None:
        self.began, self.current, self.done = time.monotonic(), 0, {}

    def line(self, text: str) -> None:
        start = CELL.match(text)
        if start:
            self.current = int(start.group(1))
        if self.current and SECONDS.search(text):
            self.done.setdefault(self.current, time.monotonic() - self.began)


class Notebooks:
    """Seconds of each notebook of a run."""

    def __init__(self) -> None:
        self.name, self.seconds = "", {}

    def line(self, text: str) -> None:
        named, done = NOTEBOOK.match(text), DONE.match(text)
        if named:
            self.name = named.group(1)
        elif done:
            self.seconds[self.name] = float(done.group(1))


def measure(commit: str, arguments: argparse.Namespace, folder: Path) -> dict:
    clone, steps = Clone(folder, commit, arguments.cold, arguments.sources), {}

    def step(text: str) -> None:
        match = STEP.match(text)
        if match:
            steps[match.group(1)] = int(match.group(2))

    received = received_bytes()
    kernel = clone.make(["kernel"], arguments.profile, step)
    received = received_bytes() - received
    cells = Cells()
    first = clone.make(["notebook", "NB=01_corpus"], arguments.profile, cells.line)
    if len(cells.done) < 3:
        raise Problem("notebook 01 said nothing of three cells")
    result = {
        "commit": commit,
        "kernel_ready_seconds": kernel,
        "setup_steps_seconds": steps,
        "received_bytes": received,
        "first_cell_seconds": kernel + cells.done[1],
        "notebook_first_cell_seconds": cells.done[1],
        "notebook_second_cell_seconds": cells.done[2],
        "notebook_last_cell_seconds": max(cells.done.values()),
        "later_cell_seconds": (max(cells.done.values()) - cells.done[2]) / (len(cells.done) - 2),
    }
    if not arguments.first_cell:
        notebooks = Notebooks()
        others = clone.make(["reproduce"], arguments.profile, notebooks.line)
        result["notebooks_seconds"] = {"01_corpus": first, **notebooks.seconds}
        # The first notebook has run already, and is not run again.
        result["reproduce_seconds"] = first + others
        result["all_seconds"] = kernel + first + others
        result["again_seconds"] = clone.make(["reproduce"], arguments.profile, lambda text: None)
    result["disk"] = clone.disk()
    return result


def run(arguments: argparse.Namespace) -> dict:
    here = project.run_for_text(["git", "rev-parse", "HEAD"], project.ROOT).strip()
    if not here:
        raise Problem(f"{project.ROOT} is no clone: what is measured is a commit")
    load = os.getloadavg()[0]
    base = Path(tempfile.mkdtemp(prefix="bench-wait-", dir=arguments.folder))
    measured = {}
    try:
        for name, commit in (("against", arguments.against), ("ours", here)):
            if commit:
                (base / name).mkdir()
                measured[name] = measure(commit, arguments, base / name)
                if len(measured) == 1:
                    # In kilobytes on Linux, of the largest process that has ended so far: with
                    # two commits, the first one's.
                    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
                    measured[name]["peak_bytes"] = 1024 * usage.ru_maxrss
    finally:
        if arguments.keep:
            print(f"kept: {base}", flush=True)
        else:
            shutil.rmtree(base, ignore_errors=True)
    results = {**machine.describe(), "profile": arguments.profile, "cold": arguments.cold,
               "load_before": load, **measured}
    if "against" in measured:
        shared = [key for key, value in measured["ours"].items()
                  if key.endswith("_seconds") and isinstance(value, float)]
        results["ratios"] = {key: measured["ours"][key] / measured["against"][key]
                             for key in shared}
        whole = "first_cell_seconds" if arguments.first_cell else "all_seconds"
        results["ratio"] = results["ratios"][whole]
    return results


def table(results: dict) -> str:
    rows = [(key.removesuffix("_seconds").replace("_", " "), key)
            for key, value in results["ours"].items() if isinstance(value, float)]
    lines = [f"{'seconds':<28} {'ours':>9} {'against':>9} {'ratio':>7}"]
    for label, key in rows:
        cells = [f"{results['ours'][key]:.1f}", "", ""]
        if "against" in results:
            cells[1:] = [f"{results['against'][key]:.1f}", f"{results['ratios'][key]:.2f}"]
        lines.append(f"{label:<28} {cells[0]:>9} {cells[1]:>9} {cells[2]:>7}")
    for name, seconds in results["ours"].get("notebooks_seconds", {}).items():
        lines.append(f"  {name:<26} {seconds:>9.1f}")
    about, disk = results["machine"], results["ours"]["disk"]
    lines.append(", ".join(f"{name.removesuffix('_bytes')} {value / 1e9:.1f} GB"
                           for name, value in disk.items())
                 + f"; received {results['ours']['received_bytes'] / 1e9:.2f} GB")
    if "peak_bytes" in results["ours"]:
        lines.append(f"most memory of one process "
                     f"{results['ours']['peak_bytes'] / 1e9:.1f} GB")
    lines.append(f"{about['processor']} ({about['processor_family']}, {about['vectors']}), "
                 f"{about['cores']} cores, {'empty' if results['cold'] else 'filled'} caches")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure what a user waits for.")
    parser.add_argument("--profile", default="laptop")
    parser.add_argument("--cold", action="store_true", help="with empty caches")
    parser.add_argument("--first-cell", action="store_true", help="not `make reproduce`")
    parser.add_argument("--against", metavar="COMMIT", help="measure this commit, too, first")
    parser.add_argument("--sources", type=Path, metavar="FOLDER",
                        help="where files are that no package index has")
    parser.add_argument("--folder", type=Path, help="where clones and caches go")
    parser.add_argument("--keep", action="store_true", help="leave them there")
    arguments = parser.parse_args()
    return race.finish(lambda: run(arguments), FOLDER, "results.json", table)


if __name__ == "__main__":
    sys.exit(main())
