"""`make pictures`: the drawings in docs/, from what a finished run left in results/.

    pictures.py           draws docs/*.svg anew
    pictures.py --check   says which of them were drawn from other figures than the run's here
    pictures.py --png     PNG files of them for slides, in reports/pictures/

Each file says in a comment which run its figures are from, and holds a digest of these figures:
so a picture that is older than the run at hand is found. Figures count as they are printed, with
three decimals.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import ending
import project
import report
from drawings import PICTURES
from project import Problem

FOLDER = project.ROOT / "docs"
MOST_BYTES = 100_000
COMMENT = re.compile(r"<!-- drawn from a run: (\{.*?\}) -->")


# -- the run they are drawn from ------------------------------------------------------------

def digest(figures: dict) -> str:
    text = json.dumps(figures, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def results_folder() -> Path:
    return project.output() / "results"


def run_at_hand() -> "tuple[dict, dict]":
    """What a run left, all files in one object, and what it says of itself."""
    paths = sorted(results_folder().glob("*.json"))
    if not paths:
        raise Problem(f"{results_folder()} holds no results: run `make reproduce` first")
    of = report.written_results()
    newest = max(path.stat().st_mtime for path in paths)
    day = time.strftime("%Y-%m-%d", time.gmtime(newest))
    return report.merged(paths), {"profile": of.get("profile", "?"), "commit": of.get("commit", "?"),
                                  "date": day}


def draw_all() -> None:
    """Draws all of them, or none where the run lacks a figure."""
    found, of = run_at_hand()
    made = []
    for picture in PICTURES:
        figures = picture.figures(found)
        text = picture.draw(figures).whole({**of, "figures": digest(figures)})
        if len(text.encode()) > MOST_BYTES:
            raise Problem(f"docs/{picture.name}.svg has {len(text.encode()):,} bytes, "
                          f"more than {MOST_BYTES:,}: draw less in it")
        made.append((FOLDER / f"{picture.name}.svg", text))
    for path, text in made:
        report.write_whole(path, text)
        print(f"  {path.relative_to(project.ROOT)}  {len(text.encode()) / 1000:.0f} kB")


def origin(path: Path) -> dict:
    """What a picture's comment says."""
    try:
        found = COMMENT.search(path.read_text(encoding="utf-8"))
        value = json.loads(found.group(1)) if found else None
    except (OSError, ValueError):
        value = None
    if not isinstance(value, dict) or not isinstance(value.get("figures"), str):
        raise Problem(f"{path}: no comment says what it was drawn from: run `make pictures`")
    return value


def older() -> "list[str]":
    """A line for each picture whose figures are not those of the run at hand. A run under
    another profile has other figures, and says nothing about the pictures."""
    found, of = run_at_hand()
    lines = []
    for picture in PICTURES:
        path = FOLDER / f"{picture.name}.svg"
        drawn = origin(path)
        if drawn.get("profile") != of["profile"]:
            continue
        if drawn["figures"] != digest(picture.figures(found)):
            lines.append(f"docs/{path.name} is of {drawn.get('date')}, and {results_folder()} has "
                         f"other figures, of {of['date']}: run `make pictures`")
    return lines


# -- PNG ------------------------------------------------------------------------------------

def write_png(folder: Path) -> "list[Path]":
    """Twice as large as drawn: by resvg where that is on PATH, else by Chromium."""
    paths = [FOLDER / f"{picture.name}.svg" for picture in PICTURES]
    folder.mkdir(parents=True, exist_ok=True)
    made = [folder / f"{path.stem}.png" for path in paths]
    resvg = shutil.which("resvg")
    if resvg:
        for path, target in zip(paths, made):
            done = subprocess.run([resvg, "--zoom", "2", str(path), str(target)],
                                  capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise Problem(f"resvg: {path.name}: {(done.stderr.strip() or 'failed')[:200]}")
        return made
    try:
        from browser import chrome
    except ImportError as error:
        raise Problem(f"{error.name} is missing: run `make setup` first") from error
    program = chrome.find()
    if not program:
        raise Problem("neither resvg nor Chromium on PATH, which write PNG: "
                      "cargo install resvg, or apt-get install chromium")
    try:
        with chrome.Chrome(program) as browser:
            for path, target in zip(paths, made):
                width, height = (int(n) for n in re.search(
                    r'width="(\d+)" height="(\d+)"', path.read_text(encoding="utf-8")).groups())
                browser.open(path, width=width, height=height)
                browser.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                             deviceScaleFactor=2, mobile=False)
                browser.picture(target)
    except chrome.ERRORS as error:
        raise Problem(f"Chromium did not draw the pictures: {error}") from error
    return made


def main() -> int:
    parser = argparse.ArgumentParser(description="Draw docs/*.svg from a finished run.")
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--check", action="store_true", help="only say which are older than the run")
    only.add_argument("--png", action="store_true", help="write PNG files of what is in docs/")
    arguments, pictures = parser.parse_args(), report.reports_folder() / "pictures"

    def work() -> int:
        if arguments.check:
            lines = older()
            for line in lines:
                print(f"error: {line}", file=sys.stderr)
            return 1 if lines else 0
        if arguments.png:
            for path in write_png(pictures):
                print(f"  {path}")
            return 0
        draw_all()
        return 0

    return ending.run(work, lambda: pictures if arguments.png else FOLDER)


if __name__ == "__main__":
    sys.exit(main())
