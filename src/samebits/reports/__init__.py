"""The reporters: one file and one line each. All are made from the result and its record, and can be made again."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from samebits.model import Result
    from samebits.store.record import Record

# the name of its option -> the module, imported when it is used
REPORTERS = {
    "terminal": "samebits.reports.terminal",
    "json": "samebits.reports.json_",
    "md": "samebits.reports.markdown",
    "junit": "samebits.reports.junit",
    "html": "samebits.reports.html",
}


def render(name: str, result: Result, record: Record | None = None) -> str:
    """The report of that name (KeyError for another). Without a record, what only the record knows is left out."""
    said: str = importlib.import_module(REPORTERS[name]).render(result, record)
    return said
