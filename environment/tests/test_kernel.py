"""The runner with the real kernel: what Rust says only on standard error is a failure.

Each notebook is one of its own without ttp-lib, so a first cell takes seconds.
"""

from __future__ import annotations

import json
import subprocess
import sys
import unittest

import project
from tests.support import House, ended, notebook, until

PROGRAM = project.evcxr()
# It is asked for before each test changes where the cache is.
MISSING = not PROGRAM.exists()


@unittest.skipIf(MISSING, f"the kernel's program is not compiled: {PROGRAM}: make setup")
class Kernel(House):
    def setUp(self) -> None:
        super().setUp()
        self.variables["XDG_CACHE_HOME"] = str(PROGRAM.parents[3])
        self.write("Cargo.toml", '[workspace]\nmembers = []\nexclude = ["target"]\n')
        self.write("Cargo.lock", "version = 4\n")

    def run_notebooks(self, *arguments: str):
        return self.python("environment/run_notebooks.py", *arguments, timeout=300)

    def fails(self, *cells: str, at: int, words: "list[str]", lines: int = 2) -> None:
        self.write("notebooks/01_bad.ipynb", notebook(*cells, "println!(\"never\");"))
        self.write("notebooks/02_next.ipynb", notebook("println!(\"never\");"))
        for name in ("01_bad.html", "01_bad.ipynb", "index.html"):
            self.write(f"reports/{name}", "before")
        done = self.run_notebooks()
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        said = done.stderr.splitlines()
        place = f"error: 01_bad.ipynb, code cell {at} of {len(cells) + 1}: "
        self.assertTrue(said[0].startswith(place), done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)
        # The last line names the copy of what failed.
        self.assertLessEqual(len(said) - 1, lines, done.stderr)
        self.assertIn("01_bad.failed.ipynb", said[-1])
        self.assertNotIn("never", done.stdout)
        for name in ("01_bad.html", "01_bad.ipynb", "index.html"):
            self.assertEqual((self.root / "reports" / name).read_text(), "before")

    def test_a_panic(self) -> None:
        self.fails("let rows: Vec<usize> = vec![1, 2];", "rows[9]", at=2,
                   words=["index out of bounds: the len is 2 but the index is 9"], lines=3)

    def test_an_error_from_a_question_mark(self) -> None:
        self.fails("let row: usize = 7;", "std::fs::read_to_string(\"no-such.csv\")?;", at=2,
                   words=["No such file or directory"])

    def test_an_error_from_a_question_mark_in_the_last_cell(self) -> None:
        self.write("notebooks/01_bad.ipynb", notebook(
            "let row: usize = 7;", "\"seven\".parse::<usize>()?;"))
        done = self.run_notebooks()
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("error: 01_bad.ipynb, code cell 2 of 2: ", done.stderr)
        self.assertIn("invalid digit found in string", done.stderr)

    def test_a_dependency_that_is_not_there(self) -> None:
        self.fails(":dep nowhere = { path = \"../nowhere\" }", at=1, words=["nowhere"], lines=20)

    def test_code_that_does_not_compile(self) -> None:
        self.fails("let label: &'static str = 5;", at=1, words=["mismatched types"], lines=20)

    def test_a_process_that_ends(self) -> None:
        self.fails("std::process::exit(3);", at=1, words=["exit"], lines=4)

    def test_a_good_one(self) -> None:
        self.write("notebooks/01_good.ipynb", notebook(
            "# 01 · Good", "let rows: Vec<usize> = vec![1, 2];",
            "println!(\"{} rows\", rows.len());\nstd::fs::create_dir_all(\"../results\")?;",
            "std::fs::write(\"../results/corpus.json\", \"{}\")?;\nrows.len()",
            outputs=["results/corpus.json"]))
        done = self.run_notebooks()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("2 rows", done.stdout)
        executed = json.loads((self.root / "reports/01_good.ipynb").read_text())
        self.assertEqual(executed["cells"][3]["outputs"][0]["data"]["text/plain"], ["2"])
        self.assertEqual(executed["metadata"]["ttp"]["run"]["profile"], "smoke")
        self.assertIsNotNone(executed["metadata"]["ttp"]["run"]["peak_bytes"])
        self.assertTrue((self.root / "reports/01_good.html").exists())
        self.assertIn("01_good is up to date", self.run_notebooks().stdout)

    def test_a_killed_run_leaves_no_cell_running(self) -> None:
        self.write("notebooks/01_slow.ipynb", notebook(
            "std::fs::write(\"../pid\", std::process::id().to_string())?;\n"
            "loop { std::thread::sleep(std::time::Duration::from_secs(1)); }"))
        run = subprocess.Popen([sys.executable, "environment/run_notebooks.py"], cwd=self.root,
                               env=self.variables, stdout=subprocess.DEVNULL)
        pid = self.root / "pid"
        until(lambda: pid.exists() and pid.read_text(), "the cell did not start", 120)
        run.kill()
        run.wait()
        until(lambda: ended(int(pid.read_text())), "the cell is still running")


if __name__ == "__main__":
    unittest.main()
