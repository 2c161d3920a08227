"""Finds out which code led to a call: the line of the program, and whether the caller is the program itself."""

import os
import sys

from .system import System

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Dict, Iterable, Iterator, Optional, Tuple

    CodeLine = Tuple[str, int, str]  # file, line, function

OWN = os.path.dirname(System.abspath(__file__)) + os.sep  # the beginning of the paths of the probe's own files


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


# -- the kind of the code that calls: the program, the standard library, or a package ---------------------------------

_STANDARD = {os.path.dirname(System.abspath(os.__file__)), os.path.dirname(os.path.realpath(os.__file__))}
PACKAGES = (os.sep + "site-packages" + os.sep, os.sep + "dist-packages" + os.sep)
_known: "Dict[str, str]" = {}  # by the file name

PROGRAM, STANDARD, PACKAGE = "program", "standard library", "package"


def kind_of(filename: str) -> str:
    """Return PROGRAM, STANDARD or PACKAGE for the file name of a code object. The probe counts as a package."""
    kind = _known.get(filename)
    if kind is None:
        kind = _known[filename] = _kind_of(filename)
    return kind


def _kind_of(filename: str) -> str:
    if filename.startswith("<frozen"):
        return STANDARD
    path = System.abspath(filename) if not filename.startswith("<") else filename
    if path.startswith(OWN):
        return PACKAGE
    if any(part in path for part in PACKAGES):
        return PROGRAM if _is_in_package_of_main(path) else PACKAGE
    return STANDARD if any(path.startswith(folder + os.sep) for folder in _STANDARD) else PROGRAM


def _is_in_package_of_main(path: str) -> bool:
    """Return whether the program is an installed package (`python -m package`), and this is one of its files."""
    main = getattr(sys.modules.get("__main__"), "__file__", None)
    if not main:
        return False
    for part in PACKAGES:
        head, found, rest = System.abspath(main).partition(part)
        if found and os.sep in rest:
            return path.startswith(head + found + rest.split(os.sep)[0] + os.sep)
    return False


def is_program(depth: int) -> bool:
    """Return whether the code `depth` frames above the caller of this function belongs to the program."""
    return kind_of(sys._getframe(depth + 1).f_code.co_filename) == PROGRAM


def kind_beyond(filename: str) -> str:
    """Return the kind of the nearest caller that is neither in the file `filename` nor in the probe."""
    files = (file for file, _, _ in running(sys._getframe(1)) if file != filename)
    return next((kind_of(file) for file in files if not System.abspath(file).startswith(OWN)), STANDARD)


def is_for_program() -> bool:
    """Return whether the nearest caller outside of the standard library and the probe is the program."""
    return bool(line_of_program())


def line_of_program() -> str:
    """Return the line of that caller, as "train.py:12"; "" if it is not the program."""
    for file, line, _ in running(sys._getframe(1)):
        kind = kind_of(file)
        if kind == PROGRAM:
            return "%s:%d" % (os.path.basename(file), line)
        if kind == PACKAGE and not System.abspath(file).startswith(OWN):
            return ""
    return ""
