"""Finds the latest records of the folder that the user is in: `last`, `last-1` (the one before it), and so on."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Collection, Sequence
from pathlib import Path

from samebits import words
from samebits.cli import answers
from samebits.errors import NotFoundError, UsageError

__all__ = ["READABLE", "named", "newest_first", "record_or_training"]

CHECKED = ("record.json",)  # what the record of a check holds
READABLE = (*CHECKED, "vary.json", "noise.json", "audit.json")  # what `samebits report` can show
_NAME = re.compile(r"last(?:-(\d{1,3}))?", re.ASCII)


def named(text: str, documents: Collection[str] = CHECKED) -> str:
    """Return the folder of the record that `last` or `last-N` names, and say which; any other text as it is.

    A path that exists is not such a name. `documents`: only records with one of these files count. Records that --out
    placed elsewhere do not count. Raises NotFoundError if there are fewer records.
    """
    name = _NAME.fullmatch(text)
    if name is None or os.path.lexists(text):
        return text
    records, before = newest_first(documents), int(name[1] or 0)
    if before >= len(records):
        what = f"There is no record {text}: this folder has {words.count(len(records), 'record')} in .samebits."
        raise NotFoundError(what, "samebits check -- python train.py")
    return _said(text, records[before])


def record_or_training(given: Sequence[str], command: str) -> tuple[str, ...]:
    """Return the words after a command, or the latest record if there are none. Raises UsageError without a record."""
    if len(given) == 1:
        return (named(given[0]),)
    if given:
        return tuple(given)
    records = newest_first(CHECKED)
    if not records:
        what = "There is no command to run, and this folder has no record in .samebits."
        raise UsageError(what, f"samebits {command} -- python train.py")
    return (_said("the latest record", records[0]),)


def _said(name: str, record: Path) -> str:
    answers.say(f"samebits: {name} is {record}\n", sys.stderr)
    return str(record)


def newest_first(documents: Collection[str]) -> list[Path]:
    """Return the records below the current folder with one of these files, the latest first."""
    from samebits.store.record import RECORDS  # here, because most commands do not need it

    folders = Path(RECORDS).glob("[0-9]*-*")
    records = [folder for folder in folders if any((folder / name).is_file() for name in documents)]
    return sorted(records, key=_age, reverse=True)


def _age(folder: Path) -> tuple[str, int]:
    """Return a key by which older records come first. The names of records of the same second end with numbers."""
    number = re.search(r"-(\d{1,3})$", folder.name[15:])
    return folder.name[:15], int(number[1]) if number else 1
