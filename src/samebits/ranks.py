"""Writes seeds for programs of several ranks: with one seed, all ranks would draw the same random numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["have_ranks", "of_rank", "reads_rank"]

_READ = 'os.environ.get("RANK")'


def have_ranks(processes: Iterable[Mapping[str, Any]]) -> bool:
    """Return whether some of these processes train together. `processes`: the facts of each."""
    return any((facts.get("world_size") or 1) > 1 for facts in processes)


def of_rank(seed: int) -> str:
    """Return an expression of Python that gives each rank a different seed. It needs the module `os`.

    It reads the variable that torchrun sets. This variable may be empty.
    """
    return f"{seed} + int({_READ} or 0)"


def reads_rank(text: str) -> bool:
    """Return whether a text of Python has such an expression."""
    return _READ in text
