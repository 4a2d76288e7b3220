class Lost(Exception):
    """Something that should have held did not."""
