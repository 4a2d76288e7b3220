"""`make pdf`: each page and the index as PDF, A4, through a headless Chromium.

A page's links lead to the other PDF files, by name, so the folder can be moved. What is wider
than the paper is made smaller; the rest of a table that is cut on the screen is printed, too.
"""

from __future__ import annotations

import base64
import re
import sys
from pathlib import Path
from urllib.parse import unquote

import ending
import project
import report
from project import Problem

# A4 and its margins, in inches.
WIDTH, HEIGHT, MARGIN = 8.27, 11.69, 0.6
PIXELS_PER_INCH = 96
FOOTER = ('<div style="font-size:7pt;width:100%;text-align:center;color:#555">'
          '<span class="title"></span> · <span class="pageNumber"></span> / '
          '<span class="totalPages"></span></div>')
# A link's target in a PDF file that Chromium wrote.
TARGET = re.compile(rb"/URI \(((?:[^()\\]|\\.)*)\)")


def folder() -> Path:
    return project.output() / "reports"


def pages() -> list[Path]:
    found = sorted(folder().glob("[0-9][0-9]_*.html"))
    if not found:
        raise Problem(f"{folder()} holds no page: run `make reproduce` first")
    return [*found, *[page for page in [folder() / "index.html"] if page.exists()]]


def write(browser, page: Path, target: Path) -> None:
    """Prints a page, whole or not at all."""
    width = round((WIDTH - 2 * MARGIN) * PIXELS_PER_INCH)
    browser.open(page, width=width)
    answer = browser.call(
        "Page.printToPDF", paperWidth=WIDTH, paperHeight=HEIGHT, marginTop=MARGIN,
        marginBottom=MARGIN, marginLeft=MARGIN, marginRight=MARGIN, printBackground=True,
        displayHeaderFooter=True, headerTemplate="<span></span>", footerTemplate=FOOTER,
        generateTaggedPDF=True, generateDocumentOutline=True)
    report.write_whole(target, at_home(base64.b64decode(answer["data"]), page.parent))


def at_home(pdf: bytes, reports: Path) -> bytes:
    """Links into the folder of reports, from the PDF files' own folder. A PDF file knows where
    its parts lie, so each target keeps its length, with spaces behind the brackets."""
    start = reports.resolve().as_uri().encode() + b"/"

    def turned(found: "re.Match[bytes]") -> bytes:
        address = found[1].replace(b"\\(", b"(").replace(b"\\)", b")")
        if not address.startswith(start):
            return found[0]
        name, mark, anchor = address[len(start):].partition(b"#")
        if name.endswith(b".html") and (reports / unquote(name.decode())).exists() \
                and re.match(rb"\d\d_|index\.html$", name):
            name = name[:-len(b".html")] + b".pdf"
        else:
            name = b"../" + name
        text = name + (mark + anchor if not name.endswith(b".pdf") else b"")
        return b"/URI (" + text.replace(b"(", b"\\(").replace(b")", b"\\)") + b")" + b" " * (
            len(found[0]) - len(text) - 7)

    return TARGET.sub(turned, pdf)


def print_all() -> list[Path]:
    try:
        from browser import chrome
    except ImportError as error:
        raise Problem(f"{error.name} is missing: run `make setup` first") from error
    program = chrome.find()
    if not program:
        raise Problem("no Chromium on PATH, which prints the pages: apt-get install chromium")
    found, target = pages(), folder() / "pdf"
    target.mkdir(parents=True, exist_ok=True)
    made = []
    try:
        with chrome.Chrome(program) as browser:
            for page in found:
                made.append(target / f"{page.stem}.pdf")
                write(browser, page, made[-1])
                print(f"  {made[-1].name}  {made[-1].stat().st_size / 1e6:.1f} MB", flush=True)
    except chrome.ERRORS as error:
        raise Problem(f"Chromium did not print the pages: {error}") from error
    for old in set(target.glob("*.pdf")) - set(made):
        # Of a page that is no more.
        old.unlink()
    return made


def main() -> int:
    def work() -> None:
        made = print_all()
        print(f"{len(made)} files in {folder() / 'pdf'}")

    return ending.run(work, lambda: folder() / "pdf", "stopped; what was printed before is kept")


if __name__ == "__main__":
    sys.exit(main())
