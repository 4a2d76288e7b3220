"""`make fuzz`: every fuzz target for a while, on libFuzzer, with the stable compiler.

    TIME=60          seconds for each target
    TARGETS="a b"    some of them

The targets are in fuzz/targets/, one program; TTP_FUZZ names the one that runs. Only the project's
own crates are instrumented. Inputs that reach new code are kept in target/fuzz/<target>/ and are
where the next run begins, beside the seeds of fuzz/seeds/<target>/. What crashes, hangs for more
than ten seconds or takes more than a gigabyte is kept in target/fuzz/found/ and named; the exit
status is 1 then.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import crates
import project
from project import Problem

FUZZ = project.ROOT / "fuzz"
WORK = project.ROOT / "target" / "fuzz"
SECONDS_AN_INPUT, MEBIBYTES, BYTES = 10, 1024, 100_000
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


def seconds() -> int:
    text = os.environ.get("TIME") or "60"
    if not text.isdigit() or not int(text):
        raise Problem(f"TIME={text}: whole seconds, at least 1")
    return int(text)


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


def run(program: Path, target: str, time: int) -> dict:
    """Runs one target, and says how often."""
    corpus, found = WORK / target, WORK / "found"
    seeds = FUZZ / "seeds" / target
    for folder in (corpus, found):
        folder.mkdir(parents=True, exist_ok=True)
    command = [str(program), str(corpus), *([str(seeds)] if seeds.is_dir() else []), f"-max_total_time={time}",
               f"-timeout={SECONDS_AN_INPUT}", f"-rss_limit_mb={MEBIBYTES}", f"-max_len={BYTES}",
               f"-artifact_prefix={found}/{target}-", "-print_final_stats=1", "-verbosity=0"]
    environment = {**os.environ, **project.libtorch_variables(), "TTP_FUZZ": target, "OMP_NUM_THREADS": "1",
                   "RAYON_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", timeout=time + 600)
    counted = re.search(r"stat::number_of_executed_units:\s*(\d+)", done.stdout)
    peak = re.search(r"stat::peak_rss_mb:\s*(\d+)", done.stdout)
    artefact = re.search(r"Test unit written to (\S+)", done.stdout)
    return {"target": target, "executions": int(counted[1]) if counted else 0,
            "mebibytes": int(peak[1]) if peak else 0, "inputs": len(list(corpus.iterdir())),
            "found": artefact[1] if artefact else None, "sound": done.returncode == 0,
            "said": "" if done.returncode == 0 else done.stdout[-3000:]}


def main() -> int:
    try:
        time, names = seconds(), targets()
        program = build()
        results = []
        for number, name in enumerate(names, 1):
            result = run(program, name, time)
            results.append(result)
            end = "sound" if result["sound"] else f"FAILED: {result['found'] or 'no input kept'}"
            print(f"{number:2}/{len(names)} {name:12} {result['executions']:>9} executions, {result['inputs']:>5} "
                  f"inputs kept, {result['mebibytes']:>4} MiB  {end}", flush=True)
            if not result["sound"]:
                print(result["said"], file=sys.stderr)
    except Problem as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    (WORK / "results.json").write_text(json.dumps(
        [{k: v for k, v in r.items() if k != "said"} for r in results], indent=2) + "\n", encoding="utf-8")
    failed = [result["target"] for result in results if not result["sound"]]
    whole = sum(result["executions"] for result in results)
    print(f"{len(results)} targets, {whole} executions" + (f"; failed: {', '.join(failed)}" if failed else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
