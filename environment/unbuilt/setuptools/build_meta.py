"""What pip calls (PEP 517) before it hands on a source release that it was told to download."""

from __future__ import annotations

import os
import sys


def get_requires_for_build_wheel(config_settings: dict | None = None) -> list[str]:
    return []


def prepare_metadata_for_build_wheel(metadata_directory: str,
                                     config_settings: dict | None = None) -> str:
    """The current folder is the unpacked release."""
    with open("PKG-INFO", encoding="utf-8", errors="replace") as file:
        fields = dict(line.rstrip("\n").split(": ", 1) for line in file if ": " in line)
    folder = f"{fields['Name'].replace('-', '_')}-{fields['Version']}.dist-info"
    os.makedirs(os.path.join(metadata_directory, folder), exist_ok=True)
    with open(os.path.join(metadata_directory, folder, "METADATA"), "w", encoding="utf-8") as file:
        file.write(f"Metadata-Version: 2.1\nName: {fields['Name']}\n"
                   f"Version: {fields['Version']}\n")
    return folder


# A release without pyproject.toml asks for the backend of this name.
__legacy__ = sys.modules[__name__]
