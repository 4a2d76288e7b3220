"""`make test-faults`: what stands after a kill or a failing disk, counted."""


class Lost(Exception):
    """Something that should have held did not."""
