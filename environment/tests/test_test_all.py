"""The last line of `make test` counts what ran, and the exit status is right."""

from __future__ import annotations

import contextlib
import fcntl
import io
import os
import re
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path
from unittest import mock

import hub_check
import project
import test_all
from tests.support import ended, until

CARGO = "test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out\n"
PYTHON = "Ran 4 tests in 1.0s\n\nOK (skipped=1)\n"
RUNS = "01_corpus  (profile smoke)\n  done in 41.3 s\n02_trimming  (profile smoke)\n  done in 29.5 s\n"
GOOD = {"fmt": ("", 0), "clippy": ("", 0), "kernel.py": ("", 0), "--no-run": ("", 0),
        "--doc": ("", 0), "test": (CARGO * 2, 0), "discover": (PYTHON, 0),
        "run_notebooks.py": (RUNS, 0), "exercises.py": ("", 0),
        "fuzz.py": ("", 0), "faults": ("", 0), "mutants": ("", 0),
        "browser.check_reports": (PYTHON, 0),
        "sweep.check_slurm": ("", 0),
        "random_checkpoints": ("", 0), "ttp": ("", 0)}


class Counts(unittest.TestCase):
    def all(self, *, components: str = "1.0", skips: str = "", arguments: "tuple[str, ...]" = (),
            **changed: "tuple[str, int]") -> "tuple[int, str]":
        says = {**GOOD, **{name.replace("__", "."): value for name, value in changed.items()}}
        self.asked: "list[list[str]]" = []

        def stream(stage, command, environment, line_by_line) -> int:
            self.asked.append(command)
            text, code = next(value for name, value in says.items()
                              if any(part.split("/")[-1] == name for part in command))
            for line in text.splitlines(keepends=True):
                stage.print(line)
                line_by_line(line)
            if skips and command[:2] == ["cargo", "test"] and "--lib" in command \
                    and "--no-run" not in command:
                Path(environment["TTP_TEST_SKIPS"]).write_text(skips)
            return code

        out = io.StringIO()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        paper = Path(folder.name) / "paper-short"
        with mock.patch.object(test_all, "stream", stream), contextlib.redirect_stdout(out), \
                mock.patch.object(sys, "argv", ["test_all.py", *arguments]), \
                mock.patch.object(project, "cargo_variables", dict), \
                mock.patch.object(project, "run_for_text", lambda command: components), \
                mock.patch.object(test_all, "SMOKE", Path("no-such-folder")), \
                mock.patch.object(test_all, "PAPER", paper):
            code = test_all.main()
        return code, out.getvalue()

    def last_line(self, **changed) -> "tuple[int, str]":
        code, out = self.all(**changed)
        return code, out.splitlines()[-1]

    def test_all_is_well(self) -> None:
        self.assertEqual(self.last_line(), (0, "36 passed, 0 failed, 4 skipped"))

    def test_a_stage_that_breaks_off_has_failed_and_says_where(self) -> None:
        with mock.patch.object(test_all, "python_tests", side_effect=ValueError("no such row")):
            code, out = self.all()
        self.assertEqual(code, 1)
        self.assertIn("ValueError: no such row", out)
        self.assertRegex(out, r"\n\d+ passed, 3 failed, \d+ skipped\n$")

    def test_a_reader_that_goes_keeps_no_stage_from_its_end(self) -> None:
        stage = test_all.Stage("format", limit=60)
        closed = mock.Mock(write=mock.Mock(side_effect=BrokenPipeError))
        with contextlib.redirect_stdout(closed):
            test_all.run_all([("format", lambda *_: stage.say("a line"), ["true"], {})], [stage], 1)
        self.assertEqual((stage.failed, closed.write.called), (0, True))

    def test_what_a_cargo_test_says_it_skipped_is_not_counted_as_passed(self) -> None:
        skips = "skipped: no TRAM v1 here: make data-tram\nskipped: not root\n\nskipped: not root\n"
        code, out = self.all(skips=skips)
        self.assertEqual((code, out.splitlines()[-1]), (0, "33 passed, 0 failed, 7 skipped"))
        summary = out[out.index("cargo test   "):]
        self.assertIn("7 passed, 0 failed, 5 skipped\n", summary.replace("0.0 s   ", ""))
        self.assertIn(" skipped: no TRAM v1 here: make data-tram\n", summary)
        self.assertIn(" skipped: not root (2 tests)\n", summary)

    def test_the_reasons_of_what_is_left_out_are_shown(self) -> None:
        slow = "test family::ten ... ignored, slow: ten seeds (make test-all)\n" + CARGO
        python = "test_a (tests.A.test_a) ... skipped \"no evcxr: make setup\"\n" + PYTHON
        code, out = self.all(test=(slow, 0), discover=(python, 0))
        self.assertEqual((code, out.splitlines()[-1]), (0, "31 passed, 0 failed, 3 skipped"))
        summary = out[out.index("\nformat   "):]
        self.assertIn(" skipped: slow: ten seeds (make test-all)\n", summary)
        self.assertIn(" skipped: no evcxr: make setup\n", summary)

    def test_each_stage_can_fail(self) -> None:
        for name, text, line in (
            ("fmt", "", "35 passed, 1 failed, 4 skipped"),
            ("clippy", "", "35 passed, 1 failed, 4 skipped"),
            ("kernel__py", "", "35 passed, 1 failed, 4 skipped"),
            # Nothing that was to be compiled with the tests runs without having been.
            ("--no-run", "error: could not compile\n", "11 passed, 1 failed, 6 skipped"),
            ("test", "error: no such command\n", "26 passed, 1 failed, 2 skipped"),
            ("test", CARGO.replace("5 passed; 0", "3 passed; 2"), "29 passed, 2 failed, 3 skipped"),
            ("--doc", CARGO.replace("5 passed; 0", "3 passed; 2"), "39 passed, 2 failed, 5 skipped"),
            ("discover", "Ran 4 tests in 1s\nFAILED (failures=1, errors=1, skipped=1)\n",
             "34 passed, 2 failed, 4 skipped"),
            ("discover", "Ran 2 tests in 1s\nFAILED (failures=9)\n", "33 passed, 9 failed, 3 skipped"),
            ("discover", "ImportError\n", "33 passed, 1 failed, 3 skipped"),
            # The pages are not looked at where a notebook failed; the paper's fail beside it,
            # the first of them, so that the others are not tried.
            ("run_notebooks__py", RUNS, "31 passed, 2 failed, 5 skipped"),
            ("exercises__py", "  9 solutions are right, 2 not checked: no figures\n",
             "45 passed, 1 failed, 6 skipped"),
            ("fuzz__py", " 1/2 stix  9 executions, 9 MiB  sound\n 2/2 csv  9 executions, 9 MiB  FAILED: x\n",
             "37 passed, 1 failed, 4 skipped"),
            ("faults", "kill: 3 tried, 3 survived\ndisk: 4 tried, 2 survived; 1 left hidden files\n",
             "41 passed, 2 failed, 4 skipped"),
            # Nor are the paper profile's notebooks run without their checkpoints, or what
            # the command line makes for them.
            ("random_checkpoints", "", "22 passed, 1 failed, 5 skipped"),
            ("ttp", "", "23 passed, 1 failed, 4 skipped"),
            ("browser__check_reports", PYTHON.replace("OK (", "FAILED (failures=1, "),
             "35 passed, 1 failed, 4 skipped"),
            ("sweep__check_slurm", PYTHON.replace("OK (", "FAILED (failures=1, "),
             "38 passed, 1 failed, 5 skipped"),
        ):
            with self.subTest(name, said=text):
                self.assertEqual(self.last_line(**{name: (text, 1)}), (1, line))

    def test_the_end_says_what_failed(self) -> None:
        said = {"test": ("test a::b ... FAILED\ntest c ... ok\n" + CARGO.replace("5 passed; 0", "4 passed; 1"), 1),
                "discover": ("ERROR: test_d (tests.D.test_d)\nnot an ERROR: line\nFAILED (errors=1)\n", 1),
                "fuzz__py": (" 1/2 stix  9 executions  sound\n 2/2 csv  9 executions  FAILED: x\n"
                             "error: csv: 2.0 s of the processor for 3 bytes\n", 1),
                # What is well may speak of errors, for it makes some.
                "exercises__py": ("error: made on purpose\n", 0)}
        code, out = self.all(**said)
        self.assertEqual(code, 1)
        *_, count = out.splitlines()
        self.assertRegex(count, r"^\d+ passed, 3 failed, \d+ skipped$")
        self.assertEqual(re.findall(r"^failed: (.+)$", out, re.MULTILINE), [
            "environment: ERROR: test_d (tests.D.test_d)", "cargo test: test a::b ... FAILED",
            "fuzz: 2/2 csv  9 executions  FAILED: x", "fuzz: error: csv: 2.0 s of the processor for 3 bytes"])
        many = "".join(f"test a{k} ... FAILED\n" for k in range(500))
        _, out = self.all(test=(many + CARGO.replace("5 passed; 0", "0 passed; 500"), 1))
        self.assertEqual(out.count("\nfailed: "), test_all.MOST_FAULTS + 1)
        self.assertIn("\nfailed: cargo test: 480 more; the last: test a499 ... FAILED\n", out)
        _, out = self.all(clippy=("", 101), faults=("LOST: split: half a file\ndisk: 2 tried, 1 survived\n", 1))
        self.assertEqual(re.findall(r"^failed: (.+)$", out, re.MULTILINE),
                         ["clippy: what it said stands above", "faults: LOST: split: half a file"])
        self.assertEqual(self.all()[1].count("\nfailed: "), 0)

    def test_pages_without_a_browser(self) -> None:
        for text in ("Ran 7 tests in 0.0s\n\nOK (skipped=7)\n", "Ran 7 tests in 0.0s\n\nNO TESTS RAN (skipped=7)\n"):
            self.assertEqual(self.last_line(browser__check_reports=(text, 0)),
                             (0, "33 passed, 0 failed, 10 skipped"))

    def test_a_missing_component_is_named(self) -> None:
        code, out = self.all(components="")
        self.assertEqual(code, 1)
        self.assertIn("error: rustfmt is missing: rustup component add rustfmt\n", out)
        self.assertIn("error: clippy is missing: rustup component add clippy\n", out)

    def test_all_of_it_leaves_nothing_out(self) -> None:
        code, out = self.all(arguments=("--all",))
        self.assertEqual(code, 0, out)
        tests = [c for c in self.asked if c[:2] == ["cargo", "test"] and "--no-run" not in c]
        self.assertTrue(any(command[-2:] == ["--", "--include-ignored"] for command in tests))
        made = next(c for c in self.asked if "random_checkpoints" in c)
        self.assertNotIn("--hidden", made)
        whole = [c for c in self.asked if c[-1].endswith("run_notebooks.py")]
        self.assertEqual(len(whole), 2, "smoke, and all of the paper profile")
        self.assertEqual(sum("mutants" in command for command in self.asked), 1)

    def test_mutants_that_no_check_caught_have_failed(self) -> None:
        said = "skipped: mutants of splits: ttp is not compiled\n9 mutants, 7 caught, in 1 s\n"
        self.assertEqual(self.last_line(arguments=("--all",)), (0, "25 passed, 0 failed, 4 skipped"))
        code, out = self.all(arguments=("--all",), mutants=(said, 1))
        self.assertEqual((code, out.splitlines()[-1]), (1, "32 passed, 2 failed, 5 skipped"))
        self.assertIn(" skipped: mutants of splits: ttp is not compiled\n", out[out.index("\nformat   "):])
        self.assertEqual(self.last_line(arguments=("--all",), mutants=("error: a\n", 1)),
                         (1, "25 passed, 1 failed, 4 skipped"))


class Stages(unittest.TestCase):
    """Commands that do run: how they are shown, and how they end."""

    def one(self, code: str, limit: float = 60.0) -> "tuple[int, str]":
        said: "list[str]" = []
        stage = test_all.Stage("one", limit=limit, print=said.append)
        status = test_all.stream(stage, [sys.executable, "-u", "-c", code], dict(os.environ),
                                 lambda line: None)
        return status, "".join(said)

    def test_lines_and_status_come_through(self) -> None:
        code = "import sys; print('a'); print('b', file=sys.stderr); print('c', end=''); sys.exit(3)"
        self.assertEqual(self.one(code), (3, "a\nb\nc\n"))

    def test_bytes_that_are_no_text(self) -> None:
        code = "import sys; sys.stdout.buffer.write(b'a\\xff\\n')"
        self.assertEqual(self.one(code), (0, "a\N{REPLACEMENT CHARACTER}\n"))

    def test_a_stage_that_hangs_is_ended_with_all_that_it_started(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            pid = Path(folder) / "pid"
            code = ("import pathlib, subprocess, sys, time\n"
                    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
                    f"pathlib.Path({str(pid)!r}).write_text(str(child.pid))\n"
                    "print('begun'); time.sleep(600)")
            status, said = self.one(code, limit=2.0)
            self.assertNotEqual(status, 0)
            self.assertEqual(said, "begun\nerror: one: no end within 2 s: stopped\n")
            until(lambda: ended(int(pid.read_text())), "what it started is still running")

    def test_a_process_left_behind_that_holds_the_output_keeps_nobody(self) -> None:
        code = ("import subprocess, sys\n"
                "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'],\n"
                "                         start_new_session=True)\n"
                "print(child.pid)")
        with mock.patch.object(test_all, "LAST_WORDS_SECONDS", 0.5):
            status, said = self.one(code)
        os.kill(int(said), 9)
        self.assertEqual(status, 0)

    def run_stages(self, most: int, *rows: "tuple") -> "tuple[str, list[test_all.Stage]]":
        stages = [test_all.Stage(row[0]) for row in rows]
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            test_all.run_all([(*row, ["x"], {}) for row in rows], stages, most)
        return out.getvalue(), stages

    def test_two_at_once_are_shown_one_after_the_other(self) -> None:
        first_may_end, second_began = threading.Event(), threading.Event()

        def first(stage, command, environment) -> None:
            stage.say("first, early")
            self.assertTrue(second_began.wait(30), "not beside each other")
            first_may_end.wait(30)
            stage.say("first, late")
            stage.passed += 1

        def second(stage, command, environment) -> None:
            stage.say("second")
            second_began.set()
            stage.passed += 1
            first_may_end.set()

        shown, _ = self.run_stages(2, ("format", first), ("environment", second))
        self.assertEqual(shown, "\n== format\nfirst, early\nfirst, late\n\n== environment\nsecond\n")

    def test_what_waits_for_another_begins_after_it(self) -> None:
        order: "list[str]" = []

        def note(stage, command, environment) -> None:
            order.append(f"{stage.name} begins")
            time.sleep(0.1)
            order.append(f"{stage.name} ends")
            stage.passed += 1

        names = ["format", "clippy", "kernel", "compile", "cargo test"]
        self.run_stages(2, *((name, note) for name in names))
        self.assertEqual(order, [f"{name} {what}" for name in names for what in ("begins", "ends")])

    def test_every_stage_has_a_limit_and_waits_for_one_there_is(self) -> None:
        with mock.patch.object(project, "cargo_variables", dict):
            names = [row[0] for row in test_all.the_plan(True)]
        self.assertEqual(sorted(test_all.LIMITS), sorted(names))
        for name, after in test_all.AFTER.items():
            self.assertIn(name, names)
            self.assertTrue(all(names.index(one) < names.index(name) for one in after))

    def test_the_browser_is_waited_for_while_it_is_installed(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            lock = Path(folder) / "lock"
            self.assertFalse(test_all.is_held(lock), "there is no such file")
            with lock.open("w") as held:
                fcntl.flock(held, fcntl.LOCK_EX)
                self.assertTrue(test_all.is_held(lock))
            self.assertFalse(test_all.is_held(lock))


class Programs(unittest.TestCase):
    def test_the_command_line_is_where_scripts_look_for_it(self) -> None:
        """Scripts start it by its package, which only a real run would miss."""
        manifests = [path.read_text(encoding="utf-8")
                     for path in (project.ROOT / "ttp-lib" / "crates").glob("*/Cargo.toml")]
        has_it = [text for text in manifests if '[[bin]]\nname = "ttp"' in text]
        self.assertEqual(len(has_it), 1)
        package = re.search(r'^name = "(.*)"', has_it[0], re.M)[1]
        named = {hub_check.FETCH[hub_check.FETCH.index("--package") + 1]}
        for path in [project.ROOT / "Makefile", *project.ENVIRONMENT.glob("*.py")]:
            text = path.read_text(encoding="utf-8")
            named.update(re.findall(r'--package"?,? "?([\w-]+)"?,? "?--bin"?,? "?ttp\b', text))
        self.assertEqual(named, {package})


class OneBuild(unittest.TestCase):
    def features(self, *of: str) -> "set[str]":
        text = project.run_for_text(
            ["cargo", "tree", *of, "--format", "{p} {f}", "--prefix", "none", "--no-dedupe"],
            cwd=project.ROOT)
        return set(text.splitlines())

    def test_the_tests_ask_for_no_feature_that_the_notebooks_lack(self) -> None:
        """What it is of, and all that depends on it, would be compiled twice."""
        own = self.features("--package", "ttp-lib", "--edges", "normal,build")
        with_tests = self.features("--workspace", "--edges", "normal,build,dev")
        self.assertTrue(own, "cargo tree failed")
        self.assertEqual(own - with_tests, set())


if __name__ == "__main__":
    unittest.main()
