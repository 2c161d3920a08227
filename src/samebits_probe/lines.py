"""The line of the program that led to something: the innermost one outside of the libraries."""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Iterable, Iterator, Optional, Tuple

    CodeLine = Tuple[str, int, str]  # file, line, function

OWN = os.path.dirname(os.path.abspath(__file__)) + os.sep  # how the paths of the probe's own files begin


def running(frame: "Optional[FrameType]") -> "Iterator[CodeLine]":
    """(file, line, function) of a live frame and those that called it, the innermost first."""
    while frame is not None:
        yield frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name
        frame = frame.f_back


def innermost(places: "Iterable[CodeLine]", skip: "Tuple[str, ...]", until: "Optional[Tuple[str, str]]" = None) -> str:
    """The first of `places`, (file, line, function) each, that is the program's, as "train.py:12"; "" if none is.

    `skip`: beginnings of paths that are not. `until`: a (file, function) behind which nothing is looked for.
    """
    for path, line, function in places:
        if (path, function) == until:
            return ""
        if not path.startswith(skip) and not path.startswith("<"):
            return "%s:%d" % (os.path.basename(path), line)
    return ""
