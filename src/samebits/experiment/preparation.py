"""Imports what judges and reports the trials while the first of them starts: a trial waits for none of it."""

from __future__ import annotations

import importlib
import sys

__all__ = ["import_next"]

_NEEDED_LATER = (
    "numpy",
    "samebits.store.artifacts",
    "samebits.store.trace",
    "samebits.comparison.verdict",
    "samebits.reports.result",
    "samebits.reports.presenters.terminal",
)


def import_next() -> bool:
    """Import one of the modules, a moment's work. False if all are there."""
    missing = next((name for name in _NEEDED_LATER if name not in sys.modules), None)
    if missing is not None:
        importlib.import_module(missing)
    return missing is not None
