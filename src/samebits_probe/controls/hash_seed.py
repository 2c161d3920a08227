"""The seed of the hashes of strings and bytes, and so the order of sets of them."""

import sys

from .control import Control
from .variables import at_start_of_process


class HashSeed(Control):
    """Sets PYTHONHASHSEED=0, so that sets of strings have one order."""

    id = "hash-seed"
    holds_variables = False  # a program that starts itself again with a hash seed of its own keeps that

    @classmethod
    def environment(cls, seed):
        return {"PYTHONHASHSEED": "0"}  # the paper's value; 0 also turns the randomisation off

    def read_back(self):
        value = at_start_of_process("PYTHONHASHSEED")
        if not sys.flags.hash_randomization and value == "0":
            return True, ""
        if value and value.isdigit() and not sys.flags.ignore_environment:
            return True, "the program chose PYTHONHASHSEED=%s for this process" % value
        return False, "this process was started with PYTHONHASHSEED=%s" % value
