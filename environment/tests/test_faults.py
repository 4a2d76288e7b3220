"""`make test-faults`, that it sees what is lost."""

from __future__ import annotations

import shutil
import stat
import tempfile
import unittest
from collections import Counter
from pathlib import Path

from faults import __main__ as faults
from faults.commands import Command


def program(folder: Path, text: str) -> Path:
    path = folder / "ttp"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@unittest.skipUnless(shutil.which("cc"), "no C compiler")
class Faults(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def case(self, script: str) -> faults.Case:
        machine = faults.Machine(program(self.folder, script), self.folder / "work")
        return faults.Case(machine, Command("one", ["{out}/a"]))

    def test_a_file_written_in_place_is_seen(self) -> None:
        case = self.case('mkdir -p "$TTP_OUT"; printf half > "$1"; printf whole >> "$1"')
        case.prepare(True)
        (case.machine.out / "a").write_text("half")
        with self.assertRaisesRegex(faults.Lost, "a is half"):
            case.whole(True)

    def test_a_file_that_is_gone_is_seen(self) -> None:
        case = self.case('mkdir -p "$TTP_OUT"; printf whole > "$1"')
        case.prepare(True)
        (case.machine.out / "a").unlink()
        with self.assertRaisesRegex(faults.Lost, "a was there before, and is gone"):
            case.whole(True)

    def test_what_a_next_run_leaves_is_counted(self) -> None:
        case = self.case('mkdir -p "$TTP_OUT"; printf whole > "$1"')
        case.prepare(False)
        (case.machine.out / ".half-written-x").write_text("half")
        counts = Counter()
        case.recovers(counts)
        self.assertEqual(sum(counts.values()), 2)

    def test_a_disk_that_fails_without_a_word_is_seen(self) -> None:
        case = self.case('mkdir -p "$TTP_OUT"; printf whole > "$1" 2> /dev/null || exit 3')
        case.operations = {True: ["mkdir"], False: ["mkdir"]}
        status, _ = case.machine.run(case.command)
        self.assertEqual(status, 0)
        case.machine.run = lambda *_, **__: (3, "")
        with self.assertRaisesRegex(faults.Lost, "status 3"):
            faults.disk(case, faults.random.Random(1), Counter())


if __name__ == "__main__":
    unittest.main()
