"""Imports the modules that judge and report trials, in a thread while the first trial starts. Nothing waits for it."""

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
    "samebits.reports.result_report",
    "samebits.reports.presenters.terminal",
)


@cache
def begin() -> None:
    """Import the modules in a thread, once. Returns at once. Code that needs a module meanwhile waits for it."""
    threading.Thread(target=_import, name="samebits imports").start()


def _import() -> None:
    with suppress(Exception):  # the code that needs the module imports it again, and gets the error
        for name in _NEEDED_LATER:
            importlib.import_module(name)
