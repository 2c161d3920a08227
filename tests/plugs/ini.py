"""Reads settings in sections, without their comments and their order."""

from __future__ import annotations

import configparser
from pathlib import Path

from samebits.store.content import Parts, joined


def read(path: Path, parts: Parts) -> None:
    """Add each setting by its section and its name."""
    settings = configparser.ConfigParser()
    settings.read_string(path.read_text())
    for section in settings.sections():
        for name, value in settings[section].items():
            parts.add_plain(joined(section, name), value)
