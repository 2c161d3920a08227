"""Says on standard error what went wrong, where, and what to do next, with exit status 2 and without a traceback."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from samebits.errors import SamebitsError, UsageError
from samebits.interrupt import StopSignal
from samebits.words import one_line, printable

WRONG = 2


def refuse_unreadable(words: Sequence[str]) -> None:
    """Raise UsageError for an argument that is not UTF-8 (it has lone surrogates): no record could hold it."""
    for word in words:
        if any("\ud800" <= character <= "\udfff" for character in word):
            shown = word.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
            raise UsageError(f"the argument {shown} is not UTF-8.", "give the file a name in UTF-8, or link to it.")


def answer(why: BaseException) -> int:
    """Say what happened, and return the exit status."""
    if isinstance(why, click.exceptions.Exit):
        return why.exit_code
    if isinstance(why, SystemExit):
        return why.code if isinstance(why.code, int) else WRONG
    if isinstance(why, KeyboardInterrupt | click.Abort):
        return _stopped(why)
    if isinstance(why, click.exceptions.NoArgsIsHelpError):
        return _write(f"{why.format_message()}\n", WRONG)
    if isinstance(why, BrokenPipeError):
        return WRONG  # the reader of the output has gone
    return _say(*_message(why), WRONG)


def _stopped(why: BaseException) -> int:
    """Say what stopped samebits, and return the exit status. click may have turned the stop signal into an Abort."""
    stop = next((one for one in (why, why.__cause__) if isinstance(one, StopSignal)), StopSignal())
    return _say(stop.sentence, stop.advice, stop.status)


def _message(why: BaseException) -> tuple[str, str]:
    if isinstance(why, SamebitsError):
        return why.message, why.advice
    if isinstance(why, click.UsageError):
        command = why.ctx.command_path if why.ctx else "samebits"
        if isinstance(why, click.NoSuchOption) and why.option_name in _OF_HOSTS:
            where = _PLACES.get(command, "it runs on this machine")
            return f"{command} takes no {why.option_name}: {where}.", _OTHER_MACHINES
        return why.format_message(), f"{command} --help"
    if isinstance(why, click.ClickException):
        return why.format_message(), ""
    return _unforeseen(why)


_OF_HOSTS = ("--on", "--each", "--spread", "--sbatch")
_PLACES = {
    "samebits fix": "--apply runs trials where those of the record ran",
    "samebits slurm": "its job runs where Slurm starts it",
}
_OTHER_MACHINES = (
    "leave it out. check, record, explain, locate, ops, vary, noise, versus, study and parity train can run trials on "
    "other machines."
)


def _unforeseen(why: BaseException) -> tuple[str, str]:
    import traceback  # imported here and below, because most commands do not need it

    if not _stands_somewhere():
        return "the folder that you are in has been removed.", "cd to a folder that exists."
    what = "".join(traceback.format_exception_only(why)).strip().replace("\n", " ")
    said = f"the system refused: {what}." if isinstance(why, OSError) else f"an error of samebits itself: {what}."
    kept = _keep(why)
    if kept is None:
        return said, "please report it, with the command that you gave."
    return said, f"if the message does not explain it, please report it with the file {kept}"


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


def _say(message: str, advice: str, status: int) -> int:
    first, *more = printable(message).split("\n")  # indented, so that a name with a newline cannot forge a line
    lines = [f"samebits: {first}", *(f"   {line}" for line in more)]
    lines += [f"   do this  {one_line(advice)}"] if advice else []
    return _write("\n".join(lines) + "\n", status)


def _write(text: str, status: int) -> int:
    try:
        sys.stderr.write(text.encode("utf-8", "backslashreplace").decode("utf-8"))
        sys.stderr.flush()
    except (OSError, ValueError):  # standard error is closed; the exit status still says it
        pass
    return status
