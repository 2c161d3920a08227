"""Finds the files that programs beside a trial write, as in `check > log.txt`."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from pathlib import Path


def open_elsewhere(paths: Iterable[Path], own: Collection[int]) -> set[Path]:
    """Return the files among these that a process outside of the trial has open for writing.

    `own`: the processes of the trial. samebits sees only processes that this user may inspect.
    """
    wanted = {str(path): path for path in paths}
    open_paths = set[Path]()
    for pid in (name for name in os.listdir("/proc") if name.isdigit() and wanted):  # noqa: PTH208
        with suppress(OSError):  # a process of a different user, or one that has ended
            if int(pid) not in own:
                open_paths.update(wanted[name] for name in _written_by(pid, wanted.keys()))
    return open_paths


def _written_by(pid: str, wanted: Collection[str]) -> Iterator[str]:
    """Yield the files among these that a process has open for writing. Raises OSError."""
    for handle in os.listdir(f"/proc/{pid}/fd"):  # noqa: PTH208
        with suppress(FileNotFoundError):  # it was closed meanwhile: for example, samebits' own handle of this list
            name = os.readlink(f"/proc/{pid}/fd/{handle}")  # noqa: PTH115
            if name in wanted and _is_written(pid, handle):
                yield name


def _is_written(pid: str, handle: str) -> bool:
    text = Path(f"/proc/{pid}/fdinfo/{handle}").read_text()
    flags = next((int(line.split()[1], 8) for line in text.splitlines() if line.startswith("flags:")), 0)
    return flags & os.O_ACCMODE != os.O_RDONLY
