"""`make test-faults`: what stands after a kill or a failing disk, counted."""

from __future__ import annotations

from project import Problem


class Lost(Problem):
    """Something that should have held did not."""
