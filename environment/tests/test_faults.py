"""`make test-faults`, that it sees what is lost."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import tempfile
import unittest
from collections import Counter
from pathlib import Path

from faults import __main__ as faults
from faults import notebooks, tiny
from faults.commands import Command
from tests import support


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

    def test_a_file_that_grows_is_whole_in_between(self) -> None:
        script = 'mkdir -p "$TTP_OUT"; printf \'{"epochs": 2}\' > "$1"'
        machine = faults.Machine(program(self.folder, script), self.folder / "work")
        case = faults.Case(machine, Command("one", ["{out}/a"], grow=("a",)))
        case.prepare(True)
        (machine.out / "a").write_text('{"epochs": 1}')
        case.whole(True)
        (machine.out / "a").write_text('{"epochs": ')
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


class NotebookFaults(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def test_a_file_that_breaks_off_is_seen(self) -> None:
        weights = tiny.safetensors({"bert.pooler.dense.bias": [8]})
        for name, whole in (("a.json", b'{"rows": 3}'), ("a.html", b"<html></html>\n"),
                            ("a.parquet", b"PAR1 rows PAR1"), ("a.svg", b"<svg></svg>"),
                            ("a.ipynb", b'{"cells": []}'), ("a.csv", b"text,label\nx,y\n"),
                            ("a.safetensors", weights)):
            path = self.folder / name
            path.write_bytes(whole)
            self.assertNotIn("broken", notebooks.digest(path), name)
            path.write_bytes(whole[:-2])
            self.assertIn("broken", notebooks.digest(path), name)

    def test_another_figure_is_seen_and_another_time_is_not(self) -> None:
        path = self.folder / "a.json"
        seen = []
        for score, seconds in ((0.5, 1), (0.5, 2), (0.6, 2)):
            path.write_text(json.dumps({"f1_macro": score, "train_seconds": seconds}))
            seen.append(notebooks.digest(path))
        self.assertEqual(seen[0], seen[1])
        self.assertNotEqual(seen[1], seen[2])

    @unittest.skipUnless(Path("/proc/self/environ").exists(), "no /proc here")
    def test_a_process_that_is_left_is_found(self) -> None:
        variables = {**os.environ, "TTP_OUT": str(self.folder)}
        process = subprocess.Popen(["sleep", "60"], env=variables)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.assertEqual(notebooks.running(self.folder), [process.pid])
        notebooks.kill(process.pid)
        support.until(lambda: support.ended(process.pid), "it was not killed")
        self.assertEqual(notebooks.running(self.folder), [])
        # It may have ended by itself.
        process.wait()
        notebooks.kill(2 ** 22 - 1)
