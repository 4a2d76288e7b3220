"""What makes the project hard to read is counted, and the counts only fall."""

from __future__ import annotations

import contextlib
import io
import json
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import plain
import project
import report


class Today(unittest.TestCase):
    def test_no_count_is_higher_than_it_may_be(self) -> None:
        high = [line for line in plain.report(False) if not line.startswith("lines of README")]
        self.assertNotIn("too many", "\n".join(high + plain.report(False)), "\n".join(high))

    def test_the_training_loop_alone_is_left_out(self) -> None:
        tagged = [(path.name, number) for path in plain.notebooks()
                  for number, cell, _ in plain.cells(path, "code")
                  if plain.TRAINING_LOOP in cell["metadata"].get("tags", [])]
        self.assertEqual([name for name, _ in tagged], ["06_finetune.ipynb"])

    def test_help_is_read_too(self) -> None:
        source = "use clap::Args;\n/// Count what leaks.\n//! A module.\nfn a() {}\n"
        self.assertEqual(plain.help_texts(source), ["Count what leaks."])
        self.assertEqual(plain.help_texts("/// what leaks\n"), [])

    def test_each_notebook_asks_first_and_ends_with_the_library_and_the_next(self) -> None:
        for path in sorted(project.NOTEBOOKS.glob("*.ipynb")):
            texts = [text for _, _, text in plain.cells(path, "markdown")]
            self.assertIn("?", texts[0], f"{path.name} begins with no question")
            self.assertTrue(texts[-1].startswith("## Where this is in the library\n"), path.name)
            self.assertRegex(texts[-1], r"\*\*Next:\*\* .+[.?]$", path.name)

    def test_files_to_which_notebooks_link_are_there(self) -> None:
        links = [(path, link) for path in plain.notebooks()
                 for _, _, text in plain.cells(path, "markdown")
                 for _, link in report.FILE_LINK.findall(text)]
        self.assertGreater(len(links), 14)
        for path, link in links:
            self.assertTrue((path.parent / link).exists(), f"{path.name}: {link}")


class Planted(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        (self.root / "notebooks").mkdir()
        (self.root / "ttp-lib" / "src").mkdir(parents=True)
        (self.root / "README.md").write_text("# A title\n")
        for name, value in (("ROOT", self.root), ("NOTEBOOKS", self.root / "notebooks")):
            patch = mock.patch.object(project, name, value)
            patch.start()
            self.addCleanup(patch.stop)

    def cell(self, kind: str, source: str, *tags: str) -> None:
        metadata = {"tags": list(tags)} if tags else {}
        cells = [{"cell_type": kind, "metadata": metadata, "source": source.splitlines(True)}]
        path = self.root / "notebooks" / "01_corpus.ipynb"
        path.write_text(json.dumps({"cells": cells}))

    def found(self) -> str:
        return "\n".join(str(finding) for *_, findings in plain.counts() for finding in findings)

    def test_a_long_cell_and_not_the_training_loop(self) -> None:
        self.cell("code", "let a = 1;\n" * 16)
        self.assertEqual(self.found(),
                         "notebooks/01_corpus.ipynb, cell 1: 16 lines, more than 15")
        self.cell("code", "let a = 1;\n" * 15)
        self.assertEqual(self.found(), "")
        self.cell("code", "let a = 1;\n" * 16, "training-loop")
        self.assertEqual(self.found(), "")

    def test_a_private_word_in_prose(self) -> None:
        self.cell("markdown", "# Leaks\n\nEach row has a twin in training.")
        self.assertEqual(self.found(), "notebooks/01_corpus.ipynb, cell 1, line 3: "
                         "'twin': write augmented copy")
        self.cell("markdown", "The tables call it a *twin*; `twin` is a field of results.json.")
        self.assertEqual(self.found(), "")

    def test_a_private_word_in_a_document_but_for_code(self) -> None:
        (self.root / "README.md").write_text("One\n\n```\na witness\n```\nTwo remedies help.\n")
        self.assertEqual(self.found(),
                         "README.md:6: 'remedies': write method against class imbalance")

    def test_a_private_word_that_a_program_prints(self) -> None:
        source = ('// a twin\nconst KEY: &str = "twins";\nconst SAID: &str = "no \\"twin\\" \\\n'
                  '    is there";\n#[cfg(test)]\nmod tests { const A: &str = "a twin"; }\n')
        (self.root / "ttp-lib" / "src" / "lib.rs").write_text(source)
        self.assertEqual(plain.messages(source), ['no \\"twin\\" is there'])
        self.assertEqual(self.found(), "ttp-lib/src/lib.rs: 'twin': write augmented copy")

    def test_words_that_only_look_like_it(self) -> None:
        self.cell("markdown", "He shares ofttimes; a twinned, sinking name; `twins`; takes inputs.")
        self.assertEqual(self.found(), "")

    def test_a_readme_that_is_too_long(self) -> None:
        (self.root / "README.md").write_text("line\n" * 151)
        out = io.StringIO()
        with contextlib.redirect_stdout(out), mock.patch.object(sys, "argv", ["plain.py"]):
            self.assertEqual(plain.main(), 1)
        self.assertIn("too many: lines of README.md: 151, at most 150\n", out.getvalue())


if __name__ == "__main__":
    unittest.main()
