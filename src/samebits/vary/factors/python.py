"""What Python itself takes from the machine: hashes of strings, addresses of objects."""

from __future__ import annotations

import os

from samebits.vary.factor import OWN, Change
from samebits.vary.factors.threads import Controlled
from samebits.vary.machine import Machine
from samebits_probe.controls.control import whole_number


class HashSeed(Controlled):
    """The seed of Python's hashes of strings, and so the order of sets of them."""

    id = "hash-seed"
    takes = "seeds from 0 to 4294967295"
    control = "hash-seed"

    def __init__(self) -> None:
        self.held = _own_seed() or "0"

    def varied(self, machine: Machine) -> list[str]:
        """See Factor."""
        return ["1"] if self.held != "1" else ["2"]

    def why_not(self, value: str, machine: Machine) -> str:
        """See Factor. A seed drawn anew for each process is no value: it is another one in each trial."""
        if value == OWN and not _own_seed():
            return "hash-seed=own would be another seed in each trial"
        return super().why_not(value, machine)

    def change(self, value: str, machine: Machine) -> Change:
        """See Factor. The user's own is named: controls of other factors imply one otherwise."""
        return super().change(self.held if value == OWN else value, machine)


def _own_seed() -> str:
    """The seed that the user has set; empty where each process draws another one."""
    chosen = os.environ.get("PYTHONHASHSEED", "")
    return chosen if whole_number(chosen) >= 0 else ""  # type: ignore[no-untyped-call]


class AddressLayout(Controlled):
    """Where memory lies, and so the order of sets of objects, which goes by their addresses."""

    id = "address-layout"
    held = "fixed"
    takes = "fixed, compat (fixed too, as old kernels laid memory out), own (random where the system says so)"
    control = "aslr"
    moves_memory = False  # beside what it is for

    def varied(self, machine: Machine) -> list[str]:
        """See Factor."""
        return ["compat"]
