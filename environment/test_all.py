"""All checks; the last line counts them, and what failed stands above it.

    test_all.py           what is checked before every change
    test_all.py --all     and what is slow and seldom fails: before a release

    format · Python's tests · clippy · kernel · cargo's tests compiled, and run · fuzz targets ·
    `ttp` killed and its disk failing · `make sweep` on Slurm · smoke notebooks · solutions of the exercises ·
    pages · the paper profile's checkpoints, shortened run · mutants (with `--all`)

Up to two stages run beside each other, for one alone seldom keeps two cores busy: a cell is
compiled by one thread, and what waits for the last crate of a compilation waits for one core.
What they print comes stage by stage, in the order above. A stage that fails does not keep the
others from running, but for those of `NEEDS`, and one that hangs is ended after its `LIMITS`.
Exit status 1 if anything failed.

The paper profile's run is there for what no other run has: checkpoints as the hub has them, of
three kinds (an older BERT, SciBERT, SecBERT without pooler), with heads for masked words, from
TTP_MODELS, under table 1's settings, and the notebooks that say something else for them. Its
checkpoints have the published ones' names, kinds of files, vocabularies' sizes and heads, and
are small: cargo's tests of parity with transformers have them in the published width. Corpus,
splits and the first two checkpoints come from the command line, which writes what notebooks
01, 03 and 06 would: 01 to 04 do nothing else here than in the smoke profile, 05 nothing at all;
06 runs for SecBERT, which differs most; 07, 09 and 14 are the ones that show the paper's own models.
What 11 and 12 do with another checkpoint the command line does as well.
`--all` runs all of them with checkpoints of the published sizes, and the mutants of splits and cells,
as `make test-mutants RUST=1` does.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import re
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

import children
import profiles
import project
from project import Problem

SMOKE = project.ROOT / "target" / "smoke"
PAPER = project.ROOT / "target" / "paper-short"
# What is shorter than in the paper profile: 400 rows without TRAM v1's, whose file no package
# carries, and one epoch. Its three checkpoints are of random numbers.
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
CHECKPOINTS = ["bert", "scibert", "secbert"]
SMALL = ["--layers", "2", "--hidden", "64"]
# The one for which notebook 06 runs, and the notebooks after it.
NOTEBOOK_CHECKPOINT = CHECKPOINTS[-1]
PAPER_NOTEBOOKS = ["07_comparison", "09_fill_mask", "14_claims_audit"]
CARGO_RESULT = re.compile(r"^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored")
# rustdoc says no reason, for it knows none: what it does not run is no test.
CARGO_IGNORED = re.compile(r"^test \S+ \.\.\. ignored, (.+)$")
FUZZED = re.compile(r"^ *\d+/\d+ (\S+) .* (sound|FAILED.*)$")
# A line that says what failed: of rustfmt, the compiler, cargo's tests, Python's, fuzz targets, faults,
# mutants and the programs here. The end says them again, for what failed may stand thousands of lines above.
FAULT = re.compile(r"^(?:error\b|Diff in |test .+ \.\.\. FAILED$|(?:FAIL|ERROR|LOST|not caught): | *\d+/\d+ .* FAILED: )")
MOST_FAULTS = 20
SURVIVED = re.compile(r"^(?:kill|signal|disk): (\d+) tried, (\d+) survived")
MUTANTS = re.compile(r"^(\d+) mutants, (\d+) caught")
SOLUTIONS = re.compile(r"^  (\d+) solutions are right(?:, (\d+) not checked)?")
PYTHON_RESULT = re.compile(r"^Ran (\d+) tests?")
PYTHON_SKIPPED = re.compile(r"^.* \.\.\. skipped (['\"])(.*)\1$")
PYTHON_ENDED = re.compile(r"^(?:FAILED|OK|NO TESTS RAN) \((.*)\)")
COMPONENTS = {"fmt": "rustfmt", "clippy": "clippy"}
# Stages that say nothing where one before them failed: which, and what is said of it.
NEEDS = {"cargo test": ("compile", "the tests did not compile"),
         "faults": ("compile", "ttp did not compile"),
         "mutants": ("compile", "ttp did not compile"),
         "exercises": ("notebooks", "not all notebooks ran"),
         "reports": ("notebooks", "not all notebooks ran"),
         "checkpoints": ("compile", "what writes them did not compile"),
         "paper": ("checkpoints", "there are no checkpoints")}
# Stages that come after others, whether these failed or not: all of them compile in one
# folder, which the kernels of notebooks use as well.
AFTER = {"clippy": ["format"], "kernel": ["clippy"], "compile": ["kernel"],
         "cargo test": ["compile"], "fuzz": ["cargo test"], "faults": ["cargo test"], "mutants": ["cargo test"], "slurm": ["compile"], "notebooks": ["compile"],
         "exercises": ["notebooks"], "reports": ["notebooks"],
         "checkpoints": ["compile"], "paper": ["checkpoints"]}
# As `make test-faults` takes them.
FEW_FAULTS = ("--kills", "18", "--signals", "4", "--disk", "17")
# Seconds after which a stage hangs: several times what it takes on a slow machine with nothing
# compiled before.
LIMITS = {"format": 120, "environment": 2700, "clippy": 1800, "kernel": 2700, "compile": 1800,
          "cargo test": 2400, "fuzz": 1800, "faults": 900, "mutants": 900, "slurm": 1500, "notebooks": 3600,
          "exercises": 1200, "reports": 1200, "checkpoints": 600, "paper": 1500}
# `--all` takes longer, and nobody waits for it.
LIMIT_FACTOR_OF_ALL = 4
# Two kernels and the compiler of a cell each.
TWO_AT_ONCE_BYTES = 10 << 30
# Held while `.ci/run` installs a browser and Slurm; it gives up by itself before this time is
# over.
BROWSER_LOCK = project.ROOT / "target" / "browser.lock"
SLURM_LOCK = project.ROOT / "target" / "slurm.lock"
INSTALL_SECONDS = 900.0
# What a process that was told to end has for it, and what it left running for its last words.
END_SECONDS = 20.0
LAST_WORDS_SECONDS = 5.0


@dataclass
class Stage:
    """What one stage counted."""

    name: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    reasons: Counter = field(default_factory=Counter)
    # The lines that say what failed.
    faults: "list[str]" = field(default_factory=list)
    limit: float = 3600.0
    # By time.monotonic(), once its first command runs.
    deadline: float = 0.0
    hung: bool = False
    print: "Callable[[str], None]" = field(default=lambda line: print(line, end="", flush=True))

    def say(self, line: str) -> None:
        self.print(f"{line}\n")


class Screen:
    """Shows what stages print as if they ran one after the other: the first that has not ended
    as it comes, the others when their turn comes."""

    def __init__(self, stages: "list[Stage]") -> None:
        self.lock = threading.Lock()
        self.waiting = [stage.name for stage in stages]
        self.held: "dict[str, list[str]]" = {stage.name: [] for stage in stages}
        self.ended: "set[str]" = set()
        for stage in stages:
            stage.print = lambda line, stage=stage: self.show(stage, line)

    def write(self, text: str) -> None:
        """Whoever closed standard output reads no more; the checks go on to their end."""
        with contextlib.suppress(BrokenPipeError):
            print(text, end="", flush=True)

    def start(self) -> None:
        self.title()

    def show(self, stage: Stage, line: str) -> None:
        if FAULT.match(line):
            stage.faults.append(line.strip())
        with self.lock:
            if self.waiting and stage.name == self.waiting[0]:
                self.write(line)
            else:
                self.held[stage.name].append(line)

    def end(self, name: str) -> None:
        with self.lock:
            self.ended.add(name)
            while self.waiting and self.waiting[0] in self.ended:
                self.waiting.pop(0)
                self.title()

    def title(self) -> None:
        if self.waiting:
            self.write(f"\n== {self.waiting[0]}\n" + "".join(self.held[self.waiting[0]]))


class Running:
    """The commands that run, so that all of them end where this program is told to."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.processes: "set[subprocess.Popen]" = set()
        self.stopped = False

    def start(self, command: "list[str]", environment: "dict[str, str]") -> subprocess.Popen:
        with self.lock:
            if self.stopped:
                raise KeyboardInterrupt
            process = children.start(command, cwd=project.ROOT, env=environment,
                                     stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                     stderr=subprocess.STDOUT)
            self.processes.add(process)
        return process

    def forget(self, process: subprocess.Popen) -> None:
        with self.lock:
            self.processes.discard(process)

    def stop(self) -> None:
        with self.lock:
            self.stopped = True
            processes = list(self.processes)
        for process in processes:
            children.tell(process, signal.SIGTERM)
        for process in processes:
            end(process)


RUNNING = Running()


def end(process: subprocess.Popen) -> None:
    """Ends a command that was told to, with all that it started."""
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        pass
    children.tell(process, signal.SIGKILL)
    process.wait()


def stream(stage: Stage, command: "list[str]", environment: "dict[str, str]",
           line_by_line) -> int:
    """Runs a command, shows its output as it comes, and hands each line on. One that takes
    longer than the stage may is ended, and that is said."""
    process = RUNNING.start(command, environment)
    stage.deadline = stage.deadline or time.monotonic() + stage.limit

    def take(text: bytes) -> None:
        line = text.decode("utf-8", errors="replace")
        stage.print(line)
        line_by_line(line)

    rest, ended_at = b"", 0.0
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while True:
                ready = selector.select(timeout=1.0)
                now = time.monotonic()
                if ready:
                    read = os.read(process.stdout.fileno(), 1 << 16)
                    if not read:
                        break
                    *lines, rest = (rest + read).split(b"\n")
                    for line in lines:
                        take(line + b"\n")
                # What it started and left may hold its output open for ever.
                elif process.poll() is not None:
                    ended_at = ended_at or now
                    if now - ended_at > LAST_WORDS_SECONDS:
                        break
                if now > stage.deadline and not stage.hung:
                    stage.hung = True
                    children.tell(process, signal.SIGTERM)
                    end(process)
                # What left the group may go on talking.
                if stage.hung and now > stage.deadline + END_SECONDS + LAST_WORDS_SECONDS:
                    break
        code = process.wait()
    except BaseException:
        children.tell(process, signal.SIGTERM)
        end(process)
        raise
    finally:
        process.stdout.close()
        RUNNING.forget(process)
    if rest:
        take(rest + b"\n")
    if stage.hung:
        stage.say(f"error: {stage.name}: no end within {stage.limit:.0f} s: stopped")
        return code or 1
    return code


def one_check(stage: Stage, command: "list[str]", environment: "dict[str, str]") -> None:
    component = COMPONENTS.get(command[1]) if command[0] == "cargo" else None
    if component and not project.run_for_text(["cargo", command[1], "--version"]):
        stage.say(f"error: {component} is missing: rustup component add {component}")
        stage.failed += 1
        return
    code = stream(stage, command, environment, lambda line: None)
    if code == 0:
        stage.passed += 1
    else:
        stage.failed += 1


def cargo_tests(stage: Stage, command: "list[str]", environment: "dict[str, str]") -> None:
    def count(line: str) -> None:
        match = CARGO_RESULT.match(line)
        if match:
            stage.passed += int(match.group(1))
            stage.failed += int(match.group(2))
            stage.skipped += int(match.group(3))
        ignored = CARGO_IGNORED.match(line)
        if ignored:
            stage.reasons[ignored.group(1).strip()] += 1

    with tempfile.TemporaryDirectory() as folder:
        # cargo knows no test that skips itself: such a test passes, and its reason is not shown.
        skips = Path(folder) / "skips"
        environment = {**environment, "TTP_TEST_SKIPS": str(skips)}
        code = stream(stage, command, environment, count)
        # rustdoc's own, which are no targets of cargo's.
        doc = ["cargo", "test", "--workspace", "--doc", "--no-fail-fast"]
        if not stage.hung:
            code = stream(stage, doc, environment, count) or code
        said = skips.read_text(encoding="utf-8", errors="replace") if skips.exists() else ""
    own = [re.sub(r"^skipped: ", "", line.strip()) for line in said.splitlines() if line.strip()]
    stage.reasons.update(own)
    stage.passed = max(0, stage.passed - len(own))
    stage.skipped += len(own)
    if code != 0 and stage.failed == 0:
        stage.failed += 1


def python_tests(stage: Stage, command: "list[str]", environment: "dict[str, str]") -> None:
    def count(line: str) -> None:
        ran = PYTHON_RESULT.match(line)
        if ran:
            stage.passed += int(ran.group(1))
        skipped = PYTHON_SKIPPED.match(line)
        if skipped:
            stage.reasons[skipped.group(2)] += 1
        ended = PYTHON_ENDED.match(line)
        for kind, number in re.findall(r"(\w+)=(\d+)", ended.group(1)) if ended else ():
            if kind == "skipped":
                stage.skipped += int(number)
            elif kind in ("failures", "errors"):
                stage.failed += int(number)

    code = stream(stage, command, environment, count)
    # One test can fail in several of its parts.
    stage.passed = max(0, stage.passed - stage.skipped - stage.failed)
    if code != 0 and stage.failed == 0:
        stage.failed += 1


def reports(stage: Stage, command: "list[str]", environment: "dict[str, str]") -> None:
    """The pages in a browser, once it is there where `.ci/run` installs it."""
    wait_for(BROWSER_LOCK)
    python_tests(stage, command, environment)


def slurm(stage: Stage, command: "list[str]", environment: "dict[str, str]") -> None:
    """`make sweep` on a Slurm of this machine's own, once that is there as the browser is."""
    wait_for(SLURM_LOCK)
    python_tests(stage, command, environment)


def wait_for(lock: Path) -> None:
    end = time.monotonic() + INSTALL_SECONDS
    while is_held(lock) and time.monotonic() < end:
        time.sleep(0.5)


def is_held(lock: Path) -> bool:
    try:
        with lock.open() as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def notebooks(stage: Stage, command: "list[str]", environment: "dict[str, str]") -> None:
    """Each executed notebook counts as one; a run starts from nothing."""
    shutil.rmtree(environment["TTP_OUT"], ignore_errors=True)
    more_notebooks(stage, command, environment)


def more_notebooks(stage: Stage, command: "list[str]", environment: "dict[str, str]") -> bool:
    def count(line: str) -> None:
        if re.match(r"  done in [\d.]+ s$", line):
            stage.passed += 1

    well = stream(stage, command, environment, count) == 0
    if not well:
        stage.failed += 1
    return well


def fuzzed(stage: Stage, command: "list[str]", environment: "dict[str, str]") -> None:
    """Each fuzz target that found nothing counts as one."""
    if not shutil.which("c++"):
        stage.say("skipped: libFuzzer is C++, and there is no c++ to compile it")
        stage.skipped += 1
        return

    def count(line: str) -> None:
        ended = FUZZED.match(line)
        if ended:
            stage.passed += ended.group(2) == "sound"
            stage.failed += ended.group(2) != "sound"

    if stream(stage, command, environment, count) != 0 and not stage.failed:
        stage.failed += 1


def faults(stage: Stage, command: "list[str]", environment: "dict[str, str]") -> None:
    """Each kill, signal and failure of the disk that was survived counts as one."""
    if not shutil.which("cc"):
        stage.say("skipped: what makes the disk fail is C, and there is no cc to compile it")
        stage.skipped += 1
        return

    def count(line: str) -> None:
        ended = SURVIVED.match(line)
        if ended:
            tried, survived = int(ended.group(1)), int(ended.group(2))
            stage.passed += survived
            stage.failed += tried - survived

    if stream(stage, command, environment, count) != 0 and not stage.failed:
        stage.failed += 1


def mutants(stage: Stage, command: "list[str]", environment: "dict[str, str]") -> None:
    """Each mutant that a check caught counts as one."""
    def count(line: str) -> None:
        ended = MUTANTS.match(line)
        if ended:
            made, caught = int(ended.group(1)), int(ended.group(2))
            stage.passed += caught
            stage.failed += made - caught
        elif line.startswith("skipped: "):
            stage.reasons[line[len("skipped: "):].strip()] += 1
            stage.skipped += 1

    if stream(stage, command, environment, count) != 0 and not stage.failed:
        stage.failed += 1


def exercises(stage: Stage, command: "list[str]", environment: "dict[str, str]") -> None:
    """Each solution that its check calls right counts as one."""
    def count(line: str) -> None:
        ended = SOLUTIONS.match(line)
        if ended:
            stage.passed += int(ended.group(1))
            without = int(ended.group(2) or 0)
            if without:
                stage.skipped += without
                stage.reasons["a figure of the exercise is not in this run"] += without

    if stream(stage, command, environment, count) != 0:
        stage.failed += 1


def random_checkpoints(stage: Stage, command: "list[str]", environment: "dict[str, str]") -> None:
    """Checkpoints for the shortened paper profile, which is written beside them."""
    settings = json.loads((profiles.FOLDER / "paper.json").read_text(encoding="utf-8"))
    about = "the paper profile, shortened for tests: random checkpoints, its scores mean nothing"
    settings.update(SHORT, name=PAPER.name, about=about)
    settings["training"]["epochs"] = 1
    PAPER.mkdir(parents=True, exist_ok=True)
    paper_profile().write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    one_check(stage, command, environment)


def paper_run(stage: Stage, command: "list[str]", environment: "dict[str, str]") -> None:
    """What the command line does of it, each call counted as one, then the notebooks that say
    something else for the paper's checkpoints."""
    tool = ["cargo", "run", "--quiet", "--package", "ttp-cli", "--bin", "ttp", "--"]
    by_cargo = {**environment, **project.cargo_variables()}
    shutil.rmtree(environment["TTP_OUT"], ignore_errors=True)
    protocols = json.loads((profiles.FOLDER / "paper.json").read_text(encoding="utf-8"))["protocols"]
    steps = [["corpus"], *(["split", "--protocol", protocol] for protocol in protocols)]
    steps += [["finetune", "--checkpoint", name, "--protocol", protocol]
              for name in CHECKPOINTS if name != NOTEBOOK_CHECKPOINT for protocol in protocols]
    steps += [["similarity"], ["remedies"]]
    for step in steps:
        stage.say(f"ttp {' '.join(step)}")
        if stream(stage, [*tool, *step], by_cargo, lambda line: None) != 0:
            stage.failed += 1
            return
        stage.passed += 1
    one = {**environment, "TTP_CHECKPOINT": NOTEBOOK_CHECKPOINT}
    if more_notebooks(stage, [*command, "06_finetune"], one):
        more_notebooks(stage, [*command, *PAPER_NOTEBOOKS], environment)


def paper_profile() -> Path:
    return PAPER / f"{PAPER.name}.json"


def at_once() -> int:
    """How many stages run beside each other."""
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (OSError, ValueError):
        return 1
    return 2 if (os.cpu_count() or 1) > 1 and memory >= TWO_AT_ONCE_BYTES else 1


def run_all(plan: list, stages: "list[Stage]", most: int) -> None:
    """Runs the stages, up to `most` at a time: of those that may begin the first."""
    by_name = {stage.name: stage for stage in stages}
    screen = Screen(stages)
    changed = threading.Condition()
    begun: "set[str]" = set()
    ended: "set[str]" = set()

    def run(stage: Stage, act, command, environment) -> None:
        started = time.monotonic()
        try:
            act(stage, command, environment)
        except BaseException as error:  # a thread's own is seen by nobody
            stage.failed += 1
            if isinstance(error, OSError):
                stage.say(f"error: {command[0]}: {error.strerror}")
            elif not isinstance(error, KeyboardInterrupt):
                stage.say(traceback.format_exc().rstrip("\n"))
        finally:
            stage.seconds = time.monotonic() - started
            screen.end(stage.name)
            with changed:
                ended.add(stage.name)
                changed.notify()

    def may_begin(name: str) -> bool:
        after = [*AFTER.get(name, []), *([NEEDS[name][0]] if name in NEEDS else [])]
        return name not in begun and all(one in ended for one in after if one in by_name)

    screen.start()
    while True:
        with changed:
            ready = [row for row in plan if may_begin(row[0])]
            if not ready and len(ended) == len(plan):
                return
            if not ready or len(begun) - len(ended) >= most:
                changed.wait(1.0)
                continue
            name, act, command, environment = ready[0]
            begun.add(name)
        stage = by_name[name]
        if name in NEEDS and NEEDS[name][0] in by_name:
            needed = by_name[NEEDS[name][0]]
            if needed.failed or not needed.passed:
                stage.say(f"skipped: {NEEDS[name][1]}")
                stage.skipped += 1
                screen.end(name)
                with changed:
                    ended.add(name)
                continue
        thread = threading.Thread(target=run, args=(stage, act, command, environment), daemon=True)
        thread.start()


def the_plan(everything: bool) -> "list[tuple]":
    own = [sys.executable, "-u"]
    here = str(project.ENVIRONMENT)
    cargo = {**os.environ, **project.cargo_variables()}
    smoke = {**os.environ, "TTP_PROFILE": "smoke", "TTP_OUT": str(SMOKE)}
    # A test's result is not to hang on what else this terminal was used for.
    for name in ("TTP_CHECKPOINT", "TTP_SOURCES", "TTP_MODELS"):
        smoke.pop(name, None)
    paper = {**smoke, "TTP_PROFILE": str(paper_profile()), "TTP_OUT": str(PAPER / "run"),
             "TTP_MODELS": str(PAPER / "models")}
    # The tests' models are too small for two threads of libtorch, and while some wait for their
    # turn at it others can run.
    testing = {"OMP_NUM_THREADS": "1", "RUST_TEST_THREADS": "4", **cargo}
    runner = own + [f"{here}/run_notebooks.py"]
    # Not the other examples, which clippy has looked at: each is a program to link.
    tests = ["cargo", "test", "--workspace", "--lib", "--bins", "--tests"]
    run = ["cargo", "run", "--quiet", "--package", "ttp-lib"]
    return [
        ("format", one_check, ["cargo", "fmt", "--all", "--check"], cargo),
        ("environment", python_tests,
         own + ["-m", "unittest", "discover", "-v", "-s", f"{here}/tests", "-t", here],
         {**os.environ, **({"TTP_TEST_ALL": "1"} if everything else {})}),
        ("clippy", one_check, ["cargo", "clippy", "--all-targets", "--", "-D", "warnings"], cargo),
        ("kernel", one_check, own + [f"{here}/kernel.py"], dict(os.environ)),
        ("compile", one_check, [*tests, "--no-run"], cargo),
        ("cargo test", cargo_tests,
         [*tests, "--no-fail-fast", *(["--", "--include-ignored"] if everything else [])],
         testing),
        ("fuzz", fuzzed, own + [f"{here}/fuzz.py"], {**os.environ, "TIME": "60" if everything else "10", "TARGETS": ""}),
        ("faults", faults, own + ["-m", "faults", *(() if everything else FEW_FAULTS)],
         {**os.environ, "PYTHONPATH": here}),
        # Those of files, plots and README are among Python's tests, too.
        *([("mutants", mutants, own + ["-m", "mutants", "--rust"],
            {**os.environ, "PYTHONPATH": here})] if everything else []),
        ("slurm", slurm, own + ["-m", "unittest", "-v", "sweep.check_slurm"],
         {**os.environ, "PYTHONPATH": here}),
        ("notebooks", notebooks, runner, smoke),
        ("exercises", exercises, own + [f"{here}/exercises.py"], smoke),
        ("reports", reports,
         own + ["-m", "unittest", "-v", "browser.check_reports", "browser.check_access",
                "browser.check_pdf", "browser.check_serve"],
         {**smoke, "PYTHONPATH": here}),
        ("checkpoints", random_checkpoints,
         [*run, "--example", "random_checkpoints", "--", str(PAPER / "models"),
          *([] if everything else SMALL), *CHECKPOINTS], cargo),
        ("paper", notebooks if everything else paper_run, runner, paper),
    ]


def stop(*_) -> None:
    raise KeyboardInterrupt


def main() -> int:
    parser = argparse.ArgumentParser(description="Check everything, and count it.")
    parser.add_argument("--all", action="store_true", help="and what is slow and seldom fails")
    everything = parser.parse_args().all
    try:
        plan = the_plan(everything)
    except Problem as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    factor = LIMIT_FACTOR_OF_ALL if everything else 1
    stages = [Stage(name, limit=factor * LIMITS[name]) for name, *_ in plan]
    began = time.monotonic()
    try:
        # What runs is in sessions of its own: no signal reaches it but through here.
        for number in (signal.SIGTERM, signal.SIGHUP):
            # Under nohup a hang-up is to be passed over.
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, stop)
        run_all(plan, stages, at_once())
    except KeyboardInterrupt:
        RUNNING.stop()
        print("\nstopped", file=sys.stderr)
        return 130
    print()
    for stage in stages:
        print(f"{stage.name:<12} {stage.seconds:7.1f} s   {stage.passed} passed, "
              f"{stage.failed} failed, {stage.skipped} skipped")
        for reason, times in stage.reasons.items():
            print(f"{'':<12} skipped: {reason}{f' ({times} tests)' if times > 1 else ''}")
    print(f"{'all':<12} {time.monotonic() - began:7.1f} s   two stages at a time"
          if at_once() > 1 else f"{'all':<12} {time.monotonic() - began:7.1f} s")
    for stage in stages:
        # A check that is well may print such lines, too: what it tried was to fail.
        if stage.failed:
            for fault in stage.faults[:MOST_FAULTS] or ["what it said stands above"]:
                print(f"failed: {stage.name}: {fault}")
            if len(stage.faults) > MOST_FAULTS:
                # The last one says that a stage hung.
                print(f"failed: {stage.name}: {len(stage.faults) - MOST_FAULTS} more; the last: {stage.faults[-1]}")
    passed, failed, skipped = (sum(getattr(s, kind) for s in stages)
                               for kind in ("passed", "failed", "skipped"))
    print(f"\n{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
