"""Answers whether a stream is a terminal, and whether the user wants colours."""

from __future__ import annotations

import os
from typing import TextIO


def is_terminal(stream: TextIO) -> bool:
    """Return whether the stream is a terminal that can redraw lines."""
    try:
        return stream.isatty() and os.environ.get("TERM") != "dumb"
    except (AttributeError, ValueError):
        return False


def wants_colour() -> bool:
    """Return whether the user wants colours. They are off if NO_COLOR (https://no-color.org) is set and not empty."""
    return not os.environ.get("NO_COLOR")
