"""What the trials of one setting show, and who shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

Where = tuple[int, int, int]  # process, step, kind: in the order of judging
NOWHERE: Where = (1 << 62, 0, 0)


@dataclass(frozen=True)
class Seen:
    """A setting after some trials. `held`: all controls that were, implied ones too. `groups`: trials of each outcome.

    `where`: the first point at which two of its trials part, None where they agree. `broke`: why it cannot be run, ""
    where it can. `unclear`: why its trials give no answer. `effect`: control -> whether it took effect (None: not
    known) and a sentence. `excused`: controls of the check itself that had no effect there, and need none here.
    """

    held: frozenset[str]
    groups: tuple[int, ...] = ()
    where: Where | None = None
    broke: str = ""
    unclear: str = ""
    effect: Mapping[str, tuple[bool | None, str]] = field(default_factory=dict)
    excused: frozenset[str] = frozenset()

    @property
    def trials(self) -> int:
        """How many trials it has."""
        return sum(self.groups)

    def parts(self, before: Where = NOWHERE) -> bool:
        """Whether its trials part before a point."""
        return self.where is not None and self.where < before

    def agrees(self, trials: int, before: Where = NOWHERE) -> bool:
        """Whether that many trials agree up to a point, with every control in force that was to be held."""
        runs = not self.broke and not self.unclear
        wanted = [name for name in self.held - self.excused if name in self.effect]
        in_force = all(self.effect[name][0] is not False for name in wanted)
        return runs and in_force and not self.parts(before) and self.trials >= trials


class Tries(Protocol):
    """Runs trials of settings; those of a setting that was tried before are kept and added to."""

    def look(self, controls: Sequence[str], trials: int, before: Where = NOWHERE, *, through: bool = False) -> Seen:
        """Give a setting so many trials; fewer where two of them part before the point (`through`: also then), or where
        it cannot be run."""
        ...
