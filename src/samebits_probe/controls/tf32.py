"""Turns off TF32, the short floating-point format of NVIDIA's tensor cores."""

from typing import TYPE_CHECKING, Dict

from ..wire import HELD, IDLE, UNDONE
from . import control
from .control import SHELL, Control, Edit
from .variables import at_start_of_process

if TYPE_CHECKING:
    from .control import ControlEffect


class Tf32Off(Control):
    """Sets NVIDIA_TF32_OVERRIDE=0: NVIDIA's libraries use no TF32, whatever flag the program or its framework sets."""

    id = "tf32-off"
    is_strict = False  # TF32 repeats bit for bit: this control only changes the precision
    edits = (Edit(SHELL, "export NVIDIA_TF32_OVERRIDE=0"),)
    is_of_operators = True

    @classmethod
    def environment(cls, seed: int) -> "Dict[str, str]":
        return {"NVIDIA_TF32_OVERRIDE": "0"}

    def read_back(self) -> "ControlEffect":
        if at_start_of_process("NVIDIA_TF32_OVERRIDE") != "0":
            return UNDONE, "this process was started without NVIDIA_TF32_OVERRIDE=0"
        return (HELD, "") if control.gpu_is_visible() else (IDLE, "there is no GPU here: nothing reads it")
