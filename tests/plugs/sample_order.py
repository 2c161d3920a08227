"""The order in which a made-up library goes through its samples."""

import os

from ..wire import HELD, UNDONE
from .control import SHELL, Control, Edit


class SampleOrder(Control):
    """Sets SAMPLE_ORDER=1, so that the samples have one order."""

    id = "sample-order"
    value = "1"
    values = "1 or 2"
    edits = (Edit(SHELL, "export SAMPLE_ORDER=1"),)
    hints = {"batch": 1}
    factor = "samples"
    varies = "The order of the samples."
    takes = "own, 1, 2"

    @classmethod
    def accepts(cls, value):
        return value in ("1", "2")

    @classmethod
    def environment(cls, seed):
        return {"SAMPLE_ORDER": cls.value}

    def read_back(self):
        return HELD if self.in_force() == self.value else UNDONE, ""

    @classmethod
    def varied(cls, machine):
        return ["1", "2"]

    @staticmethod
    def in_force():
        return os.environ.get("SAMPLE_ORDER")
