"""Makes a trial wait for its launcher, which ends it or lets it make more steps.

A trial waits at the end of a step, or before its first step. The program only sees a longer step, or a longer start.
"""

import sys

from .. import process, signals, wire
from ..system import System

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional

    from . import Probe

__all__ = ["wait"]

_LOOK, _CALM = 0.002, 0.1  # seconds between two looks for the answer, at first and later
_SLOWER = 1.05  # each time between two looks is longer by this factor: the answer waits for at most 5 % of the wait
_CANNOT_WRITE = 74  # EX_IOERR of sysexits.h


@signals.held  # an exception of a handler would let the program continue
def wait(probe: "Probe") -> None:
    """Wait until the launcher ends the process, or allows more steps.

    If the process ended by itself, a script would continue, or other ranks would fail in the middle of a step. The time
    of the wait does not count as step time.
    """
    began = System.now()
    if not probe.config.get("asks"):  # if the program may continue, the probe must not flush its output
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                probe.guard("flush", stream.flush)
    with probe.lock:
        probe.guard("write", probe.recorder.flush)
    if probe.step:  # before the first step, nothing has been done that could be reported
        probe.tell(probe.last_step)
        probe.event("packages", packages=process.packages())
    if not probe.conclude(wire.STOPPED, probe.progress()):
        System.exit(_CANNOT_WRITE)
    answer = _answer(probe.config, probe.step)
    probe.stop_after = answer["stop_after"]
    probe.step_times = [moment + System.now() - began for moment in probe.step_times]
    probe.guard("pause", System.unlink, System.join(probe.recorder.folder, wire.STOPPED))


def _answer(config: "wire.Config", step: int) -> "wire.PauseAnswer":
    """Wait until the trial may make more than `step` steps. Return how it continues.

    If the process outlives its launcher, it ends here.
    """
    path, launcher, pace = System.join(config["folder"], wire.ANSWER), config.get("launcher"), _LOOK
    while launcher is None or process.is_alive(launcher):
        found = _read(path)
        if found is not None and (found["stop_after"] is None or found["stop_after"] > step):
            return found
        System.sleep(pace)
        pace = min(pace * _SLOWER, _CALM)
    System.exit(0)
    return {"stop_after": step}


def _read(path: str) -> "Optional[wire.PauseAnswer]":
    try:
        found: "wire.PauseAnswer" = System.loads(System.read(path))
        return found
    except OSError:
        return None
