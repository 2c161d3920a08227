"""Which process of one trial belongs to which of another, whatever their order of arrival and their paths."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from samebits.model import ProcessKey
from samebits.store.trace import ProcessTrace, TrialTrace

TRIAL_FOLDER = "{trial-folder}"
_SPAWNED = re.compile(r"(fd|handle|pid)=\d+")  # multiprocessing's own arguments


class MemberKey(NamedTuple):
    """What makes two processes of different trials the same one: arguments, rank, and the how-many-eth of these.

    `identity`: multiprocessing's own number of a child, which says more than the order in which children begin.
    """

    argv: tuple[str, ...]
    rank: int
    nth: int
    identity: tuple[int, ...] = ()

    @property
    def family(self) -> tuple[tuple[str, ...], int, tuple[int, ...]]:
        """What siblings have in common that only their order, or what they did, tells apart."""
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
        """By order, then by rank."""
        found, seen = [], Counter[Any]()
        identities = _identities(self.trial.observed)
        for (order, trace), identity in zip(_ordered(self.trial.observed), identities, strict=True):
            argv = normal_argv(trace.facts["argv"], self.trial, self.command)
            key = MemberKey(argv, trace.facts.get("rank") or 0, 0, identity)
            found.append(Member(key._replace(nth=seen[key]), order, trace))
            seen[key] += 1
        return sorted(found, key=lambda member: (member.order, member.key.rank))

    @cached_property
    def steps(self) -> int:
        """Steps of the trial: of processes that follow each other added up, of ranks the most."""
        most: dict[int, int] = {}
        for member in self.members:
            most[member.order] = max(most.get(member.order, 0), member.trace.steps)
        return sum(most.values())


def _identities(processes: list[ProcessTrace]) -> list[tuple[int, ...]]:
    """The identity of each process; none at all if a forked child lacks its own.

    A pool's workers are told apart by what they did: which tasks each is given depends on how fast the others are.
    """
    found = [process.facts.get("identity") for process in processes]
    children = [i for i, process in zip(found, processes, strict=True) if process.facts.get("forked_from") is not None]
    if not all(isinstance(identity, list) for identity in children):
        return [()] * len(processes)
    return [
        tuple(identity) if isinstance(identity, list) and not is_pooled(process) else ()
        for identity, process in zip(found, processes, strict=True)
    ]


def is_pooled(process: ProcessTrace) -> bool:
    """Whether a pool gives this process its tasks."""
    return bool(process.events_named("pooled"))


def _ordered(processes: list[ProcessTrace]) -> list[tuple[int, ProcessTrace]]:
    """(order, process): ranks of one world that start together count as one place."""
    found: list[tuple[int, ProcessTrace]] = []
    ranks: set[Any] = set()
    world: Any = None
    order = -1
    for process in processes:
        rank, this = process.facts.get("rank"), _world(process.facts)
        if this is None or this != world or rank in ranks:
            order, world, ranks = order + 1, this, set()
        ranks.add(rank)
        found.append((order, process))
    return found


def _world(facts: dict[str, Any]) -> tuple[int, tuple[str, ...]] | None:
    """What the ranks of one distributed start have in common; None for a process alone."""
    size = int(facts.get("world_size") or 1)
    alone = size < 2 or facts.get("rank") is None or facts.get("forked_from") is not None
    return None if alone else (size, tuple(facts["argv"][1:]))


def program(argv: Sequence[str]) -> list[str]:
    """The arguments as the program sees them: without the interpreter and its flags (`-m` and `-c` stay)."""
    words = list(argv[1:])
    while words and re.fullmatch(r"-[bBdEiIOPqsSuvx]+", words[0]):
        del words[0]
    return words or list(argv)


def normal_argv(argv: Sequence[str], trial: TrialTrace, command: Sequence[str]) -> tuple[str, ...]:
    """The arguments without what names this trial, and without the interpreter's folder."""
    words = [_normal_word(word, trial, command) for word in argv]
    return tuple([Path(words[0]).name, *words[1:]]) if words else ()


def _normal_word(word: str, trial: TrialTrace, command: Sequence[str]) -> str:
    if trial.written_at:
        word = word.replace(trial.written_at, TRIAL_FOLDER)
    word = _SPAWNED.sub(r"\1=N", word)
    for original in command:
        if "{trial}" in original:
            word = _numbered(original, trial.id).sub(original.replace("\\", r"\\"), word)
    return word


def _numbered(original: str, number: int) -> re.Pattern[str]:
    """A word of the command with a trial's number in it, as a whole: the number 1 is no part of 13."""
    plain = [] if original == "{trial}" else [str(number)]  # a 1 alone stands for many things
    forms = [re.escape(original.replace("{trial}", text)) for text in (f"{number:03d}", *plain)]
    return re.compile(rf"(?<!\w)(?:{'|'.join(forms)})(?!\w)")
