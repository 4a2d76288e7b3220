"""The other side of `make bench-audit`: mlscorecheck's own check of one test set.

audit.py starts it with the peer's Python. It reads the claim sets that audit.py has written,
and answers each line `check SET TIMES` of its standard input with the seconds of one check and
what it found.

    peer_audit.py SETS

What is timed is one call of `check_1_testset_no_kfold`, as its users have it, but for its log,
which is switched off: it would be most of the time.
"""

from __future__ import annotations

import importlib.metadata
import json
import logging
import sys
import time
from pathlib import Path

from mlscorecheck.check.binary import check_1_testset_no_kfold
from mlscorecheck.core import logger

# Its own slack beside the half of a last digit is 10⁻⁶: a fiftieth of the digit with four
# decimals. For the same question as ours it is only what floating point needs.
TOLERANCE = 1e-9


def say(answer: dict) -> None:
    print(json.dumps(answer), flush=True)


def main() -> None:
    logger.setLevel(logging.WARNING)
    sets = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    say({"python": sys.version.split()[0],
         **{name: importlib.metadata.version(name)
            for name in ("mlscorecheck", "numpy", "scipy", "pulp")}})
    for line in sys.stdin:
        word, place, times = line.split()
        if word != "check":
            raise SystemExit(f"error: {line.strip()!r}: known: check SET TIMES")
        one, times = sets[int(place)], int(times)
        began = time.perf_counter()
        for _ in range(times):
            found = check_1_testset_no_kfold(
                testset=one["testset"], scores=one["scores"], eps=one["eps"],
                numerical_tolerance=TOLERANCE)
        seconds = (time.perf_counter() - began) / times
        say({"seconds": seconds, "possible": not found["inconsistency"],
             "matrices": found["n_valid_tptn_pairs"]})


if __name__ == "__main__":
    main()
