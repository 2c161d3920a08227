"""The short floating-point format of NVIDIA's tensor cores."""

from . import gpu
from .control import Control
from .variables import at_start_of_process


class Tf32Off(Control):
    """Sets NVIDIA_TF32_OVERRIDE=0: NVIDIA's libraries use no TF32, whatever flag the program or its framework sets."""

    id = "tf32-off"

    @classmethod
    def environment(cls, seed):
        return {"NVIDIA_TF32_OVERRIDE": "0"}

    def read_back(self):
        if at_start_of_process("NVIDIA_TF32_OVERRIDE") != "0":
            return False, "this process was started without NVIDIA_TF32_OVERRIDE=0"
        return True, "" if gpu.is_visible() else "there is no GPU here: nothing reads it"
