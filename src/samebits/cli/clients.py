"""Finds what clients of samebits add: entry points of the group `samebits.commands`, and tables.

The tables are in the modules of the clients' commands.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["PLUGGED", "broken", "entry_points", "named"]

PLUGGED = "samebits.commands"  # the group of entry points


def entry_points() -> list[EntryPoint]:
    """Return the entry points of all clients' commands."""
    from importlib import metadata  # here, because this import takes 20 ms, and commands of samebits do not need it

    return list(metadata.entry_points(group=PLUGGED))


def named(table: str) -> dict[str, Any]:
    """Return the entries of the tables with this name in the modules of all clients' commands.

    Anything that is not a table is left out.
    """
    entries: dict[str, Any] = {}
    for _, module in _imported():
        own_table = getattr(module, table, {})
        if isinstance(own_table, dict):
            entries.update({name: entry for name, entry in own_table.items() if name not in entries})
    return entries


def broken() -> list[str]:
    """Return each client that cannot be imported, and why."""
    return [
        f"{point.name} of {point.value} cannot be imported: {type(outcome).__name__}: {outcome}"
        for point, outcome in _imported()
        if isinstance(outcome, Exception)
    ]


def _imported() -> Iterator[tuple[EntryPoint, ModuleType | Exception]]:
    """Yield each client with its module, or with the error of its import, which disables only that client."""
    for point in sorted(entry_points(), key=lambda point: point.name):
        try:
            yield point, importlib.import_module(point.module)
        except Exception as why:
            yield point, why
