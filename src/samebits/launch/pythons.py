"""Which Python processes ran below a command, and what hid those that were not watched.

Found by looking at /proc while the trial runs: a process that lives for less than the time between two looks can be
missed.
"""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import NamedTuple

from samebits.launch.supervisor import descendants
from samebits.launch.supervisor.descendants import Process
from samebits.model import PythonProcess
from samebits_probe import wire

_PYTHON = re.compile(r"(python|pypy)(\d+(?:\.\d+)*)?[a-z]*$")
_TAKES_A_WORD = ("W", "X", "c", "m")
_HIDING = {
    "I": "-I ignores PYTHONPATH and the environment",
    "E": "-E ignores PYTHONPATH",
    "S": "-S leaves sitecustomize out",
}
_STARTING = 1.0  # seconds in which an interpreter may not have come as far as the probe yet


class Seen(NamedTuple):
    """A Python process as it was seen: `why` is what hides the probe there, as far as it shows from outside."""

    pid: int
    argv: list[str]
    executable: str | None
    why: str
    at: float


class Pythons:
    """Looks at what runs below a supervisor, fast while a trial is young."""

    FAST, SLOW, YOUNG = 0.02, 0.1, 5.0

    def __init__(self, probe: Path) -> None:
        self._probe = str(probe)
        self._seen: dict[tuple[int, int], tuple[list[str], Seen | None]] = {}
        self._began = time.monotonic()
        self._next = 0.0

    def look(self, supervisor: int) -> None:
        """Look, unless the last look was a moment ago."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + (self.FAST if now - self._began < self.YOUNG else self.SLOW)
        for process in descendants.below_quickly(supervisor):
            if not process.forked:  # a copy of its parent is no interpreter of its own
                self._note(process)

    def _note(self, process: Process) -> None:
        key = (process.pid, process.started)
        argv = descendants.command_line(process.pid)
        if not argv or (key in self._seen and self._seen[key][0] == argv):
            return
        self._seen[key] = (argv, self._examine(process.pid, argv))

    def _examine(self, pid: int, argv: list[str]) -> Seen | None:
        try:
            executable: str | None = os.readlink(f"/proc/{pid}/exe")  # noqa: PTH115
        except OSError:
            executable = None
        names = [_PYTHON.match(Path(name).name) for name in (executable or "", argv[0])]
        if not any(names):
            return None
        version = next((name.group(2) for name in names if name and name.group(2)), None)
        return Seen(pid, argv, executable, self._why(pid, argv, version), time.monotonic())

    def _why(self, pid: int, argv: list[str], version: str | None) -> str:
        return _old(version) or _flags(argv) or self._environment(pid)

    def _environment(self, pid: int) -> str:
        """What of the environment hides the probe."""
        try:
            text = Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            return ""
        variables = dict(line.split(b"=", 1) for line in text.split(b"\0") if b"=" in line)
        if wire.CONFIG_VARIABLE.encode() not in variables:
            return f"it was started with an environment without {wire.CONFIG_VARIABLE}"
        folders = os.fsdecode(variables.get(b"PYTHONPATH", b"")).split(os.pathsep)
        if self._probe not in folders:
            return "PYTHONPATH was set anew without the folder of the probe"
        return ""

    def found(self, watched: set[int], trial_folder: Path, *, was_ended: bool) -> list[PythonProcess]:
        """All of them, in their order.

        `was_ended`: the launcher ended the trial; those that were still starting then, with nothing to hide the probe,
        are left out.
        """
        now = time.monotonic()
        seen = [found for _, found in self._seen.values() if found is not None]
        return [
            _described(process, watched, trial_folder)
            for process in sorted(seen, key=lambda process: process.at)
            if process.pid in watched or not was_ended or now - process.at > _STARTING or _reason(process, trial_folder)
        ]


def _described(process: Seen, watched: set[int], trial_folder: Path) -> PythonProcess:
    is_watched = process.pid in watched
    return PythonProcess(
        pid=process.pid,
        argv=process.argv,
        executable=process.executable,
        watched=is_watched,
        why="" if is_watched else _reason(process, trial_folder),
    )


def _reason(process: Seen, trial_folder: Path) -> str:
    """Why it was not watched: what the probe wrote when it failed to start, else what shows from outside."""
    try:
        said = (trial_folder / f"probe-failed-{process.pid}.txt").read_text(errors="replace").strip()
    except OSError:
        return process.why
    return f"the probe could not start: {said}"


def _old(version: str | None) -> str:
    numbers = tuple(int(part) for part in version.split(".")) if version else ()
    if numbers and (numbers < (3,) or (len(numbers) > 1 and numbers < (3, 6))):
        return f"Python {version} is older than 3.6"
    return ""


def _flags(argv: list[str]) -> str:
    """The interpreter's own flags that hide the probe: those before the script."""
    words = iter(argv[1:])
    for word in words:
        if not word.startswith("-") or word in ("-", "--"):
            return ""
        hidden, rest = _letters(word)
        if hidden or rest in ("c", "m"):
            return hidden
        if rest in ("W", "X"):
            next(words, None)
    return ""


def _letters(word: str) -> tuple[str, str]:
    """What a word of flags hides, and the letter at its end that takes the next word ("" where none does)."""
    for at, letter in enumerate(word[1:] if not word.startswith("--") else "", 1):
        if letter in _HIDING:
            return _HIDING[letter], ""
        if letter in _TAKES_A_WORD:
            inside = letter in ("W", "X") and at + 1 < len(word)
            return "", "" if inside else letter
    return "", ""
