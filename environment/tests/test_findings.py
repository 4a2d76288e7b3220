"""The index: what was found, small pictures of the plots, and the words to search in."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import unittest
from urllib.parse import unquote

from nbformat import v4

import findings
import report
import words
from tests.support import OutputFolder
from tests.test_report import HOSTILE, RUN, Page

SVG = ('<svg xmlns="http://www.w3.org/2000/svg" width="960" height="420" viewBox="0 0 7680 3360">'
       '<title>Rows &amp; more</title>\n<rect x="1" y="2" opacity="1" stroke="none" fill="#FFFFFF"/>\n'
       '<text x="448.123456">%s</text>\n</svg>')
TABLE = ('<div class="ttp-table"><table class="ttp"><caption>Ours &amp; theirs</caption><thead><tr><th>model'
         '</th></tr></thead><tbody><tr><td>%s</td></tr></tbody></table></div>')


def says(text: str, name: str = "stdout"):
    return v4.new_output("stream", name=name, text=text)


def shows(kind: str, value: str):
    return v4.new_output("display_data", data={kind: value})


def notebook(*cells, title: str = "01 · Corpus", profile: str = "smoke"):
    """Texts are text; a list is a code cell's outputs."""
    nb = v4.new_notebook(metadata={"ttp": {"run": {**RUN, "profile": profile}}})
    nb.cells = [v4.new_markdown_cell(f"# {title}\n\nA story.")]
    for cell in cells:
        nb.cells.append(v4.new_markdown_cell(cell) if isinstance(cell, str)
                        else v4.new_code_cell("let x = 1;", outputs=cell))
    return nb


class Lines(unittest.TestCase):
    def lines(self, *outputs) -> "list[str]":
        return findings.lines(notebook("## Before", [says("not this\n")], "## What we saw",
                                       list(outputs), "### More of it", [says("and this\n")],
                                       "## Next", [says("nor this\n")]))

    def test_only_the_sections_own_cells_speak(self) -> None:
        self.assertEqual(self.lines(says("one\ntwo\n")), ["one", "two", "and this"])
        self.assertEqual(findings.lines(notebook("## Before", [says("not this\n")])), [])

    def test_what_is_set_in_belongs_to_the_line_before(self) -> None:
        self.assertEqual(self.lines(says("one, \n  two\nthree\n  detail\nfour:\nfive\n")),
                         ["one, two", "three", "four: five", "and this"])

    def test_where_a_file_went_is_no_finding(self) -> None:
        self.assertEqual(self.lines(says("written: /tmp/x\n\n"), says("bad\n", "stderr")), ["and this"])

    def test_text_that_is_html_is_read_as_text(self) -> None:
        self.assertEqual(self.lines(shows("text/html", "<p>one <b>big</b> &lt;b&gt;</p><ul><li>two</li></ul>")),
                         ["one big <b>", "two", "and this"])

    def test_addresses_and_escapes_are_harmless(self) -> None:
        self.assertEqual(self.lines(says("\x1b[31mhttp://evil.example.com\x1b[0m\x1b[2J\n"))[0],
                         "hxxp://evil[.]example[.]com")


class Pictures(unittest.TestCase):
    def test_the_first_plot_is_small_whole_and_says_what_it_is(self) -> None:
        found = findings.thumbnail(notebook([shows("text/html", "x"), shows("image/svg+xml", SVG % "a")],
                                            [shows("image/svg+xml", SVG % "b")]))
        self.assertEqual(found["alt"], "Plot: Rows & more")
        kind, _, drawing = found["address"].partition(",")
        self.assertEqual(kind, "data:image/svg+xml")
        self.assertNotRegex(drawing, '[<>"#\\s&]|%(?![0-9A-F]{2})'.replace("\\s", "\n"))
        drawing = unquote(drawing)
        self.assertIn("<text x='448.1'>a</text></svg>", drawing)
        self.assertNotIn("opacity", drawing)

    def test_a_plot_that_is_too_large_makes_room_for_the_next(self) -> None:
        large = shows("image/svg+xml", SVG % ("x" * findings.THUMBNAIL_BYTES))
        small = shows("image/svg+xml", SVG % "small")
        self.assertIn("small", findings.thumbnail(notebook([large, small]))["address"])
        self.assertIsNone(findings.thumbnail(notebook([large])))
        self.assertIsNone(findings.thumbnail(notebook([says("x\n")])))

    def test_no_plot_acts(self) -> None:
        for sentence in HOSTILE:
            found = findings.thumbnail(notebook([shows("image/svg+xml", SVG % sentence)]))
            tags = {tag for tag, _, _ in Page(unquote(found["address"].partition(",")[2])).elements}
            self.assertLessEqual(tags, {"svg", "title", "rect", "text", "g"}, sentence)


class Words(unittest.TestCase):
    PAGE = ('<html><head><title>no</title></head><body><nav><ol><li>no</li></ol></nav><main>'
            '<h1 id="top">01 <em>Corpus</em><a class="anchor-link" href="#top">¶</a></h1><p>Rows<br>all</p>'
            '<details class="code"><summary>no</summary><pre>no</pre></details>'
            '<h2 id="a-b">Two &lt;b&gt;</h2><table><tr><td>T1059</td><td>7</td></tr></table>'
            '<figure><svg><title>no</title><path d="x"/><text>no</text></svg></figure><p>end</p>'
            '<footer>no</footer></main><script>no</script></body></html>')

    def test_sections_have_anchors_and_no_code(self) -> None:
        self.assertEqual(words.sections(self.PAGE), [
            {"anchor": "top", "heading": "01 Corpus", "text": "Rows all"},
            {"anchor": "a-b", "heading": "Two <b>", "text": "T1059 7 end"}])

    def test_long_sections_are_cut_and_counted(self) -> None:
        held = words.index([("a.html", "A", self.PAGE), ("b.html", "B", "<p>short</p>")], most=15)
        self.assertEqual(held["pages"][1], {"file": "b.html", "title": "B"})
        self.assertEqual([one[3] for one in held["sections"]], ["Rows ", "T1059", "short"])
        self.assertEqual(held["shortened"], 2)
        self.assertEqual(words.index([("a.html", "A", self.PAGE)])["shortened"], 0)
        self.assertEqual(words.index([])["sections"], [])

    def test_nothing_ends_the_element_that_holds_them(self) -> None:
        for sentence in [*HOSTILE, "a\u2028b", "</script><!--"]:
            text = words.as_script({"x": sentence})
            self.assertNotRegex(text, "[<>&\u2028]")
            self.assertEqual(json.loads(text), {"x": sentence})


class Index(OutputFolder):
    def write(self, name: str, nb) -> None:
        report.write_notebook(nb, self.out / f"reports/{name}.ipynb")
        report.write_html(nb, self.out / f"reports/{name}.html")

    def index(self) -> str:
        report.write_index()
        return (self.out / "reports/index.html").read_text(encoding="utf-8")

    def test_findings_stand_first_and_lead_to_their_pages(self) -> None:
        self.write("01_a", notebook("## What we saw", [says("one\ntwo\nthree\nfour <b>\n")],
                                    [shows("image/svg+xml", SVG % "a")]))
        self.write("02_b", notebook("## What we saw", [shows("text/html", TABLE % "alone")], title="Second"))
        self.write("03_c", notebook(title="Third"))
        text = self.index()
        page = Page(text)
        order = [text.index(said) for said in ("<li>one</li>", "and 1 more on the page", "alone", 'class="reports"',
                                               'class="thumbnail"')]
        self.assertEqual(order, sorted(order))
        links = [attributes["href"] for tag, attributes, _ in page.elements if tag == "a"]
        self.assertEqual(links, ["results.json", "01_a.html#What-we-saw", "02_b.html#What-we-saw",
                                 "01_a.html", "02_b.html", "03_c.html"])
        self.assertIn('id="What-we-saw"', (self.out / "reports/01_a.html").read_text(encoding="utf-8"))
        shown = re.sub("<script.*?</script>|<details class=\"glossary\">.*?</details>", "", text,
                       flags=re.DOTALL)
        self.assertNotIn("four", shown)

    def test_the_table_that_a_run_ends_with_comes_from_its_notebook(self) -> None:
        self.write("01_a", notebook([shows("text/html", TABLE % "of another profile")], profile="other"))
        self.write("02_b", notebook([shows("text/html", TABLE % "minilm")]))
        self.assertNotIn("<caption>", self.index())
        (self.out / "results").mkdir()
        (self.out / "results/comparison.txt").write_text("Ours & theirs\nmodel\n", encoding="utf-8")
        (self.out / "reports/results.json").write_text('{"profile": "smoke"}', encoding="utf-8")
        text = self.index().partition("<script")[0]
        self.assertIn("minilm", text)
        self.assertNotIn("another profile", text)

    def test_it_stays_small_and_its_policy_allows_its_script_alone(self) -> None:
        for number in range(12):
            self.write(f"{number:02}_a", notebook("## What we saw", [says("word " * 20_000)], [
                shows("image/svg+xml", SVG % ("x" * 50_000))]))
        text = self.index()
        self.assertLess(len(text.encode()), 1_200_000)
        script = re.findall("<script>(.*?)</script>", text, re.DOTALL)
        self.assertEqual(script, [report.asset("search.js")])
        digest = base64.b64encode(hashlib.sha256(script[0].encode()).digest()).decode()
        self.assertIn(f"script-src &#39;sha256-{digest}&#39;", text)

    def test_what_a_notebook_says_is_text_on_the_index(self) -> None:
        for number, sentence in enumerate(HOSTILE):
            self.write(f"{number:02}_a", notebook("## What we saw", [
                says(sentence + "\n")], [shows("image/svg+xml", SVG % sentence)], title=sentence))
        page = Page(self.index())
        self.assertEqual(page.stack, [])
        tags = [tag for tag, _, _ in page.elements]
        self.assertEqual(tags.count("script"), 2)
        self.assertFalse({"iframe", "form", "base", "link", "object", "textarea"} & set(tags))
        for tag, attributes, _ in page.elements:
            self.assertFalse([name for name in attributes if name.startswith("on")], (tag, attributes))
            self.assertNotRegex(attributes.get("href") or "", "//|:")


if __name__ == "__main__":
    unittest.main()
