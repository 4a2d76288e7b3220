"""What the search on the index looks through: the text of every page, heading by heading."""

from __future__ import annotations

import json
from html.parser import HTMLParser

# The index holds so many characters of the pages' text; of what is longer, the beginning.
MOST_CHARACTERS = 450_000
HEADINGS = {"h1", "h2", "h3"}
# Code, drawings and what stands around a page's own text.
LEFT_OUT = {"nav", "script", "style", "svg", "dl", "footer", "title", "head", "button"}
EMPTY = {"meta", "link", "br", "hr", "img", "input", "base", "col", "path", "rect", "line",
         "circle", "polyline", "polygon", "stop", "ellipse"}


class Sections(HTMLParser):
    """A page's sections: for each heading its anchor, its words, and the text below it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found = [{"anchor": "", "heading": "", "text": ""}]
        self.open: list[str] = []
        self.left_out = 0
        self.heading = False
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attributes) -> None:
        given = dict(attributes)
        if tag in EMPTY:
            self.handle_data(" ")
            return
        leave = tag in LEFT_OUT or tag == "details" and given.get("class") == "code"
        if self.left_out or leave:
            self.left_out += 1
        elif tag in HEADINGS and given.get("id"):
            self.found.append({"anchor": given["id"], "heading": "", "text": ""})
            self.heading = True
        elif given.get("class") == "anchor-link":
            self.left_out += 1
        self.handle_data(" ")

    def handle_startendtag(self, tag: str, attributes) -> None:
        self.handle_data(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in EMPTY:
            return
        if self.left_out:
            self.left_out -= 1
        elif tag in HEADINGS:
            self.heading = False
        self.handle_data(" ")

    def handle_data(self, text: str) -> None:
        if not self.left_out:
            self.found[-1]["heading" if self.heading else "text"] += text


def sections(page: str) -> list[dict]:
    found = []
    for one in Sections(page).found:
        one = {key: " ".join(value.split()) for key, value in one.items()}
        if one["heading"] or one["text"]:
            found.append(one)
    return found


def index(pages: list[tuple[str, str, str]], most: int = MOST_CHARACTERS) -> dict:
    """Of (file, title, page) each: the pages, and their sections as (page, anchor, heading,
    text). `shortened` counts the sections that do not stand there whole."""
    found = [(number, one) for number, (_, _, page) in enumerate(pages) for one in sections(page)]
    limit = longest([len(one["text"]) for _, one in found], most)
    return {
        "pages": [{"file": file, "title": title} for file, title, _ in pages],
        "sections": [[number, one["anchor"], one["heading"], one["text"][:limit]]
                     for number, one in found],
        "shortened": sum(len(one["text"]) > limit for _, one in found),
    }


def longest(lengths: list[int], most: int) -> int:
    """The length to cut all at, so that they are `most` together."""
    left, number = most, len(lengths)
    for length in sorted(lengths):
        if length * number > left:
            return left // number
        left -= length
        number -= 1
    return max(lengths, default=0)


def as_script(found: dict) -> str:
    """JSON in which nothing can end the element that holds it."""
    text = json.dumps(found, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
