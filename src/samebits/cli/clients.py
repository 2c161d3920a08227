"""What the clients of samebits add: entry points of the group `samebits.commands`, and tables beside their commands."""

from __future__ import annotations

import importlib
from importlib.metadata import EntryPoint, entry_points
from typing import Any

__all__ = ["PLUGGED", "named"]

PLUGGED = "samebits.commands"  # the group of entry points


def named(table: str) -> dict[str, Any]:
    """What all clients have in the table of this name, beside their commands."""
    found: dict[str, Any] = {}
    for point in sorted(entry_points(group=PLUGGED), key=lambda point: point.name):
        found.update({name: one for name, one in _of_client(point, table).items() if name not in found})
    return found


def _of_client(point: EntryPoint, table: str) -> dict[str, Any]:
    """The table of a client; empty if it cannot be imported, which its command says when it is used."""
    try:
        known: dict[str, Any] = getattr(importlib.import_module(point.module), table, {})
    except Exception:
        return {}
    return known
