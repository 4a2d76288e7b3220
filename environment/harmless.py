"""Makes what a cell shows harmless. Of HTML and SVG only tables, text and drawings get
through, with no link, script, style or address; everything else is shown as the text
that it is. Of a terminal's escapes only colours get through. In what is printed, addresses
are broken so that nothing makes a link of them.

The library escapes what it shows; this is for everything else that a cell may print,
and for the day when the library is wrong.

nh3 takes out what it does not allow; here it is shown as text, so that nothing of what a cell
printed is lost, and an SVG's own names with capitals (viewBox, clipPath) stay as they are.
"""

from __future__ import annotations

import re
from html import escape
from html.parser import HTMLParser

HTML = set("b br caption code col colgroup div em h4 h5 h6 hr i li ol p pre small span strong "
           "sub sup table tbody td tfoot th thead tr ul".split())
SVG = set("svg g title desc defs clippath lineargradient stop rect line polyline polygon path "
          "circle ellipse text tspan".split())
EMPTY = {"br", "col", "hr"}
ATTRIBUTES = set(
    "align class colspan role rowspan scope "
    "clip-path cx cy d dominant-baseline dx dy fill fill-opacity fill-rule font-family font-size "
    "font-style font-weight gradienttransform gradientunits height id offset opacity points "
    "preserveaspectratio r rx ry stop-color stop-opacity stroke stroke-dasharray stroke-linecap "
    "stroke-linejoin stroke-opacity stroke-width text-anchor transform version viewbox width "
    "x x1 x2 y y1 y2".split())
# A browser gives these their capital letters back in a drawing; other readers do not.
WRITTEN = {"clippath": "clipPath", "lineargradient": "linearGradient", "viewbox": "viewBox",
           "gradienttransform": "gradientTransform", "gradientunits": "gradientUnits",
           "preserveaspectratio": "preserveAspectRatio"}
# url(#name) is a part of the same drawing; any other address in a value is refused.
ADDRESS = re.compile(r"://|^\s*//|javascript:|data:|url\s*\((?!\s*#)", re.IGNORECASE)
# Escapes for a terminal: colours, other commands, and the characters that hide text
# or turn it round.
COLOUR = re.compile("\x1b\\[[0-9;]*m")
COMMAND = re.compile("\x1b\\[[0-9;?]*[A-Za-z]|\x1b\\][^\x07\x1b]*(?:\x07|\x1b\\\\)")
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


# Addresses in printed text, as ttp-lib/crates/base/src/show/text.rs breaks them, but only those that
# cannot be anything else: cells print versions, paths and file names, too.
SCHEME = re.compile(r"(https?|ftp)://([^\s/?#\"'<>\\]*)", re.IGNORECASE)
MASKS = {"http": "hxxp", "https": "hxxps", "ftp": "fxp"}
DOT = "[.\u3002\uff0e\uff61]"
AT = re.compile(rf"(?<=[A-Za-z0-9_%+-])@((?:[\w-]+{DOT})+[A-Za-z]{{2,}})(?![\w-])")
IPV4 = re.compile(r"(?<![\w.-])\d{1,3}(?:\.\d{1,3}){3}(?![\w-]|\.\w)")
# `System.Net` is no host: the last label is in one case.
ENDINGS = "com|net|org|edu|gov|mil|info|biz|onion|xyz"
HOST = re.compile(rf"(?<![\w.@-])(?:[\w-]+{DOT})+(?:{ENDINGS}|{ENDINGS.upper()})(?![\w-]|{DOT}\w)")


def defanged(text: str) -> str:
    """Twice is the same as once."""
    text = SCHEME.sub(lambda m: f"{MASKS[m[1].lower()]}://{broken(m[2])}", text)
    text = AT.sub(lambda m: f"[@]{broken(m[1])}", text)
    return HOST.sub(lambda m: broken(m[0]), IPV4.sub(lambda m: broken(m[0]), text))


def broken(host: str) -> str:
    """Its inner dots in brackets, and the @ before it; a dot at its end is the sentence's."""
    inner = host.rstrip(".")
    plain = re.sub(DOT, ".", inner).replace("[.]", ".").replace("[@]", "@")
    return plain.replace(".", "[.]").replace("@", "[@]") + host[len(inner):]


def seen(text: str) -> str:
    """Without any character that is not seen, but for line ends and tabs."""
    return UNSEEN.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n"))


def harmless_text(text: str) -> str:
    """What a cell printed: coloured, and that is all."""
    parts = re.split(f"({COLOUR.pattern})", text)
    return "".join(part if COLOUR.fullmatch(part) else defanged(seen(COMMAND.sub("", part)))
                   for part in parts)


def harmless(markup: str) -> str:
    """HTML or a drawing."""
    reader = Reader()
    reader.feed(seen(markup))
    reader.close()
    while reader.open:
        reader.out.append(f"</{written(reader.open.pop())}>")
    return "".join(reader.out)


def written(name: str) -> str:
    return WRITTEN.get(name, name)


class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []
        self.open: list[str] = []

    def allowed(self, tag: str) -> bool:
        return tag in (SVG if "svg" in self.open or tag == "svg" else HTML)

    def begin(self, tag: str, attributes: list[tuple[str, str | None]], end: str) -> None:
        kept = "".join(f' {written(name)}="{escape(value or "")}"' for name, value in attributes
                       if name in ATTRIBUTES and not ADDRESS.search(value or ""))
        self.out.append(f"<{written(tag)}{kept}{end}")

    def handle_starttag(self, tag: str, attrs) -> None:
        if not self.allowed(tag):
            self.out.append(escape(self.get_starttag_text()))
            return
        self.begin(tag, attrs, ">")
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs) -> None:
        if not self.allowed(tag):
            self.out.append(escape(self.get_starttag_text()))
        elif "svg" in self.open or tag == "svg" or tag in EMPTY:
            self.begin(tag, attrs, "/>")
        else:
            # To HTML `<div/>` begins an element.
            self.begin(tag, attrs, ">")
            self.out.append(f"</{tag}>")

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.open:
            self.out.append(escape(f"</{tag}>"))
            return
        while True:
            last = self.open.pop()
            self.out.append(f"</{written(last)}>")
            if last == tag:
                return

    def handle_data(self, data: str) -> None:
        self.out.append(escape(data, quote=False))

    def handle_comment(self, data: str) -> None:
        self.out.append(escape(f"<!--{data}-->"))

    def handle_decl(self, decl: str) -> None:
        self.out.append(escape(f"<!{decl}>"))

    def unknown_decl(self, data: str) -> None:
        self.out.append(escape(f"<![{data}]>"))

    def handle_pi(self, data: str) -> None:
        self.out.append(escape(f"<?{data}>"))
