"""Whether two runs came to the same results, number by number.

    compare_results.py FOLDER OTHER [--within 1e-6]

Both hold what a run leaves in results/. Times and rates are left out, and whose machine it was.
Without `--within` numbers are the same to the last digit. Says each difference in a line, and ends
with status 1 if there is one.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path


def is_time(key: str) -> bool:
    """Whether a field differs from run to run: `seconds_read`, `tokens_per_second`."""
    return "seconds" in key.split("_") or key.endswith("_per_second")


def numbers(value: object, path: str = "") -> "Iterator[tuple[str, object]]":
    """Every value that is no object and no list, with its path."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if not is_time(key):
                yield from numbers(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from numbers(inner, f"{path}[{at}]")
    else:
        yield path, value


def same(one: object, other: object, within: float) -> bool:
    both = (one, other)
    if within and all(isinstance(x, (int, float)) and not isinstance(x, bool) for x in both):
        return abs(one - other) <= within * max(1.0, abs(one), abs(other))
    return type(one) is type(other) and one == other


def differences(folder: Path, other: Path, within: float = 0.0) -> "Iterator[str]":
    names = {path.name for place in (folder, other) for path in place.glob("*.json")}
    for name in sorted(names):
        texts = [place / name for place in (folder, other)]
        missing = [str(path) for path in texts if not path.exists()]
        if missing:
            yield f"{missing[0]}: not there"
            continue
        one, two = (dict(numbers(json.loads(path.read_text(encoding="utf-8")))) for path in texts)
        for path in sorted(one.keys() | two.keys()):
            if path not in one or path not in two:
                yield f"{name}: {path} is in one of them only"
            elif not same(one[path], two[path], within):
                yield f"{name}: {path}: {one[path]!r} and {two[path]!r}"


def main() -> int:
    parser = argparse.ArgumentParser(description="Whether two runs came to the same results.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("other", type=Path)
    parser.add_argument("--within", type=float, default=0.0, metavar="SHARE",
                        help="numbers may differ by this share of themselves, or of 1")
    arguments = parser.parse_args()
    for place in (arguments.folder, arguments.other):
        if not any(place.glob("*.json")):
            print(f"error: {place}: no results (*.json)", file=sys.stderr)
            return 1
    found = list(differences(arguments.folder, arguments.other, arguments.within))
    sys.stdout.write("".join(f"{line}\n" for line in found) or "the same results\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
