"""`make fuzz`: which targets, how long, what counts as too long, what is added up, and one line for
what makes no sense. A script stands in for the program: it says what libFuzzer would say."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import fuzz
import project
from project import Problem

# What every stand-in begins with.
HEAD = f"""#!{sys.executable}
import os, pathlib, sys, time
options = dict(part[1:].split("=", 1) for part in sys.argv[1:] if part.startswith("-"))
paths = [part for part in sys.argv[1:] if not part.startswith("-")]
"""
# At the first call that fuzzes it stops at an input, at the next ones none is left. An input alone takes
# the processor's time that it says, in seconds.
SLOW = HEAD + """
if "max_total_time" not in options:
    ends = time.process_time() + float(pathlib.Path(paths[0]).read_text() or 0)
    while time.process_time() < ends:
        pass
    sys.exit()
print("stat::number_of_executed_units: 5")
waits = pathlib.Path(__file__ + ".waits")
waits.write_text((waits.read_text() if waits.exists() else "") + options["timeout"] + " ")
if len(waits.read_text().split()) > 1:
    sys.exit()
kept = options["artifact_prefix"] + "timeout-1"
pathlib.Path(kept).write_text(SECONDS)
print("ALARM: working on the last Unit for 1 seconds\\nTest unit written to", kept)
sys.exit(70)
"""
# It reads what says "good".
STRICT = HEAD + """
for path in paths:
    print("Running:", path)
    text = pathlib.Path(path).read_text()
    if text != "good":
        print("own.csv: not good\\nthread panicked:\\nrefused" if text == "bad" else "thread panicked")
        sys.exit(77)
"""


class Stand(unittest.TestCase):
    """A folder for what is kept, and a stand-in for the program."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        for name, value in (("WORK", self.folder / "work"), ("FUZZ", self.folder / "fuzz")):
            patch = mock.patch.object(fuzz, name, value)
            patch.start()
            self.addCleanup(patch.stop)
        fuzz.WORK.mkdir()
        patch = mock.patch("project.libtorch_variables", return_value={})
        patch.start()
        self.addCleanup(patch.stop)

    def program(self, text: str) -> Path:
        path = self.folder / "program"
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)
        return path

    def main(self) -> "tuple[int, str, str]":
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), \
                mock.patch.dict(os.environ, {"TIME": "3"}), mock.patch.object(fuzz, "targets", return_value=["csv"]):
            status = fuzz.main()
        return status, out.getvalue(), err.getvalue()


class Targets(unittest.TestCase):
    def test_they_are_those_of_the_program(self) -> None:
        with mock.patch.dict(os.environ, {"TARGETS": ""}):
            known = fuzz.targets()
        self.assertEqual(len(known), len(set(known)))
        self.assertLessEqual({"stix", "netml", "audit"}, set(known))

    def test_each_has_a_seed_and_no_seed_is_of_another(self) -> None:
        with mock.patch.dict(os.environ, {"TARGETS": ""}):
            known = set(fuzz.targets())
        folders = {folder.name for folder in (fuzz.FUZZ / "seeds").iterdir() if any(folder.iterdir())}
        # What the program writes itself; `make fuzz` runs each seed.
        text = (fuzz.FUZZ / "targets" / "seeds.rs").read_text(encoding="utf-8")
        written = set(re.findall(r'\b(?:put|frame|place)\("(\w+)"', text))
        self.assertEqual(folders | written, known)

    def test_some_can_be_named(self) -> None:
        with mock.patch.dict(os.environ, {"TARGETS": "csv stix"}):
            self.assertEqual(fuzz.targets(), ["csv", "stix"])
        with mock.patch.dict(os.environ, {"TARGETS": "csv stixx"}), \
                self.assertRaisesRegex(Problem, "TARGETS: unknown 'stixx'; known: stix "):
            fuzz.targets()

    def test_a_time_is_whole_seconds(self) -> None:
        for text, expected in (("", 60), ("5", 5)):
            with mock.patch.dict(os.environ, {"TIME": text}):
                self.assertEqual(fuzz.seconds(), expected)
        for text in ("0", "-1", "1.5", "ten"):
            with mock.patch.dict(os.environ, {"TIME": text}), self.assertRaisesRegex(Problem, f"TIME={text}"):
                fuzz.seconds()


class Bounds(Stand):
    def test_what_took_long_by_the_clock_alone_is_no_find(self) -> None:
        result = fuzz.run(self.program(SLOW.replace("SECONDS", '"0"')), "csv", 60)
        self.assertTrue(result["sound"], result)
        self.assertIsNone(result["found"])
        self.assertEqual((result["executions"], result["measured"]), (10, 1), "both parts of the time count")
        first, second = map(int, (self.folder / "program.waits").read_text().split())
        self.assertLessEqual(first, 2)
        self.assertGreater(second, first, "the same input would stop it again")
        self.assertEqual(list((fuzz.WORK / "found").iterdir()), [])

    def test_what_takes_more_of_the_processor_is_one(self) -> None:
        result = fuzz.run(self.program(SLOW.replace("SECONDS", '"1.5"')), "csv", 60)
        self.assertFalse(result["sound"])
        self.assertEqual(result["executions"], 5)
        self.assertTrue(Path(result["found"]).is_file(), "it is kept")
        self.assertRegex(result["said"], r"csv-timeout-1: \d\.\d s of the processor for 3 bytes\n")

    def test_a_panic_is_told_though_its_backtrace_is_long(self) -> None:
        program = self.program(HEAD + "print('panicked at a.rs:1:2:\\nno such row')\n"
                               "print('frame\\n' * 2000)\n"
                               "given = options['artifact_prefix'] + 'crash-1'\nopen(given, 'w').write('a')\n"
                               "print('Test unit written to', given)\nsys.exit(77)\n")
        result = fuzz.run(program, "csv", 3)
        self.assertEqual((result["sound"], fuzz.in_a_line(result)),
                         (False, "panicked at a.rs:1:2: no such row; its 1 bytes in base64: YQ=="))

    def test_what_fails_alone_is_one_however_little_it_takes(self) -> None:
        program = self.program(SLOW.replace("SECONDS", '"0"').replace("sys.exit()\nprint", "sys.exit(70)\nprint"))
        given = self.folder / "given"
        given.write_text("0")
        self.assertRegex(fuzz.needs_too_long(program, "csv", given) or "", "^it ends badly, or not within 60 s")

    def test_a_large_input_may_take_longer(self) -> None:
        program = self.program(HEAD)
        given = self.folder / "given"
        given.write_bytes(bytes(fuzz.BYTES * 3))
        for seconds, too_long in ((2.9, False), (3.1, True)):
            with mock.patch.object(fuzz, "processor_seconds", side_effect=[seconds + 0.5, 0.5]):
                self.assertEqual(fuzz.needs_too_long(program, "csv", given) is not None, too_long)

    def test_targets_of_parquet_may_take_longer(self) -> None:
        program, given = self.program(HEAD), self.folder / "given"
        given.touch()
        with mock.patch.dict(os.environ, {"TARGETS": ""}), mock.patch.object(fuzz, "FUZZ", project.ROOT / "fuzz"):
            self.assertLessEqual(set(fuzz.PARQUET), set(fuzz.targets()))
        for target, seconds, too_long in (("csv", 12.5, True), ("parquet", 12.5, False), ("parquet", 60.5, True)):
            with mock.patch.object(fuzz, "processor_seconds", side_effect=[seconds, 0.5]):
                self.assertEqual(fuzz.needs_too_long(program, target, given) is not None, too_long, target)

    def test_libfuzzer_is_told_the_bounds(self) -> None:
        program = self.program(HEAD + "print('stat::number_of_executed_units:', options['rss_limit_mb'])\n")
        self.assertLessEqual(fuzz.run(program, "csv", 1)["executions"], 512)

    def test_a_crash_is_a_find(self) -> None:
        program = self.program(HEAD + "print('Test unit written to', options['artifact_prefix'] + 'crash-1')\n"
                               "sys.exit(77)\n")
        result = fuzz.run(program, "csv", 1)
        self.assertEqual((result["sound"], Path(result["found"]).name), (False, "csv-crash-1"))

    def test_after_what_is_known_it_goes_on(self) -> None:
        once = HEAD + """
again = pathlib.Path(__file__ + ".again")
print("stat::number_of_executed_units: 5")
if again.exists():
    sys.exit()
again.touch()
kept = options["artifact_prefix"] + "crash-1"
pathlib.Path(kept).touch()
print("memory allocation of 2305843009213693952 bytes failed\\nstack backtrace:\\n  6: FRAME::f")
print("Test unit written to", kept)
sys.exit(77)
"""
        result = fuzz.run(self.program(once.replace("FRAME", "polars_parquet::arrow::read")), "csv", 60)
        self.assertEqual((result["sound"], result["executions"], result["known"]), (True, 10, 1))
        self.assertEqual(list((fuzz.WORK / "found").iterdir()), [])
        (self.folder / "program.again").unlink()
        result = fuzz.run(self.program(once.replace("FRAME", "ttp_base")), "csv", 60)
        self.assertEqual((result["sound"], result["executions"], result["known"]), (False, 5, 0))


class Seeds(Stand):
    def seed(self, name: str, text: str) -> None:
        path = fuzz.FUZZ / "seeds" / "csv" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def test_each_is_read_as_its_name_says(self) -> None:
        program = self.program(STRICT)
        with self.assertRaisesRegex(Problem, "^csv: no seed$"):
            fuzz.check_seeds(program, "csv")
        self.seed("a", "good")
        self.seed("refused-b", "bad")
        fuzz.check_seeds(program, "csv")
        self.seed("z", "bad")
        with self.assertRaisesRegex(Problem, r"/csv/z: a seed is refused: own\.csv: not good \| "):
            fuzz.check_seeds(program, "csv")
        self.seed("z", "worse")
        with self.assertRaisesRegex(Problem, "/csv/z: a seed ends the program: thread panicked"):
            fuzz.check_seeds(program, "csv")
        self.seed("z", "good")
        self.seed("refused-b", "worse")
        with self.assertRaisesRegex(Problem, "/csv/refused-b: a seed ends the program"):
            fuzz.check_seeds(program, "csv")
        self.seed("refused-b", "good")
        with self.assertRaisesRegex(Problem, "/csv/refused-b: it is to be refused, and is read"):
            fuzz.check_seeds(program, "csv")

    def test_those_that_are_no_text_are_written_anew(self) -> None:
        program = self.program(HEAD + "folder = pathlib.Path(os.environ['TTP_FUZZ_SEEDS']) / 'csv'\n"
                               "folder.mkdir(parents=True)\n(folder / 'own').write_text('good')\n")
        old = fuzz.WORK / "seeds" / "old"
        old.mkdir(parents=True)
        self.assertEqual([path.name for path in fuzz.own_seeds(program).iterdir()], ["csv"])
        self.assertEqual(fuzz.seeds_of("csv"), [fuzz.WORK / "seeds" / "csv"])
        with self.assertRaisesRegex(Problem, "wrote no seeds: no room$"):
            fuzz.own_seeds(self.program(HEAD + "print('no room')\nsys.exit(1)\n"))


class Totals(Stand):
    def result(self, executions: int, sound: bool = True) -> dict:
        return {"target": "csv", "executions": executions, "seconds": 3, "mebibytes": 9, "inputs": 1, "measured": 0,
                "known": 0, "found": None, "sound": sound, "said": ""}

    def run_with(self, results: list) -> "tuple[int, str, str]":
        with mock.patch.object(fuzz, "build", return_value=Path("program")), \
                mock.patch.object(fuzz, "own_seeds"), mock.patch.object(fuzz, "check_seeds"), \
                mock.patch.object(fuzz, "run", side_effect=results):
            return self.main()

    def test_executions_add_up_over_runs(self) -> None:
        (fuzz.WORK / "totals.json").write_text('{"stix": {"executions": 7, "seconds": 1}}')
        for _ in range(2):
            status, out, err = self.run_with([self.result(40)])
            self.assertEqual((status, err), (0, ""))
        self.assertEqual(json.loads((fuzz.WORK / "totals.json").read_text()), {
            "csv": {"executions": 80, "seconds": 6}, "stix": {"executions": 7, "seconds": 1}})
        self.assertRegex(out, r"csv +80 in 6 s\n +stix +7 in 1 s\n1 targets, 40 executions\n$")
        self.assertEqual(list(fuzz.WORK.glob(".*")), [], "nothing half-written")

    def test_a_find_counts_too(self) -> None:
        status, out, _ = self.run_with([self.result(40, sound=False)])
        self.assertEqual(status, 1)
        self.assertIn("failed: csv", out)
        self.assertEqual(fuzz.totals()["csv"]["executions"], 40)

    def test_a_wrong_seed_fails_its_target_alone(self) -> None:
        with mock.patch.object(fuzz, "build"), mock.patch.object(fuzz, "own_seeds"), \
                mock.patch.object(fuzz, "check_seeds", side_effect=[Problem("a: a seed is refused"), None]), \
                mock.patch.object(fuzz, "run", return_value=self.result(40)), \
                contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
            results: "list[dict]" = []
            fuzz.fuzzed(["stix", "csv"], 3, results)
        self.assertEqual([(one["target"], one["sound"]) for one in results], [("stix", False), ("csv", True)])
        self.assertEqual(err.getvalue(), "error: a: a seed is refused\n")
        self.assertRegex(out.getvalue(), r"1/2 stix .* FAILED: no input kept\n 2/2 csv .* sound\n")

    def test_a_find_is_told_in_a_line_with_its_input(self) -> None:
        given = self.folder / "csv-crash-1"
        for said, line in (
            ("csv-timeout-1: 1.5 s of the processor for 3 bytes\nmore\n", "1.5 s of the processor for 3 bytes"),
            ("thread 'x' panicked at a.rs:3:4:\n  no such\nERROR: libFuzzer: deadly signal\n",
             "panicked at a.rs:3:4: no such"),
            ("==7== ERROR: libFuzzer: out-of-memory (used: 600Mb)\n", "ERROR: libFuzzer: out-of-memory (used: 600Mb)"),
            ("it ended\n", "it ended"),
            ("x" * 900, "x" * fuzz.SHORT_LINE + "…"),
        ):
            given.write_bytes(b"a\n\x00")
            result = {**self.result(1, sound=False), "found": str(given), "said": said}
            with self.subTest(said=said):
                self.assertEqual(fuzz.in_a_line(result), f"{line}; its 3 bytes in base64: YQoA")
                given.write_bytes(b"a" * (fuzz.SHORT_BYTES + 1))
                self.assertEqual(fuzz.in_a_line(result), f"{line}; {fuzz.SHORT_BYTES + 1} bytes: {given}")
        given.unlink()
        result["said"] = "it ended\n"
        status, out, _ = self.run_with([result])
        self.assertEqual(status, 1)
        self.assertIn(f"\nerror: csv: it ended; {given}: No such file or directory\n", out)

    def test_other_content_is_refused_and_stays(self) -> None:
        path = fuzz.WORK / "totals.json"
        for text in ("{", "[]", '{"csv": 3}', '{"csv": {}}', '{"csv": {"executions": "x", "seconds": 1}}'):
            path.write_text(text)
            status, _, err = self.run_with([self.result(1)])
            self.assertEqual((status, len(err.splitlines())), (1, 1), err)
            self.assertRegex(err, r"^error: .*totals\.json: not what this program writes \(\w+\); remove it$")
            self.assertEqual(path.read_text(), text)

    def test_what_was_run_before_an_interruption_counts(self) -> None:
        def interrupted(names: "list[str]", time: int, results: "list[dict]") -> None:
            results.append(self.result(40))
            raise KeyboardInterrupt

        with mock.patch.object(fuzz, "fuzzed", side_effect=interrupted):
            self.assertEqual(self.main()[0], 130)
        self.assertEqual(fuzz.totals()["csv"]["executions"], 40)


class Errors(Stand):
    def test_each_is_one_line(self) -> None:
        for error, status, said in (
            (KeyboardInterrupt(), 130, "\nstopped\n"),
            (OSError(28, "No space left on device", "x"), 1, "error: x: No space left on device (make room and run it again)\n"),
            (subprocess.TimeoutExpired(["/a/fuzz", "b"], 660), 1,
             "error: fuzz did not end within 660 s and was stopped\n"),
            (Problem("TIME=x"), 1, "error: TIME=x\n"),
        ):
            with self.subTest(said=said), mock.patch.object(fuzz, "fuzzed", side_effect=error):
                self.assertEqual(self.main(), (status, "", said))


if __name__ == "__main__":
    unittest.main()
