"""Finds the folders that a trial made and that hold nothing. Only the name of such a folder can hold a result."""

from __future__ import annotations

import os
from pathlib import Path

from samebits.launch.folders import Snapshot


def new_empty_folders(before: Snapshot, after: Snapshot) -> set[Path]:
    """Return the folders that are new and hold nothing; an empty set if `before` does not hold all folders."""
    return {path for path in after.folders - before.folders if is_empty(path)} if before.is_whole else set()


def is_empty(folder: Path) -> bool:
    """Return whether a folder is there and holds nothing."""
    try:
        with os.scandir(folder) as entries:
            return next(entries, None) is None
    except OSError:
        return False
