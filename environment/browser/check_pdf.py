"""Every page as it is printed: nothing is cut, and its PDF file is A4 with links at home."""

from __future__ import annotations

import tempfile
import unittest
from pathlib import Path

import pdf
from browser.in_browser import REPORTS, InBrowser, pages

PAPER_PIXELS = round((pdf.WIDTH - 2 * pdf.MARGIN) * pdf.PIXELS_PER_INCH)


class Printed(InBrowser):
    def test_nothing_is_cut(self) -> None:
        for page in [*pages(), REPORTS / "index.html"]:
            with self.subTest(page.name):
                self.browser.open(page, width=PAPER_PIXELS)
                self.browser.evaluate("window.dispatchEvent(new Event('beforeprint'))")
                self.browser.call("Emulation.setEmulatedMedia", media="print")
                wide = self.browser.evaluate(
                    "[...document.querySelectorAll('table, .plot svg, .plot img, pre')].map(e => "
                    "[e.localName, Math.round(e.getBoundingClientRect().right)])"
                    f".filter(e => e[1] > {PAPER_PIXELS})")
                self.assertEqual(wide, [])
                high = self.browser.evaluate(
                    "[...document.querySelectorAll('.scroll')].filter(s => "
                    "s.scrollHeight > s.clientHeight + 1).length")
                self.assertEqual(high, 0)
                seen = self.browser.evaluate(
                    "[...document.querySelectorAll('button, input, select')].filter(e => "
                    "e.offsetHeight > 0).length")
                self.assertEqual(seen, 0, "what can be pressed is on paper")
                self.browser.call("Emulation.setEmulatedMedia", media="")

    def test_a_file_is_a4_and_its_links_stay_at_home(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            for page in (REPORTS / "index.html", pages()[0]):
                target = Path(folder) / f"{page.stem}.pdf"
                pdf.write(self.browser, page, target)
                content = target.read_bytes()
                self.assertTrue(content.startswith(b"%PDF-"))
                self.assertRegex(content, rb"/MediaBox \[0 0 59[56](\.\d+)? 84[12](\.\d+)?\]")
                targets = [found[1] for found in pdf.TARGET.finditer(content)]
                self.assertFalse([one for one in targets if b":" in one])
                if page.stem == "index":
                    self.assertIn(f"{pages()[0].stem}.pdf".encode(), targets)


if __name__ == "__main__":
    unittest.main()
