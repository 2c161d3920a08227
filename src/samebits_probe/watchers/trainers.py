"""The threads that train in a process. Their order against each other may change from run to run."""

import threading
import weakref
from typing import TYPE_CHECKING, Callable, Optional

from ..wire import TRAINS_ELSEWHERE

if TYPE_CHECKING:
    from ..probe import Probe

Reference = Callable[[], Optional[threading.Thread]]


class Trainers:
    """Each thread tells it about each step that it makes.

    It reports once if a different living thread trains as well. What the main thread did before it started a thread and
    waited for it has an order, and is not reported.
    """

    def __init__(self, probe: "Probe", why: str = "models are trained in several threads, in any order") -> None:
        self._probe, self._why = probe, why
        self._latest: Reference = lambda: None  # kept weakly

    def step(self) -> None:
        """Note that this thread makes a step."""
        latest, here = self._latest(), threading.current_thread()
        if latest is not here:
            self._latest = weakref.ref(here)
        if latest is None or latest is here:
            return
        if latest is not threading.main_thread() and latest.is_alive():
            self.say()

    def say(self) -> None:
        """Report that several threads train."""
        self._probe.not_observed(TRAINS_ELSEWHERE, self._why)
