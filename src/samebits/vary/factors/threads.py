"""How many threads compute."""

from __future__ import annotations

from samebits import controls
from samebits.errors import UsageError
from samebits.vary.factor import OWN, Change, Factor
from samebits.vary.machine import Machine


class Controlled(Factor):
    """A factor whose values are those of a control."""

    def why_not(self, value: str, machine: Machine) -> str:
        """See Factor."""
        try:
            controls.resolve([f"{self.control}={value}"])
        except UsageError as why:
            said = why.message.rstrip(".")
            return f"{said[:1].lower()}{said[1:]}" if value != OWN else ""
        return ""

    def change(self, value: str, machine: Machine) -> Change:
        """See Factor."""
        return Change() if value == OWN else Change(controls=(f"{self.control}={value}",))


class Threads(Controlled):
    """How many threads every pool that computes has: PyTorch, TensorFlow, JAX, BLAS, OpenMP."""

    id = "threads"
    takes = "own, or numbers of threads"
    control = "threads"

    def varied(self, machine: Machine) -> list[str]:
        """One thread, and two where the machine would choose another number by itself."""
        return [str(number) for number in (1, 2) if number != machine.cores]

    def why_no_effect(self) -> str:
        """See Factor."""
        return "no library was loaded whose threads can be counted"
