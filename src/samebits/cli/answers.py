"""Gives the answer of a command: its result (on the screen, in files, as the exit status), or what went wrong."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from samebits import disks
from samebits.errors import SamebitsError, UsageError
from samebits.interrupt import StopSignal
from samebits.reports import SCREEN, Targets, check_targets, report_of_result, write_content, write_file
from samebits.words import one_line, printable

if TYPE_CHECKING:
    from samebits.experiment import Progress
    from samebits.model import Result
    from samebits.reports.tree import Report
    from samebits.store.record import Record

__all__ = [
    "SCREEN",
    "Targets",
    "answer",
    "answer_error",
    "check_targets",
    "present",
    "refuse_unreadable",
    "say",
    "shown_progress",
    "titled_progress",
    "write_bytes",
    "write_text",
]


def answer(result: Result, targets: Targets, record: Record, *, all_notes: bool = False) -> int:
    """Show a result, write the requested files, and return its exit status. `all_notes`: show each note."""
    return present(report_of_result(result, record, targets, all_notes=all_notes), targets)


def present(report: Report, targets: Targets, *, quiet: bool = False) -> int:
    """Show a report, write the requested files, and return the exit status of its verdict (0 without a verdict).

    `quiet`: standard output is used for something else.
    """
    from samebits.model import EXIT_CODES
    from samebits.reports import presenters
    from samebits.reports.presenters import terminal

    files = {name: target for name, target in targets.items() if target}
    wanted = [(name, presenters.presenter(name), target) for name, target in files.items()]
    stream = sys.stderr if quiet or SCREEN in files.values() else sys.stdout
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
    """Write bytes to the target of an option. They may hold names of files that are not text.

    Raises UsageError if they cannot be written.
    """
    if target != SCREEN:
        write_content(name, target, content)
    elif sys.stdout is not None:
        stream = sys.stdout
        _write(stream, lambda: stream.buffer.write(content))


@contextmanager
def shown_progress(ask: float = math.inf) -> Iterator[Progress]:
    """Show progress on standard error while trials run. `ask`: ask before a command that costs more seconds."""
    from samebits.cli.progress import shown

    with shown(sys.stderr, ask) as progress:
        yield progress


@contextmanager
def titled_progress(title: str, ask: float = math.inf) -> Iterator[Progress]:
    """Show the progress of one of several groups of trials, under its name. `ask`: as in `shown_progress`."""
    say(f"samebits: {title}\n", sys.stderr)
    with shown_progress(ask) as progress:
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


# -- what went wrong, where, and what to do next: on standard error, with status 2 and without a traceback ------------

WRONG = 2


def refuse_unreadable(words: Sequence[str]) -> None:
    """Raise UsageError for an argument that is not UTF-8 (it has lone surrogates): no record could hold it."""
    for word in words:
        if any("\ud800" <= character <= "\udfff" for character in word):
            text = word.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
            raise UsageError(f"the argument {text} is not UTF-8.", "give the file a name in UTF-8, or link to it.")


def answer_error(why: BaseException) -> int:
    """Say what happened, and return the exit status."""
    if isinstance(why, click.exceptions.Exit):
        return why.exit_code
    if isinstance(why, SystemExit):
        return why.code if isinstance(why.code, int) else WRONG
    if isinstance(why, KeyboardInterrupt | click.Abort):
        return _stopped(why)
    if isinstance(why, click.exceptions.NoArgsIsHelpError):
        return _write_error(f"{why.format_message()}\n", WRONG)
    if isinstance(why, BrokenPipeError):
        return WRONG  # the reader of the output has gone
    return _say_error(*_message(why), WRONG)


def _stopped(why: BaseException) -> int:
    """Say what stopped samebits, and return the exit status. click may have turned the stop signal into an Abort."""
    stop = next((error for error in (why, why.__cause__) if isinstance(error, StopSignal)), StopSignal())
    return _say_error(stop.sentence, stop.advice, stop.status)


def _message(why: BaseException) -> tuple[str, str]:
    if isinstance(why, SamebitsError):
        return why.message, why.advice
    if isinstance(why, click.UsageError):
        command = why.ctx.command_path if why.ctx else "samebits"
        if isinstance(why, click.NoSuchOption) and why.option_name in _OF_HOSTS:
            where = _PLACES.get(command, "it runs on this machine")
            return f"{command} takes no {why.option_name}: {where}.", _OTHER_MACHINES
        return why.format_message(), _usage(why) or f"{command} --help"
    if isinstance(why, click.ClickException):
        return why.format_message(), ""
    return _unforeseen(why)


def _usage(why: click.UsageError) -> str:
    """Return how many arguments a command takes, if it got too few or too many; "" if something else is wrong."""
    is_missing = isinstance(why, click.MissingParameter) and isinstance(why.param, click.Argument)
    if why.ctx is None or not (is_missing or type(why) is click.UsageError):
        return ""
    pieces = why.ctx.command.collect_usage_pieces(why.ctx)
    return f"{' '.join([why.ctx.command_path, *pieces])} (more: {why.ctx.command_path} --help)"


_OF_HOSTS = ("--on", "--each", "--spread", "--sbatch")
_PLACES = {
    "samebits fix": "--apply runs trials where those of the record ran",
    "samebits slurm": "its job runs where Slurm starts it",
}
_OTHER_MACHINES = (
    "leave it out. check, why, record, explain, locate, ops, vary, noise, versus, study and parity train can run "
    "trials on other machines."
)


def _unforeseen(why: BaseException) -> tuple[str, str]:
    import traceback  # imported here and below, because most commands do not need it

    if not _stands_somewhere():
        return "the folder that you are in has been removed.", "cd to a folder that exists."
    if isinstance(why, OSError) and disks.is_full(why):
        return disks.sentence(disks.place_of(why)), "Make room there, then give the command again."
    if isinstance(why, ModuleNotFoundError) and why.name in sys.stdlib_module_names:  # fcntl, under Windows
        advice = "under Windows, use WSL 2." if sys.platform == "win32" else "use a complete build of Python."
        return f"this command needs Python's own module {why.name}, which is not there.", advice
    what = "".join(traceback.format_exception_only(why)).strip().replace("\n", " ")
    sentence = f"the system refused: {what}." if isinstance(why, OSError) else f"an error of samebits itself: {what}."
    path = _keep(why)
    if path is None:
        return sentence, "please report it, with the command that you gave."
    return sentence, f"if the message does not explain it, please report it with the file {path}"


def _stands_somewhere() -> bool:
    try:
        Path.cwd()
    except OSError:
        return False
    return True


def _keep(why: BaseException) -> str | None:
    """Write the traceback to a file, and return its path; None if it cannot be written."""
    import tempfile
    import traceback

    try:
        handle, path = tempfile.mkstemp(prefix="samebits-error-", suffix=".txt")
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write("".join(traceback.format_exception(why)))
    except OSError:
        return None
    return path


def _say_error(message: str, advice: str, status: int) -> int:
    first, *more = printable(message).split("\n")  # indented, so that a name with a newline cannot forge a line
    lines = [f"samebits: {first}", *(f"   {line}" for line in more)]
    lines += [f"   do this  {one_line(advice)}"] if advice else []
    return _write_error("\n".join(lines) + "\n", status)


def _write_error(text: str, status: int) -> int:
    try:
        sys.stderr.write(text.encode("utf-8", "backslashreplace").decode("utf-8"))
        sys.stderr.flush()
    except (OSError, ValueError):  # standard error is closed; the exit status still says it
        pass
    return status
