"""Stands for setuptools while pip downloads a source release, so that nothing of the
release runs: pip asks for a name and a version, and gets them from the release's PKG-INFO."""
