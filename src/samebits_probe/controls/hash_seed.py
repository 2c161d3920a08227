"""Fixes the seed of the hashes of strings and bytes, and so the order of sets of them."""

import os
import sys

from ..wire import HELD, OVERRULED, UNDONE
from .control import CODE, OWN, SHELL, Control, Edit, whole_number
from .variables import at_start_of_process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, List, Optional

    from .control import ControlEffect, VariedMachine


class HashSeed(Control):
    """Sets PYTHONHASHSEED=0, so that sets of strings have one order."""

    id = "hash-seed"
    value = "0"  # as in the paper; it also turns the randomisation off
    values = "a seed from 0 to 4294967295"
    edits = (
        Edit(SHELL, "export PYTHONHASHSEED=0"),
        Edit(CODE, "sorted(names)  # if the program iterates over a set of strings", instead=True),
    )
    calls = ("set", "frozenset", "hash")
    acts_at_start = True
    hints = {"start": 8, "rng": 9, "batch": 5, "forward": 10, "gradient": 9, "structure": 3, "end": 4}
    factor = "hash-seed"
    varies = "The seed of Python's hashes of strings, and so the order of sets of them."
    takes = "seeds from 0 to 4294967295"
    holds_variables = False  # a program that starts itself again with its own hash seed keeps that seed

    @classmethod
    def accepts(cls, value: str) -> bool:
        return 0 <= whole_number(value) < 2**32

    @classmethod
    def environment(cls, seed: int) -> "Dict[str, str]":
        return {"PYTHONHASHSEED": cls.value}

    def read_back(self) -> "ControlEffect":
        value = at_start_of_process("PYTHONHASHSEED")
        randomised = bool(sys.flags.hash_randomization)
        if value == self.value and randomised == bool(int(value)) and not sys.flags.ignore_environment:
            return HELD, ""
        if value and value.isdigit() and not sys.flags.ignore_environment:
            return OVERRULED, "the program chose PYTHONHASHSEED=%s for this process" % value
        return UNDONE, "this process was started with PYTHONHASHSEED=%s" % value

    @classmethod
    def base(cls) -> str:
        return _seed_of_user() or cls.value

    @classmethod
    def varied(cls, machine: "VariedMachine") -> "List[str]":
        return ["1"] if cls.base() != "1" else ["2"]

    @classmethod
    def lacks(cls, value: str, machine: "VariedMachine") -> str:
        return "hash-seed=own would be a different seed in each trial" if value == OWN and not _seed_of_user() else ""

    @classmethod
    def at_own(cls, machine: "VariedMachine") -> "Optional[str]":
        return cls.base()  # named: otherwise a control of a different factor may imply the default seed

    @staticmethod
    def in_force() -> "Optional[str]":
        return "hash('samebits') is %d" % hash("samebits")


def _seed_of_user() -> str:
    """Return the seed that the user has set; "" if each process draws its own."""
    chosen = os.environ.get("PYTHONHASHSEED", "")
    return chosen if whole_number(chosen) >= 0 else ""
