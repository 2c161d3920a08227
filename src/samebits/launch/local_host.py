"""Runs trials on this machine, each below a launcher that starts its command."""

from __future__ import annotations

from samebits.launch import find_launcher
from samebits.launch.hosts import TrialOrder
from samebits.launch.trial import TrialRun

__all__ = ["LocalHost"]


class LocalHost:
    """This machine. A trial can wait here for the next round."""

    no_waiting = ""

    def __init__(self, launcher: str = "local", address: str = "") -> None:
        self._launcher = find_launcher(launcher)

    def start(self, order: TrialOrder) -> TrialRun:
        """See Host."""
        trial = TrialRun(*order)
        trial.start(self._launcher)
        return trial
