"""How many processes load data."""

from __future__ import annotations

from samebits.vary.factor import Change
from samebits.vary.factors.threads import Controlled
from samebits.vary.machine import Machine


class DataloaderWorkers(Controlled):
    """How many workers each PyTorch DataLoader has."""

    id = "dataloader-workers"
    takes = "own (as the program says), or numbers of workers"
    control = "dataloader-workers"
    libraries = ("torch",)

    def varied(self, machine: Machine) -> list[str]:
        """See Factor."""
        return ["0", "2"]

    def change(self, value: str, machine: Machine) -> Change:
        """See Factor. At `own` the control counts, and changes nothing."""
        return Change(controls=(f"{self.control}={value}",))

    def why_no_effect(self) -> str:
        """See Factor."""
        return "no DataLoader was made"
