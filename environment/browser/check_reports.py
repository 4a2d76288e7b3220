"""Opens every report of the output folder as a reader would: from a file address. And looks
at what the notebooks that made them took: memory, and versions."""

from __future__ import annotations

import csv
import json
import tempfile
import time
import unittest
from pathlib import Path
from xml.etree import ElementTree

import figures
import project
import report
from browser.in_browser import REPORTS, InBrowser, pages

WIDTHS = (1280, 500)
# A page is there within this time; the best of some tries, for other work may run beside it.
OPEN_MILLISECONDS = 1000
TRIES = 3
# What a machine with 8 GiB has left beside its desktop. The smoke profile needs the same
# libraries and the same model as the others, on less data.
MOST_BYTES = 4 << 30


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


class Figures(unittest.TestCase):
    """README's figures are of a laptop run. A smoke run has other values in the same places."""

    def test_a_run_has_every_figure_of_readme(self) -> None:
        found = report.written_results()
        at_hand = {"orbinato-mixed": "paper_rows" in found,
                   "attack-v15": bool(figures.at(found, "evidence/external").get("attack-v15")),
                   "netml-challenge-set": figures.at(found, "families/at_hand")}
        listed, text, absent = figures.sources(), figures.readme(), []
        for figure in figures.of_table(text, listed) + figures.of_text(text, listed):
            if at_hand.get(figure.needs, True):
                try:
                    self.assertIsInstance(figures.at(found, figure.path), (int, float), figure.path)
                except figures.Missing as missing:
                    absent.append(str(missing))
        self.assertEqual(absent, [])


class Reports(InBrowser):
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
                home = address.startswith("#") or ("://" not in address and address.partition(
                    "#")[0].endswith((".html", ".json", ".md")))
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

    def test_pages_open_within_a_second(self) -> None:
        for page in [*pages(), REPORTS / "index.html"]:
            with self.subTest(page.name):
                took = []
                for _ in range(TRIES):
                    self.browser.open(page)
                    took.append(self.browser.evaluate(
                        "performance.getEntriesByType('navigation')[0].loadEventEnd"))
                    if took[-1] <= OPEN_MILLISECONDS:
                        break
                print(f"{page.name} opens in {min(took):.0f} ms")
                self.assertLessEqual(min(took), OPEN_MILLISECONDS)

    def test_tables_that_are_cut_say_so_and_open(self) -> None:
        cut_tables = []

        def check(page: Path) -> None:
            cut = self.browser.evaluate(
                "[...document.querySelectorAll('.output .scroll')].map(s => [s.scrollHeight > "
                "s.clientHeight + 1, s.querySelectorAll('tbody tr').length, "
                "s.nextElementSibling.querySelector('.more').hidden ? '' : "
                "s.nextElementSibling.querySelector('.more').textContent])")
            for is_cut, rows, said in cut:
                if not is_cut:
                    self.assertEqual(said, "")
                    continue
                self.assertRegex(said, rf"^\d+ of {rows} rows: show all$")
                seen = int(said.split()[0])
                self.assertTrue(0 < seen < rows, said)
                cut_tables.append(page.name)
            left = self.browser.evaluate(
                "[...document.querySelectorAll('.more:not([hidden])')].map(b => { b.click(); const s = "
                "b.parentNode.previousElementSibling; return s.scrollHeight - s.clientHeight; })")
            self.assertTrue(all(height <= 1 for height in left), left)

        self.on_each_page(check)
        self.assertTrue(cut_tables, "no table is cut")

    def folder_of_downloads(self) -> Path:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.browser.downloads(Path(folder.name))
        return Path(folder.name)

    def saved(self, folder: Path, press: str, ending: str) -> Path:
        """The file that a press of this button saves."""
        before = set(folder.iterdir())
        self.browser.evaluate(f"{press}.click()")
        end = time.monotonic() + 20
        while time.monotonic() < end:
            new = [path for path in set(folder.iterdir()) - before if path.suffix == ending]
            if new and new[0].stat().st_size:
                return new[0]
            time.sleep(0.05)
        self.fail(f"nothing was saved by {press}")

    def test_plots_and_tables_are_saved(self) -> None:
        """The first plot and the largest table of each page, and all of them have their buttons."""
        folder = self.folder_of_downloads()

        def check(page: Path) -> None:
            counts = self.browser.evaluate(
                "['.plot svg', '.output .scroll table', '.save button'].map(s => "
                "document.querySelectorAll(s).length)")
            plots, tables = counts[0], counts[1]
            buttons = self.browser.evaluate(
                "['SVG', 'PNG', 'CSV'].map(kind => [...document.querySelectorAll('.save button')]"
                ".filter(b => b.textContent === `Save ${kind}`).length)")
            self.assertEqual(buttons, [plots, plots, tables])
            if plots:
                drawing = self.saved(folder, "document.querySelector('.plot + .save button')", ".svg")
                self.assertTrue(ElementTree.parse(drawing).getroot().tag.endswith("}svg"))
                self.assertTrue(drawing.name.startswith(page.stem))
                picture = self.saved(
                    folder, "document.querySelector('.plot + .save button:nth-child(2)')", ".png")
                self.assertEqual(picture.read_bytes()[:8], b"\x89PNG\r\n\x1a\n")
                width = self.browser.evaluate("+document.querySelector('.plot svg').getAttribute('width')")
                self.assertEqual(int.from_bytes(picture.read_bytes()[16:20], "big"), 2 * width)
            if tables:
                rows = self.browser.evaluate(
                    "(() => { const tables = [...document.querySelectorAll('.output .scroll table')];"
                    "window.largest = tables.sort((a, b) => b.rows.length - a.rows.length)[0];"
                    "return largest.querySelectorAll('thead tr, tbody tr').length; })()")
                file = self.saved(folder, "[...largest.closest('.scroll').nextElementSibling"
                                  ".querySelectorAll('button')].pop()", ".csv")
                with open(file, encoding="utf-8", newline="") as text:
                    read = list(csv.reader(text))
                self.assertEqual(len(read), rows)
                self.assertEqual(len({len(row) for row in read}), 1, "rows of as many fields")
            self.assertEqual(self.browser.complaints(), [])

        self.on_each_page(check)

    def test_a_saved_table_is_one_for_programs(self) -> None:
        folder = self.folder_of_downloads()
        page = next(p for p in pages() if '<table class="ttp"' in p.read_text(encoding="utf-8"))
        self.browser.open(page)
        self.browser.evaluate(
            "(() => { const t = document.querySelector('.output .scroll table'); t.caption && t.caption"
            ".remove(); t.tHead.rows[0].innerHTML = '<th>a, b</th><th>F1</th>'; t.tBodies[0].innerHTML = "
            "'<tr><td>=1+2</td><td>−0.5 <span class=\"interval\">[−1, 2]</span></td></tr>"
            "<tr><td>say \"x\"</td><td>1,234</td></tr><tr hidden><td>no</td><td>1</td></tr>'; })()")
        file = self.saved(folder, "[...document.querySelector('.output .scroll').nextElementSibling"
                          ".querySelectorAll('button')].pop()", ".csv")
        with open(file, encoding="utf-8", newline="") as text:
            self.assertEqual(list(csv.reader(text)), [
                ["a, b", "F1", "F1 interval"], ["'=1+2", "-0.5", "[−1, 2]"], ['say "x"', "1234", ""]])

    def test_the_search_finds_headings_and_words(self) -> None:
        self.browser.open(REPORTS / "index.html")
        self.browser.evaluate(
            "window.find = text => { const field = document.getElementById('wanted'); field.value = text;"
            "field.dispatchEvent(new Event('input')); return [...document.querySelectorAll('#search li a')]"
            ".map(link => [link.getAttribute('href'), link.textContent]); }")
        self.assertEqual(self.browser.evaluate("find('there is no such wordxyz')"), [])
        self.assertEqual(self.browser.evaluate("document.querySelector('#search output').textContent"),
                         "found nowhere")
        found = self.browser.evaluate("find('WHAT we SAW')")
        self.assertTrue(found)
        for address, _ in self.browser.evaluate("find('t1059')") + found:
            file, _, anchor = address.partition("#")
            text = (REPORTS / file).read_text(encoding="utf-8")
            if anchor:
                self.browser.open(REPORTS / file)
                self.assertTrue(self.browser.evaluate(
                    f"!!document.getElementById(decodeURIComponent({json.dumps(anchor)}))"), address)
            self.assertTrue(text)

    def test_the_index_begins_with_findings_and_stays_small(self) -> None:
        index = REPORTS / "index.html"
        self.assertLess(index.stat().st_size, 1_100_000)
        self.browser.open(index)
        self.assertEqual(self.browser.evaluate("document.querySelector('main h2').textContent"),
                         "What was found")
        drawn = self.browser.evaluate(
            "[...document.querySelectorAll('.thumbnail')].map(i => i.complete && i.naturalWidth > 0)")
        self.assertTrue(drawn and all(drawn), drawn)

    def test_the_link_to_the_glossary_opens_it(self) -> None:
        index = REPORTS / "index.html"
        is_open = "document.querySelector('details.glossary').open"
        self.browser.open(index)
        self.assertFalse(self.browser.evaluate(is_open))
        self.browser.open(pages()[0])
        link = "[...document.querySelectorAll('nav a')].find(a => a.textContent == 'Words').href"
        self.browser.visit(self.browser.evaluate(link))
        self.assertTrue(self.browser.evaluate(is_open))
        self.assertGreater(self.browser.evaluate(
            "document.querySelectorAll('#glossary dt').length"), 100)

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
