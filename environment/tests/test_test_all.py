"""The last line of `make test` counts what ran, and the exit status is right."""

from __future__ import annotations

import contextlib
import io
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import project
import test_all

CARGO = "test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out\n"
PYTHON = "Ran 4 tests in 1.0s\n\nOK (skipped=1)\n"
RUNS = "01_corpus  (profile smoke)\n  done in 41.3 s\n02_trimming  (profile smoke)\n  done in 29.5 s\n"
GOOD = {"fmt": ("", 0), "clippy": ("", 0), "kernel.py": ("", 0), "test": (CARGO * 2, 0),
        "discover": (PYTHON, 0), "run_notebooks.py": (RUNS, 0), "browser.check_reports": (PYTHON, 0),
        "random_checkpoints": ("", 0)}


class Counts(unittest.TestCase):
    def all(self, *, components: str = "1.0", skips: str = "", **changed: "tuple[str, int]") -> "tuple[int, str]":
        says = {**GOOD, **{name.replace("__", "."): value for name, value in changed.items()}}

        def stream(command, environment, line_by_line) -> int:
            text, code = next(value for name, value in says.items()
                              if any(part.split("/")[-1] == name for part in command))
            for line in text.splitlines(keepends=True):
                line_by_line(line)
            if skips and command[:2] == ["cargo", "test"]:
                Path(environment["TTP_TEST_SKIPS"]).write_text(skips)
            return code

        out = io.StringIO()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        with mock.patch.object(test_all, "stream", stream), contextlib.redirect_stdout(out), \
                mock.patch.object(project, "cargo_variables", dict), \
                mock.patch.object(project, "run_for_text", lambda command: components), \
                mock.patch.object(test_all, "SMOKE", Path("no-such-folder")), \
                mock.patch.object(test_all, "PAPER", Path(folder.name) / "paper-short"):
            code = test_all.main()
        return code, out.getvalue()

    def last_line(self, **changed) -> "tuple[int, str]":
        code, out = self.all(**changed)
        return code, out.splitlines()[-1]

    def test_all_is_well(self) -> None:
        self.assertEqual(self.last_line(), (0, "24 passed, 0 failed, 4 skipped"))

    def test_what_a_cargo_test_says_it_skipped_is_not_counted_as_passed(self) -> None:
        skips = "skipped: no TRAM v1 here: make data-tram\nskipped: not root\n\nskipped: not root\n"
        code, out = self.all(skips=skips)
        self.assertEqual((code, out.splitlines()[-1]), (0, "21 passed, 0 failed, 7 skipped"))
        summary = out[out.index("cargo test   "):]
        self.assertIn("7 passed, 0 failed, 5 skipped\n", summary.replace("0.0 s   ", ""))
        self.assertIn(" skipped: no TRAM v1 here: make data-tram\n", summary)
        self.assertIn(" skipped: not root (2 tests)\n", summary)

    def test_each_stage_can_fail(self) -> None:
        for name, text, line in (
            ("fmt", "", "23 passed, 1 failed, 4 skipped"),
            ("clippy", "", "23 passed, 1 failed, 4 skipped"),
            ("kernel__py", "", "23 passed, 1 failed, 4 skipped"),
            ("test", "error: could not compile\n", "14 passed, 1 failed, 2 skipped"),
            ("test", CARGO.replace("5 passed; 0", "3 passed; 2"), "17 passed, 2 failed, 3 skipped"),
            ("discover", "Ran 4 tests in 1s\nFAILED (failures=1, errors=1, skipped=1)\n",
             "22 passed, 2 failed, 4 skipped"),
            ("discover", "Ran 2 tests in 1s\nFAILED (failures=9)\n", "21 passed, 9 failed, 3 skipped"),
            ("discover", "ImportError\n", "21 passed, 1 failed, 3 skipped"),
            # The pages are not looked at where a notebook failed; the paper's fail beside it.
            ("run_notebooks__py", RUNS, "21 passed, 2 failed, 4 skipped"),
            # Nor are the paper profile's notebooks run without their checkpoints.
            ("random_checkpoints", "", "21 passed, 1 failed, 5 skipped"),
            ("browser__check_reports", PYTHON.replace("OK (", "FAILED (failures=1, "),
             "23 passed, 1 failed, 4 skipped"),
        ):
            with self.subTest(name, said=text):
                self.assertEqual(self.last_line(**{name: (text, 1)}), (1, line))

    def test_pages_without_a_browser(self) -> None:
        for text in ("Ran 7 tests in 0.0s\n\nOK (skipped=7)\n", "Ran 7 tests in 0.0s\n\nNO TESTS RAN (skipped=7)\n"):
            self.assertEqual(self.last_line(browser__check_reports=(text, 0)),
                             (0, "21 passed, 0 failed, 10 skipped"))

    def test_a_missing_component_is_named(self) -> None:
        code, out = self.all(components="")
        self.assertEqual(code, 1)
        self.assertIn("error: rustfmt is missing: rustup component add rustfmt\n", out)
        self.assertIn("error: clippy is missing: rustup component add clippy\n", out)


if __name__ == "__main__":
    unittest.main()
