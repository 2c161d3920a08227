"""Reads text by its lines: logs, settings, and the output of programs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import AnyStr

from samebits.model import Lines, Part, SavedFile
from samebits.store.content import Parts, fingerprint

MOST_TEXT = 64 << 20  # bytes of a text that are read; of a longer text, its first and its last bytes
MOST_KEPT_CHARACTERS = 1 << 20  # of the first lines of one file, in the record
MOST_TAIL = 1_000  # last lines of a longer text
_INDENT = " " * 40
MOST_WIDE = 4096  # characters of a line that are kept


class NotText(ValueError):
    """The error for bytes that are not text in UTF-8."""


def add_text(parts: Parts, data: bytes, is_cut: bool = False) -> None:  # noqa: FBT001, FBT002
    """Add a text as one part, and its lines. `is_cut`: only its first and last bytes were read. Raises NotText."""
    parts.lines = lines_of(decoded(data), is_cut=is_cut)
    parts.add("", "text", parts.lines.raw.encode(), is_value=True)


def sorted_lines(lines: re.Match[AnyStr]) -> AnyStr:
    """Return lines whose order means nothing in the order of their texts."""
    return lines[0][:0].join(sorted(lines[0].splitlines(keepends=True)))


def whole_text(path: Path) -> str:
    """Return the text that a file holds. Raises NotText, also if it is very long."""
    data, is_cut = read_some(path)
    if is_cut:
        raise NotText(f"it has more than {MOST_TEXT:,} bytes")
    return decoded(data)


def read_some(path: Path) -> tuple[bytes, bool]:
    """Return (the bytes of a file, False), or (their two ends, True) if they are more than MOST_TEXT."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(0)
        if size <= MOST_TEXT:
            return file.read(), False
        head = file.read(MOST_TEXT // 2)
        file.seek(-MOST_TEXT // 2, 2)
        return head + b"\n" + file.read(), True


def decoded(data: bytes) -> str:
    """Return the text that bytes in UTF-8 hold. Raises NotText."""
    if b"\0" in data[:4096]:
        raise NotText("it holds zero bytes")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NotText(f"it is not UTF-8 (byte {error.start})") from None


def lines_of(text: str, *, is_printed: bool = False, is_cut: bool = False) -> Lines:
    """Return the lines of a text.

    `is_printed`: take each line as a terminal shows it, and leave out empty ones. `is_cut`: only its first and last
    bytes were read.
    """
    split = text.split("\n")
    whole = _printed(split) if is_printed else split
    first, room = 0, MOST_KEPT_CHARACTERS
    while first < len(whole) and room > 0:
        room -= len(whole[first]) + 1
        first += 1
    rest = whole[first:]
    return Lines(
        raw=_digest(whole),
        count=len(whole),
        kept=list(map(_shortened, whole[:first])),
        tail=list(map(_shortened, rest[-MOST_TAIL:])),
        between=_digest(rest[:-MOST_TAIL]) if len(rest) > MOST_TAIL else "",
        cut=is_cut,
    )


def _printed(lines: Iterable[str]) -> list[str]:
    """Return the visible lines. A line that begins far to the right goes on with the line before.

    Rich wraps the last column of its progress bar, and the digits of the rate before it decide where:
    https://github.com/Textualize/rich/blob/master/rich/progress.py (`make_tasks_table`)
    """
    whole: list[str] = []
    for line in lines:
        text = visible(line)
        if text and whole and line.startswith(_INDENT):
            whole[-1] += f" {text}"
        elif text:
            whole.append(text)
    return whole


def _shortened(line: str) -> str:
    """Return a line; for a long line, its beginning and the fingerprint of the whole line."""
    return line if len(line) <= MOST_WIDE else f"{line[:MOST_WIDE]}... {_digest([line])}"


_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")


def visible(line: str) -> str:
    """Return a printed line as a terminal finally shows it: without escapes and without text that was overwritten."""
    parts = [part for part in re.split(r"[\r\b]+", _ESCAPES.sub("", line)) if part.strip()]
    return parts[-1].strip() if parts else ""


def _digest(lines: Iterable[str]) -> str:
    return fingerprint("lines", "\n".join(lines).encode("utf-8", "surrogatepass"))


def number_or_text(cell: str) -> float | str:
    """Return the number that a cell holds, else its text."""
    try:
        return float(cell)
    except ValueError:
        return cell


def printed_file(path: Path, name: str, *, named: bool) -> SavedFile:
    """Return the output of a program, as a text whose lines are compared."""
    try:
        data, is_cut = read_some(path)
    except OSError:
        data, is_cut = b"", False
    lines = lines_of(data.decode("utf-8", "replace"), is_printed=True, is_cut=is_cut)
    return SavedFile(path=name, named=named, format="printed", parts={"": Part(digest=lines.raw)}, lines=lines)
