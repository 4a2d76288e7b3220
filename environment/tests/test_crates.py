"""Which crates a notebook needs: in a small made-up library, and in this one. And that `ttp-lib`
itself is thin, and no crate's modules know each other in a circle."""

from __future__ import annotations

import re
import unittest
from pathlib import Path
from unittest import mock

import crates
import project
from tests.support import House, notebook

LIBRARY = {
    "src/lib.rs": "pub mod train;\npub use ttp_audit as audit;\npub use ttp_base::{Error, files};\n"
                  "pub use ttp_text::corpus;\n/// For the notebooks.\npub use {polars, serde_json};\n",
    "src/train/mod.rs": "use ttp_text::corpus::Sample;\n",
    "crates/base/Cargo.toml": "[package]\nname = \"ttp-base\"\n[dependencies]\ncsv.workspace = true\n",
    "crates/text/Cargo.toml": "[dependencies]\nttp-base.workspace = true\n\n"
                              "[dev-dependencies]\nttp-cli.workspace = true\n",
    "crates/audit/Cargo.toml": "[dependencies]\nttp-base.workspace = true\n",
    "crates/cli/Cargo.toml": "[dependencies]\nttp-lib.workspace = true\n",
    "crates/base/src/lib.rs": "", "crates/text/src/lib.rs": "", "crates/cli/src/main.rs": "",
    "crates/audit/src/lib.rs": "", "crates/audit/src/tests.rs": "",
    "crates/audit/src/printed_tests.rs": "", "crates/audit/src/printed_tests/truth.rs": "",
    "crates/audit/src/tests/samples.rs": "",
}

# Lines of `ttp-lib/src`, its unit tests among them. What makes it more belongs into a crate.
LINES = 6000
COMMENT = re.compile(r"^\s*//.*$", re.MULTILINE)
# `crate::evaluate`, `super::super::evaluate`, or the names within `crate::{…}`.
NAMED = re.compile(r"\b(crate::|(?:super::)+)(?:(\w+)|\{([^;]*)\})")


# `pub use study::{Study, Trial};` in `lib.rs`: a name that stands for its module.
SHOWN = re.compile(r"^(?:pub )?use (\w+)::([^;]+);", re.MULTILINE)
ROOTS = ("lib", "main")


def code(path: Path) -> str:
    return COMMENT.sub("", path.read_text(encoding="utf-8"))


def siblings(source: Path) -> "dict[str, set[str]]":
    """A crate's own modules, each with those of the others that its code names, tests aside."""
    found: "dict[str, set[str]]" = {
        path.stem: set() for path in source.iterdir() if path.stem not in (*ROOTS, "tests", "bin")
    }
    home = {name: name for name in found}
    for root in filter(Path.is_file, (source / f"{name}.rs" for name in ROOTS)):
        for module, names in SHOWN.findall(code(root)):
            if module in found:
                home |= {name: module for name in re.findall(r"\w+", names) if name not in found}
    for path in sorted(source.rglob("*.rs")):
        place = [part for part in path.relative_to(source).with_suffix("").parts if part != "mod"]
        if place[0] not in found or "tests" in place:
            continue
        for start, name, group in NAMED.findall(code(path)):
            # As many steps up as the module is deep lead to the crate itself.
            if start == "crate::" or start.count("super") >= len(place):
                names = {name, *re.findall(r"\w+", group)} & home.keys()
                found[place[0]] |= {home[name] for name in names} - {place[0]}
    return found


def circle(known: "dict[str, set[str]]") -> str:
    """A way from a module over others back to it; empty where there is none."""
    def walk(way: "list[str]") -> "list[str]":
        if way[-1] in way[:-1]:
            return way[way.index(way[-1]):]
        return next(filter(None, (walk([*way, name]) for name in sorted(known[way[-1]]))), [])
    return " -> ".join(next(filter(None, (walk([name]) for name in sorted(known))), []))


class Crates(House):
    def setUp(self) -> None:
        super().setUp()
        self.entered(mock.patch.object(project, "ROOT", self.root))
        for name, text in LIBRARY.items():
            self.write(f"ttp-lib/{name}", text)

    def needed(self, *cells: str) -> "list[str]":
        path = self.write("notebooks/01_corpus.ipynb", notebook(*cells))
        return [folder.name for folder in crates.needed(path)]

    def test_what_a_notebook_takes_and_what_lies_below(self) -> None:
        for cell, found in (
            ("use ttp_lib::corpus::{self, Corpus};", ["ttp-lib", "base", "text"]),
            ("use ttp_lib::{Error, audit::{self, Audit}};", ["ttp-lib", "audit", "base", "text"]),
            ("use ttp_lib::train::Rows;", ["ttp-lib", "base", "text"]),
            ("use ttp_lib::{\n    serde_json::json,\n    files,\n};", ["ttp-lib", "base", "text"]),
            ("let found = ttp_lib::audit::audit(&claims);", ["ttp-lib", "audit", "base", "text"]),
            ("use ttp_audit::{Audit, judge};", ["ttp-lib", "audit", "base", "text"]),
            ("let x = 1;", ["ttp-lib", "base", "text"]),
        ):
            with self.subTest(cell):
                self.assertEqual(self.needed(cell), found)

    def test_a_text_is_no_use(self) -> None:
        self.assertNotIn("audit", self.needed("# As `use ttp_lib::audit;` would", "let x = 1;"))

    def test_a_name_that_is_not_known_needs_all(self) -> None:
        for cell in ("use ttp_lib::*;", "use ttp_lib::planned::Thing;"):
            with self.subTest(cell):
                self.assertEqual(self.needed(cell), ["ttp-lib", "audit", "base", "cli", "text"])

    def test_a_circle_of_modules_is_named(self) -> None:
        source = self.root / "ttp-lib" / "src"
        self.write("ttp-lib/src/profile.rs", "//! As `crate::evaluate` says.\nuse crate::train::Epoch;\n")
        self.write("ttp-lib/src/evaluate.rs", "mod card;\nuse super::profile::Run;\n")
        self.write("ttp-lib/src/evaluate/card.rs", "use super::profile_of;\nuse crate::{profile, Result};\n")
        self.assertEqual(siblings(source), {"evaluate": {"profile"}, "profile": {"train"}, "train": set()})
        self.assertEqual(circle(siblings(source)), "")
        self.write("ttp-lib/src/train/tests.rs", "use crate::evaluate::Evaluation;\n")
        self.assertEqual(circle(siblings(source)), "", "tests may name what they like")
        lib = self.root / "ttp-lib/src/lib.rs"
        lib.write_text(lib.read_text() + "pub use evaluate::{Evaluation, card};\n")
        for name, text in (
            ("train/card.rs", "use crate::evaluate::{self, Evaluation};\n"),
            ("train/card.rs", "use super::super::evaluate;\n"),
            ("train/card.rs", "use crate::{Evaluation, Result};\n"),
            ("train/mod.rs", "fn f() { crate::evaluate::f() }\n"),
        ):
            with self.subTest(text):
                path = self.write(f"ttp-lib/src/{name}", text)
                self.assertEqual(circle(siblings(source)), "evaluate -> profile -> train -> evaluate")
                path.write_text("")

    def test_tests_are_no_sources(self) -> None:
        names = [path.name for path in crates.sources(self.root / "ttp-lib/crates/audit")]
        self.assertEqual(names, ["lib.rs", "Cargo.toml"])


class ThisLibrary(unittest.TestCase):
    def test_an_edit_in_the_audit_or_the_command_line(self) -> None:
        audits, reports, evidence = [], [], []
        for path in sorted(project.NOTEBOOKS.glob("*.ipynb")):
            names = {folder.name for folder in crates.needed(path)}
            self.assertNotIn("cli", names, path.name)
            self.assertLessEqual({"ttp-lib", "base"}, names, path.name)
            if "audit" in names:
                audits.append(path.name[:2])
            if "report" in names:
                self.assertLessEqual({"documents", "metrics"}, names, path.name)
                reports.append(path.name[:2])
            if "evidence" in names:
                evidence.append(path.name[:2])
        self.assertEqual(audits, ["10", "13", "14"])
        self.assertEqual(reports, ["15"])
        self.assertEqual(evidence, ["07", "08", "12"])

    def test_modules_know_each_other_one_way(self) -> None:
        self.assertIn("profile", siblings(project.ROOT / "ttp-lib" / "src")["evaluate"])
        for name, folder in crates.folders().items():
            with self.subTest(name):
                self.assertEqual(circle(siblings(folder / "src")), "", "modules in a circle")

    def test_ttp_lib_is_thin(self) -> None:
        sources = (project.ROOT / "ttp-lib" / "src").rglob("*.rs")
        lines = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in sources)
        self.assertLessEqual(lines, LINES, "ttp-lib/src: what is a subject of its own is a crate")

    def test_a_closed_pipe_ends_no_work(self) -> None:
        """The standard macros panic there; `show::print` and the command line's own go on."""
        found = [f"{path.relative_to(project.ROOT)}: {line.strip()}"
                 for folder in crates.folders().values()
                 for path in crates.sources(folder) if path.suffix == ".rs" and path.name != "build.rs"
                 for line in path.read_text(encoding="utf-8").splitlines()
                 if re.search(r"\be?print(ln)?!\(", line) and not line.lstrip().startswith("//")]
        self.assertEqual(found, [])

    def test_all_crates_are_known(self) -> None:
        for crate in crates.folders():
            self.assertLessEqual(crates.below(crate), set(crates.folders()), crate)


if __name__ == "__main__":
    unittest.main()
