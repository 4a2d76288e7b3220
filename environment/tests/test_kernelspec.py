"""The kernel in the user's own Jupyter: installed, started from any folder, removed."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import project
from tests.support import House

sys.path.insert(0, str(project.ENVIRONMENT / "kernel"))
import launch  # noqa: E402  (it stands beside the kernel's own files)

PROGRAM = project.evcxr()
# It is asked for before each test changes where the cache is.
MISSING = not PROGRAM.exists()
ONE_CELL = """\
from jupyter_client.manager import start_new_kernel
manager, client = start_new_kernel(kernel_name="ttp-rust", startup_timeout=120)
try:
    said = []
    client.execute_interactive('println!("{} in {:?}", 40 + 2, std::env::current_dir()?);', timeout=180,
                               output_hook=lambda m: said.append(m["content"].get("text", "")))
    print("".join(said))
finally:
    client.stop_channels()
    manager.shutdown_kernel(now=True)
"""


class Kernelspec(House):
    def setUp(self) -> None:
        super().setUp()
        self.place = self.root / "jupyter/data/kernels/ttp-rust"

    def program(self) -> None:
        name = f"ttp-lib/evcxr_jupyter-{project.EVCXR_VERSION}/bin/evcxr_jupyter"
        target = self.write(f"cache/{name}", "")
        target.chmod(0o755)

    def call(self, *arguments: str):
        return self.python("environment/kernelspec.py", *arguments)

    def settings(self) -> dict:
        return json.loads((self.place / "kernel.json").read_text(encoding="utf-8"))

    def test_it_names_this_clone_and_goes_again(self) -> None:
        self.program()
        done = self.call()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(str(self.place), done.stdout)
        settings = self.settings()
        self.assertEqual(settings["display_name"], "Rust (ttp-lib)")
        paths = [part for part in settings["argv"] if part != "{connection_file}"]
        self.assertTrue(all(os.path.isabs(part) for part in paths), paths)
        self.assertEqual(paths[1], str(self.root.resolve() / "environment/kernel/launch.py"))
        # Again, and then away; a second time there is nothing.
        self.assertNotIn("takes the place", self.call().stdout)
        self.assertIn("removed", self.call("--remove").stdout)
        self.assertFalse(self.place.exists())
        done = self.call("--remove")
        self.assertEqual(done.returncode, 0)
        self.assertIn("nothing to remove", done.stdout)

    def test_the_kernel_that_the_clone_uses_itself_stays(self) -> None:
        self.program()
        own = self.write("target/jupyter/kernels/ttp-rust/kernel.json", "{}")
        self.variables["JUPYTER_PATH"] = str(self.root / "target/jupyter")
        self.call()
        self.call("--remove")
        self.assertFalse(self.place.exists())
        self.assertTrue(own.exists())

    def test_without_the_kernels_program(self) -> None:
        self.one_line(self.call(), "evcxr_jupyter is not there: run `make setup` first")
        self.assertFalse(self.place.exists())

    def test_a_kernel_of_somebody_else(self) -> None:
        self.program()
        self.write(self.place.relative_to(self.root) / "kernel.json", '{"argv": ["python"]}')
        self.one_line(self.call(), "is no kernel of this project: move it away")
        self.one_line(self.call("--remove"), "is no kernel of this project: it was not removed")
        self.assertEqual(self.settings(), {"argv": ["python"]})

    def test_another_clones(self) -> None:
        self.program()
        other = self.root / "other"
        (other / "environment/kernel").mkdir(parents=True)
        text = json.dumps({"argv": ["python", str(other / "environment/kernel/launch.py")]})
        path = self.place.relative_to(self.root) / "kernel.json"
        self.write(path, text)
        self.one_line(self.call("--remove"), f"is the kernel of {other}: run `make kernelspec-remove` there")
        self.assertIn(f"takes the place of that of {other}", self.call().stdout)
        # One that is no more can be removed from anywhere.
        self.write(path, text)
        shutil.rmtree(other)
        self.assertIn("removed", self.call("--remove").stdout)

    @unittest.skipIf(MISSING, f"the kernel's program is not compiled: {PROGRAM}: make setup")
    def test_it_starts_in_any_folder(self) -> None:
        self.variables["XDG_CACHE_HOME"] = str(PROGRAM.parents[3])
        self.write("Cargo.toml", '[workspace]\nmembers = []\nexclude = ["target"]\n')
        self.write("Cargo.lock", "version = 4\n")
        self.assertEqual(self.call().returncode, 0)
        elsewhere = Path(self.entered(tempfile.TemporaryDirectory())).resolve()
        script = self.write("cell.py", ONE_CELL)
        here, self.root = self.root, elsewhere
        try:
            done = self.python(str(script), timeout=400)
        finally:
            self.root = here
        self.assertIn(f'42 in "{elsewhere}"', done.stdout, done.stderr)


class SearchPath(unittest.TestCase):
    def test_cargos_folder_is_added_where_it_is_not_there(self) -> None:
        with tempfile.TemporaryDirectory() as folder, mock.patch.dict(os.environ, CARGO_HOME=folder):
            added = os.path.join(folder, "bin")
            self.assertEqual(launch.path_with_cargo("/nowhere"), f"/nowhere{os.pathsep}{added}")
            self.assertEqual(launch.path_with_cargo(""), added)
            os.mkdir(added)
            cargo = Path(added, "cargo")
            cargo.touch()
            cargo.chmod(0o755)
            self.assertEqual(launch.path_with_cargo(added), added)


if __name__ == "__main__":
    unittest.main()
