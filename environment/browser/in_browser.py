"""What the checks in a browser share: the pages of the output folder, and the browser."""

from __future__ import annotations

import unittest
from pathlib import Path

import project
from browser import chrome

REPORTS = project.output() / "reports"
PROGRAM = chrome.find()


def pages() -> list[Path]:
    return sorted(REPORTS.glob("[0-9][0-9]_*.html"))


@unittest.skipIf(PROGRAM is None, "no chromium on PATH: apt-get install chromium")
class InBrowser(unittest.TestCase):
    """Tests that have one browser in common."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.browser = chrome.Chrome(PROGRAM)

    @classmethod
    def tearDownClass(cls) -> None:
        cls.browser.__exit__()
