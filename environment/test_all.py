"""All checks, one after the other; the last line counts them.

    format · clippy · cargo's tests · Python's tests · smoke notebooks · their pages ·
    the paper profile's notebooks, shortened

A stage that fails does not keep the next from running, but for the pages, which need
the notebooks, and the paper profile's notebooks, which need their checkpoints. Exit status
1 if anything failed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import profiles
import project
from project import Problem

SMOKE = project.ROOT / "target" / "smoke"
PAPER = project.ROOT / "target" / "paper-short"
# What is shorter than in the paper profile: 400 rows without TRAM v1's, whose file no package
# carries, and one epoch. Its three checkpoints are of random numbers in the published shapes.
SHORT = {"corpus": {"source": "attack-v10.1", "rows": 400},
         "balance": {"trim_below": 8, "upsample_to": 12, "downsample_to": 14},
         "bootstrap": {"resamples": 200, "level": 0.95},
         "similarity": {"sentences": "all", "pairs": 20, "hard_negatives": 8,
                        "training": {"epochs": 1, "batch_size": 8, "max_length": 32,
                                     "learning_rate": 3e-5, "warmup_share": 0.15,
                                     "weight_decay": 0.01, "clip_norm": 1.0,
                                     "optimizer": "adamw"}},
         "remedies": {"head": {"steps": 100}},
         "family": {"rows": 6000, "training": {"epochs": 1}, "picture_rows": 300,
                    "tsne": {"epochs": 50}}}
CARGO_RESULT = re.compile(r"^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored")
PYTHON_RESULT = re.compile(r"^Ran (\d+) tests?")
PYTHON_ENDED = re.compile(r"^(?:FAILED|OK|NO TESTS RAN) \((.*)\)")
COMPONENTS = {"fmt": "rustfmt", "clippy": "clippy"}
# Stages that say nothing where the one before them failed.
NEEDS = {"reports": "not all notebooks ran", "paper": "there are no checkpoints"}


@dataclass
class Stage:
    """What one stage counted."""

    name: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    reasons: Counter = field(default_factory=Counter)


def stream(command: list[str], environment: dict[str, str], line_by_line) -> int:
    """Runs a command, shows its output as it comes, and hands each line on."""
    process = subprocess.Popen(command, cwd=project.ROOT, env=environment, text=True,
                               errors="replace", stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        for line in process.stdout:
            print(line, end="", flush=True)
            line_by_line(line)
        return process.wait()
    except BaseException:
        process.terminate()
        process.wait()
        raise


def one_check(stage: Stage, command: list[str], environment: dict[str, str]) -> None:
    component = COMPONENTS.get(command[1]) if command[0] == "cargo" else None
    if component and not project.run_for_text(["cargo", command[1], "--version"]):
        print(f"error: {component} is missing: rustup component add {component}", flush=True)
        stage.failed += 1
        return
    code = stream(command, environment, lambda line: None)
    if code == 0:
        stage.passed += 1
    else:
        stage.failed += 1


def cargo_tests(stage: Stage, command: list[str], environment: dict[str, str]) -> None:
    def count(line: str) -> None:
        match = CARGO_RESULT.match(line)
        if match:
            stage.passed += int(match.group(1))
            stage.failed += int(match.group(2))
            stage.skipped += int(match.group(3))

    with tempfile.TemporaryDirectory() as folder:
        # cargo knows no test that skips itself: such a test passes, and its reason is not shown.
        skips = Path(folder) / "skips"
        code = stream(command, {**environment, "TTP_TEST_SKIPS": str(skips)}, count)
        said = skips.read_text(encoding="utf-8", errors="replace") if skips.exists() else ""
    stage.reasons.update(re.sub(r"^skipped: ", "", line.strip())
                         for line in said.splitlines() if line.strip())
    skipped = sum(stage.reasons.values())
    stage.passed = max(0, stage.passed - skipped)
    stage.skipped += skipped
    if code != 0 and stage.failed == 0:
        stage.failed += 1


def python_tests(stage: Stage, command: list[str], environment: dict[str, str]) -> None:
    def count(line: str) -> None:
        ran = PYTHON_RESULT.match(line)
        if ran:
            stage.passed += int(ran.group(1))
        ended = PYTHON_ENDED.match(line)
        for kind, number in re.findall(r"(\w+)=(\d+)", ended.group(1)) if ended else ():
            if kind == "skipped":
                stage.skipped += int(number)
            elif kind in ("failures", "errors"):
                stage.failed += int(number)

    code = stream(command, environment, count)
    # One test can fail in several of its parts.
    stage.passed = max(0, stage.passed - stage.skipped - stage.failed)
    if code != 0 and stage.failed == 0:
        stage.failed += 1


def notebooks(stage: Stage, command: list[str], environment: dict[str, str]) -> None:
    """Each executed notebook counts as one; a smoke run starts from nothing."""
    def count(line: str) -> None:
        if re.match(r"  done in [\d.]+ s$", line):
            stage.passed += 1

    shutil.rmtree(environment["TTP_OUT"], ignore_errors=True)
    if stream(command, environment, count) != 0:
        stage.failed += 1


def random_checkpoints(stage: Stage, command: list[str], environment: dict[str, str]) -> None:
    """Checkpoints for the shortened paper profile, which is written beside them."""
    settings = json.loads((profiles.FOLDER / "paper.json").read_text(encoding="utf-8"))
    about = "the paper profile, shortened for tests: random checkpoints, its scores mean nothing"
    settings.update(SHORT, name=PAPER.name, about=about)
    settings["training"]["epochs"] = 1
    PAPER.mkdir(parents=True, exist_ok=True)
    paper_profile().write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    one_check(stage, command, environment)


def paper_profile() -> Path:
    return PAPER / f"{PAPER.name}.json"


def main() -> int:
    own = [sys.executable, "-u"]
    here = str(project.ENVIRONMENT)
    try:
        cargo = {**os.environ, **project.cargo_variables()}
    except Problem as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    smoke = {**os.environ, "TTP_PROFILE": "smoke", "TTP_OUT": str(SMOKE)}
    # A test's result is not to hang on what else this terminal was used for.
    for name in ("TTP_CHECKPOINT", "TTP_SOURCES", "TTP_MODELS"):
        smoke.pop(name, None)
    checkpoints = ["bert", "scibert", "secbert"]
    paper = {**smoke, "TTP_PROFILE": str(paper_profile()), "TTP_OUT": str(PAPER / "run"),
             "TTP_MODELS": str(PAPER / "models")}
    plan = [
        ("format", one_check, ["cargo", "fmt", "--all", "--check"], cargo),
        ("clippy", one_check, ["cargo", "clippy", "--all-targets", "--", "-D", "warnings"], cargo),
        ("kernel", one_check, own + [f"{here}/kernel.py"], dict(os.environ)),
        ("cargo test", cargo_tests, ["cargo", "test", "--workspace", "--no-fail-fast"], cargo),
        ("environment", python_tests,
         own + ["-m", "unittest", "discover", "-v", "-s", f"{here}/tests", "-t", here],
         dict(os.environ)),
        ("notebooks", notebooks, own + [f"{here}/run_notebooks.py"], smoke),
        ("reports", python_tests, own + ["-m", "unittest", "-v", "browser.check_reports"],
         {**smoke, "PYTHONPATH": here}),
        ("checkpoints", random_checkpoints,
         ["cargo", "run", "--quiet", "--package", "ttp-lib", "--example", "random_checkpoints", "--",
          str(PAPER / "models"), *checkpoints], cargo),
        ("paper", notebooks, own + [f"{here}/run_notebooks.py"], paper),
    ]
    stages: list[Stage] = []
    for name, act, command, environment in plan:
        stage = Stage(name)
        stages.append(stage)
        print(f"\n== {name}", flush=True)
        started = time.monotonic()
        if name in NEEDS and stages[-2].failed:
            print(f"skipped: {NEEDS[name]}", flush=True)
            stage.skipped += 1
            continue
        try:
            act(stage, command, environment)
        except OSError as error:
            print(f"error: {command[0]}: {error.strerror}", flush=True)
            stage.failed += 1
        except KeyboardInterrupt:
            return 130
        stage.seconds = time.monotonic() - started
    print()
    for stage in stages:
        print(f"{stage.name:<12} {stage.seconds:7.1f} s   {stage.passed} passed, "
              f"{stage.failed} failed, {stage.skipped} skipped")
        for reason, times in stage.reasons.items():
            print(f"{'':<12} skipped: {reason}{f' ({times} tests)' if times > 1 else ''}")
    passed, failed, skipped = (sum(getattr(s, kind) for s in stages)
                               for kind in ("passed", "failed", "skipped"))
    print(f"\n{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
