"""The pages' colours: each text's contrast with what it stands on, by WCAG 2.2 (1.4.3)."""

from __future__ import annotations

import re
import unittest

import project
import report

LEAST = 4.5
TEXTS = ("ink", "soft", "link", "wrong", "keyword", "string", "number", "comment", "name", "macro")
GROUNDS = {"wrong": ("wrong-panel",)}
# The page of `ttp report`, and what its texts stand on.
PAGE = project.ROOT / "ttp-lib" / "crates" / "report" / "src" / "outputs" / "page.css"
ON_PAGE = {"ink": ("page", "panel", "sure", "likely"), "soft": ("page", "panel"), "link": ("page",),
           "chip": ("page", "panel"), "wrong": ("page",), "page": ("chip",)}


def palettes(style: str) -> "list[dict[str, str]]":
    """Light and dark, from the first two lists of colours."""
    blocks = re.findall(r":root \{(.*?)\}", style, re.DOTALL)[:2]
    light, dark = (dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block)) for block in blocks)
    return [light, {**light, **dark}]


def luminance(colour: str) -> float:
    """Relative luminance of `#rrggbb`, as WCAG defines it."""
    parts = [int(colour[at:at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear))


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


class Colours(unittest.TestCase):
    def test_the_measure_is_the_standards_own(self) -> None:
        self.assertAlmostEqual(contrast("#000000", "#ffffff"), 21.0)
        self.assertAlmostEqual(contrast("#777777", "#ffffff"), 4.48, places=2)

    def test_every_text_can_be_read_in_light_and_dark(self) -> None:
        for number, palette in enumerate(palettes(report.asset("style.css"))):
            for text in TEXTS:
                for ground in GROUNDS.get(text, ("page", "panel")):
                    found = contrast(palette[text], palette[ground])
                    self.assertGreaterEqual(found, LEAST, (number, text, ground))

    def test_every_text_of_a_threat_reports_page_can_be_read(self) -> None:
        for number, palette in enumerate(palettes(PAGE.read_text(encoding="utf-8"))):
            for text, grounds in ON_PAGE.items():
                for ground in grounds:
                    found = contrast(palette[text], palette[ground])
                    self.assertGreaterEqual(found, LEAST, (number, text, ground))


if __name__ == "__main__":
    unittest.main()
