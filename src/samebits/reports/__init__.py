"""The reports: a tree of blocks (`tree`), made from what a command found, and a presenter for each format of it.

Here are the files that a report is written to: each format's option names one, or `-` for standard output.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from samebits.disks import is_full
from samebits.errors import UsageError

if TYPE_CHECKING:
    from samebits.model import Result
    from samebits.reports.tree import Report
    from samebits.store.record import Record

__all__ = ["SCREEN", "Targets", "check_targets", "report_of_result", "write_content", "write_file"]

SCREEN = "-"
Targets = Mapping[str, str | None]  # the name of a format -> a file, `-`, or None


def check_targets(targets: Targets) -> None:
    """Raises UsageError if a report could not be written.

    This is asked before the trials start, not after days of training.
    """
    wanted = {name: target for name, target in targets.items() if target}
    if sum(target == SCREEN for target in wanted.values()) > 1:
        raise UsageError("standard output can hold one report only.", "name a file for the others.")
    for name, target in wanted.items():
        if target != SCREEN:
            _check_file(f"--{name} {target}", Path(target))


def _check_file(option: str, path: Path) -> None:
    if path.is_dir():
        raise UsageError(f"{option}: this is a folder.", "name a file in it.")
    if not path.parent.is_dir():
        raise UsageError(f"{option}: the folder {path.parent} is not there.", f"mkdir -p {path.parent}")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise UsageError(f"{option}: this cannot be written to.", "name a file in a folder of yours.")


def report_of_result(result: Result, record: Record, targets: Targets, *, all_notes: bool = False) -> Report:
    """Return the report of a result. It is whole if a page or Markdown is wanted. `all_notes`: see `report`."""
    from samebits.reports.result_report import report

    is_whole = any(targets.get(name) for name in ("md", "html"))
    return report(result, record, is_whole=is_whole, all_notes=all_notes)


def write_file(name: str, target: str, text: str) -> None:
    """Write a report to the file that its option names. UsageError if it cannot be written."""
    write_content(name, target, text.encode("utf-8", "backslashreplace"))


def write_content(name: str, target: str, content: bytes) -> None:
    """Write bytes to the target in the same way. A device or a pipe gets them as they are; a link leads to its file."""
    place = Path(os.path.realpath(target))
    draft = place.with_name(f"{place.name}.{os.getpid()}.part")
    try:
        if place.exists() and not place.is_file():
            place.write_bytes(content)
            return
        draft.write_bytes(content)
        draft.replace(place)
    except OSError as why:
        draft.unlink(missing_ok=True)
        what = f"--{name} {target}: cannot be written ({why.strerror or why})."
        advice = "Make room, or name a different file." if is_full(why) else "Name a different file."
        raise UsageError(what, advice) from None
