"""Showing a result: the screen, the files that were asked for, and the exit status."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from samebits.errors import UsageError

if TYPE_CHECKING:
    from samebits.model import Result
    from samebits.reports.tree import Report
    from samebits.store.record import Record

SCREEN = "-"
Targets = Mapping[str, str | None]  # the name of a reporter -> a file, `-`, or None


def check_targets(targets: Targets) -> None:
    """UsageError for a report that could not be written: asked before the trials, not after days of them."""
    named = {name: target for name, target in targets.items() if target}
    if sum(target == SCREEN for target in named.values()) > 1:
        raise UsageError("standard output can hold one report only.", "name a file for the others.")
    for name, target in named.items():
        if target != SCREEN:
            _check_file(f"--{name} {target}", Path(target))


def _check_file(said: str, path: Path) -> None:
    if path.is_dir():
        raise UsageError(f"{said}: this is a folder.", "name a file in it.")
    if not path.parent.is_dir():
        raise UsageError(f"{said}: the folder {path.parent} is not there.", f"mkdir -p {path.parent}")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise UsageError(f"{said}: this cannot be written to.", "name a file in a folder of yours.")


def answer(result: Result, targets: Targets, record: Record) -> int:
    """Show a result, write what was asked for, return the verdict's exit status."""
    from samebits.reports.result import report

    is_whole = any(targets.get(name) for name in ("md", "html"))
    return present(report(result, record, is_whole=is_whole), targets)


def present(report: Report, targets: Targets) -> int:
    """Show a report, write it where it was asked for, return the exit status of its verdict; 0 (done) without one."""
    from samebits.model import EXIT_CODES
    from samebits.reports import presenters
    from samebits.reports.presenters import terminal

    asked = {name: target for name, target in targets.items() if target}
    wanted = [(name, presenters.presenter(name, report), target) for name, target in asked.items()]
    stream = sys.stderr if SCREEN in asked.values() else sys.stdout
    say(terminal.shown(report, stream), stream)
    for name, render, target in wanted:
        write_text(name, target, render(report))
    return EXIT_CODES[report.verdict or "repeated"]


def write_text(name: str, target: str, text: str) -> None:
    """Write a report where its option says. UsageError where it cannot be written."""
    if target == SCREEN:
        say(text)
        return
    draft = Path(f"{target}.{os.getpid()}.part")
    try:
        draft.write_text(text, encoding="utf-8", errors="backslashreplace")
        draft.replace(target)
    except OSError as why:
        draft.unlink(missing_ok=True)
        said = f"--{name} {target}: cannot be written ({why.strerror or why})."
        raise UsageError(said, "name a different file.") from None


def say(text: str, stream: TextIO | None = None) -> None:
    """Write to a stream, in what its encoding can hold. One that nobody reads (`| head`, `>&-`) ends nothing."""
    stream = stream or sys.stdout
    if stream is None:  # it was closed before the start
        return
    encoding = stream.encoding or "utf-8"
    try:
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()
    except BrokenPipeError:
        # the interpreter flushes once more at its end, and would complain
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
