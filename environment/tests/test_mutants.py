"""Every mutant of a run's files, of plots and of README is caught, and one of a cell in Rust;
`make test-mutants` and `make test-all` make all of splits and cells."""

from __future__ import annotations

import unittest
from unittest import mock

import freshness
import project
import report
from mutants import Mutant, Unsound, __main__ as whole, cells, data, distinct, files


class Mutants(unittest.TestCase):
    def all_caught(self, found: "list[Mutant]", least: int) -> None:
        self.assertGreaterEqual(len(found), least)
        self.assertEqual(len(found), len({(one.kind, one.what) for one in found}), "no mutant twice")
        self.assertEqual([one for one in found if not one.check], [])

    def test_of_a_runs_files(self) -> None:
        found = list(files.of_run())
        self.all_caught(found, 110)
        self.assertEqual({one.kind for one in found}, {kind for kind, _, _ in files.KINDS})

    def test_of_plots_and_readme(self) -> None:
        self.all_caught([*files.of_plots(), *files.of_readme()], 50)

    def test_a_check_that_is_taken_away_lets_some_through(self) -> None:
        with mock.patch.object(freshness.State, "page_stands", lambda *_: True), \
                mock.patch.object(report, "check_whole", lambda *_: None):
            missed = {one.kind for one in files.of_run() if not one.check}
        self.assertLessEqual({"a page that was edited", "a results file that was edited"}, missed)

    def test_a_check_that_is_always_red_is_no_check(self) -> None:
        with mock.patch.object(freshness.State, "is_up_to_date", lambda _: False), \
                self.assertRaisesRegex(Unsound, "the run that nobody touched"):
            list(files.of_run())


    def test_of_cells_on_the_rust_kernel(self) -> None:
        if not project.evcxr().exists():
            self.skipTest("no evcxr_jupyter: make setup")
        with mock.patch.dict(cells.RUST, {cells.GOES_ON: cells.RUST[cells.GOES_ON][-1:]}, clear=True):
            self.all_caught(list(cells.of_cells(True)), 1)


class Counted(unittest.TestCase):
    def test_the_table(self) -> None:
        found = [Mutant("a", "1", "x"), Mutant("a", "2", "y"), Mutant("a", "3", "x"), Mutant("b", "1", "")]
        self.assertEqual(whole.table(found)[2:], [
            "| a | 3 | 3 | x (2); y (1) |", "| b | 1 | 0 |  |", "| **all** | **4** | **3** | |"])

    def test_mutants_are_different(self) -> None:
        numbers = iter([1, 1, 2, 2, 3])
        self.assertEqual(list(distinct(3, lambda: (next(numbers),))), [(1,), (2,), (3,)])
        with self.assertRaises(ValueError):
            list(distinct(2, lambda: (1,)))

    def test_where_ttp_is(self) -> None:
        self.assertEqual(data.program().name, "ttp")


if __name__ == "__main__":
    unittest.main()
