"""Reads what the processes of a trial say if they fail: the last words on standard error, and failures of the probe."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from samebits.store import record_files
from samebits_probe import wire

__all__ = ["ProbeFailure", "last_lines", "last_words", "probe_failures"]

LAST_BYTES, MOST_CHARACTERS = 1 << 18, 300
LAST_LINES = 20  # of standard error, in documents

_COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
# an exception, also of a rank: torch.distributed puts "[rank0]: " before each line
_EXCEPTION = re.compile(r"^(?:\[\w+\]: ?)?([A-Za-z_][\w.]*(?:Error|Exception|Interrupt|Exit|Failed|Failure): .+)$")


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
    """Return the last exception among the last lines of a trial, or its last line if there is none."""
    lines = last_lines(trial_folder)
    matches = (_EXCEPTION.match(line) for line in reversed(lines))
    return next((exception[1] for exception in matches if exception), lines[-1].strip() if lines else "")


def last_lines(trial_folder: Path) -> list[str]:
    """Return the last lines of a trial on standard error, as a terminal would show them, without colours."""
    lines = [line.rstrip("\r").rpartition("\r")[2].rstrip() for line in _end_of_stderr(trial_folder).split("\n")]
    texts = [_COLOURS.sub("", line)[:MOST_CHARACTERS] for line in lines if line]
    return texts[-LAST_LINES:]


def _end_of_stderr(trial_folder: Path) -> str:
    try:
        with record_files.opened(trial_folder / "stderr.txt") as stream:
            stream.seek(max(0, stream.seek(0, 2) - LAST_BYTES))
            return stream.read().decode("utf-8", "replace")
    except OSError:
        return ""
