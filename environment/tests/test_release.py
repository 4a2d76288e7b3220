"""`make release`: an archive of a whole run, or one line that says what is missing."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tarfile
from pathlib import Path
from unittest import mock

import figures
import licences
import machine
import project
import release
import report
import run_notebooks
from project import Problem
from tests.support import OutputFolder


class State:
    def __init__(self, name: str, fresh: bool) -> None:
        self.name, self.fresh = name, fresh

    def is_up_to_date(self) -> bool:
        return self.fresh

    def page_stands(self, look: str) -> bool:
        return self.fresh


class Release(OutputFolder):
    def setUp(self) -> None:
        super().setUp()
        patch = mock.patch.dict(os.environ, {"TTP_PROFILE": "laptop"})
        patch.start()
        self.addCleanup(patch.stop)
        for name, text in (("reports/01_a.html", "page"), ("reports/01_a.ipynb", "{}"),
                           ("reports/figures/a.svg", "<svg/>"), ("reports/.runs/01_a.json", "{}"),
                           ("reports/02_b.failed.ipynb", "{}"), ("results/a.json", "1"),
                           ("results/a.parquet", "no")):
            path = self.out / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def made(self, commit: str = "0123456789ab", fresh: bool = True) -> Path:
        with mock.patch.object(machine, "commit", return_value=commit), \
                mock.patch.object(report, "check_whole"), \
                mock.patch.object(figures, "outcome", return_value=None), \
                mock.patch.object(licences, "listed", return_value=[("crate", "a", "1.0", "MIT")]), \
                mock.patch.object(run_notebooks, "notebooks", return_value=[Path("01_a.ipynb")]), \
                mock.patch.object(run_notebooks, "runs", return_value=[State("01_a", fresh)]):
            return release.make()

    def test_it_holds_pages_figures_versions_and_sums(self) -> None:
        target = self.made()
        name = f"ttp-lib-{release.version()}-laptop"
        self.assertEqual(target, project.output() / "release" / f"{name}.tar.gz")
        with tarfile.open(target) as tar:
            content = {member.name: tar.extractfile(member).read() for member in tar}
        wanted = ["reports/01_a.html", "reports/01_a.ipynb", "reports/figures/a.svg", "results/a.json",
                  "VERSIONS.json", "LICENCES.csv", "SHA256SUMS"]
        self.assertEqual(list(content), [f"{name}/{path}" for path in wanted])
        sums = dict(line.split("  ")[::-1] for line in content[f"{name}/SHA256SUMS"].decode().splitlines())
        self.assertEqual(sums, {path: hashlib.sha256(content[f"{name}/{path}"]).hexdigest() for path in wanted[:-1]})
        about = json.loads(content[f"{name}/VERSIONS.json"])
        self.assertEqual((about["commit"], about["profile"]), ("0123456789ab", "laptop"))
        before = target.read_bytes()
        self.assertEqual(self.made().read_bytes(), before, "the same run gives the same bytes")

    def test_the_citation_and_the_newest_changes_are_of_this_version(self) -> None:
        citation = (project.ROOT / "CITATION.cff").read_text(encoding="utf-8")
        changes = (project.ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
        cited = re.search(r"^version: (.+)\ndate-released: (.+)$", citation, re.MULTILINE)
        released = re.search(r"^## (\d.*) \((.+)\)$", changes, re.MULTILINE)
        self.assertEqual(cited.groups(), released.groups())
        self.assertEqual(cited[1], release.version())

    def test_what_is_no_release_is_said_in_a_line(self) -> None:
        for arguments, said in (({"commit": "0123456789ab+"}, "commit what was changed first"),
                                ({"commit": "unknown"}, "commit what was changed first"),
                                ({"fresh": False}, "not up to date: 01_a: run `make reproduce` first")):
            with self.assertRaises(Problem) as raised:
                self.made(**arguments)
            self.assertIn(said, str(raised.exception))
        self.assertFalse((self.out / "release").exists())
