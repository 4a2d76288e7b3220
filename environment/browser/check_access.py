"""Every page against WCAG 2.2, levels A and AA, in light and in dark, wide and narrow."""

from __future__ import annotations

import tempfile
import unittest
from pathlib import Path

from browser import axe
from browser.in_browser import REPORTS, InBrowser, pages
from project import Problem

# All rules once; then those alone that a colour or a width can change.
LOOKS = (
    ({"width": 1280}, None),
    ({"width": 1280, "dark": True}, ["color-contrast", "link-in-text-block"]),
    ({"width": 500}, ["scrollable-region-focusable", "target-size", "meta-viewport"]),
)
BAD = """<!DOCTYPE html><html><head><title>x</title></head><body>
<p style="color:#ccc;background:#fff">pale</p><img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">
<p style="color:#000;background:#fff">clear</p></body></html>"""


class Access(InBrowser):
    @classmethod
    def setUpClass(cls) -> None:
        try:
            cls.axe = axe.script()
        except Problem as problem:
            raise unittest.SkipTest(f"axe-core cannot be had: {problem}") from problem
        super().setUpClass()

    def test_what_is_wrong_is_found(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            page = Path(folder) / "bad.html"
            page.write_text(BAD, encoding="utf-8")
            self.browser.open(page)
            found = axe.violations(self.browser, self.axe)
        self.assertEqual(sorted(line.partition(" (")[0] for line in found),
                         ["color-contrast: p:nth-child(1)", "html-has-lang: html", "image-alt: img"])

    def test_every_page_can_be_used_by_everybody(self) -> None:
        wrong = []
        # What `ttp diagnose` writes; notebook 12 does, too.
        diagnosis = [page for page in [REPORTS / "diagnosis.html"] if page.exists()]
        for page in [*pages(), REPORTS / "index.html", *diagnosis]:
            for look, rules in LOOKS:
                self.browser.open(page, **look)
                seen = "dark" if look.get("dark") else "light"
                wrong += [f"{page.name}, {seen}, {look['width']} wide: {line}"
                          for line in axe.violations(self.browser, self.axe, rules)]
        self.assertFalse(wrong, "\n" + "\n".join(wrong))


if __name__ == "__main__":
    unittest.main()
