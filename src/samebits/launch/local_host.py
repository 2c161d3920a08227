"""Runs trials on this machine, each below a launcher that starts its command."""

from __future__ import annotations

from collections.abc import Mapping

from samebits.errors import UsageError
from samebits.launch import find_launcher
from samebits.launch.hosts import TrialOrder
from samebits.launch.trial import TrialRun

__all__ = ["LocalHost"]


class LocalHost:
    """This machine. A trial can wait here for the next round."""

    no_waiting = ""

    def __init__(self, launcher: str, address: str, each: Mapping[str, str]) -> None:
        if each:
            needs = ",".join(f"{name}={value}" for name, value in each.items())
            what = f"--each {needs}: trials on {launcher} take what is there."
            raise UsageError(what, "leave --each out, or say --on ray.")
        self._launcher = find_launcher(launcher)

    def start(self, order: TrialOrder) -> TrialRun:
        """See Host."""
        trial = TrialRun(*order)
        trial.start(self._launcher)
        return trial
