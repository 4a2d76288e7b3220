"""`make test-memory`: the tests that reach `unsafe` slices and calls into C, run under valgrind.

Rust's own checker, Miri, runs no foreign code, and each of these slices lies in a tensor of
libtorch. valgrind's memcheck sees every read and write outside of what was allocated, whoever
allocated it. To show that it would, one test reads a number too many when it is asked to.
What was never written (`--undef-value-errors`) is not looked for: libtorch's vector code reads
ahead of what it uses.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import ending
import project
from project import Problem

# A crate, and the parts of its unit tests that reach `unsafe`.
REACHED = {"ttp-model": ["engine::optimizer", "engine::resume", "classify::", "engine::steps"],
           "ttp-base": ["files::"]}
TOO_MANY = "engine::optimizer::tests::one_number_too_many"
FOUND = 9
MEMCHECK = ["valgrind", "--quiet", "--undef-value-errors=no", "--error-limit=no",
            f"--error-exitcode={FOUND}"]


def variables() -> "dict[str, str]":
    return {**os.environ, **project.cargo_variables(), **project.libtorch_variables(),
            "OMP_NUM_THREADS": "1"}


def programs() -> "dict[str, str]":
    """Each crate's unit tests, compiled: all crates at once, or cargo would compile what they depend
    on with other features."""
    command = ["cargo", "test", "--workspace", "--lib", "--no-run", "--quiet",
               "--message-format=json-render-diagnostics"]
    done = subprocess.run(command, cwd=project.ROOT, env=variables(), stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise Problem("the tests do not compile: the compiler's message stands above")
    told = (json.loads(line) for line in done.stdout.splitlines())
    return {line["target"]["name"].replace("_", "-"): line["executable"]
            for line in told if line.get("executable")}


def under_memcheck(tests: str, names: "list[str]", **more: str) -> "tuple[int, str]":
    done = subprocess.run([*MEMCHECK, tests, *names, "--test-threads=1"], cwd=project.ROOT,
                          env={**variables(), **more}, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace")
    return done.returncode, done.stdout


def check() -> None:
    compiled = programs()
    for crate, names in REACHED.items():
        tests = compiled[crate]
        status, said = under_memcheck(tests, names)
        passed = sum(line.endswith("... ok") or line == "ok" for line in said.splitlines())
        if status or not passed:
            print(said, file=sys.stderr)
            what = "memory outside of what was allocated" if status == FOUND else "a test failed"
            raise Problem(f"{crate}: {what if passed else 'no test ran'}: its output stands above")
        print(f"{crate}: {passed} tests, nothing read or written outside of what was allocated",
              flush=True)
        if any(TOO_MANY.startswith(name) for name in names):
            status, said = under_memcheck(tests, ["--exact", TOO_MANY], TTP_ONE_TOO_MANY="1")
            if status != FOUND:
                print(said, file=sys.stderr)
                raise Problem("one number too many was read on purpose, and valgrind did not see it")


def main() -> int:
    if not shutil.which("valgrind"):
        print("skipped: valgrind is not on PATH")
        return 0
    return ending.run(check, lambda: project.ROOT / "target")


if __name__ == "__main__":
    sys.exit(main())
