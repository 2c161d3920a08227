"""Shows a result: on the screen, in the requested files, and as the exit status."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from samebits.reports.targets import SCREEN, Targets, check_targets, result_report, write_content, write_file

if TYPE_CHECKING:
    from samebits.experiment import Progress
    from samebits.model import Result
    from samebits.reports.tree import Report
    from samebits.store.record import Record

__all__ = [
    "SCREEN",
    "Targets",
    "answer",
    "check_targets",
    "present",
    "say",
    "shown_progress",
    "titled_progress",
    "write_bytes",
    "write_text",
]


def answer(result: Result, targets: Targets, record: Record) -> int:
    """Show a result, write the requested files, and return the exit status of the verdict."""
    return present(result_report(result, record, targets), targets)


def present(report: Report, targets: Targets, *, quiet: bool = False) -> int:
    """Show a report, write the requested files, and return the exit status of its verdict (0 without a verdict).

    `quiet`: standard output is used for something else.
    """
    from samebits.model import EXIT_CODES
    from samebits.reports import presenters
    from samebits.reports.presenters import terminal

    asked = {name: target for name, target in targets.items() if target}
    wanted = [(name, presenters.presenter(name), target) for name, target in asked.items()]
    stream = sys.stderr if quiet or SCREEN in asked.values() else sys.stdout
    say(terminal.shown(report, stream), stream)
    for name, render, target in wanted:
        write_text(name, target, render(report))
    return EXIT_CODES[report.verdict or "repeated"]


def write_text(name: str, target: str, text: str) -> None:
    """Write a report to the target of its option. Raises UsageError if it cannot be written."""
    if target == SCREEN:
        say(text)
    else:
        write_file(name, target, text)


def write_bytes(name: str, target: str, content: bytes) -> None:
    """Write bytes to the target of an option. They may hold texts of different encodings.

    Raises UsageError if they cannot be written.
    """
    if target != SCREEN:
        write_content(name, target, content)
    elif sys.stdout is not None:
        stream = sys.stdout
        _write(stream, lambda: stream.buffer.write(content))


@contextmanager
def shown_progress() -> Iterator[Progress]:
    """Show progress on standard error while trials run."""
    from samebits.cli.progress import shown

    with shown(sys.stderr) as progress:
        yield progress


@contextmanager
def titled_progress(title: str) -> Iterator[Progress]:
    """Show the progress of one of several groups of trials, under its name."""
    say(f"samebits: {title}\n", sys.stderr)
    with shown_progress() as progress:
        yield progress


def say(text: str, stream: TextIO | None = None) -> None:
    """Write a text to a stream. Characters that its encoding cannot hold become escapes."""
    stream = stream or sys.stdout
    if stream is None:  # it was closed before the start
        return
    encoding, out = stream.encoding or "utf-8", stream
    _write(out, lambda: out.write(text.encode(encoding, "backslashreplace").decode(encoding)))


def _write(stream: TextIO, write: Callable[[], object]) -> None:
    """Write to a stream. If nobody reads it (`| head`, `>&-`), the command goes on."""
    try:
        write()
        stream.flush()
    except BrokenPipeError:
        # the interpreter flushes once more at its end, and would print an error
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
