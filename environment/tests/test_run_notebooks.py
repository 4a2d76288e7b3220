"""The runner: what passes, what fails and how it says so, and what a kill leaves."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import findings
import memory
import notebook_file
import profiles
import project
import run_notebooks
from profiles import Profile
from project import Problem
from tests.support import PROFILE, HouseWithKernel, ended, notebook, until

SAVE = ("import pathlib\nout = pathlib.Path('../results')\nout.mkdir(exist_ok=True)\n"
        "(out / 'corpus.json').write_text('{\"rows\": 7}')\nprint('saved')")
GOOD = notebook("# 01 · Good\n\n**Goal.** One file.", "x = 1", SAVE, outputs=["results/corpus.json"])


class Words(unittest.TestCase):
    def test_only_what_is_known_to_be_harmless_passes_on_standard_error(self) -> None:
        for line in ("[W1123 02:35:00.123456789 CPUAllocator.cpp:249] Warning: memory is low",
                     "[W NNPACK.cpp:64] Could not initialize NNPACK! Reason: Unsupported hardware.",
                     "  (function operator())", "OMP: Info #276: a routine is deprecated.", "",
                     "\x1b[33mOMP: Info #1: coloured\x1b[0m"):
            self.assertEqual(run_notebooks.unexpected(line), [], line)
        for line in ("No such file or directory (os error 2)", "thread 'main' panicked at src/lib.rs:1:5:",
                     "[W] not from libtorch", "warning: [W1 a.cpp:1] x", "OMP: Error #15: two of them"):
            self.assertEqual(run_notebooks.unexpected(line + "\n"), [line])

    def test_a_failure_is_said_without_the_kernels_own_backtrace(self) -> None:
        said = "thread 'main' panicked:\nno such label\nstack backtrace:\n   0: rust_begin_unwind\n"
        self.assertEqual(run_notebooks.why(said, "x"), "thread 'main' panicked:\nno such label")
        self.assertEqual(run_notebooks.why("", "\x1b[31merror[E0425]\x1b[0m\n"), "error[E0425]")
        self.assertEqual(run_notebooks.why("", " "), "the cell failed and said nothing")
        self.assertNotIn("\x1b", run_notebooks.why("bad \x1b]0;title\x07 label", ""))

    def test_no_terminal_escape_gets_through(self) -> None:
        self.assertEqual(run_notebooks.safe("a\x1b[2J\x1b[1;31mb\tc"), "ab\tc")
        for hostile in ("\x1b]0;title\x07", "\x9b2J", "\r", "\x08", "\u202eexe.fdp", "\x00"):
            shown = run_notebooks.safe(f"a{hostile}b")
            self.assertTrue(all(c.isprintable() for c in shown), ascii(shown))

    def test_what_a_cell_prints_stands_below_its_line(self) -> None:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            progress = run_notebooks.Progress(12)
            progress.start(3, "let x = 1;")
            progress.stream("one\r\ntw")
            progress.stream("o\x1b[2J\nthree")
            progress.finish(1.26)
        self.assertEqual(out.getvalue(), "   3/12  let x = 1;\n         one\n         two\n"
                         "         three\n         1.3 s\n")

    def test_a_cell_is_called_by_what_it_does(self) -> None:
        for source, wanted in (("use a::b;\nlet x = 1;", "let x = 1;"), ("// Train it.\nlet x = 1;", "Train it."),
                               ("\n\nuse a;\n", "use a;"), ("//\nlet y = 2;", "let y = 2;")):
            self.assertEqual(run_notebooks.label([SimpleNamespace(source=source)], 0), wanted)
        cells = [SimpleNamespace(cell_type="markdown", source="## Train\n\ntext"),
                 SimpleNamespace(cell_type="code", source=":dep a = \"1\"\nlet x = 1;"),
                 SimpleNamespace(cell_type="markdown", source="# One\n\n### Two"),
                 SimpleNamespace(cell_type="code", source="let y = 2;"),
                 SimpleNamespace(cell_type="code", source="let z = 3;")]
        self.assertEqual([run_notebooks.label(cells, at) for at in (1, 3, 4)],
                         [':dep a = "1"', "Two", "let z = 3;"])
        self.assertEqual(len(run_notebooks.label([SimpleNamespace(source="x" * 999)], 0)), 64)
        cells = [SimpleNamespace(cell_type="markdown", source="# Balance\n\nWhy # this."),
                 SimpleNamespace(cell_type="code", source="let x = 1;"),
                 SimpleNamespace(cell_type="code", source="let y = 2;"),
                 SimpleNamespace(cell_type="markdown", source="## Next"),
                 SimpleNamespace(cell_type="code", source=":dep ttp-lib")]
        labels = [run_notebooks.label(cells, index) for index in (1, 2, 4)]
        self.assertEqual(labels, ["Balance", "let y = 2;", ":dep ttp-lib"])


    def test_a_plot_that_draws_nothing(self) -> None:
        ground = '<svg><rect x="0" y="0" width="9" height="9"/><line x1="0" y1="1"/><text>0.5</text>'
        for marks, empty in (("", True), ('<circle cx="1"/>', False), ('<rect x="1" y="0"/>', False),
                             ('<polyline points="1,2"/>', False), ("<title>rect</title>", True)):
            output = {"data": {"image/svg+xml": [ground, f"{marks}</svg>"]}}
            self.assertEqual(findings.is_empty_plot(output), empty, marks)
        self.assertFalse(findings.is_empty_plot({"data": {"text/html": "<table>"}}))
        self.assertFalse(findings.is_empty_plot({"output_type": "stream", "text": "x"}))


class Mistakes(HouseWithKernel):
    """Mistakes that are found before a kernel starts."""

    def setUp(self) -> None:
        super().setUp()
        self.entered(mock.patch.object(project, "NOTEBOOKS", self.root / "notebooks"))
        self.entered(mock.patch.object(profiles, "FOLDER", self.root / "notebooks/profiles"))
        self.entered(mock.patch.dict(os.environ, {"TTP_CHECKPOINT": ""}))

    def refuses(self, action, *words: str) -> None:
        with self.assertRaises(Problem) as caught:
            action()
        self.assertNotIn("\n", str(caught.exception))
        for word in words:
            self.assertIn(word, str(caught.exception))

    def test_profiles(self) -> None:
        for name, content, words in (
            ("labtop", None, ["unknown profile 'labtop'", "smoke", "JSON file"]),
            ("../profiles/smoke", None, ["unknown profile '../profiles/smoke'"]),
            ("schema", None, ["unknown profile 'schema'"]),
            ("gone.json", None, ["gone.json", "No such file"]),
            ("own.json", b"{\n", ["own.json", "line 2"]),
            ("list.json", b"[1]", ["list.json", "JSON object"]),
            ("bytes.json", b"\xff\xfe", ["bytes.json", "utf-8"]),
            ("deep.json", b"[" * 100_000, ["deep.json"]),
        ):
            path = str(self.root / name) if name.endswith(".json") else name
            if content is not None:
                self.write(name, content)
            with self.subTest(name):
                self.refuses(lambda: Profile.read(path), *words)

    def test_checkpoints(self) -> None:
        for named in ('"minilm"', "[]", "[1]", "{}", "null"):
            profile = Profile.read(str(self.write("odd.json", f'{{"checkpoints": {named}}}')))
            self.refuses(profile.checkpoints, "odd.json", 'field "checkpoints"')
        with mock.patch.dict(os.environ, {"TTP_CHECKPOINT": "three"}):
            self.refuses(Profile.read("smoke").checkpoints, "unknown checkpoint 'three'", "one, two")
        with mock.patch.dict(os.environ, {"TTP_CHECKPOINT": "two"}):
            self.assertEqual(Profile.read("smoke").checkpoints(), ["two"])

    def test_notebooks(self) -> None:
        good = self.write("notebooks/01_good.ipynb", GOOD)
        for name in ("01", "01_good", "01_good.ipynb", "notebooks/01_good.ipynb"):
            self.assertEqual(run_notebooks.notebooks([name]), [good])
        self.refuses(lambda: run_notebooks.notebooks(["09"]), "unknown notebook '09'", "01_good")
        other = self.write("notebooks/03_other.ipynb", GOOD)
        self.assertEqual(run_notebooks.notebooks([]), [good, other])
        self.assertEqual(run_notebooks.notebooks([], ["03_other"]), [other])
        self.assertEqual(run_notebooks.notebooks(["01"], ["03_other"]), [good])
        other.unlink()
        for named in ('"01"', "[]", "[1]", "{}"):
            own = self.write("odd.json", f'{{"notebooks": {named}}}')
            self.refuses(Profile.read(str(own)).notebooks, "odd.json", 'field "notebooks"')
        for content in ("<<<<<<< HEAD", "[]",
                        '{"cells": 1, "nbformat": 4, "nbformat_minor": 5, "metadata": {}}'):
            odd = self.write("notebooks/02_odd.ipynb", content)
            with self.subTest(content):
                self.refuses(lambda: notebook_file.read(odd), "02_odd.ipynb", "not a notebook")
        odd = self.write("notebooks/02_odd.ipynb", notebook("x = 1", inputs="a.csv"))
        self.refuses(lambda: notebook_file.files(odd, "inputs"), "02_odd.ipynb", "ttp.inputs")

    def test_they_end_the_run_with_one_line(self) -> None:
        self.write("notebooks/01_good.ipynb", GOOD)
        self.write("notebooks/02_next.ipynb", notebook("x = 1", inputs=["data/processed/a.parquet"]))
        self.one_line(self.run_notebooks("09"), "unknown notebook '09'")
        self.one_line(self.run_notebooks("02"), "02_next.ipynb", "a.parquet", "not there", "make data")
        own = self.write("own.json", '{"checkpoints": ["one", "thre"]}')
        self.one_line(self.run_notebooks(TTP_PROFILE=str(own)), "own.json", "'thre'", "known: one, two")
        self.one_line(self.python("environment/run_notebooks.py"), "evcxr_jupyter", "make setup")
        self.assertEqual(self.reports(), {})


# Runs no cell: each notebook writes its outputs, and what it read into them.
WITHOUT_KERNEL = """\
import json, sys
import kernel, notebook_file, project, report, run_notebooks

def run_one(state, timeout):
    read = [path.read_text() for path in state.inputs]
    for path in state.outputs:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({state.name: [state.profile.name, *read]}))
    state.check_outputs()
    nb = notebook_file.read(state.path)
    for write, kind in ((report.write_notebook, "ipynb"), (report.write_html, "html")):
        write(nb, project.output() / "reports" / f"{state.name}.{kind}")

kernel.need_program = lambda: None
run_notebooks.run_one = run_one
sys.exit(run_notebooks.main())
"""


class Profiles(HouseWithKernel):
    """Two profiles by turns in one folder."""

    def setUp(self) -> None:
        super().setUp()
        self.write("environment/without_kernel.py", WITHOUT_KERNEL)
        self.write("notebooks/profiles/other.json", '{"checkpoints": ["one"]}')
        self.write("notebooks/01_corpus.ipynb", notebook(
            "# 01", outputs=["data/processed/splits", "results/corpus.json"]))
        self.write("notebooks/04_train.ipynb", notebook(
            "# 04", per_checkpoint=True, inputs=["data/processed/splits"],
            outputs=["results/finetune.{checkpoint}.json"]))

    def run_with(self, profile: str, *names: str, **variables: str):
        return self.python("environment/without_kernel.py", *names, TTP_PROFILE=profile, **variables)

    def results(self) -> dict:
        return json.loads((self.root / "reports/results.json").read_text())

    def test_a_notebook_alone_does_not_take_what_another_profile_made(self) -> None:
        self.assertEqual(self.run_with("smoke").returncode, 0)
        before = self.reports()
        for names in (("04",), ("04_train",)):
            self.one_line(self.run_with("other", *names), "04_train.ipynb reads data/processed/splits",
                          "01_corpus made under profile smoke", "make reproduce", "TTP_OUT=")
        self.assertEqual(self.reports(), before)
        # Its own inputs are none of that profile's, so 01 may run; the figures stay apart.
        alone = self.run_with("other", "01")
        self.assertEqual(alone.returncode, 0, alone.stderr)
        self.assertEqual((self.results()["profile"], set(self.results())),
                         ("other", {"schema", "profile", "commit", "corpus"}))
        self.one_line(self.run_with("smoke", "04"), "01_corpus made under profile other")
        both = self.run_with("other", "01", "04", TTP_CHECKPOINT="one")
        self.assertEqual(both.returncode, 0, both.stderr)
        self.assertEqual(set(self.results()["finetune"]), {"one"})

    def test_a_whole_run_with_one_checkpoint_mixes_nothing(self) -> None:
        self.assertEqual(self.run_with("smoke").returncode, 0)
        other = self.run_with("other", TTP_CHECKPOINT="one")
        self.assertEqual(other.returncode, 0, other.stderr)
        self.assertEqual(set(self.results()["finetune"]), {"one"})
        self.assertFalse((self.root / "reports/04_train.two.html").exists())

    def test_the_first_profiles_run_comes_back_whole(self) -> None:
        self.assertEqual(self.run_with("smoke").returncode, 0)
        first = self.reports()
        self.assertEqual(self.run_with("other").returncode, 0)
        again = self.run_with("smoke")
        for name in ("01_corpus", "04_train.one", "04_train.two"):
            self.assertIn(f"{name} is up to date", again.stdout)
        kept = {name: text for name, text in self.reports().items() if not name.startswith(".earlier")}
        self.assertEqual(kept, first)


class Runs(HouseWithKernel):
    def test_a_second_run_redoes_nothing(self) -> None:
        self.write("notebooks/01_good.ipynb", GOOD)
        first = self.run_notebooks()
        self.assertEqual(first.returncode, 0, first.stderr)
        self.assertIn("01_good  (profile smoke)\n  1/2  01 · Good  ", first.stdout)
        self.assertIn("saved", first.stdout)
        self.assertEqual(first.stdout.splitlines()[-1], str(self.root / "reports/index.html"))
        self.assertEqual(json.loads((self.root / "reports/results.json").read_text())["corpus"], {"rows": 7})
        made = self.reports()
        self.assertEqual({"01_good.ipynb", "01_good.html", "index.html", "results.json"}, set(made))
        second = self.run_notebooks()
        self.assertEqual(second.returncode, 0, second.stderr)
        self.assertEqual(second.stdout, f"01_good is up to date\n\n{self.root}/reports/index.html\n")
        self.assertEqual(self.reports(), made)
        # Where only the page is out of date, only the page is made again.
        self.write("environment/template/ttp/style.css", "main { color: #123456; }")
        third = self.run_notebooks()
        self.assertIn("01_good is up to date", third.stdout)
        page = (self.root / "reports/01_good.html").read_text()
        self.assertIn("#123456", page)
        self.assertEqual(self.reports()["01_good.ipynb"], made["01_good.ipynb"])
        # And where somebody has changed it; a changed notebook there is made by a run alone.
        self.write("reports/01_good.html", page.replace("saved", "lost"))
        self.assertIn("01_good is up to date", self.run_notebooks().stdout)
        self.assertEqual((self.root / "reports/01_good.html").read_text(), page)
        self.write("reports/01_good.ipynb", made["01_good.ipynb"].replace(b"saved", b"lost"))
        self.assertIn("01_good  (profile smoke)", self.run_notebooks().stdout)
        self.assertIn(b"saved", self.reports()["01_good.ipynb"])

    def test_each_checkpoint_has_its_run(self) -> None:
        self.write("notebooks/04_train.ipynb", notebook(
            "import os, pathlib\npathlib.Path('../results').mkdir(exist_ok=True)\n"
            "name = os.environ['TTP_CHECKPOINT']\n"
            "pathlib.Path(f'../results/finetune.{name}.clean.json').write_text('{\"f1_macro\": 0.5}')",
            per_checkpoint=True, outputs=["results/finetune.{checkpoint}.*.json"]))
        one = self.run_notebooks("04", TTP_CHECKPOINT="two")
        self.assertEqual(one.returncode, 0, one.stderr)
        both = self.run_notebooks()
        self.assertIn("04_train.two is up to date", both.stdout)
        self.assertIn("04_train.one  (profile smoke)", both.stdout)
        found = json.loads((self.root / "reports/results.json").read_text())["finetune"]
        self.assertEqual(set(found), {"one.clean", "two.clean"})
        # Another profile without `two`: its figures are not mixed with these.
        self.write("notebooks/profiles/small.json", '{"checkpoints": ["one"]}')
        other = self.run_notebooks(TTP_PROFILE="small")
        self.assertEqual(other.returncode, 0, other.stderr)
        self.assertIn("04_train.two is of profile smoke: set aside in reports/.earlier/smoke/", other.stdout)
        found = json.loads((self.root / "reports/results.json").read_text())
        self.assertEqual((found["profile"], set(found["finetune"])), ("small", {"one.clean"}))
        self.assertTrue((self.root / "reports/.earlier/smoke/results/finetune.two.clean.json").exists())
        self.assertFalse((self.root / "reports/04_train.two.html").exists())

    def test_continued_pretraining_runs_where_a_checkpoint_has_it(self) -> None:
        self.write("notebooks/04_train.ipynb", notebook("1", per_checkpoint="pretrained"))
        none = self.run_notebooks("04")
        self.assertEqual(none.returncode, 0, none.stderr)
        self.assertIn("04_train is not run: no checkpoint of profile smoke has continued pretraining",
                      none.stdout)
        chosen = self.run_notebooks("04", TTP_CHECKPOINT="one")
        self.assertIn("04_train is not run: checkpoint one has no continued pretraining", chosen.stdout)
        self.assertNotIn("04_train", self.run_notebooks().stdout)
        self.write("notebooks/profiles/more.json", '{"checkpoints": ["one", "further"]}')
        one = self.run_notebooks("04", TTP_PROFILE="more")
        self.assertEqual(one.returncode, 0, one.stderr)
        self.assertIn("04_train.further  (profile more)", one.stdout)
        self.assertFalse((self.root / "reports/04_train.one.html").exists())

    def test_a_checkpoint_that_nobody_has_pretrained_further_is_missed_at_once(self) -> None:
        self.write("notebooks/profiles/more.json", '{"checkpoints": ["one", "further"]}')
        self.write("notebooks/06_tune.ipynb", notebook(
            "1", per_checkpoint=True, may_read=["models/{checkpoint}"]))
        done = self.run_notebooks("06", TTP_PROFILE="more")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, "^error: 06_tune.further reads .*/models/further, which is not "
                                      "there: run 05_pretraining before it, or `ttp pretrain`\n$")
        self.assertNotIn("06_tune.one", done.stdout)
        # Where a notebook before it makes it, nothing is missed.
        self.write("notebooks/05_pretrain.ipynb", notebook(
            "import pathlib\nfolder = pathlib.Path('../models/further')\n"
            "folder.mkdir(parents=True)\n(folder / 'config.json').write_text('{}')",
            per_checkpoint="pretrained", outputs=["models/{checkpoint}"]))
        done = self.run_notebooks("05", "06", TTP_PROFILE="more")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("06_tune.further  (profile more)", done.stdout)

    def test_pages_of_notebooks_that_are_gone_are_set_aside(self) -> None:
        self.write("notebooks/01_good.ipynb", GOOD)
        self.assertEqual(self.run_notebooks().returncode, 0)
        (self.root / "notebooks/01_good.ipynb").rename(self.root / "notebooks/02_good.ipynb")
        done = self.run_notebooks()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("01_good is no notebook any more: its page is in reports/.earlier/renamed/",
                      done.stdout)
        self.assertFalse((self.root / "reports/01_good.html").exists())
        self.assertTrue((self.root / "reports/.earlier/renamed/01_good.html").exists())
        self.assertEqual([p.stem for p in (self.root / "reports/.runs").glob("*.json")], ["02_good"])

    def test_what_an_earlier_run_left_is_set_aside(self) -> None:
        self.write("results/finetune.one.paper.json", "{}")
        self.write("notebooks/04_train.ipynb", notebook(
            "open('../results/finetune.one.clean.json', 'w').write('{}')",
            per_checkpoint=True, outputs=["results/finetune.{checkpoint}.*.json"]))
        done = self.run_notebooks(TTP_CHECKPOINT="one")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("results/finetune.one.paper.json is of an earlier run", done.stdout)
        self.assertEqual([p.name for p in (self.root / "results").iterdir()], ["finetune.one.clean.json"])


class Hub(HouseWithKernel):
    """The hub's checkpoints are tried before a run begins, by a cargo that this test plays."""

    def setUp(self) -> None:
        super().setUp()
        self.write("own.json", json.dumps({**PROFILE, "checkpoints": ["one", "hubbed", "a/b@v1"]}))
        self.write("notebooks/01_each.ipynb", notebook("open('../ran', 'w')", per_checkpoint=True))
        self.write("notebooks/02_once.ipynb", notebook("open('../ran', 'w')"))

    def run_with(self, status: int, *names: str, **more: str):
        self.write("bin/cargo", f"#!/bin/sh\necho \"$PWD|$TTP_PROFILE|$*\" >> '{self.root}/asked'\n"
                   f"echo 'hubbed: failed: no such revision' >&2\nexit {status}\n").chmod(0o755)
        path = f"{self.root / 'bin'}{os.pathsep}{os.environ['PATH']}"
        return self.run_notebooks(*names, PATH=path, TTP_PROFILE=str(self.root / "own.json"), **more)

    def asked(self) -> "list[str]":
        path = self.root / "asked"
        return path.read_text().splitlines() if path.exists() else []

    def test_one_that_cannot_be_had_ends_the_run_before_it_begins(self) -> None:
        done = self.run_with(1)
        self.assertEqual(done.returncode, 1)
        self.assertIn("hubbed: failed: no such revision", done.stderr)
        self.assertTrue(done.stderr.splitlines()[-1].startswith(
            "error: a checkpoint cannot be had from the hub"), done.stderr)
        self.assertFalse((self.root / "ran").exists())
        [asked] = self.asked()
        folder, profile, command = asked.split("|")
        self.assertEqual(Path(folder).resolve(), (self.root / "notebooks").resolve())
        self.assertEqual(profile, str(self.root / "own.json"))
        self.assertTrue(command.endswith("--bin ttp -- fetch hubbed a/b@v1"), command)

    def test_what_needs_no_checkpoint_or_has_folders_asks_for_none(self) -> None:
        self.run_with(1, "02_once")
        self.assertTrue((self.root / "ran").exists())
        self.run_with(1, TTP_MODELS="models")
        for name in ("one", "hubbed"):
            self.write(f"data/raw/models/{name}/config.json", "{}")
        self.run_with(1, TTP_CHECKPOINT="hubbed")
        self.assertEqual(self.asked(), [])


class Failures(HouseWithKernel):
    """A failure names notebook and cell, and leaves the reports of the run before."""

    def setUp(self) -> None:
        super().setUp()
        self.write("notebooks/02_next.ipynb", notebook("print('never')"))

    def fails(self, *cells: str, at: int, words: "list[str]", or_at: int = 0, arguments=(), **ttp) -> None:
        before = {"01_bad.html": b"before", "01_bad.ipynb": b"before", "index.html": b"before"}
        for name, content in before.items():
            self.write(f"reports/{name}", content)
        self.write("notebooks/01_bad.ipynb", notebook(*cells, **ttp))
        done = self.run_notebooks(*arguments)
        self.assertEqual(done.returncode, 1, done.stdout)
        of = sum(not cell.startswith("#") for cell in cells)
        places = [f"error: 01_bad.ipynb, code cell {n} of {of}: " if n else "error: 01_bad.ipynb"
                  for n in (at, or_at or at)]
        self.assertTrue(done.stderr.startswith(tuple(places)), done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)
        self.assertNotIn("never", done.stdout)
        self.assertEqual(self.reports(), before)
        record = self.root / "reports/.runs/01_bad.json"
        self.assertFalse(record.exists() and "made" in json.loads(record.read_text()))

    def test_an_exception(self) -> None:
        self.fails("# Text", "x = 1", "raise ValueError('row 3 has no label')", "print('never')",
                   at=2, words=["ValueError: row 3 has no label", "01_bad.failed.ipynb"])
        failed = json.loads((self.root / "reports/01_bad.failed.ipynb").read_text())
        self.assertEqual(failed["cells"][2]["outputs"][0]["ename"], "ValueError")

    def test_a_plot_that_is_shown_as_text(self) -> None:
        for text in ('Svg("<svg xmlns")', 'Table { headers: ["a"] }'):
            shown = f"class Shown:\n    def __repr__(self):\n        return {text!r}\nShown()"
            self.fails("x = 1", shown, at=2, words=["as Rust's own text"])

    def test_an_error_that_only_standard_error_tells_of(self) -> None:
        self.fails("x = 1", "import sys; print('bad \\x1b]0;title\\x07 label', file=sys.stderr)",
                   "print('never')", at=2, words=["bad \N{REPLACEMENT CHARACTER}]0;title"])

    def test_an_error_that_a_cell_shows_and_goes_on(self) -> None:
        value = "class Shown:\n    def __repr__(self):\n        return 'Err(Missing(7))'\nShown()"
        for shown, word in (("print('rows\\nerror: no \\x1b[1mlabel')\ny = 1", "error: no label"),
                            (value, "Err(Missing(7))")):
            self.fails("print('calibration error: 0.1')", shown, "print('never')", at=2,
                       words=[f"the cell shows an error and goes on: {word}"])

    def test_an_error_that_comes_late(self) -> None:
        late = ("import sys, threading, time\n"
                "def say():\n    time.sleep(0.4)\n    print('late', file=sys.stderr)\n"
                "threading.Thread(target=say).start()")
        # It may be told of the next cell; it is never lost.
        self.fails(late, "time.sleep(3)", at=2, or_at=1, words=["late"])
        self.fails("import sys\nsys.stderr.write('last')\nsys.stderr.flush()", at=1, words=["last"])

    def test_a_kernel_that_dies(self) -> None:
        self.fails("x = 1", "import os; os._exit(3)", at=2, words=["the kernel died"])

    def test_a_cell_that_takes_too_long(self) -> None:
        self.fails("import time; time.sleep(60)", at=1, words=["no answer within 1 s"],
                   arguments=["--cell-timeout", "1"])

    def test_a_kernel_that_does_not_start(self) -> None:
        self.write("python_kernel", "#!/bin/sh\necho no such library >&2\nexit 127\n")
        self.fails("x = 1", at=0, words=["01_bad.ipynb: the kernel did not start", "no such library"])

    def test_an_output_that_was_not_written(self) -> None:
        self.write("results/corpus.json", '{"rows": 1}')
        self.fails("x = 1", at=0, words=["01_bad.ipynb ran, but did not write", "corpus.json"],
                   outputs=["results/corpus.json"])
        self.assertEqual((self.root / "results/corpus.json").read_text(), '{"rows": 1}')

    def test_old_outputs_in_the_file_are_not_taken_for_this_runs(self) -> None:
        content = json.loads(notebook("raise ValueError('new')", "x = 1"))
        content["cells"][1]["outputs"] = [{"output_type": "error", "ename": "E", "evalue": "old",
                                           "traceback": ["E: old"]}]
        self.write("notebooks/01_bad.ipynb", json.dumps(content))
        done = self.run_notebooks()
        self.assertIn("new", done.stderr)
        self.assertNotIn("old", done.stderr)


class Kills(HouseWithKernel):
    """However a run ends, earlier reports stay, no process does, and the next run works."""

    def setUp(self) -> None:
        super().setUp()
        # Whoever runs the tests may pass over a hang-up (nohup) or Ctrl-C (a script's `&`): what is
        # started here must not.
        for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL),
                              (signal.SIGTERM, signal.SIG_DFL)):
            self.addCleanup(signal.signal, number, signal.signal(number, usual))
        for name in ("01_good.html", "01_good.ipynb", "index.html", "results.json"):
            self.write(f"reports/{name}", "before")
        self.before = self.reports()

    def end(self, name: signal.Signals) -> "tuple[int, int]":
        """Sends a running `make reproduce` the signal once its kernel has written who it is and who
        its child is. The status and how many lines were said."""
        run = subprocess.Popen([sys.executable, "environment/with_python.py"], cwd=self.root, text=True,
                               env=self.variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(run.stdout.close)
        self.addCleanup(run.stderr.close)
        pids = self.root / "pids"
        until(lambda: pids.exists() and len(pids.read_text().split()) == 2,
              "the kernel did not start", 120)
        run.send_signal(name)
        said = run.communicate(timeout=30)[1]
        kernel, child = map(int, pids.read_text().split())
        pids.unlink()
        until(lambda: ended(kernel) and ended(child), f"{name.name} left a process running")
        self.assertNotIn("Traceback", said)
        self.assertEqual(self.reports(), self.before)
        return run.returncode, len(said.splitlines())

    def test_a_second_run_at_once_begins_nothing(self) -> None:
        self.write("notebooks/01_good.ipynb", notebook(
            "import pathlib, time\npathlib.Path('../begun').write_text('')\ntime.sleep(600)"))
        first = subprocess.Popen([sys.executable, "environment/with_python.py"], cwd=self.root, env=self.variables,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(first.wait)
        self.addCleanup(first.kill)
        until((self.root / "begun").exists, "the kernel did not start", 120)
        second = self.run_notebooks()
        self.assertEqual(second.returncode, 1)
        self.assertEqual(second.stderr, f"error: {self.root}: another run is at work there (process {first.pid}): "
                         "wait for it, or name another folder in TTP_OUT\n")
        self.assertEqual(self.run_notebooks("--render").stderr, second.stderr)
        self.assertEqual(self.reports(), self.before)
        first.kill()
        first.wait()
        self.write("notebooks/01_good.ipynb", GOOD)
        third = self.run_notebooks()
        self.assertEqual(third.returncode, 0, third.stderr)

    def test_under_nohup_a_hang_up_ends_nothing(self) -> None:
        wait = ("import pathlib, time\npathlib.Path('../begun').write_text('')\n"
                "while not pathlib.Path('../go').exists():\n    time.sleep(0.05)")
        self.write("notebooks/01_good.ipynb", notebook(wait, SAVE, outputs=["results/corpus.json"]))
        run = subprocess.Popen(["nohup", sys.executable, "environment/with_python.py"], cwd=self.root,
                               env=self.variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(run.kill)
        until((self.root / "begun").exists, "the kernel did not start", 120)
        run.send_signal(signal.SIGHUP)
        self.write("go", "")
        self.assertEqual(run.wait(120), 0)

    def test_where_no_kernel_runs(self) -> None:
        """Here the runner waits for its profile, which never comes."""
        profile = self.root / "profile.json"
        os.mkfifo(profile)
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(name.name):
                run = subprocess.Popen([sys.executable, "environment/with_python.py"], cwd=self.root, text=True,
                                       env={**self.variables, "TTP_PROFILE": str(profile)},
                                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
                self.addCleanup(run.stderr.close)
                # It can be opened as soon as somebody reads it.
                writer = os.open(profile, os.O_WRONLY)
                run.send_signal(name)
                said = run.communicate(timeout=30)[1]
                os.close(writer)
                self.assertEqual((run.returncode, said), (130, "\nstopped; what was finished before is kept\n"))

    def kill(self, name: signal.Signals) -> "tuple[int, int]":
        slow = ("import os, pathlib, subprocess, time\n"
                "child = subprocess.Popen(['sleep', '600'])\n"
                "pathlib.Path('../pids').write_text(f'{os.getpid()} {child.pid}')\ntime.sleep(600)")
        self.write("notebooks/01_good.ipynb", notebook(slow, SAVE, outputs=["results/corpus.json"]))
        return self.end(name)

    def test_every_kind(self) -> None:
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(name.name):
                self.assertEqual(self.kill(name), (130, 2))
        with self.subTest("SIGKILL"):
            self.assertEqual(self.kill(signal.SIGKILL)[0], -signal.SIGKILL)
        self.write("notebooks/01_good.ipynb", GOOD)
        again = self.run_notebooks()
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertIn("01_good  (profile smoke)", again.stdout)
        # The killed kernels let go of the build folder: no second one was needed.
        seats = [p.name for p in (self.root / "target/evcxr").iterdir() if p.name.isdigit()]
        self.assertEqual(seats, ["0"])

    def test_while_a_kernel_is_being_started(self) -> None:
        self.write("notebooks/01_good.ipynb", GOOD)
        self.write("python_kernel", "#!/bin/sh\nsleep 600 &\n"
                   f"echo $$ $! > '{self.root / 'pids'}'\nwait\n").chmod(0o755)
        for name in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(name.name):
                self.assertEqual(self.end(name), (130, 2))


@unittest.skipUnless(Path("/proc/self/task").exists(), "no /proc here")
class Memory(unittest.TestCase):
    def test_a_process_and_its_children_are_found(self) -> None:
        child = subprocess.Popen(["sleep", "60"])
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        self.assertIn(child.pid, memory.descendants(os.getpid()))
        self.assertGreater(memory.status(child.pid)[2], 0)

    def test_a_process_that_ends_while_it_is_looked_at(self) -> None:
        gone = FileNotFoundError(2, "No such file or directory")
        for patch in (mock.patch("os.listdir", side_effect=gone), mock.patch("os.scandir", side_effect=gone),
                      mock.patch.object(Path, "read_text", side_effect=gone)):
            with patch:
                self.assertIn(os.getpid(), memory.descendants(os.getpid()))
                self.assertEqual(memory.status(2 ** 30), ("", 0, 0))


class Seats(unittest.TestCase):
    """Two kernels at once never share a build folder."""

    def setUp(self) -> None:
        # It imports what stands beside it.
        folder = mock.patch.object(sys, "path", [str(project.ENVIRONMENT / "kernel"), *sys.path])
        folder.start()
        self.addCleanup(folder.stop)
        path = project.ENVIRONMENT / "kernel" / "launch.py"
        spec = importlib.util.spec_from_file_location("launch", path)
        self.launch = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.launch)
        self.launch.WAIT_SECONDS = 0.3
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def take(self) -> Path:
        with contextlib.redirect_stdout(io.StringIO()):
            seat, lock = self.launch.take_seat(self.folder)
        self.addCleanup(os.close, lock)
        return seat

    def test_the_second_gets_a_copy(self) -> None:
        first = self.take()
        (first / "built").write_text("1")
        (first / "compiled").write_text("a")
        (first / "compiled").chmod(0o755)
        os.utime(first / "compiled", ns=(1_000_000_007, 1_000_000_007))
        (first / "link").symlink_to("compiled")
        (first / "target/debug/incremental/ttp").mkdir(parents=True)
        (first / "target/debug/incremental/ttp/query-cache.bin").write_text("large")
        second = self.take()
        self.assertEqual((first.name, second.name), ("0", "1"))
        copy = second / "compiled"
        self.assertEqual((copy.read_text(), copy.stat().st_mtime_ns), ("a", 1_000_000_007))
        self.assertTrue(os.access(copy, os.X_OK))
        self.assertEqual(os.readlink(second / "link"), "compiled")
        # What only serves to compile an edit faster may be many times as large as all else.
        self.assertEqual(list((second / "target/debug").iterdir()), [])

    def test_it_ends_with_the_runner_even_where_that_was_gone_before(self) -> None:
        with mock.patch.dict(os.environ, {"TTP_RUNNER": "123456"}):
            self.assertEqual(self.launch.watched(), 123456)
            self.assertNotIn("TTP_RUNNER", os.environ, "nothing that a cell starts has it")
            self.assertEqual(self.launch.watched(), os.getppid(), "Jupyter")

    def test_a_file_is_copied_where_files_cannot_share_blocks(self) -> None:
        (self.folder / "a").write_text("a")
        os.utime(self.folder / "a", ns=(1_000_000_007, 1_000_000_007))
        for cannot in ({"side_effect": OSError("not here")}, {"return_value": 0}):
            with mock.patch.object(os, "copy_file_range", create=True, **cannot):
                self.launch.copy_file(str(self.folder / "a"), str(self.folder / "b"))
            copy = self.folder / "b"
            self.assertEqual((copy.read_text(), copy.stat().st_mtime_ns), ("a", 1_000_000_007))
            copy.unlink()

    def test_a_copy_that_fails_is_made_again_or_leaves_nothing(self) -> None:
        (self.folder / "0").mkdir()
        (self.folder / "0/a").write_text("a")
        real = self.launch.copy_file
        for failures, kept in ((1, ["0", "1"]), (self.launch.ATTEMPTS, ["0"])):
            attempts = iter([OSError("the disk is full")] * failures + [None])

            def copy(source: str, target: str) -> None:
                real(source, target)
                if error := next(attempts):
                    raise error

            with mock.patch.object(self.launch, "copy_file", copy), \
                    contextlib.redirect_stdout(io.StringIO()) as said:
                self.launch.fill(self.folder / "1", self.folder / "0")
            self.assertEqual(sorted(path.name for path in self.folder.iterdir()), kept)
            failed = "could not be copied (the disk is full): this kernel compiles everything anew"
            self.assertEqual(failed in said.getvalue(), kept == ["0"])

    def test_a_copy_is_kept_while_it_is_of_the_same_build(self) -> None:
        lock = self.launch.lock_of(self.folder, 0)
        self.addCleanup(os.close, lock)
        (self.folder / "0").mkdir()
        (self.folder / "0/built").write_text("1")
        for content, kept in (("1", True), ("2", False)):
            with contextlib.redirect_stdout(io.StringIO()):
                self.launch.fill(self.folder / "1", self.folder / "0")
            (self.folder / "1/own").write_text("x")
            (self.folder / "0/built").write_text(content)
            with contextlib.redirect_stdout(io.StringIO()):
                self.launch.fill(self.folder / "1", self.folder / "0")
            self.assertEqual((self.folder / "1/own").exists(), kept)

    def test_a_folder_that_becomes_free_is_taken(self) -> None:
        lock = self.launch.lock_of(self.folder, 0)
        self.launch.WAIT_SECONDS = 30
        code = "import time; time.sleep(0.5)"
        holder = subprocess.Popen([sys.executable, "-c", code], pass_fds=[lock])
        os.close(lock)
        self.assertEqual(self.take().name, "0")
        holder.wait()


if __name__ == "__main__":
    unittest.main()
