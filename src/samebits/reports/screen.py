"""What a stream can show: whether it is a terminal, and whether colours are wanted."""

from __future__ import annotations

import os
from typing import TextIO

__all__ = ["is_terminal", "wants_colour"]


def is_terminal(stream: TextIO) -> bool:
    """Return whether people look at the stream as it is written."""
    try:
        return stream.isatty() and os.environ.get("TERM") != "dumb"
    except (AttributeError, ValueError):
        return False


def wants_colour() -> bool:
    """Return whether colours are wanted. They are not if NO_COLOR (https://no-color.org) is set and not empty."""
    return not os.environ.get("NO_COLOR")
