"""Exercises: their form, what a wrong solution says, and the course that is handed out."""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

import exercises
import kernel
import notebook_file
import project
import run_notebooks

CHAPTERS = [f"{number:02}" for number in range(1, 16)]


def checked(said: str):
    """An executed notebook with one exercise, whose check printed `said`."""
    nb = new_notebook(cells=[
        new_markdown_cell("### Exercise 03.1: what has training seen?\n\n**Guess.**"),
        new_code_cell("let found: f64 = 1.0;", metadata={"tags": ["solution"]}),
        new_code_cell("check();", metadata={"tags": ["check"]}),
    ])
    nb.cells[2].outputs = [new_output("stream", name="stdout", text=said)]
    return nb


class Form(unittest.TestCase):
    def test_three_exercises_for_each_notebook(self) -> None:
        found = []
        for path in exercises.known():
            nb = notebook_file.read(path)
            exercises.check_structure(path, nb)
            self.assertEqual(nb.metadata.kernelspec.name, kernel.NAME, path.name)
            solutions = sum(exercises.has_tag(cell, "solution") for cell in nb.cells)
            headings = [heading for cell in nb.cells if cell.cell_type == "markdown"
                        for heading in re.findall(r"^### Exercise (\d\d\.\d): ", cell.source, re.M)]
            self.assertEqual(len(headings), solutions, path.name)
            found += headings
        self.assertEqual(found, [f"{chapter}.{n}" for chapter in CHAPTERS for n in (1, 2, 3)])

    def test_each_asks_for_a_guess_and_three_to_ten_lines(self) -> None:
        for path in exercises.known():
            nb = notebook_file.read(path)
            for index, cell in enumerate(nb.cells):
                if not exercises.has_tag(cell, "solution"):
                    continue
                with self.subTest(exercises.exercise_of(nb.cells, index)):
                    self.assertIn("**Guess**", nb.cells[index - 1].source)
                    self.assertRegex(cell.source, r"^let guess: f64 = [\d.]+;\nlet found: f64 =")
                    self.assertLessEqual(len(cell.source.splitlines()), 1 + 10)

    def test_they_share_their_first_helpers(self) -> None:
        helpers = {notebook_file.read(path).cells[2].source for path in exercises.known()}
        self.assertEqual(len(helpers), 1)

    def test_a_form_that_is_wrong_is_named(self) -> None:
        path = Path("01-03_corpus.ipynb")
        alone = new_notebook(cells=[new_code_cell("1", metadata={"tags": ["solution"]})])
        left = new_notebook(cells=[new_code_cell("1", execution_count=3)])
        for nb, said in ((alone, "01-03_corpus.ipynb, cell 1: a solution without a check cell below it"),
                         (left, "01-03_corpus.ipynb, cell 1: it holds an output: clear all outputs "
                                "before saving"),
                         (new_notebook(), "01-03_corpus.ipynb: no cell has the tag 'solution'")):
            with self.subTest(said), self.assertRaises(project.Problem) as raised:
                exercises.check_structure(path, nb)
            self.assertEqual(str(raised.exception), said)


class Solutions(unittest.TestCase):
    def test_right_and_without_a_figure(self) -> None:
        path = Path("a.ipynb")
        self.assertEqual(exercises.judge(path, checked("Right: 102. You guessed 50. So.\n")), (1, 0))
        self.assertEqual(exercises.judge(path, checked("Not checked: no such figure.\n")), (0, 1))

    def test_a_wrong_one_is_one_line(self) -> None:
        for said, line in (("Not yet: 7 is not\nthe answer.\n", "Not yet: 7 is not the answer."),
                           ("\x1b[31mRight: 7", "Right: 7"), ("", "nothing")):
            with self.subTest(said), self.assertRaises(run_notebooks.Failed) as raised:
                exercises.judge(Path("a.ipynb"), checked(said))
            self.assertEqual(str(raised.exception), "a.ipynb, exercise 03.1: the solution is wrong, "
                             f"its check says: {line}")

    def test_a_solution_and_its_check_run_as_one_cell(self) -> None:
        one = exercises.joined(checked("Right: 1\n"))
        self.assertEqual([cell.source for cell in one.cells[1:]],
                         ["let found: f64 = 1.0;\ncheck();"])
        self.assertTrue(exercises.has_tag(one.cells[1], "check"))

    def run_with(self, problem: "str | None", said: str = "") -> "tuple[int, str, str]":
        """`main` on one notebook whose kernel ends with a problem in its solution."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "a.ipynb"
            nb = checked(said)
            outputs, nb.cells[2].outputs = nb.cells[2].outputs, []
            nbformat.write(nb, path)

            def execute(nb, *_):
                nb.cells[1].outputs = outputs
                return mock.Mock(current=1, code_cells=[1]), problem

            out, err = io.StringIO(), io.StringIO()
            out.reconfigure = err.reconfigure = lambda **_: None
            with mock.patch.object(exercises, "FOLDER", Path(folder)), \
                    mock.patch.object(run_notebooks, "execute", execute), \
                    mock.patch.object(kernel, "need_program"), \
                    mock.patch.object(kernel, "write_settings"), \
                    mock.patch.dict(os.environ, {"TTP_PROFILE": "smoke"}), \
                    mock.patch.object(sys, "argv", ["exercises.py"]), \
                    contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                return exercises.main(), out.getvalue(), err.getvalue()

    def test_one_that_panics(self) -> None:
        said = "thread '<unnamed>' panicked at src/lib.rs:3:5:\nindex out of bounds"
        code, _, err = self.run_with(said)
        self.assertEqual((code, err), (1, "error: a.ipynb, exercise 03.1: thread '<unnamed>' panicked "
                                          "at src/lib.rs:3:5: index out of bounds\n"))

    def test_one_that_is_wrong(self) -> None:
        code, _, err = self.run_with(None, "Not yet: 7 is not the answer.\n")
        self.assertEqual((code, err), (1, "error: a.ipynb, exercise 03.1: the solution is wrong, its "
                                          "check says: Not yet: 7 is not the answer.\n"))

    def test_one_that_is_right(self) -> None:
        code, out, err = self.run_with(None, "Right: 7. You guessed 5.\n")
        self.assertEqual((code, err), (0, ""))
        self.assertIn("  1 solutions are right\n  done in ", out)

    def test_unknown_exercises(self) -> None:
        with self.assertRaises(project.Problem) as raised:
            exercises.chosen(["14_more"])
        self.assertIn("unknown exercises '14_more'; known: 01-03_corpus, ", str(raised.exception))


class Course(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.reports = self.folder / "out" / "reports"
        patch = mock.patch.dict(os.environ, {"TTP_OUT": str(self.folder / "out")})
        patch.start()
        self.addCleanup(patch.stop)

    def write(self, name: str = "course") -> Path:
        out = self.folder / name
        with contextlib.redirect_stdout(io.StringIO()) as said:
            exercises.write_course(out)
        self.said = said.getvalue()
        return out

    def test_students_see_no_solution_and_keep_the_checks(self) -> None:
        out = self.write()
        for path in exercises.known():
            own = notebook_file.read(path)
            student = notebook_file.read(out / "student" / path.name)
            solved = notebook_file.read(out / "solutions" / path.name)
            text = (out / "student" / path.name).read_text()
            for mine, theirs, whole in zip(own.cells, student.cells, solved.cells):
                if exercises.has_tag(mine, "solution"):
                    self.assertEqual(theirs.source, exercises.STUB)
                    self.assertEqual(whole.source, mine.source)
                elif exercises.has_tag(mine, "check"):
                    self.assertEqual(theirs.source, mine.source)
                    self.assertTrue(theirs.metadata.jupyter.source_hidden)
                    self.assertEqual(whole, mine)
            self.assertNotIn('"solution"', text)
        self.assertFalse((out / "reports").exists())

    def test_they_find_the_library_from_anywhere(self) -> None:
        out = self.write()
        for path in out.glob("s*/*.ipynb"):
            text = path.read_text()
            self.assertNotIn("../../ttp-lib", text)
            first = next(c for c in notebook_file.read(path).cells if c.cell_type == "code").source
            self.assertTrue(first.startswith(f':dep ttp-lib = {{ path = "{project.ROOT}/ttp-lib" }}'))
            self.assertTrue(first.endswith(f'std::env::set_current_dir("{exercises.FOLDER}")?;'))

    def test_pages_come_with_it(self) -> None:
        self.reports.mkdir(parents=True)
        (self.reports / "index.html").write_text("<p>")
        out = self.write()
        self.assertEqual([p.name for p in (out / "reports").iterdir()], ["index.html"])
        self.assertIn(f"TTP_OUT={self.folder}", (out / "README.md").read_text())
        self.assertIn("5 notebooks of exercises, their solutions and 1 pages: ", self.said)

    def test_a_folder_that_has_files_is_refused(self) -> None:
        (self.folder / "course").mkdir()
        (self.folder / "course" / "mine.txt").write_text("mine")
        with self.assertRaises(project.Problem) as raised:
            self.write()
        self.assertIn("course: there are files already: name a folder that is new or empty",
                      str(raised.exception))
        self.assertEqual([p.name for p in self.folder.iterdir()], ["course"])
        self.assertEqual([p.name for p in (self.folder / "course").iterdir()], ["mine.txt"])
        (self.folder / "file").write_text("")
        with self.assertRaises(project.Problem):
            self.write("file")

    def test_an_empty_one_is_taken(self) -> None:
        (self.folder / "course").mkdir()
        self.assertTrue((self.write() / "student").is_dir())

    def test_half_a_course_is_none(self) -> None:
        with mock.patch.object(exercises, "for_students", side_effect=project.Problem("no")), \
                self.assertRaises(project.Problem):
            self.write()
        self.assertEqual(list(self.folder.iterdir()), [])


if __name__ == "__main__":
    unittest.main()
