"""Names the folders of environments and data sets, and locks what only one process may use at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import platformdirs

__all__ = ["HOME_VARIABLE", "alone", "cache", "home"]

HOME_VARIABLE = "SAMEBITS_HOME"


def home() -> Path:
    """Return the folder of environments; `SAMEBITS_HOME` names a different one."""
    return _home_folder() or platformdirs.user_data_path("samebits")


def cache() -> Path:
    """Return the folder of data sets, which can be fetched again. It is in `SAMEBITS_HOME` if that is set."""
    folder = _home_folder()
    return folder / "cache" if folder else platformdirs.user_cache_path("samebits")


def _home_folder() -> Path | None:
    text = os.environ.get(HOME_VARIABLE)
    return Path(text).expanduser().absolute() if text else None


@contextmanager
def alone(lock: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold a lock file while the block runs. If a different process holds it, call `waiting`, then wait."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
