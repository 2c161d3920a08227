"""Tells a trial that somebody killed from a program that fails."""

from __future__ import annotations

import signal

from samebits import words
from samebits.model import TrialFile

# signals by which users, batch systems and the system end processes. A program that crashes gets a different signal
_SIGNALS = frozenset((signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT))
_SHELL = 128  # a shell ends with this number plus the number of the signal that ended its program


def kill(file: TrialFile) -> str:
    """Return who or what killed a trial from outside; "" if nobody did. A kill says nothing about the held controls."""
    number = file.signal or (file.exit_code or 0) - _SHELL
    if file.status == "killed" and file.ended_by in ("supervisor", "node"):
        return f"trial {file.id} was killed: {file.why}"
    if file.status in ("killed", "failed") and number in _SIGNALS:
        return f"trial {file.id} was killed by {words.signal_name(number)}"
    return ""
