"""Pairs the processes of two trials, whatever their order of arrival and their paths."""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from samebits.model import ProcessKey
from samebits.store.trace import ProcessTrace, TrialTrace, chunks
from samebits_probe import wire

_SPAWNED = re.compile(r"(fd|handle|pid)=\d+")  # multiprocessing's own arguments


class MemberKey(NamedTuple):
    """Identifies a process across trials: its arguments, its rank, and its number among processes that share both.

    `identity`: multiprocessing's own number of a child, which says more than the order in which children begin.
    """

    argv: tuple[str, ...]
    rank: int
    nth: int
    identity: tuple[int, ...] = ()

    @property
    def family(self) -> tuple[tuple[str, ...], int, tuple[int, ...]]:
        """Equal for siblings, which differ only in their order and their work."""
        return self.argv, self.rank, self.identity


@dataclass(frozen=True)
class Member:
    """An observed process in its trial. `order`: its place; ranks of one distributed start share it."""

    key: MemberKey
    order: int
    trace: ProcessTrace

    @property
    def process(self) -> ProcessKey:
        """The key as the result shows it."""
        name, trains = str(self.trace.facts.get("name") or ""), self.trace.steps > 0
        return ProcessKey(order=self.order, argv=program(self.key.argv), rank=self.key.rank, name=name, trains=trains)


@dataclass(frozen=True)
class AlignedTrial:
    """A trial's observed processes under their keys."""

    trial: TrialTrace
    command: Sequence[str]

    @property
    def id(self) -> int:
        """The trial's number."""
        return self.trial.id

    @property
    def whole(self) -> bool:
        """Whether it ran to its end."""
        return self.trial.file.status == "complete"

    @cached_property
    def members(self) -> list[Member]:
        """The members, by order, then by rank."""
        members, counts = [], Counter[Any]()
        identities = _identities(self.trial.observed)
        for (order, trace), identity in zip(_ordered(self.trial.observed), identities, strict=True):
            argv = normal_argv(trace.facts["argv"], self.trial, self.command)
            key = MemberKey(argv, trace.facts.get("rank") or 0, 0, identity)
            members.append(Member(key._replace(nth=counts[key]), order, trace))
            counts[key] += 1
        return sorted(members, key=lambda member: (member.order, member.key.rank))

    @cached_property
    def steps(self) -> int:
        """The steps of the trial: the sum over processes that follow each other; among ranks, the largest number."""
        most: dict[int, int] = {}
        for member in self.members:
            most[member.order] = max(most.get(member.order, 0), member.trace.steps)
        return sum(most.values())


def _identities(processes: list[ProcessTrace]) -> list[tuple[int, ...]]:
    """Return the identity of each process; none at all if a forked child lacks its own.

    A pool's workers are told apart by what they did, because the tasks of each depend on how fast the others are.
    """
    ids = [process.facts.get("identity") for process in processes]
    children = [i for i, process in zip(ids, processes, strict=True) if process.facts.get("forked_from") is not None]
    if not all(isinstance(identity, list) for identity in children):
        return [()] * len(processes)
    return [
        tuple(identity) if isinstance(identity, list) and not is_pooled(process) else ()
        for identity, process in zip(ids, processes, strict=True)
    ]


def is_pooled(process: ProcessTrace) -> bool:
    """Return whether a pool gives this process its tasks."""
    return bool(process.events_named("pooled"))


def _ordered(processes: list[ProcessTrace]) -> list[tuple[int, ProcessTrace]]:
    """Return (order, process). Ranks of one world have the same order: a rank joins the last world that lacks it.

    If two starts run at the same time, the number of orders does not depend on which of them is faster.
    """
    ordered: list[tuple[int, ProcessTrace]] = []
    worlds: list[tuple[Hashable, set[Any]]] = []
    for process in processes:
        rank, own = process.facts.get("rank"), _world(process.facts)
        lacking = [
            at for at, (world, ranks) in enumerate(worlds) if own is not None and world == own and rank not in ranks
        ]
        if not lacking:
            worlds.append((own, set()))
        order = lacking[-1] if lacking else len(worlds) - 1
        worlds[order][1].add(rank)
        ordered.append((order, process))
    return ordered


def _world(facts: dict[str, Any]) -> tuple[int, tuple[str, ...]] | None:
    """Return a value that is equal for all ranks of one distributed start. It is None for any other process."""
    size = int(facts.get("world_size") or 1)
    alone = size < 2 or facts.get("rank") is None or facts.get("forked_from") is not None
    return None if alone else (size, _of_one_start(facts["argv"][1:]))


WORKER_OF_RAY = "default_worker.py"  # the script of Ray's own that each of its workers runs


def _of_one_start(argv: Sequence[str]) -> tuple[str, ...]:
    """Return the arguments that all ranks of one start share. Those after Ray's own script name a single worker."""
    at = next((at for at, word in enumerate(argv) if word.endswith(f"/{WORKER_OF_RAY}")), len(argv))
    return tuple(argv[: at + 1])


def program(argv: Sequence[str]) -> list[str]:
    """Return the arguments as the program sees them: without the interpreter and its flags (`-m` and `-c` stay)."""
    words = list(argv[1:])
    while words and re.fullmatch(r"-[bBdEiIOPqsSuvx]+", words[0]):
        del words[0]
    return words or list(argv)


def normal_argv(argv: Sequence[str], trial: TrialTrace, command: Sequence[str]) -> tuple[str, ...]:
    """Return the arguments without the parts that name this trial or a single worker of Ray.

    The interpreter's folder is left out, too.
    """
    words = [_normal_word(word, trial, command) for word in _of_one_start(argv)]
    return tuple([Path(words[0]).name, *words[1:]]) if words else ()


def _normal_word(word: str, trial: TrialTrace, command: Sequence[str]) -> str:
    word = _SPAWNED.sub(r"\1=N", trial.without_folders(word))
    for original in command:
        if "{trial}" in original:
            word = _number_pattern(original, trial.id).sub(original.replace("\\", r"\\"), word)
    return word


def _number_pattern(original: str, number: int) -> re.Pattern[str]:
    """Return a word of the command without the trial's number, as a whole word: the 1 in 13 stays."""
    plain = [] if original == "{trial}" else [str(number)]  # a 1 alone can mean many things
    forms = [re.escape(original.replace("{trial}", text)) for text in (f"{number:03d}", *plain)]
    return re.compile(rf"(?<!\w)(?:{'|'.join(forms)})(?!\w)")


# -- every rank of a distributed run must have left a trace -----------------------------------------------------------


def missing_ranks(trial: TrialTrace) -> list[tuple[int, int]]:
    """Return (rank, world size) of the ranks without a process that observed something."""
    promised: dict[int, set[int]] = {}
    leaders = [process for process in trial.processes if _leads(process, trial.processes)]
    for process in leaders:
        of_world = promised.setdefault(int(process.facts["world_size"]), set())
        if process.observed:
            of_world.add(int(process.facts["rank"]))
    observed = {size: ranks for size, ranks in promised.items() if ranks}
    return [(rank, size) for size, ranks in sorted(observed.items()) for rank in range(size) if rank not in ranks]


def _leads(process: ProcessTrace, processes: list[ProcessTrace]) -> bool:
    """Return whether the process is a rank itself, not a worker that inherited the rank's environment."""
    facts = process.facts
    if facts.get("rank") is None or (facts.get("world_size") or 0) < 2 or facts.get("forked_from") is not None:
        return False
    parents = [other for other in processes if other.facts["pid"] == facts.get("parent")]
    return not any(parent.facts.get("rank") == facts["rank"] for parent in parents)


# -- which process of one trial is which of a different trial ---------------------------------------------------------
# Arguments and rank pair processes. Siblings have the same arguments and rank, like forked children, and begin in any
# order. So their work pairs them.


K = TypeVar("K", bound=Hashable)


def pairs(a: AlignedTrial, b: AlignedTrial) -> list[tuple[Member | None, Member | None]]:
    """Return the processes that belong together, by order; None stands for one that the other trial does not have.

    A single process in each trial is the same one whatever its arguments. Else keys decide; for siblings, what they did
    comes before their order. The remaining processes are paired in order if both trials have equally many of the rank,
    because the arguments may name a folder that is new in each trial.
    """
    if len(a.members) == len(b.members) == 1 and a.members[0].key.identity == b.members[0].key.identity:
        return [(a.members[0], b.members[0])]
    theirs = {member.key: member for member in b.members}
    alike = _alike(a.members, b.members)
    partners = {mine.key: theirs.pop(other) for mine, other in alike}
    for mine in a.members:
        if mine.key not in partners and mine.key in theirs:
            partners[mine.key] = theirs.pop(mine.key)
    paired = [(mine, partners.get(mine.key)) for mine in a.members]
    paired = [(mine, _take(mine, theirs, paired) if other is None else other) for mine, other in paired]
    return [*paired, *((None, member) for member in theirs.values())]


def _take(mine: Member, theirs: dict[MemberKey, Member], paired: list[tuple[Member, Member | None]]) -> Member | None:
    rank = mine.key.rank
    left = [key for key in theirs if key.rank == rank]
    alone = [member for member, other in paired if other is None and member.key.rank == rank]
    if not left or len(alone) < 1 or not _same_program(mine, theirs[left[0]]):
        return None
    return theirs.pop(left[0])


def _same_program(a: Member, b: Member) -> bool:
    """Return whether the arguments differ only in values."""
    same_place = a.key.identity == b.key.identity
    return same_place and len(a.key.argv) == len(b.key.argv) and a.key.argv[:2] == b.key.argv[:2]


def _alike(ours: Sequence[Member], theirs: Sequence[Member]) -> list[tuple[Member, MemberKey]]:
    """Pair siblings that did the same: (member, the other's key)."""
    paired: list[tuple[Member, MemberKey]] = []
    others = _by_trait(theirs, lambda member: member.key.family)
    for family, mine in _by_trait(ours, lambda member: member.key.family).items():
        other = others.get(family, [])
        if other and max(len(mine), len(other)) > 1:
            paired += _same_content(mine, other)
    return paired


def _same_content(mine: list[Member], other: list[Member]) -> list[tuple[Member, MemberKey]]:
    limits = [member.trace.limit for member in (*mine, *other) if member.trace.limit is not None]
    limit = min(limits, default=None)
    left = _by_trait(other, lambda member: _content(member.trace, limit))
    paired = []
    for member in mine:
        same = left.get(_content(member.trace, limit))
        if same:
            paired.append((member, same.pop(0).key))
    return paired


def _by_trait(members: Sequence[Member], trait: Callable[[Member], K]) -> dict[K, list[Member]]:
    groups: dict[K, list[Member]] = defaultdict(list)
    for member in members:
        groups[trait(member)].append(member)
    return groups


def _content(trace: ProcessTrace, limit: int | None) -> bytes:
    """Return a digest over all observations before a step, without random states.

    It does not depend on the numbers of points.
    """
    names = np.array([_name(point.kind, point.name) for point in trace.points], "<u8")
    digest = hashlib.blake2b(digest_size=16)
    for part in chunks(trace.rows):
        mask = part["kind"] != wire.CODE["rng"]
        rows = part[mask if limit is None else mask & (part["step"] < limit)]
        for column in (names[rows["point"]], *(rows[name] for name in ("step", "occurrence", "flag", "fingerprint"))):
            digest.update(np.ascontiguousarray(column).tobytes())
    return digest.digest()


def _name(kind: str, name: str) -> int:
    text = f"{kind} {name}".encode("utf-8", "backslashreplace")
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little")
