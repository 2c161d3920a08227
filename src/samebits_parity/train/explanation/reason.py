"""One explanation, and how numbers are written in it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import NamedTuple

from samebits_parity.train.pairs import WeightPair


class Account(NamedTuple):
    """`id`: the default, as one word for the JSON document; `words`: with both sides' values; `names`: its weights."""

    id: str
    words: str
    names: tuple[str, ...] = ()


def number(value: float) -> str:
    """0.001, 1e-07, 12: as few digits as say it, four at the most."""
    return f"{value:.4g}"


def sides(what: str, a: object, b: object) -> str:
    """epsilon: 1e-07 in A, 1e-08 in B"""
    said = [number(value) if isinstance(value, float) else str(value) for value in (a, b)]
    return f"{what}: {said[0]} in A, {said[1]} in B"


def by_reason(
    pairs: Iterable[WeightPair], names: Collection[str], reason_of: Callable[[WeightPair], tuple[str, str] | None]
) -> dict[tuple[str, str], list[str]]:
    """What accounts for these weights of A, (id, words), with the names of those that it accounts for."""
    found = dict[tuple[str, str], list[str]]()
    for pair in pairs:
        said = reason_of(pair) if pair.a in names else None
        if said is not None:
            found.setdefault(said, []).append(pair.a)
    return found
