"""Imports what judges and reports the trials, while the first of them starts: nothing waits for it."""

from __future__ import annotations

import importlib
import threading
from contextlib import suppress
from functools import cache

__all__ = ["begin"]

_NEEDED_LATER = (
    "numpy",
    "samebits.store.artifacts",
    "samebits.store.trace",
    "samebits.comparison.verdict",
    "samebits.reports.result",
    "samebits.reports.presenters.terminal",
)


@cache
def begin() -> None:
    """Import the modules beside all else, once. Returns at once; who needs a module meanwhile waits for it."""
    threading.Thread(target=_import, name="samebits imports").start()


def _import() -> None:
    with suppress(Exception):  # who needs the module imports it again, and is told
        for name in _NEEDED_LATER:
            importlib.import_module(name)
