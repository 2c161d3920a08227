"""What else runs on the machine."""

from __future__ import annotations

from collections.abc import Sequence

from samebits.store import TrialTrace
from samebits.vary.factor import OWN, Change, Factor
from samebits.vary.machine import Machine
from samebits_probe.controls.control import whole_number

MOST = 256


class CpuLoad(Factor):
    """How many processes compute beside the training, all the time."""

    id = "cpu-load"
    takes = "own (none of ours), or numbers of busy processes"

    def varied(self, machine: Machine) -> list[str]:
        """One for each processor."""
        return [str(machine.cores)]

    def why_not(self, value: str, machine: Machine) -> str:
        """See Factor."""
        fits = value == OWN or 1 <= whole_number(value) <= MOST  # type: ignore[no-untyped-call]
        return "" if fits else f"it takes own, or a number of processes from 1 to {MOST}"

    def change(self, value: str, machine: Machine) -> Change:
        """See Factor."""
        return Change(busy=0 if value == OWN else int(value))

    def in_force(self, value: str, trials: Sequence[TrialTrace], machine: Machine) -> str | None:
        """They are ours: a trial need not say it."""
        return "nothing of ours beside" if value == OWN else f"{value} busy processes beside"
