"""The first thing executed whose outputs differ between trials. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import combinations

from samebits.locate.seen import Entry, Key, Seen


@dataclass(frozen=True)
class First:
    """Where two trials part. `at`: the place in the first one's order. `output`: which one of the entry's differs.

    `other`: the second trial's entry; None where it did something else there. `reads`: what takes in memory that
    `entry` has left uninitialised, where that is the cause.
    """

    at: int
    trials: tuple[Seen, Seen]
    entry: Entry
    other: Entry | None
    output: int = 0
    reads: Entry | None = None

    @property
    def inputs_equal(self) -> bool | None:
        """Whether it was given the same; None where inputs were not looked at."""
        if self.other is None or self.entry.inputs is None:
            return None
        return self.entry.inputs == self.other.inputs or self.reads is not None


def groups(trials: Sequence[Seen]) -> list[list[Seen]]:
    """Trials that executed the same with the same outputs, larger groups first."""
    found: dict[tuple[object, ...], list[Seen]] = {}
    for seen in trials:
        found.setdefault(tuple((entry.key, entry.prints) for entry in seen.entries), []).append(seen)
    return sorted(found.values(), key=lambda group: -len(group))


def earliest(trials: Sequence[Seen], *, what: Sequence[str]) -> First | None:
    """The earliest place at which any two trials part, among entries of these sorts; None where none do."""
    sorts = frozenset(what)
    ones = [group[0] for group in groups(trials)]
    found = [_first(a, b, sorts) for a, b in combinations(ones, 2)]
    return min((first for first in found if first is not None), key=lambda first: first.at, default=None)


def _first(a: Seen, b: Seen, sorts: frozenset[str]) -> First | None:
    mine = [entry for entry in a.entries if entry.key.what in sorts]
    theirs = [entry for entry in b.entries if entry.key.what in sorts]
    for at, entry, other in _paired(mine, theirs):
        if other is None:
            return First(at, (a, b), entry, None)
        if entry.prints != other.prints:
            return _caused(First(at, (a, b), entry, other, _output(entry, other)), mine[:at], theirs[:at])
    return None


def _paired(a: list[Entry], b: list[Entry]) -> Iterator[tuple[int, Entry, Entry | None]]:
    """(place, entry, the other trial's entry or None) in order; sequences that are not the same are aligned."""
    if [entry.key for entry in a] == [entry.key for entry in b]:
        yield from ((at, x, y) for at, (x, y) in enumerate(zip(a, b, strict=True)))
        return
    keys: list[list[Key]] = [[entry.key for entry in entries] for entries in (a, b)]
    for tag, i1, i2, j1, _ in SequenceMatcher(None, keys[0], keys[1], autojunk=False).get_opcodes():
        if tag == "equal":
            yield from ((i1 + k, a[i1 + k], b[j1 + k]) for k in range(i2 - i1))
        elif tag == "insert":
            yield i1, b[j1], None
        else:
            yield i1, a[i1], None


def _output(entry: Entry, other: Entry) -> int:
    pairs = zip(entry.prints, other.prints, strict=False)
    return next((number for number, (x, y) in enumerate(pairs) if x != y), 0)


def _caused(first: First, mine: list[Entry], theirs: list[Entry]) -> First:
    """Where what differs was taken in from memory that an operator gave uninitialised, that one is the first."""
    entry, other = first.entry, first.other
    if other is None or not entry.inputs or not other.inputs or entry.inputs == other.inputs:
        return first
    taken = [(x, y) for x, y in zip(entry.inputs, other.inputs, strict=False) if x != y]
    for at, (x, y) in enumerate(zip(mine, theirs, strict=False)):
        if x.unset and any((p.print, q.print) in taken for p, q in zip(x.outputs, y.outputs, strict=False)):
            return First(at, first.trials, x, y, reads=entry)
    return first
