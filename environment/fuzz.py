"""`make fuzz`: every fuzz target for a while, on libFuzzer, with the stable compiler.

    TIME=60          seconds for each target
    TARGETS="a b"    some of them
    SEED=1           what changes are tried: the same ones again only where the inputs kept are the
                     same, so a check on a fresh clone meets no surprise, and a later run tries others

The targets are in fuzz/targets/, one program; TTP_FUZZ names the one that runs. Only the project's
own crates are instrumented. Inputs that reach new code are kept in target/fuzz/<target>/ and are
where the next run begins, beside the seeds: those of fuzz/seeds/<target>/, and those that are no
text, which the program itself writes to target/fuzz/seeds/<target>/ (fuzz/targets/seeds.rs). Before
a target runs, each of its seeds has to be read, or refused where its name begins with "refused".

What crashes, takes more than 512 MiB, or needs more than a second of the processor for each 100 KB is
kept in target/fuzz/found/ and named; the exit status is 1 then. libFuzzer stops an input by the clock,
and beside other programs an input may take long that needs little: it runs again, alone, and if
its processor time is within bounds, the target goes on for the time that is left. So it does after
what is known of polars (KNOWN below), which is counted.

target/fuzz/totals.json adds up executions and seconds of each target over all runs, those of earlier
versions of the code among them: it says how much was tried, and not that the code of today was.
"""

from __future__ import annotations

import base64
import json
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time as clock
from pathlib import Path

import crates
import ending
import project
from files import write_whole
from project import Problem

FUZZ = project.ROOT / "fuzz"
WORK = project.ROOT / "target" / "fuzz"
# An input's bytes, its processor time, and the time by the clock after which it is measured; memory.
BYTES, PROCESSOR_SECONDS, SECONDS, MEBIBYTES = 100_000, 1.0, 2, 512
# No input is waited for longer than that.
MOST_SECONDS = 60
# An input that is shown, and how much of what it led to.
SHORT_BYTES, SHORT_LINE = 3000, 400
# A find of polars' own that no caller can catch: of a damaged parquet file it asks for as much memory
# as the header of a page says, and the process ends.
KNOWN = re.compile(r"^memory allocation of \d+ bytes failed$.*polars_parquet::arrow::read", re.MULTILINE | re.DOTALL)
# Another is a list of up to 2^31 flags in a footer, which polars passes over one by one: 12 to 14 s
# without optimisation, and twice that on a slow machine. Targets that read parquet have more time for that.
PARQUET, TIMES_LONGER = ("parquet", "predictions", "flows", "names"), 40
# What libFuzzer needs the compiler to put into the code.
COVERAGE = ("-Cpasses=sancov-module", "-Cllvm-args=-sanitizer-coverage-level=4",
            "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
            "-Cllvm-args=-sanitizer-coverage-pc-table",
            "-Cllvm-args=-sanitizer-coverage-trace-compares")


def targets() -> list[str]:
    """As fuzz/targets/main.rs lists them."""
    text = (FUZZ / "targets" / "main.rs").read_text(encoding="utf-8")
    known = re.findall(r'^    \("(\w+)", \w+::\w+\),$', text, re.MULTILINE)
    named = os.environ.get("TARGETS", "").split()
    unknown = [name for name in named if name not in known]
    if unknown:
        raise Problem(f"TARGETS: unknown {unknown[0]!r}; known: {' '.join(known)}")
    return named or known


def number(variable: str, otherwise: int, what: str) -> int:
    text = os.environ.get(variable) or str(otherwise)
    if not text.isdigit() or not int(text):
        raise Problem(f"{variable}={text}: {what}, at least 1")
    return int(text)


def seconds() -> int:
    return number("TIME", 60, "whole seconds")


def wrapper() -> Path:
    """A compiler for the workspace's own crates: rustc with coverage, but for build scripts, which
    are programs without libFuzzer."""
    path = WORK / "rustc"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('#!/bin/sh\ncompiler=$1\nshift\n'
                    'case " $* " in *" --crate-name build_script_"*) exec "$compiler" "$@" ;; esac\n'
                    f'exec "$compiler" "$@" {" ".join(COVERAGE)}\n')
    path.chmod(0o755)
    return path


def own_crates() -> list[str]:
    return sorted(name.replace("_", "-") for name in crates.folders())


def build() -> Path:
    environment = {**os.environ, **project.cargo_variables(), **project.libtorch_variables(),
                   "RUSTC_WORKSPACE_WRAPPER": str(wrapper())}
    # Half the time to compile, and nearly as many inputs a second.
    faster = [part for name in own_crates() for part in ("--config", f"profile.dev.package.{name}.opt-level=1")]
    command = ["cargo", *faster, "build", "--workspace", "--features", "ttp-fuzz/fuzz", "--bin", "fuzz",
               "--message-format=json-render-diagnostics"]
    done = subprocess.run(command, cwd=project.ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise Problem("the fuzz targets do not compile: the compiler's message stands above")
    for line in done.stdout.splitlines():
        message = json.loads(line)
        if message.get("executable") and message["target"]["name"] == "fuzz":
            # Other builds put a file without coverage under that name.
            own = WORK / "fuzz"
            shutil.copyfile(message["executable"], own)
            own.chmod(0o755)
            return own
    raise Problem("cargo named no program")


def own_seeds(program: Path) -> Path:
    """The seeds that are no text, written anew by the program."""
    folder = WORK / "seeds"
    shutil.rmtree(folder, ignore_errors=True)
    done = called([str(program)], "", {"TTP_FUZZ_SEEDS": str(folder)})
    if done.returncode:
        raise Problem(f"the program wrote no seeds: {last_line(done.stdout)}")
    return folder


def seeds_of(target: str) -> list[Path]:
    """The folders with a target's seeds."""
    return [folder for folder in (FUZZ / "seeds" / target, WORK / "seeds" / target) if folder.is_dir()]


def check_seeds(program: Path, target: str) -> None:
    """Refuses a target without seeds, and a seed that is not read as its name says."""
    seeds = sorted(path for folder in seeds_of(target) for path in folder.iterdir())
    if not seeds:
        raise Problem(f"{target}: no seed")
    refused = [path for path in seeds if path.name.startswith("refused")]
    # libFuzzer ends at the first that is refused, and names each before it runs it.
    for together in ([path for path in seeds if path not in refused], *([path] for path in refused)):
        if not together:
            continue
        done = called([str(program), *map(str, together)], target, {"TTP_FUZZ_STRICT": "1"})
        # What else ends the program is a find: such a seed was refused once and is no more.
        is_refused = done.returncode != 0 and "\nrefused\n" in done.stdout
        if is_refused != (together[0] in refused) or (done.returncode != 0) != is_refused:
            parts = re.split(r"^Running: (.+)$", done.stdout, flags=re.MULTILINE)
            said = [line for line in parts[-1].splitlines() if line.strip() and not line.startswith("Executed")]
            ends = "a seed is refused" if is_refused else "a seed ends the program"
            how = ends if done.returncode else "it is to be refused, and is read"
            raise Problem(f"{parts[-2] if len(parts) > 1 else target}: {how}: {' | '.join(said[:3])}")


def variables(target: str) -> dict[str, str]:
    return {**os.environ, **project.libtorch_variables(), "TTP_FUZZ": target, "OMP_NUM_THREADS": "1",
            "RAYON_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}


def called(command: list[str], target: str, more: dict[str, str], wait: float = 600) -> subprocess.CompletedProcess:
    """Runs the program, its files in memory where the system has such a folder."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(prefix="ttp-fuzz-", dir=memory if memory.is_dir() else None) as folder:
        environment = {**variables(target), "TTP_FUZZ_FOLDER": folder, **more}
        # What is not to be kept anywhere else goes with the folder.
        command = [command[0], f"-artifact_prefix={folder}/", *command[1:]]
        return subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", timeout=wait)


def last_line(text: str) -> str:
    return (text.strip().splitlines() or ["it said nothing"])[-1]


def processor_seconds(program: Path, target: str, given: Path) -> float:
    """What a process takes of the processor that runs this input alone; endless where it does not
    end well: one that waits for ever takes nothing."""
    with tempfile.TemporaryDirectory(prefix="ttp-fuzz-") as folder:
        environment = {**variables(target), "TTP_FUZZ_FOLDER": folder}
        command = [str(program), str(given), f"-timeout={MOST_SECONDS}", f"-artifact_prefix={folder}/"]
        child = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime if child.returncode == 0 else math.inf


def needs_too_long(program: Path, target: str, given: Path) -> str | None:
    """What an input needs, less what an empty one does, where that is more than it may."""
    needed = processor_seconds(program, target, given)
    if math.isinf(needed):
        return f"it ends badly, or not within {MOST_SECONDS} s, when it runs alone"
    with tempfile.TemporaryDirectory(prefix="ttp-fuzz-") as folder:
        empty = Path(folder) / "empty"
        empty.touch()
        needed -= processor_seconds(program, target, empty)
    size = given.stat().st_size
    longer = TIMES_LONGER if target in PARQUET else 1
    if needed <= PROCESSOR_SECONDS * longer * max(1.0, size / BYTES):
        return None
    return f"{needed:.1f} s of the processor for {size} bytes"


def run(program: Path, target: str, time: int) -> dict:
    """Runs one target, and says how often. Where it stops at an input that took long by the clock
    alone, it goes on, and waits twice as long for the next one; after what is known it goes on, too."""
    corpus, found = WORK / target, WORK / "found"
    for folder in (corpus, found):
        folder.mkdir(parents=True, exist_ok=True)
    began, wait, seed = clock.monotonic(), SECONDS, number("SEED", 1, "a whole number")
    result = {"target": target, "executions": 0, "seconds": 0, "mebibytes": 0, "measured": 0, "known": 0}
    while True:
        left = max(1, round(time - (clock.monotonic() - began)))
        command = [str(program), str(corpus), *map(str, seeds_of(target)), f"-max_total_time={left}",
                   # After a stop, others than those that led to it.
                   f"-seed={seed + result['measured'] + result['known']}",
                   f"-timeout={wait}", f"-rss_limit_mb={MEBIBYTES}", f"-max_len={BYTES}",
                   f"-artifact_prefix={found}/{target}-", "-print_final_stats=1", "-verbosity=0", "-close_fd_mask=1"]
        done = called(command, target, {}, left + 600)
        counted = re.search(r"stat::number_of_executed_units:\s*(\d+)", done.stdout)
        peak = re.search(r"stat::peak_rss_mb:\s*(\d+)", done.stdout)
        artefact = re.search(r"Test unit written to (\S+)", done.stdout)
        result["executions"] += int(counted[1]) if counted else 0
        result["mebibytes"] = max(result["mebibytes"], int(peak[1]) if peak else 0)
        said = done.stdout[-3000:]
        # A panic stands above its backtrace, which is longer than that.
        panic = re.findall(r"panicked at .+\n.+", done.stdout)
        if panic and panic[-1] not in said:
            said = f"{panic[-1]}\n{said}"
        sound = done.returncode == 0
        too_long = None
        if not sound and artefact:
            kept = Path(artefact[1])
            if kept.name.startswith(f"{target}-timeout-"):
                too_long = needs_too_long(program, target, kept)
                no_find, counted_as, wait = too_long is None, "measured", min(2 * wait, MOST_SECONDS)
            else:
                no_find, counted_as = KNOWN.search(done.stdout) is not None, "known"
            if no_find:
                result[counted_as] += 1
                kept.unlink(missing_ok=True)
                if clock.monotonic() - began < time:
                    continue
                sound = True
        if too_long:
            said = f"{artefact[1]}: {too_long}\n{said}"
        break
    return {**result, "seconds": round(clock.monotonic() - began), "inputs": len(list(corpus.iterdir())),
            "found": artefact[1] if artefact and not sound else None, "sound": sound, "said": "" if sound else said}


def in_a_line(result: dict) -> str:
    """What an input led to; and the input itself, where it is short: whoever sees the output of a
    machine that is gone has no other."""
    said = result["said"]
    what = re.search(r": (.+ of the processor .+|it ends badly.+)|(panicked at .+\n.+|ERROR: libFuzzer: .+)", said)
    line = " ".join((what[1] or what[2]).split()) if what else last_line(said)
    line = line if len(line) <= SHORT_LINE else f"{line[:SHORT_LINE]}…"
    try:
        given = Path(result["found"]).read_bytes()
    except OSError as error:
        return f"{line}; {result['found']}: {error.strerror}"
    whole = f"; its {len(given)} bytes in base64: {base64.b64encode(given).decode()}"
    return line + (whole if len(given) <= SHORT_BYTES else f"; {len(given)} bytes: {result['found']}")


def as_json(value: object) -> str:
    return json.dumps(value, indent=2) + "\n"


def totals() -> dict[str, dict[str, int]]:
    """Executions and seconds of each target over all runs."""
    path = WORK / "totals.json"
    if not path.exists():
        return {}
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return {name: {field: int(one[field]) for field in ("executions", "seconds")} for name, one in kept.items()}
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        raise Problem(f"{path}: not what this program writes ({type(error).__name__}); remove it") from error


def add_up(results: list[dict]) -> dict[str, dict[str, int]]:
    """Adds a run's results to those of the runs before, and keeps the sums."""
    sums = totals()
    for result in results:
        one = sums.setdefault(result["target"], {"executions": 0, "seconds": 0})
        for field in one:
            one[field] += result[field]
    write_whole(WORK / "totals.json", as_json(sums))
    return sums


def fuzzed(names: list[str], time: int, results: list[dict]) -> None:
    """Runs the targets; the results of those that ended are added to the list as they end."""
    totals()
    program = build()
    own_seeds(program)
    for number, name in enumerate(names, 1):
        try:
            check_seeds(program, name)
            result = run(program, name, time)
        except Problem as problem:
            # The others are to run.
            result = {"target": name, "executions": 0, "seconds": 0, "mebibytes": 0, "measured": 0, "known": 0,
                      "inputs": 0, "found": None, "sound": False, "said": f"error: {problem}"}
        results.append(result)
        end = "sound" if result["sound"] else f"FAILED: {result['found'] or 'no input kept'}"
        again = "".join(f", {result[how]} {how}" for how in ("measured", "known") if result[how])
        print(f"{number:2}/{len(names)} {name:12} {result['executions']:>9} executions, {result['inputs']:>5} "
              f"inputs kept, {result['mebibytes']:>4} MiB{again}  {end}", flush=True)
        if not result["sound"]:
            print(result["said"], file=sys.stderr)
            if result["found"]:
                # On standard output, as what was tried: the last word on it, and all it takes to try again.
                print(f"error: {name}: {in_a_line(result)}", flush=True)


def report(results: list[dict]) -> int:
    """What was done, in this run and in all; the exit status."""
    write_whole(WORK / "results.json", as_json([{k: v for k, v in r.items() if k != "said"} for r in results]))
    sums = add_up(results)
    print("executions over all runs:")
    for name, one in sorted(sums.items()):
        print(f"   {name:12} {one['executions']:>12} in {one['seconds']} s")
    failed = [result["target"] for result in results if not result["sound"]]
    whole = sum(result["executions"] for result in results)
    print(f"{len(results)} targets, {whole} executions" + (f"; failed: {', '.join(failed)}" if failed else ""))
    return 1 if failed else 0


def main() -> int:
    results: list[dict] = []

    def work() -> int:
        status = 0
        try:
            fuzzed(targets(), seconds(), results)
        except subprocess.TimeoutExpired as error:
            name = Path(error.cmd[0]).name
            raise Problem(f"{name} did not end within {error.timeout:.0f} s and was stopped") from error
        finally:
            # What was run counts, however it ended.
            if results:
                status = report(results)
        return status

    return ending.run(work, lambda: WORK)


if __name__ == "__main__":
    sys.exit(main())
