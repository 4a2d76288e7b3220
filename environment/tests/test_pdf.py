"""`make pdf`: links stay with the files, and what is missing is said in a line."""

from __future__ import annotations

import tempfile
import unittest
from pathlib import Path
from unittest import mock

import pdf
from browser import chrome
from tests.support import House


class Links(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.reports = Path(folder.name).resolve()
        for name in ("01_a.html", "index.html", "diagnosis.html"):
            (self.reports / name).touch()

    def turned(self, address: str) -> str:
        before = b"<</URI (" + address.encode() + b")>>\nxref"
        after = pdf.at_home(before, self.reports)
        self.assertEqual(len(after), len(before), "a PDF file knows where its parts lie")
        self.assertTrue(after.endswith(b">>\nxref"))
        return after[len("<</URI ("):].partition(b")")[0].decode()

    def test_they_lead_to_the_files_beside_them(self) -> None:
        home = self.reports.as_uri()
        for address, wanted in ((f"{home}/01_a.html", "01_a.pdf"), (f"{home}/01_a.html#What-we-saw", "01_a.pdf"),
                                (f"{home}/index.html", "index.pdf"), (f"{home}/results.json", "../results.json"),
                                (f"{home}/diagnosis.html", "../diagnosis.html"),
                                (f"{home}/09_not_there.html", "../09_not_there.html")):
            self.assertEqual(self.turned(address), wanted)

    def test_others_are_left_alone(self) -> None:
        self.assertEqual(self.turned("https://example.com/01_a.html"), "https://example.com/01_a.html")


class Missing(House):
    def test_without_chromium_there_is_one_line(self) -> None:
        self.write("reports/01_a.html", "<html></html>")
        with mock.patch.object(chrome, "find", return_value=None), \
                mock.patch.object(pdf.project, "output", return_value=self.root):
            with self.assertRaisesRegex(pdf.Problem, "^no Chromium on PATH, .*apt-get install chromium$"):
                pdf.print_all()
        self.assertFalse((self.root / "reports/pdf").exists())

    def test_without_pages_there_is_one_line(self) -> None:
        self.write("environment/browser/__init__.py", "")
        self.write("environment/browser/chrome.py", "find = lambda: '/bin/true'\n")
        self.one_line(self.python("environment/pdf.py"), "reports holds no page: run `make reproduce` first")
        self.assertFalse((self.root / "reports").exists())

    def test_a_browser_that_does_not_start_is_said(self) -> None:
        self.write("reports/01_a.html", "<html></html>")
        self.write("environment/browser/__init__.py", "")
        self.write("environment/browser/chrome.py", (pdf.project.ENVIRONMENT / "browser/chrome.py").read_text(
            encoding="utf-8").replace("NAMES = (", "NAMES = ('false', "))
        self.one_line(self.python("environment/pdf.py"), "Chromium did not print the pages")


if __name__ == "__main__":
    unittest.main()
