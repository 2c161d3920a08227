"""Finds the line of the program that led to a call: the innermost one outside of the libraries."""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Iterable, Iterator, Optional, Tuple

    CodeLine = Tuple[str, int, str]  # file, line, function

OWN = os.path.dirname(os.path.abspath(__file__)) + os.sep  # the beginning of the paths of the probe's own files


def running(frame: "Optional[FrameType]") -> "Iterator[CodeLine]":
    """Yield (file, line, function) of a live frame and of its callers, the innermost first."""
    while frame is not None:
        yield frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name
        frame = frame.f_back


def innermost(places: "Iterable[CodeLine]", skip: "Tuple[str, ...]", until: "Optional[Tuple[str, str]]" = None) -> str:
    """Return the first of `places` that belongs to the program, as "train.py:12"; "" if none does.

    `places`: (file, line, function) each. `skip`: beginnings of paths outside of the program. `until`: the (file,
    function) at which the search ends.
    """
    for path, line, function in places:
        if (path, function) == until:
            return ""
        if not path.startswith(skip) and not path.startswith("<"):
            return "%s:%d" % (os.path.basename(path), line)
    return ""
