"""Reports: what a cell printed is shown as text, and a page holds nothing that acts."""

from __future__ import annotations

import json
import os
import re
import time
import unittest
from html.parser import HTMLParser
from pathlib import Path
from unittest import mock

import nbformat
from nbformat import v4

import freshness
import report
from browser import check_reports
from harmless import defanged, harmless
from profiles import Profile
from project import Problem
from tests.support import OutputFolder

HOSTILE = [
    "<script>alert('x')</script>",
    "</style><script src=//evil.example.com/x.js></script>",
    "</pre></div></main></body><iframe src=http://evil.example.com>",
    "\"><img src=http://evil.example.com/x.png onerror=alert(1)>",
    "<svg/onload=alert(1)><a href='javascript:alert(1)'>here</a>",
    "<a href=\"http://evil.example.com/\">http://evil.example.com/</a>",
    "<meta http-equiv=refresh content='0;url=http://evil.example.com'><base href=//evil.example.com>",
    "<form action=//evil.example.com><button formaction=//evil.example.com>x</button></form>",
    "<style>@import url(http://evil.example.com/x.css)</style><link rel=stylesheet href=//evil.example.com>",
    "<div style=\"background:url(http://evil.example.com/x)\" onclick=alert(1)>x</div>",
    "\x1b[31mred\x1b]8;;http://evil.example.com\x07click\x1b]8;;\x07\x1b[0m \x1b[2J",
    "<!--contents--><!-- <![CDATA[ <?php ?> {{ 7 * 7 }} {% raw %}",
    "It fetched https://evil.example.com/a.sh from 203.0.113.9 and mailed me@evil.example.com.",
    "<plaintext><xmp><noscript><textarea><title><select>",
    "<table><tr><td></div></section><h2 id='contents'>not a heading</h2>",
    "&lt;script&gt;alert(1)&lt;/script&gt; &#60;b&#62;",
]
RUN = {"notebook": "01_corpus", "profile": "smoke<b>", "checkpoint": "mini<b>lm", "seconds": 83.4,
       "peak_bytes": 3 << 30, "date": "2026-01-02 03:04 UTC", "commit": "abc123<b>",
       "machine": {"processor": "Fast <b>", "cores": 2, "memory_bytes": 24 << 30, "system": "Linux"},
       "versions": {"rustc": "1.95.0", "libtorch": "2.4.0 (CPU)", "evcxr": "0.22.0"}}
SMOKE = Profile("smoke", Path("smoke.json"), {})
ACTS = {"script", "style", "iframe", "object", "embed", "form", "link", "meta", "base", "img", "a",
        "button", "input", "textarea", "foreignobject", "use", "image", "animate", "set"}
PICTURE = re.compile(r"^data:image/png;base64,[A-Za-z0-9+/=]*$")


class Page(HTMLParser):
    """The elements of a page in order, each with its attributes and whether an output holds it."""

    EMPTY = {"meta", "link", "br", "hr", "img", "input", "base", "col"}

    def __init__(self, text: str) -> None:
        super().__init__()
        self.stack: list[tuple[str, bool]] = []
        self.elements: list[tuple[str, dict, bool]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes) -> None:
        inside = bool(self.stack) and self.stack[-1][1]
        self.elements.append((tag, dict(attributes), inside))
        if tag not in self.EMPTY:
            here = inside or dict(attributes).get("class") == "output"
            self.stack.append((tag, here))

    def handle_startendtag(self, tag: str, attributes) -> None:
        self.elements.append((tag, dict(attributes), bool(self.stack) and self.stack[-1][1]))

    def handle_endtag(self, tag: str) -> None:
        assert self.stack and self.stack[-1][0] == tag, f"</{tag}> in {self.stack[-3:]}"
        self.stack.pop()

    def handle_data(self, data: str) -> None:
        self.text += data


def executed(outputs: list, text: str = "# 01 · Title\n\n**Goal.** Show `it` [all](#x).\n\n## One\n\n### Two"):
    nb = v4.new_notebook(metadata={"ttp": {"run": RUN}})
    code = v4.new_code_cell("// </script><script>alert(1)</script>\nlet x = \"<b>\";", outputs=outputs)
    code.metadata["ttp"] = {"seconds": 1.25}
    nb.cells = [v4.new_markdown_cell(text), code]
    return nb


def every_kind(sentence: str) -> list:
    """One sentence in every place where a cell's output can hold it, raw."""
    svg = (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><title>{sentence}</title>'
           f'<text x="1">{sentence}</text></svg>')
    return [
        v4.new_output("stream", name="stdout", text=sentence + "\n"),
        v4.new_output("stream", name="stderr", text=sentence + "\n"),
        v4.new_output("execute_result", data={"text/plain": sentence}),
        v4.new_output("display_data", data={"text/html": f"<table><tr><td>{sentence}</td></tr></table>"}),
        v4.new_output("display_data", data={"image/svg+xml": svg}),
        v4.new_output("display_data", data={"image/png": sentence}),
        v4.new_output("display_data", data={"application/javascript": sentence,
                                            "text/markdown": sentence, "text/latex": sentence}),
        v4.new_output("error", ename=sentence, evalue=sentence, traceback=[sentence]),
    ]


class Hostile(unittest.TestCase):
    def test_nothing_that_a_cell_prints_acts(self) -> None:
        for sentence in HOSTILE:
            with self.subTest(sentence):
                text = report.html(executed(every_kind(sentence)))
                page = Page(text)
                self.assertEqual(page.stack, [], "every element that begins ends")
                acting = [e for e in page.elements if e[2] and e[0] in ACTS]
                self.assertEqual([e[0] for e in acting], ["img"], "the plot and nothing else")
                self.assertRegex(acting[0][1]["src"], PICTURE)
                for tag, attributes, inside in page.elements:
                    self.assertFalse([n for n in attributes if n.startswith("on")], (tag, attributes))
                    for name in ("href", "src", "action", "formaction", "data", "poster", "srcset"):
                        value = PICTURE.sub("", attributes.get(name) or "")
                        self.assertNotRegex(value, "//|:", (tag, attributes))
                    self.assertFalse(inside and "href" in attributes, (tag, attributes))
                    self.assertNotIn("evil", attributes.get("style") or "")
                self.assertEqual([e[1] for e in page.elements if e[0] == "script"], [{}])
                self.assertNotRegex(text, "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")

    def test_it_is_all_there_to_read(self) -> None:
        for sentence in HOSTILE[:9]:
            for output in every_kind(sentence)[:3]:
                self.assertIn(defanged(sentence), Page(report.html(executed([output]))).text)
        # In HTML all but the tags that are allowed there.
        for sentence in (HOSTILE[0], HOSTILE[3], HOSTILE[5], HOSTILE[6], HOSTILE[8]):
            self.assertIn(sentence, Page(report.html(executed([every_kind(sentence)[3]]))).text)

    def test_colours_are_all_that_is_left_of_a_terminals_escapes(self) -> None:
        coloured = "\x1b[31mred\x1b[0m \x1b[2J\x1b]8;;http://e\x07click\x1b]8;;\x07 \u202efdp.exe\r\nend\x00"
        text = report.html(executed([v4.new_output("stream", text=coloured)]))
        self.assertIn('<span class="ansi-red-fg">red</span>', text)
        self.assertIn(" click \ufffdfdp.exe\nend\ufffd", text)

    def test_the_text_of_a_cell_is_text(self) -> None:
        page = Page(report.html(executed([])))
        self.assertIn("// </script><script>alert(1)</script>", page.text)
        self.assertNotIn("b", [tag for tag, _, _ in page.elements])


class OnePage(unittest.TestCase):
    def setUp(self) -> None:
        svg = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9" viewBox="0 0 9 9"><rect/></svg>'
        self.text = report.html(executed([v4.new_output("display_data", data={"image/svg+xml": svg})]))
        self.page = Page(self.text)

    def test_its_head_says_how_it_came_about(self) -> None:
        for said in ("01 · Title", "profile", "smoke<b>, checkpoint mini<b>lm", "2026-01-02 03:04 UTC",
                     "commit abc123<b>", "1 min 23 s, at most 3.00 GiB of memory", "Fast <b>, 2 cores, 24.00 GiB",
                     "rustc 1.95.0, libtorch 2.4.0 (CPU), evcxr 0.22.0", "1.2 s"):
            self.assertIn(said, self.page.text)

    def test_its_contents_lead_to_its_headings(self) -> None:
        found = re.findall(r'<li class="level(\d)"><a href="#([^"]+)">([^<]+)</a>', self.text)
        self.assertEqual([(level, name) for level, _, name in found], [("2", "One"), ("3", "Two")])
        for _, anchor, _ in found:
            self.assertIn(f'id="{anchor}"', self.text)

    def test_its_policy_allows_one_script_and_no_address(self) -> None:
        metas = [a for tag, a, _ in self.page.elements if tag == "meta" and "http-equiv" in a]
        self.assertEqual(metas, [{"http-equiv": "Content-Security-Policy",
                                  "content": report.policy(report.asset("script.js"))}])
        self.assertTrue(metas[0]["content"].startswith("default-src 'none'; "))
        self.assertNotIn("//", metas[0]["content"].replace("sha256-", "").partition("script-src")[0])
        # A browser takes the digest over exactly what stands between the tags.
        script = re.search("<script>(.*?)</script>", self.text, re.DOTALL).group(1)
        self.assertIn(report.policy(script), metas[0]["content"])

    def test_a_table_to_be_searched_keeps_its_mark_and_the_script_looks_for_it(self) -> None:
        table = ('<div class="ttp-table{} tex2jax_ignore"><table class="ttp"><thead><tr><th>verdict'
                 '</th></tr></thead><tbody><tr><td>undecided</td></tr></tbody></table></div>')
        marked, plain = (report.html(executed([v4.new_output(
            "display_data", data={"text/html": table.format(mark)})])) for mark in (" filterable", ""))
        script = re.search("<script>(.*?)</script>", marked, re.DOTALL).group(1)
        selector = re.search(r'querySelectorAll\("(\.ttp-table\.\w+)"\)', script).group(1)
        wanted = set(selector.strip(".").split("."))

        def holders(text: str) -> list[dict]:
            return [attributes for tag, attributes, inside in Page(text).elements
                    if inside and wanted <= set((attributes.get("class") or "").split())]

        self.assertEqual([a["class"] for a in holders(marked)],
                         ["ttp-table filterable tex2jax_ignore"])
        self.assertEqual((holders(plain), holders(self.text)), ([], []))
        # The fields to search with come from the script alone: a page without it shows none.
        for text in (marked, plain):
            tags = {tag for tag, _, inside in Page(text).elements if inside}
            self.assertFalse(tags & {"input", "select", "option"}, tags)
        self.assertIn('words.type = "search"', script)

    def test_its_plots_are_inside(self) -> None:
        self.assertEqual(self.text.count('<figure class="plot"><svg'), 1)
        # A browser gives it its capital letter back.
        self.assertIn('viewbox="0 0 9 9"', self.text.lower())

    def test_it_is_the_same_every_time(self) -> None:
        nb = executed(every_kind("<b>"))
        self.assertEqual(report.html(nb), report.html(nb))


class Defanged(unittest.TestCase):
    """Addresses in what a cell prints."""

    BROKEN = (
        ("HTTPS://Evil.COM:8080/a?b=c.d", "hxxps://Evil[.]COM:8080/a?b=c.d"),
        ("seehttp://a.b.c/ and ftp://u:p@files.example/x.", "seehxxp://a[.]b[.]c/ and fxp://u:p[@]files[.]example/x."),
        ("http://x.zip/http://y.co", "hxxp://x[.]zip/hxxp://y[.]co"),
        ("It fetched http://evil.ru.", "It fetched hxxp://evil[.]ru."),
        ("http://evil\u3002com", "hxxp://evil[.]com"),
        ("from 203.0.113.9, 10.1.2.3:443 and 8.8.8.8/24.", "from 203[.]0[.]113[.]9, 10[.]1[.]2[.]3:443 and 8[.]8[.]8[.]8/24."),
        ("a.b+c@d.de; me@sub.evil.com.", "a.b+c[@]d[.]de; me[@]sub[.]evil[.]com."),
        ("c2.evil.com:443 or EVIL.ORG/x", "c2[.]evil[.]com:443 or EVIL[.]ORG/x"),
    )
    LEFT = ("", "evcxr 0.22.0, libtorch 2.4.0, tch 0.17.0-rc.1, accuracy 0.55.2", "10.0.19041.1 and 1.3.6.1.4.1",
            "data/processed/corpus.parquet, results/finetune.minilm.clean.json", "src/lib.rs:10:5 and a.py",
            "svchost.exe, System.Net.WebClient, System.Net", "13,057 sentences. 188 techniques; T1059.001",
            "tch@0.17.0 @ noon", "e.g. the U.S. at 5 p.m.", "v1.2.3.4", "https: and http", "command.company")

    def test_addresses_are_broken(self) -> None:
        for text, wanted in self.BROKEN:
            with self.subTest(text):
                self.assertEqual(defanged(text), wanted)
                self.assertEqual(defanged(wanted), wanted)

    def test_ordinary_text_is_left_alone(self) -> None:
        for text in self.LEFT:
            self.assertEqual(defanged(text), text)

    def test_both_kinds_of_printed_output(self) -> None:
        text = "It fetched http://evil.example.com/a from 203.0.113.9; me@evil.example.com."
        for output in every_kind(text)[:3]:
            page = Page(report.html(executed([output])))
            self.assertIn("hxxp://evil[.]example[.]com/a from 203[.]0[.]113[.]9; me[@]evil[.]example[.]com.", page.text)
            self.assertNotIn("evil.example", page.text)

    def test_a_long_line_takes_no_long_time(self) -> None:
        for unit in ("a", "a.", "a@", "1.", "http://", "a-", ".", "@"):
            started = time.process_time()
            defanged(unit * 100_000)
            self.assertLess(time.process_time() - started, 5, unit)


class Harmless(unittest.TestCase):
    def test_what_the_library_shows_stays_as_it_is(self) -> None:
        table = ('<div class="ttp-table"><table class="ttp">\n<caption>Rows &amp; more</caption>\n<thead><tr>'
                 '<th scope="col" class="num">n</th></tr></thead>\n<tbody>\n<tr><td class="num">1 &lt; 2</td>'
                 '</tr>\n</tbody>\n<tfoot><tr><td colspan="1">3 more</td></tr></tfoot>\n</table></div>')
        self.assertEqual(harmless(table), table)
        svg = ('<svg width="9" height="9" viewBox="0 0 72 72" role="img">\n<title>a &lt; b</title>'
               '<rect x="1" y="2" fill="#FFFFFF" stroke="none" opacity="1"/>'
               '<text x="1" y="2" text-anchor="middle" transform="rotate(270, 1, 2)">\nT1059\n</text></svg>')
        self.assertEqual(harmless(svg), svg)

    def test_what_is_never_closed_is_closed(self) -> None:
        self.assertEqual(harmless("<table><tr><td>a"), "<table><tr><td>a</td></tr></table>")
        self.assertEqual(harmless("a</td></table>"), "a&lt;/td&gt;&lt;/table&gt;")
        self.assertEqual(harmless("<p/>x"), "<p></p>x")

    def test_addresses_in_a_drawing(self) -> None:
        for value in ("url(http://e)", "url( //e )", "javascript:x", "//e", "data:text/html,x"):
            self.assertEqual(harmless(f'<svg><rect fill="{value}"/></svg>'), "<svg><rect/></svg>")
        self.assertIn('fill="url(#a)"', harmless('<svg><rect fill="url(#a)"/></svg>'))

    def test_half_a_tag(self) -> None:
        for end in ("<", "<script", "<a href='x", "&", "<!--", "</", "<![CDATA[", "<?"):
            self.assertNotRegex(harmless(f"text {end}"), "<[a-zA-Z/!?]")


class AllReports(OutputFolder):
    def setUp(self) -> None:
        super().setUp()
        (self.out / "results").mkdir()

    def result(self, name: str, value, profile: str = "smoke") -> None:
        path = self.out / "results" / name
        path.write_text(value if isinstance(value, str) else json.dumps(value))
        freshness.write_record(self.out / f"reports/.runs/{name}",
                               {"profile": profile, "made": {str(path.resolve()): "digest"}})

    def test_the_index_lists_every_report_and_escapes_its_words(self) -> None:
        for name, sentence in (("01_a", "<script>alert(1)</script>"), ("02_b.mini", "B & C")):
            nb = executed([], text=f"# {sentence}\n\nA story with a [link](http://evil.example.com).")
            report.write_notebook(nb, self.out / f"reports/{name}.ipynb")
        report.write_notebook(executed([]), self.out / "reports/03_c.failed.ipynb")
        report.write_notebook(v4.new_notebook(), self.out / "reports/04_odd.ipynb")
        self.result("corpus.json", {"rows": 13057})
        self.result("finetune.minilm.clean.json", {"f1_macro": 0.8361, "f1_macro_interval": [0.81, 0.86]})
        report.write_results(SMOKE)
        report.write_index()
        text = (self.out / "reports/index.html").read_text()
        page = Page(text)
        for said in ("<script>alert(1)</script>", "A story with a link.", "B & C", "13,057", "sentences",
                     "0.836", "macro-F1, minilm.clean [0.810, 0.860]", "profile smoke<b>", "1 min 23 s"):
            self.assertIn(said, page.text)
        links = [attributes["href"] for tag, attributes, _ in page.elements if tag == "a"]
        self.assertEqual(links, ["results.json", "01_a.html", "02_b.mini.html", "04_odd.html"])
        # The search: its words, which are no script to a browser, and one script of ours.
        scripts = [attributes for tag, attributes, _ in page.elements if tag == "script"]
        self.assertEqual(scripts, [{"type": "application/json", "id": "words"}, {}])
        self.assertEqual(text.count(f"<script>{report.asset('search.js')}</script>"), 1)

    def test_a_page_names_the_files_to_which_its_notebook_links(self) -> None:
        text = ("# A\n\nSee [loop.rs](../ttp-lib/src/loop.rs), [Words](README.md#words), [below](#a) "
                "and [exercises](exercises).")
        page = Page(report.html(executed([], text=text)))
        self.assertIn("See ttp-lib/src/loop.rs, Words, below and notebooks/exercises.", page.text)
        links = [attributes.get("href", "") for tag, attributes, _ in page.elements if tag == "a"]
        self.assertFalse([link for link in links if "README" in link or ".rs" in link], links)
        self.assertIn("#a", links)
        self.assertIn("index.html#glossary", links)

    def test_the_index_has_the_glossary(self) -> None:
        report.write_index()
        page = Page((self.out / "reports/index.html").read_text())
        self.assertIn("dl", [tag for tag, attributes, _ in page.elements
                             if attributes.get("id") == "glossary"])
        words = report.glossary()
        self.assertGreater(len(words), 60)
        self.assertIn(("epoch", "one pass through all training rows"), words)
        for word, means in words:
            self.assertFalse({"|", "`"} & set(word + means), word)

    def test_results_are_joined_by_their_files_names(self) -> None:
        self.result("corpus.json", {"rows": 1})
        self.result("corpus.trimming.json", {"techniques_kept": 2})
        self.result("finetune.minilm.clean.json", {"f1_macro": 0.5})
        report.write_results(SMOKE)
        found = json.loads((self.out / "reports/results.json").read_text())
        self.assertEqual((found["schema"], found["profile"]), (1, "smoke"))
        self.assertEqual(found["corpus"], {"rows": 1, "techniques_kept": 2})
        self.assertEqual(found["finetune"], {"minilm.clean": {"f1_macro": 0.5}})

    def test_the_library_joins_them_by_the_same_rule(self) -> None:
        cases = json.loads(Path(__file__).with_name("results_cases.json").read_text(encoding="utf-8"))
        self.assertGreater(len(cases), 5)
        for number, case in enumerate(cases):
            folder = self.out / f"case{number}"
            folder.mkdir()
            for name, value in case["files"].items():
                (folder / name).write_text(json.dumps(value), encoding="utf-8")
            with self.subTest(number=number):
                if "merged" in case:
                    self.assertEqual(report.merged(sorted(folder.glob("*.json"))), case["merged"])
                    continue
                with self.assertRaises(Problem) as refused:
                    report.merged(sorted(folder.glob("*.json")))
                for said in case["refused"]:
                    self.assertIn(said, str(refused.exception))

    def test_results_of_another_profile_are_left_out(self) -> None:
        self.result("corpus.json", {"rows": 13057}, profile="laptop")
        self.result("corpus.trimming.json", {"techniques_kept": 2})
        (self.out / "results/by_hand.json").write_text("{}")
        report.write_results(SMOKE)
        found = json.loads((self.out / "reports/results.json").read_text())
        self.assertEqual(found["corpus"], {"techniques_kept": 2})
        self.assertNotIn("by_hand", found)
        report.write_index()
        text = (self.out / "reports/index.html").read_text()
        self.assertNotIn("13,057", text)
        self.assertIn("techniques kept", text)

    def test_copies_are_counted_apart_from_other_relatives(self) -> None:
        both = {"corpus": {"leaked_test_rows": {"paper": 1234}, "copies_in_training": {"paper": 56}}}
        seen = {"value": "1,234", "name": "test rows with a relative in training, paper's split"}
        twins = {"value": "56", "name": "of them with an augmented copy in training"}
        self.assertEqual(report.headline(both), [seen, twins])
        del both["corpus"]["copies_in_training"]
        self.assertEqual(report.headline(both), [seen])

    def test_results_that_contradict_each_other(self) -> None:
        self.result("corpus.json", {"rows": 1})
        self.result("corpus.trimming.json", {"rows": 2})
        with self.assertRaisesRegex(Problem, "corpus.trimming.json: field 'rows' is in another file"):
            report.results("smoke")
        self.result("corpus.trimming.json", "{")
        with self.assertRaisesRegex(Problem, "corpus.trimming.json: .*line 1"):
            report.results("smoke")

    def test_pages_are_made_again_from_executed_notebooks(self) -> None:
        with self.assertRaisesRegex(Problem, "holds no executed notebook: run `make reproduce` first"):
            report.render_again()
        report.write_notebook(executed([]), self.out / "reports/01_a.ipynb")
        with mock.patch("builtins.print"):
            report.render_again()
        self.assertTrue((self.out / "reports/01_a.html").exists())
        self.assertEqual(nbformat.read(self.out / "reports/01_a.ipynb", 4).cells[0].cell_type, "markdown")

    def test_a_smoke_notebook_that_takes_too_much_memory_is_named(self) -> None:
        for name, profile, peak in (("01_a", "smoke", 1 << 30), ("02_b.mini", "smoke", 5 << 30),
                                    ("03_c", "laptop", 9 << 30), ("04_d.failed", "smoke", 9 << 30),
                                    ("05_e", "smoke", None)):
            nb = executed([])
            nb.metadata["ttp"]["run"] = {**RUN, "profile": profile, "peak_bytes": peak}
            report.write_notebook(nb, self.out / f"reports/{name}.ipynb")
        found = check_reports.peaks(self.out / "reports")
        self.assertEqual(found, {"01_a": 1 << 30, "02_b.mini": 5 << 30, "05_e": None})
        self.assertEqual(check_reports.too_big(found), ["02_b.mini: 5.00 GiB"])

    def test_a_write_that_fails_leaves_what_was_there(self) -> None:
        path = self.out / "reports/index.html"
        report.write_whole(path, "before")
        with mock.patch("os.fsync", side_effect=OSError(28, "No space left on device")):
            with self.assertRaisesRegex(Problem, "index.html: cannot write: No space left"):
                report.write_whole(path, "after")
        self.assertEqual(path.read_text(), "before")
        self.assertEqual([p.name for p in path.parent.iterdir()], ["index.html"])


if __name__ == "__main__":
    unittest.main()
