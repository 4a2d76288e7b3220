"""Runs a command in the environment that cargo needs here.

    python3 environment/with_libtorch.py cargo test
    python3 environment/with_libtorch.py --release cargo build --release

Without `--release` cargo works in the kernel's build folder and with its flags, so
that dependencies are compiled once for tests and notebooks together.
"""

from __future__ import annotations

import os
import sys

import project
from project import Problem


def main() -> int:
    command = sys.argv[1:]
    try:
        if command[:1] == ["--release"]:
            command, variables = command[1:], project.libtorch_variables()
        else:
            variables = project.cargo_variables()
    except Problem as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    if not command:
        print("error: which command?", file=sys.stderr)
        return 1
    sys.stdout.flush()
    try:
        os.execvpe(command[0], command, {**os.environ, **variables})
    except OSError as error:
        print(f"error: {command[0]}: {error.strerror}", file=sys.stderr)
        return 127


if __name__ == "__main__":
    sys.exit(main())
