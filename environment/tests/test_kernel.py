"""The runner with the real kernel: what Rust says only on standard error is a failure.

Each notebook is one of its own without ttp-lib, so a first cell takes seconds.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import kernel
import project
import setup
from tests.support import House, ended, notebook, until

sys.path.insert(0, str(project.ENVIRONMENT / "kernel"))
import analysis  # noqa: E402  (it stands beside the kernel's own files)

PROGRAM = project.evcxr()
# It is asked for before each test changes where the cache is.
MISSING = not PROGRAM.exists()


class Threads(unittest.TestCase):
    def test_the_kernel_and_the_command_line_let_threads_spin_equally_long(self) -> None:
        source = project.ROOT / "ttp-lib" / "crates" / "cli" / "src" / "threads.rs"
        with mock.patch.dict(os.environ):
            os.environ.pop("GOMP_SPINCOUNT", None)
            os.environ["OMP_WAIT_POLICY"] = "ACTIVE"
            self.assertNotIn("GOMP_SPINCOUNT", kernel.variables())
            del os.environ["OMP_WAIT_POLICY"]
            spins = kernel.variables()["GOMP_SPINCOUNT"]
        self.assertIn(f'const SPINS: &str = "{spins}";', source.read_text(encoding="utf-8"))


class Manifest(unittest.TestCase):
    def test_what_notebooks_depend_on_is_compiled_before(self) -> None:
        compiled = set(re.findall(r"^(ttp-[\w-]+) = ", kernel.MANIFEST, re.MULTILINE))
        asked = {name for path in project.NOTEBOOKS.rglob("*.ipynb")
                 for name in re.findall(r":dep (\S+) = ", path.read_text(encoding="utf-8"))}
        self.assertEqual(asked, compiled)


class Compiled(House):
    def test_another_manifest_takes_the_workspaces_versions_again(self) -> None:
        self.entered(mock.patch.object(project, "ROOT", self.root))
        run = self.entered(mock.patch.object(kernel, "run_cargo"))
        self.entered(mock.patch("builtins.print"))
        package = self.root / "target" / "evcxr" / "package"
        (package.parent / "0").mkdir(parents=True)
        kernel.compile_dependencies()
        manifest = (package / "Cargo.toml").read_text()
        for crate in ("ttp-lib", "ttp-lib/crates/evidence", "ttp-lib/crates/report"):
            self.assertIn(f'path = "{self.root}/{crate}"', manifest)
        # Cargo leaves out of the lock what this manifest does not need.
        (package / "Cargo.lock").write_text("pruned")
        for edited, lock, calls in ((False, "pruned", 1), (True, (self.root / "Cargo.lock").read_text(), 2)):
            if edited:
                (package / "Cargo.toml").write_text(manifest.replace("ttp-report", "ttp-other"))
            run.reset_mock()
            kernel.compile_dependencies()
            self.assertEqual((package / "Cargo.lock").read_text(), lock)
            self.assertEqual(run.call_count, calls)

    def test_what_changed_while_the_clock_was_behind_is_compiled(self) -> None:
        """Cargo goes by times: content that changed with none would stay as it was compiled."""
        self.entered(mock.patch.object(project, "ROOT", self.root))
        self.entered(mock.patch.object(kernel, "run_cargo"))
        said = self.entered(mock.patch("builtins.print"))
        (self.root / "target/evcxr/0").mkdir(parents=True)
        source, other = (self.write(f"ttp-lib/src/{name}.rs", "1") for name in ("lib", "other"))
        kernel.compile_dependencies()
        record = self.root / "target/evcxr/sources.json"
        newest = json.loads(record.read_text())["newest"]
        for path in (source, other):
            os.utime(path, ns=(newest - 9, newest - 9))
        hour = 3600 * kernel.SECOND_NS
        for behind in (0, hour):
            source.write_text(f"{behind}")
            os.utime(source, ns=(newest - hour, newest - hour))
            said.reset_mock()
            with mock.patch("time.time_ns", return_value=newest - behind):
                kernel.compile_dependencies()
            line = "kernel: ttp-lib/src/lib.rs has changed, but not its time: it gets a new one"
            self.assertEqual([call.args[0] for call in said.call_args_list], [line])
            self.assertGreater(source.stat().st_mtime_ns, newest)
            self.assertEqual(other.stat().st_mtime_ns, newest - 9, "it is as it was")
            newest = json.loads(record.read_text())["newest"]
        # A build that fails may have compiled it before.
        source.write_text("other")
        with mock.patch.object(kernel, "run_cargo", side_effect=project.Problem("it failed")), \
                self.assertRaises(project.Problem):
            kernel.compile_dependencies()
        source.write_text(f"{hour}")
        os.utime(source, ns=(newest - hour, newest - hour))
        kernel.compile_dependencies()
        self.assertGreater(source.stat().st_mtime_ns, newest)
        said.reset_mock()
        for text in ("{}", "[", '{"newest": 1, "files": 3}'):
            record.write_text(text)
            kernel.compile_dependencies()
        said.assert_not_called()


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

    @unittest.skipUnless(setup.has_rust_sources(), "rust-src is not installed")
    def test_the_librarys_own_types_need_not_be_written(self) -> None:
        self.write("ttp-lib/Cargo.toml", "[package]\nname = \"ttp-lib\"\nedition = \"2024\"\n")
        self.write("ttp-lib/src/lib.rs", "pub struct Row(pub usize);\n"
                   "pub fn row() -> Result<Row, std::io::Error> { Ok(Row(41)) }\n")
        self.write("notebooks/01_own.ipynb", notebook(
            ":dep ttp-lib = { path = \"../ttp-lib\" }", "let row = ttp_lib::row()?;",
            "println!(\"{} rows\", row.0 + 1);"))
        done = self.run_notebooks()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("42 rows", done.stdout)

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


def package(name: str, folder: str, source: "str | None" = "registry") -> dict:
    return {"id": name, "name": name, "source": source, "manifest_path": f"{folder}/Cargo.toml"}


def metadata(edges: "dict[str, list[str]]", *packages: dict) -> dict:
    nodes = [{"id": one, "dependencies": below, "deps": [{"name": b, "pkg": b} for b in below]}
             for one, below in edges.items()]
    return {"packages": list(packages), "resolve": {"nodes": nodes},
            "workspace_members": ["ctx"]}


class Analysis(unittest.TestCase):
    """What rust-analyzer is told of a notebook's packages."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name).resolve()
        self.packages = [
            package("ctx", f"{self.root}/target/evcxr/0", None),
            package("ttp-lib", f"{self.root}/ttp-lib", None),
            package("part", f"{self.root}/ttp-lib/crates/part", None),
            package("polars", "/registry/polars"), package("arrow", "/registry/arrow"),
            package("serde_json", "/registry/serde_json"), package("itoa", "/registry/itoa")]
        self.edges = {"ctx": ["ttp-lib"], "ttp-lib": ["part", "polars", "serde_json"],
                      "part": ["arrow"], "polars": ["arrow"], "arrow": [],
                      "serde_json": ["itoa"], "itoa": []}

    def kept(self) -> "dict[str, list[str]]":
        answer = analysis.without_dependencies(metadata(self.edges, *self.packages),
                                               self.root / "ttp-lib")
        nodes = {node["id"]: node for node in answer["resolve"]["nodes"]}
        self.assertEqual(set(nodes), {package["id"] for package in answer["packages"]})
        for node in nodes.values():
            self.assertEqual([dep["pkg"] for dep in node["deps"]], node["dependencies"])
            self.assertLessEqual(set(node["dependencies"]), set(nodes))
        return {one: node["dependencies"] for one, node in nodes.items()}

    def test_what_the_library_brings_along_is_left_out(self) -> None:
        self.assertEqual(self.kept(), {"ctx": ["ttp-lib"], "ttp-lib": ["part", "serde_json"],
                                       "part": [], "serde_json": []})

    def test_what_the_notebook_asks_for_itself_stays_whole(self) -> None:
        self.edges["ctx"] = ["ttp-lib", "polars"]
        kept = self.kept()
        self.assertEqual(kept["polars"], ["arrow"])
        self.assertIn("polars", kept["ttp-lib"])
        self.edges["ctx"] = ["serde_json", "ttp-lib"]
        self.assertEqual(self.kept()["serde_json"], ["itoa"])

    def test_without_the_library_all_stays(self) -> None:
        self.edges["ctx"] = ["polars", "serde_json"]
        self.assertEqual(set(self.kept()), {"ctx", "polars", "arrow", "serde_json", "itoa"})

    def cargo(self, answer: str, *arguments: str, code: int = 0):
        """The filter before a cargo that gives this answer."""
        cargo = self.root / "cargo"
        cargo.write_text(f"#!/bin/sh\ncat <<'END'\n{answer}\nEND\nexit {code}\n")
        cargo.chmod(0o755)
        return subprocess.run([sys.executable, analysis.__file__, str(cargo), *arguments],
                              env={**os.environ, "EVCXR_TMPDIR": "/seat"}, text=True,
                              capture_output=True)

    NOTEBOOK = ("metadata", "--format-version", "1", "--manifest-path", "/seat/Cargo.toml")

    def test_only_the_notebooks_own_package_is_answered_otherwise(self) -> None:
        library = project.ROOT / "ttp-lib"
        self.packages[1] = package("ttp-lib", str(library), None)
        answer = json.dumps(metadata(self.edges, *self.packages))
        done = self.cargo(answer, *self.NOTEBOOK)
        self.assertNotIn("polars", done.stdout)
        self.assertIn("ttp-lib", done.stdout)
        self.assertEqual(self.cargo(answer, "metadata").stdout, answer + "\n")
        self.assertEqual(self.cargo(answer, *self.NOTEBOOK, "--no-deps").stdout, answer + "\n")

    def test_an_answer_that_is_not_as_it_was_is_passed_on(self) -> None:
        for answer in ("no JSON", "{}", "[]", '{"packages": [], "resolve": null}'):
            done = self.cargo(answer, *self.NOTEBOOK)
            self.assertEqual((done.returncode, done.stdout), (0, answer + "\n"), done.stderr)
        self.assertEqual(self.cargo("", *self.NOTEBOOK, code=101).returncode, 101)

    def test_the_folder_is_the_real_toolchain_but_for_its_own_place(self) -> None:
        folder = self.root / "a folder"
        variables = analysis.toolchain(folder)
        rustc, cargo = variables["RUSTC"], variables["CARGO"]
        self.assertEqual(project.run_for_text([rustc, "--print", "sysroot"]), f"{folder}\n")
        self.assertEqual(project.run_for_text([rustc, "-vV"]),
                         project.run_for_text(["rustc", "-vV"]))
        self.assertEqual(project.run_for_text([cargo, "--version"]),
                         project.run_for_text(["cargo", "--version"]))
        sources = folder / "lib/rustlib/src/rust/library"
        self.assertEqual((sources / "core/src/lib.rs").exists(), setup.has_rust_sources())
        # A second kernel writes it again.
        self.assertEqual(analysis.toolchain(folder), variables)

    def test_without_a_toolchain_or_a_folder_the_kernel_does_without(self) -> None:
        with mock.patch.dict(os.environ, PATH=str(self.root)):
            self.assertEqual(analysis.toolchain(self.root / "folder"), {})
        (self.root / "file").touch()
        with mock.patch("builtins.print"):
            self.assertEqual(analysis.toolchain(self.root / "file" / "folder"), {})


if __name__ == "__main__":
    unittest.main()
