"""Licences of what others wrote: listed, and held against what is allowed."""

from __future__ import annotations

import contextlib
import csv
import io
import os
import re
import subprocess
import sys
import tempfile
import unittest
from collections import defaultdict
from email.message import Message
from pathlib import Path
from unittest import mock

import licences
import project
from project import Problem

OWN = project.read_toml(project.ENVIRONMENT / "licences.toml")
DENY = project.read_toml(project.ROOT / "deny.toml")


class Expressions(unittest.TestCase):
    def test_what_can_be_met(self) -> None:
        allowed = {"MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "Unicode-3.0"}
        for expression in ("MIT", "MIT OR GPL-3.0", "GPL-3.0-only OR (MIT AND Unicode-3.0)", "MIT/GPL-2.0",
                           "GPL-2.0 / Apache-2.0", "(MIT OR Apache-2.0) AND Unicode-3.0",
                           "Apache-2.0 WITH LLVM-exception", "GPL-3.0 OR MIT AND Apache-2.0"):
            self.assertTrue(licences.is_allowed(expression, allowed), expression)
        for expression in ("GPL-3.0", "MIT AND GPL-3.0", "(MIT OR Apache-2.0) AND AGPL-3.0", "mit",
                           "Apache-2.0 WITH Classpath-exception-2.0", "MIT AND (GPL-2.0 OR LGPL-2.1)"):
            self.assertFalse(licences.is_allowed(expression, allowed), expression)

    def test_what_is_no_expression(self) -> None:
        for expression in ("", "MIT OR", "AND MIT", "(MIT", "MIT)", "MIT MIT", "see file, please", "OR"):
            with self.subTest(expression), self.assertRaises(ValueError):
                licences.is_allowed(expression, {"MIT"})


def older_versions(tree: str) -> "set[str]":
    """What `cargo tree --prefix depth` has in more than one version: all but the newest, as
    `skip` of deny.toml names them. As for cargo-deny, a version that only another version of the
    crate asks for is none of its own: the older one hands it on under the old name."""
    versions, above, asks = defaultdict(set), [], defaultdict(set)
    for depth, name, version in re.findall(r"^(\d+)(\S+) v(\d+\.\d+\.\d+)", tree, re.MULTILINE):
        above[int(depth):] = [name]
        versions[name].add(tuple(map(int, version.split("."))))
        asks[name, tuple(map(int, version.split(".")))].add(above[int(depth) - 1] if int(depth) else "")
    found = set()
    for name, all_of_it in versions.items():
        own = sorted(one for one in all_of_it if asks[name, one] != {name})
        found |= {f"{name}@{major}" if major else f"{name}@0.{minor}" for major, minor, _ in own[:-1]}
    return found


class SecondVersions(unittest.TestCase):
    def test_those_that_are_compiled_are_those_that_are_allowed(self) -> None:
        """Cargo.lock has more: of other platforms, of tests and of features that nobody asks for."""
        tree = project.run_for_text(["cargo", "tree", "--locked", "--workspace", "--all-features", "--prefix", "depth",
                                     "--edges", "normal,build", "--format", "{p}"], project.ROOT)
        self.assertTrue(tree, "cargo tree failed")
        found, allowed = older_versions(tree), {one["crate"] for one in DENY["bans"]["skip"]}
        self.assertEqual(found - allowed, set(), "`skip` of deny.toml does not have them")
        # cpufeatures is in two versions on this one alone.
        if project.host_triple() == DENY["graph"]["targets"][0]:
            self.assertEqual(allowed - found, set(), "`skip` of deny.toml has them, and the tree does not")

    def test_versions_in_a_tree(self) -> None:
        tree = ("0ours v0.1.0 (/a)\n1rand v0.8.5\n2rand_core v0.6.4\n1syn v3.0.1 (proc-macro)\n1syn v2.0.3\n\n"
                "0other v0.1.0 (/b)\n1rand v0.8.5 (*)\n1rand v0.10.1\n1rand v0.9.2\n1roots v0.26.1\n2roots v1.0.2\n"
                "1zstd v0.13.3+zstd.1.5\n1zstd v0.13.4\n")
        self.assertEqual(older_versions(tree), {"rand@0.8", "rand@0.9", "syn@2", "zstd@0.13"})


class CargoDeny(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.home = Path(folder.name)

    def passes(self, *checks: str) -> None:
        reason = licences.no_cargo_deny()
        if reason:
            self.skipTest(reason)
        done = subprocess.run(licences.cargo_deny(*checks), cwd=project.ROOT, capture_output=True, text=True,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_second_versions_licences_and_sources(self) -> None:
        self.passes(*licences.CHECKS)

    def test_advisories(self) -> None:
        if not licences.advisories():
            self.skipTest(licences.NO_DATABASE)
        self.passes("advisories")

    def test_an_advisory_that_is_passed_over_has_its_reason(self) -> None:
        for one in DENY["advisories"]["ignore"]:
            self.assertRegex(one["id"], r"^RUSTSEC-\d{4}-\d{4}$")
            self.assertGreater(len(one["reason"].split()), 5, one["id"])

    def deny(self, version: str) -> "tuple[object, list[str], str]":
        """How `make deny` ends, what it asks of cargo-deny, and what it says."""
        said, asked = io.StringIO(), mock.Mock(return_value=mock.Mock(returncode=4))
        with mock.patch.object(sys, "argv", ["licences.py", "--deny"]), \
                mock.patch.dict(os.environ, {"CARGO_HOME": str(self.home)}), \
                mock.patch.object(project, "host_triple", return_value="here"), \
                mock.patch.object(project, "run_for_text",
                                  side_effect=lambda command: version if "deny" in command else "2026-08-21\n"), \
                mock.patch.object(subprocess, "run", asked), \
                contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            code = licences.main()
        return code, asked.call_args[0][0] if asked.called else [], said.getvalue()

    def test_all_checks_where_the_database_is_at_hand(self) -> None:
        (self.home / "advisory-dbs" / "advisory-db-0123456789abcdef").mkdir(parents=True)
        (self.home / "advisory-dbs" / "db.lock").touch()
        code, asked, said = self.deny("cargo-deny 0.20.2")
        self.assertEqual((code, said), (4, "advisories: the RustSec advisory database of 2026-08-21\n"))
        self.assertEqual(asked, ["cargo", "deny", "--locked", "--offline", "--target", "here", "check", "advisories",
                                 "bans", "licenses", "sources"])

    def test_without_the_database(self) -> None:
        code, asked, said = self.deny("cargo-deny 0.20.2")
        self.assertEqual((code, said), (4, f"skipped: {licences.NO_DATABASE}\n"))
        self.assertEqual(asked[-4:], ["check", "bans", "licenses", "sources"])

    def test_without_cargo_deny(self) -> None:
        self.assertEqual(self.deny(""), (1, [], f"error: {licences.NO_CARGO_DENY}\n"))

    def test_an_old_one_is_not_asked(self) -> None:
        # 0.18.9 was asked, and refused deny.toml: "found 1 unexpected keys".
        for version in ("cargo-deny 0.18.9", "cargo-deny 0.20.1", "cargo-deny"):
            self.assertEqual(self.deny(version), (1, [], f"error: {version}: deny.toml was not tried with it: "
                                                  "cargo install --locked cargo-deny --version 0.20.2\n"))
        self.assertEqual(self.deny("cargo-deny 1.0.0-rc1")[0], 4, "its own status")


class Packages(unittest.TestCase):
    def said(self, *fields: "tuple[str, str]") -> str:
        about = Message()
        for name, value in fields:
            about[name] = value
        return licences.python_licence(about, OWN["python"]["spellings"])

    def test_what_a_python_package_says(self) -> None:
        osi = ("Classifier", "License :: OSI Approved :: BSD License")
        for fields, wanted in (
            ([("License-Expression", "MIT"), ("License", "x"), osi], "MIT"),
            ([("License", "BSD 3-Clause License\n\nCopyright …"), osi], "BSD-3-Clause"),
            ([("License", "BSD-3-Clause"), osi], "BSD-3-Clause OR BSD-2-Clause"),
            ([("License", "MPL-2.0")], "MPL-2.0"),
            ([("License", "UNKNOWN"), ("Classifier", "License :: OSI Approved :: ISC License (ISCL)")], "ISC"),
            ([("Classifier", "Programming Language :: Python")], ""),
            ([("License", "ask the author " * 9)], ("ask the author " * 9)[:licences.LONGEST_NAME]),
        ):
            self.assertEqual(self.said(*fields), wanted, fields)

    def test_one_that_is_not_allowed_is_named_and_nothing_is_listed(self) -> None:
        planted = {"packages": [
            {"name": "ours", "version": "0.1.0", "license": "GPL-3.0", "source": None},
            {"name": "copyleft", "version": "1.0.0", "license": "GPL-3.0-only", "source": "registry"},
            {"name": "silent", "version": "2.0.0", "license": None, "source": "registry"},
            {"name": "fine", "version": "3.0.0", "license": "MIT", "source": "registry"}]}
        with mock.patch.object(licences, "cargo_metadata", return_value=planted), \
                self.assertRaises(Problem) as raised:
            licences.listed()
        said = str(raised.exception)
        self.assertTrue(said.startswith("2 licences are not allowed (deny.toml, environment/licences.toml): "))
        self.assertIn("crate copyleft 1.0.0: GPL-3.0-only is not allowed; crate silent 2.0.0: says no licence", said)
        self.assertNotIn("\n", said)

    def test_all_that_is_used_here_is_allowed_and_listed(self) -> None:
        rows = list(csv.reader(io.StringIO(licences.as_csv(licences.listed()))))
        self.assertEqual(tuple(rows[0]), licences.FIELDS)
        names = {(row[0], row[1]) for row in rows}
        for one in (("crate", "polars"), ("crate", "tch"), ("python", "nbclient"), ("fetched", "torch")):
            self.assertIn(one, names)
        self.assertFalse([name for _, name in names if name.startswith("ttp-")])
        locked = project.read_toml(project.ROOT / "Cargo.lock")["package"]
        versions = {(one["name"], one["version"]) for one in locked}
        self.assertEqual([row for row in rows[1:] if row[0] == "crate" and tuple(row[1:3]) not in versions], [])

    def test_deny_toml_asks_for_what_the_locks_have(self) -> None:
        """A second version that went leaves no exception behind."""
        versions: "dict[str, set[str]]" = {}
        for package in project.read_toml(project.ROOT / "Cargo.lock")["package"]:
            versions.setdefault(package["name"], set()).add(package["version"])
        for entry in DENY["bans"]["skip"]:
            name, _, version = entry["crate"].partition("@")
            self.assertTrue(entry["reason"], name)
            self.assertTrue(any(found.startswith(f"{version}.") for found in versions[name]), entry)
            self.assertGreater(len(versions[name]), 1, name)


if __name__ == "__main__":
    unittest.main()
