"""Reads what the processes of a trial say if they fail: the last words on standard error, and failures of the probe."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import NamedTuple

from samebits.store import record_files
from samebits_probe import wire

__all__ = ["ProbeFailure", "last_exception", "last_lines", "last_words", "probe_failures"]

LAST_BYTES, MOST_CHARACTERS, MOST_LINES = 1 << 18, 300, 12
LAST_LINES = 20  # of standard error, in documents

_COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
# the prefix that torch.distributed, torchrun --tee and mpirun put before each line of a rank
_RANK = re.compile(r"^(?:\[(?:rank|default)(\d+)\]:|\[\d+,(\d+)\]<std\w+>:) ?")
_GROUP = re.compile(r"^ *\| ?|^ *\+[-+]+(?: \d+ -+)?$")  # the frame around the parts of an ExceptionGroup
_HEADER = re.compile(r"^(?:\+ )?(?:Exception Group )?Traceback \(most recent call last\):$")
_NOTEBOOK_HEADER = re.compile(r"^(\w[\w.]*) +Traceback \(most recent call last\)$")
_EXCEPTION = re.compile(r"^[A-Za-z_][\w.]*(?:Error|Exception|Interrupt|Exit|Failed|Failure|Warning)\b(?::|$)")
_PLACE = re.compile(r'^ +File "(.+)", line (\d+)$')
_MOST_ABOVE = 4  # lines from the place of a syntax error to its message: the code and its marks stand in between
# exceptions that only say that a child process has failed: the exception of the child tells more
_PASSED_ON = re.compile(
    r"^(?:\w+\.)*(?:ChildFailedError|CalledProcessError|ProcessRaisedException|ProcessExitedException|RemoteTraceback"
    r"|_RemoteTraceback|SimplifiedTraceback|UnfilteredStackTrace|JaxStackTraceBeforeTransformation"
    r"|PapermillExecutionError|CellExecutionError)\b"
)
_LOST_PEER = re.compile(r"[Cc]onnection (?:closed|reset|refused) by peer|NCCL.*remote process exited|Broken pipe")
_NOT_FATAL = ("Exception ignored in", "Exception in thread", "Error in atexit", "Exception in callback")
_ROOT_CAUSE = re.compile(r"Root Cause.*?^\s*rank\s*: (\d+)", re.DOTALL | re.MULTILINE)
# lines that never say why a program ended: rules, torchrun's table and log, JAX's note, trackers that clean up
_NOISE = re.compile(
    r"^(?:[=\-_*~^ ]+|[EWI]\d{4} \d\d:\d\d.*|\s*(?:rank|exitcode|error_file|traceback|time|host) +:.*"
    r"|For simplicity, JAX has removed.*|.*resource_tracker.*|\s*warnings\.warn\(.*"
    r"|(?:srun|slurmstepd|make)(?:\[\d+\])?: .*"
    r"|The above exception was.*|During handling of the above.*|NOTE: .*|Exception ignored in.*|.*exited with code.*)$"
)


class _Said(NamedTuple):
    """A printed exception: the number of its line, its rank ("" for none), its text, and how much it tells."""

    at: int
    rank: str
    text: str
    worth: int


@dataclass(frozen=True)
class ProbeFailure:
    """A process in which the probe could not start, and why. `argv`: empty if the process could not write it.

    `pid`: None if the name of the file has no number, so the probe did not write it.
    """

    pid: int | None
    error: str
    executable: str
    argv: list[str]


def probe_failures(trial_folder: Path) -> list[ProbeFailure]:
    """Return the failures that the processes of a trial wrote down (see `samebits_probe._sitecustomize`).

    Raises RecordError if a file cannot be read.
    """
    return [_failure(path) for path in sorted(trial_folder.glob(wire.PROBE_FAILURES))]


def _failure(path: Path) -> ProbeFailure:
    pid = path.stem.rpartition("-")[2]
    error, *words = record_files.read_bytes(path).decode("utf-8", "replace").split("\0")
    executable, argv = (words[0], words[1:-1]) if words else ("", [])  # a zero byte ends each word
    return ProbeFailure(int(pid) if pid.isdecimal() else None, record_files.shown(error.strip()), executable, argv)


def last_words(trial_folder: Path) -> str:
    """Return the type and message of the exception that ended a trial, or its last line if there is none."""
    text = _end_of_stderr(trial_folder)
    return last_exception(text) or _last_line(text)


def last_lines(trial_folder: Path) -> list[str]:
    """Return the last lines of a trial on standard error, as a terminal would show them, without colours."""
    lines = [line.rstrip("\r").rpartition("\r")[2].rstrip() for line in _end_of_stderr(trial_folder).split("\n")]
    shown = [_COLOURS.sub("", line)[:MOST_CHARACTERS] for line in lines if line]
    return shown[-LAST_LINES:]


def _end_of_stderr(trial_folder: Path) -> str:
    try:
        with record_files.opened(trial_folder / "stderr.txt") as stream:
            stream.seek(max(0, stream.seek(0, 2) - LAST_BYTES))
            return stream.read().decode("utf-8", "replace")
    except OSError:
        return ""


def last_exception(text: str) -> str:
    """Return the exception that best explains why a program ended, shortened to one line; empty if there is none.

    If torchrun names a rank as the cause, it is an exception of that rank.
    """
    found = [said for rank, lines in _by_rank(_COLOURS.sub("", text)).items() for said in _exceptions(rank, lines)]
    if not found:
        return ""
    cause = _ROOT_CAUSE.search(text)
    of_cause = [said for said in found if cause and said.rank == cause.group(1)]
    return max(of_cause or found, key=lambda said: (said.worth, said.at)).text


def _by_rank(text: str) -> dict[str, list[tuple[int, str]]]:
    """Return the lines of each rank, each with its place in the whole text.

    Lines that name no rank are those of the rank "".
    """
    streams: dict[str, list[tuple[int, str]]] = {}
    for at, line in enumerate(text.replace("\r\n", "\n").split("\n")):
        prefix = _RANK.match(line)
        rank = (prefix.group(1) or prefix.group(2)) if prefix else ""
        rest = line[prefix.end() :] if prefix else line
        streams.setdefault(rank, []).append((at, rest if _HEADER.match(rest) else _GROUP.sub("", rest)))
    return streams


def _exceptions(rank: str, lines: Sequence[tuple[int, str]]) -> Iterator[_Said]:
    before = ""
    for place, (_, line) in enumerate(lines):
        notebook = _NOTEBOOK_HEADER.match(line)
        if _HEADER.match(line.lstrip()) or notebook or _is_syntax_error(lines, place):
            start = _first_line(lines, place, notebook.group(1) if notebook else "")
            if start is not None:
                message = _message(lines, start) + _place_of_syntax_error(lines, start)
                yield _Said(lines[start][0], rank, message, _worth(message, before))
        before = line if line.strip() else before


def _is_syntax_error(lines: Sequence[tuple[int, str]], place: int) -> bool:
    """Return whether this is a syntax error of the script itself, which Python prints without a header."""
    return place > 0 and bool(re.match(r"^(?:Syntax|Indentation|Tab)Error: ", lines[place][1]))


def _place_of_syntax_error(lines: Sequence[tuple[int, str]], at: int) -> str:
    """Return ` (train.py, line 3)`, which Python prints some lines above a syntax error; empty for other errors."""
    if not _is_syntax_error(lines, at):
        return ""
    places = (_PLACE.match(line) for _, line in reversed(lines[max(0, at - _MOST_ABOVE) : at]))
    place = next((found for found in places if found), None)
    return f" ({PurePath(place.group(1)).name}, line {place.group(2)})" if place else ""


def _first_line(lines: Sequence[tuple[int, str]], header: int, name: str) -> int | None:
    """Return the line of the exception that ends a traceback: the first one after the indented frames."""
    if name:
        named = re.compile(rf"^{re.escape(name)}(?::|$)")
        return next((at for at in range(header + 1, len(lines)) if named.match(lines[at][1])), None)
    start = header if _EXCEPTION.match(lines[header][1]) else header + 1
    for at in range(start, len(lines)):
        line = lines[at][1]
        if line.strip() and not line.startswith((" ", "\t")):
            return at
    return None


def _message(lines: Sequence[tuple[int, str]], start: int) -> str:
    """Return the exception's line and the rest of its message as one line."""
    words = [lines[start][1].strip()]
    for _, line in lines[start + 1 : start + MOST_LINES]:
        if not line.strip() or _NOISE.match(line) or _HEADER.match(line.strip()) or _NOTEBOOK_HEADER.match(line):
            break
        words.append(line.strip())
    return " ".join(words)[:MOST_CHARACTERS]


def _worth(message: str, before: str) -> int:
    if before.startswith(_NOT_FATAL):
        return 0
    if _PASSED_ON.match(message):
        return 1
    return 2 if _LOST_PEER.search(message) else 3


def _last_line(text: str) -> str:
    lines = [line.strip() for line in _COLOURS.sub("", text).split("\n") if line.strip()]
    telling = next((line for line in reversed(lines) if not _NOISE.match(line)), lines[-1] if lines else "")
    return _RANK.sub("", telling)[:MOST_CHARACTERS]
