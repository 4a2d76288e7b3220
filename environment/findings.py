"""What the index takes out of executed notebooks: the lines below "What we saw", a small
picture of the first plot, and the table that a run ends with."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from urllib.parse import quote

from harmless import harmless, harmless_text

HEADING = "What we saw"
# So many lines of a notebook stand on the index.
LINES = 3
# A longer one is cut there.
LINE_CHARACTERS = 400
# A table of the section stands there where no line does, if it has no more rows.
TABLE_ROWS = 12
# A plot with more than this, as the index holds it, is not taken; a later one may be.
THUMBNAIL_BYTES = 60_000
# What says where a file went is no finding.
NO_FINDING = re.compile(r"written:|wrote |saved:", re.IGNORECASE)
NOT_NEEDED = re.compile(r' (?:opacity="1"|stroke="none"|dominant-baseline="auto")')
LONG_NUMBER = re.compile(r"\d+\.\d{2,}")
SAFE_IN_ADDRESS = " =:/,;()!*@+[]|"
# What marks a value in a plot.
MARK = re.compile(r"<(circle|ellipse|rect|path|polyline|polygon|image)\b[^>]*>")


def text_of(value) -> str:
    """nbformat allows a list of lines for a text."""
    return "".join(value) if isinstance(value, list) else str(value)


def section(nb) -> list:
    """The cells below the heading, up to the next of its level."""
    found, inside = [], False
    for cell in nb.cells:
        heads = re.findall(r"^##? +(.+?)\s*$", text_of(cell.source), re.MULTILINE) \
            if cell.cell_type == "markdown" else []
        if heads:
            inside = HEADING.casefold() in (head.casefold() for head in heads)
        if inside:
            found.append(cell)
    return found


def data(cells: list, kind: str) -> list[str]:
    return [text_of(output["data"][kind]) for cell in cells for output in cell.get("outputs", [])
            if kind in output.get("data", {})]


def lines(nb) -> list[str]:
    """What the section's cells say, a line each. A line that ends with a comma or a colon goes
    on in the next; other lines that are set in tell more of the line before, and are left to the
    page."""
    found: list[str] = []
    for cell in section(nb):
        for output in cell.get("outputs", []):
            if output.output_type == "stream" and output.get("name", "stdout") == "stdout":
                for line in harmless_text(text_of(output.text)).splitlines():
                    take(found, re.sub("\x1b\\[[0-9;]*m", "", line))
            elif output.output_type != "stream" and "text/html" in output.get("data", {}):
                markup = text_of(output["data"]["text/html"])
                if "<table" not in markup:
                    for line in Blocks(harmless(markup)).lines:
                        take(found, line)
    return [line if len(line) <= LINE_CHARACTERS else line[:LINE_CHARACTERS - 2] + " …"
            for line in found]


def take(found: list[str], line: str) -> None:
    text = line.strip()
    if not text or NO_FINDING.match(text):
        return
    if found and found[-1].endswith((",", ":")):
        found[-1] += f" {text}"
    elif line == line.lstrip() or not found:
        found.append(text)


class Blocks(HTMLParser):
    """The lines of a piece of HTML as a reader sees them."""

    ENDS = {"p", "li", "div", "br", "h4", "h5", "h6", "ul", "ol"}

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.lines = [""]
        self.feed(markup)
        self.close()
        self.lines = [" ".join(line.split()) for line in self.lines if line.strip()]

    def handle_starttag(self, tag: str, attributes) -> None:
        if tag in self.ENDS:
            self.lines.append("")

    def handle_endtag(self, tag: str) -> None:
        self.handle_starttag(tag, [])

    def handle_data(self, text: str) -> None:
        self.lines[-1] += text


def table(nb) -> str | None:
    """The section's first table, if it is a small one."""
    for markup in data(section(nb), "text/html"):
        if 0 < rows(markup) <= TABLE_ROWS:
            return harmless(markup)
    return None


def rows(markup: str) -> int:
    return len(re.findall(r"<tr\b", markup.partition("<tbody")[2]))


def table_of_title(notebooks: list, wanted: str) -> str | None:
    """The table of this caption, from the notebook that shows it."""
    for nb in notebooks:
        for markup in data(nb.cells, "text/html"):
            caption = re.search(r"<caption>(.*?)</caption>", markup, re.DOTALL)
            if caption and " ".join(Blocks(caption.group(1)).lines) == wanted:
                return harmless(markup)
    return None


def thumbnail(nb) -> dict | None:
    """The notebook's first plot that is small enough, as an address that holds it whole."""
    for markup in data(nb.cells, "image/svg+xml"):
        small = small_copy(harmless(markup))
        if len(small) <= THUMBNAIL_BYTES:
            named = re.search(r"<title>(.*?)</title>", markup, re.DOTALL)
            title = " ".join(Blocks(named.group(1)).lines) if named else "the notebook's first plot"
            return {"address": small, "alt": f"Plot: {title}"}
    return None


def small_copy(svg: str) -> str:
    """Without what a small picture does not show: fractions of a unit, titles of its parts."""
    svg = re.sub(r"<title>.*?</title>", "", svg, flags=re.DOTALL)
    svg = LONG_NUMBER.sub(lambda found: f"{float(found[0]):.1f}", NOT_NEEDED.sub("", svg))
    svg = re.sub(r"\s*\n\s*", "", svg)
    if "xmlns=" not in svg:
        svg = svg.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)
    return "data:image/svg+xml," + quote(svg.replace('"', "'"), safe=SAFE_IN_ADDRESS + "'")


def is_empty_plot(output) -> bool:
    """A plot without a mark: lines and texts are axes. A rectangle at the picture's own corner
    is its ground."""
    drawing = output.get("data", {}).get("image/svg+xml")
    if drawing is None:
        return False
    marks = [mark.group() for mark in MARK.finditer(text_of(drawing))]
    return not any(not re.match(r'<rect x="0" y="0"', mark) for mark in marks)
