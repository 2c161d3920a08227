"""A trial that waits at the end of a step for its launcher, which ends it or lets it make more steps.

The program sees a longer step, and nothing else.
"""

import sys

from . import process, signals, wire
from .system import System

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional

    from .probe import Probe

__all__ = ["wait"]

_LOOK, _CALM = 0.002, 0.1  # seconds between two looks for the answer: at first, and later
_CANNOT_WRITE = 74  # EX_IOERR of sysexits.h


@signals.held  # a handler's exception would let the program go on
def wait(probe: "Probe") -> None:
    """Wait to be ended, or for more steps: leaving by ourselves would let a script go on, or bring other ranks down
    half-way. What the wait took does not count as time between two steps."""
    began = System.now()
    if not probe.config.get("asks"):  # a program that goes on must not see its output flushed
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                probe.guard("flush", stream.flush)
    probe.tell(probe.last_step)
    probe.event("packages", packages=process.packages())
    if not probe.conclude(wire.STOPPED, probe.progress()):
        System.exit(_CANNOT_WRITE)
    answer = _answer(probe.config, probe.step)
    probe.stop_after = answer["stop_after"]
    probe.step_times = [moment + System.now() - began for moment in probe.step_times]
    for function in probe.after_wait:
        probe.guard("pause", function, answer["left"])
    probe.guard("pause", System.unlink, System.join(probe.recorder.folder, wire.STOPPED))


def _answer(config: "wire.Config", step: int) -> "wire.PauseAnswer":
    """Wait until the trial may make more than `step` steps, and say how it goes on.

    A process that outlives its launcher ends here.
    """
    path, launcher, pace = System.join(config["folder"], wire.ANSWER), config.get("launcher"), _LOOK
    while launcher is None or process.is_alive(launcher):
        found = _read(path)
        if found is not None and (found["stop_after"] is None or found["stop_after"] > step):
            return found
        System.sleep(pace)
        pace = min(pace * 1.5, _CALM)
    System.exit(0)
    return {"stop_after": step, "left": []}


def _read(path: str) -> "Optional[wire.PauseAnswer]":
    try:
        found: "wire.PauseAnswer" = System.loads(System.read(path))
        return found
    except OSError:
        return None
