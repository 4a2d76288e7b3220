"""What several of these tests need: a small repository, a package index, a slow server."""

from __future__ import annotations

import hashlib
import http.server
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import textwrap
import threading
import time
import unittest
import zipfile
from pathlib import Path
from unittest import mock

import project

PROFILE = {"name": "smoke", "checkpoints": ["one", "two"], "corpus": {"source": "attack-v10.1"}}
# The library's file of checkpoints that have a name; data/sources.toml has none of them, so
# that none is fetched.
CATALOGUE = [{"name": name, "title": name, "start": start} for name, start in (
    ("one", "package"), ("two", "package"), ("hubbed", {"hub": {"id": "a/b", "revision": "main"}}),
    ("further", {"further_pretrained": {"from": "one"}}), ("random", {"random": {"shape_of": "one"}}))]
# A port that nothing listens on.
CLOSED = "http://127.0.0.1:9"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def notebook(*cells: str, **ttp) -> str:
    """A notebook's file: cells that start with `#` are text."""
    made = []
    for number, source in enumerate(cells):
        cell = {"id": f"c{number}", "metadata": {}, "source": source}
        if source.startswith("#"):
            made.append({**cell, "cell_type": "markdown"})
        else:
            made.append({**cell, "cell_type": "code", "execution_count": None, "outputs": []})
    kernel = {"name": "ttp-rust", "display_name": "Rust (ttp-lib)", "language": "rust"}
    return json.dumps({"cells": made, "metadata": {"kernelspec": kernel, "ttp": ttp},
                       "nbformat": 4, "nbformat_minor": 5})


class OutputFolder(unittest.TestCase):
    """An empty output folder, TTP_OUT, for each test."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.out = Path(folder.name)
        patch = mock.patch.dict(os.environ, {"TTP_OUT": folder.name})
        patch.start()
        self.addCleanup(patch.stop)


class House(unittest.TestCase):
    """A repository of its own for each test, with this one's environment/ in it."""

    def setUp(self) -> None:
        self.root = Path(self.entered(tempfile.TemporaryDirectory(prefix="ttp-house-")))
        shutil.copytree(project.ENVIRONMENT, self.root / "environment", ignore=shutil.ignore_patterns(
            "tests", "golden", "__pycache__", "browser"))
        for path, text in {
            "notebooks/profiles/smoke.json": json.dumps(PROFILE),
            "ttp-lib/src/lib.rs": "",
            "ttp-lib/Cargo.toml": "",
            "Cargo.toml": "",
            "Cargo.lock": 'name = "tch"\nversion = "0.17.0"\n',
            ".cargo/config.toml": "",
            "data/sources.toml": "",
            "ttp-lib/crates/model/src/pretrained/catalogue.json": json.dumps(CATALOGUE),
        }.items():
            self.write(path, text)
        (self.root / "jupyter").mkdir()
        self.cache = self.root / "cache"
        self.variables = {
            **{name: value for name, value in os.environ.items()
               if not name.startswith(("TTP_", "PIP_", "XDG_", "JUPYTER_", "PYTHON"))
               and not name.lower().endswith("_proxy") and name != "CUDA"},
            "XDG_CACHE_HOME": str(self.cache),
            "TTP_PROFILE": "smoke",
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_INDEX_URL": f"{CLOSED}/simple",
            "PIP_RETRIES": "0",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            **{f"JUPYTER_{name}_DIR": str(self.root / "jupyter" / name.lower())
               for name in ("CONFIG", "DATA", "RUNTIME")},
            "IPYTHONDIR": str(self.root / "jupyter" / "ipython"),
        }

    def entered(self, manager):
        """unittest's enterContext, which Python has from 3.11 on."""
        value = manager.__enter__()
        self.addCleanup(manager.__exit__, None, None, None)
        return value

    def write(self, path: str, content: "str | bytes") -> Path:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
        return target

    def python(self, *arguments: str, timeout: float = 120, **variables: str):
        """Runs Python in the house; a failure there shows what was printed."""
        done = subprocess.run([sys.executable, *arguments], cwd=self.root, text=True,
                              env={**self.variables, **variables}, timeout=timeout,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertNotIn("Traceback (most recent call last):\n  File", done.stdout + done.stderr)
        return done

    def set_up(self, *steps: str, **variables: str):
        return self.python("environment/setup.py", *steps, **variables)

    def read_only_home(self) -> Path:
        """A home folder in which nothing can be written, by root neither."""
        home = self.root / "home"
        home.mkdir()
        home.chmod(0o555)
        if os.access(home, os.W_OK):
            mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "none", str(home)],
                                   capture_output=True, text=True, check=False)
            if mount.returncode != 0:
                self.skipTest(f"root writes everywhere, and cannot mount: {mount.stderr.strip()}")
            self.addCleanup(subprocess.run, ["umount", str(home)], check=True)
        return home

    def lend_python(self) -> None:
        """The Python that runs this test stands for the house's own."""
        folder = self.set_up("--python").stdout.strip()
        folder = Path(folder).parent.parent
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.symlink_to(sys.prefix)

    def data_on_another_disk(self) -> Path:
        """A folder that the cache's `data` leads to."""
        disk = next((path for path in map(Path, ("/dev/shm", "/var/tmp", "/run")) if path.is_dir()
                     and os.access(path, os.W_OK)
                     and path.stat().st_dev != self.root.stat().st_dev), None)
        if not disk:
            self.skipTest("no second disk here that can be written")
        folder = Path(self.entered(tempfile.TemporaryDirectory(prefix="ttp-disk-", dir=disk)))
        (self.cache / "ttp-lib").mkdir(parents=True, exist_ok=True)
        (self.cache / "ttp-lib/data").symlink_to(folder)
        return folder

    def one_line(self, done, *words: str) -> None:
        """The run failed with one clear line, which holds these words."""
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        lines = done.stderr.splitlines()
        self.assertEqual(len(lines), 1, done.stderr)
        self.assertTrue(lines[0].startswith("error: "), lines[0])
        for word in words:
            self.assertIn(word, lines[0])

    def files(self, folder: Path) -> "dict[str, bytes]":
        """Everything below a folder, but for the lent Python and the lock."""
        found = {}
        for path in sorted(folder.rglob("*")):
            name = str(path.relative_to(folder))
            if path.is_file() and not name.startswith("ttp-lib/python-") and path.name != "lock":
                found[name] = path.read_bytes()
        return found


# Runs the notebooks as run_notebooks.py does, but for the language: Python's kernel is
# there with JupyterLab, and starts in a second.
WITH_PYTHON = """\
import sys
import kernel, project, run_notebooks

rust = kernel.settings
def settings():
    own = rust()
    own["argv"][3] = str(project.ROOT / "python_kernel")
    return {**own, "language": "python"}

kernel.settings = settings
kernel.need_program = lambda: None
run_notebooks.PRINT_MARKER = f"import sys; print({run_notebooks.MARKER!r}, file=sys.stderr)"
sys.exit(run_notebooks.main())
"""


class HouseWithKernel(House):
    def setUp(self) -> None:
        super().setUp()
        self.write("environment/with_python.py", WITH_PYTHON)
        # Two processes, as the Rust kernel has: one that talks to Jupyter, one that runs cells.
        self.write("python_kernel", "#!/bin/sh\n"
                   f"'{sys.executable}' -m ipykernel_launcher -f \"$2\"\nexit $?\n").chmod(0o755)

    def run_notebooks(self, *arguments: str, **variables: str):
        return self.python("environment/with_python.py", *arguments, **variables)

    def reports(self) -> "dict[str, bytes]":
        """The reports, without the copies of what failed."""
        return {name: content for name, content in self.files(self.root / "reports").items()
                if not name.endswith(".failed.ipynb") and not name.startswith(".runs")}


def wheel(members: "dict[str, bytes]", name: str = "tiny", version: str = "1.0") -> bytes:
    """A wheel, as pip takes it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "wheel"
        about = f"{name}-{version}.dist-info"
        with zipfile.ZipFile(path, "w") as archive:
            for member, content in members.items():
                archive.writestr(member, content)
            archive.writestr(f"{about}/METADATA",
                             f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
            archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\n"
                             "Root-Is-Purelib: true\nTag: py3-none-any\n")
            archive.writestr(f"{about}/RECORD", "")
        return path.read_bytes()


def source_release(members: "dict[str, bytes]", name: str = "tiny", version: str = "1.0") -> bytes:
    """A package's source release, with a setup.py that must not run."""
    about = f"Metadata-Version: 1.0\nName: {name}\nVersion: {version}\n"
    with io.BytesIO() as file:
        with tarfile.open(fileobj=file, mode="w:gz") as archive:
            for member, content in {"PKG-INFO": about.encode(), "setup.py": b"raise SystemExit(3)",
                                    **members}.items():
                entry = tarfile.TarInfo(f"{name}-{version}/{member}")
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
        return file.getvalue()


class Server:
    """Serves `files` by their paths. `cut` says how many answers break off half way, and
    `asked` keeps the paths that were asked for."""

    def __init__(self, files: "dict[str, bytes]", cut: int = 0) -> None:
        self.files, self.cut, self.asked = files, cut, []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                content = outer.files.get(self.path)
                if content is None:
                    self.send_error(404)
                    return
                page = self.path.endswith("/")
                self.send_response(200)
                packed = "application/gzip" if self.path.endswith(".gz") else "application/zip"
                self.send_header("Content-Type", "text/html" if page else packed)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if outer.cut and not page:
                    outer.cut -= 1
                    content = content[:len(content) // 2]
                self.wfile.write(content)

            def log_message(self, *_) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self) -> Server:
        self.thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def address(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}{path}"


def index(wheels: "dict[str, bytes]") -> "dict[str, bytes]":
    """The pages of a package index that offers these wheels, by their file names."""
    pages = {}
    for file, content in wheels.items():
        package = file.split("-")[0]
        pages[f"/files/{file}"] = content
        pages[f"/simple/{package}/"] = f'<a href="/files/{file}">{file}</a>'.encode()
    return pages


def until(condition, complaint: str, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(complaint)
        time.sleep(0.05)


def ended(pid: int) -> bool:
    """Gone, or only waiting for its parent to notice."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def toml(text: str) -> str:
    return textwrap.dedent(text).strip() + "\n"
