"""Which process of one trial is which of another: by what they are, and where that leaves siblings, by what they did.

Siblings are processes of equal arguments and rank, as forked children are: side by side, they begin in any order.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

import numpy as np

from samebits.compare.processes import AlignedTrial, Member, MemberKey
from samebits.store.trace import ProcessTrace, chunks
from samebits_probe import wire

K = TypeVar("K", bound=Hashable)


def pairs(a: AlignedTrial, b: AlignedTrial) -> list[tuple[Member | None, Member | None]]:
    """Processes that belong together, by order; None stands for one that the other trial does not have.

    A single process in each trial is the same one whatever its arguments. Else keys decide; of siblings, what they
    did comes before their order. What is left over is paired in its order where both have as many of the rank: a
    folder made anew for each trial may stand in the arguments.
    """
    if len(a.members) == len(b.members) == 1 and a.members[0].key.identity == b.members[0].key.identity:
        return [(a.members[0], b.members[0])]
    theirs = {member.key: member for member in b.members}
    alike = _alike(a.members, b.members)
    taken = {mine.key: theirs.pop(other) for mine, other in alike}
    for mine in a.members:
        if mine.key not in taken and mine.key in theirs:
            taken[mine.key] = theirs.pop(mine.key)
    found = [(mine, taken.get(mine.key)) for mine in a.members]
    found = [(mine, _take(mine, theirs, found) if other is None else other) for mine, other in found]
    return [*found, *((None, member) for member in theirs.values())]


def _take(mine: Member, theirs: dict[MemberKey, Member], found: list[tuple[Member, Member | None]]) -> Member | None:
    rank = mine.key.rank
    left = [key for key in theirs if key.rank == rank]
    alone = [member for member, other in found if other is None and member.key.rank == rank]
    if not left or len(alone) < 1 or not _same_program(mine, theirs[left[0]]):
        return None
    return theirs.pop(left[0])


def _same_program(a: Member, b: Member) -> bool:
    """Whether the arguments differ in values only."""
    same_place = a.key.identity == b.key.identity
    return same_place and len(a.key.argv) == len(b.key.argv) and a.key.argv[:2] == b.key.argv[:2]


def _alike(ours: Sequence[Member], theirs: Sequence[Member]) -> list[tuple[Member, MemberKey]]:
    """Of siblings, those that did the same: (member, the other's key)."""
    found: list[tuple[Member, MemberKey]] = []
    others = _grouped(theirs, lambda member: member.key.family)
    for family, mine in _grouped(ours, lambda member: member.key.family).items():
        other = others.get(family, [])
        if other and max(len(mine), len(other)) > 1:
            found += _same_content(mine, other)
    return found


def _same_content(mine: list[Member], other: list[Member]) -> list[tuple[Member, MemberKey]]:
    limits = [member.trace.limit for member in (*mine, *other) if member.trace.limit is not None]
    limit = min(limits, default=None)
    left = _grouped(other, lambda member: _content(member.trace, limit))
    found = []
    for member in mine:
        same = left.get(_content(member.trace, limit))
        if same:
            found.append((member, same.pop(0).key))
    return found


def _grouped(members: Sequence[Member], trait: Callable[[Member], K]) -> dict[K, list[Member]]:
    groups: dict[K, list[Member]] = defaultdict(list)
    for member in members:
        groups[trait(member)].append(member)
    return groups


def _content(trace: ProcessTrace, limit: int | None) -> bytes:
    """A digest over all that was observed below a step, random states left out, whatever the numbers of points."""
    names = np.array([_name(point.kind, point.name) for point in trace.points], "<u8")
    digest = hashlib.blake2b(digest_size=16)
    for part in chunks(trace.records):
        kept = part["kind"] != wire.CODE["rng"]
        rows = part[kept if limit is None else kept & (part["step"] < limit)]
        for column in (names[rows["point"]], *(rows[name] for name in ("step", "occurrence", "flag", "fingerprint"))):
            digest.update(np.ascontiguousarray(column).tobytes())
    return digest.digest()


def _name(kind: str, name: str) -> int:
    text = f"{kind} {name}".encode("utf-8", "backslashreplace")
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little")
