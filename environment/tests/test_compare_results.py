"""Two folders of results, beside each other."""

from __future__ import annotations

import json
import tempfile
import unittest
from pathlib import Path

import compare_results


class Results(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.one, self.two = Path(folder.name) / "one", Path(folder.name) / "two"

    def said(self, one: dict, two: dict, within: float = 0.0) -> "list[str]":
        for place, value in ((self.one, one), (self.two, two)):
            place.mkdir(exist_ok=True)
            (place / "a.json").write_text(json.dumps(value))
        return list(compare_results.differences(self.one, self.two, within))

    def test_times_are_left_out(self) -> None:
        one = {"f1": 0.5, "seconds": 1.0, "seconds_read": 6.25, "history": {"tokens_per_second": 3, "losses": [1.0, 2.0]}}
        two = {"f1": 0.5, "seconds": 9.0, "seconds_read": 6.5, "history": {"tokens_per_second": 4, "losses": [1.0, 2.0]}}
        self.assertEqual(self.said(one, two), [])

    def test_the_last_digit_counts_unless_a_share_is_given(self) -> None:
        one, two = {"losses": [1.0, 0.3]}, {"losses": [1.0, 0.1 + 0.2]}
        self.assertEqual(self.said(one, two),
                         ["a.json: losses[1]: 0.3 and 0.30000000000000004"])
        self.assertEqual(self.said(one, two, 1e-9), [])
        self.assertEqual(len(self.said({"a": 1}, {"a": 1.1}, 1e-3)), 1)

    def test_what_one_lacks(self) -> None:
        self.assertEqual(self.said({"a": 1, "b": True}, {"a": True}),
                         ["a.json: a: 1 and True", "a.json: b is in one of them only"])
        (self.two / "b.json").write_text("{}")
        self.assertIn("b.json: not there", self.said({}, {})[0])


if __name__ == "__main__":
    unittest.main()
