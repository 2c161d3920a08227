"""Programs that are simulated: what the search and its rule are tested on, and what it costs is counted on."""

import functools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from samebits import controls
from samebits.causes.decision_rule import NOWHERE, Observation, Where, Wish
from samebits.causes.lookahead import shares
from samebits.model import HeldControl


@dataclass(frozen=True)
class Source:
    """A source of variation. `shares`: of its outcomes. `pinned_by`: any of these controls pins it; none is outside.

    `where`: the point at which its outcomes diverge.
    """

    shares: tuple[float, ...]
    pinned_by: frozenset[str] = frozenset()
    where: Where = (0, 0, 0)


@dataclass
class Program:
    """Runs trials that are drawn. `breaks`: controls with which it does not run. `idle`: those without effect.

    `room`: how many run at a time. `trials`: how many have been run. `waves`: how often as many as fit were begun. It is
    deterministic for a generator of a given seed.
    """

    sources: Sequence[Source]
    generator: np.random.Generator
    breaks: frozenset[str] = frozenset()
    idle: frozenset[str] = frozenset()
    room: int = 1
    trials: int = 0
    waves: int = 0
    _outcomes: dict[frozenset[str], list[tuple[int, ...]]] = field(default_factory=dict)

    def look(self, names: Sequence[str], trials: int, before: Where = NOWHERE, *, through: bool = False) -> Observation:
        """See Experiment."""
        held = frozenset(controls.resolve(names))
        if held & self.breaks:
            self.trials += 1
            return Observation(held, broke="exit status 1")
        had = len(self._outcomes.get(held, []))
        seen = self._seen(held, self._wave(held, min(had if had >= 2 else max(2, self.room), trials)))
        while seen.trials < trials and (through or not seen.diverges(before)):
            seen = self._seen(held, self._wave(held, min(seen.trials + self.room, trials)))
        return seen

    def prepare(self, wishes: Sequence[Wish]) -> None:
        """See Experiment."""
        wanted: dict[frozenset[str], tuple[int, int]] = {}
        for wish in wishes:
            held = frozenset(controls.resolve(wish.names))
            made = self._outcomes.get(held, [])
            is_done = held & self.breaks or (len(set(made)) > 1 and not wish.through)
            wanted.setdefault(held, (wish.trials if is_done else len(made), wish.trials))
        more = shares(list(wanted.values()), self.room)
        if self.room > 2 and wishes and more[0] and sum(map(bool, more)) > 1:
            self.waves += 1
            for held, number in zip(wanted, more, strict=True):
                self._made(held, len(self._outcomes.get(held, [])) + number)

    def _wave(self, held: frozenset[str], trials: int) -> list[tuple[int, ...]]:
        more = trials - len(self._outcomes.get(held, []))
        self.waves += -(-max(more, 0) // self.room)
        return self._made(held, trials)

    def _made(self, held: frozenset[str], trials: int) -> list[tuple[int, ...]]:
        made = self._outcomes.setdefault(held, [])
        while len(made) < trials:
            made.append(tuple(self._drawn(source, held) for source in self.sources))
            self.trials += 1
        return made

    def _drawn(self, source: Source, held: frozenset[str]) -> int:
        pinned = bool(source.pinned_by & (held - self.idle))
        return 0 if pinned else int(self.generator.choice(len(source.shares), p=source.shares))

    def _seen(self, held: frozenset[str], made: list[tuple[int, ...]]) -> Observation:
        part = [source.where for place, source in enumerate(self.sources) if len({o[place] for o in made}) > 1]
        groups = tuple(sorted(Counter(made).values(), reverse=True))
        effect = {name: _control(name, is_idle=name in self.idle) for name in held}
        return Observation(held, groups, min(part, default=None), controls=effect)


@functools.cache
def _control(name: str, *, is_idle: bool) -> HeldControl:
    return HeldControl(id=name, effect="undone" if is_idle else "held")
