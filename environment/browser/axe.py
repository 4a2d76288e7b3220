"""axe-core, the rules that pages are held to: WCAG 2.2, levels A and AA."""

from __future__ import annotations

import json
import re

import fetch
import project
import setup
from browser.chrome import Chrome
from files import move_whole

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]
# Thousands of elements that would be looked at one by one are taken out of the open page before:
# what a drawing is made of, for a drawing is one picture, with a name; the parts of code, whose
# colours tests/test_style.py compares; and rows of long tables, which are all made alike.
THIN_OUT = """
document.querySelectorAll("svg > :not(title)").forEach(part => part.remove());
document.querySelectorAll(".highlight pre").forEach(code => { code.textContent = code.textContent; });
document.querySelectorAll("tbody tr:nth-child(n+9)").forEach(row => row.remove());
0"""


def script() -> str:
    """axe-core's own file: kept in the cache, fetched when it is not there, checked each time.

    Raises `project.Problem` where it cannot be had."""
    entry = project.read_toml(project.ENVIRONMENT / "wheels.toml")["axe-core"]
    kept = project.cache() / f"axe-core-{entry['member_sha256'][:12]}" / "axe.min.js"
    if not fetch.is_whole(kept, entry["member_sha256"]):
        kept.parent.mkdir(parents=True, exist_ok=True)
        with fetch.unfinished(project.cache(), "axe-core") as folder:
            wheel = fetch.wheel(setup.python(), entry, folder)
            fetch.take(wheel, {entry["member"]: "."}, folder)
            taken = folder / "axe.min.js"
            fetch.check(taken, entry["member_sha256"], "axe-core")
            move_whole(taken, kept)
    return kept.read_text(encoding="utf-8")


def violations(browser: Chrome, axe: str, rules: "list[str] | None" = None) -> list[str]:
    """What the open page breaks, a line for each element: the rule and the element's selector.
    Without `rules` all of `TAGS`. The page is thinned out by it. What the browser runs for its tools is not held to the page's
    policy."""
    browser.evaluate(axe + "\n;0")
    browser.evaluate(THIN_OUT)
    only = {"type": "rule", "values": rules} if rules else {"type": "tag", "values": TAGS}
    options = {"runOnly": only, "resultTypes": ["violations"]}
    found = browser.evaluate(
        f"axe.run(document, {json.dumps(options)}).then(r => r.violations.flatMap(v => v.nodes.map("
        "n => [v.id, n.target.flat().join(' '), n.failureSummary])))")
    return [f"{rule}: {selector} ({reason(why)})" for rule, selector, why in found]


def reason(summary: str) -> str:
    """The first thing that would mend it; the line before it says only that."""
    lines = [line.strip() for line in summary.splitlines() if line.strip()]
    return re.sub(r"\s+", " ", lines[1] if len(lines) > 1 else " ".join(lines))[:160]
