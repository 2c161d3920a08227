"""The presenters, one for each format. Each makes text of the tree, and none knows what a report is about."""

from __future__ import annotations

import importlib
from collections.abc import Callable

from samebits.errors import UsageError
from samebits.options import FORMATS
from samebits.reports.tree import Report

__all__ = ["PRESENTERS", "presenter", "render"]

# the name of the option -> the module, which is imported when it is used; the terminal needs no option
PRESENTERS = {
    "terminal": f"{__name__}.terminal",
    **{name: f"{__name__}.{module}" for name, (module, _) in FORMATS.items()},
}


def presenter(name: str) -> Callable[[Report], str]:
    """Return the presenter of a format. Raises UsageError if the format does not exist."""
    if name not in PRESENTERS:
        raise UsageError(f"There is no report format {name}.", f"choose from: {', '.join(PRESENTERS)}.")
    render: Callable[[Report], str] = importlib.import_module(PRESENTERS[name]).render
    return render


def render(name: str, report: Report) -> str:
    """Return the report in a format. Raises UsageError as above."""
    return presenter(name)(report)
