"""`make bench-report`: how long `ttp report` takes, with start-up, and how much memory.

    linear    300 sentences, the linear model
    both      the same, the linear model and the encoder together, where the model has one
    pdf       a PDF of 200 pages, the linear model: reading and asking together

The sentences are those of the project's made-up report, each with another number in it, so that none
is there twice; the PDF has them on its pages again and again. The result goes to
target/bench-report/results.json; its `ratio` is the largest of the four measured figures to their
targets.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import textwrap
import time
import zlib
from pathlib import Path

import machine
import project
from bench import program, race
from bench.race import positive, shown, spread
from project import Problem

FOLDER = project.ROOT / "target" / "bench-report"
SENTENCES = 300
IN_A_PARAGRAPH = 5
PAGES = 200
LINES_A_PAGE, LINE_WIDTH = 44, 88
# Seconds, and bytes of the PDF.
TARGETS = {"linear": 0.5, "both": 10.0, "pdf": 3.0}
PDF_BYTES = 300e6


# -- what is read -----------------------------------------------------------------------

def sentences(count: int) -> "list[str]":
    """Sentences of the made-up report, each with its number, so that none is there twice."""
    text = program.REPORT.read_text(encoding="utf-8")
    parts = [" ".join(part.split()) for part in text.split("\n\n")]
    prose = [part for part in parts if part.endswith(".") and part[0] not in "#|1"]
    own = [sentence for part in prose for sentence in re.split(r"(?<=\.) (?=[A-Z])", part)
           if "`" not in sentence and len(sentence.split()) > 5]
    if len(own) < 10:
        raise Problem(f"{program.REPORT}: only {len(own)} sentences are as they are needed here")
    return [f"{own[at % len(own)][:-1]} on host {at + 1}." for at in range(count)]


def paragraphs(count: int) -> "list[str]":
    lines = sentences(count)
    return [" ".join(lines[at:at + IN_A_PARAGRAPH]) for at in range(0, count, IN_A_PARAGRAPH)]


def text(count: int) -> str:
    return "# A made-up report\n\n" + "\n\n".join(paragraphs(count)) + "\n"


def pdf(pages: int) -> bytes:
    """A PDF of so many pages of prose in Helvetica, packed as word processors pack them."""
    lines: list[str] = []
    count = SENTENCES
    while len(lines) < pages * LINES_A_PAGE:
        count *= 2
        lines = [line for part in paragraphs(count) for line in [*textwrap.wrap(part, LINE_WIDTH), ""]]
    kids = " ".join(f"{4 + 2 * at} 0 R" for at in range(pages))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {pages} /MediaBox [0 0 595 842] "
        "/Resources << /Font << /F1 3 0 R >> >> >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for at in range(pages):
        shown = lines[at * LINES_A_PAGE:(at + 1) * LINES_A_PAGE]
        objects.append(f"<< /Type /Page /Parent 2 0 R /Contents {5 + 2 * at} 0 R >>".encode())
        objects.append(stream(shown))
    out, places = bytearray(b"%PDF-1.5\n%\xe2\xe3\xcf\xd3\n"), []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n".encode() + content + b"\nendobj\n"
    start = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{place:010} 00000 n \n".encode() for place in places)
    out += (f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\n"
            f"startxref\n{start}\n%%EOF\n").encode()
    return bytes(out)


def stream(lines: "list[str]") -> bytes:
    """What shows lines, one below the other; an empty one is the distance of two paragraphs."""
    content, y = ["BT"], 790
    for line in lines:
        if line:
            escaped = re.sub(r"([\\()])", r"\\\1", line)
            content.append(f"/F1 10 Tf 1 0 0 1 60 {y} Tm ({escaped}) Tj")
        y -= 14 if line else 8
    packed = zlib.compress("\n".join([*content, "ET"]).encode("cp1252", errors="replace"))
    return (f"<< /Filter /FlateDecode /Length {len(packed)} >>\nstream\n".encode()
            + packed + b"\nendstream")


# -- the measurement --------------------------------------------------------------------

def run(command: "list[str]", out: Path) -> dict:
    """Runs `ttp report`: seconds by the clock, most memory, sentences that it has read."""
    began = time.perf_counter()
    process = subprocess.Popen([*command, "--out", str(out)], cwd=project.ROOT,
                               env=program.environment(), stdout=subprocess.DEVNULL)
    # The usage of this process alone, as against that of all that have ended.
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise Problem(f"`{' '.join(command)}` failed: its own message stands above")
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    read = sum(len(document["sentences"]) for document in report["documents"])
    # In kilobytes on Linux, in bytes on macOS.
    unit = 1 if sys.platform == "darwin" else 1024
    return {"seconds": seconds, "peak_bytes": unit * usage.ru_maxrss, "sentences": read}


def rounds(name: str, command: "list[str]", count: int, out: Path) -> dict:
    run(command, out)
    found = [run(command, out) for _ in range(count)]
    result = {"seconds": spread([one["seconds"] for one in found]),
              "peak_bytes": max(one["peak_bytes"] for one in found),
              "sentences": found[0]["sentences"]}
    print(f"{name}: {shown(result['seconds'], 1, 3)} s", flush=True)
    return result


def measure(arguments: argparse.Namespace) -> dict:
    ttp, model = program.program(arguments), program.model(arguments)
    load, measured = os.getloadavg()[0], {}
    with tempfile.TemporaryDirectory(prefix="bench-report-") as name:
        folder = Path(name)
        prose, printed = folder / "sentences.md", folder / "pages.pdf"
        prose.write_text(text(SENTENCES), encoding="utf-8")
        printed.write_bytes(pdf(PAGES))

        def command(file: Path, models: str) -> "list[str]":
            return [str(ttp), "report", str(file), "--model", str(model), "--models", models]

        asked = {"linear": command(prose, "linear"), "pdf": command(printed, "linear")}
        if program.has_encoder(model):
            asked["both"] = command(prose, "both")
        for what, one in asked.items():
            measured[what] = rounds(what, one, arguments.rounds, folder / "out")
        size = printed.stat().st_size
    read = measured["linear"]["sentences"]
    if read != SENTENCES:
        raise Problem(f"{read} sentences were read of {SENTENCES}: not what is to be measured")
    ratios = {what: measured[what]["seconds"]["median"] / TARGETS[what] for what in measured}
    ratios["pdf_memory"] = measured["pdf"]["peak_bytes"] / PDF_BYTES
    return {**machine.describe(), "load_before": load, "program": str(ttp), "model": str(model),
            "rounds": arguments.rounds, "pages": PAGES, "pdf_bytes": size, "measured": measured,
            "ratios": ratios, "ratio": max(ratios.values())}


def table(results: dict) -> str:
    lines = [f"{'':<8} {'sentences':>9} {'seconds':>24} {'target':>7} {'peak memory':>12}"]
    for what, one in results["measured"].items():
        lines.append(f"{what:<8} {one['sentences']:>9,} {shown(one['seconds'], 1, 3):>24} "
                     f"{TARGETS[what]:>7} {one['peak_bytes'] / 1e6:>9,.0f} MB")
    if "both" not in results["measured"]:
        lines.append("both: not measured: the model has no encoder (`ttp report-model --encoder`)")
    lines += [
        f"with start-up, median of {results['rounds']} (least to most), after one that is not counted",
        f"the PDF has {results['pages']} pages, {results['pdf_bytes'] / 1e6:.1f} MB; memory target "
        f"{PDF_BYTES / 1e6:.0f} MB",
        f"ratio {results['ratio']:.3f} (the largest of all to their targets; target: at most 1)",
        f"{results['machine']['processor']}, {results['machine']['cores']} cores",
    ]
    return "\n".join(lines)


def main() -> int:
    options = argparse.ArgumentParser(description="Measure how long `ttp report` takes.")
    program.add_arguments(options)
    options.add_argument("--rounds", type=positive, default=5, help="after one that is not counted [5]")
    arguments = options.parse_args()
    return race.finish(lambda: measure(arguments), FOLDER, "results.json", table)


if __name__ == "__main__":
    sys.exit(main())
