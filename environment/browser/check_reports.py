"""Opens every report of the output folder as a reader would: from a file address. And looks
at what the notebooks that made them took: memory, and versions."""

from __future__ import annotations

import json
import unittest
from pathlib import Path

import project
from browser import chrome

REPORTS = project.output() / "reports"
PROGRAM = chrome.find()
WIDTHS = (1280, 500)
# What a machine with 8 GiB has left beside its desktop. The smoke profile needs the same
# libraries and the same model as the others, on less data.
MOST_BYTES = 4 << 30


def pages() -> list[Path]:
    return sorted(REPORTS.glob("[0-9][0-9]_*.html"))


def peaks(reports: Path) -> "dict[str, int | None]":
    """The peak memory of each executed smoke notebook, by the report's name."""
    found = {}
    for path in sorted(reports.glob("[0-9][0-9]_*.ipynb")):
        run = json.loads(path.read_text(encoding="utf-8"))["metadata"].get("ttp", {}).get("run", {})
        if run.get("profile") == "smoke" and not path.name.endswith(".failed.ipynb"):
            found[path.stem] = run.get("peak_bytes")
    return found


def too_big(found: "dict[str, int | None]") -> "list[str]":
    return [f"{name}: {peak / 2**30:.2f} GiB" for name, peak in found.items()
            if peak and peak > MOST_BYTES]


class Memory(unittest.TestCase):
    def test_no_notebook_takes_too_much(self) -> None:
        found = peaks(REPORTS)
        if not any(found.values()):
            self.skipTest("memory was not measured")
        self.assertEqual(too_big(found), [], f"more than {MOST_BYTES / 2**30:.0f} GiB")


def packages(lock: Path) -> "set[tuple[str, str]]":
    found = project.read_toml(lock).get("package", [])
    return {(package["name"], package["version"]) for package in found if "source" in package}


class Versions(unittest.TestCase):
    def test_the_kernel_took_the_versions_of_the_lock_file(self) -> None:
        used = project.kernel_seat() / "Cargo.lock"
        if not used.exists():
            self.skipTest("the first build folder was never used")
        self.assertEqual(packages(used) - packages(project.ROOT / "Cargo.lock"), set())


@unittest.skipIf(PROGRAM is None, "no chromium on PATH: apt-get install chromium")
class Reports(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.browser = chrome.Chrome(PROGRAM)

    @classmethod
    def tearDownClass(cls) -> None:
        cls.browser.__exit__()

    def on_each_page(self, check) -> None:
        found = pages()
        self.assertTrue(found, f"no report in {REPORTS}")
        for page in found:
            with self.subTest(page.name):
                self.browser.open(page)
                check(page)

    def test_nothing_is_fetched_and_no_script_fails(self) -> None:
        for page in [*pages(), REPORTS / "index.html"]:
            with self.subTest(page.name):
                self.browser.open(page)
                self.assertEqual(self.browser.requests(), [page.resolve().as_uri()])
                self.assertEqual(self.browser.complaints(), [])

    def test_plots_have_a_size(self) -> None:
        seen = []

        def check(page: Path) -> None:
            expected = page.read_text(encoding="utf-8").count('<figure class="plot">')
            sizes = self.browser.evaluate(
                "[...document.querySelectorAll('.plot svg, .plot img')].map(plot => "
                "[plot.getBoundingClientRect().width, plot.getBoundingClientRect().height])")
            self.assertEqual(len(sizes), expected)
            for width, height in sizes:
                self.assertGreater(width, 50)
                self.assertGreater(height, 50)
            drawn = self.browser.evaluate(
                "[...document.querySelectorAll('.plot svg')].every(plot => "
                "plot.querySelector('path, rect, line, polyline, polygon, circle, text'))")
            self.assertTrue(drawn)
            seen.extend(sizes)

        self.on_each_page(check)
        self.assertTrue(seen, "no report has a plot")

    def test_links_stay_at_home(self) -> None:
        """What a sentence holds is never a link: outputs have none at all, and the text
        around them links to headings and to the other reports."""

        def check(page: Path) -> None:
            inside = self.browser.evaluate(
                "[...document.querySelectorAll('.output a[href], .output [*|href]:not(use)')]"
                ".map(link => link.getAttribute('href'))")
            self.assertEqual(inside, [])
            around = self.browser.evaluate(
                "[...document.querySelectorAll('a[href]')].map(link => link.getAttribute('href'))")
            for address in around:
                home = address.startswith("#") or ("://" not in address and address.endswith(
                    (".html", ".json", ".md")))
                self.assertTrue(home, address)

        self.on_each_page(check)

    def test_outputs_hold_nothing_that_acts(self) -> None:
        def check(page: Path) -> None:
            acting = self.browser.evaluate(
                "[...document.querySelectorAll('.output *')].filter(e => "
                "['script', 'iframe', 'object', 'embed', 'form', 'link', 'meta', 'base']"
                ".includes(e.localName) || [...e.attributes].some(a => a.name.startsWith('on')))"
                ".map(e => e.outerHTML.slice(0, 80))")
            self.assertEqual(acting, [])

        self.on_each_page(check)

    def test_code_folds_and_unfolds(self) -> None:
        def check(page: Path) -> None:
            state = "[...document.querySelectorAll('details.code')].map(cell => cell.open)"
            click = "document.getElementById('fold').click()"
            self.assertTrue(all(self.browser.evaluate(state)))
            self.browser.evaluate(click)
            self.assertFalse(any(self.browser.evaluate(state)))
            outputs = self.browser.evaluate(
                "[...document.querySelectorAll('.output')].every(o => o.offsetHeight > 0)")
            self.assertTrue(outputs, "an output is hidden with its code")
            self.browser.evaluate(click)
            self.assertTrue(all(self.browser.evaluate(state)))

        self.on_each_page(check)

    def test_tables_that_can_be_searched_are(self) -> None:
        def check(page: Path) -> None:
            tables = page.read_text(encoding="utf-8").count('class="ttp-table filterable ')
            bars = self.browser.evaluate("document.querySelectorAll('.filter input').length")
            self.assertEqual(bars, tables)
            if not tables:
                return
            shown = ("[...document.querySelectorAll('.filterable tbody tr')]"
                     ".filter(row => row.offsetHeight > 0)")
            every = self.browser.evaluate(f"{shown}.length")
            self.assertGreater(every, 0)
            choose = ("(value => {{ const choice = document.querySelector('.filter select'); "
                      "choice.value = value; choice.dispatchEvent(new Event('change')); }})('{}')")
            self.browser.evaluate(choose.format("inconsistent"))
            verdict = self.browser.evaluate(
                "[...document.querySelectorAll('.filterable thead th')]"
                ".findIndex(cell => cell.textContent === 'verdict')")
            kinds = self.browser.evaluate(
                f"[...new Set({shown}.map(row => row.cells[{verdict}].textContent))]")
            self.assertEqual(kinds, ["inconsistent"])
            self.browser.evaluate(choose.format(""))
            write = ("(text => {{ const words = document.querySelector('.filter input'); "
                     "words.value = text; words.dispatchEvent(new Event('input')); }})('{}')")
            self.browser.evaluate(write.format("there is no such row"))
            self.assertEqual(self.browser.evaluate(f"{shown}.length"), 0)
            self.browser.evaluate(write.format(""))
            self.assertEqual(self.browser.evaluate(f"{shown}.length"), every)

        self.on_each_page(check)

    def test_contents_lead_to_headings(self) -> None:
        def check(page: Path) -> None:
            lost = self.browser.evaluate(
                "[...document.querySelectorAll('#contents ol a')].filter(link => "
                "!document.getElementById(decodeURIComponent(link.hash.slice(1)))).map(l => l.hash)")
            self.assertEqual(lost, [])
            entries = self.browser.evaluate("document.querySelectorAll('#contents ol a').length")
            headings = self.browser.evaluate("document.querySelectorAll('main h2, main h3').length")
            self.assertEqual(entries, headings)

        self.on_each_page(check)

    def test_no_page_is_wider_than_its_window(self) -> None:
        for page in [*pages(), REPORTS / "index.html"]:
            for width in WIDTHS:
                with self.subTest(page.name, width=width):
                    self.browser.open(page, width=width)
                    wide = self.browser.evaluate("document.documentElement.scrollWidth")
                    self.assertLessEqual(wide, width)


if __name__ == "__main__":
    unittest.main()
