"""`make fuzz`: which targets, how long, and one line for what makes no sense."""

from __future__ import annotations

import os
import unittest
from unittest import mock

import fuzz
from project import Problem


class Targets(unittest.TestCase):
    def test_they_are_those_of_the_program(self) -> None:
        with mock.patch.dict(os.environ, {"TARGETS": ""}):
            known = fuzz.targets()
        self.assertEqual(len(known), len(set(known)))
        self.assertLessEqual({"stix", "netml", "audit"}, set(known))
        seeds = {folder.name for folder in (fuzz.FUZZ / "seeds").iterdir()}
        self.assertLessEqual(seeds, set(known), "seeds of no target")

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


if __name__ == "__main__":
    unittest.main()
