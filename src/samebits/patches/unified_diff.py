"""Writes a patch as a unified diff, reads it again, and encodes it for `patch` and `git apply`."""

from __future__ import annotations

import difflib
import itertools
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from samebits.patches.source import SourceFile, lines_of

_MARK = "\ufeff"  # the first character of a file in the encoding `utf-8-sig`, which its decoded text does not contain
_FIRST = re.compile(r"@@ -[01][ ,]")  # the hunk at the beginning of a file


def diff_of(name: str, source: SourceFile, new: str) -> Iterator[str]:
    """Yield the lines of the diff of one file, with line endings. `name`: the path of the file, as people see it."""
    end = "\t" if " " in name else ""  # without it, `patch` reads the name only up to its first space
    before, after = f"a/{name.lstrip('/')}{end}", f"b/{name.lstrip('/')}{end}"
    mark = _MARK if source.encoding == "utf-8-sig" else ""
    for line in difflib.unified_diff(lines_of(mark + source.content), lines_of(mark + new), before, after):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def in_bytes(patch: str, encoding_of: Callable[[str], str]) -> bytes:
    """Return the diff as bytes, with the lines of each file in the encoding of the file.

    Otherwise `patch` and `git apply` would not find the lines in the file.
    """
    found, encoding = [], "utf-8"
    for line in lines_of(patch):
        if line.startswith("+++ b/"):
            encoding = encoding_of(_name(line)).removesuffix("-sig")
        is_name = line.startswith(("--- a/", "+++ b/"))
        found.append(os.fsencode(line) if is_name else line.encode(encoding, "replace"))
    return b"".join(found)


def _name(line: str) -> str:
    return line.removeprefix("+++ b/").rstrip("\n").removesuffix("\t")


@dataclass
class Hunk:
    """Lines of a file before and after a patch. `added`: the lines that only the patch has.

    `is_first`: the hunk begins the file, so a byte order mark may stand before its first line. `marks`: the first
    characters of its diff lines. If a hunk has no unchanged line on one side, the file begins or ends there.
    """

    file: str
    is_first: bool = False
    old: str = ""
    new: str = ""
    marks: str = ""
    added: list[str] = field(default_factory=list)

    def take(self, line: str) -> None:
        """Add a line of the patch."""
        if line.startswith("\\"):
            self._take_end()
            return
        if self.is_first:
            line = line[:1] + line[1:].removeprefix(_MARK)
        self.marks += line[:1]
        if line[:1] == "+":
            self.added.append(line[1:].strip())
        if line[:1] in " -":
            self.old += line[1:]
        if line[:1] in " +":
            self.new += line[1:]

    def _take_end(self) -> None:
        """Remove the line ending of the last line, in the texts that contain this line."""
        if self.marks[-1] in " -":
            self.old = self.old.removesuffix("\n")
        if self.marks[-1] in " +":
            self.new = self.new.removesuffix("\n")


def hunks(patch: str) -> Iterator[Hunk]:
    """Yield the hunks of a patch, in order."""
    file, hunk = "", None
    for line in lines_of(patch):
        if line.startswith("+++ b/"):
            file = _name(line)
        elif line.startswith("@@ "):
            yield from [hunk] if hunk is not None else []
            hunk = Hunk(file, is_first=_FIRST.match(line) is not None)
        elif line.startswith("--- a/"):
            yield from [hunk] if hunk is not None else []
            hunk = None
        elif hunk is not None:
            hunk.take(line)
    yield from [hunk] if hunk is not None else []


def shared(one: Sequence[str], other: Sequence[str]) -> int:
    """Return how many lines (or characters) the beginnings have in common."""
    pairs = zip(one, other, strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))
