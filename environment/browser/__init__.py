"""Looks at reports with a real browser, over the protocol that its own tools use."""
