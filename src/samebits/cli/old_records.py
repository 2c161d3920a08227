"""Runs `samebits clean`, which removes old records, and lists the records for `samebits list`."""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from pathlib import Path

from samebits import words
from samebits.cli import answers, latest
from samebits.cli.parser import NameEntry, plain
from samebits.errors import RecordBusy, UsageError
from samebits.options import OPTIONS

__all__ = ["CLEAN", "records"]

CLEAN_TEXT = """Remove old records.

With --keep N, samebits keeps the latest N records below .samebits in this folder, and removes the others. It removes no
record that is in use, or that holds a file of a different program. Records that --out placed elsewhere stay. `samebits
list records` shows the records and their sizes.

Exit status: 0 done, 2 wrong use or an error."""


def run_clean(keep: int | None) -> int:
    """Remove all records but the latest ones, and say how much space that freed."""
    if keep is None:
        raise UsageError("clean needs the number of records to keep.", "samebits clean --keep 3")
    sizes = [size for record in latest.newest_first(latest.READABLE)[keep:] if (size := _removed(record)) is not None]
    answers.say(f"{words.count(len(sizes), 'record')} removed, {words.size(sum(sizes))} freed.\n")
    return 0


def _removed(record: Path) -> int | None:
    """Remove a record, and return its size. If the record must stay, say why and return None."""
    from samebits.launch.files import custody

    try:
        holder = custody.hold(record)
        strange = next(custody.foreign(record), None)
        if strange is not None:
            answers.say(f"samebits: {record} stays: it holds {strange}, which samebits did not write\n", sys.stderr)
            return None
        size = _size(holder.folder)
        custody.remove(holder.folder)
    except RecordBusy:
        answers.say(f"samebits: {record} stays: it is in use\n", sys.stderr)
        return None
    return size


def records() -> list[NameEntry]:
    """Return the records below the current folder, the latest first, each with its size and its answer."""
    folders = latest.newest_first(latest.READABLE)
    return [NameEntry(str(folder), f"{words.size(_size(folder))}  {_sentence(folder)}".rstrip()) for folder in folders]


def _size(folder: Path) -> int:
    """Return the bytes of all files below a folder; files that vanish meanwhile do not count."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += Path(place, name).lstat().st_size
    return total


def _sentence(folder: Path) -> str:
    """Return the answer in the files of a record; "" without one."""
    for name in ("result.json", *latest.READABLE):
        with suppress(OSError, ValueError, RecursionError):
            content = json.loads((folder / name).read_bytes())
            if isinstance(content, dict) and isinstance(content.get("sentence"), str):
                return words.one_line(content["sentence"])
    return ""


CLEAN = plain("clean", run_clean, CLEAN_TEXT, OPTIONS["clean"])
