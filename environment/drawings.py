"""What the pictures in docs/ show: of each the figures it takes from a run's results, and the
drawing. `pictures.py` writes them."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from html import escape
from typing import Callable

import project
from project import Problem

INK, SOFT, FAINT, LINE = "#1f2328", "#57606a", "#d0d7de", "#8c959f"
BLUE, ORANGE, PALE_BLUE, PALE_ORANGE = "#0b5cad", "#b35900", "#dcebfa", "#fdebd6"
RED = "#b3261e"
FONT = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif"


class Svg:
    """An SVG on its own white ground, so that it can be read on a dark page too."""

    def __init__(self, width: int, height: int, title: str, about: str) -> None:
        self.width, self.height, self.title, self.about = width, height, title, about
        self.parts: "list[str]" = []

    def rect(self, x, y, width, height, fill="none", stroke="none", radius=0, opacity=1.0) -> None:
        self.parts.append(
            f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}"'
            + (f' rx="{radius}"' if radius else "")
            + f' fill="{fill}"' + (f' stroke="{stroke}"' if stroke != "none" else "")
            + (f' fill-opacity="{opacity:.2f}"' if opacity < 1 else "") + "/>")

    def line(self, x1, y1, x2, y2, stroke=LINE, width=1.0, dash="", arrow=False) -> None:
        self.parts.append(
            f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" stroke="{stroke}" '
            f'stroke-width="{width:g}"' + (f' stroke-dasharray="{dash}"' if dash else "")
            + (f' marker-end="url(#{"red" if stroke == RED else "end"})"' if arrow else "") + "/>")

    def circle(self, x, y, radius, fill, stroke="none") -> None:
        self.parts.append(f'<circle cx="{x:g}" cy="{y:g}" r="{radius:g}" fill="{fill}" '
                          f'stroke="{stroke}"/>')

    def path(self, points, stroke, width=2.0, dash="") -> None:
        text = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.parts.append(f'<polyline points="{text}" fill="none" stroke="{stroke}" '
                          f'stroke-width="{width:g}"'
                          + (f' stroke-dasharray="{dash}"' if dash else "") + "/>")

    def text(self, x, y, text, size=13, fill=INK, anchor="start", bold=False, turn=0) -> None:
        turned = f' transform="rotate({turn} {x:g} {y:g})"' if turn else ""
        weight = ' font-weight="600"' if bold else ""
        self.parts.append(f'<text x="{x:g}" y="{y:g}" font-size="{size:g}" fill="{fill}" '
                          f'text-anchor="{anchor}"{weight}{turned}>{escape(text)}</text>')

    def box(self, x, y, width, height, lines, fill="#ffffff", stroke=LINE, size=13) -> None:
        """A frame with lines of text in its middle; the first is bold."""
        self.rect(x, y, width, height, fill, stroke, 6)
        step = size + 4
        top = y + height / 2 - (len(lines) - 1) * step / 2 + size / 3
        for at, line in enumerate(lines):
            self.text(x + width / 2, top + at * step, line, size if at == 0 else size - 1,
                      INK if at == 0 else SOFT, "middle", at == 0)

    def whole(self, origin: dict) -> str:
        comment = json.dumps(origin, sort_keys=True).replace("--", "- -")
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" '
            f'width="{self.width}" height="{self.height}" role="img" aria-labelledby="t d" '
            f'font-family="{FONT}">\n<!-- drawn from a run: {comment} -->\n'
            f'<title id="t">{escape(self.title)}</title>\n<desc id="d">{escape(self.about)}</desc>\n'
            '<defs>' + "".join(
                f'<marker id="{name}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" '
                f'markerHeight="8" orient="auto"><path d="M0 0L8 4L0 8z" fill="{colour}"/></marker>'
                for name, colour in (("end", SOFT), ("red", RED))) + '</defs>\n'
            f'<rect x="0.5" y="0.5" width="{self.width - 1}" height="{self.height - 1}" rx="8" '
            f'fill="#ffffff" stroke="{FAINT}"/>\n' + "\n".join(self.parts) + "\n</svg>\n")


def at(found: dict, *path: str):
    """A figure of the run; `Problem` where it has not been measured."""
    value = found
    for name in path:
        if not isinstance(value, dict) or name not in value:
            raise Problem(f"{project.output() / 'results'}: no {' / '.join(path)}: "
                          "run `make reproduce` first")
        value = value[name]
    return value


def thousands(number: float) -> str:
    return f"{number:,.0f}"


# -- the pictures: their figures, and what draws them -------------------------------------

def pipeline_figures(found: dict) -> dict:
    return {"rows": at(found, "corpus", "rows"), "techniques": at(found, "corpus", "techniques"),
            "kept": at(found, "corpus", "techniques_kept"),
            "kept_rows": at(found, "corpus", "trimmed_rows"),
            # The full report is audited too, beside the summary that it belongs to.
            "claims": sum(len(one["claims"]) for one in at(found, "claims_audit", "documents")
                          if one["document"] != "family report")}


def pipeline(f: dict) -> Svg:
    svg = Svg(860, 372, "The pipeline",
              "From ATT&CK's sentences to scores, in the order of the fifteen notebooks.")
    def box(x, y, lines, fill="#ffffff"):
        svg.box(x, y, 150, 74, lines, fill)
    rows = [
        ("The paper: which technique does a sentence describe?", 34, [
            (["MITRE ATT&CK", "sentences with", "a technique"], PALE_BLUE),
            (["01 corpus", f"{thousands(f['rows'])} sentences,", f"{f['techniques']} techniques"], "#ffffff"),
            (["02 trimming", f"{thousands(f['kept_rows'])} sentences,", f"{f['kept']} techniques"], "#ffffff"),
            (["03 augmentation", "copies, and splits in", "two protocols"], "#ffffff"),
            (["04 to 06 models", "word counts; encoders,", "pretrained, fine-tuned"], "#ffffff")]),
        ("", 142, [
            (["15 report", "techniques in a", "threat report"], PALE_ORANGE),
            (["12 diagnosis", "all techniques,", "zero recall"], "#ffffff"),
            (["09 fill-mask", "what a model knew", "before"], "#ffffff"),
            (["08 evidence", "calibration, other", "seeds, later text"], "#ffffff"),
            (["07 comparison", "the paper's table 2", "and ours"], PALE_ORANGE)]),
        ("Two companion documents", 270, [
            (["similarity report", "10 its own pairs", "11 hard negatives"], "#ffffff"),
            (["family summary", "13 malware", "families"], "#ffffff"),
            (["14 claims audit", f"{f['claims']} claims of", "three documents"], PALE_ORANGE)]),
    ]
    for title, y, boxes in rows[:1]:
        svg.text(20, y - 10, title, 13, SOFT)
        for place, (lines, fill) in enumerate(boxes):
            box(20 + 168 * place, y, lines, fill)
            if place:
                svg.line(20 + 168 * place - 18, y + 37, 20 + 168 * place - 1, y + 37, SOFT, 1.5, arrow=True)
    _, y, boxes = rows[1]
    for place, (lines, fill) in enumerate(boxes):
        box(20 + 168 * place, y, lines, fill)
    svg.line(767, 108, 767, 141, SOFT, 1.5, arrow=True)
    for place in (0, 1, 2, 3):
        x = 692 - 168 * place
        svg.line(x, y + 37, x - 17, y + 37, SOFT, 1.5, arrow=True)
    title, y, boxes = rows[2]
    svg.text(20, y - 20, title, 13, SOFT)
    svg.rect(12, y - 10, 336 - 2, 94, "#f6f8fa", FAINT, 6)
    for place, (lines, fill) in enumerate(boxes[:2]):
        box(20 + 168 * place, y, lines, fill)
    box(692, y, *boxes[2])
    svg.line(347, y + 37, 691, y + 37, SOFT, 1.5, arrow=True)
    svg.line(767, 216, 767, y - 1, SOFT, 1.5, arrow=True)
    return svg


def protocols_figures(found: dict) -> dict:
    return {"rows": at(found, "corpus", "test_rows", "paper"),
            "leaked": at(found, "corpus", "leaked_test_rows", "paper")}


def protocols(f: dict) -> Svg:
    svg = Svg(860, 330, "Two protocols",
              "Protocol paper augments first and splits then: copies of one sentence fall into "
              "training and test set. Protocol clean splits first and augments the training set.")
    def row(x, y, text, fill, stroke):
        svg.rect(x, y, 118, 26, fill, stroke, 4)
        svg.text(x + 59, y + 17, text, 12, INK, "middle")
    def frame(x, y, width, height, title):
        svg.rect(x, y, width, height, "#f6f8fa", FAINT, 6)
        svg.text(x + 10, y + 17, title, 12, SOFT)
    for top, title in ((16, "Protocol paper: augment, then split"),
                       (182, "Protocol clean: split, then augment")):
        svg.text(20, top + 10, title, 14, INK, bold=True)
    # paper
    row(20, 78, "sentence A", PALE_BLUE, BLUE)
    svg.line(140, 91, 166, 91, SOFT, 1.5, arrow=True)
    frame(168, 36, 138, 124, "all rows")
    for place, text in enumerate(("sentence A", "copy 1 of A", "copy 2 of A")):
        row(178, 60 + 32 * place, text, PALE_BLUE, BLUE)
    svg.line(308, 91, 336, 91, SOFT, 1.5, arrow=True)
    frame(338, 36, 138, 124, "training set")
    row(348, 60, "sentence A", PALE_BLUE, BLUE)
    row(348, 92, "copy 2 of A", PALE_BLUE, BLUE)
    frame(556, 36, 138, 124, "test set")
    row(566, 76, "copy 1 of A", PALE_BLUE, RED)
    svg.line(468, 74, 564, 86, RED, 1.8, arrow=True)
    svg.line(468, 104, 564, 92, RED, 1.8, arrow=True)
    svg.text(516, 68, "leak", 13, RED, "middle", True)
    per_cent = 100 * f["leaked"] / f["rows"]
    for place, line in enumerate((f"{thousands(f['leaked'])} of {thousands(f['rows'])}", "test rows",
                                  f"({per_cent:.1f} %) have", "a relative", "in training")):
        svg.text(706, 62 + 19 * place, line, 13, RED if place == 0 else INK, bold=place == 0)
    # clean
    row(20, 218, "sentence A", PALE_BLUE, BLUE)
    row(20, 264, "sentence B", PALE_ORANGE, ORANGE)
    svg.line(140, 231, 336, 231, SOFT, 1.5, arrow=True)
    svg.line(140, 284, 554, 302, SOFT, 1.5, arrow=True)
    svg.text(238, 224, "split first", 12, SOFT, "middle")
    frame(338, 196, 138, 86, "training set")
    row(348, 219, "sentence A", PALE_BLUE, BLUE)
    row(348, 249, "copies of A", PALE_BLUE, BLUE)
    frame(556, 254, 138, 60, "test set")
    row(566, 278, "sentence B", PALE_ORANGE, ORANGE)
    for place, line in enumerate(("no test row has", "a relative", "in training")):
        svg.text(706, 268 + 19 * place, line, 13, INK)
    return svg


def macro_f1_figures(found: dict) -> dict:
    ours = at(found, "comparison", "ours")
    published = at(found, "comparison", "published")
    return {"published": [[row["model"], row["f1"]] for row in published],
            "ours": [[one["checkpoint"], one["protocol"],
                      *(round(one["f1_macro"][end], 3) for end in ("value", "low", "high"))]
                     for _, one in sorted(ours.items())]}


def macro_f1(f: dict) -> Svg:
    names = sorted({row[0] for row in f["ours"]},
                   key=lambda name: min((row[1] != "clean", -row[2])
                                      for row in f["ours"] if row[0] == name))
    low = math.floor(10 * min(row[3] for row in f["ours"]) - 0.2) / 10
    left, right, top, step = 190, 830, 66, 40
    height = top + step * (len(f["published"]) + len(names)) + 50
    svg = Svg(860, height, "Macro F1 of all models",
              "Macro F1 with 95 % intervals: the three published scores beside ours, under the "
              "paper's protocol and under the clean one, which is lower for each model.")
    svg.text(20, 30, "Macro F1: published, and ours under both protocols", 15, INK, bold=True)
    def x(value):
        return left + (value - low) / (1 - low) * (right - left)
    bottom = height - 42
    for tick in range(round(10 * low), 11):
        svg.line(x(tick / 10), top - 14, x(tick / 10), bottom, FAINT)
        svg.text(x(tick / 10), bottom + 18, f"{tick / 10:.1f}", 12, SOFT, "middle")
    y = top + 6
    for name, value in f["published"]:
        svg.text(left - 14, y + 4, f"{name} (published)", 13, INK, "end")
        svg.rect(x(value) - 6, y - 6, 12, 12, INK)
        svg.text(x(value) - 12, y + 4, f"{value:.2f}", 12, SOFT, "end")
        y += step
    svg.line(20, y - step / 2, right, y - step / 2, LINE)
    for name in names:
        svg.text(left - 14, y + 4, name, 13, INK, "end")
        rows = {row[1]: row[2:] for row in f["ours"] if row[0] == name}
        for protocol, shift, colour in (("paper", -8, ORANGE), ("clean", 8, BLUE)):
            if protocol in rows:
                value, first, last = rows[protocol]
                svg.line(x(first), y + shift, x(last), y + shift, colour, 2.5)
                svg.circle(x(value), y + shift, 5, colour if protocol == "clean" else "#ffffff", colour)
                svg.text(x(first) - 6, y + shift + 4, f"{value:.3f}", 11, colour, "end")
        y += step
    for place, (text, colour) in enumerate((("○ protocol paper (leaks)", ORANGE),
                                            ("● protocol clean", BLUE))):
        svg.text(500 + 180 * place, 30, text, 13, colour)
    svg.text(left, height - 8, "lines: 95 % bootstrap intervals over the test rows of one training", 11, SOFT)
    return svg


def confusion_figures(found: dict) -> dict:
    one = at(found, "finetune", "minilm.clean")
    return {"labels": at(one, "confusion", "labels"),
            "counts": at(one, "confusion", "rows_truth_columns_predicted"),
            "accuracy": round(at(one, "accuracy"), 3)}


def confusion(f: dict) -> Svg:
    labels, counts = f["labels"], f["counts"]
    cell, left, top = 15, 80, 116
    size = cell * len(labels)
    svg = Svg(max(720, left + size + 110), top + size + 24, "A confusion matrix",
              "Rows are the true techniques, columns the predicted ones, minilm under protocol clean. "
              "Nearly all of the dark cells lie on the diagonal, where both agree.")
    svg.text(20, 28, f"minilm, protocol clean: accuracy {f['accuracy']:.3f}", 15, INK, bold=True)
    svg.text(20, 48, "Rows: true technique. Columns: predicted. The darker, the larger the fraction of the row.", 12, SOFT)
    svg.rect(left, top, size, size, "#ffffff", FAINT)
    for row, (label, numbers) in enumerate(zip(labels, counts)):
        svg.text(left - 6, top + cell * row + 11.5, label, 10, SOFT, "end")
        svg.text(left + cell * row + 11, top - 6, label, 10, SOFT, "start", turn=-90)
        total = sum(numbers) or 1
        for column, number in enumerate(numbers):
            if number:
                svg.rect(left + cell * column, top + cell * row, cell, cell,
                         BLUE if column == row else ORANGE,
                         opacity=round(math.sqrt(number / total), 2))
    x = left + size + 24
    for place, (text, colour) in enumerate((("right", BLUE), ("wrong", ORANGE))):
        svg.rect(x, top + 24 * place, 14, 14, colour)
        svg.text(x + 20, top + 12 + 24 * place, text, 12)
    return svg


def threshold_figures(found: dict) -> dict:
    published = at(found, "similarity_report", "published")
    return {name: [at(published, name, key) for key in ("tp", "fp", "fn", "tn")]
            for name in ("baseline", "basic", "advanced")}


def threshold(f: dict) -> Svg:
    def f1(counts):
        return 2 * counts[0] / (2 * counts[0] + counts[1] + counts[2])
    tp, fp, missed, tn = f["basic"]
    p = (tp + missed) / (tp + fp + missed + tn)
    left, right, top, bottom = 70, 620, 70, 330
    svg = Svg(860, 380, "F1 against the threshold, of a model that learned nothing",
              "A model with random scores has its highest F1 where it calls every pair similar, "
              "which is nearly the published F1 of the report's best model; its MCC is 0 everywhere.")
    svg.text(20, 30, "A model that learned nothing: F1 depends on the threshold alone", 15, INK, bold=True)
    def x(value):
        return left + value * (right - left)
    def y(value):
        return bottom - value * (bottom - top)
    for tick in range(0, 11, 2):
        svg.line(left, y(tick / 10), right, y(tick / 10), FAINT)
        svg.text(left - 8, y(tick / 10) + 4, f"{tick / 10:.1f}", 12, SOFT, "end")
        svg.text(x(tick / 10), bottom + 18, f"{tick / 10:.1f}", 12, SOFT, "middle")
    svg.text((left + right) / 2, bottom + 38, "threshold from which a pair is called similar", 12, SOFT, "middle")
    curve = [(t / 100, 2 * p * (1 - t / 100) / (p + 1 - t / 100)) for t in range(101)]
    svg.path([(x(t), y(value)) for t, value in curve], BLUE, 3)
    svg.line(x(0), y(0), x(1), y(0), ORANGE, 3)
    best, base = f1(f["advanced"]), f1(f["baseline"])
    for value, name in ((best, "the report's best model"), (base, "the report's baseline")):
        svg.line(left, y(value), right, y(value), INK, 1.2, "5 4")
        svg.text(right + 8, y(value) + 4, f"{value:.3f} {name}", 12)
    svg.circle(x(0), y(curve[0][1]), 5, BLUE)
    svg.text(x(0.02), y(0.64), f"{curve[0][1]:.3f}: every pair", 12, BLUE)
    svg.text(x(0.02), y(0.58), "is called similar", 12, BLUE)
    svg.text(x(0.56), y(0.54), "F1, random scores", 12, BLUE)
    svg.text(x(0.62), y(0) - 8, "MCC, random scores: 0", 12, ORANGE)
    svg.text(right + 24, bottom + 38, f"{tp + missed} of {tp + fp + missed + tn} pairs are similar", 12, SOFT)
    return svg


@dataclass(frozen=True)
class Picture:
    name: str
    figures: "Callable[[dict], dict]"
    draw: "Callable[[dict], Svg]"


PICTURES = [
    Picture("pipeline", pipeline_figures, pipeline),
    Picture("protocols", protocols_figures, protocols),
    Picture("macro_f1", macro_f1_figures, macro_f1),
    Picture("confusion", confusion_figures, confusion),
    Picture("threshold", threshold_figures, threshold),
]
