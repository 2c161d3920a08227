"""On what the training computes."""

from __future__ import annotations

from samebits.vary.factor import OWN, Change, Factor
from samebits.vary.machine import Machine


class Device(Factor):
    """On what the training computes: its own choice, or the processor alone (no CUDA device is visible)."""

    id = "device"
    takes = "own, cpu"

    def varied(self, machine: Machine) -> list[str]:
        """See Factor."""
        return ["cpu"] if machine.gpus else []

    def why_none(self, machine: Machine) -> str:
        """See Factor."""
        return "there is no CUDA device here"

    def why_not(self, value: str, machine: Machine) -> str:
        """See Factor."""
        if value not in (OWN, "cpu"):
            return f"it takes {self.takes}"
        return "" if machine.gpus else self.why_none(machine)

    def change(self, value: str, machine: Machine) -> Change:
        """See Factor."""
        return Change() if value == OWN else Change(variables={"CUDA_VISIBLE_DEVICES": ""})
