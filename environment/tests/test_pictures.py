"""Pictures: each is whole, small, says what it shows and which run it is from."""

from __future__ import annotations

import copy
import json
import os
import re
import shutil
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from unittest import mock

import pictures
import project

SCORE = {"value": 0.84, "low": 0.81, "high": 0.86}
COUNTS = {"tp": 282, "fp": 183, "fn": 0, "tn": 0}
FIGURES = {
    "corpus": {"rows": 13057, "techniques": 188, "techniques_kept": 2, "trimmed_rows": 90,
               "test_rows": {"paper": 200}, "leaked_test_rows": {"paper": 91}},
    "claims_audit": {"documents": [{"document": "family summary", "claims": [1, 2]},
                                   {"document": "family report", "claims": [3]}]},
    "comparison": {"published": [{"model": "BERT", "f1": 0.9}],
                   "ours": {"minilm, protocol clean": {
                       "checkpoint": "minilm", "protocol": "clean", "f1_macro": SCORE}}},
    "finetune": {"minilm.clean": {"accuracy": 0.848, "confusion": {
        "labels": ["T1003", "T<1>"], "rows_truth_columns_predicted": [[3, 1], [0, 4]]}}},
    "similarity_report": {"published": {
        "baseline": {"tp": 49, "fp": 10, "fn": 233, "tn": 173}, "basic": COUNTS,
        "advanced": {"tp": 282, "fp": 168, "fn": 0, "tn": 15}}},
}


class Drawn(unittest.TestCase):
    """What lies in docs/."""

    def test_each_is_small_whole_and_says_what_it_shows(self) -> None:
        for picture in pictures.PICTURES:
            path = pictures.FOLDER / f"{picture.name}.svg"
            with self.subTest(path.name):
                self.assertLess(path.stat().st_size, pictures.MOST_BYTES)
                root = ElementTree.parse(path).getroot()
                names = {child.tag.rpartition("}")[2]: child.text for child in root}
                self.assertTrue(names["title"] and len(names["desc"]) > 40)
                self.assertNotRegex(path.read_text(), r"<script|href=|url\(h|<image")
                self.assertEqual(pictures.origin(path)["profile"], "laptop")

    def test_readme_shows_three_of_them_and_says_what_is_seen(self) -> None:
        readme = (project.ROOT / "README.md").read_text(encoding="utf-8")
        shown = re.findall(r"!\[([^\]]+)\]\(docs/(\w+)\.svg\)", readme)
        self.assertGreaterEqual(len(shown), 3)
        for alternative, name in shown:
            self.assertIn(name, [picture.name for picture in pictures.PICTURES])
            self.assertGreater(len(alternative), 60, name)

    def test_none_is_older_than_the_run_here(self) -> None:
        with mock.patch.dict(os.environ, {"TTP_OUT": ""}):
            try:
                lines = pictures.older()
            except project.Problem as problem:
                self.skipTest(f"no run to compare the pictures with: {problem}")
        if lines:
            # Another machine's figures differ a little: no fault of the pictures.
            self.skipTest(lines[0])


class Planted(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        self.docs = self.root / "docs"
        self.docs.mkdir()
        for patch in (mock.patch.object(pictures, "FOLDER", self.docs),
                      mock.patch.object(project, "ROOT", self.root),
                      mock.patch.dict(os.environ, {"TTP_OUT": str(self.root)})):
            patch.start()
            self.addCleanup(patch.stop)
        self.results(FIGURES)

    def results(self, figures: dict, profile: str = "laptop") -> None:
        shutil.rmtree(self.root / "results", ignore_errors=True)
        (self.root / "results").mkdir()
        (self.root / "reports").mkdir(exist_ok=True)
        for name, value in figures.items():
            if name == "finetune":
                name, value = "finetune.minilm.clean", value["minilm.clean"]
            (self.root / "results" / f"{name}.json").write_text(json.dumps(value))
        (self.root / "reports" / "results.json").write_text(
            json.dumps({"profile": profile, "commit": "abc"}))

    def main(self, *arguments: str) -> "tuple[int, str]":
        err = StringIO()
        with mock.patch.object(sys, "argv", ["pictures.py", *arguments]), redirect_stderr(err), \
                redirect_stdout(StringIO()):
            return pictures.main(), err.getvalue()

    def test_drawn_and_not_older(self) -> None:
        self.assertEqual(self.main(), (0, ""))
        text = (self.docs / "confusion.svg").read_text()
        self.assertIn("T&lt;1&gt;", text)
        ElementTree.fromstring(text)
        self.assertIn(">2 claims of<", (self.docs / "pipeline.svg").read_text())
        self.assertEqual(self.main("--check"), (0, ""))

    def test_one_that_is_older_than_its_data(self) -> None:
        self.main()
        changed = copy.deepcopy(FIGURES)
        changed["comparison"]["ours"]["minilm, protocol clean"]["f1_macro"]["value"] = 0.83
        self.results(changed)
        code, err = self.main("--check")
        self.assertEqual(code, 1)
        self.assertRegex(err, r"^error: docs/macro_f1.svg is of \d{4}-\d\d-\d\d, and .*results has "
                              r"other figures, of \d{4}-\d\d-\d\d: run `make pictures`\n$")
        self.results(changed, profile="smoke")
        self.assertEqual(self.main("--check"), (0, ""))

    def test_a_figure_that_is_missing_leaves_all_as_they_were(self) -> None:
        self.main()
        before = {path.name: path.read_bytes() for path in self.docs.iterdir()}
        fewer = copy.deepcopy(FIGURES)
        del fewer["similarity_report"]
        fewer["corpus"]["rows"] = 7
        self.results(fewer)
        code, err = self.main()
        self.assertEqual(code, 1)
        self.assertIn("no similarity_report / published: run `make reproduce` first\n", err)
        self.assertEqual({path.name: path.read_bytes() for path in self.docs.iterdir()}, before)

    def test_no_run_and_no_comment(self) -> None:
        self.results({})
        self.assertIn("holds no results: run `make reproduce` first", self.main()[1])
        self.results(FIGURES)
        self.main()
        (self.docs / "pipeline.svg").write_text("<svg/>")
        self.assertIn("pipeline.svg: no comment says what it was drawn from", self.main("--check")[1])

    def test_png_without_a_program(self) -> None:
        self.main()
        with mock.patch.object(shutil, "which", lambda name: None):
            code, err = self.main("--png")
        self.assertEqual((code, err), (1, "error: neither resvg nor Chromium on PATH, which write "
                                          "PNG: cargo install resvg, or apt-get install chromium\n"))


if __name__ == "__main__":
    unittest.main()
