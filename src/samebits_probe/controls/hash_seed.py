"""The seed of the hashes of strings and bytes, and so the order of sets of them."""

import sys

from .control import Control, whole_number
from .variables import at_start_of_process


class HashSeed(Control):
    """Sets PYTHONHASHSEED=0, so that sets of strings have one order."""

    id = "hash-seed"
    value = "0"  # the paper's; it also turns the randomisation off
    values = "a seed from 0 to 4294967295"
    holds_variables = False  # a program that starts itself again with a hash seed of its own keeps that

    @classmethod
    def accepts(cls, value):
        return 0 <= whole_number(value) < 2**32

    @classmethod
    def environment(cls, seed):
        return {"PYTHONHASHSEED": cls.value}

    def read_back(self):
        value = at_start_of_process("PYTHONHASHSEED")
        randomised = bool(sys.flags.hash_randomization)
        if value == self.value and randomised == bool(int(value)) and not sys.flags.ignore_environment:
            return True, ""
        if value and value.isdigit() and not sys.flags.ignore_environment:
            return True, "the program chose PYTHONHASHSEED=%s for this process" % value
        return False, "this process was started with PYTHONHASHSEED=%s" % value
