"""Licences of what others wrote: listed, and held against what is allowed."""

from __future__ import annotations

import csv
import io
import unittest
from email.message import Message
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
