"""What the trials of one setting show, and who shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from samebits.model import HeldControl

Where = tuple[int, int, int]  # process, step, kind: in the order of judging
NOWHERE: Where = (1 << 62, 0, 0)


@dataclass(frozen=True)
class Observation:
    """A setting after some trials. `held`: all controls that were, implied ones too. `groups`: trials of each outcome.

    `where`: the first point at which two of its trials diverge, None where they agree. `broke`: why it cannot be run,
    "" where it can. `unclear`: why its trials give no answer. `controls`: what each control did, by its id. `excused`:
    controls of the check itself that had no effect there, and need none here.
    """

    held: frozenset[str]
    groups: tuple[int, ...] = ()
    where: Where | None = None
    broke: str = ""
    unclear: str = ""
    controls: Mapping[str, HeldControl] = field(default_factory=dict)
    excused: frozenset[str] = frozenset()

    @property
    def trials(self) -> int:
        """How many trials it has."""
        return sum(self.groups)

    def diverges(self, before: Where = NOWHERE) -> bool:
        """Whether its trials diverge before a point."""
        return self.where is not None and self.where < before

    def agrees(self, trials: int, before: Where = NOWHERE) -> bool:
        """Whether that many trials agree up to a point, and no control that was to be held is undone."""
        runs = not self.broke and not self.unclear
        undone = any(self.is_undone(name) for name in self.held - self.excused)
        return runs and not undone and not self.diverges(before) and self.trials >= trials

    def is_in_force(self, name: str) -> bool:
        """Whether a control took effect, and something reads what it holds."""
        return name in self.controls and self.controls[name].effect in ("held", "overruled")

    def is_undone(self, name: str) -> bool:
        """Whether a control was to be held, and does not hold."""
        return name in self.controls and self.controls[name].effect == "undone"

    def is_overruled(self, name: str) -> bool:
        """Whether the program sets by itself what a control sets."""
        return name in self.controls and self.controls[name].effect == "overruled"


class SettingTrials(Protocol):
    """Runs trials of settings; those of a setting that was tried before are kept and added to."""

    def look(
        self, controls: Sequence[str], trials: int, before: Where = NOWHERE, *, through: bool = False
    ) -> Observation:
        """Give a setting so many trials; fewer where two of them diverge before the point (`through`: also then), or
        where it cannot be run."""
        ...
