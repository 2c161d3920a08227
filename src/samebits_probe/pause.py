"""A trial that waits at the end of a step for its launcher, which says whether it goes on.

The program sees a longer step, and nothing else.
"""

from typing import TYPE_CHECKING, Any, Dict, Optional

from . import process, signals, wire
from .system import System

if TYPE_CHECKING:
    from .probe import Probe

_LOOK, _CALM = 0.002, 0.05  # seconds between two looks for the answer: at first, and later


@signals.held
def goes_on(probe: "Probe") -> bool:
    """Whether the launcher, which is asked if it wants to be, lets the trial make more steps: `stop_after` is set.

    What the wait took does not count as time between two steps.
    """
    if not probe.config.get("asks") or not probe.conclude(wire.PAUSED, probe.progress()):
        return False
    began = System.now()
    probe.stop_after = _steps_allowed(probe.config, probe.step)
    probe.step_times = [moment + System.now() - began for moment in probe.step_times]
    probe.guard("pause", System.unlink, System.join(probe.recorder.folder, wire.PAUSED))
    return probe.stop_after > probe.step


def _steps_allowed(config: "wire.Config", step: int) -> int:
    """How many steps the trial may make in all. A process that outlives its launcher ends here."""
    path, launcher, pace = System.join(config["folder"], wire.ANSWER), config.get("launcher"), _LOOK
    while launcher is None or process.is_alive(launcher):
        answer = _read(path)
        if answer is not None and (answer["stop_after"] > step or answer["step"] >= step):
            return max(int(answer["stop_after"]), step)
        System.sleep(pace)
        pace = min(pace * 1.5, _CALM)
    System.exit(0)
    return step


def _read(path: str) -> Optional[Dict[str, Any]]:
    try:
        found: Dict[str, Any] = System.loads(System.read(path))
        return found
    except OSError:
        return None
