"""No `unsafe` without its proof: a comment `// SAFETY:` directly above."""

from __future__ import annotations

import re
import unittest

import project

# Comments, strings, raw strings and characters, none of which is code.
NO_CODE = re.compile(r"""//[^\n]*|/\*.*?\*/|r(#*)".*?"\1|"(?:\\.|[^"\\])*"|'(?:\\.[^']*|[^'\\])'""", re.DOTALL)
UNSAFE = re.compile(r"\bunsafe\b")


def without_proof(source: str) -> "list[int]":
    """The lines that say `unsafe` and have no proof in the comment above them."""
    code = NO_CODE.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), source).splitlines()
    lines, found = source.splitlines(), []
    for number, line in enumerate(code):
        if not UNSAFE.search(line):
            continue
        above = []
        for before in reversed(lines[:number]):
            if not re.match(r"\s*(//|#\[)", before):
                break
            above.append(before)
        if not any(re.match(r"\s*// SAFETY: \S", comment) for comment in above):
            found.append(number + 1)
    return found


class Unsafe(unittest.TestCase):
    def test_every_unsafe_has_its_proof(self) -> None:
        paths = [path for folder in ("ttp-lib", "fuzz") for path in (project.ROOT / folder).rglob("*.rs")]
        self.assertGreater(len(paths), 100)
        found = [f"{path.relative_to(project.ROOT)}:{line}" for path in sorted(paths)
                 for line in without_proof(path.read_text(encoding="utf-8"))]
        self.assertEqual(found, [], "each `unsafe` needs a comment `// SAFETY:` directly above")

    def test_no_notebook_has_any(self) -> None:
        for path in project.NOTEBOOKS.rglob("*.ipynb"):
            self.assertNotRegex(path.read_text(encoding="utf-8"), r"\bunsafe\b", path.name)

    def test_what_counts(self) -> None:
        for source, wanted in (
            ("let x = unsafe { f() };", [1]),
            ("// SAFETY: f reads nothing.\nlet x = unsafe { f() };", []),
            ("// SAFETY: a reason\n// over two lines.\n#[inline]\nunsafe fn f() {}", []),
            ("// SAFETY: a reason.\n\nunsafe fn f() {}", [3]),
            ("// SAFETY: a reason.\nlet y = 1;\nunsafe impl Sync for A {}", [3]),
            ("// SAFETY:\nunsafe impl Sync for A {}", [2]),
            ("// it is safe\nunsafe { f() }", [2]),
            ('let a = "unsafe"; // unsafe\nlet b = r#"an unsafe "one""#; /* unsafe\nunsafe */ let c = \'"\';', []),
            ("let unsafely = 1; // SAFETY: none\n#![forbid(unsafe_code)]", []),
        ):
            self.assertEqual(without_proof(source), wanted, source)


if __name__ == "__main__":
    unittest.main()
